//! English for what the domain says in Spanish.

use acuse_domain::document::DocumentError;
use acuse_domain::identification::IdentificationError;
use acuse_domain::money::MoneyError;
use acuse_domain::payment::{PaymentError, VoidRefusal};

pub(super) fn payment(error: &PaymentError) -> String {
    match error {
        PaymentError::YearOutOfRange { first, last } => format!("The year goes from {first} to {last}."),
        PaymentError::DateInFuture { today } => format!("The date is in the future; today is {today}."),
        PaymentError::AdvanceExceedsRest { payment, available, asked } => {
            format!("{} is left of the advance {payment}; {} was asked for.", available.plain(), asked.plain())
        }
        PaymentError::DocumentRepeated { document } => format!("Document {document} is there twice."),
        PaymentError::DocumentOfAnother { document } => format!("Document {document} is of another contact."),
        PaymentError::DocumentOfOtherSide { document } => {
            format!("Document {document} is not settled by payments in this direction.")
        }
        PaymentError::DocumentVoided { document } => format!("Document {document} is voided."),
        PaymentError::AllocationSign { document } => {
            format!("The allocation to {document} must be above zero (below zero for a credit note).")
        }
        PaymentError::AllocationExceedsBalance { document, balance, .. } => {
            format!("The allocation to {document} exceeds its balance, which is {}.", balance.plain())
        }
        PaymentError::AllocationsExceedTotal { total, allocated } => {
            format!("The allocations add up to {} and the lines to {}.", allocated.plain(), total.plain())
        }
        PaymentError::WithholdingExceedsBase { base, amount } => {
            format!("The withholding of {} is more than its base, {}.", amount.plain(), base.plain())
        }
        PaymentError::FieldNotOfMethod { method } => format!("This field does not belong to {}.", method.as_str()),
        PaymentError::FieldMissing { method } => format!("This field is required for {}.", method.as_str()),
        plain => plain_payment(plain).to_owned(),
    }
}

fn plain_payment(error: &PaymentError) -> &'static str {
    match error {
        PaymentError::DescriptionTooLong => "The description has more than 1,000 characters.",
        PaymentError::NoLines => "At least one line is required.",
        PaymentError::TooManyLines => "There are more than 50 lines.",
        PaymentError::TooManyAllocations => "There are more than 500 allocations.",
        PaymentError::AmountNotPositive => "The amount must be above zero.",
        PaymentError::TotalTooLarge => "The total exceeds 999,999,999.99.",
        PaymentError::FieldTooLong => "It has more than 120 characters.",
        PaymentError::PostdatedWithoutDate => "A postdated check needs its date.",
        PaymentError::AdvanceNotFound => "There is no such advance.",
        PaymentError::AdvanceOfAnother => "That advance is of another contact or direction.",
        PaymentError::DocumentNotFound => "There is no such document.",
        PaymentError::CreditNotesExceedDocuments => "The credit notes exceed the documents that are settled.",
        PaymentError::AdvanceNotApplied => "The advance that is used must be allocated to documents in full.",
        _ => "The payment is not valid.",
    }
}

pub(super) const fn void(refusal: &VoidRefusal) -> &'static str {
    match refusal {
        VoidRefusal::AlreadyVoided => "The payment is voided already.",
        VoidRefusal::AdvanceInUse { .. } => "The advance that it left was used by another payment.",
        VoidRefusal::ReasonMissing => "The reason is missing.",
        VoidRefusal::ReasonTooLong => "The reason has more than 300 characters.",
    }
}

pub(super) fn document(error: DocumentError) -> String {
    let said = match error {
        DocumentError::IssueYearOutOfRange { first, last } => return format!("The year of issue goes from {first} to {last}."),
        DocumentError::DueTooLate => "It is due more than ten years after it was issued.",
        DocumentError::TotalIsZero => "The total cannot be zero.",
        DocumentError::CreditNoteMustBeNegative => "The total of a credit note is negative.",
        DocumentError::TotalMustBePositive => "The total must be positive.",
        DocumentError::DueBeforeIssue => "It is due before it was issued.",
        DocumentError::BalanceOutOfRange => "The balance lies between zero and the total.",
        DocumentError::IssueDateInFuture => "The date of issue is in the future.",
    };
    said.to_owned()
}

pub(super) const fn money(error: MoneyError) -> &'static str {
    match error {
        MoneyError::NotANumber => "It is not an amount such as \"120.00\": digits, a point and two decimals.",
        MoneyError::TooManyDecimals => "It has more than two decimals.",
        MoneyError::TooLarge => "It exceeds 999,999,999.99.",
        MoneyError::Ambiguous { .. } => "It can be read in two ways.",
    }
}

pub(super) const fn identification(error: IdentificationError) -> &'static str {
    match error {
        IdentificationError::Missing => "The identification is missing.",
        IdentificationError::RucLength => "A RUC has 13 digits.",
        IdentificationError::CedulaLength => "A cédula has 10 digits.",
        IdentificationError::Province => "The first two digits are not a province (01 to 24, or 30).",
        IdentificationError::RucSuffix => "The last three digits of a RUC cannot be 000.",
        IdentificationError::PassportShape => "It has 3 to 20 letters, digits or hyphens.",
    }
}
