//! Access tokens of accounts that are connected with their provider.

use std::sync::Arc;

use acuse_domain::mail_problem::ProblemCode;
use acuse_mail::oauth::Providers;
use acuse_store::mail_accounts::SaveError;
use acuse_store::oauth::{self, Access, ConnectedAccount, Token, Wanted};
use acuse_store::secrets::Keyring;
use acuse_store::{Db, StoreError, now};

/// Where tokens come from.
pub(crate) struct Tokens {
    pub db: Db,
    pub keys: Arc<Keyring>,
    pub providers: Providers,
}

/// Why there is no token, and the provider's words.
pub(crate) struct NoToken {
    pub code: ProblemCode,
    pub words: String,
}

impl Tokens {
    /// Asks for a new token where the one that is there has run out. What comes of it stands on record.
    pub(crate) async fn renew(&self, connected: &ConnectedAccount) {
        drop(self.fetch(connected, Wanted::Usable).await);
    }

    pub(crate) async fn fetch(&self, connected: &ConnectedAccount, wanted: Wanted) -> Result<Token, NoToken> {
        let providers = self.providers.clone();
        let ask = move |provider, token| async move { providers.refresh(provider, &token, now()).await };
        let not_now = |words: String| NoToken { code: ProblemCode::OauthUnavailable, words };
        match oauth::access_token(&self.db, &self.keys, connected, wanted, now(), ask).await {
            Ok(Access::Token(token)) => Ok(token),
            Ok(Access::Denied { code, words }) => Err(NoToken { code, words }),
            Ok(Access::NotNow { words, .. }) => Err(not_now(words)),
            // It went back to a password, or away, since the batch began: the next one sees what it is now.
            Ok(Access::NotConnected) => Err(not_now(String::new())),
            Err(SaveError::Store(error)) if !matches!(error, StoreError::Unreadable(_)) => {
                tracing::error!(account.id = %connected.id, "The token of a mail account could not be read: {error}");
                Err(not_now(String::new()))
            }
            Err(error) => {
                tracing::error!(account.id = %connected.id, "The token of a mail account does not open: {error}");
                Err(NoToken { code: ProblemCode::SecretUnreadable, words: String::new() })
            }
        }
    }
}
