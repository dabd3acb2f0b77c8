//! `/mi-compania/historial.csv`: the list as a file, as it was filtered; read and sent a page at a time.

use std::fmt::Write as _;

use acuse_domain::id::CompanyId;
use acuse_domain::text::one_line;
use acuse_store::audit::{self, Entry, Filter};
use acuse_store::events::EventKind;
use acuse_store::{Db, Line, Page, StoreError};
use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::Query;
use futures_util::stream;
use uuid::Uuid;

use super::sentences::Sentence;
use super::{AuditQuery, source};
use crate::web::calendar;
use crate::web::frame::Frame;
use crate::web::trouble::Trouble;

/// Entries that are in memory at once.
const AT_ONCE: u64 = 500;
/// With the mark by which a spreadsheet knows UTF-8.
const HEAD: &str = "\u{feff}Fecha,Quién,Como,Qué hizo,Antes y después,Desde,Resultado,Código,Entrada\r\n";

pub async fn download(frame: Frame, Query(asked): Query<AuditQuery>) -> Result<Response, Trouble> {
    let (db, company, filter) = (frame.app.db.clone(), frame.company(), asked.filter());
    let (now, count) = (acuse_store::now(), audit::count(&db, company, &filter).await?);
    audit::note_export(&db, &frame.actor, count, now).await?;
    let name = format!("attachment; filename=\"historial-{}.csv\"", calendar::today(now).format("%Y-%m-%d"));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (CONTENT_DISPOSITION, HeaderValue::try_from(name).unwrap_or(HeaderValue::from_static("attachment"))),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let pages = stream::try_unfold(Reading { db, company, filter, after: None, is_over: false }, Reading::next);
    let head = stream::iter([Ok::<_, StoreError>(Bytes::from_static(HEAD.as_bytes()))]);
    Ok((headers, Body::from_stream(futures_util::StreamExt::chain(head, pages))).into_response())
}

struct Reading {
    db: Db,
    company: CompanyId,
    filter: Filter,
    after: Option<Uuid>,
    is_over: bool,
}

impl Reading {
    async fn next(self) -> Result<Option<(Bytes, Self)>, StoreError> {
        if self.is_over {
            return Ok(None);
        }
        let page = Page { after: self.after, limit: AT_ONCE };
        let lines = audit::list(&self.db, self.company, &self.filter, page).await?;
        let last = lines.last().map(|line| line.as_ref().map_or_else(|lost| lost.id, |entry| entry.id));
        let is_over = (lines.len() as u64) < AT_ONCE;
        let text: String = lines.iter().map(row).collect();
        Ok(Some((Bytes::from(text), Self { after: last, is_over, ..self })))
    }
}

fn row(line: &Line<Entry>) -> String {
    let entry = match line {
        Ok(entry) => entry,
        Err(lost) => return format!(",,,No se puede leer,,,,,{}\r\n", lost.id),
    };
    let changes: Vec<String> = entry.changes.iter().map(change).collect();
    let cells = [
        calendar::local(entry.at).format("%Y-%m-%d %H:%M:%S").to_string(),
        entry.who.clone(),
        as_what(&entry.who_kind).to_owned(),
        said(entry),
        changes.join("; "),
        source(entry),
        if entry.was_refused { "rechazado" } else { "hecho" }.to_owned(),
        entry.code.clone(),
        entry.id.to_string(),
    ];
    cells.map(|cell| quoted(&cell)).join(",") + "\r\n"
}

/// What somebody was when they did it.
fn as_what(who_kind: &str) -> &str {
    match who_kind {
        "user" => "usuario",
        "token" => "token",
        "operator" => "operador",
        "acuse" => "Acuse",
        _ => "sin identificar",
    }
}

/// With the path of what was refused.
fn said(entry: &Entry) -> String {
    let sentence = Sentence::of(entry).plain();
    if entry.code == EventKind::AccessRefused.as_str() { format!("{sentence} ({})", entry.detail) } else { sentence }
}

fn change(change: &acuse_store::events::Change) -> String {
    let mut text = format!("{}:", change.field);
    if let Some(before) = &change.before {
        let _ = write!(text, " {before} →");
    }
    let _ = write!(text, " {}", change.after.as_deref().unwrap_or("(nada)"));
    text
}

/// A cell in quotes (RFC 4180), on one line. What a spreadsheet would take for a formula becomes text.
fn quoted(cell: &str) -> String {
    let cell = one_line(cell).replace('"', "\"\"");
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{cell}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_text_whatever_somebody_is_called() {
        assert_eq!(quoted("=HYPERLINK(\"http://x\")"), "\"'=HYPERLINK(\"\"http://x\"\")\"");
        assert_eq!(quoted(" +1,2\r\n@x"), "\"'+1,2 @x\"");
        assert_eq!(quoted("Ana, «la de caja»"), "\"Ana, «la de caja»\"");
    }
}
