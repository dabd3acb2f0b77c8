//! Mi compañía › Datos y logo: what receipts and mails say about the company.

pub mod closing;

use std::convert::Infallible;

use acuse_domain::company::CompanyProfile;
use acuse_domain::input::company::{Field, ProfileInput};
use acuse_render::logo::LARGEST_UPLOAD;
use acuse_store::companies;
use acuse_store::versions::ChangeError;
use askama::Template;
use axum::Form;
use axum::body::Bytes;
use axum::extract::Query;
use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::heavy_work::{begin_upload, take_in_logo};
use crate::web::carried::SHOW;
use crate::web::conflict::{self, Conflict, Editing, ShownField, Slot, conflicting};
use crate::web::filters;
use crate::web::form_errors::FormErrors;
use crate::web::frame::Frame;
use crate::web::page::{Page, Section, refused, shown, with_status};
use crate::web::slips::Slips;
use crate::web::trouble::{self, Trouble};
use acuse_domain::access::Permission;
use closing::Closing;

const HERE: &str = "/mi-compania/datos";
/// An upload may be larger than other requests: the file, and what a form puts around it (bytes).
pub const LARGEST_LOGO_FORM: usize = LARGEST_UPLOAD + 64 * 1024;

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct ProfileForm {
    razon: String,
    comercial: String,
    direccion: String,
    ciudad: String,
    telefono: String,
    correo: String,
    /// The address looks like a slip and is right.
    asi_es: String,
    /// The answer about it.
    accion: String,
    /// Of the profile that it was made from.
    version: String,
    /// What stood in it then.
    antes: String,
}

impl Editing for ProfileForm {
    fn slots(&mut self) -> Vec<(&'static str, Slot<'_>)> {
        vec![
            ("razon", Slot::Text(&mut self.razon)),
            ("comercial", Slot::Text(&mut self.comercial)),
            ("direccion", Slot::Text(&mut self.direccion)),
            ("ciudad", Slot::Text(&mut self.ciudad)),
            ("telefono", Slot::Text(&mut self.telefono)),
            ("correo", Slot::Text(&mut self.correo)),
        ]
    }
}

#[derive(Template)]
#[template(path = "company/profile.html")]
struct ProfilePage {
    page: Page,
    errors: FormErrors,
    conflict: Conflict,
    typed: ProfileForm,
    has_logo: bool,
    /// Whether something was just saved.
    is_saved: bool,
    closing: Closing,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Shown {
    guardado: Option<String>,
}

pub async fn profile(frame: Frame, Query(seen): Query<Shown>) -> Result<Response, Trouble> {
    let company = companies::find(&frame.app.db, frame.company()).await?.ok_or(Trouble::NotFound)?;
    let is_readable = company.unreadable().is_empty();
    let typed = ProfileForm::of(company.profile, company.version);
    // What cannot be read stands in its field, with what is wrong with it.
    let errors = if is_readable { None } else { typed.read().err() };
    let errors = errors.unwrap_or_default().at_opening();
    let page = profile_page(&frame, typed, errors).await?;
    Ok(shown(&ProfilePage { is_saved: seen.guardado.is_some(), ..page }))
}

pub async fn change(frame: Frame, Form(mut form): Form<ProfileForm>) -> Result<Response, Trouble> {
    let company = companies::find(&frame.app.db, frame.company()).await?.ok_or(Trouble::NotFound)?;
    let mut slips = Slips::of(&form.asi_es, company.profile.email.into_iter().collect());
    if form.accion == SHOW {
        return Ok(shown(&profile_page(&frame, form, FormErrors::default()).await?));
    }
    slips.press(&mut form.accion, &mut [("correo", &mut form.correo)]);
    let read = form.read();
    let mut errors = read.as_ref().err().cloned().unwrap_or_default();
    slips.ask("correo", &form.correo, "", &mut errors);
    let (Ok(profile), true) = (read, errors.is_empty()) else {
        errors.remember(slips.confirmed());
        return Ok(refused(&profile_page(&frame, form, errors).await?));
    };
    let expected = conflict::expected(&form.version);
    let typed = profile.clone();
    match companies::change(&frame.app.db, &frame.actor, &expected, |_| Ok::<_, Infallible>(typed)).await {
        Ok(_) => Ok(saved()),
        Err(ChangeError::Stale) => show_both(&frame, form, profile).await,
        Err(ChangeError::NotFound | ChangeError::Taken) => Err(Trouble::NotFound),
        Err(ChangeError::Refused(never)) => match never {},
        Err(ChangeError::Store(error)) => Err(error.into()),
    }
}

/// The form again, as it was typed, beside the profile as somebody else left it.
async fn show_both(frame: &Frame, mut form: ProfileForm, typed: CompanyProfile) -> Result<Response, Trouble> {
    let kept = companies::find(&frame.app.db, frame.company()).await?.ok_or(Trouble::NotFound)?;
    if kept.profile == typed {
        // They wrote the same.
        return Ok(saved());
    }
    let mut kept_form = ProfileForm::of(kept.profile, kept.version);
    let before = std::mem::take(&mut form.antes);
    let taken_over = conflict::take_over(&mut form, &before, &mut kept_form);
    form.version.clone_from(&kept_form.version);
    form.antes.clone_from(&kept_form.antes);
    let typed_form = ProfileForm::of(typed, kept.version);
    let conflict = Conflict::between(kept_form.shown(), typed_form.shown(), &taken_over, HERE);
    let page = profile_page(frame, form, FormErrors::default()).await?;
    Ok(conflicting(&ProfilePage { conflict, ..page }))
}

/// The logo as it is kept.
pub async fn logo(frame: Frame) -> Result<Response, Trouble> {
    let png = companies::logo(&frame.app.db, frame.company()).await?.ok_or(Trouble::NotFound)?;
    Ok(([(CONTENT_TYPE, "image/png")], png).into_response())
}

pub async fn upload_logo(frame: Frame, upload: Result<Multipart, MultipartRejection>) -> Result<Response, Trouble> {
    let Ok(upload) = upload else { return Ok(trouble::not_understood()) };
    let _place = begin_upload().await?;
    let words = match file_of(upload).await {
        Ok(file) => match take_in_logo(file).await? {
            Ok(png) => {
                companies::change_logo(&frame.app.db, &frame.actor, Some(png)).await?;
                return Ok(saved());
            }
            Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
        },
        Err(words) => words,
    };
    let (status, words) = words;
    let company = companies::find(&frame.app.db, frame.company()).await?.ok_or(Trouble::NotFound)?;
    let mut errors = FormErrors::default();
    errors.add("logo", words);
    let page = profile_page(&frame, ProfileForm::of(company.profile, company.version), errors).await?;
    Ok(with_status(status, &page))
}

pub async fn remove_logo(frame: Frame) -> Result<Response, Trouble> {
    companies::change_logo(&frame.app.db, &frame.actor, None).await?;
    Ok(saved())
}

/// The file that was uploaded. Errs with the words for its field.
async fn file_of(mut upload: Multipart) -> Result<Bytes, (StatusCode, String)> {
    let mut file = None;
    while let Some(field) = upload.next_field().await.map_err(|error| not_read(error.status()))? {
        if field.name() == Some("logo") {
            file = Some(field.bytes().await.map_err(|error| not_read(error.status()))?);
        }
    }
    let missing = || (StatusCode::UNPROCESSABLE_ENTITY, "Elija el archivo de su logo.".to_owned());
    file.filter(|file| !file.is_empty()).ok_or_else(missing)
}

fn not_read(status: StatusCode) -> (StatusCode, String) {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        return (status, format!("El logo pesa demasiado; el máximo son {} MB.", LARGEST_UPLOAD >> 20));
    }
    (StatusCode::BAD_REQUEST, "El archivo no llegó completo; intente de nuevo.".to_owned())
}

