//! Probar: tries an account phase by phase, and says what is wrong and what to do.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use acuse_domain::Instant as Moment;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::mail_problem::ProblemCode;
use tokio::time::Instant;
use uuid::Uuid;

use crate::correction::{self, Suggestion};
use crate::diagnosis::classify;
use crate::endpoint::{Endpoint, Limits};
use crate::explanation::{Context, Language, Proof, explain, seen, verdict};
use crate::failure::{Failure, Phase};
use crate::guard::Network;
use crate::known::Known;
use crate::login::Credentials;
use crate::message::{Mail, compose};
use crate::opening::Step;
use crate::providers;
use crate::reply::Reply;
use crate::session::{Envelope, Session};

/// A check ends within 20 s whatever the server does; this leaves a moment to say so.
const IN_ALL: Duration = Duration::from_secs(18);

/// What is to be tried.
#[derive(Debug, Clone)]
pub struct Subject {
    pub endpoint: Endpoint,
    pub credentials: Option<Credentials>,
    pub from_name: String,
    pub from: EmailAddress,
    /// Without it nothing is sent to anybody.
    pub to: Option<EmailAddress>,
    pub language: Language,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    pub ok: bool,
    /// One of two, in the reader's language.
    pub verdict: &'static str,
    /// In the order of the phases; those that were not reached are missing.
    pub phases: Vec<PhaseLine>,
    pub problem: Option<CheckProblem>,
    pub suggestion: Option<Suggestion>,
    /// What a check that went well proves, and what it does not.
    pub note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseLine {
    pub phase: Phase,
    pub ok: bool,
    pub ms: u64,
    pub detail: Option<String>,
    /// The server's own words.
    pub reply: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckProblem {
    pub code: ProblemCode,
    pub title: String,
    pub fix: Vec<String>,
}

/// Tries it, telling of each phase as it is done. Ends within 20 s. Dropped, it closes its connections at once.
pub async fn run(network: &Network, subject: &Subject, on_phase: impl FnMut(&PhaseLine) + Send) -> CheckReport {
    run_as(network, subject, Uuid::now_v7(), on_phase).await
}

/// The same; the message carries this id in its Message-ID.
pub async fn run_as(network: &Network, subject: &Subject, id: Uuid, on_phase: impl FnMut(&PhaseLine) + Send) -> CheckReport {
    let mut lines = Lines { all: Vec::new(), since: Instant::now(), language: subject.language, on_phase };
    let begun = Instant::now();
    let Err(failure) = walk(network, subject, id, &mut lines).await else {
        return lines.report(None, None, Some(Proof::of(subject).in_words(subject.language)));
    };
    lines.failed(&failure);
    let diagnosis = classify(&failure);
    let left = IN_ALL.saturating_sub(begun.elapsed());
    let who = (subject.credentials.as_ref(), &subject.from);
    let looking = correction::look_for(network, who, &failure, diagnosis.code, left);
    let suggestion = tokio::time::timeout(left, looking).await;
    let suggestion = suggestion.unwrap_or_default();
    let mut problem = problem(subject, &failure, diagnosis.code, lines.greeting());
    if let Some(mend) = suggestion.as_ref().and_then(|suggestion| suggestion.password) {
        problem.fix.insert(0, mend.advice(subject.language).to_owned());
    }
    lines.report(Some(problem), suggestion, None)
}

/// What is said of a connected account whose provider gives no access token, with its words. The mail server was not
/// asked.
#[must_use]
pub fn without_token(subject: &Subject, code: ProblemCode, words: &str) -> CheckReport {
    let failure = Failure::without_token(&subject.endpoint, code, words);
    let (language, on_phase) = (subject.language, |_: &PhaseLine| {});
    let mut lines = Lines { all: Vec::new(), since: Instant::now(), language, on_phase };
    lines.failed(&failure);
    let code = classify(&failure).code;
    lines.report(Some(problem(subject, &failure, code, None)), None, None)
}

async fn walk<F: FnMut(&PhaseLine) + Send>(
    network: &Network,
    subject: &Subject,
    id: Uuid,
    lines: &mut Lines<F>,
) -> Result<(), Box<Failure>> {
    let limits = Limits { in_all: Some(IN_ALL), ..Limits::for_check() };
    let (credentials, known, begun) = (subject.credentials.as_ref(), Arc::<Known>::default(), Instant::now());
    let endpoint = &subject.endpoint;
    let mut session =
        Session::open_watched(network, endpoint, credentials, &limits, &known, &mut |step| lines.done(step)).await?;
    let reply = session.try_sender(&subject.from).await?;
    lines.answered(Phase::Sender, subject.from.to_string(), &reply);
    if let Some(to) = &subject.to {
        match send_test_mail(&mut session, subject, id, to, lines).await {
            Err(failure) if failure.lost_pipelined || failure.is_stale_session() => {
                let limits = Limits { in_all: Some(IN_ALL.saturating_sub(begun.elapsed())), ..limits };
                let again = Session::open_knowing(network, endpoint, credentials, &limits, &known).await;
                session = again.map_err(|_| failure)?;
                send_test_mail(&mut session, subject, id, to, lines).await?;
            }
            other => other?,
        }
    }
    session.leave();
    Ok(())
}

async fn send_test_mail<F: FnMut(&PhaseLine) + Send>(
    session: &mut Session,
    subject: &Subject,
    id: Uuid,
    to: &EmailAddress,
    lines: &mut Lines<F>,
) -> Result<(), Box<Failure>> {
    let message_id = format!("{id}@{}", subject.from.ascii_domain());
    let mail = Mail {
        from_name: &subject.from_name,
        from_address: &subject.from,
        to_name: None,
        to,
        reply_to: None,
        subject: "Prueba de la cuenta de correo",
        text: "Esta es una prueba de Acuse.\r\n\r\nSi la está leyendo, la cuenta de correo quedó bien configurada y ya puede\r\nenviar recibos con ella. No hace falta responder.\r\n",
        html: None,
        logo_png: None,
        attachments: &[],
        message_id: &message_id,
        date: Moment::from(SystemTime::now()),
        in_reply_to: None,
    };
    // A name that cannot be written into a header is left out: it is the account that is being tried.
    let message = compose(&mail).or_else(|_| compose(&Mail { from_name: "", ..mail }));
    let message = message.map_err(|invalid| session.not_composed(invalid.field))?;
    let envelope = Envelope { from: &subject.from, recipient: to, copies: &[] };
    match session.send(&envelope, &message).await {
        Ok(reply) => {
            lines.answered(Phase::Recipient, to.to_string(), &Reply::from_text(""));
            lines.answered(Phase::Message, String::new(), &reply);
            Ok(())
        }
        Err(failure) => {
            if failure.phase == Phase::Message {
                lines.answered(Phase::Recipient, to.to_string(), &Reply::from_text(""));
            }
            Err(failure)
        }
    }
}

impl Proof<'_> {
    fn of(subject: &Subject) -> Proof<'_> {
        match (&subject.to, &subject.credentials) {
            (Some(to), _) => Proof::Message { to: to.as_str() },
            (None, Some(_)) => Proof::UserAndSender,
            (None, None) => Proof::Sender,
        }
    }
}

