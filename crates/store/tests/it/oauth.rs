use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use acuse_domain::Instant;
use acuse_domain::id::MailAccountId;
use acuse_domain::mail_account::{MailAccountSettings, MailModule, Security};
use acuse_domain::mail_problem::ProblemCode;
use acuse_domain::oauth::{ConnectionState, Denied, Granted, Provider};
use acuse_store::mail_accounts::{self, Form, SaveError};
use acuse_store::oauth::{self, Access, AuthorizationRequest, ConnectedAccount, Intent, NewConnection, Wanted};
use acuse_store::pauses::{self, AccountKey};
use acuse_store::secrets::Keyring;
use acuse_store::versions::Expected;
use acuse_store::{Actor, Db};
use acuse_testkit::builders::{TestCompany, company, mail_account};
use acuse_testkit::outside;
use acuse_testkit::world::{World, noon, noon_and};
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};

const COBROS: MailModule = MailModule::ReceivedPayments;

on_both_engines!(
    a_connected_account_logs_in_with_its_token,
    tokens_take_the_place_of_a_password_and_a_password_theirs,
    two_who_need_a_new_token_ask_for_it_once,
    a_token_that_the_server_refused_is_renewed_once_for_all,
    a_provider_that_says_nothing_is_left_alone_for_a_while,
    a_provider_that_takes_it_back_is_not_asked_again_until_somebody_connects,
    who_connects_while_a_renewal_is_under_way_is_not_overwritten,
    a_renewal_goes_on_when_nobody_waits_for_it,
    what_ends_soon_is_known_two_weeks_ahead,
    the_end_of_a_connection_is_announced_once,
    a_token_stays_with_the_server_it_was_given_for,
    tokens_sealed_by_an_earlier_version_are_bound_at_start,
    after_a_rotation_of_keys_tokens_still_open,
    a_state_is_good_once_for_the_browser_that_left,
    a_state_runs_out,
    another_companys_connection_is_unknown,
);

pub fn granted(name: &str, ends: Instant) -> Granted {
    Granted {
        access_token: format!("acceso-{name}").into(),
        access_ends_at: ends,
        refresh_token: Some(format!("renovacion-{name}").into()),
        ends_at: None,
        scope: "https://mail.google.com/".to_owned(),
    }
}

/// An account whose token is good for an hour from noon.
async fn connected(world: &World, by: &Actor) -> MailAccountId {
    connected_until(world, by, noon_and(3_600)).await
}

pub async fn connected_until(world: &World, by: &Actor, ends: Instant) -> MailAccountId {
    let granted = granted("1", ends);
    let refresh_token = granted.refresh_token.clone().unwrap();
    let settings = mail_account(COBROS, "").settings;
    let connection = NewConnection {
        provider: Provider::Google,
        address: "cobros@distripichincha.ec",
        granted: &granted,
        refresh_token: &refresh_token,
    };
    oauth::create_connected(&world.db, &world.keys(), by, &settings, &connection, noon()).await.unwrap()
}

async fn reconnect(world: &World, by: &Actor, id: MailAccountId, name: &str, now: Instant) {
    let granted = granted(name, now + TimeDelta::hours(1));
    let refresh_token = granted.refresh_token.clone().unwrap();
    let settings = mail_account(COBROS, "").settings;
    let connection = NewConnection {
        provider: Provider::Google,
        address: "cobros@distripichincha.ec",
        granted: &granted,
        refresh_token: &refresh_token,
    };
    oauth::connect(&world.db, &world.keys(), by, id, &settings, &connection, now).await.unwrap();
}

/// A provider that counts how often it is asked, and with what.
#[derive(Clone, Default)]
struct Asked {
    times: Arc<AtomicUsize>,
    with: Arc<std::sync::Mutex<Vec<String>>>,
}

impl Asked {
    fn note(&self, token: &SecretString) -> usize {
        self.with.lock().unwrap().push(token.expose_secret().to_owned());
        self.times.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn times(&self) -> usize {
        self.times.load(Ordering::SeqCst)
    }

    fn last(&self) -> String {
        self.with.lock().unwrap().last().cloned().unwrap_or_default()
    }
}

struct Desk {
    db: Db,
    keys: Arc<Keyring>,
    made: TestCompany,
    account: MailAccountId,
    asked: Asked,
}

impl Desk {
    async fn of(world: &World) -> Self {
        let made = world.with(company()).await;
        let account = connected(world, &made.actor).await;
        Self { db: world.db.clone(), keys: Arc::new(world.keys()), made, account, asked: Asked::default() }
    }

