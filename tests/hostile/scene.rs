//! Two companies in one installation: ours, with somebody in each role who means harm, and theirs, which has what they want.

use acuse_domain::access::Role;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::installation::{EMAIL, Installation, PASSWORD, Server};

const OUR_RUC: &str = "1790012344001";
const THEIR_RUC: &str = "0190402118001";
const THEIR_EMAIL: &str = "dueno@reservada.ec";
/// Stands in every record of theirs: an answer to ours that has it tells what it should not.
pub const MARK: &str = "Reservada";
/// Of a record that nobody has.
pub const NOBODYS: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

pub struct Scene {
    pub installation: Installation,
    pub server: Server,
    http: Client,
    /// One in each role of our company, with their session's cookies.
    pub people: Vec<(Role, String)>,
    pub ours: Records,
    pub theirs: Records,
    their_token: String,
}

/// One of each that a company has.
pub struct Records {
    pub contact: String,
    pub document: String,
    pub payment: String,
    pub delivery: String,
    pub account: String,
}

impl Scene {
    pub async fn set() -> Self {
        let installation = Installation::new();
        let their_token = found_theirs(&installation);
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Owner) {
            let (email, role) = (email_of(role), role.as_str());
            installation.succeed(&["user", "create", "--email", &email, "--company", OUR_RUC, "--role", role], PASSWORD);
        }
        let server = installation.serve().await;
        // Each request has a connection of its own: the server closes those on which something was refused.
        let http = Client::builder().redirect(Policy::none()).no_proxy().pool_max_idle_per_host(0).build().expect("a client");
        let mut people = Vec::new();
        for role in Role::ALL {
            people.push((role, log_in(&server, &email_of(role)).await));
        }
        let ours = Records::made(&http, &server.url, &installation.token, "Andina").await;
        let theirs = Records::made(&http, &server.url, &their_token, MARK).await;
        Self { installation, server, http, people, ours, theirs, their_token }
    }

    /// Of the owner of our company, who may do most.
    pub fn owner(&self) -> &str {
        &self.people[0].1
    }

    /// A request with nothing added.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.server.url))
    }

    /// As our token asks.
    pub fn api(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, &format!("/api/v1{path}")).bearer_auth(&self.installation.token)
    }

    /// What a page of ours sends for our owner, with a body still to be given.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path).header("cookie", self.owner()).header("sec-fetch-site", "same-origin")
    }

    /// Everything of theirs, as they see it.
    pub async fn on_their_record(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for path in ["/company", "/contacts", "/documents", "/payments", "/deliveries", "/mail-accounts", "/mail-routes"] {
            let answer = self.request(Method::GET, &format!("/api/v1{path}")).bearer_auth(&self.their_token);
            let mut found = json_of(answer.send().await.expect("an answer"), StatusCode::OK).await;
            forget_the_queue(&mut found);
            all.push(found);
        }
        all
    }
}

/// What a waiting send does by itself meanwhile.
fn forget_the_queue(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !matches!(name.as_str(), "next_attempt_at" | "attempts" | "problem"));
            fields.values_mut().for_each(forget_the_queue);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_the_queue),
        _ => {}
    }
}

impl Records {
    async fn made(http: &Client, url: &str, token: &str, name: &str) -> Self {
        let make = async |path: &str, body: Value| {
            let request = http.post(format!("{url}/api/v1{path}")).bearer_auth(token).json(&body);
            json_of(request.send().await.expect("an answer"), StatusCode::CREATED).await
        };
        let id = |made: &Value| made["id"].as_str().expect("an id").to_owned();
        let contact = json!({ "name": name, "identification_type": "other", "identification": "X-1", "is_customer": true,
            "is_supplier": true, "emails": [format!("{name}@persona.ec").to_lowercase()] });
        let contact = id(&make("/contacts", contact).await);
        let today = acuse_domain::day_in_ecuador(acuse_store::now()).to_string();
        let document = json!({ "kind": "invoice", "side": "receivable", "contact_id": contact, "number": "001-001-000000123",
            "issue_date": today, "due_date": today, "total": "120.00", "detail": name });
        let document = id(&make("/documents", document).await);
        let payment = json!({ "direction": "received", "contact_id": contact, "date": today, "notify": true,
            "lines": [{ "method": "cash", "amount": "150.00" }],
            "allocations": [{ "document_id": document, "amount": "100.00" }], "description": name });
        let payment = id(&make("/payments", payment).await);
        let sends = http.get(format!("{url}/api/v1/payments/{payment}/deliveries")).bearer_auth(token);
        let sends = json_of(sends.send().await.expect("an answer"), StatusCode::OK).await;
        let delivery = id(&sends["data"][0]);
        let account = json!({ "module": "invoices_and_made_payments", "server": "smtp.example.com", "port": 587, "security": "starttls",
            "username": "cobros", "password": "secreta", "from_address": "cobros@example.com", "from_name": name });
        let account = id(&make("/mail-accounts", account).await);
        Self { contact, document, payment, delivery, account }
    }

    /// The path with ids of these records.
    pub fn at(&self, path: &str) -> String {
        let id = match path {
            path if path.contains("personas") || path.contains("contacts") => &self.contact,
            path if path.contains("documentos") || path.contains("documents") => &self.document,
            path if path.contains("correos") || path.contains("mail-accounts") => &self.account,
            path if path.contains("/v1/deliveries") => &self.delivery,
            path if path.contains("cobros") || path.contains("pagos") || path.contains("payments") => &self.payment,
            _ => NOBODYS,
        };
        let known = path.replace("{id}", id).replace("{envio}", &self.delivery);
        let parts = known.split('/').map(|part| if part.starts_with('{') { NOBODYS } else { part });
        parts.collect::<Vec<_>>().join("/")
    }
}

fn email_of(role: Role) -> String {
    if role == Role::Owner { EMAIL.to_owned() } else { format!("{}@cotopaxi.ec", role.as_str()) }
}

fn found_theirs(installation: &Installation) -> String {
    installation.succeed(&["company", "create", "--ruc", THEIR_RUC, "--name", &format!("{MARK} S.A.")], "");
    installation.succeed(&["user", "create", "--email", THEIR_EMAIL, "--company", THEIR_RUC], PASSWORD);
    installation.succeed(&["token", "create", "--company", THEIR_RUC, "--name", MARK], "").trim().to_owned()
}

/// As a part of an address.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

pub async fn log_in(server: &Server, email: &str) -> String {
    let answer = server.form("", "/entrar", &[("correo", email), ("clave", PASSWORD)]).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{email}: {}", server.log());
    cookies_of(&answer)
}

/// What a browser would send back.
pub fn cookies_of(answer: &Response) -> String {
    let cookies = answer.headers().get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
    cookies.filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ")
}

async fn json_of(answer: Response, status: StatusCode) -> Value {
    let (found, url) = (answer.status(), answer.url().clone());
    let text = answer.text().await.expect("a body");
    assert_eq!(found, status, "{url}: {text}");
    serde_json::from_str(&text).expect("JSON")
}
