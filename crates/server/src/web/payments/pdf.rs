//! `/cobros/{id}/recibo.pdf`: the receipt, as it would be printed now.

use acuse_domain::id::PaymentId;
use acuse_store::{events, payments};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::Book;
use crate::heavy_work::draw_receipt;
use crate::web::frame::Frame;
use crate::web::path_id::PathId;
use crate::web::trouble::Trouble;

/// A browser's own viewer is an object inside the answer, with a style of its own.
const A_DOCUMENT: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const NOT_DRAWN: &str = "El recibo no se pudo dibujar. Intente de nuevo; si sigue así, avise a quien cuida el servidor.";

pub async fn receipt(frame: Frame, book: Book, PathId(id): PathId<PaymentId>) -> Result<Response, Trouble> {
    let company = frame.company();
    let receipt = payments::receipt(&frame.app.db, company, id).await?.ok_or(Trouble::NotFound)?;
    if receipt.direction != book.direction.as_str() {
        return Err(Trouble::NotFound);
    }
    let logo = payments::receipt_logo(&frame.app.db, company, id).await?;
    let name = receipt.file_name();
    let Some(pdf) = draw_receipt(receipt, logo).await? else {
        return Ok((StatusCode::INTERNAL_SERVER_ERROR, NOT_DRAWN).into_response());
    };
    if let Err(error) = events::note_download(&frame.app.db, &frame.actor, id.0, acuse_store::now()).await {
        // The receipt is there; that it was opened is only good to know.
        tracing::warn!("A download was not noted: {error}");
    }
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/pdf")),
        (
            CONTENT_DISPOSITION,
            HeaderValue::try_from(format!("inline; filename=\"{name}\"")).unwrap_or(HeaderValue::from_static("inline")),
        ),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (CONTENT_SECURITY_POLICY, A_DOCUMENT),
    ];
    Ok((headers, pdf).into_response())
}
