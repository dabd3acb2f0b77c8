//! How a command fails: the reason in one line, then what to do.

use std::fmt;

/// Shown on standard error; the exit code is 1.
#[derive(Debug)]
pub struct Failure {
    reason: String,
    what_to_do: String,
}

impl Failure {
    pub fn new(reason: impl Into<String>, what_to_do: impl Into<String>) -> Self {
        Self { reason: reason.into(), what_to_do: what_to_do.into() }
    }

    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        if self.what_to_do.is_empty() { Ok(()) } else { write!(f, "\n{}", self.what_to_do) }
    }
}

impl From<acuse_store::StoreError> for Failure {
    fn from(error: acuse_store::StoreError) -> Self {
        Self::new(error.to_string(), "Compruebe database_url, que la base esté en marcha y que haya espacio en el disco.")
    }
}

impl From<acuse_store::secrets::KeyFileError> for Failure {
    fn from(error: acuse_store::secrets::KeyFileError) -> Self {
        Self::new(error.to_string(), "Es el archivo secret_key_file: sin él no se abren las contraseñas guardadas.")
    }
}

impl From<acuse_mail::guard::NetworkError> for Failure {
    fn from(error: acuse_mail::guard::NetworkError) -> Self {
        Self::new(error.to_string(), "Corrija allowed_private_hosts o extra_ca_file.")
    }
}
