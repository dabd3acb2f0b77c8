//! A company's logo: taken in once, re-encoded, and kept ready for every page and mail.

use std::borrow::Cow;
use std::io::Cursor;
use std::sync::{Arc, OnceLock};

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ImageReader, Limits, Rgb, RgbImage, Rgba};

/// A logo's file is some 50 KB; a photograph of one, some megabytes.
pub const LARGEST_UPLOAD: usize = 5 * 1024 * 1024;
/// Pixels on a side of what is uploaded: decoding takes 4 bytes for each.
const LARGEST_SIDE: u32 = 6_000;
/// Pixels in all: the camera of a telephone has 12 million.
const MOST_PIXELS: u64 = 24_000_000;
/// Bytes that decoding may take.
const LARGEST_MEMORY: u64 = 160 * 1024 * 1024;
/// What a PNG begins with (W3C PNG 5.2).
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Its chunks that make pixels. Of the others a profile (iCCP) of some KB is unpacked to hundreds of MB before the first pixel.
const PIXEL_CHUNKS: [&[u8]; 4] = [b"IHDR", b"PLTE", b"tRNS", b"IDAT"];
const LAST_CHUNK: &[u8] = b"IEND";
/// Pixels on a side of what is kept: 52 mm at 300 dpi.
const KEPT_SIDE: u32 = 640;
/// With more colours than this, each channel is rounded: the logo is most of a receipt's size.
const FEW_COLOURS: usize = 256;
/// Steps of a channel after rounding.
const STEPS: u32 = 31;
/// The largest a mail shows the logo, in CSS pixels.
const SHOWN_IN_MAIL: (u32, u32) = (160, 56);

/// Cheap to clone; keep one per company, for what krilla compresses stays inside.
#[derive(Clone)]
pub struct Logo {
    png: Arc<[u8]>,
    image: krilla::image::Image,
    mail: Arc<OnceLock<Option<MailLogo>>>,
}

/// The logo as mails carry it, twice the size it is shown.
#[derive(Debug, Clone)]
pub struct MailLogo {
    pub png: Vec<u8>,
    /// As shown, in CSS pixels.
    pub width: u32,
    pub height: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogoError {
    #[error("El logo pesa demasiado; el máximo son {} MB.", LARGEST_UPLOAD >> 20)]
    TooHeavy { bytes: usize },
    #[error("El logo mide más de {LARGEST_SIDE} píxeles de lado, o más de {} millones en total.", MOST_PIXELS / 1_000_000)]
    TooLarge,
    #[error("El archivo no es una imagen PNG o JPEG que se pueda leer.")]
    NotAPicture,
}

impl Logo {
    /// Takes in a PNG or JPEG as somebody uploaded it: flattened on white, at most 640 pixels on a side, few colours.
    ///
    /// Errs if it is no such picture, or too heavy or too large to be opened safely.
    pub fn from_upload(uploaded: &[u8]) -> Result<Self, LogoError> {
        let flat = flatten(&open(uploaded)?);
        let few = with_few_colours(flat);
        Self::from_stored(encode(few).ok_or(LogoError::NotAPicture)?)
    }

    /// A logo that [`Logo::from_upload`] made and [`Logo::png`] gave.
    ///
    /// Errs if it is no PNG.
    pub fn from_stored(png: impl Into<Arc<[u8]>>) -> Result<Self, LogoError> {
        let png: Arc<[u8]> = png.into();
        let data: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(png.clone());
        let image = krilla::image::Image::from_png(data.into(), true).map_err(|_| LogoError::NotAPicture)?;
        Ok(Self { png, image, mail: Arc::default() })
    }

    /// What is to be stored.
    #[must_use]
    pub fn png(&self) -> &[u8] {
        &self.png
    }

    /// The picture for mails; none if what was stored cannot be read any more.
    #[must_use]
    pub fn for_mail(&self) -> Option<&MailLogo> {
        self.mail.get_or_init(|| for_mail(&self.png)).as_ref()
    }

