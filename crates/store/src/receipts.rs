//! A payment's receipt as it is kept: its number, what was frozen of it, and how it is found.

use acuse_domain::document::DocumentNumber;
use acuse_domain::money::amounts_meant;
use acuse_domain::number::ReceiptNumber;
use acuse_domain::payment::Direction;
use acuse_domain::receipt::Receipt;
use acuse_domain::{Instant, day_in_ecuador};
use sea_orm::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::sql::{Of, containing, plain_letters};

/// The number of a payment's receipt. The database keeps its direction to the two that there are.
pub(crate) fn number(payment: Uuid, direction: &str, sequence: i64) -> ReceiptNumber {
    let direction = Of { table: "payment", id: payment }.code("direction", direction, Direction::parse);
    ReceiptNumber { direction: direction.unwrap_or(Direction::Received), sequence }
}

pub(crate) fn receipt_as_of(json: &str, voided_at: Option<Instant>, reason: Option<&str>) -> Result<Receipt, StoreError> {
    let receipt: Receipt = serde_json::from_str(json).map_err(StoreError::unreadable)?;
    Ok(match voided_at {
        Some(at) => receipt.voided(day_in_ecuador(at), reason.unwrap_or_default()),
        None => receipt,
    })
}

/// What a payment `p` of a contact `c` fulfils to be found by a text, with its values added to `asked`; nothing where nothing
/// was typed. `or_in` is another text, in plain letters, in which it may stand.
pub(crate) fn text_condition(typed: &str, or_in: Option<&str>, asked: &mut Vec<Value>) -> Option<String> {
    if typed.trim().is_empty() {
        return None;
    }
    if let Ok(ReceiptNumber { direction, sequence }) = typed.parse() {
        asked.push(direction.as_str().into());
        asked.push(sequence.into());
        return Some(format!("p.direction = ${} AND p.sequence = ${}", asked.len() - 1, asked.len()));
    }
    asked.push(containing(typed).into());
    let pattern = asked.len();
    let like = |text: &str| format!("{text} LIKE ${pattern} ESCAPE '\\'");
    let mut ways: Vec<String> = ["c.search_text"].into_iter().chain(or_in).map(like).collect();
    let mut of_a_line = vec![like(&plain_letters("l.reference"))];
    if let Some((from, until)) = amounts_meant(typed) {
        asked.push(from.cents().into());
        asked.push(until.cents().into());
        let between = |amount: &str| format!("{amount} BETWEEN ${} AND ${}", pattern + 1, pattern + 2);
        ways.extend([between("p.total_cents"), between("p.money_cents")]);
        of_a_line.push(between("l.amount_cents"));
    }
    // As certificates are kept: `1-1-940` is 001-001-000000940.
    if let Ok(number) = typed.parse::<DocumentNumber>() {
        asked.push(number.to_string().into());
        of_a_line.push(format!("l.reference = ${}", asked.len()));
    }
    ways.push(format!(
        "EXISTS (SELECT 1 FROM payment_line l WHERE l.company_id = p.company_id AND l.payment_id = p.id AND ({}))",
        of_a_line.join(" OR ")
    ));
    Some(format!("({})", ways.join(" OR ")))
}
