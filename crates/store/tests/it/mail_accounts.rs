use acuse_domain::mail_account::{LastCheck, MailModule, Security};
use acuse_store::mail_accounts::{self, Form, SaveError};
use acuse_store::pauses::{self, AccountKey};
use acuse_store::secrets::{Keyring, SealError};
use acuse_testkit::builders::{company, mail_account};
use acuse_testkit::world::{World, noon, noon_and};
use secrecy::ExposeSecret;

use crate::idempotency::once;

const PASSWORD: &str = " clave-Ñ-que-nadie-debe-ver ";
const COBROS: MailModule = MailModule::ReceivedPayments;

on_both_engines!(
    an_account_is_kept_and_its_password_only_used,
    a_module_has_one_account,
    an_empty_password_on_change_keeps_the_old_one,
    a_disabled_account_serves_no_module,
    settings_and_being_enabled_change_together_or_not_at_all,
    a_password_opens_only_with_its_key_and_row,
    after_a_rotation_every_password_is_sealed_again,
    a_faulty_account_rests_longer_after_each_failed_probe,
    an_account_works_again_once_it_is_mended,
    the_default_account_rests_for_everybody,
    another_companys_accounts_are_unknown,
    the_same_request_twice_makes_one_account,
);

async fn an_account_is_kept_and_its_password_only_used(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let form = mail_account(COBROS, PASSWORD);
    let id = mail_accounts::create(&world.db, &keys, &made.actor, &form, None, noon()).await.unwrap();
    let kept = mail_accounts::find(&world.db, made.id, id).await.unwrap().unwrap();
    assert_eq!((&kept.settings, kept.enabled, kept.has_password), (&form.settings, true, true));
    assert_eq!((kept.pause, kept.last_check), (None, None));
    assert!(!format!("{form:?}").contains(PASSWORD.trim()));
    let usable = mail_accounts::for_module(&world.db, &keys, made.id, COBROS).await.unwrap().unwrap();
    assert_eq!(usable.password.unwrap().expose_secret(), PASSWORD);
    let made_pagos = mail_accounts::for_module(&world.db, &keys, made.id, MailModule::InvoicesAndMadePayments).await.unwrap();
    assert!(made_pagos.is_none());
}

#[tokio::test]
async fn no_byte_on_the_disk_shows_a_password() {
    let world = World::on_sqlite().await;
    let (made, keys) = (world.with(company()).await, world.keys());
    let form = mail_account(COBROS, PASSWORD);
    let id = mail_accounts::create(&world.db, &keys, &made.actor, &form, None, noon()).await.unwrap();
    mail_accounts::change(&world.db, &keys, &made.actor, id, &form).await.unwrap();
    let folder = world.folder().to_owned();
    let mut looked_at = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        looked_at += bytes.len();
        let word = PASSWORD.trim().as_bytes();
        assert!(!bytes.windows(word.len()).any(|window| window == word));
        assert!(!bytes.windows(8).any(|window| window == b"clave-\xc3\x91"));
    }
    let user = b"cobros@distripichincha.ec";
    let everything: Vec<u8> =
        std::fs::read_dir(&folder).unwrap().flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
    assert!(everything.windows(user.len()).any(|window| window == user), "the account itself is there, in {looked_at} bytes");
}

async fn a_module_has_one_account(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let (db, by) = (&world.db, &made.actor);
    mail_accounts::create(db, &keys, by, &mail_account(COBROS, "a"), None, noon()).await.unwrap();
    let again = mail_accounts::create(db, &keys, by, &mail_account(COBROS, "b"), None, noon()).await;
    assert!(matches!(again, Err(SaveError::ModuleTaken(COBROS))), "{again:?}");
    let other = mail_account(MailModule::InvoicesAndMadePayments, "c");
    let id = mail_accounts::create(db, &keys, by, &other, None, noon()).await.unwrap();
    let changed = mail_accounts::change(db, &keys, by, id, &mail_account(COBROS, "c")).await;
    assert!(matches!(changed, Err(SaveError::ModuleTaken(COBROS))), "{changed:?}");
    let listed = mail_accounts::list(db, made.id).await.unwrap();
    assert_eq!(listed.iter().map(|account| account.settings.module).collect::<Vec<_>>(), MailModule::ALL);
}

