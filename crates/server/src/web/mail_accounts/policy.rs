//! «Si una cuenta propia deja de funcionar»: what the company wishes then, and the one click that sends what waits.

use std::convert::Infallible;

use acuse_domain::email_address::EmailAddress;
use acuse_domain::failure_policy::{FailurePolicy, OnFailure, PatienceHours};
use acuse_domain::id::MailAccountId;
use acuse_domain::input::failure_policy::{Field, PolicyInput};
use acuse_store::versions::ChangeError;
use acuse_store::{pauses, routing};
use axum::Form;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::cards::ListPage;
use super::{LIST, found};
use crate::web::conflict::{self, Conflict, Editing, ShownField, Slot, conflicting};
use crate::web::form_errors::FormErrors;
use crate::web::frame::Frame;
use crate::web::page::refused;
use crate::web::path_id::PathId;
use crate::web::slips::Slips;
use crate::web::trouble::Trouble;

/// As it is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PolicyForm {
    /// `esperar` or `predeterminado`.
    pub fallo: String,
    pub horas: String,
    pub avisar: String,
    /// Of the policy that it was made from.
    pub version: String,
    /// What stood in it then.
    pub antes: String,
    /// Addresses that look like slips and are right.
    pub asi_es: String,
    /// An answer about one of them.
    pub accion: String,
}

impl Editing for PolicyForm {
    fn slots(&mut self) -> Vec<(&'static str, Slot<'_>)> {
        let Self { fallo, horas, avisar, .. } = self;
        vec![("fallo", Slot::Text(fallo)), ("horas", Slot::Text(horas)), ("avisar", Slot::Text(avisar))]
    }
}

impl PolicyForm {
    pub fn of(policy: &FailurePolicy, version: i64) -> Self {
        let after = policy.on_failure.after();
        let fallo = if after.is_some() { "predeterminado" } else { "esperar" };
        let avisar = policy.notify.iter().map(EmailAddress::as_str).collect::<Vec<_>>().join("; ");
        let (fallo, horas, version) =
            (fallo.to_owned(), after.unwrap_or(PatienceHours::USUAL).get().to_string(), version.to_string());
        let mut form = Self { fallo, horas, avisar, version, ..Self::default() };
        form.antes = conflict::snapshot(&mut form);
        form
    }

    /// As it is read beside another one.
    fn shown(self) -> Vec<ShownField> {
        let then = if self.uses_default() {
            format!("Después de {}, usar el correo predeterminado", self.hours())
        } else {
            "Esperar y avisarme".to_owned()
        };
        let fields = [("fallo", "Si una cuenta propia deja de funcionar", then), ("avisar", "Avisar a", self.avisar)];
        fields.into_iter().map(|(field, label, value)| ShownField { field, label, value }).collect()
    }

    pub fn uses_default(&self) -> bool {
        self.fallo == "predeterminado"
    }

    /// For «Después de 4 horas»: what was typed may be no number.
    pub fn hours(&self) -> String {
        let typed = self.horas.trim().parse().ok().and_then(PatienceHours::new);
        let hours = typed.unwrap_or(PatienceHours::USUAL).get();
        if hours == 1 { "1 hora".to_owned() } else { format!("{hours} horas") }
    }

    /// The policy, or every reason why it is none.
    pub fn read(&self) -> Result<FailurePolicy, FormErrors> {
        let on_failure = if self.uses_default() { OnFailure::USE_DEFAULT } else { OnFailure::WAIT };
        let input = PolicyInput {
            on_failure: Some(on_failure.to_owned()),
            // The field stands there also for whoever waits.
            after_hours: self.uses_default().then(|| self.horas.clone()),
            notify: Some(vec![self.avisar.clone()]),
        };
        input.apply_to(FailurePolicy::default()).map_err(|errors| FormErrors::of_input(errors, id_of))
    }
}

const fn id_of(field: Field) -> &'static str {
    match field {
        Field::OnFailure => "fallo",
        Field::AfterHours => "horas",
        Field::Notify(_) => "avisar",
    }
}

pub async fn change(frame: Frame, Form(mut form): Form<PolicyForm>) -> Result<Response, Trouble> {
    let mut slips = Slips::of(&form.asi_es, routing::versioned_policy(&frame.app.db, frame.company()).await?.value.notify);
    slips.press(&mut form.accion, &mut [("avisar", &mut form.avisar)]);
    let read = form.read();
    let mut errors = read.as_ref().err().cloned().unwrap_or_default();
    slips.ask("avisar", &form.avisar, "", &mut errors);
    let Some(policy) = read.ok().filter(|_| errors.is_empty()) else {
        errors.remember(slips.confirmed());
        return Ok(refused(&ListPage::load(&frame).await?.refused(form, errors)));
    };
    let expected = conflict::expected(&form.version);
    let typed = policy.clone();
    match routing::change_policy(&frame.app.db, &frame.actor, &expected, |_| Ok::<_, Infallible>(typed)).await {
        Ok(_) => Ok(Redirect::to(LIST).into_response()),
        Err(ChangeError::Stale) => show_both(&frame, form, policy).await,
        Err(ChangeError::NotFound | ChangeError::Taken) => Err(Trouble::NotFound),
        Err(ChangeError::Refused(never)) => match never {},
        Err(ChangeError::Store(error)) => Err(error.into()),
    }
}

/// The form again, as it was typed, beside the policy as somebody else left it.
async fn show_both(frame: &Frame, mut form: PolicyForm, typed: FailurePolicy) -> Result<Response, Trouble> {
    let kept = routing::versioned_policy(&frame.app.db, frame.company()).await?;
    if kept.value == typed {
        // They wrote the same.
        return Ok(Redirect::to(LIST).into_response());
    }
    let mut kept_form = PolicyForm::of(&kept.value, kept.version);
    let before = std::mem::take(&mut form.antes);
    let taken_over = conflict::take_over(&mut form, &before, &mut kept_form);
    form.version.clone_from(&kept_form.version);
    form.antes.clone_from(&kept_form.antes);
    let typed_form = PolicyForm::of(&typed, kept.version);
    let conflict = Conflict::between(kept_form.shown(), typed_form.shown(), &taken_over, LIST);
    let conflict = conflict.read_together("fallo", "horas", &taken_over);
    Ok(conflicting(&ListPage::load(frame).await?.conflicting(form, conflict)))
}

/// «Enviar los 6 con el correo predeterminado»
pub async fn send_waiting(frame: Frame, PathId(id): PathId<MailAccountId>) -> Result<Redirect, Trouble> {
    found(&frame, id).await?;
    if frame.app.default_account.is_some() {
        pauses::send_waiting_by_default(&frame.app.db, &frame.actor, id, acuse_store::now()).await?;
    }
    Ok(Redirect::to(LIST))
}
