//! What the tests of cobros and pagos begin with.

use acuse_domain::contact::ContactDetails;
use acuse_domain::document::{DocumentFacts, DocumentKind, NewDocument, Side};
use acuse_domain::email_address::parse_list;
use acuse_domain::id::{CompanyId, ContactId, DocumentId, PaymentId};
use acuse_domain::identification::{Identification, IdentificationType};
use acuse_domain::money::Money;
use acuse_domain::payment::Direction;
use acuse_server::{DefaultAccount, Services};
use acuse_store::{Actor, Page, contacts, deliveries, documents, now, payments};
use axum::http::StatusCode;
use chrono::TimeDelta;

use crate::support::{Answer, TestApp};

/// A company with a customer and a supplier, each with open documents.
pub struct Scene {
    pub app: TestApp,
    pub customer: ContactId,
    pub supplier: ContactId,
    pub invoices: [DocumentId; 2],
    pub bills: [DocumentId; 2],
}

pub const ANDINA: &str = "Comercial Andina S.A.";
pub const AUSTRO: &str = "Papelera del Austro Cía. Ltda.";

impl Scene {
    pub async fn set() -> Self {
        let app = TestApp::start_with(|services| Services { default_account: Some(default_account()), ..services }).await;
        let customer = person(&app, &app.actor, ANDINA, "1791824407001", true, "pagos@andina.ec;gerencia@andina.ec").await;
        let supplier = person(&app, &app.actor, AUSTRO, "0190388220001", false, "cartera@austro.ec").await;
        let invoices = [
            document(&app, &app.actor, customer, Side::Receivable, "001-001-000004388", "640,00", 22).await,
            document(&app, &app.actor, customer, Side::Receivable, "001-001-000004512", "380,00", -5).await,
        ];
        let bills = [
            document(&app, &app.actor, supplier, Side::Payable, "002-001-000018734", "1.150,00", 13).await,
            document(&app, &app.actor, supplier, Side::Payable, "002-001-000018901", "460,00", -8).await,
        ];
        Self { app, customer, supplier, invoices, bills }
    }

    pub fn company(&self) -> CompanyId {
        self.app.company
    }

    pub async fn balance(&self, document: DocumentId) -> String {
        let found = documents::find(&self.app.app.db, self.company(), document).await.unwrap().unwrap();
        found.balance.to_string()
    }

    pub async fn count(&self, direction: Direction) -> usize {
        let filter = payments::Filter { direction: Some(direction), ..payments::Filter::default() };
        payments::list(&self.app.app.db, self.company(), &filter, payments::LAST_RECORDED, Page { after: None, limit: 100 })
            .await
            .unwrap()
            .len()
    }

    pub async fn deliveries(&self, payment: PaymentId) -> Vec<deliveries::Delivery> {
        deliveries::of_payments(&self.app.app.db, self.company(), &[payment]).await.unwrap()
    }

    /// The form as it comes for a customer, filled in: one transfer of `amount`, and what goes to each invoice.
    pub async fn cobro(&self, amount: &str, shares: [&str; 2]) -> Vec<(String, String)> {
        let page = self.app.get(&format!("/cobros/nuevo?persona={}", self.customer)).await;
        assert_eq!(page.status, StatusCode::OK);
        let mut form = vec![
            field("clave", &page.attribute("input[name=clave]", "value").unwrap()),
            field("persona_id", &self.customer.to_string()),
            field("persona", ANDINA),
            field("fecha", &page.attribute("#fecha", "value").unwrap()),
            field("descripcion", "Abono de noviembre"),
            field("notificar", "si"),
            field("para", &page.attribute("#para", "value").unwrap()),
        ];
        form.extend(line("transfer", "Pichincha corriente 2100443421", "88124507", "", amount));
        form.extend(share(self.invoices[0], shares[0]));
        form.extend(share(self.invoices[1], shares[1]));
        form
    }

    pub async fn save(&self, path: &str, form: &[(String, String)]) -> Answer {
        self.press(path, form, "guardar").await
    }

    pub async fn press(&self, path: &str, form: &[(String, String)], action: &str) -> Answer {
        let mut form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        form.push(("accion", action));
        self.app.post(path, &form).await
    }

    /// A recorded cobro of 1.020 over both invoices.
    pub async fn recorded(&self) -> PaymentId {
        let form = self.cobro("1020", ["640", "380"]).await;
        id_of(&self.save("/cobros/nuevo", &form).await)
    }
}

pub fn default_account() -> DefaultAccount {
    DefaultAccount {
        server: "correo.servidor.ec".to_owned(),
        port: 587,
        security: acuse_domain::mail_account::Security::StartTls,
        from_address: "avisos@servidor.ec".parse().unwrap(),
    }
}

pub async fn person(app: &TestApp, by: &Actor, name: &str, ruc: &str, is_customer: bool, emails: &str) -> ContactId {
    let details = ContactDetails {
        is_customer,
        is_supplier: !is_customer,
        emails: parse_list(emails, 20).unwrap(),
        ..ContactDetails::new(name.to_owned(), Identification::parse(IdentificationType::Ruc, ruc).unwrap())
    };
    contacts::create(&app.app.db, by, &details, None, now()).await.unwrap()
}

pub async fn document(
    app: &TestApp,
    by: &Actor,
    contact: ContactId,
    side: Side,
    number: &str,
    total: &str,
    days_late: i64,
) -> DocumentId {
    let due_date = acuse_domain::day_in_ecuador(now()) - TimeDelta::days(days_late);
    let total = Money::parse_local(total).unwrap();
    let issue_date = due_date - TimeDelta::days(30);
    let facts = DocumentFacts {
        kind: DocumentKind::Invoice,
        side,
        number: number.parse().unwrap(),
        issue_date,
        due_date,
        total,
        detail: None,
    };
    documents::create(&app.app.db, by, &NewDocument { contact, facts, balance: total }, None, now()).await.unwrap()
}

pub fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

pub fn line(method: &str, account: &str, number: &str, dated: &str, amount: &str) -> Vec<(String, String)> {
    vec![
        field("forma", method),
        field("cuenta", account),
        field("numero", number),
        field("fecha_forma", dated),
        field("valor", amount),
        field("anticipo", ""),
    ]
}

pub fn share(document: DocumentId, amount: &str) -> Vec<(String, String)> {
    vec![field("documento", &document.to_string()), field("abono", amount)]
}

pub fn replaced(form: &[(String, String)], name: &str, value: &str) -> Vec<(String, String)> {
    form.iter().map(|(own, old)| if own == name { field(own, value) } else { field(own, old) }).collect()
}

pub fn id_of(answer: &Answer) -> PaymentId {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    answer.location().rsplit('/').next().unwrap().parse().unwrap()
}
