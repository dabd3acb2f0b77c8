//! One form on somebody's desk: what Probar and Guardar do with it.

use acuse_domain::Instant;
use acuse_domain::mail_account::{LastCheck, MailAccount, MailAccountSettings};
use acuse_mail::check::{self, PhaseLine};
use acuse_mail::explanation::Language;
use acuse_mail::password;
use acuse_store::mail_accounts::{self as accounts, Form, SaveError};
use acuse_store::{Actor, StoreError};
use axum::http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};

use super::form::{AccountForm, Filled};
use super::probe;
use super::sealed::Seals;
use super::shown::{AccountPage, Sealed};
use crate::access::{Authorized, session_token};
use crate::app::App;
use crate::web::form_errors::FormErrors;
use crate::web::page::{Page, Section};
use crate::{checks, connected};

/// Who deals with the form, and over which saved account.
pub struct Desk {
    pub app: App,
    pub by: Actor,
    /// The account that is being changed; none while it is new.
    pub saved: Option<MailAccount>,
    pub page: Page,
    session: String,
}

/// A form that is well filled in, with what is needed to log in.
pub struct Ready {
    pub form: AccountForm,
    pub filled: Filled,
    password: Password,
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

impl Desk {
    pub async fn open<P>(
        app: App,
        may: Authorized<P>,
        headers: &HeaderMap,
        saved: Option<MailAccount>,
    ) -> Result<Self, StoreError> {
        let page = Page::load(&app, &may, Section::MiCompania, headers).await?.typing();
        let session = session_token(&app, headers).unwrap_or_default();
        Ok(Self { app, by: may.actor, saved, page, session })
    }

    fn now(&self) -> Instant {
        self.page.now
    }

    fn seals(&self) -> Seals<'_> {
        Seals::new(&self.app.keys, self.by.company, &self.session, self.now())
    }

    /// The form as it is first seen.
    pub fn blank(&self, form: AccountForm) -> AccountPage {
        AccountPage::of(&self.app, self.page.clone(), form, self.saved.as_ref())
    }

    /// The form as it comes back with what is to be mended. A password that came with it is kept.
    pub fn refused(&self, form: AccountForm, errors: FormErrors) -> AccountPage {
        let sealed = match self.typed(&form) {
            Some(typed) => {
                let check = Some(form.probada.clone()).filter(|check| !check.is_empty());
                Sealed { password: self.seals().seal_password(&typed), check }
            }
            None => Sealed::default(),
        };
        self.blank(form).with_sealed(sealed).refused(errors)
    }

    /// Reads the form. Errs with its page and what to mend.
    pub async fn read(&self, form: AccountForm) -> Result<Result<Ready, Box<AccountPage>>, StoreError> {
        let mut errors = FormErrors::default();
        let Some(filled) = form.read(&self.app.network, &mut errors) else {
            return Ok(Err(Box::new(self.refused(form, errors))));
        };
        match self.password(&form, &filled.settings).await? {
            Ok(password) => {
                let password = if form.corrects_password() { password.mended(&filled.settings.server) } else { password };
                Ok(Ok(Ready { form, filled, password }))
            }
            Err(words) => {
                errors.add("clave", words);
                Ok(Err(Box::new(self.blank(form).refused(errors))))
            }
        }
    }

