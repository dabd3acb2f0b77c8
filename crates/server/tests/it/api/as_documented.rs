//! Whatever a documented call is asked with, it answers as /openapi.json says: a status, a type and a shape that stand there.

use acuse_domain::access::{Scope, Scopes};
use acuse_domain::api_token::NewToken;
use acuse_mail::guard::Network;
use acuse_store::now;
use acuse_store::tokens::{self, Issued};
use acuse_testkit::builders::{company, received};
use acuse_testkit::dns::{DnsServer, Zone};
use axum::body::Body;
use axum::http::Request;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::shapes::{resolved, wrong_in};
use super::support::{Answer, Api, in_days};

const JSON: (&str, &[u8]) = ("content-type", b"application/json");
/// A number that no integer of ours holds.
const HUGE: &str = "99999999999999999999999";
/// Of those that take a token; what the unspoilt request of each may also be answered with.
const CALLS_THAT_DO_WHAT_THEY_SAY: usize = 28;

/// An installation with one of each thing, and a DNS that knows no name.
struct Populated {
    api: Api,
    document: Value,
    payment: String,
    delivery: String,
    account: String,
    _dns: DnsServer,
}

impl Populated {
    async fn new() -> Self {
        let dns = DnsServer::start(Zone::new()).await;
        let network = Network::new(&["127.0.0.0/8".to_owned()], None).unwrap().with_nameservers(&[dns.address()]);
        let api =
            Api::on(network, company().with_customer("Andina").with_open_invoice("120.00").with_open_invoice("80.00")).await;
        let payment = received(api.ours.contacts[0], "10.00").settling(api.ours.documents[0], "10.00").notifying();
        let payment = payment.record(&api.world.db, &api.ours.actor).await.unwrap().to_string();
        let deliveries = api.get(&format!("/payments/{payment}/deliveries")).await.expect(200);
        let delivery = deliveries["data"][0]["id"].as_str().unwrap().to_owned();
        let account = json!({ "module": "received_payments", "server": "127.0.0.1", "port": 9, "security": "none",
            "from_address": "cobros@empresa.ec" });
        let account = api.post("/mail-accounts", account).await.expect(201)["id"].as_str().unwrap().to_owned();
        let document = api.get("//openapi.json").await.expect(200);
        Self { api, document, payment, delivery, account, _dns: dns }
    }

    /// Every call, and last of all those that take away what the others need.
    fn calls(&self) -> Vec<Call> {
        let mut calls = Vec::new();
        for (path, item) in self.document["paths"].as_object().unwrap() {
            for (method, call) in item.as_object().unwrap() {
                calls.push(Call { method: method.to_uppercase(), path: path.clone(), call: call.clone() });
            }
        }
        calls.sort_by_key(|call| (call.path.ends_with("/token"), call.method == "DELETE"));
        assert!(calls.len() > 40, "{}", calls.len());
        calls
    }

    /// The path of something that is there.
    fn real(&self, path: &str) -> String {
        let id = match path {
            path if path.contains("/contacts") => self.api.ours.contacts[0].to_string(),
            path if path.contains("/documents") => self.api.ours.documents[0].to_string(),
            path if path.contains("/mail-accounts") => self.account.clone(),
            path if path.contains("/v1/deliveries") => self.delivery.clone(),
            _ => self.payment.clone(),
        };
        path.replace("{id}", &id)
    }

    /// The example of a body, about what is on record here.
    fn body_of(&self, schema: &Value) -> Value {
        let mut body = resolved(schema, &self.document)["example"].clone();
        if !body.is_object() {
            return json!({});
        }
        for (at, value) in [
            ("/contact_id", self.api.ours.contacts[0].to_string()),
            ("/allocations/0/document_id", self.api.ours.documents[1].to_string()),
            ("/allocations/0/amount", "8.00".to_owned()),
            ("/date", in_days(0)),
            ("/issue_date", in_days(0)),
            ("/due_date", in_days(30)),
            ("/server", "127.0.0.1".to_owned()),
        ] {
            if let Some(there) = body.pointer_mut(at) {
                *there = json!(value);
            }
        }
        body
    }

    async fn token(&self, scopes: &[Scope]) -> String {
        let new = NewToken { scopes: Scopes::new(scopes.iter().copied()), ..NewToken::for_everything("ERP") };
        match tokens::issue(&self.api.world.db, &self.api.ours.actor, &new, None, now()).await.unwrap() {
            Issued::Now { token, .. } => token.expose_secret().to_owned(),
            Issued::Before(id) => panic!("{id} was made before"),
        }
    }

