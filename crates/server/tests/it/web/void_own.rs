//! An assistant voids what they recorded, the same day; a clerk records and sends nothing.

use acuse_domain::access::{Role, Scope, Scopes};
use acuse_testkit::outside;
use axum::http::StatusCode;

use super::payments::scene::{Scene, id_of};
use crate::support::Answer;

async fn send_as(scene: &Scene, session: &str, path: &str, form: &[(String, String)], also: &[(&str, &str)]) -> Answer {
    let mut form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    form.retain(|(name, _)| also.iter().all(|(own, _)| own != name));
    form.extend(also.iter().filter(|(_, value)| !value.is_empty()));
    scene.app.post_as(session, path, &form).await
}

#[tokio::test]
async fn an_assistant_voids_their_own_of_today_and_nobody_elses() {
    let scene = Scene::set().await;
    let session = scene.app.session_of(Role::Assistant).await;
    let others = scene.cobro("380", ["", "380"]).await;
    let others = id_of(&scene.save("/cobros/nuevo", &others).await);
    let form = scene.cobro("640", ["640", ""]).await;
    let another = [("accion", "guardar"), ("numero", "88124599")];
    let own = id_of(&send_as(&scene, &session, "/cobros/nuevo", &form, &another).await);
    let void = |id| format!("/cobros/{id}/anular");
    let offers = async |id| !scene.app.get_as(&session, &format!("/cobros/{id}")).await.all("a.btn-danger").is_empty();
    assert!(!offers(others).await && offers(own).await, "the button is there where it works");
    assert_eq!(scene.app.get_as(&session, &void(others)).await.status, StatusCode::FORBIDDEN);
    let refused = scene.app.post_as(&session, &void(others), &[("motivo", "error")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("Su rol anula lo que usted registró, el mismo día."));
    let url = format!("sqlite://{}", scene.app.folder().join("acuse.db").display());
    let yesterday = (acuse_store::now() - chrono::TimeDelta::hours(24)).into();
    let sql = "UPDATE payment SET recorded_at = $1 WHERE id = $2";
    outside::run(&url, sql, vec![yesterday, own.0.into()]).await;
    assert!(!offers(own).await);
    let refused = scene.app.post_as(&session, &void(own), &[("motivo", "error")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "of yesterday");
    outside::run(&url, sql, vec![acuse_store::now().into(), own.0.into()]).await;
    assert_eq!(scene.app.post_as(&session, &void(own), &[("motivo", "error")]).await.status, StatusCode::SEE_OTHER);
    let clerk = scene.app.session_of(Role::Clerk).await;
    assert_eq!(scene.app.post_as(&clerk, &void(others), &[("motivo", "error")]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(scene.app.post(&void(others), &[("motivo", "error")]).await.status, StatusCode::SEE_OTHER, "an owner voids all");
}

#[tokio::test]
async fn a_clerk_records_without_sending() {
    let scene = Scene::set().await;
    let session = scene.app.session_of(Role::Clerk).await;
    let page = scene.app.get_as(&session, &format!("/cobros/nuevo?persona={}", scene.customer)).await;
    assert!(page.all("input[name=notificar]").is_empty() && page.text().contains("su rol registra y no envía"));
    let form = scene.cobro("640", ["640", ""]).await;
    let refused = send_as(&scene, &session, "/cobros/nuevo", &form, &[("accion", "guardar")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "a form of before, that sends");
    assert!(refused.one(".ac-errors li").starts_with("Su rol registra y ya no envía."));
    let without = [("accion", "guardar"), ("notificar", ""), ("para", "")];
    let recorded = send_as(&scene, &session, "/cobros/nuevo", &form, &without).await;
    assert!(scene.deliveries(id_of(&recorded)).await.is_empty());
}

#[tokio::test]
async fn a_token_that_may_not_send_records_and_tells_nobody() {
    let scene = Scene::set().await;
    let app = &scene.app;
    let url = format!("sqlite://{}", app.folder().join("acuse.db").display());
    let (_, token) = acuse_store::tokens::create(&app.app.db, app.company, "Caja", acuse_store::now()).await.unwrap();
    let scopes = Scopes::new([Scope::Read, Scope::Record]).to_string();
    outside::run(&url, "UPDATE api_token SET scopes = $1", vec![scopes.into()]).await;
    let ask = async |notify: bool| {
        let today = acuse_domain::day_in_ecuador(acuse_store::now()).to_string();
        let body = serde_json::json!({
            "direction": "received", "contact_id": scene.customer.to_string(), "date": today, "notify": notify,
            "lines": [{ "method": "cash", "amount": "10.00" }],
        });
        let request = axum::http::Request::post("/api/v1/payments")
            .header("authorization", format!("Bearer {}", secrecy::ExposeSecret::expose_secret(&token)))
            .header("content-type", "application/json")
            .body(axum::body::Body::from(body.to_string()))
            .unwrap();
        app.ask(request).await
    };
    let refused = ask(true).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text());
    assert!(refused.text().contains("scope_missing") && refused.text().contains("send"));
    assert_eq!(ask(false).await.status, StatusCode::CREATED);
}
