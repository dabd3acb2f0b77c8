//! Access is taken back, and from that moment on nothing opens.

use acuse_domain::access::Role;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::CompanyId;
use acuse_store::access::{self, AccessError, Removed};
use acuse_store::events::{self, EventKind};
use acuse_store::logins::{self, Attempt, Outcome};
use acuse_store::sessions::Ended;
use acuse_store::users::{self, CreateError};
use acuse_store::{Actor, StoreError, companies, sessions, tokens};
use acuse_testkit::builders::company;
use acuse_testkit::outside;
use acuse_testkit::world::{self, World, noon, noon_and};
use futures_util::future::join_all;
use secrecy::{ExposeSecret, SecretString};

const PASSWORD: &str = "ocho ñandúes";
const HOUR: i64 = 3_600;

on_both_engines!(
    who_is_removed_is_out_at_once_and_may_be_let_in_again,
    a_role_changes_at_once,
    the_last_owner_neither_leaves_nor_steps_down,
    two_owners_who_leave_at_once_leave_one,
    a_person_of_two_companies_leaves_only_one,
    every_act_stands_in_the_history,
    tokens_are_listed_without_their_secret_and_revoked_together,
    companies_are_listed_with_their_people_and_tokens,
    a_new_login_takes_the_place_of_the_browsers_old_session,
    a_session_that_is_not_kept_ends_after_a_working_day_without_use,
    every_session_of_a_person_is_ended,
    a_login_under_way_does_not_outlive_what_is_taken_back,
    whoever_comes_back_is_told_why_the_session_ended,
);

