//! `acuse mail discover`: what an account would need, from its address alone.

use std::process::ExitCode;

use acuse_domain::email_address::EmailAddress;
use acuse_mail::autoconfig::{self, Discovery, Known, Source};
use acuse_mail::explanation::Language;
use serde_json::{Value, json};

use crate::config::Config;
use crate::failure::Failure;

#[derive(clap::Args)]
pub struct Args {
    /// The address that mail will be sent from.
    #[arg(value_name = "ADDRESS")]
    address: EmailAddress,
    /// What was found as one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Exit code 0 where a server was found, else 1.
pub async fn run(args: Args, config: &Config) -> Result<ExitCode, Failure> {
    let found = autoconfig::discover(&config.network()?, &args.address).await;
    if args.json {
        println!("{}", as_json(&found));
    } else {
        print(&found, args.address.domain());
    }
    Ok(if found.server.is_some() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn print(found: &Discovery, domain: &str) {
    let line = |name: &str, value: &str, source: &Source| {
        println!("{name:<10} {value:<34} {}", source.phrase(Language::Spanish));
    };
    match &found.server {
        Some(server) => line("servidor", &server.value, &server.source),
        None if found.is_of_no_domain => println!("servidor   no existe el dominio {domain}: revise cómo está escrito"),
        None => println!("servidor   no se encontró: pídalo a quien le da el correo"),
    }
    line("puerto", &found.port.value.to_string(), &found.port.source);
    line("seguridad", found.security.value.name(), &found.security.source);
    line("usuario", &found.username.value, &found.username.source);
    if let Some(provider) = found.provider_name() {
        println!("proveedor  {provider}");
    }
    for help in found.help(Language::Spanish) {
        println!("\n{help}");
    }
    if found.is_incomplete {
        println!("\nAlguien no respondió a tiempo: otro intento puede encontrar más.");
    }
}

fn as_json(found: &Discovery) -> Value {
    json!({
        "server": found.server.as_ref().map(|server| known(server, server.value.as_str())),
        "port": known(&found.port, found.port.value),
        "security": known(&found.security, found.security.value.as_str()),
        "username": known(&found.username, found.username.value.as_str()),
        "provider": found.provider_name(),
        "oauth": found.oauth(),
        "help": found.help(Language::Spanish),
        "domain_exists": !found.is_of_no_domain,
        "complete": !found.is_incomplete,
    })
}

fn known<T>(known: &Known<T>, value: impl Into<Value>) -> Value {
    json!({
        "value": value.into(),
        "source": known.source.code(),
        "detail": known.source.phrase(Language::Spanish),
    })
}
