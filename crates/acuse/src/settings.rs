//! Settings as they are written: a file and the environment over the defaults. A setting is text or a whole number, as its
//! default is: a token of digits is text, wherever it was written.

use std::path::Path;

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;

use crate::failure::Failure;

const DEFAULTS: &str = include_str!("../acuse.default.toml");
/// Looked for in the working folder when no other file is named.
const USUAL_FILE: &str = "acuse.toml";
/// Variables that begin like ours and are no setting.
const NOT_SETTINGS: [&str; 1] = ["mail_password"];

/// The settings with their defaults, as a file to start from.
#[must_use]
pub const fn defaults() -> &'static str {
    DEFAULTS
}

/// What somebody wrote into `file`, or into acuse.toml where it exists, and into the environment, which wins.
pub fn given(file: Option<&Path>) -> Result<Dict, Failure> {
    if let Some(path) = file.filter(|path| !path.exists()) {
        return Err(Failure::new(format!("no existe el archivo de configuración {}", path.display()), ""));
    }
    let file = file.or_else(|| Some(Path::new(USUAL_FILE)).filter(|path| path.exists()));
    let mut given: Dict = match file {
        Some(path) => Figment::from(Toml::file_exact(path)).extract().map_err(not_understood)?,
        None => Dict::new(),
    };
    let environment = Env::prefixed("ACUSE_").ignore(&NOT_SETTINGS);
    given.extend(environment.iter().map(|(name, value)| (name.as_str().to_ascii_lowercase(), Value::from(value))));
    Ok(given)
}

/// Errs with the first setting that is unknown, or no number where it has to be one.
pub fn over_defaults<T: DeserializeOwned>(given: Dict) -> Result<T, Failure> {
    let mut settings: Dict = Figment::from(Toml::string(DEFAULTS)).extract().map_err(not_understood)?;
    for (name, value) in given {
        let default = settings.get(&name).ok_or_else(|| unknown(&name, &settings))?;
        let value = like(default, value).ok_or_else(|| {
            let kind = if matches!(default, Value::String(..)) { "un texto" } else { "un número entero, de 0 en adelante" };
            Failure::new(format!("{name} es {kind}"), "Corrija ese valor y vuelva a empezar.")
        })?;
        settings.insert(name, value);
    }
    Figment::from(Serialized::defaults(settings)).extract().map_err(not_understood)
}

/// The value in the default's kind; nothing where it is of none.
fn like(default: &Value, value: Value) -> Option<Value> {
    let text = match value {
        Value::String(_, text) => text,
        number => number.to_i128()?.to_string(),
    };
    match default {
        Value::String(..) => Some(Value::from(text)),
        _ => text.trim().parse::<u32>().ok().map(Value::from),
    }
}

fn unknown(name: &str, known: &Dict) -> Failure {
    let alike = |one: &&String| strsim::jaro_winkler(one, name);
    let nearest = known.keys().max_by(|one, other| alike(one).total_cmp(&alike(other)));
    let meant = nearest.map(|nearest| format!("¿Quiso decir {nearest}? ")).unwrap_or_default();
    Failure::new(format!("no hay un ajuste «{name}»"), format!("{meant}«acuse config» los muestra todos."))
}

fn not_understood(error: figment::Error) -> Failure {
    Failure::new(format!("la configuración no se entiende ({error})"), "Compare con los valores de «acuse config».")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_of_its_settings_kind_wherever_it_was_written() {
        let (text, number) = (Value::from(""), Value::from(4_u32));
        for written in [Value::from("00123"), Value::from("true"), Value::from("[x]")] {
            assert_eq!(like(&text, written.clone()).and_then(Value::into_string), written.into_string());
        }
        assert_eq!(like(&text, Value::from(12345_i64)).and_then(Value::into_string).as_deref(), Some("12345"));
        assert_eq!(like(&number, Value::from(" 8 ")).and_then(|value| value.to_u128()), Some(8));
        for written in ["", "cuatro", "-1", "4.5"] {
            assert!(like(&number, Value::from(written)).is_none(), "{written}");
        }
    }
}
