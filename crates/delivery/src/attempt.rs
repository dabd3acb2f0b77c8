//! One delivery, once: composed, sent, and its outcome.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant as Moment;

use acuse_domain::delivery::{Outcome, Problem};
use acuse_domain::mail_problem::ProblemCode;
use acuse_mail::failure::{Cause, Failure};
use acuse_mail::reply::Reply;
use acuse_mail::session::{Envelope, Session};
use acuse_render::logo::Logo;
use acuse_store::deliveries::Claimed;

use crate::accounts::Account;
use crate::compose::{self, Composed};
use crate::transport::{Transport, cut, outcome_of};

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

fn elapsed(begun: Moment) -> i64 {
    i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX)
}
