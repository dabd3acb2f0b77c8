//! What is solved is over: on every page, in every count, and in what is offered.

use acuse_domain::delivery::Next;
use acuse_domain::id::PaymentId;
use acuse_domain::mail_account::MailModule;
use acuse_store::conditions::Conditions;
use acuse_store::deliveries::{self, Delivery, QueueKey, Recorded, Stamp};
use acuse_store::pauses::{self, AccountKey};
use acuse_store::{mail_accounts, now, payments};
use acuse_testkit::builders::mail_account;
use axum::http::StatusCode;
use chrono::TimeDelta;

use super::payments::scene::Scene;

/// Lets what is due end: each recipient as `fails` says.
async fn sent(scene: &Scene, fails: impl Fn(&str) -> Option<&'static str>) {
    let (db, company) = (&scene.app.app.db, scene.app.company);
    let mut done = Vec::new();
    for module in MailModule::ALL {
        let queue = QueueKey { company, module };
        for claimed in deliveries::claim_due(db, queue, 50, TimeDelta::seconds(60), now()).await.unwrap() {
            let problem = fails(claimed.recipient.as_str());
            done.push(Recorded {
                company,
                id: claimed.id,
                fence: claimed.fence,
                at: now(),
                duration_ms: 5,
                phase: "recipient",
                reply: problem.map_or("250 2.0.0 OK", |_| "550 5.1.1 no").to_owned(),
                problem_code: problem.map(str::to_owned),
                message_id: format!("{}@acuse.example", claimed.id),
                stamp: Stamp { source: "company", server: "smtp.x.ec:587".to_owned(), from_address: "cobros@x.ec".to_owned() },
                next: if problem.is_some() { Next::Failed } else { Next::Accepted },
            });
        }
    }
    assert!(deliveries::record_attempts(db, &done, now()).await.unwrap().is_empty());
}

/// A company with an account of its own, and a cobro whose receipt nobody got.
async fn failed() -> (Scene, PaymentId, Vec<Delivery>) {
    let scene = Scene::set().await;
    let (app, account) = (&scene.app, mail_account(MailModule::ReceivedPayments, "a"));
    mail_accounts::create(&app.app.db, &app.app.keys, &app.actor, &account, None, now()).await.unwrap();
    let payment = scene.recorded().await;
    sent(&scene, |_| Some("mailbox_not_found")).await;
    let open = scene.deliveries(payment).await;
    (scene, payment, open)
}

/// What menu, Inicio, Cobros and Envíos say of envíos with problems.
async fn counted(scene: &Scene) -> [u64; 4] {
    let number =
        |text: &str| text.split(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty()).map_or(0, |n| n.parse().unwrap());
    let home = scene.app.get("/").await;
    let menu = home.all(".ac-nav .ac-count").first().map_or(0, |count| number(count));
    let rows = home.all(".ac-todo b");
    let named =
        rows.iter().filter(|row| row.starts_with("Falló el recibo") || row.starts_with("Rebotó el recibo")).count() as u64;
    let more: u64 = rows.iter().filter(|row| row.contains("con problemas")).map(|row| number(row)).sum();
    let waiting: u64 =
        home.all(".ac-todo small").iter().filter_map(|row| row.split(". ").find(|part| part.contains("esper"))).map(number).sum();
    let cobros = scene.app.get("/cobros").await.all(".ac-sumline a").first().map_or(0, |words| number(words));
    let envios = number(&scene.app.get("/envios?estado=problemas").await.all(".ac-chips a")[0]);
    [menu, named + more + waiting, cobros, envios]
}

