//! Probar as it happens: phases one by one, stopped at once, a few at a time.

use std::net::SocketAddr;
use std::time::Duration;

use acuse_store::mail_accounts;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::account_form::{Filled, LIST, catcher};
use crate::support::{TestApp, encoded};

/// Long enough for anything that needs no waiting, on a busy machine.
const SOON: Duration = Duration::from_secs(5);

/// The events of an answer, as they come.
struct Events {
    body: BoxStream<'static, Result<Vec<u8>, axum::Error>>,
    text: String,
}

impl Events {
    fn of(answer: Response<Body>) -> Self {
        let body = answer.into_body().into_data_stream().map(|part| part.map(|bytes| bytes.to_vec())).boxed();
        Self { body, text: String::new() }
    }

    /// The next event's name and data. Nothing at the end.
    async fn next(&mut self) -> Option<(String, String)> {
        while !self.text.contains("\n\n") {
            let part = self.body.next().await?.expect("the stream goes on");
            self.text.push_str(&String::from_utf8(part).expect("text"));
        }
        let (event, rest) = self.text.split_once("\n\n").expect("an event");
        let of = |name: &str| {
            let lines = event.lines().filter_map(|line| line.strip_prefix(name).map(|rest| rest.trim_start_matches(' ')));
            lines.collect::<Vec<_>>().join("\n")
        };
        let event = (of("event:"), of("data:"));
        self.text = rest.to_owned();
        Some(event)
    }

    /// `now DNS`, `ok Conexión`: the rows of the next event.
    async fn rows(&mut self) -> Vec<String> {
        let (name, data) = timeout(SOON, self.next()).await.expect("in time").expect("an event");
        assert_eq!(name, "fases", "{data}");
        let rows = scraper::Html::parse_fragment(&data);
        let [row, title] = ["li", "b"].map(|css| scraper::Selector::parse(css).unwrap());
        let said = |row: scraper::ElementRef<'_>| {
            let title: String = row.select(&title).next().expect("a name").text().collect();
            format!("{} {title}", row.value().attr("data-state").expect("a state"))
        };
        rows.select(&row).map(said).collect()
    }
}

/// A mail server that answers each command when it is told to.
async fn told() -> (SocketAddr, mpsc::Sender<&'static str>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (say, mut told) = mpsc::channel::<&'static str>(1);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut heard = String::new();
        while let Some(words) = told.recv().await {
            stream.write_all(format!("{words}\r\n").as_bytes()).await.unwrap();
            heard.clear();
            if stream.read_line(&mut heard).await.unwrap_or(0) == 0 {
                return;
            }
        }
    });
    (address, say)
}

/// A mail server that takes the connection and says nothing. Gives each connection as it comes.
async fn silent() -> (SocketAddr, mpsc::Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (give, taken) = mpsc::channel(8);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            give.send(stream).await.unwrap();
        }
    });
    (address, taken)
}

/// Whether the other side closes it soon.
async fn is_closed(mut stream: TcpStream) -> bool {
    let mut rest = Vec::new();
    timeout(SOON, stream.read_to_end(&mut rest)).await.is_ok()
}

