//! Probar as it happens: the phases one by one in a stream of events, and at its end the page that a browser without
//! script gets at once. The check lives in the answer's body: who closes the connection, or presses Detener, stops it.

use std::convert::Infallible;
use std::pin::Pin;

use acuse_domain::email_address::EmailAddress;
use acuse_domain::mail_account::{MailAccountSettings, Security};
use acuse_mail::check::PhaseLine;
use acuse_mail::failure::Phase;
use askama::Template;
use axum::http::header::{ACCEPT, CACHE_CONTROL};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::check_view::{self, Row, Step};
use super::context::{FormContext, ValidForm};
use super::shown::AccountPage;
use crate::checks::Running;

/// A proxy that compressed or kept the answer would hold the phases back.
const AS_IT_IS: HeaderValue = HeaderValue::from_static("no-store, no-transform");
/// What nginx asks an answer to say.
const UNBUFFERED: (HeaderName, HeaderValue) = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// Rows of the list of phases, as HTML: each takes the place of the one with its `data-phase`.
const PHASES: &str = "fases";
/// The whole page with the diagnosis.
const END: &str = "fin";
/// It could not be finished, for a reason of ours.
const BROKEN: &str = "error";

/// Whether the browser's script asks for the phases as they happen.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepts.split(',').any(|kind| kind.trim().starts_with("text/event-stream"))
}

pub fn answer(context: FormContext, valid: ValidForm, running: Running) -> Response {
    let (tell, told) = unbounded_channel();
    let mut progress = Progress::of(&valid);
    let first = progress.at_first();
    let check = async move {
        let page = context.probe(&valid, |line| drop(tell.send(progress.after(line)))).await;
        drop(running);
        match page {
            Ok(page) => finished(&page),
            Err(error) => {
                tracing::error!("A check could not be finished: {error}");
                event(BROKEN, "")
            }
        }
    };
    let mut answer = Sse::new(events(first, told, Box::pin(check))).into_response();
    answer.headers_mut().insert(CACHE_CONTROL, AS_IT_IS);
    answer.headers_mut().insert(UNBUFFERED.0, UNBUFFERED.1);
    answer
}

fn finished(page: &AccountPage) -> Event {
    match page.render() {
        Ok(html) => event(END, &html),
        Err(error) => {
            tracing::error!("A page could not be drawn: {error}");
            event(BROKEN, "")
        }
    }
}

/// A carriage return would end a line of the stream.
fn event(name: &str, data: &str) -> Event {
    Event::default().event(name).data(data.replace('\r', ""))
}

type Check = Pin<Box<dyn Future<Output = Event> + Send>>;

/// What is told while the check runs, then how it ended.
fn events(first: String, told: UnboundedReceiver<String>, check: Check) -> impl Stream<Item = Result<Event, Infallible>> {
    enum Stage {
        First(String, UnboundedReceiver<String>, Check),
        Running(UnboundedReceiver<String>, Check),
        /// The check ended, and there may be more to tell before that is said.
        Ended(UnboundedReceiver<String>, Event),
        Over,
    }
    stream::unfold(Stage::First(first, told, check), |stage| async {
        let mut stage = stage;
        loop {
            stage = match stage {
                Stage::First(rows, told, check) => return Some((Ok(event(PHASES, &rows)), Stage::Running(told, check))),
                Stage::Running(mut told, mut check) => tokio::select! {
                    biased;
                    Some(rows) = told.recv() => return Some((Ok(event(PHASES, &rows)), Stage::Running(told, check))),
                    end = &mut check => Stage::Ended(told, end),
                },
                Stage::Ended(mut told, end) => match told.try_recv() {
                    Ok(rows) => return Some((Ok(event(PHASES, &rows)), Stage::Ended(told, end))),
                    Err(_) => return Some((Ok(end), Stage::Over)),
                },
                Stage::Over => return None,
            }
        }
    })
}

/// The list of phases while the check runs.
struct Progress {
    settings: MailAccountSettings,
    to: Option<EmailAddress>,
    /// How long the recipient took (ms), which is part of the delivery to the reader.
    recipient_took: u64,
}

impl Progress {
    fn of(valid: &ValidForm) -> Self {
        Self { settings: valid.settings.clone(), to: valid.to.clone(), recipient_took: 0 }
    }

    /// Every row, the first of them running.
    fn at_first(&self) -> String {
        let rows = Step::ALL.map(|step| if step == Step::Dns { self.running(step) } else { self.waiting(step) });
        rows.map(|row| row.to_string()).concat()
    }

    /// The row that is done, and the one that runs now.
    fn after(&mut self, line: &PhaseLine) -> String {
        let step = Step::of(line.phase);
        let next = line.ok.then(|| self.next(line.phase)).flatten();
        if line.phase == Phase::Recipient {
            self.recipient_took = line.ms;
        }
        let done = if next == Some(step) { None } else { Some(self.done(step, line)) };
        [done, next.map(|next| self.running(next))].into_iter().flatten().map(|row| row.to_string()).collect()
    }

    fn done(&self, step: Step, line: &PhaseLine) -> Row {
        let what = if line.ok { check_view::seen(line, &self.settings) } else { check_view::first_line(line) };
        let before = if line.phase == Phase::Message { self.recipient_took } else { 0 };
        let took = check_view::duration(before + line.ms);
        Row { key: step.key(), what, ..Row::of(if line.ok { "ok" } else { "bad" }, step.name(), took) }
    }