#[tokio::test]
async fn a_corrected_address_that_was_accepted_ends_the_alarm_everywhere() {
    let (scene, payment, open) = failed().await;
    let wrong = &open[0];
    let all = open.len() as u64;
    assert_eq!(counted(&scene).await, [all; 4]);
    let page = format!("/cobros/{payment}");
    let before = scene.app.get(&page).await;
    assert_eq!(before.all("#envios .ac-note[data-kind=bad]").len() as u64, all);
    for wrong in &open {
        let form = [("correo", format!("bien.{}", wrong.recipient))];
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let corrected = scene.app.post(&format!("{page}/envios/{}/corregir", wrong.id), &form).await;
        assert_eq!(corrected.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(counted(&scene).await, [0; 4], "nobody has to act while the correction is on its way");
    sent(&scene, |_| None).await;
    assert_eq!(counted(&scene).await, [0; 4]);
    let after = scene.app.get(&page).await;
    assert_eq!(after.all("#envios .ac-note").len(), 0, "no red box");
    assert!(after.one("#envios").contains(&format!("Se reenvió después a bien.{} y el servidor lo aceptó.", wrong.recipient)));
    assert_eq!(scene.app.get("/cobros").await.all("tbody tr[data-problem]").len(), 0);
    let list = scene.app.get("/envios?estado=resueltos").await;
    assert_eq!(list.all("tbody tr").len() as u64, all);
    assert!(list.all("tbody .ac-state").iter().all(|word| word == "Falló, resuelto"));
    assert_eq!(list.all(".ac-bulk button").len() + list.all("tbody input").len(), 0, "there is nothing left to do");
}

#[tokio::test]
async fn what_is_solved_another_way_is_closed_by_a_person_with_their_name_in_the_history() {
    let (scene, payment, open) = failed().await;
    let page = format!("/cobros/{payment}");
    let resolve = format!("{page}/envios/{}/resolver", open[0].id);
    let fields = scene.app.get(&page).await.filled(&format!("form[action='{resolve}']"), &[("motivo", "se lo di en mano")]);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(scene.app.post(&resolve, &fields).await.location(), page);
    let after = scene.app.get(&page).await;
    let history = after.one("#historia-card");
    assert!(history.contains(&format!("dio por resuelto el envío a {}: se lo di en mano", open[0].recipient)), "{history}");
    assert!(after.one("#envios").contains("«se lo di en mano»"));
    assert_eq!(counted(&scene).await, [open.len() as u64 - 1; 4]);
    // The rest from the list, without a reason.
    let form: Vec<(&str, String)> = open.iter().map(|one| ("envio", one.id.to_string())).collect();
    let mut form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    form.extend([("accion", "resolver"), ("volver", "/envios")]);
    let done = scene.app.post("/envios", &form).await;
    assert!(scene.app.get(done.location()).await.one(".ac-note").starts_with("Se dio por resuelto"));
    assert_eq!(counted(&scene).await, [0; 4]);
}

#[tokio::test]
async fn buttons_that_cannot_work_are_not_offered() {
    let (scene, payment, open) = failed().await;
    let list = scene.app.get("/envios?estado=problemas").await;
    let words = list.all(".ac-bulk button");
    assert_eq!(words, ["Reintentar ahora", "Dar por resuelto"], "nothing here can be called back any more");
    // Who presses it all the same, on a page that is older, is told what it is for.
    let id = open[0].id.to_string();
    let done = scene.app.post("/envios", &[("envio", id.as_str()), ("accion", "anular"), ("volver", "/envios")]).await;
    assert_eq!(scene.app.get(done.location()).await.one(".ac-note"), "No se cambió nada. Solo se anula lo que todavía no salió.");
    // A voided payment leaves nothing to mend.
    let (db, by) = (&scene.app.app.db, &scene.app.actor);
    payments::void(db, by, payment, "por error", payments::VoidNotice::TellNobody, &Conditions::default(), now()).await.unwrap();
    assert_eq!(counted(&scene).await, [0; 4]);
    for page in ["/".to_owned(), format!("/personas/{}", scene.customer), "/cobros".to_owned()] {
        let row = scene.app.get(&page).await.one("tr:has(td s)");
        assert!(row.contains("RC-000001") && row.contains("Anulado"), "{page}: {row}");
    }
}

#[tokio::test]
async fn a_mail_behind_a_paused_account_needs_a_person_wherever_it_is_counted() {
    let scene = Scene::set().await;
    let (app, account) = (&scene.app, mail_account(MailModule::ReceivedPayments, "a"));
    let id = mail_accounts::create(&app.app.db, &app.app.keys, &app.actor, &account, None, now()).await.unwrap();
    let payment = scene.recorded().await;
    let waiting = scene.deliveries(payment).await.len() as u64;
    assert_eq!(counted(&scene).await, [0; 4]);
    pauses::begin(&app.app.db, AccountKey::Own(id), "bad_credentials", "535 no", now()).await.unwrap();
    assert_eq!(counted(&scene).await, [waiting; 4]);
    let list = app.get("/envios?estado=problemas").await;
    assert!(list.all("tbody td").iter().any(|cell| cell.contains("Espera por la cuenta")));
    assert_eq!(list.all("tbody tr[data-problem]").len() as u64, waiting);
    assert!(app.get("/cobros").await.one("tbody tr[data-problem]").contains("Espera por la cuenta"));
    assert!(app.get(&format!("/cobros/{payment}")).await.text().contains("Ver la cuenta de correo"));
    pauses::end(&app.app.db, AccountKey::Own(id), now()).await.unwrap();
    assert_eq!(counted(&scene).await, [0; 4]);
}

#[tokio::test]
async fn a_head_puts_the_list_in_order_and_the_page_keeps_it() {
    let scene = Scene::set().await;
    scene.recorded().await;
    for (path, usual, other) in [
        ("/cobros", "Fecha", "Cliente"),
        ("/documentos?estado=todos", "Vence", "Saldo"),
        ("/personas", "Nombre", "Por cobrar"),
        ("/envios?estado=todos", "Último intento", "Para"),
    ] {
        let page = scene.app.get(path).await;
        assert_eq!(page.one("thead th[aria-sort]"), usual, "{path}");
        let heads = page.all("thead th a");
        let place = heads.iter().position(|head| head == other).unwrap_or_else(|| panic!("{path}: {heads:?}"));
        let links = page.attributes("thead th a", "href");
        let sorted = scene.app.get(&links[place]).await;
        assert_eq!(sorted.one("thead th[aria-sort]"), other, "{path}");
        let kept = sorted.attribute(".ac-filters input[name=orden]", "value").unwrap_or_default();
        assert!(
            links[place].replace("%2D", "-").contains(&format!("orden={kept}")) && !kept.is_empty(),
            "the filter keeps the order: {kept}"
        );
    }
}

#[tokio::test]
async fn ver_los_vencidos_opens_what_is_overdue() {
    let scene = Scene::set().await;
    let home = scene.app.get("/").await;
    for link in home.attributes(".ac-todo a", "href").iter().filter(|link| link.starts_with("/documentos")) {
        assert!(link.contains("edad=vencidos"), "{link}");
        let list = scene.app.get(link).await;
        assert!(list.one(".ac-aging [aria-current]").starts_with("Vencidos"));
        let dues = list.all("tbody tr td:first-child");
        assert!(!dues.is_empty() && dues.iter().all(|due| due.contains("vencid")), "{dues:?}");
    }
}
