//! What each kind of entry says. `{}` is what it is about, `{noun}` «cobro» or «pago», `{detail}` what was noted besides,
//! `{besides}` the same after a colon where there is any, `{entries}` the same as a number of entries, `{act}` the same as an
//! act that was refused.

use acuse_domain::text::folded;
use acuse_store::audit::{Entry, SaidOf, Word};
use acuse_store::events::{EventKind, SubjectKind};

use super::refused;
use crate::web::counted::counted;

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
    (EventKind::UserPasswordChanged, "Cambió la contraseña de {}{besides}"),
    (EventKind::SessionsEnded, "Cerró las sesiones de {}"),
    (EventKind::TokenCreated, "Creó el token {}"),
    (EventKind::TokenRevoked, "Revocó el token {}{besides}"),
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
    (EventKind::StepWrong, "Escribió bien la contraseña de {}, y no el segundo paso"),
    (EventKind::NotConfirmed, "En la sesión abierta de {}, no pudo confirmar quién es"),
    (EventKind::LoginThrottled, "Quiso entrar como {} demasiadas veces: tuvo que esperar"),
    (EventKind::LoggedOut, "Salió"),
    (EventKind::AccessRefused, "Quiso {act}: no se le permite"),
    (EventKind::HistoryExported, "Exportó el historial: {entries}"),
];

const PLACES: [&str; 6] = ["{}", "{noun}", "{detail}", "{besides}", "{entries}", "{act}"];
/// Words of one search: each is one more condition.
const MOST_WORDS: usize = 20;
/// What stands around a word and not in it.
const AROUND: [char; 7] = ['«', '»', '"', ',', ';', ':', '→'];

/// What was typed, word by word, with what the page says of entries that do not hold it themselves.
#[must_use]
pub fn looked_for(typed: &str) -> Vec<Word> {
    let typed = folded(typed);
    let words = typed.split_whitespace().map(|word| word.trim_matches(AROUND)).filter(|word| !word.is_empty());
    words.take(MOST_WORDS).map(|word| Word { letters: word.to_owned(), said_of: said_of(word) }).collect()
}

fn said_of(word: &str) -> Vec<SaidOf> {
    let is_in = |words: &str| folded(words).contains(word);
    let own = |template: &str| PLACES.iter().fold(template.to_owned(), |text, place| text.replace(place, " "));
    let kinds = SENTENCES.iter().filter(|(_, template)| is_in(&own(template))).map(|(kind, _)| SaidOf::Kind(*kind));
    let nouns = [("cobro", "RC-%"), ("pago", "RP-%")].into_iter().filter(|(noun, _)| is_in(noun));
    let with_noun = SENTENCES.iter().filter(|(_, template)| template.contains("{noun}"));
    let named = nouns.flat_map(|(_, name)| with_noun.clone().map(move |(kind, _)| SaidOf::Named(*kind, name)));
    let counts = SENTENCES.iter().filter(|(_, template)| template.contains("{entries}") && is_in("entradas"));
    let counts = counts.map(|(kind, _)| SaidOf::Kind(*kind));
    let refusals = refused::noted_of(is_in).into_iter().map(|noted| SaidOf::Noted(EventKind::AccessRefused, noted));
    let besides = [
        ("token", SaidOf::By("token")),
        ("servidor", SaidOf::By("acuse")),
        ("servidor", SaidOf::By("operator")),
        ("rechazado", SaidOf::Refused),
    ];
    let besides = besides.into_iter().filter(|(words, _)| is_in(words)).map(|(_, said)| said);
    kinds.chain(named).chain(counts).chain(refusals).chain(besides).collect()
}

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
        let entries = counted(entry.detail.as_str(), "entrada", "entradas");
        let act = refused::in_words(&entry.detail);
        let besides = if entry.detail.is_empty() { String::new() } else { format!(": {}", entry.detail) };
        let filled = |part: &str| {
            let part = part.replace("{noun}", noun).replace("{entries}", &entries).replace("{act}", &act);
            part.replace("{detail}", &entry.detail).replace("{besides}", &besides)
        };
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

    fn entry(code: &str, name: &str, detail: &str) -> Entry {
        Entry {
            id: uuid::Uuid::nil(),
            at: acuse_store::now(),
            code: code.to_owned(),
            who: "Ana".to_owned(),
            who_kind: "user".to_owned(),
            subject: uuid::Uuid::nil(),
            subject_kind: None,
            subject_name: name.to_owned(),
            detail: detail.to_owned(),
            changes: acuse_store::events::Changes::new(),
            source: None,
            was_refused: false,
        }
    }

    #[test]
    fn every_word_of_a_sentence_finds_its_kind() {
        for kind in EventKind::ALL {
            let noted = if *kind == EventKind::AccessRefused { "GET /mi-compania/usuarios" } else { "1" };
            let sentence = Sentence::of(&entry(kind.as_str(), "RP-000007", noted)).plain();
            for word in looked_for(&sentence.to_uppercase()) {
                let is_its_own = ["rp-000007", "1"].contains(&word.letters.as_str());
                let is_said = word.said_of.iter().any(|said| match said {
                    SaidOf::Kind(own) | SaidOf::Named(own, "RP-%") | SaidOf::Noted(own, _) => own == kind,
                    _ => false,
                });
                assert!(is_its_own || is_said, "«{}» of «{sentence}» does not find it", word.letters);
            }
        }
    }

    #[test]
    fn what_was_counted_or_refused_is_said_in_words() {
        let said = |code, detail| Sentence::of(&entry(code, "", detail)).plain();
        assert_eq!(said("history.exported", "1"), "Exportó el historial: 1 entrada");
        assert_eq!(said("token.revoked", "se filtró"), "Revocó el token : se filtró");
        assert_eq!(said("token.revoked", ""), "Revocó el token ");
        assert_eq!(said("history.exported", "18204"), "Exportó el historial: 18.204 entradas");
        assert_eq!(said("access.refused", "GET /mi-compania/usuarios"), "Quiso ver los usuarios: no se le permite");
    }
}
