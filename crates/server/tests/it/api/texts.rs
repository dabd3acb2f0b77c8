//! Whatever is written comes back as it was read, is taken again, and spoils no list; lists have a bound that is looked at
//! first; and what English callers are told is English.

use std::time::{Duration, Instant};

use acuse_domain::access::Role;
use acuse_render::logo::Logo;
use acuse_store::users;
use acuse_store::{companies, mail_accounts, now};
use acuse_testkit::builders::{company, mail_account};
use acuse_testkit::outside::{TEXT_COLUMNS, run, text_is_spoilt};
use acuse_testkit::world::log_in;
use axum::body::Body;
use axum::http::Request;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::support::{Answer, Api};

/// Letters that change when they are lowered, composed, mapped or shown, and that databases and pages stumble over.
const ODD: [&str; 18] = [
    "İstanbul ıI",
    "Straße ẞ",
    "oﬀen ﬁn",
    "ΟΔΟΣ σς",
    "K Å",
    "e\u{301}e\u{301}\u{301}\u{301}\u{301}\u{301} ñ n\u{303}",
    "ab\u{202e}cd\u{2066}ef\u{2069}",
    "a\u{200b}b\u{200d}c\u{feff}d\u{ad}",
    "a\u{0}b",
    "a\u{7}\u{1b}[31mb\u{85}c",
    "\u{d7ff}\u{e000}\u{fffd}\u{ffff}\u{10ffff}",
    "１２３ＡＢ．．",
    "a\u{2028}b\u{2029}c\r\nd\te",
    "🧾👩\u{200d}👩\u{200d}👧 \u{e0041}",
    "אבג abc דהו",
    "'; DROP TABLE contact; --",
    "<b>&amp;\"'",
    "%_\\",
];

/// Addresses whose domains are mapped, refused or kept.
const ODD_ADDRESSES: [&str; 14] = [
    "a@İ.ec",
    "a@ﬀ.ec",
    "a@faß.ec",
    "a@ΟΔΟΣ.ec",
    "a@K.ec",
    "a@１２.ec",
    "a@x。ec",
    "a@x.ec.",
    "a@xn--.ec",
    "a@xn--a.ec",
    "a@Compan\u{303}i\u{301}a.ec",
    "İ@x.ec",
    "jose\u{301}@x.ec",
    "a\u{0}@x.ec",
];

#[tokio::test]
async fn what_is_written_is_read_and_taken_again() {
    let api = Api::with_andina().await;
    for (index, odd) in ODD.iter().enumerate() {
        let body = json!({ "name": format!("x {odd}"), "identification_type": "passport", "identification": format!("P-{index:03}"),
            "is_customer": true, "address": odd, "phone": odd });
        comes_back(&api, "/contacts", body, &["name", "address", "phone"]).await;
        let found = api.get(&format!("/contacts?q={}", encoded(odd))).await;
        assert_eq!(found.status.as_u16(), if odd.contains('\0') { 422 } else { 200 }, "{odd:?}");
        api.get(&format!("/deliveries?q={}&problem={}", encoded(odd), encoded(odd))).await;
        let company = json!({ "legal_name": format!("x {odd}"), "trade_name": odd, "address": odd, "city": odd, "phone": odd });
        let written = api.patch("/company", company).await.expect(200);
        assert_eq!(api.get("/company").await.expect(200)["legal_name"], written["legal_name"]);
    }
    for (index, odd) in ODD_ADDRESSES.iter().enumerate() {
        let body = json!({ "name": "Persona", "identification_type": "passport", "identification": format!("Q-{index:03}"),
            "is_customer": true, "emails": [odd], "emails_by_purpose": { "invoices": odd } });
        comes_back(&api, "/contacts", body, &["emails", "emails_by_purpose"]).await;
        let changed = api.patch("/company", json!({ "email": odd })).await;
        assert!(matches!(changed.status.as_u16(), 200 | 422), "{odd:?}: {}", changed.text());
        let session = owner(&api).await;
        for page in ["//", "//personas", "//cobros", "//mi-compania/datos"] {
            assert_eq!(page_of(&api, &session, page).await.status.as_u16(), 200, "{page} after {odd:?}");
        }
    }
    assert!(api.get("/contacts?limit=200").await.expect(200)["data"].as_array().is_some_and(|all| all.len() > ODD.len()));
}

