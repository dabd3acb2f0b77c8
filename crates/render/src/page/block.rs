//! A block: a piece of page that knows its height, with everything in it placed from its own top left corner.

use std::rc::Rc;

use krilla::image::Image;

use super::qr::Code;
use super::text::Text;

/// How thick a rule is, in points, and whether it is dotted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    pub width: f32,
    pub dotted: bool,
}

impl Stroke {
    pub const fn solid(width: f32) -> Self {
        Self { width, dotted: false }
    }
}

/// What a part says to who cannot see the page.
#[derive(Debug, Clone, PartialEq)]
pub enum Role {
    Heading(u16),
    Paragraph,
    /// A picture, with the words that stand for it.
    Figure(String),
    ColumnHead,
    Cell {
        columns: u32,
    },
    /// A paragraph that leads to an address.
    Link(String),
    /// Nothing: a rule, a frame.
    Decoration,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Align {
    Left,
    Right,
}

#[derive(Clone)]
pub enum Ink {
    Text(Text, Align),
    Rule {
        width: f32,
        stroke: Stroke,
    },
    Frame {
        width: f32,
        height: f32,
        stroke: Stroke,
        radius: f32,
    },
    Picture {
        image: Image,
        width: f32,
        height: f32,
    },
    Code {
        code: Rc<Code>,
        side: f32,
    },
    /// Outlined letters turned about their middle, which stands where the part is placed.
    Watermark {
        text: Text,
        degrees: f32,
    },
}

#[derive(Clone)]
pub struct Part {
    pub x: f32,
    pub y: f32,
    pub ink: Ink,
    pub role: Role,
}

#[derive(Clone, Default)]
pub struct Block {
    pub height: f32,
    pub parts: Vec<Part>,
}

impl Ink {
    fn height(&self) -> f32 {
        match self {
            Ink::Text(text, _) => text.height,
            Ink::Rule { .. } | Ink::Watermark { .. } => 0.0,
            Ink::Frame { height, .. } | Ink::Picture { height, .. } | Ink::Code { side: height, .. } => *height,
        }
    }
}

impl Block {
    pub fn new() -> Self {
        Self::default()
    }

    /// Places something at a point of the block, which grows to hold it.
    pub fn put(&mut self, x: f32, y: f32, ink: Ink, role: Role) {
        self.height = self.height.max(y + ink.height());
        self.parts.push(Part { x, y, ink, role });
    }

    /// Places something under all there is, after a gap; the first thing stands at the top.
    pub fn under(&mut self, gap: f32, x: f32, ink: Ink, role: Role) {
        let y = if self.parts.is_empty() { 0.0 } else { self.height + gap };
        self.put(x, y, ink, role);
    }

    /// A paragraph under all there is.
    pub fn line(&mut self, gap: f32, text: Text) {
        self.under(gap, 0.0, Ink::Text(text, Align::Left), Role::Paragraph);
    }

    pub fn rule(&mut self, x: f32, y: f32, width: f32, stroke: Stroke) {
        self.put(x, y, Ink::Rule { width, stroke }, Role::Decoration);
    }

    /// Takes over another block's parts, its corner at a point of this one.
    pub fn join(&mut self, x: f32, y: f32, other: Block) {
        self.height = self.height.max(y + other.height);
        self.parts.extend(other.parts.into_iter().map(|part| Part { x: part.x + x, y: part.y + y, ..part }));
    }
}
