//! The history of a company as a list: filters, pages, and the few entries that only the history knows of.

use acuse_domain::Instant;
use acuse_domain::id::CompanyId;
use acuse_domain::text::cut;
use chrono::TimeDelta;
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use crate::db::{Db, StoreError};
use crate::events::{self, Changes, EventKind, SubjectKind};
use crate::sql::{self, Line, containing, each, values};
use crate::{Actor, Page};

/// Refusals of one person or token that are written down within [`SOME_TIME`]: what is only added to must not be filled by
/// who is not let in.
const MOST_REFUSALS: u64 = 20;
const SOME_TIME: TimeDelta = TimeDelta::minutes(1);
/// Bytes of an address that was refused.
const LONGEST_ADDRESS: usize = 200;

/// One entry, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: Uuid,
    pub at: Instant,
    /// As it is kept; [`EventKind::parse`] knows it unless a later version wrote it.
    pub code: String,
    pub who: String,
    /// `user`, `token`, `operator`, `acuse` or `unknown`.
    pub who_kind: String,
    pub subject: Uuid,
    pub subject_kind: Option<SubjectKind>,
    /// What it was called then.
    pub subject_name: String,
    pub detail: String,
    pub changes: Changes,
    pub source: Option<String>,
    pub was_refused: bool,
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A person or a token.
    Known(Uuid),
    /// Whoever is of this kind: `acuse`, `operator`, `unknown`.
    OfKind(&'static str),
}

/// A word that is looked for: it stands in the entry, or the page says it of entries like these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub letters: String,
    pub said_of: Vec<SaidOf>,
}

/// Entries of which the page says more than they hold. Texts are patterns of LIKE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaidOf {
    Kind(EventKind),
    /// Whose subject is named like this.
    Named(EventKind, &'static str),
    /// Of which this was noted.
    Noted(EventKind, String),
    By(&'static str),
    Refused,
}

impl SaidOf {
    fn condition(&self) -> String {
        match self {
            Self::Kind(kind) => format!("kind = '{}'", kind.as_str()),
            Self::Named(kind, pattern) => format!("(kind = '{}' AND subject_name LIKE '{pattern}')", kind.as_str()),
            Self::Noted(kind, pattern) => format!("(kind = '{}' AND detail LIKE '{pattern}')", kind.as_str()),
            Self::By(who_kind) => format!("who_kind = '{who_kind}'"),
            Self::Refused => "outcome = 'refused'".to_owned(),
        }
    }
}

/// Which entries a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// All of them.
    pub looked_for: Vec<Word>,
    pub from: Option<Instant>,
    /// Not this moment itself.
    pub until: Option<Instant>,
    pub who: Option<Who>,
    /// The first words of the codes; none for all.
    pub words: &'static [&'static str],
}

impl Filter {
    fn conditions(&self, company: CompanyId) -> (String, Vec<Value>) {
        let (mut sql, mut row) = (String::from("company_id = $1"), values![company.0]);
        let mut add = |condition: &str, value: Value| {
            row.push(value);
            sql += &condition.replace('?', &format!("${}", row.len()));
        };
        for word in &self.looked_for {
            let ways: String = word.said_of.iter().map(|said| format!(" OR {}", said.condition())).collect();
            add(&format!(" AND (search_text LIKE ? ESCAPE '\\'{ways})"), containing(&word.letters).into());
        }
        if let Some(from) = self.from {
            add(" AND at >= ?", from.into());
        }
        if let Some(until) = self.until {
            add(" AND at < ?", until.into());
        }
        match &self.who {
            Some(Who::Known(id)) => add(" AND who_id = ?", (*id).into()),
            Some(Who::OfKind(kind)) => add(" AND who_kind = ?", (*kind).into()),
            None => {}
        }
        if !self.words.is_empty() {
            let is_meant = |kind: &&EventKind| self.words.iter().any(|word| kind.as_str().split('.').next() == Some(word));
            let kinds = EventKind::ALL.iter().filter(is_meant).map(|kind| format!("'{}'", kind.as_str()));
            // Named one by one, for the index (company_id, kind, id).
            sql += &format!(" AND kind IN ({})", kinds.collect::<Vec<_>>().join(", "));
        }
        (sql, row)
    }
}

