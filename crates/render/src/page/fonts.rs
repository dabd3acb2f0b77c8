//! The embedded fonts, letters and drawings, and the host's for scripts that those lack.
//!
//! A text that the embedded fonts cover never sees the host's, so an ordinary receipt is the same on every machine. What no
//! font has is left out ([`Fonts::drawable`]): a receipt shows no empty boxes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use krilla::text::Font;
use parley::FontContext;
use parley::fontique::{Blob, Collection, CollectionOptions, FontInfoOverride, SourceCache};

const REGULAR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/AcuseSans-Regular.ttf"));
const SEMIBOLD: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/AcuseSans-Semibold.ttf"));

/// Drawings that people put into names and descriptions.
const EMOJI: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/NotoEmoji-Regular.ttf"));

/// Not the fonts' own names, so that no font installed on the host can take their place.
const EMBEDDED: &str = "Acuse embedded";
const DRAWINGS: &str = "Acuse drawings";

/// Where Debian and its relatives keep fonts. Reading them ourselves needs no fontconfig on the host.
const HOST_FOLDERS: [&str; 2] = ["/usr/share/fonts", "/usr/local/share/fonts"];

/// Host families that are asked first; the others follow by name.
const PREFERRED: [&str; 8] = [
    "Noto Sans",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans CJK JP",
    "Droid Sans Fallback",
    "Noto Color Emoji",
    "Noto Sans Symbols",
    "Noto Sans Symbols2",
];

/// The letters cover nothing above the Basic Multilingual Plane's first part, and the drawings nothing above the emoji.
const COVERED_BELOW: usize = 0x2300;
const DRAWN_BELOW: usize = 0x1_fb00;

static COVERED: LazyLock<Vec<bool>> = LazyLock::new(|| covered_by(EMBEDDED, COVERED_BELOW));
static DRAWN: LazyLock<Vec<bool>> = LazyLock::new(|| covered_by(DRAWINGS, DRAWN_BELOW));

fn covered_by(family: &str, below: usize) -> Vec<bool> {
    let mut fonts = embedded();
    let id = fonts.collection.family_id(family).expect("it was just registered");
    let family = fonts.collection.family(id).expect("it was just registered");
    let font = family.default_font().expect("it has a font").clone();
    let data = font.load(Some(&mut fonts.source_cache)).expect("it is in memory");
    let letters = font.charmap_index().charmap(data.as_ref()).expect("the font has a character map");
    (0..below).map(|c| letters.map(c as u32).is_some_and(|glyph| glyph != 0)).collect()
}

/// The fonts of one thread.
pub struct Fonts {
    embedded: FontContext,
    host: Option<Host>,
    drawn: HashMap<(u64, u32), Option<Font>>,
    /// Whether a text had letters that the embedded fonts lack.
    pub went_beyond: bool,
}

struct Host {
    context: FontContext,
    families: Vec<Arc<str>>,
    /// Which family has a letter, by letter; none where no font of the host has it.
    found: HashMap<char, Option<Arc<str>>>,
}

/// What a text is to be set with: the fonts, and the families to try in turn.
pub struct Choice<'a> {
    pub context: &'a mut FontContext,
    pub families: Vec<Arc<str>>,
}

impl Fonts {
    pub fn new() -> Self {
        Self { embedded: embedded(), host: None, drawn: HashMap::new(), went_beyond: false }
    }