async fn an_empty_password_on_change_keeps_the_old_one(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let (db, by) = (&world.db, &made.actor);
    let id = mail_accounts::create(db, &keys, by, &mail_account(COBROS, PASSWORD), None, noon()).await.unwrap();
    let before = mail_accounts::for_module(db, &keys, made.id, COBROS).await.unwrap().unwrap();
    let mut form = Form { password: None, ..mail_account(COBROS, "") };
    form.settings.port = 465;
    form.settings.security = Security::Tls;
    form.settings.reply_to = Some("responder@x.ec".parse().unwrap());
    form.checked = Some(LastCheck { at: noon(), ok: true });
    mail_accounts::change(db, &keys, by, id, &form).await.unwrap();
    let after = mail_accounts::for_module(db, &keys, made.id, COBROS).await.unwrap().unwrap();
    assert_eq!(after.password.unwrap().expose_secret(), PASSWORD);
    assert_eq!((after.account.settings, after.account.last_check), (form.settings, form.checked));
    assert!(after.version > before.version);
    let without = Form { password: None, ..mail_account(MailModule::InvoicesAndMadePayments, "") };
    let id = mail_accounts::create(db, &keys, by, &without, None, noon()).await.unwrap();
    let usable = mail_accounts::usable_by_id(db, &keys, made.id, id).await.unwrap().unwrap();
    assert!(usable.password.is_none() && !usable.account.has_password);
}

async fn a_disabled_account_serves_no_module(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let (db, by) = (&world.db, &made.actor);
    let id = mail_accounts::create(db, &keys, by, &mail_account(COBROS, "a"), None, noon()).await.unwrap();
    mail_accounts::enable(db, by, id, false).await.unwrap();
    assert!(mail_accounts::for_module(db, &keys, made.id, COBROS).await.unwrap().is_none());
    assert!(!mail_accounts::find(db, made.id, id).await.unwrap().unwrap().enabled);
    mail_accounts::enable(db, by, id, true).await.unwrap();
    assert!(mail_accounts::for_module(db, &keys, made.id, COBROS).await.unwrap().is_some());
    mail_accounts::delete(db, by, id).await.unwrap();
    assert!(mail_accounts::list(db, made.id).await.unwrap().is_empty());
    assert!(matches!(mail_accounts::delete(db, by, id).await, Err(SaveError::NotFound)));
}

async fn settings_and_being_enabled_change_together_or_not_at_all(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let form = mail_account(COBROS, PASSWORD);
    let id = mail_accounts::create(&world.db, &keys, &made.actor, &form, None, noon()).await.unwrap();
    let mut other = form.clone();
    other.settings.port = 2525;
    other.password = None;
    mail_accounts::change_and_enable(&world.db, &keys, &made.actor, id, &other, false).await.unwrap();
    let kept = mail_accounts::find(&world.db, made.id, id).await.unwrap().unwrap();
    assert_eq!((kept.settings.port, kept.enabled, kept.has_password), (2525, false, true));

    let pagos = mail_account(MailModule::InvoicesAndMadePayments, PASSWORD);
    mail_accounts::create(&world.db, &keys, &made.actor, &pagos, None, noon()).await.unwrap();
    let taken = mail_accounts::change_and_enable(&world.db, &keys, &made.actor, id, &pagos, true).await;
    assert!(matches!(taken, Err(SaveError::ModuleTaken(MailModule::InvoicesAndMadePayments))), "{taken:?}");
    assert!(!mail_accounts::find(&world.db, made.id, id).await.unwrap().unwrap().enabled, "nothing of it was done");
    let stranger = world.with(company()).await;
    let absent = mail_accounts::change_and_enable(&world.db, &keys, &stranger.actor, id, &form, true).await;
    assert!(matches!(absent, Err(SaveError::NotFound)), "{absent:?}");
}