    pub(crate) fn image(&self) -> &krilla::image::Image {
        &self.image
    }
}

fn open(uploaded: &[u8]) -> Result<DynamicImage, LogoError> {
    if uploaded.len() > LARGEST_UPLOAD {
        return Err(LogoError::TooHeavy { bytes: uploaded.len() });
    }
    let picture = pixels_alone(uploaded);
    let reader = || ImageReader::new(Cursor::new(&picture)).with_guessed_format().map_err(|_| LogoError::NotAPicture);
    // What the file says of itself, before anything is unpacked.
    let (width, height) = reader()?.into_dimensions().map_err(|_| LogoError::NotAPicture)?;
    if width.max(height) > LARGEST_SIDE || u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(LogoError::TooLarge);
    }
    let mut reader = reader()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LARGEST_SIDE);
    limits.max_image_height = Some(LARGEST_SIDE);
    limits.max_alloc = Some(LARGEST_MEMORY);
    reader.limits(limits);
    reader.decode().map_err(|reason| match reason {
        image::ImageError::Limits(_) => LogoError::TooLarge,
        _ => LogoError::NotAPicture,
    })
}

/// A PNG without what is no pixel, and without what stands behind it; any other file as it is.
fn pixels_alone(uploaded: &[u8]) -> Cow<'_, [u8]> {
    let Some(mut rest) = uploaded.strip_prefix(PNG) else { return Cow::Borrowed(uploaded) };
    let mut kept = PNG.to_vec();
    // Each has its length, its kind, what it says and a sum (W3C PNG 5.3).
    while let Some(length) = rest.first_chunk::<4>() {
        let Some((chunk, after)) = rest.split_at_checked(12 + u32::from_be_bytes(*length) as usize) else { break };
        let kind = &chunk[4..8];
        if PIXEL_CHUNKS.contains(&kind) || kind == LAST_CHUNK {
            kept.extend_from_slice(chunk);
        }
        if kind == LAST_CHUNK {
            break;
        }
        rest = after;
    }
    Cow::Owned(kept)
}

/// On white, as the paper is, and no larger than it is kept.
fn flatten(picture: &DynamicImage) -> RgbImage {
    let small = match picture.width().max(picture.height()) > KEPT_SIDE {
        true => picture.resize(KEPT_SIDE, KEPT_SIDE, image::imageops::FilterType::Lanczos3),
        false => picture.clone(),
    };
    let rgba = small.to_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| on_white(rgba.get_pixel(x, y)))
}

fn on_white(Rgba([red, green, blue, alpha]): &Rgba<u8>) -> Rgb<u8> {
    let (alpha, white) = (u32::from(*alpha), 255 - u32::from(*alpha));
    Rgb([red, green, blue].map(|channel| ((u32::from(*channel) * alpha + 255 * white + 127) / 255) as u8))
}

fn with_few_colours(mut picture: RgbImage) -> RgbImage {
    let mut colours = std::collections::HashSet::new();
    let few = picture.pixels().all(|pixel| {
        colours.insert(pixel.0);
        colours.len() <= FEW_COLOURS
    });
    if !few {
        for channel in picture.iter_mut() {
            let step = (u32::from(*channel) * STEPS + 127) / 255;
            *channel = (step * 255 / STEPS) as u8;
        }
    }
    picture
}

fn encode(picture: RgbImage) -> Option<Vec<u8>> {
    let mut png = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive);
    let is_grey = picture.pixels().all(|Rgb([red, green, blue])| red == green && green == blue);
    let picture = DynamicImage::ImageRgb8(picture);
    match is_grey {
        true => picture.to_luma8().write_with_encoder(encoder).ok()?,
        false => picture.write_with_encoder(encoder).ok()?,
    }
    Some(png)
}

fn for_mail(png: &[u8]) -> Option<MailLogo> {
    let picture = image::load_from_memory_with_format(png, image::ImageFormat::Png).ok()?;
    let (width, height) = shown(picture.width(), picture.height());
    let twice = match picture.width() > width * 2 {
        true => picture.resize(width * 2, height * 2, image::imageops::FilterType::Lanczos3),
        false => picture,
    };
    Some(MailLogo { png: encode(with_few_colours(twice.to_rgb8()))?, width, height })
}

/// Fitted into what a mail shows, never above the picture's own size.
fn shown(width: u32, height: u32) -> (u32, u32) {
    let (widest, highest) = (SHOWN_IN_MAIL.0.min(width), SHOWN_IN_MAIL.1.min(height));
    match u64::from(width) * u64::from(highest) > u64::from(height) * u64::from(widest) {
        true => (widest, (height * widest / width.max(1)).max(1)),
        false => ((width * highest / height.max(1)).max(1), highest),
    }
}
