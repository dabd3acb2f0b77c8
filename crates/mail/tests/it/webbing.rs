//! HTTPS to the outside: under the guard's rules at every step, bounded, and silent about what it carries.

use std::time::Duration;

use acuse_mail::guard::{Network, Unreachable};
use acuse_mail::https::{Post, Web, WebError};
use acuse_testkit::dns::{DnsServer, Zone};
use tokio::time::Instant;

use crate::certificates::Authority;
use crate::scripted::{Act, FallSilent, Server};
use crate::web_server::{WebServer, page, redirect};

const WITHIN: Duration = Duration::from_secs(3);
const INSIDE: WebError = WebError::Unreachable(Unreachable::AddressNotAllowed);

/// Names that stand for this machine, of which only web.ec and otra.ec may be reached.
async fn names() -> DnsServer {
    let zone = Zone::new().address("web.ec", "127.0.0.1").address("otra.ec", "127.0.0.1").address("interna.ec", "127.0.0.1");
    DnsServer::start(zone).await
}

fn web(dns: &DnsServer, authority: &Authority) -> Web {
    let network = Network::new(&["web.ec".to_owned(), "otra.ec".to_owned()], Some(authority.pem.as_bytes())).unwrap();
    Web::new(&network.with_nameservers(&[dns.address()]))
}

#[tokio::test]
async fn a_page_comes_with_its_status_and_its_body() {
    let (dns, authority) = (names().await, Authority::new());
    let server = WebServer::start(authority.server(&["web.ec"]), |request| match request.split(' ').nth(1) {
        Some("/hay") => page("200 OK", "<a/>"),
        _ => page("404 Not Found", "nada"),
    })
    .await;
    let found = web(&dns, &authority).get(&format!("https://web.ec:{}/hay", server.port()), WITHIN).await.unwrap();
    assert_eq!((found.status, found.is_success(), found.body.as_slice()), (200, true, b"<a/>".as_slice()));
    assert_eq!((found.content_type.as_str(), found.header("connection")), ("text/xml", Some("close")));
    let none = web(&dns, &authority).get(&format!("https://web.ec:{}/no", server.port()), WITHIN).await.unwrap();
    assert_eq!((none.status, none.is_success()), (404, false));
}

#[tokio::test]
async fn a_form_goes_out_whole_and_to_one_host_only() {
    let (dns, authority) = (names().await, Authority::new());
    let server = WebServer::start(authority.server(&["web.ec"]), |request| match request.split(' ').nth(1) {
        Some("/token") => page("200 OK", "{\"access_token\":\"muy-secreto\"}"),
        _ => redirect("https://otra.ec/token"),
    })
    .await;
    let (web, url) = (web(&dns, &authority), |path: &str| format!("https://web.ec:{}{path}", server.port()));
    let secret = "clave ñ".into();
    let fields = [("grant_type", "refresh_token"), ("refresh_token", "a&b=ñ")];
    let post = Post {
        url: &url("/token"),
        fields: &fields,
        basic_auth: Some(("yo", &secret)),
        headers: &[("Accept", "application/json")],
    };
    let answer = web.post_form(&post, WITHIN).await.unwrap();
    assert_eq!(answer.status, 200);
    let heard = server.heard().concat();
    assert!(heard.ends_with("grant_type=refresh_token&refresh_token=a%26b%3D%C3%B1"), "{heard}");
    assert!(heard.contains("authorization: Basic ") && heard.contains("application/json"), "{heard}");
    // What a token endpoint answers is in no log.
    assert!(!format!("{answer:?}").contains("muy-secreto"));
    let moved = web.post_form(&Post { url: &url("/otra"), ..post }, WITHIN).await.unwrap();
    assert_eq!(moved.status, 302);
}

