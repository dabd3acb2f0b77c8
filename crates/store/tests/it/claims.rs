//! What every queue promises: a row is in one holder's hands, and whoever slept while it went to another changes nothing.

use std::sync::Arc;
use std::time::Duration;

use acuse_domain::access::Role;
use acuse_domain::delivery::Next;
use acuse_domain::id::MailAccountId;
use acuse_domain::mail_account::MailModule;
use acuse_domain::oauth::Granted;
use acuse_store::deliveries::{self, Claimed, QueueKey};
use acuse_store::invitations::{self, NewInvitation};
use acuse_store::mail_accounts::SaveError;
use acuse_store::notices::{self, Notice};
use acuse_store::oauth::{self, Access, ConnectedAccount, Wanted};
use acuse_store::own_mails::Told;
use acuse_store::pauses::{self, AccountKey, Fault, OFTEN, Probe};
use acuse_store::user_mails::{self, Post, UserMail};
use acuse_store::users;
use acuse_store::{Db, mail_accounts};
use acuse_testkit::builders::{TestCompany, company, mail_account, received};
use acuse_testkit::world::{World, noon, noon_and};
use chrono::TimeDelta;
use secrecy::ExposeSecret;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::deliveries::outcome;
use crate::oauth::{connected_until, granted};

const COBROS: MailModule = MailModule::ReceivedPayments;
/// Longer than a claim takes on a busy machine.
const ASKED_BY_THEN: Duration = Duration::from_secs(3);

on_both_engines!(
    two_claimers_never_hold_one,
    a_holder_that_slept_while_another_took_it_can_neither_renew_nor_finish,
    a_holder_that_is_late_and_was_not_replaced_still_finishes,
    a_lease_that_is_renewed_lasts,
);

/// Every queue there is, and how long its leases last (seconds).
const QUEUES: [(Queue, i64); 5] =
    [(Queue::Deliveries, 60), (Queue::Notices, 60), (Queue::Renewals, 90), (Queue::Probes, 180), (Queue::UserMails, 60)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Queue {
    Deliveries,
    Notices,
    Renewals,
    Probes,
    UserMails,
}

/// What a worker has in hand.
enum Held {
    Delivery(Box<Claimed>),
    Notice(Box<Notice>),
    Renewal { answer: oneshot::Sender<Granted>, ends: JoinHandle<Result<Access, SaveError>> },
    Probe(Probe),
    UserMail(Box<UserMail>),
}

/// A queue in which one row is due at noon.
struct Due<'a> {
    world: &'a World,
    queue: Queue,
    made: TestCompany,
    account: MailAccountId,
}

impl<'a> Due<'a> {
    async fn one(world: &'a World, queue: Queue) -> Self {
        let (db, keys) = (&world.db, world.keys());
        let made = world.with(company().with_customer("Andina")).await;
        let account = match queue {
            Queue::Renewals => connected_until(world, &made.actor, noon_and(-1)).await,
            _ => mail_accounts::create(db, &keys, &made.actor, &mail_account(COBROS, "a"), None, noon()).await.unwrap(),
        };
        let stops = async |at| pauses::begin(db, AccountKey::Own(account), "bad_credentials", "535", noon_and(at)).await.unwrap();
        match queue {
            Queue::Deliveries => {
                received(made.contacts[0], "1.00").to("pagos@andina.ec").record(db, &made.actor).await.unwrap();
            }
            Queue::Notices => {
                let email = "duena@x.ec".parse().unwrap();
                users::create(db, made.id, "Ana", &email, &"una clave larga".into(), Role::Owner, noon()).await.unwrap();
                stops(0).await;
            }
            Queue::Renewals => {}
            Queue::Probes => stops(-15 * 60).await,
            Queue::UserMails => {
                let new = NewInvitation { email: "caja@x.ec".parse().unwrap(), name: String::new(), role: Role::Clerk };
                invitations::invite(db, &made.actor, &new, None, Post::Mail(&keys), noon()).await.unwrap();
            }
        }
        Self { world, queue, made, account }
    }

    /// What a worker is given that asks at this moment.
    async fn claim(&self, db: &Db, at: i64) -> Option<Held> {
        let (now, lease) = (noon_and(at), TimeDelta::seconds(60));
        match self.queue {
            Queue::Deliveries => {
                deliveries::release_expired_any_company(db, now).await.unwrap();
                let queue = QueueKey { company: self.made.id, module: COBROS };
                let mut claimed = deliveries::claim_due(db, queue, 9, lease, now).await.unwrap();
                claimed.pop().map(|claimed| Held::Delivery(Box::new(claimed)))
            }
            Queue::Notices => {
                let mut claimed = notices::claim_due_any_company(db, 9, lease, now).await.unwrap();
                claimed.pop().map(|claimed| Held::Notice(Box::new(claimed)))
            }
            Queue::Renewals => self.ask_for_token(db, at).await,
            Queue::Probes => pauses::take_probes_any_company(db, 9, now).await.unwrap().pop().map(Held::Probe),
            Queue::UserMails => {
                let keys = self.world.keys();
                let mut claimed = user_mails::claim_due_any_company(db, &keys, 9, lease, now).await.unwrap();
                claimed.pop().map(|claimed| Held::UserMail(Box::new(claimed)))
            }
        }
    }

