//! A form that somebody's role does not allow, perhaps since a moment ago: nothing is done, and what they typed is there.

use acuse_domain::access::Role;
use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::Carried;
use crate::web::page::{Theme, with_status};

#[derive(Template)]
#[template(path = "lacks.html")]
struct LacksPage {
    theme: Theme,
    role: Role,
    carried: Carried,
}

impl LacksPage {
    /// What a person typed or chose, without what the page itself wrote into the form.
    fn typed(&self) -> Vec<&(String, String)> {
        let is_own =
            |name: &str| name.ends_with("_id") || ["clave", "visto", "antes", "version", "accion", "asi_es"].contains(&name);
        self.carried.fields().iter().filter(|(name, value)| !is_own(name) && !value.trim().is_empty()).collect()
    }
}

pub fn show(headers: &HeaderMap, role: Role, carried: Carried) -> Response {
    with_status(StatusCode::FORBIDDEN, &LacksPage { theme: Theme::of(headers), role, carried })
}
