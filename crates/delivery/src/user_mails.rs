//! Mails to people about how they come in, through the default account.

use std::sync::Arc;

use acuse_domain::delivery::Outcome;
use acuse_render::mail::{self, RenderedMail, UserNews, user_mail};
use acuse_store::own_mails::Told;
use acuse_store::pauses::{self, AccountKey};
use acuse_store::user_mails::{self, Content, UserMail};
use acuse_store::{StoreError, now};
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinSet;

use crate::accounts::{DefaultAccount, default_account};
use crate::circuit_breaker::problem_of;
use crate::engine::Engine;
use crate::notices::{AT_ONCE, HandedOver, LATER, Tried, after, composed, hand_over, reply_of};
use crate::recorder::LEASE;

/// Begins to send what is due, and waits for none. While the default account is paused, they wait as long as their links are
/// good.
pub(crate) async fn round(engine: &Arc<Engine>, under_way: &mut JoinSet<()>) -> Result<(), StoreError> {
    let Some(default) = &engine.settings.default_account else { return Ok(()) };
    if !user_mails::are_due_any_company(&engine.db, now()).await?
        || pauses::find(&engine.db, AccountKey::Default).await?.is_some()
    {
        return Ok(());
    }
    let room = u32::try_from(AT_ONCE.saturating_sub(under_way.len())).unwrap_or_default();
    if room == 0 {
        return Ok(());
    }
    for mail in user_mails::claim_due_any_company(&engine.db, &engine.keys, room, LEASE, now()).await? {
        let (engine, default) = (engine.clone(), default.clone());
        under_way.spawn(async move {
            if let Err(error) = send(&engine, &default, &mail).await {
                tracing::error!("What became of a mail to a user could not be written down: {error}");
            }
        });
    }
    Ok(())
}

async fn send(engine: &Engine, default: &DefaultAccount, mail: &UserMail) -> Result<(), StoreError> {
    let (db, account) = (&engine.db, default_account(default));
    let tried = Tried { attempt: mail.attempt, queued_at: mail.queued_at, begun: now() };
    let rendered = rendered(mail, &engine.public_url);
    let id = mail.claim.id.to_string();
    let (told, problem, reply) = match composed(&rendered, default, &mail.recipient, &id, mail.queued_at) {
        Ok(bytes) => {
            let take = async || user_mails::hand_over(db, mail.claim, now()).await;
            match hand_over(engine, &account, &mail.recipient, &bytes, take).await? {
                HandedOver::Outcome(outcome) => {
                    let told = after(engine, &account, tried, &outcome).await?;
                    (told, code_of(&outcome), reply_of(outcome))
                }
                HandedOver::NoConnectionFree => (Told::Again { at: now() + LATER }, None, String::new()),
                HandedOver::TakenOver => return Ok(()),
            }
        }
        Err(error) => {
            tracing::error!("A mail to a user cannot be written: {error}");
            (Told::Failed, None, String::new())
        }
    };
    tracing::info!("A mail to a user: {told:?}");
    user_mails::record(db, mail.claim, &told, problem.as_deref(), &reply, now()).await.map(|_| ())
}

fn code_of(outcome: &Outcome) -> Option<String> {
    problem_of(outcome).map(|problem| problem.code.as_str().to_owned())
}

fn rendered(mail: &UserMail, public_url: &str) -> RenderedMail {
    let link = |path: &str, token: &SecretString| format!("{public_url}/{path}/{}", token.expose_secret());
    let (news, url) = match &mail.content {
        Content::Invitation { company, inviter, role, token } => {
            let (company_name, company_legal_name) = (company.known_as.as_str(), company.legal_name.as_str());
            let news = UserNews::Invitation { company_name, company_legal_name, inviter, role: *role };
            (news, link("invitacion", token))
        }
        Content::Reset { token } => (UserNews::Reset, link("clave", token)),
        Content::ConfirmAddress { token } => (UserNews::ConfirmAddress, link("correo", token)),
        Content::AddressChanged { new, token } => (UserNews::AddressChanged { new }, link("correo", token)),
        Content::PasswordChanged => (UserNews::PasswordChanged, String::new()),
        Content::AccountChanged(change) => (UserNews::AccountChanged(*change), String::new()),
        Content::Company { company, news, who, due_at } => {
            let (company_name, company_legal_name) = (company.known_as.as_str(), company.legal_name.as_str());
            let news = UserNews::Company { company_name, company_legal_name, news: *news, who, due_at: *due_at };
            (news, String::new())
        }
        Content::Removed { company } => {
            let news = UserNews::Removed { company_name: &company.known_as, company_legal_name: &company.legal_name };
            (news, String::new())
        }
    };
    user_mail(&mail::UserMail { news, url: &url, ends_at: mail.ends_at })
}
