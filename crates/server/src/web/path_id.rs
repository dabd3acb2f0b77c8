//! The id in a page's path. What is no id is a page that does not exist.

use std::collections::HashMap;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::app::App;
use crate::web::trouble::Trouble;

/// `PathId(id): PathId<PaymentId>` reads `{id}` of `/cobros/{id}`.
pub struct PathId<Id>(pub Id);

impl<Id: FromStr> FromRequestParts<App> for PathId<Id> {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Trouble> {
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, app).await.map_err(|_| Trouble::NotFound)?;
        path.get("id").and_then(|text| text.parse().ok()).map(Self).ok_or(Trouble::NotFound)
    }
}
