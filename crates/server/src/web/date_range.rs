//! Desde and Hasta over a list.

use acuse_domain::Date;
use acuse_domain::text::lower_first;

use crate::web::calendar;

/// The days of a list, as they were typed.
#[derive(Debug, Clone, Copy)]
pub struct DateRange<'a> {
    pub from: &'a str,
    pub until: &'a str,
}

impl DateRange<'_> {
    #[must_use]
    pub fn first(self) -> Option<Date> {
        calendar::parse_day(self.from).ok()
    }

    #[must_use]
    pub fn last(self) -> Option<Date> {
        calendar::parse_day(self.until).ok()
    }

    /// What is wrong with them: «Desde no se aplica: 31/02/2026 no existe.»
    #[must_use]
    pub fn faults(self) -> Vec<String> {
        let wrong = |(name, typed): (&str, &str)| {
            let error = calendar::parse_day(typed).err().filter(|_| !typed.trim().is_empty())?;
            Some(format!("{name} no se aplica: {}", lower_first(&error.to_string())))
        };
        let turned = self.is_turned().then(|| "Desde es posterior a Hasta: entre las dos no hay ningún día.".to_owned());
        [("Desde", self.from), ("Hasta", self.until)].into_iter().filter_map(wrong).chain(turned).collect()
    }

    /// ` is-invalid` for a field whose day is no day, or comes after the other.
    #[must_use]
    pub fn class(self, typed: &str) -> &'static str {
        let is_no_day = !typed.trim().is_empty() && calendar::parse_day(typed).is_err();
        if is_no_day || self.is_turned() { " is-invalid" } else { "" }
    }

    fn is_turned(self) -> bool {
        matches!((self.first(), self.last()), (Some(first), Some(last)) if first > last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_hold_none_between_them_are_said() {
        let faults = |from, until| DateRange { from, until }.faults();
        assert!(faults("", "").is_empty() && faults("1/1/2026", "1/1/2026").is_empty() && faults("", "1/1/2026").is_empty());
        assert_eq!(faults("2/1/2026", "1/1/2026"), ["Desde es posterior a Hasta: entre las dos no hay ningún día."]);
        let both = faults("31/2/2026", "x");
        assert!(both[0].starts_with("Desde no se aplica") && both[1].starts_with("Hasta no se aplica"), "{both:?}");
        assert_eq!(DateRange { from: "2/1/2026", until: "1/1/2026" }.class("1/1/2026"), " is-invalid");
        assert_eq!(DateRange { from: "x", until: "1/1/2026" }.class("1/1/2026"), "");
    }
}
