//! Several people change one record: what each of them changed is there afterwards, and who expected another state is told.

use std::convert::Infallible;

use acuse_domain::company::CompanyProfile;
use acuse_domain::contact::ContactDetails;
use acuse_domain::failure_policy::{FailurePolicy, OnFailure, PatienceHours};
use acuse_domain::id::ContactId;
use acuse_store::versions::{ChangeError, Expected};
use acuse_store::{companies, contacts, routing};
use acuse_testkit::builders::{company, to};
use acuse_testkit::world::World;

on_both_engines!(
    twenty_changes_of_one_card_at_once_keep_all_of_them,
    twenty_changes_of_one_profile_at_once_keep_all_of_them,
    two_changes_of_one_policy_at_once_keep_both,
    of_twenty_who_expect_the_same_version_one_changes_it,
    a_change_is_made_only_of_the_state_that_it_expects,
    a_refused_change_leaves_everything_as_it_was,
    a_change_that_changes_nothing_is_no_new_version,
);

const AT_ONCE: usize = 20;

/// Each of these is changed by somebody of their own.
fn field(details: &mut ContactDetails, number: usize) {
    let address = format!("correo{number}@x.ec").parse().unwrap();
    let own = &mut details.emails_by_purpose;
    match number % 8 {
        0 => details.emails.push(address),
        1 => own.received_payments.push(address),
        2 => own.made_payments.push(address),
        3 => own.invoices.push(address),
        4 => own.withholdings.push(address),
        5 => details.name.push_str(&format!(" {number}")),
        6 => details.phone = Some(format!("{} {number}", details.phone.clone().unwrap_or_default())),
        _ => details.address = Some(format!("{} {number}", details.address.clone().unwrap_or_default())),
    }
}

fn words_of(details: &ContactDetails) -> String {
    format!("{details:?}")
}

async fn twenty_changes_of_one_card_at_once_keep_all_of_them(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let id = made.contacts[0];
    let tasks: Vec<_> = (100..100 + AT_ONCE)
        .map(|number| {
            let (db, by) = (world.db.clone(), made.actor.clone());
            tokio::spawn(async move {
                let change = |mut details: ContactDetails| {
                    field(&mut details, number);
                    Ok::<_, Infallible>(details)
                };
                contacts::change(&db, &by, id, &Expected::Any, change).await.unwrap().version
            })
        })
        .collect();
    let mut versions = Vec::new();
    for task in tasks {
        versions.push(task.await.unwrap());
    }
    versions.sort_unstable();
    assert_eq!(versions, (2..2 + AT_ONCE as i64).collect::<Vec<_>>());
    let kept = contacts::find(&world.db, made.id, id).await.unwrap().unwrap();
    for number in 100..100 + AT_ONCE {
        assert!(words_of(&kept.details).contains(&number.to_string()), "{number} is lost: {:?}", kept.details);
    }
    assert_eq!(kept.version, 1 + AT_ONCE as i64);
}

