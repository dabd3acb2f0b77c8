//! A person's card as it is typed: what was understood, what is doubtful, what is wrong.

use acuse_domain::contact::{ContactDetails, MOST_ADDRESSES, Purpose};
use acuse_domain::email_address::{EmailAddress, parse_list};
use acuse_domain::identification::IdentificationType;
use acuse_domain::input::contact::{ContactInput, Field};
use serde::Deserialize;

use crate::web::carried::Carried;
use crate::web::conflict::{self, Editing, ShownField, Slot};
use crate::web::form_errors::FormErrors;
use crate::web::slips::Slips;

/// The fields of the form; every one may be missing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ContactForm {
    pub tipo: String,
    pub numero: String,
    pub nombre: String,
    pub cliente: Option<String>,
    pub proveedor: Option<String>,
    pub plazo: String,
    pub correos: String,
    pub correos_cobros: String,
    pub correos_pagos: String,
    pub correos_facturas: String,
    pub correos_retenciones: String,
    pub direccion: String,
    pub telefono: String,
    /// Makes saving a new person twice keep one.
    pub clave: String,
    /// Of the card that it was made from; empty for a new person.
    pub version: String,
    /// What stood in it then.
    pub antes: String,
    /// The form that waits for this person (web/carried.rs).
    pub lleva_a: String,
    pub lleva: String,
    /// Addresses that look like slips and are right.
    pub asi_es: String,
    /// Which button: `guardar`, `volver` to the form that waits, or an answer about an address. Empty while the page only checks.
    pub accion: String,
}

/// One line of addresses, as the page shows it.
pub struct AddressLine {
    /// Its `id` and its `name`.
    pub field: &'static str,
    pub word: &'static str,
    pub what: &'static str,
    pub when_empty: &'static str,
    pub value: String,
    /// What was understood: the addresses, where there are several or something else stands around them.
    pub understood: Option<String>,
    /// One that looks like a slip, and what was probably meant.
    pub doubt: Option<(EmailAddress, EmailAddress)>,
}

impl Editing for ContactForm {
    fn slots(&mut self) -> Vec<(&'static str, Slot<'_>)> {
        vec![
            ("tipo", Slot::Text(&mut self.tipo)),
            ("numero", Slot::Text(&mut self.numero)),
            ("nombre", Slot::Text(&mut self.nombre)),
            ("cliente", Slot::Tick(&mut self.cliente)),
            ("proveedor", Slot::Tick(&mut self.proveedor)),
            ("plazo", Slot::Text(&mut self.plazo)),
            ("correos", Slot::Text(&mut self.correos)),
            ("correos_cobros", Slot::Text(&mut self.correos_cobros)),
            ("correos_pagos", Slot::Text(&mut self.correos_pagos)),
            ("correos_facturas", Slot::Text(&mut self.correos_facturas)),
            ("correos_retenciones", Slot::Text(&mut self.correos_retenciones)),
            ("direccion", Slot::Text(&mut self.direccion)),
            ("telefono", Slot::Text(&mut self.telefono)),
        ]
    }
}

impl ContactForm {
    #[must_use]
    pub fn of(details: &ContactDetails, version: i64) -> Self {
        let by_purpose = &details.emails_by_purpose;
        let ticked = |is: bool| is.then(|| "1".to_owned());
        let mut form = Self {
            tipo: details.identification.kind().as_str().to_owned(),
            numero: details.identification.number().to_owned(),
            nombre: details.name.clone(),
            cliente: ticked(details.is_customer),
            proveedor: ticked(details.is_supplier),
            plazo: details.credit_days.map(|days| days.to_string()).unwrap_or_default(),
            correos: joined(&details.emails),
            correos_cobros: joined(by_purpose.of(Purpose::ReceivedPayments)),
            correos_pagos: joined(by_purpose.of(Purpose::MadePayments)),
            correos_facturas: joined(by_purpose.of(Purpose::Invoices)),
            correos_retenciones: joined(by_purpose.of(Purpose::Withholdings)),
            direccion: details.address.clone().unwrap_or_default(),
            telefono: details.phone.clone().unwrap_or_default(),
            version: version.to_string(),
            ..Self::default()
        };
        form.antes = conflict::snapshot(&mut form);
        form
    }

    /// The payment or document that waits for this person.
    #[must_use]
    pub fn carried(&self) -> Option<Carried> {
        Carried::back(&self.lleva_a, &self.lleva, "")
    }

    /// As it is read beside another one of the same card.
    #[must_use]
    pub fn shown(self) -> Vec<ShownField> {
        let kind = self.kind();
        let is = match (self.cliente, self.proveedor) {
            (Some(_), Some(_)) => "Cliente y proveedor",
            (Some(_), None) => "Cliente",
            (None, _) => "Proveedor",
        };
        let fields = [
            ("tipo", "Identificación", if kind == IdentificationType::Other { "Otra" } else { kind.name() }.to_owned()),
            ("numero", "Número", self.numero),
            ("nombre", "Razón social o nombres", self.nombre),
            ("cliente", "Es", is.to_owned()),
            ("plazo", "Plazo", self.plazo),
            ("correos", "Correos para todo", self.correos),
            ("correos_cobros", "Correos para cobros", self.correos_cobros),
            ("correos_pagos", "Correos para pagos", self.correos_pagos),
            ("correos_facturas", "Correos para facturas", self.correos_facturas),
            ("correos_retenciones", "Correos para retenciones", self.correos_retenciones),
            ("direccion", "Dirección", self.direccion),
            ("telefono", "Teléfono", self.telefono),
        ];
        fields.into_iter().map(|(field, label, value)| ShownField { field, label, value }).collect()
    }

