use acuse_domain::id::MailAccountId;
use acuse_domain::mail_account::{LastCheck, MailAccount, MailAccountSettings, MailModule, Security};
use acuse_store::Actor;
use acuse_store::mail_accounts::{self, Edit, Form, SaveError, Usable};
use acuse_store::pauses::{self, AccountKey};
use acuse_store::secrets::{Keyring, SealError};
use acuse_store::versions::Expected;
use acuse_testkit::builders::{company, mail_account};
use acuse_testkit::outside;
use acuse_testkit::world::{World, noon, noon_and};
use secrecy::ExposeSecret;

use crate::idempotency::once;

const PASSWORD: &str = " clave-Ñ-que-nadie-debe-ver ";
const COBROS: MailModule = MailModule::ReceivedPayments;

/// The password, for what the account is saved with.
fn password(usable: &Usable) -> Option<&str> {
    usable.password_for(&usable.account.settings.credential_scope()).map(ExposeSecret::expose_secret)
}

on_both_engines!(
    an_account_is_kept_and_its_password_only_used,
    a_module_has_one_account,
    an_empty_password_on_change_keeps_the_old_one,
    a_disabled_account_serves_no_module,
    an_account_is_forgotten_only_as_it_was_seen,
    settings_and_being_enabled_change_together_or_not_at_all,
    a_password_opens_only_with_its_key_and_row,
    a_password_stays_with_the_server_port_tls_and_user_it_was_given_for,
    a_row_that_was_led_elsewhere_does_not_open_its_password,
    a_password_sealed_by_an_earlier_version_is_bound_at_start,
    after_a_rotation_every_password_is_sealed_again,
    a_faulty_account_rests_longer_after_each_failed_probe,
    an_account_works_again_once_it_is_mended,
    the_default_account_rests_for_everybody,
    another_companys_accounts_are_unknown,
    the_same_request_twice_makes_one_account,
    two_who_change_different_fields_both_find_theirs,
    a_change_of_an_earlier_version_is_refused,
    what_was_checked_stays_known_while_nothing_of_it_changes,
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
    assert_eq!(password(&usable).unwrap(), PASSWORD);
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
    form.settings.from_name = "Otro nombre".to_owned();
    form.settings.reply_to = Some("responder@x.ec".parse().unwrap());
    form.checked = Some(LastCheck { at: noon(), ok: true });
    mail_accounts::change(db, &keys, by, id, &form).await.unwrap();
    let after = mail_accounts::for_module(db, &keys, made.id, COBROS).await.unwrap().unwrap();
    assert_eq!(password(&after).unwrap(), PASSWORD);
    assert_eq!((after.account.settings, after.account.last_check), (form.settings, form.checked));
    assert!(after.account.version > before.account.version);
    let without = Form { password: None, ..mail_account(MailModule::InvoicesAndMadePayments, "") };
    let id = mail_accounts::create(db, &keys, by, &without, None, noon()).await.unwrap();
    let usable = mail_accounts::usable_by_id(db, &keys, made.id, id).await.unwrap().unwrap();
    assert!(password(&usable).is_none() && !usable.account.has_password);
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
    mail_accounts::delete(db, by, id, &Expected::Any).await.unwrap();
    assert!(mail_accounts::list(db, made.id).await.unwrap().is_empty());
    assert!(matches!(mail_accounts::delete(db, by, id, &Expected::Any).await, Err(SaveError::NotFound)));
}

async fn an_account_is_forgotten_only_as_it_was_seen(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let (db, by) = (&world.db, &made.actor);
    let id = mail_accounts::create(db, &keys, by, &mail_account(COBROS, "a"), None, noon()).await.unwrap();
    let seen = mail_accounts::find(db, made.id, id).await.unwrap().unwrap().version;
    mail_accounts::enable(db, by, id, false).await.unwrap();
    let refused = mail_accounts::delete(db, by, id, &Expected::version(seen)).await;
    assert!(matches!(refused, Err(SaveError::Changed)), "{refused:?}");
    let now = mail_accounts::find(db, made.id, id).await.unwrap().expect("it is still there").version;
    mail_accounts::delete(db, by, id, &Expected::version(now)).await.unwrap();
    assert!(mail_accounts::find(db, made.id, id).await.unwrap().is_none());
}

