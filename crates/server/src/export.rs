//! Everything of a company as one ZIP (docs/exportar.md): made while it is sent, so that its size is nobody's memory.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use acuse_domain::id::{CompanyId, PaymentId};
use acuse_render::logo::Logo;
use acuse_store::concurrency_limit::{ConcurrencyLimit, NotDone, Overloaded, Permit};
use acuse_store::export::{self, PARTS, Part};
use acuse_store::secrets::Keyring;
use acuse_store::user_mails::Post;
use acuse_store::{Actor, Db, StoreError, deletion, payments};
use axum::body::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use uuid::Uuid;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use crate::heavy_work::draw_with;

/// Minutes each, for a company with many receipts.
static EXPORTS: LazyLock<ConcurrencyLimit> = LazyLock::new(|| ConcurrencyLimit::new(2, 2, Duration::from_secs(15)));
/// Pieces that wait for a slow reader.
const AHEAD: usize = 8;
/// A piece is sent when it has grown to this (bytes).
const PIECE: usize = 64 * 1024;
/// Of the format, as its manifest says.
const VERSION: u32 = 1;
/// Logos that are kept drawn: a company seldom had more.
const MOST_LOGOS: usize = 8;

/// The pieces of the ZIP in their order; an error where it could not be finished.
pub type Pieces = Receiver<io::Result<Bytes>>;

