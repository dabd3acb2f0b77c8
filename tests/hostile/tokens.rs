//! Tokens of the API: less than they may, over, taken back, and too often.

use acuse_domain::access::Scope;
use acuse_server::api;
use acuse_server::route::Access;
use acuse_testkit::outside;
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;

use crate::attack::Attack;
use crate::installation::{Installation, Server};
use crate::scene::{NOBODYS, Scene};

const RUC: &str = "1790012344001";
/// Calls of one token in a minute.
const RATE: usize = 40;

pub async fn attacks(scene: &Scene) -> Vec<Attack> {
    let installation = Installation::new();
    let mut command = installation.command(&["serve"]);
    command.env("ACUSE_API_RATE", RATE.to_string());
    let server = installation.start(command).await;
    vec![scopes(scene).await, over(&installation, &server).await, flood(&installation, &server).await]
}

fn made(installation: &Installation, options: &[&str]) -> String {
    let own = ["token", "create", "--company", RUC, "--name", "Tienda"];
    installation.succeed(&[&own, options].concat(), "").trim().to_owned()
}

/// Every call of the API: its method, its path with nobody's ids, and the scope that it needs.
fn calls() -> Vec<(Method, String, Scope)> {
    let mut all = Vec::new();
    for (path, item, access) in api::access() {
        let Access::Holders(permission) = access else { continue };
        let scope = Scope::of(permission).expect("a call is for tokens");
        let parts = path.split('/').map(|part| if part.starts_with('{') { NOBODYS } else { part });
        let path = parts.collect::<Vec<_>>().join("/");
        let methods = [
            (Method::GET, item.get.is_some()),
            (Method::POST, item.post.is_some()),
            (Method::PUT, item.put.is_some()),
            (Method::PATCH, item.patch.is_some()),
            (Method::DELETE, item.delete.is_some()),
        ];
        all.extend(methods.into_iter().filter(|(_, is_there)| *is_there).map(|(method, _)| (method, path.clone(), scope)));
    }
    all
}

async fn problem(answer: Response) -> (StatusCode, Value) {
    (answer.status(), answer.json().await.unwrap_or(Value::Null))
}

/// With every scope but the one that it needs.
async fn scopes(scene: &Scene) -> Attack {
    let mut row = Attack::new("each call without its scope", "403 scope_missing, and the scope");
    for missing in Scope::ALL {
        let others = Scope::ALL.into_iter().filter(|scope| *scope != missing).map(Scope::as_str);
        let token = made(&scene.installation, &["--scopes", &others.collect::<Vec<_>>().join(",")]);
        for (method, path, _) in calls().into_iter().filter(|(_, _, scope)| *scope == missing) {
            let request = scene.request(method.clone(), &path).bearer_auth(&token).json(&serde_json::json!({}));
            let (status, said) = problem(request.send().await.expect("an answer")).await;
            let is_refused =
                status == StatusCode::FORBIDDEN && said["code"] == "scope_missing" && said["scope"] == missing.as_str();
            row.tried(is_refused, || format!("{method} {path} without {}: {status} {said}", missing.as_str()));
        }
    }
    row
}

async fn company(server: &Server, token: &str) -> Response {
    server.get("/api/v1/company").bearer_auth(token).send().await.expect("an answer")
}

async fn over(installation: &Installation, server: &Server) -> Attack {
    let mut row = Attack::new("token that is over, taken back, bent, elsewhere", "401, or 403 from elsewhere");
    let url = format!("sqlite://{}", installation.database().display());
    let token = made(installation, &[]);
    let good = company(server, &token).await.status();
    row.tried(good == StatusCode::OK, || format!("a good one: {good}"));
    let past = acuse_domain::day_in_ecuador(acuse_store::now()) - chrono::TimeDelta::days(1);
    outside::run(&url, "UPDATE api_token SET expires_on = $1", vec![past.into()]).await;
    let expired = company(server, &token).await.status();
    row.tried(expired == StatusCode::UNAUTHORIZED, || format!("expired: {expired}"));
    outside::run(&url, "UPDATE api_token SET expires_on = NULL", vec![]).await;
    // It ends itself.
    let done = server.api(Method::DELETE, "/token").send().await.expect("an answer").status();
    let after = company(server, &installation.token).await.status();
    row.tried(done.is_success() && after == StatusCode::UNAUTHORIZED, || format!("revoked with {done}: {after}"));
    for bent in [format!("{token}x"), token[..token.len() - 1].to_owned(), token.to_uppercase(), "acu_".to_owned()] {
        let status = company(server, &bent).await.status();
        row.tried(status == StatusCode::UNAUTHORIZED, || format!("bent: {status}"));
    }
    let elsewhere = company(server, &made(installation, &["--from", "190.152.4.0/24"])).await.status();
    row.tried(elsewhere == StatusCode::FORBIDDEN, || format!("from elsewhere: {elsewhere}"));
    row
}

async fn flood(installation: &Installation, server: &Server) -> Attack {
    let mut row = Attack::new("one token's flood", "429, RateLimit, Retry-After; others are served");
    let (loud, quiet) = (made(installation, &[]), made(installation, &[]));
    let mut served = 0;
    for n in 0..2 * RATE {
        let answer = company(server, &loud).await;
        let has = |name: &str| answer.headers().contains_key(name);
        let (status, is_told) = (answer.status(), has("ratelimit") && has("ratelimit-policy"));
        served += usize::from(status == StatusCode::OK);
        let is_bounded = status == StatusCode::OK || status == StatusCode::TOO_MANY_REQUESTS && has("retry-after");
        row.tried(is_bounded && is_told && served <= RATE + RATE / 2, || format!("{n}: {status}, {served} served"));
    }
    row.tried(served < 2 * RATE, || "every call is served".to_owned());
    let other = company(server, &quiet).await.status();
    row.tried(other == StatusCode::OK, || format!("another token: {other}"));
    let page = server.get("/entrar").send().await.expect("an answer").status();
    row.tried(page == StatusCode::OK, || format!("a page: {page}"));
    row
}