    /// The type chosen, or what the number looks like.
    #[must_use]
    pub fn kind(&self) -> IdentificationType {
        self.input().kind(None).unwrap_or(IdentificationType::Ruc)
    }

    #[must_use]
    pub fn lines(&self, slips: &Slips) -> [AddressLine; 5] {
        const ELSE_ALL: &str = "Si está vacío, se usa «para todo»";
        let line = |field, word, what, when_empty, typed| line(field, word, what, when_empty, typed, slips);
        [
            line("correos", "Correos", "para todo", "Si está vacío, no recibe nada por correo", &self.correos),
            line("correos_cobros", "Cobros", "recibos de cobro", ELSE_ALL, &self.correos_cobros),
            line("correos_pagos", "Pagos", "recibos de pago a proveedor", ELSE_ALL, &self.correos_pagos),
            line("correos_facturas", "Facturas", "documentos electrónicos", ELSE_ALL, &self.correos_facturas),
            line("correos_retenciones", "Retenciones", "comprobantes de retención", ELSE_ALL, &self.correos_retenciones),
        ]
    }

    /// Presses «Corregir» or «Así es», where one of them was pressed.
    pub fn answer(&mut self, slips: &mut Slips) {
        let mut fields = [
            ("correos", &mut self.correos),
            ("correos_cobros", &mut self.correos_cobros),
            ("correos_pagos", &mut self.correos_pagos),
            ("correos_facturas", &mut self.correos_facturas),
            ("correos_retenciones", &mut self.correos_retenciones),
        ];
        slips.press(&mut self.accion, &mut fields);
    }

    /// The card, or every reason why it is none: addresses that look like slips among them.
    pub fn read_asking(&self, slips: &Slips) -> Result<ContactDetails, FormErrors> {
        let details = self.read();
        let mut errors = details.as_ref().err().cloned().unwrap_or_default();
        for line in self.lines(slips) {
            slips.ask(line.field, &line.value, "guardar", &mut errors);
        }
        if errors.is_empty() { details } else { Err(errors) }
    }

    /// The card, or every reason why it is none.
    pub fn read(&self) -> Result<ContactDetails, FormErrors> {
        self.input().read().map_err(|errors| FormErrors::of_input(errors, id_of))
    }

    fn input(&self) -> ContactInput {
        let list = |typed: &String| Some(vec![typed.clone()]);
        ContactInput {
            name: Some(self.nombre.clone()),
            identification_type: Some(self.tipo.clone()),
            identification: Some(self.numero.clone()),
            is_customer: Some(self.cliente.is_some()),
            is_supplier: Some(self.proveedor.is_some()),
            address: Some(self.direccion.clone()),
            phone: Some(self.telefono.clone()),
            credit_days: Some(self.plazo.clone()),
            emails: list(&self.correos),
            emails_by_purpose: [&self.correos_cobros, &self.correos_pagos, &self.correos_facturas, &self.correos_retenciones]
                .map(list),
        }
    }
}

const fn id_of(field: Field) -> &'static str {
    match field {
        Field::Name => "nombre",
        Field::IdentificationType => "tipo",
        Field::Identification => "numero",
        Field::IsCustomer => "cliente",
        Field::Address => "direccion",
        Field::Phone => "telefono",
        Field::CreditDays => "plazo",
        Field::Emails(_) => "correos",
        Field::EmailsFor(Purpose::ReceivedPayments, _) => "correos_cobros",
        Field::EmailsFor(Purpose::MadePayments, _) => "correos_pagos",
        Field::EmailsFor(Purpose::Invoices, _) => "correos_facturas",
        Field::EmailsFor(Purpose::Withholdings, _) => "correos_retenciones",
    }
}

fn line(
    field: &'static str,
    word: &'static str,
    what: &'static str,
    when_empty: &'static str,
    typed: &str,
    slips: &Slips,
) -> AddressLine {
    let understood = match parse_list(typed, MOST_ADDRESSES) {
        Ok(addresses) if addresses.len() > 1 || addresses.iter().any(|address| address.as_str() != typed.trim()) => {
            let all: Vec<&str> = addresses.iter().map(EmailAddress::as_str).collect();
            let count = if all.len() == 1 { "1 dirección".to_owned() } else { format!("{} direcciones", all.len()) };
            Some(format!("{count}: {}", all.join(", ")))
        }
        _ => None,
    };
    let doubt = slips.found_in(typed);
    AddressLine { field, word, what, when_empty, value: typed.to_owned(), understood, doubt }
}

fn joined(addresses: &[EmailAddress]) -> String {
    addresses.iter().map(EmailAddress::as_str).collect::<Vec<_>>().join("; ")
}
