//! What a request may ask for that takes a core, much memory or other people's servers, and how much of it at once in this
//! process.

use std::sync::LazyLock;
use std::time::Duration;

use acuse_domain::receipt::Receipt;
use acuse_mail::dkim::{self, NewKey};
use acuse_render::logo::{Logo, LogoError};
use acuse_render::receipt::receipt_pdf;
use acuse_store::concurrency_limit::{ConcurrencyLimit, NotDone, Overloaded, Permit, cores};

/// Milliseconds each, for pages that people wait for.
static PDFS: LazyLock<ConcurrencyLimit> = LazyLock::new(|| ConcurrencyLimit::new(cores(), cores() * 32, Duration::from_secs(10)));
/// A picture of the largest size takes some 200 MB while it is made small.
static PICTURES: LazyLock<ConcurrencyLimit> = LazyLock::new(|| ConcurrencyLimit::new(1, 8, Duration::from_secs(15)));
/// Files of 5 MB that are read from the network and wait to be decoded.
static UPLOADS: LazyLock<ConcurrencyLimit> = LazyLock::new(|| ConcurrencyLimit::new(8, 8, Duration::from_secs(15)));
/// Finding the primes of an RSA key takes up to some seconds of a core.
static KEYS: LazyLock<ConcurrencyLimit> = LazyLock::new(|| ConcurrencyLimit::new(1, 4, Duration::from_secs(15)));
/// A domain's records: a dozen questions to the DNS each, answered within five seconds.
static LOOKUPS: LazyLock<ConcurrencyLimit> = LazyLock::new(|| ConcurrencyLimit::new(8, 64, Duration::from_secs(10)));

/// Draws a receipt. `None` where it cannot be drawn; the reason is in the log.
pub(crate) async fn draw_receipt(receipt: Receipt, logo: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, NotDone> {
    draw(receipt, move || logo.and_then(|png| Logo::from_stored(png).ok())).await
}

/// The same with a logo that is ready.
pub(crate) async fn draw_with(receipt: Receipt, logo: Option<Logo>) -> Result<Option<Vec<u8>>, NotDone> {
    draw(receipt, move || logo).await
}

async fn draw(receipt: Receipt, logo: impl FnOnce() -> Option<Logo> + Send + 'static) -> Result<Option<Vec<u8>>, NotDone> {
    let number = receipt.number.clone();
    let drawing = PDFS.run(move || receipt_pdf(&receipt, logo().as_ref()));
    match drawing.await {
        Ok(Ok(pdf)) => Ok(Some(pdf)),
        Ok(Err(error)) => {
            tracing::error!("The receipt {number} could not be drawn: {error}");
            Ok(None)
        }
        Err(NotDone::Panicked) => {
            tracing::error!("Drawing the receipt {number} broke");
            Ok(None)
        }
        Err(overloaded) => Err(overloaded),
    }
}

/// A place to read an upload; held until the picture is taken in.
pub(crate) async fn begin_upload() -> Result<Permit, Overloaded> {
    UPLOADS.enter().await
}

/// Makes of an upload what is kept: a PNG.
pub(crate) async fn take_in_logo(uploaded: axum::body::Bytes) -> Result<Result<Vec<u8>, LogoError>, NotDone> {
    PICTURES.run(move || Logo::from_upload(&uploaded).map(|logo| logo.png().to_vec())).await
}

/// A new pair for DKIM; none where the machine has no randomness.
pub(crate) async fn make_dkim_pair() -> Result<Option<NewKey>, NotDone> {
    KEYS.run(|| dkim::make_key().ok()).await
}

/// A place to ask the DNS about a domain.
pub(crate) async fn begin_lookup() -> Result<Permit, Overloaded> {
    LOOKUPS.enter().await
}
