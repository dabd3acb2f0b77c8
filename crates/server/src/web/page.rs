//! What the frame around every page needs to know: who, for which company, where, and when.

use acuse_domain::access::Role;
use acuse_domain::id::CompanyId;
use acuse_domain::{Date, Instant};
use acuse_store::StoreError;
use acuse_store::deliveries::Stopped;
use acuse_store::memberships::Offered;
use askama::Template;
use askama::filters::{HtmlSafe, Safe};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::cookies;
use crate::web::{calendar, filters, trouble};
use acuse_domain::access::Permission;

/// The field `page` of every template that extends layout.html.
#[derive(Debug, Clone)]
pub struct Page {
    pub user_name: String,
    pub role: Role,
    pub company_name: String,
    pub company_ruc: String,
    /// The companies that one may go on to.
    pub offered: Offered,
    /// Whether who sees it may add a company.
    pub may_found: bool,
    /// The company is only read.
    pub is_archived: bool,
    /// Somebody asked for the company's end: since when, and from when on it may be confirmed.
    pub deletion: Option<String>,
    /// Which entry of the menu is the current one.
    pub section: Section,
    /// Deliveries that need a person; shown beside «Envíos».
    pub problems: u64,
    /// The modules whose mail nobody sends until a person acts.
    pub stopped: Stopped,
    pub theme: Theme,
    /// Whether this is a demo with its own mailbox to look into.
    pub demo_mailbox: bool,
    pub now: Instant,
    /// Pages where one types trade the phone's tabs for the bar that saves.
    pub typing: bool,
    /// The page holds what somebody typed and is not saved yet: it came as the answer to a form.
    pub typed: bool,
    /// It came back after a login.
    pub is_only_shown: bool,
    /// A dialog that came as a page of its own: what lies behind it is inert. Fill block `dialog`.
    pub modal: bool,
}

/// The places of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Inicio,
    Cobros,
    Pagos,
    Personas,
    Documentos,
    Envios,
    MiCompania,
    Buzon,
    /// The list of companies, which stands in no menu.
    Companias,
    /// At the foot of the menu, under the user's name.
    MiCuenta,
}

/// The cookie `tema`; without one the system decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Page {
    /// Whether who sees it may do that: what they may not is not offered.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.role.holds(permission) && (!self.is_archived || permission.outlasts_archiving())
    }

    #[must_use]
    pub fn typing(self) -> Self {
        Self { typing: true, ..self }
    }

    /// A form as it was typed, given back.
    #[must_use]
    pub fn typed(self) -> Self {
        Self { typing: true, typed: true, ..self }
    }

    #[must_use]
    pub fn modal(self) -> Self {
        Self { modal: true, ..self }
    }

    #[must_use]
    pub fn today(&self) -> Date {
        calendar::today(self.now)
    }

    /// The menu: where the work is, and where the company and the demo are set up.
    #[must_use]
    pub fn menu(&self) -> [Vec<Entry>; 2] {
        use Section::{Buzon, Cobros, Documentos, Envios, Inicio, MiCompania, Pagos, Personas};
        let work = [Inicio, Cobros, Pagos, Personas, Documentos, Envios].map(|place| self.entry(place)).into();
        let house = [MiCompania].into_iter().chain(self.demo_mailbox.then_some(Buzon)).map(|place| self.entry(place)).collect();
        [work, house]
    }

    /// The four places under the thumb; the fifth tab is the menu itself.
    #[must_use]
    pub fn tabs(&self) -> [Entry; 4] {
        [Section::Inicio, Section::Cobros, Section::Pagos, Section::Envios].map(|place| self.entry(place))
    }

    fn entry(&self, place: Section) -> Entry {
        Entry { place, is_current: place == self.section, problems: if place == Section::Envios { self.problems } else { 0 } }
    }
}

/// The modules of a company whose mail nobody sends now.
pub async fn stopped(app: &App, company: CompanyId, now: Instant) -> Result<Stopped, StoreError> {
    Stopped::of(&app.db, company, app.default_account.is_some(), now).await
}

