//! One request to a token endpoint, and what its answer means.

use std::fmt::{self, Display};
use std::time::Duration;

use acuse_domain::Instant;
use acuse_domain::delivery::Verdict;
use acuse_domain::mail_problem::ProblemCode;
use acuse_domain::oauth::{Denied, Granted, Provider};
use acuse_domain::text;
use chrono::TimeDelta;
use oauth2::basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType};
use oauth2::url::form_urlencoded;
use oauth2::{
    EndpointNotSet, EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse, RequestTokenError, StandardRevocableToken,
    StandardTokenResponse, TokenResponse,
};
use secrecy::SecretString;
use serde::{Deserialize, Serializer};

use super::Registration;
use crate::diagnosis::classify_text;
use crate::https::{Post, Web, WebError};
use crate::secrets::Secrets;

/// Providers answer within a second or two; a person may be waiting.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Where a provider does not say how long its token is good (RFC 6749 5.1 leaves it open); all of ours give an hour.
const USUAL_LIFE: TimeDelta = TimeDelta::hours(1);
const LONGEST_LIFE: TimeDelta = TimeDelta::days(1);
/// Microsoft ends a permission that nobody used for so long; each use renews it
/// (learn.microsoft.com/entra/identity-platform/refresh-tokens).
const MICROSOFT_IDLE: TimeDelta = TimeDelta::days(90);
/// A provider that names a longer time is not held to it.
const LONGEST_CONNECTION: TimeDelta = TimeDelta::days(3_650);
/// Characters of a provider's words that are kept.
const LONGEST_WORDS: usize = 500;

/// What a provider says of itself and not of us; in words, since the status is 400 as for everything else.
const PASSES_BY_ITSELF: [&str; 7] = [
    "temporarily_unavailable",
    "server_error",
    "internal_failure",
    "slow_down",
    "rate_limit_exceeded",
    // «A transient error has occurred. Please try again.» and «the service is temporarily unavailable».
    "aadsts90033",
    "aadsts90006",
];

pub(super) type BearerAnswer = StandardTokenResponse<Extra, BasicTokenType>;
type Answered = Result<BearerAnswer, RequestTokenError<Unanswered, BasicErrorResponse>>;
pub(super) type BearerClient = oauth2::Client<
    BasicErrorResponse,
    BearerAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// What our providers add to a token.
#[derive(Default, Deserialize)]
pub(super) struct Extra {
    id_token: Option<String>,
    /// Seconds; Google gives it where the person, or an application that is still being tested, limits the permission.
    refresh_token_expires_in: Option<u64>,
}

impl Extra {
    pub(super) fn id_token(&self) -> Option<&str> {
        self.id_token.as_deref()
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extra").finish_non_exhaustive()
    }
}

