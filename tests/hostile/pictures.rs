//! Files that are uploaded as a logo and are none, or too much of one.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::Method;

use crate::attack::Attack;
use crate::scene::Scene;

/// KiB: one picture of the largest size takes some 200 MB while it is made small (server/src/heavy_work.rs).
const MOST_MEMORY: u64 = 400 * 1024;
/// As server/src/web/company.rs takes.
const MOST_BYTES: usize = 5 * 1024 * 1024;
const LIVE: &[u8] = b"<script>alert(1)</script>";

pub async fn attacks(scene: &Scene) -> Vec<Attack> {
    let before = scene.server.memory("VmRSS");
    let mut rows = vec![refused(scene).await, stripped(scene).await, named(scene).await];
    let mut memory = Attack::new("memory after pictures", "less than 400 MiB more at the peak");
    let peak = scene.server.memory("VmHWM");
    memory.tried(peak < before + MOST_MEMORY, || format!("{before} KiB before, {peak} KiB at the peak"));
    rows.push(memory);
    rows
}

/// The status; 0 where the connection was closed on whoever went on sending.
async fn upload(scene: &Scene, head: &str, file: &[u8]) -> u16 {
    let mut body = format!("--x\r\nContent-Disposition: form-data; name=\"logo\"; {head}\r\n\r\n").into_bytes();
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--x--\r\n");
    let request = scene.post("/mi-compania/logo");
    let answer = request.header("content-type", "multipart/form-data; boundary=x").body(body).send().await;
    answer.map_or(0, |answer| answer.status().as_u16())
}

async fn kept(scene: &Scene) -> Vec<u8> {
    let answer = scene.request(Method::GET, "/mi-compania/logo").header("cookie", scene.owner()).send().await;
    answer.expect("an answer").bytes().await.expect("a body").to_vec()
}