/// The answer to a GET. A page of one's company is nobody else's: caches keep none of it.
#[must_use]
pub fn shown(page: &impl Template) -> Response {
    with_status(StatusCode::OK, page)
}

/// The answer to a form that was refused: the same page with what was typed and what to mend.
#[must_use]
pub fn refused(page: &impl Template) -> Response {
    with_status(StatusCode::UNPROCESSABLE_ENTITY, page)
}

#[must_use]
pub fn with_status(status: StatusCode, page: &impl Template) -> Response {
    const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
    const KEPT_NOWHERE: HeaderValue = HeaderValue::from_static("no-store");
    match page.render() {
        Ok(html) => (status, [(CONTENT_TYPE, HTML), (CACHE_CONTROL, KEPT_NOWHERE)], html).into_response(),
        Err(error) => trouble::not_drawn(&error),
    }
}

/// A link of the menu or of the tabs, printed by `{{ entry }}`. `aria-current` also colours it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Template)]
#[template(
    ext = "html",
    source = r#"<a href="{{ place.path() }}"{% if is_current %} aria-current="page"{% endif %}>{{ place.icon()|ico }}{{ place.word() }}{% if problems > 0 %}<span class="ac-count">{{ problems }}<span class="ac-vh"> con problemas</span></span>{% endif %}</a>"#
)]
pub struct Entry {
    place: Section,
    is_current: bool,
    problems: u64,
}

impl HtmlSafe for Entry {}

impl Section {
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Inicio => "/",
            Self::Cobros => "/cobros",
            Self::Pagos => "/pagos",
            Self::Personas => "/personas",
            Self::Documentos => "/documentos",
            Self::Envios => "/envios",
            Self::MiCompania => "/mi-compania/correos",
            Self::Buzon => "/demo/buzon",
            Self::Companias => "/companias",
            Self::MiCuenta => "/mi-cuenta",
        }
    }

    /// Where the menu's search looks, and how that is called: in the list one is in, else in the cobros.
    #[must_use]
    pub const fn searched(self) -> (&'static str, &'static str) {
        match self {
            Self::Pagos => ("/pagos", "pagos"),
            Self::Personas => ("/personas", "personas"),
            Self::Documentos => ("/documentos", "documentos"),
            Self::Envios => ("/envios", "envíos"),
            Self::Inicio | Self::Cobros | Self::MiCompania | Self::Buzon | Self::Companias | Self::MiCuenta => {
                ("/cobros", "cobros")
            }
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Inicio => "Inicio",
            Self::Cobros => "Cobros",
            Self::Pagos => "Pagos",
            Self::Personas => "Personas",
            Self::Documentos => "Documentos",
            Self::Envios => "Envíos",
            Self::MiCompania => "Mi compañía",
            Self::Buzon => "Buzón de prueba",
            Self::Companias => "Compañías",
            Self::MiCuenta => "Mi cuenta",
        }
    }

    const fn icon(self) -> &'static str {
        match self {
            Self::Inicio => "home",
            Self::Cobros => "arrow-down-left",
            Self::Pagos => "arrow-up-right",
            Self::Personas => "users",
            Self::Documentos => "file-text",
            Self::Envios => "send",
            Self::MiCompania => "building",
            Self::Buzon => "inbox",
            Self::Companias => "building",
            Self::MiCuenta => "user-circle",
        }
    }
}

impl Theme {
    pub const COOKIE: &str = "tema";

