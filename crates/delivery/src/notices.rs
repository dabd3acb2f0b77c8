//! Tells those who are responsible for an account what became of it, through the default account: never through the one that failed.

use std::sync::Arc;
use std::time::Duration;

use acuse_domain::Instant;
use acuse_domain::delivery::{Next, Outcome};
use acuse_domain::email_address::EmailAddress;
use acuse_domain::message::Language;
use acuse_mail::endpoint::Limits;
use acuse_mail::explanation::{Context, Situation, explain_recorded};
use acuse_mail::message::{self, InvalidField, Mail};
use acuse_mail::session::{Envelope, Session};
use acuse_render::mail::{AccountEnding, AccountFacts, AccountRecovered, AccountStopped, Ends, RenderedMail};
use acuse_render::mail::{account_ending_mail, account_recovered_mail, account_stopped_mail};
use acuse_store::notices::{self, News, Notice};
use acuse_store::own_mails::Told;
use acuse_store::pauses::{self, AccountKey};
use acuse_store::{StoreError, now};
use chrono::TimeDelta;
use tokio::task::JoinSet;

use crate::accounts::{Account, DefaultAccount, default_account};
use crate::circuit_breaker::{Transition, fault, problem_of};
use crate::engine::Engine;
use crate::recorder::LEASE;
use crate::retry::{self, Progress};
use crate::transport::outcome_of;

/// Mails claimed at once; they are few.
pub(crate) const AT_ONCE: usize = 8;
/// A session is open well before the mail's lease ends, or not at all.
const OPENING: Duration = Duration::from_secs(40);
/// The default account is paused, or its server asked to slow down: the mail is tried again after this long.
pub(crate) const LATER: TimeDelta = TimeDelta::minutes(1);

/// Begins to send what is due, and waits for none. While the default account is paused, or there is none, the pages and the log tell it alone.
pub(crate) async fn round(engine: &Arc<Engine>, under_way: &mut JoinSet<()>) -> Result<(), StoreError> {
    let Some(default) = &engine.settings.default_account else { return Ok(()) };
    if !notices::are_due_any_company(&engine.db, now()).await? || pauses::find(&engine.db, AccountKey::Default).await?.is_some() {
        return Ok(());
    }
    let room = u32::try_from(AT_ONCE.saturating_sub(under_way.len())).unwrap_or_default();
    if room == 0 {
        return Ok(());
    }
    for notice in notices::claim_due_any_company(&engine.db, room, LEASE, now()).await? {
        let (engine, default) = (engine.clone(), default.clone());
        under_way.spawn(async move {
            if let Err(error) = tell(&engine, &default, &notice).await {
                tracing::error!("What became of a mail about an account could not be written down: {error}");
            }
        });
    }
    Ok(())
}

async fn tell(engine: &Engine, default: &DefaultAccount, notice: &Notice) -> Result<(), StoreError> {
    let (db, begun, account) = (&engine.db, now(), default_account(default));
    let (told, reply) = match written(notice, default, &engine.public_url) {
        Ok(bytes) => match give(engine, &account, notice, &bytes).await? {
            HandedOver::Outcome(outcome) => {
                let tried = Tried { attempt: notice.attempt, queued_at: notice.queued_at, begun };
                (after(engine, &account, tried, &outcome).await?, reply_of(outcome))
            }
            HandedOver::NoConnectionFree => (Told::Again { at: now() + LATER }, String::new()),
            HandedOver::TakenOver => return Ok(()),
        },
        Err(error) => {
            tracing::error!("A mail about an account cannot be written: {error}");
            (Told::Failed, String::new())
        }
    };
    tracing::info!(company.id = %notice.company, "A mail about an account: {told:?}");
    notices::record(db, notice.claim, &told, &reply, now()).await.map(|_| ())
}

async fn give(engine: &Engine, account: &Account, notice: &Notice, bytes: &[u8]) -> Result<HandedOver, StoreError> {
    let take = async || notices::hand_over(&engine.db, notice.claim, now()).await;
    hand_over(engine, account, &notice.recipient, bytes, take).await
}

pub(crate) enum HandedOver {
    Outcome(Outcome),
    NoConnectionFree,
    /// By another process.
    TakenOver,
}

