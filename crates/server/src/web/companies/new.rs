//! Nueva compañía: its RUC, what it is called, and who made it is its owner.

use acuse_domain::company::{CompanyCreation, CompanyProfile};
use acuse_domain::identification::Ruc;
use acuse_domain::input::company::{Field, ProfileInput, ruc};
use acuse_domain::message::messages;
use acuse_store::companies::CreateError;
use acuse_store::{companies, memberships};
use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::Form;
use serde::Deserialize;

use crate::web::filters;
use crate::web::form_errors::FormErrors;
use crate::web::frame::Frame;
use crate::web::page::{Page, Section, refused, shown};
use crate::web::trouble::{self, Trouble};

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct NewForm {
    ruc: String,
    razon: String,
    comercial: String,
    direccion: String,
    correo: String,
    /// The RUC whose check digit does not fit, and that is right.
    asi_es: String,
}

#[derive(Template)]
#[template(path = "companies/new.html")]
struct NewPage {
    page: Page,
    errors: FormErrors,
    typed: NewForm,
    /// A RUC to be confirmed.
    doubtful: Option<String>,
}

pub async fn ask(frame: Frame) -> Result<Response, Trouble> {
    let page = frame.page(Section::Companias).await?.typing();
    if !page.may_found {
        return Ok(may_not(&frame));
    }
    Ok(shown(&NewPage { page, errors: FormErrors::default(), typed: NewForm::default(), doubtful: None }))
}

pub async fn create(frame: Frame, Form(typed): Form<NewForm>) -> Result<Response, Trouble> {
    let page = frame.page(Section::Companias).await?.typed();
    if !page.may_found {
        return Ok(may_not(&frame));
    }
    let (ruc, profile) = match typed.read() {
        Ok(read) => read,
        Err(errors) => return Ok(refused(&NewPage { page, errors, typed, doubtful: None })),
    };
    if let Some(doubt) = ruc.doubt().filter(|_| typed.asi_es != ruc.as_str()) {
        let mut errors = FormErrors::default();
        errors.say("ruc", doubt.message(&ruc));
        let doubtful = Some(ruc.to_string());
        return Ok(refused(&NewPage { page, errors, typed, doubtful }));
    }
    let now = acuse_store::now();
    match companies::found(&frame.app.db, frame.user, &frame.actor, &ruc, &profile, now).await {
        Ok(company) => {
            memberships::enter(&frame.app.db, company, &frame.session_token(), now).await?;
            Ok(Redirect::to("/").into_response())
        }
        Err(CreateError::RucTaken) => {
            let mut errors = FormErrors::default();
            let theirs = memberships::list_any_company(&frame.app.db, frame.user).await?;
            match theirs.iter().find(|one| one.ruc == ruc) {
                Some(own) => errors.say("ruc", messages::company_ruc_yours(own.known_as())),
                None => errors.say("ruc", messages::company_ruc_taken()),
            }
            Ok(refused(&NewPage { page, errors, typed, doubtful: None }))
        }
        Err(CreateError::Store(error)) => Err(error.into()),
    }
}

/// Who is nobody's owner asks theirs; where only the operator adds companies, everybody asks the operator.
fn may_not(frame: &Frame) -> Response {
    match frame.app.company_creation {
        CompanyCreation::Owners => trouble::not_allowed(),
        CompanyCreation::Operator => trouble::only_the_operator(),
    }
}

impl NewForm {
    fn read(&self) -> Result<(Ruc, CompanyProfile), FormErrors> {
        let input = ProfileInput {
            legal_name: Some(self.razon.clone()),
            trade_name: Some(self.comercial.clone()),
            address: Some(self.direccion.clone()),
            email: Some(self.correo.clone()),
            ..ProfileInput::default()
        };
        let mut errors = FormErrors::default();
        let number = errors.keep("ruc", ruc(&self.ruc));
        match (number, input.read()) {
            (Some(ruc), Ok(profile)) => Ok((ruc, profile)),
            (_, Ok(_)) => Err(errors),
            (_, Err(wrong)) => {
                for (field, message) in wrong {
                    errors.say(id_of(field), message);
                }
                Err(errors)
            }
        }
    }
}

const fn id_of(field: Field) -> &'static str {
    match field {
        Field::LegalName => "razon",
        Field::TradeName => "comercial",
        Field::Address | Field::City | Field::Phone => "direccion",
        Field::Email => "correo",
    }
}