    async fn ask(&self, asked: &Asked, token: &str) -> Answer {
        let mut request = Request::builder().method(asked.method.as_str()).uri(&asked.address);
        request = request.header("authorization", format!("Bearer {token}"));
        for (name, value) in &asked.headers {
            request = request.header(*name, value.as_slice());
        }
        self.api.ask(request.body(Body::from(asked.body.clone())).unwrap()).await
    }
}

/// One call of the document.
struct Call {
    method: String,
    path: String,
    call: Value,
}

/// A request, and what is wrong with it.
#[derive(Clone)]
struct Asked {
    method: String,
    address: String,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
    what: String,
    /// Against its schema: nothing of it may be taken.
    is_wrong: bool,
}

impl Call {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn schema_of_body(&self) -> &Value {
        &self.call["requestBody"]["content"]["application/json"]["schema"]
    }

    /// As its caller should ask.
    fn unspoilt(&self, at: &Populated) -> Asked {
        let body = match self.schema_of_body() {
            Value::Null => Vec::new(),
            schema => at.body_of(schema).to_string().into_bytes(),
        };
        let headers = if body.is_empty() { Vec::new() } else { vec![(JSON.0, JSON.1.to_vec())] };
        let address = at.real(&self.path);
        Asked { method: self.method.clone(), address, headers, body, what: "as it should be".to_owned(), is_wrong: false }
    }

    /// As it should be first, unless that changes what the others are about.
    fn asked(&self, at: &Populated) -> Vec<Asked> {
        let mut all = self.spoilt(at);
        let is_about_one = self.method != "GET" && (self.path.contains("{id}") || self.path.ends_with("/token"));
        all.insert(if is_about_one { all.len() } else { 0 }, self.unspoilt(at));
        all
    }

    /// Everything that somebody may get wrong.
    fn spoilt(&self, at: &Populated) -> Vec<Asked> {
        let good = self.unspoilt(at);
        let mut all = spoilt_ids(self, &good);
        all.extend(spoilt_queries(self, &good));
        all.extend(spoilt_headers(self, &good));
        if self.method != "GET" {
            all.extend(spoilt_bodies(&good));
        }
        if self.schema_of_body().is_object() {
            all.extend(spoilt_fields(self, at, &good));
        }
        all
    }
}

fn spoilt_ids(call: &Call, good: &Asked) -> Vec<Asked> {
    if !call.path.contains("{id}") {
        return Vec::new();
    }
    let ids = ["x", "00000000-0000-0000-0000-000000000000", HUGE, "null", "%00", "%FF", "-1", "..%2F..%2Fcompany"];
    let of =
        |id: &str| Asked { address: call.path.replace("{id}", id), what: format!("id {id}"), is_wrong: true, ..good.clone() };
    ids.into_iter().map(of).collect()
}

fn spoilt_queries(call: &Call, good: &Asked) -> Vec<Asked> {
    let of = |query: String, is_wrong: bool| {
        let what = format!("?{}", &query[..query.len().min(60)]);
        Asked { address: format!("{}?{query}", good.address), what, is_wrong, ..good.clone() }
    };
    let is_api = call.path.starts_with("/api/");
    let mut all = vec![of("zz=1".to_owned(), is_api), of("zz=%00".to_owned(), is_api), of("=".to_owned(), is_api)];
    let parameters = call.call["parameters"].as_array().into_iter().flatten();
    for parameter in parameters.filter(|parameter| parameter["in"] == "query") {
        let name = parameter["name"].as_str().unwrap();
        let long = "x".repeat(5_000);
        for value in ["", "x", "null", "0", "-1", "1", "201", HUGE, "true", "%00", "%FF", "a,b", long.as_str()] {
            let is_wrong = value.starts_with('%') || !may_be(value, &parameter["schema"]);
            all.push(of(format!("{name}={value}"), is_wrong));
        }
        all.push(of(format!("{name}=1&{name}=1"), true));
        all.push(of(format!("{name}[]=1"), true));
    }
    all
}

