//! An installation with two companies, asked through its router without a network.

use acuse_domain::day_in_ecuador;
use acuse_mail::guard::Network;
use acuse_server::router::router;
use acuse_server::{App, CallsPerMinute, DefaultAccount, Services};
use acuse_store::{now, tokens};
use acuse_testkit::builders::{CompanyBuilder, TestCompany, company};
use acuse_testkit::world::World;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::TimeDelta;
use secrecy::ExposeSecret;
use serde_json::Value;
use tower::ServiceExt;

const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

pub struct Api {
    router: Router,
    pub world: World,
    /// Whose token every request carries unless it says otherwise.
    pub ours: TestCompany,
    token: String,
    /// Another company of the installation: its ids must mean nothing to ours.
    pub theirs: TestCompany,
    pub their_token: String,
}

impl Api {
    pub async fn of(ours: CompanyBuilder) -> Self {
        Self::on(Network::new(&["127.0.0.0/8".to_owned()], None).expect("a network"), ours).await
    }

    /// Which machines it reaches, and which DNS it asks.
    pub async fn on(network: Network, ours: CompanyBuilder) -> Self {
        let world = World::on_sqlite().await;
        let ours = world.with(ours).await;
        let theirs = world.with(company().with_customer("Vecina").with_open_invoice("500.00")).await;
        let token = token_of(&world, &ours).await;
        let their_token = token_of(&world, &theirs).await;
        let services = Services {
            db: world.db.clone(),
            keys: world.keys().into(),
            network,
            default_account: Some(DefaultAccount {
                server: "smtp.servidor.ec".to_owned(),
                port: 587,
                security: acuse_domain::mail_account::Security::StartTls,
                from_address: "avisos@servidor.ec".parse().expect("an address"),
            }),
            providers: acuse_mail::oauth::Providers::default(),
            public_url: "http://127.0.0.1:8080".to_owned(),
            catcher: None,
        };
        // Some tests ask more than a program would.
        let app = App::new(services).with_rate_limits(CallsPerMinute { of_a_token: 0, without_token: 0 });
        Self { router: router(app), world, ours, token, theirs, their_token }
    }

    /// With one customer, «Andina», who owes 120.00 and 80.00.
    pub async fn with_andina() -> Self {
        Self::of(company().with_customer("Andina").with_open_invoice("120.00").with_open_invoice("80.00")).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, Some(body)).await
    }

    pub async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let request = self.request(method, path);
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        self.ask(request.expect("a request")).await
    }

    /// A POST under an Idempotency-Key.
    pub async fn post_once(&self, key: &str, path: &str, body: &Value) -> Answer {
        let request = self.request("POST", path).header("content-type", "application/json").header("idempotency-key", key);
        self.ask(request.body(Body::from(body.to_string())).expect("a request")).await
    }

    /// A request of ours to go on with.
    pub fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        Request::builder().method(method).uri(at(path)).header("authorization", format!("Bearer {}", self.token))
    }

    pub async fn ask(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.router.clone().oneshot(request).await.expect("the router answers").into_parts();
        let body = to_bytes(body, LARGEST_ANSWER).await.expect("a whole answer").to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Everything on record that a refused request might have touched.
    pub async fn on_record(&self) -> [Value; 4] {
        [
            self.get("/contacts?limit=200").await.json(),
            self.get("/documents?limit=200").await.json(),
            self.get("/payments?limit=200").await.json(),
            self.get("/deliveries?limit=200").await.json(),
        ]
    }
}

/// `/contacts` is `/api/v1/contacts`; what begins with `//` is meant as it is.
fn at(path: &str) -> String {
    path.strip_prefix('/').filter(|rest| rest.starts_with('/')).map_or_else(|| format!("/api/v1{path}"), str::to_owned)
}

async fn token_of(world: &World, of: &TestCompany) -> String {
    let (_, token) = tokens::create(&world.db, of.id, "pruebas", now()).await.expect("a token");
    token.expose_secret().to_owned()
}

/// A day so many days from today, in Ecuador.
pub fn in_days(days: i64) -> String {
    (day_in_ecuador(now()) + TimeDelta::days(days)).to_string()
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The answer's body; panics with it where the status is another.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self.json()
    }

    /// Holds a refusal to its status, its form, its code and the fields it names.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str, fields: &[&str]) -> Value {
        let problem = self.expect(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["code"], code, "{problem}");
        let named: Vec<&str> =
            problem["errors"].as_array().expect("a list").iter().map(|error| error["field"].as_str().expect("a name")).collect();
        assert_eq!(named, fields, "{problem}");
        for text in [&problem["title"], &problem["detail"], &problem["type"]] {
            assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{problem}");
        }
        problem
    }
}
