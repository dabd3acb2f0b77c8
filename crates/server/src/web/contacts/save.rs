//! Nueva persona, and Modificar.

use acuse_domain::message::messages;
use std::convert::Infallible;

use acuse_domain::contact::{Contact, ContactDetails};
use acuse_domain::id::ContactId;
use acuse_domain::identification::{Identification, IdentificationType};
use acuse_store::contacts::{self, CreateError};
use acuse_store::versions::ChangeError;
use askama::Template;
use axum::extract::Query;
use axum::http::header::COOKIE;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::Form;

use super::form::ContactForm;
use super::search::role;
use crate::web::carried::Carried;
use crate::web::conflict::{self, Conflict, conflicting};
use crate::web::filters;
use crate::web::form_errors::FormErrors;
use crate::web::frame::Frame;
use crate::web::once::{new_key, once};
use crate::web::page::{Page, Section, refused, shown};
use crate::web::path_id::PathId;
use crate::web::slips::Slips;
use crate::web::trouble::{self, Trouble};
use acuse_domain::access::Permission;

#[derive(Template)]
#[template(path = "contacts/form.html")]
struct FormPage {
    page: Page,
    /// The person that is modified, by name.
    known: Option<(ContactId, String)>,
    form: ContactForm,
    slips: Slips,
    errors: FormErrors,
    conflict: Conflict,
    number: NumberCheck,
    /// Who has the same number already.
    twin: Option<Contact>,
}

/// What stands beside the number.
enum NumberCheck {
    Nothing,
    Fine(String),
    Doubtful,
    Wrong(String),
}

/// A new one. `?nombre=`, `?identificacion=` and `?es=` come from the type-ahead.
pub async fn ask_new(frame: Frame, Query(wish): Query<Wish>) -> Result<Response, Trouble> {
    let form = ContactForm { nombre: wish.nombre, numero: wish.identificacion, ..begun(role(&wish.es)) };
    Ok(shown(&FormPage::of(&frame, None, form, Slips::default()).await?))
}

fn begun(side: Option<contacts::Role>) -> ContactForm {
    let ticked = |ours: contacts::Role| (side == Some(ours)).then(|| "1".to_owned());
    ContactForm {
        cliente: ticked(contacts::Role::Customer),
        proveedor: ticked(contacts::Role::Supplier),
        clave: new_key(),
        ..ContactForm::default()
    }
}

/// «Crear la persona» in a form that waits for it: the answer is Nueva persona, with that form inside.
pub async fn begin_person(frame: &Frame, typed: &str, side: contacts::Role, carried: Carried) -> Result<Response, Trouble> {
    if !frame.may(Permission::KeepContacts) {
        return Ok(trouble::not_allowed());
    }
    let is_number = !typed.is_empty() && typed.bytes().all(|byte| byte.is_ascii_digit());
    let (numero, nombre) = if is_number { (typed.to_owned(), String::new()) } else { (String::new(), typed.to_owned()) };
    let (lleva_a, lleva) = carried.as_fields();
    let form = ContactForm { numero, nombre, lleva_a, lleva, ..begun(Some(side)) };
    Ok(shown(&FormPage::of(frame, None, form, Slips::default()).await?.typed()))
}

/// Back to the form that waits, with the person chosen.
async fn back_with(frame: &Frame, carried: Carried, chosen: Option<ContactId>) -> Response {
    let mut carried = carried.with("accion", "persona");
    if let Some(id) = chosen {
        let id = id.to_string();
        carried = carried.with("persona_id", &id).with("elegida", &id).with("persona_elegida", &id).with("persona", "");
    }
    let cookies: Vec<&str> = frame.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).collect();
    carried.go_on(&frame.app, &cookies.join("; "), frame.actor.source).await
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub struct Wish {
    nombre: String,
    identificacion: String,
    es: String,
}

