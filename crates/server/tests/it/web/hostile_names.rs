//! Whatever somebody is called, a page stays the same page: the same elements with the same attributes, leading to places of ours.

use acuse_domain::text::one_line;
use acuse_server::web;
use acuse_store::{mail_accounts, now, tokens};
use acuse_testkit::outside::{run, unguard};
use axum::http::{Method, StatusCode};
use proptest::collection::vec;
use proptest::sample::select;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use scraper::{Html, Selector};

use super::account_form::Filled;
use super::payments::scene::Scene;
use crate::support::{Answer, encoded};

/// Names made by chance, besides those that have everything.
const BY_CHANCE: u32 = 10;
/// Letters of the shortest text that these columns hold.
const LONGEST: usize = 140;

const PARTS: [&str; 30] = [
    "<x-malo malo=1>",
    "</x-malo>",
    "\"><x-malo malo>",
    "' malo='1",
    "\" malo=\"1",
    " onfocus=malo() autofocus ",
    "</title></textarea></select></option></style></script>",
    "<!--",
    "-->",
    "<![CDATA[",
    "<script>malo()</script>",
    "<svg/onload=malo()>",
    "&lt;x-malo&gt;",
    "&#60;x-malo&#62;",
    "&quot;malo&quot;",
    "{{7*7}}",
    "{% malo %}",
    "${7*7}",
    "javascript:malo()",
    "data:text/html,<x-malo>",
    "//malo.ec",
    "../../malo",
    "%3Cx-malo%3E",
    "\\u003cx-malo\\u003e",
    "`malo`",
    "=cmd|'/C malo'!A0",
    "👩\u{200d}👩\u{200d}👧",
    "אבג",
    "ñandú",
    " ",
];

/// Columns in which people are called something, or write what they like.
const NAMES: [(&str, &str); 20] = [
    ("company", "legal_name"),
    ("company", "trade_name"),
    ("company", "address"),
    ("company", "city"),
    ("company", "phone"),
    ("contact", "name"),
    ("contact", "address"),
    ("contact", "phone"),
    ("document", "detail"),
    ("payment", "description"),
    ("payment", "recorded_by"),
    ("payment_line", "reference"),
    ("payment_line", "bank"),
    ("payment_line", "account"),
    ("mail_account", "from_name"),
    ("mail_account", "username"),
    ("delivery", "reply"),
    ("event", "who"),
    ("person", "name"),
    ("api_token", "name"),
];

/// What these show follows from the DNS and from when it was asked.
fn follows_from_the_dns(path: &str) -> bool {
    path.starts_with("/mi-compania/correos")
}

fn names() -> Vec<String> {
    let by_chance = vec(select(&PARTS[..]), 2..7).prop_map(|parts| parts.concat());
    let mut runner = TestRunner::deterministic();
    let by_chance = (0..BY_CHANCE).map(|_| by_chance.new_tree(&mut runner).expect("a name").current());
    let everything = PARTS.chunks(6).map(<[&str]>::concat);
    // Kept as the domain keeps it, and sorted as every other.
    let kept = |name: String| one_line(&format!("A{}", name.chars().take(LONGEST).collect::<String>()));
    by_chance.chain(everything).map(kept).collect()
}

/// A company with a bit of everything, and its pages.
struct Company {
    scene: Scene,
    pages: Vec<String>,
}

impl Company {
    async fn new() -> Self {
        let scene = Scene::set().await;
        let payment = scene.recorded().await;
        let app = &scene.app;
        tokens::create(&app.app.db, app.company, "ERP", now()).await.expect("a token");
        let saved = Filled::account("127.0.0.1:9".parse().unwrap()).with("modulo", "cobros");
        assert_eq!(saved.press(app, "/mi-compania/correos", "guardar").await.status, StatusCode::SEE_OTHER);
        let account = mail_accounts::list(&app.app.db, app.company).await.unwrap()[0].id;
        let (customer, invoice) = (scene.customer, scene.invoices[0]);
        let at = |path: String| {
            let id = match path.as_str() {
                path if path.contains("personas") => customer.to_string(),
                path if path.contains("documentos") => invoice.to_string(),
                path if path.contains("correos") => account.to_string(),
                _ => payment.to_string(),
            };
            path.replace("{id}", &id)
        };
        let mut pages: Vec<String> = web::pages()
            .into_iter()
            .filter(|route| {
                route.method == Method::GET
                    && !route.path.ends_with(".pdf")
                    && !route.path.ends_with(".csv")
                    && !route.path.contains("{pro")
            })
            .map(|route| at(route.path))
            .collect();
        pages.push(format!("/cobros/nuevo?persona={customer}"));
        pages.push("/envios?estado=todos".to_owned());
        Self { scene, pages }
    }

    async fn everything_is_called(&self, name: &str) {
        let url = format!("sqlite://{}", self.scene.app.folder().join("acuse.db").display());
        for (table, column) in NAMES {
            unguard(&url, table).await;
            run(&url, &format!("UPDATE {table} SET {column} = $1"), vec![name.into()]).await;
        }
    }
}

/// Every element with the names of its attributes.
fn skeleton(page: &str) -> Vec<String> {
    let page = Html::parse_document(page);
    let elements = page.tree.nodes().filter_map(|node| node.value().as_element());
    let shape = |element: &scraper::node::Element| {
        let mut attributes: Vec<&str> = element.attrs().map(|(name, _)| name).collect();
        attributes.sort_unstable();
        format!("{} {}", element.name(), attributes.join(" "))
    };
    elements.map(shape).collect()
}

