//! Every form that is sent twice acts once: pressed twice, or sent again after Back.

use std::collections::BTreeMap;

use acuse_domain::id::{MailAccountId, PaymentId};
use acuse_domain::mail_account::MailModule;
use acuse_server::web;
use acuse_store::conditions::Conditions;
use acuse_store::pauses::{self, AccountKey};
use acuse_store::{contacts, mail_accounts, now, tokens};
use acuse_testkit::builders::mail_account;
use acuse_testkit::outside;
use axum::http::{Method, StatusCode};

use super::payments::scene::Scene;
use crate::support::{Answer, end_of_next_year};

/// Where a form is sent twice here.
const TRIED: [&str; 15] = [
    "/personas/nueva",
    "/personas/{id}/modificar",
    "/documentos/nuevo",
    "/envios",
    "/mi-compania/correos/si-falla",
    "/mi-compania/correos/{id}/predeterminado",
    "/mi-compania/correos/{id}/desactivar",
    "/mi-compania/correos/{id}/activar",
    "/mi-compania/correos/{id}/eliminar",
    "/mi-compania/datos",
    "/nuevo",
    "/{id}/reenviar",
    "/{id}/anular",
    "/{id}/envios/{envio}/corregir",
    "/mi-compania/integraciones/{id}/revocar",
];
/// The same, by tests of their own below.
const TRIED_WITH_A_WORKER: [&str; 3] =
    ["/{id}/envios/{envio}/reintentar", "/{id}/envios/{envio}/anular", "/{id}/envios/{envio}/resolver"];
/// Where twice is no more than once by what it does.
const HARMLESS: [(&str, &str); 50] = [
    ("/demo/buzon", "empties what is empty"),
    ("/entrar", "opens a session; who logs in twice has two"),
    ("/salir", "ends the session"),
    ("/tema", "chooses a colour"),
    ("/mi-compania/correos/conectar/{provider}", "leads to the provider"),
    ("/mi-compania/correos/oauth/{provider}/confirmar", "takes the way there, which is gone with it"),
    ("/mi-compania/correos/{id}/conectar", "leads to the provider"),
    ("/mi-compania/correos/{id}", "writes what it says; a password again"),
    ("/mi-compania/correos/{id}/probar", "tries again what one wants to try again"),
    ("/mi-compania/correos/{id}/dominio", "a domain has one key that waits"),
    ("/mi-compania/logo/quitar", "takes away what is gone"),
    ("/mi-compania/logo", "keeps the same picture"),
    ("/mi-compania/correos", "a module has one account"),
    ("/mi-compania/usuarios/invitar", "an address has one open invitation"),
    ("/mi-compania/usuarios/invitaciones/{id}/reenviar", "an invitation that was replaced is sent no more"),
    ("/mi-compania/usuarios/invitaciones/{id}/retirar", "takes back what is taken back"),
    ("/mi-compania/usuarios/{id}", "gives the role that they have"),
    ("/mi-compania/usuarios/{id}/quitar", "who is gone is not found"),
    ("/mi-compania/usuarios/{id}/clave", "another link; one use ends the others"),
    ("/mi-cuenta/correo", "another link; it ends the one before"),
    ("/invitacion/{token}", "a link is good once"),
    ("/invitacion/{token}/rechazar", "a link is good once"),
    ("/clave-olvidada", "another link; a few an hour"),
    ("/clave/{token}", "a link is good once"),
    ("/correo/{token}", "a link is good once"),
    ("/primer-inicio/{token}", "a link is good once"),
    ("/companias/nueva", "a RUC is one company's"),
    ("/companias/{id}/entrar", "enters where one is"),
    ("/mi-compania/exportar", "brings the same once more"),
    ("/mi-compania/archivar", "archives what is archived"),
    ("/mi-compania/reabrir", "opens what is open"),
    ("/mi-compania/eliminar", "a company is asked for once"),
    ("/mi-compania/eliminar/cancelar", "takes back what was taken back"),
    ("/mi-compania/eliminar/confirmar", "there is nothing left to delete"),
    ("/entrar/segundo-paso", "the first step is used up"),
    ("/entrar/otra-vez", "notes once more that it is they"),
    ("/entrar/llave", "the challenge is used up"),
    ("/entrar/llave/reto", "asks for another challenge"),
    ("/mi-cuenta", "writes what it says"),
    ("/mi-cuenta/clave", "the password before is another one then"),
    ("/mi-cuenta/segundo-paso", "the code is used up"),
    ("/mi-cuenta/segundo-paso/quitar", "takes away what is gone"),
    ("/mi-cuenta/codigos", "the codes shown last are those that hold"),
    ("/mi-cuenta/llaves/nueva", "the challenge is used up"),
    ("/mi-cuenta/llaves/reto", "asks for another challenge"),
    ("/mi-cuenta/llaves/{id}/quitar", "takes away what is gone"),
    ("/mi-cuenta/sesiones/{id}/cerrar", "ends what has ended"),
    ("/mi-cuenta/sesiones/cerrar-las-demas", "ends what has ended"),
    ("/mi-compania/segundo-paso", "writes what it says"),
    ("/mi-compania/integraciones/nuevo", "tokens.rs: the second answer cannot be the first, which showed the token"),
];

