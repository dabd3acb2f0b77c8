//! Walks a chain from its beginning and says which entry is not what it was when it was sealed.

use std::fmt;

use acuse_domain::Instant;
use acuse_domain::id::CompanyId;
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::seal::{BEGINNING, COLUMNS, EventRow, next};
use crate::db::{Db, StoreError};
use crate::sql::{Kept, Line, all, count, each, execute, one, values};

/// Seals that are read at once.
const AT_ONCE: usize = 1_000;
/// Findings that are named one by one; of the others it is said how many there are.
const MOST_NAMED: usize = 100;

/// What became of a company's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    pub company: CompanyId,
    /// Whose seals were looked at.
    pub entries: u64,
    /// That have no seal yet.
    pub waiting: u64,
    /// The hash of the last seal: who has written it down elsewhere knows later that nothing before it was changed.
    pub head: String,
    pub findings: Vec<Finding>,
    /// Besides those that are named.
    pub more: u64,
}

/// What is not as it was. Places count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The entry says something else than what was sealed, or cannot be read.
    Changed { seq: i64, event: Uuid },
    /// The entry is gone; its seal is there.
    Gone { seq: i64, event: Uuid },
    /// The entry or its seal stands in another's place.
    Moved { seq: i64, event: Uuid },
    /// There are no seals for these places.
    SealsGone { first: i64, last: i64 },
    /// The chain was longer, or its end another one.
    Cut { was: i64, is: i64 },
    /// An entry is there that has no seal and waits for none.
    Unsealed { event: Uuid },
    /// An entry waited for its seal and is gone.
    WaitingGone { event: Uuid },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { seq, event } => write!(f, "la entrada {seq} ({event}) no dice lo que se selló"),
            Self::Gone { seq, event } => write!(f, "la entrada {seq} ({event}) falta"),
            Self::Moved { seq, event } => write!(f, "la entrada {seq} ({event}) está fuera de su lugar"),
            Self::SealsGone { first, last } if first == last => write!(f, "falta el sello {first}"),
            Self::SealsGone { first, last } => write!(f, "faltan los sellos {first} a {last}"),
            Self::Cut { was, is } => write!(f, "la cadena tenía {was} sellos y ahora termina de otra forma, en el {is}"),
            Self::Unsealed { event } => write!(f, "la entrada {event} no tiene sello ni lo espera"),
            Self::WaitingGone { event } => write!(f, "la entrada {event} esperaba su sello y falta"),
        }
    }
}

impl Chain {
    fn note(&mut self, finding: Finding) {
        if self.findings.len() < MOST_NAMED {
            self.findings.push(finding);
        } else {
            self.more += 1;
        }
    }
}

/// What stands in one place of the chain.
struct Link {
    seq: i64,
    event: Uuid,
    hash: [u8; 32],
    /// None where it is gone.
    row: Option<Line<EventRow>>,
}

/// Looks at every entry of a company.
pub async fn verify(db: &Db, company: CompanyId) -> Result<Chain, StoreError> {
    // First: what is sealed meanwhile is counted twice, and never left out of both.
    let sql = "SELECT COUNT(*) AS n FROM event_unsealed WHERE company_id = $1";
    let waiting = count(&db.of(company), sql, values![company.0]).await?;
    let (sealed, expected_head) = end_of_chain(db, company).await?.unwrap_or((0, BEGINNING.to_vec()));
    let mut chain = Chain { company, entries: 0, waiting, head: String::new(), findings: Vec::new(), more: 0 };
    let (mut last, mut head) = (0, BEGINNING);
    loop {
        let links = links(db, company, last, sealed).await?;
        let window: Vec<[u8; 32]> = std::iter::once(head).chain(links.iter().map(|link| link.hash)).collect();
        for (place, link) in links.iter().enumerate() {
            if link.seq > last + 1 {
                chain.note(Finding::SealsGone { first: last + 1, last: link.seq - 1 });
            }
            if let Some(finding) = judge(&links, &window, place, link.seq == last + 1) {
                chain.note(finding);
            }
            // Whatever it says, what follows was made of it: so only what was changed is named.
            (last, head) = (link.seq, link.hash);
            chain.entries += 1;
        }
        if links.len() < AT_ONCE {
            break;
        }
    }
    if last != sealed || head.as_slice() != expected_head.as_slice() || has_seals_beyond(db, company).await? {
        chain.note(Finding::Cut { was: sealed, is: last });
    }
    look_beside(db, company, &mut chain).await?;
    chain.head = hex(&head);
    Ok(chain)
}

