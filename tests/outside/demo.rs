//! The demo keeps its companies apart, and reaches nothing on this machine but its own mail server.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::installation::Installation;

const OTHER_RUC: &str = "0190402118001";
const OTHER_EMAIL: &str = "otra@paute.ec";
const PASSWORD: &str = "una clave larga";

struct Demo {
    child: Child,
    url: String,
    email: String,
    password: String,
    token: String,
    smtp_port: u16,
    http: Client,
}

impl Demo {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the demo starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let text = |key: &str| said[key].as_str().expect(key).to_string();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().redirect(Policy::none()).no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
        let smtp_port = said["smtp_port"].as_u64().and_then(|port| port.try_into().ok()).expect("a port");
        Self { child, url: text("url"), email: text("email"), password: text("password"), token: text("token"), smtp_port, http }
    }

    async fn log_in(&self, email: &str, password: &str) -> String {
        let form = [("correo", email), ("clave", password)];
        let asked = self.http.post(format!("{}/entrar", self.url)).header("Origin", &self.url).form(&form);
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let cookies = answer.headers().get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
        cookies.filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ")
    }

    async fn page(&self, session: &str, path: &str) -> (StatusCode, String) {
        let answer = self.http.get(format!("{}{path}", self.url)).header("Cookie", session).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    async fn api(&self, token: &str, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let asked = self.http.request(method, format!("{}/api/v1{path}", self.url)).bearer_auth(token).json(body);
        let answer = asked.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or(Value::Null))
    }

    /// A payment of a new customer, whose receipt goes to this address.
    async fn record_for(&self, token: &str, address: &str) {
        let contact = json!({ "name": address, "identification_type": "other", "identification": address.split('@').next(), "is_customer": true,
            "emails": [address] });
        let (status, made) = self.api(token, Method::POST, "/contacts", &contact).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        let payment = json!({ "direction": "received", "contact_id": made["id"], "date": "2026-11-24", "notify": true,
            "lines": [{ "method": "cash", "amount": "10.00" }], "allocations": [] });
        let (status, made) = self.api(token, Method::POST, "/payments", &payment).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
    }

    /// The ids of the mails that this page links to, once one of them is for the address.
    async fn mails_with(&self, session: &str, address: &str) -> Vec<String> {
        for _ in 0..300 {
            let (status, page) = self.page(session, "/demo/buzon").await;
            assert_eq!(status, StatusCode::OK);
            if page.contains(address) {
                let links = page.split("href=\"/demo/buzon/").skip(1).filter_map(|rest| rest.split(['"', '/']).next());
                return links.map(str::to_string).collect();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no mail for {address} arrived");
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_demo_neither_touches_what_is_configured_nor_sends_through_it() {
    let installation = Installation::new();
    let listed =
        || installation.succeed(&["company", "list", "--json"], "") + &installation.succeed(&["user", "list", "--json"], "");
    let before = listed();
    let mail_server = TcpListener::bind("127.0.0.1:0").unwrap();
    mail_server.set_nonblocking(true).unwrap();
    let settings = format!(
        "database_url = \"sqlite://{}\"\ndefault_mail_url = \"smtp://{}?security=none\"\ndefault_mail_from = \"a@real.ec\"\n\
         public_url = \"https://acuse.real.ec\"\n",
        installation.database().display(),
        mail_server.local_addr().unwrap(),
    );
    std::fs::write(installation.beside("acuse.toml"), settings).unwrap();
    let log = installation.beside("demo.log");
    let script = format!("exec \"$0\" demo --json 2>{}", log.display());
    let mut command = installation.sh(&script);
    command
        .env("ACUSE_SECRET_KEY_FILE", installation.data_dir().join("secret.key"))
        .env("ACUSE_OAUTH_GOOGLE_CLIENT_ID", "1")
        .env("ACUSE_ALLOWED_PRIVATE_HOSTS", "127.0.0.1");
    let demo = Demo::start(command);
    assert!(demo.url.starts_with("http://127.0.0.1:"), "{}", demo.url);
    demo.record_for(&demo.token, "de-la-demo@cliente.ec").await;
    let session = demo.log_in(&demo.email, &demo.password).await;
    demo.mails_with(&session, "de-la-demo@cliente.ec").await;
    assert!(mail_server.accept().is_err(), "nothing goes out");
    assert!(!installation.data_dir().join("secret.key").exists() && !installation.data_dir().join("demo.json").exists());
    drop(demo);
    let log = std::fs::read_to_string(log).unwrap();
    let told = log.lines().find(|line| line.starts_with("Aviso: la demostración no usa")).expect("it is told").to_owned();
    for name in
        ["database_url", "default_mail_url", "default_mail_from", "public_url", "secret_key_file", "oauth_google_client_id"]
    {
        assert!(told.contains(name), "{told}");
    }
    assert!(!told.contains("allowed_private_hosts") && !told.contains("listen"), "{told}");
    std::fs::remove_file(installation.beside("acuse.toml")).unwrap();
    assert_eq!(listed(), before);
}

/// The demo's words on standard error, where it ends by itself.
fn refused(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_demo_goes_on_in_its_folder_and_begins_in_no_other_database() {
    let installation = Installation::new();
    let on = |folder: &str| installation.command(&["demo", "--json", "--data-dir", folder]);
    let words = refused(on("data"));
    assert!(words.contains("no es de una demostración"), "{words}");
    let first = Demo::start(on("kept"));
    let (password, token) = (first.password.clone(), first.token.clone());
    drop(first);
    let second = Demo::start(on("kept"));
    assert_eq!((&second.password, &second.token), (&password, &token));
    second.log_in(&second.email, &password).await;
}

#[test]
fn a_demo_leaves_no_folder_behind_however_it_ends() {
    let installation = Installation::empty();
    let left = || {
        let names = std::fs::read_dir(installation.beside(".")).unwrap().flatten().map(|entry| entry.file_name());
        names.filter(|name| name.to_string_lossy().starts_with("acuse-demo-")).count()
    };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = installation.command(&["demo"]);
    command.env("ACUSE_LISTEN", taken.local_addr().unwrap().to_string());
    assert!(refused(command).contains("no se puede abrir"));
    assert_eq!(left(), 0, "the address was taken");
    let mut wrong = installation.command(&["demo"]);
    wrong.env("ACUSE_WORKERS", "x");
    refused(wrong);
    assert_eq!(left(), 0, "a setting was wrong");
    let mut demo = Demo::start(installation.command(&["demo", "--json"]));
    assert_eq!(left(), 1);
    Command::new("kill").args(["-TERM", &demo.child.id().to_string()]).status().unwrap();
    assert!(demo.child.wait().unwrap().success());
    assert_eq!(left(), 0, "it was stopped");
}

#[tokio::test]
async fn each_company_sees_the_mails_that_it_sent_and_no_others() {
    let installation = Installation::empty();
    let demo = Demo::start(installation.command(&["demo", "--json", "--data-dir", installation.data_dir().to_str().unwrap()]));
    installation.succeed(&["company", "create", "--ruc", OTHER_RUC, "--name", "Flores de Paute"], "");
    installation.succeed(&["user", "create", "--email", OTHER_EMAIL, "--company", OTHER_RUC], PASSWORD);
    let other = installation.succeed(&["token", "create", "--company", OTHER_RUC, "--name", "x"], "").trim().to_string();
    demo.record_for(&demo.token, "de-la-demo@cliente.ec").await;
    demo.record_for(&other, "de-la-otra@cliente.ec").await;
    // Probar sends through the company's own account, whose server is the catcher too.
    let account = json!({ "module": "received_payments", "server": "127.0.0.1", "port": demo.smtp_port, "security": "none",
        "from_name": "Paute", "from_address": "ventas@paute.ec", "to": "prueba@paute.ec" });
    let (status, report) = demo.api(&other, Method::POST, "/mail-accounts/check", &account).await;
    assert_eq!((status, report["ok"].as_bool()), (StatusCode::OK, Some(true)), "{report}");

    let (ours, theirs) = (demo.log_in(&demo.email, &demo.password).await, demo.log_in(OTHER_EMAIL, PASSWORD).await);
    let own = demo.mails_with(&ours, "de-la-demo@cliente.ec").await;
    let foreign = demo.mails_with(&theirs, "de-la-otra@cliente.ec").await;
    let tested = demo.mails_with(&theirs, "prueba@paute.ec").await;
    for (session, hidden) in [(&ours, ["de-la-otra@cliente.ec", "prueba@paute.ec"]), (&theirs, ["de-la-demo@cliente.ec"; 2])] {
        let (_, page) = demo.page(session, "/demo/buzon").await;
        for address in hidden {
            assert!(!page.contains(address), "{address}");
        }
    }
    for (session, ids) in [(&ours, [foreign, tested].concat()), (&theirs, own)] {
        assert!(!ids.is_empty());
        for id in ids {
            for path in ["", "/html", "/adjuntos/0", "/original"] {
                let (status, _) = demo.page(session, &format!("/demo/buzon/{id}{path}")).await;
                assert_eq!(status, StatusCode::NOT_FOUND, "{id}{path}");
            }
        }
    }
}

/// Whether the account may be reached, by the code of the check's problem.
async fn code_of_check(demo: &Demo, server: &str, port: u16) -> String {
    let account = json!({ "module": "received_payments", "server": server, "port": port, "security": "none",
        "from_name": "Demo", "from_address": "cobros@demo.ec" });
    let (status, report) = demo.api(&demo.token, Method::POST, "/mail-accounts/check", &account).await;
    match status {
        StatusCode::OK => report["problem"]["code"].as_str().unwrap_or("ok").to_string(),
        StatusCode::UNPROCESSABLE_ENTITY => report["errors"][0]["code"].as_str().unwrap_or_default().to_string(),
        other => panic!("{other}: {report}"),
    }
}

#[tokio::test]
async fn nothing_on_this_machine_is_reached_but_the_catcher_unless_the_operator_allows_it() {
    let installation = Installation::empty();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let demo = Demo::start(installation.command(&["demo", "--json"]));
    let web: u16 = demo.url.rsplit(':').next().unwrap().parse().unwrap();
    assert_eq!(code_of_check(&demo, "127.0.0.1", demo.smtp_port).await, "ok");
    for host in ["127.0.0.1", "localhost", "127.1", "0x7f000001", "[::1]", "0.0.0.0", "127.0.0.2", "[::ffff:127.0.0.1]"] {
        for port in [port, web, 25, 587] {
            let code = code_of_check(&demo, host, port).await;
            assert!(["address_not_allowed", "port_not_allowed"].contains(&code.as_str()), "{host}:{port} {code}");
        }
    }
    for host in ["127.0.0.2", "0.0.0.0", "[::1]"] {
        let code = code_of_check(&demo, host, demo.smtp_port).await;
        assert!(["address_not_allowed", "port_not_allowed"].contains(&code.as_str()), "{host} {code}");
    }
    assert!(listener.accept().is_err(), "nobody knocked");
    drop(demo);

    let mut allowing = installation.command(&["demo", "--json"]);
    allowing.env("ACUSE_ALLOWED_PRIVATE_HOSTS", "127.0.0.1");
    let demo = Demo::start(allowing);
    listener.set_nonblocking(false).unwrap();
    let knocked = std::thread::spawn(move || listener.accept().map(drop));
    let code = code_of_check(&demo, "127.0.0.1", port).await;
    assert!(!code.ends_with("not_allowed"), "{code}");
    knocked.join().unwrap().unwrap();
}
