//! An installation of its own for each test: a fresh database with one company and its owner, asked without a network.

use std::sync::Arc;

use acuse_domain::access::Role;
use acuse_domain::company::{CompanyCreation, CompanyProfile};
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::CompanyId;
use acuse_mail::guard::Network;
use acuse_mail::oauth::Providers;
use acuse_server::router::router;
use acuse_server::{App, Services};
use acuse_store::secrets::Keyring;
use acuse_store::users;
use acuse_store::{Actor, Db, companies, now};
use acuse_testkit::world::log_in;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Request, Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use scraper::{Html, Selector};
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;
use tower::ServiceExt;

pub const PASSWORD: &str = "una clave larga";
const LARGEST_ANSWER: usize = 32 * 1024 * 1024;

pub struct TestApp {
    pub app: App,
    router: Router,
    pub company: CompanyId,
    pub actor: Actor,
    /// Of the owner, whose requests `get` and `post` make.
    pub session: String,
    folder: TempDir,
}

/// A company that is on record, and the session of its owner: for tests about what another company may not see.
pub struct Stranger {
    pub company: CompanyId,
    pub actor: Actor,
    pub session: String,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(|services| services).await
    }

    /// Lets a test choose what the installation has: `|services| Services { catcher: Some(…), ..services }`.
    pub async fn start_with(configure: impl FnOnce(Services) -> Services) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let db = Db::open(&format!("sqlite://{}", folder.path().join("acuse.db").display())).await.expect("a new database");
        db.migrate().await.expect("migrations run");
        let keys = Arc::new(Keyring::load_or_create(&folder.path().join("secret.key")).expect("a new key"));
        let network = Network::new(&["127.0.0.0/8".to_string()], None).expect("a network");
        let public_url = "http://127.0.0.1:8080".to_string();
        let app = App::new(configure(Services {
            db,
            keys,
            network,
            default_account: None,
            providers: Providers::default(),
            public_url,
            catcher: None,
        }));
        let owner = found_company(&app.db, "1790012344001", "ana@cotopaxi.ec").await;
        let Stranger { company, actor, session } = owner;
        Self { router: router(app.clone()), app, company, actor, session, folder }
    }

    /// Owners may add companies here, and one that is to be deleted waits so long.
    pub fn where_owners_found(mut self, deletion_wait: chrono::TimeDelta) -> Self {
        self.app = self.app.clone().with_companies(CompanyCreation::Owners, deletion_wait);
        self.router = router(self.app.clone());
        self
    }

    /// A second company in the same installation.
    pub async fn stranger(&self) -> Stranger {
        found_company(&self.app.db, "0190402118001", "otra@paute.ec").await
    }

    /// The session of another user of the company, for `get_as` and `post_as`.
    pub async fn session_of(&self, role: Role) -> String {
        let email = format!("{}@cotopaxi.ec", role.as_str());
        add_user(&self.app.db, self.company, &email, role).await
    }

    /// As the owner, in a browser.
    pub async fn get(&self, path: &str) -> Answer {
        self.get_as(&self.session, path).await
    }

    /// As the owner, in a browser without script. Values are sent as typed; a name may repeat.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.post_as(&self.session, path, form).await
    }

    /// `session` empty: nobody is logged in.
    pub async fn get_as(&self, session: &str, path: &str) -> Answer {
        let request = Request::get(path).header(COOKIE, cookie(session)).body(Body::empty()).expect("a request");
        self.ask(request).await
    }

    pub async fn post_as(&self, session: &str, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = Request::post(path)
            .header(COOKIE, cookie(session))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(encoded(form)))
            .expect("a request");
        self.ask(request).await
    }

    /// As the owner, in a browser whose script follows the answer; it comes as far as somebody reads it.
    pub async fn open_live(&self, path: &str, form: &[(&str, &str)]) -> Response<Body> {
        let request = Request::post(path)
            .header(COOKIE, cookie(&self.session))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "text/event-stream, text/html")
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(encoded(form)))
            .expect("a request");
        self.router.clone().oneshot(request).await.expect("the router answers")
    }

    /// To be served on a real socket, with the header that the owner's browser sends.
    pub fn served(&self) -> (Router, String) {
        (self.router.clone(), cookie(&self.session))
    }

    /// The folder with the database.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// With headers of one's own; nothing is added.
    pub async fn ask(&self, request: Request<Body>) -> Answer {
        let answer = self.router.clone().oneshot(request).await.expect("the router answers");
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, LARGEST_ANSWER).await.expect("a whole answer").to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Where a redirect leads.
    #[must_use]
    pub fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    #[must_use]
    pub fn new_cookie(&self) -> &str {
        self.header(SET_COOKIE.as_str())
    }

    /// The visible text of each element that a CSS selector finds, with single spaces.
    #[must_use]
    pub fn all(&self, css: &str) -> Vec<String> {
        let page = Html::parse_document(&self.text());
        let selector = Selector::parse(css).expect("a selector");
        let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        page.select(&selector).map(|element| words(element.text().collect::<String>())).collect()
    }

    /// The text of the first element that the selector finds; panics with the page where there is none.
    #[must_use]
    pub fn one(&self, css: &str) -> String {
        self.all(css).into_iter().next().unwrap_or_else(|| panic!("no {css} in {} {}", self.status, self.text()))
    }

    /// An attribute of the first element that the selector finds.
    #[must_use]
    pub fn attribute(&self, css: &str, name: &str) -> Option<String> {
        let page = Html::parse_document(&self.text());
        let selector = Selector::parse(css).expect("a selector");
        page.select(&selector).next().and_then(|element| element.value().attr(name).map(str::to_owned))
    }

    /// An attribute of every element that the selector finds and that has it.
    #[must_use]
    pub fn attributes(&self, css: &str, name: &str) -> Vec<String> {
        let page = Html::parse_document(&self.text());
        let selector = Selector::parse(css).expect("a selector");
        page.select(&selector).filter_map(|element| element.value().attr(name).map(str::to_owned)).collect()
    }

    /// What a browser would send of the form that a selector finds, with what a person typed into it or pressed.
    #[must_use]
    pub fn filled(&self, css: &str, typed: &[(&str, &str)]) -> Vec<(String, String)> {
        let page = Html::parse_document(&self.text());
        let selector = |css: &str| Selector::parse(css).expect("a selector");
        let form = page.select(&selector(css)).next().unwrap_or_else(|| panic!("no {css} in {}", self.text()));
        let mut fields: Vec<(String, String)> = Vec::new();
        for input in form.select(&selector("input[name], textarea[name], select[name]")) {
            let name = input.value().attr("name").unwrap_or_default().to_owned();
            let value = match (input.value().name(), input.value().attr("type")) {
                ("input", Some("checkbox" | "radio")) if input.value().attr("checked").is_none() => continue,
                ("textarea", _) => input.text().collect(),
                ("select", _) => {
                    let chosen = input.select(&selector("option[selected]")).next();
                    let option = chosen.or_else(|| input.select(&selector("option")).next());
                    option.and_then(|option| option.value().attr("value")).unwrap_or_default().to_owned()
                }
                _ => input.value().attr("value").unwrap_or_default().to_owned(),
            };
            fields.push((name, value));
        }
        fields.retain(|(name, _)| typed.iter().all(|(own, _)| own != name));
        fields.extend(typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        fields
    }
}

