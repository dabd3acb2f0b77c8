//! What no act of the store does, done to the database behind its back: time passes, a record is spoilt.

use acuse_domain::id::{CompanyId, PaymentId};
use acuse_store::now;
use sea_orm::{ConnectionTrait, Database, DatabaseTransaction, DbBackend, Statement, TransactionTrait, Value};
use sha2::{Digest, Sha384};

use crate::postgres::Postgres;

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

/// Everybody who is logged in showed who they are so many minutes ago.
pub async fn logins_were_earlier(url: &str, minutes: i64) {
    let at = now() - chrono::TimeDelta::minutes(minutes);
    run(url, "UPDATE login SET authenticated_at = $1", vec![at.into()]).await;
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

/// Every column of text of a company's records, and so what an earlier version or somebody's own SQL can have spoilt.
/// Those that a CHECK holds to a few words are left out.
pub const TEXT_COLUMNS: &[(&str, &str)] = &[
    ("company", "ruc"),
    ("company", "legal_name"),
    ("company", "trade_name"),
    ("company", "address"),
    ("company", "city"),
    ("company", "phone"),
    ("company", "email"),
    ("company", "failure_notices_to"),
    ("contact", "name"),
    ("contact", "identification"),
    ("contact", "address"),
    ("contact", "phone"),
    ("contact", "emails"),
    ("contact", "emails_received_payments"),
    ("contact", "emails_made_payments"),
    ("contact", "emails_invoices"),
    ("contact", "emails_withholdings"),
    ("document", "number"),
    ("document", "detail"),
    ("payment", "description"),
    ("payment", "recorded_by"),
    ("payment", "void_reason"),
    ("payment", "receipt"),
    ("payment_line", "method"),
    ("payment_line", "reference"),
    ("payment_line", "bank"),
    ("payment_line", "account"),
    ("payment_line", "kind"),
    ("payment_line", "tax"),
    ("mail_account", "server"),
    ("mail_account", "username"),
    ("mail_account", "from_name"),
    ("mail_account", "from_address"),
    ("mail_account", "reply_to"),
    ("mail_account", "bcc"),
    ("account_pause", "problem_code"),
    ("account_pause", "reply"),
    ("account_pause", "phase"),
    ("delivery_queue", "module"),
    ("delivery", "module"),
    ("delivery", "recipient"),
    ("delivery", "message_id"),
    ("delivery", "account_source"),
    ("delivery", "account_server"),
    ("delivery", "account_from"),
    ("delivery", "reply"),
    ("delivery", "problem_code"),
    ("delivery", "problem_phase"),
    ("delivery_attempt", "phase"),
    ("delivery_attempt", "reply"),
    ("delivery_attempt", "problem_code"),
    ("delivery_attempt", "state"),
    ("event", "kind"),
    ("event", "who"),
    ("event", "detail"),
    ("api_token", "name"),
    ("person", "name"),
];

/// The first record of the table, where its records have an id, else every one, holds this text there from now on.
pub async fn text_is_spoilt(url: &str, (table, column): (&str, &str), garbage: &str) {
    let has_id = !matches!(table, "payment_line" | "delivery_queue" | "delivery_attempt" | "account_pause");
    unguard(url, table).await;
    let first = if has_id { format!("WHERE id = (SELECT id FROM {table} ORDER BY id LIMIT 1)") } else { String::new() };
    run(url, &format!("UPDATE {table} SET {column} = $1 {first}"), vec![garbage.into()]).await;
}

/// Somebody with all rights over the database takes away what keeps the history from being changed.
pub async fn unguard(url: &str, table: &str) {
    if table == "event" {
        let guard = if url.starts_with("sqlite") {
            "DROP TRIGGER IF EXISTS event_is_never_changed"
        } else {
            "ALTER TABLE event DISABLE TRIGGER USER"
        };
        run(url, guard, vec![]).await;
    }
}

/// Columns of a company's records that hold a time, a number, yes or no, or one of a few words. SQLite keeps any value in any
/// of them, and an older one of its files, or somebody's own SQL, may have one.
pub const VALUE_COLUMNS: &[(&str, &str)] = &[
    ("company", "version"),
    ("company", "fallback_after_hours"),
    ("company", "failure_policy_version"),
    ("contact", "version"),
    ("contact", "identification_type"),
    ("contact", "is_customer"),
    ("contact", "is_supplier"),
    ("contact", "credit_days"),
    ("contact", "phone"),
    ("document", "kind"),
    ("document", "side"),
    ("document", "issued_on"),
    ("document", "due_on"),
    ("document", "total_cents"),
    ("document", "balance_cents"),
    ("document", "voided_at"),
    ("payment", "sequence"),
    ("payment", "paid_on"),
    ("payment", "total_cents"),
    ("payment", "money_cents"),
    ("payment", "allocated_cents"),
    ("payment", "unapplied_cents"),
    ("payment", "advance_rest_cents"),
    ("payment", "recorded_at"),
    ("payment", "voided_at"),
    ("payment_line", "amount_cents"),
    ("payment_line", "dated_on"),
    ("allocation", "amount_cents"),
    ("allocation", "previous_balance_cents"),
    ("mail_account", "module"),
    ("mail_account", "port"),
    ("mail_account", "security"),
    ("mail_account", "enabled"),
    ("mail_account", "version"),
    ("mail_account", "checked_at"),
    ("mail_account", "check_ok"),
    ("account_pause", "since"),
    ("account_pause", "probe_at"),
    ("account_pause", "on_trial"),
    ("account_pause", "default_sends_until"),
    ("account_health", "stopped_at"),
    ("account_health", "certificate_ends_at"),
    ("delivery", "kind"),
    ("delivery", "state"),
    ("delivery", "resend"),
    ("delivery", "queued_at"),
    ("delivery", "next_attempt_at"),
    ("delivery", "lease_until"),
    ("delivery", "finished_at"),
    ("delivery", "may_have_arrived"),
    ("event", "at"),
];

/// The first record of the table holds this there from now on, whatever the table's own checks say. Gives what stood there;
/// both as SQL writes them.
pub async fn value_is_spoilt(url: &str, (table, column): (&str, &str), garbage: &str) -> String {
    unguard(url, table).await;
    let connection = Database::connect(url).await.expect("the test's database answers");
    let engine = connection.get_database_backend();
    let one = connection.begin().await.expect("nobody else holds a connection of this pool");
    let run = async |sql: String| one.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let (quoted, row) = match engine {
        DbBackend::Postgres => (format!("quote_nullable({column})"), "ctid"),
        _ => (format!("quote({column})"), "rowid"),
    };
    match engine {
        DbBackend::Postgres => run(format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {table}_{column}_check")).await,
        _ => run("PRAGMA ignore_check_constraints = ON".to_owned()).await,
    };
    let before = Statement::from_string(engine, format!("SELECT {quoted} AS before FROM {table} ORDER BY {row} LIMIT 1"));
    let before = one.query_one_raw(before).await.expect("a question").unwrap_or_else(|| panic!("{table} is empty"));
    run(format!("UPDATE {table} SET {column} = {garbage} WHERE {row} = (SELECT {row} FROM {table} ORDER BY {row} LIMIT 1)"))
        .await;
    one.commit().await.expect("the test's database answers");
    connection.close().await.expect("it was open");
    before.try_get("", "before").expect("a text")
}

/// Carries out any statement, as somebody who may do all.
pub async fn run(url: &str, sql: &str, values: Vec<Value>) {
    let connection = Database::connect(Postgres::as_superuser(url)).await.expect("the test's database answers");
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    connection.execute_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    connection.close().await.expect("it was open");
}

/// The same on a connection that keeps no foreign keys, as SQLite's own are unless they ask for it.
pub async fn run_without_foreign_keys(url: &str, sql: &str) {
    let connection = Database::connect(url).await.expect("the test's database answers");
    let unkept = match connection.get_database_backend() {
        DbBackend::Postgres => "SET session_replication_role = replica",
        _ => "PRAGMA foreign_keys = OFF",
    };
    connection.execute_unprepared(&format!("{unkept}; {sql}")).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    connection.close().await.expect("it was open");
}

/// The numbers that a question answers with, as column `n`.
pub async fn numbers(url: &str, sql: &str) -> Vec<i64> {
    let connection = Database::connect(url).await.expect("the test's database answers");
    let rows = connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await;
    connection.close().await.expect("it was open");
    rows.expect(sql).iter().map(|row| row.try_get("", "n").expect("a number")).collect()
}

/// Makes a SQLite database as the first version left it: one migration has run, as sqlx writes that down.
pub async fn first_version(file: &std::path::Path) {
    const FIRST: &str = include_str!("../../store/migrations/0001_first.sql");
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let connection = Database::connect(url.as_str()).await.expect("the folder takes a file");
    let bookkeeping = "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
        installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL,
        execution_time BIGINT NOT NULL)";
    for sql in [FIRST, bookkeeping] {
        connection.execute_unprepared(sql).await.expect("it is an empty database");
    }
    connection.close().await.expect("it was open");
    let sql =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (1, 'first', TRUE, $1, 0)";
    run(url.trim_end_matches("?mode=rwc"), sql, vec![Sha384::digest(FIRST).to_vec().into()]).await;
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

/// Every row of a company in a SQLite database, by table, with its values as SQL writes them.
pub async fn rows_of(url: &str, company: CompanyId) -> Vec<String> {
    let connection = Database::connect(url).await.expect("the test's database answers");
    let ask = async |sql: String| {
        let rows = connection.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql.as_str())).await;
        let text = |row: sea_orm::QueryResult| row.try_get::<String>("", "text").expect("a text");
        rows.unwrap_or_else(|error| panic!("{sql}: {error}")).into_iter().map(text).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for table in ask("SELECT name AS text FROM sqlite_master WHERE type = 'table' ORDER BY name".to_owned()).await {
        let columns = ask(format!("SELECT name AS text FROM pragma_table_info('{table}')")).await;
        let Some(owner) = columns
            .iter()
            .find(|column| *column == "company_id")
            .map_or((table == "company").then_some("id"), |_| Some("company_id"))
        else {
            continue;
        };
        let values: Vec<String> = columns.iter().map(|column| format!("quote({column})")).collect();
        let id = company.0.simple();
        let rows =
            ask(format!("SELECT {} AS text FROM {table} WHERE {owner} = X'{id}' ORDER BY 1", values.join(" || ',' || "))).await;
        found.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
    }
    connection.close().await.expect("it was open");
    assert!(found.len() > 1, "the company was not found");
    found
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
