//! What a company has on record that no other may see, and the ids by which one could ask for it.

use std::collections::BTreeMap;

use acuse_domain::access::Role;
use acuse_domain::document::Side;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::mail_account::MailModule;
use acuse_domain::payment::Direction;
use acuse_store::invitations::{self, NewInvitation};
use acuse_store::user_mails::Post;
use acuse_store::{Actor, Identity, access, account, deliveries, mail_accounts, now, tokens, users};
use acuse_testkit::builders::{PaymentBuilder, made, mail_account, received};
use acuse_testkit::outside;
use acuse_testkit::world::log_in;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::support::{PASSWORD, TestApp};
use crate::web::payments::scene::{document, person};

/// A kind of record whose id stands in an address, a form or a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Noun {
    Customer,
    Supplier,
    Invoice,
    Bill,
    Received,
    Made,
    /// Of [`Noun::Received`]: one that waits, and one that somebody has to act on.
    Queued,
    Failed,
    /// Of [`Noun::Made`].
    SentToSupplier,
    MailAccount,
    /// A member, who may go.
    User,
    Invitation,
    Token,
    Company,
    /// Of an owner, and not the one that asks.
    Session,
    /// Of that owner.
    Passkey,
}

impl Noun {
    pub const ALL: [Self; 16] = [
        Self::Customer,
        Self::Supplier,
        Self::Invoice,
        Self::Bill,
        Self::Received,
        Self::Made,
        Self::Queued,
        Self::Failed,
        Self::SentToSupplier,
        Self::MailAccount,
        Self::User,
        Self::Invitation,
        Self::Token,
        Self::Company,
        Self::Session,
        Self::Passkey,
    ];
}

/// One id for each noun.
#[derive(Debug, Clone)]
pub struct Ids(BTreeMap<Noun, Uuid>);

impl Ids {
    /// Of records that are nobody's.
    pub fn of_nothing() -> Self {
        Self(Noun::ALL.into_iter().map(|noun| (noun, Uuid::now_v7())).collect())
    }

    pub fn of(&self, noun: Noun) -> Uuid {
        self.0[&noun]
    }

    /// With those of `other` for these nouns.
    pub fn with(&self, nouns: &[Noun], other: &Self) -> Self {
        let mut ids = self.clone();
        ids.0.extend(nouns.iter().map(|noun| (*noun, other.of(*noun))));
        ids
    }

    pub fn all(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.0.values().copied()
    }
}