/// A company and its owner.
async fn found_company(db: &Db, ruc: &str, email: &str) -> Stranger {
    let profile = CompanyProfile {
        legal_name: "Distribuidora Cotopaxi Cía. Ltda.".to_string(),
        trade_name: Some("Distribuidora Cotopaxi".to_string()),
        address: Some("Av. Amazonas N24-03 y Colón".to_string()),
        city: Some("Quito".to_string()),
        phone: None,
        email: Some(email.parse().expect("an address")),
        undecoded: Vec::new(),
    };
    let company = companies::create(db, &ruc.parse().expect("a RUC"), &profile, now()).await.expect("a new company");
    let session = add_user(db, company, email, Role::Owner).await;
    let actor = Actor::named(company, "Ana Toapanta");
    Stranger { company, actor, session }
}

async fn add_user(db: &Db, company: CompanyId, email: &str, role: Role) -> String {
    let address: EmailAddress = email.parse().expect("an address");
    let password = SecretString::from(PASSWORD);
    users::create(db, company, "Ana Toapanta", &address, &password, role, now()).await.expect("a new user");
    let session = log_in(db, email, PASSWORD, now()).await.expect("the right password");
    session.expose_secret().to_string()
}

fn cookie(session: &str) -> String {
    if session.is_empty() { String::new() } else { format!("acuse_sesion={session}") }
}

pub fn encoded(form: &[(&str, &str)]) -> String {
    let part = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    form.iter().map(|(name, value)| format!("{}={}", part(name), part(value))).collect::<Vec<_>>().join("&")
}

/// The last day that a payment's cheque may be for: `31/12/2027`.
pub fn end_of_next_year() -> String {
    use chrono::Datelike;
    format!("31/12/{}", acuse_domain::day_in_ecuador(acuse_store::now()).year() + 1)
}
