//! The two lists: what was paid with, and which documents it paid.

use super::{DOTS, HAIR, Page, UNDER_HEAD};
use crate::page::block::{Align, Block, Ink, Role};
use crate::page::flow::Flow;
use crate::page::mm;
use crate::page::table::{Cell, Column, Padding, Table};
use crate::page::text::{regular, semibold};
use crate::words::{date, document, given, is_postdated, method, money, place};

/// Above a section and under its name.
pub(super) const ABOVE_SECTION: f32 = mm(6.0);
const UNDER_SECTION: f32 = mm(2.0);
const PADDING: Padding = Padding(mm(1.25));
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
        let mut table = self.table(self.method_columns());
        for line in &self.receipt.lines {
            let (name, amount) = (method(line), money(&line.amount));
            let place = place(line).unwrap_or_else(|| MISSING.to_string());
            let reference = given(line.reference.as_deref()).unwrap_or_else(|| MISSING.to_string());
            let day = line.date.as_deref().map_or_else(|| MISSING.to_string(), date);
            let day_style = if is_postdated(line) { semibold(9.0) } else { regular(9.0) };
            let plain = |words| Cell::new(words, regular(9.0));
            table.row(&[plain(&name), plain(&place), plain(&reference), Cell::new(&day, day_style), plain(&amount)], self.set);
        }
        table.rule(HAIR);
        if self.receipt.lines.len() > 1 {
            let total = money(&self.receipt.total);
            table.sum(&[Cell::new("Suma", regular(9.0)).over(4), Cell::new(&total, semibold(9.0))], self.set);
        }
        self.section(flow, self.say.method, &table);
        flow.place_table(UNDER_SECTION, table);
        if self.receipt.lines.iter().any(is_postdated) {
            let note = self.set.wrapped(POSTDATED_NOTE, regular(7.5), self.width());
            let mut block = Block::new();
            block.line(0.0, note);
            flow.place(mm(1.8), block);
        }
    }

    pub(super) fn documents(&mut self, flow: &mut Flow) {
        let count = self.receipt.allocations.len();
        if count == 0 {
            return;
        }
        let mut table = self.table(self.document_columns());
        for (index, paid) in self.receipt.allocations.iter().enumerate() {
            let day = paid.issue_date.as_deref().map_or_else(|| MISSING.to_string(), date);
            let cells = [
                document(&paid.kind, &paid.number),
                day,
                money(&paid.total),
                money(&paid.previous_balance),
                money(&paid.amount),
                money(&paid.balance),
            ];
            table.row(&cells.each_ref().map(|words| Cell::new(words, regular(9.0))), self.set);
            if (index + 1) % ROWS_BETWEEN_DOTS == 0 && index + 1 < count {
                table.rule(DOTS);
            }
        }
        table.rule(HAIR);
        if count > 1 {
            let (name, paid, left) =
                (format!("Suma de {count} documentos"), money(&self.receipt.allocated), money(&self.receipt.balance));
            let name = Cell::new(&name, regular(9.0)).over(4);
            table.sum(&[name, Cell::new(&paid, semibold(9.0)), Cell::new(&left, regular(9.0))], self.set);
        }
        let name =
            if count > MANY_DOCUMENTS { format!("{} ({count})", self.say.documents) } else { self.say.documents.to_string() };
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

    fn table(&mut self, columns: Vec<Column>) -> Table {
        Table::new(columns, PADDING, (regular(8.0), UNDER_HEAD), self.set)
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
