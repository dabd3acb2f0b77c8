//! What the first commands promise.

use reqwest::{Method, StatusCode};

use crate::installation::Installation;

#[tokio::test]
async fn what_the_commands_made_is_served() {
    let installation = Installation::new();
    let mut server = installation.serve().await;
    let company = server.api(Method::GET, "/company").send().await.unwrap();
    assert_eq!(company.status(), StatusCode::OK);
    assert_eq!(company.json::<serde_json::Value>().await.unwrap()["ruc"], "1790012344001");
    let session = server.log_in().await;
    let home = server.get("/").header("Cookie", session).send().await.unwrap();
    assert!(home.text().await.unwrap().contains("Distribuidora Cotopaxi"));
    server.stop();
}
