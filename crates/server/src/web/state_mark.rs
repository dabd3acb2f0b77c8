//! How a delivery stands, as every page shows it: a shape and the exact word; colour only repeats them.

use acuse_domain::Instant;
use acuse_domain::delivery::{Group, State};
use acuse_domain::text::lower_first;
use acuse_mail::explanation::{Context, Language, explain_recorded, in_short};
use acuse_store::deliveries::{Delivery, Resolution, Stopped, is_same_recipient};
use askama::Template;
use askama::filters::HtmlSafe;

use crate::web::{calendar, filters};

/// Printed by `{{ mark }}`: icon, word, and where given the cause in three to five words.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "_state.html")]
pub struct StateMark {
    state: &'static str,
    word: String,
    why: Option<Why>,
    /// A person has to act.
    is_problem: bool,
}

/// The cause, short enough for a row, and whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    pub short: String,
    pub whole: String,
}

impl Why {
    /// Of what did not arrive yet; nothing where nothing went wrong.
    #[must_use]
    pub fn of(delivery: &Delivery, stopped: &Stopped) -> Option<Self> {
        if matches!(delivery.state, State::Accepted | State::Cancelled) {
            return None;
        }
        let held = delivery.state.is_waiting() && stopped.holds(delivery.module, delivery.queued_at);
        match delivery.problem_code.as_deref() {
            Some(code) => Some(Self::of_problem(code)),
            None if held => Some(Self {
                short: "Espera por la cuenta".to_owned(),
                whole: "La cuenta de este módulo no envía: espera hasta que alguien la revise".to_owned(),
            }),
            None => None,
        }
    }

    #[must_use]
    pub fn of_problem(code: &str) -> Self {
        let whole = explain_recorded(code, &Context::default(), Language::Spanish).title;
        Self { short: in_short(code).to_owned(), whole }
    }
}

impl HtmlSafe for StateMark {}

impl StateMark {
    /// One delivery. `next_attempt` is told where it is waiting for one.
    #[must_use]
    pub fn of(state: State, next_attempt: Option<Instant>) -> Self {
        let word = match (state, next_attempt) {
            (State::Deferred, Some(at)) => format!("Reintentando a las {}", calendar::hour(at)),
            _ => state.word().to_owned(),
        };
        Self { state: state.as_str(), word, why: None, is_problem: state.needs_a_person() }
    }

    /// One delivery as it stands: what is over says so, and what waits for a person is a problem whatever its state.
    #[must_use]
    pub fn of_delivery(delivery: &Delivery, stopped: &Stopped) -> Self {
        let mark = Self::of(delivery.state, delivery.next_attempt_at);
        match delivery.group(stopped) {
            Group::Resolved => {
                let over = if matches!(delivery.resolution, Some(Resolution::CorrectedTo(_))) { "corregido" } else { "resuelto" };
                Self { state: "resolved", word: format!("{}, {over}", mark.word), is_problem: false, ..mark }
            }
            Group::WithProblems => Self { is_problem: true, ..mark },
            Group::UnderWay | Group::Accepted | Group::Cancelled => mark,
        }
    }

    /// A payment's deliveries: of each address what came of it last, and of these the worst stands for all, «1 de 2
    /// rebotado», with its cause; without any, «Sin envío». What is over is told only where nothing else is.
    #[must_use]
    pub fn of_payment(deliveries: &[&Delivery], stopped: &Stopped) -> Self {
        let is_over = |delivery: &Delivery| delivery.group(stopped) == Group::Resolved;
        let mut latest: Vec<&Delivery> = Vec::new();
        for delivery in deliveries.iter().rev() {
            if latest.iter().all(|later| !is_same_recipient(&later.recipient, &delivery.recipient)) {
                latest.push(delivery);
            }
        }
        if latest.iter().any(|delivery| !is_over(delivery)) {
            latest.retain(|delivery| !is_over(delivery));
        }
        let rank = |delivery: &Delivery| (delivery.group(stopped) == Group::WithProblems, severity(delivery.state));
        let Some(worst) = latest.iter().rev().max_by_key(|delivery| rank(delivery)) else { return Self::none() };
        let alike = latest.iter().filter(|delivery| rank(delivery) == rank(worst)).count();
        let mark = Self::of_delivery(worst, stopped);
        let why = if is_over(worst) { None } else { Why::of(worst, stopped) };
        let word = match alike {
            all if all == latest.len() => mark.word,
            1 => format!("1 de {} {}", latest.len(), lower_first(&mark.word)),
            several => format!("{several} de {} {}", latest.len(), plural(&lower_first(&mark.word))),
        };
        Self { word, why, ..mark }
    }