async fn settings_and_being_enabled_change_together_or_not_at_all(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let form = mail_account(COBROS, PASSWORD);
    let id = mail_accounts::create(&world.db, &keys, &made.actor, &form, None, noon()).await.unwrap();
    let mut other = form.clone();
    other.settings.from_name = "Otro nombre".to_owned();
    other.password = None;
    let edit = async |by: &Actor, form: &Form, enabled| {
        let decide = |_: &MailAccount| Ok::<_, SaveError>(Edit { form: form.clone(), enabled, untouched: Vec::new() });
        mail_accounts::edit(&world.db, &keys, by, id, &Expected::Any, decide).await
    };
    edit(&made.actor, &other, false).await.unwrap();
    let kept = mail_accounts::find(&world.db, made.id, id).await.unwrap().unwrap();
    assert_eq!((kept.settings.from_name.as_str(), kept.enabled, kept.has_password), ("Otro nombre", false, true));

    let pagos = mail_account(MailModule::InvoicesAndMadePayments, PASSWORD);
    mail_accounts::create(&world.db, &keys, &made.actor, &pagos, None, noon()).await.unwrap();
    let taken = edit(&made.actor, &pagos, true).await;
    assert!(matches!(taken, Err(SaveError::ModuleTaken(MailModule::InvoicesAndMadePayments))), "{taken:?}");
    assert!(!mail_accounts::find(&world.db, made.id, id).await.unwrap().unwrap().enabled, "nothing of it was done");
    let stranger = world.with(company()).await;
    let absent = edit(&stranger.actor, &form, true).await;
    assert!(matches!(absent, Err(SaveError::NotFound)), "{absent:?}");
}

async fn a_password_opens_only_with_its_key_and_row(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let (db, by) = (&world.db, &made.actor);
    let cobros = mail_accounts::create(db, &keys, by, &mail_account(COBROS, PASSWORD), None, noon()).await.unwrap();
    let pagos = mail_account(MailModule::InvoicesAndMadePayments, "otra");
    let pagos = mail_accounts::create(db, &keys, by, &pagos, None, noon()).await.unwrap();
    let strangers = Keyring::load_or_create(&world.folder().join("other.key")).unwrap();
    let closed = mail_accounts::for_module(db, &strangers, made.id, COBROS).await.unwrap().unwrap();
    assert_eq!((closed.unreadable(), closed.lacks_secret()), (Some(SealError::DoesNotOpen), true));
    let swap = format!(
        "UPDATE mail_account SET sealed_password = (SELECT sealed_password FROM mail_account WHERE id = {}) WHERE id = {}",
        crate::record::literal(&world, cobros.0),
        crate::record::literal(&world, pagos.0)
    );
    crate::record::run(&world, &swap).await;
    let moved = mail_accounts::usable_by_id(db, &keys, made.id, pagos).await.unwrap().unwrap();
    assert_eq!(moved.unreadable(), Some(SealError::DoesNotOpen));
}

/// Each of the four changed alone, as nobody may without the password.
fn led_elsewhere(settings: &MailAccountSettings) -> [MailAccountSettings; 4] {
    let same = settings.clone();
    [
        MailAccountSettings { server: "smtp.otro.ec".to_owned(), ..same.clone() },
        MailAccountSettings { port: 465, ..same.clone() },
        MailAccountSettings { security: Security::None, ..same.clone() },
        MailAccountSettings { username: "otro@distripichincha.ec".to_owned(), ..same },
    ]
}

async fn a_password_stays_with_the_server_port_tls_and_user_it_was_given_for(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let (db, by, form) = (&world.db, &made.actor, mail_account(COBROS, PASSWORD));
    let id = mail_accounts::create(db, &keys, by, &form, None, noon()).await.unwrap();
    let change = async |settings: MailAccountSettings, password: Option<&str>| {
        let form = Form { settings, password: password.map(Into::into), checked: None };
        mail_accounts::change(db, &keys, by, id, &form).await
    };
    let usable = async || mail_accounts::usable_by_id(db, &keys, made.id, id).await.unwrap().unwrap();
    for elsewhere in led_elsewhere(&form.settings) {
        let refused = change(elsewhere.clone(), None).await;
        assert!(matches!(refused, Err(SaveError::PasswordRequired)), "{elsewhere:?}: {refused:?}");
        let kept = usable().await;
        assert_eq!((&kept.account.settings, password(&kept)), (&form.settings, Some(PASSWORD)), "nothing of it was done");
        assert!(kept.password_for(&elsewhere.credential_scope()).is_none(), "{elsewhere:?}");
        change(elsewhere, Some("otra")).await.unwrap();
        assert_eq!(password(&usable().await), Some("otra"));
        change(form.settings.clone(), Some(PASSWORD)).await.unwrap();
    }
    // Without a user nobody logs in: the password is forgotten, and does not come back with one.
    change(MailAccountSettings { username: String::new(), ..form.settings.clone() }, None).await.unwrap();
    assert!(!usable().await.account.has_password);
    change(form.settings.clone(), None).await.unwrap();
    assert_eq!(password(&usable().await), None);
}