    /// Whoever is given the renewal asks the provider, which has not answered yet.
    async fn ask_for_token(&self, db: &Db, at: i64) -> Option<Held> {
        let ((asked, was_asked), (answer, answered)) = (oneshot::channel(), oneshot::channel());
        let ask = move |_, _| async move {
            asked.send(()).unwrap();
            Ok(answered.await.unwrap())
        };
        let scope = mail_account(COBROS, "").settings.credential_scope();
        let account = ConnectedAccount { company: self.made.id, id: self.account, scope };
        let (db, keys) = (db.clone(), Arc::new(self.world.keys()));
        let ends =
            tokio::spawn(async move { oauth::access_token(&db, &keys, &account, Wanted::Usable, noon_and(at), ask).await });
        match timeout(ASKED_BY_THEN, was_asked).await {
            Ok(Ok(())) => Some(Held::Renewal { answer, ends }),
            _ => None,
        }
    }

    /// Whether the holder has it for longer now. Nothing where leases are not renewed: they last longer than the work may.
    async fn renew(&self, held: &Held, at: i64) -> Option<bool> {
        let db = &self.world.db;
        match held {
            Held::Delivery(one) => {
                let renewed = deliveries::renew(db, &[one.claim()], TimeDelta::seconds(60), noon_and(at)).await;
                Some(renewed.unwrap() == 1)
            }
            Held::Notice(one) => Some(notices::hand_over(db, one.claim, noon_and(at)).await.unwrap()),
            Held::UserMail(one) => Some(user_mails::hand_over(db, one.claim, noon_and(at)).await.unwrap()),
            Held::Renewal { .. } | Held::Probe(_) => None,
        }
    }

    /// Whether what the holder brings is written down.
    async fn finish(&self, held: Held, at: i64) -> bool {
        let (db, now) = (&self.world.db, noon_and(at));
        match held {
            Held::Delivery(one) => {
                let done = outcome(&one, Next::Accepted, "250", None, now);
                deliveries::record_attempts(db, &[done], now).await.unwrap().is_empty()
            }
            Held::Notice(one) => notices::record(db, one.claim, &Told::Accepted, "250", now).await.unwrap(),
            Held::UserMail(one) => user_mails::record(db, one.claim, &Told::Accepted, None, "250", now).await.unwrap(),
            Held::Renewal { answer, ends } => {
                let brought = granted(&at.to_string(), noon_and(at + 3_600));
                let own = brought.access_token.expose_secret().to_owned();
                answer.send(brought).unwrap();
                matches!(ends.await.unwrap().unwrap(), Access::Token(token) if token.secret.expose_secret() == own)
            }
            Held::Probe(one) => {
                let fault = Fault { problem_code: "bad_credentials", reply: "535", phase: "auth", probe_after: OFTEN };
                pauses::probe_failed_any_company(db, one.claim, one.account, &fault, now).await.unwrap()
            }
        }
    }
}

async fn two_claimers_never_hold_one(world: World) {
    let other = world.opened_again().await;
    for (queue, lease) in QUEUES {
        let due = Due::one(&world, queue).await;
        let (one, two) = tokio::join!(due.claim(&world.db, 0), due.claim(&other, 0));
        assert!(one.is_some() != two.is_some(), "{queue:?}");
        assert!(due.claim(&other, lease - 5).await.is_none(), "{queue:?}: the lease lasts");
    }
}

async fn a_holder_that_slept_while_another_took_it_can_neither_renew_nor_finish(world: World) {
    let other = world.opened_again().await;
    for (queue, lease) in QUEUES {
        let due = Due::one(&world, queue).await;
        let slept = due.claim(&world.db, 0).await.unwrap();
        let awake = due.claim(&other, lease + 1).await.unwrap_or_else(|| panic!("{queue:?}: its lease had ended"));
        assert_ne!(due.renew(&slept, lease + 2).await, Some(true), "{queue:?}");
        assert!(!due.finish(slept, lease + 2).await, "{queue:?}");
        assert_ne!(due.renew(&awake, lease + 3).await, Some(false), "{queue:?}");
        assert!(due.finish(awake, lease + 4).await, "{queue:?}");
        assert!(due.claim(&other, 2 * lease + 9).await.is_none(), "{queue:?}: it is done");
    }
}

/// What it brings would be lost for nothing.
async fn a_holder_that_is_late_and_was_not_replaced_still_finishes(world: World) {
    for (queue, lease) in QUEUES {
        let due = Due::one(&world, queue).await;
        let held = due.claim(&world.db, 0).await.unwrap();
        assert!(due.finish(held, lease + 1).await, "{queue:?}");
        assert!(due.claim(&world.db, lease + 2).await.is_none(), "{queue:?}");
    }
}

async fn a_lease_that_is_renewed_lasts(world: World) {
    for (queue, lease) in QUEUES {
        let due = Due::one(&world, queue).await;
        let held = due.claim(&world.db, 0).await.unwrap();
        if due.renew(&held, lease - 5).await.is_some() {
            assert!(due.claim(&world.db, lease + 1).await.is_none(), "{queue:?}");
            assert!(due.finish(held, lease + 2).await, "{queue:?}");
        }
    }
}