    /// None was asked for.
    #[must_use]
    pub fn none() -> Self {
        Self { state: "none", word: "Sin envío".to_owned(), why: None, is_problem: false }
    }

    /// One of the two verdicts of an account, word for word.
    #[must_use]
    pub fn verdict(ok: bool) -> Self {
        let (state, word) = if ok { ("ok", "Configuración correcta") } else { ("bad", "Configuración errónea") };
        Self { state, word: word.to_owned(), why: None, is_problem: !ok }
    }

    /// An account that nobody has tried as it stands.
    #[must_use]
    pub fn untried() -> Self {
        Self { state: "none", word: "Sin probar".to_owned(), why: None, is_problem: false }
    }

    /// Adds the cause, shown beside the word: in short, and whole in its title.
    #[must_use]
    pub fn because(self, short: impl Into<String>, whole: impl Into<String>) -> Self {
        Self { why: Some(Why { short: short.into(), whole: whole.into() }), ..self }
    }

    /// The word followed by more, in the same colour: «Aceptado por el servidor hoy 09:14».
    #[must_use]
    pub fn saying(mut self, more: &str) -> Self {
        self.word = format!("{} {more}", self.word);
        self
    }

    /// Its row gets a bar at the left: `<tr{% if mark.is_problem() %} data-problem{% endif %}>`.
    #[must_use]
    pub fn is_problem(&self) -> bool {
        self.is_problem
    }

    #[must_use]
    pub fn icon(&self) -> &'static str {
        match self.state {
            "queued" => "clock",
            "sending" => "send",
            "accepted" | "ok" | "resolved" => "circle-check",
            "deferred" => "rotate-clockwise",
            "in_doubt" => "help-circle",
            "cancelled" => "ban",
            "bounced" => "arrow-back-up",
            "none" => "minus",
            _ => "alert-octagon",
        }
    }
}

/// «fallaron», «rebotados, resueltos»: of several. What has no plural stays as it is.
fn plural(word: &str) -> String {
    const PLURALS: [(&str, &str); 5] = [
        ("falló", "fallaron"),
        ("rebotado", "rebotados"),
        ("aceptado", "aceptados"),
        ("anulado", "anulados"),
        ("resuelto", "resueltos"),
    ];
    PLURALS.into_iter().fold(word.to_owned(), |word, (one, several)| word.replace(one, several))
}

/// What a person should hear of first.
const fn severity(state: State) -> u8 {
    match state {
        State::Failed => 7,
        State::Bounced => 6,
        State::InDoubt => 5,
        State::Deferred => 4,
        State::Queued => 3,
        State::Sending => 2,
        State::Accepted => 1,
        State::Cancelled => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_its_own_shape_and_its_exact_word() {
        let at = "2026-11-24T15:42:00Z".parse().ok();
        let shown: Vec<String> = State::ALL
            .iter()
            .map(|state| StateMark::of(*state, at))
            .map(|mark| format!("{} {}", mark.icon(), mark.word))
            .collect();
        assert_eq!(
            shown,
            [
                "clock En cola",
                "send Enviando",
                "circle-check Aceptado por el servidor",
                "rotate-clockwise Reintentando a las 10:42",
                "help-circle Por confirmar",
                "alert-octagon Falló",
                "arrow-back-up Rebotado",
                "ban Anulado",
            ]
        );
    }

    #[test]
    fn several_are_told_in_the_plural() {
        for state in State::ALL {
            let several = plural(&lower_first(state.word()));
            assert!(!several.contains("ado ") && !several.ends_with("ado") && !several.contains("falló"), "{several}");
        }
        assert_eq!(plural("rebotado, resuelto"), "rebotados, resueltos");
    }

    #[test]
    fn what_a_server_said_cannot_become_markup() {
        let html = StateMark::of(State::Failed, None).because("<script>", "\"><script>").to_string();
        assert!(html.ends_with(r#"<span class="ac-why" title="&#34;&#62;&#60;script&#62;">&#60;script&#62;</span>"#), "{html}");
    }
}
