use acuse_domain::access::Role;
use acuse_store::contacts;
use acuse_testkit::builders::{contact, usd};
use axum::http::StatusCode;

use crate::support::{Answer, TestApp};

/// A form that is right, with some fields as the test wants them.
async fn send(test: &TestApp, path: &str, changes: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("tipo", "ruc"),
        ("numero", "1791824407001"),
        ("nombre", "Comercial Andina S.A."),
        ("cliente", "1"),
        ("plazo", "30"),
        ("correos", "pagos@andina.ec; gerencia@andina.ec"),
        ("correos_pagos", ""),
        ("direccion", "Av. 10 de Agosto N31-120"),
        ("accion", "guardar"),
    ];
    form.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    form.extend(changes.iter().filter(|(_, value)| *value != "(sin marcar)"));
    test.post(path, &form).await
}

#[tokio::test]
async fn a_new_person_is_kept_and_shown_and_found() {
    let test = TestApp::start().await;
    let saved = send(&test, "/personas/nueva", &[]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
    let page = test.get(saved.location()).await;
    assert_eq!(page.one("h1"), "Comercial Andina S.A.");
    assert_eq!(page.one(".ac-head p"), "RUC 1791824407001 · Cliente");
    assert_eq!(page.all(".ac-addresses .ac-strong"), ["pagos@andina.ec", "gerencia@andina.ec"]);
    let list = test.get("/personas?q=andina&es=cliente").await;
    assert_eq!(list.all("tbody th"), ["Comercial Andina S.A."]);
    assert_eq!(list.all(".ac-chips a"), ["Todas 1", "Clientes 1", "Proveedores 0"]);
    assert_eq!(test.get("/personas?es=proveedor").await.all("tbody th").len(), 0);
}

#[tokio::test]
async fn consumidor_final_is_nobody_and_it_says_what_to_write() {
    let test = TestApp::start().await;
    for action in ["guardar", "comprobar"] {
        let refused = send(&test, "/personas/nueva", &[("numero", "9999999999999"), ("accion", action)]).await;
        assert!(refused.text().contains("elija Cédula, RUC o Pasaporte"), "{action}: {}", refused.text());
    }
}

#[tokio::test]
async fn everything_wrong_is_said_at_once_and_what_was_typed_stays() {
    let test = TestApp::start().await;
    let changes = [
        ("nombre", "  "),
        ("cliente", "(sin marcar)"),
        ("correos", "cobranzas@envases.ec;gerencia@envases"),
        ("plazo", "treinta"),
    ];
    let refused = send(&test, "/personas/nueva", &changes).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.one(".ac-errors h2"), "No se guardó: hay 4 datos por corregir");
    let said = refused.all(".ac-errors li");
    assert!(said.iter().any(|line| line.contains("«gerencia@envases» no está completo")), "{said:?}");
    assert_eq!(refused.attribute("#correos", "value").as_deref(), Some("cobranzas@envases.ec;gerencia@envases"));
    assert_eq!(refused.attribute("#correos", "aria-invalid").as_deref(), Some("true"));
    assert_eq!(refused.attribute("#plazo", "value").as_deref(), Some("treinta"));
    assert_eq!(contacts::count(&test.app.db, test.company, &contacts::Filter::default()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_check_digit_only_warns_and_a_wrong_shape_errs() {
    let test = TestApp::start().await;
    let checked = send(&test, "/personas/nueva", &[("numero", "1710345066001"), ("accion", "")]).await;
    assert_eq!(checked.status, StatusCode::OK);
    assert!(checked.one("#numero-v").starts_with("El dígito verificador no coincide"));
    assert_eq!(send(&test, "/personas/nueva", &[("numero", "1710345066001")]).await.status, StatusCode::SEE_OTHER);
    for (number, words) in [("17918244070", "Un RUC tiene 13 dígitos."), ("9991824407001", "Los dos primeros dígitos")] {
        let refused = send(&test, "/personas/nueva", &[("numero", number)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.one("#numero-v").starts_with(words), "{}", refused.one("#numero-v"));
    }
    let fine = send(&test, "/personas/nueva", &[("accion", "")]).await;
    assert!(fine.one("#numero-v").starts_with("RUC válido: sociedad, Pichincha."), "{}", fine.one("#numero-v"));
}

#[tokio::test]
async fn a_slip_in_an_address_is_a_doubt_with_a_cure_of_one_click() {
    let test = TestApp::start().await;
    let doubtful = [("correos", "x@andina.ec, pagos@gmial.com")];
    let checked = send(&test, "/personas/nueva", &[doubtful[0], ("accion", "")]).await;
    assert_eq!(checked.one("#correos-v .ac-checkline"), "¿Quiso decir pagos@gmail.com? Corregir Así es");
    let cured = send(&test, "/personas/nueva", &[doubtful[0], ("accion", "corregir correos")]).await;
    assert_eq!(cured.status, StatusCode::OK);
    assert_eq!(cured.attribute("#correos", "value").as_deref(), Some("x@andina.ec; pagos@gmail.com"));
    let asked = send(&test, "/personas/nueva", &doubtful).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY, "it is asked before it is saved");
    let saved = send(&test, "/personas/nueva", &[doubtful[0], ("accion", "asi-es correos guardar")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "a doubt forbids nothing");
    // What stands on the card was confirmed when it was saved.
    let card = format!("{}/modificar", saved.location());
    assert_eq!(send(&test, &card, &[doubtful[0], ("version", "1")]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_second_person_with_the_same_number_is_refused_and_the_first_is_shown() {
    let test = TestApp::start().await;
    let first = send(&test, "/personas/nueva", &[]).await.location().to_owned();
    let refused = send(&test, "/personas/nueva", &[("nombre", "Otra")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.attribute("#numero-v a", "href").as_deref(), Some(first.as_str()));
    assert_eq!(refused.one("#numero-v"), "Ya está registrada: Comercial Andina S.A.");
}

#[tokio::test]
async fn a_change_is_kept_and_one_s_own_number_is_no_twin() {
    let test = TestApp::start().await;
    let path = send(&test, "/personas/nueva", &[]).await.location().to_owned();
    let form = test.get(&format!("{path}/modificar")).await;
    assert_eq!(form.attribute("#correos", "value").as_deref(), Some("pagos@andina.ec; gerencia@andina.ec"));
    assert!(form.one("#numero-v").starts_with("RUC válido"), "{}", form.one("#numero-v"));
    let saved = send(&test, &format!("{path}/modificar"), &[("nombre", "Andina <Mayorista>"), ("proveedor", "1")]).await;
    assert_eq!((saved.status, saved.location()), (StatusCode::SEE_OTHER, path.as_str()));
    let page = test.get(&path).await;
    assert_eq!(
        (page.one("h1").as_str(), page.one(".ac-head p").as_str()),
        ("Andina <Mayorista>", "RUC 1791824407001 · Cliente y proveedor")
    );
}

#[tokio::test]
async fn another_company_s_person_does_not_exist_and_a_viewer_changes_nothing() {
    let test = TestApp::start().await;
    let stranger = test.stranger().await;
    let id =
        contacts::create(&test.app.db, &stranger.actor, &contact("Ajena", true, false), None, acuse_store::now()).await.unwrap();
    for path in [format!("/personas/{id}"), format!("/personas/{id}/modificar"), "/personas/no-es-un-id".to_owned()] {
        assert_eq!(test.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(send(&test, &format!("/personas/{id}/modificar"), &[]).await.status, StatusCode::NOT_FOUND);
    let viewer = test.session_of(Role::Viewer).await;
    assert_eq!(test.get_as(&viewer, "/personas/nueva").await.status, StatusCode::FORBIDDEN);
    assert_eq!(test.post_as(&viewer, "/personas/nueva", &[("accion", "guardar")]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(test.get_as(&viewer, "/personas").await.all("a[href='/personas/nueva']").len(), 0);
}

#[tokio::test]
async fn a_long_list_has_pages_with_a_way_forward_and_back() {
    let test = TestApp::start().await;
    for n in 0..51 {
        let name = format!("Persona {n:02}");
        contacts::create(&test.app.db, &test.actor, &contact(&name, true, false), None, acuse_store::now()).await.unwrap();
    }
    let first = test.get("/personas").await;
    assert_eq!((first.all("tbody tr").len(), first.one(".ac-pager span").as_str()), (50, "1 a 50 de 51"));
    let second = test.get(&first.attribute(".ac-pager a", "href").unwrap()).await;
    assert_eq!((second.one("tbody th").as_str(), second.one(".ac-pager span").as_str()), ("Persona 50", "51 a 51 de 51"));
    assert_eq!(second.attribute(".ac-pager a", "href").as_deref(), Some("/personas"));
    assert_eq!(usd("0.00").to_string(), first.one("tbody td[data-label='Por cobrar']"));
}
