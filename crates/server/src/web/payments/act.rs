//! What a person does to a recorded payment: send again, void, correct an address, repeat or cancel a delivery.

use acuse_domain::contact::{ContactDetails, MOST_ADDRESSES, MOST_RECIPIENTS, Purpose};
use acuse_domain::email_address::{Addresses, EmailAddress, InvalidAddresses, parse_list};
use acuse_domain::id::{DeliveryId, PaymentId};
use acuse_domain::payment::{Direction, VoidRefusal};
use acuse_store::Actor;
use acuse_store::deliveries::{self, Delivery, MoveError};
use acuse_store::idempotency::{ClaimError, OnceError};
use acuse_store::payments::{self, CardFull, Notify, ResendError, VoidError, VoidNotice};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::Form;
use serde::Deserialize;

use super::Book;
use super::show::{Dialog, ShowPage};
use crate::access::{Authorized, SendReceipts, VoidPayments};
use crate::app::App;
use crate::problem::sentence;
use crate::web::form_errors::FormErrors;
use crate::web::once::once;
use crate::web::page;
use crate::web::path_id::PathId;
use crate::web::trouble::Trouble;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResendForm {
    clave: String,
    para: Vec<String>,
    otra: String,
    guardar: Option<String>,
}

/// POST `/cobros/{id}/reenviar`
pub async fn resend(
    State(app): State<App>,
    may: Authorized<SendReceipts>,
    book: Book,
    headers: HeaderMap,
    PathId(id): PathId<PaymentId>,
    Form(form): Form<ResendForm>,
) -> Result<Response, Trouble> {
    let view = ShowPage::load(&app, &may, book, &headers, id, FormErrors::default()).await?;
    let refused = match recipients(&form) {
        Ok(addresses) => match send(&app, &may, book, id, &form, addresses).await {
            Ok(_) => return Ok(back(book, id)),
            Err(ResendError::AlreadyTold) => alone("Ya se les avisó de la anulación, o su aviso está en camino."),
            Err(ResendError::CardFull) => alone(format!(
                "La persona tendría más de {MOST_ADDRESSES} direcciones: envíe sin guardar, o quite una en su ficha."
            )),
            Err(error) => return Err(resend_trouble(error)),
        },
        Err(errors) => errors,
    };
    let mut view = view.behind();
    let mut dialog = view.resend_dialog(&app, &may).await?;
    for choice in &mut dialog.choices {
        choice.ticked = form.para.contains(&choice.address);
    }
    dialog.other = form.otra;
    dialog.keeps_other = form.guardar.is_some();
    dialog.errors = refused;
    view.dialog = Some(Dialog::Resend(dialog));
    Ok(page::refused(&view))
}

/// The other addresses belong to where the person's receipts go from now on, if that was ticked.
async fn send(
    app: &App,
    may: &Authorized<SendReceipts>,
    book: Book,
    id: PaymentId,
    form: &ResendForm,
    addresses: Vec<EmailAddress>,
) -> Result<DeliveryId, ResendError> {
    let typed = form.guardar.as_ref().map(|_| parse_list(&form.otra, MOST_ADDRESSES).unwrap_or_default());
    let kept = typed.unwrap_or_default();
    let once = once(&form.clave, format!("reenvío {id} {addresses:?} {kept:?}"));
    let keep = |mut details: ContactDetails| {
        let mut own = details.receipt_recipients(book.direction).to_vec();
        let new: Vec<EmailAddress> = kept.into_iter().filter(|address| !own.contains(address)).collect();
        if own.len() + new.len() > MOST_ADDRESSES {
            return Err(CardFull);
        }
        if !new.is_empty() {
            own.extend(new);
            *details.emails_by_purpose.of_mut(purpose(book)) = own;
        }
        Ok(details)
    };
    let (notify, now) = (Notify::Addresses(addresses), acuse_store::now());
    payments::resend_and_change_contact(&app.db, &may.actor, id, &notify, keep, once.as_ref(), now).await
}

fn alone(why: impl Into<String>) -> FormErrors {
    let mut errors = FormErrors::default();
    errors.add("otra", why);
    errors
}

