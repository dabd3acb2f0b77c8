//! Every page and call with the ids of another company, by somebody in each role.

use acuse_server::route::Access;
use acuse_server::web;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::attack::Attack;
use crate::scene::{MARK, Scene};

pub async fn attacks(scene: &Scene) -> Vec<Attack> {
    let before = scene.on_their_record().await;
    let mut rows = vec![pages(scene).await, sub_ids(scene).await, calls(scene).await, bodies(scene).await, lists(scene).await];
    let mut after = Attack::new("what they have, after all that", "as it was");
    let (now, names) = (scene.on_their_record().await, ["company", "contacts", "documents", "payments", "sends", "accounts"]);
    for (place, (now, before)) in now.iter().zip(&before).enumerate() {
        after.tried(now == before, || format!("{:?}: {before} became {now}", names.get(place)));
    }
    rows.push(after);
    rows
}

/// Where what is not there is taken for gone already, and leads to the list: the button was pressed twice.
const PRESSED_TWICE: [&str; 3] = [
    "/mi-compania/usuarios/invitaciones/{id}/reenviar",
    "/mi-compania/usuarios/invitaciones/{id}/retirar",
    "/mi-cuenta/llaves/{id}/quitar",
];

async fn pages(scene: &Scene) -> Attack {
    let mut row = Attack::new("foreign id in a page, each role", "404, or 403 by role; no word of theirs");
    for (role, session) in &scene.people {
        for route in web::pages().into_iter().filter(|route| route.path.contains('{')) {
            let Access::Holders(permission) = route.access else { continue };
            let path = scene.theirs.at(&route.path);
            let request = if route.method == Method::GET {
                scene.request(Method::GET, &path).header("cookie", session)
            } else {
                scene.server.form(session, &path, &[("motivo", "x"), ("para", "a@malo.ec"), ("accion", "guardar")])
            };
            let answer = request.send().await.expect("an answer");
            let expected = if role.holds(permission) { StatusCode::NOT_FOUND } else { StatusCode::FORBIDDEN };
            let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
            let is_gone_already =
                role.holds(permission) && status == StatusCode::SEE_OTHER && PRESSED_TWICE.contains(&route.path.as_str());
            row.tried((status == expected || is_gone_already) && !text.contains(MARK), || {
                format!("{role:?} {} {}: {status}, expected {expected}", route.method, route.path)
            });
        }
    }
    row
}

/// An id of theirs below a record of ours.
async fn sub_ids(scene: &Scene) -> Attack {
    let mut row = Attack::new("their send below our payment", "404, or 403 by role");
    for (role, session) in &scene.people {
        for act in ["corregir", "reintentar", "anular", "resolver"] {
            let path = format!("/cobros/{}/envios/{}/{act}", scene.ours.payment, scene.theirs.delivery);
            let answer = scene.server.form(session, &path, &[("correo", "a@malo.ec"), ("motivo", "x")]).send().await;
            let status = answer.expect("an answer").status();
            row.tried(matches!(status.as_u16(), 403 | 404), || format!("{role:?} {path}: {status}"));
        }
    }
    row
}

/// What a call needs to get as far as its id.
fn body_for(path: &str, method: &Method) -> Value {
    match (path, method.as_str()) {
        (path, _) if path.ends_with("/void") => json!({ "reason": "x" }),
        (path, _) if path.ends_with("/resolve") => json!({ "reason": "handled" }),
        (path, _) if path.ends_with("/send") => json!({ "recipients": ["a@malo.ec"] }),
        (path, "PATCH") if path.contains("contacts") => json!({ "phone": "1" }),
        (path, "PATCH") if path.contains("accounts") => json!({ "from_name": "x" }),
        _ => json!({}),
    }
}

async fn calls(scene: &Scene) -> Attack {
    let mut row = Attack::new("foreign id in a call of the API", "404; no word of theirs");
    let document = scene.request(Method::GET, "/openapi.json").send().await.expect("an answer");
    let document: Value = document.json().await.expect("JSON");
    for (path, methods) in document["paths"].as_object().expect("paths").iter().filter(|(path, _)| path.contains('{')) {
        for method in methods.as_object().expect("methods").keys() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let mut request = scene.request(method.clone(), &scene.theirs.at(path)).bearer_auth(&scene.installation.token);
            if matches!(method.as_str(), "POST" | "PATCH" | "PUT") {
                request = request.json(&body_for(path, &method));
            }
            let answer = request.send().await.expect("an answer");
            let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
            row.tried(status == StatusCode::NOT_FOUND && !text.contains(MARK), || format!("{method} {path}: {status} {text}"));
        }
    }
    row
}

