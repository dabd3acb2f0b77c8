//! What becomes of a company is told to its owners by mail.

use acuse_domain::Instant;
use acuse_domain::news::CompanyNews;

use crate::Actor;
use crate::db::{StoreError, Tx};
use crate::own_mails::STAYS_NEWS;
use crate::owners;
use crate::user_mails::{CompanyNames, NewMail, Post, names_of, queue};

/// Tells a company's owners what becomes of it. A deletion that was asked for is news until it may be confirmed.
pub(crate) async fn tell_owners(
    tx: &Tx,
    by: &Actor,
    (news, due_at): (CompanyNews, Option<Instant>),
    post: Post<'_>,
    now: Instant,
) -> Result<(), StoreError> {
    let detail = format!("{}\n{}", news.as_str(), by.name);
    for owner in owners::of(tx.as_conn(), by.company).await? {
        let ends_at = due_at.unwrap_or(now + STAYS_NEWS);
        let mail = NewMail { company: Some(by.company), detail: &detail, ..NewMail::new("company_news", &owner, ends_at) };
        queue(tx, post, &mail, now).await?;
    }
    Ok(())
}

/// Who hears that a company is gone, and what it was called: nothing of it is there to ask afterwards.
pub(crate) struct Farewell {
    owners: Vec<String>,
    detail: String,
}

impl Farewell {
    pub(crate) async fn of(tx: &Tx, by: &Actor) -> Result<Self, StoreError> {
        let CompanyNames { known_as, legal_name } = names_of(tx, Some(by.company.0)).await?.unwrap_or_default();
        let detail = format!("{}\n{}\n{known_as}\n{legal_name}", CompanyNews::Deleted.as_str(), by.name);
        Ok(Self { owners: owners::of(tx.as_conn(), by.company).await?, detail })
    }

    pub(crate) async fn queue(&self, tx: &Tx, post: Post<'_>, now: Instant) -> Result<(), StoreError> {
        for owner in &self.owners {
            let mail = NewMail { detail: &self.detail, ..NewMail::new("company_news", owner, now + STAYS_NEWS) };
            queue(tx, post, &mail, now).await?;
        }
        Ok(())
    }
}
