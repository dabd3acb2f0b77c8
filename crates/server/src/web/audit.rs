//! `/mi-compania/historial`: who did what to what, when and from where, and what was before.

pub mod export;
pub mod refused;
pub mod sentences;

use acuse_domain::{Date, Instant};
use acuse_store::audit::{self, Doer, Entry, Filter, LastCheck, Who};
use acuse_store::events::EventKind;
use acuse_store::{Line, Page as Slice};
use askama::Template;
use axum::response::Response;
use axum_extra::extract::Query;
use chrono::{TimeDelta, TimeZone, Utc};
use serde::Deserialize;
use uuid::Uuid;

use self::sentences::Sentence;
use crate::web::counted::{counted, number};
use crate::web::date_range::DateRange;
use crate::web::frame::Frame;
use crate::web::page::{Page, Section, shown};
use crate::web::pager::Pager;
use crate::web::trail::{ROWS, Trail, id_of};
use crate::web::trouble::Trouble;
use crate::web::{calendar, filters};
use acuse_domain::access::Permission;

const PATH: &str = "/mi-compania/historial";
/// Entries that are counted: who has more of them filters, and a count would take longer with every year.
const MOST_COUNTED: u64 = 10_000;

/// Entries by what they are about: as the address says it, what it is called, and the first words of their codes.
const GROUPS: [(&str, &str, &[&str]); 7] = [
    ("cobros", "Cobros y pagos", &["payment"]),
    ("envios", "Envíos", &["receipt", "delivery", "mail"]),
    ("personas", "Personas y documentos", &["contact", "document"]),
    ("correos", "Correos", &["mail_account", "dkim"]),
    ("compania", "Compañía", &["company", "history"]),
    ("usuarios", "Usuarios y tokens", &["user", "invitation", "token"]),
    ("entradas", "Entradas, salidas y rechazos", &["login", "access"]),
];

/// Who is nobody of the company: as the address says it, and what they are called.
const OTHERS: [(&str, &str); 3] = [("acuse", "Acuse"), ("operator", "Operador"), ("unknown", "Sin identificar")];

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct AuditQuery {
    q: String,
    desde: String,
    hasta: String,
    quien: String,
    que: String,
    tras: Vec<Uuid>,
}

/// GET `/mi-compania/historial`
pub async fn list(frame: Frame, Query(asked): Query<AuditQuery>) -> Result<Response, Trouble> {
    let (db, company, filter) = (&frame.app.db, frame.company(), asked.filter());
    let count = audit::count_up_to(db, company, &filter, MOST_COUNTED).await?;
    // One more than is shown: whether there is a next page.
    let slice = Slice { after: asked.tras.last().copied(), limit: ROWS + 1 };
    let mut lines = audit::list(db, company, &filter, slice).await?;
    let most = usize::try_from(ROWS).unwrap_or(usize::MAX);
    let more = lines.len().saturating_sub(most);
    lines.truncate(most);
    let trail = asked.trail(PATH);
    let until = ROWS * asked.tras.len() as u64 + lines.len() as u64;
    let pager = trail.pager(lines.last().map(|line| id_of(line, |entry| entry.id)), lines.len(), until + more as u64);
    let page = frame.page(Section::MiCompania).await?;
    let view = AuditPage {
        rows: lines.into_iter().map(|line| line.map(|entry| Row::of(entry, page.now))).collect(),
        doers: audit::doers(db, company).await?,
        check: audit::find_check(db, company).await?,
        export: asked.trail("/mi-compania/historial.csv").with(&[]),
        count: if count > MOST_COUNTED { None } else { Some(count) },
        pager,
        page,
        asked,
    };
    Ok(shown(&view))
}

impl AuditQuery {
    fn filter(&self) -> Filter {
        Filter {
            looked_for: sentences::looked_for(&self.q),
            from: self.days().first().and_then(midnight),
            until: self.days().last().and_then(|day| midnight(day.succ_opt()?)),
            who: self.who(),
            words: GROUPS.iter().find(|(code, ..)| *code == self.que).map_or(&[], |(.., words)| words),
        }
    }

