//! A payment as it is answered.

use acuse_domain::day_in_ecuador;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::money::Money;
use acuse_domain::payment::{DEDUCTIBLE_CASH, Direction, Doubt, Method, PaymentLine, Status, issued_after};
use acuse_mail::explanation::Language;
use acuse_store::payments::{Recorded, RecordedAllocation, Summary};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::codes;
use crate::api::deliveries::DeliveryOut;
use crate::api::warnings::Warning;

/// A recorded payment, whole.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
pub struct PaymentOut {
    #[serde(flatten)]
    summary: SummaryOut,
    /// Of `unapplied`, what later payments have not used yet; nothing is left of a voided one.
    #[schema(example = "30.00")]
    unapplied_rest: String,
    description: Option<String>,
    lines: Vec<LineOut>,
    allocations: Vec<AllocationOut>,
    recorded_at: DateTime<Utc>,
    recorded_by: String,
    warnings: Vec<Warning>,
}

/// A payment as a list shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentSummary)]
pub struct SummaryOut {
    id: Uuid,
    #[schema(example = "RC-000045")]
    number: String,
    #[schema(schema_with = codes::schema::directions)]
    direction: &'static str,
    /// `posted` or `voided`.
    status: &'static str,
    contact_id: Uuid,
    contact_name: String,
    date: NaiveDate,
    /// The sum of all lines.
    #[schema(example = "150.00")]
    total: String,
    /// The part that moved now: cash, check, transfer, deposit, card.
    #[schema(example = "150.00")]
    money: String,
    /// The sum of the allocations.
    #[schema(example = "120.00")]
    allocated: String,
    /// What stayed as anticipo.
    #[schema(example = "30.00")]
    unapplied: String,
    voided_at: Option<DateTime<Utc>>,
    void_reason: Option<String>,
    deliveries: Vec<DeliveryOut>,
}

/// One way in which it was paid; only the fields of its method are there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentLine)]
pub struct LineOut {
    #[schema(schema_with = codes::schema::methods)]
    method: &'static str,
    amount: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    bank: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    date: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = codes::schema::check_kinds)]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    tax: Option<String>,
    /// Of a withholding: what the percentage is taken of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    base: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    payment_id: Option<Uuid>,
}

/// The part that settled one document, with what it owed before and after.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Allocation)]
pub struct AllocationOut {
    document_id: Uuid,
    #[schema(schema_with = codes::schema::document_kinds)]
    kind: &'static str,
    number: String,
    previous_balance: String,
    amount: String,
    balance: String,
}

impl PaymentOut {
    pub(super) fn of(payment: Recorded, doubts: &[Doubt], deliveries: Vec<DeliveryOut>, language: Language) -> Self {
        let mut warnings = warnings(&payment, doubts, language);
        let recipients: Vec<EmailAddress> =
            deliveries.iter().map(|delivery| EmailAddress::as_kept(&delivery.recipient)).collect();
        warnings.extend(Warning::slips("recipients", &recipients, language));
        Self {
            summary: SummaryOut::of(payment.summary, deliveries),
            unapplied_rest: payment.advance_rest.plain(),
            description: payment.description,
            lines: payment.lines.into_iter().map(LineOut::of).collect(),
            allocations: payment.allocations.into_iter().map(AllocationOut::of).collect(),
            recorded_at: payment.recorded_at,
            recorded_by: payment.recorded_by,
            warnings,
        }
    }
}

fn warnings(payment: &Recorded, doubts: &[Doubt], language: Language) -> Vec<Warning> {
    let cash: Money = payment.lines.iter().filter(|line| line.method == Method::Cash).map(|line| line.amount).sum();
    let not_deductible = payment.summary.number.direction == Direction::Made && cash > DEDUCTIBLE_CASH;
    let unreadable = Warning::unreadable(payment.unreadable.clone(), language);
    let doubtful = doubts.iter().map(|doubt| Warning::of_payment(doubt, language));
    let (date, recorded_on) = (payment.summary.date, day_in_ecuador(payment.recorded_at));
    let documents = payment.allocations.iter().map(|allocation| (&allocation.number, allocation.issue_date));
    let older = issued_after(date, documents).map(|(number, issued_on)| Warning::before_document(number, issued_on, language));
    unreadable
        .chain(not_deductible.then(|| Warning::cash_not_deductible(language)))
        .chain(doubtful)
        .chain(Warning::in_future("date", date, recorded_on, language))
        .chain(older)
        .collect()
}

impl SummaryOut {
    /// Each payment with those of the deliveries that are its own.
    pub(super) fn all(payments: Vec<Summary>, mut deliveries: Vec<DeliveryOut>) -> Vec<Self> {
        let with_its_own = |payment: Summary| {
            let own = deliveries.extract_if(.., |delivery| delivery.payment_id == payment.id.0).collect();
            Self::of(payment, own)
        };
        payments.into_iter().map(with_its_own).collect()
    }

    fn of(payment: Summary, deliveries: Vec<DeliveryOut>) -> Self {
        let status = payment.status.as_str();
        let (voided_at, void_reason) = match payment.status {
            Status::Posted => (None, None),
            Status::Voided { at, reason } => (Some(at), Some(reason)),
        };
        Self {
            id: payment.id.0,
            number: payment.number.to_string(),
            direction: payment.number.direction.as_str(),
            status,
            contact_id: payment.contact.0,
            contact_name: payment.contact_name,
            date: payment.date,
            total: payment.total.plain(),
            money: payment.money.plain(),
            allocated: payment.allocated.plain(),
            unapplied: payment.unapplied.plain(),
            voided_at,
            void_reason,
            deliveries,
        }
    }
}

impl LineOut {
    fn of(line: PaymentLine) -> Self {
        Self {
            method: line.method.as_str(),
            amount: line.amount.plain(),
            reference: line.reference,
            bank: line.bank,
            account: line.account,
            date: line.date,
            kind: line.kind.map(acuse_domain::payment::CheckKind::as_str),
            tax: line.tax,
            base: line.base.map(Money::plain),
            payment_id: line.advance_from.map(|id| id.0),
        }
    }
}

impl AllocationOut {
    fn of(allocation: RecordedAllocation) -> Self {
        Self {
            document_id: allocation.document.0,
            kind: allocation.kind.as_str(),
            number: allocation.number.to_string(),
            previous_balance: allocation.previous_balance.plain(),
            amount: allocation.amount.plain(),
            balance: allocation.balance().plain(),
        }
    }
}
