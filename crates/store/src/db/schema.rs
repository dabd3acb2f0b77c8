//! Whether a SQLite file has what its migrations made: a file that was saved with `.recover`, or that somebody worked on, may
//! be whole page by page and lack a table.

use std::collections::BTreeSet;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePoolOptions};
use sqlx::{ConnectOptions, Executor};

use super::rules;

/// A line for each thing that is missing, and for each trigger and unique index that is none of ours. Says nothing of a file
/// that is another program's or a newer version's: others do.
pub(super) async fn differences(connection: &mut SqliteConnection) -> Result<Vec<String>, sqlx::Error> {
    let sql = "SELECT version FROM _sqlx_migrations WHERE success";
    let Ok(run) = sqlx::query_scalar::<_, i64>(sql).fetch_all(&mut *connection).await else { return Ok(Vec::new()) };
    let known = sqlx::migrate!("./migrations");
    if run.is_empty() || run.iter().any(|version| known.iter().all(|one| one.version != *version)) {
        return Ok(Vec::new());
    }
    let same = known.iter().filter(|one| run.contains(&one.version)).cloned().collect();
    let options = SqliteConnectOptions::new().in_memory(true).disable_statement_logging();
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    Migrator::with_migrations(same).run(&pool).await.map_err(|error| sqlx::Error::Migrate(Box::new(error)))?;
    let mut blank = pool.acquire().await?;
    if run.contains(&rules::SINCE) {
        blank.execute(rules::SQLITE).await?;
    }
    let (wanted, found) = (parts(&mut blank).await?, parts(connection).await?);
    let missing = wanted.difference(&found).map(|(kind, name)| format!("{kind} {name} is missing"));
    let foreign = found.difference(&wanted).filter(|(kind, _)| ["trigger", "unique index"].contains(&kind.as_str()));
    let foreign = foreign.map(|(kind, name)| format!("{kind} {name} is none of Acuse's"));
    Ok(missing.chain(foreign).collect())
}

/// Columns, triggers, and indexes with what they hold. Not their text: it is written by the SQLite of the day.
async fn parts(connection: &mut SqliteConnection) -> Result<BTreeSet<(String, String)>, sqlx::Error> {
    let sql = "SELECT 'column', t.name || '.' || c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
        UNION ALL
        SELECT CASE WHEN i.\"unique\" THEN 'unique index' ELSE 'index' END, i.name || ' on ' || t.name || ' ('
                || (SELECT group_concat(COALESCE(name, '-'), ', ' ORDER BY seqno) FROM pragma_index_info(i.name)) || ')'
                || CASE WHEN i.partial THEN ', of some rows,' ELSE '' END
            FROM sqlite_schema t JOIN pragma_index_list(t.name) i WHERE t.type = 'table'
        UNION ALL
        SELECT type, name FROM sqlite_schema WHERE type = 'trigger'";
    Ok(sqlx::query_as::<_, (String, String)>(sql).fetch_all(connection).await?.into_iter().collect())
}
