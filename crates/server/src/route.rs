//! A path, who may ask for it and what answers, in one line: there is no way to make a route without saying who.

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{self, MethodRouter};

use crate::access::Caller;
use crate::app::App;
use acuse_domain::access::Permission;

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever comes, without login or token.
    Everybody,
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
            Self::AnyToken => handlers.route_layer(from_fn_with_state(app.clone(), let_token_in)),
            Self::Holders(permission) => handlers.route_layer(from_fn_with_state((app.clone(), permission), let_in)),
        }
    }
}

async fn let_in(State((app, permission)): State<(App, Permission)>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let asked = Caller::holding(permission, &parts, &app).await;
    go_on(asked, Request::from_parts(parts, body), next).await
}

async fn let_token_in(State(app): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let asked = Caller::with_any_token(&parts, &app).await;
    go_on(asked, Request::from_parts(parts, body), next).await
}

async fn go_on(asked: Result<Caller, Response>, mut request: Request, next: Next) -> Response {
    match asked {
        Ok(caller) => {
            let told = caller.told.clone();
            request.extensions_mut().insert(caller);
            let mut response = next.run(request).await;
            response.headers_mut().extend(told);
            response
        }
        Err(refusal) => refusal,
    }
}

/// One method of one path.
pub struct Route {
    pub method: Method,
    pub path: String,
    pub access: Access,
    handler: MethodRouter<App>,
}

pub fn get<H: Handler<T, App>, T: 'static>(path: impl Into<String>, access: impl Into<Access>, handler: H) -> Route {
    Route { method: Method::GET, path: path.into(), access: access.into(), handler: routing::get(handler) }
}

pub fn post<H: Handler<T, App>, T: 'static>(path: impl Into<String>, access: impl Into<Access>, handler: H) -> Route {
    Route { method: Method::POST, path: path.into(), access: access.into(), handler: routing::post(handler) }
}

impl Route {
    /// The largest body that it takes (bytes).
    #[must_use]
    pub fn up_to(self, bytes: usize) -> Self {
        Self { handler: self.handler.layer(DefaultBodyLimit::max(bytes)), ..self }
    }

    pub(crate) fn guarded(self, app: &App) -> MethodRouter<App> {
        self.access.guard(app, self.handler)
    }
}
