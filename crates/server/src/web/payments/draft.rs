//! A payment while somebody fills it in: everything as typed, and what the form's buttons do to it.

use acuse_domain::contact::Contact;
use acuse_domain::document::Document;
use acuse_domain::id::{ContactId, DocumentId, PaymentId};
use acuse_domain::money::Money;
use acuse_domain::payment::{Advance, CheckKind, DEDUCTIBLE_CASH, Direction, Method, PaymentLine, percentage, withheld};
use acuse_store::payments::Recorded;

use super::question::wholly_advance_key;
use crate::web::calendar;
use crate::web::once::new_key;

#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// Makes pressing Guardar twice record one payment.
    pub once: String,
    pub contact: Option<ContactId>,
    /// For whom the form was drawn: its addresses and documents are theirs.
    pub drawn_for: Option<ContactId>,
    /// What stands in the field of the person: a name, or part of one.
    pub person: String,
    pub date: String,
    pub lines: Vec<DraftLine>,
    pub shares: Vec<Share>,
    /// Documents were chosen, now or before in this form.
    pub chose_documents: bool,
    pub description: String,
    pub notify: bool,
    pub recipients: String,
    /// The addresses are shown as a field, not as text.
    pub edits_recipients: bool,
    /// Doubts that were answered with «Así es», by their keys.
    pub answered: Vec<String>,
    /// Addresses that look like slips and are right.
    pub confirmed: String,
    /// The date that is right although a document was issued after it.
    pub confirmed_date: String,
}

/// One «Forma», as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DraftLine {
    pub method: Option<Method>,
    /// Of a cheque; that it is postdated follows from its date.
    pub kind: Option<CheckKind>,
    /// Account, bank, till or tax.
    pub account: String,
    pub reference: String,
    /// The cheque's date, or the base of a withholding.
    pub dated: String,
    pub amount: String,
    /// What the form put there itself: while it stands there, nobody typed.
    pub proposed: String,
    pub advance: Option<PaymentId>,
}

/// What is typed beside one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub document: DocumentId,
    pub ticked: bool,
    pub amount: String,
}

/// What the form adds up to, as far as its amounts can be read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Totals {
    pub applied: Money,
    pub total: Money,
    pub withheld: Money,
    pub money: Money,
    pub cash: Money,
}

impl Totals {
    /// What stays as anticipo.
    #[must_use]
    pub fn unapplied(&self) -> Money {
        (self.total - self.applied).max(Money::ZERO)
    }

    /// What the documents need more than there is.
    #[must_use]
    pub fn uncovered(&self) -> Money {
        (self.applied - self.total).max(Money::ZERO)
    }

    #[must_use]
    pub fn is_cash_over(&self) -> bool {
        self.cash > DEDUCTIBLE_CASH
    }
}

impl Draft {
    #[must_use]
    pub fn new(now: acuse_domain::Instant) -> Self {
        Self { once: new_key(), date: calendar::day(calendar::today(now)), notify: true, ..Self::default() }
    }

    /// The same payment again, with today's date: for one that was voided.
    #[must_use]
    pub fn again(recorded: &Recorded, now: acuse_domain::Instant) -> Self {
        let shares = recorded.allocations.iter().map(|allocation| Share {
            document: allocation.document,
            ticked: true,
            amount: allocation.amount.to_string(),
        });
        Self {
            contact: Some(recorded.summary.contact),
            person: recorded.summary.contact_name.clone(),
            lines: recorded.lines.iter().map(DraftLine::of).collect(),
            shares: shares.collect(),
            chose_documents: !recorded.allocations.is_empty(),
            description: recorded.description.clone().unwrap_or_default(),
            ..Self::new(now)
        }
    }

    /// Begins with the person's own addresses and one empty line.
    pub fn choose(&mut self, contact: &Contact, direction: Direction) {
        let before = self.drawn_for.or(self.contact);
        let is_another = before.is_some_and(|chosen| chosen != contact.id);
        (self.contact, self.drawn_for) = (Some(contact.id), Some(contact.id));
        self.person.clone_from(&contact.details.name);
        if is_another {
            self.shares.clear();
            self.chose_documents = false;
            self.lines.retain(|line| line.method != Some(Method::Advance));
        }
        if self.lines.is_empty() {
            self.lines.push(DraftLine::empty());
        }
        let own: Vec<&str> = contact.details.receipt_recipients(direction).iter().map(|address| address.as_str()).collect();
        self.recipients = own.join(", ");
        self.notify = !own.is_empty();
        self.edits_recipients = false;
    }

