//! Which payments a list shows, and in which order. The list, its sums and the envíos' list ask the same.

use acuse_domain::Date;
use acuse_domain::id::{CompanyId, ContactId};
use acuse_domain::money::amounts_meant;
use acuse_domain::number::ReceiptNumber;
use acuse_domain::payment::Direction;
use sea_orm::Value;

use crate::order::Order;
use crate::sql::{containing, plain_letters, values};

#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub direction: Option<Direction>,
    pub contact: Option<ContactId>,
    pub from: Option<Date>,
    pub until: Option<Date>,
    /// Part of the person's name, identification or addresses, or of a reference (a transfer's number, a certificate's), an
    /// amount, or a receipt's number.
    pub text: Option<String>,
}

/// What a list can be put in order by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// When it was recorded.
    Recorded,
    Date,
    Number,
    Person,
    Total,
    /// What moved, or the total where nothing did.
    Headline,
}

/// The newest first, as they were recorded.
pub const LAST_RECORDED: Order<By> = Order { by: By::Recorded, descending: true };

impl By {
    pub(super) const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Recorded => &[],
            Self::Date => &["p.paid_on"],
            Self::Number => &["p.direction", "p.sequence"],
            Self::Person => &["COALESCE(c.sort_key, '')"],
            Self::Total => &["p.total_cents"],
            Self::Headline => &["CASE WHEN p.money_cents = 0 THEN p.total_cents ELSE p.money_cents END"],
        }
    }
}

/// The tables that the conditions speak of. A payment whose contact is missing is a row that cannot be read, and not none.
pub(super) const FROM: &str = "FROM payment p LEFT JOIN contact c ON c.company_id = p.company_id AND c.id = p.contact_id";

impl Filter {
    /// What a payment `p` of a contact `c` fulfils.
    pub(super) fn condition(&self, company: CompanyId) -> (String, Vec<Value>) {
        let mut asked = values![
            company.0,
            self.direction.map(|direction| direction.as_str()),
            self.contact.map(|contact| contact.0),
            self.from,
            self.until
        ];
        let own = "p.company_id = $1 AND ($2 IS NULL OR p.direction = $2) AND ($3 IS NULL OR p.contact_id = $3)
            AND ($4 IS NULL OR p.paid_on >= $4) AND ($5 IS NULL OR p.paid_on <= $5)";
        let text = self.text.as_deref().and_then(|text| text_condition(text, None, &mut asked));
        ([Some(own.to_owned()), text].into_iter().flatten().collect::<Vec<_>>().join(" AND "), asked)
    }
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
    ways.push(format!(
        "EXISTS (SELECT 1 FROM payment_line l WHERE l.company_id = p.company_id AND l.payment_id = p.id AND ({}))",
        of_a_line.join(" OR ")
    ));
    Some(format!("({})", ways.join(" OR ")))
}
