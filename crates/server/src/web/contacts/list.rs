//! The list of personas.

use std::collections::HashSet;

use acuse_domain::contact::Contact;
use acuse_domain::id::ContactId;
use acuse_store::Page as Rows;
use acuse_store::contacts::{self, BY_NAME, By, Filter, Role, Standing};
use acuse_store::deliveries::{self, recipient_key};
use askama::Template;
use axum::response::Response;
use axum_extra::extract::Query;
use serde::Deserialize;
use uuid::Uuid;

use super::search::role;
use crate::web::filters;
use crate::web::frame::Frame;
use crate::web::page::{Page, Section, shown};
use crate::web::pager::Pager;
use crate::web::sort::{Column, Sorting, order};
use crate::web::trail::{ROWS, Trail};
use crate::web::trouble::Trouble;
use acuse_domain::access::Permission;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContactsQuery {
    q: String,
    /// `cliente` or `proveedor`; else everybody.
    es: String,
    orden: String,
    tras: Vec<Uuid>,
}

#[derive(Template)]
#[template(path = "contacts/list.html")]
struct ListPage<'a> {
    page: Page,
    asked: &'a ContactsQuery,
    chips: Vec<Chip>,
    total: u64,
    rows: Vec<(Contact, Standing)>,
    bounced: HashSet<(ContactId, String)>,
    sorting: Sorting,
    pager: Pager,
}

/// A filter with how many it would show.
pub struct Chip {
    pub href: String,
    pub word: &'static str,
    pub count: u64,
    pub is_current: bool,
}

const COLUMNS: [Column<By>; 4] = [
    Column { code: "nombre", by: By::Name, falls: false },
    Column { code: "identificacion", by: By::Identification, falls: false },
    Column { code: "por-cobrar", by: By::Receivable, falls: true },
    Column { code: "por-pagar", by: By::Payable, falls: true },
];

pub async fn list(frame: Frame, Query(asked): Query<ContactsQuery>) -> Result<Response, Trouble> {
    let company = frame.company();
    let trail = Trail {
        path: "/personas",
        filters: vec![("q", &asked.q), ("es", &asked.es), ("orden", &asked.orden)],
        behind: &asked.tras,
    };
    let text = Some(asked.q.clone());
    let filter = Filter { role: role(&asked.es), text: text.clone() };
    let order = order(&COLUMNS, &asked.orden, BY_NAME);
    let sorting = Sorting::of(&COLUMNS, order, &asked.orden, |code| trail.with(&[("orden", code)]));
    let slice = Rows { after: asked.tras.last().copied(), limit: ROWS };
    let found = contacts::list(&frame.app.db, company, &filter, order, slice).await?;
    let ids: Vec<ContactId> = found.iter().map(|contact| contact.id).collect();
    let standings = contacts::standings(&frame.app.db, company, &ids).await?;
    let bounced = deliveries::bounced_of(&frame.app.db, company, &ids).await?;
    let mut chips = Vec::new();
    for (code, word, role) in
        [("", "Todas", None), ("cliente", "Clientes", Some(Role::Customer)), ("proveedor", "Proveedores", Some(Role::Supplier))]
    {
        let count = contacts::count(&frame.app.db, company, &Filter { role, text: text.clone() }).await?;
        chips.push(Chip { href: trail.with(&[("es", code)]), word, count, is_current: role == filter.role });
    }
    let total = chips.iter().find(|chip| chip.is_current).map_or(0, |chip| chip.count);
    let pager = trail.pager(ids.last().map(|id| id.0), ids.len(), total);
    let rows = found.into_iter().zip(standings.into_iter().map(|(_, standing)| standing)).collect();
    let page = frame.page(Section::Personas).await?;
    Ok(shown(&ListPage { page, asked: &asked, chips, total, rows, bounced, sorting, pager }))
}

impl ListPage<'_> {
    /// «1 de 3 rebotado»; nothing where no address of the card came back.
    fn bounces(&self, person: &Contact) -> Option<String> {
        let addresses: HashSet<String> = person.details.addresses().map(|one| recipient_key(one.as_str())).collect();
        let all = addresses.len();
        match addresses.into_iter().filter(|key| self.bounced.contains(&(person.id, key.clone()))).count() {
            0 => None,
            1 => Some(format!("1 de {all} rebotado")),
            n => Some(format!("{n} de {all} rebotados")),
        }
    }
}
