//! Whose mailbox it is, as the provider says in an ID token (OpenID Connect Core 1.0).
//!
//! The token came from the provider itself over TLS in the answer to our own request, so its signature needs no proof
//! (3.1.3.7, 6). What it says is only used to know which address to send as: nobody is logged in by it.

use acuse_domain::Instant;
use acuse_domain::email_address::EmailAddress;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use serde::Deserialize;

use super::endpoints::Endpoints;

/// How far another machine's clock may be off.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(5);

pub(super) struct Expected<'a> {
    pub(super) endpoints: &'a Endpoints,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Instant,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: i64,
    #[serde(default)]
    nonce: String,
    /// Microsoft's directory.
    tid: Option<String>,
    email: Option<String>,
    preferred_username: Option<String>,
    upn: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Errs with what is wrong with the token.
pub(super) fn address(token: &str, expected: &Expected<'_>) -> Result<String, &'static str> {
    let claims = read(token).ok_or("the ID token cannot be read")?;
    let is_for_us = match &claims.aud {
        Audience::One(one) => one == expected.client_id,
        Audience::Several(all) => all.iter().any(|one| one == expected.client_id),
    };
    if !is_for_us {
        return Err("the ID token is for somebody else");
    }
    if !expected.endpoints.is_issuer(&claims.iss, claims.tid.as_deref()) {
        return Err("the ID token is another issuer's");
    }
    if claims.nonce != expected.nonce {
        return Err("the ID token belongs to another attempt");
    }
    if claims.exp < (expected.now - CLOCKS_DIFFER).timestamp() {
        return Err("the ID token has run out");
    }
    // A work account of Microsoft without a mailbox of its own has no `email`; its name is written like an address.
    let named = [claims.email, claims.preferred_username, claims.upn].into_iter().flatten();
    let mut addresses = named.filter_map(|name| name.parse::<EmailAddress>().ok());
    addresses.next().map(|address| address.to_string()).ok_or("the ID token names no address")
}

fn read(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said_of(claims: &str) -> Result<String, &'static str> {
        let endpoints = Endpoints {
            authorize: String::new(),
            token: String::new(),
            issuer: "https://login.microsoftonline.com/{tenantid}/v2.0".to_owned(),
        };
        let now = "2026-11-24T14:12:00Z".parse().unwrap();
        let token = format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims));
        address(&token, &Expected { endpoints: &endpoints, client_id: "acuse", nonce: "n-1", now })
    }

    const GOOD: &str = r#"{"iss":"https://login.microsoftonline.com/t1/v2.0","tid":"t1","aud":"acuse","exp":1795535520,"nonce":"n-1","email":"Cobros@Empresa.ec"}"#;

    #[test]
    fn an_address_is_taken_only_from_a_token_made_for_this_attempt() {
        assert!(said_of(GOOD).unwrap().eq_ignore_ascii_case("cobros@empresa.ec"));
        let wrong = |from: &str, to: &str| said_of(&GOOD.replace(from, to)).unwrap_err();
        assert_eq!(wrong(r#""aud":"acuse""#, r#""aud":["x","y"]"#), "the ID token is for somebody else");
        assert_eq!(wrong("t1/v2.0", "t2/v2.0"), "the ID token is another issuer's");
        assert_eq!(wrong("n-1", "n-2"), "the ID token belongs to another attempt");
        assert_eq!(wrong("1795535520", "1795525520"), "the ID token has run out");
        assert_eq!(wrong("Cobros@Empresa.ec", "nobody"), "the ID token names no address");
        assert_eq!(said_of("[]").unwrap_err(), "the ID token cannot be read");
        let by_name = GOOD.replace(r#""email""#, r#""preferred_username""#).replace(r#""acuse""#, r#"["x","acuse"]"#);
        assert!(said_of(&by_name).is_ok());
    }
}
