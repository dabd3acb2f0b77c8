//! From which account a receipt would leave, told before it is asked for.

use acuse_domain::Instant;
use acuse_domain::id::CompanyId;
use acuse_store::StoreError;

use super::Book;
use crate::app::App;
use crate::mail_route::{Route, Routes, SendsNow};

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
        let route = Routes::of(app, company).await?.route(&app.db, book.module()).await?;
        Ok(Self::on(&route, acuse_store::now()))
    }

    fn on(route: &Route, now: Instant) -> Self {
        let sends = route.sends_now(now);
        let waits = match (sends, &route.own) {
            (SendsNow::Own | SendsNow::Default, _) => None,
            (SendsNow::Waits, Some(_)) => Some("La cuenta de correo está en pausa: el envío esperará hasta que se corrija."),
            (SendsNow::Waits, None) => {
                Some("El correo predeterminado está en pausa: el envío esperará. Avise a quien cuida el servidor.")
            }
            (SendsNow::Nobody, _) => Some("Aún no hay una cuenta de correo: el envío esperará hasta que la haya."),
        };
        match (&route.own, &route.default) {
            (Some(own), _) if sends != SendsNow::Default => {
                let (address, server) = (own.account.settings.from_address.to_string(), own.account.settings.server.clone());
                Self { address, server, is_default: false, waits }
            }
            (_, Some(default)) => {
                let (address, server) = (default.account.from_address.to_string(), default.account.server.clone());
                Self { address, server, is_default: true, waits }
            }
            _ => Self { address: String::new(), server: String::new(), is_default: false, waits },
        }
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
