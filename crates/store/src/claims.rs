//! Rows that one worker at a time has in hand: claimed under a lease, changed under a fence.
//!
//! Each claim raises the row's fence, and what a holder changes names the fence that it was given. A lease that has ended is
//! still its holder's until somebody else takes the row: what was learnt meanwhile must not be forgotten for a late clock.

use std::collections::HashSet;

use acuse_domain::Instant;
use acuse_domain::id::CompanyId;
use chrono::TimeDelta;
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use crate::db::{Db, StoreError, Tx, skip_locked};
use crate::sql::{Line, all, count, each, execute, portions, rows_of_places, values};

/// A table whose rows are claimed. In its texts `$1` is now and `$2` the end of a new lease.
pub(crate) struct Queue {
    pub table: &'static str,
    /// The columns of its key, the row's own id last; before it the company, where it is part of the key.
    pub key: &'static [&'static str],
    /// Which rows may be claimed. What else it asks for follows from `$3`.
    pub due: &'static str,
    pub order: &'static str,
    /// What a claim sets, besides the fence.
    pub claimed: &'static str,
    /// The column with the end of the lease.
    pub lease: &'static str,
    /// Which rows are in somebody's hands, besides what their fence says.
    pub is_held: &'static str,
    /// What is set where a lease has ended. None: the row is due again by then.
    pub expired: Option<&'static str>,
    /// What a claim reads of the row.
    pub gives: &'static str,
}

/// One row in one holder's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claim {
    /// None in a table whose key has no company.
    pub company: Option<CompanyId>,
    pub id: Uuid,
    pub fence: i64,
}

/// Those that were held until then; nothing of the others is changed.
pub(crate) type StillHeld = Result<HashSet<Claim>, StoreError>;

impl Claim {
    fn values(&self) -> Vec<Value> {
        let company = self.company.map(|company| Value::from(company.0));
        company.into_iter().chain(values![self.id, self.fence]).collect()
    }
}

impl Queue {
    /// Whether a row may be claimed now, or a lease has ended. Writes nothing.
    pub(crate) async fn is_due(&self, db: &Db, now: Instant) -> Result<bool, StoreError> {
        let Self { table, due, is_held, lease, .. } = self;
        let lost = self.expired.map(|_| format!("OR {is_held} AND {lease} < $1")).unwrap_or_default();
        let sql = format!("SELECT COUNT(*) AS n FROM {table} WHERE {due} {lost}");
        Ok(count(&db.of_any_company(), &sql, values![now]).await? > 0)
    }

    /// Claims up to `most` rows that are due, until `now + lease`. What another worker is claiming meanwhile is passed over.
    pub(crate) async fn claim<Row: FromQueryResult>(
        &self,
        tx: &Tx,
        most: u32,
        lease: TimeDelta,
        now: Instant,
        own: Vec<Value>,
    ) -> Result<Vec<Line<Row>>, StoreError> {
        let Self { table, due, order, claimed, gives, .. } = self;
        let change = self.of_those(tx, &format!("{due} ORDER BY {order} LIMIT {most}"), &format!("fence = fence + 1, {claimed}"));
        let values = [values![now, now + lease], own].concat();
        each(tx.as_conn(), table, &format!("{change} RETURNING {gives}"), values).await
    }

    /// Takes the rows whose lease has ended from their holders. Gives how many.
    pub(crate) async fn expire(&self, tx: &Tx, now: Instant) -> Result<u64, StoreError> {
        let Self { is_held, lease, .. } = self;
        let Some(expired) = self.expired else { return Ok(0) };
        let change = self.of_those(tx, &format!("{is_held} AND {lease} < $1"), &format!("{lease} = NULL, {expired}"));
        execute(tx.as_conn(), &change, values![now]).await
    }

    fn of_those(&self, tx: &Tx, which: &str, set: &str) -> String {
        let (table, key, skip_locked) = (self.table, self.key.join(", "), skip_locked(tx.as_conn()));
        format!(
            "WITH those AS MATERIALIZED (SELECT {key} FROM {table} WHERE {which} {skip_locked})
            UPDATE {table} SET {set} WHERE ({key}) IN (SELECT {key} FROM those)"
        )
    }

    /// Makes leases last until a moment.
    pub(crate) async fn renew(&self, tx: &Tx, held: &[Claim], until: Instant) -> StillHeld {
        self.change(tx, held, &format!("{} = $1", self.lease), values![until]).await
    }

    /// Ends claims.
    pub(crate) async fn finish(&self, tx: &Tx, held: &[Claim], set: &str, values: Vec<Value>) -> StillHeld {
        self.change(tx, held, &format!("{} = NULL, {set}", self.lease), values).await
    }

    /// Changes rows and leaves them in their holders' hands.
    pub(crate) async fn change(&self, tx: &Tx, held: &[Claim], set: &str, values: Vec<Value>) -> StillHeld {
        let held = held.iter().map(|claim| (*claim, Vec::new())).collect();
        self.change_each(tx, held, "", set, values).await
    }

    /// The same, with values of each claim's own: `set` finds them as `held.` and the name.
    pub(crate) async fn change_each(
        &self,
        tx: &Tx,
        held: Vec<(Claim, Vec<Value>)>,
        names: &str,
        set: &str,
        values: Vec<Value>,
    ) -> StillHeld {
        #[derive(FromQueryResult)]
        struct Changed {
            id: Uuid,
            fence: i64,
        }
        let (table, is_held, id) = (self.table, self.is_held, self.key[self.key.len() - 1]);
        let claim: Vec<&str> = self.key.iter().copied().chain(["fence"]).collect();
        let columns = claim.iter().copied().chain(names.split_terminator(", ")).collect::<Vec<_>>().join(", ");
        let is_claimed = claim.iter().map(|name| format!("{table}.{name} = held.{name} AND ")).collect::<String>();
        let (claims, own): (Vec<Claim>, Vec<Vec<Value>>) = held.into_iter().unzip();
        let rows: Vec<Vec<Value>> = claims.iter().zip(own).map(|(claim, own)| [claim.values(), own].concat()).collect();
        let mut changed = HashSet::with_capacity(rows.len());
        for portion in portions(&rows) {
            let sql = format!(
                "WITH held ({columns}) AS (VALUES {}) UPDATE {table} SET {set} FROM held WHERE {is_claimed} {is_held}
                RETURNING {table}.{id} AS id, {table}.fence AS fence",
                rows_of_places(values.len(), portion)
            );
            let rows: Vec<Changed> = all(tx.as_conn(), &sql, [values.clone(), portion.concat()].concat()).await?;
            changed.extend(rows.into_iter().map(|row| (row.id, row.fence)));
        }
        Ok(claims.into_iter().filter(|claim| changed.contains(&(claim.id, claim.fence))).collect())
    }
}
