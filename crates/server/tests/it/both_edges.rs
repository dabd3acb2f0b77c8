//! Form and API read a noun by one set of rules: what one takes the other takes, and what is wrong is said in the same words.

use acuse_domain::id::{ContactId, DocumentId};
use acuse_store::{now, tokens};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};
use crate::web::payments::scene::{ANDINA, Scene, field, line, share};

/// Generated inputs of each noun: each is sent twice.
const CASES: usize = 60;

/// Texts at and beyond each limit, with what is not seen around and inside of them.
fn text(most: usize) -> impl Strategy<Value = String> {
    let lengths = select(vec![0, 1, 7, most - 1, most, most + 1, 2 * most]);
    let around = select(vec!["", " ", "\u{feff}", "\u{a0}\t", "\u{202e}"]);
    (lengths, around).prop_map(|(length, around)| format!("{around}{}{around}", "ñ".repeat(length)))
}

fn addresses(most: usize) -> impl Strategy<Value = String> {
    let many = |count: usize| (0..count).map(|at| format!("a{at}@andina.ec")).collect::<Vec<_>>().join("; ");
    select(vec![
        String::new(),
        "pagos@andina.ec".to_owned(),
        "Ana <ana@andina.ec>, juan@sierra.ec".to_owned(),
        "pagos@".to_owned(),
        "pagos".to_owned(),
        many(most),
        many(most + 1),
    ])
}

fn generated<T: std::fmt::Debug>(strategy: &impl Strategy<Value = T>) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    (0..CASES).map(|_| strategy.new_tree(&mut runner).expect("a value").current()).collect()
}

struct Edges {
    app: TestApp,
    token: String,
}

