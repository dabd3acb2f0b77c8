//! A session with a mail server: opened phase by phase, used for many messages, closed politely.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use acuse_domain::email_address::EmailAddress;
use tokio::time::Instant;

use crate::capabilities::Capabilities;
use crate::endpoint::{Endpoint, Limits};
use crate::failure::{Cause, Failure, Phase, Trouble};
use crate::guard::Network;
use crate::known::Known;
use crate::login::Credentials;
use crate::opening::{self, Step};
use crate::reply::Reply;
use crate::wire::Wire;

/// Providers close after some hundred messages; a fresh session costs little.
const MOST_MESSAGES: usize = 100;
/// For whatever is still said after the server's word on a message: it is known by then, and a fresh session costs less than
/// waiting for one that does not answer.
pub(crate) const AFTER_THE_VERDICT: Duration = Duration::from_secs(3);

/// Who a message is from and for, as the server is told.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    pub from: &'a EmailAddress,
    pub recipient: &'a EmailAddress,
    /// Hidden copies. A copy that is refused does not hold up the message.
    pub copies: &'a [EmailAddress],
}

/// An open session, logged in where credentials were given.
pub struct Session {
    pub(crate) wire: Wire,
    pub(crate) endpoint: Endpoint,
    pub(crate) limits: Limits,
    pub(crate) offers: Capabilities,
    pub(crate) known: Arc<Known>,
    pub(crate) logged_in: bool,
    certificate_ends_at: Option<acuse_domain::Instant>,
    pub(crate) sent: usize,
    standing: Standing,
}

/// What the server was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Between transactions.
    Idle,
    /// A transaction has its answer and not its end: RSET comes before the next.
    Answered,
    /// A transaction is under way, which also covers a `send` that was dropped half-way; or nobody knows what comes next.
    Busy,
}

impl Session {
    /// From the name to the login, each step within its limit.
    ///
    /// Errs with the phase that failed; nothing has been sent then.
    pub async fn open(
        network: &Network,
        endpoint: &Endpoint,
        credentials: Option<&Credentials>,
        limits: &Limits,
    ) -> Result<Self, Box<Failure>> {
        Self::open_knowing(network, endpoint, credentials, limits, &Arc::default()).await
    }

    /// The same, by what is known of the server's behaviour; what more is learnt is kept there.
    pub async fn open_knowing(
        network: &Network,
        endpoint: &Endpoint,
        credentials: Option<&Credentials>,
        limits: &Limits,
        known: &Arc<Known>,
    ) -> Result<Self, Box<Failure>> {
        Self::open_watched(network, endpoint, credentials, limits, known, &mut |_| {}).await
    }

    /// Without a login, and without a further look at a port that speaks otherwise than was chosen.
    pub(crate) async fn look_in(network: &Network, endpoint: &Endpoint, limits: &Limits) -> Result<Self, Box<Failure>> {
        let (begun, known) = (Instant::now(), Arc::<Known>::default());
        let opened = opening::open(network, endpoint, None, limits, &known, &mut |_| {}).await;
        opened
            .map(|opened| Self::begin(opened, endpoint, false, limits, &known))
            .map_err(|trouble| failure(trouble, endpoint, begun))
    }

