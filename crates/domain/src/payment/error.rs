//! Why a payment is refused: each reason with what is needed to act on it, and the field it is about.

use std::fmt;

use super::line::Method;
use crate::Date;
use crate::document::DocumentNumber;
use crate::money::Money;
use crate::number::ReceiptNumber;

/// The place in the request, as the API writes it: `lines.0.amount`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Date,
    Description,
    Lines,
    Line { index: usize, name: &'static str },
    Allocations,
    Allocation { index: usize, name: &'static str },
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date => f.write_str("date"),
            Self::Description => f.write_str("description"),
            Self::Lines => f.write_str("lines"),
            Self::Line { index, name } => write!(f, "lines.{index}.{name}"),
            Self::Allocations => f.write_str("allocations"),
            Self::Allocation { index, name } => write!(f, "allocations.{index}.{name}"),
        }
    }
}

/// Its text is the Spanish that pages show; the API takes the words for its own languages from [`PaymentError::code`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaymentError {
    #[error("La fecha está en el futuro; hoy es {}.", .today.format("%d/%m/%Y"))]
    DateInFuture { today: Date },
    #[error("El año va de {first} a {last}.")]
    YearOutOfRange { first: i32, last: i32 },
    #[error("La descripción tiene más de 1.000 letras.")]
    DescriptionTooLong,
    #[error("Agregue al menos una forma.")]
    NoLines,
    #[error("Son más de 50 formas.")]
    TooManyLines,
    #[error("Son más de 500 documentos.")]
    TooManyAllocations,
    #[error("El valor debe ser mayor que cero.")]
    AmountNotPositive,
    #[error("El total supera 999.999.999,99.")]
    TotalTooLarge,
    #[error("Este dato no corresponde a {}.", .method.name())]
    FieldNotOfMethod { method: Method },
    #[error("{}", missing(*.method))]
    FieldMissing { method: Method },
    #[error("Tiene más de 120 letras.")]
    FieldTooLong,
    #[error("Falta la fecha del cheque posfechado.")]
    PostdatedWithoutDate,
    #[error("La retención de {amount} es mayor que su base, {base}.")]
    WithholdingExceedsBase { base: Money, amount: Money },
    #[error("No existe ese anticipo.")]
    AdvanceNotFound,
    #[error("Ese anticipo es de otra persona, o de un pago en vez de un cobro (o al revés).")]
    AdvanceOfAnother,
    #[error("Del anticipo {payment} quedan {available} y se usan {asked}: baje el valor.")]
    AdvanceExceedsRest { payment: ReceiptNumber, available: Money, asked: Money },
    #[error("No existe ese documento.")]
    DocumentNotFound,
    #[error("El documento {document} consta dos veces.")]
    DocumentRepeated { document: DocumentNumber },
    #[error("El documento {document} es de otra persona.")]
    DocumentOfAnother { document: DocumentNumber },
    #[error("El documento {document} no va aquí: un cobro abona lo que está por cobrar; un pago, lo que está por pagar.")]
    DocumentOfOtherSide { document: DocumentNumber },
    #[error("El documento {document} está anulado.")]
    DocumentVoided { document: DocumentNumber },
    #[error("El abono a {document} debe ser mayor que cero (negativo en una nota de crédito).")]
    AllocationSign { document: DocumentNumber },
    #[error("El abono a {document} supera su saldo: quedan {balance}.")]
    AllocationExceedsBalance { document: DocumentNumber, balance: Money, asked: Money },
    #[error("Faltan {}: suba el valor o baje los abonos.", *.allocated - *.total)]
    AllocationsExceedTotal { total: Money, allocated: Money },
    #[error("Las notas de crédito superan a los documentos que se abonan.")]
    CreditNotesExceedDocuments,
    #[error("El anticipo usado debe aplicarse entero a documentos.")]
    AdvanceNotApplied,
}

impl PaymentError {
    /// Stable, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DateInFuture { .. } => "date_in_future",
            Self::YearOutOfRange { .. } => "year_out_of_range",
            Self::DescriptionTooLong => "description_too_long",
            Self::NoLines => "lines_missing",
            Self::TooManyLines => "too_many_lines",
            Self::TooManyAllocations => "too_many_allocations",
            Self::AmountNotPositive => "amount_not_positive",
            Self::TotalTooLarge => "amount_too_large",
            Self::FieldNotOfMethod { .. } => "field_not_of_method",
            Self::FieldMissing { .. } => "field_missing",
            Self::FieldTooLong => "field_too_long",
            Self::PostdatedWithoutDate => "postdated_without_date",
            Self::WithholdingExceedsBase { .. } => "withholding_exceeds_base",
            Self::AdvanceNotFound => "advance_not_found",
            Self::AdvanceOfAnother => "advance_of_another",
            Self::AdvanceExceedsRest { .. } => "advance_exceeds_rest",
            Self::DocumentNotFound => "document_not_found",
            Self::DocumentRepeated { .. } => "document_repeated",
            Self::DocumentOfAnother { .. } => "document_of_another_contact",
            Self::DocumentOfOtherSide { .. } => "document_of_other_side",
            Self::DocumentVoided { .. } => "document_voided",
            Self::AllocationSign { .. } => "allocation_not_positive",
            Self::AllocationExceedsBalance { .. } => "allocation_exceeds_balance",
            Self::AllocationsExceedTotal { .. } => "allocations_exceed_total",
            Self::CreditNotesExceedDocuments => "credit_notes_exceed_documents",
            Self::AdvanceNotApplied => "advance_not_applied",
        }
    }
}

fn missing(method: Method) -> &'static str {
    match method {
        Method::Check => "Falta el número del cheque.",
        Method::Withholding => "Falta el impuesto o el número del certificado.",
        Method::Advance => "Falta el anticipo que se usa.",
        Method::Cash | Method::Transfer | Method::Deposit | Method::Card | Method::Offset => "Falta el número.",
    }
}

/// Every rule that a payment breaks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal(Vec<(Field, PaymentError)>);

impl Refusal {
    pub(super) fn add(&mut self, field: Field, error: PaymentError) {
        self.0.push((field, error));
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &(Field, PaymentError)> {
        self.0.iter()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons: Vec<String> = self.0.iter().map(|(field, error)| format!("{field}: {error}")).collect();
        f.write_str(&reasons.join(" "))
    }
}

impl std::error::Error for Refusal {}
