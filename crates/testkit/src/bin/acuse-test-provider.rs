//! The tests' OpenID provider and its mail server, for the browser walk: prints one line of JSON and runs until its
//! standard input is closed. Its argument is the folder for the authority's certificate.

use std::io::Read;
use std::path::PathBuf;

use acuse_testkit::certificates::Authority;
use acuse_testkit::oauth_provider::{CLIENT_ID, CLIENT_SECRET, Consent, OAuthProvider};
use acuse_testkit::token_smtp::TokenSmtp;
use serde_json::json;

#[tokio::main]
async fn main() {
    let folder = std::env::args().nth(1).map(PathBuf::from).expect("the folder for authority.pem");
    let authority = Authority::new();
    let provider = OAuthProvider::start(&authority).await;
    provider.consent(Consent::Asks);
    let smtp = TokenSmtp::start(&authority, "PLAIN XOAUTH2", provider.judge()).await;
    let ca = authority.write_pem(&folder);
    println!(
        "{}",
        json!({
            "issuer": provider.issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "ca": ca, "smtp_port": smtp.port,
        })
    );
    let waits = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    drop(waits.await);
}
