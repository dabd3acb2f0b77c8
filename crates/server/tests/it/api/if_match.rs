//! ETag and If-Match of everything that is changed here: contacts, the company, mail accounts, and what happens when one stops.

use axum::body::Body;
use serde_json::{Value, json};

use super::support::{Answer, Api};

/// What is changed, with a field that takes any text, and one that is refused.
struct Record {
    path: String,
    text: fn(&str) -> Value,
    wrong: Value,
}

async fn account(api: &Api) -> String {
    let account = json!({ "module": "received_payments", "server": "smtp.x.ec", "port": 587, "security": "starttls",
        "from_address": "a@x.example" });
    let made = api.post("/mail-accounts", account).await.expect(201);
    format!("/mail-accounts/{}", made["id"].as_str().unwrap())
}

async fn records(api: &Api) -> [Record; 4] {
    let phone: fn(&str) -> Value = |text| json!({ "phone": text });
    let notify: fn(&str) -> Value = |text| json!({ "notify": [format!("{text}@x.ec")] });
    let name: fn(&str) -> Value = |text| json!({ "from_name": text });
    [
        Record { path: account(api).await, text: name, wrong: json!({ "port": 0 }) },
        Record { path: format!("/contacts/{}", api.ours.contacts[0]), text: phone, wrong: json!({ "credit_days": -1 }) },
        Record { path: "/company".to_owned(), text: phone, wrong: json!({ "email": "no" }) },
        Record { path: "/mail-routes".to_owned(), text: notify, wrong: json!({ "after_hours": 0 }) },
    ]
}

