//! A company that records payments, and an engine that delivers for it.

use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use acuse_delivery::{DefaultAccount, Engine, Settings};
use acuse_domain::access::Role;
use acuse_domain::day_in_ecuador;
use acuse_domain::delivery::State;
use acuse_domain::id::{DeliveryId, MailAccountId, PaymentId};
use acuse_domain::mail_account::{MailModule, Security};
use acuse_mail::endpoint::{Endpoint, Limits};
use acuse_mail::guard::Network;
use acuse_store::deliveries::{self, Delivery};
use acuse_store::pauses::AccountKey;
use acuse_store::users;
use acuse_store::{Db, mail_accounts, now, pauses};
use acuse_testkit::builders::{TestCompany, company, made, mail_account, received};
use acuse_testkit::world::World;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Two cores may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);
/// These servers answer at once or never.
const QUICK: Duration = Duration::from_millis(700);

pub const DEFAULT_SENDER: &str = "avisos@acuse.example";

pub struct Office {
    pub world: World,
    pub company: TestCompany,
    default_port: Option<u16>,
    limits: Limits,
    stop_timeout: Duration,
    connections: usize,
}

impl Office {
    /// With a customer and a supplier; the installation's default account is at this port of this machine.
    pub async fn with_default_at(world: World, port: u16) -> Self {
        Self { default_port: Some(port), ..Self::without_default(world).await }
    }

    pub async fn without_default(world: World) -> Self {
        let company = world.with(company().with_customer("Andina").with_supplier("Bodega")).await;
        let limits = Limits::each(QUICK);
        Self { world, company, default_port: None, limits, stop_timeout: Duration::from_secs(5), connections: 4 }
    }

    pub fn waiting_for_servers(mut self, limit: Duration) -> Self {
        self.limits = Limits::each(limit);
        self
    }

    pub fn with_connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// Somebody who owns the company and logs in with this address.
    pub async fn with_owner(self, email: &str) -> Self {
        let password = "una clave larga".to_owned().into();
        users::create(self.db(), self.company.id, "Ana", &email.parse().unwrap(), &password, Role::Owner, now()).await.unwrap();
        self
    }

    pub fn leaving_after(mut self, timeout: Duration) -> Self {
        self.stop_timeout = timeout;
        self
    }

    pub fn db(&self) -> &Db {
        &self.world.db
    }

    pub fn start(&self) -> Running {
        self.start_on(self.world.db.clone())
    }

    /// As another process would, on its own connections.
    pub async fn start_as_another_process(&self) -> Running {
        self.start_on(self.world.opened_again().await)
    }

    pub fn start_on(&self, db: Db) -> Running {
        let default_account = self.default_port.map(|port| DefaultAccount {
            endpoint: Endpoint { host: "127.0.0.1".to_owned(), port, security: Security::None },
            credentials: None,
            from_address: DEFAULT_SENDER.parse().unwrap(),
        });
        let network = Network::new(&["127.0.0.1".to_owned(), "localhost".to_owned()], None).unwrap();
        let settings = Settings { default_account, connections_per_account: self.connections };
        let engine = Engine::new(db, Arc::new(self.world.keys()), network, settings)
            .with_limits(self.limits.clone())
            .with_public_url("https://acuse.test")
            .with_retry_delay(Duration::from_millis(200))
            .with_stop_timeout(self.stop_timeout);
        Running::of(engine)
    }

    /// A cobro of today; the receipt goes to these addresses.
    pub async fn cobro(&self, to: &str) -> PaymentId {
        let cobro = received(self.company.contacts[0], "150.00").dated(day_in_ecuador(now())).to(to);
        cobro.record_at(self.db(), &self.company.actor, now()).await.unwrap()
    }

    /// A pago of today.
    pub async fn pago(&self, to: &str) -> PaymentId {
        let pago = made(self.company.contacts[1], "80.00").dated(day_in_ecuador(now())).to(to);
        pago.record_at(self.db(), &self.company.actor, now()).await.unwrap()
    }

    /// The company's own account for a module, in clear on this machine.
    pub async fn own_account(&self, module: MailModule, port: u16) -> MailAccountId {
        let form = own_form(module, port);
        mail_accounts::create(self.db(), &self.world.keys(), &self.company.actor, &form, None, now()).await.unwrap()
    }

    pub async fn rests(&self, account: AccountKey) -> bool {
        pauses::find(self.db(), account).await.unwrap().is_some()
    }

    pub async fn deliveries(&self, payment: PaymentId) -> Vec<Delivery> {
        deliveries::of_payments(self.db(), self.company.id, &[payment]).await.unwrap()
    }

    /// The payment's last delivery, once it stands there.
    pub async fn wait_for(&self, payment: PaymentId, state: State) -> Delivery {
        let end = Moment::now() + PATIENCE;
        loop {
            let last = self.deliveries(payment).await.pop().unwrap();
            if last.state == state {
                return last;
            }
            assert!(Moment::now() < end, "not {state:?}: {last:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn state(&self, payment: PaymentId) -> State {
        self.deliveries(payment).await.pop().unwrap().state
    }

    pub async fn in_state(&self, state: State) -> u64 {
        deliveries::count_in(self.db(), self.company.id, &[state]).await.unwrap()
    }

    pub async fn find(&self, id: DeliveryId) -> Delivery {
        deliveries::find(self.db(), self.company.id, id).await.unwrap().unwrap()
    }
}

pub fn own_form(module: MailModule, port: u16) -> mail_accounts::Form {
    let mut form = mail_account(module, "clave");
    form.settings.server = "127.0.0.1".to_owned();
    form.settings.port = port;
    form.settings.security = Security::None;
    form
}

/// Waits until it is so.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Moment::now() + PATIENCE;
    while !is_so().await {
        assert!(Moment::now() < end, "{what}: not after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An engine at work.
pub struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    pub fn of(engine: Engine) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(acuse_delivery::run(engine, stopped)) }
    }

    /// As SIGTERM does.
    pub async fn stop(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }

    /// Its owner goes away without a word.
    pub async fn abandoned(self) {
        drop(self.stop);
        self.task.await.unwrap();
    }
}
