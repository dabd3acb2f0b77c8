//! One form on somebody's context: what Probar and Guardar do with it.

use acuse_domain::Instant;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::input::mail_account::ValidAccount;
use acuse_domain::input::optional_address;
use acuse_domain::mail_account::{CredentialScope, LastCheck, MailAccount, MailAccountSettings, Security};
use acuse_domain::message::Language;
use acuse_domain::message::messages;
use acuse_mail::check::{self, CheckReport, PhaseLine};
use acuse_mail::correction::Suggestion;
use acuse_mail::password;
use acuse_store::StoreError;
use acuse_store::mail_accounts::{self as accounts, Edit, Form, SaveError};
use acuse_store::versions::Expected;
use secrecy::{ExposeSecret, SecretString};

use super::check_view;
use super::form::{AccountForm, NO_PORT};
use super::sealed::Seals;
use super::shown::{AccountPage, Sealed};
use crate::checks::Running;
use crate::web::conflict::{self, Conflict, ShownField};
use crate::web::form_errors::FormErrors;
use crate::web::frame::Frame;
use crate::web::page::{Page, Section};
use crate::web::slips::Slips;
use crate::{checks, connected};

/// The button Guardar; the others try the account or change the form.
pub const SAVES: &str = "guardar";

/// Who deals with the form, and over which saved account.
pub struct FormContext {
    pub frame: Frame,
    /// The account that is being changed; none while it is new.
    pub saved: Option<MailAccount>,
    session: String,
    now: Instant,
}

/// A form that is well filled in, with what is needed to log in.
pub struct ValidForm {
    pub form: AccountForm,
    pub settings: MailAccountSettings,
    /// Who gets the message that tries the account.
    pub to: Option<EmailAddress>,
    password: Password,
}

/// Why the form was not saved, with the page that says so.
pub enum NotSaved {
    Refused(Box<AccountPage>),
    /// Somebody else changed the account meanwhile.
    Changed(Box<AccountPage>),
    /// Somebody deleted it meanwhile.
    Gone,
}

/// The password to log in with, and where it comes from.
enum Password {
    /// No user, so no login.
    None,
    Typed(SecretString),
    Stored(SecretString),
    /// The account is connected with its provider.
    Connected(Box<MailAccount>),
}

impl Password {
    /// As it was meant, as far as that can be told: what Probar offered after the server had refused it.
    fn mended(self, server: &str) -> Self {
        let meant = self.secret().and_then(|secret| password::meant(secret.expose_secret(), server));
        meant.map_or(self, |(_, meant)| Self::Typed(SecretString::from(meant)))
    }

    fn secret(&self) -> Option<&SecretString> {
        match self {
            Self::None | Self::Connected(_) => None,
            Self::Typed(secret) | Self::Stored(secret) => Some(secret),
        }
    }
}

impl FormContext {
    pub fn open(frame: Frame, saved: Option<MailAccount>) -> Self {
        let session = frame.session_token();
        Self { frame, saved, session, now: acuse_store::now() }
    }

    pub async fn page(&self) -> Result<Page, StoreError> {
        Ok(self.frame.page(Section::MiCompania).await?.typing())
    }

    /// Nothing where the company has as many checks running as it may.
    pub fn begin_check(&self) -> Option<Running> {
        self.frame.app.checks.begin(self.frame.company())
    }

