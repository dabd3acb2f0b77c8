//! What each kind of entry says. `{}` is what it is about, `{noun}` «cobro» or «pago», `{detail}` what was noted besides.

use acuse_store::audit::Entry;
use acuse_store::events::{EventKind, SubjectKind};

const SENTENCES: [(EventKind, &str); EventKind::ALL.len()] = [
    (EventKind::PaymentRecorded, "Registró el {noun} {}"),
    (EventKind::PaymentVoided, "Anuló el {noun} {}"),
    (EventKind::ReceiptResent, "Envió el recibo de {} a {detail}"),
    (EventKind::DeliveryRetried, "Pidió reintentar el envío de {} a {detail}"),
    (EventKind::DeliveryCancelled, "Anuló el envío de {} a {detail}"),
    (EventKind::DeliveryResolved, "Dio por resuelto el envío de {} a {detail}"),
    (EventKind::ReceiptDownloaded, "Abrió el PDF de {}"),
    (EventKind::UserCreated, "Agregó a {}"),
    (EventKind::UserRoleChanged, "Cambió el rol de {}"),
    (EventKind::UserRemoved, "Quitó a {}"),
    (EventKind::UserPasswordChanged, "Cambió la contraseña de {}"),
    (EventKind::SessionsEnded, "Cerró las sesiones de {}"),
    (EventKind::TokenCreated, "Creó el token {}"),
    (EventKind::TokenRevoked, "Revocó el token {}"),
    (EventKind::UserInvited, "Invitó a {detail}"),
    (EventKind::InvitationWithdrawn, "Retiró la invitación a {detail}"),
    (EventKind::InvitationAccepted, "Aceptó la invitación: {detail}"),
    (EventKind::InvitationDeclined, "Rechazó la invitación: {detail}"),
    (EventKind::UserAddressChanged, "Cambió el correo de {}"),
    (EventKind::ResetLinkMade, "Pidió un enlace de contraseña para {}"),
    (EventKind::CompanyArchived, "Archivó la compañía"),
    (EventKind::CompanyReopened, "Reabrió la compañía"),
    (EventKind::CompanyExported, "Exportó todo lo de la compañía"),
    (EventKind::CompanyDeletionAsked, "Pidió eliminar la compañía"),
    (EventKind::CompanyDeletionCancelled, "Canceló la eliminación de la compañía"),
    (EventKind::SecondFactorOn, "Activó el segundo paso"),
    (EventKind::SecondFactorOff, "Desactivó el segundo paso de {}"),
    (EventKind::SecondFactorRequired, "Cambió a quién se pide el segundo paso"),
    (EventKind::RecoveryCodesRenewed, "Sacó códigos de recuperación nuevos"),
    (EventKind::RecoveryCodeUsed, "Usó un código de recuperación"),
    (EventKind::PasskeyAdded, "Agregó la llave {detail}"),
    (EventKind::PasskeyRemoved, "Quitó la llave {detail}"),
    (EventKind::UserRenamed, "Cambió su nombre: {detail}"),
    (EventKind::MailBounced, "Marcó rebotado a {detail}, del recibo de {}"),
    (EventKind::MailFailed, "No pudo enviar el recibo de {} a {detail}"),
    (EventKind::ContactCreated, "Agregó a {}"),
    (EventKind::ContactChanged, "Modificó a {}"),
    (EventKind::DocumentCreated, "Registró el documento {}"),
    (EventKind::CompanyCreated, "Creó la compañía {}"),
    (EventKind::CompanyChanged, "Cambió los datos de la compañía"),
    (EventKind::LogoChanged, "Cambió el logo"),
    (EventKind::LogoRemoved, "Quitó el logo"),
    (EventKind::FailurePolicyChanged, "Cambió qué pasa si una cuenta falla"),
    (EventKind::MailAccountCreated, "Agregó la cuenta {}"),
    (EventKind::MailAccountChanged, "Cambió la cuenta {}"),
    (EventKind::MailAccountConnected, "Conectó la cuenta {}"),
    (EventKind::MailAccountEnabled, "Activó la cuenta {}"),
    (EventKind::MailAccountDisabled, "Desactivó la cuenta {}"),
    (EventKind::MailAccountDeleted, "Eliminó la cuenta {}"),
    (EventKind::MailAccountChecked, "Probó la cuenta {}"),
    (EventKind::MailAccountDefaultSends, "Pidió enviar con el correo predeterminado lo que espera por {}"),
    (EventKind::MailAccountPaused, "Puso en pausa la cuenta {}"),
    (EventKind::MailAccountWorks, "Comprobó que la cuenta {} funciona otra vez"),
    (EventKind::DkimKeyMade, "Creó una clave DKIM de {}"),
    (EventKind::DkimTurnedOn, "Empezó a firmar el correo de {}"),
    (EventKind::DkimTurnedOff, "Dejó de firmar el correo de {}"),
    (EventKind::DkimKeyDeleted, "Borró una clave DKIM de {}"),
    (EventKind::LoginEntered, "Entró"),
    (EventKind::LoginWrong, "Quiso entrar como {} con otra contraseña"),
    (EventKind::LoginThrottled, "Quiso entrar como {} demasiadas veces: tuvo que esperar"),
    (EventKind::LoggedOut, "Salió"),
    (EventKind::AccessRefused, "Pidió lo que no le está permitido: {detail}"),
    (EventKind::HistoryExported, "Exportó el historial: {detail} entradas"),
];

/// A sentence with a link in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    pub before: String,
    pub subject: String,
    /// Where the subject is, if it has a page.
    pub href: Option<String>,
    pub after: String,
}

impl Sentence {
    /// What a later version wrote is shown by its code.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        let kind = EventKind::parse(&entry.code);
        let row = SENTENCES.iter().find(|(own, _)| Some(*own) == kind).map_or(entry.code.as_str(), |(_, text)| *text);
        let noun = if entry.subject_name.starts_with("RP-") { "pago" } else { "cobro" };
        let filled = |part: &str| part.replace("{noun}", noun).replace("{detail}", &entry.detail);
        match row.split_once("{}") {
            None => Self { before: filled(row), subject: String::new(), href: None, after: String::new() },
            Some((before, after)) => Self {
                before: filled(before),
                subject: entry.subject_name.clone(),
                href: href(entry).filter(|_| !entry.subject_name.is_empty()),
                after: filled(after),
            },
        }
    }

    /// For a file, where nothing is a link.
    #[must_use]
    pub fn plain(&self) -> String {
        format!("{}{}{}", self.before, self.subject, self.after)
    }
}

fn href(entry: &Entry) -> Option<String> {
    let id = entry.subject;
    Some(match entry.subject_kind? {
        SubjectKind::Payment if entry.subject_name.starts_with("RP-") => format!("/pagos/{id}"),
        SubjectKind::Payment => format!("/cobros/{id}"),
        SubjectKind::Delivery => format!("/envios?q={}", entry.subject_name),
        SubjectKind::Contact => format!("/personas/{id}"),
        SubjectKind::Document => format!("/documentos/{id}"),
        SubjectKind::MailAccount => "/mi-compania/correos".to_owned(),
        SubjectKind::Company | SubjectKind::DkimKey | SubjectKind::Person | SubjectKind::Token => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_sentence() {
        for kind in EventKind::ALL {
            assert!(SENTENCES.iter().any(|(own, _)| own == kind), "{kind:?} has no sentence");
        }
    }
}
