//! Where a company's owners log in, and are told of it.

use acuse_domain::id::CompanyId;
use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::db::StoreError;
use crate::sql::{all, values};

pub(crate) async fn of(conn: &impl ConnectionTrait, company: CompanyId) -> Result<Vec<String>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        email: String,
    }
    let sql = "SELECT p.email FROM membership m JOIN person p ON p.id = m.person_id
        WHERE m.company_id = $1 AND m.role = 'owner' ORDER BY p.email";
    let rows: Vec<Row> = all(conn, sql, values![company.0]).await?;
    Ok(rows.into_iter().map(|row| row.email).collect())
}
