//! Mi compañía › Correos: the accounts that the company's mail goes out through.

mod cards;
mod check_view;
pub mod connect;
mod context;
pub mod domain;
mod first_step;
mod form;
mod help;
mod live;
mod origins;
pub mod policy;
mod sealed;
mod shown;

use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::MailAccountId;
use acuse_domain::input::required_address;
use acuse_domain::mail_account::{MailAccount, MailModule};
use acuse_domain::message::messages;
use acuse_mail::autoconfig;
use acuse_store::StoreError;
use acuse_store::mail_accounts::{self as accounts, SaveError};
use acuse_store::versions::Expected;
use axum::Form;
use axum::extract::Query;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::checks;
use crate::web::conflict::conflicting;
use crate::web::form_errors::FormErrors;
use crate::web::frame::Frame;
use crate::web::page::{refused, shown, with_status};
use crate::web::path_id::PathId;
use crate::web::trouble::Trouble;

pub use cards::certificate_ending;
use cards::{DeleteQuestion, ListPage};
use context::{FormContext, NotSaved};
use first_step::FirstStep;
pub use form::AccountForm;
use form::module_of;
use origins::Origins;

const LIST: &str = "/mi-compania/correos";

pub async fn start() -> Redirect {
    Redirect::to(LIST)
}

