//! Paused accounts are probed when their time has come, whether or not something waits for them: a login and the sender's
//! address, and nothing is sent. So no receipt is used up for it, several queues of one account make one probe, and the owner
//! of a quiet account hears that it works again.

use std::sync::Arc;
use std::time::Duration;

use acuse_mail::endpoint::Limits;
use acuse_store::pauses::{self, AccountKey, Probe};
use acuse_store::{StoreError, health, now, oauth};
use futures_util::{StreamExt, stream};
use tokio::task::JoinSet;

use crate::accounts::to_be_probed;
use crate::circuit_breaker::{fault, problem_of};
use crate::engine::Engine;

/// Accounts tried side by side: one that does not answer takes its place for a minute.
const AT_ONCE: usize = 64;
/// Certificates and connections looked at side by side.
const A_FEW: usize = 16;
/// Well below the time after which another process takes the probe for lost.
const IN_ALL: Duration = Duration::from_secs(60);

/// Begins to try every account whose time has come, and waits for none.
pub(crate) async fn round(engine: &Arc<Engine>, under_way: &mut JoinSet<()>) -> Result<(), StoreError> {
    let room = u32::try_from(AT_ONCE.saturating_sub(under_way.len())).unwrap_or_default();
    if room == 0 {
        return Ok(());
    }
    for probe in pauses::take_probes_any_company(&engine.db, room, now()).await? {
        let engine = engine.clone();
        under_way.spawn(async move {
            if let Err(error) = try_one(&engine, probe).await {
                tracing::error!("A paused account could not be probed: {error}");
            }
        });
    }
    Ok(())
}

async fn try_one(engine: &Engine, probe: Probe) -> Result<(), StoreError> {
    let (db, default) = (&engine.db, engine.settings.default_account.as_ref());
    let Some(account) = to_be_probed(db, &engine.keys, default, probe.company, probe.account).await? else {
        return Ok(());
    };
    let limits = Limits { in_all: Some(IN_ALL), ..engine.transport.limits.clone() };
    let host = &account.endpoint.host;
    match engine.transport.try_login(&account, &limits).await {
        Ok(()) if proves(&probe.phase) => {
            tracing::info!("The account at {host} works again");
            pauses::end(db, account.seen(), now()).await?;
        }
        Ok(()) => pauses::put_on_trial_any_company(db, probe.claim, account.seen(), now()).await?,
        Err(outcome) => {
            if let Some(problem) = problem_of(&outcome) {
                tracing::info!("The account at {host} stays paused: {}", problem.code);
                pauses::probe_failed_any_company(db, probe.claim, account.seen(), &fault(problem), now()).await?;
            }
        }
    }
    if let Some(ends_at) = engine.transport.certificates.take(&account.pool_key) {
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
    let ending = oauth::ending_soon_any_company(&engine.db, now()).await?;
    let renew = async |ending: oauth::Ending| engine.transport.tokens.renew(&ending.account).await;
    stream::iter(ending).for_each_concurrent(A_FEW, renew).await;
    let news = oauth::announce_ending_any_company(&engine.db, now()).await?;
    if news > 0 {
        tracing::info!("{news} connections with providers end within two weeks");
    }
    Ok(())
}

/// Certificates that end soon: those seen long ago are looked at again, the others announced.
pub(crate) async fn certificates(engine: &Engine) -> Result<(), StoreError> {
    let (db, default) = (&engine.db, engine.settings.default_account.as_ref());
    let seen = health::certificates_to_look_at_any_company(db, now()).await?;
    let looks = stream::iter(seen).map(|seen| async move {
        let Some(account) = to_be_probed(db, &engine.keys, default, seen.company, seen.account).await? else { return Ok(()) };
        let limits = Limits { in_all: Some(IN_ALL), ..engine.transport.limits.clone() };
        // Whatever is wrong with it besides, its deliveries will tell.
        let _ = engine.transport.try_login(&account, &limits).await;
        match engine.transport.certificates.take(&account.pool_key) {
            Some(ends_at) => health::note_certificate_any_company(db, account.seen(), ends_at, now()).await,
            None => Ok(()),
        }
    });
    let results: Vec<Result<(), StoreError>> = looks.buffer_unordered(A_FEW).collect().await;
    results.into_iter().collect::<Result<(), StoreError>>()?;
    for ending in health::announce_certificates_any_company(db, now()).await? {
        if ending.account == AccountKey::Default {
            tracing::warn!("The certificate of the default account's server ends on {}", ending.ends_at);
        }
    }
    Ok(())
}
