//! Links that change how somebody comes in are good once and not for long, and what they change is told.

use acuse_domain::access::Role;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::UserId;
use acuse_store::account_links::{self, LinkError, LinkKind, MakeError, Standing};
use acuse_store::invitations::{self, NewInvitation};
use acuse_store::logins::confirm::{self, Confirmed, Shown};
use acuse_store::logins::counted::{self, Checked};
use acuse_store::logins::{self, Attempt, Origin, Outcome};
use acuse_store::user_mails::{self, Content, Post};
use acuse_store::users;
use acuse_store::{Actor, Identity, access, account, archive, companies};
use acuse_testkit::builders::{TestCompany, company};
use acuse_testkit::outside;
use acuse_testkit::world::{self, World, noon, noon_and};
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};

const PASSWORD: &str = "una clave larga";
const NEW: &str = "otra clave larga";
const HOUR: i64 = 3_600;

on_both_engines!(
    a_reset_works_once_and_ends_every_session,
    of_two_who_use_a_reset_at_once_one_does,
    a_reset_is_over_after_an_hour,
    nobody_is_mailed_where_nobody_has_the_address,
    an_administrator_hands_no_link_to_another_company,
    an_address_changes_when_the_new_one_confirms_and_the_old_one_can_undo_it,
    the_owner_of_the_first_address_gets_it_back_after_several_changes,
    an_address_of_somebody_else_is_never_taken,
    links_are_asked_for_a_few_times_an_hour,
    a_guess_at_ones_own_password_is_counted,
    a_link_opens_nothing_once_what_it_was_asked_under_has_changed,
    what_strangers_do_keeps_nobody_out_of_a_browser_of_their_own,
    a_newer_link_ends_those_before_it,
    of_links_that_are_asked_for_at_once_one_is_good,
    what_a_link_changed_says_from_where,
);

async fn person(world: &World) -> (TestCompany, UserId) {
    let made = world.with(company()).await;
    let email = "ana@x.ec".parse().unwrap();
    let id = users::create(&world.db, made.id, "Ana", &email, &PASSWORD.into(), Role::Owner, noon()).await.unwrap();
    (made, id)
}

async fn mails(world: &World, at: i64) -> Vec<(String, Content)> {
    let lease = TimeDelta::seconds(60);
    let due = user_mails::claim_due_any_company(&world.db, &world.keys(), 9, lease, noon_and(at)).await.unwrap();
    due.into_iter().map(|mail| (mail.recipient.to_string(), mail.content)).collect()
}

async fn reset_token(world: &World) -> SecretString {
    let keys = world.keys();
    account_links::mail_reset_any_company(&world.db, &"ANA@x.ec".parse().unwrap(), Post::Mail(&keys), noon()).await.unwrap();
    match mails(world, 1).await.pop() {
        Some((to, Content::Reset { token })) if to == "ana@x.ec" => token,
        other => panic!("{other:?}"),
    }
}

async fn reset(world: &World, token: &SecretString, at: i64) -> Result<(), LinkError> {
    let keys = world.keys();
    account_links::reset_any_company(&world.db, token.expose_secret(), &NEW.into(), None, Post::Mail(&keys), noon_and(at)).await
}

fn standing(answer: Result<(), LinkError>) -> Option<Standing> {
    match answer {
        Err(LinkError::Gone(standing)) => standing,
        other => panic!("{other:?}"),
    }
}

async fn a_reset_works_once_and_ends_every_session(world: World) {
    person(&world).await;
    let session = world::log_in(&world.db, "ana@x.ec", PASSWORD, noon()).await.unwrap();
    let (other, token) = (reset_token(&world).await, reset_token(&world).await);
    reset(&world, &token, 10).await.unwrap();
    assert!(users::session(&world.db, session.expose_secret(), noon_and(11)).await.unwrap().is_none());
    assert!(world::log_in(&world.db, "ana@x.ec", PASSWORD, noon_and(12)).await.is_none());
    assert!(world::log_in(&world.db, "ana@x.ec", NEW, noon_and(13)).await.is_some());
    assert_eq!(standing(reset(&world, &token, 14).await), Some(Standing::Used));
    assert_eq!(standing(reset(&world, &other, 15).await), Some(Standing::Used), "so is the one before it");
    assert!(matches!(&mails(&world, 16).await[..], [(to, Content::PasswordChanged)] if to == "ana@x.ec"));
}

