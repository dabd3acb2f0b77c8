//! The second step: what lets somebody in beside the password, once each.

use acuse_domain::Instant;
use acuse_domain::access::{Role, SecondFactorRule};
use acuse_domain::id::UserId;
use acuse_store::logins::confirm::{self, Confirmed, Shown};
use acuse_store::logins::second_step::{self, Answer, Proof, Stepped};
use acuse_store::logins::{self, Attempt, Origin, Outcome};
use acuse_store::passkeys::{self, AddError, NewPasskey, Signed};
use acuse_store::second_factor::{self, SecondFactorError, recovery};
use acuse_store::secrets::Keyring;
use acuse_store::user_mails::Post;
use acuse_store::{Actor, Db, Identity, account, events, sealing, users};
use acuse_testkit::builders::company;
use acuse_testkit::world::{World, noon, noon_and};
use argon2::{Argon2, PasswordHasher};
use futures_util::future::join_all;
use secrecy::{ExposeSecret, SecretString};

use crate::record;

pub(crate) const ANA: &str = "ana@andina.ec";
pub(crate) const PASSWORD: &str = "ocho ñandúes";
pub(crate) const DAY: i64 = 24 * 3_600;

on_both_engines!(
    a_code_lets_in_once_and_a_password_alone_does_not,
    a_clock_that_is_a_minute_off_gets_in_and_three_minutes_do_not,
    of_two_logins_at_once_with_one_code_one_enters,
    guesses_at_codes_are_counted,
    a_wrong_code_stands_in_the_history,
    a_recovery_code_lets_in_once_and_new_ones_end_the_old,
    a_browser_is_trusted_for_thirty_days_until_something_changes,
    the_second_step_ends_with_its_time_and_with_the_password,
    a_secret_opens_for_its_person_alone,
    who_changes_how_they_enter_goes_on_under_a_new_token,
    what_a_company_asks_for_is_not_taken_away,
    a_key_lets_in_once_per_challenge_and_its_counter_goes_forward,
    the_operator_takes_it_away_from_who_lost_everything,
    who_comes_back_to_a_company_brings_no_key_of_before,
    a_new_password_ends_the_other_sessions,
    nothing_is_done_for_a_session_that_was_ended_meanwhile,
    one_ends_sessions_of_ones_own_and_of_nobody_else,
    a_hash_of_other_parameters_is_made_anew_at_the_next_login,
);

/// Somebody with codes on their telephone.
pub(crate) struct Ana {
    pub keys: Keyring,
    pub by: Actor,
    secret: SecretString,
    pub codes: Vec<SecretString>,
    pub session: SecretString,
}

/// Whoever ended the session came first: the acts were let through a moment before.
async fn nothing_is_done_for_a_session_that_was_ended_meanwhile(world: World) {
    let ana = Ana::on(&world).await;
    let open = account::sessions(&world.db, &ana.by, ana.session.expose_secret(), noon_and(-DAY)).await.unwrap();
    let Identity::User { user, .. } = ana.by.identity else { panic!("a person") };
    let by = Actor { identity: Identity::User { user, session: open[0].id }, ..ana.by.clone() };
    assert!(account::end_session(&world.db, &ana.by, open[0].id.unwrap(), noon()).await.unwrap());
    let (db, session) = (&world.db, ana.session.expose_secret());
    let before = second_factor::standing(db, &by).await.unwrap();
    let proposal = second_factor::propose(&ana.keys, &by, ANA, noon()).unwrap();
    let secret = SecretString::from(proposal.key.expose_secret().replace(' ', ""));
    let typed = (proposal.sealed.as_str(), second_factor::code_at(&secret, noon()).unwrap());
    let activated = second_factor::activate(db, &by, &ana.keys, (typed.0, &typed.1), session, Post::ByHand, noon()).await;
    assert!(matches!(activated, Err(SecondFactorError::SessionOver)));
    let off = second_factor::turn_off(db, &by, session, Post::ByHand, noon()).await;
    assert!(matches!(off, Err(SecondFactorError::SessionOver)));
    let renewed = recovery::renew(db, &by, Post::ByHand, noon()).await;
    assert!(matches!(renewed, Err(SecondFactorError::SessionOver)));
    let (old, new) = (SecretString::from(PASSWORD), SecretString::from("nueve lechuzas"));
    let changed = account::change_password(db, &by, (&old, &new), session, Post::ByHand, noon()).await;
    assert!(matches!(changed, Err(account::ChangePasswordError::SessionOver)));
    let key = NewPasskey { name: "Llave", credential: vec![1], public_part: vec![2], counted: vec![3] };
    let added = passkeys::add(db, &by, &key, session, Post::ByHand, noon()).await;
    assert!(matches!(added, Err(AddError::SessionOver)));
    assert_eq!(second_factor::standing(db, &by).await.unwrap(), before);
}