fn recipients(form: &ResendForm) -> Result<Vec<EmailAddress>, FormErrors> {
    let mut list = Addresses::up_to(MOST_RECIPIENTS);
    let mut typed = form.para.iter().chain([&form.otra]);
    let why = match typed.try_for_each(|typed| list.add(typed)) {
        Ok(()) => match list.into_found() {
            none if none.is_empty() => "Marque una dirección o escriba otra.".to_owned(),
            addresses => return Ok(addresses),
        },
        Err(InvalidAddresses::Address(error)) => format!("«{}» no es una dirección de correo.", error.typed),
        Err(InvalidAddresses::TooMany { most }) => format!("Se envía a {most} direcciones a la vez, como máximo."),
    };
    let mut errors = FormErrors::default();
    errors.add("otra", why);
    Err(errors)
}

const fn purpose(book: Book) -> Purpose {
    match book.direction {
        Direction::Received => Purpose::ReceivedPayments,
        Direction::Made => Purpose::MadePayments,
    }
}

fn resend_trouble(error: ResendError) -> Trouble {
    match error {
        ResendError::Store(error) | ResendError::Once(ClaimError::Store(error)) => error.into(),
        ResendError::NotFound
        | ResendError::ContactHasNoEmail
        | ResendError::NobodyHasIt
        | ResendError::AlreadyTold
        | ResendError::CardFull
        | ResendError::Voided
        | ResendError::Once(ClaimError::KeyReused(_)) => Trouble::NotFound,
    }
}

fn back(book: Book, id: PaymentId) -> Response {
    Redirect::to(&book.page_of(id)).into_response()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct VoidForm {
    motivo: String,
    avisar: Option<String>,
}

/// POST `/cobros/{id}/anular`
pub async fn void(
    State(app): State<App>,
    may: Authorized<VoidPayments>,
    book: Book,
    headers: HeaderMap,
    PathId(id): PathId<PaymentId>,
    Form(form): Form<VoidForm>,
) -> Result<Response, Trouble> {
    let view = ShowPage::load(&app, &may, book, &headers, id, FormErrors::default()).await?;
    let notice = if form.avisar.is_some() { VoidNotice::TellWhoHadIt } else { VoidNotice::TellNobody };
    let refused = match payments::void(&app.db, &may.actor, id, &form.motivo, notice, acuse_store::now()).await {
        // Voided is what was wanted, whoever was first.
        Ok(()) | Err(VoidError::Refused(VoidRefusal::AlreadyVoided)) => return Ok(back(book, id)),
        Err(VoidError::NotFound) => return Err(Trouble::NotFound),
        Err(VoidError::Store(error)) => return Err(error.into()),
        Err(VoidError::Refused(refusal)) => refusal,
    };
    let mut view = view.behind();
    let mut dialog = view.void_dialog();
    match refused {
        VoidRefusal::AdvanceInUse { left, used } => dialog
            .errors
            .add("", format!("Del anticipo de {left} que dejó ya se usaron {used} en otro {}. Anule primero ese.", book.noun())),
        other => dialog.errors.add("motivo", sentence(&other)),
    }
    dialog.reason = form.motivo;
    dialog.tells = form.avisar.is_some();
    view.dialog = Some(Dialog::Void(dialog));
    Ok(page::refused(&view))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CorrectForm {
    correo: String,
}

/// POST `/cobros/{id}/envios/{envio}/corregir`: «Corregir y reenviar».
pub async fn correct(
    State(app): State<App>,
    may: Authorized<SendReceipts>,
    book: Book,
    headers: HeaderMap,
    Path(path): Path<(String, String)>,
    Form(form): Form<CorrectForm>,
) -> Result<Response, Trouble> {
    let (id, delivery) = find_delivery(&app, &may, book, path).await?;
    let corrected: EmailAddress = match form.correo.parse() {
        Ok(corrected) => corrected,
        Err(_) => {
            let mut errors = FormErrors::default();
            let typed: String = form.correo.chars().take(120).collect();
            errors.add(format!("correo-{}", delivery.id), format!("«{typed}» no es una dirección de correo."));
            return Ok(page::refused(&ShowPage::load(&app, &may, book, &headers, id, errors).await?));
        }
    };
    match payments::correct_and_resend(&app.db, &may.actor, delivery.id, &corrected, acuse_store::now()).await {
        // What was voided or told meanwhile is left as it is: the page shows how.
        Ok(_) | Err(ResendError::Voided | ResendError::AlreadyTold) => Ok(back(book, id)),
        Err(error) => Err(resend_trouble(error)),
    }
}

/// What «Reintentar ahora» and «Anular el envío» carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MoveForm {
    clave: String,
}

/// POST `/cobros/{id}/envios/{envio}/reintentar`
pub async fn retry(
    State(app): State<App>,
    may: Authorized<SendReceipts>,
    book: Book,
    Path(path): Path<(String, String)>,
    Form(form): Form<MoveForm>,
) -> Result<Response, Trouble> {
    let (id, delivery) = find_delivery(&app, &may, book, path).await?;
    moved(retry_once(&app, &may.actor, delivery.id, &form.clave).await)?;
    Ok(back(book, id))
}

/// POST `/cobros/{id}/envios/{envio}/anular`
pub async fn cancel(
    State(app): State<App>,
    may: Authorized<SendReceipts>,
    book: Book,
    Path(path): Path<(String, String)>,
    Form(form): Form<MoveForm>,
) -> Result<Response, Trouble> {
    let (id, delivery) = find_delivery(&app, &may, book, path).await?;
    moved(cancel_once(&app, &may.actor, delivery.id, &form.clave).await)?;
    Ok(back(book, id))
}

/// What «Dar por resuelto» carries.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResolveForm {
    clave: String,
    motivo: String,
}

