//! A payment as it is asked for.

use acuse_domain::id::{ContactId, DocumentId, PaymentId};
use acuse_domain::input::payment::{AllocationInput, LineInput, PaymentInput};
use acuse_domain::message::messages;
use acuse_domain::payment::{CheckKind, Direction, MOST_ALLOCATIONS, MOST_LINES, Method};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::addresses::Addresses;
use crate::api::bounded::UpTo;
use crate::api::codes;
use crate::api::fields;

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
    #[schema(schema_with = codes::nullable::check_kinds)]
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

impl From<PaymentIn> for PaymentInput {
    fn from(sent: PaymentIn) -> Self {
        let recipients = sent.recipients.map(|list| list.0).filter(|list| !list.is_empty());
        Self {
            direction: fields::code(sent.direction.as_deref(), Direction::parse, &codes::directions()),
            contact: fields::id(sent.contact_id.as_deref()).map(ContactId),
            date: fields::date(sent.date.as_deref()),
            lines: sent.lines.map(|list| list.0.into_iter().enumerate().map(LineIn::input).collect()),
            allocations: sent.allocations.map(|list| list.0.into_iter().map(AllocationInput::from).collect()).unwrap_or_default(),
            description: sent.description.unwrap_or_default(),
            notify: sent.notify,
            recipients,
        }
    }
}

impl LineIn {
    fn input((index, sent): (usize, Self)) -> LineInput {
        let row = index + 1;
        LineInput {
            method: fields::code(sent.method.as_deref(), Method::parse, &codes::methods()),
            amount: fields::amount(sent.amount.as_deref(), messages::a_line_amount(row)),
            reference: sent.reference,
            bank: sent.bank,
            account: sent.account,
            date: sent.date.map(|date| fields::date(Some(&date))),
            kind: sent.kind.map(|kind| fields::code(Some(&kind), CheckKind::parse, &codes::check_kinds())),
            tax: sent.tax,
            base: sent.base.map(|base| fields::amount(Some(&base), messages::a_line_base(row))),
            advance_from: sent.payment_id.map(|id| fields::id(Some(&id)).map(PaymentId)),
        }
    }
}

impl From<AllocationIn> for AllocationInput {
    fn from(sent: AllocationIn) -> Self {
        Self {
            document: fields::id(sent.document_id.as_deref()).map(DocumentId),
            amount: fields::amount(sent.amount.as_deref(), messages::a_value()),
        }
    }
}
