//! «¿Quiso decir pagos@gmail.com?», asked wherever an address is typed: before anything is saved or sent, and once.
//!
//! A form carries what was confirmed in its hidden field `asi_es` (`{{ errors.remembered() }}`); the buttons «Corregir» and
//! «Así es» stand under the field (`errors.under`) and go on with what was asked for.

use acuse_domain::contact::MOST_ADDRESSES;
use acuse_domain::email_address::slip::first_slip;
use acuse_domain::email_address::{EmailAddress, parse_list};

use super::form_errors::FormErrors;

/// Addresses that one form may confirm: each of its lists, whole.
const MOST_CONFIRMED: usize = 6 * MOST_ADDRESSES;

/// What is known of the addresses of one form.
#[derive(Debug, Clone, Default)]
pub struct Slips {
    confirmed: Vec<EmailAddress>,
    /// They stand on record already: whoever saved them was asked.
    known: Vec<EmailAddress>,
}

impl Slips {
    #[must_use]
    pub fn of(asi_es: &str, known: Vec<EmailAddress>) -> Self {
        Self { confirmed: parse_list(asi_es, MOST_CONFIRMED).unwrap_or_default(), known }
    }

    /// Presses «Corregir» or «Así es» (`corregir para:ana@gmial.com guardar`): the address that was asked about is changed or
    /// confirmed, and no other; what was asked for before stands in `action` again. Any other action is left alone.
    pub fn press(&mut self, action: &mut String, fields: &mut [(&str, &mut String)]) {
        let pressed = action.clone();
        let (answer, rest) = pressed.split_once(' ').unwrap_or_default();
        let (question, then) = rest.split_once(' ').unwrap_or((rest, ""));
        let (field, asked_about) = question.split_once(':').unwrap_or((question, ""));
        let typed = fields.iter_mut().find(|(own, _)| *own == field).map(|(_, typed)| typed);
        match (answer, typed) {
            ("corregir", Some(typed)) => self.put_right(typed, asked_about),
            ("asi-es", Some(typed)) => self.confirm(typed, asked_about),
            _ => return,
        }
        then.clone_into(action);
    }

    fn put_right(&self, typed: &mut String, asked_about: &str) {
        let Some((slip, meant)) = self.asked(typed, asked_about) else { return };
        let Ok(addresses) = parse_list(typed, MOST_ADDRESSES) else { return };
        let right = |address: &EmailAddress| if *address == slip { meant.to_string() } else { address.to_string() };
        *typed = addresses.iter().map(right).collect::<Vec<_>>().join("; ");
    }

    fn confirm(&mut self, typed: &str, asked_about: &str) {
        self.confirmed.extend(self.asked(typed, asked_about).map(|(address, _)| address));
    }

    /// What is answered. The field may have been changed since the question.
    fn asked(&self, typed: &str, asked_about: &str) -> Option<(EmailAddress, EmailAddress)> {
        self.found_in(typed).filter(|(slip, _)| asked_about.is_empty() || slip.as_str() == asked_about)
    }

    /// The first address that looks like a slip and was not confirmed, and what was probably meant.
    #[must_use]
    pub fn found_in(&self, typed: &str) -> Option<(EmailAddress, EmailAddress)> {
        let settled = [&self.confirmed[..], &self.known[..]].concat();
        first_slip(&parse_list(typed, MOST_ADDRESSES).ok()?, &settled)
    }

    /// Notes the question beside its field. `then` is the `accion` that either answer goes on with.
    pub fn ask(&self, field: &str, typed: &str, then: &str, errors: &mut FormErrors) {
        if let Some((typed, meant)) = self.found_in(typed) {
            errors.doubt(field, format!("Escribió {typed}. ¿Quiso decir {meant}?"), format!("{field}:{typed} {then}"));
        }
    }

    /// For the form's hidden field.
    #[must_use]
    pub fn confirmed(&self) -> String {
        self.confirmed.iter().map(EmailAddress::as_str).collect::<Vec<_>>().join(";")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_goes_on_with_what_was_asked_for() {
        let typed = "Ana <ana@gmial.com>, juan@hotmail.con";
        let mut slips = Slips::of("", Vec::new());
        let mut errors = FormErrors::default();
        slips.ask("para", typed, "guardar", &mut errors);
        assert_eq!(errors.of("para"), Some("Escribió ana@gmial.com. ¿Quiso decir ana@gmail.com?"));

        let (mut action, mut para) = ("asi-es para guardar".to_owned(), typed.to_owned());
        slips.press(&mut action, &mut [("para", &mut para)]);
        assert_eq!((action.as_str(), para.as_str()), ("guardar", typed));
        assert_eq!(slips.confirmed(), "ana@gmial.com");

        let mut again = Slips::of(&slips.confirmed(), Vec::new());
        let mut action = "corregir para guardar".to_owned();
        again.press(&mut action, &mut [("para", &mut para)]);
        assert_eq!((action.as_str(), para.as_str()), ("guardar", "ana@gmial.com; juan@hotmail.com"));
        assert_eq!(again.found_in(&para), None);
    }

    #[test]
    fn an_answer_changes_only_the_address_that_was_asked_about() {
        let mut slips = Slips::of("", Vec::new());
        let (mut action, mut para) = ("corregir para:a@gmial.com guardar".to_owned(), "a@gmial.com, b@hotmail.con".to_owned());
        slips.press(&mut action, &mut [("para", &mut para)]);
        assert_eq!((action.as_str(), para.as_str()), ("guardar", "a@gmail.com; b@hotmail.con"));
        for answer in ["corregir", "asi-es"] {
            let mut action = format!("{answer} para:a@gmial.com guardar");
            slips.press(&mut action, &mut [("para", &mut para)]);
            assert!(slips.found_in(&para).is_some(), "the field holds another one by now");
        }
    }

    #[test]
    fn what_stands_on_record_is_not_asked_and_another_action_stays() {
        let slips = Slips::of("", vec!["ANA@gmial.com".parse().unwrap()]);
        assert_eq!(slips.found_in("ana@gmial.com"), None);
        for other in ["", "guardar", "corregir", "asi-es nada guardar", "corregir-para"] {
            let (mut action, mut para) = (other.to_owned(), "b@gmial.com".to_owned());
            slips.clone().press(&mut action, &mut [("para", &mut para)]);
            assert_eq!((action.as_str(), para.as_str()), (other, "b@gmial.com"));
        }
    }
}