pub async fn create(frame: Frame, Form(mut form): Form<ContactForm>) -> Result<Response, Trouble> {
    if let (Some(carried), "volver") = (form.carried(), form.accion.as_str()) {
        return Ok(back_with(&frame, carried, None).await);
    }
    let mut slips = Slips::of(&form.asi_es, Vec::new());
    form.answer(&mut slips);
    if form.accion != "guardar" {
        return Ok(shown(&FormPage::of(&frame, None, form, slips).await?.typed()));
    }
    let details = match form.read_asking(&slips) {
        Ok(details) => details,
        Err(errors) => return refuse(&frame, None, form, slips, errors).await,
    };
    let once = once(&form.clave, format!("persona {details:?}"));
    match contacts::create(&frame.app.db, &frame.actor, &details, once.as_ref(), acuse_store::now()).await {
        Ok(id) => Ok(match form.carried() {
            Some(carried) => back_with(&frame, carried, Some(id)).await,
            None => Redirect::to(&format!("/personas/{id}")).into_response(),
        }),
        Err(CreateError::IdentificationTaken) => refuse(&frame, None, form, slips, taken()).await,
        Err(CreateError::Once(_)) => Ok(trouble::not_understood()),
        Err(CreateError::Store(error)) => Err(error.into()),
    }
}

pub async fn ask_change(frame: Frame, PathId(id): PathId<ContactId>) -> Result<Response, Trouble> {
    let contact = contacts::find(&frame.app.db, frame.company(), id).await?.ok_or(Trouble::NotFound)?;
    let form = ContactForm::of(&contact.details, contact.version);
    // What cannot be read stands in its field, with what is wrong with it.
    let errors = if contact.details.unreadable().is_empty() { None } else { form.read().err() };
    let slips = Slips::of("", contact.details.addresses().cloned().collect());
    let mut view = FormPage::of(&frame, Some((id, contact.details.name)), form, slips).await?;
    view.errors = errors.unwrap_or_default().at_opening();
    Ok(shown(&view))
}

pub async fn change(frame: Frame, PathId(id): PathId<ContactId>, Form(mut form): Form<ContactForm>) -> Result<Response, Trouble> {
    let contact = contacts::find(&frame.app.db, frame.company(), id).await?.ok_or(Trouble::NotFound)?;
    let mut slips = Slips::of(&form.asi_es, contact.details.addresses().cloned().collect());
    let known = Some((id, contact.details.name));
    form.answer(&mut slips);
    if form.accion != "guardar" {
        return Ok(shown(&FormPage::of(&frame, known, form, slips).await?.typed()));
    }
    let details = match form.read_asking(&slips) {
        Ok(details) => details,
        Err(errors) => return refuse(&frame, known, form, slips, errors).await,
    };
    let expected = conflict::expected(&form.version);
    let typed = details.clone();
    let saved = contacts::change(&frame.app.db, &frame.actor, id, &expected, |_| Ok::<_, Infallible>(typed)).await;
    match saved {
        Ok(_) => Ok(Redirect::to(&format!("/personas/{id}")).into_response()),
        Err(ChangeError::Stale) => show_both(&frame, id, form, details, slips).await,
        Err(ChangeError::Taken) => refuse(&frame, known, form, slips, taken()).await,
        Err(ChangeError::NotFound) => Err(Trouble::NotFound),
        Err(ChangeError::Refused(never)) => match never {},
        Err(ChangeError::Store(error)) => Err(error.into()),
    }
}

/// The form again, as it was typed, beside the card as somebody else left it.
async fn show_both(
    frame: &Frame,
    id: ContactId,
    mut form: ContactForm,
    typed: ContactDetails,
    slips: Slips,
) -> Result<Response, Trouble> {
    let kept = contacts::find(&frame.app.db, frame.company(), id).await?.ok_or(Trouble::NotFound)?;
    if kept.details == typed {
        // They wrote the same.
        return Ok(Redirect::to(&format!("/personas/{id}")).into_response());
    }
    let mut kept_form = ContactForm::of(&kept.details, kept.version);
    let before = std::mem::take(&mut form.antes);
    let taken_over = conflict::take_over(&mut form, &before, &mut kept_form);
    form.version.clone_from(&kept_form.version);
    form.antes.clone_from(&kept_form.antes);
    let typed_form = ContactForm::of(&typed, kept.version);
    let afresh = format!("/personas/{id}/modificar");
    let mut again = FormPage::of(frame, Some((id, kept.details.name)), form, slips).await?.typed();
    let conflict = Conflict::between(kept_form.shown(), typed_form.shown(), &taken_over, afresh);
    again.conflict = conflict.read_together("cliente", "proveedor", &taken_over);
    Ok(conflicting(&again))
}