    fn connected(&self) -> ConnectedAccount {
        let scope = mail_account(COBROS, "").settings.credential_scope();
        ConnectedAccount { company: self.made.id, id: self.account, scope }
    }

    /// The provider answers after a moment with the next pair, good for an hour.
    async fn token(&self, wanted: Wanted, now: Instant) -> Access {
        let asked = self.asked.clone();
        let ask = move |_, token: SecretString| async move {
            let n = asked.note(&token);
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok(granted(&format!("nueva-{n}"), now + TimeDelta::hours(1)))
        };
        oauth::access_token(&self.db, &self.keys, &self.connected(), wanted, now, ask).await.unwrap()
    }

    async fn denied(&self, wanted: Wanted, now: Instant, denied: Denied) -> Access {
        let asked = self.asked.clone();
        let ask = move |_, token: SecretString| async move {
            asked.note(&token);
            Err(denied)
        };
        oauth::access_token(&self.db, &self.keys, &self.connected(), wanted, now, ask).await.unwrap()
    }
}

fn secret(access: &Access) -> &str {
    match access {
        Access::Token(token) => token.secret.expose_secret(),
        other => panic!("{other:?}"),
    }
}

async fn a_connected_account_logs_in_with_its_token(world: World) {
    let desk = Desk::of(&world).await;
    let kept = mail_accounts::find(&world.db, desk.made.id, desk.account).await.unwrap().unwrap();
    let connection = kept.connection.unwrap();
    assert_eq!((connection.provider, connection.connected_at, kept.has_password), (Provider::Google, noon(), false));
    assert_eq!(connection.state(noon()), ConnectionState::Connected);
    let access = desk.token(Wanted::Usable, noon_and(60)).await;
    assert_eq!((secret(&access), desk.asked.times()), ("acceso-1", 0), "it is good for an hour");
    let access = desk.token(Wanted::Usable, noon_and(3_600 - 200)).await;
    assert_eq!((secret(&access), desk.asked.last().as_str()), ("acceso-nueva-1", "renovacion-1"));
    let access = desk.token(Wanted::Usable, noon_and(3_600)).await;
    assert_eq!((secret(&access), desk.asked.times()), ("acceso-nueva-1", 1));
    desk.token(Wanted::Usable, noon_and(9_000)).await;
    assert_eq!(desk.asked.last(), "renovacion-nueva-1", "the rotated token was kept");
    assert!(!format!("{access:?}").contains("acceso-"));
}

async fn tokens_take_the_place_of_a_password_and_a_password_theirs(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let form = mail_account(COBROS, "clave");
    let id = mail_accounts::create(&world.db, &keys, &made.actor, &form, None, noon()).await.unwrap();
    reconnect(&world, &made.actor, id, "1", noon()).await;
    let usable = mail_accounts::usable_by_id(&world.db, &keys, made.id, id).await.unwrap().unwrap();
    assert!(!usable.account.has_password && usable.account.connection.is_some());
    mail_accounts::change(&world.db, &keys, &made.actor, id, &form).await.unwrap();
    let usable = mail_accounts::usable_by_id(&world.db, &keys, made.id, id).await.unwrap().unwrap();
    assert!(usable.account.has_password && usable.account.connection.is_none());
    reconnect(&world, &made.actor, id, "2", noon()).await;
    mail_accounts::delete(&world.db, &made.actor, id, &Expected::Any).await.unwrap();
    let again = connected(&world, &made.actor).await;
    assert_ne!(again, id);
    let settings = mail_account(COBROS, "").settings;
    let granted = granted("3", noon_and(60));
    let connection = NewConnection { provider: Provider::Google, address: "x", granted: &granted, refresh_token: &"r".into() };
    let twice = oauth::create_connected(&world.db, &keys, &made.actor, &settings, &connection, noon()).await;
    assert!(matches!(twice, Err(SaveError::ModuleTaken(COBROS))), "{twice:?}");
}

async fn two_who_need_a_new_token_ask_for_it_once(world: World) {
    let desk = Desk::of(&world).await;
    // As another process, on its own connections.
    let other = Desk {
        db: world.opened_again().await,
        made: desk.made.clone(),
        keys: desk.keys.clone(),
        asked: desk.asked.clone(),
        ..desk
    };
    let late = noon_and(4_000);
    let (a, b, c, d) = tokio::join!(
        desk_token(&desk.db, &other, late),
        other.token(Wanted::Usable, late),
        desk_token(&desk.db, &other, late),
        other.token(Wanted::Usable, late),
    );
    assert_eq!(other.asked.times(), 1);
    for access in [&a, &b, &c, &d] {
        assert_eq!(secret(access), "acceso-nueva-1");
    }
}

/// Through the first process's connections.
async fn desk_token(db: &Db, of: &Desk, now: Instant) -> Access {
    let same =
        Desk { db: db.clone(), keys: of.keys.clone(), made: of.made.clone(), account: of.account, asked: of.asked.clone() };
    same.token(Wanted::Usable, now).await
}

async fn a_token_that_the_server_refused_is_renewed_once_for_all(world: World) {
    let desk = Desk::of(&world).await;
    let Access::Token(first) = desk.token(Wanted::Usable, noon()).await else { panic!("no token") };
    let wanted = Wanted::After(first.generation);
    let (one, two) = tokio::join!(desk.token(wanted, noon_and(1)), desk.token(wanted, noon_and(1)));
    assert_eq!((secret(&one), secret(&two), desk.asked.times()), ("acceso-nueva-1", "acceso-nueva-1", 1));
    let late = desk.token(wanted, noon_and(2)).await;
    assert_eq!((secret(&late), desk.asked.times()), ("acceso-nueva-1", 1), "who comes late finds it");
}

async fn a_provider_that_says_nothing_is_left_alone_for_a_while(world: World) {
    let desk = Desk::of(&world).await;
    let silent = || Denied::ForNow { words: "(503)".to_owned() };
    let access = desk.denied(Wanted::Usable, noon_and(3_540), silent()).await;
    assert!(matches!(&access, Access::NotNow { failures: 1, words } if words == "(503)"), "{access:?}");
    let access = desk.denied(Wanted::Usable, noon_and(3_550), silent()).await;
    assert_eq!((secret(&access), desk.asked.times()), ("acceso-1", 1), "the old one is good to its last minute");
    let access = desk.denied(Wanted::Usable, noon_and(3_575), silent()).await;
    assert!(matches!(access, Access::NotNow { failures: 1, .. }));
    assert_eq!(desk.asked.times(), 1, "it is not hammered");
    let access = desk.denied(Wanted::UsableNow, noon_and(3_576), silent()).await;
    assert!(matches!(access, Access::NotNow { failures: 2, .. }), "a person who waits may ask: {access:?}");
    let access = desk.token(Wanted::Usable, noon_and(3_576 + 121)).await;
    assert_eq!((secret(&access), desk.asked.last().as_str()), ("acceso-nueva-3", "renovacion-1"));
    let access = desk.denied(Wanted::Usable, noon_and(9_000), silent()).await;
    assert!(matches!(access, Access::NotNow { failures: 1, .. }), "counted anew: {access:?}");
}

async fn a_provider_that_takes_it_back_is_not_asked_again_until_somebody_connects(world: World) {
    let desk = Desk::of(&world).await;
    let misconfigured = Denied::ForGood { code: ProblemCode::OauthMisconfigured, words: "invalid_client".to_owned() };
    let access = desk.denied(Wanted::Usable, noon_and(4_000), misconfigured).await;
    assert!(matches!(&access, Access::Denied { code: ProblemCode::OauthMisconfigured, .. }));
    let kept = mail_accounts::find(&world.db, desk.made.id, desk.account).await.unwrap().unwrap();
    assert_eq!(kept.connection.unwrap().broken_at, None, "the operator's fault takes nothing back");
    let gone = || Denied::ForGood { code: ProblemCode::OauthExpired, words: "invalid_grant: revoked".to_owned() };
    desk.denied(Wanted::UsableNow, noon_and(4_001), gone()).await;
    let access = desk.denied(Wanted::UsableNow, noon_and(90_000), gone()).await;
    assert!(matches!(&access, Access::Denied { code: ProblemCode::OauthExpired, words } if words == "invalid_grant: revoked"));
    assert_eq!(desk.asked.times(), 2);
    let kept = mail_accounts::find(&world.db, desk.made.id, desk.account).await.unwrap().unwrap();
    assert_eq!(kept.connection.unwrap().state(noon_and(4_002)), ConnectionState::Ended);

    pauses::begin(&world.db, AccountKey::Own(desk.account), "oauth_expired", "invalid_grant", noon_and(4_002)).await.unwrap();
    reconnect(&world, &desk.made.actor, desk.account, "otra", noon_and(90_001)).await;
    assert_eq!(secret(&desk.token(Wanted::Usable, noon_and(90_002)).await), "acceso-otra");
    let kept = mail_accounts::find(&world.db, desk.made.id, desk.account).await.unwrap().unwrap();
    assert_eq!((kept.pause, kept.connection.unwrap().state(noon_and(90_002))), (None, ConnectionState::Connected));
}

async fn who_connects_while_a_renewal_is_under_way_is_not_overwritten(world: World) {
    let desk = Desk::of(&world).await;
    let late = noon_and(4_000);
    let renewal = desk.token(Wanted::Usable, late);
    let meanwhile = async {
        while desk.asked.times() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        reconnect(&world, &desk.made.actor, desk.account, "otra", late).await;
    };
    let (access, ()) = tokio::join!(renewal, meanwhile);
    assert_eq!(secret(&access), "acceso-otra");
    desk.token(Wanted::Usable, noon_and(20_000)).await;
    assert_eq!(desk.asked.last(), "renovacion-otra");
}

async fn a_renewal_goes_on_when_nobody_waits_for_it(world: World) {
    let desk = Desk::of(&world).await;
    let late = noon_and(4_000);
    let waited = tokio::time::timeout(Duration::from_millis(100), desk.token(Wanted::Usable, late)).await;
    assert!(waited.is_err(), "the provider takes longer");
    let access = desk.token(Wanted::Usable, late).await;
    assert_eq!((secret(&access), desk.asked.times()), ("acceso-nueva-1", 1), "what it gave was not lost");
}

async fn what_ends_soon_is_known_two_weeks_ahead(world: World) {
    let made = world.with(company()).await;
    let (keys, by) = (world.keys(), &made.actor);
    let ends = noon() + TimeDelta::days(90);
    let granted = Granted { ends_at: Some(ends), ..granted("1", noon_and(3_600)) };
    let settings = mail_account(COBROS, "").settings;
    let connection =
        NewConnection { provider: Provider::Microsoft, address: "cobros@x.ec", granted: &granted, refresh_token: &"r".into() };
    let id = oauth::create_connected(&world.db, &keys, by, &settings, &connection, noon()).await.unwrap();
    let ours = async |now| {
        let all = oauth::ending_soon_any_company(&world.db, now).await.unwrap();
        all.into_iter().filter(|ending| ending.account.company == made.id).collect::<Vec<_>>()
    };
    assert_eq!(ours(ends - TimeDelta::days(15)).await, []);
    let soon = ours(ends - TimeDelta::days(14)).await;
    assert_eq!((soon.len(), soon[0].account.id, soon[0].ends_at, soon[0].provider), (1, id, ends, Provider::Microsoft));
    mail_accounts::enable(&world.db, by, id, false).await.unwrap();
    assert_eq!(ours(ends).await, [], "nobody sends with it");
}

async fn the_end_of_a_connection_is_announced_once(world: World) {
    let desk = Desk::of(&world).await;
    let ends = noon() + TimeDelta::days(7);
    let announce = async |now| oauth::announce_ending_any_company(&world.db, now).await.unwrap();
    assert_eq!(announce(noon()).await, 0, "nothing is known of an end");
    let told = |seconds| Granted { ends_at: Some(ends + TimeDelta::seconds(seconds)), ..granted("7", noon_and(9_000)) };
    let ask = {
        let told = told(0);
        move |_, _| async move { Ok(told) }
    };
    oauth::access_token(&desk.db, &desk.keys, &desk.connected(), Wanted::Usable, noon_and(4_000), ask).await.unwrap();
    assert_eq!((announce(noon_and(4_001)).await, announce(noon_and(4_002)).await), (1, 0));
    let ask = {
        let told = told(20);
        move |_, _| async move { Ok(told) }
    };
    oauth::access_token(&desk.db, &desk.keys, &desk.connected(), Wanted::Usable, noon_and(9_000), ask).await.unwrap();
    assert_eq!(announce(noon_and(9_001)).await, 0, "it is the same end, told in seconds that are left");
}

async fn a_token_stays_with_the_server_it_was_given_for(world: World) {
    let desk = Desk::of(&world).await;
    let settings = mail_account(COBROS, "").settings;
    let elsewhere = [
        MailAccountSettings { server: "smtp.otro.ec".to_owned(), ..settings.clone() },
        MailAccountSettings { port: 465, ..settings.clone() },
        MailAccountSettings { security: Security::None, ..settings.clone() },
        MailAccountSettings { username: "otro".to_owned(), ..settings.clone() },
    ];
    for settings in elsewhere {
        let form = Form { settings: settings.clone(), password: None, checked: None };
        let refused = mail_accounts::change(&desk.db, &desk.keys, &desk.made.actor, desk.account, &form).await;
        assert!(matches!(refused, Err(SaveError::PasswordRequired)), "{settings:?}: {refused:?}");
        let other = ConnectedAccount { scope: settings.credential_scope(), ..desk.connected() };
        let never = |_, _| async { panic!("nobody asks the provider for this") };
        let access = oauth::access_token(&desk.db, &desk.keys, &other, Wanted::Usable, noon(), never).await.unwrap();
        assert!(matches!(access, Access::NotConnected), "{settings:?}: {access:?}");
    }
    assert_eq!(secret(&desk.token(Wanted::Usable, noon()).await), "acceso-1");
    // Past the store: the row says another server, and the tokens do not open for it.
    let set = |server: &str| {
        format!("UPDATE mail_account SET server = '{server}' WHERE id = {}", crate::record::literal(&world, desk.account.0))
    };
    crate::record::run(&world, &set("smtp.otro.ec")).await;
    let scope = MailAccountSettings { server: "smtp.otro.ec".to_owned(), ..settings.clone() }.credential_scope();
    let moved = ConnectedAccount { scope, ..desk.connected() };
    let never = |_, _| async { panic!("nobody asks the provider for this") };
    for now in [noon(), noon_and(4_000)] {
        let access = oauth::access_token(&desk.db, &desk.keys, &moved, Wanted::Usable, now, never).await;
        assert!(matches!(access, Err(SaveError::Seal(_))), "{access:?}");
    }
    crate::record::run(&world, &set(&settings.server)).await;
    // Without a user nobody logs in: the connection is forgotten, and does not come back with one.
    let change = async |settings: &MailAccountSettings| {
        let form = Form { settings: settings.clone(), password: None, checked: None };
        mail_accounts::change(&desk.db, &desk.keys, &desk.made.actor, desk.account, &form).await.unwrap();
    };
    change(&MailAccountSettings { username: String::new(), ..settings.clone() }).await;
    change(&settings).await;
    assert!(matches!(desk.token(Wanted::Usable, noon()).await, Access::NotConnected));
}

async fn tokens_sealed_by_an_earlier_version_are_bound_at_start(world: World) {
    let desk = Desk::of(&world).await;
    let sealed =
        |kind: &str, token: &str| desk.keys.seal(&token.into(), &format!("{kind}:{}:{}", desk.made.id, desk.account)).unwrap();
    let (refresh, access) = (sealed("oauth_refresh_token", "renovacion-vieja"), sealed("oauth_access_token", "acceso-viejo"));
    let sql = "UPDATE oauth_connection SET sealed_refresh_token = $1, sealed_access_token = $2 WHERE account_id = $3";
    outside::run(&world.url, sql, vec![refresh.into(), access.into(), desk.account.0.into()]).await;
    assert_eq!(oauth::reseal_any_company(&world.db, &desk.keys).await.unwrap(), 1);
    assert_eq!(oauth::reseal_any_company(&world.db, &desk.keys).await.unwrap(), 0);
    assert_eq!(secret(&desk.token(Wanted::Usable, noon()).await), "acceso-viejo");
    desk.token(Wanted::Usable, noon_and(4_000)).await;
    assert_eq!(desk.asked.last(), "renovacion-vieja");
}

async fn after_a_rotation_of_keys_tokens_still_open(world: World) {
    let desk = Desk::of(&world).await;
    Keyring::rotate(&world.folder().join("secret.key")).unwrap();
    let keys = world.keys();
    assert_eq!(oauth::reseal_any_company(&world.db, &keys).await.unwrap(), 1);
    assert_eq!(oauth::reseal_any_company(&world.db, &keys).await.unwrap(), 0);
    let desk = Desk { keys: Arc::new(keys), ..desk };
    assert_eq!(secret(&desk.token(Wanted::Usable, noon()).await), "acceso-1");
    desk.token(Wanted::Usable, noon_and(4_000)).await;
    assert_eq!(desk.asked.last(), "renovacion-1");
}

struct Leaving {
    state: SecretString,
    verifier: SecretString,
    intent: Intent,
}

impl Leaving {
    fn new() -> Self {
        let intent = Intent::New { module: COBROS, address: Some("cobros@empresa.ec".parse().unwrap()) };
        Self { state: "estado-1".into(), verifier: "verificador-1".into(), intent }
    }

