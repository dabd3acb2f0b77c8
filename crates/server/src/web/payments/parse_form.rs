//! From what was typed to a payment that can be recorded, and from its refusals back to the fields.

use acuse_domain::Date;
use acuse_domain::contact::MOST_RECIPIENTS;
use acuse_domain::email_address::parse_list;
use acuse_domain::id::ContactId;
use acuse_domain::message::messages;
use acuse_domain::money::Money;
use acuse_domain::payment::{
    CheckKind, Direction, Doubt, Field, Method, NewAllocation, NewPayment, PaymentError, PaymentLine, Refusal,
};
use acuse_domain::text;
use acuse_store::payments::Notify;

use super::Book;
use super::draft::{Draft, DraftLine};
use super::new::FormData;
use super::question::Question;
use crate::web::calendar;
use crate::web::form_errors::FormErrors;

/// A payment read from the form, and where each of its parts stands there.
pub struct ParsedForm {
    pub payment: NewPayment,
    pub notify: Notify,
    /// Row of each line, counted from 1.
    rows_of_lines: Vec<usize>,
}

impl ParsedForm {
    /// Errs with every field that cannot be read.
    pub fn read(draft: &Draft, direction: Direction, contact: ContactId, data: &FormData) -> Result<Self, FormErrors> {
        let mut errors = FormErrors::default();
        let date =
            calendar::parse_past_day(&draft.date).map_err(|error| errors.add("fecha", error.message())).unwrap_or_default();
        let notify = read_recipients(draft, &mut errors);
        let (rows_of_lines, lines) = read_lines(draft, date, &mut errors);
        let allocations = read_shares(draft, data, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        let description = Some(text::lines(&draft.description)).filter(|text| !text.is_empty());
        let payment = NewPayment { direction, contact, date, lines, allocations, description };
        Ok(Self { payment, notify, rows_of_lines })
    }

    /// The domain's refusal, each reason beside its field. `data` was loaded after it: what was settled or used meanwhile has
    /// its place there, and says so.
    #[must_use]
    pub fn refused(&self, refusal: &Refusal, data: &FormData) -> FormErrors {
        let mut errors = FormErrors::default();
        for (field, error) in refusal.iter() {
            let words = self.became(*field, data).unwrap_or_else(|| self.words(*field, error));
            errors.add(self.id_of(*field, data), words);
        }
        errors
    }

    /// Where the first form of payment stands.
    #[must_use]
    pub fn first_row(&self) -> usize {
        row(&self.rows_of_lines, 0)
    }

    /// What is probably a slip, each with its row of the form.
    #[must_use]
    pub fn questions(&self, book: Book, doubts: Vec<Doubt>) -> Vec<Question> {
        doubts.into_iter().map(|doubt| Question::of(book, doubt, |index| row(&self.rows_of_lines, index))).collect()
    }

    /// What somebody else did meanwhile to the document or the anticipo of this field.
    fn became(&self, field: Field, data: &FormData) -> Option<String> {
        match field {
            Field::Allocation { index, .. } => data.closed_of(self.payment.allocations.get(index)?.document)?.sentence().into(),
            Field::Line { index, .. } => {
                let used = data.used_up_of(self.payment.lines.get(index)?.advance_from?)?;
                Some(format!("El anticipo {}: quite la forma {}.", used.why, row(&self.rows_of_lines, index)))
            }
            _ => None,
        }
    }

    fn id_of(&self, field: Field, data: &FormData) -> String {
        let allocated = |index: usize| self.payment.allocations.get(index).and_then(|one| data.row_of(one.document));
        match field {
            Field::Date => "fecha".to_owned(),
            Field::Description => "descripcion".to_owned(),
            Field::Lines => "valor-1".to_owned(),
            Field::Line { index, name } => format!("{}-{}", input_of(name), row(&self.rows_of_lines, index)),
            Field::Allocations => format!("abono-{}", allocated(0).unwrap_or(1)),
            Field::Allocation { index, .. } => format!("abono-{}", allocated(index).unwrap_or(1)),
        }
    }

    fn words(&self, field: Field, error: &PaymentError) -> String {
        match (field, error) {
            (Field::Line { name: "base", .. }, PaymentError::AmountNotPositive) => {
                messages::amount_not_positive(messages::a_base()).into()
            }
            (Field::Line { index, .. }, PaymentError::AmountNotPositive) => {
                messages::amount_not_positive(messages::a_line_amount(row(&self.rows_of_lines, index))).into()
            }
            (Field::Line { name: "tax", .. }, PaymentError::FieldMissing { method: Method::Withholding }) => {
                messages::withheld_tax_missing().into()
            }
            _ => error.message().into(),
        }
    }
}

fn row(rows: &[usize], index: usize) -> usize {
    rows.get(index).copied().unwrap_or(index + 1)
}

/// The input of the form that holds a field of a line.
fn input_of(name: &str) -> &'static str {
    match name {
        "reference" => "numero",
        "bank" | "account" | "tax" => "cuenta",
        "date" | "base" => "fecha-forma",
        "kind" => "forma",
        _ => "valor",
    }
}

fn read_recipients(draft: &Draft, errors: &mut FormErrors) -> Notify {
    if !draft.notify {
        return Notify::Nobody;
    }
    let why = match parse_list(&draft.recipients, MOST_RECIPIENTS) {
        Ok(addresses) if addresses.is_empty() => "Falta la dirección de correo: escríbala o quite la marca del envío.".to_owned(),
        Ok(addresses) => return Notify::Addresses(addresses),
        Err(error) => error.to_string(),
    };
    errors.add("para", why);
    Notify::Nobody
}

