//! A token of the API to be made.

use super::Errors;
use crate::Date;
use crate::access::{Scope, Scopes, token_name};
use crate::api_token::{MOST_NETWORKS, Networks, NewToken, latest_end};
use crate::message::{Message, messages};

/// The last day is read by the edge, by its own spelling.
#[derive(Debug, Clone)]
pub struct TokenInput {
    pub name: String,
    pub scopes: Vec<String>,
    pub expires_on: Result<Option<Date>, Message>,
    pub networks: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Name,
    Scopes,
    ExpiresOn,
    Networks,
}

impl TokenInput {
    /// `today` is the day in Ecuador.
    pub fn read(self, today: Date) -> Result<NewToken, Errors<Field>> {
        let mut errors = Errors::default();
        let name = token_name(&self.name).map_err(|error| error.of(messages::a_token_name()));
        let name = errors.keep(Field::Name, name);
        let scopes = errors.keep(Field::Scopes, scopes(&self.scopes));
        let expires_on = self.expires_on.and_then(|day| check_end(day, today));
        let expires_on = errors.keep(Field::ExpiresOn, expires_on);
        let networks = errors.keep(Field::Networks, networks(&self.networks));
        let (Some(name), Some(scopes), Some(expires_on), Some(networks)) = (name, scopes, expires_on, networks) else {
            return Err(errors);
        };
        Ok(NewToken { name, scopes, expires_on, networks })
    }
}

fn scopes(codes: &[String]) -> Result<Scopes, Message> {
    let each = |code: &String| Scope::parse(code).ok_or_else(|| messages::scope_unknown(code.as_str()));
    let found: Vec<Scope> = codes.iter().map(each).collect::<Result<_, _>>()?;
    if found.is_empty() { Err(messages::scopes_missing()) } else { Ok(Scopes::new(found)) }
}

fn check_end(day: Option<Date>, today: Date) -> Result<Option<Date>, Message> {
    match day {
        Some(day) if day <= today => Err(messages::token_end_past()),
        Some(day) if day > latest_end(today) => Err(messages::token_end_late(latest_end(today))),
        day => Ok(day),
    }
}

fn networks(typed: &str) -> Result<Networks, Message> {
    let networks = Networks::parse(typed).map_err(messages::network_invalid)?;
    if networks.iter().count() > MOST_NETWORKS { Err(messages::too_many_networks(MOST_NETWORKS)) } else { Ok(networks) }
}