    fn running(&self, step: Step) -> Row {
        let MailAccountSettings { server, port, username, from_address, .. } = &self.settings;
        let what = match step {
            Step::Dns => format!("Buscando {server}"),
            Step::Connect => format!("Conectando al puerto {port}"),
            Step::Greeting => "Esperando el saludo del servidor".to_owned(),
            Step::Tls => "Acordando el cifrado".to_owned(),
            Step::Auth => format!("Esperando la respuesta a {username}"),
            Step::Sender => format!("Preguntando si puede enviar como {from_address}"),
            Step::Delivery => "Entregando el mensaje de prueba".to_owned(),
        };
        Row { key: step.key(), what: Some(what), ..Row::of("now", step.name(), String::new()) }
    }

    fn waiting(&self, step: Step) -> Row {
        let what = match (step, &self.to) {
            (Step::Delivery, Some(to)) => Some(format!("un mensaje de prueba a {to}")),
            (Step::Delivery, None) => Some(check_view::NOT_SENT.to_owned()),
            _ => None,
        };
        Row { key: step.key(), what, ..Row::of("wait", step.name(), String::new()) }
    }

    /// What runs once that phase went well. With TLS from the first byte the greeting comes after it, behind the lock.
    fn next(&self, done: Phase) -> Option<Step> {
        match done {
            Phase::Dns => Some(Step::Connect),
            Phase::Connect if self.settings.security == Security::Tls => Some(Step::Tls),
            Phase::Connect => Some(Step::Greeting),
            Phase::Greeting => Some(Step::Tls),
            Phase::Tls => Some(Step::Auth),
            Phase::Auth => Some(Step::Sender),
            Phase::Sender | Phase::Recipient => self.to.as_ref().map(|_| Step::Delivery),
            Phase::Message => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acuse_domain::mail_account::MailModule;
    use futures_util::StreamExt;

    fn progress(security: Security, to: Option<&str>) -> Progress {
        let settings = MailAccountSettings {
            module: MailModule::ReceivedPayments,
            server: "smtp.gmail.com".to_owned(),
            port: 587,
            security,
            username: "cobros@empresa.ec".to_owned(),
            from_name: String::new(),
            from_address: "cobros@empresa.ec".parse().unwrap(),
            reply_to: None,
            bcc: None,
        };
        Progress { settings, to: to.map(|to| to.parse().unwrap()), recipient_took: 0 }
    }

    fn shown(html: &str) -> Vec<String> {
        let page = scraper::Html::parse_fragment(html);
        let rows = scraper::Selector::parse("li").unwrap();
        let row = |row: scraper::ElementRef<'_>| {
            let text = row.text().collect::<Vec<_>>().join(" ");
            format!("{} {}", row.value().attr("data-state").unwrap(), text.split_whitespace().collect::<Vec<_>>().join(" "))
        };
        page.select(&rows).map(row).collect()
    }

    fn line(phase: Phase, ok: bool, reply: &str) -> PhaseLine {
        PhaseLine { phase, ok, ms: 38, detail: None, reply: Some(reply.to_owned()) }
    }

    #[test]
    fn each_phase_is_running_done_or_still_to_come() {
        let mut gmail = progress(Security::StartTls, Some("gabriela@empresa.ec"));
        let first = shown(&gmail.at_first());
        assert_eq!(first[0], "now DNS Buscando smtp.gmail.com");
        assert_eq!(first[1], "wait Conexión");
        assert_eq!(first[6], "wait Entrega un mensaje de prueba a gabriela@empresa.ec");
        let mut after = |phase, ok, reply: &str| shown(&gmail.after(&line(phase, ok, reply)));
        assert_eq!(
            after(Phase::Tls, true, "220 listo"),
            ["ok Cifrado 38 ms", "now Autenticación Esperando la respuesta a cobros@empresa.ec"]
        );
        assert_eq!(after(Phase::Auth, false, "535 no\n535 de nuevo"), ["bad Autenticación 38 ms 535 no"], "nothing runs then");
        assert_eq!(after(Phase::Recipient, true, "250 ok"), ["now Entrega Entregando el mensaje de prueba"]);
        assert_eq!(
            after(Phase::Message, true, "250 2.0.0 OK"),
            ["ok Entrega 76 ms 250 2.0.0 OK"],
            "with what the recipient took"
        );
        assert_eq!(after(Phase::Greeting, true, "220 <script>")[0], "ok Saludo 38 ms 220 <script>", "text, never HTML");
        let mut quiet = progress(Security::Tls, None);
        assert_eq!(shown(&quiet.after(&line(Phase::Connect, true, "")))[1], "now Cifrado Acordando el cifrado");
        assert_eq!(shown(&quiet.after(&line(Phase::Sender, true, ""))).len(), 1, "nothing is sent to anybody");
    }

    #[tokio::test]
    async fn everything_that_was_told_comes_before_the_end() {
        let (tell, told) = unbounded_channel();
        let check = async move {
            for rows in ["uno", "dos"] {
                tell.send(rows.to_owned()).unwrap();
            }
            event(END, "fin")
        };
        let told: Vec<_> = events("primero".to_owned(), told, Box::pin(check)).collect().await;
        let said = format!("{told:?}");
        let places: Vec<_> = ["primero", "uno", "dos", "fin\\n\\n"].iter().filter_map(|word| said.find(word)).collect();
        assert_eq!(told.len(), 4, "{said}");
        assert!(places.is_sorted(), "{said}");
    }
}