async fn user(world: &World, email: &str) -> Actor {
    let made = world.with(company()).await;
    let password = SecretString::from(PASSWORD);
    let user = users::create(&world.db, made.id, "Ana", &email.parse().unwrap(), &password, Role::Owner, noon()).await.unwrap();
    Actor { identity: Identity::User { user, session: None }, ..Actor::named(made.id, "Ana") }
}

impl Ana {
    pub async fn on(world: &World) -> Self {
        let (keys, by) = (world.keys(), user(world, ANA).await);
        let session = entered(log_in(&world.db, &[], noon_and(-DAY)).await);
        let proposal = second_factor::propose(&keys, &by, ANA, noon_and(-DAY)).unwrap();
        let secret = SecretString::from(proposal.key.expose_secret().replace(' ', ""));
        let code = second_factor::code_at(&secret, noon_and(-DAY)).unwrap();
        let typed = (proposal.sealed.as_str(), code.as_str());
        let changed =
            second_factor::activate(&world.db, &by, &keys, typed, session.expose_secret(), Post::ByHand, noon_and(-DAY))
                .await
                .unwrap();
        Self { keys, by, secret, codes: changed.codes, session: changed.session.unwrap() }
    }

    pub fn code(&self, at: Instant) -> String {
        second_factor::code_at(&self.secret, at).unwrap()
    }

    pub async fn step(&self, db: &Db, token: &SecretString, proof: Proof<'_>, at: Instant) -> Stepped {
        self.step_in(db, token, proof, false, &[], at).await
    }

    pub async fn step_in(
        &self,
        db: &Db,
        token: &SecretString,
        proof: Proof<'_>,
        is_trusted: bool,
        browser_tokens: &[String],
        at: Instant,
    ) -> Stepped {
        let origin = Origin { browser_tokens, ..Origin::default() };
        let answer = Answer { token: token.expose_secret(), proof, is_trusted, origin, post: Post::ByHand };
        second_step::answer_any_company(db, &self.keys, &answer, at).await.unwrap()
    }
}

pub(crate) async fn log_in(db: &Db, browser_tokens: &[String], at: Instant) -> Outcome {
    log_in_with(db, PASSWORD, browser_tokens, at).await
}

pub(crate) async fn log_in_with(db: &Db, password: &str, browser_tokens: &[String], at: Instant) -> Outcome {
    let password = SecretString::from(password);
    logins::log_in_any_company(db, &Attempt { browser_tokens, is_kept: true, ..Attempt::new(ANA, &password) }, at).await.unwrap()
}

pub(crate) fn entered(outcome: Outcome) -> SecretString {
    match outcome {
        Outcome::Entered { session, .. } => session,
        other => panic!("not let in: {other:?}"),
    }
}

pub(crate) fn half_way(outcome: Outcome) -> SecretString {
    match outcome {
        Outcome::SecondStep { token } => token,
        other => panic!("no second step: {other:?}"),
    }
}

pub(crate) async fn is_in(db: &Db, token: &SecretString, at: Instant) -> bool {
    users::session(db, token.expose_secret(), at).await.unwrap().is_some()
}

