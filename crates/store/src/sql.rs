//! A statement, its values, its rows; and how a column becomes a domain value.

use acuse_domain::email_address::{EmailAddress, parse_list};
use sea_orm::{ConnectionTrait, FromQueryResult, SqlErr, Statement, Value};
use uuid::Uuid;

use crate::db::StoreError;

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
    Ok(row.map(|row| Row::from_query_result(&row, "")).transpose()?)
}

pub(crate) async fn all<Row: FromQueryResult>(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<Row>, StoreError> {
    let rows = conn.query_all_raw(statement(conn, sql, values)).await?;
    Ok(rows.iter().map(|row| Row::from_query_result(row, "")).collect::<Result<_, _>>()?)
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

/// Gives the number of rows that were touched.
pub(crate) async fn execute(conn: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<u64, StoreError> {
    Ok(conn.execute_raw(statement(conn, sql, values)).await?.rows_affected())
}

/// What an INSERT met: nothing in its way, or a row that holds the same UNIQUE value.
pub(crate) enum Inserted {
    Done,
    Duplicate,
}

pub(crate) async fn insert(conn: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<Inserted, StoreError> {
    match conn.execute_raw(statement(conn, sql, values)).await {
        Ok(_) => Ok(Inserted::Done),
        Err(error) => match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Ok(Inserted::Duplicate),
            _ => Err(error.into()),
        },
    }
}

/// One statement for many rows: `head` is `INSERT INTO t (a, b) VALUES`, each row one list of values.
pub(crate) async fn insert_rows(conn: &impl ConnectionTrait, head: &str, rows: Vec<Vec<Value>>) -> Result<(), StoreError> {
    /// Below SQLite's limit of 32,766 values in one statement.
    const MOST_ROWS: usize = 500;
    for chunk in rows.chunks(MOST_ROWS) {
        let width = chunk.first().map_or(0, Vec::len);
        let places: Vec<String> = (0..chunk.len())
            .map(|row| (1..=width).map(|column| format!("${}", row * width + column)).collect::<Vec<_>>().join(", "))
            .collect();
        let sql = format!("{head} ({})", places.join("), ("));
        execute(conn, &sql, chunk.iter().flatten().cloned().collect()).await?;
    }
    Ok(())
}

/// `$3, $4, $5` for a list that starts after `taken` values.
pub(crate) fn places(taken: usize, count: usize) -> String {
    (1..=count).map(|n| format!("${}", taken + n)).collect::<Vec<_>>().join(", ")
}

/// What was typed as a pattern for LIKE … ESCAPE '\'.
pub(crate) fn containing(typed: &str) -> String {
    let folded = acuse_domain::text::folded(typed).replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{folded}%")
}

pub(crate) fn new_id() -> Uuid {
    Uuid::now_v7()
}

pub(crate) fn join_addresses(addresses: &[EmailAddress]) -> String {
    addresses.iter().map(EmailAddress::as_str).collect::<Vec<_>>().join(";")
}

pub(crate) fn split_addresses(kept: &str) -> Result<Vec<EmailAddress>, StoreError> {
    parse_list(kept).map_err(StoreError::unreadable)
}

pub(crate) fn optional_address(kept: Option<String>) -> Result<Option<EmailAddress>, StoreError> {
    kept.map(|address| address.parse()).transpose().map_err(StoreError::unreadable)
}

/// A code kept in a column, read by its type's `parse`.
pub(crate) fn code<T>(kept: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, StoreError> {
    parse(kept).ok_or_else(|| StoreError::unreadable(format!("unknown code {kept}")))
}

fn statement(conn: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(conn.get_database_backend(), sql, values)
}