fn read_lines(draft: &Draft, date: Date, errors: &mut FormErrors) -> (Vec<usize>, Vec<PaymentLine>) {
    let all_blank = draft.lines.iter().all(DraftLine::is_blank);
    let mut rows = Vec::new();
    let mut lines = Vec::new();
    for (index, line) in draft.lines.iter().enumerate() {
        // A row that nobody touched is not a mistake, unless there is no other.
        if line.is_blank() && !(all_blank && index == 0) {
            continue;
        }
        if let Some(read) = read_line(line, index + 1, date, errors) {
            rows.push(index + 1);
            lines.push(read);
        }
    }
    (rows, lines)
}

fn read_line(line: &DraftLine, row: usize, date: Date, errors: &mut FormErrors) -> Option<PaymentLine> {
    let Some(method) = line.method else {
        errors.add(format!("forma-{row}"), format!("Elija la forma {row} de la lista."));
        return None;
    };
    let amount = errors.keep(format!("valor-{row}"), Money::read(&line.amount, messages::a_line_amount(row)));
    let mut read = PaymentLine::new(method, amount.unwrap_or_default());
    let fields = method.fields();
    read.reference = text::optional(Some(&line.reference)).filter(|_| fields.contains(&"reference"));
    if fields.contains(&"bank") {
        (read.bank, read.account) = bank_and_account(&line.account);
    }
    match method {
        Method::Check => read_check(&mut read, line, row, date, errors),
        Method::Withholding => {
            read.tax = text::optional(line.account.split('·').next());
            if !line.dated.trim().is_empty() {
                read.base = errors.keep(format!("fecha-forma-{row}"), Money::read(&line.dated, messages::a_line_base(row)));
            }
        }
        Method::Advance => read.advance_from = line.advance,
        // The till has a name and no number.
        Method::Cash => (read.bank, read.account) = (text::optional(Some(&line.account)), None),
        Method::Transfer | Method::Deposit | Method::Card | Method::Offset => {}
    }
    amount.map(|_| read)
}

/// A cheque for a day after the payment's is postdated.
fn read_check(read: &mut PaymentLine, line: &DraftLine, row: usize, date: Date, errors: &mut FormErrors) {
    if !line.dated.is_empty() {
        match calendar::parse_day(&line.dated) {
            Ok(day) => read.date = Some(day),
            Err(error) => errors.add(format!("fecha-forma-{row}"), error.message()),
        }
    }
    let is_postdated = read.date.is_some_and(|day| day > date);
    read.kind = Some(match line.kind {
        Some(kind @ (CheckKind::Certified | CheckKind::Cashier)) => kind,
        _ if is_postdated => CheckKind::Postdated,
        _ => CheckKind::Ordinary,
    });
}

/// «Pichincha corriente 2100443421»: the last word is the account if it is a number of five digits or more.
fn bank_and_account(typed: &str) -> (Option<String>, Option<String>) {
    /// Shorter numbers name a branch or a card's end, and `text::masked_account` would hide them whole.
    const SHORTEST_ACCOUNT: usize = 6;
    let typed = text::one_line(typed);
    let (bank, last) = typed.rsplit_once(' ').unwrap_or(("", &typed));
    let digits = last.chars().filter(char::is_ascii_digit).count();
    let is_account = digits >= SHORTEST_ACCOUNT && last.chars().all(|c| c.is_ascii_digit() || c == '-');
    if is_account { (text::optional(Some(bank)), Some(last.to_owned())) } else { (text::optional(Some(&typed)), None) }
}

fn read_shares(draft: &Draft, data: &FormData, errors: &mut FormErrors) -> Vec<NewAllocation> {
    let mut allocations = Vec::new();
    for (index, share) in draft.shares.iter().enumerate() {
        let closed = data.closed_of(share.document);
        if share.amount.trim().is_empty() && closed.is_none() {
            continue;
        }
        let row = data.row_of(share.document).unwrap_or(index + 1);
        if let Some(closed) = closed.filter(|_| share.amount.trim().is_empty()) {
            // Without script a tick alone says it.
            errors.add(format!("abono-{row}"), closed.sentence());
            continue;
        }
        let number = data.rows().find(|document| document.id == share.document).map(|one| one.facts.number.to_string());
        let subject = messages::an_allocation(number.unwrap_or_default());
        if let Some(amount) = errors.keep(format!("abono-{row}"), Money::read(&share.amount, subject)) {
            allocations.push(NewAllocation { document: share.document, amount });
        }
    }
    allocations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_number_is_told_from_the_name_of_its_bank() {
        let read = |typed: &str| {
            let (bank, account) = bank_and_account(typed);
            (bank.unwrap_or_default(), account.unwrap_or_default())
        };
        let pair = |bank: &str, account: &str| (bank.to_owned(), account.to_owned());
        assert_eq!(read("Pichincha corriente 2100443421"), pair("Pichincha corriente", "2100443421"));
        assert_eq!(read(" 2100-443421 "), pair("", "2100-443421"));
        assert_eq!(read("Banco Guayaquil"), pair("Banco Guayaquil", ""));
        assert_eq!(read("Visa 3421"), pair("Visa 3421", ""));
        assert_eq!(read(""), pair("", ""));
    }
}
