//! A sentence in both languages.

use acuse_mail::explanation::Language;
use axum::http::StatusCode;

/// The same thing in Spanish and in English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalizedText {
    pub spanish: String,
    pub english: String,
}

impl LocalizedText {
    #[must_use]
    pub fn new(spanish: impl Into<String>, english: impl Into<String>) -> Self {
        let said = Self { spanish: spanish.into(), english: english.into() };
        // Every refusal that a test brings about is held to it.
        debug_assert!(!sounds_spanish(&said.english), "{}", said.english);
        said
    }

    #[must_use]
    pub fn in_(&self, language: Language) -> &str {
        match language {
            Language::Spanish => &self.spanish,
            Language::English => &self.english,
        }
    }
}

/// Words that English has not, outside of what is quoted between «».
fn sounds_spanish(text: &str) -> bool {
    const WORDS: [&str; 24] = [
        "el", "la", "los", "las", "del", "que", "para", "una", "este", "esta", "debe", "falta", "tiene", "son", "hay", "puede",
        "escriba", "correo", "fecha", "cobro", "pago", "ya", "ese", "su",
    ];
    let unquoted: String = text.split('«').map(|part| part.split_once('»').map_or(part, |(_, rest)| rest)).collect();
    let lower = unquoted.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '.' && c != '@').any(|word| WORDS.contains(&word))
}

/// A domain error's text as a sentence: a capital in front and a stop behind it.
#[must_use]
pub fn sentence(text: impl std::fmt::Display) -> String {
    let text = text.to_string();
    let mut letters = text.chars();
    let mut said: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    said.push_str(letters.as_str());
    if !said.ends_with(['.', '?', '!']) {
        said.push('.');
    }
    said
}

pub(super) const fn tag(language: Language) -> &'static str {
    match language {
        Language::Spanish => "es",
        Language::English => "en",
    }
}

/// What a status means, in a few words.
pub(super) fn title(status: StatusCode, language: Language) -> &'static str {
    if language == Language::English {
        return status.canonical_reason().unwrap_or("Error");
    }
    match status.as_u16() {
        400 => "Solicitud ilegible",
        401 => "Sin autorización",
        403 => "No permitido",
        404 => "No existe",
        405 => "Método no permitido",
        409 => "No es posible ahora",
        412 => "Ya no es el mismo",
        413 => "Solicitud demasiado grande",
        415 => "Tipo de contenido no admitido",
        422 => "Datos no válidos",
        429 => "Demasiadas a la vez",
        503 => "Servicio no disponible",
        _ => "Error",
    }
}
