//! The pages of a list that were gone through, kept in its links: `tras=…&tras=…`. The store's lists only go forward, so
//! each link carries the last row of every page before.

use acuse_store::Line;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use uuid::Uuid;

use crate::web::pager::Pager;

/// Rows of one page: two screens of a laptop.
pub const ROWS: u64 = 50;

/// The record that a line is of, be it readable or not.
pub fn id_of<T>(line: &Line<T>, id: impl FnOnce(&T) -> Uuid) -> Uuid {
    line.as_ref().map_or_else(|lost| lost.id, id)
}

/// The page of the list that is shown.
pub struct Trail<'a> {
    pub path: &'a str,
    /// Of the form, as it was sent; empty values are left out of the links.
    pub filters: Vec<(&'static str, &'a str)>,
    pub behind: &'a [Uuid],
}

impl Trail<'_> {
    /// `last` is the last row shown, `shown` their number, `of` how many the list has in all.
    #[must_use]
    pub fn pager(&self, last: Option<Uuid>, shown: usize, of: u64) -> Pager {
        let before = ROWS * u64::try_from(self.behind.len()).unwrap_or_default();
        let until = before + u64::try_from(shown).unwrap_or_default();
        let next: Vec<Uuid> = self.behind.iter().copied().chain(last).collect();
        Pager {
            first: (before + 1).min(until),
            last: until,
            of,
            previous: self.behind.split_last().map(|(_, earlier)| self.link(earlier)),
            next: (until < of && shown > 0).then(|| self.link(&next)),
        }
    }

    /// The list with these filters and some more, from its first page: for chips.
    #[must_use]
    pub fn with(&self, changes: &[(&'static str, &str)]) -> String {
        let kept = self.filters.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        address(self.path, kept.copied().chain(changes.iter().copied()), &[])
    }

    fn link(&self, behind: &[Uuid]) -> String {
        address(self.path, self.filters.iter().copied(), behind)
    }
}

fn address<'a>(path: &str, filters: impl Iterator<Item = (&'static str, &'a str)>, behind: &[Uuid]) -> String {
    let kept = filters.filter(|(_, value)| !value.is_empty());
    let pairs = kept.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    let query: Vec<String> = pairs.chain(behind.iter().map(|id| format!("tras={id}"))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_leads_forward_and_back_with_its_filters() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let behind = [one];
        let trail = Trail { path: "/personas", filters: vec![("q", "a&b"), ("es", "")], behind: &behind };
        let pager = trail.pager(Some(two), 50, 120);
        assert_eq!((pager.first, pager.last, pager.of), (51, 100, 120));
        assert_eq!(pager.previous.as_deref(), Some("/personas?q=a%26b"));
        assert_eq!(pager.next, Some(format!("/personas?q=a%26b&tras={one}&tras={two}")));
        assert_eq!(trail.with(&[("es", "cliente")]), "/personas?q=a%26b&es=cliente");
        let empty = Trail { path: "/personas", filters: vec![], behind: &[] }.pager(None, 0, 0);
        assert_eq!((empty.first, empty.last, empty.next), (0, 0, None));
    }
}
