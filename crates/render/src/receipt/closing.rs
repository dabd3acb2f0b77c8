//! The lower part: what the receipt is made of and what is left, who signs it, and how it is verified.

use acuse_domain::text;

use super::lists::ABOVE_SECTION;
use super::{HAIR, Page, RIGHT_COLUMN, RenderError};
use crate::page::block::{Align, Block, Ink, Role, Stroke};
use crate::page::flow::Flow;
use crate::page::text::{Text, regular, semibold};
use crate::page::{mm, qr};
use crate::words::{given, is_zero, money};

/// Above and under an amount of the sums.
const SUM_PADDING: f32 = mm(1.1);
/// A description of more bytes stands below the sums, over the whole width.
const SHORT_DESCRIPTION: usize = 180;
const BETWEEN_PARAGRAPHS: f32 = mm(1.8);
/// Room to sign in.
const SIGNATURE_ROOM: f32 = mm(15.0);
const SIGNATURE_STROKE: Stroke = Stroke::solid(0.6);
const SIGNATURE_LEADING: f32 = mm(1.9);
const SIGNATURE_GUTTER: f32 = mm(10.0);
/// No less, for what is signed; any more is up to the foot, where the proof stands.
const ABOVE_PROOF: f32 = mm(3.0);
const QR_SIDE: f32 = mm(22.0);
const QR_GUTTER: f32 = mm(5.0);

/// What a receipt proves, and what it does not (Reglamento de Comprobantes de Venta, arts. 1 to 3).
macro_rules! legal {
    ($proves:literal) => {
        concat!(
            $proves,
            " No es comprobante de venta, de retención ni documento complementario autorizado por el SRI,",
            " y no sustenta crédito tributario, costos ni gastos."
        )
    };
}

/// A line of the sums; what matters is set heavy, under a rule.
struct Sum<'a> {
    name: &'static str,
    amount: &'a str,
    heavy: bool,
}

impl<'a> Page<'a> {
    pub(super) fn sums_and_description(&mut self, flow: &mut Flow) {
        let sums = self.sums();
        let typed = self.receipt.description.as_deref().map(text::lines).filter(|typed| !typed.is_empty());
        let beside = !sums.is_empty() && typed.as_deref().is_some_and(|typed| typed.len() <= SHORT_DESCRIPTION);
        if !sums.is_empty() {
            let mut block = Block::new();
            if beside && let Some(typed) = &typed {
                let (name, paragraphs) = self.description(typed, self.left_width());
                let mut left = Block::new();
                left.put(0.0, 0.0, Ink::Text(name, Align::Left), Role::Heading(2));
                paragraphs.into_iter().for_each(|paragraph| left.line(BETWEEN_PARAGRAPHS, paragraph));
                block.join(0.0, SUM_PADDING, left);
            }
            let table = self.sums_block(&sums);
            block.join(self.right_axis(), 0.0, table);
            flow.place(ABOVE_SECTION, block);
        }
        if let Some(typed) = typed.filter(|_| !beside) {
            self.long_description(flow, &typed);
        }
    }

    fn long_description(&mut self, flow: &mut Flow, typed: &str) {
        let (name, paragraphs) = self.description(typed, self.width());
        let mut block = Block::new();
        block.put(0.0, 0.0, Ink::Text(name, Align::Left), Role::Heading(2));
        let first = paragraphs.first().map_or(0.0, Text::first_line);
        flow.place_with(ABOVE_SECTION, block, BETWEEN_PARAGRAPHS + first);
        for paragraph in paragraphs {
            flow.place_text(BETWEEN_PARAGRAPHS, paragraph);
        }
    }

    /// A description keeps the line breaks of who wrote it.
    fn description(&mut self, typed: &str, width: f32) -> (Text, Vec<Text>) {
        let name = self.set.printed("Descripción", semibold(10.0));
        let lines = typed.lines().filter(|line| !line.is_empty());
        (name, lines.map(|line| self.set.wrapped(line, regular(9.0), width)).collect())
    }