#[test]
fn every_form_is_tried_or_has_its_reason() {
    let mut seen = 0;
    for route in web::pages().into_iter().filter(|route| route.method == Method::POST) {
        // The two books have the same forms.
        let path = ["/cobros", "/pagos"].into_iter().find_map(|book| route.path.strip_prefix(book)).unwrap_or(&route.path);
        let known = TRIED.contains(&path)
            || TRIED_WITH_A_WORKER.contains(&path)
            || HARMLESS.iter().any(|(harmless, why)| *harmless == path && !why.is_empty());
        assert!(known, "what happens when {path} is sent twice?");
        seen += 1;
    }
    assert!(seen > 20, "the routes were not found: {seen}");
}

async fn rows(scene: &Scene) -> BTreeMap<String, i64> {
    let url = format!("sqlite://{}", scene.app.folder().join("acuse.db").display());
    let mut rows = outside::row_counts(&url).await;
    // Its keys are how twice becomes once.
    rows.remove("idempotency");
    rows
}

fn spoilt(scene: &Scene) -> String {
    format!("sqlite://{}", scene.app.folder().join("acuse.db").display())
}

/// Sends a page's form twice as it stands in the page, with what a person typed or pressed. The second answer is the first
/// one's, and nothing more is on record.
async fn twice(scene: &Scene, page: &str, form: &str, to: &str, typed: &[(&str, &str)]) {
    let shown = scene.app.get(page).await;
    assert_eq!(shown.status, StatusCode::OK, "{page}: {}", shown.text());
    let fields = shown.filled(form, typed);
    let first = send(scene, to, &fields).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER, "{to}: {}", first.text());
    let after_one = rows(scene).await;
    let second = send(scene, to, &fields).await;
    assert_eq!(rows(scene).await, after_one, "{to} acts twice");
    assert_eq!((second.status, second.location()), (first.status, first.location()), "{to}: {}", second.text());
}

async fn send(scene: &Scene, to: &str, fields: &[(String, String)]) -> Answer {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    scene.app.post(to, &fields).await
}

async fn with_account(scene: &Scene) -> MailAccountId {
    let form = mail_account(MailModule::ReceivedPayments, "clave");
    mail_accounts::create(&scene.app.app.db, &scene.app.app.keys, &scene.app.actor, &form, None, now()).await.unwrap()
}

#[tokio::test]
async fn what_is_kept_is_kept_once() {
    let scene = Scene::set().await;
    let person = [("tipo", "other"), ("numero", "AB-123"), ("nombre", "Nueva S.A."), ("cliente", "1"), ("accion", "guardar")];
    twice(&scene, "/personas/nueva", "form.ac-entry", "/personas/nueva", &person).await;
    let change = format!("/personas/{}/modificar", scene.customer);
    twice(&scene, &change, "form.ac-entry", &change, &[("telefono", "02 555"), ("accion", "guardar")]).await;
    let customer = scene.customer.to_string();
    for (number, action) in [("001-001-000000777", "guardar"), ("001-001-000000778", "otro")] {
        let due = end_of_next_year();
        let document = [
            ("lado", "cobrar"),
            ("persona_id", customer.as_str()),
            ("persona", ""),
            ("tipo", "invoice"),
            ("numero", number),
            ("vence", due.as_str()),
            ("total", "10"),
            ("accion", action),
        ];
        twice(&scene, "/documentos/nuevo", "form.ac-entry", "/documentos/nuevo", &document).await;
    }
    twice(&scene, "/mi-compania/datos", "form[action='/mi-compania/datos']", "/mi-compania/datos", &[("ciudad", "Loja")]).await;
    let cobro = scene.cobro("10", ["10", ""]).await;
    let first = scene.save("/cobros/nuevo", &cobro).await;
    let after_one = rows(&scene).await;
    assert_eq!(scene.save("/cobros/nuevo", &cobro).await.location(), first.location());
    assert_eq!(rows(&scene).await, after_one);
}