async fn of_two_who_use_a_reset_at_once_one_does(world: World) {
    person(&world).await;
    let token = reset_token(&world).await;
    let (one, two) = tokio::join!(reset(&world, &token, 5), reset(&world, &token, 5));
    assert!(one.is_ok() != two.is_ok());
}

async fn a_reset_is_over_after_an_hour(world: World) {
    person(&world).await;
    let token = reset_token(&world).await;
    assert_eq!(standing(reset(&world, &token, HOUR).await), Some(Standing::Expired));
    let bent = SecretString::from(format!("{}x", token.expose_secret()));
    assert_eq!(standing(reset(&world, &bent, 5).await), None);
    reset(&world, &token, HOUR - 1).await.unwrap();
}

async fn nobody_is_mailed_where_nobody_has_the_address(world: World) {
    person(&world).await;
    let keys = world.keys();
    account_links::mail_reset_any_company(&world.db, &"nadie@x.ec".parse().unwrap(), Post::Mail(&keys), noon()).await.unwrap();
    assert!(mails(&world, 1).await.is_empty());
}

async fn an_administrator_hands_no_link_to_another_company(world: World) {
    let (made, ana) = person(&world).await;
    let other = world.with(company()).await;
    let (token, ends) = account_links::make_reset(&world.db, &made.actor, ana, Post::ByHand, noon()).await.unwrap();
    assert_eq!(ends, noon_and(HOUR));
    reset(&world, &token, 5).await.unwrap();
    let theirs = account_links::make_reset(&world.db, &other.actor, ana, Post::ByHand, noon()).await;
    assert!(matches!(theirs, Err(MakeError::NotAMember)));
    let sql = "INSERT INTO membership (company_id, person_id, role) VALUES ($1, $2, 'viewer')";
    outside::run(&world.url, sql, vec![other.id.0.into(), ana.0.into()]).await;
    let both = account_links::make_reset(&world.db, &other.actor, ana, Post::ByHand, noon()).await;
    assert!(matches!(both, Err(MakeError::BelongsElsewhere)), "who has the link comes in everywhere");
    let keys = world.keys();
    account_links::make_reset(&world.db, &other.actor, ana, Post::Mail(&keys), noon()).await.expect("their own mail may");
}

/// Whoever asked for it may have known the password before, or have had a say over the person before.
async fn a_link_opens_nothing_once_what_it_was_asked_under_has_changed(world: World) {
    let changes = [
        Change::OwnPassword,
        Change::OperatorsPassword,
        Change::Removed,
        Change::CameIntoAnother,
        Change::FoundedAnother,
        Change::Archived,
    ];
    for change in changes {
        let email = format!("{change:?}@x.ec").to_lowercase();
        let (made, other) = (world.with(company()).await, world.with(company()).await);
        let address: EmailAddress = email.parse().unwrap();
        let ana = users::create(&world.db, made.id, "Ana", &address, &PASSWORD.into(), Role::Clerk, noon()).await.unwrap();
        account_links::mail_reset_any_company(&world.db, &address, Post::Mail(&world.keys()), noon()).await.unwrap();
        let reset_link = mails(&world, 1).await.into_iter().find_map(|(_, content)| match content {
            Content::Reset { token } => Some(token),
            _ => None,
        });
        let address_link = ask_for_address(&world, ana, &format!("ladron-{email}"), 2).await.unwrap();
        make(&world, change, &made, &other, (ana, &address)).await;
        assert_eq!(standing(reset(&world, &reset_link.unwrap(), 20).await), Some(Standing::Used), "{change:?}");
        assert_eq!(standing(confirm(&world, &address_link, 21).await), Some(Standing::Used), "{change:?}");
    }
}

#[derive(Debug, Clone, Copy)]
enum Change {
    OwnPassword,
    OperatorsPassword,
    Removed,
    CameIntoAnother,
    FoundedAnother,
    /// Whoever could let themselves in as the second person would delete the company alone.
    Archived,
}

