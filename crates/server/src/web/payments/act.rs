//! What a person does to a recorded payment: send again, void, correct an address, repeat or cancel a delivery.

use std::convert::Infallible;

use acuse_domain::contact::{Contact, ContactDetails, Purpose};
use acuse_domain::email_address::{EmailAddress, parse_list};
use acuse_domain::id::{ContactId, DeliveryId, PaymentId};
use acuse_domain::payment::{Direction, VoidRefusal};
use acuse_store::contacts;
use acuse_store::deliveries::{self, Delivery, MoveError};
use acuse_store::idempotency::{ClaimError, Once};
use acuse_store::payments::{self, Notify, ResendError, VoidError, VoidNotice};
use acuse_store::versions::{ChangeError, Expected};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::Form;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Book;
use super::show::{Dialog, ShowPage};
use crate::access::{Authorized, SendReceipts, VoidPayments};
use crate::app::App;
use crate::web::form_errors::FormErrors;
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
        Ok(addresses) => {
            if form.guardar.is_some() {
                keep_addresses(&app, &may, book, id, &form.otra).await?;
            }
            let once = once(&form.clave, id, &addresses);
            let notify = Notify::Addresses(addresses);
            return match payments::resend(&app.db, &may.actor, id, &notify, once.as_ref(), acuse_store::now()).await {
                // The page says what that form has already sent.
                Ok(_) | Err(ResendError::Once(ClaimError::KeyReused(_))) => Ok(back(book, id)),
                Err(error) => Err(resend_trouble(error)),
            };
        }
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

/// Pressing Reenviar twice sends once.
fn once(key: &str, id: PaymentId, addresses: &[EmailAddress]) -> Option<Once> {
    let request = format!("{id} {addresses:?}");
    (!key.is_empty()).then(|| Once { key: format!("reenvío {key}"), request_hash: Sha256::digest(request.as_bytes()).into() })
}

fn recipients(form: &ResendForm) -> Result<Vec<EmailAddress>, FormErrors> {
    let mut errors = FormErrors::default();
    match parse_list(&format!("{};{}", form.para.join(";"), form.otra)) {
        Ok(addresses) if addresses.is_empty() => errors.add("otra", "Marque una dirección o escriba otra."),
        Ok(addresses) => return Ok(addresses),
        Err(error) => errors.add("otra", format!("«{}» no es una dirección de correo.", error.typed)),
    }
    Err(errors)
}

/// Adds the other addresses to where the person's receipts go from now on.
async fn keep_addresses(
    app: &App,
    may: &Authorized<SendReceipts>,
    book: Book,
    id: PaymentId,
    typed: &str,
) -> Result<(), Trouble> {
    let others = parse_list(typed).unwrap_or_default();
    if others.is_empty() {
        return Ok(());
    }
    let contact = contact_of(app, may, id).await?;
    let add = |mut details: ContactDetails| {
        let mut own = details.receipt_recipients(book.direction).to_vec();
        own.extend(others.into_iter().filter(|other| !details.receipt_recipients(book.direction).contains(other)));
        *details.emails_by_purpose.of_mut(purpose(book)) = own;
        details
    };
    change(app, may, contact.id, add).await
}

const fn purpose(book: Book) -> Purpose {
    match book.direction {
        Direction::Received => Purpose::ReceivedPayments,
        Direction::Made => Purpose::MadePayments,
    }
}

async fn contact_of<P>(app: &App, may: &Authorized<P>, id: PaymentId) -> Result<Contact, Trouble> {
    let company = may.actor.company;
    let recorded = payments::find(&app.db, company, id).await?.ok_or(Trouble::NotFound)?;
    contacts::find(&app.db, company, recorded.summary.contact).await?.ok_or(Trouble::NotFound)
}

async fn change<P>(
    app: &App,
    may: &Authorized<P>,
    id: ContactId,
    change: impl FnOnce(ContactDetails) -> ContactDetails + Send,
) -> Result<(), Trouble> {
    match contacts::change(&app.db, &may.actor, id, &Expected::Any, |details| Ok::<_, Infallible>(change(details))).await {
        Ok(_) => Ok(()),
        Err(ChangeError::Store(error)) => Err(error.into()),
        Err(ChangeError::Refused(never)) => match never {},
        // Only addresses changed, so the identification cannot have been taken by it.
        Err(ChangeError::NotFound | ChangeError::Stale | ChangeError::Taken) => Err(Trouble::NotFound),
    }
}

fn resend_trouble(error: ResendError) -> Trouble {
    match error {
        ResendError::Store(error) | ResendError::Once(ClaimError::Store(error)) => error.into(),
        ResendError::NotFound | ResendError::ContactHasNoEmail | ResendError::Once(ClaimError::KeyReused(_)) => Trouble::NotFound,
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
        VoidRefusal::ReasonMissing | VoidRefusal::AlreadyVoided => dialog.errors.add("motivo", "Falta el motivo."),
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
    let contact = contact_of(&app, &may, id).await?;
    change(&app, &may, contact.id, |details| replace_address(details, &delivery.recipient, &corrected)).await?;
    let notify = Notify::Addresses(vec![corrected]);
    payments::resend(&app.db, &may.actor, id, &notify, None, acuse_store::now()).await.map_err(resend_trouble)?;
    Ok(back(book, id))
}

/// Wherever the person's card has the wrong address, it gets the right one, once.
fn replace_address(mut details: ContactDetails, wrong: &str, right: &EmailAddress) -> ContactDetails {
    let mut lists = vec![&mut details.emails];
    let by_purpose = &mut details.emails_by_purpose;
    lists.extend([
        &mut by_purpose.received_payments,
        &mut by_purpose.made_payments,
        &mut by_purpose.invoices,
        &mut by_purpose.withholdings,
    ]);
    for list in lists {
        let Some(at) = list.iter().position(|own| own.as_str() == wrong) else { continue };
        if list.contains(right) && list[at] != *right {
            list.remove(at);
        } else {
            list[at] = right.clone();
        }
    }
    details
}

/// POST `/cobros/{id}/envios/{envio}/reintentar`
pub async fn retry(
    State(app): State<App>,
    may: Authorized<SendReceipts>,
    book: Book,
    Path(path): Path<(String, String)>,
) -> Result<Response, Trouble> {
    let (id, delivery) = find_delivery(&app, &may, book, path).await?;
    moved(deliveries::retry(&app.db, &may.actor, delivery.id, acuse_store::now()).await)?;
    Ok(back(book, id))
}

/// POST `/cobros/{id}/envios/{envio}/anular`
pub async fn cancel(
    State(app): State<App>,
    may: Authorized<SendReceipts>,
    book: Book,
    Path(path): Path<(String, String)>,
) -> Result<Response, Trouble> {
    let (id, delivery) = find_delivery(&app, &may, book, path).await?;
    moved(deliveries::cancel(&app.db, &may.actor, delivery.id, acuse_store::now()).await)?;
    Ok(back(book, id))
}

/// What has moved on meanwhile is left where it is: the page shows where.
fn moved(result: Result<(), MoveError>) -> Result<(), Trouble> {
    match result {
        Ok(()) | Err(MoveError::NotNow(_)) => Ok(()),
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
