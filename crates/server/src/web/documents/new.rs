//! Nuevo documento.

use acuse_domain::contact::Contact;
use acuse_domain::document::{DocumentKind, DocumentNumber, Side};
use acuse_domain::id::ContactId;
use acuse_domain::input::document::Field;
use acuse_domain::message::messages;
use acuse_domain::money::Money;
use acuse_store::contacts;
use acuse_store::documents::{self, CreateError};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::form::{DocumentForm, id_of};
use crate::access::{Authorized, KeepDocuments};
use crate::app::App;
use crate::web::carried::{Carried, Kept};
use crate::web::contacts::roles;
use crate::web::contacts::save::begin_person;
use crate::web::contacts::search::{Suggestion, matching};
use crate::web::form_errors::FormErrors;
use crate::web::once::{new_key, once};
use crate::web::page::{Page, Section, refused, shown};
use crate::web::trouble::{self, Trouble};
use crate::web::{calendar, filters};

#[derive(Template)]
#[template(path = "documents/new.html")]
struct NewPage {
    page: Page,
    form: DocumentForm,
    errors: FormErrors,
    contact: Option<Contact>,
    balance: Money,
    /// People to choose from, for who types without script.
    found: Option<Vec<Suggestion>>,
    /// People of the other side who match.
    others: Vec<Contact>,
    /// The completed number, and whether it may still be used.
    number: Option<(DocumentNumber, bool)>,
    /// «Guardar y agregar otro» says what it kept.
    kept: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    lado: String,
    /// Whose document it will be.
    persona: String,
    /// The number of the one just kept.
    guardado: String,
}

pub async fn ask(
    State(app): State<App>,
    may: Authorized<KeepDocuments>,
    headers: HeaderMap,
    Query(wish): Query<Wish>,
) -> Result<Response, Trouble> {
    let page = page(&app, &may, &headers).await?;
    let form = DocumentForm {
        lado: wish.lado,
        persona_id: wish.persona,
        emision: calendar::day(page.today()),
        clave: new_key(),
        ..DocumentForm::default()
    };
    let mut new = NewPage::of(&app, &may, page, form).await?;
    new.kept = wish.guardado.parse::<DocumentNumber>().ok().map(|number| number.to_string());
    Ok(shown(&new))
}

pub async fn create(
    State(app): State<App>,
    may: Authorized<KeepDocuments>,
    headers: HeaderMap,
    Kept { mut form, body }: Kept<DocumentForm>,
) -> Result<Response, Trouble> {
    let role = form.role();
    if form.accion == "crear" {
        let carried = Carried::of("/documentos/nuevo", &body);
        return begin_person(&app, &may, &headers, form.persona.trim(), role, carried).await;
    }
    if let Ok(also) = form.tambien.parse().map(ContactId) {
        roles::give(&app, &may, also, role).await?;
        form.persona_elegida = also.to_string();
    }
    form.settle_amount();
    let page = page(&app, &may, &headers).await?.typed();
    let today = page.today();
    let mut again = NewPage::of(&app, &may, page, form).await?;
    if !matches!(again.form.accion.as_str(), "guardar" | "otro") {
        return Ok(shown(&again));
    }
    let document = match again.form.read(again.contact.as_ref(), today) {
        Ok(document) => document,
        Err(errors) => {
            again.errors = errors;
            return Ok(refused(&again));
        }
    };
    let once = once(&again.form.clave, format!("documento {document:?}"));
    let (field, why) = match documents::create(&app.db, &may.actor, &document, once.as_ref(), acuse_store::now()).await {
        Ok(id) if again.form.accion == "guardar" => return Ok(Redirect::to(&format!("/documentos/{id}")).into_response()),
        Ok(_) => return Ok(Redirect::to(&again.to_another(&document.facts.number)).into_response()),
        Err(CreateError::NumberTaken(number)) => ("numero", messages::document_number_taken(&number)),
        Err(CreateError::ContactNotFound) => ("persona", messages::contact_not_found()),
        Err(CreateError::Refused(broken)) => (id_of(Field::of(broken)), broken.message()),
        Err(CreateError::Store(error)) => return Err(error.into()),
        Err(CreateError::Once(_)) => return Ok(trouble::not_understood()),
    };
    again.errors.say(field, why);
    Ok(refused(&again))
}

async fn page(app: &App, may: &Authorized<KeepDocuments>, headers: &HeaderMap) -> Result<Page, Trouble> {
    Ok(Page::load(app, may, Section::Documentos, headers).await?.typing())
}

impl NewPage {
    /// The form with what is known of it: whose it is, what the number becomes, when it would be due.
    async fn of(app: &App, may: &Authorized<KeepDocuments>, page: Page, mut form: DocumentForm) -> Result<Self, Trouble> {
        let company = may.actor.company;
        let contact = match form.chosen() {
            Some(id) => contacts::find(&app.db, company, ContactId(id)).await?,
            None => None,
        };
        let contact = contact.filter(|contact| !form.names_somebody_else(contact));
        form.persona_id = contact.as_ref().map(|contact| contact.id.to_string()).unwrap_or_default();
        let (mut found, mut others) = (None, Vec::new());
        match &contact {
            Some(contact) => form.persona.clone_from(&contact.details.name),
            None if !form.persona.trim().is_empty() => {
                found = Some(matching(app, may, form.persona.trim(), Some(form.role())).await?);
                others = roles::of_the_other_side(app, company, form.persona.trim(), form.role()).await?;
            }
            None => {}
        }
        if let Some(due) = contact.as_ref().and_then(|contact| form.usual_due_date(contact))
            && form.vence.trim().is_empty()
        {
            form.vence = calendar::day(due);
        }
        let number = match form.numero.parse::<DocumentNumber>() {
            Ok(number) => {
                let whose = contact.as_ref().map(|contact| contact.id);
                let free = documents::is_number_free(&app.db, company, whose, form.side(), form.kind(), &number).await?;
                Some((number, free))
            }
            Err(_) => None,
        };
        let standing = match &contact {
            Some(contact) => contacts::standing(&app.db, company, contact.id).await?,
            None => contacts::Standing::default(),
        };
        let balance = if form.side() == Side::Payable { standing.payable } else { standing.receivable };
        Ok(Self { page, form, errors: FormErrors::default(), contact, balance, found, others, number, kept: None })
    }

    /// The next document of the same person.
    fn to_another(&self, kept: &DocumentNumber) -> String {
        let side = if self.form.side() == Side::Payable { "pagar" } else { "cobrar" };
        let whose = self.contact.as_ref().map(|contact| contact.id.to_string()).unwrap_or_default();
        format!("/documentos/nuevo?lado={side}&persona={whose}&guardado={kept}")
    }

    fn is_payable(&self) -> bool {
        self.form.side() == Side::Payable
    }

    fn person(&self) -> &'static str {
        if self.is_payable() { "Proveedor" } else { "Cliente" }
    }

    fn search(&self) -> &'static str {
        if self.is_payable() { "/personas/buscar?lado=proveedor" } else { "/personas/buscar?lado=cliente" }
    }

    fn kinds() -> [DocumentKind; 5] {
        DocumentKind::ALL
    }

    /// Why the due date is what it is.
    fn term(&self) -> Option<i32> {
        let contact = self.contact.as_ref()?;
        let usual = self.form.usual_due_date(contact)?;
        (calendar::parse_day(&self.form.vence).ok()? == usual).then_some(contact.details.credit_days).flatten()
    }
}
