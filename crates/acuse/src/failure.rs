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

/// What is wrong, and its cure.
impl From<(String, &'static str)> for Failure {
    fn from((reason, what_to_do): (String, &'static str)) -> Self {
        Self::new(reason, what_to_do)
    }
}

/// What a driver or a check says is English: it stands in brackets behind our own words.
pub fn damaged(which: &str, said: impl fmt::Display) -> String {
    format!("{which} está dañada ({said})")
}

impl From<acuse_store::StoreError> for Failure {
    fn from(error: acuse_store::StoreError) -> Self {
        use acuse_store::StoreError;
        const NOT_REACHED: &str = "Compruebe database_url, que la base esté en marcha y que haya espacio en el disco.";
        let (reason, what_to_do) = match &error {
            StoreError::Missing(path) => (
                format!("no hay una base de datos en {}", path.display()),
                "Compruebe data_dir y database_url. La crean «acuse serve», «acuse company create» y «acuse restore».",
            ),
            StoreError::Empty(path) => (
                format!("el archivo de la base de datos, {}, está vacío", path.display()),
                "Restaure el último respaldo con «acuse restore --force». Si nunca hubo datos, borre ese archivo.",
            ),
            StoreError::Damaged(said) => (damaged("la base de datos", said), DAMAGED),
            StoreError::BeingReplaced(path) => {
                (format!("«acuse restore» está reemplazando {}", path.display()), "Vuelva a empezar cuando termine.")
            }
            StoreError::InUse(path) => (format!("{} está en uso", path.display()), "Detenga el servidor."),
            StoreError::Unavailable(said) => (format!("la base de datos no responde ({said})"), NOT_REACHED),
            StoreError::Failed(said) => (format!("la base de datos falló ({said})"), NOT_REACHED),
            StoreError::Address(said) => {
                (format!("database_url no se entiende ({said})"), "Es sqlite://… con un archivo, o postgres://… con un servidor.")
            }
            StoreError::Version(said) => (
                format!("la base de datos no se pudo poner al día ({said})"),
                "Use la versión de Acuse que la escribió, o una posterior.",
            ),
            StoreError::Unreadable(said) => (
                format!("un registro no se puede leer ({said})"),
                "Los demás no cambian. Restaure un respaldo, o corrija ese registro.",
            ),
            StoreError::Overloaded => ("hay demasiado trabajo a la vez".to_owned(), "Vuelva a probar en unos segundos."),
            StoreError::Panicked => ("el trabajo se interrumpió".to_owned(), "Vuelva a probar; si se repite, mire el registro."),
        };
        Self::new(reason, what_to_do)
    }
}

impl From<acuse_store::secrets::KeyFileError> for Failure {
    fn from(error: acuse_store::secrets::KeyFileError) -> Self {
        master_key::file_trouble(&error).into()
    }
}

impl From<acuse_mail::guard::NetworkError> for Failure {
    fn from(error: acuse_mail::guard::NetworkError) -> Self {
        use acuse_mail::guard::NetworkError;
        let reason = match error {
            NetworkError::AllowedHost(host) => {
                format!("allowed_private_hosts: «{host}» no es una red (10.0.0.0/8), una dirección ni un nombre")
            }
            NetworkError::ExtraAuthorities => {
                "extra_ca_file: el archivo no tiene un certificado PEM que se pueda leer".to_owned()
            }
        };
        Self::new(reason, "Corrija allowed_private_hosts o extra_ca_file.")
    }
}

#[cfg(test)]
mod tests {
    use acuse_store::StoreError;

    use super::*;

    #[test]
    fn what_fails_is_said_in_spanish_and_the_drivers_english_only_in_brackets() {
        assert_eq!(damaged("la copia", "file is not a database"), "la copia está dañada (file is not a database)");
        for (error, spanish) in [
            (StoreError::Address("relative URL without a base".to_owned()), "database_url no se entiende"),
            (StoreError::Version("migration 3 is missing".to_owned()), "la base de datos no se pudo poner al día"),
            (StoreError::Unreadable("column total".to_owned()), "un registro no se puede leer"),
            (StoreError::Overloaded, "hay demasiado trabajo a la vez"),
            (StoreError::Panicked, "el trabajo se interrumpió"),
        ] {
            let said = Failure::from(error).reason().to_owned();
            assert_eq!(said.split(" (").next(), Some(spanish), "{said}");
            assert!(said == spanish || said.ends_with(')'), "{said}");
        }
    }
}
