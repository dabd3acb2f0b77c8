//! The printed page looks as it was designed, to the pixel.
//!
//! Only receipts that the embedded fonts cover are compared: those are the same on every machine.

use std::path::Path;

use crate::support::{here, pdf, pictures};

/// Two versions of poppler smooth edges differently; moved or missing words differ by more.
const ALIKE: i32 = 96;
/// Differing pixels in a million: a word that moved is some 100 of them.
const FEW: usize = 100;

fn check_pages(name: &str, pages: &[usize]) {
    let drawn = pictures(name, &pdf(name));
    let mut wrong = Vec::new();
    for page in pages {
        let approved = here(&format!("approved/{name}-p{page}.png"));
        let new = here(&format!("approved/{name}-p{page}.new.png"));
        let _ = std::fs::remove_file(&new);
        if let Some(reason) = difference(&drawn[page - 1], &approved) {
            std::fs::copy(&drawn[page - 1], &new).expect("the new page can be kept");
            wrong.push(format!(
                "{name}, page {page}: {reason}. Look at {}; if it is right, it takes the approved one's place.",
                new.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn difference(drawn: &Path, approved: &Path) -> Option<String> {
    let Ok(approved) = image::open(approved) else { return Some("no approved page".to_string()) };
    let (drawn, approved) = (image::open(drawn).expect("it was just drawn").to_rgb8(), approved.to_rgb8());
    if drawn.dimensions() != approved.dimensions() {
        return Some(format!("{:?} instead of {:?}", drawn.dimensions(), approved.dimensions()));
    }
    let differs = |(a, b): (&image::Rgb<u8>, &image::Rgb<u8>)| (0..3).any(|c| (i32::from(a[c]) - i32::from(b[c])).abs() > ALIKE);
    let differing = drawn.pixels().zip(approved.pixels()).filter(|pair| differs(*pair)).count();
    let bound = FEW * drawn.pixels().count() / 1_000_000;
    (differing > bound).then(|| format!("{differing} pixels differ, {bound} may"))
}

#[test]
fn a_simple_receipt() {
    check_pages("cobro-simple", &[1]);
}

#[test]
fn a_receipt_with_everything() {
    check_pages("cobro-parcial-anticipo", &[1]);
}

#[test]
fn a_payment_to_a_supplier_with_three_signatures() {
    check_pages("pago-cheque-retencion", &[1]);
}

#[test]
fn a_voided_receipt() {
    check_pages("cobro-anulado", &[1]);
}

#[test]
fn a_company_without_logo() {
    check_pages("sin-logo", &[1]);
}

#[test]
fn two_hundred_documents() {
    check_pages("cobro-200-documentos", &[1, 2, 5]);
}