fn problem(subject: &Subject, failure: &Failure, code: ProblemCode, greeting: Option<&str>) -> CheckProblem {
    let sender = subject.from.to_string();
    let host = &subject.endpoint.host;
    let context = Context {
        host,
        username: subject.credentials.as_ref().map_or("", Credentials::username),
        sender: &sender,
        answered_by: greeting.and_then(|greeting| providers::stranger(host, greeting)),
        ..Context::default()
    };
    let said = explain(code, &context.with(failure), subject.language);
    CheckProblem { code, title: said.title, fix: said.fix }
}

/// The lines so far, and the moment since which the next one is counted.
struct Lines<F> {
    all: Vec<PhaseLine>,
    since: Instant,
    language: Language,
    on_phase: F,
}

impl<F: FnMut(&PhaseLine)> Lines<F> {
    fn done(&mut self, step: Step<'_>) {
        self.add(step.phase, true, Some(seen(step.detail, self.language)), step.reply.map(|reply| reply.text().to_owned()));
    }

    fn answered(&mut self, phase: Phase, detail: String, reply: &Reply) {
        self.add(phase, true, Some(detail), Some(reply.text().to_owned()));
    }

    fn failed(&mut self, failure: &Failure) {
        self.add(failure.phase, false, None, failure.reply.as_ref().map(|reply| reply.text().to_owned()));
    }

    fn add(&mut self, phase: Phase, ok: bool, detail: Option<String>, reply: Option<String>) {
        let ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.since = Instant::now();
        let said = |text: &String| !text.is_empty();
        let line = PhaseLine { phase, ok, ms, detail: detail.filter(said), reply: reply.filter(said) };
        // A phase that went well at first and failed later has failed.
        self.all.retain(|earlier| earlier.phase != phase);
        (self.on_phase)(&line);
        self.all.push(line);
    }

    /// The server's greeting, where there was one.
    fn greeting(&self) -> Option<&str> {
        self.all.iter().find(|line| line.phase == Phase::Greeting)?.reply.as_deref()
    }

    fn report(mut self, problem: Option<CheckProblem>, suggestion: Option<Suggestion>, note: Option<String>) -> CheckReport {
        self.all.sort_by_key(|line| line.phase);
        let ok = problem.is_none();
        CheckReport { ok, verdict: verdict(ok, self.language), phases: self.all, problem, suggestion, note }
    }
}
