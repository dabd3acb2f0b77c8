//! Files beside those that are served.

use reqwest::Method;

use crate::attack::Attack;
use crate::raw::say;
use crate::scene::Scene;

/// Words of files that nobody is served: the accounts of the machine, the database, the settings, the sources.
const TELLING: [&str; 6] = ["root:x:0", "SQLite format 3", "[package]", "secret.key", "[core]", "HTTP/1.1 200"];

pub async fn attacks(scene: &Scene) -> Vec<Attack> {
    vec![traversal(scene).await, left_behind(scene).await]
}

async fn traversal(scene: &Scene) -> Attack {
    let mut row = Attack::new("path out of what is served", "4xx, and no word of a file");
    let ways =
        ["../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..\\", "....//", "%252e%252e%252f", "..;/", "..%00/", "..%c0%af"];
    let starts = ["/static/x/", "/static/", "/demo/buzon/", "/cobros/", "/api/v1/payments/", "/"];
    let mut paths = Vec::new();
    for way in ways {
        for start in starts {
            paths.push(format!("{start}{}etc/passwd", way.repeat(12)));
        }
        paths.push(format!("/static/x/{}Cargo.toml", way.repeat(3)));
        paths.push(format!("/static/x/{way}{way}data/acuse.db"));
    }
    paths.extend(
        ["/static/x//etc/passwd", "/static/x/fonts", "/static/", "/static/x/", "/static/x/acuse.css.br"].map(str::to_owned),
    );
    for path in paths {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", scene.server.address());
        let heard = say(&scene.server, request.as_bytes()).await;
        let tells = TELLING.iter().find(|words| heard.text().contains(**words));
        row.tried(tells.is_none() && (300..500).contains(&heard.status()), || format!("{path}: {} {tells:?}", heard.status()));
    }
    row
}

async fn left_behind(scene: &Scene) -> Attack {
    let mut row = Attack::new("files that others leave behind", "404 or the login");
    let paths = [
        "/.git/config",
        "/.env",
        "/.well-known/security.txt.bak",
        "/acuse.db",
        "/data/acuse.db",
        "/secret.key",
        "/backup.zip",
        "/server-status",
        "/debug/pprof/",
        "/actuator/env",
        "/phpinfo.php",
        "/wp-login.php",
        "/graphql",
        "/api/swagger.json",
        "/console",
        "/.DS_Store",
        "/Cargo.lock",
        "/static/x/acuse.js.map",
    ];
    for path in paths {
        for session in ["", scene.owner()] {
            let answer = scene.request(Method::GET, path).header("cookie", session).send().await.expect("an answer");
            let status = answer.status();
            row.tried(matches!(status.as_u16(), 303 | 401 | 403 | 404 | 422), || format!("{path}: {status}"));
        }
    }
    row
}