/// POST `/cobros/{id}/envios/{envio}/resolver`
pub async fn resolve(
    State(app): State<App>,
    may: Authorized<SendReceipts>,
    book: Book,
    Path(path): Path<(String, String)>,
    Form(form): Form<ResolveForm>,
) -> Result<Response, Trouble> {
    let (id, delivery) = find_delivery(&app, &may, book, path).await?;
    moved(resolve_once(&app, &may.actor, delivery.id, &form.motivo, &form.clave).await)?;
    Ok(back(book, id))
}

/// Closes what the form with this key asked for, once.
pub async fn resolve_once(app: &App, by: &Actor, id: DeliveryId, reason: &str, clave: &str) -> Result<(), MoveError> {
    let now = acuse_store::now();
    match once(clave, format!("resolver {id}")) {
        Some(once) => deliveries::resolve_once(&app.db, by, id, Some(reason), &once, now).await.or_else(act_error),
        None => deliveries::resolve(&app.db, by, id, Some(reason), now).await,
    }
}

/// Tries again what the form with this key asked for, once.
pub async fn retry_once(app: &App, by: &Actor, id: DeliveryId, clave: &str) -> Result<(), MoveError> {
    let now = acuse_store::now();
    match once(clave, format!("reintentar {id}")) {
        Some(once) => deliveries::retry_once(&app.db, by, id, &once, now).await.or_else(act_error),
        None => deliveries::retry(&app.db, by, id, now).await,
    }
}

/// Cancels what the form with this key asked for, once.
pub async fn cancel_once(app: &App, by: &Actor, id: DeliveryId, clave: &str) -> Result<(), MoveError> {
    let now = acuse_store::now();
    match once(clave, format!("anular {id}")) {
        Some(once) => deliveries::cancel_once(&app.db, by, id, &once, now).await.or_else(act_error),
        None => deliveries::cancel(&app.db, by, id, now).await,
    }
}

fn act_error(error: OnceError<MoveError>) -> Result<(), MoveError> {
    match error {
        OnceError::Act(error) => Err(error),
        OnceError::Once(ClaimError::Store(error)) => Err(error.into()),
        // The key names what is asked for: only the same can have used it.
        OnceError::Once(ClaimError::KeyReused(_)) => Ok(()),
    }
}

/// What has moved on meanwhile is left where it is: the page shows where.
fn moved(result: Result<(), MoveError>) -> Result<(), Trouble> {
    match result {
        Ok(()) | Err(MoveError::NotNow(_) | MoveError::Voided) => Ok(()),
        Err(MoveError::NotFound) => Err(Trouble::NotFound),
        Err(MoveError::Store(error)) => Err(error.into()),
    }
}

async fn find_delivery<P>(
    app: &App,
    may: &Authorized<P>,
    book: Book,
    (payment, delivery): (String, String),
) -> Result<(PaymentId, Delivery), Trouble> {
    let payment: PaymentId = payment.parse().map_err(|_| Trouble::NotFound)?;
    let delivery: DeliveryId = delivery.parse().map_err(|_| Trouble::NotFound)?;
    let found = deliveries::find(&app.db, may.actor.company, delivery).await?;
    let belongs = |found: &Delivery| found.payment == payment && found.number.direction == book.direction;
    found.filter(belongs).map(|found| (payment, found)).ok_or(Trouble::NotFound)
}
