use acuse_domain::contact::ContactDetails;
use acuse_domain::identification::{Identification, IdentificationType};
use acuse_store::{Actor, contacts, now};

use crate::support::TestApp;

async fn person(test: &TestApp, by: &Actor, name: &str, cedula: &str, is_customer: bool) {
    let details = ContactDetails {
        is_customer,
        is_supplier: !is_customer,
        emails: vec!["pagos@andina.ec".parse().unwrap()],
        ..ContactDetails::new(name.to_string(), Identification::parse(IdentificationType::Cedula, cedula).unwrap())
    };
    contacts::create(&test.app.db, by, &details, None, now()).await.unwrap();
}

#[tokio::test]
async fn a_few_letters_find_the_person_of_this_company_and_side() {
    let test = TestApp::start().await;
    person(&test, &test.actor, "Comercial Andína S.A.", "1710034065", true).await;
    person(&test, &test.actor, "Andino Proveedor", "1803604121", false).await;
    person(&test, &test.stranger().await.actor, "Andi de otra compañía", "1710034065", true).await;
    let found = test.get("/personas/buscar?q=andi&lado=cliente").await;
    let options = found.all("[role=option]");
    assert_eq!(options.len(), 3, "{options:?}");
    assert_eq!(options[0], "Comercial Andína S.A.0,00Cédula 1710034065 · pagos@andina.ec");
    assert_eq!(options[1], "Andino Proveedor: hacerlo también clienteCédula 1803604121");
    assert_eq!(options[2], "Crear la persona «andi»");
    assert_eq!(found.attribute("[role=option]", "data-name").as_deref(), Some("Comercial Andína S.A."));
    assert!(found.attribute("#persona-nueva", "data-href").unwrap().starts_with("/personas/nueva?nombre=andi&es=cliente"));
    assert_eq!(test.get("/personas/buscar?q=andi").await.all("[role=option]").len(), 3);
    let hostile = test.get("/personas/buscar?q=%3Cscript%3E%25_").await;
    assert_eq!(hostile.all("script").len() + hostile.all("[role=option]").len(), 1);
}
