//! One person in several companies; a company that is archived, and one that is deleted.

use acuse_domain::access::Role;
use acuse_domain::company::{CompanyProfile, FirstSteps};
use acuse_domain::day_in_ecuador;
use acuse_domain::delivery::Next;
use acuse_domain::id::{CompanyId, SessionId, UserId};
use acuse_domain::mail_account::MailModule;
use acuse_store::audit::{self, HISTORY};
use acuse_store::companies::CreateError;
use acuse_store::deletion::{self, DeletionError, TABLES};
use acuse_store::deliveries::{self, QueueKey};
use acuse_store::invitations::{self, NewInvitation};
use acuse_store::user_mails::Post;
use acuse_store::{Actor, Identity, archive, companies, export, memberships, users};
use acuse_testkit::builders::{company, received};
use acuse_testkit::outside;
use acuse_testkit::world::{self, World, noon, noon_and};
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};

const PASSWORD: &str = "ocho ñandúes";
const ANA: &str = "ana@cotopaxi.ec";
const WEEK: i64 = 7 * 24 * 3_600;

on_both_engines!(
    a_session_is_led_into_a_company_of_its_person_and_into_no_other,
    a_login_leads_to_the_company_that_was_entered_last,
    who_founds_a_company_is_its_owner,
    each_company_says_what_it_needs_and_what_came_in,
    an_archived_company_sends_nothing_until_it_is_opened_again,
    a_company_is_deleted_by_two_people_after_its_time,
    one_person_deletes_no_company_and_no_one_too_early,
    everything_of_a_company_is_in_its_export_and_no_secret,
);

async fn owner(world: &World, company: CompanyId, email: &str) -> UserId {
    let (address, password) = (email.parse().unwrap(), SecretString::from(PASSWORD));
    users::create(&world.db, company, "Ana Toapanta", &address, &password, Role::Owner, noon()).await.unwrap()
}

async fn log_in(world: &World, seconds: i64) -> String {
    let token = world::log_in(&world.db, ANA, PASSWORD, noon_and(seconds)).await;
    token.expect("the right password").expose_secret().to_string()
}

async fn is_in(world: &World, session: &str) -> Option<CompanyId> {
    users::session(&world.db, session, noon()).await.unwrap().map(|session| session.company)
}

fn profile(name: &str) -> CompanyProfile {
    CompanyProfile { legal_name: name.to_owned(), ..CompanyProfile::default() }
}

fn as_user(company: CompanyId, user: UserId) -> Actor {
    let identity = Identity::User { user, session: None::<SessionId> };
    Actor { identity, ..Actor::named(company, "Ana Toapanta") }
}

async fn a_session_is_led_into_a_company_of_its_person_and_into_no_other(world: World) {
    let (first, strange) = (world.with(company()).await, world.with(company()).await);
    let ana = owner(&world, first.id, ANA).await;
    let second =
        companies::found(&world.db, ana, &as_user(first.id, ana), &"1760001550001".parse().unwrap(), &profile("Otra"), noon())
            .await;
    let second = second.unwrap();
    let session = log_in(&world, 1).await;
    assert_eq!(is_in(&world, &session).await, Some(first.id));
    assert!(memberships::enter(&world.db, second, &session, noon_and(2)).await.unwrap());
    assert_eq!(is_in(&world, &session).await, Some(second));
    let entries =
        audit::count(&world.db, second, &audit::Filter { words: &["login"], ..audit::Filter::default() }).await.unwrap();
    assert_eq!(entries, 1, "its history says who came in");
    assert!(!memberships::enter(&world.db, strange.id, &session, noon_and(3)).await.unwrap(), "they do not belong to it");
    assert!(!memberships::enter(&world.db, second, "otra sesión", noon_and(3)).await.unwrap());
    assert_eq!(is_in(&world, &session).await, Some(second), "and stay where they were");
    let offered = memberships::offered(&world.db, second, ana, 5).await.unwrap();
    assert_eq!((offered.companies, offered.is_owner), (2, true));
    assert_eq!(offered.others, [(first.id, "DistriPichincha".to_owned())]);
}

async fn a_login_leads_to_the_company_that_was_entered_last(world: World) {
    let first = world.with(company()).await;
    let ana = owner(&world, first.id, ANA).await;
    let second =
        companies::found(&world.db, ana, &as_user(first.id, ana), &"1760001550001".parse().unwrap(), &profile("Otra"), noon())
            .await;
    let second = second.unwrap();
    let session = log_in(&world, 1).await;
    memberships::enter(&world.db, second, &session, noon_and(2)).await.unwrap();
    assert_eq!(is_in(&world, &log_in(&world, 3).await).await, Some(second));
    archive::archive(&world.db, &as_user(second, ana), Post::ByHand, noon_and(4)).await.unwrap();
    assert_eq!(is_in(&world, &log_in(&world, 5).await).await, Some(first.id), "an archived one is the last choice");
    let listed = memberships::list_any_company(&world.db, ana).await.unwrap();
    assert_eq!(listed.iter().map(|one| (one.company, one.is_archived)).collect::<Vec<_>>(), [(first.id, false), (second, true)]);
}

