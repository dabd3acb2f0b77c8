//! Cobros and pagos in a browser without script.

mod meanwhile;
pub mod scene;
mod stale;

use acuse_domain::access::Role;
use acuse_domain::delivery::State;
use acuse_domain::document::Side;
use acuse_domain::id::{DeliveryId, PaymentId};
use acuse_domain::payment::Direction;
use acuse_store::{contacts, deliveries};
use axum::http::StatusCode;

use crate::support::{Answer, TestApp, end_of_next_year};

use scene::*;

#[tokio::test]
async fn a_cobro_is_recorded_whole_and_its_page_says_so() {
    let scene = Scene::set().await;
    let form = scene.cobro("1.450,00", ["640,00", "300"]).await;
    let id = id_of(&scene.save("/cobros/nuevo", &form).await);
    assert_eq!(scene.balance(scene.invoices[0]).await, "0,00");
    assert_eq!(scene.balance(scene.invoices[1]).await, "80,00");
    let page = scene.app.get(&format!("/cobros/{id}")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.one("h1"), "Cobro RC-000001");
    assert_eq!(page.one(".ac-total"), "1.450,00");
    assert_eq!(page.all("#envios h3"), ["gerencia@andina.ec", "pagos@andina.ec"]);
    assert_eq!(page.all("#envios .ac-state"), ["En cola", "En cola"]);
    assert_eq!(page.attribute("#envios", "hx-trigger").as_deref(), Some("every 200ms"));
    let text = page.text();
    for said in ["Abono de noviembre", "Anticipo que queda", "510,00", "••3421", "88124507", "registró el cobro y pidió 2 envíos"]
    {
        assert!(text.contains(said), "{said}");
    }
    assert!(page.one(".ac-paper").contains("SON: MIL CUATROCIENTOS CINCUENTA CON 00/100 DÓLARES"));
}

#[tokio::test]
async fn a_pago_with_withholdings_cash_and_a_cheque_moves_what_is_left() {
    let scene = Scene::set().await;
    let page = scene.app.get(&format!("/pagos/nuevo?persona={}", scene.supplier)).await;
    assert_eq!(page.one("h1"), "Nuevo pago");
    let mut form = vec![
        field("clave", "k"),
        field("persona_id", &scene.supplier.to_string()),
        field("persona", AUSTRO),
        field("fecha", &page.attribute("#fecha", "value").unwrap()),
        field("notificar", "si"),
        field("para", &page.attribute("#para", "value").unwrap()),
    ];
    form.extend(line("withholding", "IR 1,75 % · bienes", "001-001-000000873", "1.000,00", ""));
    form.extend(line("withholding", "IVA 30 % · bienes", "001-001-000000873", "150", ""));
    form.extend(line("check", "Pichincha corriente", "000871", &end_of_next_year(), "487,50"));
    form.extend(line("cash", "Caja matriz", "", "", "600"));
    form.extend([field("documento", &scene.bills[0].to_string()), field("doc", &scene.bills[0].to_string()), field("abono", "")]);
    form.extend(share(scene.bills[1], ""));
    let shown = scene.press("/pagos/nuevo", &form, "campos").await;
    assert_eq!(shown.attribute("#valor-1", "value").as_deref(), Some("17,50"), "the withholding is worked out");
    assert_eq!(shown.attribute("#abono-1", "value").as_deref(), Some("1.150,00"), "a tick takes the whole balance");
    assert_eq!(shown.one("[data-sum=dinero]"), "1.087,50");
    assert_eq!(shown.one("[data-sum=retenido]"), "62,50");
    assert!(shown.one(".ac-note-in").starts_with("600,00 en efectivo supera USD 500"));
    let id = id_of(&scene.save("/pagos/nuevo", &form).await);
    let page = scene.app.get(&format!("/pagos/{id}")).await;
    assert_eq!(page.one("h1"), "Pago RP-000001");
    assert_eq!(page.one(".ac-total"), "1.087,50");
    let text = page.text();
    for said in ["Cheque posfechado", "Retención IR 1,75 %", "supera USD 500: no deducible", "<dt>Retenciones</dt>"] {
        assert!(text.contains(said), "{said}");
    }
    assert_eq!(scene.balance(scene.bills[0]).await, "0,00");
}

