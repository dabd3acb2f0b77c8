//! A company is archived, taken along and deleted at the command line, while a server runs.

use reqwest::{Method, StatusCode};

use crate::installation::Installation;

const RUC: &str = "1790012344001";

fn refused(installation: &Installation, arguments: &[&str], words: &str) {
    let done = installation.run(arguments, "");
    let errors = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{arguments:?}: {errors}");
    assert!(errors.contains(words), "{arguments:?}: {errors}");
}

#[tokio::test]
async fn an_archived_company_is_read_exported_and_not_deleted_by_one_alone() {
    let installation = Installation::new();
    let server = installation.serve().await;
    installation.succeed(&["company", "archive", "--ruc", RUC], "");
    assert!(installation.succeed(&["company", "list"], "").contains("ARCHIVADA"));
    assert_eq!(server.api(Method::GET, "/company").send().await.unwrap().status(), StatusCode::OK);
    let answer = server.api(Method::POST, "/contacts").body("{}").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    assert!(answer.text().await.unwrap().contains("company_archived"));
    refused(&installation, &["company", "delete", "--ruc", RUC], "nadie se llevó sus datos");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("todo.zip");
    let to = file.to_str().unwrap();
    installation.succeed(&["company", "export", "--ruc", RUC, "--to", to], "");
    assert!(std::fs::read(&file).unwrap().starts_with(b"PK\x03\x04"));
    refused(&installation, &["company", "export", "--ruc", RUC, "--to", to], "ya existe");
    refused(&installation, &["company", "delete", "--ruc", RUC, "--confirm"], "nadie pidió eliminarla");
    assert!(installation.succeed(&["company", "delete", "--ruc", RUC], "").contains("puede confirmarlo desde"));
    refused(&installation, &["company", "delete", "--ruc", RUC, "--confirm"], "todavía se espera");
    assert!(installation.succeed(&["company", "delete", "--ruc", RUC, "--cancel"], "").contains("no se elimina"));
    installation.succeed(&["company", "reopen", "--ruc", RUC], "");
    let answer = server.api(Method::POST, "/contacts").body("{}").send().await.unwrap();
    assert_ne!(answer.status(), StatusCode::CONFLICT, "it is worked in again");
    refused(&installation, &["company", "archive", "--ruc", "0190402118001"], "no hay una compañía");
}
