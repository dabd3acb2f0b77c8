//! Mi compañía › Correos: the accounts that the company's mail goes out through.

mod cards;
mod change;
mod form;
mod probe;
mod sealed;
mod shown;

use acuse_domain::id::MailAccountId;
use acuse_domain::mail_account::{MailAccount, MailAccountSettings, MailModule};
use acuse_store::mail_accounts::{self as accounts, SaveError};
use axum::Form;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::access::{Authorized, ConfigureCompany, Permission, ViewRecords, session_token};
use crate::app::App;
use crate::web::form_errors::FormErrors;
use crate::web::page::{Page, Section, refused, shown};
use crate::web::path_id::PathId;
use crate::web::trouble::Trouble;

use cards::{DeleteQuestion, ListPage};
use change::Desk;
pub use form::AccountForm;
use form::{module_of, read_address};
use sealed::Seals;
use shown::{AccountPage, FirstStep};

const LIST: &str = "/mi-compania/correos";

pub async fn start() -> Redirect {
    Redirect::to(LIST)
}

pub async fn list(State(app): State<App>, may: Authorized<ViewRecords>, headers: HeaderMap) -> Result<Response, Trouble> {
    let page = Page::load(&app, &may, Section::MiCompania, &headers).await?;
    let may_configure = may.session.as_ref().is_some_and(|session| ConfigureCompany::is_held_by(session.role));
    Ok(shown(&ListPage::load(&app, page, may.actor.company, may_configure).await?))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct NewAccount {
    modulo: String,
    direccion: Option<String>,
    /// The demo's own server, instead of a preset.
    buzon: Option<String>,
}

/// First only module and address; with them, the form that they fill in.
pub async fn new(
    State(app): State<App>,
    may: Authorized<ConfigureCompany>,
    Query(wanted): Query<NewAccount>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let page = Page::load(&app, &may, Section::MiCompania, &headers).await?.typing();
    let taken = accounts::list(&app.db, may.actor.company).await?;
    let is_free = |module: &MailModule| taken.iter().all(|account| account.settings.module != *module);
    let module = module_of(&wanted.modulo).filter(is_free);
    let mut errors = FormErrors::default();
    let address = wanted.direccion.as_deref().and_then(|typed| read_address("direccion", typed, &mut errors));
    if let (Some(module), Some(address)) = (module, &address) {
        let mut form = AccountForm::from_address(module, address, &page.company_name);
        if let (Some(_), Some(catcher)) = (&wanted.buzon, &app.catcher) {
            form.use_demo_server(catcher.local_addr());
        }
        return Ok(shown(&AccountPage::blank(&app, page, form, None)));
    }
    let first_step = FirstStep::new(&app, page, &taken, &wanted.modulo, wanted.direccion.unwrap_or_default(), errors);
    Ok(if first_step.is_refused() { refused(&first_step) } else { shown(&first_step) })
}

pub async fn create(
    State(app): State<App>,
    may: Authorized<ConfigureCompany>,
    headers: HeaderMap,
    Form(form): Form<AccountForm>,
) -> Result<Response, Trouble> {
    submit(&app, &may, &headers, None, form).await
}

pub async fn edit(
    State(app): State<App>,
    may: Authorized<ConfigureCompany>,
    PathId(id): PathId<MailAccountId>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let account = found(&app, &may, id).await?;
    let page = Page::load(&app, &may, Section::MiCompania, &headers).await?.typing();
    Ok(shown(&AccountPage::blank(&app, page, AccountForm::from_account(&account), Some(&account))))
}

pub async fn change(
    State(app): State<App>,
    may: Authorized<ConfigureCompany>,
    PathId(id): PathId<MailAccountId>,
    headers: HeaderMap,
    Form(form): Form<AccountForm>,
) -> Result<Response, Trouble> {
    let account = found(&app, &may, id).await?;
    submit(&app, &may, &headers, Some(account), form).await
}

/// Tries the account as it is saved, and shows its form with the diagnosis.
pub async fn try_saved(
    State(app): State<App>,
    may: Authorized<ConfigureCompany>,
    PathId(id): PathId<MailAccountId>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let account = found(&app, &may, id).await?;
    let form = AccountForm { accion: "probar".to_owned(), ..AccountForm::from_account(&account) };
    submit(&app, &may, &headers, Some(account), form).await
}

/// Where a browser comes that reloads the answer to Probar.
pub async fn back_to_form(PathId(id): PathId<MailAccountId>) -> Redirect {
    Redirect::to(&format!("{LIST}/{id}"))
}

pub async fn disable(
    State(app): State<App>,
    may: Authorized<ConfigureCompany>,
    PathId(id): PathId<MailAccountId>,
) -> Result<Redirect, Trouble> {
    accounts::enable(&app.db, &may.actor, id, false).await.map_err(trouble)?;
    Ok(Redirect::to(LIST))
}

pub async fn enable(
    State(app): State<App>,
    may: Authorized<ConfigureCompany>,
    PathId(id): PathId<MailAccountId>,
) -> Result<Redirect, Trouble> {
    accounts::enable(&app.db, &may.actor, id, true).await.map_err(trouble)?;
    Ok(Redirect::to(LIST))
}

/// The question before an account is deleted: the list behind, a dialog over it.
pub async fn ask_delete(
    State(app): State<App>,
    may: Authorized<ConfigureCompany>,
    PathId(id): PathId<MailAccountId>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let account = found(&app, &may, id).await?;
    let page = Page::load(&app, &may, Section::MiCompania, &headers).await?.modal();
    let list = ListPage::load(&app, page, may.actor.company, true).await?;
    Ok(shown(&list.asking(DeleteQuestion::about(&app, &account))))
}

pub async fn delete(
    State(app): State<App>,
    may: Authorized<ConfigureCompany>,
    PathId(id): PathId<MailAccountId>,
) -> Result<Redirect, Trouble> {
    accounts::delete(&app.db, &may.actor, id).await.map_err(trouble)?;
    Ok(Redirect::to(LIST))
}

async fn found(app: &App, may: &Authorized<ConfigureCompany>, id: MailAccountId) -> Result<MailAccount, Trouble> {
    accounts::find(&app.db, may.actor.company, id).await?.ok_or(Trouble::NotFound)
}

/// The form's buttons: Probar, the correction that Probar suggested, and Guardar.
async fn submit(
    app: &App,
    may: &Authorized<ConfigureCompany>,
    headers: &HeaderMap,
    saved: Option<MailAccount>,
    mut form: AccountForm,
) -> Result<Response, Trouble> {
    let page = Page::load(app, may, Section::MiCompania, headers).await?.typing();
    match (form.accion.as_str(), &app.catcher) {
        ("corregir", _) => form.correct(),
        ("buzon", Some(catcher)) => {
            form.use_demo_server(catcher.local_addr());
            return Ok(shown(&AccountPage::blank(app, page, form, saved.as_ref())));
        }
        _ => {}
    }
    let seals = Seals::new(&app.keys, may.actor.company, &session_token(headers).unwrap_or_default(), page.now);
    let desk = Desk { app, by: &may.actor, saved: saved.as_ref(), seals: &seals, now: page.now };
    let mut errors = FormErrors::default();
    let filled = form.read(&mut errors).filter(|filled| may_use_port(app, &filled.settings, &mut errors));
    let Some(filled) = filled else {
        let sealed = desk.seal_again(&form);
        return Ok(refused(&AccountPage::refused(app, page, form, saved.as_ref(), errors, sealed)));
    };
    let Some(password) = desk.password(&form, &filled.settings, &mut errors).await? else {
        return Ok(refused(&AccountPage::refused(app, page, form, saved.as_ref(), errors, None)));
    };
    if form.accion == "guardar" {
        let Err(words) = desk.save(&form, &filled.settings, &password).await? else {
            return Ok(Redirect::to(LIST).into_response());
        };
        errors.add("modulo", words);
        let sealed = desk.seal_again(&form);
        return Ok(refused(&AccountPage::refused(app, page, form, saved.as_ref(), errors, sealed)));
    }
    let diagnosis = desk.check(&filled, &password).await?;
    let seals = desk.seal(&filled.settings, &password, diagnosis.ok);
    probe::point_out(&diagnosis, &filled.settings, &mut errors);
    Ok(shown(&AccountPage::checked(app, page, form, saved.as_ref(), diagnosis, seals, errors)))
}

/// So that nobody reaches other services through the mail of an account.
fn may_use_port(app: &App, settings: &MailAccountSettings, errors: &mut FormErrors) -> bool {
    let may = app.network.may_use_mail_port(&settings.server, settings.port);
    if !may {
        errors.add("puerto", "Este puerto no está permitido: use 587 o 465, o pida al operador que lo permita.");
    }
    may
}

fn trouble(error: SaveError) -> Trouble {
    match error {
        SaveError::Store(error) => Trouble::Store(error),
        SaveError::NotFound | SaveError::ModuleTaken(_) | SaveError::Seal(_) | SaveError::Once(_) => Trouble::NotFound,
    }
}