async fn a_row_that_was_led_elsewhere_does_not_open_its_password(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let form = mail_account(COBROS, PASSWORD);
    let id = mail_accounts::create(&world.db, &keys, &made.actor, &form, None, noon()).await.unwrap();
    let MailAccountSettings { server, port, security, username, .. } = form.settings;
    let columns = [
        ("server", "'smtp.otro.ec'".to_owned(), format!("'{server}'")),
        ("port", "2525".to_owned(), port.to_string()),
        ("security", "'none'".to_owned(), format!("'{}'", security.as_str())),
        ("username", "'otro'".to_owned(), format!("'{username}'")),
    ];
    for (column, wrong, right) in columns {
        let row = crate::record::literal(&world, id.0);
        crate::record::run(&world, &format!("UPDATE mail_account SET {column} = {wrong} WHERE id = {row}")).await;
        let moved = mail_accounts::usable_by_id(&world.db, &keys, made.id, id).await.unwrap().unwrap();
        assert_eq!(moved.unreadable(), Some(SealError::DoesNotOpen), "{column}");
        assert!(password(&moved).is_none());
        crate::record::run(&world, &format!("UPDATE mail_account SET {column} = {right} WHERE id = {row}")).await;
        let back = mail_accounts::usable_by_id(&world.db, &keys, made.id, id).await.unwrap().unwrap();
        assert_eq!(password(&back), Some(PASSWORD), "{column}");
    }
}