async fn make(world: &World, change: Change, made: &TestCompany, other: &TestCompany, (ana, address): (UserId, &EmailAddress)) {
    let (db, at) = (&world.db, noon_and(10));
    let session = world::log_in(db, address.as_str(), PASSWORD, noon_and(9)).await.unwrap();
    let session = session.expose_secret();
    match change {
        Change::OwnPassword => {
            let by = Actor { identity: Identity::User { user: ana, session: None }, ..Actor::named(made.id, "Ana") };
            account::change_password(db, &by, (&PASSWORD.into(), &NEW.into()), session, Post::ByHand, at).await.unwrap();
        }
        Change::OperatorsPassword => {
            assert!(users::change_password_any_company(db, address, &NEW.into()).await.unwrap());
        }
        Change::Removed => {
            access::remove(db, &Actor::operator(made.id), address, at).await.unwrap();
        }
        Change::FoundedAnother => {
            let by = Actor { identity: Identity::User { user: ana, session: None }, ..Actor::named(made.id, "Ana") };
            let profile = companies::find(db, other.id).await.unwrap().unwrap().profile;
            companies::found(db, ana, &by, &"1760001550001".parse().unwrap(), &profile, at).await.unwrap();
        }
        Change::Archived => assert!(archive::archive(db, &made.actor, Post::ByHand, at).await.unwrap()),
        Change::CameIntoAnother => {
            let new = NewInvitation { email: address.clone(), name: String::new(), role: Role::Owner };
            let by = Actor::operator(other.id);
            let invited = invitations::invite(db, &by, &new, None, Post::ByHand, noon()).await.unwrap();
            let own = users::session(db, session, at).await.unwrap().unwrap();
            invitations::accept_any_company(db, invited.token.expose_secret(), &own, session, None, at).await.unwrap();
        }
    }
}

async fn ask_for_address(world: &World, ana: UserId, new: &str, at: i64) -> Option<SecretString> {
    let keys = world.keys();
    let new = new.parse().unwrap();
    account_links::ask_for_address_any_company(&world.db, ana, &new, Post::Mail(&keys), noon_and(at)).await.unwrap();
    mails(world, at + 1).await.into_iter().find_map(|(_, content)| match content {
        Content::ConfirmAddress { token } => Some(token),
        _ => None,
    })
}

async fn confirm(world: &World, token: &SecretString, at: i64) -> Result<(), LinkError> {
    let keys = world.keys();
    account_links::confirm_address_any_company(&world.db, token.expose_secret(), None, Post::Mail(&keys), noon_and(at)).await
}

/// Confirms, and gives the way back that the address before was sent.
async fn change_address(world: &World, ana: UserId, new: &str, at: i64) -> SecretString {
    let token = ask_for_address(world, ana, new, at).await.unwrap();
    confirm(world, &token, at + 2).await.unwrap();
    let back = mails(world, at + 3).await.into_iter().find_map(|(_, content)| match content {
        Content::AddressChanged { token, .. } => Some(token),
        _ => None,
    });
    back.expect("the address before is told")
}

async fn an_address_changes_when_the_new_one_confirms_and_the_old_one_can_undo_it(world: World) {
    let (_, ana) = person(&world).await;
    let token = ask_for_address(&world, ana, "Nueva@X.ec", 0).await.expect("the new address is asked");
    assert!(world::log_in(&world.db, "ana@x.ec", PASSWORD, noon_and(3)).await.is_some(), "nothing changed yet");
    let link = account_links::find_any_company(&world.db, token.expose_secret(), noon_and(4)).await.unwrap().unwrap();
    assert_eq!((link.kind, link.email.as_deref()), (LinkKind::ConfirmAddress, Some("nueva@x.ec")));
    assert_eq!(standing(confirm(&world, &token, 24 * HOUR).await), Some(Standing::Expired));
    confirm(&world, &token, 5).await.unwrap();
    let session = world::log_in(&world.db, "nueva@x.ec", PASSWORD, noon_and(6)).await.expect("the new address");
    let told = mails(&world, 7).await;
    let [(to, Content::AddressChanged { new, token })] = &told[..] else { panic!("{told:?}") };
    assert_eq!((to.as_str(), new.as_str()), ("ana@x.ec", "nueva@x.ec"));
    account_links::undo_address_any_company(&world.db, token.expose_secret(), None, noon_and(71 * HOUR)).await.unwrap();
    assert!(users::session(&world.db, session.expose_secret(), noon_and(8)).await.unwrap().is_none(), "whoever did it is out");
    assert!(world::log_in(&world.db, "ana@x.ec", PASSWORD, noon_and(71 * HOUR)).await.is_some());
    let again = account_links::undo_address_any_company(&world.db, token.expose_secret(), None, noon_and(71 * HOUR)).await;
    assert_eq!(standing(again), Some(Standing::Used));
}