/// Whether a text of the address may stand for a value of this schema.
fn may_be(text: &str, schema: &Value) -> bool {
    let is_among = |known: &Vec<Value>| known.iter().any(|value| value == text);
    let bound = |name: &str| schema[name].as_i64();
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("integer"), _) => text.parse::<i64>().is_ok_and(|number| {
            bound("minimum").is_none_or(|least| number >= least) && bound("maximum").is_none_or(|most| number <= most)
        }),
        (Some("boolean"), _) => ["true", "false"].contains(&text),
        (_, Some("uuid")) => text.len() == 36,
        (_, Some("date")) => text.len() == 10,
        _ => schema["enum"].as_array().is_none_or(is_among),
    }
}

fn spoilt_headers(call: &Call, good: &Asked) -> Vec<Asked> {
    let with = |name: &'static str, values: &[&[u8]], is_wrong: bool| {
        let mut asked = good.clone();
        asked.headers.extend(values.iter().map(|value| (name, value.to_vec())));
        asked.what = format!("{name}: {}", String::from_utf8_lossy(&values.concat()).chars().take(40).collect::<String>());
        asked.is_wrong = is_wrong;
        asked
    };
    let takes = |name: &str| call.call["parameters"].as_array().is_some_and(|all| all.iter().any(|one| one["name"] == name));
    let long = vec![b'k'; 300];
    let mut all = Vec::new();
    for value in [&b""[..], b"null", b"7", b"\"7", b"\xff", b"\"\xc3\xb1\""] {
        all.push(with("if-match", &[value], takes("If-Match")));
    }
    all.push(with("if-match", &[b"\"999999\""], takes("If-Match")));
    for value in [&b""[..], b"a b", b"\xff", &long] {
        all.push(with("idempotency-key", &[value], takes("Idempotency-Key")));
    }
    all.push(with("idempotency-key", &[b"a", b"b"], takes("Idempotency-Key")));
    all.extend([&b""[..], b"*", b"xx;q=9", b"\xff"].map(|value| with("accept-language", &[value], false)));
    all.extend([&b""[..], b"text/html", b"\xff"].map(|value| with("accept", &[value], false)));
    all
}

fn spoilt_bodies(good: &Asked) -> Vec<Asked> {
    let of = |kind: Option<&'static str>, body: &[u8], what: &str| {
        let headers = kind.map(|kind| ("content-type", kind.as_bytes().to_vec())).into_iter().collect();
        Asked { headers, body: body.to_vec(), what: what.to_owned(), ..good.clone() }
    };
    let json = Some("application/json");
    let wrong = |asked: Asked| Asked { is_wrong: true, ..asked };
    let some: &[u8] = if good.body.is_empty() { b"{}" } else { &good.body };
    vec![
        of(None, b"", "no body"),
        of(json, b"", "an empty body"),
        of(json, b"null", "null"),
        wrong(of(json, b"[]", "a list")),
        wrong(of(json, b"\"x\"", "a text")),
        wrong(of(json, b"7", "a number")),
        wrong(of(json, b"{", "half of it")),
        wrong(of(json, b"{}{}", "two of them")),
        wrong(of(json, b"{\"zz\":1}", "an unknown field")),
        wrong(of(json, b"{\"zz\":1,\"zz\":1}", "a field twice")),
        wrong(of(json, &[b'['; 100_000], "a deep list")),
        wrong(of(json, b"\xff\xfe", "no UTF-8")),
        wrong(of(None, some, "no type")),
        wrong(of(Some("text/plain"), some, "text/plain")),
        wrong(of(Some("application/xml"), some, "XML")),
        wrong(of(Some("application/x-www-form-urlencoded"), b"a=1", "a form")),
        wrong(of(Some("multipart/form-data"), some, "parts without a boundary")),
        wrong(of(Some("application/json; charset=utf-16"), some, "UTF-16")),
    ]
}

/// Each field, also below others, with each value.
fn spoilt_fields(call: &Call, at: &Populated, good: &Asked) -> Vec<Asked> {
    let schema = call.schema_of_body();
    let example = at.body_of(schema);
    let mut all = Vec::new();
    for place in places(schema, &at.document, "") {
        for value in values() {
            let mut body = example.clone();
            put(&mut body, &place, value.clone());
            let is_wrong = wrong_in(&body, schema, &at.document, "body").is_some();
            let shown: String = value.to_string().chars().take(40).collect();
            let (body, what) = (body.to_string().into_bytes(), format!("{place}: {shown}"));
            all.push(Asked { body, what, is_wrong, ..good.clone() });
        }
    }
    all
}

