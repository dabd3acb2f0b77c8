//! Receipts drawn for a request: beside the event loop, and no more at once than there are cores.

use std::sync::OnceLock;
use std::thread::available_parallelism;

use acuse_domain::receipt::Receipt;
use acuse_render::logo::Logo;
use acuse_render::receipt::receipt_pdf;
use tokio::sync::Semaphore;

/// The receipt as PDF with the logo it was recorded with, as PNG. `None` if it could not be drawn, which the log explains.
pub async fn receipt(receipt: Receipt, logo: Option<Vec<u8>>) -> Option<Vec<u8>> {
    /// A receipt of 500 documents takes tens of milliseconds and some megabytes.
    static CORES: OnceLock<Semaphore> = OnceLock::new();
    let cores = CORES.get_or_init(|| Semaphore::new(available_parallelism().map_or(1, usize::from)));
    let turn = cores.acquire().await.ok()?;
    let number = receipt.number.clone();
    let drawing = tokio::task::spawn_blocking(move || {
        // Held by the drawing itself: a request that is given up does not stop it.
        let _turn = turn;
        let logo = logo.and_then(|png| Logo::from_stored(png).ok());
        receipt_pdf(&receipt, logo.as_ref())
    });
    match drawing.await {
        Ok(Ok(pdf)) => Some(pdf),
        Ok(Err(error)) => {
            tracing::error!("The receipt {number} could not be drawn: {error}");
            None
        }
        Err(error) => {
            tracing::error!("Drawing the receipt {number} broke: {error}");
            None
        }
    }
}
