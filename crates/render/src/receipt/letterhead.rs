//! The upper part: who gives the receipt, which it is, whether it is voided, who paid and how much.

use acuse_domain::receipt::Counterparty;
use acuse_domain::text;

use super::{GUTTER, Page, RIGHT_COLUMN, RULE};
use crate::logo::Logo;
use crate::page::block::{Align, Block, Ink, Role, Stroke};
use crate::page::flow::Flow;
use crate::page::mm;
use crate::page::text::{Style, regular, semibold};
use crate::words::{given, is_zero, long_date, money};

/// A logo is fitted into this.
const LOGO_ROOM: (f32, f32) = (mm(52.0), mm(16.0));
/// The square for the initials of a company without logo.
const MARK_SIDE: f32 = mm(14.0);
const MARK_SIZE: f32 = 19.0;
const MARK_RADIUS: f32 = mm(1.6);
const MARK_STROKE: Stroke = Stroke::solid(1.1);
/// Between logo and company.
const UNDER_LOGO: f32 = mm(4.0);
/// Between the lines of the company and of the contact.
const COMPANY_LEADING: f32 = mm(2.0);
const CONTACT_LEADING: f32 = mm(2.1);
/// Between two blocks, besides the space that is asked: 0.6 em of 9.5 points.
const UNSPACED: f32 = 5.7;
/// A name of more letters is set smaller.
const LONG_NAME: usize = 50;
const LONGEST_NAME: usize = 110;
const LONG_CONTACT: usize = 90;
/// Figures of more characters, from 1.000.000,00 up, are set smaller.
const LONG_FIGURES: usize = 10;

/// Words of a name that give no initial.
const NO_INITIAL: [&str; 19] =
    ["de", "del", "la", "las", "los", "el", "y", "e", "en", "cía", "cia", "ltda", "sa", "sas", "srl", "compañía", "c", "s", "a"];
const BETWEEN_WORDS: [char; 11] = [' ', '.', ',', '&', '/', '(', ')', '"', '\'', '«', '»'];

