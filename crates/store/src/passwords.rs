//! Passwords of people who log in, as Argon2id keeps them, and tokens, which are random enough for a plain hash.

use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use base64::Engine;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::concurrency_limit::{ConcurrencyLimit, NotDone, cores};

/// One hash takes 19 MiB and tens of milliseconds of a core: no more at once than there are cores, so that a flood of logins
/// takes no more memory than those.
static HASHING: LazyLock<ConcurrencyLimit> =
    LazyLock::new(|| ConcurrencyLimit::new(cores(), cores() * QUEUED_PER_CORE, LONGEST_WAIT));
const QUEUED_PER_CORE: usize = 16;
/// Longer than a person waits for a page without pressing again.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

pub(crate) async fn hash(password: SecretString) -> Result<String, NotDone> {
    let hashed =
        HASHING.run(move || Argon2::default().hash_password(password.expose_secret().as_bytes()).map(|hash| hash.to_string()));
    hashed.await?.map_err(|_| NotDone::Panicked)
}

/// Takes the same time where there is no hash to compare with.
pub(crate) async fn verify(password: SecretString, expected: Option<String>) -> Result<bool, NotDone> {
    let known = expected.is_some();
    let verified = HASHING.run(move || {
        let nobodys = nobodys_hash();
        let expected = expected.as_deref().unwrap_or(nobodys);
        Argon2::default().verify_password(password.expose_secret().as_bytes(), expected).is_ok()
    });
    Ok(verified.await? && known)
}

/// Verified against when the address is unknown, so that the answer takes as long.
fn nobodys_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| Argon2::default().hash_password(b"").map(|hash| hash.to_string()).unwrap_or_default())
}

/// 256 random bits, for a cookie or an API token.
pub(crate) fn random_token() -> SecretString {
    let bytes: [u8; 32] = rand::random();
    SecretString::from(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

pub(crate) fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
