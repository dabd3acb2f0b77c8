//! Which payments a list shows, and in which order. The list, its sums and the envíos' list ask the same.

use acuse_domain::Date;
use acuse_domain::id::{CompanyId, ContactId};
use acuse_domain::payment::Direction;
use sea_orm::Value;

use crate::order::Order;
use crate::receipts::text_condition;
use crate::sql::values;

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
