//! Requests that another site makes in the name of whoever is logged in.

use acuse_server::web;
use reqwest::{Method, StatusCode};

use crate::attack::Attack;
use crate::scene::Scene;

/// What a browser says of a form that another site, a sibling, another port or a sandboxed frame sends.
const FOREIGN: [&[(&str, &str)]; 6] = [
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
    &[("origin", "https://malo.ec")],
    &[("origin", "null")],
    &[("origin", "http://127.0.0.1:1")],
    &[("origin", "https://malo.ec"), ("sec-fetch-site", "cross-site"), ("referer", "https://malo.ec/")],
];

pub async fn attacks(scene: &Scene) -> Vec<Attack> {
    vec![forms(scene).await, by_get(scene).await, other_origins(scene).await]
}

async fn forms(scene: &Scene) -> Attack {
    let mut row = Attack::new("form of another site, every form", "403");
    for route in web::pages().into_iter().filter(|route| route.method == Method::POST) {
        for headers in FOREIGN {
            let mut request = scene.request(Method::POST, &scene.ours.at(&route.path)).header("cookie", scene.owner());
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let status = request.form(&[("accion", "guardar")]).send().await.expect("an answer").status();
            row.tried(status == StatusCode::FORBIDDEN, || format!("{} {headers:?}: {status}", route.path));
        }
    }
    row
}

/// A picture or a link is all that it takes to make somebody's browser ask by GET.
async fn by_get(scene: &Scene) -> Attack {
    let mut row = Attack::new("form sent by GET, or a method in a header", "refused; nothing is done");
    let readable: Vec<String> =
        web::pages().into_iter().filter(|route| route.method == Method::GET).map(|route| route.path).collect();
    for route in web::pages().into_iter().filter(|route| route.method == Method::POST && !readable.contains(&route.path)) {
        let path = scene.ours.at(&route.path);
        let asked = [
            scene.request(Method::GET, &format!("{path}?accion=guardar&motivo=x")),
            scene.request(Method::GET, &path).header("x-http-method-override", "POST"),
            scene.request(Method::HEAD, &path),
        ];
        for request in asked {
            let status = request.header("cookie", scene.owner()).send().await.expect("an answer").status();
            row.tried(matches!(status.as_u16(), 404 | 405 | 422), || format!("{path}: {status}"));
        }
    }
    row
}

async fn other_origins(scene: &Scene) -> Attack {
    let mut row = Attack::new("answer read by another site's script (CORS)", "no Access-Control-Allow-Origin");
    for origin in ["https://malo.ec", "null", "http://127.0.0.1:1"] {
        for (method, path) in [
            (Method::GET, "/api/v1/company"),
            (Method::OPTIONS, "/api/v1/contacts"),
            (Method::GET, "/personas"),
            (Method::OPTIONS, "/personas/nueva"),
            (Method::GET, "/openapi.json"),
        ] {
            let request = scene.request(method.clone(), path).header("origin", origin);
            let request = request.header("access-control-request-method", "POST").header("cookie", scene.owner());
            let answer = request.bearer_auth(&scene.installation.token).send().await.expect("an answer");
            let found = answer.headers().keys().find(|name| name.as_str().starts_with("access-control-"));
            row.tried(found.is_none(), || format!("{method} {path} from {origin}: {found:?}"));
        }
    }
    row
}