    pub fn add_line(&mut self) {
        self.lines.push(DraftLine::empty());
    }

    /// `number` counts from 1, as the rows do.
    pub fn remove_line(&mut self, number: usize) {
        if (1..=self.lines.len()).contains(&number) {
            self.lines.remove(number - 1);
        }
        if self.lines.is_empty() {
            self.lines.push(DraftLine::empty());
        }
    }

    /// Fills in what follows from the rest and was not typed: a ticked document's balance, a withholding's amount, and what is
    /// left for the one form of payment that has no value.
    pub fn complete(&mut self, open: &[Document]) {
        for share in &mut self.shares {
            if let Some(document) = open.iter().find(|document| document.id == share.document) {
                share.complete(document.balance);
            }
        }
        self.lines.iter_mut().for_each(DraftLine::complete);
        self.propose_rest();
    }

    /// The one form that nobody gave a value takes what the documents still need.
    fn propose_rest(&mut self) {
        let takers = |is: fn(&DraftLine) -> bool| -> Vec<usize> {
            self.lines.iter().enumerate().filter(|(_, line)| line.takes_the_rest() && is(line)).map(|(at, _)| at).collect()
        };
        // A row that nobody touched beside others is no form of payment yet.
        let alone = self.lines.len() == 1;
        let (proposed, mut empty) = (takers(DraftLine::is_proposed), takers(DraftLine::is_empty));
        empty.retain(|at| alone || !self.lines[*at].is_blank());
        let (([taker], _) | ([], [taker])) = (&proposed[..], &empty[..]) else { return };
        let taker = *taker;
        self.lines[taker].amount.clear();
        let rest = self.totals().uncovered();
        self.lines[taker].propose(rest);
    }

    /// Takes back what nobody typed.
    fn forget_proposals(&mut self) {
        for line in self.lines.iter_mut().filter(|line| line.takes_the_rest() && line.is_proposed()) {
            line.propose(Money::ZERO);
        }
    }

    /// Takes what is `closed` out, and leaves the money where it is: nobody has to type it again, nor to say again that it is
    /// meant as anticipo.
    pub fn leave_as_advance(&mut self, closed: &[DocumentId]) {
        self.shares.retain(|share| !closed.contains(&share.document));
        self.lines.iter_mut().for_each(|line| line.proposed.clear());
        if self.shares.is_empty() {
            self.answered.push(wholly_advance_key(self.totals().total));
        }
    }

    /// Spreads what was received or paid over the documents as they fall due. Credit notes that are ticked add to it. What is
    /// not open any more stays beside them: nothing that was ticked goes in silence.
    pub fn apply_to_oldest(&mut self, open: &[Document]) {
        let credit: Money = self.shares.iter().filter(|share| share.ticked).map(Share::money).filter(|m| m.is_negative()).sum();
        let mut rest = self.totals().total - credit;
        if !rest.is_positive() {
            return;
        }
        let mut shares = Vec::with_capacity(open.len());
        for document in open {
            if document.balance.is_negative() {
                shares.extend(self.shares.iter().find(|share| share.document == document.id).cloned());
                continue;
            }
            let amount = rest.min(document.balance);
            rest -= amount;
            shares.push(Share::of(document.id, amount));
        }
        let is_open = |share: &Share| open.iter().any(|document| document.id == share.document);
        shares.extend(self.shares.iter().filter(|share| !is_open(share)).cloned());
        self.shares = shares;
    }

    /// One line for each anticipo that is not used yet, up to what the documents still need.
    pub fn use_advances(&mut self, advances: &[Advance]) {
        self.forget_proposals();
        self.lines.retain(|line| !line.is_blank());
        for advance in advances {
            if self.lines.iter().any(|line| line.advance == Some(advance.payment)) {
                continue;
            }
            let totals = self.totals();
            let needed = totals.applied - totals.total;
            let amount = if needed.is_positive() { needed.min(advance.available) } else { advance.available };
            self.lines.push(DraftLine::using(advance.payment, amount));
        }
        self.propose_rest();
    }