/// The library wants to be able to write what it reads; nobody does.
impl serde::Serialize for Extra {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl ExtraTokenFields for Extra {}

/// There is no answer that says anything of our request.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unanswered(String);

/// Hands a request to the token endpoint.
pub(super) async fn post(web: Web, request: HttpRequest) -> Result<HttpResponse, Unanswered> {
    let url = request.uri().to_string();
    let fields: Vec<(String, String)> = form_urlencoded::parse(request.body()).into_owned().collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let post = Post { url: &url, fields: &fields, ..Post::default() };
    let answer = web.post_form(&post, PATIENCE).await.map_err(|error| Unanswered(error.to_string()))?;
    if answer.status >= 500 || matches!(answer.status, 408 | 429) {
        return Err(Unanswered(format!("({}: the answer is {})", host_of(&request), answer.status)));
    }
    let mut response = HttpResponse::new(answer.body);
    let status = oauth2::http::StatusCode::from_u16(answer.status).map_err(|error| Unanswered(error.to_string()))?;
    *response.status_mut() = status;
    Ok(response)
}

/// `secrets`: what stood in the request, should the answer repeat it.
pub(super) fn opened(answered: Answered, secrets: &[&str]) -> Result<BearerAnswer, Denied> {
    let error = match answered {
        Ok(answer) => return Ok(answer),
        Err(error) => error,
    };
    let words = match &error {
        RequestTokenError::ServerResponse(said) => said.to_string(),
        RequestTokenError::Request(unanswered) => unanswered.to_string(),
        RequestTokenError::Parse(..) => "(the answer cannot be understood)".to_owned(),
        RequestTokenError::Other(what) => format!("({what})"),
    };
    let words = clean(&words, secrets);
    match error {
        RequestTokenError::ServerResponse(_) => Err(meaning(words)),
        _ => Err(Denied::ForNow { words }),
    }
}

/// What a provider's own words mean for the account.
fn meaning(words: String) -> Denied {
    let lower = words.to_lowercase();
    if PASSES_BY_ITSELF.iter().any(|phrase| lower.contains(phrase)) {
        return Denied::ForNow { words };
    }
    let diagnosis = classify_text("oauth", &words);
    match diagnosis.verdict {
        Verdict::Later => Denied::ForNow { words },
        _ => Denied::ForGood { code: diagnosis.code, words },
    }
}

/// One line, without what stood in our request.
fn clean(words: &str, secrets: &[&str]) -> String {
    let words = words.split(|c: char| c.is_control()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    text::cut(&Secrets::of(secrets, "").hide(text::escaped(&words)), LONGEST_WORDS).to_owned()
}

fn host_of(request: &HttpRequest) -> &str {
    request.uri().host().unwrap_or("token endpoint")
}

pub(super) fn unanswered(error: WebError) -> Denied {
    Denied::ForNow { words: error.to_string() }
}

/// An address of ours or of the provider's that is none: only the operator can mend it.
pub(super) fn unfit(error: &dyn Display) -> Denied {
    Denied::ForGood { code: ProblemCode::OauthMisconfigured, words: format!("({error})") }
}

pub(super) fn granted(answer: &BearerAnswer, registration: &Registration, now: Instant) -> Result<Granted, Denied> {
    if *answer.token_type() != BasicTokenType::Bearer {
        return Err(Denied::ForGood {
            code: ProblemCode::OauthMisconfigured,
            words: "(the token is of an unknown type)".to_owned(),
        });
    }
    let life = answer.expires_in().and_then(|life| TimeDelta::from_std(life).ok()).unwrap_or(USUAL_LIFE);
    let said =
        answer.extra_fields().refresh_token_expires_in.and_then(|n| i64::try_from(n).ok()).and_then(TimeDelta::try_seconds);
    let lasts = said.or((registration.provider == Provider::Microsoft).then_some(MICROSOFT_IDLE));
    let scope = answer.scopes().map(|scopes| scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "));
    Ok(Granted {
        access_token: SecretString::from(answer.access_token().secret().as_str()),
        access_ends_at: now + life.min(LONGEST_LIFE),
        refresh_token: answer.refresh_token().map(|token| SecretString::from(token.secret().as_str())),
        ends_at: lasts.map(|lasts| now + lasts.min(LONGEST_CONNECTION)),
        // RFC 6749 5.1: left out where it is what was asked for.
        scope: scope.filter(|scope| !scope.is_empty()).unwrap_or_else(|| registration.mail_scope.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_says_decides_who_has_to_act() {
        let for_good = |words: &str| match meaning(words.to_owned()) {
            Denied::ForGood { code, .. } => Some(code),
            Denied::ForNow { .. } => None,
        };
        for (words, code) in [
            ("invalid_grant: Token has been expired or revoked.", Some(ProblemCode::OauthExpired)),
            ("invalid_grant: AADSTS700082: The refresh token has expired due to inactivity.", Some(ProblemCode::OauthExpired)),
            ("invalid_grant: AADSTS65001: The user or administrator has not consented", Some(ProblemCode::OauthMisconfigured)),
            (
                "invalid_client: AADSTS7000222: The provided client secret keys are expired.",
                Some(ProblemCode::OauthMisconfigured),
            ),
            ("unauthorized_client", Some(ProblemCode::OauthMisconfigured)),
            ("temporarily_unavailable: AADSTS90033: A transient error has occurred.", None),
            ("server_error", None),
        ] {
            assert_eq!(for_good(words), code, "{words}");
        }
    }

    #[test]
    fn words_carry_no_secret_and_no_line_break() {
        let words = clean("invalid_grant: bad\r\ntoken 1//abc with GOCSPX-x", &["1//abc", "GOCSPX-x", ""]);
        assert_eq!(words, "invalid_grant: bad token ••• with •••");
        assert_eq!(clean(&"x".repeat(9_000), &[]).len(), LONGEST_WORDS);
    }
}
