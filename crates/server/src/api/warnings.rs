//! What looks wrong and may still be right: it is recorded, and said.

use acuse_mail::explanation::Language;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Said;

/// Something to look at again. It was recorded all the same.
#[derive(Debug, Serialize, ToSchema)]
pub struct Warning {
    field: &'static str,
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
        Self { field, code: "check_digit", message: said.in_(language).to_owned() }
    }

    /// What an earlier version or somebody's own SQL left in the record. It is shown as it stands and used for nothing.
    pub fn unreadable(fields: Vec<&'static str>, language: Language) -> impl Iterator<Item = Self> {
        let said = Said::both(
            "Lo guardado en este campo no se puede leer y no se usa; escríbalo de nuevo.",
            "What is kept in this field cannot be read and is not used; give it again.",
        );
        let message = said.in_(language).to_owned();
        fields.into_iter().map(move |field| Self { field, code: "field_unreadable", message: message.clone() })
    }

    /// A cash payment above USD 500 is not deductible.
    pub fn cash_not_deductible(language: Language) -> Self {
        let said = Said::both(
            "Un pago en efectivo de más de 500,00 no es deducible: se exige usar el sistema financiero.",
            "A cash payment above 500.00 is not deductible: it has to go through the financial system.",
        );
        Self { field: "lines", code: "cash_not_deductible", message: said.in_(language).to_owned() }
    }

    /// What a field of dots does not show.
    pub fn password_spaces(said: &Said, language: Language) -> Self {
        Self { field: "password", code: "password_spaces", message: said.in_(language).to_owned() }
    }
}
