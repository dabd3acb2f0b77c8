//! What is probably a slip, as the form asks about it: it saves once every question is answered with «Así es».

use acuse_domain::message::Language;
use acuse_domain::money::Money;
use acuse_domain::payment::{Doubt, Likeness, Twin, paper};

use super::Book;
use crate::web::calendar;

pub struct Question {
    /// What comes back when it is ticked.
    pub key: String,
    /// The `id` of its field; empty where it is about the whole.
    pub field: String,
    pub head: &'static str,
    pub words: String,
    /// The other payment, by its number, and where it is.
    pub link: Option<(String, String)>,
}

impl Question {
    /// `row` is where a line stands in the form, from 1.
    #[must_use]
    pub fn of(book: Book, doubt: Doubt, row: impl Fn(usize) -> usize) -> Self {
        let key = doubt.key();
        let (field, head) = match doubt {
            Doubt::WithholdingDisagrees { index, .. } | Doubt::WithholdingTooLarge { index, .. } => {
                (format!("valor-{}", row(index)), "La retención no cuadra:")
            }
            Doubt::WithholdingUnknown { index, .. } => (format!("cuenta-{}", row(index)), "Falta el porcentaje:"),
            Doubt::WithholdingNotApplied { .. } => ("abono-1".to_owned(), "Retención sin documento:"),
            Doubt::PaperTwice { index, .. } => (format!("numero-{}", row(index)), "Parece repetido:"),
            Doubt::LikelyTwin(_) => (String::new(), "Parece repetido:"),
        };
        let (words, link) = match &doubt {
            Doubt::LikelyTwin(twin) => (twin_words(twin), Some((twin.number.to_string(), book.page_of(twin.payment)))),
            doubt => (doubt.message(row).within(Language::Spanish), None),
        };
        Self { key, field, head, words, link }
    }

    /// Documents were chosen in the form, and now none takes anything.
    #[must_use]
    pub fn wholly_advance(book: Book, total: Money, row: usize) -> Self {
        Self {
            key: wholly_advance_key(total),
            field: format!("valor-{row}"),
            head: "Quedaría todo como anticipo:",
            words: format!(
                "se marcaron documentos y este {} ya no abona a ninguno; {total} quedarían como anticipo.",
                book.noun()
            ),
            link: None,
        }
    }
}

/// Names the question with its figure: after a change it is asked again.
#[must_use]
pub fn wholly_advance_key(total: Money) -> String {
    format!("wholly_advance {}", total.plain())
}

fn twin_words(twin: &Twin) -> String {
    let (day, hour) = (calendar::today(twin.recorded_at), calendar::hour(twin.recorded_at));
    let is_today = day == calendar::today(acuse_store::now());
    let when = if is_today { format!("de hoy {hour}") } else { format!("del {} a las {hour}", calendar::day(day)) };
    let recorded = format!("{}, {when}, por {}", twin.number, twin.recorded_by);
    match twin.likeness {
        Likeness::Figures => format!("la misma persona, fecha y valor están en {recorded}."),
        Likeness::Paper(method) => format!("{} ya está en {recorded}.", paper(method).within(Language::Spanish)),
    }
}
