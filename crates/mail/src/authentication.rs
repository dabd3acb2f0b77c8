//! Logging in by what a server offers: one mechanism after the other, until one works or it is plain that it is not the
//! mechanism. Servers advertise what does not work (a mechanism without its plug-in, CRAM-MD5 over hashed passwords) and
//! many have one 535 for that and for a wrong password.

use acuse_domain::mail_problem::ProblemCode;

use crate::failure::{Cause, Phase, Trouble};
use crate::known::Known;
use crate::login::{Credentials, Mechanism};
use crate::opening::{Detail, Opening, Step, Watch};
use crate::phrases::{self, Stage, Words};
use crate::reply::Reply;
use crate::wire::Wire;

/// A login has two challenges at most (LOGIN); a third means that it will not end.
const MOST_CHALLENGES: usize = 3;
/// Refusals that may mean the password: accounts are locked after some five, and who checks twice must not get there.
const MOST_JUDGED: usize = 2;

/// The tries of one opening, over as many connections as it takes: each mechanism once.
pub(crate) struct LoginTries<'a> {
    known: &'a Known,
    tried: Vec<Mechanism>,
    /// Refusals that may have been the password's.
    judged: usize,
    /// Nothing more is to be tried.
    is_settled: bool,
    /// PLAIN was refused for how it was written.
    was_not_read: bool,
    /// Offered and not tried yet, as far as the last connection told.
    left: usize,
    /// The refusal that says most, and how much it says.
    told: Option<(u8, Trouble)>,
}

/// What a refusal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blame {
    /// The mechanism, or nothing that can be made out.
    Mechanism,
    /// Whoever logs in, or the mechanism.
    Either,
    /// Not the mechanism.
    Account,
}

impl<'a> LoginTries<'a> {
    pub(crate) fn new(known: &'a Known) -> Self {
        Self { known, tried: Vec::new(), judged: 0, is_settled: false, was_not_read: false, left: 0, told: None }
    }

    /// Whether a new connection is worth it after this.
    pub(crate) fn go_on_after(&mut self, trouble: Trouble) -> Result<(), Trouble> {
        let is_of_the_login = trouble.phase == Phase::Auth
            && matches!(trouble.cause, Cause::ConnectionLost | Cause::Timeout | Cause::Protocol)
            && !self.tried.is_empty();
        if is_of_the_login && self.left > 0 && !self.is_settled {
            self.note(0, trouble);
            return Ok(());
        }
        Err(self.outcome(trouble))
    }

    /// What is said of a login that did not go well.
    fn outcome(&mut self, last: Trouble) -> Trouble {
        if self.judged >= MOST_JUDGED {
            self.known.learn(|known| known.refuses_all_alike = true);
        }
        match self.told.take() {
            Some((_, told)) => told,
            None => last,
        }
    }

    fn next(&mut self, offered: &[Mechanism]) -> Option<Mechanism> {
        let best = self.known.behaviour().login;
        let mut left: Vec<Mechanism> = offered
            .iter()
            .copied()
            .filter(|one| {
                !self.tried.contains(one) && (*one != Mechanism::PlainWhenAsked || self.was_not_read || best == Some(*one))
            })
            .collect();
        left.sort_by_key(|one| Some(*one) != best);
        self.left = left.len().saturating_sub(1);
        let next = left.first().copied()?;
        self.tried.push(next);
        Some(next)
    }

    fn refused(&mut self, mechanism: Mechanism, reply: Reply, is_token: bool) {
        let blame = blame(&reply, is_token);
        self.was_not_read |= mechanism == Mechanism::Plain && matches!(reply.code(), 500..=503 | 555);
        self.judged += usize::from(blame == Blame::Either);
        let most = if self.known.behaviour().refuses_all_alike { 1 } else { MOST_JUDGED };
        self.is_settled = blame == Blame::Account || self.judged >= most;
        let says = match blame {
            Blame::Account => 4,
            Blame::Either if reply.is_temporary() => 3,
            Blame::Either => 2,
            Blame::Mechanism => 1,
        };
        let cause = if is_token { Cause::RefusedToken } else { Cause::Refused };
        self.note(says, Trouble { cause, ..Trouble::refused(Phase::Auth, reply) });
    }

    /// We took it back, since its challenges made no sense; the «no» to that is about nobody.
    fn made_no_sense(&mut self, reply: Reply) {
        self.note(1, Trouble { reply: Some(reply), ..Trouble::new(Phase::Auth, Cause::Protocol) });
    }

    fn note(&mut self, says: u8, trouble: Trouble) {
        if self.told.as_ref().is_none_or(|(most, _)| says > *most) {
            self.told = Some((says, trouble));
        }
    }
}