#[tokio::test]
async fn pressing_guardar_twice_records_once() {
    let scene = Scene::set().await;
    let form = scene.cobro("100", ["100", ""]).await;
    let first = id_of(&scene.save("/cobros/nuevo", &form).await);
    let second = id_of(&scene.save("/cobros/nuevo", &form).await);
    assert_eq!(first, second);
    assert_eq!(scene.count(Direction::Received).await, 1);
    assert_eq!(scene.balance(scene.invoices[0]).await, "540,00");
    let changed = scene.save("/cobros/nuevo", &replaced(&form, "descripcion", "otra")).await;
    assert_eq!(changed.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(changed.one(".ac-errors").starts_with("Este cobro ya se guardó: RC-000001"), "{}", changed.one(".ac-errors"));
    assert_eq!(changed.attribute(".ac-errors a", "href").as_deref(), Some(&*format!("/cobros/{first}")));
    let unreadable = scene.save("/cobros/nuevo", &replaced(&form, "fecha", "31/02/2026")).await;
    assert!(unreadable.one(".ac-errors").starts_with("Este cobro ya se guardó"), "said before what is wrong with it");
    assert_eq!(scene.count(Direction::Received).await, 1);
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field_and_the_form_stays_as_typed() {
    let scene = Scene::set().await;
    let form = scene.cobro("1020", ["640", "380"]).await;
    for (name, typed, input, words) in [
        ("fecha", "31/02/2026", "fecha", "31/02/2026 no existe."),
        ("fecha", "ahora", "fecha", "Escriba la fecha como 29/11/2026."),
        ("fecha", "mañana", "fecha", "está en el futuro"),
        ("fecha", &end_of_next_year(), "fecha", "está en el futuro"),
        ("fecha", "29/11/1926", "fecha", "1926 no puede ser el año"),
        ("valor", "mucho", "valor-1", "El valor de la forma 1 no es un número."),
        (
            "valor",
            "10,999",
            "valor-1",
            "El valor de la forma 1: no se entiende 10,999. Escriba 10.999,00, o con dos decimales: 10,99.",
        ),
        ("valor", "-5", "valor-1", "El valor de la forma 1 debe ser mayor que cero."),
        ("valor", "0", "valor-1", "El valor de la forma 1 debe ser mayor que cero."),
        ("valor", "1000", "abono-1", "Faltan 20,00: suba el valor o baje los abonos."),
        ("abono", "641", "abono-1", "El abono a 001-001-000004388 supera su saldo: quedan 640,00."),
        ("forma", "trueque", "forma-1", "Elija la forma 1 de la lista."),
        ("forma", "check:certified", "numero-1", ""),
        ("para", "nadie", "para", "«nadie» no es una dirección de correo: le falta la arroba (@)."),
        ("para", "", "para", "Falta la dirección de correo"),
    ] {
        let mut wrong = replaced(&form, name, typed);
        if typed == "check:certified" {
            wrong = replaced(&wrong, "numero", "");
        }
        let answer = scene.save("/cobros/nuevo", &wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}={typed}");
        assert!(answer.one(".ac-errors").contains(words), "{name}={typed}: {}", answer.one(".ac-errors"));
        let under = match (input, typed) {
            ("valor-1", "mucho") => "no es un número",
            ("valor-1", "0") => "mayor que cero",
            ("abono-1", "641") => "máximo 640,00",
            ("abono-1", "1000") => "faltan 20,00",
            ("numero-1", _) => "Falta el número",
            _ => "",
        };
        assert!(under.is_empty() || answer.one(&format!("#{input}-error")) == under, "there is little room: {name}={typed}");
        assert_eq!(answer.attribute(&format!("#{input}"), "aria-invalid").as_deref(), Some("true"), "{name}={typed}");
        assert!(answer.text().contains("Abono de noviembre"));
    }
    assert_eq!(scene.count(Direction::Received).await, 0);
    assert_eq!(scene.balance(scene.invoices[0]).await, "640,00");
}

#[tokio::test]
async fn the_buttons_of_the_form_give_it_back_changed() {
    let scene = Scene::set().await;
    let form = scene.cobro("700", ["", ""]).await;
    let page = scene.press("/cobros/nuevo", &form, "antiguo").await;
    assert_eq!(page.attribute("#abono-1", "value").as_deref(), Some("640,00"));
    assert_eq!(page.attribute("#abono-2", "value").as_deref(), Some("60,00"));
    assert_eq!(page.one("[data-sum=aplicado]"), "700,00");
    let page = scene.press("/cobros/nuevo", &form, "forma").await;
    assert_eq!(page.all("input[name=valor]").len(), 2);
    let mut without = form.clone();
    without.extend(line("cash", "", "", "", "5"));
    without.push(field("quitar", "1"));
    let page = scene.press("/cobros/nuevo", &without, "").await;
    assert_eq!(page.attribute("#valor-1", "value").as_deref(), Some("5"));
    let page = scene.press("/cobros/nuevo", &form, "destinatarios").await;
    assert_eq!(page.one("textarea#para"), "pagos@andina.ec, gerencia@andina.ec");
    assert_eq!(scene.count(Direction::Received).await, 0);
}

#[tokio::test]
async fn a_tick_taken_away_takes_its_amount_along() {
    let scene = Scene::set().await;
    let mut form = scene.cobro("640", ["640", ""]).await;
    form.push(field("marcados", &scene.invoices[0].to_string()));
    let page = scene.press("/cobros/nuevo", &form, "campos").await;
    assert_eq!(page.attribute("#abono-1", "value").as_deref(), Some(""));
}

#[tokio::test]
async fn a_person_is_found_by_part_of_a_name() {
    let scene = Scene::set().await;
    person(&scene.app, &scene.app.actor, "Luis Andino", "0190402118001", true, "").await;
    let page = scene.app.post("/cobros/nuevo", &[("persona", "andi"), ("accion", "persona")]).await;
    assert_eq!(page.all("input[name=elegida]").len(), 2);
    let customer = scene.customer.to_string();
    let page = scene.app.post("/cobros/nuevo", &[("persona", "andi"), ("elegida", &customer), ("accion", "persona")]).await;
    assert_eq!(page.attribute("#persona", "value").as_deref(), Some(ANDINA));
    assert_eq!(page.all("input[name=abono]").len(), 2);
    let page = scene.app.post("/cobros/nuevo", &[("persona", "comercial"), ("accion", "persona")]).await;
    assert_eq!(page.attribute("#persona", "value").as_deref(), Some(ANDINA), "the only one is meant");
    let page = scene.app.post("/cobros/nuevo", &[("persona", "zzz"), ("accion", "persona")]).await;
    assert!(page.one(".ac-await").contains("Nadie coincide con «zzz»"));
    // Another name typed over a chosen person is a new search, whoever was chosen.
    let form = [("persona_id", customer.as_str()), ("persona", "luis"), ("accion", "persona")];
    assert_eq!(scene.app.post("/cobros/nuevo", &form).await.attribute("#persona", "value").as_deref(), Some("Luis Andino"));
}

#[tokio::test]
async fn an_anticipo_that_was_left_is_used_and_then_holds_its_payment() {
    let scene = Scene::set().await;
    let form = scene.cobro("700", ["640", ""]).await;
    let source = id_of(&scene.save("/cobros/nuevo", &form).await);
    let form: Vec<_> = scene.cobro("", ["", "60"]).await;
    let page = scene.press("/cobros/nuevo", &form, "anticipo").await;
    assert!(page.text().contains("RC-000001 del"));
    let mut form: Vec<_> = form
        .into_iter()
        .filter(|(name, _)| !["forma", "cuenta", "numero", "fecha_forma", "valor", "anticipo"].contains(&name.as_str()))
        .collect();
    form.extend(line("advance", "", "", "", "60"));
    form = replaced(&form, "anticipo", &source.to_string());
    let user = id_of(&scene.save("/cobros/nuevo", &form).await);
    let page = scene.app.get(&format!("/cobros/{user}")).await;
    assert!(page.text().contains("Anticipo usado"));
    let refused = scene.app.post(&format!("/cobros/{source}/anular"), &[("motivo", "error")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.one("dialog .ac-errors").contains("ya se usaron 60,00"));
}

#[tokio::test]
async fn a_cobro_is_voided_with_a_reason_and_its_balances_return() {
    let scene = Scene::set().await;
    let id = scene.recorded().await;
    let dialog = scene.app.get(&format!("/cobros/{id}/anular")).await;
    assert_eq!(dialog.one("dialog h1"), "Anular el cobro RC-000001");
    assert!(dialog.one("dialog table").contains("640,00"));
    let refused = scene.app.post(&format!("/cobros/{id}/anular"), &[("motivo", "  ")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.attribute("#motivo", "aria-invalid").as_deref(), Some("true"));
    let form = [("motivo", "Era de otra factura"), ("avisar", "si")];
    assert_eq!(id_of(&scene.app.post(&format!("/cobros/{id}/anular"), &form).await), id);
    assert_eq!(scene.balance(scene.invoices[0]).await, "640,00");
    let page = scene.app.get(&format!("/cobros/{id}")).await;
    assert!(page.one(".ac-note h2").starts_with("Anulado hoy a las"));
    assert!(page.one(".ac-stamp").contains("ANULADO"));
    assert!(page.text().contains("Era de otra factura"));
    assert!(page.one("#envios").contains("Su recibo no llegó a salir"));
    // Another void does nothing, and says so.
    let again = scene.app.post(&format!("/cobros/{id}/anular"), &form).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.one("[role=alert]").contains("ya estaba anulado"), "{}", again.one("[role=alert]"));
    assert!(!again.one("[role=alert]").contains("pídalo otra vez"), "it cannot be voided again");
    let again = scene.app.get(&format!("/cobros/nuevo?copiar={id}")).await;
    assert_eq!(again.attribute("#valor-1", "value").as_deref(), Some("1.020,00"));
    assert_eq!(again.attribute("#cuenta-1", "value").as_deref(), Some("Pichincha corriente 2100443421"));
    assert_eq!(again.attribute("#abono-2", "value").as_deref(), Some("380,00"));
}

#[tokio::test]
async fn what_is_recorded_again_is_recorded_today() {
    let scene = Scene::set().await;
    let today = acuse_domain::day_in_ecuador(acuse_store::now());
    let old = acuse_testkit::builders::received(scene.customer, "10.00").dated(today - chrono::TimeDelta::days(9));
    let id = old.record(&scene.app.app.db, &scene.app.actor).await.unwrap();
    scene.app.post(&format!("/cobros/{id}/anular"), &[("motivo", "Mal digitado")]).await;
    let again = scene.app.get(&format!("/cobros/nuevo?copiar={id}")).await;
    assert_eq!(again.attribute("#valor-1", "value").as_deref(), Some("10,00"));
    assert_eq!(again.attribute("#fecha", "value"), scene.app.get("/cobros/nuevo").await.attribute("#fecha", "value"));
}

#[tokio::test]
async fn a_receipt_is_sent_again_to_whom_one_wants() {
    let scene = Scene::set().await;
    let id = scene.recorded().await;
    let dialog = scene.app.get(&format!("/cobros/{id}/reenviar")).await;
    assert_eq!(dialog.all("dialog input[name=para]").len(), 2);
    assert!(dialog.one("dialog p").starts_with("Reenvío 1 · Comercial Andina"));
    let path = format!("/cobros/{id}/reenviar");
    for wrong in [vec![("otra", "")], vec![("otra", "x@")]] {
        let refused = scene.app.post(&path, &wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.attribute("#otra", "aria-invalid").as_deref(), Some("true"));
    }
    let key = dialog.attribute("dialog input[name=clave]", "value").unwrap();
    let form = [("clave", key.as_str()), ("para", "pagos@andina.ec"), ("otra", "tesoreria@andina.ec"), ("guardar", "si")];
    id_of(&scene.app.post(&path, &form).await);
    // Pressed twice, it goes once.
    id_of(&scene.app.post(&path, &form).await);
    let again: Vec<_> = scene.deliveries(id).await.into_iter().filter(|delivery| delivery.resend == Some(1)).collect();
    assert_eq!(again.len(), 2);
    assert_eq!(scene.deliveries(id).await.len(), 4);
    let contact = contacts::find(&scene.app.app.db, scene.company(), scene.customer).await.unwrap().unwrap();
    let kept: Vec<_> = contact.details.receipt_recipients(Direction::Received).iter().map(ToString::to_string).collect();
    assert_eq!(kept, ["pagos@andina.ec", "gerencia@andina.ec", "tesoreria@andina.ec"]);
    assert!(scene.app.get(&format!("/cobros/{id}")).await.text().contains("Reenvío 1"));
}

#[tokio::test]
async fn a_wrong_address_is_corrected_in_the_person_and_the_receipt_goes_out_again() {
    let scene = Scene::set().await;
    let id = scene.recorded().await;
    let wrong = scene.deliveries(id).await.into_iter().find(|delivery| delivery.recipient == "gerencia@andina.ec").unwrap();
    let path = format!("/cobros/{id}/envios/{}/corregir", wrong.id);
    let refused = scene.app.post(&path, &[("correo", "gerencia@")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    id_of_page(&scene.app.post(&path, &[("correo", "direccion@andina.ec")]).await, id);
    let contact = contacts::find(&scene.app.app.db, scene.company(), scene.customer).await.unwrap().unwrap();
    let emails: Vec<_> = contact.details.emails.iter().map(ToString::to_string).collect();
    assert_eq!(emails, ["pagos@andina.ec", "direccion@andina.ec"]);
    let sent = scene.deliveries(id).await;
    assert!(sent.iter().any(|delivery| delivery.recipient == "direccion@andina.ec" && delivery.resend == Some(1)));
}

fn id_of_page(answer: &Answer, id: PaymentId) {
    assert_eq!(id_of(answer), id);
}

#[tokio::test]
async fn what_waits_can_be_cancelled_and_repeating_what_moved_on_does_no_harm() {
    let scene = Scene::set().await;
    let id = scene.recorded().await;
    let first = scene.deliveries(id).await[0].id;
    id_of_page(&scene.app.post(&format!("/cobros/{id}/envios/{first}/anular"), &[]).await, id);
    let state = |sent: Vec<deliveries::Delivery>| sent.into_iter().find(|delivery| delivery.id == first).unwrap().state;
    assert_eq!(state(scene.deliveries(id).await), State::Cancelled);
    let refused = scene.app.post(&format!("/cobros/{id}/envios/{first}/reintentar"), &[]).await;
    assert!(refused.one("[role=alert]").contains("ahora está «Anulado»"), "{}", refused.one("[role=alert]"));
    assert_eq!(state(scene.deliveries(id).await), State::Cancelled);
    let page = scene.app.get(&format!("/cobros/{id}/envios")).await;
    assert!(page.all(".ac-state").contains(&"Anulado".to_owned()));
    let unknown = DeliveryId(uuid::Uuid::new_v4());
    assert_eq!(scene.app.post(&format!("/cobros/{id}/envios/{unknown}/anular"), &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_pdf_opens_in_the_browser_under_its_own_name_and_that_is_noted() {
    let scene = Scene::set().await;
    let id = scene.recorded().await;
    let pdf = scene.app.get(&format!("/cobros/{id}/recibo.pdf")).await;
    assert_eq!(pdf.status, StatusCode::OK);
    assert!(pdf.body.starts_with(b"%PDF-"));
    assert_eq!(pdf.header("content-disposition"), "inline; filename=\"Recibo-RC-000001.pdf\"");
    assert!(scene.app.get(&format!("/cobros/{id}")).await.text().contains("abrió el PDF"));
}

#[tokio::test]
async fn another_companys_cobro_and_the_other_book_do_not_exist() {
    let scene = Scene::set().await;
    let id = scene.recorded().await;
    let stranger = scene.app.stranger().await;
    for page in ["", "/recibo.pdf", "/reenviar", "/anular", "/envios"] {
        let answer = scene.app.get_as(&stranger.session, &format!("/cobros/{id}{page}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{page}");
        assert_eq!(scene.app.get(&format!("/pagos/{id}{page}")).await.status, StatusCode::NOT_FOUND, "{page}");
    }
    for (act, form) in [("anular", [("motivo", "x")]), ("reenviar", [("otra", "x@y.ec")])] {
        let answer = scene.app.post_as(&stranger.session, &format!("/cobros/{id}/{act}"), &form).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{act}");
    }
    let theirs = person(&scene.app, &stranger.actor, "Ajena S.A.", "1791824407001", true, "x@ajena.ec").await;
    assert_eq!(scene.app.get(&format!("/cobros/nuevo?persona={theirs}")).await.status, StatusCode::NOT_FOUND);
    let invoice = document(&scene.app, &stranger.actor, theirs, Side::Receivable, "001-001-000000001", "50", 0).await;
    let mut form = scene.cobro("50", ["", ""]).await;
    form.extend(share(invoice, "50"));
    let answer = scene.save("/cobros/nuevo", &form).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.one(".ac-errors").contains("No existe ese documento."));
    assert_eq!(scene.count(Direction::Received).await, 1);
}

#[tokio::test]
async fn who_only_looks_can_look_and_nothing_else() {
    let scene = Scene::set().await;
    let id = scene.recorded().await;
    let viewer = scene.app.session_of(Role::Viewer).await;
    let page = scene.app.get_as(&viewer, &format!("/cobros/{id}")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text().contains("/anular"));
    assert_eq!(scene.app.get_as(&viewer, "/cobros/nuevo").await.status, StatusCode::FORBIDDEN);
    let answer = scene.app.post_as(&viewer, &format!("/cobros/{id}/anular"), &[("motivo", "x")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_list_filters_adds_up_and_goes_on() {
    let scene = Scene::set().await;
    let empty = scene.app.get("/cobros").await;
    assert_eq!(empty.one("h2"), "Aún no hay cobros");
    for amount in 1..=52 {
        let mut form = replaced(&scene.cobro(&amount.to_string(), ["", ""]).await, "numero", &amount.to_string());
        form.retain(|(name, _)| amount == 52 || name != "notificar");
        id_of(&scene.save("/cobros/nuevo", &form).await);
    }
    let page = scene.app.get("/cobros").await;
    assert!(page.one(".ac-sumline").starts_with("52 cobrosTotal 1.378,00Anticipos 1.378,00"), "{}", page.one(".ac-sumline"));
    assert_eq!(page.all("tbody tr").len(), 50);
    assert_eq!(page.all("tbody .ac-state")[..2], ["En cola", "Sin envío"]);
    let next = page.attribute(".ac-pager a", "href").unwrap();
    let rest = scene.app.get(&next).await;
    assert_eq!(rest.all("tbody tr").len(), 2);
    assert_eq!(rest.one(".ac-pager span"), "51 a 52 de 52");
    assert_eq!(scene.app.get(&rest.attribute(".ac-pager a", "href").unwrap()).await.all("tbody tr").len(), 50);
    assert_eq!(scene.app.get("/cobros?q=rc-7").await.all("tbody tr").len(), 1);
    assert_eq!(scene.app.get("/cobros?q=ANDINA").await.all("tbody tr").len(), 50);
    assert!(scene.app.get("/cobros?desde=01/01/2030").await.text().contains("Ningún cobro coincide"));
    let wrong = scene.app.get("/cobros?desde=31%2F02%2F2026&hasta=abc").await;
    assert_eq!(
        wrong.all(".ac-sumline .ac-late"),
        ["Desde no se aplica: 31/02/2026 no existe.", "Hasta no se aplica: escriba la fecha como 29/11/2026.",]
    );
    assert_eq!(wrong.all(".ac-range .is-invalid").len(), 2);
    let one = scene.app.get("/cobros?desde=31%2F02%2F2026&hasta=01%2F01%2F1999").await;
    assert!(one.text().contains("Ningún cobro coincide"), "the other date still filters");
    assert_eq!(scene.app.get("/pagos").await.one("h2"), "Aún no hay pagos");
}

#[tokio::test]
async fn the_form_says_who_sends_or_that_the_receipt_will_wait() {
    let scene = Scene::set().await;
    let page = scene.app.get(&format!("/cobros/nuevo?persona={}", scene.customer)).await;
    assert!(page.one(".ac-envelope").contains("avisos@servidor.ec, correo predeterminado"));
    let bare = TestApp::start().await;
    let customer = person(&bare, &bare.actor, ANDINA, "1791824407001", true, "pagos@andina.ec").await;
    let page = bare.get(&format!("/cobros/nuevo?persona={customer}")).await;
    assert!(page.one(".ac-notify").contains("el envío esperará hasta que la haya"));
}
