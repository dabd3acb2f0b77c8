//! A list is put in order by a press on a column's head: a link with `?orden=fecha`, or `?orden=-fecha` for the other way.

use acuse_store::order::Order;
use askama::filters::Safe;

use crate::web::filters::icon;

/// A column that can put its list in order.
pub struct Column<By> {
    /// As the address says it.
    pub code: &'static str,
    pub by: By,
    /// The first press shows the newest or the largest first.
    pub falls: bool,
}

/// How a list is put in order, and the heads of its columns.
pub struct Sorting {
    /// By the column's code: its head's link, and how the list is put in order by it.
    heads: Vec<(&'static str, String, Option<&'static str>)>,
    /// As the form carries it.
    pub code: String,
}

/// What was asked for, or what is usual. A code that no column has is the usual order.
pub fn order<By: Copy>(columns: &[Column<By>], asked: &str, usual: Order<By>) -> Order<By> {
    let (code, descending) = asked.strip_prefix('-').map_or((asked, false), |code| (code, true));
    let column = columns.iter().find(|column| column.code == code);
    column.map_or(usual, |column| Order { by: column.by, descending })
}

impl Sorting {
    /// `link` gives the list's address with another `orden`, from its first page.
    pub fn of<By: Copy + PartialEq>(
        columns: &[Column<By>],
        order: Order<By>,
        asked: &str,
        link: impl Fn(&str) -> String,
    ) -> Self {
        let head = |column: &Column<By>| {
            let is_current = column.by == order.by;
            let descending = if is_current { !order.descending } else { column.falls };
            let code = format!("{}{}", if descending { "-" } else { "" }, column.code);
            let state = is_current.then_some(if order.descending { "descending" } else { "ascending" });
            (column.code, link(&code), state)
        };
        Self { heads: columns.iter().map(head).collect(), code: asked.to_owned() }
    }

    /// `<th>` of a column: `{{ sorting.th("fecha", "Fecha", "ac-num")|safe }}` is printed by `{{ … }}` alone.
    pub fn th(&self, code: &str, word: &str, class: &str) -> Safe<String> {
        let class = if class.is_empty() { String::new() } else { format!(r#" class="{class}""#) };
        let Some((_, href, state)) = self.heads.iter().find(|(own, ..)| *own == code) else {
            return Safe(format!(r#"<th{class} scope="col">{word}</th>"#));
        };
        let href = href.replace('&', "&amp;");
        let (sort, mark) = match *state {
            None => (String::new(), icon("selector")),
            Some(way) => (format!(r#" aria-sort="{way}""#), icon(if way == "descending" { "arrow-down" } else { "arrow-up" })),
        };
        Safe(format!(r#"<th{class} scope="col"{sort}><a class="ac-sort" href="{href}">{word}{mark}</a></th>"#))
    }

    /// The other ways to put the list in order, where its heads are out of sight: a hidden field keeps the one in use.
    pub fn field(&self) -> Safe<String> {
        let is_plain = self.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let shown = is_plain && !self.code.is_empty();
        Safe(if shown { format!(r#"<input type="hidden" name="orden" value="{}">"#, self.code) } else { String::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum By {
        Date,
        Person,
    }

    const COLUMNS: [Column<By>; 2] =
        [Column { code: "fecha", by: By::Date, falls: true }, Column { code: "persona", by: By::Person, falls: false }];
    const NEWEST: Order<By> = Order { by: By::Date, descending: true };

    #[test]
    fn a_press_on_the_head_in_use_turns_the_list_round() {
        let sorting =
            |asked: &str| Sorting::of(&COLUMNS, order(&COLUMNS, asked, NEWEST), asked, |code| format!("/x?q=a&orden={code}"));
        let usual = sorting("");
        assert!(
            usual.th("fecha", "Fecha", "").0.starts_with(
                r#"<th scope="col" aria-sort="descending"><a class="ac-sort" href="/x?q=a&amp;orden=fecha">Fecha<svg"#
            )
        );
        assert!(
            usual
                .th("persona", "Cliente", "")
                .0
                .contains(r#"<th scope="col"><a class="ac-sort" href="/x?q=a&amp;orden=persona">"#)
        );
        let rising = sorting("fecha");
        assert!(
            rising
                .th("fecha", "Fecha", "")
                .0
                .contains(r#"aria-sort="ascending"><a class="ac-sort" href="/x?q=a&amp;orden=-fecha">"#)
        );
        assert_eq!(usual.th("otra", "Otra", "ac-num").0, r#"<th class="ac-num" scope="col">Otra</th>"#);
        assert_eq!(rising.field().0, r#"<input type="hidden" name="orden" value="fecha">"#);
        assert_eq!(sorting("\"><b>").field().0, "");
        assert_eq!(order(&COLUMNS, "nada", NEWEST), NEWEST);
    }
}
