//! `acuse mail check`: Probar from a terminal.

use std::io::{IsTerminal, stdout};
use std::process::ExitCode;

use acuse_domain::email_address::EmailAddress;
use acuse_domain::mail_account::Security;
use acuse_domain::message::Language;
use acuse_mail::check::{self, CheckReport, PhaseLine, Subject};
use acuse_mail::correction::Suggestion;
use acuse_mail::endpoint::Endpoint;
use acuse_mail::login::Credentials;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::commands::mail_discover;
use crate::commands::mail_domain;
use crate::commands::terminal::ask_password;
use crate::config::{self, Config};
use crate::failure::Failure;

#[derive(clap::Subcommand)]
pub enum Mail {
    /// Prueba una cuenta paso por paso; sale con 0 si es correcta y con 1 si no.
    Check(Args),
    /// Busca servidor, puerto y cifrado de una dirección; sale con 0 si los halla y con 1 si no.
    Discover(mail_discover::Args),
    /// Consulta SPF, DKIM, DMARC y MX del dominio que envía; sale con 0 si está en orden y con 1 si falta algo.
    Domain(mail_domain::Args),
}

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, value_name = "HOST")]
    server: String,
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// starttls, tls o none.
    #[arg(long, value_parser = security)]
    security: Security,
    /// La contraseña se lee de ACUSE_MAIL_PASSWORD o se pide.
    #[arg(long, value_name = "USUARIO")]
    username: Option<String>,
    /// El correo que envía; sin él, el usuario si es un correo.
    #[arg(long, value_name = "CORREO")]
    from: Option<EmailAddress>,
    /// Envía ahí un mensaje de verdad.
    #[arg(long, value_name = "CORREO")]
    to: Option<EmailAddress>,
    /// El resultado como una línea de JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, config: &Config) -> Result<ExitCode, Failure> {
    let network = config.network()?;
    let json = args.json;
    let subject = subject(args)?;
    let check = check::run(&network, &subject, |line| {
        if !json {
            println!("{}", sentence(line));
        }
    });
    // Let go of, the check closes its connection at once.
    let report = tokio::select! {
        report = check => report,
        _ = tokio::signal::ctrl_c() => {
            return Err(Failure::new("la prueba se detuvo antes de terminar", "La conexión quedó cerrada; repita el comando para probar otra vez."));
        }
    };
    if json {
        println!("{}", as_json(&report));
    } else {
        print_verdict(&report, &subject);
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn subject(args: Args) -> Result<Subject, Failure> {
    let credentials = match args.username.clone().filter(|name| !name.is_empty()) {
        Some(username) => Some(Credentials::password(username, password()?)),
        None => None,
    };
    let from = args.from.or_else(|| args.username.as_deref().and_then(|name| name.parse().ok()));
    let from = from.ok_or_else(|| Failure::new("falta el remitente", "Agregue --from correo@empresa.ec."))?;
    let endpoint = Endpoint { host: args.server, port: args.port, security: args.security };
    Ok(Subject { endpoint, credentials, from_name: "Acuse".to_string(), from, to: args.to, language: Language::Spanish })
}

fn password() -> Result<SecretString, Failure> {
    match config::mail_password() {
        Some(password) => Ok(SecretString::from(password)),
        None => ask_password("Contraseña: "),
    }
}

fn sentence(line: &PhaseLine) -> String {
    let mark = if line.ok { "✓" } else { "✗" };
    let said = line.reply.as_deref().or(line.detail.as_deref()).unwrap_or_default().replace('\n', "\n               ");
    // What was there at once has no time worth telling.
    let took = if line.ms == 0 { String::new() } else { format!("{} ms", line.ms) };
    format!("{mark} {:<10} {took:>8}  {said}", line.phase.as_str())
}

fn print_verdict(report: &CheckReport, subject: &Subject) {
    let (bold, plain) = if stdout().is_terminal() { ("\u{1b}[1m", "\u{1b}[0m") } else { ("", "") };
    println!("{bold}{}{plain}", report.verdict);
    if let Some(note) = &report.note {
        println!("{note}");
    }
    let Some(problem) = &report.problem else { return };
    println!("{}", problem.title);
    for (index, step) in problem.fix.iter().enumerate() {
        println!("{}. {step}", index + 1);
    }
    if let Some(better) = &report.suggestion {
        println!("Pruebe con:\n  {}", next_command(subject, better));
    }
}

/// The command that tries what would mend it, to be run as it stands.
fn next_command(subject: &Subject, better: &Suggestion) -> String {
    let server = better.server.as_deref().unwrap_or(&subject.endpoint.host);
    let (port, security) = (better.port.to_string(), better.security.as_str());
    let username = better.username.as_deref().or(subject.credentials.as_ref().map(Credentials::username));
    let (from, to) = (subject.from.to_string(), subject.to.as_ref().map(ToString::to_string));
    // The sender is the user's name where it is one, and need not be said again.
    let from = Some(from.as_str()).filter(|from| username != Some(*from));
    let options = [
        ("server", Some(server)),
        ("port", Some(port.as_str())),
        ("security", Some(security)),
        ("username", username),
        ("from", from),
        ("to", to.as_deref()),
    ];
    let said = options.iter().filter_map(|(name, value)| value.map(|value| format!(" --{name} {}", quoted(value))));
    format!("acuse mail check{}", said.collect::<String>())
}

/// For a shell, where the value has a meaning there.
fn quoted(value: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "@._-+:".contains(letter);
    if !value.is_empty() && value.chars().all(is_plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

fn better(suggestion: &Suggestion) -> Value {
    let mut said = json!({ "port": suggestion.port, "security": suggestion.security.as_str() });
    for (field, value) in [("server", &suggestion.server), ("username", &suggestion.username)] {
        if let Some(value) = value {
            said[field] = json!(value);
        }
    }
    if let Some(mend) = suggestion.password {
        said["password"] = json!(mend.as_str());
    }
    said
}

/// The shape that the API gives too.
fn as_json(report: &CheckReport) -> Value {
    let phase = |line: &PhaseLine| json!({ "phase": line.phase.as_str(), "ok": line.ok, "ms": line.ms, "detail": line.detail, "reply": line.reply });
    json!({
        "ok": report.ok,
        "verdict": report.verdict,
        "phases": report.phases.iter().map(phase).collect::<Vec<_>>(),
        "problem": report.problem.as_ref().map(|p| json!({ "code": p.code.as_str(), "title": p.title, "fix": p.fix })),
        "suggestion": report.suggestion.as_ref().map(better),
        "note": report.note,
    })
}

fn security(text: &str) -> Result<Security, String> {
    Security::parse(text).ok_or_else(|| "starttls, tls o none".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(username: Option<&str>, from: &str) -> Subject {
        Subject {
            endpoint: Endpoint { host: "smtp.zoho.com".to_owned(), port: 465, security: Security::StartTls },
            credentials: username.map(|name| Credentials::password(name, SecretString::from("clave"))),
            from_name: String::new(),
            from: from.parse().unwrap(),
            to: None,
            language: Language::Spanish,
        }
    }

    fn better() -> Suggestion {
        Suggestion { port: 465, security: Security::Tls, server: None, username: None, password: None }
    }

    #[test]
    fn what_would_mend_it_is_a_command_to_run_next() {
        let own = subject(Some("cobros@empresa.ec"), "cobros@empresa.ec");
        assert_eq!(
            next_command(&own, &better()),
            "acuse mail check --server smtp.zoho.com --port 465 --security tls --username cobros@empresa.ec"
        );
        let half = Subject { to: Some("yo@empresa.ec".parse().unwrap()), ..subject(Some("cobros"), "ventas@empresa.ec") };
        let whole =
            Suggestion { username: Some("cobros@empresa.ec".to_owned()), server: Some("mail.empresa.ec".to_owned()), ..better() };
        assert_eq!(
            next_command(&half, &whole),
            "acuse mail check --server mail.empresa.ec --port 465 --security tls --username cobros@empresa.ec \
             --from ventas@empresa.ec --to yo@empresa.ec"
        );
        let nobody = subject(None, "ventas@empresa.ec");
        assert!(next_command(&nobody, &better()).ends_with(" --security tls --from ventas@empresa.ec"));
    }

    #[test]
    fn a_value_that_a_shell_would_read_otherwise_is_quoted() {
        assert_eq!(quoted("cobros@empresa.ec"), "cobros@empresa.ec");
        assert_eq!(quoted("$(rm) x"), "'$(rm) x'");
        assert_eq!(quoted("o'x"), r"'o'\''x'");
    }
}
