//! Whatever is written stands in the history: every form and every call that writes, with a good request each.

use std::collections::BTreeSet;

use acuse_domain::access::Role;
use acuse_domain::id::CompanyId;
use acuse_server::route::Access;
use acuse_server::web::audit::refused;
use acuse_server::{api, web};
use acuse_store::audit::{self, Entry, Filter};
use acuse_store::pauses::{self, AccountKey};
use acuse_store::{Db, Page, access, invitations, mail_accounts, now, tokens};
use acuse_testkit::builders::listed;
use acuse_testkit::outside;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::api::support::{Api, in_days};
use crate::support::{Answer, PASSWORD, end_of_next_year};
use crate::web::account_form::Filled;
use crate::web::payments::scene::Scene;

const MAIL_PASSWORD: &str = "s3creta-del-banco";
/// A PNG of one red pixel.
const PIXEL: &[u8] = &[
    0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0,
    0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 12, b'I', b'D', b'A', b'T', 8, 0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 3, 1, 1, 0, 0x18,
    0xdd, 0x8d, 0xb0, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

/// Forms that write nothing of a company's, or whose acts are tried elsewhere.
const NOT_WALKED: [(&str, &str); 35] = [
    ("/demo/buzon", "the demo's own mailbox is no record"),
    ("/tema", "a colour, in this browser"),
    ("/mi-compania/correos/conectar/{provider}", "leads to the provider"),
    ("/mi-compania/correos/{id}/conectar", "leads to the provider"),
    ("/mi-compania/correos/oauth/{provider}/confirmar", "store/tests/it/oauth.rs: the act is `oauth::connect`"),
    ("/mi-compania/correos/{id}/dominio", "store/tests/it/audit.rs: the acts are those of `dkim`"),
    ("/entrar/segundo-paso", "the entry is that of a login: logins.rs"),
    ("/entrar/llave", "the entry is that of a login: logins.rs"),
    ("/entrar/llave/reto", "asks for what is to be signed"),
    ("/entrar/otra-vez", "shows once more who it is"),
    ("/mi-cuenta/correo", "store/tests/it/account_links.rs: the entry comes with the change"),
    ("/correo/{token}", "store/tests/it/account_links.rs"),
    ("/invitacion/{token}", "store/tests/it/invitations.rs"),
    ("/invitacion/{token}/rechazar", "store/tests/it/invitations.rs"),
    ("/clave-olvidada", "asks for a mail; the entry comes with the new password"),
    ("/clave/{token}", "store/tests/it/account_links.rs"),
    ("/primer-inicio/{token}", "store/tests/it/first_start.rs: there is no company before"),
    ("/companias/nueva", "the entry is the new company's own: store/tests/it/many_companies.rs"),
    ("/companias/{id}/entrar", "leads elsewhere"),
    ("/mi-compania/eliminar", "store/tests/it/many_companies.rs"),
    ("/mi-compania/eliminar/cancelar", "store/tests/it/many_companies.rs"),
    ("/mi-compania/eliminar/confirmar", "the history goes with the company"),
    ("/mi-cuenta/clave", "store/tests/it/second_factor.rs"),
    ("/mi-cuenta/segundo-paso", "store/tests/it/second_factor.rs"),
    ("/mi-cuenta/segundo-paso/quitar", "store/tests/it/second_factor.rs"),
    ("/mi-cuenta/codigos", "store/tests/it/second_factor.rs"),
    ("/mi-cuenta/llaves/nueva", "store/tests/it/second_factor.rs"),
    ("/mi-cuenta/llaves/reto", "asks for what is to be signed"),
    ("/mi-cuenta/llaves/{id}/quitar", "store/tests/it/second_factor.rs"),
    ("/mi-cuenta/sesiones/{id}/cerrar", "store/tests/it/second_factor.rs"),
    ("/mi-cuenta/sesiones/cerrar-las-demas", "store/tests/it/second_factor.rs"),
    ("/mi-compania/usuarios/{id}", "store/tests/it/access.rs"),
    ("/mi-compania/usuarios/{id}/quitar", "store/tests/it/access.rs"),
    ("/mi-compania/usuarios/{id}/clave", "store/tests/it/account_links.rs"),
    ("/{id}/envios/{envio}/corregir", "the act is `resend`, whose entry is the same"),
];
const NOT_CALLED: [(&str, &str); 7] = [
    ("DELETE /api/v1/token", "api/tokens.rs: it ends what the others are called with"),
    ("POST /api/v1/mail-accounts/check", "tries what is not kept, and keeps nothing"),
    ("POST /api/v1/mail-accounts/discover", "asks the DNS, and keeps nothing"),
    ("POST /api/v1/mail-accounts/{id}/dkim", "store/tests/it/audit.rs: the acts are those of `dkim`"),
    ("DELETE /api/v1/mail-accounts/{id}/dkim", "as above"),
    ("POST /api/v1/mail-accounts/{id}/dkim/check", "as above"),
    ("POST /api/v1/mail-accounts/{id}/dkim/stop", "as above"),
];

async fn entries(db: &Db, company: CompanyId) -> Vec<Entry> {
    listed(audit::list(db, company, &Filter::default(), Page { after: None, limit: 1_000 }).await)
}

/// What was walked so far, each with one entry more at least.
struct Walk {
    db: Db,
    company: CompanyId,
    seen: u64,
    walked: BTreeSet<String>,
}

impl Walk {
    async fn of(db: &Db, company: CompanyId) -> Self {
        let seen = audit::count(db, company, &Filter::default()).await.unwrap();
        Self { db: db.clone(), company, seen, walked: BTreeSet::new() }
    }

    async fn expect_more(&mut self, route: &str, status: StatusCode, text: &str) {
        assert!(status.is_success() || status.is_redirection(), "{route}: {status} {text}");
        let now = audit::count(&self.db, self.company, &Filter::default()).await.unwrap();
        assert!(now > self.seen, "{route} left nothing in the history: {text}");
        self.seen = now;
        self.walked.insert(route.to_owned());
    }

    async fn form(&mut self, scene: &Scene, route: &str, to: &str, fields: &[(String, String)]) -> Answer {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = scene.app.post(to, &fields).await;
        self.expect_more(route, answer.status, &answer.text()).await;
        answer
    }

    /// As the page's own form is filled in.
    async fn filled(&mut self, scene: &Scene, route: &str, page: &str, form: &str, to: &str, typed: &[(&str, &str)]) {
        let fields = scene.app.get(page).await.filled(form, typed);
        self.form(scene, route, to, &fields).await;
    }
}

async fn all_deliveries(scene: &Scene, state: &str) {
    let url = format!("sqlite://{}", scene.app.folder().join("acuse.db").display());
    let sql = format!("UPDATE delivery SET state = '{state}', next_attempt_at = NULL, finished_at = queued_at");
    outside::run(&url, &sql, vec![]).await;
}

#[tokio::test]
async fn every_form_that_writes_stands_in_the_history_and_no_secret_does() {
    let scene = Scene::set().await;
    let (app, db) = (&scene.app, &scene.app.app.db);
    let mut walk = Walk::of(db, scene.company()).await;
    walk_records(&scene, &mut walk).await;
    walk_payments(&scene, &mut walk).await;
    walk_company(&scene, &mut walk).await;
    walk_access(&scene, &mut walk).await;
    let entered = app.post_as("", "/entrar", &[("correo", "ana@cotopaxi.ec"), ("clave", PASSWORD)]).await;
    walk.expect_more("/entrar", entered.status, "").await;
    let session = entered.new_cookie().split(';').next().unwrap().trim_start_matches("acuse_sesion=").to_owned();
    let left = app.post_as(&session, "/salir", &[]).await;
    walk.expect_more("/salir", left.status, "").await;

    for route in web::pages().into_iter().filter(|route| route.method == Method::POST) {
        let path = ["/cobros", "/pagos"].into_iter().find_map(|book| route.path.strip_prefix(book)).unwrap_or(&route.path);
        let is_known = walk.walked.contains(path) || NOT_WALKED.iter().any(|(own, why)| *own == path && !why.is_empty());
        assert!(is_known, "{path} is not walked");
    }
    let all = format!("{:?}", entries(db, scene.company()).await);
    for secret in [PASSWORD, MAIL_PASSWORD, session.as_str(), app.session.as_str()] {
        assert!(!all.contains(secret), "a secret stands in the history: {secret}");
    }
    assert!(all.contains("cambió"), "that it was changed does");
    audit::seal_any_company(db).await.unwrap();
    assert_eq!(audit::verify(db, scene.company()).await.unwrap().findings, []);
}

async fn walk_records(scene: &Scene, walk: &mut Walk) {
    let person = [("tipo", "other"), ("numero", "AB-123"), ("nombre", "Nueva S.A."), ("cliente", "1"), ("accion", "guardar")];
    walk.filled(scene, "/personas/nueva", "/personas/nueva", "form.ac-entry", "/personas/nueva", &person).await;
    let change = format!("/personas/{}/modificar", scene.customer);
    let typed = [("telefono", "02 555"), ("accion", "guardar")];
    walk.filled(scene, "/personas/{id}/modificar", &change, "form.ac-entry", &change, &typed).await;
    let (customer, due) = (scene.customer.to_string(), end_of_next_year());
    let document = [
        ("lado", "cobrar"),
        ("persona_id", customer.as_str()),
        ("persona", ""),
        ("tipo", "invoice"),
        ("numero", "001-001-000000777"),
        ("vence", due.as_str()),
        ("total", "10"),
        ("accion", "guardar"),
    ];
    walk.filled(scene, "/documentos/nuevo", "/documentos/nuevo", "form.ac-entry", "/documentos/nuevo", &document).await;
}

async fn walk_payments(scene: &Scene, walk: &mut Walk) {
    let id = scene.recorded().await;
    walk.expect_more("/nuevo", StatusCode::OK, "").await;
    let page = format!("/cobros/{id}");
    let resend = format!("{page}/reenviar");
    walk.filled(scene, "/{id}/reenviar", &resend, "dialog form", &resend, &[("otra", "tesoreria@andina.ec")]).await;
    all_deliveries(scene, "failed").await;
    let delivery = scene.deliveries(id).await[0].id;
    let retry = format!("{page}/envios/{delivery}/reintentar");
    let form = format!("form[action='{retry}']");
    walk.filled(scene, "/{id}/envios/{envio}/reintentar", &page, &form, &retry, &[]).await;
    let cancel = format!("{page}/envios/{delivery}/anular");
    let form = format!("form[action='{cancel}']");
    walk.filled(scene, "/{id}/envios/{envio}/anular", &page, &form, &cancel, &[]).await;
    all_deliveries(scene, "failed").await;
    let resolve = format!("{page}/envios/{delivery}/resolver");
    let form = format!("form[action='{resolve}']");
    walk.filled(scene, "/{id}/envios/{envio}/resolver", &page, &form, &resolve, &[("motivo", "en mano")]).await;
    let list = "form[method=post][action='/envios']";
    let mut chosen = scene.app.get("/envios").await.filled(list, &[("accion", "reintentar")]);
    chosen.extend(scene.deliveries(id).await.iter().map(|one| ("envio".to_owned(), one.id.to_string())));
    walk.form(scene, "/envios", "/envios", &chosen).await;
    let void = format!("{page}/anular");
    walk.filled(scene, "/{id}/anular", &void, "dialog form", &void, &[("motivo", "Se registró dos veces")]).await;
}

async fn walk_company(scene: &Scene, walk: &mut Walk) {
    let (app, db, list) = (&scene.app, &scene.app.app.db, "/mi-compania/correos");
    let data = "/mi-compania/datos";
    walk.filled(scene, data, data, "form[action='/mi-compania/datos']", data, &[("ciudad", "Loja")]).await;
    let logo = Request::post("/mi-compania/logo")
        .header("cookie", app.served().1)
        .header("content-type", "multipart/form-data; boundary=x")
        .header("sec-fetch-site", "same-origin")
        .body(Body::from(
            [&b"--x\r\nContent-Disposition: form-data; name=\"logo\"; filename=\"l.png\"\r\n\r\n"[..], PIXEL, b"\r\n--x--\r\n"]
                .concat(),
        ));
    let kept = app.ask(logo.unwrap()).await;
    walk.expect_more("/mi-compania/logo", kept.status, &kept.text()).await;
    walk.form(scene, "/mi-compania/logo/quitar", "/mi-compania/logo/quitar", &[]).await;
    let account =
        Filled::account("127.0.0.1:9".parse().unwrap()).with("usuario", "cobros@cotopaxi.ec").with("clave", MAIL_PASSWORD);
    walk.form(scene, list, list, &account.with("accion", "guardar").0).await;
    let id = mail_accounts::list(db, app.company).await.unwrap()[0].id;
    let own = format!("{list}/{id}");
    let changed = Filled::of(&app.get(&own).await).with("nombre", "Otro nombre").with("accion", "guardar");
    walk.form(scene, "/mi-compania/correos/{id}", &own, &changed.0).await;
    walk.form(scene, "/mi-compania/correos/{id}/probar", &format!("{own}/probar"), &[]).await;
    let policy = "/mi-compania/correos/si-falla";
    let form = format!("form[action='{policy}']");
    walk.filled(scene, policy, list, &form, policy, &[("fallo", "predeterminado"), ("horas", "9")]).await;
    pauses::begin(db, AccountKey::Own(id), "bad_credentials", "535", now()).await.unwrap();
    walk.expect_more("an account that Acuse puts to rest", StatusCode::OK, "").await;
    walk.form(scene, "/mi-compania/correos/{id}/predeterminado", &format!("{own}/predeterminado"), &[]).await;
    for act in ["desactivar", "activar", "eliminar"] {
        walk.form(scene, &format!("/mi-compania/correos/{{id}}/{act}"), &format!("{own}/{act}"), &[]).await;
    }
}

async fn walk_access(scene: &Scene, walk: &mut Walk) {
    let (db, company) = (&scene.app.app.db, scene.company());
    let invite = "/mi-compania/usuarios/invitar";
    let person = [("correo", "caja@cotopaxi.ec"), ("nombre", "Vero"), ("rol", "clerk")];
    walk.filled(scene, invite, invite, "form.ac-entry", invite, &person).await;
    for act in ["reenviar", "retirar"] {
        let id = invitations::open(db, company).await.unwrap()[0].id;
        let (to, route) = (
            format!("/mi-compania/usuarios/invitaciones/{id}/{act}"),
            format!("/mi-compania/usuarios/invitaciones/{{id}}/{act}"),
        );
        walk.form(scene, &route, &to, &[]).await;
    }
    let new = "/mi-compania/integraciones/nuevo";
    walk.filled(scene, new, new, "form.ac-narrow", new, &[("nombre", "ERP"), ("puede", "read")]).await;
    let id = access::live_tokens(db, company).await.unwrap()[0].0;
    let revoke = format!("/mi-compania/integraciones/{id}/revocar");
    walk.filled(scene, "/mi-compania/integraciones/{id}/revocar", &revoke, "dialog form", &revoke, &[]).await;
    let form = "form[action='/mi-cuenta']";
    walk.filled(scene, "/mi-cuenta", "/mi-cuenta", form, "/mi-cuenta", &[("nombre", "Ana María Toapanta")]).await;
    for act in ["exportar", "archivar", "reabrir"] {
        let to = format!("/mi-compania/{act}");
        walk.form(scene, &to, &to, &[]).await;
    }
    let rule = [("exigir".to_owned(), "owners".to_owned())];
    walk.form(scene, "/mi-compania/segundo-paso", "/mi-compania/segundo-paso", &rule).await;
}

#[tokio::test]
async fn every_call_that_writes_stands_in_the_history_as_its_tokens() {
    let api = Api::with_andina().await;
    let mut walk = Walk::of(&api.world.db, api.ours.id).await;
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    let made = call(
        &api,
        &mut walk,
        "POST /contacts",
        "",
        json!({ "name": "Nueva", "identification_type": "other",
        "identification": "AB-9", "is_customer": true, "emails": ["a@nueva.ec"] }),
    )
    .await;
    call(&api, &mut walk, "PATCH /contacts/{id}", &id(&made), json!({ "phone": "02 1" })).await;
    call(
        &api,
        &mut walk,
        "POST /documents",
        "",
        json!({ "contact_id": id(&made), "kind": "invoice", "side": "receivable",
        "number": "001-001-000000999", "issue_date": in_days(0), "due_date": in_days(9), "total": "5.00" }),
    )
    .await;
    call(&api, &mut walk, "PATCH /company", "", json!({ "city": "Loja" })).await;
    let cobro = json!({ "direction": "received", "contact_id": api.ours.contacts[0].to_string(), "date": in_days(0),
        "lines": [{ "method": "cash", "amount": "10.00" }], "recipients": ["uno@andina.ec"] });
    let payment = call(&api, &mut walk, "POST /payments", "", cobro).await;
    call(&api, &mut walk, "POST /payments/{id}/deliveries", &id(&payment), json!({ "recipients": ["dos@andina.ec"] })).await;
    let delivery = id(&payment["deliveries"][0]);
    let fail = "UPDATE delivery SET state = 'failed', next_attempt_at = NULL, finished_at = queued_at";
    outside::run(&api.world.url, fail, vec![]).await;
    call(&api, &mut walk, "POST /deliveries/{id}/retry", &delivery, json!({})).await;
    call(&api, &mut walk, "POST /deliveries/{id}/cancel", &delivery, json!({})).await;
    outside::run(&api.world.url, fail, vec![]).await;
    call(&api, &mut walk, "POST /deliveries/{id}/resolve", &delivery, json!({ "reason": "en mano" })).await;
    call(&api, &mut walk, "POST /payments/{id}/void", &id(&payment), json!({ "reason": "dos veces" })).await;
    let account = json!({ "module": "received_payments", "server": "127.0.0.1", "port": 9, "security": "none",
        "username": "cobros@empresa.ec", "password": MAIL_PASSWORD, "from_name": "E", "from_address": "cobros@empresa.ec" });
    let account = id(&call(&api, &mut walk, "POST /mail-accounts", "", account).await);
    call(&api, &mut walk, "PATCH /mail-accounts/{id}", &account, json!({ "from_name": "Otro" })).await;
    call(&api, &mut walk, "POST /mail-accounts/{id}/check", &account, json!({})).await;
    call(&api, &mut walk, "PATCH /mail-routes", "", json!({ "on_failure": "use_default", "after_hours": 2 })).await;
    call(&api, &mut walk, "DELETE /mail-accounts/{id}", &account, Value::Null).await;

    for (path, item, _) in api::access() {
        let methods = [("POST", item.post), ("PATCH", item.patch), ("PUT", item.put), ("DELETE", item.delete)];
        for (method, _) in methods.into_iter().filter(|(_, call)| call.is_some()) {
            let call = format!("{method} {path}");
            let is_known = walk.walked.contains(&call.replace("/api/v1", "")) || NOT_CALLED.iter().any(|(own, _)| *own == call);
            assert!(is_known, "{call} is not walked");
        }
    }
    let found = entries(&api.world.db, api.ours.id).await;
    assert!(found.iter().take(10).all(|one| one.who_kind == "token" && one.who == "API: pruebas"), "{found:?}");
    assert!(!format!("{found:?}").contains(MAIL_PASSWORD));
}

/// Carries out one call, `id` in the place of `{id}`.
async fn call(api: &Api, walk: &mut Walk, call: &str, id: &str, body: Value) -> Value {
    let (method, path) = call.split_once(' ').unwrap();
    let body = (!body.is_null()).then_some(body);
    let answer = api.send(method, &path.replace("{id}", id), body).await;
    walk.expect_more(call, answer.status, &answer.text()).await;
    if answer.body.is_empty() { Value::Null } else { answer.json() }
}

#[tokio::test]
async fn who_is_refused_and_who_guesses_stands_in_the_history() {
    let scene = Scene::set().await;
    let (app, db) = (&scene.app, &scene.app.app.db);
    let viewer = app.session_of(Role::Viewer).await;
    assert_eq!(app.post_as(&viewer, "/mi-compania/logo/quitar", &[]).await.status, StatusCode::FORBIDDEN);
    let refused = &entries(db, app.company).await[0];
    assert_eq!((refused.code.as_str(), refused.detail.as_str()), ("access.refused", "POST /mi-compania/logo/quitar"));
    assert!(refused.was_refused && refused.who_kind == "user");
    app.post_as("", "/entrar", &[("correo", "ana@cotopaxi.ec"), ("clave", "otra cosa larga")]).await;
    for _ in 0..200 {
        if entries(db, app.company).await[0].code == "login.wrong" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let wrong = &entries(db, app.company).await[0];
    assert_eq!(
        (wrong.code.as_str(), wrong.who.as_str(), wrong.subject_name.as_str()),
        ("login.wrong", "Sin identificar", "Ana Toapanta")
    );
    assert!(!format!("{wrong:?}").contains("otra cosa larga"));
}

#[tokio::test]
async fn the_page_says_who_did_what_and_leads_there() {
    let scene = Scene::set().await;
    let app = &scene.app;
    let id = scene.recorded().await;
    app.post("/mi-compania/datos", &[("razon", "<b>Cotopaxi</b> S.A."), ("comercial", "=1+1")]).await;
    let page = app.get("/mi-compania/historial").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let rows = page.all(".ac-log tbody tr");
    assert!(rows[0].contains("Ana Toapanta") && rows[0].contains("Cambió los datos de la compañía"), "{rows:?}");
    assert!(rows[0].contains("Razón social") && rows[0].contains("<b>Cotopaxi</b> S.A."), "{rows:?}");
    assert!(!page.text().contains("<b>Cotopaxi"), "as text");
    assert!(rows[1].contains("Registró el cobro RC-000001") && rows[1].contains("Comercial Andina S.A."), "{rows:?}");
    assert_eq!(
        page.attribute(&format!(".ac-log a[href='/cobros/{id}']"), "href").as_deref(),
        Some(format!("/cobros/{id}").as_str())
    );
    assert!(page.one(".ac-sumline").contains("entradas"), "{}", page.one(".ac-sumline"));
    let found = async |query: &str| app.get(&format!("/mi-compania/historial?{query}")).await.all(".ac-log tbody tr").len();
    assert_eq!(found("q=rc-000001").await, 1);
    assert_eq!(found("que=compania").await, 2, "the company's creation, and the change");
    assert_eq!(found("quien=acuse").await, 0);
    assert_eq!(found("desde=1/1/2000&hasta=2/1/2000").await, 0);
    assert!(app.get("/mi-compania/historial?desde=31/2/2026").await.one(".ac-late").starts_with("Desde no se aplica"));
    let csv = app.get("/mi-compania/historial.csv").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.text().starts_with("\u{feff}Fecha,") && csv.text().contains("Nombre comercial: Distribuidora Cotopaxi → =1+1"));
    assert_eq!(
        app.get("/mi-compania/historial").await.all(".ac-log tbody tr").len(),
        rows.len() + 1,
        "the export stands there too"
    );
    audit::seal_any_company(&app.app.db).await.unwrap();
    audit::verify_all_any_company(&app.app.db, now()).await.unwrap();
    let checked = app.get("/mi-compania/historial").await.one(".ac-sumline [data-state=ok]");
    assert!(checked.starts_with("Sin alteraciones:") && checked.contains("entradas comprobadas hoy"), "{checked}");
    let stranger = app.stranger().await;
    assert!(!app.get_as(&stranger.session, "/mi-compania/historial").await.text().contains("RC-000001"));
    for (role, status) in
        [(Role::Viewer, StatusCode::OK), (Role::Assistant, StatusCode::FORBIDDEN), (Role::Clerk, StatusCode::FORBIDDEN)]
    {
        let session = app.session_of(role).await;
        for path in ["/mi-compania/historial", "/mi-compania/historial.csv"] {
            assert_eq!(app.get_as(&session, path).await.status, status, "{role:?} {path}");
        }
    }
}

#[tokio::test]
async fn whatever_is_read_in_the_history_is_found_by_typing_it() {
    let scene = Scene::set().await;
    let (app, db) = (&scene.app, &scene.app.app.db);
    let mut walk = Walk::of(db, scene.company()).await;
    walk_records(&scene, &mut walk).await;
    walk_payments(&scene, &mut walk).await;
    walk_company(&scene, &mut walk).await;
    let clerk = app.session_of(Role::Clerk).await;
    assert_eq!(app.get_as(&clerk, "/mi-compania/usuarios").await.status, StatusCode::FORBIDDEN);
    let rows = |query: String| async move {
        let page = app.get(&format!("/mi-compania/historial?{query}")).await;
        let [whats, whos] = ["td.ac-1w", "th"].map(|cell| page.all(&format!(".ac-log tbody {cell}")));
        let values = page.all(".ac-log tbody td.ac-3w");
        whos.into_iter().zip(whats).zip(values).map(|((who, what), values)| format!("{who} {what} {values}")).collect::<Vec<_>>()
    };
    let all = rows(String::new()).await;
    let refused = all.iter().find(|row| row.contains("Quiso ver los usuarios: no se le permite"));
    assert!(refused.is_some_and(|row| row.contains("/mi-compania/usuarios") && row.contains("rechazado")), "{all:#?}");
    assert!(all.len() > 20, "{}", all.len());
    let mut seen = BTreeSet::new();
    for row in all.iter().filter(|row| seen.insert((*row).clone())) {
        let typed = row.replace("(nada)", "").to_uppercase().replace('Ó', "o").replace('Á', "A");
        let found = rows(format!("q={}", url_encoded(&typed))).await;
        assert!(found.contains(row), "«{typed}» does not find «{row}» but {found:#?}");
    }
    assert_eq!(rows("q=quiso%20abrir%20otra%20cosa".to_owned()).await.len(), 0);
}

fn url_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn whatever_may_be_refused_is_said_in_words() {
    let with_ids = |path: &str| {
        let part = |part: &str| if part.starts_with('{') { "0190".to_owned() } else { part.to_owned() };
        path.split('/').map(part).collect::<Vec<_>>().join("/")
    };
    let is_ever_refused = |permission| Role::ALL.iter().any(|role| !role.holds(permission));
    for route in web::pages() {
        if matches!(route.access, Access::Holders(permission) if is_ever_refused(permission)) {
            let words = refused::in_words(&format!("{} {}", route.method, with_ids(&route.path)));
            assert!(words != refused::ANYTHING && !words.ends_with(refused::BY_API), "{} {}", route.method, route.path);
        }
    }
    for (path, call, access) in api::access().filter(|(.., access)| matches!(access, Access::Holders(_))) {
        let methods = [("GET", call.get), ("POST", call.post), ("PATCH", call.patch), ("PUT", call.put), ("DELETE", call.delete)];
        for (method, _) in methods.into_iter().filter(|(_, call)| call.is_some()) {
            let words = refused::in_words(&format!("{method} {}", with_ids(&path)));
            assert!(words.ends_with(refused::BY_API), "{method} {path}: {words} ({access:?})");
        }
    }
}

#[tokio::test]
async fn the_file_says_in_words_who_it_was_and_what_was_refused() {
    let scene = Scene::set().await;
    let app = &scene.app;
    let clerk = app.session_of(Role::Clerk).await;
    app.get_as(&clerk, "/mi-compania/usuarios").await;
    let csv = app.get("/mi-compania/historial.csv").await.text();
    assert!(csv.contains("\"usuario\",\"Quiso ver los usuarios: no se le permite (GET /mi-compania/usuarios)\""), "{csv}");
    for word in ["\"operator\"", "\"user\"", "\"acuse\"", "\"unknown\""] {
        assert!(!csv.contains(word), "{word} in {csv}");
    }
    for book in ["/mi-compania/historial", "/cobros", "/pagos"] {
        let turned = app.get(&format!("{book}?desde=2/1/2026&hasta=1/1/2026")).await.one(".ac-late");
        assert_eq!(turned, "Desde es posterior a Hasta: entre las dos no hay ningún día.", "{book}");
    }
}

#[tokio::test]
async fn a_token_made_known_stands_there_without_itself() {
    let scene = Scene::set().await;
    let (_, token) = tokens::create(&scene.app.app.db, scene.company(), "ERP", now()).await.unwrap();
    let all = format!("{:?}", entries(&scene.app.app.db, scene.company()).await);
    assert!(all.contains("token.created") && !all.contains(token.expose_secret()));
}
