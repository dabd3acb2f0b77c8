//! Each event gets its place in its company's chain: the hash of the one before and of itself. Beside the acts, so that
//! nobody who records a payment waits for the end of the chain. docs/auditoria.md says how anybody may compute it again.

use std::fmt::Write as _;

use acuse_domain::Instant;
use acuse_domain::id::CompanyId;
use sea_orm::FromQueryResult;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::db::{Db, StoreError, Tx};
use crate::sql::{all, each, execute, insert_rows, one, places, values};

/// What a chain begins with.
pub(super) const BEGINNING: [u8; 32] = [0; 32];
/// Events that one transaction seals: on SQLite nobody else writes meanwhile.
const AT_ONCE: usize = 200;
/// Companies that one round looks at; the others have their turn in the next.
const COMPANIES: u32 = 100;

/// Seals what has no seal, of whatever companies. Gives how many. Two nodes that do it at once wait for each other at the
/// end of the chain.
pub async fn seal_any_company(db: &Db) -> Result<u64, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        company_id: Uuid,
    }
    let sql = format!("SELECT DISTINCT company_id FROM event_unsealed LIMIT {COMPANIES}");
    let waiting: Vec<Row> = all(&db.of_any_company(), &sql, values![]).await?;
    let mut sealed = 0;
    for row in waiting {
        loop {
            let more = seal_some(db, CompanyId(row.company_id)).await?;
            sealed += more as u64;
            if more < AT_ONCE {
                break;
            }
        }
    }
    Ok(sealed)
}

async fn seal_some(db: &Db, company: CompanyId) -> Result<usize, StoreError> {
    let tx = db.begin_write_for(company).await?;
    let (mut seq, mut head) = end_of_chain(&tx, company).await?;
    let sql = format!(
        "SELECT {COLUMNS} FROM event_unsealed u JOIN event e ON e.company_id = u.company_id AND e.id = u.event_id
        WHERE u.company_id = $1 ORDER BY u.event_id LIMIT {AT_ONCE}"
    );
    // What cannot be read has no canonical form, and waits for somebody to look at it.
    let rows: Vec<EventRow> =
        each(tx.as_conn(), "event", &sql, values![company.0]).await?.into_iter().filter_map(Result::ok).collect();
    if rows.is_empty() {
        tx.undo().await?;
        return Ok(0);
    }
    let mut seals = Vec::with_capacity(rows.len());
    for row in &rows {
        seq += 1;
        head = next(&head, row);
        seals.push(values![company.0, seq, row.id, head.to_vec()]);
    }
    insert_rows(tx.as_conn(), "INSERT INTO event_seal (company_id, seq, event_id, hash) VALUES", seals).await?;
    let sql = "UPDATE event_chain SET sealed = $2, head = $3 WHERE company_id = $1";
    execute(tx.as_conn(), sql, values![company.0, seq, head.to_vec()]).await?;
    let sql = format!("DELETE FROM event_unsealed WHERE company_id = $1 AND event_id IN ({})", places(1, rows.len()));
    let ids = rows.iter().map(|row| sea_orm::Value::from(row.id));
    execute(tx.as_conn(), &sql, values![company.0].into_iter().chain(ids).collect()).await?;
    tx.commit().await?;
    Ok(rows.len())
}

/// The last place and its hash. Nobody else adds to the chain before this transaction ends.
async fn end_of_chain(tx: &Tx, company: CompanyId) -> Result<(i64, [u8; 32]), StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        sealed: i64,
        head: Vec<u8>,
    }
    let sql = "INSERT INTO event_chain (company_id, sealed, head) VALUES ($1, 0, $2)
        ON CONFLICT (company_id) DO UPDATE SET sealed = event_chain.sealed RETURNING sealed, head";
    let row: Option<Row> = one(tx.as_conn(), sql, values![company.0, BEGINNING.to_vec()]).await?;
    let row = row.ok_or_else(|| StoreError::unreadable("no end of the chain"))?;
    let head = row.head.try_into().map_err(|_| StoreError::unreadable("the end of the chain is no hash"))?;
    Ok((row.sealed, head))
}

