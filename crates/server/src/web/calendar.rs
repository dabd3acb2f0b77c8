//! Days and times as a person in Ecuador reads them.

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

/// Reads what a person typed: `24/11/2026`, `24-11-2026`, `24.11.26`, and the `2026-11-24` of a browser's own field.
///
/// Errs with the words for the field if it is no day of the calendar.
pub fn parse_day(typed: &str) -> Result<Date, &'static str> {
    const WRONG: &str = "Escriba la fecha como 24/11/2026";
    let parts: Vec<&str> = typed.trim().split(['/', '-', '.']).collect();
    let number = |text: &str| text.parse::<i32>().map_err(|_| WRONG);
    let [first, month, last] = parts[..] else { return Err(WRONG) };
    let (day, year) = if first.len() == 4 { (last, number(first)?) } else { (first, full_year(last, number(last)?)) };
    let (month, day) = (number(month)?.unsigned_abs(), number(day)?.unsigned_abs());
    Date::from_ymd_opt(year, month, day).filter(|date| *date >= Date::default()).ok_or(WRONG)
}

fn full_year(typed: &str, year: i32) -> i32 {
    if typed.len() == 2 { 2000 + year } else { year }
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
    fn what_is_overdue_is_said_in_words() {
        let due = |text: &str| overdue(text.parse().expect("a day"), "2026-11-24".parse().expect("a day"));
        assert_eq!(due("2026-11-02").as_deref(), Some("vencida 22 días"));
        assert_eq!(due("2026-11-23").as_deref(), Some("vencida 1 día"));
        assert_eq!(due("2026-11-24"), None);
        assert_eq!(due("2026-12-01"), None);
    }

    #[test]
    fn a_date_is_read_as_it_is_written_here() {
        let day = "2026-11-04".parse().expect("a day");
        for typed in ["04/11/2026", "4/11/2026", " 4-11-26 ", "04.11.2026", "2026-11-04"] {
            assert_eq!(parse_day(typed), Ok(day), "{typed}");
        }
        for typed in ["", "31/02/2026", "4/11", "11/24/2026", "ayer", "4/11/2026/1", "04/11/0026", "-4/11/2026"] {
            assert!(parse_day(typed).is_err(), "{typed}");
        }
    }
}
