//! `acuse mail domain`: what the DNS says of a sender's domain, and the records to add.

use std::process::ExitCode;

use acuse_domain::message::Language;
use acuse_mail::deliverability::{Finding, Report, State, Subject, look_up};
use serde_json::{Value, json};

use crate::config::Config;
use crate::failure::Failure;

#[derive(clap::Args)]
pub struct Args {
    /// Lo que sigue a la @ en el correo que envía.
    #[arg(value_name = "DOMINIO")]
    domain: String,
    /// El servidor SMTP al que se entrega el correo.
    #[arg(long, value_name = "HOST")]
    server: Option<String>,
    /// El resultado como una línea de JSON.
    #[arg(long)]
    json: bool,
}

/// Exit code 0: nothing to mend; 1: something is missing or wrong.
pub async fn run(args: Args, config: &Config) -> Result<ExitCode, Failure> {
    let subject = Subject::new(&args.domain, args.server.as_deref())
        .ok_or_else(|| Failure::new(format!("«{}» no es un dominio", args.domain), "Escríbalo como empresa.ec."))?;
    let report = look_up(&config.network()?, &subject).await;
    if args.json {
        println!("{}", as_json(&report));
    } else {
        report.findings.iter().for_each(|finding| print_finding(finding, &report.domain));
    }
    Ok(if report.has_trouble() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn print_finding(finding: &Finding, domain: &str) {
    let mark = match finding.state {
        State::Ok => "✓",
        State::Missing | State::Wrong => "✗",
        State::Unknown => "?",
    };
    println!("{mark} {:<7} {}", finding.topic.name(), finding.title(Language::Spanish));
    println!("          {}", finding.meaning(Language::Spanish));
    if let Some(found) = &finding.found {
        println!("          en el DNS: {}", found.replace('\n', "\n                     "));
    }
    if let Some(record) = &finding.record {
        println!("          registro:  {} {} {}", record.kind, record.host(domain), record.value);
    }
}

/// The shape that the API gives too.
fn as_json(report: &Report) -> Value {
    let record = |finding: &Finding| {
        finding.record.as_ref().map(|record| json!({ "type": record.kind, "name": record.name, "value": record.value }))
    };
    let finding = |finding: &Finding| {
        json!({
            "topic": finding.topic.as_str(),
            "state": finding.state.as_str(),
            "code": finding.code,
            "title": finding.title(Language::Spanish),
            "meaning": finding.meaning(Language::Spanish),
            "found": finding.found,
            "record": record(finding),
        })
    };
    json!({
        "domain": report.domain,
        "server": report.server,
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}