async fn a_password_sealed_by_an_earlier_version_is_bound_at_start(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let id = mail_accounts::create(&world.db, &keys, &made.actor, &mail_account(COBROS, "x"), None, noon()).await.unwrap();
    let earlier = keys.seal(&PASSWORD.into(), &format!("mail_account:{}:{id}", made.id)).unwrap();
    outside::run(&world.url, "UPDATE mail_account SET sealed_password = $1 WHERE id = $2", vec![earlier.into(), id.0.into()])
        .await;
    let usable = mail_accounts::usable_by_id(&world.db, &keys, made.id, id).await.unwrap().unwrap();
    assert_eq!(usable.unreadable(), Some(SealError::DoesNotOpen), "it belongs to no server yet");
    assert_eq!(mail_accounts::reseal_any_company(&world.db, &keys).await.unwrap(), 1);
    assert_eq!(mail_accounts::reseal_any_company(&world.db, &keys).await.unwrap(), 0);
    let usable = mail_accounts::usable_by_id(&world.db, &keys, made.id, id).await.unwrap().unwrap();
    assert_eq!(password(&usable), Some(PASSWORD));
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
    assert_eq!(password(&newest).unwrap(), PASSWORD);
    let oldest = mail_accounts::for_module(db, &keys, made.id, COBROS).await.unwrap().unwrap();
    assert_eq!(password(&oldest), Some(PASSWORD), "who has read the file before reads it again");
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
    mail_accounts::note_check(db, by, id, 1, &LastCheck { at: noon(), ok: false }).await.unwrap();
    assert!(rests().await);
    mail_accounts::note_check(db, by, id, 1, &LastCheck { at: noon_and(5), ok: true }).await.unwrap();
    assert!(!rests().await);
    let kept = mail_accounts::find(db, made.id, id).await.unwrap().unwrap();
    assert_eq!(kept.last_check, Some(LastCheck { at: noon_and(5), ok: true }));
    fail().await;
    mail_accounts::change(db, &keys, by, id, &mail_account(COBROS, "b")).await.unwrap();
    assert!(!rests().await);
    fail().await;
    mail_accounts::delete(db, by, id, &Expected::Any).await.unwrap();
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
    assert!(matches!(mail_accounts::delete(db, &theirs.actor, id, &Expected::Any).await, Err(SaveError::NotFound)));
    mail_accounts::note_check(db, &theirs.actor, id, 1, &LastCheck { at: noon(), ok: true }).await.unwrap();
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

/// Changes the settings as they are now.
async fn set(
    world: &World,
    by: &Actor,
    id: MailAccountId,
    expected: Expected,
    change: impl FnOnce(&mut MailAccountSettings),
) -> Result<(), SaveError> {
    let decide = |account: &MailAccount| {
        let mut settings = account.settings.clone();
        change(&mut settings);
        let form = Form { settings, password: None, checked: None };
        Ok::<_, SaveError>(Edit { form, enabled: account.enabled, untouched: Vec::new() })
    };
    mail_accounts::edit(&world.db, &world.keys(), by, id, &expected, decide).await
}

async fn two_who_change_different_fields_both_find_theirs(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let id = mail_accounts::create(&world.db, &keys, &made.actor, &mail_account(COBROS, "a"), None, noon()).await.unwrap();
    for round in 0..10 {
        let (name, address) = (format!("Nombre {round}"), format!("r{round}@x.ec"));
        let (one, two, three) = tokio::join!(
            set(&world, &made.actor, id, Expected::Any, |it| it.from_name.clone_from(&name)),
            set(&world, &made.actor, id, Expected::Any, |it| it.reply_to = Some(address.parse().unwrap())),
            set(&world, &made.actor, id, Expected::Any, |it| it.bcc = Some(address.parse().unwrap())),
        );
        for changed in [one, two, three] {
            changed.unwrap();
        }
        let kept = mail_accounts::find(&world.db, made.id, id).await.unwrap().unwrap().settings;
        let said = |address: &Option<acuse_domain::email_address::EmailAddress>| address.as_ref().map(ToString::to_string);
        assert_eq!((kept.from_name, said(&kept.reply_to), said(&kept.bcc)), (name, Some(address.clone()), Some(address)));
    }
}

async fn a_change_of_an_earlier_version_is_refused(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let id = mail_accounts::create(&world.db, &keys, &made.actor, &mail_account(COBROS, "a"), None, noon()).await.unwrap();
    let seen = mail_accounts::find(&world.db, made.id, id).await.unwrap().unwrap().version;
    let (one, two) = tokio::join!(
        set(&world, &made.actor, id, Expected::version(seen), |it| it.from_name = "Uno".to_owned()),
        set(&world, &made.actor, id, Expected::version(seen), |it| it.from_name = "Dos".to_owned()),
    );
    assert_eq!([&one, &two].into_iter().filter(|it| it.is_ok()).count(), 1, "{one:?} {two:?}");
    assert!([one, two].into_iter().any(|it| matches!(it, Err(SaveError::Changed))));
    mail_accounts::enable(&world.db, &made.actor, id, false).await.unwrap();
    let stale = set(&world, &made.actor, id, Expected::version(seen + 1), |it| it.from_name = "Tres".to_owned()).await;
    assert!(matches!(stale, Err(SaveError::Changed)), "turned off meanwhile: {stale:?}");
    set(&world, &made.actor, id, Expected::version(seen + 2), |_| {}).await.unwrap();
    let kept = mail_accounts::find(&world.db, made.id, id).await.unwrap().unwrap();
    assert_eq!(kept.version, seen + 2, "where nothing differs nothing happens");
}

async fn what_was_checked_stays_known_while_nothing_of_it_changes(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let form = mail_account(COBROS, "a");
    let id = mail_accounts::create(&world.db, &keys, &made.actor, &form, None, noon()).await.unwrap();
    let check = LastCheck { at: noon(), ok: true };
    mail_accounts::note_check(&world.db, &made.actor, id, 1, &check).await.unwrap();
    let known = async || mail_accounts::find(&world.db, made.id, id).await.unwrap().unwrap().last_check;
    set(&world, &made.actor, id, Expected::Any, |it| it.from_name = "Otro".to_owned()).await.unwrap();
    assert_eq!(known().await, Some(check));
    set(&world, &made.actor, id, Expected::Any, |it| it.from_address = "otra@x.ec".parse().unwrap()).await.unwrap();
    assert_eq!(known().await, None, "whether it may send as another was not checked");
}
