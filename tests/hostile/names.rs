//! Names that mean something to a browser, a mail, a PDF, a file system, a log or a spreadsheet.

use std::fs;
use std::process::Command;

use reqwest::header::HeaderValue;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::attack::Attack;
use crate::installation::{Installation, PASSWORD, Server};
use crate::own_port::OwnPort;
use crate::postbox::Postbox;
use crate::scene::{Scene, encoded, log_in};

const RUC: &str = "1790012344001";

const NAMES: [&str; 20] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)' x='",
    "</title></textarea></select></style><svg onload=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#x3c;b>",
    "{{7*7}} ${7*7} #{7*7} <%= 7*7 %> {% raw %}",
    "javascript:alert(1)//http://malo.ec",
    "a\r\nBcc: robo@malo.ec\r\nX-Puesto: si",
    "a\nSubject: otro\n\n<b>cuerpo</b>",
    "=?utf-8?q?=0d=0aBcc:_robo=40malo.ec?=",
    "%0d%0aX-Puesto:%20si",
    "\"; filename=\"x.exe\"; x=\"",
    "a\u{0}b\u{7}\u{1b}[31mrojo\u{9b}2J",
    "\u{202e}fdp.exe \u{2066}x\u{2069} \u{200f}",
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "👩\u{200d}👩\u{200d}👧 ñandú e\u{301}\u{301}\u{301}\u{301}\u{301} \u{1f4a9}",
    "'; DROP TABLE contact; -- \\",
];

/// What stands on no page, unless a name became part of it.
const LIVE: [&str; 6] =
    ["<script>alert", "<img src=x", "<svg onload", "' onmouseover='", "</title></textarea>", "href=\"javascript:"];

pub async fn attacks(_: &Scene) -> Vec<Attack> {
    let company = Hostile::set().await;
    vec![company.taken, pages(&company.session, &company.server).await, company.mails, company.papers, company.logs]
}

/// A company where everything has such a name.
struct Hostile {
    server: Server,
    session: String,
    taken: Attack,
    mails: Attack,
    papers: Attack,
    logs: Attack,
}

impl Hostile {
    async fn set() -> Self {
        let (installation, postbox) = (Installation::new(), Postbox::open());
        let mut command = installation.command(&["serve"]);
        command
            .env("ACUSE_DEFAULT_MAIL_URL", format!("smtp://127.0.0.1:{}?security=none", postbox.port))
            .env("ACUSE_DEFAULT_MAIL_FROM", "avisos@servidor.ec")
            .env("ACUSE_ALLOWED_PRIVATE_HOSTS", "127.0.0.1");
        let server = installation.start(command).await;
        let (mut taken, payments) = recorded(&server, &installation).await;
        let papers = papers(&server, &payments).await;
        let mails = mails(&postbox.mails(payments.len()).await);
        // Afterwards this network has guessed too often.
        let session = log_in(&server, crate::installation::EMAIL).await;
        for (email, asked) in typed() {
            let login = server.form("", "/entrar", &[("correo", email), ("clave", email), ("volver", email)]);
            tried(&mut taken, email, login, server.get(&asked)).await;
        }
        let logs = logs(&installation, &server).await;
        Self { server, session, taken, mails, papers, logs }
    }
}

/// Gives everything each of the names, and tells the payments that came of it.
async fn recorded(server: &Server, installation: &Installation) -> (Attack, Vec<String>) {
    let mut row = Attack::new("hostile name given by the API or a command", "taken as text, or 422");
    let today = acuse_domain::day_in_ecuador(acuse_store::now()).to_string();
    let mut payments = Vec::new();
    for (n, name) in NAMES.iter().enumerate() {
        let company = json!({ "legal_name": name, "trade_name": name, "address": name, "city": name, "phone": name });
        say(&mut row, server.api(Method::PATCH, "/company").json(&company)).await;
        let contact = json!({ "name": name, "identification_type": "other", "identification": format!("H-{n}"),
            "is_customer": true, "address": name, "phone": name, "emails": [format!("h{n}@persona.ec")] });
        let contact = say(&mut row, server.api(Method::POST, "/contacts").json(&contact)).await;
        let document = json!({ "kind": "invoice", "side": "receivable", "contact_id": contact["id"], "issue_date": today,
            "number": format!("001-001-{:09}", n + 1), "due_date": today, "total": "20.00", "detail": name });
        let document = say(&mut row, server.api(Method::POST, "/documents").json(&document)).await;
        let payment = json!({ "direction": "received", "contact_id": contact["id"], "date": today, "notify": true,
            "lines": [{ "method": "transfer", "amount": "15.00", "reference": name, "bank": name, "account": name }],
            "allocations": [{ "document_id": document["id"], "amount": "10.00" }], "description": name });
        let payment = say(&mut row, server.api(Method::POST, "/payments").json(&payment)).await;
        payments.extend(payment["id"].as_str().map(str::to_owned));
        let email = format!("h{n}@cotopaxi.ec");
        if !name.contains('\0') {
            let user = ["user", "create", "--email", &email, "--company", RUC, "--role", "viewer", "--name", name];
            let made = installation.run(&user, PASSWORD);
            row.tried(matches!(made.status.code(), Some(0..=2)), || format!("{name:?}: {:?}", made.status));
        }
    }
    (row, payments)
}

/// What came of it; nothing where it was refused.
async fn say(row: &mut Attack, request: RequestBuilder) -> Value {
    let answer = request.send().await.expect("an answer");
    let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
    row.tried(matches!(status.as_u16(), 200 | 201 | 422), || format!("{status}: {text}"));
    if status.is_success() { serde_json::from_str(&text).expect("JSON") } else { Value::Null }
}