fn address(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

async fn user(world: &World, company: CompanyId, email: &str, role: Role) {
    users::create(&world.db, company, "Ana", &address(email), &SecretString::from(PASSWORD), role, noon()).await.unwrap();
}

async fn log_in(world: &World, email: &str, at: acuse_domain::Instant) -> String {
    let token = world::log_in(&world.db, email, PASSWORD, at).await;
    token.expect("the right password").expose_secret().to_string()
}

async fn enter(world: &World, attempt: &Attempt<'_>, at: acuse_domain::Instant) -> String {
    match logins::log_in_any_company(&world.db, attempt, at).await.unwrap() {
        Outcome::Entered { session, .. } => session.expose_secret().to_string(),
        other => panic!("not let in: {other:?}"),
    }
}

async fn role_of(world: &World, session: &str) -> Option<Role> {
    users::session(&world.db, session, noon()).await.unwrap().map(|session| session.role)
}

async fn kinds(world: &World, company: CompanyId, subject: uuid::Uuid) -> Vec<EventKind> {
    let mut kinds: Vec<_> = events::list(&world.db, company, subject).await.unwrap().into_iter().map(|one| one.kind).collect();
    kinds.reverse();
    kinds
}

async fn who_is_removed_is_out_at_once_and_may_be_let_in_again(world: World) {
    let made = world.with(company()).await;
    user(&world, made.id, "ana@andina.ec", Role::Owner).await;
    user(&world, made.id, "eva@andina.ec", Role::Accountant).await;
    tokens::create(&world.db, made.id, "tienda", noon()).await.unwrap();
    let (first, second) = (log_in(&world, "eva@andina.ec", noon()).await, log_in(&world, "eva@andina.ec", noon()).await);
    let gone = access::remove(&world.db, &made.actor, &address("Eva@Andina.ec"), noon()).await.unwrap();
    assert_eq!(gone, Removed { sessions: 2, tokens_left: 1 });
    for session in [first, second] {
        assert_eq!(role_of(&world, &session).await, None);
    }
    assert!(world::log_in(&world.db, "eva@andina.ec", PASSWORD, noon()).await.is_none());
    let again = access::remove(&world.db, &made.actor, &address("eva@andina.ec"), noon()).await;
    assert!(matches!(again, Err(AccessError::NotAMember)), "{again:?}");

    let (ana, password) = (address("ana@andina.ec"), SecretString::from(PASSWORD));
    let taken = users::create(&world.db, made.id, "Ana", &ana, &password, Role::Viewer, noon());
    assert!(matches!(taken.await, Err(CreateError::EmailTaken)));
    let new = SecretString::from("nueve avestruces");
    users::create(&world.db, made.id, "Eva P.", &address("eva@andina.ec"), &new, Role::Viewer, noon()).await.unwrap();
    assert!(world::log_in(&world.db, "eva@andina.ec", PASSWORD, noon()).await.is_none());
    let back = world::log_in(&world.db, "eva@andina.ec", "nueve avestruces", noon()).await.unwrap();
    let session = users::session(&world.db, back.expose_secret(), noon()).await.unwrap().unwrap();
    assert_eq!((session.name.as_str(), session.role), ("Eva P.", Role::Viewer));
}

async fn a_role_changes_at_once(world: World) {
    let made = world.with(company()).await;
    user(&world, made.id, "ana@andina.ec", Role::Owner).await;
    user(&world, made.id, "eva@andina.ec", Role::Owner).await;
    let session = log_in(&world, "eva@andina.ec", noon()).await;
    let change = async |role| access::change_role(&world.db, &made.actor, &address("eva@andina.ec"), role, noon()).await.unwrap();
    assert_eq!(change(Role::Viewer).await, Role::Owner, "what they were");
    assert_eq!(role_of(&world, &session).await, Some(Role::Viewer));
    assert_eq!(change(Role::Accountant).await, Role::Viewer);
    assert_eq!(change(Role::Accountant).await, Role::Accountant);
    assert_eq!(role_of(&world, &session).await, Some(Role::Accountant));
    let stranger = access::change_role(&world.db, &made.actor, &address("nadie@andina.ec"), Role::Owner, noon()).await;
    assert!(matches!(stranger, Err(AccessError::NotAMember)), "{stranger:?}");
}

async fn the_last_owner_neither_leaves_nor_steps_down(world: World) {
    let made = world.with(company()).await;
    user(&world, made.id, "ana@andina.ec", Role::Owner).await;
    user(&world, made.id, "eva@andina.ec", Role::Accountant).await;
    let session = log_in(&world, "ana@andina.ec", noon()).await;
    let ana = address("ana@andina.ec");
    for role in [Role::Accountant, Role::Viewer] {
        let refused = access::change_role(&world.db, &made.actor, &ana, role, noon()).await;
        assert!(matches!(refused, Err(AccessError::LastOwner)), "{refused:?}");
    }
    assert!(matches!(access::remove(&world.db, &made.actor, &ana, noon()).await, Err(AccessError::LastOwner)));
    assert_eq!(role_of(&world, &session).await, Some(Role::Owner), "nothing of it has happened");
    access::change_role(&world.db, &made.actor, &address("eva@andina.ec"), Role::Owner, noon()).await.unwrap();
    access::change_role(&world.db, &made.actor, &ana, Role::Viewer, noon()).await.unwrap();
}

async fn two_owners_who_leave_at_once_leave_one(world: World) {
    let made = world.with(company()).await;
    let other = world.opened_again().await;
    for round in 0..5 {
        let (ana, eva) = (format!("ana{round}@andina.ec"), format!("eva{round}@andina.ec"));
        user(&world, made.id, &ana, Role::Owner).await;
        user(&world, made.id, &eva, Role::Owner).await;
        let (ana, eva) = (address(&ana), address(&eva));
        let (one, two) = tokio::join!(
            access::change_role(&world.db, &made.actor, &ana, Role::Viewer, noon()),
            access::remove(&other, &made.actor, &eva, noon())
        );
        let owners = users::owners(&world.db, made.id).await.unwrap();
        assert!(!owners.is_empty(), "{one:?} {two:?}");
        // The next round begins with these two alone again.
        for left in owners {
            let sql = "DELETE FROM membership WHERE person_id IN (SELECT id FROM person WHERE email = $1)";
            outside::run(&world.url, sql, vec![left.into()]).await;
        }
    }
    other.close().await;
}

async fn a_person_of_two_companies_leaves_only_one(world: World) {
    let (ours, theirs) = (world.with(company()).await, world.with(company()).await);
    for made in [&ours, &theirs] {
        user(&world, made.id, &format!("duena@{}.ec", made.id.0.simple()), Role::Owner).await;
    }
    user(&world, ours.id, "eva@andina.ec", Role::Accountant).await;
    let sql = "INSERT INTO membership (company_id, person_id, role) SELECT $1, id, 'viewer' FROM person WHERE email = $2";
    outside::run(&world.url, sql, vec![theirs.id.0.into(), "eva@andina.ec".into()]).await;
    let eva = address("eva@andina.ec");
    access::remove(&world.db, &ours.actor, &eva, noon()).await.unwrap();
    let session = log_in(&world, "eva@andina.ec", noon()).await;
    let session = users::session(&world.db, &session, noon()).await.unwrap().unwrap();
    assert_eq!((session.company, session.role), (theirs.id, Role::Viewer));
    let names = |members: Vec<access::Member>| members.into_iter().map(|one| one.email).collect::<Vec<_>>();
    assert!(!names(access::members(&world.db, ours.id).await.unwrap()).contains(&"eva@andina.ec".to_string()));
    assert!(names(access::members(&world.db, theirs.id).await.unwrap()).contains(&"eva@andina.ec".to_string()));
    let refused = access::change_role(&world.db, &ours.actor, &eva, Role::Owner, noon()).await;
    assert!(matches!(refused, Err(AccessError::NotAMember)), "another company's user is not there");
}

async fn every_act_stands_in_the_history(world: World) {
    let made = world.with(company()).await;
    user(&world, made.id, "ana@andina.ec", Role::Owner).await;
    user(&world, made.id, "eva@andina.ec", Role::Viewer).await;
    let eva = address("eva@andina.ec");
    let id = access::members(&world.db, made.id).await.unwrap().into_iter().find(|one| one.email == "eva@andina.ec").unwrap();
    access::change_role(&world.db, &made.actor, &eva, Role::Accountant, noon()).await.unwrap();
    users::change_password_any_company(&world.db, &eva, &SecretString::from("nueve avestruces")).await.unwrap();
    sessions::end_all_any_company(&world.db, &eva, noon()).await.unwrap();
    access::remove(&world.db, &made.actor, &eva, noon()).await.unwrap();
    assert_eq!(
        kinds(&world, made.id, id.user.0).await,
        [
            EventKind::UserCreated,
            EventKind::UserRoleChanged,
            EventKind::UserPasswordChanged,
            EventKind::SessionsEnded,
            EventKind::UserRemoved
        ]
    );
    let (token, _) = tokens::create(&world.db, made.id, "tienda", noon()).await.unwrap();
    tokens::revoke(&world.db, &Actor::operator(made.id), token, "", noon()).await.unwrap();
    assert_eq!(kinds(&world, made.id, token.0).await, [EventKind::TokenCreated, EventKind::TokenRevoked]);
    for event in events::list(&world.db, made.id, id.user.0).await.unwrap() {
        assert!(!event.who.is_empty() && !event.detail.contains("avestruces"), "{event:?}");
    }
}

async fn tokens_are_listed_without_their_secret_and_revoked_together(world: World) {
    let (ours, theirs) = (world.with(company()).await, world.with(company()).await);
    let (id, secret) = tokens::create(&world.db, ours.id, "tienda", noon()).await.unwrap();
    tokens::create(&world.db, ours.id, "contabilidad", noon_and(1)).await.unwrap();
    let (_, other) = tokens::create(&world.db, theirs.id, "tienda", noon()).await.unwrap();
    let of = async |company| {
        let all = tokens::list_any_company(&world.db).await.unwrap();
        all.into_iter().filter(|one| one.company == company).collect::<Vec<_>>()
    };
    let listed = of(ours.id).await;
    assert_eq!(listed.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["tienda", "contabilidad"]);
    assert_eq!((listed[0].id, listed[0].last_used_at, listed[0].revoked_at), (id, None, None));
    assert!(!format!("{listed:?}").contains(secret.expose_secret()));
    tokens::holder(&world.db, secret.expose_secret(), None, noon()).await.unwrap();
    for _ in 0..100 {
        if of(ours.id).await[0].last_used_at.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(of(ours.id).await[0].last_used_at.is_some(), "its use is noted");
    let by = Actor::operator(ours.id);
    assert_eq!(tokens::revoke_all(&world.db, &by, noon_and(2)).await.unwrap(), 2);
    assert!(tokens::holder(&world.db, secret.expose_secret(), None, noon()).await.is_err());
    assert!(tokens::holder(&world.db, other.expose_secret(), None, noon()).await.is_ok());
    assert_eq!(of(ours.id).await[1].revoked_at, Some(noon_and(2)));
}

async fn companies_are_listed_with_their_people_and_tokens(world: World) {
    let (ours, theirs) = (world.with(company()).await, world.with(company()).await);
    user(&world, ours.id, "ana@andina.ec", Role::Owner).await;
    let (id, _) = tokens::create(&world.db, ours.id, "tienda", noon()).await.unwrap();
    tokens::create(&world.db, ours.id, "otra", noon()).await.unwrap();
    tokens::revoke(&world.db, &Actor::operator(ours.id), id, "", noon()).await.unwrap();
    let listed = companies::list_any_company(&world.db).await.unwrap();
    let counted: Vec<_> = listed.iter().map(|one| (one.id, one.users, one.tokens)).collect();
    assert_eq!(counted, [(ours.id, 1, 1), (theirs.id, 0, 0)]);
}

async fn a_new_login_takes_the_place_of_the_browsers_old_session(world: World) {
    let made = world.with(company()).await;
    user(&world, made.id, "ana@andina.ec", Role::Owner).await;
    let elsewhere = log_in(&world, "ana@andina.ec", noon()).await;
    let old = log_in(&world, "ana@andina.ec", noon()).await;
    let password = SecretString::from(PASSWORD);
    let attempt = Attempt { earlier_session: Some(&old), ..Attempt::new("ana@andina.ec", &password) };
    let new = enter(&world, &attempt, noon_and(1)).await;
    assert_eq!(role_of(&world, &old).await, None);
    for other in [&elsewhere, &new] {
        assert_eq!(role_of(&world, other).await, Some(Role::Owner));
    }
    let ana = access::members(&world.db, made.id).await.unwrap().remove(0);
    assert_eq!(ana.last_login_at, Some(noon_and(1)));
    let wrong = SecretString::from("nueve avestruces");
    let refused = Attempt { earlier_session: Some(&new), ..Attempt::new("ana@andina.ec", &wrong) };
    let refused = logins::log_in_any_company(&world.db, &refused, noon_and(2)).await.unwrap();
    assert!(matches!(refused, Outcome::Wrong), "{refused:?}");
    assert_eq!(role_of(&world, &new).await, Some(Role::Owner), "a wrong password ends nothing");
}

async fn a_session_that_is_not_kept_ends_after_a_working_day_without_use(world: World) {
    let made = world.with(company()).await;
    user(&world, made.id, "ana@andina.ec", Role::Owner).await;
    let password = SecretString::from(PASSWORD);
    let attempt = |is_kept| Attempt { is_kept, ..Attempt::new("ana@andina.ec", &password) };
    let (brief, kept) = (enter(&world, &attempt(false), noon()).await, enter(&world, &attempt(true), noon()).await);
    let lives = async |session: &str, at| users::session(&world.db, session, at).await.unwrap().is_some();
    assert!(lives(&brief, noon_and(12 * HOUR - 1)).await);
    // That use is written down beside the answer.
    for _ in 0..100 {
        if lives(&brief, noon_and(12 * HOUR + 1)).await {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(lives(&brief, noon_and(23 * HOUR)).await, "it was used since");
    assert!(!lives(&brief, noon_and(40 * HOUR)).await);
    assert!(lives(&kept, noon_and(6 * 24 * HOUR)).await);
    assert!(!lives(&kept, noon_and(7 * 24 * HOUR)).await, "however it is used, a week is its end");
    assert_eq!(sessions::list_any_company(&world.db, &address("ana@andina.ec"), noon_and(41 * HOUR)).await.unwrap().len(), 1);
}

async fn every_session_of_a_person_is_ended(world: World) {
    let made = world.with(company()).await;
    user(&world, made.id, "ana@andina.ec", Role::Owner).await;
    user(&world, made.id, "eva@andina.ec", Role::Owner).await;
    let (one, two) = (log_in(&world, "ana@andina.ec", noon()).await, log_in(&world, "ana@andina.ec", noon()).await);
    let other = log_in(&world, "eva@andina.ec", noon()).await;
    let ana = address("ana@andina.ec");
    assert_eq!(sessions::list_any_company(&world.db, &ana, noon()).await.unwrap().len(), 2);
    assert_eq!(sessions::end_all_any_company(&world.db, &ana, noon()).await.unwrap(), 2);
    for ended in [one, two] {
        assert_eq!(role_of(&world, &ended).await, None);
    }
    assert_eq!(role_of(&world, &other).await, Some(Role::Owner));
    assert!(sessions::list_any_company(&world.db, &ana, noon()).await.unwrap().is_empty());
}

/// A password that waits to be looked at is changed, or its owner removed, so many times; all of them find a place in the
/// queue.
const AT_ONCE: usize = 5;

async fn a_login_under_way_does_not_outlive_what_is_taken_back(world: World) {
    let made = world.with(company()).await;
    user(&world, made.id, "ana@andina.ec", Role::Owner).await;
    let other = world.opened_again().await;
    let emails: Vec<String> = (0..2 * AT_ONCE).map(|n| format!("eva{n}@andina.ec")).collect();
    for email in &emails {
        user(&world, made.id, email, Role::Accountant).await;
    }
    let (changed, removed) = emails.split_at(AT_ONCE);
    let new = SecretString::from("nueve avestruces");
    // Passwords are looked at and made one after the other, in the order in which they came: every new one is written while
    // the old one waits.
    let change = changed.iter().map(|email| async {
        assert!(users::change_password_any_company(&other, &address(email), &new).await.unwrap());
    });
    let log_in = |email: &String| {
        let (world, email) = (&world, email.clone());
        async move {
            let password = SecretString::from(PASSWORD);
            match logins::log_in_any_company(&world.db, &Attempt::new(&email, &password), noon()).await {
                Err(StoreError::Overloaded) => Outcome::Wait(1),
                answer => answer.unwrap(),
            }
        }
    };
    let remove = removed.iter().map(|email| async {
        access::remove(&other, &made.actor, &address(email), noon()).await.unwrap();
    });
    let (_, entered, _) = tokio::join!(join_all(change), join_all(emails.iter().map(log_in)), async {
        tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        join_all(remove).await;
    });
    for table in ["login", "known_browser"] {
        let rows = outside::numbers(&world.url, &format!("SELECT COUNT(*) AS n FROM {table}")).await;
        assert_eq!(rows, [0], "{table}: {entered:?}");
    }
    for entered in &entered {
        if let Outcome::Entered { session, .. } = entered {
            assert_eq!(role_of(&world, session.expose_secret()).await, None, "it was taken back");
        }
    }
    other.close().await;
}

async fn whoever_comes_back_is_told_why_the_session_ended(world: World) {
    let made = world.with(company()).await;
    user(&world, made.id, "ana@andina.ec", Role::Owner).await;
    user(&world, made.id, "eva@andina.ec", Role::Accountant).await;
    let ana = address("ana@andina.ec");
    let why = async |session: &str, at| {
        let ended = sessions::ended_any_company(&world.db, &sessions::fingerprint(session), at).await.unwrap();
        ended.map(|ended| (ended.email, ended.company == made.id, ended.why))
    };
    let told = |why| Some(("ana@andina.ec".to_string(), true, why));
    let left = log_in(&world, "ana@andina.ec", noon()).await;
    users::log_out(&world.db, &left).await.unwrap();
    assert_eq!(why(&left, noon()).await, told(Ended::LoggedOut));
    let ended = log_in(&world, "ana@andina.ec", noon()).await;
    sessions::end_all_any_company(&world.db, &ana, noon()).await.unwrap();
    assert_eq!(why(&ended, noon()).await, told(Ended::BySomebody));
    let password = SecretString::from(PASSWORD);
    let idle = enter(&world, &Attempt::new("ana@andina.ec", &password), noon()).await;
    assert_eq!(why(&idle, noon_and(13 * HOUR)).await, told(Ended::Idle));
    assert_eq!(why(&idle, noon_and(8 * 24 * HOUR)).await, told(Ended::Expired));
    // Another login clears away what has expired, and it is still known.
    let later = noon_and(8 * 24 * HOUR);
    log_in(&world, "ana@andina.ec", later).await;
    assert_eq!(why(&idle, later).await, told(Ended::Expired));
    let removed = log_in(&world, "eva@andina.ec", later).await;
    access::remove(&world.db, &made.actor, &address("eva@andina.ec"), later).await.unwrap();
    assert_eq!(why(&removed, later).await.map(|(_, _, why)| why), Some(Ended::BySomebody));
    assert_eq!(why("never seen", later).await, None);
    log_in(&world, "ana@andina.ec", noon_and(60 * 24 * HOUR)).await;
    assert_eq!(why(&left, noon_and(60 * 24 * HOUR)).await, None, "in the end it is forgotten");
}
