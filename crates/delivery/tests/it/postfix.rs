//! Through a real Postfix with Dovecot, into a mailbox, and read there.

use std::sync::Arc;
use std::time::Duration;

use acuse_delivery::{Engine, Settings};
use acuse_domain::delivery::State;
use acuse_domain::mail_account::{MailModule, Security};
use acuse_mail::caught;
use acuse_mail::guard::Network;
use acuse_store::pauses::AccountKey;
use acuse_store::{health, mail_accounts, now};
use acuse_testkit::builders::mail_account;
use acuse_testkit::certificates::Authority;
use acuse_testkit::mail_servers::{PASSWORD, PostfixWithDovecot, RECIPIENT, USER};
use acuse_testkit::world::World;

use crate::office::{Office, Running};

const PATIENCE: Duration = Duration::from_secs(20);

on_both_engines!(a_receipt_arrives_in_the_mailbox_over_starttls_and_over_tls, a_real_wrong_password_is_the_accounts_fault);

struct Place {
    office: Office,
    authority: Authority,
    server: PostfixWithDovecot,
}

impl Place {
    async fn new(world: World) -> Self {
        let authority = Authority::new();
        let server = PostfixWithDovecot::start(&authority);
        Self { office: Office::without_default(world).await, authority, server }
    }

    fn start(&self) -> Running {
        let network = Network::new(&["localhost".to_owned()], Some(self.authority.pem().as_bytes())).unwrap();
        let settings = Settings { default_account: None, connections_per_account: 4 };
        let keys = Arc::new(self.office.world.keys());
        Running::of(Engine::new(self.office.db().clone(), keys, network, settings))
    }

    fn form(&self, module: MailModule, security: Security, password: &str) -> mail_accounts::Form {
        let mut form = mail_account(module, password);
        let settings = &mut form.settings;
        settings.server = "localhost".to_owned();
        settings.port = if security == Security::Tls { self.server.tls_port() } else { self.server.starttls_port() };
        settings.security = security;
        settings.username = USER.to_owned();
        settings.from_address = USER.parse().unwrap();
        settings.from_name = "Ferretería Ñandú Cía. Ltda.".to_owned();
        settings.reply_to = Some("caja@empresa.test".parse().unwrap());
        form
    }

    async fn save(&self, form: &mail_accounts::Form) -> acuse_domain::id::MailAccountId {
        let office = &self.office;
        mail_accounts::create(office.db(), &office.world.keys(), &office.company.actor, form, None, now()).await.unwrap()
    }
}

async fn a_receipt_arrives_in_the_mailbox_over_starttls_and_over_tls(world: World) {
    let place = Place::new(world).await;
    let cobros = place.save(&place.form(MailModule::ReceivedPayments, Security::StartTls, PASSWORD)).await;
    place.save(&place.form(MailModule::InvoicesAndMadePayments, Security::Tls, PASSWORD)).await;
    let running = place.start();
    let (cobro, pago) = (place.office.cobro(RECIPIENT).await, place.office.pago(RECIPIENT).await);
    let delivery = place.office.wait_for(cobro, State::Accepted).await;
    place.office.wait_for(pago, State::Accepted).await;
    running.stop().await;
    let health = health::find(place.office.db(), AccountKey::Own(cobros)).await.unwrap();
    assert!(health.certificate_ends_at.is_some_and(|ends| ends > now()), "the server's certificate was seen: {health:?}");
    assert!(delivery.reply.as_deref().unwrap().starts_with("250 2.0.0 Ok: queued as"), "{delivery:?}");

    let raws = place.server.wait_for_mail(RECIPIENT, 2, PATIENCE).await;
    let mails: Vec<_> = raws.iter().map(|raw| caught::parse(raw)).collect();
    for (file, number) in [("Recibo-RC-000001.pdf", "RC-000001"), ("Recibo-RP-000001.pdf", "RP-000001")] {
        let mail = mails.iter().find(|mail| mail.subject.contains(number)).unwrap_or_else(|| panic!("{number} arrives"));
        assert_eq!((mail.from[0].name.as_deref(), mail.from[0].address.as_str()), (Some("Ferretería Ñandú Cía. Ltda."), USER));
        assert_eq!(mail.reply_to[0].address, "caja@empresa.test");
        assert_eq!((mail.attachments[0].name.as_str(), mail.attachments[0].mime.as_str()), (file, "application/pdf"));
        assert!(mail.attachments[0].bytes.starts_with(b"%PDF"));
        assert!(mail.text.as_deref().unwrap().contains(number) && mail.html.as_deref().unwrap().contains(number));
    }
    assert!(mails.iter().any(|mail| mail.message_id == delivery.message_id));
    assert!(raws.iter().all(|raw| String::from_utf8_lossy(raw).contains("Auto-Submitted: auto-generated")));
}

async fn a_real_wrong_password_is_the_accounts_fault(world: World) {
    let place = Place::new(world).await;
    let id = place.save(&place.form(MailModule::ReceivedPayments, Security::StartTls, "otra-clave")).await;
    let office = &place.office;
    let running = place.start();
    let cobro = office.cobro(RECIPIENT).await;
    crate::office::until("the account rests", async || {
        mail_accounts::find(office.db(), office.company.id, id).await.unwrap().unwrap().pause.is_some()
    })
    .await;
    crate::office::until("the delivery is kept", async || office.state(cobro).await == State::Queued).await;
    let form = place.form(MailModule::ReceivedPayments, Security::StartTls, PASSWORD);
    mail_accounts::change(office.db(), &office.world.keys(), &office.company.actor, id, &form).await.unwrap();
    office.wait_for(cobro, State::Accepted).await;
    running.stop().await;
    place.server.wait_for_mail(RECIPIENT, 1, PATIENCE).await;
}