async fn a_code_lets_in_once_and_a_password_alone_does_not(world: World) {
    let ana = Ana::on(&world).await;
    assert_eq!(ana.codes.len(), recovery::CODES);
    let token = half_way(log_in(&world.db, &[], noon()).await);
    assert!(!is_in(&world.db, &token, noon()).await, "half-way is no session");
    let code = ana.code(noon());
    assert!(matches!(ana.step(&world.db, &token, Proof::Code("000 000"), noon()).await, Stepped::Wrong));
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let Stepped::Entered { session, .. } = ana.step(&world.db, &token, Proof::Code(&spaced), noon()).await else {
        panic!("not let in");
    };
    assert!(is_in(&world.db, &session, noon()).await);
    let again = ana.step(&world.db, &token, Proof::Code(&code), noon()).await;
    assert!(matches!(again, Stepped::Over), "the first step counts once, too: {again:?}");
    let second = half_way(log_in(&world.db, &[], noon_and(1)).await);
    assert!(matches!(ana.step(&world.db, &second, Proof::Code(&code), noon_and(1)).await, Stepped::Used));
    let next = ana.code(noon_and(30));
    assert!(matches!(ana.step(&world.db, &second, Proof::Code(&next), noon_and(31)).await, Stepped::Entered { .. }));
}

async fn a_clock_that_is_a_minute_off_gets_in_and_three_minutes_do_not(world: World) {
    let ana = Ana::on(&world).await;
    for (shown_at, gets_in) in [(-180_i64, false), (-60, true), (180, false), (60, true)] {
        // Each an hour later: the failures before are forgotten.
        let at = noon_and(DAY + shown_at.abs() * 60);
        let token = half_way(log_in(&world.db, &[], at).await);
        let code = ana.code(at + chrono::TimeDelta::seconds(shown_at));
        let stepped = ana.step(&world.db, &token, Proof::Code(&code), at).await;
        assert_eq!(matches!(stepped, Stepped::Entered { .. }), gets_in, "{shown_at}: {stepped:?}");
    }
}

async fn of_two_logins_at_once_with_one_code_one_enters(world: World) {
    let ana = Ana::on(&world).await;
    let tokens = [half_way(log_in(&world.db, &[], noon()).await), half_way(log_in(&world.db, &[], noon()).await)];
    let code = ana.code(noon());
    let both = tokens.iter().map(|token| ana.step(&world.db, token, Proof::Code(&code), noon()));
    let mut answers: Vec<String> = join_all(both).await.iter().map(|answer| format!("{answer:?}")[..4].to_owned()).collect();
    answers.sort();
    assert_eq!(answers, ["Ente", "Used"]);
}

