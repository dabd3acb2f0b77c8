//! Which language the caller reads: Spanish, or English by Accept-Language (RFC 9110, 12.5.4).

use std::convert::Infallible;

use acuse_domain::message::Language;
use axum::extract::{FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

use crate::problem::Problem;

/// The caller's language, as an extractor.
pub struct Reads(pub Language);

impl<S: Send + Sync> FromRequestParts<S> for Reads {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(preferred(&parts.headers)))
    }
}

/// Says a problem again in English where that is what the caller reads.
pub async fn answer_in_their_language(request: Request, next: Next) -> Response {
    let language = preferred(request.headers());
    let response = next.run(request).await;
    match response.extensions().get::<Problem>() {
        Some(problem) if language == Language::English => {
            let mut said = problem.answer(language);
            // Such as how many calls the token has left.
            for (name, value) in response.headers() {
                said.headers_mut().entry(name).or_insert_with(|| value.clone());
            }
            said
        }
        _ => response,
    }
}

pub(crate) fn preferred(headers: &HeaderMap) -> Language {
    let asked = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut best = (Language::Spanish, 0);
    for range in asked.split(',') {
        let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
        let language = match tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "es" | "*" => Language::Spanish,
            "en" => Language::English,
            _ => continue,
        };
        let weight = weight(parameters);
        if weight > best.1 {
            best = (language, weight);
        }
    }
    best.0
}

/// `q=0.8` in thousandths; 1 where nothing is said.
fn weight(parameters: &str) -> u32 {
    let Some(q) = parameters.trim().strip_prefix("q=") else { return 1_000 };
    let (whole, decimals) = q.trim().split_once('.').unwrap_or((q, ""));
    let thousandths = format!("{whole}{decimals:0<3}");
    thousandths.get(..whole.len() + 3).and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spanish_unless_english_is_wanted_more() {
        for (asked, language) in [
            ("", Language::Spanish),
            ("en", Language::English),
            ("en-US,en;q=0.9,es;q=0.8", Language::English),
            ("es-EC,es;q=0.9,en;q=0.8", Language::Spanish),
            ("es;q=0.5, en;q=0.75", Language::English),
            ("fr, de", Language::Spanish),
            ("fr, en;q=0.1", Language::English),
            ("*", Language::Spanish),
            ("en;q=0", Language::Spanish),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, asked.parse().unwrap());
            assert_eq!(preferred(&headers), language, "{asked}");
        }
    }
}
