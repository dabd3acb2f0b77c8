//! The page kit: what every printed document of Acuse is drawn with.
//!
//! Four nouns. A [`block::Block`] is measured before it is drawn. A [`flow::Flow`] places blocks and breaks pages. A
//! [`table::Table`] is a block that can be cut between rows and repeats its head. A tag is pushed as its block is drawn
//! ([`pen`]). Lengths are points, y grows downwards, and a line of text reaches from its capital height to its baseline.

pub mod block;
pub mod flow;
pub mod fonts;
pub mod pen;
pub mod qr;
pub mod table;
pub mod text;

/// Points in a millimetre.
const POINTS: f32 = 72.0 / 25.4;

pub const fn mm(millimetres: f32) -> f32 {
    millimetres * POINTS
}

/// The sheet and its margins, in points.
#[derive(Debug, Clone, Copy)]
pub struct Sheet {
    pub width: f32,
    pub height: f32,
    pub left: f32,
    pub right: f32,
    pub top: f32,
    pub bottom: f32,
}

impl Sheet {
    /// Between the left and the right margin.
    pub fn text_width(&self) -> f32 {
        self.width - self.left - self.right
    }

    /// The lowest place that a block may reach.
    pub fn floor(&self) -> f32 {
        self.height - self.bottom
    }
}
