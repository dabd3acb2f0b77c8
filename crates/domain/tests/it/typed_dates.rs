//! A day of our time is read in whatever way people write it, and what is none is refused.

use acuse_domain::Date;
use acuse_domain::typed_date::{FIRST_YEAR, last_year, read};
use chrono::{Datelike, TimeDelta};
use proptest::prelude::*;

const MONTHS: [&str; 12] = ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"];
const WAYS: [&str; 10] =
    ["%d/%m/%Y", "%-d/%-m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d %m %Y", "%d%m%Y", "%Y-%m-%d", "%Y/%m/%d", "%d/%m/%y", "%d%m%y"];

/// A day of this century or the last ten years of the one before, and one on which it is typed.
fn days() -> impl Strategy<Value = (Date, Date)> {
    let first = Date::from_ymd_opt(FIRST_YEAR, 1, 1).expect("a day");
    (0..30_000_i64, -3_650..10_000_i64).prop_map(move |(days, later)| {
        let date = first + TimeDelta::days(days);
        (date, (date + TimeDelta::days(later)).max(first))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_day_is_the_same_however_it_is_written(
        (date, today) in days(),
        unseen in prop::sample::select(&["", "\u{feff}", "\u{200b}", "\u{a0}", "\t"][..]),
    ) {
        let month = MONTHS[date.month0() as usize];
        let named = [format!("{}-{month}-{}", date.day(), date.year()), format!("{} de {month} de {}", date.day(), date.year())];
        for typed in WAYS.iter().map(|way| date.format(way).to_string()).chain(named) {
            let typed = format!("{unseen}{typed}{unseen}");
            prop_assert_eq!(read(&typed, today), Ok(date), "{:?} on {}", typed, today);
        }
    }

    #[test]
    fn without_a_year_it_is_this_year((date, today) in days()) {
        let expected = date.with_year(today.year());
        prop_assert_eq!(read(&date.format("%d/%m").to_string(), today).ok(), expected);
        prop_assert_eq!(read(&date.format("%d%m").to_string(), today).ok(), expected);
    }

    #[test]
    fn whatever_else_is_typed_is_refused_or_a_day_of_our_time(typed in "[0-9/. -]{0,12}|\\PC{0,30}", (_, today) in days()) {
        if let Ok(date) = read(&typed, today) {
            prop_assert!((FIRST_YEAR..=last_year(today) + 10).contains(&date.year()), "{:?} is {}", typed, date);
            prop_assert_eq!(read(&date.format("%d/%m/%Y").to_string(), today), Ok(date));
        }
    }
}
