//! DKIM (RFC 6376): which keys the domain shows. Selectors cannot be listed: what is not found under the names that are
//! known may stand under another.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs1::RsaPublicKeyRef;
use rsa::pkcs8::SubjectPublicKeyInfoRef;

use super::facts::{Facts, Known};
use super::tags::{tags, value};
use super::{Finding, KeySeen, OwnKey, Record, State, Subject, Topic};
use crate::providers::Provider;

/// RFC 8301 3.2: receivers refuse what is signed with less.
const SHORTEST_KEY: u32 = 1024;
/// What servers sign with that nobody has named otherwise: cPanel, and what administrators write first.
const USUAL: [&str; 4] = ["default", "mail", "dkim", "k1"];

/// A key record as receivers read it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    /// Bits of an RSA key; an Ed25519 key has 256, and nothing to complain of.
    Usable(u32),
    TooShort(u32),
    Revoked,
    Broken,
}

pub(super) fn judge(facts: &mut Facts, subject: &Subject) -> Finding {
    if let Some(own) = subject.own_keys.iter().find(|key| key.signs) {
        return own_key(facts, subject, own);
    }
    let provider = subject.provider();
    let names = selectors(provider);
    let mut looks: Vec<(String, Looked)> =
        names.iter().map(|name| (name.clone(), look(facts, &record_name(name, &subject.domain)))).collect();
    // RFC 8020: where the name above all selectors does not exist, there is none.
    let nothing_below = matches!(facts.texts(&format!("_domainkey.{}", subject.domain)), Known::NoDomain);
    looks.sort_by_key(|(_, looked)| looked.rank());
    match looks.into_iter().next() {
        Some((selector, Looked::Found(text, key))) => of_key(&selector, &text, &key),
        Some((_, Looked::Unanswered)) => finding(State::Unknown, "dkim_unknown"),
        _ => of_none(subject, provider, nothing_below).with("selectors", &names.join(", ")),
    }
}

/// The key of ours that is to sign, or signs.
pub(super) fn see(facts: &mut Facts, domain: &str, key: &OwnKey) -> KeySeen {
    match facts.texts(&record_name(&key.selector, domain)) {
        Known::Failed => KeySeen::Unanswered,
        Known::NoRecords | Known::NoDomain => KeySeen::Missing,
        Known::Found(texts) => {
            let shown = |text: &String| public_key(&tags(text)).is_some_and(|own| own == key.public_key);
            match texts.as_slice() {
                [only] if shown(only) => KeySeen::Seen,
                // RFC 6376 3.6.2.2: of several records, which one counts is not defined.
                several if several.iter().any(shown) => KeySeen::NotAlone,
                other => KeySeen::Other(other.join("\n")),
            }
        }
    }
}

pub(super) fn record_name(selector: &str, domain: &str) -> String {
    format!("{selector}._domainkey.{domain}")
}

fn own_key(facts: &mut Facts, subject: &Subject, own: &OwnKey) -> Finding {
    let (state, code) = match see(facts, &subject.domain, own) {
        KeySeen::Seen => (State::Ok, "dkim_own"),
        KeySeen::Unanswered => (State::Unknown, "dkim_unknown"),
        KeySeen::Missing | KeySeen::NotAlone | KeySeen::Other(_) => (State::Wrong, "dkim_own_gone"),
    };
    let found = finding(state, code).with("selector", &own.selector);
    if state == State::Wrong { found.add(own.record(&subject.domain)) } else { found }
}

fn selectors(provider: Option<&Provider>) -> Vec<String> {
    match provider {
        Some(provider) if !provider.dns.dkim.is_empty() => provider.dns.dkim.clone(),
        // A name that the provider makes for each domain: only what people write by habit can be tried.
        _ => USUAL.map(str::to_owned).to_vec(),
    }
}

enum Looked {
    Found(String, Key),
    Nothing,
    Unanswered,
}

impl Looked {
    /// The best comes first: one usable key is enough.
    fn rank(&self) -> u8 {
        match self {
            Self::Found(_, Key::Usable(_)) => 0,
            Self::Unanswered => 1,
            Self::Found(_, Key::TooShort(_)) => 2,
            Self::Found(_, Key::Broken) => 3,
            Self::Found(_, Key::Revoked) => 4,
            Self::Nothing => 5,
        }
    }
}

