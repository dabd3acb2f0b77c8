//! What was changed in how somebody enters, and what becomes of a company, is told to those whom it concerns.

use acuse_domain::access::Role;
use acuse_domain::news::{AccountChange, CompanyNews};
use acuse_store::logins::Origin;
use acuse_store::logins::second_step::{self, Answer, Proof};
use acuse_store::passkeys::{self, NewPasskey};
use acuse_store::second_factor::recovery;
use acuse_store::user_mails::{self, Content, Post};
use acuse_store::{Actor, Identity, account, archive, deletion, second_factor, users};
use acuse_testkit::builders::{TestCompany, company};
use acuse_testkit::world::{World, noon, noon_and};
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};

use crate::second_factor::{ANA, Ana, PASSWORD, half_way, log_in};

on_both_engines!(
    each_change_of_ones_own_account_is_mailed,
    where_nothing_is_mailed_nothing_waits,
    owners_hear_what_becomes_of_their_company,
);

async fn mails(world: &World, at: i64) -> Vec<(String, Content)> {
    let lease = TimeDelta::seconds(60);
    let due = user_mails::claim_due_any_company(&world.db, &world.keys(), 20, lease, noon_and(at)).await.unwrap();
    due.into_iter().map(|mail| (mail.recipient.to_string(), mail.content)).collect()
}

async fn expect_told(world: &World, expected: AccountChange) {
    let told = mails(world, 1).await;
    assert!(
        matches!(&told[..], [(to, Content::AccountChanged(change))] if to == ANA && *change == expected),
        "{expected:?}: {told:?}"
    );
}

async fn each_change_of_ones_own_account_is_mailed(world: World) {
    let ana = Ana::on(&world).await;
    let keys = world.keys();
    let (db, by, post) = (&world.db, &ana.by, Post::Mail(&keys));
    let token = half_way(log_in(db, &[], noon()).await);
    let proof = Proof::Recovery(ana.codes[0].expose_secret());
    let answer = Answer { token: token.expose_secret(), proof, is_trusted: false, origin: Origin::default(), post };
    second_step::answer_any_company(db, &keys, &answer, noon()).await.unwrap();
    expect_told(&world, AccountChange::RecoveryCodeUsed).await;
    recovery::renew(db, by, post, noon()).await.unwrap();
    expect_told(&world, AccountChange::RecoveryCodesRenewed).await;
    let key = NewPasskey { name: "Laptop", credential: vec![1; 16], public_part: vec![2; 40], counted: vec![0; 7] };
    let session = passkeys::add(db, by, &key, ana.session.expose_secret(), post, noon()).await.unwrap().session.unwrap();
    expect_told(&world, AccountChange::PasskeyAdded).await;
    let listed = passkeys::list(db, by).await.unwrap();
    let session = passkeys::remove(db, by, listed[0].id, session.expose_secret(), post, noon()).await.unwrap().session.unwrap();
    expect_told(&world, AccountChange::PasskeyRemoved).await;
    let session = second_factor::turn_off(db, by, session.expose_secret(), post, noon()).await.unwrap().session.unwrap();
    expect_told(&world, AccountChange::AuthenticatorOff).await;
    let proposal = second_factor::propose(&keys, by, ANA, noon()).unwrap();
    let secret = SecretString::from(proposal.key.expose_secret().replace(' ', ""));
    let code = second_factor::code_at(&secret, noon()).unwrap();
    let typed = (proposal.sealed.as_str(), code.as_str());
    let session = second_factor::activate(db, by, &keys, typed, session.expose_secret(), post, noon()).await.unwrap().session;
    expect_told(&world, AccountChange::AuthenticatorOn).await;
    let new = (&SecretString::from(PASSWORD), &SecretString::from("nueve avestruces"));
    account::change_password(db, by, new, session.unwrap().expose_secret(), post, noon()).await.unwrap();
    assert!(matches!(&mails(&world, 1).await[..], [(to, Content::PasswordChanged)] if to == ANA));
}

async fn where_nothing_is_mailed_nothing_waits(world: World) {
    let ana = Ana::on(&world).await;
    recovery::renew(&world.db, &ana.by, Post::ByHand, noon()).await.unwrap();
    assert!(mails(&world, 1).await.is_empty());
}

async fn owner(world: &World, made: &TestCompany, email: &str) -> Actor {
    let password = SecretString::from(PASSWORD);
    let user = users::create(&world.db, made.id, "Ana", &email.parse().unwrap(), &password, Role::Owner, noon()).await.unwrap();
    Actor { identity: Identity::User { user, session: None }, ..Actor::named(made.id, "Ana") }
}

async fn owners_hear_what_becomes_of_their_company(world: World) {
    let made = world.with(company()).await;
    let (ana, eva) = (owner(&world, &made, "ana@x.ec").await, owner(&world, &made, "eva@x.ec").await);
    let password = SecretString::from(PASSWORD);
    users::create(&world.db, made.id, "Leo", &"leo@x.ec".parse().unwrap(), &password, Role::Viewer, noon()).await.unwrap();
    let keys = world.keys();
    let (db, post, wait) = (&world.db, Post::Mail(&keys), TimeDelta::days(7));
    let expect = async |expected: CompanyNews| {
        let mut told = mails(&world, 5).await;
        told.sort_by(|one, other| one.0.cmp(&other.0));
        let is_told = |(to, content): &(String, Content), email: &str| {
            let Content::Company { company, news, who, due_at } = content else { return false };
            let due = (expected == CompanyNews::DeletionAsked).then(|| noon_and(4) + wait);
            to == email && *news == expected && who == "Ana" && company.known_as == "DistriPichincha" && *due_at == due
        };
        let both = told.len() == 2 && is_told(&told[0], "ana@x.ec") && is_told(&told[1], "eva@x.ec");
        assert!(both, "{expected:?}: {told:?}");
    };
    archive::archive(db, &ana, post, noon_and(1)).await.unwrap();
    expect(CompanyNews::Archived).await;
    archive::reopen(db, &ana, post, noon_and(2)).await.unwrap();
    expect(CompanyNews::Reopened).await;
    archive::archive(db, &ana, Post::ByHand, noon_and(2)).await.unwrap();
    deletion::note_export(db, &ana, post, noon_and(3)).await.unwrap();
    expect(CompanyNews::Exported).await;
    deletion::ask(db, &ana, wait, post, noon_and(4)).await.unwrap();
    expect(CompanyNews::DeletionAsked).await;
    deletion::cancel(db, &ana, post, noon_and(4)).await.unwrap();
    expect(CompanyNews::DeletionCancelled).await;
    deletion::ask(db, &eva, TimeDelta::zero(), Post::ByHand, noon_and(4)).await.unwrap();
    deletion::confirm(db, &ana, post, noon_and(5)).await.unwrap();
    expect(CompanyNews::Deleted).await;
}