/// Nobody waits for the entries, so neither does the answer that they tell of.
async fn is_in_the_history(world: &World, ana: &Ana, kind: events::EventKind) {
    for _ in 0..200 {
        let history = events::list(&world.db, ana.by.company, user_of(&ana.by).0).await.unwrap();
        if history.iter().filter(|event| event.kind == kind).count() == 1 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{kind:?} is not in the history once");
}

async fn a_wrong_code_stands_in_the_history(world: World) {
    let ana = Ana::on(&world).await;
    let token = half_way(log_in(&world.db, &[], noon()).await);
    assert!(matches!(ana.step(&world.db, &token, Proof::Code("000000"), noon()).await, Stepped::Wrong));
    is_in_the_history(&world, &ana, events::EventKind::StepWrong).await;
    let whose = (user_of(&ana.by), ANA, ana.session.expose_secret());
    let (wrong, origin) = (SecretString::from("nueve avestruces"), Origin::default());
    let answer =
        confirm::confirm_any_company(&world.db, &ana.keys, whose, &Shown::password(&wrong), &origin, Post::ByHand, noon()).await;
    assert!(matches!(answer.unwrap(), Confirmed::WrongPassword));
    is_in_the_history(&world, &ana, events::EventKind::NotConfirmed).await;
}

async fn guesses_at_codes_are_counted(world: World) {
    let ana = Ana::on(&world).await;
    let token = half_way(log_in(&world.db, &[], noon()).await);
    for guess in ["000000", "111111", "222222", "333333", "no es"] {
        assert!(matches!(ana.step(&world.db, &token, Proof::Code(guess), noon()).await, Stepped::Wrong), "{guess}");
    }
    let code = ana.code(noon());
    assert!(matches!(ana.step(&world.db, &token, Proof::Code(&code), noon()).await, Stepped::Wait(5)));
    let fresh = half_way(log_in(&world.db, &[], noon()).await);
    let waits = ana.step(&world.db, &fresh, Proof::Recovery("aaaa-aaaa"), noon()).await;
    assert!(matches!(waits, Stepped::Wait(5)), "another first step wins no further guesses: {waits:?}");
    assert!(matches!(ana.step(&world.db, &token, Proof::Code(&code), noon_and(5)).await, Stepped::Entered { .. }));
}

async fn a_recovery_code_lets_in_once_and_new_ones_end_the_old(world: World) {
    let ana = Ana::on(&world).await;
    let first = ana.codes[0].expose_secret().to_owned();
    let token = half_way(log_in(&world.db, &[], noon()).await);
    let typed = format!(" {} ", first.to_uppercase().replace('-', " "));
    assert!(matches!(ana.step(&world.db, &token, Proof::Recovery(&typed), noon()).await, Stepped::Entered { .. }));
    let token = half_way(log_in(&world.db, &[], noon()).await);
    assert!(matches!(ana.step(&world.db, &token, Proof::Recovery(&first), noon()).await, Stepped::Used));
    let standing = second_factor::standing(&world.db, &ana.by).await.unwrap();
    assert_eq!((standing.codes, standing.codes_left), (10, 9));
    let new = recovery::renew(&world.db, &ana.by, Post::ByHand, noon()).await.unwrap();
    let old = ana.codes[1].expose_secret();
    assert!(matches!(ana.step(&world.db, &token, Proof::Recovery(old), noon()).await, Stepped::Wrong));
    let new = new[1].expose_secret();
    assert!(matches!(ana.step(&world.db, &token, Proof::Recovery(new), noon()).await, Stepped::Entered { .. }));
    let kept = record::of_everything(&world).await;
    assert!(!format!("{kept:?}").contains(new), "no code is kept in clear");
    let UserId(person) = user_of(&ana.by);
    let told = events::list(&world.db, ana.by.company, person).await.unwrap();
    let left = told.iter().find(|event| event.kind == events::EventKind::RecoveryCodeUsed).map(|event| event.detail.as_str());
    assert_eq!(left, Some("9"));
}

pub(crate) fn user_of(by: &Actor) -> UserId {
    match by.identity {
        Identity::User { user, .. } => user,
        _ => panic!("no user"),
    }
}

pub(crate) async fn trusted_browser(world: &World, ana: &Ana, at: Instant) -> Vec<String> {
    let token = half_way(log_in(&world.db, &[], at).await);
    let code = ana.code(at);
    match ana.step_in(&world.db, &token, Proof::Code(&code), true, &[], at).await {
        Stepped::Entered { browser_tokens, .. } => browser_tokens.iter().map(|token| token.expose_secret().to_owned()).collect(),
        other => panic!("{other:?}"),
    }
}

async fn a_browser_is_trusted_for_thirty_days_until_something_changes(world: World) {
    let ana = Ana::on(&world).await;
    let browser = trusted_browser(&world, &ana, noon()).await;
    let Outcome::Entered { browser_tokens, .. } = log_in(&world.db, &browser, noon_and(29 * DAY)).await else {
        panic!("trusted, and asked");
    };
    let browser: Vec<String> = browser_tokens.iter().map(|token| token.expose_secret().to_owned()).collect();
    half_way(log_in(&world.db, &[], noon_and(29 * DAY)).await);
    half_way(log_in(&world.db, &browser, noon_and(30 * DAY)).await);
    let browser = trusted_browser(&world, &ana, noon_and(31 * DAY)).await;
    let Outcome::Entered { session: this, browser_tokens } = log_in(&world.db, &browser, noon_and(31 * DAY)).await else {
        panic!("trusted, and asked");
    };
    let browser: Vec<String> = browser_tokens.iter().map(|token| token.expose_secret().to_owned()).collect();
    account::end_other_sessions(&world.db, &ana.by, this.expose_secret(), &[], noon_and(31 * DAY)).await.unwrap();
    half_way(log_in(&world.db, &browser, noon_and(31 * DAY)).await);
}

async fn the_second_step_ends_with_its_time_and_with_the_password(world: World) {
    let ana = Ana::on(&world).await;
    let token = half_way(log_in(&world.db, &[], noon()).await);
    let late = noon_and(600);
    assert!(matches!(ana.step(&world.db, &token, Proof::Code(&ana.code(late)), late).await, Stepped::Over));
    let token = half_way(log_in(&world.db, &[], noon()).await);
    users::change_password_any_company(&world.db, &ANA.parse().unwrap(), &"nueve avestruces".into()).await.unwrap();
    assert!(matches!(ana.step(&world.db, &token, Proof::Code(&ana.code(noon())), noon()).await, Stepped::Over));
    assert!(matches!(ana.step(&world.db, &"adivinado".into(), Proof::Code("1"), noon()).await, Stepped::Over));
}

async fn a_secret_opens_for_its_person_alone(world: World) {
    let ana = Ana::on(&world).await;
    let eva = user(&world, "eva@andina.ec").await;
    let proposal = second_factor::propose(&ana.keys, &ana.by, ANA, noon()).unwrap();
    let stolen = second_factor::propose_again(&ana.keys, &eva, ANA, &proposal.sealed, noon());
    assert!(matches!(stolen, Err(SecondFactorError::Stale)));
    let late = second_factor::propose_again(&ana.keys, &ana.by, ANA, &proposal.sealed, noon_and(1800));
    assert!(matches!(late, Err(SecondFactorError::Stale)));
    let url = proposal.url.expose_secret();
    assert!(url.starts_with("otpauth://totp/") && url.contains("issuer=Acuse") && url.contains("ana"), "{url}");
    let held = sealing::unreadable_any_company(&world.db, &ana.keys).await.unwrap();
    assert!(held.is_nothing());
    // Moved to another person's row, it does not open.
    let UserId(eva) = user_of(&eva);
    record::run(&world, &format!("UPDATE authenticator SET person_id = {}", record::literal(&world, eva))).await;
    assert_eq!(sealing::unreadable_any_company(&world.db, &ana.keys).await.unwrap().authenticators, 1);
}

async fn who_changes_how_they_enter_goes_on_under_a_new_token(world: World) {
    let ana = Ana::on(&world).await;
    let browser = trusted_browser(&world, &ana, noon()).await;
    assert!(is_in(&world.db, &ana.session, noon()).await);
    let off = second_factor::turn_off(&world.db, &ana.by, ana.session.expose_secret(), Post::ByHand, noon()).await.unwrap();
    assert!(!is_in(&world.db, &ana.session, noon()).await, "the token before opens nothing");
    let session = off.session.expect("the session goes on");
    assert!(is_in(&world.db, &session, noon()).await);
    entered(log_in(&world.db, &[], noon()).await);
    let again = second_factor::turn_off(&world.db, &ana.by, session.expose_secret(), Post::ByHand, noon()).await;
    assert!(matches!(again, Err(SecondFactorError::Off)));
    assert_eq!(second_factor::standing(&world.db, &ana.by).await.unwrap().codes, 0, "codes for a lost telephone go, too");
    let _ = browser;
}

async fn what_a_company_asks_for_is_not_taken_away(world: World) {
    let ana = Ana::on(&world).await;
    let eva = user(&world, "eva@andina.ec").await;
    for (rule, eva_lacks) in
        [(SecondFactorRule::Owners, true), (SecondFactorRule::Nobody, false), (SecondFactorRule::Everybody, true)]
    {
        for by in [&ana.by, &eva] {
            second_factor::require(&world.db, by, rule, noon()).await.unwrap();
        }
        let lacks = async |session: &SecretString| {
            users::session(&world.db, session.expose_secret(), noon()).await.unwrap().unwrap().lacks_second_factor
        };
        assert!(!lacks(&ana.session).await, "{rule:?}");
        let password = SecretString::from(PASSWORD);
        let theirs = logins::log_in_any_company(&world.db, &Attempt::new("eva@andina.ec", &password), noon()).await.unwrap();
        assert_eq!(lacks(&entered(theirs)).await, eva_lacks, "{rule:?}");
    }
    let refused = second_factor::turn_off(&world.db, &ana.by, ana.session.expose_secret(), Post::ByHand, noon()).await;
    assert!(matches!(refused, Err(SecondFactorError::Required)));
    half_way(log_in(&world.db, &[], noon()).await);
}

async fn a_key_lets_in_once_per_challenge_and_its_counter_goes_forward(world: World) {
    let keys = world.keys();
    let by = user(&world, ANA).await;
    let session = entered(log_in(&world.db, &[], noon()).await);
    let new = |name| NewPasskey { name, credential: vec![1; 16], public_part: vec![2; 40], counted: vec![0; 7] };
    let added = passkeys::add(&world.db, &by, &new("Laptop"), session.expose_secret(), Post::ByHand, noon()).await.unwrap();
    assert_eq!(added.codes.len(), recovery::CODES, "a key may be lost, too");
    let session = added.session.unwrap();
    let twice = passkeys::add(&world.db, &by, &new("Otra vez"), session.expose_secret(), Post::ByHand, noon()).await;
    assert!(matches!(twice, Err(AddError::Taken)));
    let person = user_of(&by).0;
    let signed =
        |before: u8, now: u8| Signed { person, credential: vec![1; 16], counted_before: vec![before; 7], counted: vec![now; 7] };
    let token = half_way(log_in(&world.db, &[], noon()).await);
    let step = async |token: &SecretString, signed: &Signed| {
        let answer = Answer {
            token: token.expose_secret(),
            proof: Proof::Passkey(signed),
            is_trusted: false,
            origin: Origin::default(),
            post: Post::ByHand,
        };
        second_step::answer_any_company(&world.db, &keys, &answer, noon()).await.unwrap()
    };
    assert!(matches!(step(&token, &signed(0, 1)).await, Stepped::Entered { .. }));
    let token = half_way(log_in(&world.db, &[], noon()).await);
    assert!(matches!(step(&token, &signed(0, 1)).await, Stepped::Wrong), "another use came between");
    assert!(matches!(
        logins::enter_by_key_any_company(&world.db, &signed(1, 2), false, &Origin::default(), noon()).await.unwrap(),
        Some(Outcome::Entered { .. })
    ));
    let challenge = passkeys::keep_challenge_any_company(&world.db, vec![7], noon()).await.unwrap();
    let take = async |at| passkeys::take_challenge_any_company(&world.db, challenge.expose_secret(), at).await.unwrap();
    assert_eq!(take(noon()).await, Some(vec![7]));
    assert_eq!(take(noon()).await, None, "a challenge is answered once");
    let late = passkeys::keep_challenge_any_company(&world.db, vec![7], noon()).await.unwrap();
    let late = passkeys::take_challenge_any_company(&world.db, late.expose_secret(), noon_and(300)).await.unwrap();
    assert_eq!(late, None, "after five minutes it is over");
    let listed = passkeys::list(&world.db, &by).await.unwrap();
    passkeys::remove(&world.db, &by, listed[0].id, session.expose_secret(), Post::ByHand, noon()).await.unwrap();
    entered(log_in(&world.db, &[], noon()).await);
}

async fn the_operator_takes_it_away_from_who_lost_everything(world: World) {
    let ana = Ana::on(&world).await;
    assert!(second_factor::turn_off_any_company(&world.db, &ANA.parse().unwrap(), noon()).await.unwrap());
    assert!(!is_in(&world.db, &ana.session, noon()).await);
    entered(log_in(&world.db, &[], noon()).await);
    let told = events::list(&world.db, ana.by.company, user_of(&ana.by).0).await.unwrap();
    let off = |event: &events::Event| event.kind == events::EventKind::SecondFactorOff && event.who == "Operador";
    assert!(told.iter().any(off), "{told:?}");
    assert!(!second_factor::turn_off_any_company(&world.db, &"nadie@andina.ec".parse().unwrap(), noon()).await.unwrap());
}

/// The mailbox of somebody who left may be another person's by now.
async fn who_comes_back_to_a_company_brings_no_key_of_before(world: World) {
    let ana = Ana::on(&world).await;
    let new = NewPasskey { name: "Laptop", credential: vec![1; 16], public_part: vec![2; 40], counted: vec![0; 7] };
    passkeys::add(&world.db, &ana.by, &new, ana.session.expose_secret(), Post::ByHand, noon()).await.unwrap();
    record::run(&world, "DELETE FROM membership").await;
    let (again, password) = (ANA.parse().unwrap(), SecretString::from("nueve avestruces"));
    users::create(&world.db, ana.by.company, "Otra Ana", &again, &password, Role::Viewer, noon()).await.unwrap();
    assert!(passkeys::find_any_company(&world.db, &[1; 16]).await.unwrap().is_none());
    entered(log_in_with(&world.db, "nueve avestruces", &[], noon()).await);
}

async fn a_new_password_ends_the_other_sessions(world: World) {
    let ana = Ana::on(&world).await;
    let other = {
        let token = half_way(log_in(&world.db, &[], noon()).await);
        match ana.step(&world.db, &token, Proof::Code(&ana.code(noon())), noon()).await {
            Stepped::Entered { session, .. } => session,
            other => panic!("{other:?}"),
        }
    };
    let (before, new) = (SecretString::from(PASSWORD), SecretString::from("nueve avestruces"));
    let session = ana.session.expose_secret();
    let same = account::change_password(&world.db, &ana.by, (&before, &before), session, Post::ByHand, noon()).await;
    assert!(matches!(same, Err(account::ChangePasswordError::Same)));
    let weak =
        account::change_password(&world.db, &ana.by, (&before, &"contraseña123".into()), session, Post::ByHand, noon()).await;
    assert!(matches!(weak, Err(account::ChangePasswordError::Password(_))));
    let own =
        account::change_password(&world.db, &ana.by, (&before, &new), session, Post::ByHand, noon()).await.unwrap().unwrap();
    assert!(is_in(&world.db, &own, noon()).await);
    assert!(!is_in(&world.db, &other, noon()).await && !is_in(&world.db, &ana.session, noon()).await);
    assert!(matches!(log_in(&world.db, &[], noon()).await, Outcome::Wrong));
    half_way(log_in_with(&world.db, "nueve avestruces", &[], noon()).await);
    let found = account::find(&world.db, &ana.by).await.unwrap().unwrap();
    assert_eq!((found.password_changed_at, found.companies.len()), (Some(noon()), 1));
}

async fn one_ends_sessions_of_ones_own_and_of_nobody_else(world: World) {
    let (ana, eva) = (user(&world, ANA).await, user(&world, "eva@andina.ec").await);
    let [this, other, third] = [
        entered(log_in(&world.db, &[], noon()).await),
        entered(log_in(&world.db, &[], noon_and(1)).await),
        entered(log_in(&world.db, &[], noon_and(2)).await),
    ];
    let listed = account::sessions(&world.db, &ana, this.expose_secret(), noon_and(3)).await.unwrap();
    assert_eq!(listed.iter().map(|one| one.is_this).collect::<Vec<_>>(), [true, false, false]);
    let theirs = listed[1].id.unwrap();
    assert!(!account::end_session(&world.db, &eva, theirs, noon_and(3)).await.unwrap(), "another's stays");
    assert!(is_in(&world.db, &third, noon_and(3)).await);
    assert!(account::end_session(&world.db, &ana, theirs, noon_and(3)).await.unwrap());
    assert!(!is_in(&world.db, &third, noon_and(3)).await);
    assert_eq!(account::end_other_sessions(&world.db, &ana, this.expose_secret(), &[], noon_and(3)).await.unwrap(), 1);
    assert!(is_in(&world.db, &this, noon_and(3)).await && !is_in(&world.db, &other, noon_and(3)).await);
}

async fn a_hash_of_other_parameters_is_made_anew_at_the_next_login(world: World) {
    user(&world, ANA).await;
    let kept = record::text(&world, "SELECT password_hash AS t FROM person").await;
    assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
    // As an installation with other parameters kept it.
    let other = argon2::Params::new(8 * 1024, 1, 1, None).unwrap();
    let other = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, other);
    let weak = other.hash_password(PASSWORD.as_bytes()).unwrap().to_string();
    record::run(&world, &format!("UPDATE person SET password_hash = '{weak}'")).await;
    entered(log_in(&world.db, &[], noon()).await);
    let kept = record::text(&world, "SELECT password_hash AS t FROM person").await;
    assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
    entered(log_in(&world.db, &[], noon()).await);
}
