//! Probar for an account that is connected with its provider: its access token is fetched, and renewed where the server
//! does not take it.

use acuse_domain::mail_account::{MailAccount, MailAccountSettings};
use acuse_domain::mail_problem::ProblemCode;
use acuse_mail::check::{self, CheckReport, PhaseLine, Subject};
use acuse_mail::endpoint::Endpoint;
use acuse_mail::failure::Phase;
use acuse_mail::login::Credentials;
use acuse_store::mail_accounts::SaveError;
use acuse_store::oauth::{self, Access, ConnectedAccount, Token, Wanted};
use acuse_store::{StoreError, now};

use crate::app::App;

/// Why there is no token, and the provider's words.
struct NoToken {
    code: ProblemCode,
    words: String,
}

/// Tries the account with the token of its connection, where and as whom the account as it is saved logs in; what the
/// subject says of that does not count, nor do its credentials.
pub async fn check(
    app: &App,
    account: &MailAccount,
    subject: Subject,
    mut on_phase: impl FnMut(&PhaseLine) + Send,
) -> CheckReport {
    let MailAccountSettings { server, port, security, username, .. } = account.settings.clone();
    let subject = Subject { endpoint: Endpoint { host: server, port, security }, ..subject };
    let token = match token(app, account, Wanted::UsableNow).await {
        Ok(token) => token,
        Err(no) => return check::without_token(&subject, no.code, &no.words),
    };
    let generation = token.generation;
    let with = |token: Token| Subject {
        credentials: Some(Credentials::access_token(username.clone(), token.secret)),
        ..subject.clone()
    };
    let mail = app.checks.mail_of(account.company);
    let report = check::run_as(&app.network, &with(token), mail, &mut on_phase).await;
    if report.problem.as_ref().is_none_or(|problem| problem.code != ProblemCode::OauthExpired) {
        return report;
    }
    match self::token(app, account, Wanted::After(generation)).await {
        Ok(token) => check::run_as(&app.network, &with(token), mail, &mut on_phase).await,
        Err(no) => {
            let problem = check::without_token(&subject, no.code, &no.words).problem;
            let mut phases = report.phases;
            if let Some(line) = phases.iter_mut().find(|line| line.phase == Phase::Auth) {
                line.reply = Some(format!("{}\n{}", line.reply.clone().unwrap_or_default(), no.words).trim().to_owned());
            }
            CheckReport { problem, phases, ..report }
        }
    }
}

async fn token(app: &App, account: &MailAccount, wanted: Wanted) -> Result<Token, NoToken> {
    let providers = app.providers.clone();
    let ask = move |provider, token| async move { providers.refresh(provider, &token, now()).await };
    let not_now = |words: String| NoToken { code: ProblemCode::OauthUnavailable, words };
    match oauth::access_token(&app.db, &app.keys, &ConnectedAccount::of(account), wanted, now(), ask).await {
        Ok(Access::Token(token)) => Ok(token),
        Ok(Access::Denied { code, words }) => Err(NoToken { code, words }),
        Ok(Access::NotNow { words, .. }) => Err(not_now(words)),
        Ok(Access::NotConnected) => Err(not_now(String::new())),
        Err(SaveError::Store(error)) if !matches!(error, StoreError::Unreadable(_)) => {
            tracing::error!(account.id = %account.id, "The token of a mail account could not be read: {error}");
            Err(not_now(String::new()))
        }
        Err(error) => {
            tracing::error!(account.id = %account.id, "The token of a mail account does not open: {error}");
            Err(NoToken { code: ProblemCode::SecretUnreadable, words: String::new() })
        }
    }
}
