//! Money as it is typed, without script: what is doubtful is asked about, and nothing typed is changed or lost.

use acuse_domain::payment::Direction;
use acuse_store::{contacts, payments};
use axum::http::StatusCode;

use super::payments::scene::*;
use crate::support::Answer;

fn without_lines(form: Vec<(String, String)>) -> Vec<(String, String)> {
    let of_lines = ["forma", "cuenta", "numero", "fecha_forma", "valor", "anticipo"];
    form.into_iter().filter(|(name, _)| !of_lines.contains(&name.as_str())).collect()
}

async fn withheld(scene: &Scene, base: &str, amount: &str, share: &str) -> Vec<(String, String)> {
    let mut form = without_lines(scene.cobro("", [share, ""]).await);
    form.extend(line("withholding", "IR 2 % · bienes", "001-001-000000900", base, amount));
    form
}

/// Ticks every «Así es» of the page that came back.
fn answered(form: &[(String, String)], page: &Answer) -> Vec<(String, String)> {
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let typed: Vec<(&str, String)> = (1..=page.all("input[type=checkbox][name=respondida]").len())
        .map(|place| ("respondida", page.attribute(&format!("#asi-es-{place}"), "value").unwrap()))
        .collect();
    assert!(!typed.is_empty(), "{}", page.text());
    let mut form = form.to_vec();
    form.extend(typed.into_iter().map(|(name, key)| field(name, &key)));
    form
}

#[tokio::test]
async fn a_withholding_that_does_not_add_up_is_saved_when_it_is_answered() {
    let scene = Scene::set().await;
    let form = withheld(&scene, "100", "99", "99").await;
    let asked = scene.save("/cobros/nuevo", &form).await;
    assert!(asked.text().contains("IR 2 % de 100,00 son 2,00, y la forma 1 dice 99,00."), "{}", asked.text());
    assert_eq!(asked.attribute("#valor-1", "value").as_deref(), Some("99"), "nothing typed is changed");
    assert_eq!(scene.count(Direction::Received).await, 0);
    let answered = answered(&form, &asked);
    // The answer is to these figures.
    let changed = scene.save("/cobros/nuevo", &replaced(&answered, "valor", "98")).await;
    assert_eq!(changed.status, StatusCode::UNPROCESSABLE_ENTITY);
    let id = id_of(&scene.save("/cobros/nuevo", &answered).await);
    let page = scene.app.get(&format!("/cobros/{id}")).await;
    assert!(page.text().contains("de una base de 100,00"), "the base is kept");
}

#[tokio::test]
async fn a_withholding_above_its_base_is_refused() {
    let scene = Scene::set().await;
    let refused = scene.save("/cobros/nuevo", &withheld(&scene, "100", "303", "303").await).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.one(".ac-errors").contains("La retención de 303,00 es mayor que su base, 100,00."));
    assert_eq!(refused.attribute("#valor-1", "aria-invalid").as_deref(), Some("true"));
}

#[tokio::test]
async fn a_withholding_alone_is_no_anticipo_in_silence_and_reads_as_no_money() {
    let scene = Scene::set().await;
    let form = withheld(&scene, "100", "2", "").await;
    let asked = scene.save("/cobros/nuevo", &form).await;
    assert!(asked.text().contains("2,00 de la retención no se aplican a ningún documento; quedarían como anticipo."));
    id_of(&scene.save("/cobros/nuevo", &answered(&form, &asked)).await);
    let form = withheld(&scene, "640", "12,80", "12,80").await;
    let id = id_of(&scene.save("/cobros/nuevo", &replaced(&form, "numero", "001-001-000000901")).await);
    let page = scene.app.get(&format!("/cobros/{id}")).await.text();
    assert!(page.contains("Valor compensado, sin movimiento de dinero"), "{page}");
    for money in ["<dt>Retenciones</dt>", "la suma de", "Recibimos de"] {
        assert!(!page.contains(money), "{money}");
    }
}

