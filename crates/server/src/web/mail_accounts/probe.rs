//! Probar: runs the check and puts its answer into the page's words.

use acuse_domain::email_address::EmailAddress;
use acuse_domain::mail_account::{MailAccountSettings, Security};
use acuse_mail::check::{self, CheckReport, PhaseLine, Subject, Suggestion};
use acuse_mail::explanation::Language;
use acuse_mail::failure::Phase;
use acuse_mail::guard::Network;
use acuse_mail::login::Credentials;
use acuse_mail::providers;
use acuse_mail::session::Endpoint;
use secrecy::SecretString;

use crate::web::form_errors::FormErrors;

/// What the page shows beside the form.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    pub ok: bool,
    /// The check's own words: one of the two verdicts.
    pub verdict: &'static str,
    /// «Falló en la autenticación, a los 612 ms», or «en 1,1 s».
    pub summary: String,
    pub phases: Vec<Row>,
    pub problem: Option<Problem>,
    /// What the server answered where it failed.
    pub words: Option<String>,
    pub correction: Option<Correction>,
    /// Where a test message went.
    pub sent_to: Option<String>,
}

/// A line of the diagnosis: one phase, or several that went the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub state: &'static str,
    pub icon: &'static str,
    pub name: String,
    pub took: String,
    pub what: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Problem {
    pub code: &'static str,
    pub title: String,
    pub fix: Vec<String>,
}

/// A change of the form that would help, offered as one button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    pub server: String,
    pub port: u16,
    pub security: Security,
    pub label: String,
    pub hint: String,
}

/// Tries the account; ends within 20 s.
pub async fn run(
    network: &Network,
    settings: &MailAccountSettings,
    password: Option<&SecretString>,
    to: Option<&EmailAddress>,
) -> Diagnosis {
    let credentials = password.map(|password| Credentials { username: settings.username.clone(), password: password.clone() });
    let endpoint = Endpoint { host: settings.server.clone(), port: settings.port, security: settings.security };
    let subject = Subject {
        endpoint,
        credentials,
        from_name: settings.from_name.clone(),
        from: settings.from_address.clone(),
        to: to.cloned(),
        language: Language::Spanish,
    };
    in_words(check::run(network, &subject, |_| {}).await, settings, to)
}

fn in_words(report: CheckReport, settings: &MailAccountSettings, to: Option<&EmailAddress>) -> Diagnosis {
    let in_all = report.phases.iter().map(|line| line.ms).sum();
    let failed = report.phases.iter().find(|line| !line.ok);
    let summary = match failed {
        Some(line) => format!("Falló en {}, a los {}", with_article(line.phase), duration(in_all)),
        None => format!("en {}", duration(in_all)),
    };
    let code = report.problem.as_ref().map_or("", |problem| problem.code);
    let correction = report.problem.as_ref().and_then(|problem| correction(problem.code, report.suggestion, settings));
    Diagnosis {
        ok: report.ok,
        verdict: report.verdict,
        summary,
        phases: if report.ok { passed(&report.phases, settings, to) } else { folded(&report.phases, to) },
        words: failed.map(|line| line.reply.clone().unwrap_or_else(|| silence(line, code, settings))),
        correction,
        sent_to: to.filter(|_| report.ok).map(ToString::to_string),
        problem: report.problem.map(|problem| Problem { code: problem.code, title: problem.title, fix: problem.fix }),
    }
}

/// Every phase with what was seen in it.
fn passed(lines: &[PhaseLine], settings: &MailAccountSettings, to: Option<&EmailAddress>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for line in lines.iter().filter(|line| line.phase != Phase::Recipient) {
        let before: u64 = match line.phase {
            Phase::Message => lines.iter().filter(|line| line.phase == Phase::Recipient).map(|line| line.ms).sum(),
            _ => 0,
        };
        rows.push(Row { what: seen(line, settings), ..row("ok", name(line.phase).to_owned(), duration(before + line.ms)) });
    }
    if to.is_none() {
        let what = Some("escriba a quién enviar un mensaje de prueba".to_owned());
        rows.push(Row { what, ..row("wait", name(Phase::Message).to_owned(), "sin probar".to_owned()) });
    }
    rows
}

