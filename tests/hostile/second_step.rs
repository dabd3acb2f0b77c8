//! What somebody tries who knows the password, or sits at a browser that was left open.

use acuse_server::web;
use acuse_store::second_factor::code_at;
use acuse_testkit::outside;
use chrono::TimeDelta;
use reqwest::Method;
use secrecy::SecretString;

use crate::attack::Attack;
use crate::browser::{Browser, Page};
use crate::installation::{EMAIL, Installation, PASSWORD, Server};
use crate::scene::{NOBODYS, Scene};

const STEP: &str = "/entrar/segundo-paso";
const AGAIN: &str = "/entrar/otra-vez";

pub async fn attacks(_: &Scene) -> Vec<Attack> {
    let installation = Installation::new();
    let server = installation.serve().await;
    let url = format!("sqlite://{}", installation.database().display());
    let mut owner = Browser::of(&server, EMAIL).await;
    let page = owner.get("/mi-cuenta/segundo-paso").await;
    let secret = SecretString::from(page.between("<code class=\"ac-mono ac-selectall\">", "</code>").replace(' ', ""));
    let sealed = page.between("name=\"propuesta\" value=\"", "\"");
    let typed = [("propuesta", sealed.as_str()), ("codigo", &code(&secret, 0))];
    let codes = owner.post("/mi-cuenta/segundo-paso", &typed).await;
    let listed = codes.between("<ol class=\"ac-codes\"><li>", "</li></ol>");
    let recovery: Vec<String> = listed.split("</li><li>").map(str::to_owned).collect();
    assert_eq!(recovery.len(), 10, "the second step is not on: {}", codes.text);
    let place = Place { server: &server, url, secret, recovery };
    vec![place.without_the_first().await, place.used_again().await, place.left_open(&mut owner).await, place.guessed().await]
}

/// The code that an application shows so many steps of 30 seconds later.
fn code(secret: &SecretString, steps: i64) -> String {
    code_at(secret, acuse_store::now() + TimeDelta::seconds(30 * steps)).expect("a secret")
}

struct Place<'a> {
    server: &'a Server,
    url: String,
    secret: SecretString,
    recovery: Vec<String>,
}

impl Place<'_> {
    async fn half_way(&self) -> Browser<'_> {
        Browser::of(self.server, EMAIL).await
    }

    async fn codes_are_unused(&self) {
        outside::run(&self.url, "UPDATE authenticator SET last_step = 0", vec![]).await;
    }

    async fn without_the_first(&self) -> Attack {
        let mut row = Attack::new("the second step without the first, or none", "the login; no page opens");
        let right = code(&self.secret, 1);
        for planted in [None, Some("elegido"), Some("")] {
            let mut browser = Browser::new(self.server);
            browser.cookies.extend(planted.map(|value| ("acuse_paso".to_owned(), value.to_owned())));
            let page = browser.post(STEP, &[("codigo", &right)]).await;
            row.tried(page.leads_to("/entrar") && !browser.is_in().await, || format!("{planted:?}: {}", page.status));
        }
        let mut browser = self.half_way().await;
        for path in ["/", "/cobros", "/mi-cuenta", "/mi-compania/usuarios", "/companias"] {
            let page = browser.get(path).await;
            row.tried(page.leads_to("/entrar"), || format!("half-way, {path}: {}", page.status));
        }
        let step = browser.cookies.get("acuse_paso").cloned().unwrap_or_default();
        browser.cookies.insert("acuse_sesion".to_owned(), step);
        row.tried(!browser.is_in().await, || "what opens the second step is a session".to_owned());
        row
    }

    async fn used_again(&self) -> Attack {
        let mut row = Attack::new("a code or a recovery code used twice", "422 the second time");
        self.codes_are_unused().await;
        let (once, recovery) = (code(&self.secret, 1), self.recovery[0].as_str());
        for proof in [("codigo", once.as_str()), ("recuperacion", recovery)] {
            let first = self.half_way().await.post(STEP, &[proof]).await;
            row.tried(first.is(303), || format!("{}: a good one is {}", proof.0, first.status));
            let mut browser = self.half_way().await;
            let again = browser.post(STEP, &[proof]).await;
            row.tried(again.is(422) && !browser.is_in().await, || format!("{} again: {}", proof.0, again.status));
        }
        let (mut one, mut two) = (self.half_way().await, self.half_way().await);
        let proof = [("recuperacion", self.recovery[1].as_str())];
        let (first, second) = tokio::join!(one.post(STEP, &proof), two.post(STEP, &proof));
        row.tried(first.is(303) != second.is(303), || format!("at once: {}, {}", first.status, second.status));
        row
    }

    /// Each page and form that changes keys, with all that is known of who sits there: the password.
    async fn left_open(&self, owner: &mut Browser<'_>) -> Attack {
        let mut row = Attack::new("keys and roles by open browser and password", "asked for the second step; nothing done");
        for route in web::pages().into_iter().filter(|route| route.after_recent_login) {
            outside::logins_were_earlier(&self.url, 16).await;
            let path = route.path.replace("{id}", NOBODYS).replace("{provider}", "google");
            let first = ask(owner, &route.method, &path).await;
            let alone = owner.post(AGAIN, &[("clave", PASSWORD), ("volver", "/mi-cuenta")]).await;
            let second = ask(owner, &route.method, &path).await;
            let is_refused = is_asked(&first) && alone.is(422) && is_asked(&second);
            row.tried(is_refused, || format!("{} {path}: {}, {}, {}", route.method, first.status, alone.status, second.status));
        }
        let fields = [("actual", PASSWORD), ("nueva", "otra clave larga")];
        let changed = owner.post("/mi-cuenta/clave", &fields).await;
        row.tried(changed.is(401), || format!("the password by itself: {}", changed.status));
        row
    }

    /// Last: afterwards who knows the password waits.
    async fn guessed(&self) -> Attack {
        let mut row = Attack::new("30 guesses at six digits", "5 are checked, the rest 429");
        let mut browser = self.half_way().await;
        let mut checked = 0;
        for n in 0..30 {
            let page = browser.post(STEP, &[("codigo", &format!("{n:06}"))]).await;
            checked += usize::from(page.is(422));
            row.tried(page.is(429) || page.is(422) && checked <= 6, || format!("{n}: {}, {checked} checked", page.status));
        }
        row.tried(!browser.is_in().await, || "a guess was right".to_owned());
        row
    }
}

async fn ask(browser: &mut Browser<'_>, method: &Method, path: &str) -> Page {
    if *method == Method::GET { browser.get(path).await } else { browser.post(path, &[("x", "y")]).await }
}

fn is_asked(page: &Page) -> bool {
    page.leads_to(AGAIN) || page.is(401) && page.text.contains("Confirme que es usted")
}