/// What is wrong with one link; nothing where it follows from the one before. After a gap nobody knows what it followed.
fn judge(links: &[Link], window: &[[u8; 32]], place: usize, follows: bool) -> Option<Finding> {
    let Link { seq, event, hash, row } = &links[place];
    let (seq, event) = (*seq, *event);
    let row = match row {
        None => return Some(Finding::Gone { seq, event }),
        Some(Err(_)) => return Some(Finding::Changed { seq, event }),
        Some(Ok(row)) => row,
    };
    let before = &window[place];
    if !follows || next(before, row) == *hash {
        return None;
    }
    let follows_another = window.iter().any(|other| next(other, row) == *hash);
    let is_anothers = links.iter().filter_map(|link| link.row.as_ref()?.as_ref().ok()).any(|other| next(before, other) == *hash);
    Some(if follows_another || is_anothers { Finding::Moved { seq, event } } else { Finding::Changed { seq, event } })
}

async fn links(db: &Db, company: CompanyId, after: i64, until: i64) -> Result<Vec<Link>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        seq: i64,
        event_id: Uuid,
        hash: Kept<Vec<u8>>,
    }
    let sql = format!(
        "SELECT seq, event_id, hash FROM event_seal WHERE company_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT {AT_ONCE}"
    );
    let seals: Vec<Row> = all(&db.of(company), &sql, values![company.0, after, until]).await?;
    let Some(last) = seals.last().map(|row| row.seq) else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT {COLUMNS} FROM event_seal s JOIN event e ON e.company_id = s.company_id AND e.id = s.event_id
        WHERE s.company_id = $1 AND s.seq > $2 AND s.seq <= $3"
    );
    let rows: Vec<Line<EventRow>> = each(&db.of(company), "event", &sql, values![company.0, after, last]).await?;
    let id = |line: &Line<EventRow>| line.as_ref().map_or_else(|lost| lost.id, |row| row.id);
    let mut rows: std::collections::HashMap<Uuid, Line<EventRow>> = rows.into_iter().map(|line| (id(&line), line)).collect();
    let link = |seal: Row| Link {
        seq: seal.seq,
        event: seal.event_id,
        // What is no hash is none that anything was made of.
        hash: seal.hash.or(Vec::new()).try_into().unwrap_or_default(),
        row: rows.remove(&seal.event_id),
    };
    Ok(seals.into_iter().map(link).collect())
}

/// What the chain itself does not tell: entries without a seal.
async fn look_beside(db: &Db, company: CompanyId, chain: &mut Chain) -> Result<(), StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }
    let sql = format!(
        "SELECT e.id FROM event e WHERE e.company_id = $1
            AND NOT EXISTS (SELECT 1 FROM event_seal s WHERE s.company_id = e.company_id AND s.event_id = e.id)
            AND NOT EXISTS (SELECT 1 FROM event_unsealed u WHERE u.company_id = e.company_id AND u.event_id = e.id)
        ORDER BY e.id LIMIT {AT_ONCE}"
    );
    for row in all::<Row>(&db.of(company), &sql, values![company.0]).await? {
        chain.note(Finding::Unsealed { event: row.id });
    }
    let sql = format!(
        "SELECT u.event_id AS id FROM event_unsealed u WHERE u.company_id = $1
            AND NOT EXISTS (SELECT 1 FROM event e WHERE e.company_id = u.company_id AND e.id = u.event_id)
        ORDER BY u.event_id LIMIT {AT_ONCE}"
    );
    for row in all::<Row>(&db.of(company), &sql, values![company.0]).await? {
        chain.note(Finding::WaitingGone { event: row.id });
    }
    Ok(())
}

