//! Probar: tries an account phase by phase, and says what is wrong and what to do.

use std::time::{Duration, SystemTime};

use acuse_domain::Instant as Moment;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::mail_account::Security;
use tokio::time::Instant;

use crate::diagnosis::{Diagnosis, classify};
use crate::explanation::{Context, Language, explain};
use crate::failure::{Failure, Phase};
use crate::guard::Network;
use crate::login::Credentials;
use crate::message::{Mail, compose};
use crate::opening::Step;
use crate::reply::Reply;
use crate::session::{Endpoint, Envelope, Limits, Session};

/// A check ends within 20 s whatever the server does; this leaves a moment to say so.
const IN_ALL: Duration = Duration::from_secs(18);
/// How long another port is given to show that it answers.
const OTHER_PORT: Duration = Duration::from_secs(3);

/// The two verdicts, word for word as accountants know them.
const CORRECT: &str = "Configuración correcta";
const WRONG: &str = "Configuración errónea";

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
    pub verdict: &'static str,
    /// In the order of the phases; those that were not reached are missing.
    pub phases: Vec<PhaseLine>,
    pub problem: Option<CheckProblem>,
    pub suggestion: Option<Suggestion>,
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
    pub code: &'static str,
    pub title: String,
    pub fix: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suggestion {
    pub port: u16,
    pub security: Security,
}

/// Tries it, telling of each phase as it is done. Ends within 20 s.
pub async fn run(network: &Network, subject: &Subject, on_phase: impl FnMut(&PhaseLine) + Send) -> CheckReport {
    let mut lines = Lines { all: Vec::new(), since: Instant::now(), on_phase };
    let begun = Instant::now();
    match walk(network, subject, &mut lines).await {
        Ok(()) => lines.report(None, None),
        Err(failure) => {
            lines.failed(&failure);
            let diagnosis = classify(&failure);
            let suggestion = match diagnosis.suggestion {
                Some((port, security)) => Some(Suggestion { port, security }),
                None => port_that_answers(network, subject, &diagnosis, begun).await,
            };
            lines.report(Some(problem(subject, &failure, &diagnosis)), suggestion)
        }
    }
}

async fn walk<F: FnMut(&PhaseLine) + Send>(
    network: &Network,
    subject: &Subject,
    lines: &mut Lines<F>,
) -> Result<(), Box<Failure>> {
    let limits = Limits { in_all: Some(IN_ALL), ..Limits::for_check() };
    let credentials = subject.credentials.as_ref();
    let mut session =
        Session::open_watched(network, &subject.endpoint, credentials, &limits, &mut |step| lines.done(step)).await?;
    let reply = session.try_sender(&subject.from).await?;
    lines.answered(Phase::Sender, subject.from.to_string(), &reply);
    session.reset().await?;
    if let Some(to) = &subject.to {
        send_test_mail(&mut session, subject, to, lines).await?;
    }
    session.quit().await;
    Ok(())
}

async fn send_test_mail<F: FnMut(&PhaseLine) + Send>(
    session: &mut Session,
    subject: &Subject,
    to: &EmailAddress,
    lines: &mut Lines<F>,
) -> Result<(), Box<Failure>> {
    let message_id = format!("{}@{}", uuid::Uuid::now_v7(), subject.from.domain());
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
    let message = compose(&mail).or_else(|_| compose(&Mail { from_name: "", ..mail })).unwrap_or_default();
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

/// Nobody answered on the chosen port: whether one of the usual ones does.
async fn port_that_answers(network: &Network, subject: &Subject, diagnosis: &Diagnosis, begun: Instant) -> Option<Suggestion> {
    if !matches!(diagnosis.code, "connection_refused" | "connection_timeout" | "timeout" | "not_smtp") {
        return None;
    }
    let left = IN_ALL.saturating_sub(begun.elapsed());
    let limits = Limits { in_all: Some(left.min(OTHER_PORT)), ..Limits::each(OTHER_PORT) };
    let (starttls, tls) = tokio::join!(
        answers(network, subject, 587, Security::StartTls, &limits),
        answers(network, subject, 465, Security::Tls, &limits),
    );
    starttls.or(tls)
}

async fn answers(network: &Network, subject: &Subject, port: u16, security: Security, limits: &Limits) -> Option<Suggestion> {
    let endpoint = Endpoint { port, security, ..subject.endpoint.clone() };
    if endpoint == subject.endpoint {
        return None;
    }
    let session = Session::open(network, &endpoint, None, limits).await.ok()?;
    session.quit().await;
    Some(Suggestion { port, security })
}

fn problem(subject: &Subject, failure: &Failure, diagnosis: &Diagnosis) -> CheckProblem {
    let sender = subject.from.to_string();
    let context = Context {
        host: &subject.endpoint.host,
        username: subject.credentials.as_ref().map_or("", |who| who.username.as_str()),
        sender: &sender,
        ..Context::default()
    };
    let said = explain(diagnosis.code, &context.with(failure), subject.language);
    CheckProblem { code: diagnosis.code, title: said.title, fix: said.fix }
}

/// The lines so far, and the moment since which the next one is counted.
struct Lines<F> {
    all: Vec<PhaseLine>,
    since: Instant,
    on_phase: F,
}

impl<F: FnMut(&PhaseLine)> Lines<F> {
    fn done(&mut self, step: Step<'_>) {
        self.add(step.phase, true, Some(step.detail), step.reply.map(|reply| reply.text().to_owned()));
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

    fn report(mut self, problem: Option<CheckProblem>, suggestion: Option<Suggestion>) -> CheckReport {
        self.all.sort_by_key(|line| line.phase);
        let ok = problem.is_none();
        CheckReport { ok, verdict: if ok { CORRECT } else { WRONG }, phases: self.all, problem, suggestion }
    }
}
