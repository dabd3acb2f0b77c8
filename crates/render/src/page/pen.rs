//! The pen: draws a block on a page and pushes the tags of what it drew.

use std::num::{NonZeroU16, NonZeroU32};

use krilla::color::luma;
use krilla::geom::{Path, PathBuilder, Point, Rect, Size, Transform};
use krilla::num::NormalizedF32;
use krilla::paint::{Fill, FillRule, Stroke as PaintStroke, StrokeDash};
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, Identifier, Node, SpanTag, TableHeaderScope, Tag, TagGroup};

use super::block::{Align, Block, Ink, Part, Role, Stroke};
use super::text::Text;

/// Dots of a dotted rule and the space between them, in points.
const DOTS: [f32; 2] = [0.5, 2.0];
/// The line around outlined letters, in points, and how dark it is: the figures in front stay legible.
const OUTLINE: f32 = 0.7;
const OUTLINE_GREY: u8 = 150;
/// How far a circle's control points stand from its corner, for a radius of 1.
const ROUND: f32 = 1.0 - 0.552_284_8;

pub struct Pen<'a, 'b> {
    surface: &'a mut Surface<'b>,
    /// Rectangles that lead somewhere, for the page to add when its surface is done.
    pub links: Vec<Link>,
}

pub struct Link {
    pub area: Rect,
    pub address: String,
    pub words: Identifier,
}

/// What the reader of tags gets for one part of a block.
pub enum Tagged {
    Group(TagGroup),
    /// The link of that place in the pen's list.
    Link(usize),
}

impl<'a, 'b> Pen<'a, 'b> {
    pub fn new(surface: &'a mut Surface<'b>) -> Self {
        surface.set_fill(Some(ink(luma::Color::black())));
        surface.set_stroke(None);
        Self { surface, links: Vec::new() }
    }

    /// Draws what repeats on every page, which is no part of what the document says.
    pub fn repeat(&mut self, block: &Block, x: f32, y: f32, kind: ArtifactType) {
        self.surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(kind)));
        for part in &block.parts {
            self.ink(part, x + part.x, y + part.y);
        }
        self.surface.end_tagged();
    }

    /// Draws a block, and says what each part of it is, in order.
    pub fn draw(&mut self, block: &Block, x: f32, y: f32) -> Vec<Tagged> {
        block.parts.iter().filter_map(|part| self.part(part, x + part.x, y + part.y)).collect()
    }

    fn part(&mut self, part: &Part, x: f32, y: f32) -> Option<Tagged> {
        let tag = match &part.role {
            Role::Decoration => ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)),
            Role::Figure(_) => ContentTag::Other,
            _ => ContentTag::Span(SpanTag::empty()),
        };
        let drawn = self.surface.start_tagged(tag);
        self.ink(part, x, y);
        self.surface.end_tagged();
        match &part.role {
            Role::Decoration => None,
            Role::Link(address) => self.link(part, x, y, address, drawn),
            role => Some(Tagged::Group(group(role, &part.ink, drawn))),
        }
    }

    fn link(&mut self, part: &Part, x: f32, y: f32, address: &str, words: Identifier) -> Option<Tagged> {
        let Ink::Text(text, _) = &part.ink else { return None };
        let area = Rect::from_xywh(x, y, text.width().max(1.0), text.height.max(1.0))?;
        self.links.push(Link { area, address: address.to_string(), words });
        Some(Tagged::Link(self.links.len() - 1))
    }

    fn ink(&mut self, part: &Part, x: f32, y: f32) {
        match &part.ink {
            Ink::Text(text, align) => self.text(text, *align, x, y),
            Ink::Rule { width, stroke } => self.stroked(line(x, y, *width), *stroke),
            Ink::Frame { width, height, stroke, radius } => self.stroked(frame(x, y, *width, *height, *radius), *stroke),
            Ink::Picture { image, width, height } => {
                if let Some(size) = Size::from_wh(*width, *height) {
                    self.at(x, y, |surface| surface.draw_image(image.clone(), size));
                }
            }
            Ink::Code { code, side } => {
                let scale = side / code.squares;
                self.surface.push_transform(&Transform::from_row(scale, 0.0, 0.0, scale, x, y));
                self.surface.draw_path(&code.path);
                self.surface.pop();
            }
            Ink::Watermark { text, degrees } => self.watermark(text, *degrees, x, y),
        }
    }

    fn text(&mut self, text: &Text, align: Align, x: f32, y: f32) {
        for line in text.lines.iter() {
            let start = if align == Align::Right { x - line.width } else { x };
            for run in &line.runs {
                let at = Point::from_xy(start + run.x, y + line.baseline);
                self.surface.draw_glyphs(at, &run.glyphs, run.font.clone(), &text.words, run.size, false);
            }
        }
    }

    fn watermark(&mut self, text: &Text, degrees: f32, x: f32, y: f32) {
        let (left, baseline) = (x - text.width() / 2.0, y + text.height / 2.0);
        self.surface.push_transform(&Transform::from_rotate_at(degrees, x, y));
        self.surface.set_fill(Some(ink(luma::Color::white())));
        self.surface.set_stroke(Some(PaintStroke {
            paint: luma::Color::new(OUTLINE_GREY).into(),
            width: OUTLINE,
            ..PaintStroke::default()
        }));
        for run in text.lines.iter().flat_map(|line| &line.runs) {
            let at = Point::from_xy(left + run.x, baseline);
            self.surface.draw_glyphs(at, &run.glyphs, run.font.clone(), &text.words, run.size, true);
        }
        self.surface.set_fill(Some(ink(luma::Color::black())));
        self.surface.set_stroke(None);
        self.surface.pop();
    }

    fn stroked(&mut self, path: Option<Path>, stroke: Stroke) {
        let Some(path) = path else { return };
        let dash = stroke.dotted.then(|| StrokeDash { array: DOTS.to_vec(), offset: 0.0 });
        self.surface.set_fill(None);
        self.surface.set_stroke(Some(PaintStroke { width: stroke.width, dash, ..PaintStroke::default() }));
        self.surface.draw_path(&path);
        self.surface.set_fill(Some(ink(luma::Color::black())));
        self.surface.set_stroke(None);
    }

    fn at(&mut self, x: f32, y: f32, draw: impl FnOnce(&mut Surface)) {
        self.surface.push_transform(&Transform::from_translate(x, y));
        draw(self.surface);
        self.surface.pop();
    }
}

