//! The conditions of an act on a payment: that its request comes for the first time, and that its page was up to date.

use acuse_domain::id::CompanyId;
use uuid::Uuid;

use crate::db::{StoreError, Tx};
use crate::events;
use crate::idempotency::Once;
use crate::message_kind::{MessageKind, recipient_key};

/// A person decides on what a page shows, and somebody else may act before they press: then nothing is done. Nothing of it is
/// set where a program asks, whose answers have codes of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Makes a request that comes twice act once.
    pub once: Option<Once>,
    /// How much of the payment's history the page knew ([`events::so_far`]).
    pub read: Option<usize>,
    /// What the page said that would be sent.
    pub kind: Option<MessageKind>,
    /// Who has the receipt, as the page had it.
    pub had_it: Option<Vec<String>>,
    /// Whoever asks may do it to what they recorded themselves, on the same day in Ecuador.
    pub own_of_today: bool,
}

impl Conditions {
    #[must_use]
    pub fn once(once: Option<&Once>) -> Self {
        Self { once: once.cloned(), ..Self::default() }
    }

    /// Nobody did anything to the payment since the page was read.
    pub(crate) async fn is_up_to_date(&self, tx: &Tx, company: CompanyId, payment: Uuid) -> Result<bool, StoreError> {
        match self.read {
            Some(read) => Ok(events::so_far_in(tx, company, payment).await? == read),
            None => Ok(true),
        }
    }

    /// Those who have the receipt are those whom the page named.
    pub(crate) fn knew<'a>(&self, had_it: impl IntoIterator<Item = &'a str>) -> bool {
        let keys = |of: &mut dyn Iterator<Item = &str>| {
            let mut keys: Vec<String> = of.map(recipient_key).collect();
            keys.sort_unstable();
            keys.dedup();
            keys
        };
        let known = self.had_it.as_ref().map(|known| keys(&mut known.iter().map(String::as_str)));
        known.is_none_or(|known| known == keys(&mut had_it.into_iter()))
    }
}
