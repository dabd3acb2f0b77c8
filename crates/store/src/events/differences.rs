//! Two states of a record as changes, by the names that its form has.

use acuse_domain::access::Role;
use acuse_domain::company::CompanyProfile;
use acuse_domain::contact::ContactDetails;
use acuse_domain::document::NewDocument;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::failure_policy::{FailurePolicy, OnFailure};
use acuse_domain::mail_account::MailAccountSettings;

use super::Changes;

fn listed(addresses: &[EmailAddress]) -> String {
    addresses.iter().map(EmailAddress::as_str).collect::<Vec<_>>().join(", ")
}

/// A field as the history calls it, and how its value is read.
type Field<T> = (&'static str, fn(&T) -> String);

/// `before` is none where the record begins.
fn each<T>(before: Option<&T>, after: &T, fields: &[Field<T>]) -> Changes {
    let add = |changes: Changes, (name, text): &(&str, fn(&T) -> String)| {
        changes.field(name, before.map(text).unwrap_or_default(), text(after))
    };
    fields.iter().fold(Changes::new(), add)
}

pub(crate) fn of_contact(before: Option<&ContactDetails>, after: &ContactDetails) -> Changes {
    let roles = |one: &ContactDetails| match (one.is_customer, one.is_supplier) {
        (true, true) => "cliente y proveedor".to_owned(),
        (true, false) => "cliente".to_owned(),
        (false, true) => "proveedor".to_owned(),
        (false, false) => String::new(),
    };
    let fields: [Field<ContactDetails>; 11] = [
        ("Nombre", |one| one.name.clone()),
        ("Identificación", |one| format!("{} {}", one.identification.kind().name(), one.identification.number())),
        ("Es", roles),
        ("Dirección", |one| one.address.clone().unwrap_or_default()),
        ("Teléfono", |one| one.phone.clone().unwrap_or_default()),
        ("Días de crédito", |one| one.credit_days.map(|days| days.to_string()).unwrap_or_default()),
        ("Correos", |one| listed(&one.emails)),
        ("Cobros", |one| listed(&one.emails_by_purpose.received_payments)),
        ("Pagos", |one| listed(&one.emails_by_purpose.made_payments)),
        ("Facturas", |one| listed(&one.emails_by_purpose.invoices)),
        ("Retenciones", |one| listed(&one.emails_by_purpose.withholdings)),
    ];
    each(before, after, &fields)
}

pub(crate) fn of_company(before: Option<&CompanyProfile>, after: &CompanyProfile) -> Changes {
    let fields: [Field<CompanyProfile>; 6] = [
        ("Razón social", |one| one.legal_name.clone()),
        ("Nombre comercial", |one| one.trade_name.clone().unwrap_or_default()),
        ("Dirección", |one| one.address.clone().unwrap_or_default()),
        ("Ciudad", |one| one.city.clone().unwrap_or_default()),
        ("Teléfono", |one| one.phone.clone().unwrap_or_default()),
        ("Correo", |one| one.email.as_ref().map(ToString::to_string).unwrap_or_default()),
    ];
    each(before, after, &fields)
}

pub(crate) fn of_document(document: &NewDocument) -> Changes {
    let facts = &document.facts;
    Changes::new()
        .set("Documento", format!("{} {}", facts.kind.name(), facts.number))
        .set("Emisión", facts.issue_date.format("%d/%m/%Y"))
        .set("Vence", facts.due_date.format("%d/%m/%Y"))
        .set("Total", facts.total)
        .set("Saldo", document.balance)
        .optional("Detalle", None::<&str>, facts.detail.as_deref())
}

/// Not the password: that stands in nobody's hands.
pub(crate) fn of_mail_account(before: Option<&MailAccountSettings>, after: &MailAccountSettings) -> Changes {
    let fields: [Field<MailAccountSettings>; 9] = [
        ("Para", |one| one.module.name().to_owned()),
        ("Servidor", |one| one.server.clone()),
        ("Puerto", |one| one.port.to_string()),
        ("TLS", |one| one.security.name().to_owned()),
        ("Usuario", |one| one.username.clone()),
        ("Nombre del remitente", |one| one.from_name.clone()),
        ("Remitente", |one| one.from_address.to_string()),
        ("Responder a", |one| one.reply_to.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("Copia oculta", |one| one.bcc.as_ref().map(ToString::to_string).unwrap_or_default()),
    ];
    each(before, after, &fields)
}

pub(crate) fn of_role(before: Option<Role>, after: Role) -> Changes {
    Changes::new().field("Rol", before.map(Role::name).unwrap_or_default(), after.name())
}

pub(crate) fn of_failure_policy(before: &FailurePolicy, after: &FailurePolicy) -> Changes {
    let fields: [Field<FailurePolicy>; 2] = [
        ("Si falla", |one| match one.on_failure {
            OnFailure::Wait => "esperar".to_owned(),
            OnFailure::UseDefault { after } => format!("usar el correo predeterminado después de {} h", after.get()),
        }),
        ("Avisar a", |one| listed(&one.notify)),
    ];
    each(Some(before), after, &fields)
}
