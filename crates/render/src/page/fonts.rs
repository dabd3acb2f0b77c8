//! The two embedded fonts, and the host's for scripts that those lack.
//!
//! A text that the embedded fonts cover never sees the host's, so an ordinary receipt is the same on every machine.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use krilla::text::Font;
use parley::FontContext;
use parley::fontique::{Blob, Collection, CollectionOptions, FontInfoOverride, SourceCache};

const REGULAR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/AcuseSans-Regular.ttf"));
const SEMIBOLD: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/AcuseSans-Semibold.ttf"));

/// Not the font's own name, so that no font installed on the host can take its place.
const EMBEDDED: &str = "Acuse embedded";

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

/// The embedded fonts cover nothing above the Basic Multilingual Plane's first part.
const COVERED_BELOW: usize = 0x2300;

static COVERED: LazyLock<Vec<bool>> = LazyLock::new(|| {
    let mut fonts = embedded();
    let id = fonts.collection.family_id(EMBEDDED).expect("it was just registered");
    let family = fonts.collection.family(id).expect("it was just registered");
    let font = family.default_font().expect("it has two fonts").clone();
    let data = font.load(Some(&mut fonts.source_cache)).expect("it is in memory");
    let letters = font.charmap_index().charmap(data.as_ref()).expect("the font has a character map");
    (0..COVERED_BELOW).map(|c| letters.map(c as u32).is_some_and(|glyph| glyph != 0)).collect()
});

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

    pub fn for_text(&mut self, text: &str) -> Choice<'_> {
        let lacking: Vec<char> = text.chars().filter(|c| !is_covered(*c)).collect();
        if lacking.is_empty() {
            return Choice { context: &mut self.embedded, families: vec![EMBEDDED.into()] };
        }
        self.went_beyond = true;
        let host = self.host.get_or_insert_with(Host::load);
        let mut families: Vec<Arc<str>> = vec![EMBEDDED.into()];
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
    static SHARED: LazyLock<[Option<Font>; 2]> = LazyLock::new(|| [Font::new(REGULAR.into(), 0), Font::new(SEMIBOLD.into(), 0)]);
    match font.data.as_ref() {
        data if std::ptr::eq(data, REGULAR) => SHARED[0].clone(),
        data if std::ptr::eq(data, SEMIBOLD) => SHARED[1].clone(),
        _ => {
            let (data, _) = font.data.clone().into_raw_parts();
            Font::new(data.into(), font.index)
        }
    }
}

fn is_covered(letter: char) -> bool {
    letter.is_ascii() || COVERED.get(letter as usize).copied().unwrap_or(is_joiner(letter))
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
    for font in [REGULAR, SEMIBOLD] {
        let named = FontInfoOverride { family_name: Some(EMBEDDED), ..FontInfoOverride::default() };
        collection.register_fonts(Blob::new(Arc::new(font)), Some(named));
    }
}

impl Host {
    fn load() -> Self {
        let mut context = embedded();
        context.collection.load_fonts_from_paths(HOST_FOLDERS);
        let mut families: Vec<Arc<str>> = context.collection.family_names().map(Arc::from).collect();
        families.retain(|name| &**name != EMBEDDED);
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
