//! The type-ahead of Nuevo cobro, Nuevo pago and Nuevo documento (web/js/combobox.js asks for it).

use acuse_domain::contact::Contact;
use acuse_domain::id::ContactId;
use acuse_domain::money::Money;
use acuse_store::Page as Rows;
use acuse_store::contacts::{self, Filter, Role, Standing};
use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::roles;
use crate::web::filters;
use crate::web::frame::Frame;
use crate::web::page::shown;
use crate::web::trouble::Trouble;
use acuse_domain::access::Permission;

/// As many as stand above the fold of a laptop; who wants another types one letter more.
const MOST_OPTIONS: u64 = 8;

#[derive(Deserialize)]
pub struct Search {
    #[serde(default)]
    q: String,
    /// `cliente` or `proveedor`; else everybody.
    #[serde(default)]
    lado: String,
}

/// A person to choose. Also for pages that offer the same list as radio buttons, without script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    pub id: ContactId,
    pub name: String,
    /// `RUC 1791824407001`
    pub identification: String,
    /// The first address that mails go to.
    pub address: Option<String>,
    /// What the person owes us or, on a supplier's side, we owe them.
    pub balance: Money,
}

#[derive(Template)]
#[template(path = "contacts/options.html")]
struct Options<'a> {
    people: Vec<Suggestion>,
    /// Suppliers among customers who are looked for, and the other way round.
    others: Vec<Contact>,
    /// What they would become: «cliente».
    role: &'static str,
    typed: &'a str,
    /// Where a new one is kept, for whoever may.
    create: Option<String>,
}

pub async fn suggest(frame: Frame, Query(asked): Query<Search>) -> Result<Response, Trouble> {
    let typed = asked.q.trim();
    let side = role(&asked.lado);
    let people = matching(&frame, typed, side).await?;
    let others = match side {
        Some(side) if frame.may(Permission::KeepContacts) => {
            roles::of_the_other_side(&frame.app, frame.company(), typed, side).await?
        }
        _ => Vec::new(),
    };
    let role = if side == Some(Role::Supplier) { "proveedor" } else { "cliente" };
    let create = frame.may(Permission::KeepContacts).then(|| create_link(typed, side));
    Ok(shown(&Options { people, others, role, typed, create }))
}

/// The people whose name, identification or address has `typed` in it.
pub async fn matching(frame: &Frame, typed: &str, side: Option<Role>) -> Result<Vec<Suggestion>, Trouble> {
    let company = frame.company();
    let filter = Filter { role: side, text: Some(typed.to_owned()) };
    let found =
        contacts::list(&frame.app.db, company, &filter, contacts::BY_NAME, Rows { after: None, limit: MOST_OPTIONS }).await?;
    let ids: Vec<ContactId> = found.iter().map(|contact| contact.id).collect();
    let standings = contacts::standings(&frame.app.db, company, &ids).await?;
    let suggestion = |(contact, (_, standing)): (Contact, (ContactId, Standing))| Suggestion {
        id: contact.id,
        identification: contact.details.identification.to_string(),
        address: contact.details.emails.first().map(ToString::to_string),
        name: contact.details.name,
        balance: if side == Some(Role::Supplier) { standing.payable } else { standing.receivable },
    };
    Ok(found.into_iter().zip(standings).map(suggestion).collect())
}

#[must_use]
pub fn role(side: &str) -> Option<Role> {
    match side {
        "cliente" => Some(Role::Customer),
        "proveedor" => Some(Role::Supplier),
        _ => None,
    }
}

/// To Nueva persona, with what was typed as its name or its number.
#[must_use]
pub fn create_link(typed: &str, side: Option<Role>) -> String {
    let field = if typed.bytes().all(|byte| byte.is_ascii_digit()) { "identificacion" } else { "nombre" };
    let side = match side {
        Some(Role::Customer) => "&es=cliente",
        Some(Role::Supplier) => "&es=proveedor",
        None => "",
    };
    format!("/personas/nueva?{field}={}{side}", utf8_percent_encode(typed, NON_ALPHANUMERIC))
}
