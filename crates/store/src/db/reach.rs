//! Whose rows a connection sees. Each question and each transaction says for which company it asks, or that it crosses
//! companies. PostgreSQL is told so whenever a connection is taken from the pool, in the place of the question whether the
//! connection still lives, and holds every table of a company to it (row_security.sql); what was told nothing sees nothing.
//! SQLite knows no such wall.

use std::future::Future;

use acuse_domain::id::CompanyId;
use sea_orm::prelude::async_trait;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use sqlx::PgConnection;

use super::{Db, StoreError, Tx};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Company(CompanyId),
    EveryCompany,
}

tokio::task_local! {
    static REACH: Reach;
}

impl Reach {
    /// Connections that are taken from the pool meanwhile see what this says.
    pub(super) async fn during<T>(self, work: impl Future<Output = T>) -> T {
        REACH.scope(self, work).await
    }
}

/// Tells a connection that is about to be used whose rows it may see. Errs where it does not live any more.
pub(super) async fn tell(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let (company, every) = match REACH.try_with(|reach| *reach) {
        Ok(Reach::Company(company)) => (company.to_string(), "off"),
        Ok(Reach::EveryCompany) => (String::new(), "on"),
        Err(_) => (String::new(), "off"),
    };
    let sql = "SELECT set_config('app.company', $1, false), set_config('app.every_company', $2, false)";
    sqlx::query(sql).bind(company).bind(every).execute(connection).await.map(|_| ())
}

/// Asks, and changes nothing.
pub(crate) struct Reader<'a> {
    readers: &'a DatabaseConnection,
    reach: Reach,
}

impl Db {
    /// The company's tables.
    pub(crate) fn of(&self, company: CompanyId) -> Reader<'_> {
        Reader { readers: &self.readers, reach: Reach::Company(company) }
    }

    /// Every company's: for who asks before the company is known, and for the engine.
    pub(crate) fn of_any_company(&self) -> Reader<'_> {
        Reader { readers: &self.readers, reach: Reach::EveryCompany }
    }

    pub(crate) async fn begin_write_for(&self, company: CompanyId) -> Result<Tx, StoreError> {
        self.begin(Reach::Company(company)).await
    }

    /// As [`Self::of_any_company`].
    pub(crate) async fn begin_write_any_company(&self) -> Result<Tx, StoreError> {
        self.begin(Reach::EveryCompany).await
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Reader<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.readers.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.reach.during(self.readers.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.reach.during(self.readers.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.reach.during(self.readers.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.reach.during(self.readers.query_all_raw(statement)).await
    }
}
