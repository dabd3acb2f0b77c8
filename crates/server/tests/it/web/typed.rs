//! What people type and paste: addresses in whatever dress, slips that are asked about once, days as they are written.

use acuse_domain::id::PaymentId;
use acuse_store::{companies, contacts, documents, now, payments, routing};
use axum::http::StatusCode;
use chrono::TimeDelta;

use super::payments::scene::*;
use crate::support::{Answer, TestApp};
use crate::web::account_form::Filled;

/// What the button under the field sends: «Corregir» or «Así es».
fn answer_of(page: &Answer, field: &str, answer: &str) -> String {
    let button = format!(r#"button[name=accion][value^="{answer} {field}"]"#);
    page.attribute(&button, "value").unwrap_or_else(|| panic!("no {button}: {}", page.text()))
}

async fn recipients(scene: &Scene, id: PaymentId) -> Vec<String> {
    let mut all: Vec<String> = scene.deliveries(id).await.into_iter().map(|delivery| delivery.recipient).collect();
    all.sort();
    all
}

#[tokio::test]
async fn a_slip_in_para_is_asked_before_anything_is_recorded_and_once() {
    let scene = Scene::set().await;
    let form = replaced(&scene.cobro("1020", ["640", "380"]).await, "para", "Pagos <pagos@gmial.com>, ana@hotmail.con");
    let asked = scene.save("/cobros/nuevo", &form).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(asked.one(".ac-errors h2"), "No se guardó: hay 1 dato por confirmar");
    assert!(asked.one("#para-error").contains("Escribió pagos@gmial.com. ¿Quiso decir pagos@gmail.com?"));
    assert_eq!(scene.count(acuse_domain::payment::Direction::Received).await, 0);
    // «Así es» for the first, then «Corregir» for the second.
    let second = scene.press("/cobros/nuevo", &form, &answer_of(&asked, "para", "asi-es")).await;
    assert!(second.one("#para-error").contains("¿Quiso decir ana@hotmail.com?"), "{}", second.one("#para-error"));
    let confirmed = second.attribute("input[name=asi_es]", "value").unwrap();
    let mut form = form;
    form.push(field("asi_es", &confirmed));
    let id = id_of(&scene.press("/cobros/nuevo", &form, &answer_of(&second, "para", "corregir")).await);
    assert_eq!(recipients(&scene, id).await, ["ana@hotmail.com", "pagos@gmial.com"]);
}

#[tokio::test]
async fn corregir_changes_no_address_that_was_not_asked_about() {
    let scene = Scene::set().await;
    let form = replaced(&scene.cobro("1020", ["640", "380"]).await, "para", "pagos@gmial.com, ana@hotmail.con");
    let asked = scene.save("/cobros/nuevo", &form).await;
    let next = scene.press("/cobros/nuevo", &form, &answer_of(&asked, "para", "corregir")).await;
    assert_eq!(next.status, StatusCode::UNPROCESSABLE_ENTITY, "the other one is asked about next");
    assert_eq!(next.one("textarea#para"), "pagos@gmail.com; ana@hotmail.con");
    assert!(next.one("#para-error").contains("Escribió ana@hotmail.con. ¿Quiso decir ana@hotmail.com?"));
    assert_eq!(scene.count(acuse_domain::payment::Direction::Received).await, 0);
}

#[tokio::test]
async fn a_slip_in_para_is_asked_about_when_the_field_is_left() {
    let scene = Scene::set().await;
    let form = replaced(&scene.cobro("1020", ["640", "380"]).await, "para", "pagos@gmial.com");
    let shown = scene.press("/cobros/nuevo", &form, "destinatarios").await;
    assert!(shown.one("#para-v").contains("¿Quiso decir pagos@gmail.com?"), "{}", shown.one("#para-v"));
    let button = shown.attribute("#para-v button", "value").unwrap();
    let cured = scene.press("/cobros/nuevo", &[form, vec![field("editar_para", "si")]].concat(), &button).await;
    assert_eq!((cured.status, cured.one("textarea#para").as_str()), (StatusCode::OK, "pagos@gmail.com"));
    assert_eq!(scene.count(acuse_domain::payment::Direction::Received).await, 0, "nobody pressed Guardar");
}

#[tokio::test]
async fn the_address_of_a_card_is_not_asked_again() {
    let scene = Scene::set().await;
    let odd = person(&scene.app, &scene.app.actor, "Odd S.A.", "1790016919001", true, "pagos@gmial.com").await;
    let mut form = scene.cobro("10", ["", ""]).await;
    form = replaced(&replaced(&form, "persona_id", &odd.to_string()), "persona", "ODD  s.a.");
    form = replaced(&form, "para", "PAGOS@gmial.com");
    let form: Vec<_> = form.into_iter().filter(|(name, _)| name != "documento" && name != "abono").collect();
    let id = id_of(&scene.save("/cobros/nuevo", &form).await);
    assert_eq!(recipients(&scene, id).await, ["PAGOS@gmial.com"]);
}

#[tokio::test]
async fn a_slip_is_asked_where_a_receipt_is_sent_again_or_an_address_corrected() {
    let scene = Scene::set().await;
    let id = scene.recorded().await;
    let before = scene.deliveries(id).await.len();
    let resend = format!("/cobros/{id}/reenviar");
    let asked = scene.app.post(&resend, &[("otra", "ana@outlok.com"), ("clave", "k")]).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(asked.one("#otra-error").contains("¿Quiso decir ana@outlook.com?"));
    assert_eq!(scene.deliveries(id).await.len(), before);
    let sent = [("otra", "ana@outlok.com"), ("clave", "k"), ("accion", "corregir otra ")];
    assert_eq!(scene.app.post(&resend, &sent).await.status, StatusCode::SEE_OTHER);
    assert!(recipients(&scene, id).await.contains(&"ana@outlook.com".to_owned()));

    let delivery = scene.deliveries(id).await[0].id;
    let correct = format!("/cobros/{id}/envios/{delivery}/corregir");
    let asked = scene.app.post(&correct, &[("correo", "gerencia@andina.con.ec")]).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    let answer = format!("asi-es correo-{delivery} ");
    let sent = scene.app.post(&correct, &[("correo", "gerencia@andina.con.ec"), ("accion", &answer)]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    assert!(recipients(&scene, id).await.contains(&"gerencia@andina.con.ec".to_owned()));
}

#[tokio::test]
async fn a_slip_is_asked_for_the_company_its_accounts_and_whoever_is_told() {
    let app = TestApp::start().await;
    let here = "/mi-compania/datos";
    let asked = app.post(here, &[("razon", "Cotopaxi"), ("correo", "a@gmial.com")]).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(asked.one("#correo-error").contains("¿Quiso decir a@gmail.com?"));
    let form = [("razon", "Cotopaxi"), ("correo", "a@gmial.com"), ("accion", &answer_of(&asked, "correo", "asi-es"))];
    assert_eq!(app.post(here, &form).await.status, StatusCode::SEE_OTHER);
    let profile = companies::find(&app.app.db, app.company).await.unwrap().unwrap().profile;
    assert_eq!(profile.email.unwrap().as_str(), "a@gmial.com");
    // It stands on record now.
    assert_eq!(app.post(here, &[("razon", "Cotopaxi"), ("correo", "A@gmial.com")]).await.status, StatusCode::SEE_OTHER);

    let account = || Filled::account("127.0.0.1:9".parse().unwrap()).with("modulo", "cobros");
    for field in ["remitente", "responder", "oculta", "hacia"] {
        let asked = account().with(field, "c@hotmial.com").press(&app, "/mi-compania/correos", "guardar").await;
        assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert!(asked.one(&format!("#{field}-error")).contains("¿Quiso decir c@hotmail.com?"), "{field}");
    }
    let form = account().with("responder", "c@hotmial.com");
    let saved = form.press(&app, "/mi-compania/correos", "corregir responder guardar").await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
    let accounts = acuse_store::mail_accounts::list(&app.app.db, app.company).await.unwrap();
    assert_eq!(accounts[0].settings.reply_to, Some("c@hotmail.com".parse().unwrap()));

    let policy = "/mi-compania/correos/si-falla";
    let asked = app.post(policy, &[("fallo", "esperar"), ("avisar", "b@yaho.com")]).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    let form = [("fallo", "esperar"), ("avisar", "b@yaho.com"), ("accion", &answer_of(&asked, "avisar", "corregir"))];
    assert_eq!(app.post(policy, &form).await.status, StatusCode::SEE_OTHER);
    let kept = routing::versioned_policy(&app.app.db, app.company).await.unwrap().value;
    assert_eq!(kept.notify, ["b@yahoo.com".parse().unwrap()]);
}

#[tokio::test]
async fn a_list_is_taken_as_it_was_copied_elsewhere() {
    let scene = Scene::set().await;
    let pasted = "\"Smith, Alice\" <alice@a.com>; Pérez, Juan <juan@x.ec>\r\nmailto:ana@x.ec?subject=hola\t<ANA@x.ec>;\u{feff}";
    let form = replaced(&scene.cobro("1020", ["640", "380"]).await, "para", pasted);
    let id = id_of(&scene.save("/cobros/nuevo", &form).await);
    assert_eq!(recipients(&scene, id).await, ["alice@a.com", "ana@x.ec", "juan@x.ec"]);
}

#[tokio::test]
async fn a_day_is_taken_as_it_is_written_and_one_before_its_document_is_asked_about() {
    let scene = Scene::set().await;
    let today = acuse_domain::day_in_ecuador(now());
    let form = scene.cobro("20", ["20", ""]).await;
    // Of different amounts, or each would be the twin of the one before.
    for (amount, typed) in [
        ("11", "hoy".to_owned()),
        ("12", today.format("%d%m%Y").to_string()),
        ("13", today.format("%d-%m-%y").to_string()),
        ("14", today.format("%d/%m").to_string()),
    ] {
        let once = scene.cobro(amount, [amount, ""]).await;
        let once = replaced(&replaced(&replaced(&once, "fecha", &typed), "clave", &typed), "numero", amount);
        let id = id_of(&scene.save("/cobros/nuevo", &once).await);
        let recorded = payments::find(&scene.app.app.db, scene.company(), id).await.unwrap().unwrap();
        assert_eq!(recorded.summary.date, today, "{typed}");
    }
    let document = documents::find(&scene.app.app.db, scene.company(), scene.invoices[0]).await.unwrap().unwrap();
    let before = (document.facts.issue_date - TimeDelta::days(1)).format("%d/%m/%Y").to_string();
    let older = replaced(&replaced(&form, "fecha", &before), "clave", "older");
    let asked = scene.save("/cobros/nuevo", &older).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(asked.one("#fecha-error").contains("es anterior al documento 001-001-000004388"), "{}", asked.one("#fecha-error"));
    let id = id_of(&scene.press("/cobros/nuevo", &older, &answer_of(&asked, "fecha", "asi-es")).await);
    let recorded = payments::find(&scene.app.app.db, scene.company(), id).await.unwrap().unwrap();
    assert_eq!(recorded.summary.date, document.facts.issue_date - TimeDelta::days(1));
}

#[tokio::test]
async fn what_is_not_seen_is_no_part_of_what_is_kept_or_searched() {
    let test = TestApp::start().await;
    let form = [
        ("tipo", "ruc"),
        ("numero", "\u{feff}1791824407001\t"),
        ("nombre", "\tComercial\u{a0}Andi\u{ad}na\u{200b} E\u{301}xito\r\n"),
        ("cliente", "1"),
        ("correos", "\u{200b}pagos\u{2060}@andina.ec\u{a0}"),
        ("accion", "guardar"),
    ];
    let saved = test.post("/personas/nueva", &form).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
    let (everybody, first) = (contacts::Filter::default(), acuse_store::Page { after: None, limit: 9 });
    let all = contacts::list(&test.app.db, test.company, &everybody, contacts::BY_NAME, first);
    let card = all.await.unwrap().remove(0).details;
    assert_eq!((card.name.as_str(), card.identification.number()), ("Comercial Andina Éxito", "1791824407001"));
    assert_eq!(card.emails[0].as_str(), "pagos@andina.ec");
    for searched in ["E%CC%81XITO", "exito", "andi%E2%80%8Bna%C2%A0exito", "%EF%BB%BFcomercial%09ANDINA"] {
        assert_eq!(test.get(&format!("/personas?q={searched}")).await.all("tbody th"), ["Comercial Andina Éxito"], "{searched}");
    }
}