    /// The one just typed, the one typed before Probar, or the one on record. Errs with the words that ask for it.
    ///
    /// The one on record goes to the server it was given for and to no other: who finds an open session must not be
    /// able to have it sent to a server of their own.
    async fn password(
        &self,
        form: &AccountForm,
        settings: &MailAccountSettings,
    ) -> Result<Result<Password, &'static str>, StoreError> {
        if settings.username.is_empty() {
            return Ok(Ok(Password::None));
        }
        if let Some(typed) = self.typed(form) {
            return Ok(Ok(Password::Typed(typed)));
        }
        if let Some(saved) = self.saved.as_ref().filter(|saved| saved.connection.is_some()) {
            return Ok(if saved.settings.server == settings.server {
                Ok(Password::Connected(Box::new(saved.clone())))
            } else {
                Err("Cambió el servidor, y la conexión solo vale para el suyo: escriba una contraseña.")
            });
        }
        let Some(saved) = self.saved.as_ref().filter(|saved| saved.has_password) else {
            return Ok(Err(if form.clave_sellada.is_empty() {
                "Falta la contraseña del usuario."
            } else {
                "Pasó demasiado tiempo: escriba otra vez la contraseña."
            }));
        };
        if saved.settings.server != settings.server {
            return Ok(Err("Cambió el servidor: escriba otra vez la contraseña."));
        }
        let stored = self.stored(saved).await?.map(Password::Stored);
        Ok(stored.ok_or("La contraseña guardada no se puede abrir: escríbala otra vez."))
    }

    /// Exactly as it was typed, spaces and all.
    fn typed(&self, form: &AccountForm) -> Option<SecretString> {
        let typed = [&form.clave_app, &form.clave].into_iter().find(|typed| !typed.is_empty());
        match typed {
            Some(typed) => Some(SecretString::from(typed.as_str())),
            None => self.seals().open_password(&form.clave_sellada),
        }
    }

    /// Nothing where the key at hand does not open it.
    async fn stored(&self, saved: &MailAccount) -> Result<Option<SecretString>, StoreError> {
        match accounts::usable_by_id(&self.app.db, &self.app.keys, self.by.company, saved.id).await {
            Ok(usable) => Ok(usable.and_then(|usable| usable.password)),
            Err(SaveError::Store(error)) => Err(error),
            Err(error) => {
                tracing::warn!(account.id = %saved.id, "A stored password does not open: {error}");
                Ok(None)
            }
        }
    }

    /// Tries what was typed, telling of each phase, and gives the form with the diagnosis. What is said of the account
    /// exactly as it is saved is noted on it, and ends its rest. Dropped, it stops at once and notes nothing.
    pub async fn probe(&self, ready: &Ready, on_phase: impl FnMut(&PhaseLine) + Send) -> Result<AccountPage, StoreError> {
        let Ready { form, filled: Filled { settings, to }, password } = ready;
        let subject = checks::subject(settings, password.secret().cloned(), to.clone(), Language::Spanish);
        let report = match password {
            Password::Connected(saved) => connected::check(&self.app, saved, &settings.username, subject, on_phase).await,
            _ => check::run(&self.app.network, &subject, on_phase).await,
        };
        if let Some(saved) = &self.saved
            && saved.settings == *settings
            && !matches!(password, Password::Typed(_))
        {
            let check = LastCheck { at: self.now(), ok: report.ok };
            accounts::note_check(&self.app.db, &self.by, saved.id, &check).await?;
        }
        let sealed = self.seal(settings, password, report.ok);
        let diagnosis = probe::in_words(report, settings, to.as_ref());
        let mut errors = FormErrors::default();
        probe::point_out(&diagnosis, settings, &mut errors);
        let remark = password.secret().and_then(|secret| probe::remark(secret.expose_secret()));
        Ok(self.blank(form.clone()).with_sealed(sealed).remarking(remark).checked(diagnosis, errors))
    }

    fn seal(&self, settings: &MailAccountSettings, password: &Password, ok: bool) -> Sealed {
        let seals = self.seals();
        let typed = match password {
            Password::Typed(secret) => seals.seal_password(secret),
            Password::None | Password::Stored(_) | Password::Connected(_) => None,
        };
        Sealed { password: typed, check: seals.seal_check(settings, password.secret(), ok) }
    }

    /// Saves it, with what a check of exactly these settings answered. Errs with the form and why not.
    pub async fn save(&self, ready: Ready) -> Result<Result<(), Box<AccountPage>>, StoreError> {
        let Ready { form, filled: Filled { settings, .. }, password } = ready;
        let checked = self
            .seals()
            .open_check(&settings, password.secret(), &form.probada)
            .or_else(|| self.last_check(&settings, &password));
        let typed = match password {
            Password::Typed(secret) => Some(secret),
            Password::None | Password::Stored(_) | Password::Connected(_) => None,
        };
        let record = Form { settings, password: typed, checked };
        let (db, keys) = (&self.app.db, &self.app.keys);
        let saving = match &self.saved {
            Some(saved) => accounts::change(db, keys, &self.by, saved.id, &record).await,
            None => accounts::create(db, keys, &self.by, &record, None, self.now()).await.map(|_| ()),
        };
        let words = match saving {
            Ok(()) => return Ok(Ok(())),
            Err(SaveError::ModuleTaken(_)) => "Este módulo ya tiene una cuenta: modifíquela o elimínela antes.",
            Err(SaveError::NotFound) => "Esta configuración ya no existe: alguien la eliminó.",
            Err(SaveError::Store(error)) => return Err(error),
            Err(error @ (SaveError::Seal(_) | SaveError::Once(_))) => {
                tracing::error!("An account could not be saved: {error}");
                "La contraseña no se pudo guardar cifrada; avise a quien cuida el servidor."
            }
        };
        let mut errors = FormErrors::default();
        errors.add("modulo", words);
        Ok(Err(Box::new(self.refused(form, errors))))
    }

    /// What is known of the account stays known while what was checked stays the same.
    fn last_check(&self, settings: &MailAccountSettings, password: &Password) -> Option<LastCheck> {
        let saved = self.saved.as_ref()?;
        let connects_alike = MailAccountSettings {
            module: settings.module,
            from_name: settings.from_name.clone(),
            reply_to: settings.reply_to.clone(),
            bcc: settings.bcc.clone(),
            ..saved.settings.clone()
        } == *settings;
        if connects_alike && !matches!(password, Password::Typed(_)) { saved.last_check.clone() } else { None }
    }
}
