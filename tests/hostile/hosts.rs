//! Where an answer leads: another host's name in a header, another address in a field.

use reqwest::{Method, StatusCode};
use url::Url;

use crate::attack::Attack;
use crate::installation::{EMAIL, PASSWORD};
use crate::raw::say;
use crate::scene::{Scene, encoded};

const ELSEWHERE: &str = "malo.ec";

pub async fn attacks(scene: &Scene) -> Vec<Attack> {
    vec![named_by_headers(scene).await, named_raw(scene).await, volver(scene).await, two_requests(scene).await]
}

async fn named_by_headers(scene: &Scene) -> Attack {
    let mut row = Attack::new("host named by a header", "no answer leads there");
    let headers = [
        ("host", ELSEWHERE),
        ("x-forwarded-host", ELSEWHERE),
        ("x-host", ELSEWHERE),
        ("x-forwarded-server", ELSEWHERE),
        ("forwarded", "host=malo.ec;proto=https"),
        ("x-original-url", "https://malo.ec/"),
        ("x-rewrite-url", "https://malo.ec/"),
        ("x-forwarded-prefix", "//malo.ec"),
        ("referer", "https://malo.ec/personas"),
        ("x-forwarded-for", "malo.ec"),
    ];
    for (name, value) in headers {
        for path in ["/", "/entrar", "/personas", "/mi-compania", "/nada", "/openapi.json", "/docs", "/api/v1/company"] {
            for session in ["", scene.owner()] {
                let request = scene.request(Method::GET, path).header(name, value).header("cookie", session);
                let answer = request.send().await.expect("an answer");
                let leads = answer.headers().values().any(|value| value.to_str().is_ok_and(|text| text.contains(ELSEWHERE)));
                let text = answer.text().await.unwrap_or_default();
                row.tried(!leads && !text.contains(ELSEWHERE), || format!("{name}: {value} at {path}"));
            }
        }
    }
    row
}

async fn named_raw(scene: &Scene) -> Attack {
    let mut row = Attack::new("host named twice, or in the request line", "no answer leads there");
    let own = scene.server.address();
    for head in [
        format!("GET / HTTP/1.1\r\nHost: {own}\r\nHost: {ELSEWHERE}\r\n\r\n"),
        format!("GET http://{ELSEWHERE}/ HTTP/1.1\r\nHost: {own}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: {own}@{ELSEWHERE}\r\n\r\n"),
        format!("GET //{ELSEWHERE}/ HTTP/1.1\r\nHost: {own}\r\n\r\n"),
        format!("GET /%0d%0aLocation:%20https://{ELSEWHERE} HTTP/1.1\r\nHost: {own}\r\n\r\n"),
        format!("CONNECT {ELSEWHERE}:443 HTTP/1.1\r\nHost: {ELSEWHERE}:443\r\n\r\n"),
        format!("TRACE / HTTP/1.1\r\nHost: {own}\r\nCookie: {ELSEWHERE}\r\n\r\n"),
    ] {
        let heard = say(&scene.server, head.as_bytes()).await;
        // A login that goes on to a path of ours may have a name in it, written as one.
        let text = heard.text().replace("volver=%2F%2Fmalo%2Eec", "").to_lowercase();
        row.tried(!text.contains(ELSEWHERE) && heard.status() < 500, || format!("{head:?}: {}", heard.text()));
    }
    row
}

async fn volver(scene: &Scene) -> Attack {
    let mut row = Attack::new("open redirect by «volver»", "a path of ours, one line");
    let here = Url::parse(&scene.server.url).expect("an address");
    for wanted in [
        "https://malo.ec",
        "http:malo.ec",
        "//malo.ec",
        "///malo.ec",
        "////malo.ec",
        "/\\malo.ec",
        "\\\\malo.ec",
        "\\/malo.ec",
        "/\t/malo.ec",
        "/\n/malo.ec",
        "/\r\nLocation: https://malo.ec",
        "/%0d%0aSet-Cookie:%20a=b",
        "javascript:alert(1)",
        "data:text/html,x",
        "/.//malo.ec",
        "/..//malo.ec",
        "/%2f/malo.ec",
        "@malo.ec",
        "malo.ec",
        " //malo.ec",
        "/ /malo.ec",
        "/\u{2044}malo.ec",
        "/\u{ff0f}malo.ec",
        "https:///malo.ec",
        "/entrar?volver=//malo.ec",
        "?x=//malo.ec",
        "#//malo.ec",
        "/\0/malo.ec",
        "//malo.ec@127.0.0.1/",
        "/;//malo.ec",
    ] {
        let posts = [
            scene.server.form("", "/entrar", &[("correo", EMAIL), ("clave", PASSWORD), ("volver", wanted)]),
            scene.server.form("", "/tema", &[("tema", "claro"), ("volver", wanted)]),
            scene.server.form(scene.owner(), "/envios", &[("accion", "reintentar"), ("volver", wanted)]),
            scene.request(Method::GET, &format!("/entrar?volver={}", encoded(wanted))).header("cookie", scene.owner()),
        ];
        for (place, request) in posts.into_iter().enumerate() {
            let answer = request.send().await.expect("an answer");
            let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap_or("?").to_owned());
            let to = header("location");
            let stays = to.as_ref().is_none_or(|to| here.join(to).is_ok_and(|to| to.origin() == here.origin()));
            let adds = answer.headers().get_all("set-cookie").iter().any(|cookie| cookie.as_bytes().starts_with(b"a=b"));
            row.tried(stays && !adds && header("refresh").is_none(), || format!("{place} {wanted:?}: {to:?}"));
        }
    }
    row
}

/// RFC 9112 6.3: where a request ends is told in one way, or it is refused.
async fn two_requests(scene: &Scene) -> Attack {
    let mut row = Attack::new("request smuggled behind another", "one meaning, or 4xx and closed");
    let own = scene.server.address();
    let hidden = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
    let heads = [
        format!("Content-Length: 6\r\nContent-Length: {}\r\n\r\nabcdef{hidden}", 6 + hidden.len()),
        format!("Content-Length: +6\r\n\r\nabcdef{hidden}"),
        format!("Content-Length: 6, 6\r\nTransfer-Encoding: identity\r\n\r\nabcdef{hidden}"),
        format!("Transfer-Encoding: xchunked\r\nContent-Length: 6\r\n\r\nabcdef{hidden}"),
        format!("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{hidden}"),
        format!("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx\r\n0\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n{hidden}"),
        format!("X: a\r\n b\r\nContent-Length: 6 6\r\n\r\nabcdef{hidden}"),
        format!("X\0: a\r\nContent-Length: 6\r\n\r\nabcdef{hidden}"),
    ];
    for head in heads {
        let heard = say(&scene.server, format!("POST /entrar HTTP/1.1\r\nHost: {own}\r\n{head}").as_bytes()).await;
        let is_refused = matches!(heard.status(), 0 | 400..=499) && heard.answers() <= 1;
        row.tried(is_refused, || format!("{head:?}: {} answers, {}", heard.answers(), heard.status()));
    }
    // RFC 9112 6.3: the coding counts and the length is passed over; what follows is a request of its own.
    let both = format!(
        "POST /entrar HTTP/1.1\r\nHost: {own}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
    );
    let heard = say(&scene.server, both.as_bytes()).await;
    row.tried(matches!(heard.status(), 400..=499) && heard.answers() <= 2, || format!("both: {}", heard.text()));
    let status = scene.request(Method::GET, "/healthz").send().await.expect("an answer").status();
    row.tried(status == StatusCode::OK, || "it no longer answers".to_owned());
    row
}
