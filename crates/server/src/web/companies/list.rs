//! `/companias`: what each needs, and finding one by a few letters.

use std::collections::HashMap;

use acuse_domain::company::search::{Match, matched, place};
use acuse_domain::id::CompanyId;
use acuse_domain::mail_account::MailModule;
use acuse_domain::money::Money;
use acuse_domain::{Date, Instant};
use acuse_store::invitations::{self, Waiting};
use acuse_store::memberships::{self, Figures, Membership};
use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use chrono::{Datelike, TimeDelta};
use serde::Deserialize;

use crate::web::calendar;
use crate::web::contacts::list::Chip;
use crate::web::counted::{counted, number};
use crate::web::filters;
use crate::web::frame::Frame;
use crate::web::page::{Page, Section, shown};
use crate::web::trouble::Trouble;
use crate::web::users::day_and_hour;

/// As many as somebody remembers having entered.
const LAST: usize = 9;
/// Of what was found: who wants another types one letter more.
const MOST_FOUND: usize = 20;

#[derive(Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    cuales: String,
}

impl Default for Asked {
    fn default() -> Self {
        Self { q: String::new(), cuales: "ultimas".to_owned() }
    }
}

#[derive(Template)]
#[template(path = "companies/list.html")]
struct ListPage {
    page: Page,
    asked: Asked,
    /// In use, and archived.
    all: usize,
    archived: usize,
    /// Invitations to their address.
    waiting: Vec<Waiting>,
    chips: Vec<Chip>,
    rows: Vec<Row>,
    found: Option<Found>,
}

/// A company as the table shows it.
struct Row {
    company: CompanyId,
    legal_name: String,
    /// Where the name people know is another one.
    trade_name: Option<String>,
    ruc: String,
    is_here: bool,
    needs: Need,
    role: &'static str,
    received: Money,
    entered: String,
    entered_at: Option<Instant>,
    is_archived: bool,
}

/// What somebody has to see to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Need {
    kind: NeedKind,
    what: String,
    why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NeedKind {
    Problem,
    /// Nothing is wrong, and something is missing.
    Note,
    Nothing,
}

/// What was looked for.
struct Found {
    rows: Vec<(Marked, Row)>,
    of: usize,
}

/// A name with the letters that were typed in its middle.
struct Marked {
    before: String,
    typed: String,
    after: String,
}

impl Marked {
    fn of(typed: &str, name: &str) -> Self {
        let (from, to) = place(typed, name).unwrap_or((name.len(), name.len()));
        Self { before: name[..from].to_owned(), typed: name[from..to].to_owned(), after: name[to..].to_owned() }
    }
}

pub async fn show(frame: Frame, Query(asked): Query<Asked>) -> Result<Response, Trouble> {
    let page = frame.page(Section::Companias).await?;
    let theirs = memberships::list_any_company(&frame.app.db, frame.user).await?;
    let figures = memberships::figures_any_company(&frame.app.db, frame.user, month(page.today())).await?;
    let has_default = frame.app.default_account.is_some();
    let all: Vec<Row> = theirs.into_iter().map(|one| row(one, &figures, frame.company(), has_default, page.now)).collect();
    let typed = asked.q.trim().to_owned();
    let chips = chips(&asked, &all);
    let archived = all.iter().filter(|row| row.is_archived).count();
    let count = all.len() - archived;
    let waiting = invitations::waiting_for_any_company(&frame.app.db, frame.email(), page.now).await?;
    let (rows, found) =
        if typed.is_empty() { (chosen(&asked.cuales, all), None) } else { (Vec::new(), Some(look_for(&typed, all))) };
    Ok(shown(&ListPage { page, asked, all: count, archived, waiting, chips, rows, found }))
}

impl ListPage {
    /// «104 en las que entra Gabriela, y 2 archivadas»
    fn how_many(&self) -> String {
        let user = &self.page.user_name;
        let all = match self.all {
            0 => format!("Ninguna en la que entre {user}"),
            1 => format!("Una, en la que entra {user}"),
            all => format!("{} en las que entra {user}", number(all)),
        };
        match self.archived {
            0 => all,
            archived => format!("{all}, y {}", counted(archived, "archivada", "archivadas")),
        }
    }

    fn ends(&self, waiting: &Waiting) -> String {
        day_and_hour(waiting.ends_at)
    }
}

/// The days of this month until today.
fn month(today: Date) -> (Date, Date) {
    (today.with_day(1).unwrap_or(today), today)
}

fn row(one: Membership, figures: &HashMap<CompanyId, Figures>, here: CompanyId, has_default: bool, now: Instant) -> Row {
    let figures = figures.get(&one.company).cloned().unwrap_or_default();
    Row {
        needs: if one.is_archived { Need::nothing("Archivada") } else { Need::of(&figures, has_default) },
        company: one.company,
        trade_name: one.trade_name.filter(|trade| *trade != one.legal_name),
        legal_name: one.legal_name,
        ruc: one.ruc.to_string(),
        is_here: one.company == here,
        role: one.role.name(),
        received: figures.received,
        entered: entered(one.last_entered_at, now),
        entered_at: one.last_entered_at,
        is_archived: one.is_archived,
    }
}

fn entered(at: Option<Instant>, now: Instant) -> String {
    let Some(at) = at else { return "nunca".to_owned() };
    match calendar::today(now) - calendar::today(at) {
        days if days == TimeDelta::zero() => calendar::moment(at, now),
        days if days == TimeDelta::days(1) => "ayer".to_owned(),
        _ => calendar::day(calendar::today(at)),
    }
}