    /// Moves the cash into the cheque, or makes it one.
    pub fn move_cash_to_check(&mut self) {
        let cash = self.totals().cash;
        let Some(first) = self.lines.iter().position(|line| line.method == Some(Method::Cash)) else { return };
        if let Some(check) = self.lines.iter_mut().find(|line| line.method == Some(Method::Check)) {
            check.amount = (check.money() + cash).to_string();
            self.lines.retain(|line| line.method != Some(Method::Cash));
            return;
        }
        self.lines[first] = DraftLine { method: Some(Method::Check), amount: cash.to_string(), ..DraftLine::default() };
        self.lines.retain(|line| line.method != Some(Method::Cash));
    }

    #[must_use]
    pub fn totals(&self) -> Totals {
        let of = |wanted: fn(Method) -> bool| -> Money {
            self.lines.iter().filter(|line| line.method.is_some_and(wanted)).map(DraftLine::money).sum()
        };
        Totals {
            applied: self.shares.iter().map(Share::money).sum(),
            total: of(|_| true),
            withheld: of(|method| method == Method::Withholding),
            money: of(Method::is_money),
            cash: of(|method| method == Method::Cash),
        }
    }

    /// What is typed beside a document.
    #[must_use]
    pub fn share_of(&self, document: &DocumentId) -> Option<&Share> {
        self.shares.iter().find(|share| share.document == *document)
    }
}

impl DraftLine {
    /// A transfer is how most companies are paid.
    fn empty() -> Self {
        Self { method: Some(Method::Transfer), ..Self::default() }
    }

    fn using(payment: PaymentId, amount: Money) -> Self {
        Self { method: Some(Method::Advance), advance: Some(payment), amount: amount.to_string(), ..Self::default() }
    }

    fn of(line: &PaymentLine) -> Self {
        let place = [line.bank.as_deref(), line.account.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
        Self {
            method: Some(line.method),
            kind: line.kind.filter(|kind| matches!(kind, CheckKind::Certified | CheckKind::Cashier)),
            account: line.tax.clone().unwrap_or(place),
            reference: line.reference.clone().unwrap_or_default(),
            dated: line.base.map(|base| base.to_string()).or_else(|| line.date.map(calendar::day)).unwrap_or_default(),
            amount: line.amount.to_string(),
            proposed: String::new(),
            advance: line.advance_from,
        }
    }

    /// Nothing was typed into it.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        [&self.account, &self.reference, &self.dated, &self.amount].iter().all(|text| text.trim().is_empty())
            && self.advance.is_none()
    }

    #[must_use]
    pub fn money(&self) -> Money {
        read_or_zero(&self.amount)
    }

    /// `1,75` % of the base, rounded to the cent, where nobody wrote the amount.
    fn complete(&mut self) {
        if self.method != Some(Method::Withholding) || !(self.is_empty() || self.is_proposed()) {
            return;
        }
        let base = read_or_zero(&self.dated);
        match percentage(&self.account).filter(|_| base.is_positive()) {
            Some(hundredths) => self.propose(withheld(base, hundredths)),
            None => self.propose(Money::ZERO),
        }
    }

    fn propose(&mut self, amount: Money) {
        self.amount = if amount.is_positive() { amount.to_string() } else { String::new() };
        self.proposed.clone_from(&self.amount);
    }

    fn is_empty(&self) -> bool {
        self.amount.trim().is_empty()
    }

    fn is_proposed(&self) -> bool {
        !self.is_empty() && self.amount.trim() == self.proposed
    }

    /// A withholding is what its certificate says, an anticipo what there is of it.
    fn takes_the_rest(&self) -> bool {
        !matches!(self.method, Some(Method::Withholding | Method::Advance))
    }
}

impl Share {
    fn of(document: DocumentId, amount: Money) -> Self {
        let amount = if amount.is_zero() { String::new() } else { amount.to_string() };
        Self { document, ticked: !amount.is_empty(), amount }
    }

    fn complete(&mut self, balance: Money) {
        if self.ticked && self.amount.trim().is_empty() {
            self.amount = balance.to_string();
        }
        self.ticked = !self.amount.trim().is_empty();
    }

