//! How a list is put in order, and where its next page begins.

use sea_orm::Value;
use uuid::Uuid;

/// By what, and which way. Rows that are alike follow each other by their ids, so that every page begins where the one
/// before ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order<By> {
    pub by: By,
    pub descending: bool,
}

impl<By: Copy> Order<By> {
    /// The condition that a row follows the cursor's, and the ORDER BY. `keys` are expressions over the tables of `from`, of
    /// which `table` has the rows' ids; none of them is ever NULL. The cursor's value is added to `asked`, whose first is the
    /// company.
    pub(crate) fn keyset(
        self,
        keys: impl FnOnce(By) -> &'static [&'static str],
        table: &str,
        from: &str,
        asked: &mut Vec<Value>,
        after: Option<Uuid>,
    ) -> (String, String) {
        let id = format!("{table}.id");
        let all: Vec<&str> = keys(self.by).iter().copied().chain([id.as_str()]).collect();
        let (than, way) = if self.descending { ("<", " DESC") } else { (">", "") };
        let order_by = format!("ORDER BY {}{way}", all.join(&format!("{way}, ")));
        let Some(after) = after else { return ("1 = 1".to_owned(), order_by) };
        asked.push(after.into());
        let (row, place) = (all.join(", "), asked.len());
        let follows = format!("({row}) {than} (SELECT {row} {from} WHERE {table}.company_id = $1 AND {id} = ${place})");
        (follows, order_by)
    }
}
