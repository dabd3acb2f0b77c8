//! Text, set into lines and measured: parley shapes and breaks it, krilla will draw its glyphs.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use parley::setting::Tag;
use parley::{
    BaseDirection, FontFamily, FontFamilyName, FontFeature, FontFeatures, FontWeight, Layout, LayoutContext, OverflowWrap,
    StyleProperty,
};

use super::fonts::Fonts;

/// From the baseline to the top of a capital, in ems (OS/2 sCapHeight of Source Sans 3).
pub const CAPITAL: f32 = 0.66;
/// Between the baseline of a line and the capitals of the next, in ems, where nothing else is asked.
pub const LEADING: f32 = 0.6;

/// Units of the embedded fonts in an em, and how far from whole a length in them may be by rounding alone.
const UNITS: f32 = 1000.0;
const NOISE: f32 = 0.01;

/// Figures of one width, so that columns of amounts stand under each other.
const TABULAR: [FontFeature; 1] = [FontFeature::new(Tag::new(b"tnum"), 1)];

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Style {
    pub size: f32,
    pub semibold: bool,
    /// Extra space between letters, in points.
    pub tracking: f32,
}

pub const fn regular(size: f32) -> Style {
    Style { size, semibold: false, tracking: 0.0 }
}

pub const fn semibold(size: f32) -> Style {
    Style { size, semibold: true, tracking: 0.0 }
}

/// Lines of text and how high they are together.
#[derive(Clone)]
pub struct Text {
    pub(super) words: Rc<str>,
    pub(super) lines: Rc<[Line]>,
    pub height: f32,
}

#[derive(Clone)]
pub struct Line {
    /// Below the top of the text.
    pub(super) baseline: f32,
    pub(super) top: f32,
    pub(super) width: f32,
    pub(super) runs: Vec<Run>,
}

#[derive(Clone)]
pub struct Run {
    pub(super) x: f32,
    pub(super) size: f32,
    pub(super) font: Font,
    pub(super) glyphs: Vec<KrillaGlyph>,
}

impl Text {
    pub fn width(&self) -> f32 {
        self.lines.iter().map(|line| line.width).fold(0.0, f32::max)
    }

    /// How high the first line is.
    pub fn first_line(&self) -> f32 {
        self.lines.first().map_or(0.0, |line| line.baseline)
    }

    /// Cuts off the lines that end within `room`; none if not even the first does. The rest starts at its own top.
    pub fn cut(&self, room: f32) -> Option<(Text, Option<Text>)> {
        let fitting = self.lines.iter().take_while(|line| line.baseline <= room).count();
        if fitting == 0 {
            return None;
        }
        let (first, rest) = self.lines.split_at(fitting);
        Some((self.of_lines(first), (!rest.is_empty()).then(|| self.of_lines(rest))))
    }

    fn of_lines(&self, lines: &[Line]) -> Text {
        let top = lines.first().map_or(0.0, |line| line.top);
        let moved = |line: &Line| Line { baseline: line.baseline - top, top: line.top - top, ..line.clone() };
        let lines: Rc<[Line]> = lines.iter().map(moved).collect();
        let height = lines.last().map_or(0.0, |line| line.baseline);
        Text { words: self.words.clone(), lines, height }
    }
}

/// Sets text; one for each thread, for the fonts and the working memory are worth keeping.
pub struct Typesetter {
    fonts: Fonts,
    context: LayoutContext<()>,
    layout: Layout<()>,
    /// Words that are the same on every page, set once. Only words of the program: its size is bounded by the program.
    printed: HashMap<(&'static str, u32, bool, u32), Text>,
}

thread_local! {
    static TYPESETTER: RefCell<Typesetter> = RefCell::new(Typesetter::new());
}

impl Typesetter {
    fn new() -> Self {
        Self { fonts: Fonts::new(), context: LayoutContext::new(), layout: Layout::new(), printed: HashMap::new() }
    }

    pub fn with<R>(work: impl FnOnce(&mut Typesetter) -> R) -> R {
        TYPESETTER.with_borrow_mut(work)
    }

    /// Starts a document.
    pub fn begin(&mut self) {
        self.fonts.went_beyond = false;
    }

    /// Whether the embedded fonts had every letter since the document was begun.
    pub fn has_every_letter(&self) -> bool {
        !self.fonts.went_beyond
    }

    /// Words of the program, in one line.
    pub fn printed(&mut self, words: &'static str, style: Style) -> Text {
        self.printed_within(words, style, f32::INFINITY)
    }

    /// Words of the program, in lines no wider than `width`.
    pub fn printed_within(&mut self, words: &'static str, style: Style, width: f32) -> Text {
        let key = (words, style.size.to_bits(), style.semibold, width.to_bits());
        if let Some(text) = self.printed.get(&key) {
            return text.clone();
        }
        let text = self.wrapped(words, style, width);
        self.printed.insert(key, text.clone());
        text
    }

