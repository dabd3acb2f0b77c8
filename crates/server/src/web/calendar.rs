//! Days and times as a person in Ecuador reads them.

use acuse_domain::typed_date::{self, DateError};
use acuse_domain::{Date, Instant};
use chrono::{DateTime, FixedOffset};

/// America/Guayaquil is UTC−5 all year: Ecuador left daylight saving in 1993 (IANA tz database, file southamerica).
const GUAYAQUIL_SECONDS_WEST: i32 = 5 * 3600;

#[must_use]
pub fn local(at: Instant) -> DateTime<FixedOffset> {
    at.with_timezone(&FixedOffset::west_opt(GUAYAQUIL_SECONDS_WEST).expect("five hours are less than a day"))
}

/// The day that a clock on the wall shows.
#[must_use]
pub fn today(now: Instant) -> Date {
    local(now).date_naive()
}

/// `24/11/2026`
#[must_use]
pub fn day(date: Date) -> String {
    date.format("%d/%m/%Y").to_string()
}

/// `09:14`
#[must_use]
pub fn hour(at: Instant) -> String {
    local(at).format("%H:%M").to_string()
}

/// `09:14:03`
#[must_use]
pub fn second(at: Instant) -> String {
    local(at).format("%H:%M:%S").to_string()
}

/// `hoy 09:12` within the day, else `23/11/2026 09:12`.
#[must_use]
pub fn moment(at: Instant, now: Instant) -> String {
    if today(at) == today(now) { format!("hoy {}", hour(at)) } else { format!("{} {}", day(today(at)), hour(at)) }
}

/// `a las 09:12` within the day, else `el 23/11/2026 a las 09:12`: within a sentence.
#[must_use]
pub fn at_moment(at: Instant, now: Instant) -> String {
    let hour = hour(at);
    if today(at) == today(now) { format!("a las {hour}") } else { format!("el {} a las {hour}", day(today(at))) }
}

/// `09:14` within the day, else `23/11`: where there is little room.
#[must_use]
pub fn short_moment(at: Instant, now: Instant) -> String {
    if today(at) == today(now) { hour(at) } else { local(at).format("%d/%m").to_string() }
}

/// `vencida 22 días`; nothing while it is not.
#[must_use]
pub fn overdue(due: Date, today: Date) -> Option<String> {
    match (today - due).num_days() {
        ..=0 => None,
        1 => Some("vencida 1 día".to_owned()),
        days => Some(format!("vencida {days} días")),
    }
}

/// Reads what a person typed just now, as the domain does.
pub fn parse_day(typed: &str) -> Result<Date, DateError> {
    typed_date::read(typed, today(acuse_store::now()))
}

/// As [`parse_day`], for what has happened already.
pub fn parse_past_day(typed: &str) -> Result<Date, DateError> {
    typed_date::read_past(typed, today(acuse_store::now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_day_ends_at_midnight_in_guayaquil() {
        let now = at("2026-11-25T04:59:59Z");
        assert_eq!(day(today(now)), "24/11/2026");
        assert_eq!(moment(at("2026-11-24T14:12:00Z"), now), "hoy 09:12");
        assert_eq!(moment(at("2026-11-24T04:59:00Z"), now), "23/11/2026 23:59");
        assert_eq!(short_moment(at("2026-11-24T04:59:00Z"), now), "23/11");
        assert_eq!(second(at("2026-11-24T14:14:03Z")), "09:14:03");
    }

    #[test]
    fn the_years_that_are_named_are_those_that_are_taken() {
        let year = chrono::Datelike::year(&today(acuse_store::now()));
        assert_eq!(parse_past_day("1/1/2999"), Err(DateError::YearOutOfRange { year: 2999, first: 1990, last: year }));
    }

    #[test]
    fn what_is_overdue_is_said_in_words() {
        let due = |text: &str| overdue(text.parse().expect("a day"), "2026-11-24".parse().expect("a day"));
        assert_eq!(due("2026-11-02").as_deref(), Some("vencida 22 días"));
        assert_eq!(due("2026-11-23").as_deref(), Some("vencida 1 día"));
        assert_eq!(due("2026-11-24"), None);
        assert_eq!(due("2026-12-01"), None);
    }
}
