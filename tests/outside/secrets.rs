//! Mail secrets: they reach only what they were given for, and a database opens only with the key file that sealed them.

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::damage::spoil_root;
use crate::installation::{Installation, Server};

const USERS: [&str; 3] = ["", "cobros@cotopaxi.ec", "pagos@cotopaxi.ec"];
/// Orders of requests, each of so many; what is asked follows from the order's number alone.
const ORDERS: u64 = 6;
const STEPS: usize = 15;

/// A server in clear that takes every login and every mail, and writes down user and password.
pub struct Recorder {
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<(String, String)>>>,
}

impl Recorder {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let (address, heard) = (listener.local_addr().expect("an address"), Arc::new(Mutex::new(Vec::new())));
        let writes = heard.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let heard = writes.clone();
                std::thread::spawn(move || converse(&stream, &heard));
            }
        });
        Self { address, heard }
    }

    pub fn heard(&self) -> Vec<(String, String)> {
        self.heard.lock().expect("nobody panics with it").clone()
    }
}

fn converse(mut stream: &std::net::TcpStream, heard: &Mutex<Vec<(String, String)>>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    stream.write_all(b"220 eco ESMTP\r\n").ok()?;
    while let Some(Ok(line)) = lines.next() {
        let answer: &[u8] = match line.split(' ').next() {
            Some("EHLO") => b"250-eco\r\n250 AUTH PLAIN\r\n",
            Some("AUTH") => {
                let opened = STANDARD.decode(line.rsplit(' ').next()?).ok()?;
                let text = String::from_utf8_lossy(&opened).into_owned();
                let mut parts = text.split('\0').skip(1).map(str::to_owned);
                heard.lock().ok()?.push((parts.next()?, parts.next()?));
                b"235 2.7.0 ok\r\n"
            }
            Some("DATA") => {
                stream.write_all(b"354 go on\r\n").ok()?;
                lines.by_ref().map_while(Result::ok).find(|line| line == ".")?;
                b"250 2.0.0 ok\r\n"
            }
            _ => b"250 2.0.0 ok\r\n",
        };
        stream.write_all(answer).ok()?;
    }
    None
}

/// What a password says of itself: it is given for exactly this.
pub fn password_for(port: u16, security: &str, user: &str) -> String {
    format!("clave para {port} {security} {user}")
}

pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % bound as u64).expect("small")
    }
}

pub async fn serving(installation: &Installation) -> Server {
    let mut command = installation.command(&["serve"]);
    command.env("ACUSE_ALLOWED_PRIVATE_HOSTS", "127.0.0.1");
    installation.start(command).await
}

async fn ask(server: &Server, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
    let answer = server.api(method, path).json(body).send().await.expect("an answer");
    let status = answer.status();
    (status, answer.json().await.unwrap_or_default())
}

