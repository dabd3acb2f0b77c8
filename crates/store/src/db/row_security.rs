//! Row-level security on PostgreSQL: laid down at the end of every migration, and whether this role is held to it.

use sea_orm::{ConnectionTrait, DbBackend, TransactionTrait};

use super::{Db, StoreError};
use crate::sql::{count, number, values};

const ROW_SECURITY: &str = include_str!("row_security.sql");

impl Db {
    pub(super) async fn lay_down_row_security(&self) -> Result<(), StoreError> {
        if self.engine() != DbBackend::Postgres {
            return Ok(());
        }
        let tx = self.writer.begin().await?;
        // Two nodes that start at once would make the same policies.
        tx.execute_unprepared("SELECT pg_advisory_xact_lock(4171157)").await?;
        tx.execute_unprepared(ROW_SECURITY).await?;
        Ok(tx.commit().await?)
    }

    /// Whether PostgreSQL keeps the companies apart besides: not where the role is a superuser or may pass row security.
    /// Nothing on SQLite, which knows no such wall.
    pub async fn keeps_companies_apart(&self) -> Result<Option<bool>, StoreError> {
        if self.is_sqlite() {
            return Ok(None);
        }
        let sql = "SELECT COUNT(*) AS n FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)";
        if number(&self.of_any_company(), sql).await? > 0 {
            return Ok(Some(false));
        }
        let sql = "SELECT COUNT(*) AS n FROM pg_class t JOIN pg_attribute c ON c.attrelid = t.oid
            WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind = 'r' AND c.attname = 'company_id'
                AND NOT (t.relrowsecurity AND t.relforcerowsecurity)";
        Ok(Some(number(&self.of_any_company(), sql).await? == 0))
    }

    /// For the tests of the wall: how many rows of a table a question without its filter sees. `company` none: every company's.
    pub async fn unfiltered_count(&self, table: &str, company: Option<acuse_domain::id::CompanyId>) -> Result<u64, StoreError> {
        let sql = format!("SELECT COUNT(*) AS n FROM {table}");
        match company {
            Some(company) => count(&self.of(company), &sql, values![]).await,
            None => count(&self.of_any_company(), &sql, values![]).await,
        }
    }
}