/// What went well in one line, what failed, and what was not reached in one line.
fn folded(lines: &[PhaseLine], to: Option<&EmailAddress>) -> Vec<Row> {
    let good: Vec<&PhaseLine> = lines.iter().filter(|line| line.ok).collect();
    let failed = lines.iter().find(|line| !line.ok).map(|line| line.phase);
    let mut rows = Vec::new();
    if !good.is_empty() {
        let ms = good.iter().map(|line| line.ms).sum();
        rows.push(row("ok", named_together(good.iter().map(|line| line.phase), failed), duration(ms)));
    }
    if let Some(line) = lines.iter().find(|line| !line.ok) {
        rows.push(row("bad", name(line.phase).to_owned(), duration(line.ms)));
    }
    let wanted = |phase: Phase| to.is_some() || phase < Phase::Recipient;
    let rest = Phase::ALL.into_iter().filter(|phase| wanted(*phase) && lines.iter().all(|line| line.phase != *phase));
    let rest = named_together(rest, failed);
    if !rest.is_empty() {
        rows.push(row("wait", rest, "sin probar".to_owned()));
    }
    rows
}

/// «DNS, conexión, saludo». The recipient and the message are one thing to the reader.
fn named_together(phases: impl Iterator<Item = Phase>, failed: Option<Phase>) -> String {
    let mut names: Vec<&str> = Vec::new();
    let is_delivery = |phase: Phase| phase >= Phase::Recipient;
    for phase in phases {
        if is_delivery(phase) && failed.is_some_and(is_delivery) || names.contains(&name(phase)) {
            continue;
        }
        names.push(name(phase));
    }
    let mut said = String::new();
    for (place, name) in names.iter().enumerate() {
        match place {
            0 => said.push_str(name),
            _ => {
                said.push_str(", ");
                said.push_str(&name.to_lowercase());
            }
        }
    }
    said
}

fn row(state: &'static str, name: String, took: String) -> Row {
    let icon = match state {
        "ok" => "circle-check",
        "bad" => "alert-octagon",
        _ => "circle-dashed",
    };
    Row { state, icon, name, took, what: None }
}

const fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Dns => "DNS",
        Phase::Connect => "Conexión",
        Phase::Greeting => "Saludo",
        Phase::Tls => "Cifrado",
        Phase::Auth => "Autenticación",
        Phase::Sender => "Remitente",
        Phase::Recipient | Phase::Message => "Entrega",
    }
}

const fn with_article(phase: Phase) -> &'static str {
    match phase {
        Phase::Dns => "el DNS",
        Phase::Connect => "la conexión",
        Phase::Greeting => "el saludo",
        Phase::Tls => "el cifrado",
        Phase::Auth => "la autenticación",
        Phase::Sender => "el remitente",
        Phase::Recipient | Phase::Message => "la entrega",
    }
}

fn seen(line: &PhaseLine, settings: &MailAccountSettings) -> Option<String> {
    let reply = || line.reply.as_ref().and_then(|reply| reply.lines().next()).map(str::to_owned);
    match line.phase {
        Phase::Connect => Some(format!("puerto {} abierto", settings.port)),
        Phase::Sender => Some(format!("puede enviar como {}", settings.from_address)),
        Phase::Dns | Phase::Tls => line.detail.clone(),
        Phase::Greeting | Phase::Auth | Phase::Recipient | Phase::Message => reply().or_else(|| line.detail.clone()),
    }
}

/// Where the server said nothing, what happened stands in its place.
fn silence(line: &PhaseLine, code: &str, settings: &MailAccountSettings) -> String {
    let (host, port, took) = (&settings.server, settings.port, duration(line.ms));
    match (line.phase, code) {
        (Phase::Dns, _) => format!("(no se encontró la dirección de {host})"),
        (Phase::Connect, _) => format!("(sin conexión con {host}:{port})"),
        (_, "port_wants_starttls") => format!("(conectado a {host}:{port}; el servidor saludó sin cifrar)"),
        (_, "starttls_not_offered") => format!("(conectado a {host}:{port}; el servidor no ofrece STARTTLS)"),
        (_, "auth_not_supported") => format!("(conectado a {host}:{port}; el servidor no ofrece un modo de entrar)"),
        (Phase::Tls, _) => format!("(conectado a {host}:{port}; no se pudo cifrar la conexión)"),
        _ => format!("(conectado a {host}:{port}; ninguna respuesta en {took})"),
    }
}

fn correction(code: &str, suggestion: Option<Suggestion>, settings: &MailAccountSettings) -> Option<Correction> {
    let to = |server: &str, port: u16, security: Security, what: String, hint: &str| Correction {
        server: server.to_owned(),
        port,
        security,
        label: format!("Usar {what} y probar de nuevo"),
        hint: hint.to_owned(),
    };
    if let Some(Suggestion { port, security, server: None, username: None }) = suggestion {
        let (same_port, same_security) = (port == settings.port, security == settings.security);
        let (what, hint) = match (same_port, same_security) {
            (true, _) => (security.name().to_owned(), "Cambia solo el TLS; lo demás queda como está."),
            (_, true) => (format!("el puerto {port}"), "Cambia solo el puerto; lo demás queda como está."),
            _ => (format!("el puerto {port} con {}", security.name()), "Cambia el puerto y el TLS; lo demás queda como está."),
        };
        return Some(to(&settings.server, port, security, what, hint));
    }
    let meant = providers::meant_host(&settings.server).filter(|_| matches!(code, "host_not_found" | "dns_failed"))?;
    let hint = "Cambia solo el servidor; lo demás queda como está.";
    Some(to(meant, settings.port, settings.security, meant.to_owned(), hint))
}