    /// The same, telling of each step as it is done.
    pub(crate) async fn open_watched(
        network: &Network,
        endpoint: &Endpoint,
        credentials: Option<&Credentials>,
        limits: &Limits,
        known: &Arc<Known>,
        watch: &mut (dyn FnMut(Step<'_>) + Send),
    ) -> Result<Self, Box<Failure>> {
        let begun = Instant::now();
        match opening::open(network, endpoint, credentials, limits, known, watch).await {
            Ok(opened) => Ok(Self::begin(opened, endpoint, credentials.is_some(), limits, known)),
            Err(trouble) => {
                let trouble = opening::look_again(network, endpoint, limits, begun, trouble).await;
                Err(failure(trouble, endpoint, begun))
            }
        }
    }

    fn begin(
        (wire, offers): (Wire, Capabilities),
        endpoint: &Endpoint,
        logged_in: bool,
        limits: &Limits,
        known: &Arc<Known>,
    ) -> Self {
        Self {
            certificate_ends_at: wire.certificate_ends_at(),
            wire,
            endpoint: endpoint.clone(),
            limits: limits.clone(),
            offers,
            known: Arc::clone(known),
            logged_in,
            sent: 0,
            standing: Standing::Idle,
        }
    }

    /// Sends one message. The answer is the server's to the final dot: from then on the message is its own.
    ///
    /// Errs with the phase that failed. The session stays usable where the server refused and went on listening.
    pub async fn send(&mut self, envelope: &Envelope<'_>, message: &[u8]) -> Result<Reply, Box<Failure>> {
        self.send_telling(envelope, message, &AtomicBool::new(false)).await
    }

    /// The same, and sets `handed_over` before the first byte of the message leaves: who breaks it off later is in doubt.
    pub async fn send_telling(
        &mut self,
        envelope: &Envelope<'_>,
        message: &[u8],
        handed_over: &AtomicBool,
    ) -> Result<Reply, Box<Failure>> {
        let begun = Instant::now();
        self.make_ready(begun).await?;
        let outcome = match self.transact(envelope, message, handed_over).await {
            Err(trouble) if self.may_be_for_its_parameters(&trouble) => {
                if self.is_reset().await {
                    self.transact_without_parameters(envelope, message, handed_over).await
                } else {
                    Err(Trouble { broken: true, ..trouble })
                }
            }
            outcome => outcome,
        };
        let answer = self.told(outcome, Standing::Idle, begun);
        self.sent += 1;
        answer
    }

    /// Asks whether the server would take mail from this address, and sends nothing.
    pub async fn try_sender(&mut self, from: &EmailAddress) -> Result<Reply, Box<Failure>> {
        let begun = Instant::now();
        self.make_ready(begun).await?;
        let outcome = self.ask_sender(from).await;
        self.told(outcome, Standing::Answered, begun)
    }

    /// The server's word goes to the caller at once: what is left to be said waits until the session is used again.
    fn told(&mut self, outcome: Result<Reply, Trouble>, after_yes: Standing, begun: Instant) -> Result<Reply, Box<Failure>> {
        self.standing = match &outcome {
            Ok(_) => after_yes,
            Err(trouble) if trouble.cause == Cause::Utf8Unsupported => Standing::Idle,
            Err(trouble) if goes_on_after(trouble) => Standing::Answered,
            Err(_) => Standing::Busy,
        };
        outcome.map_err(|trouble| self.failure(trouble, begun))
    }

    /// Forgets the last transaction where it has not ended. Where the server does not do so, nothing was
    /// said of this one, and a fresh session will do (`Failure::is_stale_session`).
    async fn make_ready(&mut self, begun: Instant) -> Result<(), Box<Failure>> {
        let was = std::mem::replace(&mut self.standing, Standing::Busy);
        if was != Standing::Answered || self.is_reset().await {
            return Ok(());
        }
        let lost = self.failure(Trouble::new(Phase::Sender, Cause::ConnectionLost), begun);
        Err(Box::new(Failure { on_used_session: true, ..*lost }))
    }

    /// RFC 5321 4.1.1.5. It has no refusal: whatever else is said in its place, or not said, means that nobody knows what the
    /// server does next.
    async fn is_reset(&mut self) -> bool {
        let limit = self.limits.command.min(AFTER_THE_VERDICT);
        self.wire.write(b"RSET\r\n", limit).await.is_ok()
            && self.wire.reply(limit).await.is_ok_and(|reply| reply.is_positive())
            && self.wire.is_quiet()
    }

    /// Whether another message may be sent: none is under way, and it has not served its hundred.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        !matches!(self.standing, Standing::Busy) && self.sent < MOST_MESSAGES
    }

    /// Whether the server still holds the connection; asked of a session that has been idle.
    pub async fn is_open(&mut self) -> bool {
        self.wire.is_open().await
    }

    /// Says goodbye aside, so that nobody waits for it.
    pub fn leave(self) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(self.quit());
        }
    }

    /// Says goodbye. The answer does not matter any more.
    pub async fn quit(mut self) {
        /// Nobody waits for a farewell.
        const FAREWELL: Duration = Duration::from_secs(2);
        if self.wire.write(b"QUIT\r\n", FAREWELL).await.is_ok() {
            drop(self.wire.reply(FAREWELL).await);
        }
    }

    /// When the certificate ends that the server showed; nothing in clear.
    #[must_use]
    pub const fn certificate_ends_at(&self) -> Option<acuse_domain::Instant> {
        self.certificate_ends_at
    }

    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    #[must_use]
    pub const fn capabilities(&self) -> &Capabilities {
        &self.offers
    }

    /// The message could not be written, so nothing was said to the server.
    pub(crate) fn not_composed(&self, field: &'static str) -> Box<Failure> {
        self.failure(Trouble::new(Phase::Message, Cause::NotComposed { field }), Instant::now())
    }

    fn failure(&self, trouble: Trouble, begun: Instant) -> Box<Failure> {
        let mut failure = failure(trouble, &self.endpoint, begun);
        failure.on_used_session = self.sent > 0;
        failure.as_a_stranger = !self.logged_in && !self.offers.logins.is_empty();
        failure
    }
}

/// The server refused, and listens.
fn goes_on_after(trouble: &Trouble) -> bool {
    matches!(trouble.cause, Cause::Refused | Cause::MessageTooBig { .. })
        && trouble.reply.as_ref().is_some_and(|reply| !reply.closes())
        && !trouble.broken
}

fn failure(trouble: Trouble, endpoint: &Endpoint, begun: Instant) -> Box<Failure> {
    Box::new(Failure {
        phase: trouble.phase,
        cause: trouble.cause,
        reply: trouble.reply,
        after_final_dot: trouble.after_final_dot,
        on_used_session: false,
        lost_pipelined: trouble.lost_pipelined,
        as_a_stranger: false,
        endpoint: endpoint.clone(),
        took: begun.elapsed(),
    })
}
