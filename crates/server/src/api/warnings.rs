//! What looks wrong and may still be right: it is recorded, and said.

use acuse_domain::Date;
use acuse_domain::document::DocumentNumber;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::mail_account::MailAccountSettings;
use acuse_domain::payment::Doubt;
use acuse_mail::explanation::Language;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::LocalizedText;

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
    fn new(field: impl Into<String>, code: &'static str, said: &LocalizedText, language: Language) -> Self {
        Self { field: field.into(), code, message: said.in_(language).to_owned(), payment_id: None }
    }

    /// What is probably a slip in a payment.
    pub fn of_payment(doubt: &Doubt, language: Language) -> Self {
        let amount = |index: &usize| format!("lines.{index}.amount");
        let (field, said) = match doubt {
            Doubt::WithholdingDisagrees { index, tax, base, amount: given, expected } => (
                amount(index),
                LocalizedText::new(
                    format!("{tax} de {base} son {expected}, y se indicó {given}."),
                    format!("{tax} of {} is {}, and {} was given.", base.plain(), expected.plain(), given.plain()),
                ),
            ),
            Doubt::WithholdingTooLarge { index, tax, documents, amount: given, most } => (
                amount(index),
                LocalizedText::new(
                    format!("{tax} de los documentos, {documents}, son {most} como máximo, y se indicó {given}."),
                    format!(
                        "{tax} of the documents, {}, is {} at most, and {} was given.",
                        documents.plain(),
                        most.plain(),
                        given.plain()
                    ),
                ),
            ),
            Doubt::WithholdingNotApplied { rest } => (
                "allocations".to_owned(),
                LocalizedText::new(
                    format!("{rest} de la retención no se aplican a ningún documento: quedan como anticipo."),
                    format!("{} of the withholding settle no document: they stay as an advance.", rest.plain()),
                ),
            ),
            Doubt::PaperTwice { index, earlier, reference, .. } => (
                format!("lines.{index}.reference"),
                LocalizedText::new(
                    format!("Parece repetido: {reference} ya está en lines.{earlier}."),
                    format!("It looks repeated: {reference} stands in lines.{earlier} already."),
                ),
            ),
            Doubt::LikelyTwin(twin) => (
                String::new(),
                LocalizedText::new(
                    format!("Parece repetido: {} es igual, registrado por {}.", twin.number, twin.recorded_by),
                    format!("It looks like {}, which was recorded by {}.", twin.number, twin.recorded_by),
                ),
            ),
        };
        let warning = Self::new(field, doubt.code(), &said, language);
        match doubt {
            Doubt::LikelyTwin(twin) => Self { payment_id: Some(twin.payment.0), ..warning },
            _ => warning,
        }
    }

    /// The SRI itself has issued RUCs whose check digit fits no formula.
    pub fn check_digit(field: &'static str, language: Language) -> Self {
        let said = LocalizedText::new(
            "El dígito verificador no coincide; revise el número.",
            "The check digit does not fit; look at the number again.",
        );
        Self::new(field, "check_digit", &said, language)
    }

    /// Each address that looks like a slip, beside its place: `emails.0`.
    pub fn slips<'a>(field: &str, addresses: impl IntoIterator<Item = &'a EmailAddress>, language: Language) -> Vec<Self> {
        let slip = |(index, address): (usize, &EmailAddress)| {
            let field = format!("{field}.{index}");
            address.meant().map(|meant| Self::slip(field, address, &meant, language))
        };
        addresses.into_iter().enumerate().filter_map(slip).collect()
    }

    /// The same where there is one address or none.
    pub fn slip_in(field: &str, address: Option<&EmailAddress>, language: Language) -> Option<Self> {
        let meant = address?.meant()?;
        Some(Self::slip(field.to_owned(), address?, &meant, language))
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

    fn slip(field: String, address: &EmailAddress, meant: &EmailAddress, language: Language) -> Self {
        let said = LocalizedText::new(format!("{address}: ¿quiso decir {meant}?"), format!("{address}: did you mean {meant}?"));
        Self::new(field, "address_slip", &said, language)
    }

    /// Tomorrow's date is taken from programs that run past midnight, and may be a slip.
    pub fn in_future(field: &str, date: Date, today: Date, language: Language) -> Option<Self> {
        let said = LocalizedText::new(
            format!("La fecha es posterior a la de hoy en Ecuador, {today}."),
            format!("The date is after today's in Ecuador, {today}."),
        );
        (date > today).then(|| Self::new(field, "date_in_future", &said, language))
    }

    /// One of the two dates is a slip, or an advance was paid.
    pub fn before_document(number: &DocumentNumber, issued_on: Date, language: Language) -> Self {
        let said = LocalizedText::new(
            format!("La fecha es anterior al documento {number}, emitido el {issued_on}."),
            format!("The date is before the document {number}, which was issued on {issued_on}."),
        );
        Self::new("date", "payment_before_document", &said, language)
    }

    /// What an earlier version or somebody's own SQL left in the record. It is shown as it stands and used for nothing.
    pub fn unreadable(fields: Vec<&'static str>, language: Language) -> impl Iterator<Item = Self> {
        let said = LocalizedText::new(
            "Lo guardado en este campo no se puede leer y no se usa; escríbalo de nuevo.",
            "What is kept in this field cannot be read and is not used; give it again.",
        );
        fields.into_iter().map(move |field| Self::new(field, "field_unreadable", &said, language))
    }

    /// A cash payment above USD 500 is not deductible.
    pub fn cash_not_deductible(language: Language) -> Self {
        let said = LocalizedText::new(
            "Un pago en efectivo de más de 500,00 no es deducible: se exige usar el sistema financiero.",
            "A cash payment above 500.00 is not deductible: it has to go through the financial system.",
        );
        Self::new("lines", "cash_not_deductible", &said, language)
    }

    /// What a field of dots does not show.
    pub fn password_spaces(said: &LocalizedText, language: Language) -> Self {
        Self::new("password", "password_spaces", said, language)
    }
}