impl Page<'_> {
    pub(super) fn letterhead(&mut self, flow: &mut Flow, logo: Option<&Logo>) {
        let mut block = self.company(logo);
        let title = self.title();
        block.join(self.right_axis(), 0.0, title);
        flow.place(0.0, block);
    }

    fn company(&mut self, logo: Option<&Logo>) -> Block {
        let company = &self.receipt.company;
        let width = self.left_width();
        let name = text::one_line(&company.legal_name);
        let trade_name = given(company.trade_name.as_deref()).filter(|trade_name| *trade_name != name);
        let mark = initials(trade_name.as_deref().unwrap_or(&name));
        let reach: Vec<String> = [&company.phone, &company.email].into_iter().filter_map(|way| given(way.as_deref())).collect();
        let mut block = self.mark(logo, &mark, &name);
        let size = match name.chars().count() {
            letters if letters > LONGEST_NAME => 9.0,
            letters if letters > LONG_NAME => 10.5,
            _ => 12.0,
        };
        let gap = if block.parts.is_empty() { 0.0 } else { UNDER_LOGO };
        let name = self.set.set(&[(&name, semibold(size))], width, COMPANY_LEADING);
        block.line(gap, name);
        let lines = [
            trade_name,
            Some(format!("RUC {}", company.ruc)),
            given(company.address.as_deref()),
            given(Some(&reach.join(" · "))),
        ];
        for line in lines.into_iter().flatten() {
            let line = self.set.set(&[(&line, regular(8.5))], width, COMPANY_LEADING);
            block.line(COMPANY_LEADING, line);
        }
        block
    }

    /// The logo, else the initials in a square, else nothing.
    fn mark(&mut self, logo: Option<&Logo>, initials: &str, name: &str) -> Block {
        let mut block = Block::new();
        if let Some(logo) = logo {
            let (width, height) = logo.image().size();
            let (width, height) = (width as f32, height as f32);
            let scale = (LOGO_ROOM.0 / width).min(LOGO_ROOM.1 / height);
            let picture = Ink::Picture { image: logo.image().clone(), width: width * scale, height: height * scale };
            block.put(0.0, 0.0, picture, Role::Figure(format!("Logotipo de {name}")));
        } else if !initials.is_empty() {
            let frame = Ink::Frame { width: MARK_SIDE, height: MARK_SIDE, stroke: MARK_STROKE, radius: MARK_RADIUS };
            block.put(0.0, 0.0, frame, Role::Decoration);
            let letters = self.set.line(initials, semibold(MARK_SIZE));
            let (x, y) = ((MARK_SIDE - letters.width()) / 2.0, (MARK_SIDE - letters.height) / 2.0);
            block.put(x, y, Ink::Text(letters, Align::Left), Role::Decoration);
        }
        block
    }

    fn title(&mut self) -> Block {
        let mut block = Block::new();
        let title = self.set.printed(self.say.title, semibold(13.0));
        block.put(0.0, 0.0, Ink::Text(title, Align::Left), Role::Heading(1));
        let alias = self.set.printed(self.say.alias, regular(8.0));
        block.line(mm(2.0), alias);
        let number = self.set.set(&[("N.º ", regular(13.0)), (&self.receipt.number, semibold(13.0))], RIGHT_COLUMN, mm(2.0));
        block.line(mm(4.6), number);
        let day = long_date(&self.receipt.date);
        let when = match given(self.receipt.company.city.as_deref()) {
            Some(city) => format!("{city}, {day}"),
            None => day,
        };
        let when = self.set.wrapped(&when, regular(9.5), RIGHT_COLUMN);
        block.line(mm(2.2), when);
        block
    }

    /// The box that says a receipt is worth nothing any more.
    pub(super) fn annulled(&mut self, flow: &mut Flow) {
        let Some(voided) = &self.receipt.voided else { return };
        let inset = (mm(4.0), mm(2.6));
        let word = self.set.line("ANULADO", Style { tracking: 1.2, ..semibold(17.0) });
        let left = inset.0 + word.width() + GUTTER;
        let width = self.width() - left - inset.0;
        let mut says = Block::new();
        let when = format!("Anulado el {}. No tiene valor; los saldos quedaron como antes.", long_date(&voided.date));
        let leading = 0.65 * 9.0;
        let when = self.set.set(&[(&when, regular(9.0))], width, leading);
        says.line(0.0, when);
        if let Some(reason) = given(voided.reason.as_deref()) {
            let reason = self.set.set(&[(&format!("Motivo: {reason}"), regular(9.0))], width, leading);
            says.line(leading, reason);
        }
        let height = says.height.max(word.height) + 2.0 * inset.1;
        let mut block = Block::new();
        let frame = Ink::Frame { width: self.width(), height, stroke: Stroke::solid(1.4), radius: 0.0 };
        block.put(0.0, 0.0, frame, Role::Decoration);
        block.put(inset.0, (height - word.height) / 2.0, Ink::Text(word, Align::Left), Role::Paragraph);
        let above = (height - says.height) / 2.0;
        block.join(left, above, says);
        flow.place(mm(4.0) + UNSPACED, block);
    }

    pub(super) fn who_and_how_much(&mut self, flow: &mut Flow) {
        let inset = mm(3.6);
        let width = self.width();
        let mut block = Block::new();
        block.rule(0.0, 0.0, width, RULE);
        let who = self.who();
        let amount = self.amount();
        block.join(0.0, inset, who);
        block.join(self.right_axis(), inset, amount);
        let words = self.receipt.in_words.replace(" CON ", " CON\u{a0}").replace("/100 ", "/100\u{a0}");
        let words = self.set.wrapped(&format!("SON: {words}"), regular(9.0), width);
        block.line(mm(4.2), words);
        let below = block.height + inset;
        block.rule(0.0, below, width, RULE);
        flow.place(mm(5.0) + UNSPACED, block);
    }

    fn who(&mut self) -> Block {
        let width = self.left_width();
        let contact = &self.receipt.contact;
        let name = text::one_line(&contact.name);
        let size = if name.chars().count() > LONG_CONTACT { 10.0 } else { 12.0 };
        let mut block = Block::new();
        let label = self.set.printed(self.say.from, regular(8.0));
        block.line(0.0, label);
        let name = self.set.set(&[(&name, semibold(size))], width, CONTACT_LEADING);
        block.line(CONTACT_LEADING, name);
        let identification = format!("{} {}", identification(contact), text::one_line(&contact.identification));
        for line in [Some(identification), given(contact.address.as_deref())].into_iter().flatten() {
            let line = self.set.set(&[(&line, regular(9.0))], width, CONTACT_LEADING);
            block.line(CONTACT_LEADING, line);
        }
        block
    }

    fn amount(&mut self) -> Block {
        let label = match (self.is_voided(), is_zero(&self.receipt.money)) {
            (true, _) => "Valor del recibo anulado",
            (false, true) => "Valor compensado, sin movimiento de dinero",
            (false, false) => self.say.amount,
        };
        let figures = money(self.receipt.headline());
        let size = if figures.chars().count() > LONG_FIGURES { 18.0 } else { 23.0 };
        let mut block = Block::new();
        let label = self.set.printed(label, regular(8.0));
        block.line(0.0, label);
        let amount = self.set.set(&[("USD", regular(12.0)), (&format!(" {figures}"), semibold(size))], f32::INFINITY, 0.0);
        block.line(mm(2.6), amount);
        block
    }
}

fn identification(contact: &Counterparty) -> &'static str {
    match contact.identification_type.as_str() {
        "ruc" => "RUC",
        "cedula" => "C.I.",
        "passport" => "Pasaporte",
        _ => "Identificación",
    }
}

/// Up to two letters of the name people know: «Comercial Andina Cía. Ltda.» gives CA.
fn initials(name: &str) -> String {
    name.split(|c| BETWEEN_WORDS.contains(&c) || c == '-')
        .filter(|word| {
            word.chars().next().is_some_and(char::is_alphanumeric) && !NO_INITIAL.contains(&word.to_lowercase().as_str())
        })
        .take(2)
        .flat_map(|word| word.chars().take(1))
        .flat_map(char::to_uppercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_come_from_the_words_people_know() {
        for (name, letters) in [
            ("Comercial Andina Cía. Ltda.", "CA"),
            ("María Augusta Ñauta Quizhpe", "MA"),
            ("La Casa del Ñandú S.A.", "CÑ"),
            ("«Ñukanchik Allpa»", "ÑA"),
            ("--- !!", ""),
        ] {
            assert_eq!(initials(name), letters);
        }
    }
}