impl Edges {
    async fn of(app: TestApp) -> Self {
        let (_, token) = tokens::create(&app.app.db, app.company, "pruebas", now()).await.unwrap();
        Self { token: token.expose_secret().to_owned(), app }
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        let request =
            request.header("authorization", format!("Bearer {}", self.token)).header("content-type", "application/json");
        self.app.ask(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn save(&self, path: &str, form: &[(String, String)]) -> Answer {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.app.post(path, &form).await
    }
}

/// What a form said of what it refused, or nothing.
fn said_by_form(answer: &Answer) -> Vec<String> {
    if answer.status == StatusCode::SEE_OTHER {
        return Vec::new();
    }
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
    sorted(answer.all(".ac-errors li"))
}

fn said_by_api(answer: &Answer) -> Vec<String> {
    if answer.status.is_success() {
        return Vec::new();
    }
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
    let problem: Value = serde_json::from_slice(&answer.body).unwrap();
    let errors = problem["errors"].as_array().unwrap().iter();
    sorted(errors.map(|error| error["message"].as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ")).collect())
}

fn sorted(mut said: Vec<String>) -> Vec<String> {
    said.sort_unstable();
    said
}

#[tokio::test]
async fn a_contact() {
    let numbers = select(vec!["1792123453001", "1710345065", "17103450", "9999999999999", "", "AB-1", "2592123453001", "A;1"]);
    let kinds = select(vec!["ruc", "cedula", "passport", "other", ""]);
    let days = select(vec!["", "0", "3650", "3651", "-1"]);
    let input = (text(300), numbers, kinds, any::<(bool, bool)>(), text(500), text(500), days, addresses(20), addresses(20));
    let edges = Edges::of(TestApp::start().await).await;
    // Whoever saved first has the number: each edge is asked in a company of its own.
    let forms = TestApp::start().await;
    let mut refused = 0;
    for (name, number, kind, (customer, supplier), address, phone, days, emails, invoices) in generated(&input) {
        let body = json!({
            "name": name, "identification_type": kind, "identification": number, "is_customer": customer,
            "is_supplier": supplier, "address": address, "phone": phone, "credit_days": days.parse::<i32>().ok(),
            "emails": emails, "emails_by_purpose": { "invoices": [invoices] },
        });
        let mut form = vec![
            field("nombre", &name),
            field("tipo", kind),
            field("numero", number),
            field("direccion", &address),
            field("telefono", &phone),
            field("plazo", days),
            field("correos", &emails),
            field("correos_facturas", &invoices),
            field("accion", "guardar"),
        ];
        form.extend(customer.then(|| field("cliente", "1")));
        form.extend(supplier.then(|| field("proveedor", "1")));
        let api = said_by_api(&edges.send("POST", "/contacts", &body).await);
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(said_by_form(&forms.post("/personas/nueva", &form).await), api, "{body}");
        refused += usize::from(!api.is_empty());
    }
    assert!((1..CASES).contains(&refused), "{refused} refused");
}

#[tokio::test]
async fn the_company() {
    let email = select(vec!["", "cobros@cotopaxi.ec", "cobros@", "cobros", " Ana <ana@cotopaxi.ec> "]);
    let input = (text(300), text(300), text(300), text(300), text(300), email);
    let edges = Edges::of(TestApp::start().await).await;
    let mut refused = 0;
    for (legal_name, trade_name, address, city, phone, email) in generated(&input) {
        let body = json!({
            "legal_name": legal_name, "trade_name": trade_name, "address": address, "city": city, "phone": phone, "email": email,
        });
        let api = said_by_api(&edges.send("PATCH", "/company", &body).await);
        let form = [
            field("razon", &legal_name),
            field("comercial", &trade_name),
            field("direccion", &address),
            field("ciudad", &city),
            field("telefono", &phone),
            field("correo", email),
        ];
        assert_eq!(said_by_form(&edges.save("/mi-compania/datos", &form).await), api, "{body}");
        refused += usize::from(!api.is_empty());
    }
    assert!((1..CASES).contains(&refused), "{refused} refused");
}

/// A day as the API writes it, and as a person does.
fn both_ways(day: &str) -> String {
    day.split('-').rev().collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn a_document() {
    let scene = Scene::set().await;
    let customer = scene.customer.to_string();
    let edges = Edges::of(scene.app).await;
    let kinds = select(vec!["invoice", "sales_note", "debit_note"]);
    // A program may run ahead of midnight, so only it is told last of a date to come.
    let issued = select(vec!["2026-11-02", "2020-01-31", "1990-01-01"]);
    let due = select(vec!["2026-11-02", "2026-12-02", "2026-12-31", "2036-12-31", "1990-01-01"]);
    let amounts = || select(vec![("120.00", "120,00"), ("999999999.99", "999.999.999,99"), ("7.01", "7,01"), ("-5.00", "-5,00")]);
    let numbers = select(vec!["7-{n}-1", "8-{n}-1", "9-{n}-1", "", "1-1"]);
    let input = (kinds, numbers, issued, due, amounts(), proptest::option::of(amounts()), text(300));
    let mut refused = 0;
    for (at, (kind, number, issued, due, total, balance, detail)) in generated(&input).into_iter().enumerate() {
        // A number is kept once: each edge has its own.
        let number = |of: usize| number.replace("{n}", &(2 * at + of + 1).to_string());
        let body = json!({
            "kind": kind, "side": "receivable", "contact_id": customer, "number": number(0), "issue_date": issued,
            "due_date": due, "total": total.0, "balance": balance.map(|balance| balance.0), "detail": detail,
        });
        let api = said_by_api(&edges.send("POST", "/documents", &body).await);
        let form = [
            field("lado", "cobrar"),
            field("persona_id", &customer),
            field("persona", ANDINA),
            field("tipo", kind),
            field("numero", &number(1)),
            field("emision", &both_ways(issued)),
            field("vence", &both_ways(due)),
            field("total", total.1),
            field("saldo", balance.map_or("", |balance| balance.1)),
            field("detalle", &detail),
            field("accion", "guardar"),
        ];
        assert_eq!(said_by_form(&edges.save("/documentos/nuevo", &form).await), api, "{body}");
        refused += usize::from(!api.is_empty());
    }
    assert!((1..CASES).contains(&refused), "{refused} refused");
}

/// One form of payment: method, amount, number, bank or tax, and base.
type Line = (&'static str, (&'static str, &'static str), String, String, Option<(&'static str, &'static str)>);

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let methods = select(vec!["cash", "check", "transfer", "deposit", "card", "withholding"]);
    let amounts = select(vec![("120.00", "120,00"), ("0.00", "0,00"), ("-5.00", "-5,00"), ("999999999.99", "999.999.999,99")]);
    let base = proptest::option::of(select(vec![("100.00", "100,00"), ("0.00", "0"), ("999999999.99", "999.999.999,99")]));
    proptest::collection::vec((methods, amounts, text(120), text(120), base), 1..4)
}

fn sent_line((method, amount, number, place, base): &Line, unique: &str) -> Value {
    let number = format!("{number}{unique}");
    let mut line = json!({ "method": method, "amount": amount.0, "reference": number });
    match *method {
        "withholding" => {
            line["tax"] = json!(place);
            line["base"] = json!(base.map(|base| base.0));
        }
        "check" => {
            line["bank"] = json!(place);
            line["kind"] = json!("ordinary");
        }
        _ => line["bank"] = json!(place),
    }
    line
}

fn typed_line((method, amount, number, place, base): &Line, unique: &str) -> Vec<(String, String)> {
    let base = base.filter(|_| *method == "withholding").map_or("", |base| base.1);
    line(method, place, &format!("{number}{unique}"), base, amount.1)
}

fn sent_share(document: DocumentId, amount: Option<(&'static str, &'static str)>) -> Option<Value> {
    amount.map(|amount| json!({ "document_id": document.to_string(), "amount": amount.0 }))
}

#[tokio::test]
async fn a_payment() {
    let scene = Scene::set().await;
    let (customer, invoices): (ContactId, [DocumentId; 2]) = (scene.customer, scene.invoices);
    let edges = Edges::of(scene.app).await;
    let shares = || proptest::option::of(select(vec![("0.00", "0,00"), ("-1.00", "-1,00"), ("9000.00", "9.000,00")]));
    let input = (lines(), shares(), shares(), text(1_000), any::<bool>(), addresses(20));
    let today = acuse_domain::day_in_ecuador(now());
    let mut said = 0;
    for (at, (lines, first, second, description, notify, recipients)) in generated(&input).into_iter().enumerate() {
        let unique = [format!(" a{at}"), format!(" b{at}")];
        let shares: Vec<Value> =
            [sent_share(invoices[0], first), sent_share(invoices[1], second)].into_iter().flatten().collect();
        let body = json!({
            "direction": "received", "contact_id": customer.to_string(), "date": today.to_string(),
            "lines": lines.iter().map(|line| sent_line(line, &unique[0])).collect::<Vec<_>>(),
            "allocations": shares,
            "description": description, "notify": notify,
            "recipients": if notify && !recipients.is_empty() { json!([recipients]) } else { Value::Null },
        });
        let mut form = vec![
            field("persona_id", &customer.to_string()),
            field("persona_antes", &customer.to_string()),
            field("persona", ANDINA),
            field("fecha", &today.format("%d/%m/%Y").to_string()),
            field("descripcion", &description),
            field("accion", "guardar"),
        ];
        if notify {
            let own = if recipients.is_empty() { "pagos@andina.ec" } else { &recipients };
            form.extend([field("notificar", "si"), field("para", own)]);
        }
        form.extend(lines.iter().flat_map(|line| typed_line(line, &unique[1])));
        form.extend(first.iter().flat_map(|amount| share(invoices[0], amount.1)));
        form.extend(second.iter().flat_map(|amount| share(invoices[1], amount.1)));
        let api = said_by_api(&edges.send("POST", "/payments", &body).await);
        let answer = edges.save("/cobros/nuevo", &form).await;
        if api.is_empty() && answer.status != StatusCode::SEE_OTHER {
            // What the API was told of afterwards is asked here before.
            assert!(!answer.all(".ac-fixrow").is_empty(), "{}", answer.text());
            continue;
        }
        assert_eq!(said_by_form(&answer), api, "{body}");
        said += usize::from(!api.is_empty());
    }
    assert!(said >= CASES / 2, "{said} refused");
}