    /// What the receipt is made of where it is more than money, and what is left of it where something is.
    fn sums(&self) -> Vec<Sum<'a>> {
        let receipt = self.receipt;
        let sum = |name, amount: &'a str, heavy| Sum { name, amount, heavy };
        let mut sums = Vec::new();
        let not_money = [
            ("Retenciones", &receipt.sums.withholding),
            ("Anticipos usados", &receipt.sums.advance),
            ("Cruces", &receipt.sums.offset),
        ];
        let not_money: Vec<_> = not_money.into_iter().filter(|(_, amount)| !is_zero(amount)).collect();
        let is_left = !is_zero(&receipt.unapplied);
        let is_applied = !receipt.allocations.is_empty();
        if !not_money.is_empty() && !is_zero(&receipt.money) {
            sums.push(sum(self.say.amount, &receipt.money, false));
            sums.extend(not_money.into_iter().map(|(name, amount)| sum(name, amount, false)));
            sums.push(sum("Total del recibo", &receipt.total, true));
        } else if is_left && is_applied {
            sums.push(sum("Total del recibo", &receipt.total, false));
        }
        if is_left {
            if is_applied {
                sums.push(sum("Aplicado a documentos", &receipt.allocated, false));
            }
            sums.push(sum(self.say.unapplied, &receipt.unapplied, true));
        }
        sums
    }

    fn sums_block(&mut self, sums: &[Sum<'_>]) -> Block {
        let mut block = Block::new();
        for Sum { name, amount, heavy } in sums {
            let style = if *heavy { semibold(9.0) } else { regular(9.0) };
            let top = block.height;
            if *heavy {
                block.rule(0.0, top, RIGHT_COLUMN, HAIR);
            }
            let (name, amount) = (self.set.printed(name, style), self.set.line(&money(amount), style));
            block.put(0.0, top + SUM_PADDING, Ink::Text(name, Align::Left), Role::Paragraph);
            block.put(RIGHT_COLUMN, top + SUM_PADDING, Ink::Text(amount, Align::Right), Role::Paragraph);
            block.height += SUM_PADDING;
        }
        block
    }

    /// Right under the last line: no blank space to write in.
    pub(super) fn signatures(&mut self, flow: &mut Flow) {
        let prepared = given(self.receipt.prepared_by.as_deref());
        let authorized = given(self.receipt.authorized_by.as_deref());
        let receiver = match self.receipt.is_received() {
            true => &self.receipt.company.legal_name,
            false => &self.receipt.contact.name,
        };
        let receiver = text::one_line(receiver);
        let mut people: Vec<(&'static str, Option<&str>, bool)> = vec![("Elaborado por", prepared.as_deref(), false)];
        if authorized.is_some() {
            people.push(("Autorizado por", authorized.as_deref(), false));
        }
        people.push(("Recibí conforme", Some(&receiver), true));
        let (width, step) = match people.len() {
            2 => (RIGHT_COLUMN, self.right_axis()),
            several => {
                let width = (self.width() - SIGNATURE_GUTTER * (several - 1) as f32) / several as f32;
                (width, width + SIGNATURE_GUTTER)
            }
        };
        let mut block = Block::new();
        for (index, (role, name, is_receiver)) in people.into_iter().enumerate() {
            let signature = self.signature(role, name, is_receiver, width);
            block.join(step * index as f32, 0.0, signature);
        }
        flow.place(mm(4.0), block);
    }

    fn signature(&mut self, role: &'static str, name: Option<&str>, is_receiver: bool, width: f32) -> Block {
        let mut block = Block::new();
        block.rule(0.0, SIGNATURE_ROOM, width, SIGNATURE_STROKE);
        let role = self.set.printed(role, semibold(8.5));
        block.line(SIGNATURE_LEADING, role);
        if let Some(name) = name {
            let name = self.set.set(&[(name, regular(8.5))], width, SIGNATURE_LEADING);
            block.line(SIGNATURE_LEADING, name);
        }
        if is_receiver {
            let identification = self.set.printed("C.I. o RUC:", regular(7.5));
            block.line(SIGNATURE_LEADING, identification);
        }
        block
    }

    /// At the foot of the last page: the code to verify the receipt with, and what it does not prove.
    pub(super) fn proof(&mut self, flow: &mut Flow) -> Result<(), RenderError> {
        let block = match &self.receipt.verify {
            None => {
                let legal = self.legal();
                let legal = self.set.printed_within(legal, regular(8.0), self.width());
                let mut block = Block::new();
                block.line(0.0, legal);
                block
            }
            Some(verify) => self.verification(&verify.address)?,
        };
        flow.place_at_foot(ABOVE_PROOF, block);
        Ok(())
    }

    fn verification(&mut self, address: &str) -> Result<Block, RenderError> {
        let left = QR_SIDE + QR_GUTTER;
        let width = self.width() - left;
        let invitation = match self.is_voided() {
            true => "Consulte el estado de este recibo:",
            false => "Compruebe que este recibo es auténtico y está vigente:",
        };
        let invitation = self.set.printed(invitation, regular(8.0));
        let mut says = Block::new();
        says.line(0.0, invitation);
        let link = self.set.wrapped(address, semibold(10.0), width);
        says.under(mm(2.2), 0.0, Ink::Text(link, Align::Left), Role::Link(format!("https://{address}")));
        let legal = self.legal();
        let legal = self.set.printed_within(legal, regular(7.5), width);
        says.line(mm(3.6), legal);
        let mut block = Block::new();
        // Capitals keep the code small: they are alphanumeric mode (ISO/IEC 18004, 7.4.4).
        let code = qr::code(&format!("HTTPS://{}", address.to_uppercase())).map_err(|_| RenderError::AddressTooLong)?;
        if let Some(code) = code {
            block.put(0.0, 0.0, Ink::Code { code: code.into(), side: QR_SIDE }, Role::Figure(format!("Código QR: {address}")));
        }
        let above = (QR_SIDE - says.height).max(0.0) / 2.0;
        block.join(left, above, says);
        Ok(block)
    }

    fn legal(&self) -> &'static str {
        match (self.receipt.is_received(), self.is_voided()) {
            (true, false) => legal!("Este recibo prueba el cobro que describe."),
            (false, false) => legal!("Este recibo prueba el pago que describe."),
            (true, true) => legal!("Este recibo está anulado y no prueba ningún cobro."),
            (false, true) => legal!("Este recibo está anulado y no prueba ningún pago."),
        }
    }
}
