//! `acuse audit verify`: what a running server wrote is whole, and what somebody does to the file is named.

use std::process::Output;
use std::time::Duration;

use acuse_testkit::outside::run;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::installation::Installation;

const RUC: &str = "1790012344001";

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// «12:ab…», as it is to be written down; none while something waits for its seal.
fn noted(installation: &Installation) -> Option<String> {
    let done = installation.run(&["audit", "verify"], "");
    let text = said(&done);
    assert_eq!(done.status.code(), Some(0), "{text}");
    assert!(text.contains("Sin alteraciones"), "{text}");
    let line = text.lines().find_map(|line| line.trim().strip_prefix("para anotar fuera de aquí: "));
    text.contains(" 0 esperan su sello").then(|| line.unwrap().to_owned())
}

#[tokio::test]
async fn a_server_seals_what_it_writes_and_whatever_is_done_to_the_file_is_named() {
    let installation = Installation::new();
    let mut server = installation.serve().await;
    let contact = json!({ "name": "Andina", "identification_type": "other", "identification": "AB-1", "is_customer": true });
    let made = server.api(Method::POST, "/contacts").json(&contact).send().await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    let mut end = None;
    for _ in 0..100 {
        end = noted(&installation);
        if end.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let end = end.expect("sealed within seconds");
    server.stop();
    let again = installation.run(&["audit", "verify", "--company", RUC, "--noted", &end], "");
    assert!(again.status.success() && said(&again).contains("la cadena pasa por lo anotado"), "{}", said(&again));

    let url = format!("sqlite://{}", installation.database().display());
    for trigger in ["event_is_never_changed", "event_seal_is_never_deleted", "event_is_never_deleted"] {
        run(&url, &format!("DROP TRIGGER {trigger}"), vec![]).await;
    }
    run(&url, "UPDATE event SET who = 'Otra persona' WHERE kind = 'contact.created'", vec![]).await;
    let altered = installation.run(&["audit", "verify"], "");
    assert_eq!(altered.status.code(), Some(1), "{}", said(&altered));
    assert!(said(&altered).contains("no dice lo que se selló"), "{}", said(&altered));
    assert!(said(&installation.run(&["doctor"], "")).contains("event_is_never_changed"), "doctor misses the guards");

    // The tail is cut, and the end of the chain written anew.
    for sql in [
        "DELETE FROM event_seal WHERE seq >= (SELECT s.seq FROM event_seal s JOIN event e ON e.id = s.event_id
            WHERE e.kind = 'contact.created')",
        "DELETE FROM event WHERE id NOT IN (SELECT event_id FROM event_seal)",
        "DELETE FROM event_unsealed",
        "UPDATE event_chain SET sealed = (SELECT MAX(seq) FROM event_seal),
            head = (SELECT hash FROM event_seal ORDER BY seq DESC LIMIT 1)",
    ] {
        run(&url, sql, vec![]).await;
    }
    assert!(installation.run(&["audit", "verify"], "").status.success(), "from within nothing is seen");
    let compared = installation.run(&["audit", "verify", "--company", RUC, "--noted", &end], "");
    assert_eq!(compared.status.code(), Some(1), "{}", said(&compared));
    assert!(said(&compared).contains("la cadena no llega hasta allí"), "{}", said(&compared));
}
