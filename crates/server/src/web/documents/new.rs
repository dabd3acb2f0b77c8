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
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::form::{DocumentForm, id_of};
use crate::web::carried::{Carried, Kept};
use crate::web::contacts::roles;
use crate::web::contacts::save::begin_person;
use crate::web::contacts::search::{Suggestion, matching};
use crate::web::form_errors::FormErrors;
use crate::web::frame::Frame;
use crate::web::once::{new_key, once};
use crate::web::page::{Page, Section, refused, shown};
use crate::web::trouble::{self, Trouble};
use crate::web::{calendar, filters};
use acuse_domain::access::Permission;

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

pub async fn ask(frame: Frame, Query(wish): Query<Wish>) -> Result<Response, Trouble> {
    let mut form = DocumentForm {
        lado: wish.lado,
        persona_id: wish.persona,
        emision: calendar::day(calendar::today(acuse_store::now())),
        clave: new_key(),
        ..DocumentForm::default()
    };
    let contact = settle_on_person(&frame, &mut form).await?;
    let mut new = NewPage::of(&frame, form, contact).await?;
    new.kept = wish.guardado.parse::<DocumentNumber>().ok().map(|number| number.to_string());
    Ok(shown(&new))
}

pub async fn create(frame: Frame, Kept { mut form, body }: Kept<DocumentForm>) -> Result<Response, Trouble> {
    let role = form.role();
    if form.accion == "crear" {
        let carried = Carried::of("/documentos/nuevo", &body);
        return begin_person(&frame, form.persona.trim(), role, carried).await;
    }
    if let Ok(also) = form.tambien.parse().map(ContactId) {
        roles::give(&frame, also, role).await?;
        form.persona_elegida = also.to_string();
    }
    form.settle_amount();
    let contact = settle_on_person(&frame, &mut form).await?;
    if !matches!(form.accion.as_str(), "guardar" | "otro") {
        return Ok(shown(&NewPage::of(&frame, form, contact).await?.typed()));
    }
    let errors = match form.read(contact.as_ref(), calendar::today(acuse_store::now())) {
        Err(errors) => errors,
        Ok(document) => {
            let once = once(&form.clave, format!("documento {document:?}"));
            let (field, why) =
                match documents::create(&frame.app.db, &frame.actor, &document, once.as_ref(), acuse_store::now()).await {
                    Ok(id) if form.accion == "guardar" => return Ok(Redirect::to(&format!("/documentos/{id}")).into_response()),
                    Ok(_) => return Ok(Redirect::to(&to_another(&form, &document.facts.number)).into_response()),
                    Err(CreateError::NumberTaken(number)) => ("numero", messages::document_number_taken(&number)),
                    Err(CreateError::ContactNotFound) => ("persona", messages::contact_not_found()),
                    Err(CreateError::Refused(broken)) => (id_of(Field::of(broken)), broken.message()),
                    Err(CreateError::Store(error)) => return Err(error.into()),
                    Err(CreateError::Once(_)) => return Ok(trouble::not_understood()),
                };
            let mut errors = FormErrors::default();
            errors.say(field, why);
            errors
        }
    };
    Ok(refused(&NewPage { errors, ..NewPage::of(&frame, form, contact).await?.typed() }))
}

/// Whose it is, and when it would be due then.
async fn settle_on_person(frame: &Frame, form: &mut DocumentForm) -> Result<Option<Contact>, Trouble> {
    let contact = match form.chosen() {
        Some(id) => contacts::find(&frame.app.db, frame.company(), ContactId(id)).await?,
        None => None,
    };
    let contact = contact.filter(|contact| !form.names_somebody_else(contact));
    form.persona_id = contact.as_ref().map(|contact| contact.id.to_string()).unwrap_or_default();
    if let Some(contact) = &contact {
        form.persona.clone_from(&contact.details.name);
        if let Some(due) = form.usual_due_date(contact).filter(|_| form.vence.trim().is_empty()) {
            form.vence = calendar::day(due);
        }
    }
    Ok(contact)
}

/// The next document of the same person.
fn to_another(form: &DocumentForm, kept: &DocumentNumber) -> String {
    let side = if form.side() == Side::Payable { "pagar" } else { "cobrar" };
    format!("/documentos/nuevo?lado={side}&persona={}&guardado={kept}", form.persona_id)
}

impl NewPage {
    /// The form with what is known of it: who it may mean, what the number becomes, how much is owed.
    async fn of(frame: &Frame, form: DocumentForm, contact: Option<Contact>) -> Result<Self, Trouble> {
        let (db, company) = (&frame.app.db, frame.company());
        let (mut found, mut others) = (None, Vec::new());
        let typed = form.persona.trim();
        if contact.is_none() && !typed.is_empty() {
            found = Some(matching(frame, typed, Some(form.role())).await?);
            others = roles::of_the_other_side(&frame.app, company, typed, form.role()).await?;
        }
        let number = match form.numero.parse::<DocumentNumber>() {
            Ok(number) => {
                let whose = contact.as_ref().map(|contact| contact.id);
                let free = documents::is_number_free(db, company, whose, form.side(), form.kind(), &number).await?;
                Some((number, free))
            }
            Err(_) => None,
        };
        let standing = match &contact {
            Some(contact) => contacts::standing(db, company, contact.id).await?,
            None => contacts::Standing::default(),
        };
        let balance = if form.side() == Side::Payable { standing.payable } else { standing.receivable };
        let page = frame.page(Section::Documentos).await?.typing();
        Ok(Self { page, form, errors: FormErrors::default(), contact, balance, found, others, number, kept: None })
    }

    /// Given back as it was typed.
    fn typed(self) -> Self {
        Self { page: self.page.typed(), ..self }
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
