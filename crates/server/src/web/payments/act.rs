//! What a person does to a recorded payment: send again, void, correct an address, repeat or cancel a delivery.

use acuse_domain::access::Permission;
use acuse_domain::contact::{ContactDetails, MOST_ADDRESSES, MOST_RECIPIENTS, Purpose};
use acuse_domain::delivery::State as Stands;
use acuse_domain::email_address::{Addresses, EmailAddress, parse_list};
use acuse_domain::id::{DeliveryId, PaymentId};
use acuse_domain::payment::Notify;
use acuse_domain::payment::{Direction, VoidRefusal};
use acuse_store::Actor;
use acuse_store::conditions::Conditions;
use acuse_store::deliveries::{self, Delivery, MessageKind, MoveError, is_same_recipient};
use acuse_store::idempotency::ClaimError;
use acuse_store::payments::{self, CardFull, ResendError, VoidError, VoidNotice};
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::Form;
use serde::Deserialize;

use super::Book;
use super::deliveries_view::Refused;
use super::show::{Dialog, ShowPage, recorded};
use crate::app::App;
use crate::web::form_errors::FormErrors;
use crate::web::frame::Frame;
use crate::web::once::once;
use crate::web::page;
use crate::web::path_id::PathId;
use crate::web::slips::Slips;
use crate::web::trouble::Trouble;