async fn patch_if(api: &Api, path: &str, lines: &[&str], body: &Value, language: &str) -> Answer {
    let mut request = api.request("PATCH", path).header("content-type", "application/json").header("accept-language", language);
    for line in lines {
        request = request.header("if-match", *line);
    }
    api.ask(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn what_is_read_and_what_is_changed_says_its_version() {
    let api = Api::with_andina().await;
    for Record { path, text, .. } in records(&api).await {
        let first = api.get(&path).await.header("etag").to_owned();
        assert!(first.starts_with('"') && first.ends_with('"') && first.len() > 2, "{path}: a strong tag: {first}");
        assert_eq!(api.get(&path).await.header("etag"), first, "{path}: it stays while nothing is changed");
        let changed = api.patch(&path, text("uno")).await;
        changed.expect(200);
        assert_ne!(changed.header("etag"), first, "{path}");
        assert_eq!(api.get(&path).await.header("etag"), changed.header("etag"), "{path}");
    }
    let made = api
        .post(
            "/contacts",
            json!({ "name": "Nueva", "identification_type": "other", "identification": "N-1", "is_customer": true }),
        )
        .await;
    let id = made.expect(201)["id"].as_str().unwrap().to_owned();
    assert_eq!(api.get(&format!("/contacts/{id}")).await.header("etag"), made.header("etag"));
}

#[tokio::test]
async fn a_change_meant_for_another_state_is_refused_and_changes_nothing() {
    let api = Api::with_andina().await;
    for Record { path, text, .. } in records(&api).await {
        let past = api.get(&path).await.header("etag").to_owned();
        api.patch(&path, text("ellos")).await.expect(200);
        let now = api.get(&path).await;
        let tag = now.header("etag").to_owned();
        let weak = format!("W/{tag}");
        for lines in [
            vec![past.as_str()],
            vec![weak.as_str()],
            vec!["\"\""],
            vec!["\"nunca\", W/\"9\""],
            vec![past.as_str(), weak.as_str()],
        ] {
            for (language, detail) in [("es", "Alguien lo cambió"), ("en", "Somebody changed it")] {
                let answer = patch_if(&api, &path, &lines, &text("yo"), language).await;
                let problem = answer.refused(412, "precondition_failed", &[]);
                assert!(problem["detail"].as_str().unwrap().starts_with(detail), "{path} {lines:?}: {problem}");
            }
        }
        assert_eq!(api.get(&path).await.body, now.body, "{path}");
        assert_eq!(api.get(&path).await.header("etag"), tag);
    }
}

#[tokio::test]
async fn a_change_meant_for_this_state_is_made() {
    let api = Api::with_andina().await;
    for Record { path, text, .. } in records(&api).await {
        for (turn, way) in
            ["es este", "uno de varios", "dos líneas", "asterisco", "con débiles", "sin nada"].into_iter().enumerate()
        {
            let tag = api.get(&path).await.header("etag").to_owned();
            let list = format!("\"viejo\", {tag}");
            let with_weak = format!("W/{tag},{tag}");
            let lines: Vec<&str> = match turn {
                0 => vec![&tag],
                1 => vec![&list],
                2 => vec!["\"viejo\"", &tag],
                3 => vec!["*"],
                4 => vec![&with_weak],
                _ => vec![],
            };
            let changed = patch_if(&api, &path, &lines, &text(&format!("turno{turn}")), "es").await;
            assert_eq!(changed.status, 200, "{path}, {way}: {}", changed.text());
        }
    }
}

#[tokio::test]
async fn what_is_no_if_match_is_said_and_what_comes_first_is_said_first() {
    let api = Api::with_andina().await;
    for Record { path, text, wrong } in records(&api).await {
        let tag = api.get(&path).await.header("etag").to_owned();
        for line in ["7", "", "\"7", "*, \"7\"", "\"6\" \"7\""] {
            patch_if(&api, &path, &[line], &text("yo"), "es").await.refused(400, "if_match_invalid", &[]);
        }
        // The record is what was expected: then the fields are looked at.
        assert_eq!(patch_if(&api, &path, &[&tag], &wrong, "es").await.status, 422, "{path}");
        for body in [wrong, json!({ "zz": 1 }), json!([]), json!({ "zz": null })] {
            for (line, status) in [(tag.as_str(), 422), ("\"0\"", 412), ("\"nope\"", 412)] {
                assert_eq!(patch_if(&api, &path, &[line], &body, "es").await.status, status, "{path} {line} {body}");
            }
        }
        let request = api.request("PATCH", &path).header("content-type", "application/json").header("if-match", "\"0\"");
        api.ask(request.body(Body::from("{x")).unwrap()).await.refused(400, "malformed_json", &[]);
    }
    let nobody = format!("/contacts/{}", api.theirs.contacts[0]);
    for line in ["*", "\"1\""] {
        for body in [json!({ "phone": "1" }), json!({ "zz": 1 })] {
            patch_if(&api, &nobody, &[line], &body, "es").await.refused(404, "contact_not_found", &[]);
        }
    }
}

#[tokio::test]
async fn an_account_is_forgotten_and_tried_only_as_it_was_seen() {
    let api = Api::with_andina().await;
    let path = account(&api).await;
    let past = api.get(&path).await.header("etag").to_owned();
    api.patch(&path, json!({ "from_name": "Otro" })).await.expect(200);
    let tag = api.get(&path).await.header("etag").to_owned();
    let ask = async |method: &str, path: &str, line: &str| {
        api.ask(api.request(method, path).header("if-match", line).body(Body::empty()).unwrap()).await
    };
    for (method, path) in [("DELETE", path.clone()), ("POST", format!("{path}/check"))] {
        for line in [past.as_str(), "\"nope\"", &format!("W/{tag}")] {
            ask(method, &path, line).await.refused(412, "precondition_failed", &[]);
        }
        ask(method, &path, "7").await.refused(400, "if_match_invalid", &[]);
    }
    assert_eq!(api.get(&path).await.header("etag"), tag, "nothing happened");
    ask("DELETE", "/mail-accounts/01938f2e-7c11-7a3b-9c1d-0f6f4f0a2b11", "\"1\"").await.refused(
        404,
        "mail_account_not_found",
        &[],
    );
    assert_eq!(ask("DELETE", &path, &tag).await.status, 204);
    assert_eq!(api.get(&path).await.status, 404);
}

#[tokio::test]
async fn twenty_fields_patched_at_once_are_all_there() {
    let api = Api::with_andina().await;
    let path = format!("/contacts/{}", api.ours.contacts[0]);
    let changes = [
        json!({ "name": "Nombre Nuevo" }),
        json!({ "address": "Calle Nueva" }),
        json!({ "phone": "0999" }),
        json!({ "credit_days": 45 }),
        json!({ "is_supplier": true }),
        json!({ "emails": ["uno@x.ec"] }),
        json!({ "emails_by_purpose": { "received_payments": ["dos@x.ec"] } }),
        json!({ "emails_by_purpose": { "made_payments": ["tres@x.ec"] } }),
        json!({ "emails_by_purpose": { "invoices": ["cuatro@x.ec"] } }),
        json!({ "emails_by_purpose": { "withholdings": ["cinco@x.ec"] } }),
    ];
    let company = [
        json!({ "legal_name": "Razón Nueva" }),
        json!({ "trade_name": "Comercial Nuevo" }),
        json!({ "address": "Otra calle" }),
        json!({ "city": "Loja" }),
        json!({ "phone": "0777" }),
        json!({ "email": "seis@x.ec" }),
    ];
    let routes = [json!({ "on_failure": "use_default", "after_hours": 9 }), json!({ "notify": ["siete@x.ec"] })];
    let asked = changes.iter().map(|body| (path.as_str(), body));
    let asked =
        asked.chain(company.iter().map(|body| ("/company", body))).chain(routes.iter().map(|body| ("/mail-routes", body)));
    let answers = futures_util::future::join_all(asked.map(|(path, body)| api.patch(path, body.clone()))).await;
    for answer in answers {
        answer.expect(200);
    }
    let contact = api.get(&path).await.text();
    for kept in ["Nombre Nuevo", "Calle Nueva", "0999", "45", "uno@x.ec", "dos@x.ec", "tres@x.ec", "cuatro@x.ec", "cinco@x.ec"] {
        assert!(contact.contains(kept), "{kept} is lost: {contact}");
    }
    assert!(contact.contains("\"is_supplier\":true"), "{contact}");
    let company = api.get("/company").await.text();
    for kept in ["Razón Nueva", "Comercial Nuevo", "Otra calle", "Loja", "0777", "seis@x.ec"] {
        assert!(company.contains(kept), "{kept} is lost: {company}");
    }
    let routes = api.get("/mail-routes").await.text();
    assert!(routes.contains("\"after_hours\":9") && routes.contains("siete@x.ec"), "{routes}");
}

#[tokio::test]
async fn the_document_says_where_a_version_is_given_and_asked_for() {
    let api = Api::with_andina().await;
    let document = api.get("//openapi.json").await.expect(200);
    for path in ["/api/v1/contacts/{id}", "/api/v1/company", "/api/v1/mail-routes", "/api/v1/mail-accounts/{id}"] {
        let item = &document["paths"][path];
        for method in ["get", "patch"] {
            assert!(item[method]["responses"]["200"]["headers"]["ETag"].is_object(), "{method} {path}");
        }
        let header = |parameter: &Value| parameter["in"] == "header" && parameter["name"] == "If-Match";
        assert!(item["patch"]["parameters"].as_array().unwrap().iter().any(header), "{path}");
        assert!(item["patch"]["responses"]["412"].is_object(), "{path}");
    }
}