async fn account(server: &Server, port: u16) -> String {
    let body = json!({
        "module": "received_payments", "server": "127.0.0.1", "port": port, "security": "none", "username": USERS[1],
        "password": password_for(port, "none", USERS[1]), "from_address": USERS[1]
    });
    let (status, made) = ask(server, Method::POST, "/mail-accounts", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    made["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn no_order_of_changes_and_checks_leads_a_password_elsewhere() {
    let (installation, recorders) = (Installation::new(), [Recorder::start(), Recorder::start()]);
    let server = serving(&installation).await;
    let session = server.log_in().await;
    for order in 0..ORDERS {
        let (mut chance, mut told) = (Chance(order), Vec::new());
        let home = recorders[0].address.port();
        let id = account(&server, home).await;
        for _ in 0..STEPS {
            let port = recorders[chance.below(2)].address.port();
            let (security, user) = (["none", "starttls", "tls"][chance.below(3)], USERS[chance.below(3)]);
            let mut change = json!({});
            for (name, value) in [("port", json!(port)), ("security", json!(security)), ("username", json!(user))] {
                if chance.below(2) == 0 {
                    change[name] = value;
                }
            }
            let path = format!("/mail-accounts/{id}");
            let said = match chance.below(4) {
                0 | 1 => ask(&server, Method::PATCH, &path, &change).await.0,
                2 => ask(&server, Method::POST, &format!("{path}/check"), &change).await.0,
                _ => {
                    let (port, button) = (port.to_string(), ["probar", "guardar", "corregir"][chance.below(3)]);
                    let fields = [
                        ("modulo", "cobros"),
                        ("nombre", "Cotopaxi"),
                        ("remitente", USERS[1]),
                        ("servidor", "127.0.0.1"),
                        ("puerto", port.as_str()),
                        ("tls", security),
                        ("usuario", user),
                        ("corregir_puerto", port.as_str()),
                        ("corregir_tls", "none"),
                        ("accion", button),
                    ];
                    server
                        .form(&session, &format!("/mi-compania/correos/{id}"), &fields)
                        .send()
                        .await
                        .expect("an answer")
                        .status()
                }
            };
            assert!(!said.is_server_error(), "{said}: {change}");
            told.push(format!("{change} {said}"));
            ask(&server, Method::POST, &format!("{path}/check"), &json!({})).await;
        }
        for recorder in &recorders {
            for (user, password) in recorder.heard() {
                let theirs = password_for(recorder.address.port(), "none", &user);
                assert_eq!(password, theirs, "order {order}: {told:#?}");
            }
        }
        assert_eq!(ask(&server, Method::DELETE, &format!("/mail-accounts/{id}"), &json!({})).await.0, StatusCode::NO_CONTENT);
    }
    assert!(!recorders[0].heard().is_empty(), "where it was given for it is used");
}

/// An installation with one mail account, stopped, and the account's id.
async fn with_account(recorder: &Recorder) -> (Installation, String) {
    let installation = Installation::new();
    let mut server = serving(&installation).await;
    let id = account(&server, recorder.address.port()).await;
    assert_eq!(ask(&server, Method::POST, &format!("/mail-accounts/{id}/check"), &json!({})).await.1["ok"], true);
    server.stop();
    (installation, id)
}

#[tokio::test]
async fn a_missing_key_file_is_not_replaced_in_silence() {
    let recorder = Recorder::start();
    let (installation, id) = with_account(&recorder).await;
    let (key, kept) = (installation.data_dir().join("secret.key"), installation.beside("kept.key"));
    std::fs::rename(&key, &kept).expect("it was there");
    for command in [["serve"], ["doctor"]] {
        let output = installation.run(&command, "");
        let said = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned()).concat();
        assert!(!output.status.success(), "{command:?}: {said}");
        assert!(said.contains("falta") && said.contains("1 contraseña de correo"), "{command:?}: {said}");
        assert!(said.contains("--forget-secrets"), "the way out: {said}");
        assert!(!key.exists(), "{command:?} made another");
    }
    std::fs::rename(&kept, &key).expect("the folder is ours");
    let mut server = serving(&installation).await;
    let heard = recorder.heard().len();
    assert_eq!(ask(&server, Method::POST, &format!("/mail-accounts/{id}/check"), &json!({})).await.1["ok"], true);
    assert_eq!(recorder.heard().len(), heard + 1, "with its own key all is as before");
    server.stop();
}

#[tokio::test]
async fn another_key_file_is_refused_and_what_it_does_not_open_is_forgotten_only_when_asked() {
    let recorder = Recorder::start();
    let (installation, id) = with_account(&recorder).await;
    let (other, key) = (Installation::new(), installation.data_dir().join("secret.key"));
    serving(&other).await.stop();
    std::fs::copy(other.data_dir().join("secret.key"), &key).expect("the folders are ours");
    for command in [["serve"], ["doctor"]] {
        let output = installation.run(&command, "");
        let said = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned()).concat();
        assert!(!output.status.success(), "{command:?}: {said}");
        assert!(said.contains("no es el de esta base") && said.contains("huella"), "{command:?}: {said}");
    }
    let mut command = installation.command(&["serve", "--forget-secrets"]);
    command.env("ACUSE_ALLOWED_PRIVATE_HOSTS", "127.0.0.1");
    let mut server = installation.start(command).await;
    assert!(server.log().contains("Se olvidaron 1 contraseña de correo"), "{}", server.log());
    let path = format!("/mail-accounts/{id}");
    let shown = ask(&server, Method::GET, &path, &json!({})).await.1;
    assert_eq!((&shown["has_password"], &shown["last_check"]), (&json!(false), &Value::Null));
    assert_eq!(shown["paused"]["problem"]["code"], "secret_unreadable", "{shown}");
    assert!(!shown["paused"]["problem"]["fix"].as_array().expect("a cure").is_empty());
    let heard = recorder.heard().len();
    let report = ask(&server, Method::POST, &format!("{path}/check"), &json!({})).await;
    assert_ne!(report.1["ok"], true, "{report:?}");
    assert_eq!(recorder.heard().len(), heard, "nobody logs in, nor sends as a stranger");
    let again = json!({ "password": password_for(recorder.address.port(), "none", USERS[1]) });
    assert_eq!(ask(&server, Method::PATCH, &path, &again).await.0, StatusCode::OK);
    assert_eq!(ask(&server, Method::POST, &format!("{path}/check"), &json!({})).await.1["ok"], true);
    server.stop();
    serving(&installation).await.stop();
    assert!(installation.run(&["doctor"], "").stdout.windows(6).any(|it| it == "huella".as_bytes()));
}

