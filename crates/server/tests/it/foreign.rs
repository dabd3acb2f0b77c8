//! Whoever asks with the id of another company's record is answered as if there were no such record, whatever the path,
//! the form or the body, and nothing of the other company is told or touched.

mod asks;
mod owned;

use std::collections::BTreeSet;

use acuse_domain::access::Role;
use acuse_server::{api, web};
use acuse_testkit::outside;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use scraper::{Html, Selector};
use uuid::Uuid;

use crate::support::{Answer, Stranger, TestApp};
use crate::web::payments::scene::default_account;
use asks::{Ask, Kind, asks_of_calls, asks_of_pages};
use owned::{Ids, Noun, OURS, THEIRS, records, token, url};

/// Fields of forms and addresses that hold an id. A test finds those that are not here in the pages.
const ID_FIELDS: [&str; 13] = [
    "persona_id",
    "persona_antes",
    "persona",
    "copiar",
    "documento",
    "doc",
    "marcados",
    "envio",
    "uno",
    "compania",
    "quien",
    "como",
    "token",
];
/// Fields that hold what looks like an id and names no record.
const KEYS: [&str; 1] = ["clave"];
/// Of calls, in bodies and addresses.
const ID_PROPERTIES: [&str; 5] = ["contact_id", "document_id", "payment_id", "after", "id"];

/// Two companies, each with a record of every kind.
struct Neighbours {
    app: TestApp,
    ours: Ids,
    them: Stranger,
    theirs: Ids,
}

/// By what somebody asks: a session's or a token's.
#[derive(Debug, Clone, Copy)]
enum By<'a> {
    Session(&'a str),
    Token(&'a str),
}

impl Neighbours {
    async fn new() -> Self {
        let account = |services| acuse_server::Services { default_account: Some(default_account()), ..services };
        let app = TestApp::start_with(account).await;
        let them = app.stranger().await;
        let ours = records(&app, &app.actor, &OURS).await;
        let theirs = records(&app, &them.actor, &THEIRS).await;
        Self { app, ours, them, theirs }
    }

    async fn send(&self, by: By<'_>, ask: &Ask, ids: &Ids, key: Uuid) -> Answer {
        let (path, body) = ask.filled(ids, key);
        let request = Request::builder().method(ask.method.clone()).uri(path).header("sec-fetch-site", "same-origin");
        let request = match by {
            By::Session(session) => request.header("cookie", format!("acuse_sesion={session}")),
            By::Token(token) => request.header("authorization", format!("Bearer {token}")),
        };
        let request = match ask.kind {
            Kind::Form => request.header("content-type", "application/x-www-form-urlencoded"),
            Kind::Json => request.header("content-type", "application/json"),
            Kind::Nothing => request,
        };
        self.app.ask(request.body(Body::from(body)).expect("a request")).await
    }

    /// Asks for theirs and for what is nobody's: both are answered alike.
    async fn hold_apart(&self, by: By<'_>, asks: &[Ask]) {
        let before = outside::rows_of(&url(&self.app), self.them.company).await;
        for ask in asks {
            for foreign in ask.foreign() {
                let theirs = self.ours.with(&foreign, &self.theirs);
                let nobodys = self.ours.with(&foreign, &Ids::of_nothing());
                let key = Uuid::new_v4();
                let told = self.send(by, ask, &theirs, key).await;
                let expected = self.send(by, ask, &nobodys, key).await;
                let name = format!("{by:?} {} {} {} with {foreign:?} of another company", ask.method, ask.path, ask.body);
                assert_alike(&told, &expected, &name);
                self.assert_tells_nothing(&told, &theirs, &name);
            }
        }
        let after = outside::rows_of(&url(&self.app), self.them.company).await;
        assert_eq!(after, before, "{by:?} changed another company's rows");
    }

    /// What was asked with may stand in the answer: it was known before.
    fn assert_tells_nothing(&self, answer: &Answer, asked: &Ids, name: &str) {
        let text = answer.text();
        let known: BTreeSet<Uuid> = asked.all().collect();
        for secret in self.theirs.all().filter(|id| !known.contains(id)) {
            assert!(!text.contains(&secret.to_string()), "{name} tells of {secret}: {text}");
        }
        for secret in THEIRS.secrets() {
            assert!(!text.contains(secret), "{name} tells of {secret}: {text}");
        }
    }
}

/// To the byte, without ids and the keys that a form carries.
#[track_caller]
fn assert_alike(told: &Answer, expected: &Answer, name: &str) {
    assert_eq!(told.status, expected.status, "{name}: {}", told.text());
    for header in ["location", "content-type", "etag", "set-cookie"] {
        assert_eq!(without_ids(told.header(header)), without_ids(expected.header(header)), "{name}");
    }
    let (told, expected) = (without_ids(&told.text()), without_ids(&expected.text()));
    let differing = told.lines().zip(expected.lines()).find(|(told, expected)| told != expected);
    assert_eq!(differing, None, "{name}");
    assert_eq!(told.len(), expected.len(), "{name}");
}

fn without_ids(text: &str) -> String {
    // As in an address.
    let text = text.replace("%2D", "-");
    let mut rest = text.as_str();
    let mut out = String::with_capacity(text.len());
    while let Some(letter) = rest.chars().next() {
        let is_id = rest.get(..36).is_some_and(|head| Uuid::parse_str(head).is_ok());
        let length = if is_id { 36 } else { letter.len_utf8() };
        out.push_str(if is_id { "(id)" } else { &rest[..length] });
        rest = &rest[length..];
    }
    out
}

#[tokio::test]
async fn a_page_asked_for_with_another_companys_id_is_one_that_does_not_exist() {
    let neighbours = Neighbours::new().await;
    let asks = asks_of_pages();
    assert!(asks.len() > 70, "the forms were not found: {}", asks.len());
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Owner) {
        let session = neighbours.app.session_of(role).await;
        neighbours.hold_apart(By::Session(&session), &asks).await;
    }
    neighbours.hold_apart(By::Session(&neighbours.app.session), &asks).await;
}