async fn who_founds_a_company_is_its_owner(world: World) {
    let first = world.with(company()).await;
    let ana = owner(&world, first.id, ANA).await;
    let ruc = "1760001550001".parse().unwrap();
    let made = companies::found(&world.db, ana, &as_user(first.id, ana), &ruc, &profile("Otra"), noon()).await.unwrap();
    let theirs = memberships::list_any_company(&world.db, ana).await.unwrap();
    assert!(theirs.iter().any(|one| one.company == made && one.role == Role::Owner && one.ruc == ruc));
    let again = companies::found(&world.db, ana, &as_user(first.id, ana), &ruc, &profile("Otra"), noon()).await;
    assert!(matches!(again, Err(CreateError::RucTaken)), "{again:?}");
    let nothing = FirstSteps { logo: false, mail_account: false, document: false, payment: false };
    assert_eq!(companies::first_steps(&world.db, made).await.unwrap(), nothing);
    companies::change_logo(&world.db, &acuse_store::Actor::operator(made), Some(vec![1])).await.unwrap();
    assert_eq!(companies::first_steps(&world.db, made).await.unwrap(), FirstSteps { logo: true, ..nothing });
}

async fn each_company_says_what_it_needs_and_what_came_in(world: World) {
    let busy = world.with(company().with_customer("Andina").with_open_invoice("120.00")).await;
    let ana = owner(&world, busy.id, ANA).await;
    received(busy.contacts[0], "30.00").notifying().record(&world.db, &busy.actor).await.unwrap();
    received(busy.contacts[0], "12.50").record(&world.db, &busy.actor).await.unwrap();
    let strange = world.with(company().with_customer("Vecina").with_open_invoice("9.00")).await;
    received(strange.contacts[0], "9.00").record(&world.db, &strange.actor).await.unwrap();
    fail_one(&world, busy.id).await;
    let today = day_in_ecuador(noon());
    let figures = memberships::figures_any_company(&world.db, ana, (today, today)).await.unwrap();
    assert_eq!(figures.len(), 1, "and nothing of another's company");
    let of = &figures[&busy.id];
    assert_eq!((of.received.to_string().as_str(), of.undelivered.deliveries, of.undelivered.bounced), ("42,50", 1, 0));
    assert!(!of.has_account && of.paused.is_empty());
    let before = today - TimeDelta::days(1);
    let earlier = memberships::figures_any_company(&world.db, ana, (before, before)).await.unwrap();
    assert_eq!(earlier[&busy.id].received.to_string(), "0,00");
}

/// One delivery of the company's first queue fails for good.
async fn fail_one(world: &World, company: CompanyId) {
    let queue = QueueKey { company, module: MailModule::ReceivedPayments };
    let claimed = deliveries::claim_due(&world.db, queue, 1, TimeDelta::minutes(1), noon_and(1)).await.unwrap().remove(0);
    let done = deliveries::Recorded {
        company,
        id: claimed.id,
        fence: claimed.fence,
        at: noon_and(2),
        duration_ms: 1,
        phase: "recipient",
        reply: "550 no such user".to_owned(),
        problem_code: Some("recipient_unknown".to_owned()),
        message_id: "a@b.ec".to_owned(),
        stamp: deliveries::Stamp { source: "default", server: "s".to_owned(), from_address: "a@b.ec".to_owned() },
        next: Next::Failed,
    };
    assert!(deliveries::record_attempts(&world.db, &[done], noon_and(2)).await.unwrap().is_empty());
}

async fn an_archived_company_sends_nothing_until_it_is_opened_again(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("120.00")).await;
    received(made.contacts[0], "30.00").notifying().record(&world.db, &made.actor).await.unwrap();
    let queue = QueueKey { company: made.id, module: MailModule::ReceivedPayments };
    assert_eq!(deliveries::queues_due_any_company(&world.db, noon_and(1)).await.unwrap(), [queue]);
    assert!(archive::archive(&world.db, &made.actor, Post::ByHand, noon_and(2)).await.unwrap());
    assert!(!archive::archive(&world.db, &made.actor, Post::ByHand, noon_and(2)).await.unwrap(), "it is archived already");
    assert_eq!(archive::archived_at(&world.db, made.id).await.unwrap(), Some(noon_and(2)));
    assert_eq!(deliveries::queues_due_any_company(&world.db, noon_and(3)).await.unwrap(), []);
    let lease = TimeDelta::minutes(1);
    assert!(deliveries::claim_due(&world.db, queue, 9, lease, noon_and(3)).await.unwrap().is_empty(), "nor who knew the queue");
    assert!(archive::reopen(&world.db, &made.actor, Post::ByHand, noon_and(4)).await.unwrap());
    assert!(!archive::reopen(&world.db, &made.actor, Post::ByHand, noon_and(4)).await.unwrap());
    assert_eq!(deliveries::claim_due(&world.db, queue, 9, lease, noon_and(5)).await.unwrap().len(), 1);
}

