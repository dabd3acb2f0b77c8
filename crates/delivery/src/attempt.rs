//! One delivery, once: composed, sent, and its outcome.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Moment};

use acuse_domain::Instant;
use acuse_domain::delivery::{Outcome, Problem, Verdict};
use acuse_domain::mail_problem::ProblemCode;
use acuse_mail::diagnosis::{Diagnosis, classify};
use acuse_mail::endpoint::Limits;
use acuse_mail::failure::{Cause, Failure};
use acuse_mail::guard::Network;
use acuse_mail::known::Known;
use acuse_mail::pool::Pool;
use acuse_mail::reply::Reply;
use acuse_mail::session::{Envelope, Session};
use acuse_render::logo::Logo;
use acuse_store::deliveries::Claimed;

use crate::accounts::Account;
use crate::compose::{self, Composed, ReceiptRenderer};
use crate::tokens::Tokens;

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

/// How one attempt ended, and how long it took.
pub(crate) struct Attempted {
    pub outcome: Outcome,
    pub phase: &'static str,
    pub message_id: String,
    pub took_ms: i64,
}

impl Attempted {
    /// It ended before it was known what the server did with the message.
    pub(crate) fn in_doubt(claimed: &Claimed, account: &Account) -> Self {
        let problem = Problem { code: ProblemCode::InDoubt, reply: String::new(), phase: "message" };
        let message_id = compose::message_id(claimed, account);
        Self { outcome: Outcome::InDoubt { problem }, phase: "message", message_id, took_ms: 0 }
    }

    /// There is no mail that could be sent, now or later.
    pub(crate) fn not_composed(claimed: &Claimed, account: &Account, why: &dyn Display) -> Self {
        tracing::error!(delivery.id = %claimed.id, "A receipt cannot be made into a mail: {why}");
        let problem = Problem { code: ProblemCode::MessageNotComposed, reply: String::new(), phase: "message" };
        let message_id = compose::message_id(claimed, account);
        Self { outcome: Outcome::Refused { problem }, phase: "message", message_id, took_ms: 0 }
    }
}

/// Whether a server may have the message: an attempt that breaks off from then on is in doubt.
#[derive(Clone, Default)]
pub(crate) struct HandedOver(Arc<AtomicBool>);

impl HandedOver {
    pub(crate) fn is_so(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Transport {
    /// Tries one delivery. Never panics for what a server or a receipt holds: whatever goes wrong is an outcome.
    pub(crate) async fn attempt(
        &self,
        claimed: &Claimed,
        account: &Account,
        logo: Option<&Logo>,
        handed_over: &HandedOver,
    ) -> Attempted {
        let begun = Moment::now();
        let composed = match self.renderer.compose(claimed, account, logo) {
            Ok(composed) => composed,
            Err(error) => return Attempted::not_composed(claimed, account, &error),
        };
        let sent = self.send(claimed, account, &composed, handed_over).await;
        let (outcome, phase) = match sent {
            Ok(reply) => (Outcome::Accepted { reply: cut(reply.text()) }, "message"),
            Err(failure) => (outcome_of(&failure), failure.phase.as_str()),
        };
        Attempted { outcome, phase, message_id: composed.message_id, took_ms: elapsed(begun) }
    }

    async fn send(
        &self,
        claimed: &Claimed,
        account: &Account,
        composed: &Composed,
        handed_over: &HandedOver,
    ) -> Result<Reply, Box<Failure>> {
        let pooled = self.pool.take(&account.pool_key).await;
        match self.send_by(pooled, claimed, account, composed, handed_over).await {
            // The server had closed an idle connection; nothing was sent on it.
            Err(failure) if failure.is_stale_session() => self.send_by(None, claimed, account, composed, handed_over).await,
            // Nor where it was pipelined and broke off. After a silence nobody waits twice: the next attempt comes when it is due.
            Err(failure) if failure.lost_pipelined && failure.cause != Cause::Timeout => {
                self.send_by(None, claimed, account, composed, handed_over).await
            }
            other => other,
        }
    }

    async fn send_by(
        &self,
        pooled: Option<Session>,
        claimed: &Claimed,
        account: &Account,
        composed: &Composed,
        handed_over: &HandedOver,
    ) -> Result<Reply, Box<Failure>> {
        let mut session = match pooled {
            Some(session) => session,
            None => self.open(account, &self.limits).await?,
        };
        let envelope = Envelope { from: &account.from_address, recipient: &claimed.recipient, copies: account.bcc.as_slice() };
        let answer = session.send_telling(&envelope, &composed.bytes, &handed_over.0).await;
        self.pool.give_back(&account.pool_key, session);
        answer
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

fn cut(reply: &str) -> String {
    reply.chars().take(LONGEST_REPLY).collect()
}

fn elapsed(begun: Moment) -> i64 {
    i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX)
}