    /// As the browser was told last.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        Self::from_cookie(cookies::find(headers, Self::COOKIE).as_deref())
    }

    #[must_use]
    pub fn from_cookie(value: Option<&str>) -> Self {
        match value {
            Some("claro") => Self::Light,
            Some("oscuro") => Self::Dark,
            _ => Self::System,
        }
    }

    /// For `<html lang="es-EC"{{ theme.attribute() }}>`.
    #[must_use]
    pub fn attribute(self) -> Safe<&'static str> {
        Safe(match self {
            Self::System => "",
            Self::Light => r#" data-bs-theme="light""#,
            Self::Dark => r#" data-bs-theme="dark""#,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::form_errors::FormErrors;
    use crate::web::pager::Pager;
    use crate::web::state_mark::StateMark;
    use acuse_domain::delivery::State;

    #[derive(Template)]
    #[template(
        ext = "html",
        source = r#"{% extends "layout.html" %}{% import "_money_input.html" as m %}{% block title %}Cobros{% endblock %}{% block content %}{{ errors }}{{ mark }}{{ pager }}{{ m::money_input("valor", "valor-1", "Valor", "1,5", errors) }}{% endblock %}"#
    )]
    struct Sample {
        page: Page,
        errors: FormErrors,
        mark: StateMark,
        pager: Pager,
    }

    fn sample() -> Sample {
        let page = Page {
            user_name: "Gabriela <Toapanta>".to_owned(),
            role: Role::Owner,
            offered: Offered::default(),
            may_found: false,
            is_archived: false,
            deletion: None,
            company_name: "Distribuidora Cotopaxi".to_owned(),
            company_ruc: "1792043182001".to_owned(),
            section: Section::Cobros,
            problems: 3,
            stopped: Stopped::default(),
            theme: Theme::System,
            demo_mailbox: true,
            now: Instant::default(),
            typed: false,
            is_only_shown: false,
            typing: false,
            modal: false,
        };
        let mut errors = FormErrors::default();
        errors.add("valor-1", "Falta el valor.");
        let mark = StateMark::of(State::Bounced, None).because("gerencia@ no existe", "La dirección gerencia@ no existe");
        let pager = Pager { first: 1, last: 12, of: 128, previous: None, next: Some("/cobros?after=x&y".to_owned()) };
        Sample { page, errors, mark, pager }
    }

    #[test]
    fn a_page_stands_in_its_frame_and_says_where_one_is() {
        let html = sample().render().expect("the layout renders");
        for said in [
            r#"<html lang="es-EC">"#,
            "<title>Cobros · Acuse</title>",
            r#"<a href="/cobros" aria-current="page">"#,
            r#"3<span class="ac-vh"> con problemas</span>"#,
            "RUC 1792043182001",
            "Gabriela &#60;Toapanta&#62;",
            r#"<a href="/demo/buzon">"#,
            r##"<a href="#valor-1">Falta el valor.</a>"##,
            r#"<span class="ac-state" data-state="bounced">"#,
            "<span>Rebotado</span>",
            r#"<span class="ac-why" title="La dirección gerencia@ no existe">gerencia@ no existe</span>"#,
            r#"is-invalid" inputmode="decimal""#,
            r#"id="valor-1-error""#,
            r#"href="/cobros?after=x&#38;y">Siguiente"#,
        ] {
            assert!(html.contains(said), "{said} is not in\n{html}");
        }
        assert!(!html.contains("style="), "the policy allows no inline style");
        assert_eq!(html.matches(r#"aria-current="page""#).count(), 2, "the menu and the tabs");
    }

    #[test]
    fn outside_a_demo_there_is_no_mailbox_and_behind_a_dialog_nothing_answers() {
        let mut sample = sample();
        sample.page = Page { demo_mailbox: false, theme: Theme::Dark, ..sample.page.modal() };
        let html = sample.render().expect("the layout renders");
        assert!(!html.contains("/demo/buzon"));
        assert!(html.contains(r#"data-bs-theme="dark""#));
        assert_eq!(html.matches(" inert").count(), 3);
    }

    #[derive(Template)]
    #[template(
        ext = "html",
        source = r#"{% extends "door.html" %}{% block title %}Entrar{% endblock %}{% block content %}<h1>Entrar</h1>{% endblock %}"#
    )]
    struct Door {
        theme: Theme,
    }

    #[test]
    fn before_the_login_there_is_no_menu() {
        let html = Door { theme: Theme::from_cookie(Some("claro")) }.render().expect("the door renders");
        assert!(html.contains(r#"<html lang="es-EC" data-bs-theme="light">"#) && html.contains("<title>Entrar · Acuse</title>"));
        assert!(!html.contains("<nav"));
    }
}
