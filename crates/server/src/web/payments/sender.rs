//! From which account a receipt would leave, told before it is asked for.

use acuse_domain::id::CompanyId;
use acuse_store::pauses::{self, AccountKey};
use acuse_store::{StoreError, mail_accounts};

use super::Book;
use crate::app::App;

/// The «desde» of an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// Empty where no account would send.
    pub address: String,
    pub server: String,
    pub is_default: bool,
    /// Why a delivery would have to wait.
    pub waits: Option<&'static str>,
}

impl Sender {
    pub async fn of(app: &App, company: CompanyId, book: Book) -> Result<Self, StoreError> {
        let accounts = mail_accounts::list(&app.db, company).await?;
        let own = accounts.into_iter().find(|account| account.enabled && account.settings.module == book.module());
        if let Some(own) = own {
            let waits = own.pause.map(|_| "La cuenta de correo está detenida: el envío esperará hasta que se corrija.");
            let (address, server) = (own.settings.from_address.to_string(), own.settings.server);
            return Ok(Self { address, server, is_default: false, waits });
        }
        let Some(default) = &app.default_account else {
            let waits = Some("Aún no hay una cuenta de correo: el envío esperará hasta que la haya.");
            return Ok(Self { address: String::new(), server: String::new(), is_default: false, waits });
        };
        let rests = pauses::find(&app.db, AccountKey::Default).await?;
        let waits = rests.map(|_| "El correo predeterminado está detenido: el envío esperará hasta que se corrija.");
        Ok(Self { address: default.from_address.to_string(), server: default.server.clone(), is_default: true, waits })
    }

    /// `cobros@empresa.ec`, or `avisos@servidor.ec, correo predeterminado`.
    #[must_use]
    pub fn name(&self) -> String {
        match (self.address.as_str(), self.is_default) {
            ("", _) => "ninguna cuenta todavía".to_owned(),
            (address, true) => format!("{address}, correo predeterminado"),
            (address, false) => address.to_owned(),
        }
    }

    /// The same, naming the server of an own account.
    #[must_use]
    pub fn name_and_server(&self) -> String {
        if self.is_default || self.address.is_empty() { self.name() } else { format!("{}, por {}", self.address, self.server) }
    }
}