/// What strangers may type, and what their addresses may have.
fn typed() -> impl Iterator<Item = (&'static str, String)> {
    NAMES.into_iter().map(|name| (name, format!("/personas/nueva?nombre={0}&{0}=x", encoded(name))))
}

async fn tried(row: &mut Attack, name: &str, mut login: RequestBuilder, address: RequestBuilder) {
    if let Ok(value) = HeaderValue::from_bytes(name.as_bytes()) {
        login = login.header("user-agent", value.clone()).header("x-forwarded-for", value);
    }
    let status = login.send().await.expect("an answer").status();
    row.tried(status.is_client_error(), || format!("login as {name:?}: {status}"));
    let status = address.send().await.expect("an answer").status();
    row.tried(!status.is_server_error(), || format!("parameter {name:?}: {status}"));
}

async fn pages(session: &str, server: &Server) -> Attack {
    let mut row = Attack::new("hostile name on a page", "shown as text");
    let http = Client::builder().no_proxy().build().expect("a client");
    let mut paths: Vec<String> =
        ["/", "/personas", "/documentos", "/cobros", "/envios?estado=todos", "/mi-compania/datos"].map(str::to_owned).to_vec();
    paths.extend(["/cobros/nuevo", "/documentos/nuevo", "/personas/nueva", "/personas/buscar?q=a"].map(str::to_owned));
    let mut place = 0;
    while let Some(path) = paths.get(place).cloned() {
        place += 1;
        let answer = http.get(format!("{}{path}", server.url)).header("cookie", session).send().await.expect("an answer");
        let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
        let live = LIVE.iter().find(|words| text.contains(**words));
        row.tried(status.is_success() && live.is_none(), || format!("{path}: {status} {live:?}"));
        for link in text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let is_record = ["/personas/", "/documentos/", "/cobros/"].iter().any(|noun| link.starts_with(noun));
            if is_record
                && !link.contains(".pdf")
                && !link.contains('&')
                && paths.len() < 120
                && !paths.iter().any(|own| own == link)
            {
                paths.push(link.to_owned());
            }
        }
    }
    row
}

fn mails(mails: &[Vec<u8>]) -> Attack {
    let mut row = Attack::new("hostile name in a mail", "one header of each kind, ASCII, short lines");
    for mail in mails {
        let text = String::from_utf8_lossy(mail);
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        let count = |name: &str| head.split("\r\n").filter(|line| line.to_lowercase().starts_with(name)).count();
        let is_one = ["from:", "to:", "subject:", "date:", "message-id:"].iter().all(|name| count(name) == 1);
        let adds = ["bcc:", "x-puesto:", "cc:"].iter().any(|name| count(name) > 0);
        row.tried(is_one && !adds, || head.to_owned());
        let is_plain = text.is_ascii() && text.split("\r\n").all(|line| line.len() < 998 && !line.contains(['\r', '\n', '\0']));
        row.tried(is_plain, || format!("bytes that no mail has, after {head}"));
    }
    row
}

async fn papers(server: &Server, payments: &[String]) -> Attack {
    let mut row = Attack::new("hostile name in a PDF and its file's name", "text; letters, digits, hyphens");
    for payment in payments {
        let answer = server.api(Method::GET, &format!("/payments/{payment}/receipt.pdf")).send().await.expect("an answer");
        let named = answer.headers().get("content-disposition").map(|value| value.to_str().unwrap_or("?").to_owned());
        let named = named.unwrap_or_default();
        let name = named.strip_prefix("attachment; filename=\"").and_then(|rest| rest.strip_suffix("\"")).unwrap_or("?");
        let is_name = name.ends_with(".pdf") && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
        row.tried(is_name, || named.clone());
        let pdf = answer.bytes().await.expect("a body");
        let plain = unpacked(&pdf);
        let acts = ["/JavaScript", "/JS", "/Launch", "/OpenAction", "/AA ", "/EmbeddedFile", "/SubmitForm", "/URI (javascript:"];
        let found = acts.iter().find(|act| plain.contains(**act));
        row.tried(pdf.starts_with(b"%PDF") && found.is_none(), || format!("{payment}: {found:?}"));
    }
    row
}

/// The objects of a PDF without its compression.
fn unpacked(pdf: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(&file, pdf).expect("the disk takes it");
    let mut qpdf = Command::new("qpdf");
    let output = qpdf.args(["--qdf", "--object-streams=disable"]).arg(file.path()).arg("-").output().expect("qpdf runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// As text, and as JSON by a second server that is asked the same.
async fn logs(installation: &Installation, server: &Server) -> Attack {
    let mut row = Attack::new("hostile name in the log, text and JSON", "a line each, no control character");
    for line in server.log().lines() {
        let begins = line.starts_with("20") && line.contains("Z ");
        row.tried(begins && !line.contains(char::is_control), || line.to_owned());
    }
    let second = OwnPort::start(installation, ("ACUSE_LOG_FORMAT", "json")).await;
    for (name, asked) in typed() {
        let login = second.form("/entrar", &[("correo", name), ("clave", name), ("volver", name)]);
        tried(&mut row, name, login, second.get(&asked)).await;
    }
    for line in second.log().lines() {
        let is_one: Result<Value, _> = serde_json::from_str(line);
        row.tried(is_one.is_ok() && !line.contains("robo@malo.ec"), || line.to_owned());
    }
    row
}
