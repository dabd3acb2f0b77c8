//! What stands in the database, seen past the store: for «nothing of it was written».

use std::collections::BTreeMap;

use acuse_testkit::world::World;
use sea_orm::{ConnectionTrait, Database, Statement};

/// How many rows each table has, and what the receipt numbers, balances and anticipos add up to.
pub async fn of_everything(world: &World) -> BTreeMap<String, i64> {
    let connection = Database::connect(world.url.as_str()).await.unwrap();
    let engine = connection.get_database_backend();
    let number = async |sql: String| {
        let row = connection.query_one_raw(Statement::from_string(engine, sql)).await.unwrap().unwrap();
        row.try_get::<i64>("", "n").unwrap()
    };
    let mut found = BTreeMap::new();
    for table in TABLES {
        found.insert(format!("rows of {table}"), number(format!("SELECT COUNT(*) AS n FROM {table}")).await);
    }
    for (table, column) in SUMS {
        let sql = format!("SELECT CAST(COALESCE(SUM({column}), 0) AS BIGINT) AS n FROM {table}");
        found.insert(format!("{table}.{column}"), number(sql).await);
    }
    connection.close().await.unwrap();
    found
}

const TABLES: [&str; 15] = [
    "company",
    "person",
    "login",
    "login_attempt",
    "api_token",
    "idempotency",
    "contact",
    "document",
    "payment",
    "payment_line",
    "allocation",
    "mail_account",
    "delivery",
    "delivery_attempt",
    "event",
];
const SUMS: [(&str, &str); 3] = [("receipt_sequence", "last"), ("document", "balance_cents"), ("payment", "advance_rest_cents")];

/// Carries out a statement that the store would never make.
pub async fn run(world: &World, sql: &str) {
    let connection = Database::connect(world.url.as_str()).await.unwrap();
    connection.execute_unprepared(sql).await.unwrap();
    connection.close().await.unwrap();
}

/// An id as SQL writes it on this engine.
pub fn literal(world: &World, id: uuid::Uuid) -> String {
    if world.db.is_sqlite() { format!("X'{}'", id.simple()) } else { format!("'{id}'") }
}

/// The one text that a question answers with, as column `t`.
pub async fn text(world: &World, sql: &str) -> String {
    let connection = Database::connect(world.url.as_str()).await.unwrap();
    let row = connection.query_one_raw(Statement::from_string(connection.get_database_backend(), sql)).await.unwrap();
    connection.close().await.unwrap();
    row.unwrap().try_get("", "t").unwrap()
}
