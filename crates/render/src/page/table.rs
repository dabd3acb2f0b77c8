//! A table: rows under a head, to be cut between rows. The head is drawn again on every page.

use super::block::{Align, Block, Ink, Role, Stroke};
use super::text::{Style, Text, Typesetter};

#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    pub x: f32,
    pub width: f32,
    pub align: Align,
}

pub struct Table {
    width: f32,
    pub head: Block,
    pub rows: Vec<Row>,
}

pub struct Row {
    pub block: Block,
    /// It may not be the first row of a page: a sum without a row above it says nothing.
    pub stays: bool,
}

pub struct Cell {
    pub words: String,
    pub style: Style,
    /// How many columns it takes.
    pub columns: usize,
}

impl Cell {
    pub fn new(words: impl Into<String>, style: Style) -> Self {
        Self { words: words.into(), style, columns: 1 }
    }

    pub fn over(self, columns: usize) -> Self {
        Self { columns, ..self }
    }
}

impl Table {
    /// Sets a table's rows under the names of its columns, which stand over a rule.
    pub fn set(columns: &[Column], padding: f32, head: (Style, Stroke), rows: &[Vec<Cell>], set: &mut Typesetter) -> Self {
        let width = columns.last().map_or(0.0, |column| column.x + column.width);
        let mut names = Block::new();
        for column in columns {
            let name = set.printed(column.name, head.0);
            place(&mut names, column, column.width, padding, name, Role::ColumnHead);
        }
        names.height += padding;
        let below = names.height;
        names.rule(0.0, below, width, head.1);
        let cells: Vec<(&str, Style)> = rows.iter().flatten().map(|cell| (cell.words.as_str(), cell.style)).collect();
        let mut texts = set.lines(&cells).into_iter();
        let rows = rows.iter().map(|cells| row(columns, padding, cells, &mut texts, set)).collect();
        Self { width, head: names, rows }
    }

    /// A rule under a row.
    pub fn rule_under(&mut self, row: usize, stroke: Stroke) {
        let width = self.width;
        if let Some(row) = self.rows.get_mut(row) {
            let below = row.block.height;
            row.block.rule(0.0, below, width, stroke);
        }
    }

    /// Keeps the last row with the one above it.
    pub fn keep_last(&mut self) {
        if let Some(row) = self.rows.last_mut() {
            row.stays = true;
        }
    }
}

/// A row of cells that were set as lines; what is wider than its column is set again, broken.
fn row(columns: &[Column], padding: f32, cells: &[Cell], texts: &mut dyn Iterator<Item = Text>, set: &mut Typesetter) -> Row {
    let mut block = Block::new();
    let mut first = 0;
    for (cell, text) in cells.iter().zip(texts) {
        let (start, end) = (&columns[first], &columns[first + cell.columns - 1]);
        let width = end.x + end.width - start.x;
        let text = if text.width() > width { set.wrapped(&cell.words, cell.style, width) } else { text };
        let role = Role::Cell { columns: cell.columns as u32 };
        place(&mut block, start, width, padding, text, role);
        first += cell.columns;
    }
    block.height += padding;
    Row { block, stays: false }
}

fn place(block: &mut Block, column: &Column, width: f32, y: f32, text: Text, role: Role) {
    let x = if column.align == Align::Right { column.x + width } else { column.x };
    block.put(x, y, Ink::Text(text, column.align), role);
}
