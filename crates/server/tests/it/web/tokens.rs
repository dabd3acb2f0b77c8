//! Mi compañía › Accesos › Integraciones: a token is made, shown once, seen and taken back.

use acuse_domain::api_token::NewToken;
use acuse_domain::day_in_ecuador;
use acuse_store::tokens::{self, Issued, TokenInfo};
use acuse_store::{events, now};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use secrecy::ExposeSecret;

use crate::support::{Answer, TestApp};

const NEW: &str = "/mi-compania/integraciones/nuevo";

/// The form of a new token, as a browser sends it with this typed.
async fn form(test: &TestApp, typed: &[(&str, &str)]) -> Vec<(String, String)> {
    test.get(NEW).await.filled("form.ac-narrow", typed)
}

async fn send(test: &TestApp, fields: &[(String, String)]) -> Answer {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    test.post(NEW, &fields).await
}

async fn listed(test: &TestApp) -> Vec<TokenInfo> {
    tokens::list(&test.app.db, test.company).await.unwrap()
}

async fn api(test: &TestApp, token: &str) -> StatusCode {
    let request = Request::get("/api/v1/company").header("authorization", format!("Bearer {token}"));
    test.ask(request.body(Body::empty()).unwrap()).await.status
}

#[tokio::test]
async fn a_token_is_made_in_the_browser_shown_once_and_opens() {
    let test = TestApp::start().await;
    let fields = form(&test, &[("nombre", "ERP de bodega"), ("vence", "90d"), ("desde", "")]).await;
    let made = send(&test, &fields).await;
    assert_eq!((made.status, made.one("h1")), (StatusCode::OK, "ERP de bodega".to_owned()));
    assert_eq!(made.header("cache-control"), "no-store");
    let token = made.one("#token");
    assert_eq!(api(&test, &token).await, StatusCode::OK);
    let facts = made.all(".ac-facts dd");
    let end = (day_in_ecuador(now()) + TimeDelta::days(90)).format("%d/%m/%Y").to_string();
    assert_eq!(facts[0], "leer, registrar, enviar");
    assert!(facts[1].starts_with(&end), "{facts:?}");
    // Reloaded, it is not made again and not shown again.
    let again = send(&test, &fields).await;
    assert_eq!((again.status, again.location()), (StatusCode::SEE_OTHER, "/mi-compania/integraciones?hecho=antes"));
    let list = test.get(again.location()).await;
    assert_eq!(list.one(".ac-note h2"), "Ese token ya se creó");
    assert_eq!(listed(&test).await.len(), 1);
    assert!(!list.text().contains(&token), "the list never shows it");
    let hint = format!("{}…{}", &token[..8], &token[token.len() - 3..]);
    assert_eq!(list.one("tbody th"), format!("ERP de bodega{hint}"));
    assert!(list.all("tbody td").contains(&end) && list.all("tbody td").contains(&"Ana Toapanta".to_owned()));
}

#[tokio::test]
async fn what_is_wrong_with_a_token_is_said_at_its_field_and_what_was_typed_stays() {
    let test = TestApp::start().await;
    let typed = [("nombre", " "), ("vence", "fecha"), ("hasta", "24/11/2020"), ("desde", "190.152.4.0/24, casa")];
    let mut fields = form(&test, &typed).await;
    fields.retain(|(name, _)| name != "puede");
    let refused = send(&test, &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.one(".ac-errors h2"), "No se guardó: hay 4 datos por corregir");
    assert_eq!(refused.attributes(".ac-errors a", "href"), ["#nombre", "#puede", "#hasta", "#desde"]);
    assert!(refused.text().contains("«casa» no es una dirección ni una red"));
    assert_eq!(refused.attribute("#desde", "value").as_deref(), Some("190.152.4.0/24, casa"));
    assert_eq!(refused.attribute("#vence option[selected]", "value").as_deref(), Some("fecha"));
    for (name, value) in [("hasta", ""), ("hasta", "31/12/2999"), ("puede", "reinar"), ("desde", "10.0.0.0/99")] {
        let mut typed = vec![("nombre", "ERP"), ("vence", if name == "hasta" { "fecha" } else { "1y" })];
        typed.push((name, value));
        let refused = send(&test, &form(&test, &typed).await).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}={value}");
    }
    assert!(listed(&test).await.is_empty());
}

