//! A browser that keeps its cookies, in the hands of somebody who means harm.

use std::collections::BTreeMap;

use reqwest::header::{LOCATION, SET_COOKIE};
use reqwest::{RequestBuilder, StatusCode};

use crate::installation::{PASSWORD, Server};

pub struct Browser<'a> {
    server: &'a Server,
    pub cookies: BTreeMap<String, String>,
}

/// An answer, read to its end.
pub struct Page {
    pub status: StatusCode,
    /// Where a redirect leads.
    pub location: String,
    pub text: String,
}

impl Page {
    pub fn is(&self, status: u16) -> bool {
        self.status.as_u16() == status
    }

    pub fn leads_to(&self, path: &str) -> bool {
        self.status.is_redirection() && self.location.starts_with(path)
    }

    /// What stands between two texts; empty where they are not there.
    pub fn between(&self, before: &str, after: &str) -> String {
        let rest = self.text.split_once(before).map_or("", |(_, rest)| rest);
        rest.split_once(after).map_or("", |(own, _)| own).to_owned()
    }
}

impl<'a> Browser<'a> {
    pub fn new(server: &'a Server) -> Self {
        Self { server, cookies: BTreeMap::new() }
    }

    /// Of somebody who has shown an address and a password, and was let in or asked for more.
    pub async fn of(server: &'a Server, email: &str) -> Self {
        let mut browser = Self::new(server);
        browser.log_in(email, PASSWORD).await;
        browser
    }

    pub async fn log_in(&mut self, email: &str, password: &str) -> Page {
        self.post("/entrar", &[("correo", email), ("clave", password)]).await
    }

    pub async fn get(&mut self, path: &str) -> Page {
        let request = self.server.get(path).header("cookie", self.cookie());
        self.send(request).await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = self.server.form(&self.cookie(), path, fields);
        self.send(request).await
    }

    /// Whether somebody is logged in here.
    pub async fn is_in(&mut self) -> bool {
        self.get("/mi-cuenta").await.is(200)
    }

    fn cookie(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    async fn send(&mut self, request: RequestBuilder) -> Page {
        let answer = request.send().await.expect("an answer");
        for cookie in answer.headers().get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()) {
            let Some((name, value)) = cookie.split(';').next().and_then(|pair| pair.split_once('=')) else { continue };
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let status = answer.status();
        let location = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default().to_owned();
        Page { status, location, text: answer.text().await.unwrap_or_default() }
    }
}
