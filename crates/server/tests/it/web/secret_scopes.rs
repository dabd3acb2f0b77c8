//! A mail secret reaches the server, port, TLS and user it was given for and no other, in whatever order an account is
//! changed, checked, disabled, deleted and made anew, through the API and through the form.
//!
//! Every password that is typed here says in its own text what it is given for, and the servers write down what they hear:
//! whatever they hear must be theirs.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use acuse_store::{now, tokens};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::account_form::{Filled, LIST};
use crate::support::{Answer, TestApp};

/// Orders that are tried, each of so many steps. What they do follows from their number alone.
const ORDERS: u64 = 24;
const STEPS: usize = 24;
const USERS: [&str; 3] = ["", "cobros@cotopaxi.ec", "pagos@cotopaxi.ec"];
const SECURITIES: [&str; 3] = ["none", "starttls", "tls"];

/// What a login said to whom: the server, the user and the password.
type Heard = Arc<Mutex<Vec<(SocketAddr, String, String)>>>;

/// A server in clear that takes every login and writes it down.
async fn recording(address: SocketAddr, heard: Heard) -> SocketAddr {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let heard = heard.clone();
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let _ = stream.write_all(b"220 eco ESMTP\r\n").await;
                let mut line = String::new();
                while stream.read_line(&mut line).await.unwrap_or(0) > 0 {
                    let answer: &[u8] = match &line {
                        line if line.starts_with("EHLO") => b"250-eco\r\n250 AUTH PLAIN LOGIN XOAUTH2\r\n",
                        line if line.starts_with("AUTH") => {
                            let opened = STANDARD.decode(line.split_whitespace().last().unwrap_or_default()).unwrap_or_default();
                            let text = String::from_utf8_lossy(&opened).into_owned();
                            let mut parts = text.split('\0').skip(1);
                            let (user, password) = (parts.next().unwrap_or(&text), parts.next().unwrap_or(&text));
                            heard.lock().unwrap().push((address, user.to_owned(), password.to_owned()));
                            b"235 2.7.0 si\r\n"
                        }
                        line if line.starts_with("QUIT") => b"221 2.0.0 adios\r\n",
                        _ => b"250 2.0.0 si\r\n",
                    };
                    if stream.write_all(answer).await.is_err() {
                        break;
                    }
                    line.clear();
                }
            });
        }
    });
    address
}

/// SplitMix64: the same order from the same number, on every machine.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn maybe(&mut self, in_so_many: usize) -> bool {
        self.below(in_so_many) == 0
    }
}

/// Where an account may be led.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    server: String,
    port: u16,
    security: &'static str,
    user: &'static str,
}

impl Place {
    /// A password that is given for this place, and says so.
    fn password(&self) -> String {
        format!("clave para {}:{} {} {}", self.server, self.port, self.security, self.user)
    }
}

struct Play {
    app: TestApp,
    token: String,
    servers: Vec<SocketAddr>,
    chance: Chance,
    /// The account's own place as far as this play knows; the password in a request is named for where that request leads.
    place: Place,
    id: Option<String>,
    /// Hidden fields of pages seen before, as somebody keeps them who finds an open session.
    kept_fields: Vec<(String, String)>,
    steps: Vec<String>,
}

impl Play {
    async fn begin(seed: u64, servers: &[SocketAddr]) -> Self {
        let app = TestApp::start().await;
        let (_, token) = tokens::create(&app.app.db, app.company, "pruebas", now()).await.unwrap();
        let server = servers[0];
        let place = Place { server: server.ip().to_string(), port: server.port(), security: "none", user: "cobros@cotopaxi.ec" };
        let token = token.expose_secret().to_owned();
        let (servers, chance) = (servers.to_vec(), Chance(seed));
        Self { app, token, servers, chance, place, id: None, kept_fields: Vec::new(), steps: Vec::new() }
    }

    async fn call(&mut self, method: &str, path: &str, body: Value) -> Answer {
        let request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        let request =
            request.header("authorization", format!("Bearer {}", self.token)).header("content-type", "application/json");
        let answer = self.app.ask(request.body(Body::from(body.to_string())).unwrap()).await;
        self.steps.push(format!("{method} {path} {body} -> {}", answer.status));
        assert!(!answer.status.is_server_error(), "{:#?}\n{}", self.steps, answer.text());
        answer
    }

    /// Somewhere near where the account is: some of the four changed.
    fn elsewhere(&mut self) -> Place {
        let mut place = self.place.clone();
        if self.chance.maybe(2) {
            let server = self.chance.one(&self.servers.clone());
            place.server = server.ip().to_string();
            if self.chance.maybe(2) {
                place.port = server.port();
            }
        }
        if self.chance.maybe(3) {
            place.port = self.chance.one(&self.servers.clone()).port();
        }
        if self.chance.maybe(3) {
            place.security = self.chance.one(&SECURITIES);
        }
        if self.chance.maybe(2) {
            place.user = self.chance.one(&USERS);
        }
        place
    }

    /// The fields that lead there, with or without the password for it.
    fn fields_to(&mut self, place: &Place) -> Value {
        let mut fields = json!({});
        if place.server != self.place.server || self.chance.maybe(4) {
            fields["server"] = json!(place.server);
        }
        if place.port != self.place.port {
            fields["port"] = json!(place.port);
        }
        if place.security != self.place.security {
            fields["security"] = json!(place.security);
        }
        if place.user != self.place.user {
            fields["username"] = json!(place.user);
        }
        if self.chance.maybe(5) && !place.user.is_empty() {
            fields["password"] = json!(place.password());
        }
        fields
    }