async fn the_owner_of_the_first_address_gets_it_back_after_several_changes(world: World) {
    let (_, ana) = person(&world).await;
    let to_first = change_address(&world, ana, "b@malo.ec", 0).await;
    let to_second = change_address(&world, ana, "c@malo.ec", 10).await;
    account_links::undo_address_any_company(&world.db, to_second.expose_secret(), None, noon_and(20)).await.unwrap();
    account_links::undo_address_any_company(&world.db, to_first.expose_secret(), None, noon_and(30)).await.expect("it is hers");
    assert!(world::log_in(&world.db, "ana@x.ec", PASSWORD, noon_and(40)).await.is_some());
}

async fn an_address_of_somebody_else_is_never_taken(world: World) {
    let (made, ana) = person(&world).await;
    let token = ask_for_address(&world, ana, "eva@x.ec", 0).await.unwrap();
    let eva = "eva@x.ec".parse().unwrap();
    users::create(&world.db, made.id, "Eva", &eva, &PASSWORD.into(), Role::Viewer, noon()).await.unwrap();
    assert!(matches!(confirm(&world, &token, 5).await, Err(LinkError::EmailTaken)));
    assert!(ask_for_address(&world, ana, "eva@x.ec", 10).await.is_none(), "and nobody learns who is there");
    assert!(world::log_in(&world.db, "ana@x.ec", PASSWORD, noon_and(20)).await.is_some());
}

async fn links_are_asked_for_a_few_times_an_hour(world: World) {
    person(&world).await;
    for email in ["ana@x.ec", "nadie@x.ec"] {
        let mut waits = Vec::new();
        for at in 0..5 {
            waits.push(counted::ask_for_reset_any_company(&world.db, email, &Origin::default(), noon_and(at)).await.unwrap());
        }
        assert_eq!(waits[..3], [None; 3], "{email}");
        assert!(waits[4].is_some_and(|seconds| seconds > 200), "{email}: {waits:?}");
    }
    let origin = Origin { source: Some("192.0.2.7".parse().unwrap()), ..Origin::default() };
    let mut refused = 0;
    for n in 0..30 {
        let asked = counted::ask_for_reset_any_company(&world.db, &format!("u{n}@x.ec"), &origin, noon_and(n)).await.unwrap();
        refused += usize::from(asked.is_some());
    }
    assert!(refused >= 5, "a network asks for a few, too: {refused}");
    assert!(world::log_in(&world.db, "ana@x.ec", PASSWORD, noon_and(40)).await.is_some(), "and logs in all the same");
}

async fn a_guess_at_ones_own_password_is_counted(world: World) {
    let (_, ana) = person(&world).await;
    let check = async |password: &str, at| {
        let who = (ana, "ana@x.ec");
        let origin = Origin::default();
        counted::check_password_any_company(&world.db, who, &password.into(), &origin, noon_and(at)).await.unwrap()
    };
    assert_eq!(check(PASSWORD, 0).await, Checked::Right);
    for at in 0..5 {
        assert_eq!(check("mala", at).await, Checked::Wrong);
    }
    assert!(matches!(check(PASSWORD, 5).await, Checked::Wait(_)));
}

/// Strangers who know her address guess and ask as often as they like.
async fn what_strangers_do_keeps_nobody_out_of_a_browser_of_their_own(world: World) {
    let (_, ana) = person(&world).await;
    let (right, wrong) = (SecretString::from(PASSWORD), SecretString::from("mala"));
    let own = match logins::log_in_any_company(&world.db, &Attempt::new("ana@x.ec", &right), noon()).await.unwrap() {
        Outcome::Entered { session, browser_tokens } => (session, vec![browser_tokens[0].expose_secret().to_owned()]),
        other => panic!("{other:?}"),
    };
    for n in 0..30 {
        let at = noon_and(n);
        let source = Some(std::net::IpAddr::from([192, 0, 2, u8::try_from(n).unwrap()]));
        let attempt = Attempt { source, ..Attempt::new("ana@x.ec", &wrong) };
        logins::log_in_any_company(&world.db, &attempt, at).await.unwrap();
        let origin = Origin { source, ..Origin::default() };
        counted::ask_for_reset_any_company(&world.db, "ana@x.ec", &origin, at).await.unwrap();
    }
    let (db, at, who) = (&world.db, noon_and(31), (ana, "ana@x.ec"));
    let origin = Origin { browser_tokens: &own.1, source: Some([192, 0, 2, 1].into()), ..Origin::default() };
    assert_eq!(counted::check_password_any_company(db, who, &right, &origin, at).await.unwrap(), Checked::Right);
    assert_eq!(counted::check_password_any_company(db, who, &right, &Origin::default(), at).await.unwrap(), Checked::Right);
    assert_eq!(counted::ask_for_reset_any_company(db, "ana@x.ec", &origin, at).await.unwrap(), None);
    let whose = (ana, "ana@x.ec", own.0.expose_secret());
    let again = confirm::confirm_any_company(db, &world.keys(), whose, &Shown::password(&right), &origin, Post::ByHand, at)
        .await
        .unwrap();
    assert!(matches!(again, Confirmed::Yes(_)), "{again:?}");
    let attempt = Attempt { browser_tokens: &own.1, source: origin.source, ..Attempt::new("ana@x.ec", &right) };
    assert!(matches!(logins::log_in_any_company(db, &attempt, at).await.unwrap(), Outcome::Entered { .. }));
}

