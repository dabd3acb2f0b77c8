//! What looks wrong and may still be right: it is recorded, and said.

use acuse_domain::Date;
use acuse_domain::document::DocumentNumber;
use acuse_domain::email_address::EmailAddress;
use acuse_mail::explanation::Language;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Said;

/// Something to look at again. It was recorded all the same.
#[derive(Debug, Serialize, ToSchema)]
pub struct Warning {
    field: String,
    code: &'static str,
    message: String,
}

impl Warning {
    /// The SRI itself has issued RUCs whose check digit fits no formula.
    pub fn check_digit(field: &'static str, language: Language) -> Self {
        let said = Said::both(
            "El dígito verificador no corresponde; revise el número.",
            "The check digit does not fit; look at the number again.",
        );
        Self::said(field, "check_digit", &said, language)
    }

    fn said(field: impl Into<String>, code: &'static str, said: &Said, language: Language) -> Self {
        Self { field: field.into(), code, message: said.in_(language).to_owned() }
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

    fn slip(field: String, address: &EmailAddress, meant: &EmailAddress, language: Language) -> Self {
        let said = Said::both(format!("{address}: ¿quiso decir {meant}?"), format!("{address}: did you mean {meant}?"));
        Self::said(field, "address_slip", &said, language)
    }

    /// Tomorrow's date is taken from programs that run past midnight, and may be a slip.
    pub fn in_future(field: &str, date: Date, today: Date, language: Language) -> Option<Self> {
        let said = Said::both(
            format!("La fecha es posterior a la de hoy en Ecuador, {today}."),
            format!("The date is after today's in Ecuador, {today}."),
        );
        (date > today).then(|| Self::said(field, "date_in_future", &said, language))
    }

    /// One of the two dates is a slip, or an advance was paid.
    pub fn before_document(number: &DocumentNumber, issued_on: Date, language: Language) -> Self {
        let said = Said::both(
            format!("La fecha es anterior al documento {number}, emitido el {issued_on}."),
            format!("The date is before the document {number}, which was issued on {issued_on}."),
        );
        Self::said("date", "payment_before_document", &said, language)
    }

    /// What an earlier version or somebody's own SQL left in the record. It is shown as it stands and used for nothing.
    pub fn unreadable(fields: Vec<&'static str>, language: Language) -> impl Iterator<Item = Self> {
        let said = Said::both(
            "Lo guardado en este campo no se puede leer y no se usa; escríbalo de nuevo.",
            "What is kept in this field cannot be read and is not used; give it again.",
        );
        fields.into_iter().map(move |field| Self::said(field, "field_unreadable", &said, language))
    }

    /// A cash payment above USD 500 is not deductible.
    pub fn cash_not_deductible(language: Language) -> Self {
        let said = Said::both(
            "Un pago en efectivo de más de 500,00 no es deducible: se exige usar el sistema financiero.",
            "A cash payment above 500.00 is not deductible: it has to go through the financial system.",
        );
        Self::said("lines", "cash_not_deductible", &said, language)
    }

    /// What a field of dots does not show.
    pub fn password_spaces(said: &Said, language: Language) -> Self {
        Self::said("password", "password_spaces", said, language)
    }
}
