//! What the two engines say in words of their own: that the history is only added to. Said again at the end of every
//! migration, to the same effect.

use sea_orm::{ConnectionTrait, DbBackend, SqliteTransactionMode, TransactionOptions, TransactionTrait};

use super::Db;
use crate::error::StoreError;

/// Of the migration that made the tables which the rules are about.
pub(super) const SINCE: i64 = 21;
pub(super) const SQLITE: &str = include_str!("rules/sqlite.sql");
const POSTGRES: &str = include_str!("rules/postgres.sql");

impl Db {
    pub(super) async fn lay_down_rules(&self) -> Result<(), StoreError> {
        let rules = match self.engine() {
            DbBackend::Postgres => POSTGRES,
            _ => SQLITE,
        };
        // Not deferred: two that migrate one file at once wait for each other.
        let options =
            TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
        let tx = self.writer.begin_with_options(options).await?;
        tx.execute_unprepared(rules).await?;
        Ok(tx.commit().await?)
    }
}
