//! Filters for the templates: `{{ total|money }}`, `{{ due|date }}`, `{{ "send"|ico }}`. A template's module says
//! `use crate::web::filters;`. Askama hands each filter the template's values, which none of these needs.

use acuse_domain::money::Money;
use acuse_domain::{Date, Instant};
use askama::Values;
use askama::filters::Safe;

use crate::assets;
use crate::web::calendar;

/// `1.234,56`
#[askama::filter_fn]
pub fn money(amount: &Money, _: &dyn Values) -> askama::Result<String> {
    Ok(amount.to_string())
}

/// `24/11/2026`
#[askama::filter_fn]
pub fn date(date: &Date, _: &dyn Values) -> askama::Result<String> {
    Ok(calendar::day(*date))
}

/// `09:14:03`
#[askama::filter_fn]
pub fn time(at: &Instant, _: &dyn Values) -> askama::Result<String> {
    Ok(calendar::second(*at))
}

/// `09:14`
#[askama::filter_fn]
pub fn hour(at: &Instant, _: &dyn Values) -> askama::Result<String> {
    Ok(calendar::hour(*at))
}

/// `hoy 09:12`, or `23/11/2026 09:12`: `{{ at|moment(page.now) }}`
#[askama::filter_fn]
pub fn moment(at: &Instant, _: &dyn Values, now: Instant) -> askama::Result<String> {
    Ok(calendar::moment(*at, now))
}

/// `09:14`, or `23/11` for another day.
#[askama::filter_fn]
pub fn short_moment(at: &Instant, _: &dyn Values, now: Instant) -> askama::Result<String> {
    Ok(calendar::short_moment(*at, now))
}

/// For `<time datetime="…">`.
#[askama::filter_fn]
pub fn datetime(at: &Instant, _: &dyn Values) -> askama::Result<String> {
    Ok(at.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// `<span class="ac-late">vencida 22 días</span>`, or nothing: `{{ due|overdue(page.today()) }}`
#[askama::filter_fn]
pub fn overdue(due: &Date, _: &dyn Values, today: Date) -> askama::Result<Safe<String>> {
    Ok(Safe(calendar::overdue(*due, today).map(|words| format!(r#"<span class="ac-late">{words}</span>"#)).unwrap_or_default()))
}

/// An icon of the sprite, by its name in web/icons.txt. It says nothing to a screen reader: the words stand beside it,
/// or in the control's `aria-label`.
#[askama::filter_fn]
pub fn ico(name: &str, _: &dyn Values) -> askama::Result<Safe<String>> {
    Ok(Safe(icon(name)))
}

pub(crate) fn icon(name: &str) -> String {
    format!(r#"<svg class="ac-ico" aria-hidden="true"><use href="{}#{name}"></use></svg>"#, assets::url("icons.svg"))
}
