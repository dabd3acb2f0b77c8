//! A QR code as one path: one shape prints without seams between its squares.

use krilla::geom::{Path, PathBuilder, Rect};
use qrcodegen::{DataTooLong, QrCode, QrCodeEcc, QrSegment, Version};

/// A code, drawn in squares of 1 by 1: short numbers, for it is most of what a simple page says.
pub struct Code {
    pub path: Path,
    /// Squares on a side.
    pub squares: f32,
}

/// The code of `words`, level M, without its quiet zone: the page leaves that blank.
///
/// Errs if the words do not fit into any QR code (2,331 bytes at level M).
pub fn code(words: &str) -> Result<Option<Code>, DataTooLong> {
    let segments = QrSegment::make_segments(words);
    let code = QrCode::encode_segments_advanced(&segments, QrCodeEcc::Medium, Version::MIN, Version::MAX, None, false)?;
    let mut path = PathBuilder::new();
    for row in 0..code.size() {
        let mut column = 0;
        while column < code.size() {
            let dark = (column..code.size()).take_while(|x| code.get_module(*x, row)).count() as i32;
            if let Some(run) = Rect::from_xywh(column as f32, row as f32, dark as f32, 1.0).filter(|_| dark > 0) {
                path.push_rect(run);
            }
            column += dark + 1;
        }
    }
    Ok(path.finish().map(|path| Code { path, squares: code.size() as f32 }))
}