    async fn note_authorization_request(&self, world: &World, by: &Actor) {
        let request = AuthorizationRequest {
            provider: Provider::Google,
            state: &self.state,
            verifier: &self.verifier,
            nonce: "n-1",
            intent: &self.intent,
        };
        oauth::note_authorization_request(&world.db, &world.keys(), by, "sesion-1", &request, noon()).await.unwrap();
    }
}

async fn a_state_is_good_once_for_the_browser_that_left(world: World) {
    let (made, stranger, keys) = (world.with(company()).await, world.with(company()).await, world.keys());
    let leaving = Leaving::new();
    let back = async |by: &Actor, session, provider, state| {
        oauth::take_authorization_request(&world.db, &keys, by, session, provider, state, noon_and(60)).await.unwrap()
    };
    leaving.note_authorization_request(&world, &made.actor).await;
    let google = Provider::Google;
    assert!(back(&made.actor, "sesion-1", google, "estado-2").await.is_none());
    assert!(back(&made.actor, "sesion-2", google, "estado-1").await.is_none());
    assert!(back(&stranger.actor, "sesion-1", google, "estado-1").await.is_none());
    let pending = back(&made.actor, "sesion-1", google, "estado-1").await.unwrap();
    assert_eq!(
        (pending.verifier.expose_secret(), pending.nonce.as_str(), pending.intent),
        ("verificador-1", "n-1", leaving.intent.clone())
    );
    assert!(back(&made.actor, "sesion-1", google, "estado-1").await.is_none(), "once");

    leaving.note_authorization_request(&world, &made.actor).await;
    assert!(back(&made.actor, "sesion-1", Provider::Microsoft, "estado-1").await.is_none());
    assert!(back(&made.actor, "sesion-1", google, "estado-1").await.is_none(), "a mixed-up answer uses it up");
}

async fn a_state_runs_out(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    Leaving::new().note_authorization_request(&world, &made.actor).await;
    let late =
        oauth::take_authorization_request(&world.db, &keys, &made.actor, "sesion-1", Provider::Google, "estado-1", noon_and(601))
            .await;
    assert!(late.unwrap().is_none());
}

async fn another_companys_connection_is_unknown(world: World) {
    let desk = Desk::of(&world).await;
    let stranger = world.with(company()).await;
    let theirs = Desk { made: stranger, ..desk };
    assert!(matches!(theirs.token(Wanted::Usable, noon()).await, Access::NotConnected));
    let settings = mail_account(COBROS, "").settings;
    let granted = granted("2", noon_and(60));
    let connection = NewConnection { provider: Provider::Google, address: "x", granted: &granted, refresh_token: &"r".into() };
    let keys = world.keys();
    let taken = oauth::connect(&world.db, &keys, &theirs.made.actor, theirs.account, &settings, &connection, noon()).await;
    assert!(matches!(taken, Err(SaveError::NotFound)), "{taken:?}");
}

#[tokio::test]
async fn no_byte_on_the_disk_shows_a_token() {
    let world = World::on_sqlite().await;
    let desk = Desk::of(&world).await;
    desk.token(Wanted::Usable, noon_and(4_000)).await;
    Leaving::new().note_authorization_request(&world, &desk.made.actor).await;
    for entry in std::fs::read_dir(world.folder()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for word in [&b"acceso-"[..], b"renovacion-", b"verificador-", b"estado-1"] {
            assert!(!bytes.windows(word.len()).any(|window| window == word), "{}", String::from_utf8_lossy(word));
        }
    }
}
