//! The history of a company goes with the company, and never before it.

use acuse_domain::Instant;
use acuse_domain::id::CompanyId;
use sea_orm::{ConnectionTrait, DbBackend};

use crate::db::{StoreError, Tx};
use crate::sql::{execute, values};

/// The tables of a company's history, those first that name rows of others.
pub const HISTORY: [&str; 4] = ["event_chain", "event_unsealed", "event_seal", "event"];

/// Marks the company as being deleted, deletes its history and then what `rest` deletes, the company's row last. All in the
/// caller's transaction.
///
/// On PostgreSQL the application's role has no right to it: it gives itself the right for this transaction (a reference that
/// is checked asks for UPDATE), and takes it back.
pub async fn erase(
    tx: &Tx,
    company: CompanyId,
    now: Instant,
    rest: impl AsyncFnOnce(&Tx) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let conn = tx.as_conn();
    let is_postgres = conn.get_database_backend() == DbBackend::Postgres;
    if is_postgres {
        conn.execute_unprepared("GRANT UPDATE, DELETE ON event, event_seal TO CURRENT_USER").await?;
    }
    execute(conn, "UPDATE company SET history_released_at = $2 WHERE id = $1", values![company.0, now]).await?;
    for table in HISTORY {
        execute(conn, &format!("DELETE FROM {table} WHERE company_id = $1"), values![company.0]).await?;
    }
    rest(tx).await?;
    if is_postgres {
        conn.execute_unprepared("REVOKE UPDATE, DELETE ON event, event_seal FROM CURRENT_USER").await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Db;
    use crate::{Actor, audit, events, now};

    #[tokio::test]
    async fn a_company_goes_with_its_history_and_nobody_elses_is_touched() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(&format!("sqlite://{}", folder.path().join("acuse.db").display())).await.expect("a database");
        db.migrate().await.expect("migrations run");
        let mut made = Vec::new();
        for ruc in ["1790012344001", "0190402118001"] {
            let ruc = ruc.parse().expect("a RUC");
            let profile = acuse_domain::company::CompanyProfile { legal_name: "Andina".to_owned(), ..Default::default() };
            made.push(crate::companies::create(&db, &ruc, &profile, now()).await.expect("a company"));
        }
        for company in &made {
            events::note_download(&db, &Actor::operator(*company), company.0, now()).await.expect("an event");
        }
        audit::seal_any_company(&db).await.expect("seals");
        let tx = db.begin_write_any_company().await.expect("a transaction");
        let (gone, stays) = (made[0], made[1]);
        let rest = async |tx: &Tx| execute(tx.as_conn(), "DELETE FROM company WHERE id = $1", values![gone.0]).await.map(|_| ());
        erase(&tx, gone, now(), rest).await.expect("it goes");
        tx.commit().await.expect("a commit");
        assert!(crate::companies::find(&db, gone).await.expect("an answer").is_none());
        let chain = audit::verify(&db, stays).await.expect("an answer");
        assert!(chain.findings.is_empty() && chain.entries > 0, "{chain:?}");
    }
}
