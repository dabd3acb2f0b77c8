//! Identities. Each is a UUIDv7 made outside this crate; the type keeps one noun's id from being given for another's.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

macro_rules! identity {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

identity! {
    CompanyId,
    ContactId,
    DocumentId,
    PaymentId,
    DeliveryId,
    MailAccountId,
    DkimKeyId,
    UserId,
    SessionId,
    TokenId,
    PasskeyId,
}