/// What tells one company's records from another's.
pub struct Marks {
    pub customer: (&'static str, &'static str),
    pub supplier: (&'static str, &'static str),
    pub word: &'static str,
    pub number: &'static str,
    pub amount: [&'static str; 2],
}

pub const OURS: Marks = Marks {
    customer: ("Comercial Andina S.A.", "1791824407001"),
    supplier: ("Papelera del Austro Cía. Ltda.", "0190388220001"),
    word: "andina",
    number: "001-001",
    amount: ["640.00", "640,00"],
};
pub const THEIRS: Marks = Marks {
    customer: ("Joyas Reservadas del Paute", "0190000001001"),
    supplier: ("Proveedor Callado S.A.", "1790000002001"),
    word: "reservado",
    number: "077-077",
    amount: ["7331.19", "7.331,19"],
};

impl Marks {
    /// What must not stand in an answer to anybody else.
    pub fn secrets(&self) -> [&'static str; 6] {
        [self.customer.0, self.supplier.0, self.word, self.number, self.amount[0], self.amount[1]]
    }
}

/// Records of every kind for the company of `by`.
pub async fn records(app: &TestApp, by: &Actor, marks: &Marks) -> Ids {
    let (db, email) = (&app.app.db, format!("pagos@{}.ec", marks.word));
    let customer = person(app, by, marks.customer.0, marks.customer.1, true, &email).await;
    let supplier = person(app, by, marks.supplier.0, marks.supplier.1, false, &email).await;
    let numbered = |last: u32| format!("{}-{last:09}", marks.number);
    let invoice = document(app, by, customer, Side::Receivable, &numbered(1), marks.amount[1], 5).await;
    let bill = document(app, by, supplier, Side::Payable, &numbered(2), marks.amount[1], 5).await;
    let record = async |payment: PaymentBuilder, to: &str| {
        let payment = payment.dated(acuse_domain::day_in_ecuador(now())).to(to);
        payment.record_at(db, by, now()).await.expect("nothing stands against it")
    };
    // More than the document takes: the rest is an advance that a later payment may use.
    let received = record(received(customer, marks.amount[0]), &format!("{email}, otra@{}.ec", marks.word)).await;
    let made = record(made(supplier, marks.amount[0]), &email).await;
    let sent = deliveries::of_payments(db, by.company, &[received, made]).await.expect("the store answers");
    let of = |direction| sent.iter().filter(move |one| one.number.direction == direction).map(|one| one.id.0);
    let [queued, failed] = of(Direction::Received).collect::<Vec<_>>()[..] else { panic!("one for each address") };
    let form = mail_account(MailModule::ReceivedPayments, "clave");
    let form = mail_accounts::Form {
        settings: acuse_domain::mail_account::MailAccountSettings {
            server: format!("smtp.{}.ec", marks.word),
            from_address: format!("cobros@{}.ec", marks.word).parse().expect("an address"),
            ..form.settings
        },
        ..form
    };
    let account = mail_accounts::create(db, &app.app.keys, by, &form, None, now()).await.expect("a new account");
    let sql = "UPDATE delivery SET state = 'failed', finished_at = queued_at, next_attempt_at = NULL WHERE id = $1";
    outside::run(&url(app), sql, vec![failed.into()]).await;
    let sent_to_supplier = of(Direction::Made).next().expect("one address");
    let mut ids = people(app, by, marks).await;
    ids.extend([
        (Noun::Company, by.company.0),
        (Noun::Customer, customer.0),
        (Noun::Supplier, supplier.0),
        (Noun::Invoice, invoice.0),
        (Noun::Bill, bill.0),
        (Noun::Received, received.0),
        (Noun::Made, made.0),
        (Noun::Queued, queued),
        (Noun::Failed, failed),
        (Noun::SentToSupplier, sent_to_supplier),
        (Noun::MailAccount, account.0),
    ]);
    Ids(ids)
}

/// Whoever may enter, and by what.
async fn people(app: &TestApp, by: &Actor, marks: &Marks) -> BTreeMap<Noun, Uuid> {
    let db = &app.app.db;
    let address = |name: &str| -> EmailAddress { format!("{name}@{}.ec", marks.word).parse().expect("an address") };
    let password = SecretString::from(PASSWORD);
    let member = users::create(db, by.company, "Luis Paredes", &address("luis"), &password, Role::Clerk, now()).await;
    let new = NewInvitation { email: address("invitada"), name: "Invitada".to_owned(), role: Role::Viewer };
    let invited = invitations::invite(db, by, &new, None, Post::ByHand, now()).await.expect("nobody yet");
    let (token, _) = tokens::create(db, by.company, "Bodega", now()).await.expect("a new token");
    let everybody = access::members(db, by.company).await.expect("the store answers");
    let owner = everybody.into_iter().find(|member| member.role == Role::Owner).expect("one");
    let asking = Actor { identity: Identity::User { user: owner.user, session: None }, ..by.clone() };
    let before = account::sessions(db, &asking, "", now()).await.expect("the store answers");
    log_in(db, &owner.email, PASSWORD, now()).await.expect("the right password");
    let mut open = account::sessions(db, &asking, "", now()).await.expect("the store answers");
    open.retain(|session| before.iter().all(|known| known.id != session.id));
    let passkey = Uuid::now_v7();
    let sql = "INSERT INTO passkey (id, person_id, credential_id, name, public_part, counted, created_at)
        VALUES ($1, $2, $3, 'Llave', X'00', X'00', $4)";
    let credential = passkey.as_bytes().to_vec();
    outside::run(&url(app), sql, vec![passkey.into(), owner.user.0.into(), credential.into(), now().into()]).await;
    BTreeMap::from([
        (Noun::User, member.expect("a new user").0),
        (Noun::Invitation, invited.id.0),
        (Noun::Token, token.0),
        (Noun::Session, open[0].id.expect("a session of this version").0),
        (Noun::Passkey, passkey),
    ])
}

pub async fn token(app: &TestApp, by: &Actor) -> String {
    let (_, token) = tokens::create(&app.app.db, by.company, "ERP", now()).await.expect("a new token");
    token.expose_secret().to_owned()
}

pub fn url(app: &TestApp) -> String {
    format!("sqlite://{}", app.folder().join("acuse.db").display())
}
