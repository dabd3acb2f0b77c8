//! A path, who may ask for it and what answers, in one line: there is no way to make a route without saying who.

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{self, MethodRouter};

use crate::access::Caller;
use crate::access::form_company;
use crate::app::App;
use crate::web::login::again;
use acuse_domain::access::Permission;

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever comes, without login or token.
    Everybody,
    /// Who is logged in, for what is theirs and not of the company in which they are: any of their companies will do.
    LoggedIn,
    /// Who has a token of the API that opens, whatever it is for.
    AnyToken,
    Holders(Permission),
}

impl From<Permission> for Access {
    fn from(permission: Permission) -> Self {
        Self::Holders(permission)
    }
}

impl Access {
    /// The handlers behind the question who asks.
    pub(crate) fn guard(self, app: &App, handlers: MethodRouter<App>) -> MethodRouter<App> {
        match self {
            Self::Everybody => handlers,
            Self::LoggedIn => handlers.route_layer(from_fn_with_state(app.clone(), let_in_whoever_is_logged_in)),
            Self::AnyToken => handlers.route_layer(from_fn_with_state(app.clone(), let_token_in)),
            Self::Holders(permission) => handlers.route_layer(from_fn_with_state((app.clone(), permission), let_in)),
        }
    }
}

/// A form that was made for another company than the one in which its person is now is not carried out.
async fn let_in(State((app, permission)): State<(App, Permission)>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let caller = match Caller::holding(permission, &parts, &app).await {
        Ok(caller) => caller,
        Err(refusal) => return refusal,
    };
    let request = Request::from_parts(parts, body);
    if caller.session.is_none() {
        return run(caller, request, next).await;
    }
    let (request, made_for) = match form_company::of(request).await {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    match made_for.filter(|made_for| made_for.company != caller.actor.company) {
        Some(made_for) => form_company::refuse(&app, &caller, request.headers(), made_for).await,
        None => run(caller, request, next).await,
    }
}

async fn let_in_whoever_is_logged_in(State(app): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match Caller::logged_in(&parts, &app).await {
        Ok(caller) => run(caller, Request::from_parts(parts, body), next).await,
        Err(refusal) => refusal,
    }
}

async fn let_token_in(State(app): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match Caller::with_any_token(&parts, &app).await {
        Ok(caller) => run(caller, Request::from_parts(parts, body), next).await,
        Err(refusal) => refusal,
    }
}

async fn run(caller: Caller, mut request: Request, next: Next) -> Response {
    let company = caller.session.is_some().then_some(caller.actor.company);
    let told = caller.told.clone();
    request.extensions_mut().insert(caller);
    let mut answer = next.run(request).await;
    answer.headers_mut().extend(told);
    match company {
        Some(company) => form_company::written_into(answer, company).await,
        None => answer,
    }
}

/// One method of one path.
pub struct Route {
    pub method: Method,
    pub path: String,
    pub access: Access,
    /// Asked again who it is, where the login is not recent.
    pub after_recent_login: bool,
    handler: MethodRouter<App>,
}

pub fn get<H: Handler<T, App>, T: 'static>(path: impl Into<String>, access: impl Into<Access>, handler: H) -> Route {
    Route {
        method: Method::GET,
        path: path.into(),
        access: access.into(),
        after_recent_login: false,
        handler: routing::get(handler),
    }
}

pub fn post<H: Handler<T, App>, T: 'static>(path: impl Into<String>, access: impl Into<Access>, handler: H) -> Route {
    Route {
        method: Method::POST,
        path: path.into(),
        access: access.into(),
        after_recent_login: false,
        handler: routing::post(handler),
    }
}

impl Route {
    /// The largest body that it takes (bytes).
    #[must_use]
    pub fn up_to(self, bytes: usize) -> Self {
        Self { handler: self.handler.layer(DefaultBodyLimit::max(bytes)), ..self }
    }

    /// Whoever asks has shown a moment ago who they are, or shows it first: a browser that somebody left open is not enough
    /// (OWASP ASVS 5.0 7.5.1).
    #[must_use]
    pub fn after_recent_login(self) -> Self {
        Self { after_recent_login: true, ..self }
    }

    pub(crate) fn guarded(self, app: &App) -> MethodRouter<App> {
        let handler = match self.after_recent_login {
            true => self.handler.route_layer(from_fn_with_state(app.clone(), again::ask_first)),
            false => self.handler,
        };
        self.access.guard(app, handler)
    }
}
