//! Sessions of accounts that are connected with their provider: the access token is there before the server is asked.

use std::sync::Arc;

use acuse_domain::mail_problem::ProblemCode;
use acuse_mail::endpoint::Limits;
use acuse_mail::failure::Failure;
use acuse_mail::login::Credentials;
use acuse_mail::oauth::Providers;
use acuse_mail::session::Session;
use acuse_store::mail_accounts::SaveError;
use acuse_store::oauth::{self, Access, ConnectedAccount, Token, Wanted};
use acuse_store::secrets::Keyring;
use acuse_store::{Db, StoreError, now};

use crate::accounts::Account;
use crate::attempt::Transport;

/// Where tokens come from.
pub(crate) struct Tokens {
    pub db: Db,
    pub keys: Arc<Keyring>,
    pub providers: Providers,
}

/// Why there is no token, and the provider's words.
struct NoToken {
    code: ProblemCode,
    words: String,
}

impl Transport {
    /// A session that is logged in. A token that the server refuses before its time is renewed once; what the server says
    /// to the new one counts.
    pub(crate) async fn log_in(&self, account: &Account, limits: &Limits) -> Result<Session, Box<Failure>> {
        if let Some(code) = account.fault {
            return Err(Box::new(Failure::without_token(&account.endpoint, code, "")));
        }
        let Some(connected) = &account.connected else {
            return self.open_knowing(account, account.credentials.as_ref(), limits).await;
        };
        let fails = |no: NoToken, said: &str| {
            let words = format!("{said}\n{}", no.words);
            Box::new(Failure::without_token(&account.endpoint, no.code, words.trim()))
        };
        let token = self.tokens.fetch(connected, Wanted::Usable).await.map_err(|no| fails(no, ""))?;
        let generation = token.generation;
        match self.open_with(account, connected, token, limits).await {
            Err(failure) if failure.refuses_token() => {
                let renewed = self.tokens.fetch(connected, Wanted::After(generation)).await;
                let token = renewed.map_err(|no| fails(no, failure.reply_text()))?;
                self.open_with(account, connected, token, limits).await
            }
            other => other,
        }
    }

    async fn open_with(
        &self,
        account: &Account,
        connected: &ConnectedAccount,
        token: Token,
        limits: &Limits,
    ) -> Result<Session, Box<Failure>> {
        let credentials = Credentials::access_token(connected.scope.username.clone(), token.secret);
        self.open_knowing(account, Some(&credentials), limits).await
    }

    async fn open_knowing(
        &self,
        account: &Account,
        credentials: Option<&Credentials>,
        limits: &Limits,
    ) -> Result<Session, Box<Failure>> {
        let known = self.servers.of(&account.pool_key);
        Session::open_knowing(&self.network, &account.endpoint, credentials, limits, &known).await
    }
}

impl Tokens {
    /// Asks for a new token where the one that is there has run out. What comes of it stands on record.
    pub(crate) async fn renew(&self, connected: &ConnectedAccount) {
        drop(self.fetch(connected, Wanted::Usable).await);
    }

    async fn fetch(&self, connected: &ConnectedAccount, wanted: Wanted) -> Result<Token, NoToken> {
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
