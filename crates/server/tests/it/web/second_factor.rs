//! The second step of a login, Mi cuenta, and what is asked for again: as a browser meets them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use acuse_domain::access::{Role, SecondFactorRule};
use acuse_domain::company::CompanyProfile;
use acuse_store::{companies, memberships, now, second_factor, users};
use acuse_testkit::outside;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use secrecy::SecretString;

use crate::support::{Answer, PASSWORD, TestApp, encoded};

const ANA: &str = "ana@cotopaxi.ec";
const NEW_PASSWORD: &str = "siete alpacas azules";

/// A browser that keeps its cookies.
pub(crate) struct Browser<'a> {
    app: &'a TestApp,
    cookies: BTreeMap<String, String>,
    /// Of its connection, where that is known.
    pub from: Option<SocketAddr>,
}

impl<'a> Browser<'a> {
    pub fn new(app: &'a TestApp) -> Self {
        Self { app, cookies: BTreeMap::new(), from: None }
    }

    /// Of the owner, who is logged in.
    pub fn of_owner(app: &'a TestApp) -> Self {
        Self { cookies: [("acuse_sesion".to_owned(), app.session.clone())].into(), ..Self::new(app) }
    }

    fn cookie(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        let request = Request::get(path).header(COOKIE, self.cookie()).body(Body::empty()).unwrap();
        self.ask(request).await
    }