#[tokio::test]
async fn a_call_with_another_companys_id_finds_nothing() {
    let neighbours = Neighbours::new().await;
    let asks = asks_of_calls();
    assert!(asks.len() > 30, "the calls were not found: {}", asks.len());
    let token = token(&neighbours.app, &neighbours.app.actor).await;
    neighbours.hold_apart(By::Token(&token), &asks).await;
}

/// Whoever takes somebody out may revoke the company's tokens at once. The person is gone then: it is asked once.
#[tokio::test]
async fn a_token_of_another_company_lives_on_where_one_takes_somebody_out_and_names_it() {
    let neighbours = Neighbours::new().await;
    let (user, stranger) = (neighbours.ours.of(Noun::User), neighbours.theirs.of(Noun::Token).to_string());
    let before = outside::rows_of(&url(&neighbours.app), neighbours.them.company).await;
    let answer = neighbours.app.post(&format!("/mi-compania/usuarios/{user}/quitar"), &[("token", &stranger)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    assert_eq!(outside::rows_of(&url(&neighbours.app), neighbours.them.company).await, before);
}

/// Otherwise a request that nobody could send would pass as one that is refused to strangers. Nobody can connect an account
/// here, where no provider is registered.
#[tokio::test]
async fn what_a_stranger_does_not_find_is_there_for_its_own_company() {
    let neighbours = Neighbours::new().await;
    let token = token(&neighbours.app, &neighbours.them.actor).await;
    let mut asks: Vec<(By, Ask)> = Vec::new();
    asks.extend(asks_of_pages().into_iter().map(|ask| (By::Session(&neighbours.them.session), ask)));
    asks.extend(asks_of_calls().into_iter().map(|ask| (By::Token(&token), ask)));
    asks.sort_by_key(|(_, ask)| (takes_away(ask), ask.method != Method::GET));
    let mut lost = Vec::new();
    let is_tried = |ask: &Ask| {
        let is_deleted_by_its_page = ask.method == Method::DELETE && ask.path.ends_with("{MailAccount}");
        !ask.foreign().is_empty() && !ask.path.ends_with("/conectar") && !is_deleted_by_its_page
    };
    for (by, ask) in asks.iter().filter(|(_, ask)| is_tried(ask)) {
        let answer = neighbours.send(*by, ask, &neighbours.theirs, Uuid::new_v4()).await;
        // The account is found; that it signs with no key is another matter.
        let text = answer.text().replace("dkim_key_not_found", "");
        let is_lost = answer.status == StatusCode::NOT_FOUND && text == answer.text();
        let is_refused = answer.status.is_client_error() && text.contains("_not_found");
        if is_lost || is_refused || answer.status.is_server_error() {
            let said: String = answer.text().chars().take(300).collect();
            lost.push(format!("{} {} {}: {} {said}", ask.method, ask.path, ask.body, answer.status));
        }
    }
    assert_eq!(lost, Vec::<String>::new());
}

/// What takes a record away comes last.
fn takes_away(ask: &Ask) -> usize {
    let ends = [
        "/anular",
        "/void",
        "/dkim",
        "/eliminar",
        "/retirar",
        "/usuarios/{User}/quitar",
        "/revocar",
        "/cerrar",
        "/llaves/{Passkey}/quitar",
        "/companias/{Company}/entrar",
    ];
    let is_delete = ask.method == Method::DELETE || ask.method == Method::POST && !ask.path.ends_with("/dkim");
    ends.iter().position(|end| is_delete && ask.path.ends_with(end)).map_or(0, |at| at + 1)
}

fn is_id(value: &str) -> bool {
    Uuid::parse_str(value).is_ok()
}

#[tokio::test]
async fn a_field_that_holds_an_id_is_known_here() {
    let neighbours = Neighbours::new().await;
    let mut seen = BTreeSet::new();
    for ask in asks_of_pages().iter().filter(|ask| ask.method == Method::GET) {
        let answer = neighbours.send(By::Session(&neighbours.app.session), ask, &neighbours.ours, Uuid::new_v4()).await;
        let page = Html::parse_document(&answer.text());
        let selector = |css: &str| Selector::parse(css).expect("a selector");
        for field in page.select(&selector("[name][value]")) {
            if is_id(field.value().attr("value").unwrap_or_default()) {
                seen.insert(field.value().attr("name").unwrap_or_default().to_owned());
            }
        }
        let query = |link: &str| link.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
        for link in page.select(&selector("[href]")) {
            for (name, value) in
                query(link.value().attr("href").unwrap_or_default()).split('&').filter_map(|one| one.split_once('='))
            {
                if is_id(value) {
                    seen.insert(name.to_owned());
                }
            }
        }
    }
    assert!(seen.contains("persona_id") && seen.contains("documento"), "the fields were not found: {seen:?}");
    seen.retain(|name| !ID_FIELDS.contains(&name.as_str()) && !KEYS.contains(&name.as_str()));
    assert_eq!(
        seen,
        BTreeSet::new(),
        "say in asks.rs where these are sent with another company's id, and note them in ID_FIELDS"
    );
}

#[test]
fn a_property_that_holds_an_id_is_known_here() {
    let document = serde_json::to_value(api::document()).expect("JSON");
    let mut found = BTreeSet::new();
    collect(&document, &mut found);
    assert!(found.contains("contact_id"), "the properties were not found: {found:?}");
    found.retain(|name| !ID_PROPERTIES.contains(&name.as_str()));
    // A mail's own id, and whose account it is at a provider: neither asks for a record.
    found.remove("message_id");
    assert_eq!(found, BTreeSet::new(), "say in asks.rs where these are sent with another company's id");
}

/// Names of properties and parameters that hold an id.
fn collect(part: &serde_json::Value, found: &mut BTreeSet<String>) {
    let takes_id = |name: &str, schema: &serde_json::Value| {
        schema["format"] == "uuid" || name == "id" || name == "after" || name.ends_with("_id") || name.ends_with("_ids")
    };
    match part {
        serde_json::Value::Object(fields) => {
            if let Some(properties) = fields.get("properties").and_then(|properties| properties.as_object()) {
                found.extend(properties.iter().filter(|(name, schema)| takes_id(name, schema)).map(|(name, _)| name.clone()));
            }
            if let (Some(name), Some(_)) = (fields.get("name").and_then(|name| name.as_str()), fields.get("in")) {
                found.extend(takes_id(name, &fields["schema"]).then(|| name.to_owned()));
            }
            fields.values().for_each(|field| collect(field, found));
        }
        serde_json::Value::Array(parts) => parts.iter().for_each(|part| collect(part, found)),
        _ => {}
    }
}

#[test]
fn every_form_says_which_ids_it_takes() {
    for route in web::pages().into_iter().filter(|route| route.method == Method::POST && !route.path.contains('{')) {
        assert!(asks::is_known_form(&route.path), "say in asks.rs which ids {} takes, or that it takes none", route.path);
    }
    let bodies = serde_json::to_value(api::document()).expect("JSON");
    for (path, call) in bodies["paths"].as_object().expect("paths") {
        for method in ["post", "put", "patch"].into_iter().filter(|method| call[method].is_object()) {
            let name = format!("{} {path}", method.to_uppercase());
            assert!(
                path.contains('{') || asks::is_known_call(&name),
                "say in asks.rs which ids {name} takes, or that it takes none"
            );
        }
    }
}