/// The last place and its hash, as they were noted beside the chain.
async fn end_of_chain(db: &Db, company: CompanyId) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        sealed: i64,
        head: Vec<u8>,
    }
    let row: Option<Row> =
        one(&db.of(company), "SELECT sealed, head FROM event_chain WHERE company_id = $1", values![company.0]).await?;
    Ok(row.map(|row| (row.sealed, row.head)))
}

/// Whether there are seals after the end that was noted. In one statement: the chain may grow meanwhile.
async fn has_seals_beyond(db: &Db, company: CompanyId) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) AS n FROM event_seal WHERE company_id = $1
        AND seq > COALESCE((SELECT c.sealed FROM event_chain c WHERE c.company_id = $1), 0)";
    Ok(count(&db.of(company), sql, values![company.0]).await? > 0)
}

/// The hash in one place of the chain, to be compared with one that was written down.
pub async fn hash_at(db: &Db, company: CompanyId, seq: i64) -> Result<Option<String>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        hash: Vec<u8>,
    }
    let sql = "SELECT hash FROM event_seal WHERE company_id = $1 AND seq = $2";
    let row: Option<Row> = one(&db.of(company), sql, values![company.0, seq]).await?;
    Ok(row.map(|row| hex(&row.hash)))
}

/// Looks at the history of every company, and writes down what it found.
pub async fn verify_all_any_company(db: &Db, now: Instant) -> Result<Vec<Chain>, StoreError> {
    verify_some_any_company(db, "SELECT id FROM company ORDER BY id", values![], now).await
}

async fn verify_some_any_company(db: &Db, which: &str, values: Vec<Value>, now: Instant) -> Result<Vec<Chain>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }
    let companies: Vec<Row> = all(&db.of_any_company(), which, values).await?;
    let mut chains = Vec::with_capacity(companies.len());
    for row in companies {
        let chain = verify(db, CompanyId(row.id)).await?;
        note(db, &chain, now).await?;
        chains.push(chain);
    }
    Ok(chains)
}

/// The same of those whose last check is older than `since`.
pub async fn verify_due_any_company(db: &Db, since: Instant, now: Instant) -> Result<Vec<Chain>, StoreError> {
    let due = "SELECT company_id AS id FROM event_chain WHERE verified_at IS NULL OR verified_at < $1 ORDER BY company_id";
    verify_some_any_company(db, due, values![since], now).await
}

async fn note(db: &Db, chain: &Chain, now: Instant) -> Result<(), StoreError> {
    let tx = db.begin_write_any_company().await?;
    let sql = "UPDATE event_chain SET verified_at = $2, verified = $3, fault = $4 WHERE company_id = $1";
    let fault = chain.findings.first().map(ToString::to_string);
    let entries = i64::try_from(chain.entries).unwrap_or(i64::MAX);
    execute(tx.as_conn(), sql, values![chain.company.0, now, entries, fault]).await?;
    tx.commit().await
}

/// What the last check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastCheck {
    pub at: Instant,
    pub entries: u64,
    pub fault: Option<String>,
}

pub async fn find_check(db: &Db, company: CompanyId) -> Result<Option<LastCheck>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        verified_at: Option<Instant>,
        verified: Option<i64>,
        fault: Option<String>,
    }
    let sql = "SELECT verified_at, verified, fault FROM event_chain WHERE company_id = $1";
    let row: Option<Row> = one(&db.of(company), sql, values![company.0]).await?;
    Ok(row.and_then(|row| {
        Some(LastCheck { at: row.verified_at?, entries: row.verified.unwrap_or(0).unsigned_abs(), fault: row.fault })
    }))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