async fn a_password_opens_only_with_its_key_and_row(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let (db, by) = (&world.db, &made.actor);
    let cobros = mail_accounts::create(db, &keys, by, &mail_account(COBROS, PASSWORD), None, noon()).await.unwrap();
    let pagos = mail_account(MailModule::InvoicesAndMadePayments, "otra");
    let pagos = mail_accounts::create(db, &keys, by, &pagos, None, noon()).await.unwrap();
    let strangers = Keyring::load_or_create(&world.folder().join("other.key")).unwrap();
    let opened = mail_accounts::for_module(db, &strangers, made.id, COBROS).await;
    assert!(matches!(opened.err(), Some(SaveError::Seal(SealError::DoesNotOpen))));
    let swap = format!(
        "UPDATE mail_account SET sealed_password = (SELECT sealed_password FROM mail_account WHERE id = {}) WHERE id = {}",
        crate::record::literal(&world, cobros.0),
        crate::record::literal(&world, pagos.0)
    );
    crate::record::run(&world, &swap).await;
    let moved = mail_accounts::usable_by_id(db, &keys, made.id, pagos).await;
    assert!(matches!(moved.err(), Some(SaveError::Seal(SealError::DoesNotOpen))));
}

async fn after_a_rotation_every_password_is_sealed_again(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let (db, by) = (&world.db, &made.actor);
    mail_accounts::create(db, &keys, by, &mail_account(COBROS, PASSWORD), None, noon()).await.unwrap();
    assert_eq!(mail_accounts::reseal_any_company(db, &keys).await.unwrap(), 0);
    let path = world.folder().join("secret.key");
    Keyring::rotate(&path).unwrap();
    let both = world.keys();
    assert_eq!(mail_accounts::reseal_any_company(db, &both).await.unwrap(), 1);
    assert_eq!(mail_accounts::reseal_any_company(db, &both).await.unwrap(), 0);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.lines().last().unwrap()).unwrap();
    let newest = mail_accounts::for_module(db, &world.keys(), made.id, COBROS).await.unwrap().unwrap();
    assert_eq!(newest.password.unwrap().expose_secret(), PASSWORD);
    let oldest = mail_accounts::for_module(db, &keys, made.id, COBROS).await;
    assert!(matches!(oldest.err(), Some(SaveError::Seal(SealError::UnknownKey(2)))));
}

async fn a_faulty_account_rests_longer_after_each_failed_probe(world: World) {
    let made = world.with(company()).await;
    let id =
        mail_accounts::create(&world.db, &world.keys(), &made.actor, &mail_account(COBROS, "a"), None, noon()).await.unwrap();
    let account = AccountKey::Own(id);
    let minute = 60;
    pauses::begin(&world.db, account, "auth_wrong_password", "535 5.7.8", noon()).await.unwrap();
    // Three more that were under way when it failed: no probes.
    for _ in 0..3 {
        pauses::begin(&world.db, account, "auth_wrong_password", "535 5.7.8", noon_and(1)).await.unwrap();
    }
    let resting = pauses::find(&world.db, account).await.unwrap().unwrap();
    assert_eq!(
        (resting.pause.since, resting.pause.problem_code.as_str(), resting.pause.reply.as_str()),
        (noon(), "auth_wrong_password", "535 5.7.8")
    );
    assert!(resting.probe_at <= noon_and(1 + 15 * minute), "{}", resting.probe_at);
    let mut at = resting.probe_at;
    for minutes in [60, 240, 720, 720] {
        pauses::begin(&world.db, account, "auth_wrong_password", "535 again", at).await.unwrap();
        let resting = pauses::find(&world.db, account).await.unwrap().unwrap();
        assert_eq!((resting.probe_at, resting.pause.since), (at + chrono::TimeDelta::minutes(minutes), noon()));
        at = resting.probe_at;
    }
    let shown = mail_accounts::find(&world.db, made.id, id).await.unwrap().unwrap().pause.unwrap();
    assert_eq!((shown.since, shown.reply.as_str()), (noon(), "535 again"));
    pauses::end(&world.db, account, at).await.unwrap();
    assert_eq!(pauses::find(&world.db, account).await.unwrap(), None);
}

