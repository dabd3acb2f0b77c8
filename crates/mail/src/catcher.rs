//! A real SMTP server that keeps what it is given, for the demo and for tests. It never sends anything on.
//!
//! Any client may use it without a login; a login with any name and password is taken. To show how problems look, some
//! recipients are answered in their own way, whatever their domain:
//!
//! | recipient | answer |
//! |---|---|
//! | `rebota@…` | `550 5.1.1`, the mailbox does not exist |
//! | `llena@…` | `452 4.2.2`, the mailbox is full |
//! | `lenta@…` | accepted after two seconds |

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use crate::caught::{Caught, Kept};
use crate::conversation::Conversation;

/// More clients than any test or benchmark opens at once.
const MOST_CONNECTIONS: usize = 200;
/// The server. It stops when this is dropped.
pub struct Catcher {
    address: SocketAddr,
    kept: Arc<Kept>,
    task: JoinHandle<()>,
}

impl Catcher {
    /// Listens there; port 0 takes a free one.
    ///
    /// Errs if the address cannot be listened on.
    pub async fn start(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let kept = Arc::new(Kept::default());
        let task = tokio::spawn(serve(listener, Arc::clone(&kept)));
        Ok(Self { address, kept, task })
    }

    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The newest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Arc<Caught>> {
        self.kept.lock().messages.iter().rev().cloned().collect()
    }

    #[must_use]
    pub fn get(&self, id: u64) -> Option<Arc<Caught>> {
        self.kept.lock().messages.iter().find(|caught| caught.id == id).cloned()
    }

    /// Throws these away.
    pub fn forget(&self, ids: &[u64]) {
        let mut shelf = self.kept.lock();
        let (gone, kept): (VecDeque<_>, VecDeque<_>) = shelf.messages.drain(..).partition(|caught| ids.contains(&caught.id));
        shelf.messages = kept;
        shelf.bytes -= gone.iter().map(|caught| caught.raw.len()).sum::<usize>();
    }

    /// How many have been caught since the start, also those forgotten.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.kept.lock().count
    }
}

impl Drop for Catcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Connections live in this task, so that they end with it.
async fn serve(listener: TcpListener, kept: Arc<Kept>) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors: what is open must close first.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        let kept = Arc::clone(&kept);
        connections.spawn(async move {
            let _place = place;
            // A client that goes away ends its own conversation and nothing else.
            drop(Conversation::new(stream, kept).hold().await);
        });
    }
}