    /// One line, as long as it gets.
    pub fn line(&mut self, words: &str, style: Style) -> Text {
        self.set(&[(words, style)], f32::INFINITY, 0.0)
    }

    /// Many texts of one line each, set at once: to shape a text costs more than its letters do.
    pub fn lines(&mut self, texts: &[(&str, Style)]) -> Vec<Text> {
        let Some(last) = texts.last() else { return Vec::new() };
        let mut spans: Vec<(&str, Style)> = Vec::with_capacity(texts.len() * 2);
        for (words, style) in texts {
            spans.extend([(*words, *style), ("\n", *style)]);
        }
        spans.pop();
        let (words, lines) = self.set_lines(&spans, f32::INFINITY, 0.0);
        if lines.len() != texts.len() || last.0.is_empty() {
            return texts.iter().map(|(words, style)| self.line(words, *style)).collect();
        }
        let alone = |line: Line| {
            let height = line.baseline - line.top;
            Text { words: words.clone(), lines: Rc::new([Line { baseline: height, top: 0.0, ..line }]), height }
        };
        lines.into_iter().map(alone).collect()
    }

    /// Lines no wider than `width`, with [`LEADING`]. A word wider than that breaks anywhere and leaves no character behind.
    pub fn wrapped(&mut self, words: &str, style: Style, width: f32) -> Text {
        self.set(&[(words, style)], width, LEADING * style.size)
    }

    pub fn set(&mut self, spans: &[(&str, Style)], width: f32, leading: f32) -> Text {
        let (words, lines) = self.set_lines(spans, width, leading);
        let height = lines.last().map_or(0.0, |line| line.baseline);
        Text { words, lines: lines.into(), height }
    }