fn values() -> Vec<Value> {
    let huge: Value = serde_json::from_str(HUGE).unwrap();
    let (long, deep) = ("x".repeat(5_000), json!([[[[[]]]]]));
    vec![
        Value::Null,
        json!(""),
        json!(" "),
        json!("\u{0}"),
        json!("\u{202e}\u{feff}"),
        json!(long),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        huge,
        json!([]),
        json!({}),
        json!([null]),
        deep,
    ]
}

/// The pointer of each field that a schema has, those of a list's first entry too.
fn places(schema: &Value, document: &Value, at: &str) -> Vec<String> {
    let schema = resolved(schema, document);
    let mut all = Vec::new();
    for choice in ["oneOf", "allOf"].into_iter().flat_map(|kind| schema[kind].as_array().into_iter().flatten()) {
        all.extend(places(choice, document, at));
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        all.push(format!("{at}/{name}"));
        all.extend(places(field, document, &format!("{at}/{name}")));
    }
    if schema["items"].is_object() {
        all.push(format!("{at}/0"));
        all.extend(places(&schema["items"], document, &format!("{at}/0")));
    }
    all
}

/// Puts a value where a pointer says, into lists and objects that are made where they are not there.
fn put(body: &mut Value, pointer: &str, value: Value) {
    let mut here = body;
    for part in pointer.split('/').skip(1) {
        let is_entry = part == "0";
        if is_entry && here.as_array().is_none_or(Vec::is_empty) {
            *here = json!([null]);
        } else if !is_entry && !here.is_object() {
            *here = json!({});
        }
        here = if is_entry { &mut here[0] } else { &mut here[part] };
    }
    *here = value;
}

/// What of an answer does not stand in the document.
fn undocumented(answer: &Answer, call: &Call, document: &Value) -> Option<String> {
    let status = answer.status.as_u16();
    let documented = &call.call["responses"][status.to_string()];
    if answer.status.is_server_error() || !documented.is_object() {
        return Some("a status that is not documented".to_owned());
    }
    let Some((kind, content)) = documented["content"].as_object().and_then(|all| all.iter().next()) else {
        return (!answer.body.is_empty()).then(|| "a body that is not documented".to_owned());
    };
    if answer.header("content-type") != kind {
        return Some(format!("{} instead of {kind}", answer.header("content-type")));
    }
    if !kind.ends_with("json") {
        return None;
    }
    let body = answer.json();
    if status >= 400 && body["status"] != status {
        return Some("another status in its body".to_owned());
    }
    wrong_in(&body, &content["schema"], document, "answer")
}

#[tokio::test]
async fn whatever_a_call_is_asked_with_it_answers_as_documented() {
    let at = Populated::new().await;
    let (mut wrong, mut asked_in_all, mut did) = (Vec::new(), 0, Vec::new());
    let all = at.token(&Scope::ALL).await;
    for call in at.calls() {
        for asked in call.asked(&at) {
            asked_in_all += 1;
            let answer = at.ask(&asked, &all).await;
            let said = format!("{} with {}: {}", call.name(), asked.what, answer.status);
            if let Some(what) = undocumented(&answer, &call, &at.document) {
                wrong.push(format!("{said}: {what}: {}", answer.text()));
            }
            if asked.is_wrong && answer.status.is_success() {
                wrong.push(format!("{said}: taken against its schema"));
            }
            if asked.what == "as it should be" && answer.status.is_success() {
                did.push(call.name());
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {asked_in_all}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(did.len() >= CALLS_THAT_DO_WHAT_THEY_SAY, "{}: {did:?}", did.len());
    assert!(asked_in_all > 2_000, "{asked_in_all}");
}

#[tokio::test]
async fn a_token_that_only_reads_is_answered_as_documented_and_changes_nothing() {
    let at = Populated::new().await;
    let reads = at.token(&[Scope::Read]).await;
    let before = (at.api.on_record().await, at.api.get("/mail-accounts").await.json());
    for call in at.calls().into_iter().filter(|call| !call.path.ends_with("/token")) {
        for asked in call.asked(&at) {
            let answer = at.ask(&asked, &reads).await;
            let said = format!("{} with {}: {} {}", call.name(), asked.what, answer.status, answer.text());
            assert_eq!(undocumented(&answer, &call, &at.document), None, "{said}");
            assert!(call.method == "GET" || !answer.status.is_success(), "{said}");
        }
    }
    assert_eq!((at.api.on_record().await, at.api.get("/mail-accounts").await.json()), before);
}