/// Either it is refused, or it is read as it was answered, and a PATCH of the same changes nothing.
async fn comes_back(api: &Api, path: &str, body: Value, fields: &[&str]) {
    let answer = api.post(path, body.clone()).await;
    if answer.status.as_u16() == 422 {
        return;
    }
    let made = answer.expect(201);
    let path = format!("{path}/{}", made["id"].as_str().expect("an id"));
    assert_eq!(api.get(&path).await.expect(200), made, "{body}");
    let again: Value =
        fields.iter().map(|field| ((*field).to_owned(), made[*field].clone())).collect::<serde_json::Map<_, _>>().into();
    assert_eq!(api.patch(&path, again).await.expect(200), made, "{body}");
    for text in made.as_object().expect("an object").values().filter_map(Value::as_str) {
        let bare = text.replace(['\u{200c}', '\u{200d}'], "");
        assert_eq!(acuse_domain::text::escaped(&bare), bare, "{body}");
    }
}

#[tokio::test]
async fn a_list_is_bounded_before_it_is_read() {
    let api = Api::with_andina().await;
    let contact = api.ours.contacts[0].0.to_string();
    let payment = api
        .post(
            "/payments",
            json!({ "direction": "received", "contact_id": contact, "date": super::support::in_days(0),
            "lines": [{ "method": "cash", "amount": "1.00" }] }),
        )
        .await
        .expect(201)["id"]
        .as_str()
        .map(str::to_owned)
        .expect("an id");
    let many: Vec<String> = (0..20_000).map(|n| format!("a{n}@x.ec")).collect();
    let same: Vec<&str> = vec!["a@x.ec"; 60_000];
    let empty: Vec<&str> = vec![""; 200_000];
    let joined = many.join(";");
    let pay = |field: &str, value: Value| {
        let mut body = json!({ "direction": "received", "contact_id": contact, "date": super::support::in_days(0),
            "lines": [{ "method": "cash", "amount": "1.00" }] });
        body[field] = value;
        body
    };
    let mut tried: Vec<(&str, String, Value)> = Vec::new();
    for list in [json!(many), json!(same), json!(empty), json!(joined)] {
        tried.push(("PATCH", format!("/contacts/{contact}"), json!({ "emails": list })));
        for purpose in ["received_payments", "made_payments", "invoices", "withholdings"] {
            tried.push(("PATCH", format!("/contacts/{contact}"), json!({ "emails_by_purpose": { purpose: list } })));
        }
        tried.push(("PATCH", "/mail-routes".to_owned(), json!({ "notify": list })));
        tried.push(("POST", "/payments".to_owned(), pay("recipients", list.clone())));
        tried.push(("POST", format!("/payments/{payment}/deliveries"), json!({ "recipients": list })));
    }
    tried.push(("POST", "/payments".to_owned(), pay("lines", json!(vec![json!({}); 50_000]))));
    tried.push(("POST", "/payments".to_owned(), pay("allocations", json!(vec![json!({}); 50_000]))));
    for (method, path, body) in tried {
        let begun = Instant::now();
        let answer = api.send(method, &path, Some(body)).await;
        let took = begun.elapsed();
        assert!(matches!(answer.status.as_u16(), 413 | 422), "{method} {path}: {} {}", answer.status, cut(&answer.text()));
        assert!(took < Duration::from_secs(3), "{method} {path} took {took:?}");
        assert!(answer.body.len() < 64 * 1024, "{method} {path} answered {} bytes", answer.body.len());
    }
    let states = vec!["x"; 30_000].join(",");
    assert!(api.get(&format!("/deliveries?state={states}")).await.body.len() < 64 * 1024);
}

#[tokio::test]
async fn twenty_addresses_are_taken_and_one_more_is_not_whichever_edge_it_is() {
    let api = Api::with_andina().await;
    let contact = api.ours.contacts[0].0.to_string();
    let list = |count: usize| (0..count).map(|n| format!("a{n}@x.ec")).collect::<Vec<_>>();
    for (count, status) in [(20, 200), (21, 422)] {
        assert_eq!(api.patch(&format!("/contacts/{contact}"), json!({ "emails": list(count) })).await.status.as_u16(), status);
    }
    let recorded = api
        .post(
            "/payments",
            json!({ "direction": "received", "contact_id": contact, "date": super::support::in_days(0),
            "lines": [{ "method": "cash", "amount": "1.00" }] }),
        )
        .await
        .expect(201);
    let id = recorded["id"].as_str().expect("an id");
    let session = owner(&api).await;
    for (count, status) in [(20, 303), (21, 422)] {
        let form = format!("clave=k{count}&otra={}", encoded(&list(count).join(";")));
        let answer = form_of(&api, &session, &format!("/cobros/{id}/reenviar"), form).await;
        assert_eq!(answer.status.as_u16(), status, "{}", cut(&answer.text()));
        let form = format!(
            "accion=guardar&clave=n{count}&persona_id={contact}&persona=Andina&fecha={}&forma=cash&valor=2,00&notificar=1&editar_para=1&para={}",
            encoded(&acuse_domain::day_in_ecuador(now()).format("%d/%m/%Y").to_string()),
            encoded(&list(count).join(";"))
        );
        let answer = form_of(&api, &session, "/cobros/nuevo", form).await;
        assert_eq!(answer.status.as_u16(), status, "{}", cut(&answer.text()));
    }
}