impl Need {
    fn nothing(what: &str) -> Self {
        Self { kind: NeedKind::Nothing, what: what.to_owned(), why: String::new() }
    }

    /// What weighs most comes first, and what else there is stands beside it.
    fn of(figures: &Figures, has_default: bool) -> Self {
        let undelivered = figures.undelivered;
        if let [(module, waiting), others @ ..] = figures.paused.as_slice() {
            let what = match (others.is_empty(), module) {
                (false, _) => "Sus cuentas de correo en pausa",
                (true, MailModule::ReceivedPayments) => "Cuenta de cobros en pausa",
                (true, MailModule::InvoicesAndMadePayments) => "Cuenta de pagos en pausa",
            };
            let waiting = waiting + others.iter().map(|(_, waiting)| waiting).sum::<u64>();
            let more = if undelivered.deliveries > 0 { format!(", {} más", undelivered.deliveries) } else { String::new() };
            let why = match waiting {
                0 => String::new(),
                1 => format!("1 recibo espera{more}"),
                waiting => format!("{waiting} recibos esperan{more}"),
            };
            return Self { kind: NeedKind::Problem, what: what.to_owned(), why };
        }
        if undelivered.deliveries > 0 {
            return Self { kind: NeedKind::Problem, what: undelivered_in_words(undelivered), why: String::new() };
        }
        if figures.has_account {
            return Self::nothing("Al día");
        }
        let (kind, why) = match has_default {
            true => (NeedKind::Note, "sale por el predeterminado"),
            false => (NeedKind::Problem, "nadie envía sus recibos"),
        };
        Self { kind, what: "Sin correo propio".to_owned(), why: why.to_owned() }
    }

    fn is_problem(&self) -> bool {
        self.kind == NeedKind::Problem
    }
}

fn undelivered_in_words(undelivered: acuse_store::deliveries::Undelivered) -> String {
    match (undelivered.deliveries, undelivered.bounced) {
        (1, 1) => "1 recibo rebotado".to_owned(),
        (1, _) => "1 recibo no llegó".to_owned(),
        (all, bounced) if all == bounced => format!("{all} recibos rebotados"),
        (all, _) => format!("{all} recibos no llegaron"),
    }
}

/// Which of the companies a chip shows, by its code.
const KINDS: [(&str, &str); 4] =
    [("ultimas", "Últimas"), ("atencion", "Necesitan atención"), ("todas", "Todas"), ("archivadas", "Archivadas")];

fn belongs(kind: &str, row: &Row) -> bool {
    match kind {
        "archivadas" => row.is_archived,
        "atencion" => !row.is_archived && row.needs.is_problem(),
        _ => !row.is_archived,
    }
}

fn chosen(kind: &str, all: Vec<Row>) -> Vec<Row> {
    let own = all.into_iter().filter(|row| belongs(kind, row));
    match kind {
        "todas" | "archivadas" => {
            let mut rows: Vec<Row> = own.collect();
            rows.sort_by_cached_key(|row| acuse_domain::text::folded(&row.legal_name));
            rows
        }
        "atencion" => own.collect(),
        _ => own.take(LAST).collect(),
    }
}

fn chips(asked: &Asked, all: &[Row]) -> Vec<Chip> {
    let known = KINDS.iter().any(|(code, _)| *code == asked.cuales);
    let count = |code: &str| {
        let own = all.iter().filter(|row| belongs(code, row)).count();
        if code == "ultimas" { own.min(LAST) } else { own }
    };
    let chip = |(code, word): (&'static str, &'static str)| Chip {
        href: format!("/companias?cuales={code}"),
        word,
        count: count(code) as u64,
        is_current: asked.cuales == code || !known && code == "ultimas",
    };
    KINDS.into_iter().map(chip).filter(|chip| chip.count > 0 || chip.word != "Archivadas").collect()
}

/// The best match first; of equals, where somebody was last.
fn look_for(typed: &str, all: Vec<Row>) -> Found {
    let mut rows: Vec<(Match, Row)> = all.into_iter().filter_map(|row| Some((row.matched(typed)?, row))).collect();
    rows.sort_by_key(|(found, row)| (row.is_archived, *found, std::cmp::Reverse(row.entered_at)));
    let of = rows.len();
    let marked = |(_, row): (Match, Row)| (Marked::of(typed, &row.legal_name), row);
    Found { of, rows: rows.into_iter().take(MOST_FOUND).map(marked).collect() }
}

impl Row {
    fn matched(&self, typed: &str) -> Option<Match> {
        let names: Vec<&str> = [Some(self.legal_name.as_str()), self.trade_name.as_deref()].into_iter().flatten().collect();
        matched(typed, &names, &self.ruc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acuse_store::deliveries::Undelivered;

    #[test]
    fn what_weighs_most_is_said_first() {
        let undelivered = Undelivered { deliveries: 2, bounced: 0 };
        let paused = vec![(MailModule::ReceivedPayments, 6)];
        let need = Need::of(&Figures { paused, undelivered, has_account: true, ..Figures::default() }, true);
        assert_eq!((need.what.as_str(), need.why.as_str()), ("Cuenta de cobros en pausa", "6 recibos esperan, 2 más"));
        let bounced = Figures { undelivered: Undelivered { deliveries: 1, bounced: 1 }, ..Figures::default() };
        assert_eq!(Need::of(&bounced, true).what, "1 recibo rebotado");
        assert!(!Need::of(&Figures::default(), true).is_problem() && Need::of(&Figures::default(), false).is_problem());
        assert_eq!(Need::of(&Figures { has_account: true, ..Figures::default() }, false), Need::nothing("Al día"));
    }
}