#[tokio::test]
async fn a_token_is_revoked_once() {
    let scene = Scene::set().await;
    let (id, _) = tokens::create(&scene.app.app.db, scene.app.company, "ERP", now()).await.unwrap();
    let shown = scene.app.get(&format!("/mi-compania/integraciones/{id}/revocar")).await;
    let fields = shown.filled("dialog form", &[("motivo", "Se cambió el equipo")]);
    let first = send(&scene, &format!("/mi-compania/integraciones/{id}/revocar"), &fields).await;
    let after_one = rows(&scene).await;
    let second = send(&scene, &format!("/mi-compania/integraciones/{id}/revocar"), &fields).await;
    assert_eq!((second.status, second.location()), (first.status, first.location()));
    assert_eq!(rows(&scene).await, after_one);
}

#[tokio::test]
async fn another_person_typed_over_the_same_form_is_another_person() {
    let scene = Scene::set().await;
    let fields = |number: &'static str| {
        [("tipo", "other"), ("numero", number), ("nombre", "Nueva S.A."), ("cliente", "1"), ("accion", "guardar")]
    };
    let shown = scene.app.get("/personas/nueva").await;
    let one = send(&scene, "/personas/nueva", &shown.filled("form.ac-entry", &fields("AB-1"))).await;
    let other = send(&scene, "/personas/nueva", &shown.filled("form.ac-entry", &fields("AB-2"))).await;
    assert_ne!(one.location(), other.location());
}

#[tokio::test]
async fn what_is_done_to_a_payment_is_done_once() {
    let scene = Scene::set().await;
    let id = scene.recorded().await;
    let page = format!("/cobros/{id}");
    let resend = format!("{page}/reenviar");
    let typed = [("otra", "tesoreria@andina.ec"), ("guardar", "si")];
    twice(&scene, &resend, "dialog form", &resend, &typed).await;
    assert_eq!(scene.deliveries(id).await.len(), 2 + 3);

    outside::run(
        &spoilt(&scene),
        "UPDATE delivery SET state = 'bounced', next_attempt_at = NULL WHERE recipient LIKE 'gerencia%'",
        vec![],
    )
    .await;
    assert_eq!(scene.app.get("/personas").await.one("tr[data-problem] [data-state=bounced]"), "1 de 3 rebotado");
    let wrong = scene.deliveries(id).await.into_iter().find(|one| one.recipient == "gerencia@andina.ec").unwrap().id;
    let correct = format!("{page}/envios/{wrong}/corregir");
    let form = format!("form[action='{correct}']");
    twice(&scene, &page, &form, &correct, &[("correo", "direccion@andina.ec")]).await;
    let to_the_right_one = scene.deliveries(id).await.into_iter().filter(|one| one.recipient == "direccion@andina.ec").count();
    assert_eq!(to_the_right_one, 1);

    let void = format!("{page}/anular");
    twice(&scene, &void, "dialog form", &void, &[("motivo", "Se registró dos veces")]).await;
}