#[derive(Debug, thiserror::Error)]
enum Broken {
    /// Whoever asked for it is gone.
    #[error("nobody reads it any more")]
    Left,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    NotDrawn(#[from] NotDone),
    #[error(transparent)]
    Zip(#[from] zip::result::ZipError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Begins to write the company's export. That it was taken along is noted when its last piece was, and told to the owners
/// where mails are sent.
pub async fn begin(db: Db, by: Actor, mailed: Option<Arc<Keyring>>) -> Result<Pieces, Overloaded> {
    let permit = EXPORTS.enter().await?;
    let (send, pieces) = channel(AHEAD);
    tokio::spawn(write(db, (by, mailed), send, permit));
    Ok(pieces)
}

async fn write(db: Db, (by, mailed): (Actor, Option<Arc<Keyring>>), send: Sender<io::Result<Bytes>>, _permit: Permit) {
    match Archive::new(send.clone()).write(&db, by.company).await {
        Ok(()) => {
            let post = mailed.as_deref().map_or(Post::ByHand, Post::Mail);
            if let Err(error) = deletion::note_export(&db, &by, post, acuse_store::now()).await {
                tracing::warn!("An export was not noted: {error}");
            }
        }
        Err(Broken::Left) => tracing::info!("An export was left before its end"),
        Err(error) => {
            tracing::error!("An export broke off: {error}");
            let _ = send.send(Err(io::Error::other("the export broke off"))).await;
        }
    }
}

/// Where the ZIP is written to until it is sent.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn take(&self, at_least: usize) -> Option<Vec<u8>> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (written.len() >= at_least && !written.is_empty()).then(|| std::mem::take(&mut *written))
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Archive {
    zip: ZipWriter<StreamWriter<Written>>,
    written: Written,
    send: Sender<io::Result<Bytes>>,
    hash: Sha256,
    /// What the manifest says of each file.
    files: Vec<Value>,
    logos: HashMap<String, Option<Logo>>,
}

impl Archive {
    fn new(send: Sender<io::Result<Bytes>>) -> Self {
        let written = Written::default();
        let zip = ZipWriter::new_stream(written.clone());
        Self { zip, written, send, hash: Sha256::new(), files: Vec::new(), logos: HashMap::new() }
    }

    async fn write(mut self, db: &Db, company: CompanyId) -> Result<(), Broken> {
        for part in &PARTS {
            self.write_part(db, company, part).await?;
        }
        self.write_logos(db, company).await?;
        self.write_receipts(db, company).await?;
        let at = acuse_store::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let manifest = json!({ "format": "acuse-export", "version": VERSION, "written_at": at,
            "company": company.to_string(), "files": self.files });
        self.begin("manifest.json", CompressionMethod::Deflated)?;
        self.add(manifest.to_string().as_bytes()).await?;
        self.zip.finish()?;
        match self.written.take(0) {
            Some(last) => self.send.send(Ok(last.into())).await.map_err(|_| Broken::Left),
            None => Ok(()),
        }
    }

    /// A table as a list of JSON, a record a line.
    async fn write_part(&mut self, db: &Db, company: CompanyId, part: &Part) -> Result<(), Broken> {
        let name = format!("data/{}.json", part.name);
        self.begin(&name, CompressionMethod::Deflated)?;
        let mut count = 0_u64;
        let mut after = None;
        loop {
            let (records, next) = export::records(db, company, part, after).await?;
            for record in records {
                let before = if count == 0 { "[\n" } else { ",\n" };
                self.add(format!("{before}{record}").as_bytes()).await?;
                count += 1;
            }
            if next.is_none() {
                break;
            }
            after = next;
        }
        self.add(if count == 0 { b"[]\n" } else { b"\n]\n" }).await?;
        self.end(&name, Some(count));
        Ok(())
    }

    async fn write_logos(&mut self, db: &Db, company: CompanyId) -> Result<(), Broken> {
        let mut after = None;
        while let Some((id, png)) = export::next_logo(db, company, after).await? {
            self.write_file(&format!("logos/{id}.png"), &png).await?;
            after = Some(id);
        }
        Ok(())
    }

    /// Each receipt as it would be printed now.
    async fn write_receipts(&mut self, db: &Db, company: CompanyId) -> Result<(), Broken> {
        let Some(part) = PARTS.iter().find(|part| part.name == "payments") else { return Ok(()) };
        let mut after = None;
        loop {
            let (records, next) = export::records(db, company, part, after).await?;
            for record in &records {
                self.write_receipt(db, company, record).await?;
            }
            if next.is_none() {
                return Ok(());
            }
            after = next;
        }
    }

    async fn write_receipt(&mut self, db: &Db, company: CompanyId, payment: &Value) -> Result<(), Broken> {
        let Some(id) = payment["id"].as_str().and_then(|id| id.parse::<Uuid>().ok()).map(PaymentId) else { return Ok(()) };
        let receipt = match payments::receipt(db, company, id).await {
            Ok(Some(receipt)) => receipt,
            // Its record stands in data/payments.json as it is.
            Ok(None) | Err(StoreError::Unreadable(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let logo = self.logo(db, company, id, payment["logo_id"].as_str()).await?;
        let name = format!("receipts/{}", receipt.file_name());
        if let Some(pdf) = draw_with(receipt, logo).await? {
            self.write_file(&name, &pdf).await?;
        }
        Ok(())
    }

    async fn logo(&mut self, db: &Db, company: CompanyId, of: PaymentId, id: Option<&str>) -> Result<Option<Logo>, Broken> {
        let Some(id) = id else { return Ok(None) };
        if let Some(known) = self.logos.get(id) {
            return Ok(known.clone());
        }
        let png = payments::receipt_logo(db, company, of).await?;
        let logo = png.and_then(|png| Logo::from_stored(png).ok());
        if self.logos.len() >= MOST_LOGOS {
            self.logos.clear();
        }
        self.logos.insert(id.to_owned(), logo.clone());
        Ok(logo)
    }

    /// A file that is compressed already.
    async fn write_file(&mut self, name: &str, bytes: &[u8]) -> Result<(), Broken> {
        self.begin(name, CompressionMethod::Stored)?;
        self.add(bytes).await?;
        self.end(name, None);
        Ok(())
    }

    fn begin(&mut self, name: &str, method: CompressionMethod) -> Result<(), Broken> {
        // Only a table may be of gigabytes.
        let is_large = method == CompressionMethod::Deflated;
        let options = SimpleFileOptions::default().compression_method(method).large_file(is_large);
        self.hash = Sha256::new();
        Ok(self.zip.start_file(name, options)?)
    }

    async fn add(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.zip.write_all(bytes)?;
        self.hash.update(bytes);
        match self.written.take(PIECE) {
            Some(piece) => self.send.send(Ok(piece.into())).await.map_err(|_| Broken::Left),
            None => Ok(()),
        }
    }

    fn end(&mut self, name: &str, records: Option<u64>) {
        let sha256: String = std::mem::take(&mut self.hash).finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let mut file = json!({ "name": name, "sha256": sha256 });
        if let Some(records) = records {
            file["records"] = records.into();
        }
        self.files.push(file);
    }
}
