//! Pages that say that something cannot be done now, and what to do instead.

use acuse_store::StoreError;
use acuse_store::concurrency_limit::{NotDone, Overloaded};
use askama::Template;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};

use crate::web::page::Theme;

/// What is under way is done by then (seconds).
pub const ROOM_AGAIN_AFTER: HeaderValue = HeaderValue::from_static("5");

/// Why a page cannot be shown. Handlers give it as their error: `?` makes it of a store's failure.
#[derive(Debug)]
pub enum Trouble {
    /// There is no such thing, or it is another company's.
    NotFound,
    Store(StoreError),
    /// Their session was ended while they acted.
    SessionOver,
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<NotDone> for Trouble {
    fn from(why: NotDone) -> Self {
        Self::Store(why.into())
    }
}

impl From<Overloaded> for Trouble {
    fn from(_: Overloaded) -> Self {
        Self::Store(StoreError::Overloaded)
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound => not_found(),
            Self::SessionOver => Redirect::to("/entrar").into_response(),
            Self::Store(error) => store_failed(&error),
        }
    }
}

/// The role does not allow it.
#[must_use]
pub fn not_allowed() -> Response {
    show(
        StatusCode::FORBIDDEN,
        "No tiene permiso",
        "Su usuario no tiene permiso para esto. Pídalo al administrador de su compañía.",
    )
}

/// Companies are added at the command line alone.
#[must_use]
pub fn only_the_operator() -> Response {
    show(
        StatusCode::FORBIDDEN,
        "Aquí no se agregan compañías",
        "En este servidor las agrega quien lo cuida. Pídaselo con el RUC y la razón social.",
    )
}

/// Nothing happens in an archived company.
#[must_use]
pub fn archived(may_reopen: bool) -> Response {
    let (status, title) = (StatusCode::CONFLICT, "La compañía está archivada");
    if may_reopen {
        let advice = "Se puede leer, y nadie registra ni envía. Usted puede reabrirla.";
        return show_with(status, title, advice, ("Reabrirla", "/mi-compania/datos#cerrar"));
    }
    show(status, title, "Se puede leer, y nadie registra ni envía. Su administrador puede reabrirla en Mi compañía.")
}

/// Another site sent the form.
#[must_use]
pub fn foreign_form() -> Response {
    show(
        StatusCode::FORBIDDEN,
        "El formulario vino de otro sitio",
        "No se hizo nada. Si quería hacerlo, vuelva a Acuse y envíelo desde allí.",
    )
}

#[must_use]
pub fn not_found() -> Response {
    show(
        StatusCode::NOT_FOUND,
        "Esta página no existe",
        "La dirección está incompleta, o lo que buscaba es de otra compañía. Búsquelo desde el menú.",
    )
}

/// A path that no handler answers; those of the API have an answer of their own.
pub async fn unknown_path() -> Response {
    not_found()
}

/// A form or an address that no page of ours makes.
#[must_use]
pub fn not_understood() -> Response {
    show(
        StatusCode::BAD_REQUEST,
        "No se entendió lo que se envió",
        "No se guardó nada. Vuelva a la página anterior e intente de nuevo.",
    )
}

/// What a page's address asks for cannot be looked for: it is too long, or holds what nobody types.
#[must_use]
pub fn unreadable_address() -> Response {
    show(
        StatusCode::UNPROCESSABLE_ENTITY,
        "No se puede buscar eso",
        "Lo que busca es demasiado largo, o tiene caracteres que no se pueden escribir. Vuelva a la página anterior y busque con menos palabras.",
    )
}

/// Whatever was refused before a page of ours had its say, by the status that it was refused with.
#[must_use]
pub fn refused_with(status: StatusCode) -> Response {
    match status {
        StatusCode::NOT_FOUND => not_found(),
        StatusCode::METHOD_NOT_ALLOWED => show(
            status,
            "Esto no se hace desde aquí",
            "La dirección existe, pero no para lo que se pidió. Vuelva a la página anterior e intente de nuevo.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => show(
            status,
            "Es demasiado grande",
            "No se guardó nada: lo que se envió pasa de lo que cabe. Vuelva a la página anterior y envíe menos.",
        ),
        status if status.is_client_error() => {
            show(status, "No se entendió lo que se envió", "No se guardó nada. Vuelva a la página anterior e intente de nuevo.")
        }
        status => show(status, "Algo falló en el servidor", "La página no se pudo mostrar. Intente de nuevo."),
    }
}

/// What takes a core or much memory is bounded, and the bound is reached.
#[must_use]
pub fn overloaded() -> Response {
    let mut answer = show(
        StatusCode::SERVICE_UNAVAILABLE,
        "Hay demasiado trabajo en este momento",
        "No se hizo nada. Espere unos segundos e intente de nuevo.",
    );
    answer.headers_mut().insert(RETRY_AFTER, ROOM_AGAIN_AFTER);
    answer
}

#[must_use]
pub fn store_failed(error: &StoreError) -> Response {
    /// A locked or full disk is seldom mended sooner (seconds).
    const AGAIN_AFTER: HeaderValue = HeaderValue::from_static("10");
    if matches!(error, StoreError::Overloaded) {
        return overloaded();
    }
    tracing::error!("The store failed: {error}");
    if let StoreError::Unreadable(_) = error {
        return show(
            StatusCode::CONFLICT,
            "Este registro no se puede leer",
            "Los demás no cambian. Avise a quien cuida el servidor: su registro dice cuál es y qué le falta.",
        );
    }
    if error.is_of_damage() {
        return show(
            StatusCode::SERVICE_UNAVAILABLE,
            "La base de datos está dañada",
            "No se guardó nada. Esperar no lo arregla: avise a quien cuida el servidor.",
        );
    }
    let mut answer = show(
        StatusCode::SERVICE_UNAVAILABLE,
        "La base de datos no responde",
        "No se guardó nada. Intente de nuevo en un momento; si sigue así, avise a quien cuida el servidor.",
    );
    answer.headers_mut().insert(RETRY_AFTER, AGAIN_AFTER);
    answer
}

#[must_use]
pub fn not_drawn(error: &askama::Error) -> Response {
    tracing::error!("A page could not be drawn: {error}");
    show(StatusCode::INTERNAL_SERVER_ERROR, "Algo falló en el servidor", "La página no se pudo mostrar. Intente de nuevo.")
}

/// Stands before the login's door as well, so it needs neither a user nor the store.
#[derive(Template)]
#[template(path = "door/said.html")]
struct TroublePage {
    theme: Theme,
    title: &'static str,
    words: &'static str,
    /// Where one may go on, and what that is called.
    next: (&'static str, &'static str),
}

fn show(status: StatusCode, title: &'static str, advice: &'static str) -> Response {
    show_with(status, title, advice, ("Ir al inicio", "/"))
}

fn show_with(status: StatusCode, title: &'static str, advice: &'static str, next: (&'static str, &'static str)) -> Response {
    const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
    let page = TroublePage { theme: Theme::System, title, words: advice, next };
    match page.render() {
        Ok(html) => (status, [(CONTENT_TYPE, HTML)], html).into_response(),
        Err(_) => (status, advice).into_response(),
    }
}