fn group(role: &Role, ink: &Ink, drawn: Identifier) -> TagGroup {
    let children = vec![Node::from(drawn)];
    match role {
        Role::Heading(level) => {
            let name = if let Ink::Text(text, _) = ink { Some(text.words.to_string()) } else { None };
            TagGroup::with_children(Tag::Hn(NonZeroU16::new(*level).unwrap_or(NonZeroU16::MIN), name), children)
        }
        Role::Figure(words) => TagGroup::with_children(Tag::Figure(Some(words.clone())), children),
        Role::ColumnHead => TagGroup::with_children(Tag::TH(TableHeaderScope::Column), children),
        Role::Cell { columns: 1 } => TagGroup::with_children(Tag::TD, children),
        Role::Cell { columns } => TagGroup::with_children(Tag::TD.with_col_span(NonZeroU32::new(*columns)), children),
        Role::Paragraph | Role::Link(_) | Role::Decoration => TagGroup::with_children(Tag::P, children),
    }
}

fn ink(color: luma::Color) -> Fill {
    Fill { paint: color.into(), opacity: NormalizedF32::ONE, rule: FillRule::NonZero }
}

fn line(x: f32, y: f32, width: f32) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.move_to(x, y);
    path.line_to(x + width, y);
    path.finish()
}

fn frame(x: f32, y: f32, width: f32, height: f32, radius: f32) -> Option<Path> {
    let (right, bottom, near) = (x + width, y + height, radius * ROUND);
    let mut path = PathBuilder::new();
    if radius <= 0.0 {
        path.push_rect(Rect::from_xywh(x, y, width, height)?);
        return path.finish();
    }
    path.move_to(x + radius, y);
    path.line_to(right - radius, y);
    path.cubic_to(right - near, y, right, y + near, right, y + radius);
    path.line_to(right, bottom - radius);
    path.cubic_to(right, bottom - near, right - near, bottom, right - radius, bottom);
    path.line_to(x + radius, bottom);
    path.cubic_to(x + near, bottom, x, bottom - near, x, bottom - radius);
    path.line_to(x, y + radius);
    path.cubic_to(x, y + near, x + near, y, x + radius, y);
    path.close();
    path.finish()
}