async fn a_company_is_deleted_by_two_people_after_its_time(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("120.00")).await;
    let kept = world.with(company().with_customer("Vecina").with_open_invoice("9.00")).await;
    received(made.contacts[0], "30.00")
        .settling(made.documents[0], "30.00")
        .notifying()
        .record(&world.db, &made.actor)
        .await
        .unwrap();
    let (ana, eva) = (owner(&world, made.id, ANA).await, owner(&world, made.id, "eva@cotopaxi.ec").await);
    owner(&world, kept.id, "otra@paute.ec").await;
    companies::change_logo(&world.db, &acuse_store::Actor::operator(made.id), Some(vec![1, 2])).await.unwrap();
    let session = log_in(&world, 1).await;
    let (by_ana, by_eva) = (as_user(made.id, ana), as_user(made.id, eva));
    archive::archive(&world.db, &by_ana, Post::ByHand, noon_and(2)).await.unwrap();
    deletion::note_export(&world.db, &by_ana, Post::ByHand, noon_and(3)).await.unwrap();
    let asked = deletion::ask(&world.db, &by_ana, TimeDelta::seconds(WEEK), Post::ByHand, noon_and(4)).await.unwrap();
    assert_eq!((asked.due_at, asked.by), (noon_and(4 + WEEK), Some(ana)));
    assert_eq!(deletion::asked(&world.db, made.id).await.unwrap(), Some(asked));
    deletion::confirm(&world.db, &by_eva, Post::ByHand, noon_and(4 + WEEK)).await.unwrap();
    assert_eq!(companies::find(&world.db, made.id).await.unwrap(), None);
    let of_history = HISTORY.map(|table| (table, "company_id = $1"));
    for (table, condition) in TABLES.into_iter().chain(of_history) {
        let condition = condition.replace("$1", &literal(&world, made.id));
        let left = outside::numbers(&world.url, &format!("SELECT COUNT(*) AS n FROM {table} WHERE {condition}")).await;
        assert_eq!(left, [0], "{table}");
    }
    assert_eq!(is_in(&world, &session).await, None);
    assert!(world::log_in(&world.db, ANA, PASSWORD, noon_and(5 + WEEK)).await.is_none(), "on record, without an entry");
    assert!(companies::find(&world.db, kept.id).await.unwrap().is_some());
    let theirs = outside::numbers(&world.url, "SELECT COUNT(*) AS n FROM document").await;
    assert_eq!(theirs, [1], "the other company's");
    let known = TABLES.iter().map(|(table, _)| *table).chain(HISTORY);
    let unknown: Vec<String> = known.map(|table| format!("'{table}'")).collect();
    assert_eq!(outside::numbers(&world.url, &tables_beside(&world, &unknown.join(", "))).await, [0], "a table is not deleted");
}

/// Counts the tables with rows of a company that are not among these.
fn tables_beside(world: &World, known: &str) -> String {
    if world.db.is_sqlite() {
        format!(
            "SELECT COUNT(*) AS n FROM sqlite_master m JOIN pragma_table_info(m.name) c
            WHERE m.type = 'table' AND c.name = 'company_id' AND m.name NOT IN ({known})"
        )
    } else {
        format!(
            "SELECT COUNT(*) AS n FROM information_schema.columns
            WHERE table_schema = 'public' AND column_name = 'company_id' AND table_name NOT IN ({known})"
        )
    }
}

fn literal(world: &World, company: CompanyId) -> String {
    let id = company.to_string();
    if world.db.is_sqlite() { format!("X'{}'", id.replace('-', "")) } else { format!("'{id}'") }
}