/// Errs with what a name has become that is more than text.
fn check_harmless(answer: &Answer) -> Result<(), String> {
    let page = Html::parse_document(&answer.text());
    for element in page.tree.nodes().filter_map(|node| node.value().as_element()) {
        if element.name() == "x-malo" || element.name() == "script" && element.attr("src").is_none() {
            return Err(format!("an element: {element:?}"));
        }
        for (name, value) in element.attrs() {
            if name == "malo" || name == "style" || name.starts_with("on") {
                return Err(format!("an attribute: {element:?}"));
            }
            let leads = matches!(name, "href" | "src" | "action" | "formaction" | "xlink:href" | "hx-get" | "hx-post");
            let ours = ["/", "#", "?", "mailto:", "tel:", "https://"].iter().any(|start| value.starts_with(start));
            if leads && !value.is_empty() && (!ours || value.starts_with("//") || value.starts_with("https://malo")) {
                return Err(format!("a link: {element:?}"));
            }
        }
    }
    let header = answer.headers.values().any(|value| value.to_str().is_ok_and(|text| text.contains("x-malo")));
    if header { Err(format!("{:?}", answer.headers)) } else { Ok(()) }
}

#[tokio::test]
async fn a_page_is_the_same_page_whatever_everything_is_called() {
    let company = Company::new().await;
    let mut innocent = Vec::new();
    company.everything_is_called("Andina").await;
    for path in &company.pages {
        innocent.push(skeleton(&company.scene.app.get(path).await.text()));
    }
    let mut shown = 0;
    for name in names() {
        company.everything_is_called(&name).await;
        for (path, before) in company.pages.iter().zip(&innocent) {
            let answer = company.scene.app.get(path).await;
            check_harmless(&answer).unwrap_or_else(|what| panic!("{path}, called {name:?}: {what}"));
            if follows_from_the_dns(path) {
                continue;
            }
            let now = skeleton(&answer.text());
            let differs = now.iter().zip(before).find(|(now, before)| now != before);
            assert!(now.len() == before.len() && differs.is_none(), "{path}, called {name:?}: {differs:?} {}", answer.text());
            shown += usize::from(answer.all("body").concat().contains(&name));
        }
    }
    assert!(shown > 100, "the names stand on the pages: {shown}");
}

/// A field of a form, and what the page itself wrote into it.
type Written = (String, Option<String>);

/// After these nothing else would be taken.
const ENDS: [&str; 2] = ["/salir", "/mi-compania/archivar"];

#[tokio::test]
async fn what_is_typed_into_any_form_comes_back_as_text() {
    let company = Company::new().await;
    let app = &company.scene.app;
    let (form, field) = (Selector::parse("form[method=post]").unwrap(), Selector::parse("[name]").unwrap());
    let (mut sent, mut came_back) = (0, 0);
    for path in &company.pages {
        let page = app.get(path).await.text();
        let forms: Vec<(String, Vec<Written>)> = Html::parse_document(&page)
            .select(&form)
            .map(|form| {
                let fields = form.select(&field).map(|field| {
                    let is_hidden = field.value().attr("type") == Some("hidden");
                    let own = field.value().attr("value").filter(|_| is_hidden).map(str::to_owned);
                    (field.value().attr("name").unwrap_or_default().to_owned(), own)
                });
                (form.value().attr("action").unwrap_or(path).to_owned(), fields.collect())
            })
            .collect();
        for (action, fields) in
            forms.into_iter().filter(|(action, _)| action.starts_with('/') && !ENDS.contains(&action.as_str()))
        {
            for name in PARTS.chunks(6).map(<[&str]>::concat) {
                // What a page wrote into its form stays: a person changes the rest.
                let typed: Vec<(&str, &str)> =
                    fields.iter().map(|(field, own)| (field.as_str(), own.as_deref().unwrap_or(&name))).collect();
                let answer = app.post(&action, &typed).await;
                assert!(!answer.status.is_server_error(), "{action}: {}", answer.text());
                check_harmless(&answer).unwrap_or_else(|what| panic!("{action} with {name:?}: {what}"));
                sent += 1;
                came_back += usize::from(answer.text().contains("x-malo"));
            }
        }
    }
    assert!(sent > 50 && came_back >= 10, "{sent} forms, {came_back} came back");
}

#[tokio::test]
async fn what_stands_in_an_address_comes_back_as_text() {
    let company = Company::new().await;
    let app = &company.scene.app;
    let mut came_back = 0;
    for path in company.pages.iter().chain([&"/entrar".to_owned()]) {
        for name in PARTS.chunks(6).map(<[&str]>::concat) {
            let asked = ["q", "nombre", "volver", "estado", "orden", "desde", "lado", "correo", "cuenta", "problema", "tras"];
            for parameter in asked {
                let asked = format!("{}?{}", path.split('?').next().unwrap_or(path), encoded(&[(parameter, &name)]));
                let answer = app.get(&asked).await;
                assert!(!answer.status.is_server_error(), "{asked}: {}", answer.text());
                check_harmless(&answer).unwrap_or_else(|what| panic!("{asked}: {what}"));
                came_back += usize::from(answer.text().contains("x-malo"));
            }
        }
    }
    assert!(came_back > 20, "{came_back} came back");
}
