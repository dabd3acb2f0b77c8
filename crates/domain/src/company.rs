//! The company whose payments are recorded: what its receipts say about it.

pub mod search;

use crate::email_address::EmailAddress;
use crate::id::CompanyId;
use crate::identification::Ruc;

/// Letters of each text; the SRI's documents have as many for a razón social and its address.
pub(crate) const LONGEST_TEXT: usize = 300;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Company {
    pub id: CompanyId,
    /// Grows with every change of the profile.
    pub version: i64,
    pub ruc: Ruc,
    pub profile: CompanyProfile,
}

/// What the company itself may change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompanyProfile {
    pub legal_name: String,
    pub trade_name: Option<String>,
    pub address: Option<String>,
    pub city: Option<String>,
    pub phone: Option<String>,
    /// Where answers go when the installation's default account sends.
    pub email: Option<EmailAddress>,
    /// Fields of a record that hold nothing of their kind, by their names in the API. Whoever gives one takes it off; the
    /// others stay as they stand.
    pub undecoded: Vec<&'static str>,
}

impl Company {
    /// The fields that an unreadable record left, by their names in the API.
    #[must_use]
    pub fn unreadable(&self) -> Vec<&'static str> {
        let email = self.profile.email.as_ref().is_none_or(EmailAddress::is_readable);
        let fields = [("ruc", self.ruc.is_readable()), ("email", email)];
        let others = fields.into_iter().filter(|(_, is_readable)| !is_readable).map(|(field, _)| field);
        self.profile.undecoded.iter().copied().filter(|field| *field != "ruc").chain(others).collect()
    }

    /// The name people know: nombre comercial, else razón social.
    #[must_use]
    pub fn known_as(&self) -> &str {
        self.profile.trade_name.as_deref().unwrap_or(&self.profile.legal_name)
    }
}

/// Who may add a company to an installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CompanyCreation {
    /// Whoever works at the command line.
    #[default]
    Operator,
    /// Besides, whoever is owner of one already, in the browser.
    Owners,
}

impl CompanyCreation {
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        match code {
            "operator" => Some(Self::Operator),
            "owners" => Some(Self::Owners),
            _ => None,
        }
    }
}

/// What stands between a new company and its first receipt, and whether it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstSteps {
    pub logo: bool,
    pub mail_account: bool,
    pub document: bool,
    pub payment: bool,
}

impl FirstSteps {
    /// Whoever has recorded a payment has begun; what they left out they left out.
    #[must_use]
    pub const fn are_over(self) -> bool {
        self.payment || (self.logo && self.mail_account && self.document)
    }
}
