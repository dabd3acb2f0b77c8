//! A small distributor in Quito with its customers, suppliers, open documents and a few payments. Names are invented;
//! identifications fit their check digits.

use acuse_domain::access::Role;
use acuse_domain::company::CompanyProfile;
use acuse_domain::contact::{ContactDetails, MOST_ADDRESSES};
use acuse_domain::document::{DocumentFacts, DocumentKind, NewDocument, Side};
use acuse_domain::email_address::parse_list;
use acuse_domain::id::{ContactId, DocumentId};
use acuse_domain::identification::{Identification, IdentificationType};
use acuse_domain::money::Money;
use acuse_domain::payment::Notify;
use acuse_domain::payment::{Answered, CheckKind, Direction, Method, NewAllocation, NewPayment, PaymentLine};
use acuse_domain::{Date, Instant, day_in_ecuador};
use acuse_store::payments;
use acuse_store::{Actor, Db, companies, contacts, documents, now, tokens, users};
use chrono::TimeDelta;
use rand::Rng;
use rand::distr::Alphanumeric;
use secrecy::SecretString;

use crate::failure::Failure;

pub const EMAIL: &str = "gabriela@distcotopaxi.ec";
const USER: &str = "Gabriela Toapanta";
const COMPANY_RUC: &str = "1792043182001";

/// What is known only once.
pub struct Made {
    pub password: SecretString,
    pub token: SecretString,
}

struct Person {
    name: &'static str,
    identification: &'static str,
    emails: &'static str,
    address: &'static str,
    credit_days: i32,
    is_supplier: bool,
}

const CUSTOMERS: [Person; 6] = [
    customer(
        "Comercial Andina S.A.",
        "1791824407001",
        "pagos@comercialandina.ec; gerencia@comercialandina.ec",
        "Av. 10 de Agosto N34-120, Quito",
        30,
    ),
    customer("Hostería Baños del Sol S.A.", "1891743021001", "compras@banosdelsol.ec", "Vía a Runtún km 3, Baños", 30),
    customer("Ferretería El Tornillo S.A.S.", "1792133459001", "compras@eltornillo.ec", "Calle Guayaquil 412, Quito", 15),
    customer("Importadora Río Daule S.A.", "0991345671001", "bodega@riodaule.ec", "Km 8½ vía a Daule, Guayaquil", 45),
    customer(
        "Panificadora La Espiga Dorada Cía. Ltda.",
        "1890123453001",
        "rebota@laespigadorada.ec",
        "Av. Cevallos 12-30, Ambato",
        15,
    ),
    customer("Rosa Elena Guamán Chicaiza", "1804561239", "", "Mercado Mayorista, local 118, Ambato", 0),
];

const SUPPLIERS: [Person; 3] = [
    supplier("Papelera del Austro Cía. Ltda.", "0190388220001", "cobranzas@papeleraustro.ec", "Parque Industrial, Cuenca", 30),
    supplier("Transportes Ñuca Llacta S.A.", "1390765432001", "facturas@nucallacta.ec", "Av. de la Cultura 55, Portoviejo", 15),
    supplier("Jaime Patricio Yánez Ñacato", "1710345065001", "jaime.yanez@correo.ec", "Barrio San Jorge, Sangolquí", 8),
];

const fn customer(
    name: &'static str,
    identification: &'static str,
    emails: &'static str,
    address: &'static str,
    credit_days: i32,
) -> Person {
    Person { name, identification, emails, address, credit_days, is_supplier: false }
}

const fn supplier(
    name: &'static str,
    identification: &'static str,
    emails: &'static str,
    address: &'static str,
    credit_days: i32,
) -> Person {
    Person { name, identification, emails, address, credit_days, is_supplier: true }
}