/// Their ids inside what our own company records.
async fn bodies(scene: &Scene) -> Attack {
    let mut row = Attack::new("foreign id inside what is sent", "refused; nothing is recorded");
    let (ours, theirs) = (&scene.ours, &scene.theirs);
    let today = acuse_domain::day_in_ecuador(acuse_store::now()).to_string();
    let payment = |contact: &str, line: Value, allocations: Value| json!({ "direction": "received", "contact_id": contact, "date": today, "lines": [line], "allocations": allocations });
    let cash = || json!({ "method": "cash", "amount": "1.00" });
    let sent = [
        ("/payments", payment(&theirs.contact, cash(), json!([]))),
        ("/payments", payment(&ours.contact, cash(), json!([{ "document_id": theirs.document, "amount": "1.00" }]))),
        (
            "/payments",
            payment(&ours.contact, json!({ "method": "advance", "amount": "1.00", "payment_id": theirs.payment }), json!([])),
        ),
        (
            "/documents",
            json!({ "kind": "invoice", "side": "receivable", "contact_id": theirs.contact, "number": "001-001-000000999",
                "issue_date": today, "due_date": today, "total": "1.00" }),
        ),
    ];
    for (path, body) in sent {
        let answer = scene.api(Method::POST, path).json(&body).send().await.expect("an answer");
        let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
        row.tried(matches!(status.as_u16(), 404 | 422) && !text.contains(MARK), || format!("{path} {body}: {status} {text}"));
    }
    let forms: [(&str, &[(&str, &str)]); 3] = [
        ("/cobros/nuevo", &[("persona_id", &theirs.contact), ("persona", "x"), ("accion", "guardar"), ("clave", "k-1")]),
        ("/documentos/nuevo", &[("persona_id", &theirs.contact), ("persona", "x"), ("accion", "guardar"), ("lado", "cobrar")]),
        ("/envios", &[("envio", &theirs.delivery), ("accion", "anular"), ("motivo", "x"), ("clave", "k-2")]),
    ];
    for (path, form) in forms {
        let answer = scene.server.form(scene.owner(), path, form).send().await.expect("an answer");
        let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
        row.tried(!status.is_server_error() && !text.contains(MARK), || format!("{path} {form:?}: {status}"));
    }
    row
}

/// What our lists and searches find of theirs.
async fn lists(scene: &Scene) -> Attack {
    let mut row = Attack::new("search and filter for what is theirs", "nothing is found");
    let theirs = &scene.theirs;
    let asked = [
        format!("/personas?q={MARK}"),
        format!("/personas/buscar?q={MARK}"),
        format!("/documentos?q={MARK}"),
        format!("/documentos?persona={}", theirs.contact),
        format!("/cobros?persona={}", theirs.contact),
        format!("/cobros/nuevo?persona={}", theirs.contact),
        format!("/cobros/nuevo?documento={}", theirs.document),
        format!("/documentos/nuevo?persona={}", theirs.contact),
        "/envios?estado=todos".to_owned(),
        "/".to_owned(),
    ];
    for path in asked {
        for (role, session) in &scene.people {
            let answer = scene.request(Method::GET, &path).header("cookie", session).send().await.expect("an answer");
            let text = answer.text().await.unwrap_or_default();
            // A search shows the words that were looked for.
            let tells = if path.contains(MARK) { "reservada@persona.ec" } else { MARK };
            row.tried(!text.contains(tells), || format!("{role:?} {path}"));
        }
    }
    for path in [format!("/contacts?q={MARK}"), format!("/documents?contact_id={}", theirs.contact)] {
        let answer = scene.api(Method::GET, &path).send().await.expect("an answer");
        let found: Value = answer.json().await.unwrap_or_default();
        row.tried(found["data"].as_array().is_none_or(Vec::is_empty), || format!("{path}: {found}"));
    }
    row
}