/// Newest first.
pub async fn list(db: &Db, company: CompanyId, filter: &Filter, page: Page) -> Result<Vec<Line<Entry>>, StoreError> {
    let (mut which, mut row) = filter.conditions(company);
    if let Some(after) = page.after {
        row.push(after.into());
        which += &format!(" AND id < ${}", row.len());
    }
    let sql = format!(
        "SELECT id, at, kind, who, who_kind, subject_id, subject_kind, subject_name, detail, changes, source, outcome
        FROM event WHERE {which} ORDER BY id DESC LIMIT {}",
        page.limit
    );
    let rows: Vec<Line<Row>> = each(&db.of(company), "event", &sql, row).await?;
    Ok(rows.into_iter().map(|line| line.map(Row::into_entry)).collect())
}

pub async fn count(db: &Db, company: CompanyId, filter: &Filter) -> Result<u64, StoreError> {
    let (which, row) = filter.conditions(company);
    sql::count(&db.of(company), &format!("SELECT COUNT(*) AS n FROM event WHERE {which}"), row).await
}

/// The same where only so many are of interest: one more stands for more. It costs no more than that, however long the
/// history is.
pub async fn count_up_to(db: &Db, company: CompanyId, filter: &Filter, most: u64) -> Result<u64, StoreError> {
    let (which, row) = filter.conditions(company);
    let sql =
        format!("SELECT COUNT(*) AS n FROM (SELECT 1 FROM event WHERE {which} LIMIT {}) AS counted", most.saturating_add(1));
    sql::count(&db.of(company), &sql, row).await
}

/// Notes that somebody was not let do something; of one who goes on trying, only so much.
pub async fn note_refusal(db: &Db, by: &Actor, what: &str, now: Instant) -> Result<(), StoreError> {
    let subject = by.identity.id().unwrap_or(by.company.0);
    let sql = "SELECT COUNT(*) AS n FROM event WHERE company_id = $1 AND subject_id = $2 AND kind = $3 AND at > $4";
    let asked = values![by.company.0, subject, EventKind::AccessRefused.as_str(), now - SOME_TIME];
    if sql::count(&db.of(by.company), sql, asked).await? >= MOST_REFUSALS {
        return Ok(());
    }
    let tx = db.begin_write_for(by.company).await?;
    let what = cut(what, LONGEST_ADDRESS);
    events::append_named(&tx, by, (subject, &by.name), EventKind::AccessRefused, now, what, &Changes::new()).await?;
    tx.commit().await
}

/// Notes that somebody took the history with them.
pub async fn note_export(db: &Db, by: &Actor, entries: u64, now: Instant) -> Result<(), StoreError> {
    let tx = db.begin_write_for(by.company).await?;
    events::append(&tx, by, by.company.0, EventKind::HistoryExported, now, &entries.to_string()).await?;
    tx.commit().await
}

/// Somebody by whom a list may be filtered.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Doer {
    pub id: Uuid,
    pub name: String,
    pub is_token: bool,
}

/// The people and the tokens of a company, by name.
pub async fn doers(db: &Db, company: CompanyId) -> Result<Vec<Doer>, StoreError> {
    let sql = "SELECT p.id AS id, p.name AS name, FALSE AS is_token FROM membership m JOIN person p ON p.id = m.person_id
            WHERE m.company_id = $1
        UNION ALL SELECT t.id, t.name, TRUE FROM api_token t WHERE t.company_id = $1
        ORDER BY is_token, name, id";
    sql::readable(&db.of(company), "person", sql, values![company.0]).await
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    at: Instant,
    kind: String,
    who: String,
    who_kind: String,
    subject_id: Uuid,
    subject_kind: String,
    subject_name: String,
    detail: String,
    changes: String,
    source: Option<String>,
    outcome: String,
}

impl Row {
    fn into_entry(self) -> Entry {
        Entry {
            id: self.id,
            at: self.at,
            code: self.kind,
            who: self.who,
            who_kind: self.who_kind,
            subject: self.subject_id,
            subject_kind: SubjectKind::parse(&self.subject_kind),
            subject_name: self.subject_name,
            detail: self.detail,
            changes: Changes::parse(&self.changes),
            source: self.source,
            was_refused: self.outcome == "refused",
        }
    }
}
