//! What is asked once before a payment is recorded: an address that looks like a slip, a date before a document's.

use acuse_domain::document::Document;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::payment::{NewPayment, issued_after};

use super::draft::Draft;
use super::new::FormData;
use super::parse_form::ParsedForm;
use crate::web::calendar;
use crate::web::form_errors::FormErrors;
use crate::web::slips::Slips;

/// What either answer goes on with.
const SAVE: &str = "guardar";
const DATE: &str = "fecha";

pub struct Doubts<'a> {
    data: &'a FormData,
}

impl<'a> Doubts<'a> {
    pub const fn of(data: &'a FormData) -> Self {
        Self { data }
    }

    /// The addresses of the person's card were asked about when it was saved.
    fn slips(&self, draft: &Draft) -> Slips {
        let known = self.data.contact.iter().flat_map(|contact| contact.details.addresses()).cloned();
        Slips::of(&draft.confirmed, known.collect())
    }

    /// What is asked of «Para» before anything is saved.
    pub fn slip(&self, draft: &Draft) -> Option<(EmailAddress, EmailAddress)> {
        self.slips(draft).found_in(&draft.recipients).filter(|_| draft.notify)
    }

    /// Presses «Corregir» or «Así es». Gives the action that goes on.
    pub fn answer(&self, mut action: String, draft: &mut Draft) -> String {
        let mut slips = self.slips(draft);
        slips.press(&mut action, &mut [("para", &mut draft.recipients)]);
        draft.confirmed = slips.confirmed();
        match action.as_str() {
            "asi-es fecha guardar" => {
                draft.confirmed_date.clone_from(&draft.date);
                SAVE.to_owned()
            }
            // The date stands in its field, which has the focus.
            "corregir fecha guardar" => String::new(),
            _ => action,
        }
    }

    /// Every question that was not answered yet.
    pub fn about(&self, asked: &ParsedForm, draft: &Draft) -> FormErrors {
        let mut doubts = FormErrors::default();
        if draft.confirmed_date != draft.date
            && let Some(question) = older_than_its_document(&asked.payment, &self.data.open)
        {
            doubts.doubt(DATE, question, format!("{DATE} {SAVE}"));
        }
        if draft.notify {
            self.slips(draft).ask("para", &draft.recipients, SAVE, &mut doubts);
        }
        doubts
    }
}

fn older_than_its_document(payment: &NewPayment, open: &[Document]) -> Option<String> {
    let is_paid = |document: &&Document| payment.allocations.iter().any(|allocation| allocation.document == document.id);
    let paid = open.iter().filter(is_paid).map(|document| (&document.facts.number, document.facts.issue_date));
    let (number, issued_on) = issued_after(payment.date, paid).next()?;
    let (date, issued_on) = (calendar::day(payment.date), calendar::day(issued_on));
    Some(format!("La fecha {date} es anterior al documento {number}, emitido el {issued_on}. ¿Es correcta?"))
}
