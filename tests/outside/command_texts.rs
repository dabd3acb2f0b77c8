//! What the commands keep of a text is what forms and the API would: one line that can be shown and sent, or nothing.

use acuse_domain::email_address::EmailAddress;
use acuse_domain::text;
use reqwest::Method;
use serde_json::Value;

use crate::installation::Installation;

const RUC: &str = "1790012344001";
const PASSWORD: &str = "una clave larga";

/// Controls, breaks, what is not seen, what reorders, marks that pile up, and nothing at all.
fn odd_texts() -> Vec<String> {
    let letters =
        ["", "   ", "\u{200b}\u{202e}", "\u{feff}", "Uno\nDos", "Uno\r\nBcc: x@y.ec", "\tUno  dos ", "U\u{7}no", "U\u{1b}[2Jno"];
    let more = ["Uno\u{202e}sod", "U\u{85}no\u{2028}dos", "Ñandú Cía. «Ltda.»", "Ñandu\u{301}", "  Uno\u{200d}  "];
    let long = ["x".repeat(100_000), "ñ".repeat(301), "ñ".repeat(150), format!("a{}", "\u{301}".repeat(400))];
    letters.into_iter().chain(more).map(str::to_owned).chain(long).collect()
}

/// The list that a command prints with `--json`.
fn listed(installation: &Installation, arguments: &[&str]) -> Vec<Value> {
    let printed = installation.succeed(arguments, "");
    let value: Value = serde_json::from_str(&printed).unwrap();
    value["data"].as_array().unwrap().clone()
}

/// Takes the text, or says with 1 which option is wrong and keeps nothing.
fn is_taken(installation: &Installation, arguments: &[&str], option: &str) -> bool {
    let done = installation.run(arguments, PASSWORD);
    let said = String::from_utf8_lossy(&done.stderr);
    match done.status.code() {
        Some(0) => true,
        Some(1) => {
            assert!(said.contains(option), "{arguments:?}: {said}");
            false
        }
        other => panic!("{arguments:?} ended with {other:?}: {said}"),
    }
}

/// What is left of what was typed, where it is at most `most` letters.
fn expected(typed: &str, most: usize) -> Option<String> {
    text::optional(Some(typed)).filter(|text| text.chars().count() <= most)
}

fn rucs() -> impl Iterator<Item = String> {
    (1..).map(|n| format!("1790012344{n:03}")).filter(|ruc| ruc != RUC)
}

#[tokio::test]
async fn every_name_is_one_line_or_refused() {
    let installation = Installation::new();
    let (mut companies, mut users, mut tokens) = (Vec::new(), Vec::new(), Vec::new());
    for (n, (typed, ruc)) in odd_texts().iter().zip(rucs()).enumerate() {
        let company = is_taken(&installation, &["company", "create", "--ruc", &ruc, "--name", typed], "--name");
        assert_eq!(company, expected(typed, 300).is_some(), "{typed:.40?}");
        companies.extend(expected(typed, 300));
        let email = format!("u{n}@cotopaxi.ec");
        is_taken(&installation, &["user", "create", "--email", &email, "--company", RUC, "--name", typed], "--name");
        users.extend(expected(typed, 150));
        is_taken(&installation, &["token", "create", "--company", RUC, "--name", typed], "--name");
        tokens.extend(expected(typed, 150));
    }
    for (arguments, mut wanted) in [
        (["company", "list", "--json"], [companies, vec!["Distribuidora Cotopaxi".to_owned()]].concat()),
        (["user", "list", "--json"], [users, vec!["ana".to_owned()]].concat()),
        (["token", "list", "--json"], [tokens, vec!["ERP".to_owned()]].concat()),
    ] {
        let rows = listed(&installation, &arguments);
        let mut kept: Vec<String> = rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
        kept.sort();
        wanted.sort();
        assert_eq!(kept, wanted, "{arguments:?}");
        assert!(kept.iter().all(|name| text::one_line(name) == *name), "{kept:?}");
    }
    // A token is found by the name that was typed.
    is_taken(&installation, &["token", "create", "--company", RUC, "--name", " Tienda\ten línea "], "--name");
    installation.succeed(&["token", "revoke", "--company", RUC, "--name", " Tienda\ten línea "], "");
}

#[tokio::test]
async fn every_number_and_address_is_kept_as_it_was_read_or_refused() {
    let installation = Installation::new();
    for typed in
        ["1790012344002\n", " 179 001 2344 003 ", "１７９００１２３４４００４", "1790012344\u{200b}005", "179001234400", ""]
    {
        is_taken(&installation, &["company", "create", "--ruc", typed, "--name", "Uno"], "--ruc");
    }
    for row in listed(&installation, &["company", "list", "--json"]) {
        let ruc = row["ruc"].as_str().unwrap();
        assert!(ruc.len() == 13 && ruc.bytes().all(|byte| byte.is_ascii_digit()), "{ruc:?}");
    }
    let mut taken = Vec::new();
    let addresses = [
        "Eva@Cotopaxi.EC",
        " luis@cotopaxi.ec\n",
        "İ@x.ec",
        "ÉVA@x.ec",
        "e\u{301}va2@x.ec",
        "a@İ.ec",
        "ana@Ñandú.ec",
        "a@x.ec\r\nBcc: b@x.ec",
        "a@x.ec;b@x.ec",
        "a b@x.ec",
        "a\u{202e}@x.ec",
        "ana",
        "",
    ];
    for typed in addresses {
        if is_taken(&installation, &["user", "create", "--email", typed, "--company", RUC], "dirección de correo") {
            taken.push(typed);
            // They are known by what was typed.
            installation.succeed(&["user", "logout", "--email", typed], "");
        }
    }
    assert!(taken.len() >= 4 && taken.len() < addresses.len(), "{taken:?}");
    for row in listed(&installation, &["user", "list", "--json"]) {
        let kept = row["email"].as_str().unwrap();
        assert_eq!(kept.parse::<EmailAddress>().unwrap().as_str(), kept);
    }
    let server = installation.serve().await;
    for typed in taken {
        let form = [("correo", typed), ("clave", PASSWORD)];
        let answer = server.form("", "/entrar", &form).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 303, "{typed:?} cannot log in");
    }
}

#[tokio::test]
async fn a_companys_address_is_kept_as_it_was_read_or_refused() {
    let mut installation = Installation::new();
    let mut tokens = Vec::new();
    for (typed, ruc) in ["Cobros@Ñandú.EC", "e\u{301}@x.ec", "a@İ.ec", "a@x.ec\nBcc: b@x.ec", "", "cobros"].iter().zip(rucs())
    {
        let arguments: [&str; 8] = ["company", "create", "--ruc", &ruc, "--name", "Uno", "--email", typed];
        if is_taken(&installation, &arguments, "dirección de correo") {
            tokens.push(installation.succeed(&["token", "create", "--company", &ruc, "--name", "ERP"], ""));
        }
    }
    assert!(tokens.len() >= 2, "{tokens:?}");
    for token in tokens {
        installation.token = token.trim().to_owned();
        let server = installation.serve().await;
        let company: Value = server.api(Method::GET, "/company").send().await.unwrap().json().await.unwrap();
        let kept = company["email"].as_str().unwrap();
        assert_eq!(kept.parse::<EmailAddress>().unwrap().as_str(), kept);
    }
}
