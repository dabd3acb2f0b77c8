//! The page of a sender's domain.

use acuse_domain::id::MailAccountId;
use acuse_domain::mail_account::MailAccount;
use acuse_domain::message::Language;
use acuse_mail::deliverability::{Finding, KeySeen, Record, Report, State};
use acuse_store::dkim::{DkimKey, KeyState};
use askama::Template;

use super::row::Mark;
use crate::domain_check::{DomainState, own_key};
use crate::web::page::Page;
use crate::web::{calendar, filters};
use acuse_domain::access::Permission;

/// Letters of a value on one line of its field.
const LINE: usize = 64;

#[derive(Template)]
#[template(path = "mail_accounts/domain.html")]
pub struct DomainPage {
    page: Page,
    account: MailAccountId,
    domain: String,
    sender: String,
    server: String,
    items: Vec<Item>,
    /// Nothing where no record can be added to the domain.
    signing: Option<Signing>,
    note: Option<Note>,
}

/// One finding.
struct Item {
    id: &'static str,
    name: &'static str,
    mark: Mark,
    title: String,
    meaning: String,
    found: Option<String>,
    record: Option<Fields>,
}

/// A record as fields to copy from.
struct Fields {
    id: String,
    kind: &'static str,
    /// As panels want it: without the domain.
    host: String,
    name: String,
    value: String,
    rows: usize,
    replaces: bool,
}

/// The company's own signature.
struct Signing {
    waiting: Option<Fields>,
    used: Option<KeyShown>,
    resting: Option<KeyShown>,
    sender_is_rewritten: bool,
    someone_signs: bool,
}

struct KeyShown {
    selector: String,
    since: String,
}

/// What became of a button that was pressed.
pub struct Note {
    kind: &'static str,
    icon: &'static str,
    title: String,
    text: String,
    found: Option<String>,
}

impl DomainPage {
    pub fn new(page: Page, account: &MailAccount, standing: &DomainState, report: &Report, note: Option<Note>) -> Self {
        let settings = &account.settings;
        let someone_signs = report.findings.iter().any(|finding| finding.code == "dkim_ok");
        let signing = (!standing.is_foreign()).then(|| Signing::of(standing, someone_signs, &page));
        Self {
            account: account.id,
            domain: settings.from_address.domain().to_owned(),
            sender: settings.from_address.to_string(),
            server: settings.server.clone(),
            items: report.findings.iter().map(|finding| Item::of(finding, standing.domain())).collect(),
            signing,
            note,
            page,
        }
    }

    /// The next sensible act is the only primary button.
    fn checking_is_primary(&self) -> bool {
        self.page.may(Permission::ConfigureCompany) && self.signing.as_ref().is_some_and(|signing| signing.waiting.is_some())
    }
}

impl Item {
    fn of(finding: &Finding, domain: &str) -> Self {
        let id = finding.topic.as_str();
        let word = match finding.state {
            State::Ok => "En orden",
            State::Missing => "Falta",
            State::Wrong => "Con error",
            State::Unknown => "Sin confirmar",
        };
        Self {
            id,
            name: finding.topic.name(),
            mark: Mark::new(finding.state, word.to_owned()),
            title: finding.title(Language::Spanish),
            meaning: finding.meaning(Language::Spanish),
            found: finding.found.clone(),
            record: finding.record.as_ref().map(|record| Fields::of(id, record, domain, finding.found.is_some())),
        }
    }
}

impl Fields {
    fn of(id: &str, record: &Record, domain: &str, replaces: bool) -> Self {
        Self {
            id: format!("registro-{id}"),
            kind: record.kind,
            host: record.host(domain).to_owned(),
            name: record.name.clone(),
            value: record.value.clone(),
            rows: record.value.len().div_ceil(LINE),
            replaces,
        }
    }

    fn is_long(&self) -> bool {
        self.value.len() > 255
    }
}

impl Signing {
    fn of(standing: &DomainState, someone_signs: bool, page: &Page) -> Self {
        let shown = |state, at: fn(&DkimKey) -> Option<acuse_domain::Instant>| {
            standing.key(state).map(|key| KeyShown {
                selector: key.selector.clone(),
                since: at(key).map(|at| calendar::moment(at, page.now)).unwrap_or_default(),
            })
        };
        let waiting = standing.key(KeyState::Made).map(|key| own_key(key).record(standing.domain()));
        Self {
            waiting: waiting.map(|record| Fields::of("firma", &record, standing.domain(), false)),
            used: shown(KeyState::Used, |key| key.seen_at),
            resting: shown(KeyState::Published, |key| key.seen_at),
            sender_is_rewritten: standing.sender_is_rewritten,
            someone_signs,
        }
    }
}

impl Note {
    /// Of the domain that the demo's data made up, with a server of its own.
    pub fn demo_domain() -> Self {
        Self {
            title: "Es el dominio de los datos de demostración".to_owned(),
            text: "Nadie lo registró, así que no está en el DNS: no es un error de su cuenta. Con su propio dominio se revisa de verdad."
                .to_owned(),
            ..Self::demonstration()
        }
    }

    /// Of an account whose mail nobody outside ever sees.
    pub fn demonstration() -> Self {
        Self {
            kind: "info",
            icon: "help-circle",
            title: "Su correo queda en el buzón de prueba".to_owned(),
            text: "Esta cuenta le entrega todo y nada sale de este servidor: lo que diga el DNS no impide enviar.".to_owned(),
            found: None,
        }
    }

    /// Nothing where the key was seen: the page shows that it signs.
    pub fn of(seen: KeySeen) -> Option<Self> {
        let warn = |title: &str, text: &str, found| {
            Some(Self { kind: "warn", icon: "alert-triangle", title: title.to_owned(), text: text.to_owned(), found })
        };
        match seen {
            KeySeen::Seen => None,
            KeySeen::Missing => warn(
                "El registro todavía no se ve",
                "Después de guardarlo en el DNS suele tardar de unos minutos a unas horas. Vuelva a comprobar; mientras tanto sus correos salen como antes.",
                None,
            ),
            KeySeen::Other(found) => warn(
                "En ese nombre hay otro registro",
                "Compárelo con el de abajo: suele pasar cuando el panel corta el texto largo o se copió solo una parte.",
                Some(found),
            ),
            KeySeen::NotAlone => warn(
                "Hay más de un registro en ese nombre",
                "Quien recibe puede leer cualquiera de ellos. Deje solo el de abajo y vuelva a comprobar.",
                None,
            ),
            KeySeen::Unanswered => {
                warn("El DNS no respondió", "No se sabe si el registro está. Vuelva a comprobar en unos minutos.", None)
            }
        }
    }

    pub fn foreign(domain: &str) -> Self {
        Self {
            kind: "bad",
            icon: "alert-octagon",
            title: format!("A {domain} no se le pueden agregar registros"),
            text: "Es de un proveedor de correo, que firma él mismo, o un dominio de ejemplo.".to_owned(),
            found: None,
        }
    }

    pub fn no_more_keys() -> Self {
        Self {
            kind: "bad",
            icon: "alert-octagon",
            title: "Este mes ya se crearon demasiadas claves para este dominio".to_owned(),
            text: "Siga con la que tiene, o vuelva a intentarlo el próximo mes.".to_owned(),
            found: None,
        }
    }
}