/// Each link that somebody can have several of: the newest alone is good, and once it was used none is.
async fn a_newer_link_ends_those_before_it(world: World) {
    let (made, ana) = person(&world).await;
    let keys = world.keys();
    let by_administrator =
        async |at| account_links::make_reset(&world.db, &made.actor, ana, Post::Mail(&keys), noon_and(at)).await.unwrap().0;
    let resets = [reset_token(&world).await, by_administrator(2).await, reset_token(&world).await, by_administrator(4).await];
    let changes = [
        ask_for_address(&world, ana, "a@x.ec", 5).await.unwrap(),
        ask_for_address(&world, ana, "b@x.ec", 6).await.unwrap(),
        ask_for_address(&world, ana, "b@x.ec", 7).await.unwrap(),
    ];
    for older in &resets[..3] {
        assert_eq!(standing(reset(&world, older, 10).await), Some(Standing::Used));
    }
    for older in &changes[..2] {
        assert_eq!(standing(confirm(&world, older, 10).await), Some(Standing::Used));
    }
    assert!(world::log_in(&world.db, "ana@x.ec", PASSWORD, noon_and(11)).await.is_some(), "nothing changed yet");
    confirm(&world, &changes[2], 12).await.unwrap();
    assert_eq!(standing(reset(&world, &resets[3], 13).await), Some(Standing::Used), "it lies in the mailbox that was given up");
    let last = by_administrator(14).await;
    let pending = ask_for_address(&world, ana, "c@x.ec", 15).await.unwrap();
    reset(&world, &last, 20).await.unwrap();
    assert_eq!(standing(confirm(&world, &pending, 21).await), Some(Standing::Used));
}

/// Also where several are asked for at once.
async fn of_links_that_are_asked_for_at_once_one_is_good(world: World) {
    let (made, ana) = person(&world).await;
    let made_at_once = (0..4).map(|_| account_links::make_reset(&world.db, &made.actor, ana, Post::ByHand, noon()));
    let made: Vec<_> = futures_util::future::join_all(made_at_once).await.into_iter().map(|made| made.unwrap().0).collect();
    let mut good = 0;
    for token in &made {
        let link = account_links::find_any_company(&world.db, token.expose_secret(), noon_and(1)).await.unwrap().unwrap();
        good += usize::from(link.standing == Standing::Open);
    }
    assert_eq!(good, 1);
}

/// Whoever acts by a link may be somebody else: from where it was done stands in the history.
async fn what_a_link_changed_says_from_where(world: World) {
    let (_, ana) = person(&world).await;
    let source = Some("192.0.2.77".parse().unwrap());
    let token = ask_for_address(&world, ana, "b@x.ec", 0).await.unwrap();
    let keys = world.keys();
    let (db, post) = (&world.db, Post::Mail(&keys));
    account_links::confirm_address_any_company(db, token.expose_secret(), source, post, noon_and(5)).await.unwrap();
    let back = mails(&world, 6).await.into_iter().find_map(|(_, content)| match content {
        Content::AddressChanged { token, .. } => Some(token),
        _ => None,
    });
    account_links::undo_address_any_company(db, back.unwrap().expose_secret(), source, noon_and(7)).await.unwrap();
    let token = reset_token(&world).await;
    account_links::reset_any_company(db, token.expose_secret(), &NEW.into(), source, post, noon_and(9)).await.unwrap();
    let sql = "SELECT COUNT(*) AS n FROM event WHERE source = '192.0.2.77' AND who_kind = 'user' AND who = 'Ana'";
    assert_eq!(outside::numbers(&world.url, sql).await, [3]);
}