fn look(facts: &mut Facts, name: &str) -> Looked {
    match facts.texts(name) {
        Known::Failed => Looked::Unanswered,
        Known::NoRecords | Known::NoDomain => Looked::Nothing,
        Known::Found(texts) => match texts.into_iter().next() {
            // RFC 6376 3.6.2.2: of several records, which one counts is not defined; the first is as good as any.
            Some(text) => {
                let key = read(&text);
                Looked::Found(text, key)
            }
            None => Looked::Nothing,
        },
    }
}

fn of_key(selector: &str, text: &str, key: &Key) -> Finding {
    let found = match key {
        Key::Usable(_) => finding(State::Ok, "dkim_ok"),
        Key::TooShort(bits) => finding(State::Wrong, "dkim_short").with("bits", &bits.to_string()),
        Key::Revoked => finding(State::Wrong, "dkim_revoked"),
        Key::Broken => finding(State::Wrong, "dkim_broken"),
    };
    found.with("selector", selector).seen(text)
}

fn of_none(subject: &Subject, provider: Option<&Provider>, nothing_below: bool) -> Finding {
    let certain = nothing_below || provider.is_some_and(|provider| provider.dns.dkim_always);
    match (certain, provider) {
        (true, Some(provider)) => {
            let found = finding(State::Missing, "dkim_missing");
            match provider.dns.dkim_cname(&subject.domain) {
                Some((name, value)) => found.add(Record { kind: "CNAME", name, value }),
                None => found,
            }
        }
        (true, None) => finding(State::Missing, "dkim_none"),
        (false, _) => finding(State::Unknown, "dkim_not_guessable"),
    }
}

const fn finding(state: State, code: &'static str) -> Finding {
    Finding::new(Topic::Dkim, state, code)
}

fn read(text: &str) -> Key {
    let tags = tags(text);
    let is_dkim = value(&tags, "v").is_none_or(|version| version == "DKIM1");
    let Some(public) = public_key(&tags).filter(|_| is_dkim) else { return Key::Broken };
    if public.is_empty() {
        return Key::Revoked;
    }
    let Ok(bytes) = STANDARD.decode(&public) else { return Key::Broken };
    match value(&tags, "k").unwrap_or("rsa") {
        "rsa" => match bits(&bytes) {
            None => Key::Broken,
            Some(bits) if bits < SHORTEST_KEY => Key::TooShort(bits),
            Some(bits) => Key::Usable(bits),
        },
        "ed25519" if bytes.len() == 32 => Key::Usable(256),
        _ => Key::Broken,
    }
}

/// `p=` without the white space that panels put into it.
fn public_key(tags: &[(&str, &str)]) -> Option<String> {
    value(tags, "p").map(|public| public.split_whitespace().collect())
}

/// Of an RSA key as SubjectPublicKeyInfo, which everybody writes, or as the bare key that RFC 6376 3.6.1 speaks of.
fn bits(der: &[u8]) -> Option<u32> {
    let bare = match SubjectPublicKeyInfoRef::try_from(der) {
        Ok(info) => info.subject_public_key.as_bytes()?,
        Err(_) => der,
    };
    let modulus = RsaPublicKeyRef::try_from(bare).ok()?.modulus;
    let bytes = modulus.as_bytes();
    let first = bytes.first()?;
    u32::try_from(bytes.len()).ok()?.checked_mul(8)?.checked_sub(first.leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: &str = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL51V0+m3CXDLHlJTD7jCRb4nGBcnfqUNcs9Fgi7+E7BmSJTELSj4nNGYGBzLPm6ACu4wzYTlyFd7rQkJ+hE+sECAwEAAQ==";
    const GOOD: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";

    #[test]
    fn a_key_is_usable_short_revoked_or_broken() {
        assert_eq!(read(&format!("v=DKIM1; k=rsa; p={GOOD}")), Key::Usable(1024));
        assert_eq!(read(&format!("p={}", GOOD.replace("9ZJ", "9Z J "))), Key::Usable(1024));
        assert_eq!(read(&format!("v=DKIM1; p={SHORT}")), Key::TooShort(512));
        assert_eq!(read("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="), Key::Usable(256));
        assert_eq!(read("v=DKIM1; k=rsa; p="), Key::Revoked);
        for broken in [
            "v=DKIM1; k=rsa",
            "v=DKIM1; p=no-es-base64",
            "v=DKIM2; p=MIGf",
            "",
            "hola",
            "v=DKIM1; k=rsa; p=MIGf",
            "v=DKIM1; k=otra; p=aGk=",
        ] {
            assert_eq!(read(broken), Key::Broken, "{broken}");
        }
    }
}