#[tokio::test]
async fn only_https_goes_out_and_only_to_the_outside() {
    let (dns, authority) = (names().await, Authority::new());
    let server = WebServer::start(authority.server(&["web.ec", "127.0.0.1"]), |_| page("200 OK", "")).await;
    let port = server.port();
    for (url, expected) in [
        ("http://web.ec/".to_owned(), WebError::InvalidUrl),
        ("ftp://web.ec/".to_owned(), WebError::InvalidUrl),
        ("file:///etc/passwd".to_owned(), WebError::InvalidUrl),
        ("https://yo:clave@web.ec/".to_owned(), WebError::InvalidUrl),
        ("web.ec".to_owned(), WebError::InvalidUrl),
        (format!("https://127.0.0.1:{port}/"), INSIDE),
        (format!("https://2130706433:{port}/"), INSIDE),
        (format!("https://0x7f.1:{port}/"), INSIDE),
        (format!("https://[::1]:{port}/"), INSIDE),
        (format!("https://[::ffff:127.0.0.1]:{port}/"), INSIDE),
        (format!("https://[64:ff9b::7f00:1]:{port}/"), INSIDE),
        (format!("https://localhost:{port}/"), INSIDE),
        (format!("https://interna.ec:{port}/"), INSIDE),
        ("https://169.254.169.254/latest/meta-data/".to_owned(), INSIDE),
        ("https://nada.ec/".to_owned(), WebError::Unreachable(Unreachable::HostNotFound)),
        ("https://198.41.0.4:22/".to_owned(), WebError::Unreachable(Unreachable::PortNotAllowed)),
        ("https://198.41.0.4:6379/".to_owned(), WebError::Unreachable(Unreachable::PortNotAllowed)),
    ] {
        assert_eq!(web(&dns, &authority).get(&url, WITHIN).await.map(drop), Err(expected), "{url}");
    }
    assert_eq!(server.heard(), [""; 0]);
}

#[tokio::test]
async fn a_redirect_is_judged_like_the_first_address() {
    let (dns, authority) = (names().await, Authority::new());
    let inside = WebServer::start(authority.server(&["interna.ec", "127.0.0.1"]), |_| page("200 OK", "secreto")).await;
    let internal = inside.port();
    let server = WebServer::start(authority.server(&["web.ec", "otra.ec"]), move |request| {
        let to = request.split(' ').nth(1).and_then(|path| path.strip_prefix("/a?")).unwrap_or_default().to_owned();
        match to.as_str() {
            "" => page("200 OK", "llegó"),
            to => redirect(&to.replace("INTERNO", &internal.to_string())),
        }
    })
    .await;
    let port = server.port();
    for (to, expected) in [
        ("http://web.ec/".to_owned(), WebError::BadRedirect),
        ("//yo:clave@web.ec/".to_owned(), WebError::BadRedirect),
        ("javascript:alert(1)".to_owned(), WebError::BadRedirect),
        ("https://127.0.0.1:INTERNO/".to_owned(), INSIDE),
        ("https://interna.ec:INTERNO/".to_owned(), INSIDE),
        ("https://169.254.169.254/latest/meta-data/".to_owned(), INSIDE),
        ("https://198.41.0.4:22/".to_owned(), WebError::Unreachable(Unreachable::PortNotAllowed)),
    ] {
        let found = web(&dns, &authority).get(&format!("https://web.ec:{port}/a?{to}"), WITHIN).await;
        assert_eq!(found.map(drop), Err(expected), "{to}");
    }
    assert_eq!(inside.heard(), [""; 0]);
    let found = web(&dns, &authority).get(&format!("https://web.ec:{port}/a?/b"), WITHIN).await.unwrap();
    assert_eq!((found.body.as_slice(), found.url), ("llegó".as_bytes(), format!("https://web.ec:{port}/b")));
    // Another host learns nothing of what was meant for the first.
    let url = format!("https://web.ec:{port}/a?https://otra.ec:{port}/c");
    web(&dns, &authority).get_with(&url, &[("Authorization", "Bearer xyz")], WITHIN).await.unwrap();
    let heard = server.heard();
    assert!(heard[heard.len() - 2].contains("Bearer xyz") && !heard[heard.len() - 1].contains("Bearer"), "{heard:?}");
}