pub async fn list(frame: Frame) -> Result<Response, Trouble> {
    Ok(shown(&ListPage::load(&frame).await?))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct NewAccount {
    modulo: String,
    direccion: Option<String>,
    /// The address that was meant, where the typed one looked like a slip.
    corregida: Option<String>,
    /// It is no slip.
    tal_cual: Option<String>,
    /// The demo's own server, instead of looking for one.
    buzon: Option<String>,
}

/// First only module and address; with them, the form that they fill in.
pub async fn new(frame: Frame, Query(wanted): Query<NewAccount>) -> Result<Response, Trouble> {
    let context = FormContext::open(frame, None);
    let taken = accounts::list(&context.frame.app.db, context.frame.company()).await?;
    let is_free = |module: &MailModule| taken.iter().all(|account| account.settings.module != *module);
    let module = module_of(&wanted.modulo).filter(is_free);
    let mut errors = FormErrors::default();
    let typed = wanted.corregida.or(wanted.direccion);
    let address = typed.as_deref().and_then(|typed| errors.keep("direccion", required_address(typed)));
    let meant =
        address.as_ref().filter(|_| wanted.tal_cual.is_none()).and_then(EmailAddress::meant).map(|meant| meant.to_string());
    if let (Some(module), Some(address), None) = (module, &address, &meant) {
        if let Some(running) = context.begin_check() {
            let confirmed = if wanted.tal_cual.is_some() { address.to_string() } else { String::new() };
            let page = filled_in(&context, module, address, confirmed, wanted.buzon.is_some()).await?;
            drop(running);
            return Ok(shown(&page));
        }
        errors.say("direccion", messages::too_many_checks());
    }
    let page = context.page().await?;
    let first_step = FirstStep::new(&context.frame.app, page, &taken, &wanted.modulo, typed.unwrap_or_default(), errors);
    Ok(match meant {
        Some(meant) => shown(&first_step.doubting(meant)),
        None if module.is_some() && address.is_some() => later(with_status(StatusCode::TOO_MANY_REQUESTS, &first_step)),
        None if first_step.is_refused() => refused(&first_step),
        None => shown(&first_step),
    })
}

/// The form as the address alone fills it in. Nothing is sent to the server that is found, no password least of all.
async fn filled_in(
    context: &FormContext,
    module: MailModule,
    address: &EmailAddress,
    asi_es: String,
    in_mailbox: bool,
) -> Result<shown::AccountPage, StoreError> {
    let company_name = &context.frame.company_name().await?;
    if let (true, Some(catcher)) = (in_mailbox, &context.frame.app.catcher) {
        let mut form = AccountForm { asi_es, ..AccountForm::proposed(module, address, company_name, Origins::default()) };
        form.use_demo_server(catcher.local_addr());
        return context.blank(form).await;
    }
    let found = autoconfig::discover(&context.frame.app.network, address).await;
    let form = AccountForm { asi_es, ..AccountForm::proposed(module, address, company_name, Origins::found(&found)) };
    Ok(context.blank(form).await?.searched(address, &found))
}

pub async fn create(frame: Frame, Form(form): Form<AccountForm>) -> Result<Response, Trouble> {
    submit(FormContext::open(frame, None), form).await
}

pub async fn edit(frame: Frame, PathId(id): PathId<MailAccountId>) -> Result<Response, Trouble> {
    let account = found(&frame, id).await?;
    let (form, is_readable) = (AccountForm::from_account(&account), account.unreadable.is_empty());
    let context = FormContext::open(frame, Some(account));
    // What cannot be read stands in its field, with what is wrong with it.
    let errors = if is_readable { None } else { context.account(&form).await?.err() };
    let page = context.blank(form).await?;
    Ok(shown(&match errors {
        Some(errors) => page.refused(errors),
        None => page,
    }))
}

pub async fn change(frame: Frame, PathId(id): PathId<MailAccountId>, Form(form): Form<AccountForm>) -> Result<Response, Trouble> {
    let account = found(&frame, id).await?;
    submit(FormContext::open(frame, Some(account)), form).await
}

/// Tries the account as it is saved, and shows its form with the diagnosis.
pub async fn try_saved(frame: Frame, PathId(id): PathId<MailAccountId>) -> Result<Response, Trouble> {
    let account = found(&frame, id).await?;
    let form = AccountForm { accion: "probar".to_owned(), ..AccountForm::from_account(&account) };
    submit(FormContext::open(frame, Some(account)), form).await
}

/// Where a browser comes that reloads the answer to Probar.
pub async fn back_to_form(PathId(id): PathId<MailAccountId>) -> Redirect {
    Redirect::to(&format!("{LIST}/{id}"))
}

pub async fn disable(frame: Frame, PathId(id): PathId<MailAccountId>) -> Result<Redirect, Trouble> {
    accounts::enable(&frame.app.db, &frame.actor, id, false).await.map_err(trouble)?;
    Ok(Redirect::to(LIST))
}

pub async fn enable(frame: Frame, PathId(id): PathId<MailAccountId>) -> Result<Redirect, Trouble> {
    accounts::enable(&frame.app.db, &frame.actor, id, true).await.map_err(trouble)?;
    Ok(Redirect::to(LIST))
}

/// The question before an account is deleted: the list behind, a dialog over it.
pub async fn ask_delete(frame: Frame, PathId(id): PathId<MailAccountId>) -> Result<Response, Trouble> {
    let account = found(&frame, id).await?;
    Ok(shown(&ListPage::load(&frame).await?.asking(DeleteQuestion::about(&frame.app, &account))))
}

pub async fn delete(frame: Frame, PathId(id): PathId<MailAccountId>) -> Result<Redirect, Trouble> {
    accounts::delete(&frame.app.db, &frame.actor, id, &Expected::Any).await.map_err(trouble)?;
    Ok(Redirect::to(LIST))
}

async fn found(frame: &Frame, id: MailAccountId) -> Result<MailAccount, Trouble> {
    accounts::find(&frame.app.db, frame.company(), id).await?.ok_or(Trouble::NotFound)
}

/// The form's buttons: Probar, the correction that Probar suggested, and Guardar.
async fn submit(context: FormContext, mut form: AccountForm) -> Result<Response, Trouble> {
    let slips = form.answer(context.saved.as_ref());
    match (form.accion.as_str(), &context.frame.app.catcher) {
        ("corregir", _) => form.correct(),
        ("buzon", Some(catcher)) => {
            form.use_demo_server(catcher.local_addr());
            return Ok(shown(&context.blank(form).await?));
        }
        _ => {}
    }
    let valid = match context.read(form, &slips).await? {
        Ok(valid) => valid,
        Err(page) => return Ok(refused(&*page)),
    };
    if valid.form.accion == context::SAVES {
        return Ok(match context.save(valid).await? {
            Ok(()) => Redirect::to(LIST).into_response(),
            Err(NotSaved::Refused(page)) => refused(&*page),
            Err(NotSaved::Changed(page)) => conflicting(&*page),
            Err(NotSaved::Gone) => return Err(Trouble::NotFound),
        });
    }
    let Some(running) = context.begin_check() else { return too_many(&context, valid.form).await };
    if live::is_wanted(&context.frame.headers) {
        return Ok(live::answer(context, valid, running));
    }
    let page = context.probe(&valid, |_| {}).await?;
    drop(running);
    Ok(shown(&page))
}

/// The form as it was typed, to be tried again in a moment.
async fn too_many(context: &FormContext, form: AccountForm) -> Result<Response, Trouble> {
    let page = context.refused(form, FormErrors::default()).await?.noticing(messages::too_many_checks());
    Ok(later(with_status(StatusCode::TOO_MANY_REQUESTS, &page)))
}

fn later(mut answer: Response) -> Response {
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(checks::ENDS_WITHIN));
    answer
}

fn trouble(error: SaveError) -> Trouble {
    match error {
        SaveError::Store(error) => Trouble::Store(error),
        SaveError::NotFound
        | SaveError::ModuleTaken(_)
        | SaveError::PasswordRequired
        | SaveError::Changed
        | SaveError::Unreadable(_)
        | SaveError::Seal(_)
        | SaveError::Once(_) => Trouble::NotFound,
    }
}
