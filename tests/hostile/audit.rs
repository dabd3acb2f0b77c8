//! The history in the hands of somebody with the database file, and what it tells to whoever takes it along.

use std::io::Read;
use std::time::Duration;

use acuse_testkit::outside;
use reqwest::Method;
use serde_json::json;

use crate::attack::Attack;
use crate::browser::Browser;
use crate::installation::{EMAIL, Installation, PASSWORD};
use crate::scene::Scene;

const RUC: &str = "1790012344001";
const MAIL_PASSWORD: &str = "s3creta-del-banco";
const NEW_PASSWORD: &str = "siete alpacas azules";
/// As long as sealing may take, a debug build on a busy machine.
const SEALED_WITHIN: u32 = 600;

pub async fn attacks(_: &Scene) -> Vec<Attack> {
    vec![altered().await, secrets().await]
}

fn verify(installation: &Installation) -> (Option<i32>, String) {
    let done = installation.run(&["audit", "verify"], "");
    (done.status.code(), String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr))
}

/// An installation in which something happened, sealed, and its server gone.
async fn sealed() -> (Installation, String) {
    let installation = Installation::new();
    let mut server = installation.serve().await;
    for n in 0..3 {
        let contact = json!({ "name": format!("Andina {n}"), "identification_type": "other", "identification": format!("AB-{n}"),
            "is_customer": true });
        server.api(Method::POST, "/contacts").json(&contact).send().await.expect("an answer");
    }
    for _ in 0..SEALED_WITHIN {
        if verify(&installation).1.contains(" 0 esperan su sello") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    server.stop();
    let url = format!("sqlite://{}", installation.database().display());
    (installation, url)
}

/// Each change by itself, on a copy of the same history.
async fn altered() -> Attack {
    let mut row = Attack::new("an entry changed or removed in the file", "`acuse audit verify` says so");
    let one = "(SELECT id FROM event WHERE kind = 'contact.created' ORDER BY id LIMIT 1)";
    let changes = [
        format!("UPDATE event SET who = 'Otra persona' WHERE id = {one}"),
        format!("UPDATE event SET at = '2020-01-01 00:00:00+00:00' WHERE id = {one}"),
        format!("UPDATE event SET source = '203.0.113.7' WHERE id = {one}"),
        format!("UPDATE event SET changes = '[]' WHERE id = {one}"),
        format!("UPDATE event SET kind = 'contact.changed' WHERE id = {one}"),
        format!("DELETE FROM event WHERE id = {one}"),
        format!("DELETE FROM event_seal WHERE event_id = {one}"),
        format!("UPDATE event_seal SET hash = zeroblob(32) WHERE event_id = {one}"),
        "UPDATE event_chain SET sealed = sealed - 1".to_owned(),
    ];
    let (installation, url) = sealed().await;
    let (code, said) = verify(&installation);
    row.tried(code == Some(0), || format!("unchanged: {code:?} {said}"));
    unguarded(&url).await;
    let (kept, database) = (installation.beside("whole"), installation.database());
    std::fs::copy(&database, &kept).expect("a copy");
    for change in changes {
        outside::run(&url, &change, vec![]).await;
        let (code, said) = verify(&installation);
        row.tried(code == Some(1), || format!("{change}: {code:?} {said}"));
        for log in ["db-wal", "db-shm"] {
            let _ = std::fs::remove_file(database.with_extension(log));
        }
        std::fs::copy(&kept, &database).expect("the copy back");
    }
    let (code, said) = verify(&installation);
    row.tried(code == Some(0), || format!("the copy back: {code:?} {said}"));
    row
}

/// Whoever has the file takes away what guards it, and leaves no log beside it.
async fn unguarded(url: &str) {
    for trigger in
        ["event_is_never_changed", "event_is_never_deleted", "event_seal_is_never_changed", "event_seal_is_never_deleted"]
    {
        outside::run(url, &format!("DROP TRIGGER IF EXISTS {trigger}"), vec![]).await;
    }
    outside::run(url, "PRAGMA wal_checkpoint(TRUNCATE)", vec![]).await;
}

/// All that a company's ZIP holds, as text.
fn taken_along(installation: &Installation) -> String {
    let file = installation.beside("todo.zip");
    installation.succeed(&["company", "export", "--ruc", RUC, "--to", file.to_str().expect("UTF-8")], "");
    let mut zip = zip::ZipArchive::new(std::fs::File::open(file).expect("it was written")).expect("a ZIP");
    let mut all = Vec::new();
    for place in 0..zip.len() {
        zip.by_index(place).expect("a file").read_to_end(&mut all).expect("it opens");
    }
    assert!(all.len() > 1_000, "the ZIP is empty");
    String::from_utf8_lossy(&all).into_owned()
}

/// Whatever is secret is typed somewhere, and looked for in all that can be taken along.
async fn secrets() -> Attack {
    let mut row = Attack::new("secrets in the history and in the export", "none of them");
    let installation = Installation::new();
    let server = installation.serve().await;
    let mut owner = Browser::of(&server, EMAIL).await;
    let account = json!({ "module": "received_payments", "server": "smtp.example.com", "port": 587, "security": "starttls",
        "username": "cobros", "password": MAIL_PASSWORD, "from_address": "cobros@example.com", "from_name": "Cobros" });
    let made = server.api(Method::POST, "/mail-accounts").json(&account).send().await.expect("an answer").status();
    row.tried(made.is_success(), || format!("the account: {made}"));
    let invited = owner.post("/mi-compania/usuarios/invitar", &[("correo", "a@cotopaxi.ec"), ("rol", "viewer")]).await;
    let link = invited.between("/invitacion/", "\"");
    let proposed = owner.get("/mi-cuenta/segundo-paso").await;
    let totp = proposed.between("<code class=\"ac-mono ac-selectall\">", "</code>").replace(' ', "");
    owner.post("/mi-cuenta/clave", &[("actual", PASSWORD), ("nueva", NEW_PASSWORD)]).await;
    Browser::new(&server).log_in(EMAIL, "contraseña mal escrita").await;
    let session = owner.cookies.get("acuse_sesion").cloned().unwrap_or_default();
    let browser = owner.cookies.get("acuse_equipo").cloned().unwrap_or_default();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let list = owner.get("/mi-compania/historial").await.text;
    let csv = owner.get("/mi-compania/historial.csv").await.text;
    row.tried(csv.lines().count() > 5, || format!("the history is short: {csv}"));
    let texts = [("historial", list), ("historial.csv", csv), ("the ZIP", taken_along(&installation)), ("the log", server.log())];
    let secrets = [
        ("the mail password", MAIL_PASSWORD),
        ("the password", PASSWORD),
        ("the new password", NEW_PASSWORD),
        ("a wrong password", "contraseña mal escrita"),
        ("the token", installation.token.as_str()),
        ("the session", session.as_str()),
        ("the browser", browser.as_str()),
        ("the link", link.as_str()),
        ("the codes' secret", totp.as_str()),
    ];
    for (what, secret) in secrets {
        assert!(secret.len() > 5, "{what} is not known");
        for (place, text) in &texts {
            row.tried(!text.contains(secret), || format!("{what} stands in {place}"));
        }
    }
    row
}
