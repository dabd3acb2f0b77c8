//! Where a provider's pages and its token endpoint are.

use acuse_domain::oauth::{Denied, Provider};
use oauth2::url::Url;
use serde::Deserialize;

use super::Registration;
use super::token_endpoint::{PATIENCE, unanswered};
use crate::https::Web;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoints {
    pub(super) authorize: String,
    pub(super) token: String,
    /// As ID tokens name it; Microsoft's has `{tenantid}` in the place of the directory.
    pub(super) issuer: String,
}

/// OpenID Connect Discovery 1.0, 3: what we need of it.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
}

impl Endpoints {
    /// Known for the usual issuers, else looked up.
    pub(super) async fn of(registration: &Registration, web: &Web) -> Result<Self, Denied> {
        match &registration.issuer {
            Some(issuer) => discovered(issuer.trim_end_matches('/'), web).await,
            None => Ok(Self::usual(registration.provider, &registration.tenant)),
        }
    }

    fn usual(provider: Provider, tenant: &str) -> Self {
        match provider {
            Provider::Google => Self {
                authorize: "https://accounts.google.com/o/oauth2/v2/auth".to_owned(),
                token: "https://oauth2.googleapis.com/token".to_owned(),
                issuer: "https://accounts.google.com".to_owned(),
            },
            Provider::Microsoft => Self {
                authorize: format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize"),
                token: format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"),
                issuer: "https://login.microsoftonline.com/{tenantid}/v2.0".to_owned(),
            },
        }
    }

    /// Whether that is how the provider names itself. A token names its directory; the parameter `iss` may only be
    /// compared with the part before it.
    pub(super) fn is_issuer(&self, named: &str, tenant: Option<&str>) -> bool {
        match (self.issuer.split_once("{tenantid}"), tenant) {
            (None, _) => named == self.issuer,
            (Some(_), Some(tenant)) => named == self.issuer.replace("{tenantid}", tenant),
            (Some((before, after)), None) => {
                let directory = named.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
                directory.is_some_and(|directory| !directory.is_empty() && !directory.contains('/'))
            }
        }
    }
}

async fn discovered(issuer: &str, web: &Web) -> Result<Endpoints, Denied> {
    let document = format!("{issuer}/.well-known/openid-configuration");
    let answer = web.get(&document, PATIENCE).await.map_err(unanswered)?;
    let unclear = |why: &str| Denied::ForNow { words: format!("({issuer}: {why})") };
    if answer.status != 200 {
        return Err(unclear(&format!("the answer is {}", answer.status)));
    }
    let found: Document = serde_json::from_slice(&answer.body).map_err(|_| unclear("the answer is not a provider's"))?;
    // RFC 8414 3.3: whoever answers must be who was asked. Microsoft names no directory there, so its host has to do.
    if !has_one_origin(issuer, &found.issuer) {
        return Err(unclear("another issuer answers"));
    }
    Ok(Endpoints { authorize: found.authorization_endpoint, token: found.token_endpoint, issuer: found.issuer })
}

fn has_one_origin(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) => one.scheme() == "https" && one.origin() == other.origin(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_only_from_the_issuer_itself() {
        let google = Endpoints::usual(Provider::Google, "");
        assert!(google.is_issuer("https://accounts.google.com", None));
        assert!(!google.is_issuer("https://accounts.google.com.evil.ec", None));
        let microsoft = Endpoints::usual(Provider::Microsoft, "common");
        assert!(microsoft.is_issuer("https://login.microsoftonline.com/9188040d/v2.0", Some("9188040d")));
        assert!(!microsoft.is_issuer("https://login.microsoftonline.com/9188040d/v2.0", Some("other")));
        assert!(microsoft.is_issuer("https://login.microsoftonline.com/9188040d/v2.0", None));
        assert!(!microsoft.is_issuer("https://login.microsoftonline.com/a/b/v2.0", None));
        assert!(!microsoft.is_issuer("https://evil.ec/9188040d/v2.0", None));
        assert!(has_one_origin(
            "https://login.microsoftonline.us/common/v2.0",
            "https://login.microsoftonline.us/{tenantid}/v2.0"
        ));
        assert!(!has_one_origin("https://login.microsoftonline.us/common", "https://evil.ec/common"));
        assert!(!has_one_origin("http://a.ec", "http://a.ec"), "a token never travels in clear");
    }
}
