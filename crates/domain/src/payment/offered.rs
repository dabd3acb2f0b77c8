//! What is offered where a payment is typed. Banks, tills and taxes are only suggested: any other may be written.

use super::line::{CheckKind, Method};

/// Banks, cooperatives and cards, by how often they are met.
pub const BANKS: [&str; 16] = [
    "Banco Pichincha",
    "Banco Guayaquil",
    "Produbanco",
    "Banco del Pacífico",
    "Banco Bolivariano",
    "Banco Internacional",
    "Banco del Austro",
    "Banco de Loja",
    "Banco de Machala",
    "BanEcuador",
    "Cooperativa JEP",
    "Cooperativa Policía Nacional",
    "Cooperativa Jardín Azuayo",
    "Diners Club",
    "Visa",
    "Mastercard",
];
pub const TILLS: [&str; 2] = ["Caja matriz", "Caja chica"];

/// A withholding as certificates name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsualTax {
    pub name: &'static str,
    /// Of the base, in hundredths of a percent.
    pub hundredths: i64,
}

impl UsualTax {
    pub const ALL: [Self; 10] = [
        Self { name: "IR 1 % · transporte", hundredths: 100 },
        Self { name: "IR 1,75 % · bienes", hundredths: 175 },
        Self { name: "IR 2,75 % · servicios", hundredths: 275 },
        Self { name: "IR 8 % · arriendos", hundredths: 800 },
        Self { name: "IR 10 % · honorarios", hundredths: 1_000 },
        Self { name: "IVA 10 % · bienes", hundredths: 1_000 },
        Self { name: "IVA 20 % · servicios", hundredths: 2_000 },
        Self { name: "IVA 30 % · bienes", hundredths: 3_000 },
        Self { name: "IVA 70 % · servicios", hundredths: 7_000 },
        Self { name: "IVA 100 % · honorarios", hundredths: 10_000 },
    ];
}

/// A way to pay that can be chosen: a method, or a kind of cheque. An anticipo is taken from those there are, and its date
/// makes a cheque a postdated one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodChoice {
    pub code: &'static str,
    pub method: Method,
    pub kind: Option<CheckKind>,
}

impl MethodChoice {
    pub const ALL: [Self; 9] = [
        Self::of(Method::Cash),
        Self::of(Method::Check),
        Self { code: "check:certified", method: Method::Check, kind: Some(CheckKind::Certified) },
        Self { code: "check:cashier", method: Method::Check, kind: Some(CheckKind::Cashier) },
        Self::of(Method::Transfer),
        Self::of(Method::Deposit),
        Self::of(Method::Card),
        Self::of(Method::Offset),
        Self::of(Method::Withholding),
    ];

    const fn of(method: Method) -> Self {
        Self { code: method.as_str(), method, kind: None }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.code == code)
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.kind {
            Some(kind) => kind.name(),
            None => self.method.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payment::percentage;

    #[test]
    fn a_usual_tax_is_read_as_its_percentage() {
        for tax in UsualTax::ALL {
            assert_eq!(percentage(tax.name), Some(tax.hundredths), "{}", tax.name);
        }
    }

    #[test]
    fn each_choice_has_its_own_code() {
        for choice in MethodChoice::ALL {
            assert_eq!(MethodChoice::parse(choice.code), Some(choice));
        }
    }
}
