//! «La olvidé»: asking for a link, and choosing a new password with it. Nobody learns here who has a user.

use acuse_domain::input::required_address;
use acuse_store::account_links::{self, Link, LinkError, LinkKind, Standing};
use acuse_store::logins::counted;
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use secrecy::SecretString;
use serde::Deserialize;

use crate::app::App;
use crate::client_address::ClientAddress;
use crate::web::door::{private, said};
use crate::web::filters;
use crate::web::form_errors::FormErrors;
use crate::web::invitation::password_message;
use crate::web::login::{Browser, spoken};
use crate::web::page::{Theme, refused, shown, with_status};
use crate::web::trouble::Trouble;
use crate::web::users::day_and_hour;

#[derive(Template)]
#[template(path = "door/forgotten.html")]
struct ForgottenPage {
    theme: Theme,
    errors: FormErrors,
    email: String,
    /// Links go by mail; else an administrator makes one.
    is_mailed: bool,
    is_asked: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ForgottenForm {
    correo: String,
}

fn page(app: &App, headers: &HeaderMap, email: String) -> ForgottenPage {
    let (theme, is_mailed) = (Theme::of(headers), app.default_account.is_some());
    ForgottenPage { theme, errors: FormErrors::default(), email, is_mailed, is_asked: false }
}

pub async fn ask(State(app): State<App>, headers: HeaderMap, Query(form): Query<ForgottenForm>) -> Response {
    shown(&page(&app, &headers, form.correo))
}

/// The answer is the same and comes as soon whoever the address is of: what depends on it is done after the answer.
pub async fn send(
    State(app): State<App>,
    ClientAddress(source): ClientAddress,
    headers: HeaderMap,
    Form(form): Form<ForgottenForm>,
) -> Result<Response, Trouble> {
    let mut page = page(&app, &headers, form.correo.clone());
    if app.default_account.is_none() {
        return Ok(shown(&page));
    }
    let Some(email) = page.errors.keep("correo", required_address(&form.correo)) else { return Ok(refused(&page)) };
    let browser = Browser::of(&app, &headers, source);
    if let Some(seconds) =
        counted::ask_for_reset_any_company(&app.db, &form.correo, &browser.origin(), acuse_store::now()).await?
    {
        page.errors.add("correo", format!("Ya se pidieron varios enlaces. Espere {} y vuelva a intentar.", spoken(seconds)));
        let mut answer = with_status(StatusCode::TOO_MANY_REQUESTS, &page);
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        return Ok(answer);
    }
    tokio::spawn(async move {
        let asked = account_links::mail_reset_any_company(&app.db, &email, app.post(), acuse_store::now()).await;
        if let Err(error) = asked {
            tracing::error!("A link for a new password could not be made: {error}");
        }
    });
    page.is_asked = true;
    Ok(shown(&page))
}

#[derive(Template)]
#[template(path = "door/new_password.html")]
struct NewPasswordPage {
    theme: Theme,
    errors: FormErrors,
    token: String,
    link: Link,
    ends: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct NewPasswordForm {
    clave: String,
}

async fn open_link(app: &App, token: &str) -> Result<Result<Link, Option<Standing>>, Trouble> {
    let link = account_links::find_any_company(&app.db, token, acuse_store::now()).await?;
    let link = link.filter(|link| link.kind == LinkKind::Reset);
    Ok(link.map_or(Err(None), |link| if link.standing == Standing::Open { Ok(link) } else { Err(Some(link.standing)) }))
}

pub async fn choose(State(app): State<App>, Path(token): Path<String>, headers: HeaderMap) -> Result<Response, Trouble> {
    let theme = Theme::of(&headers);
    Ok(match open_link(&app, &token).await? {
        Ok(link) => {
            let ends = day_and_hour(link.ends_at);
            private(shown(&NewPasswordPage { theme, errors: FormErrors::default(), token, link, ends }))
        }
        Err(standing) => over(theme, standing),
    })
}

fn over(theme: Theme, standing: Option<Standing>) -> Response {
    let (title, words) = match standing {
        Some(Standing::Used) => {
            let words =
                "Se usó, o se pidió otro después: vale el último. Si no fue usted, pida otro ahora y cambie la contraseña.";
            ("Este enlace ya no sirve", words)
        }
        Some(Standing::Expired) => ("Este enlace venció", "Sirve una hora. Pida otro y úselo en seguida."),
        Some(Standing::Open) | None => {
            ("Este enlace no existe", "Está incompleto o cambiado. Cópielo entero del correo, o pida otro.")
        }
    };
    said(theme, StatusCode::GONE, title, words, ("Pedir otro enlace", "/clave-olvidada"))
}

/// Whoever has a new password enters with it: what else the login asks for is asked there.
pub async fn change(
    State(app): State<App>,
    ClientAddress(source): ClientAddress,
    Path(token): Path<String>,
    headers: HeaderMap,
    Form(form): Form<NewPasswordForm>,
) -> Result<Response, Trouble> {
    let theme = Theme::of(&headers);
    let link = match open_link(&app, &token).await? {
        Ok(link) => link,
        Err(standing) => return Ok(over(theme, standing)),
    };
    let password = SecretString::from(form.clave.as_str());
    match account_links::reset_any_company(&app.db, &token, &password, source, app.post(), acuse_store::now()).await {
        Ok(()) => {
            let words = "Sus sesiones abiertas se cerraron en todos los equipos. Entre con la contraseña nueva.";
            Ok(said(theme, StatusCode::OK, "Contraseña guardada", words, ("Entrar", "/entrar")))
        }
        Err(LinkError::Gone(standing)) => Ok(over(theme, standing)),
        Err(LinkError::NotCreated(error)) => {
            let mut errors = FormErrors::default();
            errors.say("clave", password_message(error)?);
            let errors = errors.of_secrets();
            let ends = day_and_hour(link.ends_at);
            Ok(private(refused(&NewPasswordPage { theme, errors, token, link, ends })))
        }
        Err(LinkError::EmailTaken) => Ok(over(theme, None)),
        Err(LinkError::Store(error)) => Err(error.into()),
    }
}
