//! A database of its own, and the real engine delivering from it to a sink.

use std::sync::Arc;
use std::time::{Duration, Instant};

use acuse_delivery::{DefaultAccount, Engine, Settings};
use acuse_domain::delivery::State;
use acuse_domain::id::{CompanyId, PaymentId};
use acuse_domain::mail_account::Security;
use acuse_mail::endpoint::Endpoint;
use acuse_mail::guard::Network;
use acuse_mail::message::{self, Attachment, Mail};
use acuse_render::mail::{MailFacts, receipt_mail};
use acuse_render::receipt::receipt_pdf;
use acuse_store::secrets::Keyring;
use acuse_store::{Db, deliveries, now, payments};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::failed;
use crate::failure::Failure;

const SINK: &str = "127.0.0.1";
const SENDER: &str = "avisos@acuse.example";
/// How often the queue is looked at: seldom enough to cost nothing, often enough not to show.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Nothing moves any more.
const PATIENCE: Duration = Duration::from_secs(300);

/// A migrated database and its keys, in a folder that goes with it.
pub struct Station {
    pub db: Db,
    pub keys: Arc<Keyring>,
    pub network: Network,
    folder: TempDir,
}

impl Station {
    pub async fn on_sqlite() -> Result<Self, Failure> {
        let folder = new_folder()?;
        let url = format!("sqlite://{}", folder.path().join("acuse.db").display());
        Self::open(&url, folder).await
    }

    pub async fn on_postgres(url: &str) -> Result<Self, Failure> {
        Self::open(url, new_folder()?).await
    }

    async fn open(url: &str, folder: TempDir) -> Result<Self, Failure> {
        let db = Db::open(url).await?;
        db.migrate().await?;
        let keys = Keyring::load_or_create(&folder.path().join("secret.key"))?;
        let network = Network::new(&[SINK.to_string()], None)?;
        Ok(Self { db, keys: Arc::new(keys), network, folder })
    }

    /// Begins to deliver to the sink on this port.
    pub fn deliver_to(&self, port: u16, connections: usize) -> Result<Delivering, Failure> {
        let default_account = DefaultAccount {
            endpoint: Endpoint { host: SINK.to_string(), port, security: Security::None },
            credentials: None,
            from_address: SENDER.parse().map_err(failed)?,
        };
        let settings = Settings { default_account: Some(default_account), connections_per_account: connections };
        let engine = Engine::new(self.db.clone(), self.keys.clone(), self.network.clone(), settings);
        let (stop, stopped) = watch::channel(false);
        Ok(Delivering { stop, engine: tokio::spawn(acuse_delivery::run(engine, stopped)) })
    }

    /// Waits until nothing is on its way. Errs if not every one of so many was accepted.
    pub async fn all_accepted(&self, company: CompanyId, count: usize) -> Result<(), Failure> {
        let begun = Instant::now();
        let under_way = [State::Queued, State::Sending, State::Deferred, State::InDoubt];
        while deliveries::count_in(&self.db, company, &under_way).await? > 0 {
            if begun.elapsed() > PATIENCE {
                return Err(failed("los envíos no avanzan"));
            }
            sleep(LOOK_EVERY).await;
        }
        let accepted = deliveries::count_in(&self.db, company, &[State::Accepted]).await?;
        if accepted == count as u64 { Ok(()) } else { Err(failed(format!("se aceptaron {accepted} envíos de {count}"))) }
    }

    /// How many bytes the mail of this payment has that the engine sends.
    pub async fn mail_size(&self, company: CompanyId, payment: PaymentId) -> Result<usize, Failure> {
        let receipt = payments::receipt(&self.db, company, payment).await?.ok_or_else(|| failed("no hay recibo"))?;
        let pdf = receipt_pdf(&receipt, None).map_err(failed)?;
        let rendered = receipt_mail(&receipt, &MailFacts::default());
        let name = rendered.attachment_name.as_deref().unwrap_or_default();
        let address = SENDER.parse().map_err(failed)?;
        let mail = Mail {
            from_name: &receipt.company.legal_name,
            from_address: &address,
            to_name: None,
            to: &address,
            reply_to: None,
            subject: &rendered.subject,
            text: &rendered.text,
            html: Some(&rendered.html),
            logo_png: None,
            attachments: &[Attachment { name, mime: "application/pdf", bytes: &pdf }],
            message_id: SENDER,
            date: now(),
            in_reply_to: None,
        };
        Ok(message::compose(&mail).map_err(failed)?.len())
    }

    pub async fn close(self) {
        self.db.close().await;
        drop(self.folder);
    }
}

/// An engine at work.
pub struct Delivering {
    stop: watch::Sender<bool>,
    engine: JoinHandle<()>,
}

impl Delivering {
    pub async fn stop(self) -> Result<(), Failure> {
        let _ = self.stop.send(true);
        self.engine.await.map_err(failed)
    }
}

fn new_folder() -> Result<TempDir, Failure> {
    tempfile::Builder::new().prefix("acuse-bench-").tempdir().map_err(failed)
}
