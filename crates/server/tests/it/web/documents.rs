use acuse_domain::access::Role;
use acuse_domain::id::ContactId;
use acuse_store::{contacts, documents};
use acuse_testkit::builders::{contact, received};
use axum::http::StatusCode;

use crate::support::{Answer, TestApp, end_of_next_year};

async fn customer(test: &TestApp, name: &str) -> ContactId {
    let details = acuse_domain::contact::ContactDetails { credit_days: Some(30), ..contact(name, true, false) };
    contacts::create(&test.app.db, &test.actor, &details, None, acuse_store::now()).await.unwrap()
}

#[tokio::test]
async fn a_document_is_found_by_its_number_as_one_types_it() {
    let test = TestApp::start().await;
    let whose = customer(&test, "Andina").await;
    send(&test, whose, &[("numero", "1-1-5001")]).await;
    send(&test, whose, &[("numero", "1-1-6")]).await;
    for typed in ["1-1-5001", "001-001-000005001", "001001000005001", "5001"] {
        assert_eq!(test.get(&format!("/documentos?q={typed}")).await.all("tbody tr").len(), 1, "{typed}");
    }
}

async fn send(test: &TestApp, whose: ContactId, changes: &[(&str, &str)]) -> Answer {
    let id = whose.to_string();
    let mut form = vec![
        ("lado", "cobrar"),
        ("persona_id", id.as_str()),
        ("tipo", "invoice"),
        ("numero", "1-1-123"),
        ("emision", "02/11/2026"),
        ("total", "1.120,50"),
        ("accion", "guardar"),
    ];
    form.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    form.extend(changes);
    test.post("/documentos/nuevo", &form).await
}

