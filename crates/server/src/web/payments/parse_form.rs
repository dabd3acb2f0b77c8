//! From what was typed to a payment that can be recorded, and from its refusals back to the fields.

use acuse_domain::Date;
use acuse_domain::id::{ContactId, DocumentId};
use acuse_domain::input::payment::{AllocationInput, LineInput, PaymentInput};
use acuse_domain::message::messages;
use acuse_domain::money::Money;
use acuse_domain::payment::{CheckKind, Direction, Doubt, Field, LineField, Method, NewPayment, Notify, Refusal};
use acuse_domain::text;

use super::Book;
use super::draft::{Draft, DraftLine, Share};
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
        let date = calendar::parse_past_day(&draft.date);
        let (rows_of_lines, lines): (Vec<usize>, Vec<LineInput>) = lines(draft, date.clone().unwrap_or_default()).unzip();
        let shares = shares(draft, data, &mut errors);
        let input = PaymentInput {
            direction: Ok(direction),
            contact: Ok(contact),
            date: date.map_err(|error| error.message()),
            lines: Some(lines),
            allocations: shares.iter().map(|share| share.input(data)).collect(),
            description: draft.description.clone(),
            notify: Some(draft.notify),
            recipients: draft.notify.then(|| vec![draft.recipients.clone()]),
        };
        let documents: Vec<DocumentId> = shares.iter().map(|share| share.document).collect();
        match input.read() {
            Ok((payment, notify)) if errors.is_empty() => Ok(Self { payment, notify, rows_of_lines }),
            Ok(_) => Err(errors),
            Err(refused) => {
                for (field, message) in refused {
                    errors.say(id_of(field, &rows_of_lines, &documents, data), message);
                }
                Err(errors)
            }
        }
    }

    /// The domain's refusal, each reason beside its field. `data` was loaded after it: what was settled or used meanwhile has
    /// its place there, and says so.
    #[must_use]
    pub fn refused(&self, refusal: &Refusal, data: &FormData) -> FormErrors {
        let documents: Vec<DocumentId> = self.payment.allocations.iter().map(|one| one.document).collect();
        let mut errors = FormErrors::default();
        for (field, message) in refusal.messages(|index| row(&self.rows_of_lines, index)) {
            let id = id_of(field, &self.rows_of_lines, &documents, data);
            match self.became(field, data) {
                Some(words) => errors.add(id, words),
                None => errors.say(id, message),
            }
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
}

fn row(rows: &[usize], index: usize) -> usize {
    rows.get(index).copied().unwrap_or(index + 1)
}

/// The `id` of the input that holds a field. `documents` are those of the allocations, in their order.
fn id_of(field: Field, rows: &[usize], documents: &[DocumentId], data: &FormData) -> String {
    let allocated = |index: usize| documents.get(index).and_then(|document| data.row_of(*document)).unwrap_or(index + 1);
    match field {
        Field::Contact | Field::Direction => "persona".to_owned(),
        Field::Date => "fecha".to_owned(),
        Field::Description => "descripcion".to_owned(),
        Field::Lines => "valor-1".to_owned(),
        Field::Line { index, name } => format!("{}-{}", input_of(name), row(rows, index)),
        Field::Allocations => format!("abono-{}", allocated(0)),
        Field::Allocation { index, .. } => format!("abono-{}", allocated(index)),
        Field::Recipients(_) => "para".to_owned(),
    }
}

const fn input_of(name: LineField) -> &'static str {
    match name {
        LineField::Reference => "numero",
        LineField::Bank | LineField::Account | LineField::Tax => "cuenta",
        LineField::Date | LineField::Base => "fecha-forma",
        LineField::Method | LineField::Kind => "forma",
        LineField::Amount | LineField::Advance => "valor",
    }
}

/// Each line with its row. One that nobody touched is not a mistake, unless there is no other.
fn lines(draft: &Draft, date: Date) -> impl Iterator<Item = (usize, LineInput)> {
    let all_blank = draft.lines.iter().all(DraftLine::is_blank);
    let is_meant = move |(index, line): &(usize, &DraftLine)| !line.is_blank() || (all_blank && *index == 0);
    draft.lines.iter().enumerate().filter(is_meant).map(move |(index, line)| (index + 1, input(line, index + 1, date)))
}

fn input(line: &DraftLine, row: usize, date: Date) -> LineInput {
    let mut read = LineInput {
        method: line.method.ok_or_else(|| messages::method_missing(row)),
        amount: Money::read(&line.amount, messages::a_line_amount(row)),
        reference: None,
        bank: None,
        account: None,
        date: None,
        kind: None,
        tax: None,
        base: None,
        advance_from: None,
    };
    let Some(method) = line.method else { return read };
    let fields = method.fields();
    if fields.contains(&LineField::Reference) {
        read.reference = Some(line.reference.clone());
    }
    if fields.contains(&LineField::Bank) {
        (read.bank, read.account) = bank_and_account(&line.account);
    }
    match method {
        Method::Check => read_check(&mut read, line, date),
        Method::Withholding => {
            read.tax = line.account.split('·').next().map(str::to_owned);
            let base = Some(&line.dated).filter(|typed| !typed.trim().is_empty());
            read.base = base.map(|typed| Money::read(typed, messages::a_line_base(row)));
        }
        Method::Advance => read.advance_from = line.advance.map(Ok),
        // The till has a name and no number.
        Method::Cash => (read.bank, read.account) = (Some(line.account.clone()), None),
        Method::Transfer | Method::Deposit | Method::Card | Method::Offset => {}
    }
    read
}

/// A cheque for a day after the payment's is postdated.
fn read_check(read: &mut LineInput, line: &DraftLine, date: Date) {
    let day = Some(&line.dated).filter(|typed| !typed.is_empty()).map(|typed| calendar::parse_day(typed));
    let is_postdated = matches!(day, Some(Ok(day)) if day > date);
    read.date = day.map(|day| day.map_err(|error| error.message()));
    read.kind = Some(Ok(match line.kind {
        Some(kind @ (CheckKind::Certified | CheckKind::Cashier)) => kind,
        _ if is_postdated => CheckKind::Postdated,
        _ => CheckKind::Ordinary,
    }));
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

/// What is applied to each document. One that was settled meanwhile says so.
fn shares<'a>(draft: &'a Draft, data: &FormData, errors: &mut FormErrors) -> Vec<&'a Share> {
    let mut meant = Vec::new();
    for (index, share) in draft.shares.iter().enumerate() {
        match (share.amount.trim().is_empty(), data.closed_of(share.document)) {
            (false, _) => meant.push(share),
            // Without script a tick alone says it.
            (true, Some(closed)) => {
                let row = data.row_of(share.document).unwrap_or(index + 1);
                errors.add(format!("abono-{row}"), closed.sentence());
            }
            (true, None) => {}
        }
    }
    meant
}

impl Share {
    fn input(&self, data: &FormData) -> AllocationInput {
        let number = data.rows().find(|document| document.id == self.document).map(|one| one.facts.number.to_string());
        let name = messages::an_allocation(number.unwrap_or_default());
        AllocationInput { document: Ok(self.document), amount: Money::read(&self.amount, name) }
    }
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
