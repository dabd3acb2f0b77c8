//! A form that is sent twice acts once: pressed twice, or sent again after Back.

use std::fmt::Display;

use acuse_domain::text;
use acuse_store::idempotency::Once;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Longer than any key that a page of ours carries.
const LONGEST_KEY: usize = 64;

/// What a page writes into the hidden field `clave` of its form.
#[must_use]
pub fn new_key() -> String {
    Uuid::new_v4().to_string()
}

/// The key of what a form asks for; none where it carries no `clave`. The same form with something else filled in asks for
/// something else.
#[must_use]
pub fn once(clave: &str, asked_for: impl Display) -> Option<Once> {
    if clave.is_empty() || clave.len() > LONGEST_KEY {
        return None;
    }
    let request_hash: [u8; 32] = Sha256::digest(asked_for.to_string()).into();
    let asked: String = request_hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    // A key of the API holds no blank.
    let clave = text::token(clave);
    Some(Once { key: format!("formulario {clave} {asked}"), request_hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_form_asks_once_and_another_one_or_other_data_again() {
        let first = once("a", "uno").unwrap();
        assert_eq!(once("a", "uno").unwrap(), first);
        assert_ne!(once("a", "dos").unwrap().key, first.key);
        assert_ne!(once("b", "uno").unwrap().key, first.key);
        assert_eq!(once("", "uno"), None);
        assert_ne!(new_key(), new_key());
    }
}
