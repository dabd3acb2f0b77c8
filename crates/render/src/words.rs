//! How a receipt's facts are written, the same on paper and in mails.

use acuse_domain::document::DocumentKind;
use acuse_domain::money::Money;
use acuse_domain::payment::{CheckKind, Method, named_with_tax};
use acuse_domain::receipt::Line;
use acuse_domain::text;

const MONTHS: [&str; 12] =
    ["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"];

/// `1234.50` as it is printed, `1.234,50`.
pub fn money(amount: &str) -> String {
    amount.parse::<Money>().map_or_else(|_| amount.to_string(), |money| money.to_string())
}

pub fn is_zero(amount: &str) -> bool {
    amount == "0.00"
}

/// `2026-11-24` as `24/11/2026`.
pub fn date(iso: &str) -> String {
    let mut parts: Vec<&str> = iso.split('-').collect();
    parts.reverse();
    parts.join("/")
}

/// `2026-11-24` as `24 de noviembre de 2026`.
pub fn long_date(iso: &str) -> String {
    match parse_date(iso) {
        Some((year, month, day)) => format!("{day} de {} de {year}", MONTHS[usize::from(month) - 1]),
        None => iso.to_string(),
    }
}

/// Year, month and day of `2026-11-24`.
pub fn parse_date(iso: &str) -> Option<(u16, u8, u8)> {
    let date: chrono::NaiveDate = iso.parse().ok()?;
    let (month, day) = (chrono::Datelike::month(&date), chrono::Datelike::day(&date));
    Some((u16::try_from(chrono::Datelike::year(&date)).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?))
}

/// A text that may be missing or blank, as it may be printed.
pub fn given(typed: Option<&str>) -> Option<String> {
    text::optional(typed)
}

/// «Cheque posfechado», «Retención IR 2 %».
pub fn method(line: &Line) -> String {
    let kind = line.kind.as_deref().and_then(CheckKind::parse);
    let name = match (Method::parse(&line.method), kind) {
        (Some(Method::Check), Some(kind)) => kind.name(),
        (Some(method), _) => method.name(),
        (None, _) => line.method.as_str(),
    };
    match given(line.tax.as_deref()) {
        Some(tax) => named_with_tax(name, &tax),
        None => name.to_string(),
    }
}

pub fn is_postdated(line: &Line) -> bool {
    line.kind.as_deref() == Some(CheckKind::Postdated.as_str())
}

/// The bank and the masked account, or the till.
pub fn place(line: &Line) -> Option<String> {
    let parts: Vec<String> = [&line.bank, &line.account].into_iter().filter_map(|part| given(part.as_deref())).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// «Fac. 001-001-000000123».
pub fn document(kind: &str, number: &str) -> String {
    format!("{} {}", DocumentKind::parse(kind).map_or("Doc.", DocumentKind::short), text::one_line(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_amounts_are_written_as_in_ecuador() {
        assert_eq!(date("2026-11-04"), "04/11/2026");
        assert_eq!(long_date("2026-11-04"), "4 de noviembre de 2026");
        assert_eq!(money("-1234567.80"), "−1.234.567,80");
        assert_eq!(document("credit_note", "001-001-000000123"), "N/C 001-001-000000123");
        assert_eq!(document("otro", "7"), "Doc. 7");
    }
}
