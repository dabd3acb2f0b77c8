//! A table: rows under a head, to be cut between rows. The head is drawn again on every page.

use super::block::{Align, Block, Ink, Role, Stroke};
use super::text::{Style, Text, Typesetter};

/// Between the rule of a row and its text, above and below.
#[derive(Debug, Clone, Copy)]
pub struct Padding(pub f32);

#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    pub x: f32,
    pub width: f32,
    pub align: Align,
}

pub struct Table {
    columns: Vec<Column>,
    padding: f32,
    width: f32,
    pub head: Block,
    pub rows: Vec<Row>,
}

pub struct Row {
    pub block: Block,
    /// It may not be the first row of a page: a sum without a row above it says nothing.
    pub stays: bool,
}

pub struct Cell<'a> {
    pub words: &'a str,
    pub style: Style,
    pub columns: usize,
}

impl<'a> Cell<'a> {
    pub fn new(words: &'a str, style: Style) -> Self {
        Self { words, style, columns: 1 }
    }

    pub fn over(self, columns: usize) -> Self {
        Self { columns, ..self }
    }
}

impl Table {
    pub fn new(columns: Vec<Column>, Padding(padding): Padding, head: (Style, Stroke), set: &mut Typesetter) -> Self {
        let width = columns.last().map_or(0.0, |column| column.x + column.width);
        let mut table = Self { columns, padding, width, head: Block::new(), rows: Vec::new() };
        let names: Vec<Text> = table.columns.iter().map(|column| set.printed(column.name, head.0)).collect();
        for (column, name) in table.columns.iter().zip(names) {
            place(&mut table.head, column, column.width, padding, name, Role::ColumnHead);
        }
        table.head.height += padding;
        let below = table.head.height;
        table.head.rule(0.0, below, width, head.1);
        table
    }

    pub fn row(&mut self, cells: &[Cell<'_>], set: &mut Typesetter) {
        let block = self.row_of(cells, set);
        self.rows.push(Row { block, stays: false });
    }

    /// The last row, which stays with the one above it.
    pub fn sum(&mut self, cells: &[Cell<'_>], set: &mut Typesetter) {
        let block = self.row_of(cells, set);
        self.rows.push(Row { block, stays: true });
    }

    /// A rule under the last row.
    pub fn rule(&mut self, stroke: Stroke) {
        let width = self.width;
        if let Some(row) = self.rows.last_mut() {
            let below = row.block.height;
            row.block.rule(0.0, below, width, stroke);
        }
    }

    fn row_of(&self, cells: &[Cell<'_>], set: &mut Typesetter) -> Block {
        let mut block = Block::new();
        let mut first = 0;
        for cell in cells {
            let (start, end) = (&self.columns[first], &self.columns[first + cell.columns - 1]);
            let width = end.x + end.width - start.x;
            let text = set.wrapped(cell.words, cell.style, width);
            let role = Role::Cell { columns: cell.columns as u32 };
            place(&mut block, start, width, self.padding, text, role);
            first += cell.columns;
        }
        block.height += self.padding;
        block
    }
}

fn place(block: &mut Block, column: &Column, width: f32, y: f32, text: Text, role: Role) {
    let x = if column.align == Align::Right { column.x + width } else { column.x };
    block.put(x, y, Ink::Text(text, column.align), role);
}