    pub async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = Request::post(path)
            .header(COOKIE, self.cookie())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(encoded(form)))
            .unwrap();
        self.ask(request).await
    }

    async fn ask(&mut self, mut request: Request<Body>) -> Answer {
        if let Some(from) = self.from {
            request.extensions_mut().insert(ConnectInfo(from));
        }
        let answer = self.app.ask(request).await;
        self.keep(answer)
    }

    /// The form that a page shows, with what somebody types.
    pub async fn send(&mut self, to: &str, page: &Answer, css: &str, typed: &[(&str, &str)]) -> Answer {
        let fields = page.filled(css, typed);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(to, &fields).await
    }

    fn keep(&mut self, answer: Answer) -> Answer {
        for set in answer.headers.get_all(SET_COOKIE) {
            let set = set.to_str().unwrap();
            assert!(set.contains("Path=/") && set.contains("SameSite=Lax"), "{set}");
            let (name, value) = set.split(';').next().and_then(|pair| pair.split_once('=')).unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    pub fn session(&self) -> String {
        self.cookies.get("acuse_sesion").cloned().unwrap_or_default()
    }

    pub async fn log_in(&mut self, password: &str) -> Answer {
        self.post("/entrar", &[("correo", ANA), ("clave", password), ("volver", "/personas")]).await
    }

    /// Sets up codes in Mi cuenta; gives their secret and the codes for a lost telephone.
    pub async fn turn_on(&mut self) -> TurnedOn {
        let page = self.get("/mi-cuenta/segundo-paso").await;
        assert_eq!(page.one("h1"), "Activar el segundo paso");
        assert!(page.attribute(".ac-otp-qr path", "d").is_some_and(|path| path.starts_with("M0 0h7v1")), "a QR code");
        let secret = SecretString::from(page.one("code").replace(' ', ""));
        let before = self.session();
        let code = code(&secret, 0);
        let codes = self.send("/mi-cuenta/segundo-paso", &page, "dialog form", &[("codigo", &code)]).await;
        assert_eq!((codes.status, codes.one("h1").as_str()), (StatusCode::OK, "Códigos de recuperación"), "{}", codes.text());
        assert_ne!(self.session(), before, "the session has a new token");
        TurnedOn { secret, used: code, recovery: codes.all(".ac-codes li") }
    }
}

/// What setting it up gave.
pub(crate) struct TurnedOn {
    pub secret: SecretString,
    /// The code that showed that it works.
    used: String,
    pub recovery: Vec<String>,
}

/// The code that an application shows so many steps of 30 seconds later.
pub(crate) fn code(secret: &SecretString, steps: i64) -> String {
    second_factor::code_at(secret, now() + TimeDelta::seconds(30 * steps)).unwrap()
}

/// The login was so long ago.
pub(crate) async fn aged(app: &TestApp, minutes: i64) {
    let url = format!("sqlite://{}", app.folder().join("acuse.db").display());
    outside::logins_were_earlier(&url, minutes).await;
}

#[tokio::test]
async fn after_the_password_a_code_is_asked_for_and_lets_in() {
    let app = TestApp::start().await;
    let TurnedOn { secret, used: first, recovery } = Browser::of_owner(&app).turn_on().await;
    assert_eq!(recovery.len(), 10);
    let mut browser = Browser::new(&app);
    let step = browser.log_in(PASSWORD).await;
    assert_eq!(step.location(), "/entrar/segundo-paso?volver=%2Fpersonas");
    assert_eq!(browser.session(), "", "half-way is no session");
    assert!(browser.get("/personas").await.location().starts_with("/entrar?"));
    let page = browser.get("/entrar/segundo-paso?volver=%2Fpersonas").await;
    assert!(page.text().contains("«Acuse: ana@cotopaxi.ec»"));
    let wrong = browser.send("/entrar/segundo-paso", &page, "form", &[("codigo", "000000")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text().contains("revise que la hora del teléfono sea automática"));
    let used = browser.send("/entrar/segundo-paso", &wrong, "form", &[("codigo", &first)]).await;
    assert!(used.text().contains("ya se usó"), "the code that set it up: {}", used.text());
    let entered = browser.send("/entrar/segundo-paso", &used, "form", &[("codigo", &code(&secret, 1))]).await;
    assert_eq!((entered.status, entered.location()), (StatusCode::SEE_OTHER, "/personas"), "{}", entered.text());
    assert_eq!(browser.get("/personas").await.status, StatusCode::OK);
    assert!(!browser.cookies.contains_key("acuse_paso"), "what opened the second step is gone");
}

#[tokio::test]
async fn a_recovery_code_enters_once_and_a_trusted_browser_is_not_asked() {
    let app = TestApp::start().await;
    let codes = Browser::of_owner(&app).turn_on().await.recovery;
    let mut browser = Browser::new(&app);
    browser.log_in(PASSWORD).await;
    let page = browser.get("/entrar/segundo-paso").await;
    let typed = [("codigo", ""), ("recuperacion", codes[0].as_str()), ("confiar", "1")];
    assert_eq!(browser.send("/entrar/segundo-paso", &page, "form", &typed).await.location(), "/");
    browser.post("/salir", &[]).await;
    assert_eq!(browser.log_in(PASSWORD).await.location(), "/personas", "trusted for thirty days");
    let mut other = Browser::new(&app);
    other.log_in(PASSWORD).await;
    let used = other.post("/entrar/segundo-paso", &typed).await;
    assert!(used.text().contains("cada uno entra una vez"), "{}", used.text());
    // Whoever closes the others asks all of them again.
    browser.get("/mi-cuenta").await;
    let mut owner = Browser::of_owner(&app);
    owner.cookies = browser.cookies.clone();
    owner.cookies.remove("acuse_equipo");
    owner.post("/mi-cuenta/sesiones/cerrar-las-demas", &[]).await;
    browser.post("/salir", &[]).await;
    assert!(browser.log_in(PASSWORD).await.location().starts_with("/entrar/segundo-paso"));
}

#[tokio::test]
async fn a_form_that_waited_for_the_login_survives_the_second_step() {
    let app = TestApp::start().await;
    let secret = Browser::of_owner(&app).turn_on().await.secret;
    let mut browser = Browser::new(&app);
    let form = [("razon", "Distribuidora Cotopaxi Cía. Ltda."), ("ciudad", "Loja")];
    let login = browser.post("/mi-compania/datos", &form).await;
    let step = browser.send("/entrar", &login, "form", &[("correo", ANA), ("clave", PASSWORD)]).await;
    assert_eq!((step.status, step.one("h1").as_str()), (StatusCode::OK, "Segundo paso"));
    let back = browser.send("/entrar/segundo-paso", &step, "form", &[("codigo", &code(&secret, 1))]).await;
    assert_eq!(back.one("h1"), "Mi compañía", "{}", back.text());
    assert_eq!(back.attribute("#ciudad", "value").as_deref(), Some("Loja"));
}

#[tokio::test]
async fn no_token_of_a_session_is_taken_from_outside() {
    let app = TestApp::start().await;
    let mut browser = Browser::new(&app);
    for name in ["acuse_sesion", "acuse_paso", "acuse_equipo"] {
        browser.cookies.insert(name.to_owned(), "elegido-por-otro".to_owned());
    }
    browser.log_in(PASSWORD).await;
    assert_ne!(browser.session(), "elegido-por-otro");
    assert_eq!(app.get_as("elegido-por-otro", "/personas").await.status, StatusCode::SEE_OTHER);
    let planted = Browser { cookies: [("acuse_paso".to_owned(), "elegido".to_owned())].into(), ..Browser::new(&app) }
        .post("/entrar/segundo-paso", &[("codigo", "123456")])
        .await;
    assert_eq!(planted.location(), "/entrar");
}

#[tokio::test]
async fn what_touches_keys_asks_again_for_who_it_is_and_goes_on() {
    let app = TestApp::start().await;
    let mut browser = Browser::of_owner(&app);
    aged(&app, 16).await;
    assert_eq!(browser.get("/mi-cuenta").await.status, StatusCode::OK, "to look is not to change");
    assert_eq!(
        browser.get("/mi-cuenta/segundo-paso").await.location(),
        "/entrar/otra-vez?volver=%2Fmi%2Dcuenta%2Fsegundo%2Dpaso"
    );
    let asked = browser.post("/mi-compania/segundo-paso", &[("exigir", "owners")]).await;
    assert_eq!((asked.status, asked.one("h1").as_str()), (StatusCode::UNAUTHORIZED, "Confirme que es usted"));
    assert_eq!(second_factor::rule(&app.app.db, app.company).await.unwrap(), SecondFactorRule::Nobody);
    let wrong = browser.send("/entrar/otra-vez", &asked, "form", &[("clave", "nueve avestruces")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let before = browser.session();
    let done = browser.send("/entrar/otra-vez", &wrong, "form", &[("clave", PASSWORD)]).await;
    assert_eq!(done.location(), "/mi-compania/usuarios", "{}", done.text());
    assert_eq!(second_factor::rule(&app.app.db, app.company).await.unwrap(), SecondFactorRule::Owners);
    assert_ne!(browser.session(), before);
    assert!(app.get_as(&before, "/mi-cuenta").await.location().starts_with("/entrar?"), "the token before opens nothing");
}

#[tokio::test]
async fn a_form_that_waits_for_the_question_acts_in_its_own_company_or_nowhere() {
    let app = TestApp::start().await;
    let mut browser = Browser::of_owner(&app);
    let page = browser.get("/mi-compania/usuarios").await;
    aged(&app, 16).await;
    let asked = browser
        .send("/mi-compania/segundo-paso", &page, "form[action='/mi-compania/segundo-paso']", &[("exigir", "owners")])
        .await;
    assert_eq!(asked.one("h1"), "Confirme que es usted");
    let owner = users::session(&app.app.db, &app.session, now()).await.unwrap().unwrap();
    let profile = CompanyProfile { legal_name: "Otra S.A.".to_owned(), ..Default::default() };
    let other =
        companies::found(&app.app.db, owner.user, &app.actor, &"1760001550001".parse().unwrap(), &profile, now()).await.unwrap();
    assert!(memberships::enter(&app.app.db, other, &app.session, now()).await.unwrap());
    let refused = browser.send("/entrar/otra-vez", &asked, "form", &[("clave", PASSWORD)]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text());
    for company in [app.company, other] {
        assert_eq!(second_factor::rule(&app.app.db, company).await.unwrap(), SecondFactorRule::Nobody);
    }
}

#[tokio::test]
async fn a_mail_password_is_not_carried_through_the_question() {
    let app = TestApp::start().await;
    aged(&app, 16).await;
    let mut browser = Browser::of_owner(&app);
    let form = [("modulo", "cobros"), ("remitente", "pagos@cotopaxi.ec"), ("clave", "s3creta-del-banco"), ("accion", "guardar")];
    let asked = browser.post("/mi-compania/correos", &form).await;
    assert_eq!(asked.one("h1"), "Confirme que es usted");
    assert!(!asked.text().contains("s3creta"), "no password travels");
    let shown = browser.send("/entrar/otra-vez", &asked, "form", &[("clave", PASSWORD)]).await;
    assert_eq!(shown.attribute("[name=remitente]", "value").as_deref(), Some("pagos@cotopaxi.ec"), "{}", shown.text());
}

#[tokio::test]
async fn a_company_that_asks_for_it_leads_to_it_before_anything_else() {
    let app = TestApp::start().await;
    let viewer = app.session_of(Role::Viewer).await;
    second_factor::require(&app.app.db, &app.actor, SecondFactorRule::Owners, now()).await.unwrap();
    let mut browser = Browser::of_owner(&app);
    for path in ["/", "/cobros", "/mi-compania/datos"] {
        assert_eq!(browser.get(path).await.location(), "/mi-cuenta/segundo-paso", "{path}");
    }
    assert_eq!(app.get_as(&viewer, "/cobros").await.status, StatusCode::OK, "the others are not asked");
    let page = browser.get("/mi-cuenta").await;
    assert!(page.text().contains("Distribuidora Cotopaxi lo pide: actívelo para seguir"));
    browser.turn_on().await;
    assert_eq!(browser.get("/cobros").await.status, StatusCode::OK);
    let refused = browser.post("/mi-cuenta/segundo-paso/quitar", &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("pide el segundo paso"));
}

#[tokio::test]
async fn a_new_password_is_refused_with_its_reason_and_ends_the_others() {
    let app = TestApp::start().await;
    let mut browser = Browser::of_owner(&app);
    let mut other = Browser::new(&app);
    other.log_in(PASSWORD).await;
    let mut change =
        async |before: &str, new: &str| browser.post("/mi-cuenta/clave", &[("actual", before), ("nueva", new)]).await;
    for (before, new, said) in [
        ("otra cosa larga", NEW_PASSWORD, "La contraseña actual no es correcta."),
        (PASSWORD, "corta", "menos de 12 letras"),
        (PASSWORD, "contraseña123", "entre las primeras que se prueban"),
        (PASSWORD, "cotopaxidistribuidora", "sale de su nombre, su correo o su compañía"),
        (PASSWORD, PASSWORD, "es la que ya tiene"),
    ] {
        let refused = change(before, new).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{new}");
        assert!(refused.text().contains(said), "{new}: {}", refused.one(".ac-errors"));
        assert!(!refused.text().contains(NEW_PASSWORD) && !refused.text().contains("avestruces"));
    }
    assert_eq!(other.get("/personas").await.status, StatusCode::OK);
    assert_eq!(change(PASSWORD, NEW_PASSWORD).await.location(), "/mi-cuenta?hecho=clave");
    assert!(other.get("/personas").await.location().starts_with("/entrar"));
    assert_eq!(browser.get("/mi-cuenta?hecho=clave").await.status, StatusCode::OK);
    assert_eq!(Browser::new(&app).log_in(PASSWORD).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(Browser::new(&app).log_in(NEW_PASSWORD).await.location(), "/personas");
}

#[tokio::test]
async fn guesses_at_the_password_within_a_session_are_counted() {
    let app = TestApp::start().await;
    let mut browser = Browser::of_owner(&app);
    for _ in 0..5 {
        browser.post("/mi-cuenta/clave", &[("actual", "otra cosa larga"), ("nueva", NEW_PASSWORD)]).await;
    }
    let waits = browser.post("/mi-cuenta/clave", &[("actual", PASSWORD), ("nueva", NEW_PASSWORD)]).await;
    assert_eq!((waits.status, waits.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "5"));
}

#[tokio::test]
async fn the_sessions_are_listed_with_their_browser_and_one_is_closed() {
    let app = TestApp::start().await;
    let mut browser = Browser::of_owner(&app);
    let request = Request::post("/entrar")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0")
        .body(Body::from(encoded(&[("correo", ANA), ("clave", PASSWORD)])))
        .unwrap();
    let mut other = Browser::new(&app);
    let entered = app.ask(request).await;
    other.keep(entered);
    let page = browser.get("/mi-cuenta").await;
    let rows = page.all("tbody th");
    assert_eq!(rows, ["Un navegador esta sesión", "Firefox en Linux"]);
    assert_eq!(page.one(".ac-foot [aria-current]"), "Ana Toapanta", "the menu leads here");
    let close = page.attribute("td form", "action").unwrap();
    assert_eq!(app.post_as(&app.session_of(Role::Viewer).await, &close, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(other.get("/personas").await.status, StatusCode::OK, "nobody else closes it");
    assert_eq!(browser.post(&close, &[]).await.location(), "/mi-cuenta?hecho=sesion");
    assert!(other.get("/personas").await.location().starts_with("/entrar"));
}

#[tokio::test]
async fn name_and_theme_are_ones_own() {
    let app = TestApp::start().await;
    let mut browser = Browser::of_owner(&app);
    let empty = browser.post("/mi-cuenta", &[("nombre", "  "), ("tema", "oscuro")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    let saved = browser.post("/mi-cuenta", &[("nombre", "Ana <b>Paredes</b>"), ("tema", "oscuro")]).await;
    assert_eq!(saved.location(), "/mi-cuenta?hecho=datos");
    let page = browser.get("/mi-cuenta?hecho=datos").await;
    assert_eq!(page.attribute("#nombre", "value").as_deref(), Some("Ana <b>Paredes</b>"));
    assert_eq!(page.attribute("html", "data-bs-theme").as_deref(), Some("dark"));
    assert!(!page.text().contains("<b>Paredes"));
}

#[tokio::test]
async fn keys_are_offered_where_browsers_come_by_a_name_and_a_challenge_is_answered_once() {
    let numbered = TestApp::start().await;
    assert!(!numbered.get_as("", "/entrar").await.text().contains("Usar huella"));
    assert_eq!(numbered.get("/mi-cuenta/llaves/nueva").await.status, StatusCode::NOT_FOUND);
    let named = |services| acuse_server::Services { public_url: "http://localhost:8080".to_owned(), ..services };
    let app = TestApp::start_with(named).await;
    assert!(app.get_as("", "/entrar").await.text().contains("Usar huella"));
    assert_eq!(app.get("/mi-cuenta/llaves/nueva").await.one("h1"), "Agregar una llave");
    let challenge = app.post("/mi-cuenta/llaves/reto", &[]).await;
    let options: serde_json::Value = serde_json::from_slice(&challenge.body).unwrap();
    assert_eq!(options["rp"]["id"], "localhost");
    assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
    assert!(challenge.new_cookie().contains("HttpOnly"));
    for answer in ["", "{}", "null", "[1]", "no es JSON"] {
        let refused = app.post_as("", "/entrar/llave", &[("respuesta", answer)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
        let refused = app.post("/mi-cuenta/llaves/nueva", &[("nombre", "Laptop"), ("respuesta", answer)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    }
}
