//! Which mail a delivery is, and who is the same recipient.

use acuse_domain::text;

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    Receipt,
    /// «Su recibo fue anulado», with the receipt marked as such.
    VoidNotice,
}

impl MessageKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::VoidNotice => "void_notice",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Receipt, Self::VoidNotice].into_iter().find(|kind| kind.as_str() == code)
    }
}

/// Two addresses with the same key are the same recipient, as `EmailAddress` compares them: nobody has two mailboxes that
/// differ in capitals. Of what is kept, which may be no address.
#[must_use]
pub fn recipient_key(address: &str) -> String {
    text::case_folded(address)
}