/// Gives the default account's server a mail that is nobody's receipt; `take` says at the last moment whether it is still ours.
pub(crate) async fn hand_over(
    engine: &Engine,
    account: &Account,
    recipient: &EmailAddress,
    bytes: &[u8],
    take: impl AsyncFnOnce() -> Result<bool, StoreError>,
) -> Result<HandedOver, StoreError> {
    let throttle = engine.throttles.of(&account.pool_key);
    let Some(_permit) = throttle.acquire(|| false).await else { return Ok(HandedOver::NoConnectionFree) };
    let limits = Limits { opening: engine.transport.limits.opening.min(OPENING), ..engine.transport.limits.clone() };
    // A session of its own: these are few, and a stale one would leave a doubt.
    let mut session: Session = match engine.transport.open(account, &limits).await {
        Ok(session) => session,
        Err(failure) => return Ok(HandedOver::Outcome(outcome_of(&failure))),
    };
    if !take().await? {
        return Ok(HandedOver::TakenOver);
    }
    let envelope = Envelope { from: &account.from_address, recipient, copies: &[] };
    let answer = session.send(&envelope, bytes).await;
    engine.transport.pool.give_back(&account.pool_key, session);
    Ok(HandedOver::Outcome(match answer {
        Ok(reply) => Outcome::Accepted { reply: reply.text().to_owned() },
        Err(failure) => outcome_of(&failure),
    }))
}

/// What is known of a mail that was tried.
#[derive(Clone, Copy)]
pub(crate) struct Tried {
    pub attempt: i32,
    pub queued_at: Instant,
    pub begun: Instant,
}

pub(crate) async fn after(engine: &Engine, account: &Account, tried: Tried, outcome: &Outcome) -> Result<Told, StoreError> {
    let transition = engine.breakers.after(&account.pool_key, outcome, false, tried.begun, now());
    if let (Transition::Open, Some(problem)) = (transition, problem_of(outcome)) {
        tracing::warn!("The account at {} is paused: {}", account.endpoint.host, problem.code);
        engine.breakers.reset(&account.pool_key);
        pauses::stop_any_company(&engine.db, AccountKey::Default, &fault(problem), now()).await?;
    }
    let put_off_for = retry::put_off_for(tried.attempt, tried.queued_at, now());
    let progress = Progress { attempts: tried.attempt, put_off_for, was_in_doubt: false };
    Ok(match retry::after(outcome, progress, now(), rand::random_range(0..1_000)) {
        Next::Accepted => Told::Accepted,
        // Once is the promise: a doubt is left to the page.
        Next::ConfirmAgain { .. } => Told::InDoubt,
        Next::Failed => Told::Failed,
        Next::Retry { at } => Told::Again { at },
        Next::WaitForAccount => Told::Again { at: now() + LATER },
    })
}

pub(crate) fn reply_of(outcome: Outcome) -> String {
    match outcome {
        Outcome::Accepted { reply } => reply,
        other => problem_of(&other).map(|problem| problem.reply.clone()).unwrap_or_default(),
    }
}

fn written(notice: &Notice, default: &DefaultAccount, public_url: &str) -> Result<Vec<u8>, InvalidField> {
    let rendered = rendered(notice, public_url);
    composed(&rendered, default, &notice.recipient, &notice.claim.id.to_string(), notice.queued_at)
}

pub(crate) fn composed(
    rendered: &RenderedMail,
    default: &DefaultAccount,
    to: &EmailAddress,
    id: &str,
    date: Instant,
) -> Result<Vec<u8>, InvalidField> {
    let host = default.from_address.ascii_domain();
    message::compose(&Mail {
        from_name: "Acuse",
        from_address: &default.from_address,
        to_name: None,
        to,
        reply_to: None,
        subject: &rendered.subject,
        text: &rendered.text,
        html: Some(&rendered.html),
        logo_png: None,
        attachments: &[],
        message_id: &format!("{id}@{host}"),
        date,
        in_reply_to: None,
    })
}

fn rendered(notice: &Notice, public_url: &str) -> RenderedMail {
    let url = format!("{public_url}/mi-compania/correos/{}", notice.account);
    let waiting = u32::try_from(notice.waiting).unwrap_or(u32::MAX);
    let facts = AccountFacts {
        company_name: &notice.company_name,
        company_legal_name: &notice.legal_name,
        address: &notice.from_address,
        module: notice.module.name(),
        server: &notice.server,
        url: &url,
    };
    match &notice.news {
        News::Stopped { since, problem_code, reply } => {
            let context = Context {
                host: &notice.server,
                username: &notice.username,
                sender: &notice.from_address,
                situation: Situation::Queue,
                ..Context::default()
            };
            let why = explain_recorded(problem_code, &context, Language::Spanish);
            account_stopped_mail(&AccountStopped {
                company_name: facts.company_name,
                company_legal_name: facts.company_legal_name,
                address: facts.address,
                module: facts.module,
                since: *since,
                server: facts.server,
                url: facts.url,
                problem_title: &why.title,
                reply,
                fix: &why.fix,
                waiting,
            })
        }
        News::Recovered { since } => {
            account_recovered_mail(&AccountRecovered { facts, since: *since, at: notice.queued_at, waiting })
        }
        News::CertificateEnding { at } => account_ending_mail(&AccountEnding { facts, what: Ends::Certificate, at: *at }),
        News::ConnectionEnding { at } => account_ending_mail(&AccountEnding { facts, what: Ends::Connection, at: *at }),
    }
}
