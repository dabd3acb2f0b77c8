//! What looks wrong and may still be right: it is recorded, and said.

use acuse_domain::Date;
use acuse_domain::document::DocumentNumber;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::mail_account::MailAccountSettings;
use acuse_domain::message::{Language, Message, messages};
use acuse_domain::payment::{DEDUCTIBLE_CASH, Doubt};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Something to look at again. It was recorded all the same.
#[derive(Debug, Serialize, ToSchema)]
pub struct Warning {
    field: String,
    code: &'static str,
    message: String,
    /// The other payment, where it is about two.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    payment_id: Option<Uuid>,
}

impl Warning {
    fn new(field: impl Into<String>, message: &Message, language: Language) -> Self {
        Self { field: field.into(), code: message.code(), message: message.in_(language), payment_id: None }
    }

    /// What is probably a slip in a payment.
    pub fn of_payment(doubt: &Doubt, language: Language) -> Self {
        let field = match doubt {
            Doubt::WithholdingDisagrees { index, .. } | Doubt::WithholdingTooLarge { index, .. } => {
                format!("lines.{index}.amount")
            }
            Doubt::WithholdingUnknown { index, .. } => format!("lines.{index}.tax"),
            Doubt::WithholdingNotApplied { .. } => "allocations".to_owned(),
            Doubt::PaperTwice { index, .. } => format!("lines.{index}.reference"),
            Doubt::LikelyTwin(_) => String::new(),
        };
        let payment_id = if let Doubt::LikelyTwin(twin) = doubt { Some(twin.payment.0) } else { None };
        Self { payment_id, ..Self::new(field, &doubt.message(|index| index + 1), language) }
    }

    /// The SRI itself has issued RUCs whose check digit fits no formula.
    pub fn check_digit(field: &'static str, language: Language) -> Self {
        Self::new(field, &messages::check_digit(), language)
    }

    /// Each address that looks like a slip, beside its place: `emails.0`.
    pub fn slips<'a>(field: &str, addresses: impl IntoIterator<Item = &'a EmailAddress>, language: Language) -> Vec<Self> {
        let slip = |(index, address): (usize, &EmailAddress)| Self::slip_in(&format!("{field}.{index}"), Some(address), language);
        addresses.into_iter().enumerate().filter_map(slip).collect()
    }

    /// The same where there is one address or none.
    pub fn slip_in(field: &str, address: Option<&EmailAddress>, language: Language) -> Option<Self> {
        let (address, meant) = (address?, address?.meant()?);
        Some(Self::new(field, &messages::address_slip(address, &meant), language))
    }

    /// Those of a mail account.
    pub fn slips_of_account(settings: &MailAccountSettings, language: Language) -> impl Iterator<Item = Self> + use<> {
        let slips = [
            Self::slip_in("from_address", Some(&settings.from_address), language),
            Self::slip_in("reply_to", settings.reply_to.as_ref(), language),
            Self::slip_in("bcc", settings.bcc.as_ref(), language),
        ];
        slips.into_iter().flatten()
    }

    /// Tomorrow's date is taken from programs that run past midnight, and may be a slip.
    pub fn in_future(field: &str, date: Date, today: Date, language: Language) -> Option<Self> {
        (date > today).then(|| Self::new(field, &messages::date_after_today(today), language))
    }

    /// One of the two dates is a slip, or an advance was paid.
    pub fn before_document(number: &DocumentNumber, issued_on: Date, language: Language) -> Self {
        Self::new("date", &messages::payment_before_document(number, issued_on), language)
    }

    /// What an earlier version or somebody's own SQL left in the record. It is shown as it stands and used for nothing.
    pub fn unreadable(fields: Vec<&'static str>, language: Language) -> impl Iterator<Item = Self> {
        fields.into_iter().map(move |field| Self::new(field, &messages::field_unreadable(), language))
    }

    pub fn cash_not_deductible(language: Language) -> Self {
        Self::new("lines", &messages::cash_not_deductible(DEDUCTIBLE_CASH), language)
    }

    /// What a field of dots does not show.
    pub fn password_spaces(remark: &Message, language: Language) -> Self {
        Self::new("password", remark, language)
    }
}
