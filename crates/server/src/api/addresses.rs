//! A list of addresses, which may also come as one text: `a@x.ec;b@y.ec, c@z.ec`.

use std::fmt;

use acuse_domain::contact::MOST_ADDRESSES;
use acuse_domain::email_address::LONGEST_TYPED;
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

/// Bytes of a list, as the domain reads it.
const MOST_BYTES: usize = MOST_ADDRESSES * LONGEST_TYPED;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses(pub Vec<String>);

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMany)
    }
}

struct OneOrMany;

impl<'de> Visitor<'de> for OneOrMany {
    type Value = Addresses;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list of strings")
    }

    fn visit_str<E>(self, typed: &str) -> Result<Addresses, E> {
        Ok(Addresses(vec![typed.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Addresses, A::Error> {
        let mut typed = Vec::new();
        let mut bytes_left = MOST_BYTES;
        while let Some(address) = list.next_element::<String>()? {
            let bytes = address.len().max(1);
            typed.push(address);
            if bytes > bytes_left {
                // Too many by now, as whoever reads them says; what follows is read over.
                while list.next_element::<IgnoredAny>()?.is_some() {}
                break;
            }
            bytes_left -= bytes;
        }
        Ok(Addresses(typed))
    }
}

impl utoipa::PartialSchema for Addresses {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        OneOfBuilder::new()
            .description(Some("A list of addresses, or one text that separates them by `;` or `,`."))
            .item(ArrayBuilder::new().items(text()))
            .item(text())
            .into()
    }
}

impl utoipa::ToSchema for Addresses {}
