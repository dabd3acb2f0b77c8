//! Who is logged in shows once more that it is they, by all that their login asks of them.

use acuse_store::logins::Origin;
use acuse_store::logins::confirm::{self, Confirmed, Shown};
use acuse_store::logins::second_step::Proof;
use acuse_store::passkeys::{self, NewPasskey, Signed};
use acuse_store::user_mails::Post;
use acuse_store::{account, second_factor, users};
use acuse_testkit::world::{World, noon, noon_and};
use secrecy::{ExposeSecret, SecretString};

use crate::second_factor::{ANA, Ana, DAY, PASSWORD, entered, half_way, is_in, log_in, trusted_browser, user_of};

on_both_engines!(
    all_that_the_login_asks_is_asked_again,
    where_there_is_no_second_step_the_password_is_enough,
    wrong_guesses_are_counted,
    what_was_shown_before_the_second_step_counts_no_more,
    a_trusted_browser_enters_and_is_no_proof_of_who_it_is,
    a_new_password_is_no_proof_either,
);

async fn confirm(world: &World, ana: &Ana, session: &SecretString, shown: Shown<'_>, at: i64) -> Confirmed {
    let who = (user_of(&ana.by), ANA, session.expose_secret());
    confirm::confirm_any_company(&world.db, &ana.keys, who, &shown, &Origin::default(), Post::ByHand, noon_and(at)).await.unwrap()
}

async fn certain_at(world: &World, session: &SecretString) -> Option<acuse_domain::Instant> {
    users::session(&world.db, session.expose_secret(), noon()).await.unwrap().expect("it lives").authenticated_at
}

async fn all_that_the_login_asks_is_asked_again(world: World) {
    let ana = Ana::on(&world).await;
    let key = NewPasskey { name: "Laptop", credential: vec![1; 16], public_part: vec![2; 40], counted: vec![0; 7] };
    let session =
        passkeys::add(&world.db, &ana.by, &key, ana.session.expose_secret(), Post::ByHand, noon_and(-DAY)).await.unwrap().session;
    let session = session.unwrap();
    let (right, wrong) = (SecretString::from(PASSWORD), SecretString::from("nueve avestruces"));
    let (code, recovery) = (ana.code(noon()), ana.codes[0].expose_secret().to_owned());
    let signed = Signed { person: user_of(&ana.by).0, credential: vec![1; 16], counted_before: vec![0; 7], counted: vec![1; 7] };
    let others = Signed { person: uuid::Uuid::nil(), ..signed.clone() };
    let (code, recovery) = (|| Proof::Code(&code), || Proof::Recovery(&recovery));
    let table: [(Option<&SecretString>, Option<Proof<'_>>, &str); 10] = [
        (None, None, "WrongPassword"),
        (Some(&right), None, "StepMissing"),
        (None, Some(code()), "WrongPassword"),
        (None, Some(recovery()), "WrongPassword"),
        (Some(&wrong), Some(code()), "WrongPassword"),
        (Some(&right), Some(Proof::Code("000000")), "WrongStep"),
        (None, Some(Proof::Passkey(&others)), "WrongStep"),
        (Some(&right), Some(code()), "Yes"),
        (Some(&right), Some(recovery()), "Yes"),
        (None, Some(Proof::Passkey(&signed)), "Yes"),
    ];
    let mut session = session;
    for (place, (password, step, expected)) in table.into_iter().enumerate() {
        let before = certain_at(&world, &session).await;
        let at = i64::try_from(place).unwrap() * 3_601;
        match confirm(&world, &ana, &session, Shown { password, step }, if expected == "Yes" { 0 } else { at }).await {
            Confirmed::Yes(token) if expected == "Yes" => session = token,
            other => {
                assert!(format!("{other:?}").starts_with(expected), "{place}: {other:?}");
                assert_eq!(certain_at(&world, &session).await, before, "{place}");
            }
        }
    }
    assert_eq!(certain_at(&world, &session).await, Some(noon()));
    let again = confirm(&world, &ana, &session, Shown { password: Some(&right), step: Some(code()) }, 0).await;
    assert!(matches!(again, Confirmed::UsedStep), "{again:?}");
}

async fn where_there_is_no_second_step_the_password_is_enough(world: World) {
    let ana = Ana::on(&world).await;
    let off =
        second_factor::turn_off(&world.db, &ana.by, ana.session.expose_secret(), Post::ByHand, noon_and(-DAY)).await.unwrap();
    let (session, right) = (off.session.unwrap(), SecretString::from(PASSWORD));
    let alone = Shown { password: None, step: Some(Proof::Code("123456")) };
    assert!(matches!(confirm(&world, &ana, &session, alone, 0).await, Confirmed::WrongPassword));
    let Confirmed::Yes(after) = confirm(&world, &ana, &session, Shown::password(&right), 0).await else { panic!("refused") };
    assert_eq!(certain_at(&world, &after).await, Some(noon()));
    assert!(!is_in(&world.db, &session, noon()).await, "the token before opens nothing");
}

async fn wrong_guesses_are_counted(world: World) {
    let ana = Ana::on(&world).await;
    let (right, wrong) = (SecretString::from(PASSWORD), SecretString::from("nueve avestruces"));
    for _ in 0..5 {
        let guess = confirm(&world, &ana, &ana.session, Shown::password(&wrong), 0).await;
        assert!(matches!(guess, Confirmed::WrongPassword), "{guess:?}");
    }
    let code = ana.code(noon());
    let all = || Shown { password: Some(&right), step: Some(Proof::Code(&code)) };
    assert!(matches!(confirm(&world, &ana, &ana.session, all(), 0).await, Confirmed::Wait(5)));
    assert!(matches!(confirm(&world, &ana, &"otra".into(), all(), 60).await, Confirmed::Over));
}

/// Whoever knows the password sits in another session while its owner turns the second step on.
async fn what_was_shown_before_the_second_step_counts_no_more(world: World) {
    let ana = Ana::on(&world).await;
    let off = second_factor::turn_off(&world.db, &ana.by, ana.session.expose_secret(), Post::ByHand, noon())
        .await
        .unwrap()
        .session
        .unwrap();
    let thief = entered(log_in(&world.db, &[], noon()).await);
    assert_eq!(certain_at(&world, &thief).await, Some(noon()));
    let key = NewPasskey { name: "Laptop", credential: vec![1; 16], public_part: vec![2; 40], counted: vec![0; 7] };
    passkeys::add(&world.db, &ana.by, &key, off.expose_secret(), Post::ByHand, noon_and(1)).await.unwrap();
    assert_eq!(certain_at(&world, &thief).await, None);
}

async fn a_trusted_browser_enters_and_is_no_proof_of_who_it_is(world: World) {
    let ana = Ana::on(&world).await;
    let browser = trusted_browser(&world, &ana, noon()).await;
    half_way(log_in(&world.db, &[], noon_and(60)).await);
    let session = entered(log_in(&world.db, &browser, noon_and(60)).await);
    assert_eq!(certain_at(&world, &session).await, None);
}

async fn a_new_password_is_no_proof_either(world: World) {
    let ana = Ana::on(&world).await;
    let (before, new) = (SecretString::from(PASSWORD), SecretString::from("nueve avestruces"));
    let was = certain_at(&world, &ana.session).await;
    let session =
        account::change_password(&world.db, &ana.by, (&before, &new), ana.session.expose_secret(), Post::ByHand, noon())
            .await
            .unwrap();
    assert_eq!(certain_at(&world, &session.unwrap()).await, was);
}
