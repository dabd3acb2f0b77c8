//! Columns of the text mails.

use std::fmt::Display;

use askama::Values;

/// To the left of a column of `width` characters; what is longer gets a line of its own above the column.
#[askama::filter_fn]
pub fn left(value: impl Display, _: &dyn Values, width: usize) -> askama::Result<String> {
    let value = value.to_string().replace('\u{a0}', " ");
    Ok(match value.chars().count() < width {
        true => format!("{value:<width$}"),
        false => format!("{value}\n{:width$}", ""),
    })
}

#[askama::filter_fn]
pub fn right(value: impl Display, _: &dyn Values, width: usize) -> askama::Result<String> {
    Ok(format!("{:>width$}", value.to_string()))
}