/// What doctor says of the key file, and its cure.
fn of_the_key(installation: &Installation) -> String {
    let output = installation.run(&["doctor"], "");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = said.lines().skip_while(|line| !line.contains("clave maestra")).take(2).collect();
    assert!(lines[0].starts_with('✗'), "{said}");
    lines.join("\n")
}

#[tokio::test]
async fn doctor_offers_to_forget_secrets_only_where_their_key_is_gone() {
    let (installation, _) = with_account(&Recorder::start()).await;
    let key = installation.data_dir().join("secret.key");
    let kept = std::fs::read(&key).expect("it was made");
    std::fs::set_permissions(&key, Permissions::from_mode(0o640)).expect("it is ours");
    let open = of_the_key(&installation);
    assert!(open.contains("otros usuarios pueden leer") && open.contains("chmod 600"), "{open}");
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("it is ours");
    std::fs::write(&key, "1 ninguna\n").expect("it is ours");
    let malformed = of_the_key(&installation);
    assert!(malformed.contains("no es una clave") && malformed.contains("respaldo"), "{malformed}");
    std::fs::write(&key, kept).expect("it is ours");
    spoil_root(&installation, "name = 'mail_account'").await;
    let damaged = of_the_key(&installation);
    assert!(damaged.contains("dañada") && damaged.contains("acuse restore"), "{damaged}");
    for said in [open, malformed, damaged] {
        assert!(!said.contains("--forget-secrets"), "{said}");
    }
}

#[tokio::test]
async fn a_damaged_database_is_served_with_its_own_key_file_and_no_other() {
    let (installation, _) = with_account(&Recorder::start()).await;
    let (other, key) = (Installation::new(), installation.data_dir().join("secret.key"));
    serving(&other).await.stop();
    let own = std::fs::read(&key).expect("it was made");
    spoil_root(&installation, "type = 'index' AND tbl_name = 'document'").await;
    std::fs::copy(other.data_dir().join("secret.key"), &key).expect("the folders are ours");
    for missing in [false, true] {
        if missing {
            std::fs::remove_file(&key).expect("it is there");
        }
        for arguments in [&["serve"][..], &["serve", "--forget-secrets"]] {
            let output = installation.run(arguments, "");
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{said}");
            let why = if missing { "falta" } else { "no es el de esta base" };
            assert!(said.contains("dañada") && said.contains(why) && said.contains("acuse restore"), "{said}");
            assert_eq!(key.exists(), !missing, "no file is made");
        }
    }
    std::fs::write(&key, &own).expect("the folder is ours");
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("it is ours");
    let begun = installation.begin(installation.command(&["serve"])).await;
    assert!(!begun.log().contains("could not be compared"), "{}", begun.log());
    drop(begun);
    spoil_root(&installation, "name = 'mail_account'").await;
    let begun = installation.begin(installation.command(&["serve"])).await;
    assert!(begun.log().contains("could not be compared"), "{}", begun.log());
}
