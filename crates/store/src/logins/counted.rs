//! What else is counted as logins are: links that somebody asks for, and passwords of who is logged in already.

use std::net::IpAddr;

use acuse_domain::Instant;
use secrecy::SecretString;

use super::{Patience, Subject, count, login_name, take_back};
use crate::db::{Db, StoreError};
use crate::users;

/// A link is good for an hour, and a mail may be looked for twice (seconds).
const LINKS_OF_AN_ADDRESS: Patience = Patience { free: 3, first_wait: 5 * 60, longest_wait: 3_600 };
/// An office, or a proxy that was not made known, stands behind one address.
const LINKS_OF_A_NETWORK: Patience = Patience { free: 20, first_wait: 60, longest_wait: 3_600 };

/// Counts that somebody asks for a link to a new password; gives the seconds to wait instead. It is the same whether anybody
/// comes in with this address.
pub async fn ask_for_reset_any_company(
    db: &Db,
    typed: &str,
    source: Option<IpAddr>,
    now: Instant,
) -> Result<Option<u32>, StoreError> {
    let address = Subject::new("reset", login_name(typed).as_bytes(), LINKS_OF_AN_ADDRESS, false);
    let network = source.map(|source| Subject { patience: LINKS_OF_A_NETWORK, ..Subject::network_as("reset network", source) });
    let subjects: Vec<Subject> = std::iter::once(address).chain(network).collect();
    count(db, &subjects, now).await
}

/// Whether a password is somebody's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    Right,
    Wrong,
    /// Not looked at before so many seconds have gone by.
    Wait(u32),
}

/// Counts a guess at the password of who is logged in, and checks it.
pub async fn check_password_any_company(
    db: &Db,
    email: &str,
    password: &SecretString,
    now: Instant,
) -> Result<Checked, StoreError> {
    let subjects = [Subject::address(&login_name(email))];
    if let Some(seconds) = count(db, &subjects, now).await? {
        return Ok(Checked::Wait(seconds));
    }
    let verified = users::verify(db, &login_name(email), password).await;
    if !matches!(verified, Ok(None)) {
        let tx = db.begin_write_any_company().await?;
        take_back(&tx, &subjects, now).await?;
        tx.commit().await?;
    }
    Ok(if verified?.is_some() { Checked::Right } else { Checked::Wrong })
}