/// An open document: whose (place in the table), number, days since its issue, dollars and cents.
struct Open(usize, &'static str, i64, i64);

const RECEIVABLE: [Open; 14] = [
    Open(0, "001-001-000004388", 52, 64_000),
    Open(0, "001-001-000004512", 36, 38_000),
    Open(0, "001-001-000004597", 25, 41_250),
    Open(0, "001-001-000004660", 13, 25_000),
    Open(0, "001-001-000004703", 6, 16_000),
    Open(1, "001-001-000004520", 34, 86_000),
    Open(1, "001-001-000004688", 9, 100_000),
    Open(2, "001-001-000004402", 49, 21_075),
    Open(2, "001-001-000004671", 11, 9_840),
    Open(3, "001-001-000004295", 71, 245_000),
    Open(3, "001-001-000004631", 18, 118_030),
    Open(4, "001-001-000004644", 16, 7_425),
    Open(4, "001-001-000004699", 7, 5_310),
    Open(5, "001-001-000004701", 6, 4_500),
];

const PAYABLE: [Open; 6] = [
    Open(0, "002-010-000012007", 38, 115_000),
    Open(0, "002-010-000012188", 12, 74_750),
    Open(1, "001-002-000000981", 21, 32_000),
    Open(1, "001-002-000001012", 4, 18_560),
    Open(2, "004-010-000078211", 6, 115_000),
    Open(2, "004-010-000078290", 1, 46_000),
];

/// Fills an empty database.
pub async fn fill(db: &Db) -> Result<Made, Failure> {
    let now = now();
    let by = company(db, now).await?;
    let password = SecretString::from(random_password());
    let email = EMAIL.parse().map_err(unexpected)?;
    users::create(db, by.company, USER, &email, &password, Role::Owner, now).await.map_err(unexpected)?;
    let (_, token) = tokens::create(db, by.company, "demostración", now).await?;
    let customers = people(db, &by, &CUSTOMERS, now).await?;
    let suppliers = people(db, &by, &SUPPLIERS, now).await?;
    let receivable = open_documents(db, &by, Side::Receivable, &RECEIVABLE, &customers, now).await?;
    let payable = open_documents(db, &by, Side::Payable, &PAYABLE, &suppliers, now).await?;
    for payment in some_payments(&customers, &suppliers, &receivable, &payable, day_in_ecuador(now)) {
        payments::record(db, &by, payment, &Notify::Contact, &Answered::All, None, now).await.map_err(unexpected)?;
    }
    Ok(Made { password, token })
}

async fn company(db: &Db, now: Instant) -> Result<Actor, Failure> {
    let profile = CompanyProfile {
        legal_name: "Distribuidora Cotopaxi Cía. Ltda.".to_string(),
        trade_name: Some("Distribuidora Cotopaxi".to_string()),
        address: Some("Av. Galo Plaza N54-210, Quito".to_string()),
        city: Some("Quito".to_string()),
        phone: Some("02 245 6789".to_string()),
        email: Some("contabilidad@distcotopaxi.ec".parse().map_err(unexpected)?),
        undecoded: Vec::new(),
    };
    let ruc = COMPANY_RUC.parse().map_err(unexpected)?;
    let company = companies::create(db, &ruc, &profile, now).await.map_err(unexpected)?;
    Ok(Actor::named(company, USER))
}

async fn people(db: &Db, by: &Actor, people: &[Person], now: Instant) -> Result<Vec<ContactId>, Failure> {
    let mut made = Vec::with_capacity(people.len());
    for person in people {
        let kind = IdentificationType::guess(person.identification);
        let details = ContactDetails {
            is_customer: !person.is_supplier,
            is_supplier: person.is_supplier,
            address: Some(person.address.to_string()),
            credit_days: Some(person.credit_days),
            emails: parse_list(person.emails, MOST_ADDRESSES).map_err(unexpected)?,
            ..ContactDetails::new(
                person.name.to_string(),
                Identification::parse(kind, person.identification).map_err(unexpected)?,
            )
        };
        made.push(contacts::create(db, by, &details, None, now).await.map_err(unexpected)?);
    }
    Ok(made)
}

async fn open_documents(
    db: &Db,
    by: &Actor,
    side: Side,
    open: &[Open],
    people: &[ContactId],
    now: Instant,
) -> Result<Vec<DocumentId>, Failure> {
    let table: &[Person] = if side == Side::Receivable { &CUSTOMERS } else { &SUPPLIERS };
    let mut made = Vec::with_capacity(open.len());
    for &Open(whose, number, days_ago, cents) in open {
        let issue_date = day_in_ecuador(now) - TimeDelta::days(days_ago);
        let total = Money::from_cents(cents);
        let facts = DocumentFacts {
            kind: DocumentKind::Invoice,
            side,
            number: number.parse().map_err(unexpected)?,
            issue_date,
            due_date: issue_date + TimeDelta::days(i64::from(table[whose].credit_days)),
            total,
            detail: None,
        };
        let document = NewDocument { contact: people[whose], facts, balance: total };
        made.push(documents::create(db, by, &document, None, now).await.map_err(unexpected)?);
    }
    Ok(made)
}

/// Enough to see a list, an anticipo, a postdated cheque, a retención, and one address that does not exist.
fn some_payments(
    customers: &[ContactId],
    suppliers: &[ContactId],
    receivable: &[DocumentId],
    payable: &[DocumentId],
    today: Date,
) -> Vec<NewPayment> {
    let cents = Money::from_cents;
    let transfer = |amount: i64, reference: &str| PaymentLine {
        reference: Some(reference.to_string()),
        bank: Some("Banco Pichincha".to_string()),
        account: Some("2100443421".to_string()),
        ..PaymentLine::new(Method::Transfer, cents(amount))
    };
    let withheld = |amount: i64, tax: &str| PaymentLine {
        reference: Some("001-001-000000873".to_string()),
        tax: Some(tax.to_string()),
        ..PaymentLine::new(Method::Withholding, cents(amount))
    };
    let cheque = PaymentLine {
        reference: Some("000412".to_string()),
        bank: Some("Banco Guayaquil".to_string()),
        date: Some(today + TimeDelta::days(20)),
        kind: Some(CheckKind::Postdated),
        ..PaymentLine::new(Method::Check, cents(30_000))
    };
    let part = |document: DocumentId, amount: i64| NewAllocation { document, amount: cents(amount) };
    let payment = |direction, contact, lines, allocations, description: &str| NewPayment {
        direction,
        contact,
        date: today,
        lines,
        allocations,
        description: Some(description.to_string()),
    };
    vec![
        payment(
            Direction::Received,
            customers[1],
            vec![transfer(90_500, "55671209")],
            vec![part(receivable[5], 86_000)],
            "Cancela la factura de octubre y deja anticipo",
        ),
        payment(
            Direction::Received,
            customers[3],
            vec![transfer(120_000, "88120931"), cheque],
            vec![part(receivable[9], 150_000)],
            "Abono de noviembre",
        ),
        payment(
            Direction::Received,
            customers[4],
            vec![PaymentLine::new(Method::Cash, cents(7_425))],
            vec![part(receivable[11], 7_425)],
            "Pago en caja",
        ),
        payment(
            Direction::Made,
            suppliers[0],
            vec![withheld(2_000, "IR 2 %"), withheld(4_500, "IVA 30 %"), transfer(108_500, "7719023")],
            vec![part(payable[0], 115_000)],
            "Papel y cartón de octubre",
        ),
    ]
}

fn random_password() -> String {
    /// Letters and digits: some 80 bits.
    const LETTERS: usize = 14;
    rand::rng().sample_iter(&Alphanumeric).take(LETTERS).map(char::from).collect()
}

fn unexpected(error: impl std::fmt::Display) -> Failure {
    Failure::new(format!("los datos de la demostración no se pudieron crear: {error}"), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifications_fit_their_check_digits() {
        for person in CUSTOMERS.iter().chain(&SUPPLIERS) {
            let kind = IdentificationType::guess(person.identification);
            let checked = Identification::parse(kind, person.identification).unwrap();
            assert_eq!(checked.doubt(), None, "{}", person.name);
        }
        assert_eq!(COMPANY_RUC.parse::<acuse_domain::identification::Ruc>().unwrap().doubt(), None);
    }
}