fn blame(reply: &Reply, is_token: bool) -> Blame {
    use ProblemCode::{
        AccountLocked, AccountSuspended, AuthNotSupported, AuthTemporarilyRefused, BadCredentials, ProtocolError,
        SmtpAuthDisabled, TlsRequired,
    };
    if reply.closes() {
        return Blame::Account;
    }
    let words = Words::of(reply);
    let says = |parts: &[&str]| parts.iter().any(|part| words.text.contains(part));
    match phrases::code_for(Stage::Auth, &words) {
        // The provider's JSON came before it: it judged the token.
        _ if is_token && reply.text().contains('\n') && reply.text().starts_with("334") => Blame::Account,
        Some(AuthNotSupported | ProtocolError) => Blame::Mechanism,
        Some(AccountLocked | AccountSuspended | SmtpAuthDisabled) => Blame::Account,
        // RFC 4954 6: 500 to 504 are about the command, 534 about a mechanism that is too weak.
        _ if matches!(reply.code(), 500..=504) => Blame::Mechanism,
        Some(BadCredentials | TlsRequired) if matches!(reply.code(), 534 | 538) => Blame::Mechanism,
        Some(BadCredentials) if says(&["mechanism", "sasl", "method"]) => Blame::Mechanism,
        Some(BadCredentials) if says(&["password", "passwd", "passphrase", "contrasena", "senha"]) => Blame::Account,
        Some(BadCredentials) => Blame::Either,
        Some(AuthTemporarilyRefused) if reply.is_temporary() && !says(&["too many", "limit", "lock", "block", "later"]) => {
            Blame::Either
        }
        _ => Blame::Account,
    }
}

impl Opening<'_> {
    /// Errs with the refusal that says most. Where the connection is lost on the way, `tries` knows whether another is worth it.
    pub(crate) async fn log_in(
        &self,
        wire: &mut Wire,
        offered: &[Mechanism],
        who: &Credentials,
        tries: &mut LoginTries<'_>,
        watch: Watch<'_>,
    ) -> Result<(), Trouble> {
        let mut is_used = false;
        while let Some(mechanism) = tries.next(offered) {
            match self.exchange(wire, mechanism, who).await {
                Ok(Answer { reply, .. }) if reply.is_positive() => {
                    tries.known.learn(|known| (known.login, known.refuses_all_alike) = (Some(mechanism), false));
                    let detail = Detail::Plain(format!("{} ({})", who.username(), mechanism.name()));
                    watch(Step { phase: Phase::Auth, detail, reply: Some(&reply) });
                    return Ok(());
                }
                Ok(Answer { reply, to_cancelling: true }) if !reply.closes() => tries.made_no_sense(reply),
                Ok(Answer { reply, .. }) => tries.refused(mechanism, reply, who.is_token()),
                Err(trouble) => {
                    // Some close after a refusal; the mechanism after it was not tried then.
                    if is_used && trouble.cause == Cause::ConnectionLost {
                        tries.tried.pop();
                        tries.left += 1;
                    }
                    return Err(trouble);
                }
            }
            if tries.is_settled {
                break;
            }
            is_used = true;
        }
        tries.left = 0;
        Err(Trouble::new(Phase::Auth, Cause::AuthNotSupported))
    }

    /// Ends with a yes or a no. A server that asks on and on, or is out of step, is given up.
    async fn exchange(&self, wire: &mut Wire, mechanism: Mechanism, who: &Credentials) -> Result<Answer, Trouble> {
        let mut reply = self.ask(wire, Phase::Auth, &mechanism.command(who)).await?;
        let (mut told, mut to_cancelling) = (None, false);
        for turn in 0..=MOST_CHALLENGES {
            if !reply.is_intermediate() {
                break;
            }
            let challenge = std::mem::take(&mut wire.challenge);
            // RFC 4954 4: a lone star takes the attempt back.
            let answer = mechanism.answer(who, turn, &challenge).filter(|_| turn < MOST_CHALLENGES);
            to_cancelling = answer.is_none();
            let answer = answer.unwrap_or_else(|| "*".to_owned());
            told = mechanism.told_by(&challenge).map(|text| wire.secrets.hide(text)).or(told);
            wire.secrets.add_said(&answer);
            reply = self.ask(wire, Phase::Auth, &format!("{answer}\r\n")).await?;
        }
        if !reply.is_final() {
            return Err(Trouble::refused(Phase::Auth, reply));
        }
        Ok(match told {
            Some(text) => Answer { reply: reply.after(&text), to_cancelling: false },
            None => Answer { reply, to_cancelling },
        })
    }
}

/// The end of one exchange.
struct Answer {
    reply: Reply,
    /// It answers our taking the attempt back: nothing was judged.
    to_cancelling: bool,
}
