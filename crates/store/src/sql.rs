//! A statement, its values, its rows; and how a column becomes a domain value.

use std::panic::{AssertUnwindSafe, catch_unwind};

use acuse_domain::document::DocumentNumber;
use acuse_domain::email_address::{EmailAddress, kept_list};
use acuse_domain::identification::{Identification, IdentificationType, Ruc};
use acuse_domain::text;
use sea_orm::{ColIdx, ConnectionTrait, DbErr, FromQueryResult, QueryResult, SqlErr, Statement, TryGetError, TryGetable, Value};
use uuid::Uuid;

use crate::error::condition::note_changed;
use crate::error::{StoreError, undecoded_column};

/// Values in the order of a statement's `$1, $2, …`.
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$(sea_orm::Value::from($value)),*] };
}
pub(crate) use values;

pub(crate) async fn one<Row: FromQueryResult>(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Option<Row>, StoreError> {
    let row = conn.query_one_raw(statement(conn, sql, values)).await?;
    row.map(|row| Ok(decode(&row)??)).transpose()
}

/// Every row, or none: an act must not take a part for the whole.
pub(crate) async fn all<Row: FromQueryResult>(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<Row>, StoreError> {
    let rows = conn.query_all_raw(statement(conn, sql, values)).await?;
    rows.iter().map(|row| Ok(decode(row)??)).collect()
}

/// Rows as they are, for who knows their columns only when it runs.
pub(crate) async fn rows(conn: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>, StoreError> {
    Ok(conn.query_all_raw(statement(conn, sql, values)).await?)
}

/// Each row by itself: one that cannot be read spoils no other, and the log names it.
pub(crate) async fn each<Row: FromQueryResult>(
    conn: &impl ConnectionTrait,
    table: &'static str,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<Line<Row>>, StoreError> {
    let rows = conn.query_all_raw(statement(conn, sql, values)).await?;
    let line = |row| {
        let decoded: Line<Row> = decode(row)?;
        Ok(decoded.inspect_err(|Undecoded { id, column }| Of { table, id: *id }.unreadable(column)))
    };
    rows.iter().map(line).collect()
}

/// As [`each`], without those that cannot be read.
pub(crate) async fn readable<Row: FromQueryResult>(
    conn: &impl ConnectionTrait,
    table: &'static str,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<Row>, StoreError> {
    Ok(each(conn, table, sql, values).await?.into_iter().filter_map(Result::ok).collect())
}

/// What a list has of one record: the record, or what is known of one that cannot be read.
pub type Line<T> = Result<T, Undecoded>;

/// A record with a column that holds no such value: an earlier version's, or somebody's own SQL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {id}, column {column}")]
pub struct Undecoded {
    /// Nil where it has none that can be read.
    pub id: Uuid,
    pub column: String,
}

impl From<Undecoded> for StoreError {
    fn from(record: Undecoded) -> Self {
        Self::unreadable(record)
    }
}

/// Errs where the statement itself is wrong.
fn decode<Row: FromQueryResult>(row: &QueryResult) -> Result<Line<Row>, StoreError> {
    let column = match guarded(|| Row::from_query_result(row, "")) {
        Some(Ok(decoded)) => return Ok(Ok(decoded)),
        Some(Err(error)) => match undecoded_column(&error) {
            Some(column) => column,
            None => return Err(error.into()),
        },
        None => "a time beyond the calendar".to_owned(),
    };
    let id = ["id", "account_id", "company_id"].into_iter().find_map(|name| row.try_get::<Uuid>("", name).ok());
    Ok(Err(Undecoded { id: id.unwrap_or_default(), column }))
}

/// PostgreSQL's `infinity` is a time too, and sqlx adds it up without a look at where chrono's calendar ends.
fn guarded<T>(read: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok()
}

/// A column of a record that is shown, and can be mended, also where this holds no such value.
#[derive(Debug, Clone)]
pub(crate) struct Kept<T>(Option<T>);

impl<T: TryGetable> TryGetable for Kept<T> {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        match guarded(|| T::try_get_by(row, index)) {
            Some(Ok(value)) => Ok(Self(Some(value))),
            Some(Err(TryGetError::DbErr(error))) if undecoded_column(&error).is_none() => Err(error.into()),
            Some(Err(_)) | None => Ok(Self(None)),
        }
    }
}

impl<T> Kept<T> {
    pub(crate) fn value(self) -> Option<T> {
        self.0
    }

    /// Where nobody has to hear of what cannot be read.
    pub(crate) fn or(self, otherwise: T) -> T {
        self.0.unwrap_or(otherwise)
    }
}

/// The answer to a `SELECT COUNT(*) AS n`.
pub(crate) async fn count(conn: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<u64, StoreError> {
    #[derive(FromQueryResult)]
    struct Counted {
        n: i64,
    }
    let row: Option<Counted> = one(conn, sql, values).await?;
    Ok(row.map_or(0, |row| row.n.unsigned_abs()))
}

/// The answer to a question with one number, as column `n`.
pub(crate) async fn number(conn: &impl ConnectionTrait, sql: &str) -> Result<i64, StoreError> {
    #[derive(FromQueryResult)]
    struct Answer {
        n: i64,
    }
    let row: Option<Answer> = one(conn, sql, values![]).await?;
    Ok(row.map_or(0, |row| row.n))
}

/// Gives the number of rows that were touched.
pub(crate) async fn execute(conn: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<u64, StoreError> {
    Ok(touch(conn, sql, values).await?)
}

async fn touch(conn: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<u64, DbErr> {
    let touched = conn.execute_raw(statement(conn, sql, values)).await?.rows_affected();
    note_changed(touched);
    Ok(touched)
}

/// What an INSERT met: nothing in its way, or a row that holds the same UNIQUE value.
pub(crate) enum Inserted {
    Done,
    Duplicate,
}

pub(crate) async fn insert(conn: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<Inserted, StoreError> {
    match touch(conn, sql, values).await {
        Ok(_) => Ok(Inserted::Done),
        Err(error) => match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Ok(Inserted::Duplicate),
            _ => Err(error.into()),
        },
    }
}

/// Rows in one statement, where there are so many. Few sizes, so that a connection keeps each statement prepared.
const PORTIONS: [usize; 2] = [64, 16];

/// One statement for many rows: `head` is `INSERT INTO t (a, b) VALUES`, each row one list of values.
pub(crate) async fn insert_rows(conn: &impl ConnectionTrait, head: &str, rows: Vec<Vec<Value>>) -> Result<(), StoreError> {
    for portion in portions(&rows) {
        let sql = format!("{head} {}", rows_of_places(0, portion));
        execute(conn, &sql, portion.concat()).await?;
    }
    Ok(())
}

/// Rows as they go into statements: 64 at a time, then 16, then what is left.
pub(crate) fn portions<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let size = PORTIONS.into_iter().find(|size| rest.len() >= *size).unwrap_or(rest.len());
        let (portion, after) = rest.split_at(size);
        rest = after;
        (!portion.is_empty()).then_some(portion)
    })
}

/// `($2, $3), ($4, $5)` for rows of equal width that follow after `taken` values.
pub(crate) fn rows_of_places(taken: usize, rows: &[Vec<Value>]) -> String {
    let width = rows.first().map_or(0, Vec::len);
    let places: Vec<String> = (0..rows.len()).map(|row| places(taken + row * width, width)).collect();
    format!("({})", places.join("), ("))
}

/// `$3, $4, $5` for a list that starts after `taken` values.
pub(crate) fn places(taken: usize, count: usize) -> String {
    (1..=count).map(|n| format!("${}", taken + n)).collect::<Vec<_>>().join(", ")
}

/// Letters of what is searched for: the longest name has 300. SQLite refuses patterns of 50,000 bytes.
const LONGEST_SEARCH: usize = 300;

/// What was typed as a pattern for LIKE … ESCAPE '\'.
pub(crate) fn containing(typed: &str) -> String {
    let folded = text::folded(text::cut(typed, LONGEST_SEARCH)).replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{folded}%")
}

/// A column as [`containing`] folds what is looked for, as far as an address typed here goes: SQLite lowers ASCII only.
pub(crate) fn plain_letters(column: &str) -> String {
    const PLAIN: [(&str, &str); 7] = [("áÁ", "a"), ("éÉ", "e"), ("íÍ", "i"), ("óÓ", "o"), ("úÚ", "u"), ("üÜ", "u"), ("ñÑ", "n")];
    let letters = PLAIN.iter().flat_map(|(marked, plain)| marked.chars().map(move |marked| (marked, plain)));
    letters.fold(format!("LOWER({column})"), |text, (marked, plain)| format!("REPLACE({text}, '{marked}', '{plain}')"))
}

pub(crate) fn new_id() -> Uuid {
    Uuid::now_v7()
}

pub(crate) fn join_addresses(addresses: &[EmailAddress]) -> String {
    addresses.iter().map(EmailAddress::as_str).collect::<Vec<_>>().join(";")
}

/// Which record a value belongs to. What cannot be read of it is noted in the log by its id and its column, without a word
/// of what it says, and spoils no more than itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Of {
    pub table: &'static str,
    pub id: Uuid,
}

impl Of {
    pub(crate) fn unreadable(self, column: &str) {
        tracing::warn!(record = self.table, record.id = %self.id, column, "A record cannot be read in full");
    }

    /// As it is kept, be it readable or not.
    fn shown<T>(self, column: &str, value: T, is_readable: impl FnOnce(&T) -> bool) -> T {
        if !is_readable(&value) {
            self.unreadable(column);
        }
        value
    }

    pub(crate) fn addresses(self, column: &str, kept: &str) -> Vec<EmailAddress> {
        self.shown(column, kept_list(kept), |list| list.iter().all(EmailAddress::is_readable))
    }

    pub(crate) fn address(self, column: &str, kept: &str) -> EmailAddress {
        self.shown(column, EmailAddress::as_kept(kept), EmailAddress::is_readable)
    }

    pub(crate) fn optional_address(self, column: &str, kept: Option<String>) -> Option<EmailAddress> {
        kept.filter(|kept| !kept.trim().is_empty()).map(|kept| self.address(column, &kept))
    }

    pub(crate) fn identification(self, kind: IdentificationType, kept: &str) -> Identification {
        self.shown("identification", Identification::as_kept(kind, kept), Identification::is_readable)
    }

    pub(crate) fn ruc(self, kept: &str) -> Ruc {
        self.shown("ruc", Ruc::as_kept(kept), Ruc::is_readable)
    }

    pub(crate) fn document_number(self, kept: &str) -> DocumentNumber {
        self.shown("number", DocumentNumber::as_kept(kept), DocumentNumber::is_readable)
    }

    /// Nothing where the column holds no such value.
    pub(crate) fn kept<T>(self, column: &str, kept: Kept<T>) -> Option<T> {
        if kept.0.is_none() {
            self.unreadable(column);
        }
        kept.0
    }

    /// A code, read by its type's `parse`. Nothing where it is none.
    pub(crate) fn code<T>(self, column: &str, kept: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let read = parse(kept);
        if read.is_none() {
            self.unreadable(column);
        }
        read
    }
}

/// A record's fields, read one by one by their names in the API; remembers those that could not be.
pub(crate) struct Reading {
    of: Of,
    pub unreadable: Vec<&'static str>,
}

impl Reading {
    pub(crate) fn of(of: Of) -> Self {
        Self { of, unreadable: Vec::new() }
    }

    /// In the log, and among what is unreadable; once, however many reasons there are.
    pub(crate) fn note(&mut self, field: &'static str) {
        if !self.unreadable.contains(&field) {
            self.of.unreadable(field);
            self.unreadable.push(field);
        }
    }

    /// With `otherwise` in the place of what cannot be read.
    pub(crate) fn kept<T>(&mut self, field: &'static str, kept: Kept<T>, otherwise: T) -> T {
        self.parsed(field, kept, Some).unwrap_or(otherwise)
    }

    pub(crate) fn code<T>(&mut self, field: &'static str, kept: Kept<String>, parse: fn(&str) -> Option<T>, otherwise: T) -> T {
        self.parsed(field, kept, |code| parse(&code)).unwrap_or(otherwise)
    }

    pub(crate) fn parsed<K, T>(&mut self, field: &'static str, kept: Kept<K>, parse: impl FnOnce(K) -> Option<T>) -> Option<T> {
        let read = kept.0.and_then(parse);
        if read.is_none() {
            self.note(field);
        }
        read
    }
}

/// A code kept in a column, read by its type's `parse`.
pub(crate) fn code<T>(kept: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, StoreError> {
    parse(kept).ok_or_else(|| StoreError::unreadable("unknown code"))
}

fn statement(conn: &impl ConnectionTrait, sql: &str, mut values: Vec<Value>) -> Statement {
    values.iter_mut().for_each(without_nul);
    Statement::from_sql_and_values(conn.get_database_backend(), sql, values)
}

/// PostgreSQL keeps no NUL in a text (its manual, 8.3), SQLite cuts a text there for some functions. No type of ours has one;
/// what is only looked for may, and is not found.
fn without_nul(value: &mut Value) {
    if let Value::String(Some(text)) = value
        && text.contains('\0')
    {
        *value = Value::from(text.replace('\0', "\u{fffd}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_in_few_sizes_and_none_is_left() {
        let sizes = |count: usize| portions(&vec![(); count]).map(<[()]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(0), Vec::<usize>::new());
        assert_eq!(sizes(5), [5]);
        assert_eq!(sizes(64 + 64 + 16 + 3), [64, 64, 16, 3]);
    }

    #[test]
    fn every_row_has_its_own_places() {
        assert_eq!(rows_of_places(1, &[values![1, 2], values![3, 4]]), "($2, $3), ($4, $5)");
    }
}
