//! What attempts and probes are made with: sessions that are logged in, and what is known of servers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Moment};

use acuse_domain::Instant;
use acuse_domain::delivery::{Outcome, Problem, Verdict};
use acuse_mail::diagnosis::{Diagnosis, classify};
use acuse_mail::endpoint::Limits;
use acuse_mail::failure::Failure;
use acuse_mail::guard::Network;
use acuse_mail::known::Known;
use acuse_mail::login::Credentials;
use acuse_mail::pool::Pool;
use acuse_mail::session::Session;
use acuse_store::oauth::{ConnectedAccount, Token, Wanted};

use crate::accounts::Account;
use crate::compose::ReceiptRenderer;
use crate::tokens::{NoToken, Tokens};

/// Letters of a server's reply that are kept.
const LONGEST_REPLY: usize = 2_000;

/// What an attempt is made with.
pub(crate) struct Transport {
    pub network: Network,
    pub pool: Pool,
    pub limits: Limits,
    pub renderer: ReceiptRenderer,
    pub certificates: Certificates,
    pub tokens: Tokens,
    pub servers: Servers,
}

/// What is known of how accounts' servers behave, by pool key.
#[derive(Default)]
pub(crate) struct Servers(Mutex<HashMap<String, Arc<Known>>>);

impl Servers {
    pub(crate) fn of(&self, account: &str) -> Arc<Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(account.to_owned()).or_default().clone()
    }
}

impl Transport {
    pub(crate) async fn open(&self, account: &Account, limits: &Limits) -> Result<Session, Box<Failure>> {
        let session = self.log_in(account, limits).await?;
        self.certificates.saw(&account.pool_key, session.certificate_ends_at());
        Ok(session)
    }

    /// Logs in and asks whether mail from this sender would be taken. Nothing is sent.
    pub(crate) async fn try_login(&self, account: &Account, limits: &Limits) -> Result<(), Outcome> {
        let knocked = async {
            let mut session = self.open(account, limits).await?;
            session.try_sender(&account.from_address).await?;
            session.leave();
            Ok::<(), Box<Failure>>(())
        };
        knocked.await.map_err(|failure| outcome_of(&failure))
    }

    /// A session that is logged in. A token that the server refuses before its time is renewed once; what the server says
    /// to the new one counts.
    async fn log_in(&self, account: &Account, limits: &Limits) -> Result<Session, Box<Failure>> {
        if let Some(code) = account.fault {
            return Err(Box::new(Failure::without_token(&account.endpoint, code, "")));
        }
        let Some(connected) = &account.connected else {
            return self.open_knowing(account, account.credentials.as_ref(), limits).await;
        };
        let fails = |no: NoToken, said: &str| {
            let words = format!("{said}\n{}", no.words);
            Box::new(Failure::without_token(&account.endpoint, no.code, words.trim()))
        };
        let token = self.tokens.fetch(connected, Wanted::Usable).await.map_err(|no| fails(no, ""))?;
        let generation = token.generation;
        match self.open_with(account, connected, token, limits).await {
            Err(failure) if failure.refuses_token() => {
                let renewed = self.tokens.fetch(connected, Wanted::After(generation)).await;
                let token = renewed.map_err(|no| fails(no, failure.reply_text()))?;
                self.open_with(account, connected, token, limits).await
            }
            other => other,
        }
    }

    async fn open_with(
        &self,
        account: &Account,
        connected: &ConnectedAccount,
        token: Token,
        limits: &Limits,
    ) -> Result<Session, Box<Failure>> {
        let credentials = Credentials::access_token(connected.scope.username.clone(), token.secret);
        self.open_knowing(account, Some(&credentials), limits).await
    }

    async fn open_knowing(
        &self,
        account: &Account,
        credentials: Option<&Credentials>,
        limits: &Limits,
    ) -> Result<Session, Box<Failure>> {
        let known = self.servers.of(&account.pool_key);
        Session::open_knowing(&self.network, &account.endpoint, credentials, limits, &known).await
    }
}

/// When the certificates end that servers have shown, until that is written down.
#[derive(Default)]
pub(crate) struct Certificates(Mutex<HashMap<String, Seen>>);

struct Seen {
    ends_at: Instant,
    /// Shown since it was last asked for here.
    is_fresh: bool,
    written: Option<(Instant, Moment)>,
}

impl Certificates {
    /// The same certificate is written down again after this long: somebody has to know that it is still the same.
    const AGAIN_AFTER: Duration = Duration::from_secs(12 * 3_600);

    fn saw(&self, account: &str, ends_at: Option<Instant>) {
        let Some(ends_at) = ends_at else { return };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = all.entry(account.to_owned()).or_insert(Seen { ends_at, is_fresh: true, written: None });
        (seen.ends_at, seen.is_fresh) = (ends_at, true);
    }

    /// What is to be written down now.
    pub(crate) fn take(&self, account: &str) -> Option<Instant> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = all.get_mut(account)?;
        if !std::mem::take(&mut seen.is_fresh) {
            return None;
        }
        if seen.written.is_some_and(|(what, when)| what == seen.ends_at && when.elapsed() < Self::AGAIN_AFTER) {
            return None;
        }
        seen.written = Some((seen.ends_at, Moment::now()));
        Some(seen.ends_at)
    }
}

pub(crate) fn outcome_of(failure: &Failure) -> Outcome {
    let Diagnosis { code, verdict, wait, .. } = classify(failure);
    let problem = Problem { code, reply: cut(failure.reply_text()), phase: failure.phase.as_str() };
    match verdict {
        Verdict::InDoubt => Outcome::InDoubt { problem },
        Verdict::Account => Outcome::AccountAtFault { problem },
        Verdict::Later => Outcome::TryLater { problem, wait },
        Verdict::Recipient | Verdict::Message => Outcome::Refused { problem },
    }
}

pub(crate) fn cut(reply: &str) -> String {
    reply.chars().take(LONGEST_REPLY).collect()
}
