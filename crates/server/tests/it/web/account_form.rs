//! The form of a mail account as a browser fills it in and sends it, and what stands behind it in a test.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use acuse_mail::catcher::Catcher;
use axum::body::Body;
use axum::http::Response;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{Answer, TestApp};

pub const LIST: &str = "/mi-compania/correos";

/// The form as a browser would send it: what stands in the page's fields, changed by what the person types.
pub struct Filled(pub Vec<(String, String)>);

impl Filled {
    pub fn account(server: SocketAddr) -> Self {
        let port = server.port().to_string();
        let fields = [
            ("modulo", "cobros"),
            ("nombre", "Distribuidora Cotopaxi"),
            ("remitente", "cobros@cotopaxi.ec"),
            ("servidor", "127.0.0.1"),
            ("puerto", port.as_str()),
            ("tls", "none"),
            ("usuario", ""),
            ("clave", ""),
        ];
        Self(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    /// What the page's own form would send now.
    pub fn of(page: &Answer) -> Self {
        let html = scraper::Html::parse_document(&page.text());
        let selector = scraper::Selector::parse("#cuenta input[name], input[form=cuenta][name]").unwrap();
        let mut fields: Vec<(String, String)> = html
            .select(&selector)
            .map(|input| (input.value().attr("name").unwrap().to_owned(), input.value().attr("value").unwrap_or("").to_owned()))
            .collect();
        let selects = scraper::Selector::parse("#cuenta select").unwrap();
        let chosen = scraper::Selector::parse("option[selected]").unwrap();
        for select in html.select(&selects) {
            let value = select.select(&chosen).next().expect("an option is chosen").value().attr("value").unwrap();
            fields.push((select.value().attr("name").unwrap().to_owned(), value.to_owned()));
        }
        Self(fields)
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.retain(|(own, _)| own != name);
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    pub async fn press(self, app: &TestApp, path: &str, button: &str) -> Answer {
        let all = self.with("accion", button);
        app.post(path, &all.fields()).await
    }

    /// As the page's script asks: the phases as they happen.
    pub async fn probe_live(self, app: &TestApp) -> Response<Body> {
        app.open_live(LIST, &self.with("accion", "probar").fields()).await
    }

    pub fn fields(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

pub async fn catcher() -> Catcher {
    Catcher::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap()
}

/// A port where nobody listens.
pub async fn closed_port() -> SocketAddr {
    tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap()
}

/// What is logged while a test runs on its one thread.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
