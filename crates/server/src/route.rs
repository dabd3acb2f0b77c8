//! A path, who may ask for it and what answers, in one line: there is no way to make a route without saying who.

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{self, MethodRouter};

use crate::access::Caller;
use crate::app::App;
use crate::web::login::again;
use acuse_domain::access::Permission;

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever comes, without login or token.
    Everybody,
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
            Self::Holders(permission) => handlers.route_layer(from_fn_with_state((app.clone(), permission), let_in)),
        }
    }
}

async fn let_in(State((app, permission)): State<(App, Permission)>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match Caller::holding(permission, &parts, &app).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(refusal) => refusal,
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
