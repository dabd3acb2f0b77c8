//! The fields of an account as they are sent.

use acuse_domain::input::Errors;
use acuse_domain::input::mail_account::{AccountInput, Field};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::codes;
use crate::api::patch;
use crate::problem::Problem;

/// An account as it is sent whole, and `more` that a call takes with it.
macro_rules! whole_account {
    ($(#[$of:meta])* $name:ident { $($more:tt)* }) => {
        #[derive(Deserialize, ToSchema)]
        $(#[$of])*
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($more)*
            #[schema(required, nullable = false)]
            server: Option<String>,
            #[schema(required, nullable = false, value_type = u16, minimum = 1, maximum = 65535)]
            port: Option<i64>,
            /// `none` sends in clear.
            #[schema(required, schema_with = codes::schema::securities)]
            security: Option<String>,
            /// Absent or empty where the server asks for no login.
            username: Option<String>,
            /// Written, never read.
            #[schema(write_only)]
            password: Option<String>,
            /// The company's razón social where absent.
            from_name: Option<String>,
            #[schema(required, nullable = false)]
            from_address: Option<String>,
            reply_to: Option<String>,
            /// Gets a hidden copy of everything.
            bcc: Option<String>,
        }

        impl From<$name> for AccountInput {
            fn from(sent: $name) -> Self {
                Self {
                    module: sent.module,
                    server: sent.server,
                    port: sent.port.map(|port| port.to_string()),
                    security: sent.security,
                    username: sent.username,
                    password: sent.password.map(Into::into),
                    from_name: sent.from_name,
                    from_address: sent.from_address,
                    reply_to: sent.reply_to,
                    bcc: sent.bcc,
                }
            }
        }
    };
}

whole_account! {
    #[schema(as = NewMailAccount, example = json!({
        "module": "received_payments", "server": "smtp.gmail.com", "port": 587, "security": "starttls",
        "username": "cobros@empresa.ec", "password": "…", "from_name": "Empresa S.A.", "from_address": "cobros@empresa.ec",
        "reply_to": null, "bcc": null
    }))]
    AccountIn {
        #[schema(required, schema_with = codes::schema::modules)]
        module: Option<String>,
    }
}

whole_account! {
    /// An account's fields, and to whom a test mail is sent; without `to` nothing is sent.
    #[schema(example = json!({
        "module": "received_payments", "server": "smtp.gmail.com", "port": 587, "security": "starttls",
        "username": "cobros@empresa.ec", "password": "…", "from_address": "cobros@empresa.ec", "to": "yo@empresa.ec"
    }))]
    CheckUnsaved {
        /// Does not matter to a check.
        #[schema(schema_with = codes::nullable::modules)]
        pub(in crate::api) module: Option<String>,
        pub(in crate::api) to: Option<String>,
    }
}

/// What differs from a saved account, and `more` that a call takes with it. `value` and `text` read what null means for a
/// field that cannot be without a value, and for the user.
macro_rules! changed_account {
    ($(#[$of:meta])* $name:ident ($value:literal, nullable = $nullable:literal, $text:literal, $codes:ident) { $($more:tt)* }) => {
        #[derive(Default, Deserialize, ToSchema)]
        $(#[$of])*
        #[serde(deny_unknown_fields)]
        pub struct $name {
            #[serde(default, deserialize_with = $value)]
            #[schema(schema_with = codes::$codes::modules)]
            module: Option<String>,
            #[serde(default, deserialize_with = $value)]
            #[schema(nullable = $nullable)]
            server: Option<String>,
            #[serde(default, deserialize_with = $value)]
            #[schema(nullable = $nullable, value_type = u16, minimum = 1, maximum = 65535)]
            port: Option<i64>,
            #[serde(default, deserialize_with = $value)]
            #[schema(schema_with = codes::$codes::securities)]
            security: Option<String>,
            /// Empty forgets the user and the password: the server asks for no login.
            #[serde(default, deserialize_with = $text)]
            #[schema(value_type = Option<String>)]
            username: Option<Option<String>>,
            /// Absent, null or empty keeps the one it has: it goes with its user.
            #[schema(write_only)]
            password: Option<String>,
            #[serde(default, deserialize_with = $value)]
            #[schema(nullable = $nullable)]
            from_name: Option<String>,
            #[serde(default, deserialize_with = $value)]
            #[schema(nullable = $nullable)]
            from_address: Option<String>,
            #[serde(default, deserialize_with = "patch::given")]
            #[schema(value_type = Option<String>)]
            reply_to: Option<Option<String>>,
            #[serde(default, deserialize_with = "patch::given")]
            #[schema(value_type = Option<String>)]
            bcc: Option<Option<String>>,
            $($more)*
        }

        impl From<$name> for AccountInput {
            fn from(sent: $name) -> Self {
                Self {
                    module: sent.module,
                    server: sent.server,
                    port: sent.port.map(|port| port.to_string()),
                    security: sent.security,
                    username: sent.username.map(Option::unwrap_or_default),
                    password: sent.password.map(Into::into),
                    from_name: sent.from_name,
                    from_address: sent.from_address,
                    reply_to: sent.reply_to.map(Option::unwrap_or_default),
                    bcc: sent.bcc.map(Option::unwrap_or_default),
                }
            }
        }
    };
}

changed_account! {
    /// What is absent stays; null takes it away, and of `password` keeps it.
    #[schema(as = MailAccountChange, example = json!({ "port": 465, "security": "tls" }))]
    AccountChange ("patch::value", nullable = false, "patch::given", schema) {
        /// False lets its module fall back to the default account.
        #[serde(default, deserialize_with = "patch::value")]
        #[schema(nullable = false)]
        pub(in crate::api) enabled: Option<bool>,
    }
}

changed_account! {
    /// Fields that differ from the saved account, and to whom a test mail is sent; without `to` nothing is sent.
    #[schema(example = json!({ "to": "yo@empresa.ec" }))]
    CheckSaved ("Option::deserialize", nullable = true, "patch::kept", nullable) {
        pub(in crate::api) to: Option<String>,
    }
}

impl From<Errors<Field>> for Problem {
    fn from(errors: Errors<Field>) -> Self {
        Self::of_input(errors, |field| field.as_str().to_owned())
    }
}
