//! Sessions that somebody chose, guessed, kept or carried elsewhere.

use reqwest::header::{HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Method, Response, StatusCode};

use crate::attack::Attack;
use crate::installation::{EMAIL, Installation, PASSWORD, Server};
use crate::own_port::OwnPort;
use crate::scene::{Scene, cookies_of};

pub async fn attacks(scene: &Scene) -> Vec<Attack> {
    vec![fixed(scene).await, guessed(scene).await, kept(scene).await, elsewhere(scene).await, cookies(scene).await, https().await]
}

async fn is_open(scene: &Scene, cookies: &str) -> bool {
    let answer = scene.request(Method::GET, "/personas").header("cookie", cookies).send().await.expect("an answer");
    answer.status() == StatusCode::OK
}

async fn enter(server: &Server, cookies: &str) -> Response {
    server.form(cookies, "/entrar", &[("correo", EMAIL), ("clave", PASSWORD)]).send().await.expect("an answer")
}

async fn fixed(scene: &Scene) -> Attack {
    let mut row = Attack::new("session chosen before the login", "a new one; the chosen one opens nothing");
    let earlier = cookies_of(&enter(&scene.server, "").await);
    let chosen =
        ["acuse_sesion=elegida", "acuse_sesion=", "acuse_sesion=a; acuse_sesion=b", "__Host-acuse_sesion=elegida", &earlier];
    for planted in chosen {
        let new = cookies_of(&enter(&scene.server, planted).await);
        let value = planted.split("acuse_sesion=").nth(1).and_then(|rest| rest.split(';').next()).unwrap_or_default();
        let is_new = value.is_empty() || new.split("; ").all(|cookie| cookie != format!("acuse_sesion={value}"));
        row.tried(is_new && is_open(scene, &new).await && !is_open(scene, planted).await, || planted.to_owned());
    }
    row
}

async fn guessed(scene: &Scene) -> Attack {
    let mut row = Attack::new("session that was guessed or changed", "the login");
    let own = scene.owner().split(';').next().unwrap_or_default().to_owned();
    let (name, value) = own.split_once('=').expect("a cookie");
    let mut guesses: Vec<String> = (0..value.len())
        .map(|place| {
            let other = if value.as_bytes()[place] == b'A' { "B" } else { "A" };
            format!("{name}={}{other}{}", &value[..place], &value[place + 1..])
        })
        .collect();
    guesses.extend(["'", "' OR '1'='1", "%", "../../", "null", "0", "{}", "[]", "acu_"].map(|guess| format!("{name}={guess}")));
    guesses.push(format!("{name}={value}{value}"));
    guesses.push(format!("{name}={}", "A".repeat(8_000)));
    guesses.push(format!("{}={value}", name.to_uppercase()));
    guesses.push(format!("{name}={}", scene.installation.token));
    for guess in guesses {
        row.tried(!is_open(scene, &guess).await, || guess.clone());
    }
    row
}

async fn kept(scene: &Scene) -> Attack {
    let mut row = Attack::new("session after its end", "the login, on every page");
    let session = cookies_of(&enter(&scene.server, "").await);
    let out = scene.server.form(&session, "/salir", &[]).send().await.expect("an answer");
    row.tried(out.status().is_redirection() && is_cleared(out.headers()), || "the browser keeps the cookie".to_owned());
    for path in ["/", "/personas", "/cobros", "/documentos", "/envios", "/mi-compania/correos", "/mi-compania/datos"] {
        let answer = scene.request(Method::GET, path).header("cookie", &session).send().await.expect("an answer");
        row.tried(leads_to_login(&answer), || format!("{path}: {}", answer.status()));
    }
    row
}

fn is_cleared(headers: &HeaderMap) -> bool {
    headers.get_all(SET_COOKIE).iter().any(|cookie| cookie.to_str().is_ok_and(|text| text.starts_with("acuse_sesion=; ")))
}

fn leads_to_login(answer: &Response) -> bool {
    answer.headers().get(LOCATION).is_some_and(|to| to.as_bytes().starts_with(b"/entrar"))
}

