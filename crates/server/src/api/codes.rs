//! The codes of the domain as the API's documentation lists them, and as refusals name them.

use acuse_domain::delivery::{Group, State};
use acuse_domain::document::{DocumentKind, Side};
use acuse_domain::identification::IdentificationType;
use acuse_domain::mail_account::{MailModule, Security};
use acuse_domain::oauth::{ConnectionState, Provider};
use acuse_domain::payment::{CheckKind, Direction, Method};
use acuse_mail::deliverability::{State as FindingState, Topic};
use acuse_mail::failure::Phase;
use acuse_store::dkim::KeyState;
use serde_json::Value;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

/// What a list of contacts may be asked for.
pub const CONTACT_ROLES: [&str; 2] = ["customer", "supplier"];

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident: $all:expr);+ $(;)?) => {$(
        $(#[$doc])*
        pub fn $name() -> Vec<&'static str> {
            $all.into_iter().map(|value| value.as_str()).collect()
        }
    )+

        /// A schema of each, for `schema_with`.
        pub mod schema {
            use super::*;

            $(pub fn $name() -> Object {
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some(super::$name())).build()
            })+
        }

        /// The same where null stands for what is absent.
        pub mod nullable {
            use super::*;

            $(pub fn $name() -> Object {
                let known = super::$name().into_iter().map(Value::from).chain([Value::Null]);
                let kind = SchemaType::from_iter([Type::String, Type::Null]);
                ObjectBuilder::new().schema_type(kind).enum_values(Some(known)).build()
            })+
        }
    };
}

codes! {
    directions: [Direction::Received, Direction::Made];
    methods: Method::ALL;
    check_kinds: CheckKind::ALL;
    document_kinds: DocumentKind::ALL;
    sides: [Side::Receivable, Side::Payable];
    identification_types: IdentificationType::ALL;
    modules: MailModule::ALL;
    securities: Security::ALL;
    states: State::ALL;
    groups: Group::ALL;
    phases: Phase::ALL;
    domain_topics: Topic::ALL;
    finding_states: FindingState::ALL;
    dkim_states: KeyState::ALL;
    oauth_providers: Provider::ALL;
    connection_states: [ConnectionState::Connected, ConnectionState::EndingSoon, ConnectionState::Ended];
}
