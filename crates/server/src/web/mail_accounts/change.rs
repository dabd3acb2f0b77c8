//! What Probar and Guardar do with a form that is well filled in.

use acuse_domain::Instant;
use acuse_domain::mail_account::{LastCheck, MailAccount, MailAccountSettings};
use acuse_store::mail_accounts::{self as accounts, Form, SaveError};
use acuse_store::{Actor, StoreError};
use secrecy::SecretString;

use super::form::{AccountForm, Filled};
use super::probe::{self, Diagnosis};
use super::sealed::Seals;
use crate::app::App;
use crate::web::form_errors::FormErrors;

/// Where one form is dealt with: for whom, and over which saved account.
pub struct Desk<'a> {
    pub app: &'a App,
    pub by: &'a Actor,
    /// The account that is being changed; none while it is new.
    pub saved: Option<&'a MailAccount>,
    pub seals: &'a Seals<'a>,
    pub now: Instant,
}

/// The password to log in with, and where it comes from.
pub enum Password {
    /// No user, so no login.
    None,
    Typed(SecretString),
    Stored(SecretString),
}

impl Password {
    fn secret(&self) -> Option<&SecretString> {
        match self {
            Self::None => None,
            Self::Typed(secret) | Self::Stored(secret) => Some(secret),
        }
    }
}

/// What goes into the form's hidden fields.
pub struct Sealed {
    pub password: Option<String>,
    pub check: Option<String>,
}

impl Desk<'_> {
    /// The one just typed, the one typed before Probar, or the one on record. Nothing where `errors` asks for it.
    ///
    /// The one on record goes to the server it was given for and to no other: who finds an open session must not be
    /// able to have it sent to a server of their own.
    pub async fn password(
        &self,
        form: &AccountForm,
        settings: &MailAccountSettings,
        errors: &mut FormErrors,
    ) -> Result<Option<Password>, StoreError> {
        if settings.username.is_empty() {
            return Ok(Some(Password::None));
        }
        if let Some(typed) = self.typed(form) {
            return Ok(Some(Password::Typed(typed)));
        }
        let stored = match self.saved {
            Some(saved) if saved.has_password => Some(self.stored(saved).await?),
            _ => None,
        };
        let words = match (stored, self.saved) {
            (Some(_), Some(saved)) if saved.settings.server != settings.server => {
                "Cambió el servidor: escriba otra vez la contraseña."
            }
            (Some(Some(secret)), _) => return Ok(Some(Password::Stored(secret))),
            (Some(None), _) => "La contraseña guardada no se puede abrir: escríbala otra vez.",
            (None, _) if !form.clave_sellada.is_empty() => "Pasó demasiado tiempo: escriba otra vez la contraseña.",
            (None, _) => "Falta la contraseña del usuario.",
        };
        errors.add("clave", words);
        Ok(None)
    }

    fn typed(&self, form: &AccountForm) -> Option<SecretString> {
        // Providers show app passwords in groups of four; the spaces are not part of them.
        let app_password: String = form.clave_app.split_whitespace().collect();
        match (app_password.is_empty(), form.clave.is_empty()) {
            (false, _) => Some(SecretString::from(app_password)),
            (true, false) => Some(SecretString::from(form.clave.as_str())),
            (true, true) => self.seals.open_password(&form.clave_sellada),
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

    /// Tries what was typed. What is said of the account exactly as it is saved is noted on it, and ends its rest.
    pub async fn check(&self, filled: &Filled, password: &Password) -> Result<Diagnosis, StoreError> {
        let Filled { settings, to } = filled;
        let diagnosis = probe::run(&self.app.network, settings, password.secret(), to.as_ref()).await;
        if let Some(saved) = self.saved
            && saved.settings == *settings
            && !matches!(password, Password::Typed(_))
        {
            let check = LastCheck { at: self.now, ok: diagnosis.ok };
            accounts::note_check(&self.app.db, self.by, saved.id, &check).await?;
        }
        Ok(diagnosis)
    }

    /// Saves it, with what a check of exactly these settings answered. Errs with the words for the module's field.
    pub async fn save(
        &self,
        form: &AccountForm,
        settings: &MailAccountSettings,
        password: &Password,
    ) -> Result<Result<(), &'static str>, StoreError> {
        let checked =
            self.seals.open_check(settings, password.secret(), &form.probada).or_else(|| self.last_check(settings, password));
        let typed = match password {
            Password::Typed(secret) => Some(secret.clone()),
            Password::None | Password::Stored(_) => None,
        };
        let form = Form { settings: settings.clone(), password: typed, checked };
        let (db, keys) = (&self.app.db, &self.app.keys);
        let saving = match self.saved {
            Some(saved) => accounts::change(db, keys, self.by, saved.id, &form).await,
            None => accounts::create(db, keys, self.by, &form, None, self.now).await.map(|_| ()),
        };
        match saving {
            Ok(()) => Ok(Ok(())),
            Err(SaveError::ModuleTaken(_)) => Ok(Err("Este módulo ya tiene una cuenta: modifíquela o elimínela antes.")),
            Err(SaveError::NotFound) => Ok(Err("Esta configuración ya no existe: alguien la eliminó.")),
            Err(SaveError::Store(error)) => Err(error),
            Err(error @ (SaveError::Seal(_) | SaveError::Once(_))) => {
                tracing::error!("An account could not be saved: {error}");
                Ok(Err("La contraseña no se pudo guardar cifrada; avise a quien cuida el servidor."))
            }
        }
    }

    /// What is known of the account stays known while what was checked stays the same.
    fn last_check(&self, settings: &MailAccountSettings, password: &Password) -> Option<LastCheck> {
        let saved = self.saved?;
        let connects_alike = MailAccountSettings {
            module: settings.module,
            from_name: settings.from_name.clone(),
            reply_to: settings.reply_to.clone(),
            bcc: settings.bcc.clone(),
            ..saved.settings.clone()
        } == *settings;
        if connects_alike && !matches!(password, Password::Typed(_)) { saved.last_check.clone() } else { None }
    }

    pub fn seal(&self, settings: &MailAccountSettings, password: &Password, ok: bool) -> Sealed {
        let typed = match password {
            Password::Typed(secret) => self.seals.seal_password(secret),
            Password::None | Password::Stored(_) => None,
        };
        Sealed { password: typed, check: self.seals.seal_check(settings, password.secret(), ok) }
    }

    /// A refused form keeps the password that came with it.
    pub fn seal_again(&self, form: &AccountForm) -> Option<Sealed> {
        let typed = self.typed(form)?;
        let check = Some(form.probada.clone()).filter(|check| !check.is_empty());
        Some(Sealed { password: self.seals.seal_password(&typed), check })
    }
}