    async fn account(&mut self) -> String {
        if let Some(id) = &self.id {
            return id.clone();
        }
        let place = Place { user: USERS[1], ..self.place.clone() };
        let mut body = self.fields_to(&place);
        body["module"] = json!("received_payments");
        body["from_address"] = json!("cobros@cotopaxi.ec");
        body["server"] = json!(place.server);
        body["port"] = json!(place.port);
        body["security"] = json!(place.security);
        body["username"] = json!(place.user);
        body["password"] = json!(place.password());
        let made = self.call("POST", "/mail-accounts", body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{:#?}\n{}", self.steps, made.text());
        let made: Value = serde_json::from_str(&made.text()).unwrap();
        let id = made["id"].as_str().unwrap().to_owned();
        (self.id, self.place) = (Some(id.clone()), place);
        id
    }

    async fn look(&mut self, id: &str) {
        let shown = self.call("GET", &format!("/mail-accounts/{id}"), Value::Null).await;
        let shown: Value = serde_json::from_str(&shown.text()).unwrap();
        let own = |name: &str, of: &[&'static str]| *of.iter().find(|it| shown[name] == **it).unwrap();
        self.place = Place {
            server: shown["server"].as_str().unwrap().to_owned(),
            port: u16::try_from(shown["port"].as_u64().unwrap()).unwrap(),
            security: own("security", &SECURITIES),
            user: own("username", &USERS),
        };
    }

    async fn step(&mut self) {
        let id = self.account().await;
        let path = format!("/mail-accounts/{id}");
        match self.chance.below(10) {
            0..=3 => {
                let place = self.elsewhere();
                let mut fields = self.fields_to(&place);
                if self.chance.maybe(4) {
                    fields["enabled"] = json!(self.chance.maybe(2));
                }
                if self.chance.maybe(6) {
                    fields["module"] = json!(self.chance.one(&["received_payments", "invoices_and_made_payments"]));
                }
                self.call("PATCH", &path, fields).await;
            }
            4..=5 => {
                let place = self.elsewhere();
                let overridden = if self.chance.maybe(2) { json!({}) } else { self.fields_to(&place) };
                self.call("POST", &format!("{path}/check"), overridden).await;
            }
            6 if self.chance.maybe(3) => {
                self.call("DELETE", &path, Value::Null).await;
                self.id = None;
                return;
            }
            _ => self.form(&id).await,
        }
        self.look(&id).await;
    }

    /// The form: opened, changed and sent, sometimes with what an earlier page had hidden in it.
    async fn form(&mut self, id: &str) {
        let path = format!("{LIST}/{id}");
        let place = self.elsewhere();
        let mut form = Filled::of(&self.app.get(&path).await)
            .with("servidor", &place.server)
            .with("puerto", &place.port.to_string())
            .with("tls", place.security)
            .with("usuario", place.user);
        if self.chance.maybe(4) {
            form = form.with("clave", &place.password());
        }
        if self.chance.maybe(8) {
            form = form.with("puerto", "x").with("clave", &Place { port: 0, ..place.clone() }.password());
        }
        for _ in 0..self.chance.below(3) {
            if !self.kept_fields.is_empty() {
                let kept = self.kept_fields.clone();
                let (name, value) = &kept[self.chance.below(kept.len())];
                form = form.with(name, value);
            }
        }
        let button = self.chance.one(&["probar", "guardar", "corregir"]);
        if button == "corregir" {
            // The correction is whatever the request says it is.
            let to = self.elsewhere();
            form = form
                .with("corregir_servidor", &to.server)
                .with("corregir_puerto", &to.port.to_string())
                .with("corregir_tls", to.security)
                .with("corregir_usuario", to.user)
                .with("clave", "");
        }
        let answer = form.press(&self.app, &path, button).await;
        self.steps.push(format!("form {button} {place:?} -> {}", answer.status));
        assert!(!answer.status.is_server_error(), "{:#?}", self.steps);
        for name in ["clave_sellada", "clave_corregida", "probada"] {
            if let Some(value) = answer.attribute(&format!("input[name={name}]"), "value") {
                // One that was typed beside an unreadable port goes with the first port that is written in its place.
                if !(name == "clave_sellada" && answer.one("#cuenta").contains("El puerto va de")) {
                    self.kept_fields.push((name.to_owned(), value));
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_order_a_secret_reaches_only_what_it_was_given_for() {
    let heard = Heard::default();
    let first = recording("127.0.0.1:0".parse().unwrap(), heard.clone()).await;
    let beside = recording("127.0.0.1:0".parse().unwrap(), heard.clone()).await;
    let same_port = recording(SocketAddr::from(([127, 0, 0, 2], first.port())), heard.clone()).await;
    let servers = [first, beside, same_port];
    for seed in 0..ORDERS {
        let mut play = Play::begin(seed, &servers).await;
        for _ in 0..STEPS {
            play.step().await;
        }
        for (server, user, password) in heard.lock().unwrap().iter() {
            let wanted = Place {
                server: server.ip().to_string(),
                port: server.port(),
                security: "none",
                user: USERS.into_iter().find(|it| it == user).unwrap_or("?"),
            };
            assert_eq!(*password, wanted.password(), "order {seed} led it to {server}: {:#?}", play.steps);
        }
    }
    let reached: BTreeSet<SocketAddr> = heard.lock().unwrap().iter().map(|(server, ..)| *server).collect();
    assert_eq!(reached.len(), servers.len(), "each server was logged in at with its own");
}