#[tokio::test]
async fn a_withholding_follows_its_base_and_no_hand() {
    let scene = Scene::set().await;
    let form = withheld(&scene, "100", "", "").await;
    let page = scene.press("/cobros/nuevo", &form, "campos").await;
    assert_eq!(page.attribute("#valor-1", "value").as_deref(), Some("2,00"));
    let mut proposed = replaced(&replaced(&form, "valor", "2,00"), "fecha_forma", "300");
    proposed.push(field("propuesto", "2,00"));
    let page = scene.press("/cobros/nuevo", &proposed, "campos").await;
    assert_eq!(page.attribute("#valor-1", "value").as_deref(), Some("6,00"), "what was proposed follows");
    let typed = replaced(&proposed, "valor", "5,99");
    let page = scene.press("/cobros/nuevo", &typed, "campos").await;
    assert_eq!(page.attribute("#valor-1", "value").as_deref(), Some("5,99"), "what was typed stays");
}

#[tokio::test]
async fn one_empty_form_takes_the_sum_of_what_is_ticked() {
    let scene = Scene::set().await;
    let mut form = scene.cobro("", ["", ""]).await;
    form.extend(scene.invoices.iter().map(|id| field("doc", &id.to_string())));
    let page = scene.press("/cobros/nuevo", &form, "campos").await;
    assert_eq!(page.attribute("#valor-1", "value").as_deref(), Some("1.020,00"));
    assert_eq!(page.one("[data-sum=anticipo]"), "0,00");
    let page = scene.press("/cobros/nuevo", &replaced(&form, "valor", "357,50"), "campos").await;
    assert_eq!(page.one("[data-sum=falta]"), "662,50");
    assert!(!page.text().contains("−662,50"), "no anticipo is negative");
    let id = id_of(&scene.save("/cobros/nuevo", &form).await);
    let recorded = payments::find(&scene.app.app.db, scene.company(), id).await.unwrap().unwrap();
    assert_eq!(recorded.summary.total.to_string(), "1.020,00");
}

#[tokio::test]
async fn an_amount_of_two_readings_is_asked_about_on_every_form() {
    let scene = Scene::set().await;
    let form = scene.cobro("1,500", ["640", ""]).await;
    let asked = scene.save("/cobros/nuevo", &form).await;
    assert!(asked.one(".ac-errors").contains("El valor de la forma 1: ¿1.500,00 o 1,50?"));
    assert_eq!(asked.all("button[name=elegido]"), ["1.500,00", "1,50"]);
    let mut chosen = form.clone();
    chosen.push(field("elegido", &asked.attribute("button[name=elegido]", "value").unwrap()));
    let page = scene.press("/cobros/nuevo", &chosen, "").await;
    assert_eq!(page.attribute("#valor-1", "value").as_deref(), Some("1.500,00"));
    for (typed, meant) in [("1,500.50", "1.500,50"), ("USD 935,00", "935,00"), ("$ 936", "936,00"), ("1.500", "1.500,00")] {
        let mut form = scene.cobro(typed, ["1", ""]).await;
        form = replaced(&replaced(&form, "numero", typed), "cuenta", "Banco");
        let id = id_of(&scene.save("/cobros/nuevo", &form).await);
        let recorded = payments::find(&scene.app.app.db, scene.company(), id).await.unwrap().unwrap();
        assert_eq!(recorded.summary.total.to_string(), meant, "{typed}");
    }
    let document = [("total", "1,500"), ("accion", "guardar"), ("emision", "24/11/2026")];
    let asked = scene.app.post("/documentos/nuevo", &document).await;
    assert!(asked.one(".ac-errors").contains("El total: ¿1.500,00 o 1,50?"));
    let page = scene.app.post("/documentos/nuevo", &[("total", "1,500"), ("elegido", "total=1,50")]).await;
    assert_eq!(page.attribute("#total", "value").as_deref(), Some("1,50"));
}

#[tokio::test]
async fn a_likely_twin_is_named_once_with_its_number() {
    let scene = Scene::set().await;
    let first = scene.recorded().await;
    let form = scene.cobro("55", ["", ""]).await;
    let asked = scene.save("/cobros/nuevo", &form).await;
    let words = asked.text();
    assert!(words.contains("esta transferencia ya está en RC-000001, de hoy"), "{words}");
    assert_eq!(asked.attribute(".ac-note-in a", "href"), Some(format!("/cobros/{first}")));
    let again = answered(&form, &asked);
    id_of(&scene.save("/cobros/nuevo", &again).await);
    assert_eq!(scene.count(Direction::Received).await, 2);
    // The same form once more is the same cobro.
    id_of(&scene.save("/cobros/nuevo", &again).await);
    assert_eq!(scene.count(Direction::Received).await, 2);
}