#[tokio::test]
async fn phases_come_one_by_one_as_they_happen() {
    let (server, say) = told().await;
    let app = TestApp::start().await;
    let answer = Filled::account(server).probe_live(&app).await;
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/event-stream");
    assert_eq!(header("cache-control"), "no-store, no-transform", "a proxy neither keeps it nor packs it");
    assert_eq!(header("x-accel-buffering"), "no");
    assert!(!answer.headers().contains_key("content-encoding"));
    let mut events = Events::of(answer);
    let first = events.rows().await;
    assert_eq!((first[0].as_str(), first[1].as_str(), first.len()), ("now DNS", "wait Conexión", 7));
    assert_eq!(events.rows().await, ["ok DNS", "now Conexión"]);
    assert_eq!(events.rows().await, ["ok Conexión", "now Saludo"]);
    let waited = timeout(Duration::from_millis(150), events.next()).await;
    assert!(waited.is_err(), "nothing is said before it happens: {waited:?}");
    say.send("220 correo.cotopaxi.ec ESMTP").await.unwrap();
    say.send("250 correo.cotopaxi.ec").await.unwrap();
    assert_eq!(events.rows().await, ["ok Saludo", "now Cifrado"]);
    assert_eq!(events.rows().await, ["ok Cifrado", "now Autenticación"]);
    assert_eq!(events.rows().await, ["ok Autenticación", "now Remitente"]);
    say.send("550 5.7.1 <b>Sender rejected</b>").await.unwrap();
    assert_eq!(events.rows().await, ["bad Remitente"]);
    drop(say);
    let (name, page) = timeout(SOON, events.next()).await.expect("in time").expect("the end");
    assert_eq!(name, "fin");
    assert!(page.contains("Configuración errónea") && page.contains(r#"<div class="ac-probe">"#), "{page}");
    assert!(page.contains("550 5.7.1 &#60;b&#62;Sender rejected"), "text, never HTML: {page}");
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn the_end_is_the_page_that_a_browser_without_script_gets() {
    let server = catcher().await;
    let app = TestApp::start().await;
    let form = || Filled::account(server.local_addr()).with("hacia", "gabriela@cotopaxi.ec");
    let mut events = Events::of(form().probe_live(&app).await);
    let mut last = None;
    while let Some(event) = events.next().await {
        last = Some(event);
    }
    let (_, live) = last.expect("an end");
    let plain = form().press(&app, LIST, "probar").await.text();
    let parts = |html: &str| {
        let page = scraper::Html::parse_document(html);
        let names =
            scraper::Selector::parse("#diag, .ac-phases b, .ac-phases .ac-what, #cuenta [name]:not([type=hidden])").unwrap();
        // The catcher counts its messages.
        page.select(&names).map(|one| one.html().replace("as 2", "as 1")).collect::<Vec<_>>()
    };
    assert!(live.contains("Configuración correcta"));
    assert_eq!(parts(&live), parts(&plain));
    assert_eq!(server.messages().len(), 2, "one message for each check");
}

#[tokio::test]
async fn who_stops_a_check_closes_its_connection_and_leaves_nothing_behind() {
    let (server, mut taken) = silent().await;
    let app = TestApp::start().await;
    Filled::account(server).press(&app, LIST, "guardar").await;
    let account = mail_accounts::list(&app.app.db, app.company).await.unwrap().pop().unwrap();
    let path = format!("{LIST}/{}", account.id);

    let (router, cookie) = app.served();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ours = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let body = encoded(&Filled::account(server).with("accion", "probar").fields());
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {ours}\r\nCookie: {cookie}\r\nSec-Fetch-Site: same-origin\r\nAccept: text/event-stream\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut browser = TcpStream::connect(ours).await.unwrap();
    browser.write_all(request.as_bytes()).await.unwrap();
    let mut seen = String::new();
    while !seen.contains(r#"data-phase="greeting" data-state="now""#) {
        let mut part = vec![0; 4_096];
        let length = timeout(SOON, browser.read(&mut part)).await.expect("in time").unwrap();
        assert!(length > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&part[..length]));
    }
    let reached = timeout(SOON, taken.recv()).await.expect("in time").expect("a connection");
    drop(browser);
    assert!(is_closed(reached).await, "the mail server is let go at once");
    let after = mail_accounts::find(&app.app.db, app.company, account.id).await.unwrap().unwrap();
    assert_eq!(after, account, "what did not end is not noted");
}

#[tokio::test]
async fn a_company_tries_a_few_accounts_at_once_and_then_has_to_wait() {
    let (server, mut taken) = silent().await;
    let app = TestApp::start().await;
    let mut running = Vec::new();
    for _ in 0..3 {
        let mut events = Events::of(Filled::account(server).probe_live(&app).await);
        while events.rows().await.last().is_none_or(|row| row != "now Saludo") {}
        running.push(events);
        taken.recv().await.unwrap();
    }
    let typed = Filled::account(server).with("usuario", "cobros").with("clave", "secreta");
    let refused = typed.press(&app, LIST, "probar").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "20");
    assert!(refused.one(".ac-note").contains("Espere a que terminen"), "{}", refused.text());
    assert_eq!(refused.attribute("#usuario", "value").as_deref(), Some("cobros"), "the form is as it was typed");
    assert!(refused.attribute("input[name=clave_sellada]", "value").is_some(), "its password too");

    let searched = app.get(&format!("{LIST}/nueva?modulo=cobros&direccion=ana%40cotopaxi.ec")).await;
    assert_eq!(searched.status, StatusCode::TOO_MANY_REQUESTS, "looking for a server is a knock too");
    assert_eq!(searched.attribute("#direccion", "value").as_deref(), Some("ana@cotopaxi.ec"));

    let neighbour = app.stranger().await;
    let listener = catcher().await;
    let theirs = Filled::account(listener.local_addr()).with("accion", "probar");
    assert_eq!(app.post_as(&neighbour.session, LIST, &theirs.fields()).await.one("#diag"), "Configuración correcta");
    running.pop();
    let again = Filled::account(listener.local_addr()).press(&app, LIST, "probar").await;
    assert_eq!(again.one("#diag"), "Configuración correcta", "what was stopped makes room");
}
