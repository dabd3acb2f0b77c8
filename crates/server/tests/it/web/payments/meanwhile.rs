//! A form in one tab while its documents and anticipos are settled, voided or used in another: nothing that was ticked goes in
//! silence, nothing typed is lost, and no cobro becomes an anticipo unasked.

use acuse_domain::payment::Direction;
use acuse_store::conditions::Conditions;
use acuse_store::payments::{self, VoidNotice};
use acuse_testkit::builders::received;
use axum::http::StatusCode;

use super::scene::*;
use crate::support::Answer;

const ENTRY: &str = "form.ac-entry";

/// The tab that comes too late: 640 go to the first invoice, which was collected after its page was drawn.
async fn late() -> (Scene, Answer, Vec<(String, String)>) {
    let scene = Scene::set().await;
    let mut form = scene.cobro("640,00", ["640", ""]).await;
    form.extend([field("propuesto", "640,00"), field("doc", &scene.invoices[0].to_string())]);
    let first = scene.cobro("650", ["640", ""]).await;
    id_of(&scene.save("/cobros/nuevo", &replaced(&first, "numero", "1")).await);
    let answer = scene.save("/cobros/nuevo", &form).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    (scene, answer, form)
}

fn shows_what_was_ticked(scene: &Scene, page: &Answer) {
    let id = scene.invoices[0];
    assert!(page.attribute(&format!("input[name=doc][value='{id}'][checked]"), "value").is_some(), "{}", page.text());
    assert_eq!(page.attribute("#abono-2", "value").as_deref(), Some("640"));
    assert_eq!(page.attribute("#valor-1", "value").as_deref(), Some("640,00"), "the value stays");
    assert!(page.one("#cerrados").contains("001-001-000004388 ya se cobró en RC-000001 a las"), "{}", page.one("#cerrados"));
}

#[tokio::test]
async fn a_document_that_was_collected_meanwhile_stays_and_says_in_which_cobro() {
    let (scene, answer, form) = late().await;
    shows_what_was_ticked(&scene, &answer);
    assert_eq!(answer.one("[data-sum=aplicado]"), "640,00", "the sums are of what is shown");
    let said = answer.one(".ac-errors li");
    assert!(said.starts_with("001-001-000004388 ya se cobró en RC-000001 a las "), "{said}");
    assert!(said.ends_with(": quite la marca o déjelo como anticipo."), "{said}");
    let leads_to = answer.attribute(".ac-errors li a", "href").unwrap();
    assert_eq!(answer.all(&leads_to).len(), 1, "the link leads to its field");
    // Another button draws the form again, and another Guardar refuses again: nothing goes in silence.
    for action in ["forma", "antiguo", "guardar"] {
        let page = scene.press("/cobros/nuevo", &form, action).await;
        shows_what_was_ticked(&scene, &page);
    }
    let again = answer.filled(ENTRY, &[("accion", "guardar")]);
    let again: Vec<(&str, &str)> = again.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    shows_what_was_ticked(&scene, &scene.app.post("/cobros/nuevo", &again).await);
    assert_eq!(scene.count(Direction::Received).await, 1);
}

#[tokio::test]
async fn what_is_left_as_anticipo_keeps_its_value_and_was_asked_for() {
    let (scene, answer, _) = late().await;
    let left = answer.filled(ENTRY, &[("accion", "dejar")]);
    let left: Vec<(&str, &str)> = left.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let page = scene.app.post("/cobros/nuevo", &left).await;
    assert_eq!(page.attribute("#valor-1", "value").as_deref(), Some("640,00"));
    assert!(page.all("#cerrados").is_empty());
    let saved = page.filled(ENTRY, &[("accion", "guardar")]);
    let saved: Vec<(&str, &str)> = saved.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let id = id_of(&scene.app.post("/cobros/nuevo", &saved).await);
    let recorded = payments::find(&scene.app.app.db, scene.company(), id).await.unwrap().unwrap();
    assert_eq!(recorded.summary.unapplied.to_string(), "640,00");
}

#[tokio::test]
async fn a_cobro_whose_documents_were_all_unticked_asks_before_it_is_an_anticipo() {
    let scene = Scene::set().await;
    let mut form = scene.cobro("10", ["", ""]).await;
    form.push(field("hubo_documentos", "si"));
    let asked = scene.save("/cobros/nuevo", &form).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(asked.text().contains("ya no abona a ninguno; 10,00 quedarían como anticipo."), "{}", asked.text());
    form.push(field("respondida", &asked.attribute("#asi-es-1", "value").unwrap()));
    let changed = scene.save("/cobros/nuevo", &replaced(&form, "valor", "11")).await;
    assert_eq!(changed.status, StatusCode::UNPROCESSABLE_ENTITY, "the answer is to this figure");
    id_of(&scene.save("/cobros/nuevo", &form).await);
}

#[tokio::test]
async fn an_anticipo_that_was_used_or_voided_meanwhile_says_so_on_its_row() {
    for (act, words) in [("usar", "RC-000001 ya se usó entero"), ("anular", "RC-000001 se anuló")] {
        let scene = Scene::set().await;
        let (db, by) = (&scene.app.app.db, &scene.app.actor);
        let advance = received(scene.customer, "50.00").record(db, by).await.unwrap();
        let page = scene.app.get(&format!("/cobros/nuevo?persona={}", scene.customer)).await;
        let mut form = page.filled(ENTRY, &[]);
        let abono = form.iter().position(|(name, _)| name == "abono").unwrap();
        form[abono].1 = "50".to_owned();
        let form = scene.press("/cobros/nuevo", &form, "anticipo").await.filled(ENTRY, &[]);
        if act == "usar" {
            id_of(&scene.save("/cobros/nuevo", &form).await);
        } else {
            payments::void(db, by, advance, "Doble", VoidNotice::TellNobody, &Conditions::default(), acuse_store::now())
                .await
                .unwrap();
        }
        let late = scene.save("/cobros/nuevo", &replaced(&form, "clave", "tarde")).await;
        assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            late.one(".ac-errors").contains(&format!("El anticipo {words}: quite la forma 1.")),
            "{}",
            late.one(".ac-errors")
        );
        assert!(late.all("td").iter().any(|cell| cell.contains(words)), "{act}");
    }
}

#[tokio::test]
async fn a_pago_says_the_same_of_a_bill_that_was_paid_meanwhile() {
    let scene = Scene::set().await;
    let page = scene.app.get(&format!("/pagos/nuevo?persona={}", scene.supplier)).await;
    let mut form = page.filled(ENTRY, &[]);
    form = replaced(&replaced(&form, "valor", "1150"), "numero", "77");
    let bill = scene.bills[0].to_string();
    let at = form.iter().position(|(name, value)| name == "documento" && *value == bill).unwrap();
    let abono = at + form[at..].iter().position(|(name, _)| name == "abono").unwrap();
    form[abono].1 = "1150".to_owned();
    form.push(field("doc", &bill));
    id_of(&scene.save("/pagos/nuevo", &form).await);
    let late = scene.save("/pagos/nuevo", &replaced(&replaced(&form, "clave", "tarde"), "numero", "78")).await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(late.one(".ac-errors").contains("002-001-000018734 ya se pagó en RP-000001 a las"), "{}", late.one(".ac-errors"));
    assert_eq!(late.attribute("#abono-2", "value").as_deref(), Some("1150"));
}