#[tokio::test]
async fn a_circle_of_redirects_is_left() {
    let (dns, authority) = (names().await, Authority::new());
    let server = WebServer::start(authority.server(&["web.ec"]), |_| redirect("/otra-vez")).await;
    let found = web(&dns, &authority).get(&format!("https://web.ec:{}/", server.port()), WITHIN).await;
    assert_eq!(found.map(drop), Err(WebError::TooManyRedirects));
    assert_eq!(server.heard().len(), 4);
}

#[tokio::test]
async fn a_name_that_moves_inside_is_judged_anew_each_time() {
    let authority = Authority::new();
    let server = WebServer::start(authority.server(&["cambia.ec"]), |_| page("200 OK", "")).await;
    let dns = DnsServer::start(Zone::new().changing("cambia.ec", &["127.0.0.9", "127.0.0.1"])).await;
    // 127.0.0.9 plays the public address: allowed, and it is what the first attempt connects to.
    let network = Network::new(&["127.0.0.9".to_owned()], Some(authority.pem.as_bytes())).unwrap();
    let web = Web::new(&network.with_nameservers(&[dns.address()]));
    let url = format!("https://cambia.ec:{}/", server.port());
    let first = web.get(&url, WITHIN).await.map(drop);
    assert_ne!(first, Err(INSIDE));
    assert_eq!(dns.asked().iter().filter(|asked| *asked == "A cambia.ec").count(), 1);
    assert_eq!(server.heard(), [""; 0]);
    assert_eq!(web.get(&url, WITHIN).await.map(drop), Err(INSIDE));
}

#[tokio::test]
async fn who_cannot_prove_the_name_is_not_spoken_to() {
    let (dns, authority) = (names().await, Authority::new());
    let misnamed = WebServer::start(authority.server(&["otro-nombre.ec"]), |_| page("200 OK", "")).await;
    let stranger = WebServer::start(Authority::new().server(&["web.ec"]), |_| page("200 OK", "")).await;
    let plain = Server::start(vec![Act::Say("HTTP/1.1 200 OK\r\n\r\n"), FallSilent]).await;
    for port in [misnamed.port(), stranger.port(), plain.address.port()] {
        let found = web(&dns, &authority).get(&format!("https://web.ec:{port}/"), WITHIN).await;
        assert_eq!(found.map(drop), Err(WebError::NotTrusted), "{port}");
    }
    assert_eq!(misnamed.heard().len() + stranger.heard().len(), 0);
}

#[tokio::test]
async fn an_answer_has_an_end_in_bytes_and_in_time() {
    let (dns, authority) = (names().await, Authority::new());
    let server = WebServer::start(authority.server(&["web.ec"]), |request| match request.split(' ').nth(1) {
        Some("/larga") => page("200 OK", &"x".repeat(300 * 1024)),
        Some("/sin-largo") => Some(format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(300 * 1024)).into_bytes()),
        Some("/justa") => page("200 OK", &"x".repeat(256 * 1024)),
        Some("/rara") => Some(b"220 mail.empresa.ec ESMTP\r\n".to_vec()),
        Some("/cortada") => Some(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc".to_vec()),
        Some("/cabeza") => Some(format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1 << 20)).into_bytes()),
        _ => None,
    })
    .await;
    let get = async |path: &str, within| {
        let url = format!("https://web.ec:{}{path}", server.port());
        web(&dns, &authority).get(&url, within).await.map(|answer| answer.body.len())
    };
    assert_eq!(get("/justa", WITHIN).await, Ok(256 * 1024));
    assert_eq!(get("/larga", WITHIN).await, Err(WebError::TooLong));
    assert_eq!(get("/sin-largo", WITHIN).await, Err(WebError::TooLong));
    for path in ["/rara", "/cortada", "/cabeza"] {
        assert_eq!(get(path, WITHIN).await, Err(WebError::Broken), "{path}");
    }
    let begun = Instant::now();
    assert_eq!(get("/nunca", Duration::from_millis(300)).await, Err(WebError::Timeout));
    assert!(begun.elapsed() < Duration::from_secs(2));
}
