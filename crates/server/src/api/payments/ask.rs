//! A payment as it is asked for.

use acuse_domain::id::{ContactId, DocumentId, PaymentId};
use acuse_domain::message::messages;
use acuse_domain::payment::{
    CheckKind, Direction, LONGEST_DESCRIPTION, MOST_ALLOCATIONS, MOST_LINES, Method, NewAllocation, NewPayment, PaymentError,
    PaymentLine,
};
use acuse_domain::text;
use acuse_store::payments::Notify;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::addresses::Addresses;
use crate::api::bounded::UpTo;
use crate::api::codes;
use crate::api::fields::{self, Fields};
use crate::problem::Problem;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPayment, example = json!({
    "direction": "received", "contact_id": "01938f2e-7c11-7a3b-9c1d-0f6f4f0a2b11", "date": "2026-11-24",
    "lines": [{ "method": "transfer", "amount": "150.00", "reference": "8812" }],
    "allocations": [{ "document_id": "01938f2e-7c12-7d20-8d9f-1f3a9a6b7c21", "amount": "120.00" }],
    "description": "Abono de noviembre", "notify": true, "recipients": ["pagos@andina.ec"]
}))]
pub struct PaymentIn {
    #[schema(required, schema_with = codes::schema::directions)]
    direction: Option<String>,
    #[schema(required, nullable = false, format = "uuid")]
    contact_id: Option<String>,
    #[schema(required, nullable = false, format = "date")]
    date: Option<String>,
    #[schema(required, nullable = false, value_type = Vec<LineIn>)]
    lines: Option<UpTo<LineIn, MOST_LINES>>,
    /// What is not allocated stays as anticipo.
    #[schema(value_type = Option<Vec<AllocationIn>>)]
    allocations: Option<UpTo<AllocationIn, MOST_ALLOCATIONS>>,
    description: Option<String>,
    /// Sends the receipt. Where absent: true if there are recipients.
    notify: Option<bool>,
    /// The contact's own addresses where absent.
    recipients: Option<Addresses>,
}

/// One way in which it was paid. Absent and null are the same; a field that does not belong to the method is refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPaymentLine)]
pub struct LineIn {
    #[schema(required, schema_with = codes::schema::methods)]
    method: Option<String>,
    #[schema(required, nullable = false)]
    amount: Option<String>,
    /// Number of the cheque, transfer, voucher or certificate.
    reference: Option<String>,
    bank: Option<String>,
    /// Kept whole, masked in receipts and mails.
    account: Option<String>,
    /// Of a cheque, the day from which it can be cashed.
    #[schema(format = "date")]
    date: Option<String>,
    /// Of a cheque.
    #[schema(schema_with = codes::schema::check_kinds)]
    kind: Option<String>,
    /// Of a withholding: `IR 1,75 %`.
    tax: Option<String>,
    /// Of a withholding: what the percentage is taken of.
    base: Option<String>,
    /// Of an advance: the earlier payment whose unapplied rest it uses.
    #[schema(format = "uuid")]
    payment_id: Option<String>,
}

/// The part of a payment that settles one document. Of a credit note, negative.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAllocation)]
pub struct AllocationIn {
    #[schema(required, nullable = false, format = "uuid")]
    document_id: Option<String>,
    #[schema(required, nullable = false)]
    amount: Option<String>,
}

impl PaymentIn {
    pub(super) fn read(self) -> Result<(NewPayment, Notify), Problem> {
        let mut fields = Fields::default();
        let direction = fields.keep("direction", fields::code(self.direction.as_deref(), Direction::parse, &codes::directions()));
        let contact = fields.keep("contact_id", fields::id(self.contact_id.as_deref()));
        let date = fields.keep("date", fields::date(self.date.as_deref()));
        let lines = lines(&mut fields, self.lines.map(|list| list.0));
        let allocations = allocations(&mut fields, self.allocations.map(|list| list.0).unwrap_or_default());
        let description = self.description.map(|typed| text::lines(&typed)).filter(|text| !text.is_empty());
        if description.as_ref().is_some_and(|text| text.chars().count() > LONGEST_DESCRIPTION) {
            fields.note("description", messages::description_too_long(LONGEST_DESCRIPTION));
        }
        let notify = notify(&mut fields, self.notify, self.recipients);
        let (Some(direction), Some(contact), Some(date)) = (direction, contact, date) else {
            return Err(fields.into_problem());
        };
        fields.check()?;
        let payment = NewPayment { direction, contact: ContactId(contact), date, lines, allocations, description };
        Ok((payment, notify))
    }
}

fn notify(fields: &mut Fields, wanted: Option<bool>, recipients: Option<Addresses>) -> Notify {
    let recipients = fields.addresses("recipients", &recipients.unwrap_or_default());
    match (wanted, recipients.is_empty()) {
        (Some(false) | None, true) => Notify::Nobody,
        (Some(true), true) => Notify::Contact,
        (Some(true) | None, false) => Notify::Addresses(recipients),
        (Some(false), false) => {
            fields.note("recipients", messages::recipients_without_notify());
            Notify::Nobody
        }
    }
}

fn lines(fields: &mut Fields, given: Option<Vec<LineIn>>) -> Vec<PaymentLine> {
    let given = fields.required("lines", given).unwrap_or_default();
    if given.len() > MOST_LINES {
        fields.note("lines", PaymentError::TooManyLines.message());
        return Vec::new();
    }
    let read = |(index, line): (usize, LineIn)| line.read(index, fields);
    given.into_iter().enumerate().filter_map(read).collect()
}

fn allocations(fields: &mut Fields, given: Vec<AllocationIn>) -> Vec<NewAllocation> {
    if given.len() > MOST_ALLOCATIONS {
        fields.note("allocations", PaymentError::TooManyAllocations.message());
        return Vec::new();
    }
    let read = |(index, allocation): (usize, AllocationIn)| allocation.read(index, fields);
    given.into_iter().enumerate().filter_map(read).collect()
}

impl LineIn {
    fn read(self, index: usize, fields: &mut Fields) -> Option<PaymentLine> {
        let at = |name: &str| format!("lines.{index}.{name}");
        let method = fields.keep(&at("method"), fields::code(self.method.as_deref(), Method::parse, &codes::methods()));
        let amount = fields.keep(&at("amount"), fields::amount(self.amount.as_deref(), messages::a_value()));
        let base = self.base.as_deref().and_then(|base| fields.keep(&at("base"), fields::amount(Some(base), messages::a_base())));
        let date = fields.optional_date(&at("date"), self.date.as_deref());
        let kind = fields.optional_code(&at("kind"), self.kind.as_deref(), CheckKind::parse, &codes::check_kinds());
        let advance_from = fields.optional_id(&at("payment_id"), self.payment_id.as_deref()).map(PaymentId);
        Some(PaymentLine {
            reference: text::optional(self.reference.as_deref()),
            bank: text::optional(self.bank.as_deref()),
            account: text::optional(self.account.as_deref()),
            date,
            kind,
            tax: text::optional(self.tax.as_deref()),
            base,
            advance_from,
            ..PaymentLine::new(method?, amount?)
        })
    }
}

impl AllocationIn {
    fn read(self, index: usize, fields: &mut Fields) -> Option<NewAllocation> {
        let document = fields.keep(&format!("allocations.{index}.document_id"), fields::id(self.document_id.as_deref()));
        let amount =
            fields.keep(&format!("allocations.{index}.amount"), fields::amount(self.amount.as_deref(), messages::a_value()));
        Some(NewAllocation { document: DocumentId(document?), amount: amount? })
    }
}
