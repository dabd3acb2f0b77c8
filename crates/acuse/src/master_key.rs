//! What is said of a key file that does not go with the database.

use std::path::Path;

use acuse_store::sealing::{Held, UnlockError};
use acuse_store::secrets::KeyFileError;
use acuse_store::secrets::KeyMark;

use crate::failure::Failure;

/// The ways out of a start with a key file that is missing or another one.
pub const WAYS_OUT: &str = "Devuelva a su lugar el archivo de clave de esta base: está en el respaldo que se guarda aparte. \
    Si se perdió, «acuse serve --forget-secrets» empieza sin esos secretos: después hay que escribir otra vez las contraseñas \
    de correo, conectar de nuevo las cuentas, crear otras claves DKIM y activar de nuevo el segundo paso.";

/// «2 contraseñas, 1 conexión y 1 clave DKIM»
pub fn counted(held: &Held) -> String {
    let of = |count: u64, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {many}")),
    };
    let parts: Vec<String> = [
        of(held.passwords, "contraseña de correo", "contraseñas de correo"),
        of(held.connections, "conexión con un proveedor", "conexiones con proveedores"),
        of(held.dkim_keys, "clave DKIM", "claves DKIM"),
        of(held.authenticators, "segundo paso de un usuario", "segundos pasos de usuarios"),
    ]
    .into_iter()
    .flatten()
    .collect();
    match parts.split_last() {
        None => "0 secretos".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} y {last}", before.join(", ")),
    }
}

/// «la clave 1 (huella 9f86d081884c7d65)»
pub fn named(keys: &[KeyMark]) -> String {
    let names: Vec<String> = keys
        .iter()
        .map(|key| match &key.fingerprint {
            Some(fingerprint) => format!("la clave {} (huella {fingerprint})", key.id),
            None => format!("la clave {}", key.id),
        })
        .collect();
    names.join(" y ")
}

/// What is wrong with the key file by itself, and the cure.
pub fn file_trouble(error: &KeyFileError) -> (String, &'static str) {
    match error {
        KeyFileError::Io { path, error } => (
            format!("{} no se puede leer ni crear: {error}", path.display()),
            "Es secret_key_file: compruebe que su carpeta exista y que el usuario con que corre Acuse pueda leerlo.",
        ),
        KeyFileError::ReadableByOthers(path) => (
            format!("otros usuarios pueden leer {}", path.display()),
            "Ciérrelo con «chmod 600». Abre todas las contraseñas guardadas: si alguien pudo copiarlo, cámbielas.",
        ),
        KeyFileError::NotAFile(path) => (
            format!("«{}» no es un archivo de claves", path.display()),
            "Es secret_key_file: nombre ahí el archivo de clave de esta instalación.",
        ),
        KeyFileError::Malformed { path, line } => (
            format!("la línea {line} de {} no es una clave", path.display()),
            "Devuelva a su lugar el archivo de clave de esta base: está en el respaldo que se guarda aparte.",
        ),
        KeyFileError::Repeated { path, id, fingerprints: [first, second] } => (
            format!("{} tiene dos claves {id}, de huellas {first} y {second}", path.display()),
            "Deje solo la línea de la clave de esta base; su huella está en la tabla sealing_key.",
        ),
    }
}

/// The reason in one line.
pub fn reason(error: &UnlockError, file: &Path) -> String {
    let file = file.display();
    match error {
        UnlockError::Missing { held, needed } => {
            format!("falta {file}: la base guarda {}, que solo abre {}", counted(held), named(needed))
        }
        UnlockError::Foreign { held, needed, found } => format!(
            "{file} no es el de esta base: tiene {}, y la base guarda {}, que solo abre {}",
            named(found),
            counted(held),
            named(needed)
        ),
        UnlockError::File(error) => file_trouble(error).0,
        other => format!("los secretos guardados no se pueden revisar ({other})"),
    }
}

pub fn failure(error: UnlockError, file: &Path) -> Failure {
    match error {
        UnlockError::File(error) => error.into(),
        UnlockError::Store(error) => error.into(),
        UnlockError::Missing { .. } | UnlockError::Foreign { .. } => Failure::new(reason(&error, file), WAYS_OUT),
        other => Failure::new(reason(&other, file), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_counted_in_words() {
        let said = |passwords, connections, dkim_keys| counted(&Held { passwords, connections, dkim_keys, authenticators: 0 });
        assert_eq!(said(1, 0, 0), "1 contraseña de correo");
        assert_eq!(said(3, 1, 0), "3 contraseñas de correo y 1 conexión con un proveedor");
        assert_eq!(said(2, 2, 1), "2 contraseñas de correo, 2 conexiones con proveedores y 1 clave DKIM");
        assert_eq!(counted(&Held { authenticators: 1, ..Held::default() }), "1 segundo paso de un usuario");
    }
}
