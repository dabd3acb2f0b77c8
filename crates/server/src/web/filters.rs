//! Filters for the templates: `{{ total|money }}`, `{{ due|date }}`, `{{ "send"|ico }}`. A template's module says
//! `use crate::web::filters;`. Askama hands each filter the template's values, which none of these needs.

use acuse_domain::money::Money;
use acuse_domain::oauth::Provider;
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

/// `18.204`
#[askama::filter_fn]
pub fn number(count: impl std::fmt::Display, _: &dyn Values) -> askama::Result<String> {
    Ok(super::counted::number(count))
}

/// `1 día`, `30 días`: `{{ days|counted("día", "días") }}`
#[askama::filter_fn]
pub fn counted(count: impl std::fmt::Display, _: &dyn Values, one: &str, several: &str) -> askama::Result<String> {
    Ok(super::counted::counted(count, one, several))
}

/// What ends a sentence, with one point: `en {{ company|ended }}`
#[askama::filter_fn]
pub fn ended(words: impl std::fmt::Display, _: &dyn Values) -> askama::Result<String> {
    Ok(acuse_domain::text::ended(&words.to_string()))
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

/// Text with the pages that it names as links: «Entre a myaccount.google.com/apppasswords». Escaped like any other text;
/// only what has a path after a known kind of host counts, so a server's name is no link.
#[askama::filter_fn]
pub fn linked(text: &str, _: &dyn Values) -> askama::Result<Safe<String>> {
    let words = text.split(' ').map(|word| {
        let page = word.trim_matches(['(', ')', ',', '.', ';', ':', '«', '»']);
        let address = page.strip_prefix("https://").unwrap_or(page);
        if !is_page(address) {
            return escaped(word);
        }
        let (before, after) = word.split_once(page).unwrap_or_default();
        let (before, after, address) = (escaped(before), escaped(after), escaped(address));
        format!(r#"{before}<a href="https://{address}" target="_blank" rel="noopener noreferrer">{address}</a>{after}"#)
    });
    Ok(Safe(words.collect::<Vec<_>>().join(" ")))
}

fn escaped(text: &str) -> String {
    let Ok(safe) = askama::filters::escape(text, askama::filters::Html);
    safe.to_string()
}

/// `support.google.com/a/answer/176600`
fn is_page(text: &str) -> bool {
    let Some((host, path)) = text.split_once('/') else { return false };
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    !path.is_empty() && host.split('.').count() > 1 && host.split('.').all(is_label) && host.contains(|c: char| c.is_alphabetic())
}

/// An icon of the sprite, by its name in web/icons.txt. It says nothing to a screen reader: the words stand beside it,
/// or in the control's `aria-label`.
#[askama::filter_fn]
pub fn ico(name: &str, _: &dyn Values) -> askama::Result<Safe<String>> {
    Ok(Safe(icon(name)))
}

/// The mark of a provider, beside its name: `{{ provider|mark }}`
#[askama::filter_fn]
pub fn mark(provider: &Provider, _: &dyn Values) -> askama::Result<Safe<String>> {
    Ok(Safe(icon(match provider {
        Provider::Google => "brand-google",
        Provider::Microsoft => "brand-windows",
    })))
}

pub(crate) fn icon(name: &str) -> String {
    format!(r#"<svg class="ac-ico" aria-hidden="true"><use href="{}#{name}"></use></svg>"#, assets::url("icons.svg"))
}

#[cfg(test)]
mod tests {
    use askama::Template;

    use crate::web::filters;

    #[derive(Template)]
    #[template(ext = "html", source = "{{ text|linked }}")]
    struct Advice<'a> {
        text: &'a str,
    }

    #[test]
    fn pages_become_links_and_nothing_else_does() {
        let shown = |text| Advice { text }.render().unwrap();
        assert_eq!(
            shown("Entre a myaccount.google.com/apppasswords, con la cuenta."),
            r#"Entre a <a href="https://myaccount.google.com/apppasswords" target="_blank" rel="noopener noreferrer">myaccount.google.com/apppasswords</a>, con la cuenta."#
        );
        for plain in ["Use smtp.gmail.com y 465/587.", "y/o", "mail.empresa.ec/", "127.0.0.1/x"] {
            assert!(!shown(plain).contains("<a"), "{plain}");
        }
        assert_eq!(
            shown("<b> mail.x.ec/\"><script>"),
            "&#60;b&#62; <a href=\"https://mail.x.ec/&#34;&#62;&#60;script&#62;\" target=\"_blank\" rel=\"noopener noreferrer\">mail.x.ec/&#34;&#62;&#60;script&#62;</a>"
        );
    }
}
