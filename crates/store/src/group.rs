//! SQLite waits for the disk once for several acts: whoever is waiting for the writer joins the transaction that is open,
//! and all of them are answered after its one commit.
//!
//! Each act after the first works in a savepoint, so that one that is refused undoes nothing of the others'. It also sees
//! what those before it wrote and nobody has been told yet: whoever answers with what it read there commits first.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use tokio::time::timeout;

/// How long an act waits for those before it.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);

/// Acts in one transaction. More would save little of the disk's time, and while one group waits for its answers the next
/// is already at work.
const MOST_ACTS: usize = 16;

/// The writer's transaction between two acts. The lock is fair: first come, first served.
#[derive(Clone, Default)]
pub(crate) struct Group(Arc<Mutex<Open>>);

#[derive(Default)]
struct Open {
    tx: Option<DatabaseTransaction>,
    /// Those who are done and wait for the commit.
    done: Vec<oneshot::Sender<Result<(), DbErr>>>,
}

/// One act's part of the open transaction. Nobody else works in it meanwhile; what is not committed is undone.
pub(crate) struct Member {
    group: Group,
    /// Given back by commit, or else by drop.
    turn: Option<Turn>,
}

/// Its fields go in this order: what is dropped half-way is undone before anybody else has a turn.
struct Turn {
    /// The transaction itself in the hands of the first; a savepoint of it in the others'.
    work: DatabaseTransaction,
    open: OwnedMutexGuard<Open>,
}

impl Group {
    /// Waits for a turn. Errs if those before take too long, or the database does not let anybody begin.
    pub(crate) async fn join(&self, writer: &DatabaseConnection) -> Result<Member, DbErr> {
        let waited = timeout(TURN_TIMEOUT, self.0.clone().lock_owned()).await;
        let open = waited.map_err(|_| conn_error("the writer is busy"))?;
        let turn = match open.tx {
            None => Turn { work: begin(writer).await?, open },
            // Its own task: a savepoint whose caller went away half-way would take the whole transaction with it.
            Some(_) => tokio::spawn(set_savepoint(open)).await.map_err(|_| conn_error("the writer stopped"))??,
        };
        Ok(Member { group: self.clone(), turn: Some(turn) })
    }
}

async fn begin(writer: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let options = TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
    writer.begin_with_options(options).await
}

async fn set_savepoint(mut open: OwnedMutexGuard<Open>) -> Result<Turn, DbErr> {
    let tx = open.tx.as_ref().ok_or_else(|| conn_error("the transaction has ended"))?;
    match tx.begin().await {
        Ok(work) => Ok(Turn { work, open }),
        Err(error) => {
            open.give_up(&error).await;
            Err(error)
        }
    }
}

impl Member {
    pub(crate) fn as_conn(&self) -> &DatabaseTransaction {
        &self.turn.as_ref().expect("only commit and drop give the turn back").work
    }

    /// Answers when it is on the disk. Whoever stops waiting for the answer does not stop the commit.
    pub(crate) async fn commit(mut self) -> Result<(), DbErr> {
        let (told, answer) = oneshot::channel();
        if let Some(turn) = self.turn.take() {
            tokio::spawn(turn.keep(self.group.clone(), told));
        }
        answer.await.unwrap_or_else(|_| Err(conn_error("the writer stopped")))
    }

    /// Undoes this act, and answers when what it saw of the others' is on the disk.
    pub(crate) async fn undo(mut self) -> Result<(), DbErr> {
        let (told, answer) = oneshot::channel();
        if let Some(turn) = self.turn.take() {
            tokio::spawn(turn.undo(Some(told)));
        }
        answer.await.unwrap_or_else(|_| Err(conn_error("the writer stopped")))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some(turn) = self.turn.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(turn.undo(None));
        }
    }
}

impl Turn {
    async fn keep(self, group: Group, told: oneshot::Sender<Result<(), DbErr>>) {
        let Self { work, mut open } = self;
        open.done.push(told);
        if open.tx.is_some() {
            match work.commit().await {
                Ok(()) if open.done.len() >= MOST_ACTS => open.commit().await,
                Ok(()) => {}
                Err(error) => open.give_up(&error).await,
            }
            return;
        }
        open.tx = Some(work);
        drop(open);
        // The first takes a second turn and ends it for all: everyone who was waiting by now has joined before that.
        group.0.lock().await.commit().await;
    }

    async fn undo(self, told: Option<oneshot::Sender<Result<(), DbErr>>>) {
        let Self { work, mut open } = self;
        let undone = work.rollback().await;
        open.done.extend(told);
        match undone {
            // Nobody else is in it: there is nothing to wait for.
            Ok(()) if open.tx.is_none() => open.tell(&Ok(())),
            Ok(()) => {}
            // SQLite had rolled everything back by itself, as it does when the disk is full.
            Err(error) => open.give_up(&error).await,
        }
    }
}

impl Open {
    async fn commit(&mut self) {
        let Some(tx) = self.tx.take() else { return };
        let ended = tx.commit().await;
        self.tell(&ended);
    }

    /// Nothing of it is kept: everyone who was done is told so.
    async fn give_up(&mut self, why: &DbErr) {
        if let Some(tx) = self.tx.take()
            && let Err(error) = tx.rollback().await
        {
            tracing::warn!("A transaction could not be rolled back: {error}");
        }
        self.tell(&Err(why.clone()));
    }

    fn tell(&mut self, ended: &Result<(), DbErr>) {
        for told in self.done.drain(..) {
            let _ = told.send(ended.clone());
        }
    }
}

fn conn_error(what: &str) -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(what.to_string()))
}
