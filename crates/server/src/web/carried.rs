//! A form that has to wait for something else, and is not lost meanwhile: for a login because its session ended, or for the
//! person that it names to be created. Its fields travel along in the page that comes between, and nothing of them is kept.
//! What is a password, or a file, does not travel (docs/decisions/0021).

pub mod act;
mod lacks;

use std::net::IpAddr;

use acuse_store::sessions::{self, EndedSession};
use askama::Template;
use askama::filters::HtmlSafe;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::header::{CONTENT_TYPE, COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::Form;
use http_body::Body as _;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use crate::access::{LoginNeeded, RoleLacks, form_company, session_token};
use crate::app::App;
use crate::client_address::AsksFrom;
use crate::cookies;
use crate::web::login::{self, local_path};
use crate::web::trouble;

/// A payment over 2,000 open documents (bytes). What is larger has to be typed again.
pub const LARGEST: usize = 128 * 1024;
/// Encoded once more it is three times as long at most.
pub const LARGEST_ENCODED: usize = 3 * LARGEST;
/// The `accion` of a form that is given back as it was typed, where pressing nothing would save.
pub const SHOW: &str = "mostrar";
const FORM: &str = "application/x-www-form-urlencoded";
/// Fields that hold passwords, and below which path: elsewhere `clave` is the key of a form.
const PASSWORDS: [(&str, &[&str]); 3] = [
    ("/mi-compania/correos", &["clave", "clave_app"]),
    ("/mi-cuenta/clave", &["actual", "nueva"]),
    ("/mi-cuenta/segundo-paso", &["codigo"]),
];
/// Forms of a password and little else, and those of a link that is a secret: they are sent again.
const WITH_SECRETS: [&str; 5] = ["/mi-cuenta/correo", "/invitacion", "/clave", "/correo/", "/primer-inicio"];

/// Prints itself as hidden fields: `{% if let Some(carried) = carried %}{{ carried }}{% endif %}`.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(
    ext = "html",
    source = r#"<input type="hidden" name="lleva_a" value="{{ to }}"><input type="hidden" name="lleva" value="{{ self.encoded() }}">{% if lacks_password %}<input type="hidden" name="lleva_sin" value="clave">{% endif %}"#
)]
pub struct Carried {
    /// Where it was sent.
    to: String,
    fields: Vec<(String, String)>,
    lacks_password: bool,
    is_only_shown: bool,
}

/// Of a request that gives a form back after a login, where pressing nothing would have saved: the page says so.
#[derive(Debug, Clone, Copy)]
pub struct OnlyShown;

impl HtmlSafe for Carried {}

impl Carried {
    /// As a browser sent it.
    #[must_use]
    pub fn of(to: &str, body: &[u8]) -> Self {
        let mut fields = decoded(&String::from_utf8_lossy(body));
        // Whoever sends it on says anew for which company.
        fields.retain(|(name, _)| name != form_company::FIELD);
        let is_password = |(name, value): &(String, String)| {
            !value.is_empty() && PASSWORDS.iter().any(|(path, fields)| to.starts_with(path) && fields.contains(&name.as_str()))
        };
        let before = fields.len();
        fields.retain(|field| !is_password(field));
        Self { to: to.to_owned(), lacks_password: fields.len() < before, fields, is_only_shown: false }
    }

    /// As it came back from the page between, in its fields `lleva_a`, `lleva` and `lleva_sin`. `None` where that carried nothing.
    #[must_use]
    pub fn back(to: &str, fields: &str, lacks: &str) -> Option<Self> {
        let is_a_form = !to.is_empty()
            && local_path(to) == to
            && !["/api", "/salir", "/tema"].iter().chain(&WITH_SECRETS).any(|own| to.starts_with(own));
        let carried =
            || Self { to: to.to_owned(), fields: decoded(fields), lacks_password: !lacks.is_empty(), is_only_shown: false };
        is_a_form.then(carried)
    }

    /// What a form that carries it keeps in its fields `lleva_a` and `lleva`.
    #[must_use]
    pub fn as_fields(&self) -> (String, String) {
        (self.to.clone(), self.encoded())
    }

    /// As if this had been typed or pressed in it.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(own, _)| own != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The form again, as it was typed, and nothing saved. `None` where only saving can show it.
    #[must_use]
    pub fn only_shown(self) -> Option<Self> {
        let path = self.to.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let action = match parts[..] {
            // It has one button, which saves.
            ["mi-compania", "correos", "si-falla"] => return None,
            ["mi-compania", "datos"] | ["mi-compania", "integraciones", "nuevo"] => SHOW,
            ["cobros" | "pagos" | "documentos", "nuevo"]
            | ["personas", "nueva"]
            | ["personas", _, "modificar"]
            | ["mi-compania", "correos"]
            | ["mi-compania", "correos", _] => "",
            _ => return None,
        };
        let shown = self.with("accion", action).with("quitar", "").without_empty("quitar");
        Some(Self { is_only_shown: true, ..shown })
    }

    /// What stands in the fields of this name, with commas between.
    #[must_use]
    pub fn typed(&self, name: &str) -> String {
        let own = self.fields.iter().filter(|(own, value)| own == name && !value.trim().is_empty());
        own.map(|(_, value)| value.trim()).collect::<Vec<_>>().join(", ")
    }

    fn without_empty(mut self, name: &str) -> Self {
        self.fields.retain(|(own, value)| own != name || !value.is_empty());
        self
    }

    #[must_use]
    pub fn lacks_password(&self) -> bool {
        self.lacks_password
    }

    #[must_use]
    pub fn to(&self) -> &str {
        &self.to
    }