/// Puts garbage into each column of text of a company that has one of everything, and walks every page and list.
#[tokio::test]
async fn an_unreadable_record_spoils_its_own_line_only() {
    let place = place().await;
    for column in TEXT_COLUMNS {
        text_is_spoilt(&place.api.world.url, *column, "\u{202e}\u{1}{a@i\u{307}.ec").await;
        place.walk(&format!("{column:?}")).await;
    }
    for column in TEXT_COLUMNS {
        text_is_spoilt(&place.api.world.url, *column, "").await;
    }
    place.walk("all of them are empty").await;
}

#[tokio::test]
async fn an_unreadable_record_is_named_and_mended() {
    let place = place().await;
    let (api, url) = (&place.api, place.api.world.url.clone());
    let contact = format!("/contacts/{}", place.contact);
    run(&url, "UPDATE contact SET emails = 'a@x.ec;b@i\u{307}.ec', identification = 'x' WHERE name = 'Andina'", Vec::new()).await;
    run(&url, "UPDATE company SET email = 'b@i\u{307}.ec'", Vec::new()).await;
    run(&url, "UPDATE mail_account SET from_address = 'b@i\u{307}.ec'", Vec::new()).await;
    let named = |record: &Value| -> Vec<String> {
        let all = record["warnings"].as_array().expect("a list").iter();
        let unreadable = all.filter(|warning| warning["code"] == "field_unreadable");
        unreadable.map(|warning| warning["field"].as_str().expect("a name").to_owned()).collect()
    };
    let listed = api.get("/contacts").await.expect(200);
    let ours =
        listed["data"].as_array().expect("a list").iter().find(|one| one["id"] == place.contact.as_str()).expect("in the list");
    assert_eq!(named(ours), ["identification", "emails"]);
    let page = page_of(api, &place.session, "//personas").await.text();
    assert!(page.contains("No se puede leer"), "the line says so");
    let form = page_of(api, &place.session, &format!("//personas/{}/modificar", place.contact)).await.text();
    assert!(form.contains("no es una dirección de correo"), "the form says what is wrong");
    // Another field is changed, and what cannot be read stays for whoever mends it.
    assert_eq!(named(&api.patch(&contact, json!({ "phone": "099" })).await.expect(200)), ["identification", "emails"]);
    let mended =
        api.patch(&contact, json!({ "emails": ["a@x.ec"], "identification_type": "passport", "identification": "AB-1" })).await;
    assert_eq!(named(&mended.expect(200)), Vec::<String>::new());
    assert_eq!(named(&api.get("/company").await.expect(200)), ["email"]);
    assert_eq!(named(&api.patch("/company", json!({ "email": "b@x.ec" })).await.expect(200)), Vec::<String>::new());
    let account = format!("/mail-accounts/{}", place.account);
    assert_eq!(named(&api.get(&account).await.expect(200)), ["from_address"]);
    assert_eq!(named(&api.patch(&account, json!({ "from_address": "b@x.ec" })).await.expect(200)), Vec::<String>::new());
}