pub(super) const COLUMNS: &str = "e.company_id, e.id, e.subject_id, e.kind, e.who, e.at, e.detail, e.who_kind, e.who_id, e.session_id, \
    e.source, e.subject_kind, e.subject_name, e.changes, e.outcome, e.search_text";

/// An event with every column that it has.
#[derive(Debug, Clone, FromQueryResult)]
pub(super) struct EventRow {
    pub company_id: Uuid,
    pub id: Uuid,
    pub subject_id: Uuid,
    pub kind: String,
    pub who: String,
    pub at: Instant,
    pub detail: String,
    pub who_kind: String,
    pub who_id: Option<Uuid>,
    pub session_id: Option<Uuid>,
    pub source: Option<String>,
    pub subject_kind: String,
    pub subject_name: String,
    pub changes: String,
    pub outcome: String,
    pub search_text: String,
}

impl EventRow {
    /// Every column by its name, its length in bytes and itself, a line for each: two events that differ anywhere differ
    /// here, whatever they hold.
    pub(super) fn canonical(&self) -> String {
        let columns = [
            ("company_id", Some(self.company_id.to_string())),
            ("id", Some(self.id.to_string())),
            ("subject_id", Some(self.subject_id.to_string())),
            ("kind", Some(self.kind.clone())),
            ("who", Some(self.who.clone())),
            ("at", Some(self.at.format("%Y-%m-%dT%H:%M:%S%.9fZ").to_string())),
            ("detail", Some(self.detail.clone())),
            ("who_kind", Some(self.who_kind.clone())),
            ("who_id", self.who_id.map(|id| id.to_string())),
            ("session_id", self.session_id.map(|id| id.to_string())),
            ("source", self.source.clone()),
            ("subject_kind", Some(self.subject_kind.clone())),
            ("subject_name", Some(self.subject_name.clone())),
            ("changes", Some(self.changes.clone())),
            ("outcome", Some(self.outcome.clone())),
            ("search_text", Some(self.search_text.clone())),
        ];
        let mut text = String::from("acuse event 1\n");
        for (name, value) in columns {
            let _ = match value {
                Some(value) => writeln!(text, "{name} {}:{value}", value.len()),
                None => writeln!(text, "{name} -"),
            };
        }
        text
    }
}

/// The hash of an event that follows after another one's.
pub(super) fn next(before: &[u8; 32], event: &EventRow) -> [u8; 32] {
    Sha256::new().chain_update(before).chain_update(event.canonical()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of docs/auditoria.md.
    #[test]
    fn the_example_that_is_published_is_the_form_that_is_sealed() {
        let id = |last: u128| Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + last);
        let event = EventRow {
            company_id: id(1),
            id: id(2),
            subject_id: id(3),
            kind: "contact.changed".to_owned(),
            who: "María Vélez".to_owned(),
            at: "2026-11-24T14:12:55.120Z".parse().expect("an instant"),
            detail: String::new(),
            who_kind: "user".to_owned(),
            who_id: Some(id(4)),
            session_id: None,
            source: Some("186.4.210.17".to_owned()),
            subject_kind: "contact".to_owned(),
            subject_name: "Textiles Otavalo".to_owned(),
            changes: String::new(),
            outcome: "done".to_owned(),
            search_text: "maria velez textiles otavalo 186.4.210.17".to_owned(),
        };
        let docs = include_str!("../../../../docs/auditoria.md");
        assert!(docs.contains(event.canonical().trim_end()), "not in docs/auditoria.md:\n{}", event.canonical());
        let hash: String = next(&BEGINNING, &event).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(docs.contains(&hash), "not in docs/auditoria.md: {hash}");
    }
}