/// How far the page of a form knew the history; none where the form does not say.
fn read(visto: &str) -> Option<usize> {
    visto.parse().ok()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResendForm {
    clave: String,
    visto: String,
    /// `recibo` or `aviso`: what its page said that would be sent.
    pide: String,
    para: Vec<String>,
    otra: String,
    guardar: Option<String>,
    /// Addresses that look like slips and are right.
    asi_es: String,
    /// An answer about one of them.
    accion: String,
}

impl ResendForm {
    fn letter(&self) -> MessageKind {
        if self.pide == "aviso" { MessageKind::VoidNotice } else { MessageKind::Receipt }
    }
}

/// Why nothing was sent again.
enum NotSent {
    Typed(FormErrors),
    /// Nobody was named.
    ToNobody,
    Changed,
}

/// POST `/cobros/{id}/reenviar`
pub async fn resend(
    frame: Frame,
    book: Book,
    PathId(id): PathId<PaymentId>,
    Form(mut form): Form<ResendForm>,
) -> Result<Response, Trouble> {
    recorded(&frame, book, id).await?;
    let mut slips = Slips::of(&form.asi_es, Vec::new());
    slips.press(&mut form.accion, &mut [("otra", &mut form.otra)]);
    let mut why = match recipients(&form, &slips) {
        Ok(addresses) if addresses.is_empty() => NotSent::ToNobody,
        Ok(addresses) => match send(&frame, book, id, &form, addresses).await {
            Ok(_) => return Ok(back(book, id)),
            Err(error) => not_sent(error)?,
        },
        Err(errors) => NotSent::Typed(errors),
    };
    if let NotSent::Typed(errors) = &mut why {
        errors.remember(slips.confirmed());
    }
    let mut view = ShowPage::load(&frame, book, id, Refused::default()).await?;
    let title = match form.letter() {
        MessageKind::Receipt => "No se reenvió el recibo",
        MessageKind::VoidNotice => "No se envió el aviso de anulación",
    };
    if form.letter() != view.letter() {
        // What was asked for is over: the question that the page would ask now is another one.
        view.say_changed(read(&form.visto), title);
        return Ok(page::refused(&view));
    }
    let mut view = view.behind();
    let mut dialog = view.resend_dialog(&frame).await?;
    match why {
        NotSent::Typed(errors) => dialog.errors = errors,
        NotSent::ToNobody if dialog.choices.is_empty() => dialog.errors = alone("Escriba una dirección."),
        NotSent::ToNobody => dialog.errors = alone("Marque una dirección o escriba otra."),
        NotSent::Changed => view.say_changed(read(&form.visto), title),
    }
    for choice in &mut dialog.choices {
        choice.ticked = form.para.contains(&choice.address);
    }
    dialog.other = form.otra;
    dialog.keeps_other = form.guardar.is_some();
    view.dialog = Some(Dialog::Resend(dialog));
    Ok(page::refused(&view))
}

/// The other addresses belong to where the person's receipts go from now on, if that was ticked.
async fn send(
    frame: &Frame,
    book: Book,
    id: PaymentId,
    form: &ResendForm,
    addresses: Vec<EmailAddress>,
) -> Result<DeliveryId, ResendError> {
    let typed = form.guardar.as_ref().map(|_| parse_list(&form.otra, MOST_ADDRESSES).unwrap_or_default());
    let kept = typed.unwrap_or_default();
    let letter = form.letter();
    let once = once(&form.clave, format!("reenvío {id} {letter:?} {addresses:?} {kept:?}"));
    let keep = |mut details: ContactDetails| {
        let mut own = details.receipt_recipients(book.direction).to_vec();
        let is_own = |new: &EmailAddress| own.iter().any(|own| is_same_recipient(own.as_str(), new.as_str()));
        let new: Vec<EmailAddress> = kept.into_iter().filter(|address| !is_own(address)).collect();
        if own.len() + new.len() > MOST_ADDRESSES {
            return Err(CardFull);
        }
        if !new.is_empty() {
            own.extend(new);
            *details.emails_by_purpose.of_mut(purpose(book)) = own;
        }
        Ok(details)
    };
    let conditions = Conditions { once, read: read(&form.visto), kind: Some(letter), had_it: None, own_of_today: false };
    let (notify, now) = (Notify::Addresses(addresses), acuse_store::now());
    payments::resend_and_change_contact(&frame.app.db, &frame.actor, id, &notify, keep, &conditions, now).await
}

fn not_sent(error: ResendError) -> Result<NotSent, Trouble> {
    match error {
        ResendError::Changed | ResendError::Voided => Ok(NotSent::Changed),
        ResendError::AlreadyTold => {
            Ok(NotSent::Typed(alone("Ya se les avisó de la anulación, o su aviso está en camino: no se envía otra vez.")))
        }
        ResendError::CardFull => Ok(NotSent::Typed(alone(format!(
            "La persona tendría más de {MOST_ADDRESSES} direcciones: envíe sin guardar, o quite una en su ficha."
        )))),
        other => Err(resend_trouble(other)),
    }
}

fn alone(why: impl Into<String>) -> FormErrors {
    let mut errors = FormErrors::default();
    errors.add("otra", why);
    errors
}

fn recipients(form: &ResendForm, slips: &Slips) -> Result<Vec<EmailAddress>, FormErrors> {
    let mut errors = FormErrors::default();
    slips.ask("otra", &form.otra, "", &mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut list = Addresses::up_to(MOST_RECIPIENTS);
    let mut typed = form.para.iter().chain([&form.otra]);
    match typed.try_for_each(|typed| list.add(typed)) {
        Ok(()) => return Ok(list.into_found()),
        Err(error) => errors.add("otra", error.message()),
    }
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
        | ResendError::Changed
        | ResendError::SameAddress
        | ResendError::Once(ClaimError::KeyReused(_)) => Trouble::NotFound,
    }
}

fn back(book: Book, id: PaymentId) -> Response {
    Redirect::to(&book.page_of(id)).into_response()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct VoidForm {
    clave: String,
    visto: String,
    /// Who has the receipt, as the page had it.
    tenia: Vec<String>,
    motivo: String,
    avisar: Option<String>,
}

/// POST `/cobros/{id}/anular`
pub async fn void(
    frame: Frame,
    book: Book,
    PathId(id): PathId<PaymentId>,
    Form(form): Form<VoidForm>,
) -> Result<Response, Trouble> {
    recorded(&frame, book, id).await?;
    let refused = match void_as_read(&frame, id, &form).await {
        // The key names what is asked for: only the same can have used it.
        Ok(()) | Err(VoidError::Once(ClaimError::KeyReused(_))) => return Ok(back(book, id)),
        Err(VoidError::NotFound) => return Err(Trouble::NotFound),
        Err(VoidError::Store(error) | VoidError::Once(ClaimError::Store(error))) => return Err(error.into()),
        Err(VoidError::Changed) => None,
        Err(VoidError::Refused(refusal)) => Some(refusal),
    };
    let mut view = ShowPage::load(&frame, book, id, Refused::default()).await?;
    if refused == Some(VoidRefusal::AlreadyVoided) {
        view.say_over(read(&form.visto), format!("El {} ya estaba anulado: no se anuló otra vez", book.noun()));
        return Ok(page::refused(&view));
    }
    let mut view = view.behind();
    let mut dialog = view.void_dialog();
    match refused {
        None => view.say_changed_or(
            read(&form.visto),
            format!("No se anuló el {}", book.noun()),
            "Cambió quién tiene el recibo, o puede tenerlo. Revise a quiénes se avisa.",
        ),
        Some(VoidRefusal::AdvanceInUse { left, used }) => dialog
            .errors
            .add("", format!("Del anticipo de {left} que dejó ya se usaron {used} en otro {}. Anule primero ese.", book.noun())),
        Some(other) => dialog.errors.add("motivo", other.message()),
    }
    dialog.reason = form.motivo;
    // Where nobody had the receipt the page did not ask.
    dialog.tells = form.avisar.is_some() || form.tenia.is_empty();
    view.dialog = Some(Dialog::Void(dialog));
    Ok(page::refused(&view))
}

async fn void_as_read(frame: &Frame, id: PaymentId, form: &VoidForm) -> Result<(), VoidError> {
    let VoidForm { clave, visto, tenia, motivo, avisar } = form;
    let notice = if avisar.is_some() { VoidNotice::TellWhoHadIt } else { VoidNotice::TellNobody };
    let read = read(visto);
    let conditions = Conditions {
        once: once(clave, format!("anular {id} {notice:?} {tenia:?} {motivo}")),
        read,
        kind: None,
        had_it: read.map(|_| tenia.clone()),
        own_of_today: !frame.may(Permission::VoidPayments),
    };
    payments::void(&frame.app.db, &frame.actor, id, motivo, notice, &conditions, acuse_store::now()).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CorrectForm {
    visto: String,
    correo: String,
    /// The address looks like a slip and is right.
    asi_es: String,
    /// The answer about it.
    accion: String,
}

/// POST `/cobros/{id}/envios/{envio}/corregir`: «Corregir y reenviar».
pub async fn correct(
    frame: Frame,
    book: Book,
    Path(path): Path<(String, String)>,
    Form(mut form): Form<CorrectForm>,
) -> Result<Response, Trouble> {
    let (id, delivery) = find_delivery(&frame, book, path).await?;
    let field = format!("correo-{}", delivery.id);
    let mut slips = Slips::of(&form.asi_es, Vec::new());
    slips.press(&mut form.accion, &mut [(&field, &mut form.correo)]);
    let quoted: String = form.correo.chars().take(120).collect();
    let mut errors = FormErrors::default();
    slips.ask(&field, &form.correo, "", &mut errors);
    let why = match form.correo.parse::<EmailAddress>() {
        Err(_) if quoted.trim().is_empty() => Some("Escriba la dirección correcta.".to_owned()),
        Err(error) => Some(error.to_string()),
        Ok(_) if !errors.is_empty() => None,
        Ok(corrected) => {
            let (now, read) = (acuse_store::now(), read(&form.visto));
            match payments::correct_and_resend(&frame.app.db, &frame.actor, delivery.id, &corrected, read, now).await {
                Ok(_) => return Ok(back(book, id)),
                Err(ResendError::SameAddress) => Some("Es la misma que el servidor rechazó.".to_owned()),
                Err(ResendError::AlreadyTold) => {
                    Some("A esa dirección ya se le avisó de la anulación, o su aviso está en camino.".to_owned())
                }
                Err(ResendError::Voided | ResendError::Changed) => None,
                Err(error) => return Err(resend_trouble(error)),
            }
        }
    };
    let has_changed = why.is_none() && errors.is_empty();
    if let Some(why) = why {
        errors.add(field, why);
    }
    errors.remember(slips.confirmed());
    let refused = Refused { errors, typed: Some((delivery.id, quoted)) };
    let mut view = ShowPage::load(&frame, book, id, refused).await?;
    if has_changed {
        view.say_changed(read(&form.visto), format!("No se corrigió {} ni se reenvió nada", delivery.recipient));
    }
    Ok(page::refused(&view))
}

/// What «Reintentar ahora» and «Anular el envío» carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MoveForm {
    clave: String,
    visto: String,
}

/// POST `/cobros/{id}/envios/{envio}/reintentar`
pub async fn retry(
    frame: Frame,
    book: Book,
    Path(path): Path<(String, String)>,
    Form(form): Form<MoveForm>,
) -> Result<Response, Trouble> {
    let (id, delivery) = find_delivery(&frame, book, path).await?;
    let said = format!("No se reintentó el envío a {}", delivery.recipient);
    let title = match retry_once(&frame.app, &frame.actor, delivery.id, &form.clave, read(&form.visto)).await {
        // It is being sent at this moment: that was asked for.
        Ok(()) | Err(MoveError::NotNow(Stands::Sending)) => return Ok(back(book, id)),
        Err(error) => not_moved(error, said)?,
    };
    let mut view = ShowPage::load(&frame, book, id, Refused::default()).await?;
    view.say_changed(read(&form.visto), title);
    Ok(page::refused(&view))
}

/// POST `/cobros/{id}/envios/{envio}/anular`
pub async fn cancel(
    frame: Frame,
    book: Book,
    Path(path): Path<(String, String)>,
    Form(form): Form<MoveForm>,
) -> Result<Response, Trouble> {
    let (id, delivery) = find_delivery(&frame, book, path).await?;
    let said = format!("No se anuló el envío a {}", delivery.recipient);
    let title = match cancel_once(&frame.app, &frame.actor, delivery.id, &form.clave, read(&form.visto)).await {
        // Cancelled is what was wanted, whoever was first.
        Ok(()) | Err(MoveError::NotNow(Stands::Cancelled)) => return Ok(back(book, id)),
        Err(error) => not_moved(error, said)?,
    };
    let mut view = ShowPage::load(&frame, book, id, Refused::default()).await?;
    view.say_changed(read(&form.visto), title);
    Ok(page::refused(&view))
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
    frame: Frame,
    book: Book,
    Path(path): Path<(String, String)>,
    Form(form): Form<ResolveForm>,
) -> Result<Response, Trouble> {
    let (id, delivery) = find_delivery(&frame, book, path).await?;
    if let Err(error) = resolve_once(&frame.app, &frame.actor, delivery.id, &form.motivo, &form.clave).await {
        // What is over already was closed by somebody else, or by itself; the form's field ends where a reason may.
        not_done(error)?;
    }
    Ok(back(book, id))
}

/// What the form with this key asked for, once, and as long as nobody acted on what the page had read.
fn asked_for(clave: &str, act: &str, id: DeliveryId, read: Option<usize>) -> Conditions {
    Conditions { once: once(clave, format!("{act} {id}")), read, ..Conditions::default() }
}

pub async fn resolve_once(app: &App, by: &Actor, id: DeliveryId, reason: &str, clave: &str) -> Result<(), MoveError> {
    let conditions = asked_for(clave, "resolver", id, None);
    deliveries::resolve(&app.db, by, id, Some(reason), &conditions, acuse_store::now()).await
}

pub async fn retry_once(app: &App, by: &Actor, id: DeliveryId, clave: &str, read: Option<usize>) -> Result<(), MoveError> {
    deliveries::retry(&app.db, by, id, &asked_for(clave, "reintentar", id, read), acuse_store::now()).await
}

pub async fn cancel_once(app: &App, by: &Actor, id: DeliveryId, clave: &str, read: Option<usize>) -> Result<(), MoveError> {
    deliveries::cancel(&app.db, by, id, &asked_for(clave, "anular", id, read), acuse_store::now()).await
}

/// What the page says of a delivery that has moved on: what was not done, and how it stands.
fn not_moved(error: MoveError, said: String) -> Result<String, Trouble> {
    Ok(match not_done(error)? {
        Some(state) => format!("{said}: ahora está «{}»", state.word()),
        None => said,
    })
}

/// Why nothing was done: where it stands now, if that is why. Errs with what is nobody's to answer.
pub fn not_done(error: MoveError) -> Result<Option<Stands>, Trouble> {
    match error {
        MoveError::NotNow(state) => Ok(Some(state)),
        MoveError::Voided | MoveError::Changed | MoveError::ReasonTooLong | MoveError::Once(ClaimError::KeyReused(_)) => Ok(None),
        MoveError::NotFound => Err(Trouble::NotFound),
        MoveError::Store(error) | MoveError::Once(ClaimError::Store(error)) => Err(error.into()),
    }
}

async fn find_delivery(
    frame: &Frame,
    book: Book,
    (payment, delivery): (String, String),
) -> Result<(PaymentId, Delivery), Trouble> {
    let payment: PaymentId = payment.parse().map_err(|_| Trouble::NotFound)?;
    let delivery: DeliveryId = delivery.parse().map_err(|_| Trouble::NotFound)?;
    let found = deliveries::find(&frame.app.db, frame.company(), delivery).await?;
    let belongs = |found: &Delivery| found.payment == payment && found.number.direction == book.direction;
    found.filter(belongs).map(|found| (payment, found)).ok_or(Trouble::NotFound)
}