#[tokio::test]
async fn the_largest_that_one_edge_takes_the_other_takes() {
    let place = place().await;
    let api = &place.api;
    let long = |letters: usize| "ñ".repeat(letters);
    let body = json!({ "name": long(300), "address": long(500), "phone": long(500), "credit_days": 3650 });
    let kept = api.patch(&format!("/contacts/{}", place.contact), body).await.expect(200);
    let form = format!(
        "accion=guardar&tipo={}&numero={}&nombre={}&cliente=1&plazo=3650&direccion={}&telefono={}&correos=a%40x.ec",
        kept["identification_type"].as_str().unwrap_or_default(),
        kept["identification"].as_str().unwrap_or_default(),
        encoded(&long(300)),
        encoded(&long(500)),
        encoded(&long(500))
    );
    let saved = form_of(api, &place.session, &format!("/personas/{}/modificar", place.contact), form).await;
    assert_eq!(saved.status.as_u16(), 303, "{}", cut(&saved.text()));
    let whole = long(300);
    let company = json!({ "legal_name": whole, "trade_name": whole, "address": whole, "city": whole, "phone": whole });
    api.patch("/company", company).await.expect(200);
    let text = encoded(&whole);
    let form = format!("razon={text}&comercial={text}&direccion={text}&ciudad={text}&telefono={text}&correo=");
    let saved = form_of(api, &place.session, "/mi-compania/datos", form).await;
    assert_eq!(saved.status.as_u16(), 303, "{}", cut(&saved.text()));
    for (field, letters) in [("name", 301), ("address", 501), ("phone", 501)] {
        let refused = api.patch(&format!("/contacts/{}", place.contact), json!({ field: long(letters) })).await;
        assert_eq!(refused.status.as_u16(), 422, "{field}");
    }
    let reason = json!({ "reason": long(301) });
    api.post(&format!("/payments/{}/void", place.payment), reason).await.refused(422, "field_too_long", &["reason"]);
}

#[tokio::test]
async fn the_pdf_of_a_voided_receipt_says_so_and_is_noted() {
    let place = place().await;
    let api = &place.api;
    api.post(&format!("/payments/{}/void", place.payment), json!({ "reason": "Mal digitado" })).await.expect(200);
    let pdf = api.get(&format!("/payments/{}/receipt.pdf", place.payment)).await;
    assert_eq!(pdf.status.as_u16(), 200);
    assert_eq!(pdf.header("content-disposition"), "attachment; filename=\"Recibo-RC-000001-ANULADO.pdf\"");
    let history = page_of(api, &place.session, &format!("//cobros/{}", place.payment)).await.text();
    assert!(history.contains("PDF"), "the history has the download");
}

/// Whatever changes of the company and the person later.
#[tokio::test]
async fn a_receipt_is_that_paper_for_ever() {
    let place = place().await;
    let (api, db) = (&place.api, &place.api.world.db);
    let logo = |pixel: &[u8]| Logo::from_upload(pixel).expect("a picture").png().to_vec();
    companies::change_logo(db, &api.ours.actor, Some(logo(PIXEL))).await.expect("a logo");
    let body = json!({ "direction": "received", "contact_id": place.contact, "date": super::support::in_days(0),
        "lines": [{ "method": "cash", "amount": "2.00" }] });
    let with_logo = api.post("/payments", body).await.expect(201)["id"].as_str().expect("an id").to_owned();
    let paper = |id: &str| format!("/payments/{id}/receipt.pdf");
    let before = [api.get(&paper(&place.payment)).await.body, api.get(&paper(&with_logo)).await.body];
    assert_ne!(before[0], before[1]);
    let company =
        json!({ "legal_name": "Otra", "trade_name": "Otra", "address": "Otra", "city": "Otra", "phone": "1", "email": "o@x.ec" });
    api.patch("/company", company).await.expect(200);
    let contact = json!({ "name": "Otra", "identification_type": "passport", "identification": "ZZ-9", "address": "Otra",
        "phone": "1", "emails": ["otra@x.ec"] });
    api.patch(&format!("/contacts/{}", place.contact), contact).await.expect(200);
    companies::change_logo(db, &api.ours.actor, None).await.expect("no logo");
    assert!([api.get(&paper(&place.payment)).await.body, api.get(&paper(&with_logo)).await.body] == before, "another paper");
}