async fn an_account_works_again_once_it_is_mended(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let (db, by) = (&world.db, &made.actor);
    let id = mail_accounts::create(db, &keys, by, &mail_account(COBROS, "a"), None, noon()).await.unwrap();
    let rests = async || pauses::find(db, AccountKey::Own(id)).await.unwrap().is_some();
    let fail = async || pauses::begin(db, AccountKey::Own(id), "auth_wrong_password", "535", noon()).await.unwrap();
    fail().await;
    mail_accounts::note_check(db, by, id, &LastCheck { at: noon(), ok: false }).await.unwrap();
    assert!(rests().await);
    mail_accounts::note_check(db, by, id, &LastCheck { at: noon_and(5), ok: true }).await.unwrap();
    assert!(!rests().await);
    let kept = mail_accounts::find(db, made.id, id).await.unwrap().unwrap();
    assert_eq!(kept.last_check, Some(LastCheck { at: noon_and(5), ok: true }));
    fail().await;
    mail_accounts::change(db, &keys, by, id, &mail_account(COBROS, "b")).await.unwrap();
    assert!(!rests().await);
    fail().await;
    mail_accounts::delete(db, by, id).await.unwrap();
    assert!(!rests().await);
}

async fn the_default_account_rests_for_everybody(world: World) {
    pauses::begin(&world.db, AccountKey::Default, "auth_wrong_password", "535", noon()).await.unwrap();
    assert!(pauses::find(&world.db, AccountKey::Default).await.unwrap().is_some());
    pauses::end(&world.db, AccountKey::Default, noon_and(1)).await.unwrap();
    assert!(pauses::find(&world.db, AccountKey::Default).await.unwrap().is_none());
}

async fn another_companys_accounts_are_unknown(world: World) {
    let (ours, theirs, keys) = (world.with(company()).await, world.with(company()).await, world.keys());
    let (db, form) = (&world.db, mail_account(COBROS, "a"));
    let id = mail_accounts::create(db, &keys, &ours.actor, &form, None, noon()).await.unwrap();
    pauses::begin(db, AccountKey::Own(id), "auth_wrong_password", "535", noon()).await.unwrap();
    assert_eq!(mail_accounts::find(db, theirs.id, id).await.unwrap(), None);
    assert!(mail_accounts::usable_by_id(db, &keys, theirs.id, id).await.unwrap().is_none());
    assert!(mail_accounts::for_module(db, &keys, theirs.id, COBROS).await.unwrap().is_none());
    assert!(mail_accounts::list(db, theirs.id).await.unwrap().is_empty());
    assert!(matches!(mail_accounts::change(db, &keys, &theirs.actor, id, &form).await, Err(SaveError::NotFound)));
    assert!(matches!(mail_accounts::enable(db, &theirs.actor, id, false).await, Err(SaveError::NotFound)));
    assert!(matches!(mail_accounts::delete(db, &theirs.actor, id).await, Err(SaveError::NotFound)));
    mail_accounts::note_check(db, &theirs.actor, id, &LastCheck { at: noon(), ok: true }).await.unwrap();
    let kept = mail_accounts::find(db, ours.id, id).await.unwrap().unwrap();
    assert!(kept.enabled && kept.last_check.is_none() && kept.pause.is_some(), "{kept:?}");
}

async fn the_same_request_twice_makes_one_account(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let create = async |body| {
        mail_accounts::create(&world.db, &keys, &made.actor, &mail_account(COBROS, "a"), Some(&once("k", body)), noon()).await
    };
    assert_eq!(create(1).await.unwrap(), create(1).await.unwrap());
    assert!(matches!(create(2).await, Err(SaveError::Once(_))));
}