    /// The text without what no font can draw, and without the room that was left around it.
    pub fn drawable<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        if text.chars().all(is_covered) {
            return Cow::Borrowed(text);
        }
        let mut kept = String::with_capacity(text.len());
        let (mut left_out, mut after_drawing) = (false, false);
        for letter in text.chars() {
            let is_no_picture = is_selector(letter) || after_drawing && letter == '\u{200d}';
            let has_place = !is_no_picture && (is_covered(letter) || is_drawn(letter) || self.host_has(letter));
            after_drawing = is_drawn(letter) && !is_covered(letter) || is_no_picture;
            // One blank where a letter between two was left out, and none at a line's ends.
            let is_doubled = left_out && letter == ' ' && (kept.is_empty() || kept.ends_with([' ', '\n']));
            if has_place && !is_doubled {
                if letter == '\n' && left_out {
                    kept.truncate(kept.trim_end_matches(' ').len());
                }
                kept.push(letter);
            }
            left_out = !has_place || left_out && (is_doubled || letter == ' ');
        }
        if left_out {
            kept.truncate(kept.trim_end_matches(' ').len());
        }
        Cow::Owned(kept)
    }

    fn host_has(&mut self, letter: char) -> bool {
        self.host.get_or_insert_with(Host::load).family_with(letter).is_some()
    }

    pub fn for_text(&mut self, text: &str) -> Choice<'_> {
        let lacking: Vec<char> = text.chars().filter(|c| !is_covered(*c) && !is_drawn(*c)).collect();
        let mut families: Vec<Arc<str>> = vec![EMBEDDED.into()];
        if text.chars().any(|c| !is_covered(c) && is_drawn(c)) {
            families.push(DRAWINGS.into());
        }
        if lacking.is_empty() {
            return Choice { context: &mut self.embedded, families };
        }
        self.went_beyond = true;
        let host = self.host.get_or_insert_with(Host::load);
        for letter in lacking {
            if let Some(family) = host.family_with(letter)
                && !families.contains(&family)
            {
                families.push(family);
            }
        }
        Choice { context: &mut host.context, families }
    }

    /// The font as krilla draws it; none if krilla cannot read it.
    pub fn drawn(&mut self, font: &parley::FontData) -> Option<Font> {
        let key = (font.data.id(), font.index);
        self.drawn.entry(key).or_insert_with(|| load(font)).clone()
    }
}

/// The embedded fonts are shared by all threads: krilla keeps what it read of them inside the font.
fn load(font: &parley::FontData) -> Option<Font> {
    static SHARED: LazyLock<[Option<Font>; 3]> =
        LazyLock::new(|| [REGULAR, SEMIBOLD, EMOJI].map(|font| Font::new(font.into(), 0)));
    match font.data.as_ref() {
        data if std::ptr::eq(data, REGULAR) => SHARED[0].clone(),
        data if std::ptr::eq(data, SEMIBOLD) => SHARED[1].clone(),
        data if std::ptr::eq(data, EMOJI) => SHARED[2].clone(),
        _ => {
            let (data, _) = font.data.clone().into_raw_parts();
            Font::new(data.into(), font.index)
        }
    }
}

fn is_covered(letter: char) -> bool {
    letter.is_ascii() || COVERED.get(letter as usize).copied().unwrap_or(is_joiner(letter))
}

fn is_drawn(letter: char) -> bool {
    DRAWN.get(letter as usize).copied().unwrap_or(false)
}

/// Chooses between pictures of the drawing before it, as tones of skin do: ours has one picture of each.
fn is_selector(letter: char) -> bool {
    matches!(letter, '\u{200b}' | '\u{20e3}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// Joins the letters around it and has no picture of its own.
fn is_joiner(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

fn embedded() -> FontContext {
    let collection = Collection::new(CollectionOptions { shared: false, system_fonts: false });
    let mut context = FontContext { collection, source_cache: SourceCache::default() };
    register_embedded(&mut context.collection);
    context
}

fn register_embedded(collection: &mut Collection) {
    for (font, family) in [(REGULAR, EMBEDDED), (SEMIBOLD, EMBEDDED), (EMOJI, DRAWINGS)] {
        let named = FontInfoOverride { family_name: Some(family), ..FontInfoOverride::default() };
        collection.register_fonts(Blob::new(Arc::new(font)), Some(named));
    }
}

impl Host {
    fn load() -> Self {
        let mut context = embedded();
        context.collection.load_fonts_from_paths(HOST_FOLDERS);
        let mut families: Vec<Arc<str>> = context.collection.family_names().map(Arc::from).collect();
        families.retain(|name| &**name != EMBEDDED && &**name != DRAWINGS);
        families.sort_by_key(|name| (PREFERRED.iter().position(|p| *p == &**name).unwrap_or(PREFERRED.len()), name.clone()));
        Self { context, families, found: HashMap::new() }
    }

    fn family_with(&mut self, letter: char) -> Option<Arc<str>> {
        if let Some(known) = self.found.get(&letter) {
            return known.clone();
        }
        let families = self.families.clone();
        let family = families.into_iter().find(|family| self.has(family, letter));
        self.found.insert(letter, family.clone());
        family
    }

    fn has(&mut self, family: &str, letter: char) -> bool {
        let Some(font) = self.context.collection.family_by_name(family).and_then(|family| family.default_font().cloned()) else {
            return false;
        };
        let Some(data) = font.load(Some(&mut self.context.source_cache)) else { return false };
        let letters = font.charmap_index().charmap(data.as_ref());
        letters.and_then(|letters| letters.map(letter as u32)).is_some_and(|glyph| glyph != 0)
    }
}
