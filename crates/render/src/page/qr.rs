//! A QR code as one path: one shape prints without seams between its squares.

use krilla::geom::{Path, PathBuilder, Rect};
use qrcodegen::{DataTooLong, QrCode, QrCodeEcc, QrSegment, Version};

/// The code of `words` in a square of `side` points, level M, without its quiet zone: the page leaves that blank.
///
/// Errs if the words do not fit into any QR code (2,331 bytes at level M).
pub fn path(words: &str, side: f32) -> Result<Option<Path>, DataTooLong> {
    let segments = QrSegment::make_segments(words);
    let code = QrCode::encode_segments_advanced(&segments, QrCodeEcc::Medium, Version::MIN, Version::MAX, None, false)?;
    let module = side / code.size() as f32;
    let mut path = PathBuilder::new();
    for row in 0..code.size() {
        let mut column = 0;
        while column < code.size() {
            let dark = (column..code.size()).take_while(|x| code.get_module(*x, row)).count() as i32;
            let (x, y) = (column as f32 * module, row as f32 * module);
            if let Some(run) = Rect::from_xywh(x, y, dark as f32 * module, module).filter(|_| dark > 0) {
                path.push_rect(run);
            }
            column += dark + 1;
        }
    }
    Ok(path.finish())
}