    #[must_use]
    pub fn money(&self) -> Money {
        read_or_zero(&self.amount)
    }
}

fn read_or_zero(typed: &str) -> Money {
    Money::parse_local(typed).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(method: Method, amount: &str) -> DraftLine {
        DraftLine { method: Some(method), amount: amount.to_owned(), ..DraftLine::default() }
    }

    #[test]
    fn a_withholding_is_the_percentage_of_its_base() {
        for (tax, base, amount) in [
            ("IR 1,75 % · bienes", "1.000,00", "17,50"),
            ("IVA 30%", "150", "45,00"),
            ("IR 2.75 %", "33,33", "0,92"),
            ("IR", "100", ""),
            ("IVA 30 %", "", ""),
        ] {
            let mut line = DraftLine {
                method: Some(Method::Withholding),
                account: tax.to_owned(),
                dated: base.to_owned(),
                ..DraftLine::default()
            };
            line.complete();
            assert_eq!(line.amount, amount, "{tax} of {base}");
        }
    }

    #[test]
    fn a_withholding_follows_its_base_until_somebody_writes_it() {
        let mut line = DraftLine { account: "IVA 30 %".to_owned(), dated: "100".to_owned(), ..line(Method::Withholding, "") };
        line.complete();
        line.dated = "200".to_owned();
        line.complete();
        assert_eq!(line.amount, "60,00");
        line.amount = "59,99".to_owned();
        line.dated = "300".to_owned();
        line.complete();
        assert_eq!(line.amount, "59,99");
    }

    fn applied(amount: &str) -> Share {
        Share { document: DocumentId(uuid::Uuid::nil()), ticked: true, amount: amount.to_owned() }
    }

    #[test]
    fn one_empty_form_takes_what_the_documents_need_and_two_take_nothing() {
        let amounts = |draft: &Draft| draft.lines.iter().map(|line| line.amount.clone()).collect::<Vec<_>>();
        let mut draft = Draft { lines: vec![line(Method::Transfer, "")], shares: vec![applied("662,50")], ..Draft::default() };
        draft.complete(&[]);
        assert_eq!(amounts(&draft), ["662,50"]);
        // What was proposed follows; what is typed beside it counts.
        draft.shares.push(applied("100"));
        draft.lines.push(line(Method::Withholding, "10"));
        draft.lines.push(DraftLine { account: "Caja".to_owned(), ..line(Method::Cash, "") });
        draft.complete(&[]);
        assert_eq!(amounts(&draft), ["752,50", "10", ""]);
        draft.shares = vec![applied("10")];
        draft.complete(&[]);
        assert_eq!(amounts(&draft), ["", "10", ""]);
        draft.shares = vec![applied("50")];
        draft.complete(&[]);
        assert_eq!(amounts(&draft), ["", "10", "40,00"], "the other row is blank");
        draft.lines[0].reference = "8812".to_owned();
        draft.lines[2].amount.clear();
        draft.complete(&[]);
        assert_eq!(amounts(&draft), ["", "10", ""], "two forms are empty");
        assert_eq!(draft.totals().uncovered(), Money::from_cents(4_000));
        assert_eq!(draft.totals().unapplied(), Money::ZERO);
    }

    #[test]
    fn cash_joins_the_cheque_or_becomes_one() {
        let mut draft = Draft { lines: vec![line(Method::Check, "487,50"), line(Method::Cash, "600")], ..Draft::default() };
        draft.move_cash_to_check();
        assert_eq!(draft.lines, [line(Method::Check, "1.087,50")]);
        let mut draft = Draft { lines: vec![line(Method::Cash, "600"), line(Method::Cash, "1")], ..Draft::default() };
        draft.move_cash_to_check();
        assert_eq!(draft.lines, [line(Method::Check, "601,00")]);
    }

    #[test]
    fn the_last_line_can_be_emptied_but_not_lost() {
        let mut draft = Draft { lines: vec![line(Method::Cash, "1")], ..Draft::default() };
        draft.remove_line(7);
        draft.remove_line(1);
        assert_eq!(draft.lines, [DraftLine::empty()]);
    }
}
