//! Passwords of people who log in, as Argon2id keeps them, and tokens, which are random enough for a plain hash.

use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use acuse_domain::input::password::{self, PasswordError};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use base64::Engine;
use sea_orm::{ConnectionTrait, FromQueryResult};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use uuid::Uuid;

use crate::concurrency_limit::{ConcurrencyLimit, NotDone, cores};
use crate::db::StoreError;
use crate::sql::{all, values};

/// OWASP's Password Storage Cheat Sheet, Argon2id: 19 MiB (in KiB), two passes, one lane.
const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// How a hash of these parameters begins (PHC string format).
const OF_TODAY: &str = "$argon2id$v=19$m=19456,t=2,p=1$";
/// Bytes of the hash of a recovery code.
const CODE_HASH: usize = 32;

/// One hash takes 19 MiB and tens of milliseconds of a core: no more at once than there are cores, so that a flood of logins
/// takes no more memory than those.
static HASHING: LazyLock<ConcurrencyLimit> =
    LazyLock::new(|| ConcurrencyLimit::new(cores(), cores() * QUEUED_PER_CORE, LONGEST_WAIT));
const QUEUED_PER_CORE: usize = 16;
/// Longer than a person waits for a page without pressing again.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

fn argon2() -> Argon2<'static> {
    let parameters = Params::new(MEMORY, PASSES, LANES, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
}

/// Whether a hash was made with other parameters than those of today: it is made anew when its password is known.
pub(crate) fn is_of_other_times(hash: &str) -> bool {
    !hash.starts_with(OF_TODAY)
}

/// Of a code that a person could guess at: as costly as a password's (ASVS 5.0 6.5.2).
pub(crate) async fn code_hash(code: SecretString, salt: Vec<u8>) -> Result<Vec<u8>, NotDone> {
    let hashed = HASHING.run(move || {
        let mut hash = vec![0; CODE_HASH];
        argon2().hash_password_into(code.expose_secret().as_bytes(), &salt, &mut hash).map(|()| hash)
    });
    hashed.await?.map_err(|_| NotDone::Panicked)
}

/// Whether a person may choose this password; nothing of theirs is known where they are not on record yet.
pub(crate) async fn check_new(
    conn: &impl ConnectionTrait,
    person: Option<Uuid>,
    company: Option<Uuid>,
    own: &[&str],
    password: &SecretString,
) -> Result<Result<(), PasswordError>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        word: Option<String>,
    }
    let sql = "SELECT p.name AS word FROM person p WHERE p.id = $1 UNION ALL SELECT p.email FROM person p WHERE p.id = $1
        UNION ALL SELECT c.legal_name FROM company c WHERE c.id = $2 OR c.id IN (SELECT company_id FROM membership WHERE person_id = $1)
        UNION ALL SELECT c.trade_name FROM company c WHERE c.id = $2 OR c.id IN (SELECT company_id FROM membership WHERE person_id = $1)";
    let rows: Vec<Row> = all(conn, sql, values![person.unwrap_or_default(), company.unwrap_or_default()]).await?;
    let words: Vec<&str> = own.iter().copied().chain(rows.iter().filter_map(|row| row.word.as_deref())).collect();
    Ok(password::check(password.expose_secret(), &words))
}

pub(crate) async fn hash(password: SecretString) -> Result<String, NotDone> {
    let hashed = HASHING.run(move || argon2().hash_password(password.expose_secret().as_bytes()).map(|hash| hash.to_string()));
    hashed.await?.map_err(|_| NotDone::Panicked)
}

/// Takes the same time where there is no hash to compare with.
pub(crate) async fn verify(password: SecretString, expected: Option<String>) -> Result<bool, NotDone> {
    let known = expected.is_some();
    let verified = HASHING.run(move || {
        let nobodys = nobodys_hash();
        let expected = expected.as_deref().unwrap_or(nobodys);
        argon2().verify_password(password.expose_secret().as_bytes(), expected).is_ok()
    });
    Ok(verified.await? && known)
}

/// Verified against when the address is unknown, so that the answer takes as long.
fn nobodys_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| argon2().hash_password(b"").map(|hash| hash.to_string()).unwrap_or_default())
}

/// 256 random bits, for a cookie or an API token.
pub(crate) fn random_token() -> SecretString {
    let bytes: [u8; 32] = rand::random();
    SecretString::from(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

pub(crate) fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