    fn seals(&self) -> Seals<'_> {
        Seals::new(&self.frame.app.keys, self.frame.company(), &self.session, self.now)
    }

    /// The form as it is first seen.
    pub async fn blank(&self, form: AccountForm) -> Result<AccountPage, StoreError> {
        Ok(AccountPage::of(&self.frame.app, self.page().await?, form, self.saved.as_ref()))
    }

    /// The form as it comes back with what is to be mended. A password that came with it is kept.
    pub async fn refused(&self, form: AccountForm, errors: FormErrors) -> Result<AccountPage, StoreError> {
        let sealed = match (form.credential_scope(), self.typed(&form)) {
            (Some(scope), Some(typed)) => {
                let port = if errors.of("puerto").is_some() { NO_PORT } else { scope.port };
                let scope = CredentialScope { port, ..scope };
                let check = Some(form.probada.clone()).filter(|check| !check.is_empty());
                Sealed { password: self.seals().seal_password(&typed, &scope), check, ..Sealed::default() }
            }
            _ => Sealed::default(),
        };
        Ok(self.blank(form).await?.with_sealed(sealed).refused(errors))
    }

    /// Reads the form. Errs with its page and what to mend.
    pub async fn read(&self, form: AccountForm, slips: &Slips) -> Result<Result<ValidForm, Box<AccountPage>>, StoreError> {
        let mut errors = FormErrors::default();
        let account = self.account(&form).await?.map_err(|wrong| errors = wrong).ok();
        form.doubts(slips, &mut errors);
        let to = errors.keep("hacia", optional_address(&form.hacia)).flatten();
        if let Some(ValidAccount { settings, password }) = account.filter(|_| errors.is_empty()) {
            match self.password(&settings, password).await? {
                Some(password) => {
                    let password = if form.corrects_password() { password.mended(&settings.server) } else { password };
                    return Ok(Ok(ValidForm { form, settings, to, password }));
                }
                None => errors.say("clave", messages::password_unreadable()),
            }
        }
        let errors = if form.accion == SAVES || self.frame.is_only_shown { errors } else { errors.at_probar() };
        Ok(Err(Box::new(self.refused(form, errors).await?)))
    }

    /// The account that the form describes, or every reason why it is none.
    pub async fn account(&self, form: &AccountForm) -> Result<Result<ValidAccount, FormErrors>, StoreError> {
        let company_name = self.frame.company_name().await?;
        Ok(form.read(self.saved.as_ref(), self.typed(form), &company_name, &self.frame.app.network))
    }

    /// The one that was typed, or the one on record. Nothing where the key at hand does not open it.
    ///
    /// Each goes to the server, port, TLS and user it was given for and to no other: who finds an open session must not
    /// be able to have it sent to a server of their own.
    async fn password(
        &self,
        settings: &MailAccountSettings,
        typed: Option<SecretString>,
    ) -> Result<Option<Password>, StoreError> {
        Ok(match (typed, &self.saved) {
            _ if settings.username.is_empty() => Some(Password::None),
            (Some(typed), _) => Some(Password::Typed(typed)),
            (None, Some(saved)) if saved.connection.is_some() => Some(Password::Connected(Box::new(saved.clone()))),
            (None, Some(saved)) => self.stored(saved).await?.map(Password::Stored),
            (None, None) => None,
        })
    }

    /// The one just typed, or typed before Probar.
    fn typed(&self, form: &AccountForm) -> Option<SecretString> {
        form.typed_password().or_else(|| {
            let scope = form.credential_scope()?;
            let without_port = CredentialScope { port: NO_PORT, ..scope.clone() };
            let ways = [(&form.clave_sellada, &scope), (&form.clave_corregida, &scope), (&form.clave_sellada, &without_port)];
            ways.into_iter().find_map(|(sealed, scope)| self.seals().open_password(sealed, scope))
        })
    }

    /// Nothing where the key at hand does not open it.
    async fn stored(&self, saved: &MailAccount) -> Result<Option<SecretString>, StoreError> {
        let usable = accounts::usable_by_id(&self.frame.app.db, &self.frame.app.keys, self.frame.company(), saved.id).await?;
        Ok(usable.and_then(|it| it.password_for(&saved.settings.credential_scope()).cloned()))
    }

    /// Tries what was typed, telling of each phase, and gives the form with the diagnosis. What is said of the account
    /// exactly as it is saved is noted on it, and ends its rest. Dropped, it stops at once and notes nothing.
    pub async fn probe(&self, valid: &ValidForm, on_phase: impl FnMut(&PhaseLine) + Send) -> Result<AccountPage, StoreError> {
        let ValidForm { form, settings, to, password } = valid;
        let subject = checks::subject(settings, password.secret().cloned(), to.clone(), Language::Spanish);
        let report = match password {
            Password::Connected(saved) => connected::check(&self.frame.app, saved, subject, on_phase).await,
            _ => {
                check::run_as(&self.frame.app.network, &subject, self.frame.app.checks.mail_of(self.frame.company()), on_phase)
                    .await
            }
        };
        if let Some(saved) = &self.saved
            && saved.settings == *settings
            && !matches!(password, Password::Typed(_))
        {
            let check = LastCheck { at: self.now, ok: report.ok };
            accounts::note_check(&self.frame.app.db, &self.frame.actor, saved.id, saved.version, &check).await?;
        }
        let sealed = self.seal(settings, password, &report);
        let diagnosis = check_view::in_words(report, settings, to.as_ref());
        let mut errors = FormErrors::default();
        check_view::point_out(&diagnosis, settings, &mut errors);
        let remark = password.secret().and_then(|secret| check_view::remark(secret.expose_secret()));
        Ok(self.blank(form.clone()).await?.with_sealed(sealed).remarking(remark).checked(diagnosis, errors))
    }

    fn seal(&self, settings: &MailAccountSettings, password: &Password, report: &CheckReport) -> Sealed {
        let (seals, scope) = (self.seals(), settings.credential_scope());
        let typed = match password {
            Password::Typed(secret) => Some(secret),
            Password::None | Password::Stored(_) | Password::Connected(_) => None,
        };
        let corrected = report.suggestion.as_ref().and_then(|better| corrected_scope(better, &scope));
        Sealed {
            password: typed.and_then(|secret| seals.seal_password(secret, &scope)),
            corrected: typed.zip(corrected).and_then(|(secret, scope)| seals.seal_password(secret, &scope)),
            check: seals.seal_check(settings, password.secret(), report.ok),
        }
    }

    /// Saves it, with what a check of exactly these settings answered. Errs with the form and why not.
    pub async fn save(&self, valid: ValidForm) -> Result<Result<(), NotSaved>, StoreError> {
        let ValidForm { form, settings, password, .. } = valid;
        let checked = self.seals().open_check(&settings, password.secret(), &form.probada);
        let typed = match password {
            Password::Typed(secret) => Some(secret),
            Password::None | Password::Stored(_) | Password::Connected(_) => None,
        };
        let overwrites_password = self.overwrites_password(typed.as_ref()).await?;
        let record = Form { settings, password: typed, checked };
        let expected = conflict::expected(&form.version);
        let Frame { app, actor: by, .. } = &self.frame;
        let (db, keys) = (&app.db, &app.keys);
        let saving = match &self.saved {
            Some(saved) => {
                let decide = |account: &MailAccount| {
                    // Where they wrote the same there is nothing to choose between.
                    let is_stale = matches!(&expected, Expected::OneOf(seen) if !seen.contains(&account.version));
                    if is_stale && (account.settings != record.settings || overwrites_password) {
                        return Err(SaveError::Changed);
                    }
                    Ok(Edit { form: record.clone(), enabled: account.enabled, untouched: Vec::new() })
                };
                accounts::edit(db, keys, by, saved.id, &Expected::Any, decide).await
            }
            None => accounts::create(db, keys, by, &record, None, self.now).await.map(|_| ()),
        };
        let (field, message) = match saving {
            Ok(()) => return Ok(Ok(())),
            Err(SaveError::ModuleTaken(module)) => ("modulo", messages::module_taken(module)),
            Err(SaveError::NotFound) => ("modulo", messages::mail_account_not_found()),
            Err(SaveError::Changed) => return self.show_both(form, record).await.map(Err),
            Err(SaveError::PasswordRequired) => ("clave", messages::password_required_for_server()),
            Err(SaveError::Store(error)) => return Err(error),
            Err(error @ (SaveError::Unreadable(_) | SaveError::Seal(_) | SaveError::Once(_))) => {
                tracing::error!("An account could not be saved: {error}");
                ("clave", messages::password_not_sealed())
            }
        };
        let mut errors = FormErrors::default();
        errors.say(field, message);
        Ok(Err(NotSaved::Refused(Box::new(self.refused(form, errors).await?))))
    }

    /// Whether another password is on record than the one that was typed.
    async fn overwrites_password(&self, typed: Option<&SecretString>) -> Result<bool, StoreError> {
        let (Some(typed), Some(saved)) = (typed, &self.saved) else { return Ok(false) };
        let stored = self.stored(saved).await?;
        Ok(stored.is_some_and(|stored| stored.expose_secret() != typed.expose_secret()))
    }

    /// The form again, as it was typed, beside the account as somebody else left it.
    async fn show_both(&self, mut form: AccountForm, typed: Form) -> Result<NotSaved, StoreError> {
        let Some(saved) = &self.saved else { return Ok(NotSaved::Gone) };
        let Some(kept) = accounts::find(&self.frame.app.db, self.frame.company(), saved.id).await? else {
            return Ok(NotSaved::Gone);
        };
        let mut kept_form = AccountForm::from_account(&kept);
        let given_for = form.credential_scope();
        let before = std::mem::take(&mut form.antes);
        let taken_over = conflict::take_over(&mut form, &before, &mut kept_form);
        form.version.clone_from(&kept_form.version);
        form.antes.clone_from(&kept_form.antes);
        if form.credential_scope() != given_for {
            // The password was typed for another server, port, TLS or user than the form names now.
            form.forget_password();
        }
        let (mut kept_fields, mut typed_fields) = (AccountForm::shown(&kept.settings), AccountForm::shown(&typed.settings));
        if typed.password.is_some() && kept.has_password {
            let password = |value: &str| ShownField { field: "clave", label: "Contraseña", value: value.to_owned() };
            kept_fields.push(password("la que está guardada"));
            typed_fields.push(password("la que usted escribió"));
        }
        let afresh = format!("/mi-compania/correos/{}", saved.id);
        let conflict = Conflict::between(kept_fields, typed_fields, &taken_over, afresh);
        let page = self.refused(form, FormErrors::default()).await?.conflicting(conflict);
        Ok(NotSaved::Changed(Box::new(page)))
    }
}

/// What the password that was just typed may be used for besides, if the person presses the correction: another port, TLS
/// or user of the same server, encrypted. Another server asks for it again: a name out of a certificate proves nothing.
fn corrected_scope(better: &Suggestion, typed: &CredentialScope) -> Option<CredentialScope> {
    let stays = better.server.as_ref().is_none_or(|server| *server == typed.server);
    let username = better.username.clone().unwrap_or_else(|| typed.username.clone());
    (stays && better.security != Security::None).then(|| CredentialScope {
        server: typed.server.clone(),
        port: better.port,
        security: better.security,
        username,
    })
}
