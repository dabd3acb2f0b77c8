//! Anterior and Siguiente under a list.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::web::filters;

/// Printed by `{{ pager }}`; nothing while the list fits on one page. Links keep the list's filters: the caller writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Template)]
#[template(path = "_pager.html")]
pub struct Pager {
    /// «1 a 12 de 128», counted from 1.
    pub first: u64,
    pub last: u64,
    pub of: u64,
    pub previous: Option<String>,
    pub next: Option<String>,
}

impl HtmlSafe for Pager {}
