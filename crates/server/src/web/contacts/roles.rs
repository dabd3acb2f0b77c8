//! A supplier who pays, a customer who is paid: one person, and both.

use std::convert::Infallible;

use acuse_domain::contact::Contact;
use acuse_domain::id::{CompanyId, ContactId};
use acuse_store::contacts::{self, Filter, Role};
use acuse_store::versions::{ChangeError, Expected};
use acuse_store::{Page as Rows, StoreError};

use crate::app::App;
use crate::web::frame::Frame;
use crate::web::trouble::Trouble;
use acuse_domain::access::Permission;

/// Fewer than of those who are looked for.
const MOST: u64 = 4;

/// People that match and are only of the other side.
pub async fn of_the_other_side(app: &App, company: CompanyId, typed: &str, role: Role) -> Result<Vec<Contact>, StoreError> {
    let other = match role {
        Role::Customer => Role::Supplier,
        Role::Supplier => Role::Customer,
    };
    let filter = Filter { role: Some(other), text: Some(typed.to_owned()) };
    let found = contacts::list(&app.db, company, &filter, contacts::BY_NAME, Rows { after: None, limit: MOST }).await?;
    Ok(found.into_iter().filter(|contact| !has(contact, role)).collect())
}

fn has(contact: &Contact, role: Role) -> bool {
    match role {
        Role::Customer => contact.details.is_customer,
        Role::Supplier => contact.details.is_supplier,
    }
}

/// «Hacerlo también cliente»: whoever has the role already keeps it.
pub async fn give(frame: &Frame, id: ContactId, role: Role) -> Result<(), Trouble> {
    if !frame.may(Permission::KeepContacts) {
        return Ok(());
    }
    let change = |mut details: acuse_domain::contact::ContactDetails| {
        match role {
            Role::Customer => details.is_customer = true,
            Role::Supplier => details.is_supplier = true,
        }
        Ok::<_, Infallible>(details)
    };
    match contacts::change(&frame.app.db, &frame.actor, id, &Expected::Any, change).await {
        Ok(_) => Ok(()),
        Err(ChangeError::NotFound | ChangeError::Stale | ChangeError::Taken) => Err(Trouble::NotFound),
        Err(ChangeError::Refused(never)) => match never {},
        Err(ChangeError::Store(error)) => Err(error.into()),
    }
}