    #[must_use]
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// Sends it, in the name of whoever has these cookies and asks from there.
    pub async fn go_on(self, app: &App, cookies: &str, source: Option<IpAddr>) -> Response {
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.to)
            .header(CONTENT_TYPE, FORM)
            .header(COOKIE, cookies)
            .body(Body::from(self.encoded()));
        match request {
            Ok(mut request) => {
                request.extensions_mut().insert(AsksFrom(source));
                if self.is_only_shown {
                    request.extensions_mut().insert(OnlyShown);
                }
                let pages = crate::web::router(app).fallback(trouble::unknown_path).with_state(app.clone());
                pages.oneshot(request).await.unwrap_or_else(|never| match never {})
            }
            Err(_) => trouble::not_understood(),
        }
    }

    fn encoded(&self) -> String {
        let part = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        self.fields.iter().map(|(name, value)| format!("{}={}", part(name), part(value))).collect::<Vec<_>>().join("&")
    }
}

fn decoded(body: &str) -> Vec<(String, String)> {
    let part = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = body.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(name, value)| (part(name), part(value))).collect()
}

/// A form as it is read, and as it was sent.
pub struct Kept<T> {
    pub form: T,
    pub body: Bytes,
}

impl<T: DeserializeOwned + Send + 'static> FromRequest<App> for Kept<T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let body =
            Bytes::from_request(Request::from_parts(parts.clone(), body), app).await.map_err(IntoResponse::into_response)?;
        let again = Request::from_parts(parts, Body::from(body.clone()));
        let Form(form) = Form::<T>::from_request(again, app).await.map_err(IntoResponse::into_response)?;
        Ok(Self { form, body })
    }
}

/// A form whose session ended comes back as the login with the form inside.
pub async fn over_login(State(app): State<App>, request: Request, next: Next) -> Response {
    if !can_be_carried(&request) {
        let lost = (request.method() == Method::POST).then(|| Lost::of(request.uri().path()));
        let headers = request.headers().clone();
        let answer = next.run(request).await;
        let asks_for_login = answer.extensions().get::<LoginNeeded>().is_some() && answer.status().is_redirection();
        return match lost {
            Some(lost) if asks_for_login => login::ask_without(&app, &headers, lost).await,
            _ => answer,
        };
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST).await else { return trouble::not_understood() };
    let to = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let headers = parts.headers.clone();
    let answer = next.run(Request::from_parts(parts, Body::from(body.clone()))).await;
    if let Some(RoleLacks(role)) = answer.extensions().get() {
        return lacks::show(&headers, *role, Carried::of(&to, &body));
    }
    if answer.extensions().get::<LoginNeeded>().is_none() {
        return answer;
    }
    login::ask_with(&app, &headers, Carried::of(&to, &body)).await
}

/// What could not travel: the login says what has to be done again, and leads to where that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    pub words: &'static str,
    pub back_to: &'static str,
}

impl Lost {
    pub(crate) fn of(path: &str) -> Self {
        match path {
            "/mi-compania/logo" => Self {
                words: "El archivo no se guardó: después de entrar, elija el logo otra vez.",
                back_to: "/mi-compania/datos",
            },
            _ if path.starts_with("/mi-cuenta") => {
                Self { words: "Lo que envió no se guardó: después de entrar, hágalo otra vez.", back_to: "/mi-cuenta" }
            }
            _ => Self { words: "Lo que envió no se guardó: después de entrar, hágalo otra vez.", back_to: "/" },
        }
    }
}

pub(crate) fn can_be_carried(request: &Request) -> bool {
    let text = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    // Browsers say how long a form is.
    let length = request.body().size_hint().exact().unwrap_or(u64::MAX);
    let path = request.uri().path();
    request.method() == Method::POST
        && !path.starts_with("/api/")
        && !["/salir", "/tema"].contains(&path)
        && !path.starts_with("/entrar")
        && !WITH_SECRETS.iter().any(|below| path.starts_with(below))
        && text(CONTENT_TYPE).starts_with(FORM)
        // A form that is only a button has no fields.
        && length <= LARGEST as u64
}

/// Whose session this browser had, where it is over.
pub async fn ended_session(app: &App, headers: &HeaderMap) -> Option<EndedSession> {
    let own = session_token(app, headers).filter(|token| !token.is_empty()).map(|token| sessions::fingerprint(&token));
    let fingerprint = own.or_else(|| cookies::read(app, headers, cookies::LAST_SESSION))?;
    // Without it the login still works, and says less.
    sessions::ended_any_company(&app.db, &fingerprint, acuse_store::now()).await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_comes_back_as_it_was_sent_but_for_its_passwords() {
        let body = "persona=Caf%C3%A9+%26+%22T%C3%A9%22&abono=&abono=640%2C00&clave=llave";
        let carried = Carried::of("/cobros/nuevo?x=1", body.as_bytes());
        let html = carried.to_string();
        assert!(!html.contains('é'), "{html}");
        assert_eq!(Carried::back(&carried.to, &carried.encoded(), ""), Some(carried.clone()));
        assert_eq!(carried.fields()[0].1, "Café & \"Té\"");
        assert_eq!(carried.fields().len(), 4);
        let secret = Carried::of("/mi-compania/correos/7", b"usuario=a&clave=abcd&clave_app=");
        assert!(secret.lacks_password() && !secret.encoded().contains("abcd"));
    }

    #[test]
    fn it_leads_nowhere_else() {
        for to in ["//malo.ec", "https://malo.ec", "/entrar", "/api/v1/payments", "/salir", ""] {
            assert_eq!(Carried::back(to, "a=b", ""), None, "{to}");
        }
    }
}
