//! Accounts that rest are tried again when their time has come, whether or not something waits for them: a login and the
//! sender's address, and nothing is sent. So nobody's receipt is the guinea pig, several lanes of one account make one
//! probe, and the owner of a quiet account hears that it works again.

use std::time::Duration;

use acuse_mail::session::Limits;
use acuse_store::pauses::{self, AccountKey, Probe};
use acuse_store::{StoreError, health, now, oauth};
use futures_util::{StreamExt, stream};

use crate::accounts::to_be_probed;
use crate::weight::{fault, problem_of};
use crate::worker::Engine;

/// Accounts tried side by side.
const AT_ONCE: u32 = 16;
/// Well below the time after which another process takes the probe for lost.
const IN_ALL: Duration = Duration::from_secs(60);

/// Tries every account whose time has come.
pub(crate) async fn round(engine: &Engine) -> Result<(), StoreError> {
    let due = pauses::take_probes_any_company(&engine.db, AT_ONCE, now()).await?;
    let results: Vec<Result<(), StoreError>> =
        stream::iter(due).map(|probe| try_one(engine, probe)).buffer_unordered(AT_ONCE as usize).collect().await;
    results.into_iter().collect()
}

async fn try_one(engine: &Engine, probe: Probe) -> Result<(), StoreError> {
    let (db, default) = (&engine.db, engine.settings.default_account.as_ref());
    let Some(account) = to_be_probed(db, &engine.keys, default, probe.company, probe.account).await? else {
        return Ok(());
    };
    let limits = Limits { in_all: Some(IN_ALL), ..engine.desk.limits.clone() };
    let host = &account.endpoint.host;
    match engine.desk.knock(&account, &limits).await {
        Ok(()) if proves(&probe.phase) => {
            tracing::info!("The account at {host} works again");
            pauses::end(db, account.seen(), now()).await?;
        }
        Ok(()) => pauses::put_on_trial_any_company(db, account.seen(), now()).await?,
        Err(outcome) => {
            if let Some(problem) = problem_of(&outcome) {
                tracing::info!("The account at {host} rests longer: {}", problem.code);
                pauses::probe_failed_any_company(db, account.seen(), &fault(problem), now()).await?;
            }
        }
    }
    if let Some(ends_at) = engine.desk.certificates.take(&account.pool_key) {
        health::note_certificate_any_company(db, account.seen(), ends_at, now()).await?;
    }
    Ok(())
}

/// Whether a check without a message passes the point where the fault was seen.
fn proves(phase: &str) -> bool {
    !matches!(phase, "recipient" | "message")
}

/// Connections that end soon: use renews those that end only because nobody uses them, and the others are announced.
pub(crate) async fn connections(engine: &Engine) -> Result<(), StoreError> {
    for ending in oauth::ending_soon_any_company(&engine.db, now()).await? {
        engine.desk.tokens.renew(&ending.account).await;
    }
    let news = oauth::announce_ending_any_company(&engine.db, now()).await?;
    if news > 0 {
        tracing::info!("{news} connections with providers end within two weeks");
    }
    Ok(())
}

/// Certificates that end soon: those seen long ago are looked at again, the others announced.
pub(crate) async fn certificates(engine: &Engine) -> Result<(), StoreError> {
    let (db, default) = (&engine.db, engine.settings.default_account.as_ref());
    for seen in health::certificates_to_look_at_any_company(db, now()).await? {
        let Some(account) = to_be_probed(db, &engine.keys, default, seen.company, seen.account).await? else { continue };
        let limits = Limits { in_all: Some(IN_ALL), ..engine.desk.limits.clone() };
        // Whatever is wrong with it besides, its deliveries will tell.
        let _ = engine.desk.knock(&account, &limits).await;
        if let Some(ends_at) = engine.desk.certificates.take(&account.pool_key) {
            health::note_certificate_any_company(db, account.seen(), ends_at, now()).await?;
        }
    }
    for ending in health::announce_certificates_any_company(db, now()).await? {
        if ending.account == AccountKey::Default {
            tracing::warn!("The certificate of the default account's server ends on {}", ending.ends_at);
        }
    }
    Ok(())
}
