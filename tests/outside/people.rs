//! From an empty folder to a second person who loses a role in mid-form, in the browser alone.

use reqwest::{Response, StatusCode};

use crate::installation::Installation;

const PASSWORD: &str = "una clave larga";

fn cookie(answer: &Response) -> String {
    let cookies = answer.headers().get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
    cookies.filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ")
}

/// What stands between two texts.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}")).1;
    rest.split_once(after).expect("an end").0
}

#[tokio::test]
async fn the_first_person_begins_invites_and_takes_a_role_back_without_the_command_line() {
    let installation = Installation::empty();
    let said = installation.beside("said");
    let command = installation.sh("exec \"$0\" serve >said");
    let server = installation.start(command).await;
    let printed = std::fs::read_to_string(&said).unwrap();
    let path = printed.trim().rsplit_once(&server.url).expect("the link is printed").1.to_owned();
    assert!(!server.log().contains("primer-inicio"), "and not logged");
    let entry = server.get("/entrar").send().await.unwrap();
    assert_eq!(entry.headers()["location"], "/primer-inicio");
    let form = [
        ("ruc", "1790012344001"),
        ("razon", "Distribuidora Cotopaxi"),
        ("nombre", "Ana"),
        ("correo", "ana@cotopaxi.ec"),
        ("clave", PASSWORD),
    ];
    let begun = server.form("", &path, &form).send().await.unwrap();
    assert_eq!(begun.status(), StatusCode::SEE_OTHER, "{}", server.log());
    let ana = cookie(&begun);
    assert_eq!(server.form("", &path, &form).send().await.unwrap().status(), StatusCode::SEE_OTHER, "once: to the login");

    let form = [("correo", "caja@cotopaxi.ec"), ("rol", "accountant")];
    let invited = server.form(&ana, "/mi-compania/usuarios/invitar", &form).send().await.unwrap().text().await.unwrap();
    let link = between(&invited, "id=\"enlace\" value=\"", "\"").to_owned();
    let link = link.strip_prefix(server.url.as_str()).expect("a link of ours");
    let accept = [("nombre", "Vero"), ("clave", PASSWORD)];
    let (one, two) = tokio::join!(server.form("", link, &accept).send(), server.form("", link, &accept).send());
    let (one, two) = (one.unwrap(), two.unwrap());
    let statuses = [one.status(), two.status()];
    assert!(statuses.contains(&StatusCode::SEE_OTHER) && statuses.contains(&StatusCode::GONE), "{statuses:?}");
    let vero = cookie(if one.status() == StatusCode::SEE_OTHER { &one } else { &two });

    let page = async |session: &str, path: &str| server.get(path).header("Cookie", session).send().await.unwrap();
    assert_eq!(page(&vero, "/cobros/nuevo").await.status(), StatusCode::OK);
    let users = page(&ana, "/mi-compania/usuarios").await.text().await.unwrap();
    let path = format!("/mi-compania/usuarios/{}", between(&users, "href=\"/mi-compania/usuarios/0", "\"").to_owned());
    let path = path.replace("usuarios/", "usuarios/0");
    server.form(&ana, &path, &[("rol", "viewer")]).send().await.unwrap();
    let form = [("persona", "Andina"), ("descripcion", "Abono de noviembre"), ("accion", "guardar")];
    let lost = server.form(&vero, "/cobros/nuevo", &form).send().await.unwrap();
    assert_eq!(lost.status(), StatusCode::FORBIDDEN);
    let lost = lost.text().await.unwrap();
    assert!(lost.contains("Su rol no permite esto") && lost.contains("Abono de noviembre"), "{lost}");
    server.form(&ana, &format!("{path}/quitar"), &[("x", "y")]).send().await.unwrap();
    let out = page(&vero, "/cobros").await;
    assert!(out.status().is_redirection(), "{}", out.status());
}
