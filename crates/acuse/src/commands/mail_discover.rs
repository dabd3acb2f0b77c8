//! `acuse mail discover`: what an account would need, from its address alone.

use std::process::ExitCode;

use acuse_domain::email_address::EmailAddress;
use acuse_domain::message::Language;
use acuse_mail::autoconfig::{self, Discovery, Source};
use acuse_server::api::mail_discovery::DiscoveryOut;

use crate::config::Config;
use crate::failure::Failure;

#[derive(clap::Args)]
pub struct Args {
    /// El correo que enviará.
    #[arg(value_name = "CORREO")]
    address: EmailAddress,
    /// Lo hallado como una línea de JSON.
    #[arg(long)]
    json: bool,
}

/// Exit code 0 where a server was found, else 1.
pub async fn run(args: Args, config: &Config) -> Result<ExitCode, Failure> {
    let found = autoconfig::discover(&config.network()?, &args.address).await;
    let code = if found.server.is_some() { ExitCode::SUCCESS } else { ExitCode::from(1) };
    if args.json {
        let said = DiscoveryOut::of(&args.address, found, Language::Spanish);
        println!("{}", serde_json::json!(said));
    } else {
        print(&found, &args.address);
    }
    Ok(code)
}

fn print(found: &Discovery, address: &EmailAddress) {
    let line = |name: &str, value: &str, source: &Source| {
        println!("{name:<10} {value:<34} {}", source.phrase(Language::Spanish));
    };
    match &found.server {
        Some(server) => line("servidor", &server.value, &server.source),
        None if found.is_of_no_domain => {
            println!("servidor   no existe el dominio {}: revise cómo está escrito", address.domain())
        }
        None => println!("servidor   no se encontró: pídalo a quien le da el correo"),
    }
    line("puerto", &found.port.value.to_string(), &found.port.source);
    line("seguridad", found.security.value.name(), &found.security.source);
    line("usuario", &found.username.value, &found.username.source);
    if let Some(provider) = found.provider_name() {
        println!("proveedor  {provider}");
    }
    if let Some(meant) = address.meant() {
        println!("\n¿Quiso decir {meant}?");
    }
    for help in found.help(Language::Spanish) {
        println!("\n{help}");
    }
    if found.is_incomplete {
        println!("\nAlguien no respondió a tiempo: otro intento puede encontrar más.");
    }
}