#[tokio::test]
async fn whoever_is_created_from_a_cobro_is_chosen_in_it_and_the_rest_is_as_typed() {
    let scene = Scene::set().await;
    let mut form = replaced(&replaced(&scene.cobro("70", ["", ""]).await, "persona_id", ""), "persona", "Nueva Cía.");
    form.push(field("persona_antes", &scene.customer.to_string()));
    let person = scene.press("/cobros/nuevo", &form, "crear").await;
    assert_eq!(person.one("h1"), "Nueva persona");
    assert_eq!(person.attribute("#nombre", "value").as_deref(), Some("Nueva Cía."));
    let card = "form.ac-entry";
    let back = person.filled(card, &[("accion", "volver")]);
    let back: Vec<(&str, &str)> = back.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let page = scene.app.post("/personas/nueva", &back).await;
    assert_eq!(page.one("h1"), "Nuevo cobro");
    assert_eq!(page.attribute("input[name=valor]", "value").as_deref(), Some("70"));
    // A refusal on the way loses nothing either.
    let wrong = person.filled(card, &[("accion", "guardar"), ("numero", "17")]);
    let wrong: Vec<(&str, &str)> = wrong.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let refused = scene.app.post("/personas/nueva", &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let right =
        refused.filled(card, &[("accion", "guardar"), ("tipo", "ruc"), ("numero", "0992339411001"), ("correos", "n@nueva.ec")]);
    let right: Vec<(&str, &str)> = right.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let page = scene.app.post("/personas/nueva", &right).await;
    assert_eq!(page.one("h1"), "Nuevo cobro", "{}", page.text());
    assert_eq!(page.attribute("#persona", "value").as_deref(), Some("Nueva Cía."));
    assert_eq!(page.attribute("#valor-1", "value").as_deref(), Some("70"));
    assert_eq!(page.attribute("#numero-1", "value").as_deref(), Some("88124507"));
    assert_eq!(page.one("#descripcion"), "Abono de noviembre");
    assert_eq!(page.attribute("#para", "value").as_deref(), Some("n@nueva.ec"), "the addresses are the new person's");
    assert_eq!(scene.count(Direction::Received).await, 0);
}

#[tokio::test]
async fn a_supplier_who_pays_becomes_a_customer_too_and_is_not_created_twice() {
    let scene = Scene::set().await;
    let found = scene.app.get(&format!("/personas/buscar?lado=cliente&q={}", &AUSTRO[..6].replace(' ', "+"))).await;
    assert_eq!(found.attribute("[data-also]", "data-also"), Some(scene.supplier.to_string()));
    let page = scene.app.post("/cobros/nuevo", &[("persona", AUSTRO), ("accion", "persona")]).await;
    assert_eq!(page.one("button[name=tambien]"), "Hacerlo también cliente");
    let supplier = scene.supplier.to_string();
    let page = scene.app.post("/cobros/nuevo", &[("persona", AUSTRO), ("tambien", &supplier)]).await;
    assert_eq!(page.attribute("#persona", "value").as_deref(), Some(AUSTRO));
    let contact = contacts::find(&scene.app.app.db, scene.company(), scene.supplier).await.unwrap().unwrap();
    assert!(contact.details.is_customer && contact.details.is_supplier);
}

#[tokio::test]
async fn another_person_chosen_over_the_first_gets_none_of_their_addresses() {
    let scene = Scene::set().await;
    let luis = person(&scene.app, &scene.app.actor, "Luis Andino", "0190402118001", true, "luis@andino.ec").await;
    let mut form = scene.cobro("70", ["", ""]).await;
    form.push(field("persona_antes", &scene.customer.to_string()));
    let form = replaced(&replaced(&form, "persona_id", &luis.to_string()), "persona", "Luis Andino");
    let page = scene.press("/cobros/nuevo", &form, "persona").await;
    assert_eq!(page.attribute("#para", "value").as_deref(), Some("luis@andino.ec"));
    assert_eq!(page.attribute("#valor-1", "value").as_deref(), Some("70"));
}