    fn who(&self) -> Option<Who> {
        let other = OTHERS.iter().find(|(code, _)| *code == self.quien).map(|(code, _)| Who::OfKind(code));
        other.or_else(|| self.quien.parse().ok().map(Who::Known))
    }

    fn trail<'a>(&'a self, path: &'a str) -> Trail<'a> {
        let filters = vec![
            ("q", self.q.as_str()),
            ("desde", &self.desde),
            ("hasta", &self.hasta),
            ("quien", &self.quien),
            ("que", &self.que),
        ];
        Trail { path, filters, behind: &self.tras }
    }

    fn is_filtered(&self) -> bool {
        [&self.q, &self.desde, &self.hasta, &self.quien, &self.que].iter().any(|text| !text.trim().is_empty())
    }

    fn days(&self) -> DateRange<'_> {
        DateRange { from: &self.desde, until: &self.hasta }
    }
}

/// When a day begins in Ecuador.
fn midnight(day: Date) -> Option<Instant> {
    Some(Utc.from_utc_datetime(&day.and_hms_opt(0, 0, 0)?) + TimeDelta::hours(5))
}

/// An address, or where it is Acuse's own machine.
fn source(entry: &Entry) -> String {
    let own = if matches!(entry.who_kind.as_str(), "acuse" | "operator") { "servidor" } else { "" };
    entry.source.clone().unwrap_or_else(|| own.to_owned())
}

struct Row {
    when: String,
    who: String,
    /// `token`, or nothing.
    sub: &'static str,
    sentence: Sentence,
    source: String,
    entry: Entry,
}

impl Row {
    fn of(entry: Entry, now: Instant) -> Self {
        let is_token = entry.who_kind == "token";
        Self {
            when: when(entry.at, now),
            who: entry.who.strip_prefix("API: ").filter(|_| is_token).unwrap_or(&entry.who).to_owned(),
            sub: if is_token { "token" } else { "" },
            sentence: Sentence::of(&entry),
            source: source(&entry),
            entry,
        }
    }

    /// Where they wanted to go, beside the words for it.
    fn path(&self) -> Option<&str> {
        if self.entry.code != EventKind::AccessRefused.as_str() {
            return None;
        }
        self.entry.detail.split_once(' ').map(|(_, path)| path)
    }

    fn is_nobody(&self) -> bool {
        matches!(self.entry.who_kind.as_str(), "acuse" | "unknown")
    }
}

/// `hoy 10:31:07`, `ayer 22:15:33`, `22/11/2026 09:00:01`
fn when(at: Instant, now: Instant) -> String {
    let (day, today) = (calendar::today(at), calendar::today(now));
    let named = match (today - day).num_days() {
        0 => "hoy".to_owned(),
        1 => "ayer".to_owned(),
        _ => calendar::day(day),
    };
    format!("{named} {}", calendar::second(at))
}

#[derive(Template)]
#[template(path = "audit/list.html")]
struct AuditPage {
    page: Page,
    asked: AuditQuery,
    rows: Vec<Line<Row>>,
    doers: Vec<Doer>,
    check: Option<LastCheck>,
    export: String,
    /// None: more than [`MOST_COUNTED`].
    count: Option<u64>,
    pager: Pager,
}

impl AuditPage {
    /// `214`, or «más de 10.000»
    fn how_many(&self) -> String {
        self.count.map_or_else(|| format!("más de {}", number(MOST_COUNTED)), number)
    }

    fn groups(&self) -> [(&'static str, &'static str, &'static [&'static str]); GROUPS.len()] {
        GROUPS
    }

    fn others(&self) -> [(&'static str, &'static str); OTHERS.len()] {
        OTHERS
    }

    fn is_doer(&self, doer: &Doer) -> bool {
        self.asked.quien == doer.id.to_string()
    }

    fn check_words(&self, check: &LastCheck) -> String {
        let moment = calendar::moment(check.at, self.page.now);
        match &check.fault {
            None => {
                format!("Sin alteraciones: {} {moment}", counted(check.entries, "entrada comprobada", "entradas comprobadas"))
            }
            Some(fault) => format!("Alterado, comprobado {moment}: {fault}"),
        }
    }
}
