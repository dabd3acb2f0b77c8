//! What else is counted as logins are: links that somebody asks for, and passwords of who is logged in already. Whoever uses a
//! browser in which they entered before is counted by that browser here, too: what strangers do makes nobody wait in it.

use acuse_domain::Instant;
use acuse_domain::id::UserId;
use secrecy::SecretString;

use super::second_step::subjects_of;
use super::{Origin, Patience, Subject, count, known_browser, login_name, take_back};
use crate::audit;
use crate::db::{Db, StoreError};
use crate::events::EventKind;
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
    origin: &Origin<'_>,
    now: Instant,
) -> Result<Option<u32>, StoreError> {
    let typed = login_name(typed);
    let whose = users::id_of(db, &typed).await?;
    let own = known_browser(db, whose, &origin.shown(), now).await?;
    let subjects: Vec<Subject> = match own {
        Some(token_hash) => vec![Subject::new("reset browser", &token_hash, LINKS_OF_AN_ADDRESS, false)],
        None => {
            let address = Subject::new("reset", typed.as_bytes(), LINKS_OF_AN_ADDRESS, false);
            let network = |source| Subject { patience: LINKS_OF_A_NETWORK, ..Subject::network_as("reset network", source) };
            std::iter::once(address).chain(origin.source.map(network)).collect()
        }
    };
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
    (user, email): (UserId, &str),
    password: &SecretString,
    origin: &Origin<'_>,
    now: Instant,
) -> Result<Checked, StoreError> {
    let subjects = subjects_of(db, user.0, origin, now).await?;
    if let Some(seconds) = count(db, &subjects, now).await? {
        return Ok(Checked::Wait(seconds));
    }
    let verified = users::verify(db, &login_name(email), password).await;
    if !matches!(verified, Ok(None)) {
        let tx = db.begin_write_any_company().await?;
        take_back(&tx, &subjects, now).await?;
        tx.commit().await?;
    }
    if verified?.is_some_and(|verified| verified.person == user.0) {
        return Ok(Checked::Right);
    }
    audit::note_not_entered(db, Some(user.0), EventKind::LoginWrong, origin.source, now);
    Ok(Checked::Wrong)
}