/// A session opens pages and a token calls; neither the other's, nor from another place of the request.
async fn elsewhere(scene: &Scene) -> Attack {
    let mut row = Attack::new("session or token in the wrong place", "401, or the login");
    let token = &scene.installation.token;
    let session = scene.owner().split(';').next().unwrap_or_default().to_owned();
    let value = session.split_once('=').map_or("", |(_, value)| value).to_owned();
    let call = |path: &str| scene.request(Method::GET, &format!("/api/v1/company{path}"));
    let calls = [
        call("").header("cookie", scene.owner()),
        call("").bearer_auth(&value),
        call(&format!("?access_token={token}")),
        call("").header("cookie", format!("token={token}")),
        call("").header("x-api-key", token),
        call("").header("authorization", token),
        call("").header("authorization", format!("Basic {token}")),
        call("").bearer_auth(token).header("authorization", format!("Bearer {token}x")),
    ];
    for (place, request) in calls.into_iter().enumerate() {
        let status = request.send().await.expect("an answer").status();
        row.tried(matches!(status.as_u16(), 401 | 422), || format!("call {place}: {status}"));
    }
    let page = |path: &str| scene.request(Method::GET, path);
    let pages = [
        page("/personas").bearer_auth(token),
        page(&format!("/personas?acuse_sesion={value}")),
        page("/personas").bearer_auth(&value),
        page("/personas").header("x-forwarded-user", EMAIL),
    ];
    for (place, request) in pages.into_iter().enumerate() {
        let answer = request.send().await.expect("an answer");
        row.tried(leads_to_login(&answer), || format!("page {place}: {}", answer.status()));
    }
    row
}

fn has(cookie: &str, attribute: &str) -> bool {
    cookie.split(';').skip(1).any(|part| part.trim().eq_ignore_ascii_case(attribute))
}

async fn cookies(scene: &Scene) -> Attack {
    let mut row = Attack::new("cookie read by a script or another site", "HttpOnly, SameSite=Lax, Path=/, no Domain");
    for cookie in set_cookies(&enter(&scene.server, "").await) {
        let is_closed = has(&cookie, "HttpOnly") && has(&cookie, "SameSite=Lax") && has(&cookie, "Path=/");
        row.tried(is_closed && !cookie.to_lowercase().contains("domain"), || cookie.clone());
    }
    row
}

fn set_cookies(answer: &Response) -> Vec<String> {
    answer.headers().get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok().map(str::to_owned)).collect()
}

/// An installation whose people come by https, though this connection does not.
async fn https() -> Attack {
    let mut row = Attack::new("cookie and page in clear, where there is https", "__Host-, Secure, HSTS on every answer");
    let installation = Installation::new();
    let server = OwnPort::start(&installation, ("ACUSE_PUBLIC_URL", "https://acuse.cotopaxi.ec")).await;
    let entered = server.form("/entrar", &[("correo", EMAIL), ("clave", PASSWORD)]).send().await.expect("an answer");
    for cookie in set_cookies(&entered) {
        let is_closed = cookie.starts_with("__Host-") && has(&cookie, "Secure") && has(&cookie, "Path=/");
        row.tried(is_closed && !cookie.to_lowercase().contains("domain"), || cookie.clone());
    }
    let plain = cookies_of(&entered).replace("__Host-", "");
    let answer = server.get("/personas").header("cookie", plain).send().await.expect("an answer");
    row.tried(leads_to_login(&answer), || "a cookie that came in clear opens a session".to_owned());
    for path in ["/entrar", "/", "/nada", "/api/v1/company", "/healthz", "/openapi.json", "/metrics", "/static/x/acuse.css"] {
        let answer = server.get(path).send().await.expect("an answer");
        let header = answer.headers().get("strict-transport-security").map(|value| value.to_str().unwrap_or_default());
        row.tried(header.is_some_and(|header| header.starts_with("max-age=31536000")), || format!("{path}: {header:?}"));
    }
    row
}
