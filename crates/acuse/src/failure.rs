//! How a command fails: the reason in one line, then what to do.

use std::fmt;

use crate::master_key;

/// What to do about a database that is damaged.
pub const DAMAGED: &str = "Detenga Acuse y restaure el último respaldo con «acuse restore --force». Si no hay respaldo, rescate \
    lo que se pueda leer con «sqlite3 acuse.db .recover | sqlite3 rescatada.db». En PostgreSQL: REINDEX, o restaure.";

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
        use acuse_store::StoreError;
        let (reason, what_to_do) = match &error {
            StoreError::Missing(path) => (
                format!("no hay una base de datos en {}", path.display()),
                "Compruebe data_dir y database_url. La crean «acuse serve», «acuse company create» y «acuse restore».",
            ),
            StoreError::Empty(path) => (
                format!("el archivo de la base de datos, {}, está vacío", path.display()),
                "Restaure el último respaldo con «acuse restore --force». Si nunca hubo datos, borre ese archivo.",
            ),
            StoreError::Damaged(said) => (format!("la base de datos está dañada: {said}"), DAMAGED),
            StoreError::BeingReplaced(path) => {
                (format!("«acuse restore» está reemplazando {}", path.display()), "Vuelva a empezar cuando termine.")
            }
            StoreError::InUse(path) => (format!("{} está en uso", path.display()), "Detenga el servidor."),
            other => (other.to_string(), "Compruebe database_url, que la base esté en marcha y que haya espacio en el disco."),
        };
        Self::new(reason, what_to_do)
    }
}

impl From<acuse_store::secrets::KeyFileError> for Failure {
    fn from(error: acuse_store::secrets::KeyFileError) -> Self {
        let (reason, what_to_do) = master_key::file_trouble(&error);
        Self::new(reason, what_to_do)
    }
}

impl From<acuse_mail::guard::NetworkError> for Failure {
    fn from(error: acuse_mail::guard::NetworkError) -> Self {
        Self::new(error.to_string(), "Corrija allowed_private_hosts o extra_ca_file.")
    }
}
