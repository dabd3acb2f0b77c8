//! A logo is taken in once and safely, whatever was uploaded.

use std::io::Cursor;

use acuse_render::logo::{LARGEST_UPLOAD, Logo, LogoError};
use image::{DynamicImage, ImageFormat, Rgb, Rgba, RgbaImage};

use crate::support::{logo, uploaded_logo};

fn png(picture: RgbaImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgba8(picture).write_to(&mut bytes, ImageFormat::Png).expect("it encodes");
    bytes.into_inner()
}

fn opened(logo: &Logo) -> image::RgbImage {
    image::load_from_memory(logo.png()).expect("it is a picture").to_rgb8()
}

#[test]
fn a_logo_is_kept_once_and_used_by_all_threads() {
    let logo = logo();
    let sizes: Vec<usize> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(|| logo.for_mail().expect("it can be read").png.len())).collect();
        threads.into_iter().map(|thread| thread.join().expect("it ends")).collect()
    });
    assert_eq!(sizes[0], sizes[1]);
}

#[test]
fn what_is_transparent_becomes_white() {
    let half = RgbaImage::from_fn(40, 20, |x, _| if x < 20 { Rgba([255, 0, 0, 0]) } else { Rgba([0, 0, 0, 128]) });
    let kept = opened(&Logo::from_upload(&png(half)).expect("it is a picture"));
    assert_eq!(kept.get_pixel(5, 5), &Rgb([255, 255, 255]));
    assert_eq!(kept.get_pixel(30, 5), &Rgb([127, 127, 127]));
}

#[test]
fn a_large_picture_is_kept_at_640_pixels() {
    let wide = RgbaImage::from_fn(2000, 500, |x, y| Rgba([(x % 256) as u8, (y % 256) as u8, ((x + y) % 256) as u8, 255]));
    assert_eq!(opened(&Logo::from_upload(&png(wide)).expect("it is a picture")).dimensions(), (640, 160));
}

#[test]
fn what_was_stored_is_the_same_logo() {
    let first = logo();
    let again = Logo::from_stored(first.png().to_vec()).expect("it was stored");
    assert_eq!(again.png(), first.png());
    assert_eq!(Logo::from_upload(first.png()).expect("it is a picture").png(), first.png());
}

#[test]
fn a_mail_shows_it_within_160_by_56_and_carries_twice_that() {
    let logo = logo();
    let mail = logo.for_mail().expect("it can be read");
    assert_eq!((mail.width, mail.height), (132, 56));
    let picture = image::load_from_memory(&mail.png).expect("it is a picture");
    assert_eq!((picture.width(), picture.height()), (264, 112));
}

#[test]
fn what_is_no_picture_or_too_much_of_one_is_refused() {
    assert_eq!(Logo::from_upload(b"<svg></svg>").err(), Some(LogoError::NotAPicture));
    assert_eq!(Logo::from_upload(&uploaded_logo()[..200]).err(), Some(LogoError::NotAPicture));
    assert_eq!(Logo::from_upload(&vec![0; LARGEST_UPLOAD + 1]).err(), Some(LogoError::TooHeavy { bytes: LARGEST_UPLOAD + 1 }));
    let vast = png(RgbaImage::new(6_001, 1));
    assert_eq!(Logo::from_upload(&vast).err(), Some(LogoError::TooLarge));
    let area = png_that_says(6_000, 5_000);
    assert_eq!(Logo::from_upload(&area).err(), Some(LogoError::TooLarge), "refused before it is unpacked");
}

#[test]
fn of_a_png_only_its_pixels_are_read() {
    let plain = png(RgbaImage::from_fn(40, 20, |x, y| Rgba([x as u8, y as u8, 90, 255])));
    let kept = Logo::from_upload(&plain).expect("it is a picture").png().to_vec();
    let chunk = |kind: &[u8; 4], said: &[u8]| {
        let sum = crc32(&[kind.as_slice(), said].concat());
        [&u32::try_from(said.len()).unwrap().to_be_bytes()[..], kind, said, &sum.to_be_bytes()].concat()
    };
    let after_head = 8 + 25;
    for (kind, said) in [
        (b"tEXt", &b"Comment\0<script>"[..]),
        (b"iCCP", b"p\0\0no profile at all"),
        (b"zTXt", b"Comment\0\0no text at all"),
        (b"eXIf", b"MM\0*GPS"),
        (b"acTL", b"\0\0\0\x02\0\0\0\0"),
        (b"xxXx", b"whatever"),
    ] {
        let mut more = plain.clone();
        more.splice(after_head..after_head, chunk(kind, said));
        more.extend_from_slice(b"<script>PK\x05\x06");
        assert_eq!(Logo::from_upload(&more).expect("it is a picture").png(), kept, "{}", String::from_utf8_lossy(kind));
    }
    let mut broken = plain;
    broken.splice(after_head..after_head, [0xff, 0xff, 0xff, 0xff, b'I', b'D', b'A', b'T']);
    assert_eq!(Logo::from_upload(&broken).err(), Some(LogoError::NotAPicture));
}

/// A picture of one pixel whose head (W3C PNG 11.2.1) claims to be larger.
fn png_that_says(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png(RgbaImage::new(1, 1));
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// ISO 3309, as PNG asks for it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(sum & 1)))
    })
}
