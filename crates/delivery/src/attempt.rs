//! One delivery, once: composed, sent, and its outcome.

use std::time::Instant as Moment;

use acuse_domain::delivery::{Outcome, Problem, Verdict};
use acuse_mail::diagnosis::{Diagnosis, classify};
use acuse_mail::failure::Failure;
use acuse_mail::guard::Network;
use acuse_mail::pool::Pool;
use acuse_mail::reply::Reply;
use acuse_mail::session::{Envelope, Limits, Session};
use acuse_render::logo::Logo;
use acuse_store::deliveries::Claimed;

use crate::accounts::Account;
use crate::letter::{Composed, Drawer, LetterError};

/// The code of a delivery whose mail cannot be made.
const NOT_COMPOSED: &str = "message_not_composed";
/// Letters of a server's reply that are kept.
const LONGEST_REPLY: usize = 2_000;

/// What an attempt is made with.
pub(crate) struct Desk {
    pub network: Network,
    pub pool: Pool,
    pub limits: Limits,
    pub drawer: Drawer,
}

/// How one attempt ended, and how long it took.
pub(crate) struct Attempted {
    pub outcome: Outcome,
    pub phase: &'static str,
    pub message_id: String,
    pub took_ms: i64,
}

impl Desk {
    /// Tries one delivery. Never panics for what a server or a receipt holds: whatever goes wrong is an outcome.
    pub(crate) async fn attempt(&self, claimed: &Claimed, account: &Account, logo: Option<&Logo>) -> Attempted {
        let begun = Moment::now();
        let composed = match self.drawer.compose(claimed, account, logo) {
            Ok(composed) => composed,
            Err(error) => return not_composed(claimed, &error, begun),
        };
        let sent = self.send(claimed, account, &composed).await;
        let (outcome, phase) = match sent {
            Ok(reply) => (Outcome::Accepted { reply: cut(reply.text()) }, "message"),
            Err(failure) => (outcome_of(&failure), failure.phase.as_str()),
        };
        Attempted { outcome, phase, message_id: composed.message_id, took_ms: elapsed(begun) }
    }

    async fn send(&self, claimed: &Claimed, account: &Account, composed: &Composed) -> Result<Reply, Box<Failure>> {
        match self.send_by(self.pool.take(&account.pool_key).await, claimed, account, composed).await {
            // The server had tired of an idle connection; nothing was sent on it.
            Err(failure) if failure.is_stale_session() => self.send_by(None, claimed, account, composed).await,
            other => other,
        }
    }

    async fn send_by(
        &self,
        resting: Option<Session>,
        claimed: &Claimed,
        account: &Account,
        composed: &Composed,
    ) -> Result<Reply, Box<Failure>> {
        let mut session = match resting {
            Some(session) => session,
            None => Session::open(&self.network, &account.endpoint, account.credentials.as_ref(), &self.limits).await?,
        };
        let envelope = Envelope { from: &account.from_address, recipient: &claimed.recipient, copies: account.bcc.as_slice() };
        let answer = session.send(&envelope, &composed.bytes).await;
        self.pool.give_back(&account.pool_key, session);
        answer
    }
}

fn outcome_of(failure: &Failure) -> Outcome {
    let Diagnosis { code, verdict, wait, .. } = classify(failure);
    let problem = Problem { code: code.to_string(), reply: cut(failure.reply_text()), phase: failure.phase.as_str() };
    match verdict {
        Verdict::InDoubt => Outcome::InDoubt { problem },
        Verdict::Account => Outcome::AccountAtFault { problem },
        Verdict::Later => Outcome::TryLater { problem, wait },
        Verdict::Recipient | Verdict::Message => Outcome::Refused { problem },
    }
}

fn not_composed(claimed: &Claimed, error: &LetterError, begun: Moment) -> Attempted {
    tracing::error!(delivery.id = %claimed.id, "A receipt cannot be made into a mail: {error}");
    let problem = Problem { code: NOT_COMPOSED.to_string(), reply: String::new(), phase: "message" };
    let message_id = claimed.message_id.clone().unwrap_or_else(|| claimed.id.to_string());
    Attempted { outcome: Outcome::Refused { problem }, phase: "message", message_id, took_ms: elapsed(begun) }
}

fn cut(reply: &str) -> String {
    reply.chars().take(LONGEST_REPLY).collect()
}

fn elapsed(begun: Moment) -> i64 {
    i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX)
}
