//! The two lists: what was paid with, and which documents it paid.

use acuse_domain::receipt::{Allocated, Line};

use super::{DOTS, HAIR, Page, UNDER_HEAD};
use crate::page::block::{Align, Block, Ink, Role, Stroke};
use crate::page::flow::Flow;
use crate::page::mm;
use crate::page::table::{Cell, Column, Table};
use crate::page::text::{Style, regular, semibold};
use crate::words::{date, document, given, is_postdated, method, money, place};

/// Above a section and under its name.
pub(super) const ABOVE_SECTION: f32 = mm(6.0);
const UNDER_SECTION: f32 = mm(2.0);
/// Above and under the words of a row.
const PADDING: f32 = mm(1.25);
/// How the names of columns are set, and the rule under them.
const HEAD: (Style, Stroke) = (regular(8.0), UNDER_HEAD);
/// Where a field is missing.
const MISSING: &str = "–";
/// A dotted rule after every fifth row carries the eye through a long list.
const ROWS_BETWEEN_DOTS: usize = 5;
/// A list of more documents says in its name how many.
const MANY_DOCUMENTS: usize = 8;

const POSTDATED_NOTE: &str =
    "Cheque posfechado: se hace efectivo desde la fecha indicada; el valor queda sujeto a que el banco lo pague.";

impl Page<'_> {
    pub(super) fn methods(&mut self, flow: &mut Flow) {
        let lines = &self.receipt.lines;
        let mut rows: Vec<Vec<Cell>> = lines.iter().map(method_row).collect();
        if lines.len() > 1 {
            rows.push(vec![plain("Suma").over(4), heavy(money(&self.receipt.total))]);
        }
        let columns = self.method_columns();
        let mut table = Table::set(&columns, PADDING, HEAD, &rows, self.set);
        end_list(&mut table, lines.len());
        self.section(flow, self.say.method, &table);
        flow.place_table(UNDER_SECTION, table);
        if lines.iter().any(is_postdated) {
            let note = self.set.printed_within(POSTDATED_NOTE, regular(7.5), self.width());
            let mut block = Block::new();
            block.line(0.0, note);
            flow.place(mm(1.8), block);
        }
    }

    pub(super) fn documents(&mut self, flow: &mut Flow) {
        let documents = &self.receipt.allocations;
        let count = documents.len();
        if count == 0 {
            return;
        }
        let mut rows: Vec<Vec<Cell>> = documents.iter().map(document_row).collect();
        if count > 1 {
            let name = plain(format!("Suma de {count} documentos")).over(4);
            rows.push(vec![name, heavy(money(&self.receipt.allocated)), plain(money(&self.receipt.balance))]);
        }
        let columns = self.document_columns();
        let mut table = Table::set(&columns, PADDING, HEAD, &rows, self.set);
        for row in (ROWS_BETWEEN_DOTS..count).step_by(ROWS_BETWEEN_DOTS) {
            table.rule_under(row - 1, DOTS);
        }
        end_list(&mut table, count);
        let name = match count > MANY_DOCUMENTS {
            true => format!("{} ({count})", self.say.documents),
            false => self.say.documents.to_string(),
        };
        self.section(flow, &name, &table);
        flow.place_table(UNDER_SECTION, table);
    }

    /// The name of a section, which stays with the head and the first row of its table.
    fn section(&mut self, flow: &mut Flow, name: &str, table: &Table) {
        let name = self.set.line(name, semibold(10.0));
        let mut block = Block::new();
        block.put(0.0, 0.0, Ink::Text(name, Align::Left), Role::Heading(2));
        let first = table.rows.first().map_or(0.0, |row| row.block.height);
        flow.place_with(ABOVE_SECTION, block, UNDER_SECTION + table.head.height + first);
    }

    fn method_columns(&self) -> Vec<Column> {
        let width = self.width();
        let fields = width - mm(40.0 + 3.0 + 3.0 + 36.0 + 3.0 + 20.0 + 25.0);
        columns(&[
            ("Forma", mm(40.0), mm(3.0), Align::Left),
            ("Banco o caja", fields, mm(3.0), Align::Left),
            ("Número", mm(36.0), mm(3.0), Align::Left),
            ("Fecha", mm(20.0), 0.0, Align::Left),
            ("Valor USD", mm(25.0), 0.0, Align::Right),
        ])
    }

    fn document_columns(&self) -> Vec<Column> {
        let amount = mm(26.5);
        let day = self.width() - mm(40.0 + 3.0) - 4.0 * amount;
        columns(&[
            ("Documento", mm(40.0), mm(3.0), Align::Left),
            ("Emisión", day, 0.0, Align::Left),
            ("Total", amount, 0.0, Align::Right),
            ("Saldo anterior", amount, 0.0, Align::Right),
            ("Abono", amount, 0.0, Align::Right),
            ("Saldo", amount, 0.0, Align::Right),
        ])
    }
}

/// A list ends with a rule, and its sum stays with its last row.
fn end_list(table: &mut Table, rows: usize) {
    table.rule_under(rows.saturating_sub(1), HAIR);
    if rows > 1 {
        table.keep_last();
    }
}

fn method_row(line: &Line) -> Vec<Cell> {
    let day = line.date.as_deref().map_or_else(|| MISSING.to_string(), date);
    vec![
        plain(method(line)),
        plain(place(line).unwrap_or_else(|| MISSING.to_string())),
        plain(given(line.reference.as_deref()).unwrap_or_else(|| MISSING.to_string())),
        if is_postdated(line) { heavy(day) } else { plain(day) },
        plain(money(&line.amount)),
    ]
}

fn document_row(paid: &Allocated) -> Vec<Cell> {
    vec![
        plain(document(&paid.kind, &paid.number)),
        plain(paid.issue_date.as_deref().map_or_else(|| MISSING.to_string(), date)),
        plain(money(&paid.total)),
        plain(money(&paid.previous_balance)),
        plain(money(&paid.amount)),
        plain(money(&paid.balance)),
    ]
}

fn plain(words: impl Into<String>) -> Cell {
    Cell::new(words, regular(9.0))
}

fn heavy(words: impl Into<String>) -> Cell {
    Cell::new(words, semibold(9.0))
}

/// Columns one beside the other, each with its width and the gutter after it.
fn columns(columns: &[(&'static str, f32, f32, Align)]) -> Vec<Column> {
    let mut x = 0.0;
    let mut placed = Vec::with_capacity(columns.len());
    for (name, width, gutter, align) in columns {
        placed.push(Column { name, x, width: *width, align: *align });
        x += width + gutter;
    }
    placed
}