async fn one_person_deletes_no_company_and_no_one_too_early(world: World) {
    let made = world.with(company()).await;
    let (ana, eva) = (owner(&world, made.id, ANA).await, owner(&world, made.id, "eva@cotopaxi.ec").await);
    let (by_ana, by_eva, operator) = (as_user(made.id, ana), as_user(made.id, eva), Actor::operator(made.id));
    let wait = TimeDelta::seconds(WEEK);
    let ask = async |by: &Actor| deletion::ask(&world.db, by, wait, Post::ByHand, noon()).await;
    assert!(matches!(ask(&by_ana).await, Err(DeletionError::NotArchived)));
    let new = NewInvitation { email: "titere@cotopaxi.ec".parse().unwrap(), name: String::new(), role: Role::Owner };
    invitations::invite(&world.db, &by_ana, &new, None, Post::ByHand, noon()).await.unwrap();
    deletion::note_export(&world.db, &by_ana, Post::ByHand, noon_and(-1)).await.unwrap();
    archive::archive(&world.db, &by_ana, Post::ByHand, noon()).await.unwrap();
    assert!(invitations::open(&world.db, made.id).await.unwrap().is_empty(), "nobody is made a second person afterwards");
    assert!(matches!(ask(&by_ana).await, Err(DeletionError::NotExported)), "what was taken along before is not all");
    deletion::note_export(&world.db, &by_ana, Post::ByHand, noon()).await.unwrap();
    let confirm = async |by: &Actor, seconds| deletion::confirm(&world.db, by, Post::ByHand, noon_and(seconds)).await;
    assert!(matches!(confirm(&by_eva, WEEK).await, Err(DeletionError::NotAsked)));
    ask(&by_ana).await.unwrap();
    assert!(matches!(ask(&by_eva).await, Err(DeletionError::AskedAlready)));
    assert!(matches!(confirm(&by_eva, WEEK - 1).await, Err(DeletionError::TooEarly(_))));
    assert!(matches!(confirm(&by_ana, WEEK).await, Err(DeletionError::SamePerson)));
    assert!(deletion::cancel(&world.db, &by_eva, Post::ByHand, noon()).await.unwrap(), "any owner takes it back");
    assert!(!deletion::cancel(&world.db, &by_eva, Post::ByHand, noon()).await.unwrap());
    ask(&operator).await.unwrap();
    assert!(matches!(confirm(&operator, WEEK).await, Err(DeletionError::SamePerson)));
    archive::reopen(&world.db, &by_eva, Post::ByHand, noon()).await.unwrap();
    assert_eq!(deletion::asked(&world.db, made.id).await.unwrap(), None, "an open company is not deleted");
    assert!(matches!(confirm(&by_ana, WEEK).await, Err(DeletionError::NotAsked)));
}

async fn everything_of_a_company_is_in_its_export_and_no_secret(world: World) {
    let made = world.with(company().with_customer("Andina").with_open_invoice("120.00").with_open_invoice("5.00")).await;
    let strange = world.with(company().with_customer("Vecina").with_open_invoice("9.00")).await;
    for _ in 0..export::AT_ONCE + 1 {
        received(made.contacts[0], "1.00")
            .settling(made.documents[0], "1.00")
            .notifying()
            .record(&world.db, &made.actor)
            .await
            .unwrap();
    }
    owner(&world, made.id, ANA).await;
    audit::seal_any_company(&world.db).await.unwrap();
    let mut all = String::new();
    let mut counts = Vec::new();
    for part in &export::PARTS {
        let (mut after, mut count) = (None, 0);
        loop {
            let (records, next) = export::records(&world.db, made.id, part, after).await.unwrap();
            count += records.len();
            records.iter().for_each(|record| all += &record.to_string());
            after = next;
            if after.is_none() {
                break;
            }
        }
        counts.push((part.name, count));
    }
    let payments = usize::try_from(export::AT_ONCE + 1).unwrap();
    assert_eq!(
        counts[..6],
        [("company", 1), ("users", 1), ("contacts", 1), ("documents", 2), ("payments", payments), ("deliveries", payments)]
    );
    assert_eq!(all.matches(r#""lines":[{"#).count(), 2 * payments, "the payment's, and those that its receipt says");
    assert_eq!(all.matches(r#""allocations":[{"#).count(), 2 * payments);
    assert!(
        all.contains(r#""is_customer":true"#) && all.contains(r#""total_cents":12000"#) && all.contains(r#""issued_on":"20"#)
    );
    let (events, _) = export::records(&world.db, made.id, &export::PARTS[7], None).await.unwrap();
    let keys: Vec<&String> = events[0].as_object().unwrap().keys().collect();
    let own = "at changes detail id kind outcome seal search_text session_id source subject_id subject_kind subject_name";
    let expected: Vec<&str> = own.split(' ').chain(["who", "who_id", "who_kind"]).collect();
    assert_eq!(keys, expected, "the history with all it says");
    assert!(all.contains(r#""seal":[{"hash":""#) && all.contains(r#""seq":1}]"#), "and what it was sealed with");
    for absent in ["password", "argon2", "_hash", "sealed", &strange.id.to_string(), "Vecina"] {
        assert!(!all.contains(absent), "{absent}");
    }
}