#[tokio::test]
async fn a_token_is_revoked_at_once_with_its_reason_in_the_history() {
    let test = TestApp::start().await;
    let token = send(&test, &form(&test, &[("nombre", "Tienda"), ("desde", "")]).await).await.one("#token");
    let id = listed(&test).await[0].id;
    let list = test.get("/mi-compania/integraciones").await;
    let dialog = list.attribute("a[data-dialog]", "href").unwrap();
    let asked = test.get(&dialog).await;
    assert_eq!(asked.one("#dlg-t"), "Revocar «Tienda»");
    let fields = asked.filled("dialog form", &[("motivo", "Se cambió el equipo")]);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let done = test.post(&dialog, &fields).await;
    assert_eq!(done.location(), "/mi-compania/integraciones?hecho=revocado");
    assert_eq!(api(&test, &token).await, StatusCode::UNAUTHORIZED);
    let list = test.get(done.location()).await;
    assert!(list.one("tr.ac-undone").contains("Revocado el"), "{}", list.one("tr.ac-undone"));
    assert!(list.all("a[data-dialog]").is_empty(), "nothing is left to revoke");
    let event = events::list(&test.app.db, test.company, id.0).await.unwrap().remove(0);
    assert_eq!((event.who.as_str(), event.detail.as_str()), ("Ana Toapanta", "Se cambió el equipo"));
    assert_eq!(test.get(&dialog).await.status, StatusCode::SEE_OTHER, "there is nothing to ask");
    let long = "x".repeat(301);
    let other = tokens::create(&test.app.db, test.company, "otro", now()).await.unwrap().0;
    let refused = test.post(&format!("/mi-compania/integraciones/{other}/revocar"), &[("motivo", &long)]).await;
    assert_eq!((refused.status, refused.one("#dlg-t")), (StatusCode::UNPROCESSABLE_ENTITY, "Revocar «otro»".to_owned()));
}

#[tokio::test]
async fn another_companys_tokens_are_not_there() {
    let test = TestApp::start().await;
    let stranger = test.stranger().await;
    let (id, token) = tokens::create(&test.app.db, stranger.company, "ajeno", now()).await.unwrap();
    let revoke = format!("/mi-compania/integraciones/{id}/revocar");
    assert_eq!(test.get(&revoke).await.status, StatusCode::NOT_FOUND);
    assert_eq!(test.post(&revoke, &[("motivo", "")]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(test.get(&format!("{NEW}?como={id}")).await.status, StatusCode::NOT_FOUND);
    assert!(!test.get("/mi-compania/integraciones").await.text().contains("ajeno"));
    assert_eq!(api(&test, token.expose_secret()).await, StatusCode::OK, "it still opens");
}

#[tokio::test]
async fn a_token_that_ends_soon_is_renewed_by_one_like_it() {
    let test = TestApp::start().await;
    let today = day_in_ecuador(now());
    for (name, days) in [("pronto", 6), ("luego", 15)] {
        let new = NewToken { expires_on: Some(today + TimeDelta::days(days)), ..NewToken::for_everything(name) };
        let issued = tokens::issue(&test.app.db, &test.actor, &new, None, now()).await.unwrap();
        assert!(matches!(issued, Issued::Now { .. }));
    }
    let list = test.get("/mi-compania/integraciones").await;
    assert_eq!(list.all("tr[data-warn] .ac-state"), ["en 6 días"]);
    let renew = list.attribute("a[href*='como=']", "href").unwrap();
    let form = test.get(&renew).await;
    assert_eq!(form.attribute("#nombre", "value").as_deref(), Some("pronto"));
    assert_eq!(form.all("input[name=puede][checked]").len(), 4);
}