async fn refused(scene: &Scene) -> Attack {
    let mut row = Attack::new("picture bomb, or no picture", "413 or 422; nothing is kept");
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"><script>alert(1)</script></svg>";
    let entities = b"<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><svg>&a;</svg>";
    let files: [(&str, Vec<u8>); 16] = [
        ("60,000 x 60,000", png(60_000, 60_000, &[])),
        ("6,001 x 1", png(6_001, 1, &[])),
        ("6,000 x 6,000", png(6_000, 6_000, &[])),
        ("no width", png(0, 1, &[])),
        ("all bits set", png(u32::MAX, u32::MAX, &[])),
        ("pixels that are missing", png(4_000, 4_000, &zlib(0))),
        ("profile that unpacks to 400 MiB and no pixels", chunked(b"iCCP", &[b"p\0\0".as_slice(), &zlib(400)].concat(), false)),
        ("SVG", svg.to_vec()),
        ("SVG with entities", entities.to_vec()),
        ("GIF", b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;".to_vec()),
        ("HTML", b"<html><script>alert(1)</script>".to_vec()),
        ("PDF", b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript>>>>endobj".to_vec()),
        ("ZIP", b"PK\x03\x04\x14\0\0\0\x08\0".to_vec()),
        ("head alone", b"\x89PNG\r\n\x1a\n".to_vec()),
        (
            "JPEG head alone",
            b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03".to_vec(),
        ),
        ("6 MiB of nothing", vec![0; 6 * 1024 * 1024]),
    ];
    for (what, file) in files {
        let status = upload(scene, "filename=\"logo.png\"\r\nContent-Type: image/png", &file).await;
        let is_too_heavy = file.len() > MOST_BYTES && matches!(status, 0 | 413);
        row.tried(is_too_heavy || status == 422, || format!("{what}: {status}"));
    }
    let status = scene.request(Method::GET, "/mi-compania/logo").header("cookie", scene.owner()).send().await;
    row.tried(status.expect("an answer").status().as_u16() == 404, || "something was kept".to_owned());
    row
}

/// Pictures with something else inside or behind.
async fn stripped(scene: &Scene) -> Attack {
    let mut row = Attack::new("picture that is a page or an archive too", "made anew: only its pixels");
    let mut jpeg = encoded(ImageFormat::Jpeg);
    let marker = [b"\xff\xfe".as_slice(), &(LIVE.len() as u16 + 2).to_be_bytes(), LIVE].concat();
    jpeg.splice(2..2, marker);
    let exif = [b"\xff\xe1\0\x24Exif\0\0GPS secreto 0.18S 78.46W here".as_slice()].concat();
    jpeg.splice(2..2, exif);
    let files = [
        ("PNG and HTML behind", [encoded(ImageFormat::Png), LIVE.to_vec()].concat()),
        ("PNG and ZIP behind", [encoded(ImageFormat::Png), b"PK\x05\x06".to_vec(), vec![0; 18]].concat()),
        ("PNG with a text", chunked(b"tEXt", &[b"Comment\0".as_slice(), LIVE].concat(), true)),
        ("PNG with a text that unpacks to 400 MiB", chunked(b"zTXt", &[b"Comment\0\0".as_slice(), &zlib(400)].concat(), true)),
        ("PNG with pixels that never end", png(16, 16, &zlib(400))),
        ("PNG with a profile that unpacks to 400 MiB", chunked(b"iCCP", &[b"p\0\0".as_slice(), &zlib(400)].concat(), true)),
        ("PNG with an unknown chunk", chunked(b"xxXx", LIVE, true)),
        ("JPEG with a comment and a place", jpeg),
    ];
    for (what, file) in files {
        let status = upload(scene, "filename=\"logo.png\"\r\nContent-Type: image/png", &file).await;
        let kept = kept(scene).await;
        let has = |words: &[u8]| kept.windows(words.len()).any(|window| window == words);
        let is_clean = kept.starts_with(b"\x89PNG") && kept.ends_with(b"IEND\xaeB`\x82") && kept.len() < 100_000;
        let is_stripped = is_clean && !has(b"script") && !has(b"PK\x05\x06") && !has(b"GPS") && !has(b"tEXt") && !has(b"xxXx");
        row.tried(status == 422 || is_stripped, || format!("{what}: {status}, {} bytes", kept.len()));
    }
    row
}

/// What the file is called and what it says it is do not count.
async fn named(scene: &Scene) -> Attack {
    let mut row = Attack::new("file called otherwise", "a PNG, nosniff, by its content alone");
    for head in [
        "filename=\"../../../../etc/cron.d/x\"",
        "filename=\"x.html\"\r\nContent-Type: text/html",
        "filename=\"x.php\0.png\"",
        "filename*=UTF-8''%2e%2e%2fx.svg\r\nContent-Type: image/svg+xml",
        "filename=\"x\r\nX-Puesto: si\"",
    ] {
        let status = upload(scene, head, &encoded(ImageFormat::Png)).await;
        let answer = scene.request(Method::GET, "/mi-compania/logo").header("cookie", scene.owner()).send().await;
        let answer = answer.expect("an answer");
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap_or("?").to_owned());
        let is_png = header("content-type").as_deref() == Some("image/png") && header("x-content-type-options").is_some();
        row.tried((300..500).contains(&status) && is_png, || format!("{head:?}: {status}"));
    }
    row
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = RgbImage::from_fn(40, 20, |x, y| Rgb([x as u8, y as u8, 90]));
    DynamicImage::ImageRgb8(picture).write_to(&mut bytes, format).expect("it encodes");
    bytes.into_inner()
}

/// So many MiB of zeros, compressed.
fn zlib(mib: usize) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![0; 1024 * 1024];
    for _ in 0..mib {
        packed.write_all(&zeros).expect("memory takes it");
    }
    packed.finish().expect("memory takes it")
}

/// A PNG of eight bits and three channels that says it has this size.
fn png(width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &head), chunk(b"IDAT", pixels), chunk(b"IEND", &[])].concat()
}

/// A small picture with one more chunk before its pixels, or without pixels.
fn chunked(kind: &[u8; 4], data: &[u8], has_pixels: bool) -> Vec<u8> {
    let mut picture = if has_pixels { encoded(ImageFormat::Png) } else { png(40, 20, &[]) };
    let after_head = 8 + 25;
    picture.splice(after_head..after_head, chunk(kind, data));
    picture
}

/// W3C PNG 5.3.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut sum = flate2::Crc::new();
    sum.update(kind);
    sum.update(data);
    let length = u32::try_from(data.len()).expect("a small chunk");
    [&length.to_be_bytes()[..], kind, data, &sum.sum().to_be_bytes()].concat()
}