async fn twenty_changes_of_one_profile_at_once_keep_all_of_them(world: World) {
    let made = world.with(company()).await;
    let tasks: Vec<_> = (100..100 + AT_ONCE)
        .map(|number| {
            let (db, by) = (world.db.clone(), made.actor.clone());
            tokio::spawn(async move {
                let change = |mut profile: CompanyProfile| {
                    let places = [&mut profile.trade_name, &mut profile.address, &mut profile.city, &mut profile.phone];
                    if let Some(place) = places.into_iter().nth(number % 4) {
                        *place = Some(format!("{} {number}", place.clone().unwrap_or_default()));
                    }
                    Ok::<_, Infallible>(profile)
                };
                companies::change(&db, &by, &Expected::Any, change).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let kept = companies::find(&world.db, made.id).await.unwrap().unwrap();
    for number in 100..100 + AT_ONCE {
        assert!(format!("{:?}", kept.profile).contains(&number.to_string()), "{number} is lost: {:?}", kept.profile);
    }
}

async fn two_changes_of_one_policy_at_once_keep_both(world: World) {
    let made = world.with(company()).await;
    let (db, by) = (&world.db, &made.actor);
    for round in 1..=10_i64 {
        let after = PatienceHours::new(round).unwrap();
        let hours = |policy| Ok::<_, Infallible>(FailurePolicy { on_failure: OnFailure::UseDefault { after }, ..policy });
        let notify = vec![format!("r{round}@x.ec").parse().unwrap()];
        let told = |policy| Ok::<_, Infallible>(FailurePolicy { notify: notify.clone(), ..policy });
        let (first, second) = tokio::join!(
            routing::change_policy(db, by, &Expected::Any, hours),
            routing::change_policy(db, by, &Expected::Any, told)
        );
        first.unwrap();
        second.unwrap();
        let kept = routing::versioned_policy(db, made.id).await.unwrap();
        assert_eq!(kept.value, FailurePolicy { on_failure: OnFailure::UseDefault { after }, notify });
        assert_eq!(kept.version, 1 + 2 * round);
    }
}

async fn of_twenty_who_expect_the_same_version_one_changes_it(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let id = made.contacts[0];
    let tasks: Vec<_> = (100..100 + AT_ONCE)
        .map(|number| {
            let (db, by) = (world.db.clone(), made.actor.clone());
            tokio::spawn(async move {
                let change = |details| Ok::<_, Infallible>(ContactDetails { phone: Some(number.to_string()), ..details });
                contacts::change(&db, &by, id, &Expected::version(1), change).await
            })
        })
        .collect();
    let (mut changed, mut told) = (Vec::new(), 0);
    for task in tasks {
        match task.await.unwrap() {
            Ok(contact) => changed.push(contact),
            Err(ChangeError::Stale) => told += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((changed.len(), told), (1, AT_ONCE - 1));
    assert_eq!(contacts::find(&world.db, made.id, id).await.unwrap(), changed.pop());
}

async fn a_change_is_made_only_of_the_state_that_it_expects(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let (db, by, id) = (&world.db, &made.actor, made.contacts[0]);
    let phone = |typed: &'static str| {
        move |details: ContactDetails| Ok::<_, Infallible>(ContactDetails { phone: Some(typed.to_owned()), ..details })
    };
    assert_eq!(contacts::change(db, by, id, &Expected::version(1), phone("1")).await.unwrap().version, 2);
    for past in [Expected::version(1), Expected::OneOf(vec![]), Expected::OneOf(vec![1, 3])] {
        let stale = contacts::change(db, by, id, &past, phone("2")).await;
        assert!(matches!(stale, Err(ChangeError::Stale)), "{past:?}: {stale:?}");
    }
    assert_eq!(contacts::change(db, by, id, &Expected::OneOf(vec![1, 2]), phone("3")).await.unwrap().version, 3);
    assert_eq!(contacts::change(db, by, id, &Expected::Any, phone("4")).await.unwrap().version, 4);
    let nobody = contacts::change(db, by, ContactId(uuid::Uuid::now_v7()), &Expected::version(1), phone("5")).await;
    assert!(matches!(nobody, Err(ChangeError::NotFound)), "who is not there was not changed by anybody: {nobody:?}");
}

async fn a_refused_change_leaves_everything_as_it_was(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let (db, by, id) = (&world.db, &made.actor, made.contacts[0]);
    let before = contacts::find(db, made.id, id).await.unwrap();
    let refused = contacts::change(db, by, id, &Expected::Any, |_| Err("no")).await;
    assert!(matches!(refused, Err(ChangeError::Refused("no"))), "{refused:?}");
    assert_eq!(contacts::find(db, made.id, id).await.unwrap(), before);
}

async fn a_change_that_changes_nothing_is_no_new_version(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let (db, by, id) = (&world.db, &made.actor, made.contacts[0]);
    let before = contacts::find(db, made.id, id).await.unwrap().unwrap();
    let same = contacts::change(db, by, id, &Expected::version(1), to(before.details.clone())).await.unwrap();
    assert_eq!(same, before);
    let profile = companies::find(db, made.id).await.unwrap().unwrap();
    assert_eq!(companies::change(db, &made.actor, &Expected::Any, to(profile.profile.clone())).await.unwrap(), profile);
    let policy = routing::versioned_policy(db, made.id).await.unwrap();
    assert_eq!(routing::change_policy(db, by, &Expected::Any, to(policy.value.clone())).await.unwrap(), policy);
}
