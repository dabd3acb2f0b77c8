//! The companies of whoever is logged in: finding one among many, going there, and a new one.

pub mod list;
pub mod new;

use acuse_domain::id::CompanyId;
use acuse_store::memberships;
use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::access::session_token;
use crate::app::App;
use crate::client_address::ClientAddress;
use crate::cookies;
use crate::web::carried::Carried;
use crate::web::page::Theme;
use crate::web::path_id::PathId;
use crate::web::trouble::Trouble;

/// The form that was made for this company while its person was in another one (access/form_company.rs).
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct EnterForm {
    lleva_a: String,
    lleva: String,
    lleva_sin: String,
}

/// Into another company, in the same session.
pub async fn enter(
    State(app): State<App>,
    ClientAddress(source): ClientAddress,
    headers: HeaderMap,
    PathId(company): PathId<CompanyId>,
    form: Result<Form<EnterForm>, FormRejection>,
) -> Result<Response, Trouble> {
    let token = session_token(&app, &headers).unwrap_or_default();
    if !memberships::enter(&app.db, company, &token, acuse_store::now()).await? {
        return Err(Trouble::NotFound);
    }
    let Form(form) = form.unwrap_or_default();
    let Some(carried) = Carried::back(&form.lleva_a, &form.lleva, &form.lleva_sin) else {
        return Ok(Redirect::to("/").into_response());
    };
    match carried.only_shown() {
        Some(shown) => {
            let theme = cookies::find(&headers, Theme::COOKIE).map(|theme| format!("; {}={theme}", Theme::COOKIE));
            let own = format!("{}={token}{}", cookies::full_name(&app, cookies::SESSION), theme.unwrap_or_default());
            Ok(shown.go_on(&app, &own, source).await)
        }
        None => Ok(Redirect::to("/").into_response()),
    }
}