#[tokio::test]
async fn a_short_number_is_completed_and_the_due_date_comes_from_the_person_s_term() {
    let test = TestApp::start().await;
    let andina = customer(&test, "Andina").await;
    let checked = send(&test, andina, &[("accion", "")]).await;
    assert_eq!(checked.one("#numero-v"), "Se guarda como 001-001-000000123; aún no existe.");
    assert_eq!(checked.attribute("#vence", "value").as_deref(), Some("02/12/2026"));
    assert_eq!(checked.one("#vence-v"), "30 días, su plazo");
    let saved = send(&test, andina, &[]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
    let page = test.get(saved.location()).await;
    assert_eq!(page.one("h1"), "Factura 001-001-000000123");
    assert_eq!(page.one(".ac-total"), "1.120,50");
    assert!(page.one(".ac-figures").contains("02/12/2026"));
}

#[tokio::test]
async fn a_number_is_kept_once() {
    let test = TestApp::start().await;
    let andina = customer(&test, "Andina").await;
    send(&test, andina, &[]).await;
    let again = send(&test, andina, &[]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(again.one(".ac-errors li"), "El número 001-001-000000123 ya existe.");
    assert_eq!(again.attribute("#total", "value").as_deref(), Some("1.120,50"));
}

#[tokio::test]
async fn guardar_y_agregar_otro_keeps_side_and_person() {
    let test = TestApp::start().await;
    let andina = customer(&test, "Andina").await;
    let saved = send(&test, andina, &[("accion", "otro"), ("saldo", "100")]).await;
    let next = test.get(saved.location()).await;
    assert_eq!(next.one(".ac-note"), "Se guardó 001-001-000000123. Ya puede escribir el siguiente.");
    assert_eq!(next.attribute("#persona", "value").as_deref(), Some("Andina"));
    assert_eq!(next.attribute("#numero", "value").as_deref(), Some(""));
    assert_eq!(test.get("/documentos").await.one("tbody td.ac-1r"), "100,00", "the smaller balance was kept");
}

#[tokio::test]
async fn what_cannot_be_a_document_is_said_at_its_field() {
    let test = TestApp::start().await;
    let andina = customer(&test, "Andina").await;
    for (field, value, words) in [
        ("numero", "123", "El número es como 001-001-000000123; también puede escribir 1-1-123."),
        ("total", "0", "El total no puede ser cero."),
        ("total", "-5", "El total debe ser mayor que cero."),
        ("total", "1,005", "El total: no se entiende 1,005. Escriba 1.005,00, o con dos decimales: 1,00."),
        ("total", "mucho", "El total no es un número."),
        ("saldo", "2.000", "El saldo va de cero al total."),
        ("vence", "01/11/2026", "Vence antes de su emisión."),
        ("emision", &end_of_next_year(), "está en el futuro"),
        ("emision", "mañana", "está en el futuro"),
        ("emision", "29/11/1926", "1926 no puede ser el año"),
        ("emision", "31/02/2026", "31/02/2026 no existe."),
        ("vence", "29/11/2206", "2206 no puede ser el año"),
        ("persona_id", "", "Elija la persona de la lista, o créela primero."),
    ] {
        let refused = send(&test, andina, &[(field, value)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {value}");
        let said = refused.all(".ac-errors li");
        assert!(said.iter().any(|said| said.contains(words)), "{field} {value}: {said:?}");
    }
    let side = documents::Filter::default();
    let today = acuse_domain::day_in_ecuador(acuse_store::now());
    assert_eq!(documents::count(&test.app.db, test.company, &side, today).await.unwrap(), 0);
}

#[tokio::test]
async fn without_script_a_typed_name_gives_people_to_choose_from() {
    let test = TestApp::start().await;
    let andina = customer(&test, "Comercial Andina").await;
    let form = [("lado", "cobrar"), ("persona_id", ""), ("persona", "andi"), ("numero", "1-1-7"), ("accion", "persona")];
    let offered = test.post("/documentos/nuevo", &form).await;
    assert_eq!(offered.attribute("input[name=persona_elegida]", "value"), Some(andina.to_string()));
    assert_eq!(offered.attribute("#numero", "value").as_deref(), Some("1-1-7"));
    let id = andina.to_string();
    let form =
        [("lado", "cobrar"), ("persona_id", ""), ("persona", "andi"), ("persona_elegida", id.as_str()), ("accion", "persona")];
    let chosen = test.post("/documentos/nuevo", &form).await;
    assert_eq!(chosen.attribute("#persona", "value").as_deref(), Some("Comercial Andina"));
    let form = [("persona_id", id.as_str()), ("persona", "Otra cosa"), ("accion", "persona")];
    assert_eq!(test.post("/documentos/nuevo", &form).await.attribute("[name=persona_id]", "value").as_deref(), Some(""));
}

#[tokio::test]
async fn the_ages_are_sums_and_filters() {
    let test = TestApp::start().await;
    let andina = customer(&test, "Andina").await;
    let today = acuse_domain::day_in_ecuador(acuse_store::now());
    for (number, days_late, total) in [("1-1-1", 0, "100"), ("1-1-2", 5, "20"), ("1-1-3", 45, "3"), ("1-1-4", 90, "7,50")] {
        let due = (today - chrono::TimeDelta::days(days_late)).format("%d/%m/%Y").to_string();
        let saved = send(&test, andina, &[("numero", number), ("total", total), ("emision", &due), ("vence", &due)]).await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
    }
    let list = test.get("/documentos").await;
    assert_eq!(list.all(".ac-aging b"), ["130,50", "100,00", "30,50", "20,00", "3,00", "7,50"]);
    assert_eq!(list.all("tbody th a").len(), 4);
    assert!(list.one("tbody td").contains("vencida 90 días"));
    assert_eq!(test.get("/documentos?edad=vencidos").await.all("tbody th a").len(), 3);
    let late = test.get("/documentos?edad=31-60").await;
    assert_eq!(late.all("tbody th a"), ["Fac. 001-001-000000003"]);
    assert_eq!(test.get("/documentos?lado=pagar").await.all("tbody th a").len(), 0);
    assert_eq!(test.get("/documentos?q=andina").await.all("tbody th a").len(), 4);
}

#[tokio::test]
async fn a_document_shows_the_payments_that_settled_it() {
    let test = TestApp::start().await;
    let andina = customer(&test, "Andina").await;
    let path = send(&test, andina, &[]).await.location().to_owned();
    let id: acuse_domain::id::DocumentId = path.rsplit('/').next().unwrap().parse().unwrap();
    received(andina, "120.50").settling(id, "120.50").record(&test.app.db, &test.actor).await.unwrap();
    let page = test.get(&path).await;
    assert_eq!(page.one(".ac-total"), "1.000,00");
    assert_eq!((page.one("tbody th").as_str(), page.one("tbody td.ac-1r").as_str()), ("RC-000001", "120,50"));
}

#[tokio::test]
async fn another_company_s_document_does_not_exist_and_a_viewer_adds_none() {
    let test = TestApp::start().await;
    let andina = customer(&test, "Andina").await;
    let path = send(&test, andina, &[]).await.location().to_owned();
    let stranger = test.stranger().await;
    assert_eq!(test.get_as(&stranger.session, &path).await.status, StatusCode::NOT_FOUND);
    let id = andina.to_string();
    let theirs =
        test.post_as(&stranger.session, "/documentos/nuevo", &[("persona_id", id.as_str()), ("accion", "guardar")]).await;
    assert_eq!(theirs.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!theirs.text().contains("Andina"));
    let viewer = test.session_of(Role::Viewer).await;
    assert_eq!(test.get_as(&viewer, "/documentos/nuevo").await.status, StatusCode::FORBIDDEN);
}