#[tokio::test]
async fn a_correction_without_any_key_is_one_too_and_comes_with_the_card_or_not_at_all() {
    let scene = Scene::set().await;
    let id = scene.recorded().await;
    let wrong = scene.deliveries(id).await.into_iter().find(|one| one.recipient == "gerencia@andina.ec").unwrap();
    let path = format!("/cobros/{id}/envios/{}/corregir", wrong.id);
    let form = [("correo", "direccion@andina.ec")];
    let (one, other) = tokio::join!(scene.app.post(&path, &form), scene.app.post(&path, &form));
    assert_eq!((one.status, other.status), (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER));
    scene.app.post(&path, &form).await;
    let sent = scene.deliveries(id).await.into_iter().filter(|one| one.recipient == "direccion@andina.ec").count();
    assert_eq!(sent, 1);
    let card = contacts::find(&scene.app.app.db, scene.company(), scene.customer).await.unwrap().unwrap().details;
    assert_eq!(card.emails.iter().map(ToString::to_string).collect::<Vec<_>>(), ["pagos@andina.ec", "direccion@andina.ec"]);

    // Where the mail cannot be queued the card stays as it was.
    scene.app.post(&format!("/cobros/{id}/anular"), &[("motivo", "x")]).await;
    let before = rows(&scene).await;
    let late = format!("/cobros/{id}/envios/{}/corregir", scene.deliveries(id).await[0].id);
    assert_eq!(scene.app.post(&late, &[("correo", "otra@andina.ec")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let kept = contacts::find(&scene.app.app.db, scene.company(), scene.customer).await.unwrap().unwrap().details;
    assert_eq!((kept, rows(&scene).await), (card, before));
}

/// The delivery fails, and again after it was tried once more.
async fn fails(scene: &Scene, id: PaymentId) {
    let sql = "UPDATE delivery SET state = 'failed', next_attempt_at = NULL, finished_at = queued_at";
    outside::run(&spoilt(scene), sql, vec![]).await;
    assert!(scene.deliveries(id).await.iter().all(|one| one.state == acuse_domain::delivery::State::Failed));
}

#[tokio::test]
async fn a_second_press_does_not_repeat_what_failed_again_meanwhile() {
    use acuse_domain::delivery::State;
    let scene = Scene::set().await;
    let id = scene.recorded().await;
    let page = format!("/cobros/{id}");
    fails(&scene, id).await;
    let delivery = scene.deliveries(id).await[0].id;
    let retry = format!("{page}/envios/{delivery}/reintentar");
    let fields = scene.app.get(&page).await.filled(&format!("form[action='{retry}']"), &[]);
    send(&scene, &retry, &fields).await;
    let state = async || scene.deliveries(id).await.into_iter().find(|one| one.id == delivery).unwrap().state;
    assert_eq!(state().await, State::Queued);
    fails(&scene, id).await;
    send(&scene, &retry, &fields).await;
    assert_eq!(state().await, State::Failed, "the same press");
    let fresh = scene.app.get(&page).await.filled(&format!("form[action='{retry}']"), &[]);
    send(&scene, &retry, &fresh).await;
    assert_eq!(state().await, State::Queued, "a new page is a new wish");

    // Several at once from the list.
    fails(&scene, id).await;
    let all: Vec<String> = scene.deliveries(id).await.iter().map(|one| one.id.to_string()).collect();
    let mut chosen = scene.app.get("/envios").await.filled("form[method=post][action='/envios']", &[("accion", "reintentar")]);
    chosen.extend(all.iter().map(|id| ("envio".to_owned(), id.clone())));
    let first = send(&scene, "/envios", &chosen).await;
    fails(&scene, id).await;
    assert_eq!(send(&scene, "/envios", &chosen).await.location(), first.location());
    assert_eq!(state().await, State::Failed);

    // What failed is closed once.
    let resolve = format!("{page}/envios/{delivery}/resolver");
    twice(&scene, &page, &format!("form[action='{resolve}']"), &resolve, &[("motivo", "en mano")]).await;

    // What waits is cancelled once, and nothing is said twice in the history.
    acuse_store::deliveries::retry(&scene.app.app.db, &scene.app.actor, delivery, &Conditions::default(), now()).await.unwrap();
    let cancel = format!("{page}/envios/{delivery}/anular");
    twice(&scene, &page, &format!("form[action='{cancel}']"), &cancel, &[]).await;
}

#[tokio::test]
async fn what_is_set_up_is_set_up_once() {
    let scene = Scene::set().await;
    let account = with_account(&scene).await;
    let list = "/mi-compania/correos";
    let policy = "/mi-compania/correos/si-falla";
    twice(&scene, list, &format!("form[action='{policy}']"), policy, &[("fallo", "predeterminado"), ("horas", "9")]).await;
    scene.recorded().await;
    pauses::begin(&scene.app.app.db, AccountKey::Own(account), "bad_credentials", "535", now()).await.unwrap();
    let send_waiting = format!("{list}/{account}/predeterminado");
    twice(&scene, list, &format!("form[action='{send_waiting}']"), &send_waiting, &[]).await;
    let first = pauses::find(&scene.app.app.db, AccountKey::Own(account)).await.unwrap().unwrap().default_sends_until;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    send(&scene, &send_waiting, &[]).await;
    let still = pauses::find(&scene.app.app.db, AccountKey::Own(account)).await.unwrap().unwrap().default_sends_until;
    assert!(first.is_some() && first == still, "what is queued between two presses was not meant");
    for act in ["desactivar", "activar"] {
        let to = format!("{list}/{account}/{act}");
        send(&scene, &to, &[]).await;
        let after_one = rows(&scene).await;
        send(&scene, &to, &[]).await;
        assert_eq!(rows(&scene).await, after_one);
    }
    let delete = format!("{list}/{account}/eliminar");
    send(&scene, &delete, &[]).await;
    let after_one = rows(&scene).await;
    send(&scene, &delete, &[]).await;
    assert_eq!(rows(&scene).await, after_one);
}
