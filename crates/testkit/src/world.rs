//! A fresh, migrated database: a SQLite file in a folder of its own, or an empty database of the shared PostgreSQL.

use acuse_domain::Instant;
use acuse_store::Db;
use acuse_store::logins::{self, Attempt, Outcome};
use acuse_store::secrets::Keyring;
use chrono::{DateTime, TimeDelta};
use secrecy::SecretString;
use tempfile::TempDir;

use crate::builders::{CompanyBuilder, TestCompany};
use crate::postgres::Postgres;

/// Everything that a test's records live in. Its folder goes with it; the PostgreSQL server drops the database later.
pub struct World {
    pub db: Db,
    pub url: String,
    folder: TempDir,
}

impl World {
    pub async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().expect("the machine has a temporary folder");
        let url = format!("sqlite://{}", folder.path().join("acuse.db").display());
        Self::new(url, folder).await
    }

    pub async fn on_postgres() -> Self {
        Self::at(&Postgres::shared().new_database()).await
    }

    /// At an empty database.
    pub async fn at(url: &str) -> Self {
        let folder = tempfile::tempdir().expect("the machine has a temporary folder");
        Self::new(url.to_owned(), folder).await
    }

    /// Makes the builder's company, people and documents.
    pub async fn with(&self, company: CompanyBuilder) -> TestCompany {
        company.on(&self.db).await
    }

    /// The same database, opened once more as another process would.
    pub async fn opened_again(&self) -> Db {
        open(&self.url).await
    }

    /// The installation's keys, made at the first call.
    #[must_use]
    pub fn keys(&self) -> Keyring {
        Keyring::load_or_create(&self.folder.path().join("secret.key")).expect("the folder is ours")
    }

    /// Where the database and the key file lie.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    async fn new(url: String, folder: TempDir) -> Self {
        let db = open(&url).await;
        db.migrate().await.expect("an empty database takes every migration");
        Self { db, url, folder }
    }
}

/// The session, to be kept, of somebody who logs in; nothing where they are not let in.
pub async fn log_in(db: &Db, email: &str, password: &str, at: Instant) -> Option<SecretString> {
    let password = SecretString::from(password);
    let attempt = Attempt { is_kept: true, ..Attempt::new(email, &password) };
    match logins::log_in_any_company(db, &attempt, at).await.expect("the database answers") {
        Outcome::Entered { session, .. } => Some(session),
        Outcome::Wrong | Outcome::Wait(_) | Outcome::SecondStep { .. } => None,
    }
}

async fn open(url: &str) -> Db {
    Db::open(url).await.unwrap_or_else(|error| panic!("{url}: {error}"))
}

/// Midday in Ecuador on 24 November 2026: «today» of every builder.
#[must_use]
pub fn noon() -> Instant {
    DateTime::from_timestamp(1_795_539_600, 0).expect("it is a valid moment")
}

/// So many seconds after [`noon`].
#[must_use]
pub fn noon_and(seconds: i64) -> Instant {
    noon() + TimeDelta::seconds(seconds)
}
