//! What no act of the store does, done to the database behind its back: time passes, a record is spoilt.

use acuse_domain::id::PaymentId;
use acuse_store::now;
use sea_orm::{ConnectionTrait, Database, DatabaseTransaction, Statement, TransactionTrait, Value};

/// Every delivery that waits is due now.
pub async fn waits_are_over(url: &str) {
    run(url, "UPDATE delivery SET next_attempt_at = $1 WHERE next_attempt_at > $1", vec![now().into()]).await;
}

/// Every account that rests may be tried now.
pub async fn rests_are_over(url: &str) {
    run(url, "UPDATE account_pause SET probe_at = $1 WHERE probe_at > $1", vec![now().into()]).await;
}

/// Every account that rests has rested for so many hours more.
pub async fn rests_began_earlier(url: &str, hours: i64) {
    let since = now() - chrono::TimeDelta::hours(hours);
    run(url, "UPDATE account_pause SET since = $1", vec![since.into()]).await;
}

/// The lease of everything that is being sent ended a while ago.
pub async fn leases_have_ended(url: &str) {
    let sql = "UPDATE delivery SET lease_until = $1 WHERE lease_until IS NOT NULL";
    run(url, sql, vec![(now() - chrono::TimeDelta::seconds(1)).into()]).await;
}

/// In the frozen receipt, `from` now reads `to`.
pub async fn receipt_is_spoilt(url: &str, payment: PaymentId, from: &str, to: &str) {
    let sql = "UPDATE payment SET receipt = REPLACE(receipt, $2, $3) WHERE id = $1";
    run(url, sql, vec![payment.0.into(), from.into(), to.into()]).await;
}

/// Carries out any statement.
pub async fn run(url: &str, sql: &str, values: Vec<Value>) {
    let connection = Database::connect(url).await.expect("the test's database answers");
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    connection.execute_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    connection.close().await.expect("it was open");
}

/// How many rows each table of a SQLite database has.
pub async fn row_counts(url: &str) -> std::collections::BTreeMap<String, i64> {
    let connection = Database::connect(url).await.expect("the test's database answers");
    let engine = connection.get_database_backend();
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let tables = connection.query_all_raw(Statement::from_string(engine, sql)).await.expect("a list of tables");
    let mut counts = std::collections::BTreeMap::new();
    for table in tables {
        let name: String = table.try_get("", "name").expect("a name");
        let count = Statement::from_string(engine, format!("SELECT COUNT(*) AS n FROM \"{name}\""));
        let row = connection.query_one_raw(count).await.expect("a count").expect("one row");
        counts.insert(name, row.try_get("", "n").expect("a number"));
    }
    connection.close().await.expect("it was open");
    counts
}

/// Another process that writes to a SQLite file and does not come to an end.
pub struct Lock(DatabaseTransaction);

impl Lock {
    pub async fn of(url: &str) -> Self {
        let connection = Database::connect(url).await.expect("the test's database answers");
        let held = connection.begin().await.expect("nobody else holds a connection of this pool");
        held.execute_unprepared("UPDATE company SET city = city").await.expect("it waits for the other writers");
        Self(held)
    }

    pub async fn release(self) {
        self.0.rollback().await.expect("it was open");
    }
}