/// A PNG of one red pixel.
const PIXEL: &[u8] = &[
    0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0,
    0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 12, b'I', b'D', b'A', b'T', 8, 0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 3, 1, 1, 0, 0x18,
    0xdd, 0x8d, 0xb0, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

/// A company with one of everything, and what a browser needs to see its pages.
pub struct Place {
    pub api: Api,
    pub session: String,
    pub contact: String,
    pub document: String,
    pub payment: String,
    pub delivery: String,
    pub account: String,
}

pub async fn place() -> Place {
    let api =
        Api::of(company().with_customer("Andina").with_open_invoice("120.00").with_open_invoice("80.00").with_customer("Otra"))
            .await;
    let (contact, document) = (api.ours.contacts[0].0.to_string(), api.ours.documents[0].0.to_string());
    let module = acuse_domain::mail_account::MailModule::ReceivedPayments;
    let form = mail_account(module, "clave");
    let account =
        mail_accounts::create(&api.world.db, &api.world.keys(), &api.ours.actor, &form, None, now()).await.expect("an account");
    let body = json!({ "direction": "received", "contact_id": contact, "date": super::support::in_days(0), "description": "Abono",
        "lines": [{ "method": "transfer", "amount": "50.00", "reference": "1", "bank": "Pichincha", "account": "2100443421" },
            { "method": "check", "amount": "1.00", "reference": "2", "kind": "certified" }],
        "allocations": [{ "document_id": document, "amount": "40.00" }], "notify": true });
    let recorded = api.post("/payments", body).await.expect(201);
    let text = |value: &Value| value.as_str().expect("an id").to_owned();
    let (payment, delivery) = (text(&recorded["id"]), text(&recorded["deliveries"][0]["id"]));
    let session = owner(&api).await;
    Place { session, contact, document, payment, delivery, account: account.to_string(), api }
}

impl Place {
    async fn walk(&self, after: &str) {
        self.go_through(after, &[200]).await;
        for list in ["contacts", "documents"] {
            assert_eq!(
                self.api.get(&format!("/{list}")).await.json()["data"].as_array().map(Vec::len),
                Some(2),
                "{list} after {after}"
            );
        }
    }

    /// Every list, and every record by itself, which may also answer with one of these.
    pub async fn go_through(&self, after: &str, of_one: &[u16]) {
        let Self { api, session, contact, document, payment, delivery, account } = self;
        let calls = ["company", "contacts", "documents", "payments", "deliveries", "mail-accounts", "mail-routes"];
        let one = [
            format!("contacts/{contact}"),
            format!("documents/{document}"),
            format!("payments/{payment}"),
            format!("payments/{payment}/deliveries"),
            format!("deliveries/{delivery}"),
            format!("mail-accounts/{account}"),
        ];
        let lists = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), &[200][..])).collect::<Vec<_>>();
        for (call, right) in lists(&calls).into_iter().chain(one.map(|call| (call, of_one))) {
            let answer = api.get(&format!("/{call}")).await;
            assert!(right.contains(&answer.status.as_u16()), "/{call} after {after}: {}", cut(&answer.text()));
        }
        let pages = ["", "personas", "documentos", "cobros", "pagos", "envios", "mi-compania/correos", "mi-compania/datos"];
        let one = [
            format!("personas/{contact}"),
            format!("personas/{contact}/modificar"),
            "personas/buscar?q=a".to_owned(),
            format!("documentos/{document}"),
            format!("cobros/{payment}"),
            format!("cobros/{payment}/reenviar"),
            format!("cobros/{payment}/anular"),
            format!("cobros/{payment}/envios"),
            format!("cobros/nuevo?persona={contact}"),
            format!("cobros/nuevo?copiar={payment}"),
            format!("mi-compania/correos/{account}"),
        ];
        for (page, right) in lists(&pages).into_iter().chain(one.map(|page| (page, of_one))) {
            let answer = page_of(api, session, &format!("//{page}")).await;
            assert!(right.contains(&answer.status.as_u16()), "/{page} after {after}: {}", cut(&answer.text()));
        }
    }
}

async fn owner(api: &Api) -> String {
    let address = format!("ana{}@x.ec", uuid::Uuid::now_v7().simple());
    let password = SecretString::from("una clave larga");
    let db = &api.world.db;
    users::create(db, api.ours.id, "Ana", &address.parse().expect("an address"), &password, Role::Owner, now())
        .await
        .expect("a user");
    let session = log_in(db, &address, "una clave larga", now()).await.expect("the right password");
    format!("acuse_sesion={}", session.expose_secret())
}

pub async fn page_of(api: &Api, session: &str, path: &str) -> Answer {
    let uri = path.strip_prefix('/').expect("a path");
    api.ask(Request::get(uri).header("cookie", session).body(Body::empty()).expect("a request")).await
}

async fn form_of(api: &Api, session: &str, path: &str, form: String) -> Answer {
    let request = Request::post(path)
        .header("cookie", session)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .body(Body::from(form));
    api.ask(request.expect("a request")).await
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

pub fn cut(text: &str) -> &str {
    acuse_domain::text::cut(text, 600)
}