/// Puts the cause under the field that it is about.
pub fn point_out(diagnosis: &Diagnosis, settings: &MailAccountSettings, errors: &mut FormErrors) {
    let Some(problem) = &diagnosis.problem else { return };
    let (field, words) = match problem.code {
        "port_wants_tls" => ("tls", format!("{} usa SSL/TLS", settings.port)),
        "port_wants_starttls" => ("tls", format!("{} usa STARTTLS", settings.port)),
        "tls_required" | "starttls_not_offered" => ("tls", problem.title.clone()),
        "host_not_found" | "dns_failed" | "not_a_submission_host" | "address_not_allowed" | "certificate_name_mismatch" => {
            ("servidor", problem.title.clone())
        }
        "connection_refused" | "connection_timeout" | "not_smtp" | "port_not_allowed" => ("puerto", problem.title.clone()),
        "bad_credentials" | "auth_app_password_required" => ("clave", problem.title.clone()),
        "auth_required" => ("usuario", problem.title.clone()),
        "sender_not_allowed" | "sender_not_found" => ("remitente", problem.title.clone()),
        "mailbox_not_found" | "mailbox_full" | "recipient_refused" => ("hacia", problem.title.clone()),
        _ => return,
    };
    errors.add(field, words);
}

/// `38 ms`, `2,8 s`
fn duration(ms: u64) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { seconds(ms) }
}

/// `0,6 s`
fn seconds(ms: u64) -> String {
    let tenths = (ms + 50) / 100;
    format!("{},{} s", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use acuse_domain::mail_account::MailModule;

    fn settings(port: u16, security: Security) -> MailAccountSettings {
        MailAccountSettings {
            module: MailModule::ReceivedPayments,
            server: "smpt.gmail.com".to_owned(),
            port,
            security,
            username: String::new(),
            from_name: String::new(),
            from_address: "cobros@empresa.ec".parse().unwrap(),
            reply_to: None,
            bcc: None,
        }
    }

    fn line(phase: Phase, ok: bool, ms: u64) -> PhaseLine {
        PhaseLine { phase, ok, ms, detail: None, reply: None }
    }

    #[test]
    fn what_went_well_folds_into_one_line_when_something_failed() {
        let lines = [
            line(Phase::Dns, true, 4),
            line(Phase::Connect, true, 38),
            line(Phase::Greeting, true, 61),
            line(Phase::Tls, true, 92),
            line(Phase::Auth, false, 210),
        ];
        let shown =
            |rows: Vec<Row>| rows.iter().map(|row| format!("{} {} {}", row.state, row.name, row.took)).collect::<Vec<_>>();
        let to = "gabriela@empresa.ec".parse().unwrap();
        assert_eq!(
            shown(folded(&lines, Some(&to))),
            ["ok DNS, conexión, saludo, cifrado 195 ms", "bad Autenticación 210 ms", "wait Remitente, entrega sin probar"]
        );
        assert_eq!(shown(folded(&lines, None))[2], "wait Remitente sin probar");
        let at_the_recipient = [line(Phase::Dns, true, 4), line(Phase::Sender, true, 4), line(Phase::Recipient, false, 5_040)];
        assert_eq!(
            shown(folded(&at_the_recipient, Some(&to))),
            ["ok DNS, remitente 8 ms", "bad Entrega 5,0 s", "wait Conexión, saludo, cifrado, autenticación sin probar"]
        );
    }

    #[test]
    fn a_correction_says_what_it_changes() {
        let label = |port, security, settings: &MailAccountSettings| {
            let better = Suggestion { port, security, server: None, username: None };
            correction("x", Some(better), settings).map(|better| better.label).unwrap()
        };
        let typed = settings(465, Security::StartTls);
        assert_eq!(label(465, Security::Tls, &typed), "Usar SSL/TLS y probar de nuevo");
        assert_eq!(label(587, Security::StartTls, &typed), "Usar el puerto 587 y probar de nuevo");
        let clear = settings(25, Security::None);
        assert_eq!(label(587, Security::StartTls, &clear), "Usar el puerto 587 con STARTTLS y probar de nuevo");
        let meant = correction("host_not_found", None, &typed).unwrap();
        assert_eq!((meant.server.as_str(), meant.port), ("smtp.gmail.com", 465));
        assert_eq!(correction("bad_credentials", None, &typed), None);
    }
}
