//! How a delivery stands, as every page shows it: a shape and the exact word; colour only repeats them.

use acuse_domain::Instant;
use acuse_domain::delivery::State;
use askama::Template;
use askama::filters::HtmlSafe;

use crate::web::{calendar, filters};

/// Printed by `{{ mark }}`: icon, word, and where given the cause in three to five words.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "_state.html")]
pub struct StateMark {
    state: &'static str,
    word: String,
    why: Option<String>,
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
        Self { state: state.as_str(), word, why: None }
    }

    /// A payment's deliveries: the worst stands for all, «1 de 2 rebotado»; without any, «Sin envío».
    #[must_use]
    pub fn of_all(deliveries: &[(State, Option<Instant>)]) -> Self {
        let Some(&(worst, next)) = deliveries.iter().max_by_key(|(state, _)| severity(*state)) else { return Self::none() };
        let alike = deliveries.iter().filter(|(state, _)| *state == worst).count();
        if alike == deliveries.len() {
            return Self::of(worst, next);
        }
        let word = Self::of(worst, next).word;
        Self { state: worst.as_str(), word: format!("{alike} de {} {}", deliveries.len(), lower_first(&word)), why: None }
    }

    /// None was asked for.
    #[must_use]
    pub fn none() -> Self {
        Self { state: "none", word: "Sin envío".to_owned(), why: None }
    }

    /// One of the two verdicts of an account, word for word.
    #[must_use]
    pub fn verdict(ok: bool) -> Self {
        let (state, word) = if ok { ("ok", "Configuración correcta") } else { ("bad", "Configuración errónea") };
        Self { state, word: word.to_owned(), why: None }
    }

    /// An account that nobody has tried as it stands.
    #[must_use]
    pub fn untried() -> Self {
        Self { state: "none", word: "Sin probar".to_owned(), why: None }
    }

    /// Adds the cause, shown beside the word.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
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
        matches!(self.state, "bounced" | "failed" | "bad")
    }

    #[must_use]
    pub fn icon(&self) -> &'static str {
        match self.state {
            "queued" => "clock",
            "sending" => "send",
            "accepted" | "ok" => "circle-check",
            "deferred" => "rotate-clockwise",
            "in_doubt" => "help-circle",
            "cancelled" => "ban",
            "bounced" => "arrow-back-up",
            "none" => "minus",
            _ => "alert-octagon",
        }
    }
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

fn lower_first(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
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
    fn a_payment_shows_its_worst_delivery() {
        let of = |states: &[State]| StateMark::of_all(&states.iter().map(|state| (*state, None)).collect::<Vec<_>>());
        assert_eq!(of(&[State::Accepted, State::Bounced]).word, "1 de 2 rebotado");
        assert_eq!(of(&[State::Accepted, State::Queued, State::Queued]).word, "2 de 3 en cola");
        assert_eq!(of(&[State::Accepted, State::Accepted]).word, "Aceptado por el servidor");
        assert_eq!(of(&[]).word, "Sin envío");
        assert!(of(&[State::Accepted, State::Failed]).is_problem());
        assert!(!of(&[State::Deferred]).is_problem());
    }

    #[test]
    fn what_a_server_said_cannot_become_markup() {
        let html = StateMark::of(State::Failed, None).because("<script>").to_string();
        assert!(html.ends_with(r#"<span class="ac-why">&#60;script&#62;</span>"#), "{html}");
    }
}
