//! Who asks for a page, and what the frame around every page shows. Nothing of it is read before a page is drawn: an act has
//! no use for it.

use acuse_domain::access::Role;
use acuse_domain::company::CompanyCreation;
use acuse_domain::delivery::Group;
use acuse_domain::id::{CompanyId, UserId};
use acuse_store::users::Session;
use acuse_store::{Actor, StoreError, companies, deletion, deliveries, memberships};
use axum::extract::FromRequestParts;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};

use crate::access::{Caller, session_token};
use crate::app::App;
use crate::cookies;
use crate::web::calendar;
use crate::web::carried::{Lost, OnlyShown};
use crate::web::login::{again, session_cookie};
use crate::web::page::{Page, Section, Theme, stopped};
use crate::web::trouble::Trouble;
use acuse_domain::access::Permission;

/// Companies that the header offers; all others are one step further.
const OFFERED: u64 = 5;

/// What every handler of a page takes: `frame.page(Section::Cobros).await?`
#[derive(Clone)]
pub struct Frame {
    pub app: App,
    pub actor: Actor,
    pub user: UserId,
    pub headers: HeaderMap,
    /// The form came back after a login, and nothing of it was saved.
    pub is_only_shown: bool,
    role: Role,
    is_archived: bool,
    session: Session,
}

impl FromRequestParts<App> for Frame {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, StatusCode> {
        let Caller { actor, session, is_archived, .. } = Caller::from_request_parts(parts, app).await?;
        let session = session.ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
        let is_only_shown = parts.extensions.get::<OnlyShown>().is_some();
        let (app, headers, user, role) = (app.clone(), parts.headers.clone(), session.user, session.role);
        Ok(Self { app, actor, user, headers, is_only_shown, role, is_archived, session })
    }
}

impl Frame {
    #[must_use]
    pub fn company(&self) -> CompanyId {
        self.actor.company
    }

    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.role.holds(permission) && (!self.is_archived || permission.outlasts_archiving())
    }

    /// The address with which whoever asks logs in.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.session.email
    }

    /// As it goes on after its session was given a new token.
    #[must_use]
    pub fn under(&self, session: &SecretString) -> Self {
        let own = format!("{}={}", cookies::full_name(&self.app, cookies::SESSION), session.expose_secret());
        let mut headers = self.headers.clone();
        let theme = cookies::find(&self.headers, Theme::COOKIE).map(|theme| format!("; {}={theme}", Theme::COOKIE));
        if let Ok(value) = HeaderValue::try_from(own + &theme.unwrap_or_default()) {
            headers.insert(COOKIE, value);
        }
        Self { headers, ..self.clone() }
    }

    /// The answer, with the new token of a session that goes on under it.
    #[must_use]
    pub fn renewed(&self, session: Option<&SecretString>, answer: impl IntoResponse) -> Response {
        let cookie = session.map(|session| (SET_COOKIE, session_cookie(&self.app, session, self.session.is_kept)));
        (AppendHeaders(cookie), answer).into_response()
    }

    /// Whether they showed a moment ago all that their login asks.
    #[must_use]
    pub fn login_is_recent(&self) -> bool {
        again::is_recent(&self.session)
    }

    /// «Confirme que es usted», in the place of an answer to a form that could not be kept.
    pub async fn ask_again(&self, lost: Lost) -> Result<Response, Trouble> {
        again::ask_without(&self.app, &self.session, &self.headers, lost).await
    }

    #[must_use]
    pub fn session_token(&self) -> String {
        session_token(&self.app, &self.headers).unwrap_or_default()
    }

    /// What the company is known as.
    pub async fn company_name(&self) -> Result<String, StoreError> {
        let found = companies::find(&self.app.db, self.company()).await?;
        Ok(found.map(|found| found.known_as().to_owned()).unwrap_or_default())
    }

    pub async fn page(&self, section: Section) -> Result<Page, StoreError> {
        let (db, company, now) = (&self.app.db, self.company(), acuse_store::now());
        let found = companies::find(db, company).await?;
        let (company_name, company_ruc) =
            found.map(|found| (found.known_as().to_owned(), found.ruc.to_string())).unwrap_or_default();
        let stopped = stopped(&self.app, company, now).await?;
        let asked = if self.is_archived { deletion::asked(db, company).await? } else { None };
        let deletion = asked.map(|asked| {
            format!("{} pidió eliminarla; se puede confirmar desde {}.", asked.by_name, calendar::moment(asked.due_at, now))
        });
        let offered = memberships::offered(db, company, self.user, OFFERED).await?;
        Ok(Page {
            user_name: self.actor.name.clone(),
            role: self.role,
            may_found: offered.is_owner && self.app.company_creation == CompanyCreation::Owners,
            offered,
            is_archived: self.is_archived,
            deletion,
            company_name,
            company_ruc,
            section,
            problems: deliveries::count_in_group(db, company, Group::WithProblems, &stopped).await?,
            stopped,
            theme: Theme::from_cookie(cookies::find(&self.headers, Theme::COOKIE).as_deref()),
            demo_mailbox: self.app.catcher.is_some(),
            now,
            typing: false,
            typed: false,
            is_only_shown: self.is_only_shown,
            modal: false,
        })
    }
}