fn taken() -> FormErrors {
    let mut errors = FormErrors::default();
    errors.add("numero", messages::identification_taken());
    errors
}

async fn refuse(
    frame: &Frame,
    known: Option<(ContactId, String)>,
    form: ContactForm,
    slips: Slips,
    mut errors: FormErrors,
) -> Result<Response, Trouble> {
    errors.remember(slips.confirmed());
    let mut again = FormPage::of(frame, known, form, slips).await?.typed();
    again.errors = errors;
    Ok(refused(&again))
}

impl FormPage {
    async fn of(frame: &Frame, known: Option<(ContactId, String)>, form: ContactForm, slips: Slips) -> Result<Self, Trouble> {
        let mut errors = FormErrors::default();
        errors.remember(slips.confirmed());
        let mut twin = None;
        let number = match Identification::parse(form.kind(), &form.numero) {
            _ if form.numero.trim().is_empty() => NumberCheck::Nothing,
            Err(error) => NumberCheck::Wrong(error.to_string()),
            Ok(identification) => {
                let found = contacts::find_by_identification(&frame.app.db, frame.company(), &identification).await?;
                twin = found.filter(|found| known.as_ref().is_none_or(|(own, _)| *own != found.id));
                match identification.doubt() {
                    Some(_) => NumberCheck::Doubtful,
                    None => NumberCheck::Fine(understood(&identification)),
                }
            }
        };
        let page = frame.page(Section::Personas).await?.typing();
        Ok(Self { page, known, form, slips, errors, conflict: Conflict::default(), number, twin })
    }

    /// Given back as it was typed.
    fn typed(self) -> Self {
        Self { page: self.page.typed(), ..self }
    }

    fn action(&self) -> String {
        self.known.as_ref().map_or_else(|| "/personas/nueva".to_owned(), |(id, _)| format!("/personas/{id}/modificar"))
    }

    fn way_back(&self) -> String {
        self.known.as_ref().map_or_else(|| "/personas".to_owned(), |(id, _)| format!("/personas/{id}"))
    }

    fn kinds() -> [IdentificationType; 4] {
        IdentificationType::ALL
    }
}

/// `RUC válido: sociedad, Pichincha.`
fn understood(identification: &Identification) -> String {
    let number = identification.number();
    let province = number.get(..2).and_then(province).unwrap_or_default();
    match (identification.kind(), number.as_bytes().get(2)) {
        (IdentificationType::Ruc, Some(b'9')) => format!("RUC válido: sociedad, {province}."),
        (IdentificationType::Ruc, Some(b'6')) => format!("RUC válido: entidad pública, {province}."),
        (IdentificationType::Ruc, _) => format!("RUC válido: persona natural, {province}."),
        (IdentificationType::Cedula, _) => format!("Cédula válida: {province}."),
        _ => "No tiene dígito verificador.".to_owned(),
    }
}

/// The first two digits name the province that issued it (Registro Civil); 30 is abroad.
fn province(code: &str) -> Option<&'static str> {
    const PROVINCES: [&str; 24] = [
        "Azuay",
        "Bolívar",
        "Cañar",
        "Carchi",
        "Cotopaxi",
        "Chimborazo",
        "El Oro",
        "Esmeraldas",
        "Guayas",
        "Imbabura",
        "Loja",
        "Los Ríos",
        "Manabí",
        "Morona Santiago",
        "Napo",
        "Pastaza",
        "Pichincha",
        "Tungurahua",
        "Zamora Chinchipe",
        "Galápagos",
        "Sucumbíos",
        "Orellana",
        "Santo Domingo de los Tsáchilas",
        "Santa Elena",
    ];
    match code.parse::<usize>().ok()? {
        30 => Some("exterior"),
        place => PROVINCES.get(place.checked_sub(1)?).copied(),
    }
}