    fn set_lines(&mut self, spans: &[(&str, Style)], width: f32, leading: f32) -> (Rc<str>, Vec<Line>) {
        let drawable: Vec<(Cow<'_, str>, Style)> =
            spans.iter().map(|(words, style)| (self.fonts.drawable(words), *style)).collect();
        let spans: Vec<(&str, Style)> = drawable.iter().map(|(words, style)| (&**words, *style)).collect();
        let spans = &spans[..];
        let words: Rc<str> = match spans {
            [(words, _)] => Rc::from(*words),
            spans => Rc::from(spans.iter().map(|(words, _)| *words).collect::<String>()),
        };
        self.shape(&words, spans);
        self.layout.break_all_lines(width.is_finite().then_some(width));
        let mut lines: Vec<Line> = Vec::with_capacity(self.layout.len());
        let mut top = 0.0;
        for line in self.layout.lines() {
            let (runs, size) = runs_of(&line, &mut self.fonts);
            let size = if size > 0.0 { size } else { spans[0].1.size };
            let metrics = line.metrics();
            let baseline = top + size * CAPITAL;
            // Space after the last letter is space beside the line, not in it.
            let width = metrics.advance - metrics.hanging_advance - spans[spans.len() - 1].1.tracking;
            lines.push(Line { baseline, top, width, runs });
            top = baseline + leading;
        }
        (words, lines)
    }

    fn shape(&mut self, words: &str, spans: &[(&str, Style)]) {
        let choice = self.fonts.for_text(words);
        let mut builder = self.context.ranged_builder(choice.context, words, 1.0, false);
        builder.set_base_direction(BaseDirection::Ltr);
        builder.push_default(StyleProperty::FontFamily(family_list(&choice.families)));
        builder.push_default(StyleProperty::FontFeatures(FontFeatures::List(Cow::Borrowed(&TABULAR))));
        builder.push_default(StyleProperty::OverflowWrap(OverflowWrap::Anywhere));
        for property in properties(spans[0].1) {
            builder.push_default(property);
        }
        let usual = spans[0].1;
        let mut end = 0;
        for alike in spans.chunk_by(|(_, style), (_, next)| style == next) {
            let start = end;
            end += alike.iter().map(|(span, _)| span.len()).sum::<usize>();
            for property in properties(alike[0].1).into_iter().filter(|_| alike[0].1 != usual) {
                builder.push(property, start..end);
            }
        }
        builder.build_into(&mut self.layout, words);
    }

    /// The longest beginning of `words` that is no wider than `width`, with `…` where something was cut off.
    pub fn shortened(&mut self, words: &str, style: Style, width: f32) -> Text {
        let words = &*self.fonts.drawable(words);
        let whole = self.line(words, style);
        let Some(line) = whole.lines.first().filter(|line| line.width > width) else { return whole };
        let mut x = 0.0;
        let mut end = 0;
        for glyph in line.runs.iter().flat_map(|run| run.glyphs.iter().map(|glyph| (glyph, glyph.x_advance * run.size))) {
            x += glyph.1;
            if x > width {
                break;
            }
            end = glyph.0.text_range.end;
        }
        self.line(&format!("{}…", words[..end].trim_end()), style)
    }
}

fn family_list(families: &[Arc<str>]) -> FontFamily<'_> {
    match families {
        [only] => FontFamily::named(only),
        several => FontFamily::List(Cow::Owned(several.iter().map(|name| FontFamilyName::named(name)).collect())),
    }
}

fn properties(style: Style) -> [StyleProperty<'static, ()>; 3] {
    [
        StyleProperty::FontSize(style.size),
        StyleProperty::FontWeight(FontWeight::new(if style.semibold { 600.0 } else { 400.0 })),
        StyleProperty::LetterSpacing(style.tracking),
    ]
}

/// The runs of a line in the order they are seen, and the size of the largest.
fn runs_of(line: &parley::Line<'_, ()>, fonts: &mut Fonts) -> (Vec<Run>, f32) {
    let mut runs = Vec::new();
    let (mut x, mut largest) = (0.0, 0.0_f32);
    for run in line.runs() {
        let size = run.font_size();
        largest = largest.max(size);
        let glyphs = glyphs_of(&run);
        let advance = run.advance();
        if let Some(font) = fonts.drawn(run.font()).filter(|_| !glyphs.is_empty()) {
            runs.push(Run { x, size, font, glyphs });
        }
        x += advance;
    }
    (runs, largest)
}

fn glyphs_of(run: &parley::Run<'_, ()>) -> Vec<KrillaGlyph> {
    let size = run.font_size();
    let mut glyphs: Vec<KrillaGlyph> = Vec::with_capacity(run.len());
    for cluster in run.visual_clusters() {
        if cluster.is_ligature_continuation() {
            if let Some(last) = glyphs.last_mut() {
                last.text_range.end = cluster.text_range().end;
            }
            continue;
        }
        if cluster.is_hard_line_break() {
            continue;
        }
        for glyph in cluster.glyphs() {
            let id = GlyphId::new(glyph.id);
            let place = (in_units(glyph.advance / size), glyph.x / size, glyph.y / size);
            glyphs.push(KrillaGlyph::new(id, place.0, place.1, place.2, 0.0, cluster.text_range(), None));
        }
    }
    glyphs
}

/// Takes the noise off a length that is whole in units of the embedded fonts: the PDF writes it shorter.
fn in_units(ems: f32) -> f32 {
    let units = (ems * UNITS).round();
    if (ems * UNITS - units).abs() < NOISE { units / UNITS } else { ems }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxes(text: &Text) -> usize {
        let glyphs = text.lines.iter().flat_map(|line| &line.runs).flat_map(|run| &run.glyphs);
        // The glyph that stands for what a font does not have: an empty box.
        glyphs.filter(|glyph| glyph.glyph_id == GlyphId::new(0)).count()
    }

    #[test]
    fn what_no_font_has_is_left_out_and_leaves_no_room_behind() {
        for (typed, drawn) in [
            ("Andina 😀 Cía. ✓", "Andina 😀 Cía. ✓"),
            ("Andina \u{13000}\u{e000} Cía.", "Andina Cía."),
            ("\u{e000} Andina \u{f8ff}", "Andina"),
            ("Andina\u{e000}Cía.", "AndinaCía."),
            ("uno \u{e000}\n\u{e000} dos", "uno\ndos"),
            ("👍🏽 listo ✔\u{fe0f} 1\u{fe0f}\u{20e3}", "👍 listo ✔ 1"),
            ("👩\u{200d}🔧", "👩🔧"),
            ("\u{e000}", ""),
        ] {
            Typesetter::with(|typesetter| {
                let text = typesetter.wrapped(typed, regular(9.0), 200.0);
                assert_eq!(&*text.words, drawn, "{typed:?}");
                assert_eq!(boxes(&text), 0, "{typed:?}");
                assert_eq!(boxes(&typesetter.shortened(typed, semibold(9.0), 20.0)), 0, "{typed:?}");
            });
        }
    }

    #[test]
    fn no_sign_that_a_phone_offers_is_an_empty_box() {
        let offered = [0x2190..0x2200_u32, 0x2600..0x2800, 0x1f000..0x1fb00, 0xe000..0xe010, 0x13000..0x13010];
        Typesetter::with(|typesetter| {
            for sign in offered.into_iter().flatten().filter_map(char::from_u32) {
                let text = typesetter.line(&format!("a {sign} b"), regular(9.0));
                assert_eq!(boxes(&text), 0, "U+{:04X}", sign as u32);
                assert!(!text.words.contains("  "), "U+{:04X}", sign as u32);
            }
        });
    }
}