async fn profile_page(frame: &Frame, typed: ProfileForm, errors: FormErrors) -> Result<ProfilePage, Trouble> {
    let page = frame.page(Section::MiCompania).await?;
    let has_logo = companies::logo(&frame.app.db, frame.company()).await?.is_some();
    let closing = Closing::of(frame).await?;
    Ok(ProfilePage { page, errors, conflict: Conflict::default(), typed, has_logo, is_saved: false, closing })
}

fn saved() -> Response {
    Redirect::to(&format!("{HERE}?guardado=si")).into_response()
}

impl ProfileForm {
    fn of(profile: CompanyProfile, version: i64) -> Self {
        let mut form = Self {
            razon: profile.legal_name,
            comercial: profile.trade_name.unwrap_or_default(),
            direccion: profile.address.unwrap_or_default(),
            ciudad: profile.city.unwrap_or_default(),
            telefono: profile.phone.unwrap_or_default(),
            correo: profile.email.map(|email| email.to_string()).unwrap_or_default(),
            asi_es: String::new(),
            accion: String::new(),
            version: version.to_string(),
            antes: String::new(),
        };
        form.antes = conflict::snapshot(&mut form);
        form
    }

    /// As it is read beside another one.
    fn shown(self) -> Vec<ShownField> {
        let fields = [
            ("razon", "Razón social", self.razon),
            ("comercial", "Nombre comercial", self.comercial),
            ("correo", "Correo", self.correo),
            ("direccion", "Dirección", self.direccion),
            ("ciudad", "Ciudad", self.ciudad),
            ("telefono", "Teléfono", self.telefono),
        ];
        fields.into_iter().map(|(field, label, value)| ShownField { field, label, value }).collect()
    }

    /// The profile of this RUC, or every reason why it is none.
    fn read(&self) -> Result<CompanyProfile, FormErrors> {
        let input = ProfileInput {
            legal_name: Some(self.razon.clone()),
            trade_name: Some(self.comercial.clone()),
            address: Some(self.direccion.clone()),
            city: Some(self.ciudad.clone()),
            phone: Some(self.telefono.clone()),
            email: Some(self.correo.clone()),
        };
        input.read().map_err(|errors| FormErrors::of_input(errors, id_of))
    }
}

const fn id_of(field: Field) -> &'static str {
    match field {
        Field::LegalName => "razon",
        Field::TradeName => "comercial",
        Field::Address => "direccion",
        Field::City => "ciudad",
        Field::Phone => "telefono",
        Field::Email => "correo",
    }
}
