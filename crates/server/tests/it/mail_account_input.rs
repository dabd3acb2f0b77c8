//! Form and API read a mail account and a failure policy by the same rules, and say the same of what is wrong.

use acuse_domain::failure_policy::FailurePolicy;
use acuse_domain::input::Errors;
use acuse_domain::input::failure_policy::PolicyInput;
use acuse_domain::input::mail_account::{AccountInput, Field, ValidAccount};
use acuse_domain::mail_account::MailAccount;
use acuse_mail::guard::Network;
use acuse_server::api::mail_accounts::{AccountChange, AccountIn, CheckSaved, CheckUnsaved};
use acuse_server::api::mail_routes::PolicyChange;
use acuse_server::web::form_errors::FormErrors;
use acuse_server::web::mail_accounts::AccountForm;
use acuse_server::web::mail_accounts::policy::PolicyForm;
use acuse_testkit::builders::mail_account;
use proptest::prelude::*;
use proptest::sample::select;
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const COMPANY: &str = "Empresa S.A.";
/// The fields by their names in the API and in the form.
const FIELDS: [(&str, &str); 10] = [
    ("module", "modulo"),
    ("server", "servidor"),
    ("port", "puerto"),
    ("security", "tls"),
    ("username", "usuario"),
    ("password", "clave"),
    ("from_name", "nombre"),
    ("from_address", "remitente"),
    ("reply_to", "responder"),
    ("bcc", "oculta"),
];
const MODULES: [(&str, &str); 3] = [("received_payments", "cobros"), ("invoices_and_made_payments", "facturacion"), ("", "")];

fn text(usual: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    let usual = select([usual, &["", " ", "a\r\nb", "\u{200b}"]].concat()).prop_map(str::to_owned);
    prop_oneof![6 => usual, 1 => "\\PC{0,12}", 1 => "[a-z]{300,340}"]
}

/// The fields as the API sends them, but for their module and port.
fn texts() -> impl Strategy<Value = [String; 8]> {
    let address = ["cobros@empresa.ec", "ana@x", "Ana <ana@empresa.ec>", "ñ@ñandú.ec"];
    [
        text(&["smtp.gmail.com", "127.0.0.1", "mail.empresa.ec:587", "Correo.Ñandú.ec", "198.41.0.4"]).boxed(),
        text(&["starttls", "tls", "none", "ssl"]).boxed(),
        text(&["cobros@empresa.ec", " cobros "]).boxed(),
        text(&["clave", " clave ", "abcd efgh ijkl mnop"]).boxed(),
        text(&["Empresa S.A.", "  Cobros  Empresa "]).boxed(),
        text(&address).boxed(),
        text(&address).boxed(),
        text(&address).boxed(),
    ]
}

fn port() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![4 => select(vec![Some(587), Some(465), Some(25), Some(2525), None]), 1 => any::<Option<i64>>(), 1 => (0..70_000_i64).prop_map(Some)]
}

/// An account as the API sends it.
fn account() -> impl Strategy<Value = Value> {
    (select(MODULES.to_vec()), port(), texts()).prop_map(|((module, _), port, texts)| {
        let [server, security, username, password, from_name, from_address, reply_to, bcc] = texts;
        json!({ "module": module, "server": server, "port": port, "security": security, "username": username,
            "password": password, "from_name": from_name, "from_address": from_address, "reply_to": reply_to, "bcc": bcc })
    })
}

/// The same as the form sends it.
fn typed(sent: &Value) -> AccountForm {
    let text = |name: &str| sent[name].as_str().unwrap_or_default().to_owned();
    let (_, word) = MODULES.into_iter().find(|(code, _)| *code == text("module")).unwrap();
    AccountForm {
        modulo: word.to_owned(),
        servidor: text("server"),
        puerto: sent["port"].as_i64().map(|port| port.to_string()).unwrap_or_default(),
        tls: text("security"),
        usuario: text("username"),
        clave: text("password"),
        nombre: text("from_name"),
        remitente: text("from_address"),
        responder: text("reply_to"),
        oculta: text("bcc"),
        ..AccountForm::default()
    }
}

fn sent_as<Body: DeserializeOwned + Into<AccountInput>>(sent: &Value) -> AccountInput {
    serde_json::from_value::<Body>(sent.clone()).map(Into::into).unwrap_or_else(|error| panic!("{sent}: {error}"))
}

fn same(api: Result<ValidAccount, Errors<Field>>, form: Result<ValidAccount, FormErrors>) -> Result<(), TestCaseError> {
    match (api, form) {
        (Ok(api), Ok(form)) => {
            let password = |account: &ValidAccount| account.password.as_ref().map(|it| it.expose_secret().to_owned());
            prop_assert_eq!(password(&api), password(&form));
            prop_assert_eq!(api.settings, form.settings);
        }
        (api, form) => {
            let api: Vec<_> = api.err().into_iter().flatten().collect();
            let form = form.err().unwrap_or_default();
            for (name, id) in FIELDS {
                let said = api.iter().find(|(field, _)| field.as_str() == name).map(|(_, message)| message.to_string());
                prop_assert_eq!(said.as_deref(), form.of(id), "{}", name);
            }
        }
    }
    Ok(())
}

/// The account as it is on record, with or without a password.
fn saved(has_password: bool) -> MailAccount {
    let settings = mail_account(acuse_domain::mail_account::MailModule::ReceivedPayments, "").settings;
    MailAccount {
        id: acuse_domain::id::MailAccountId(uuid::Uuid::from_u128(1)),
        company: acuse_domain::id::CompanyId(uuid::Uuid::from_u128(2)),
        version: 1,
        settings,
        unreadable: Vec::new(),
        enabled: true,
        pause: None,
        last_check: None,
        has_password,
        connection: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn a_new_account_is_read_alike(sent in account()) {
        let form = typed(&sent);
        let network = Network::new(&[], None).unwrap();
        let may_use_port = |server: &str, port| network.may_use_mail_port(server, port);
        let read = || form.read(None, form.typed_password(), COMPANY, &network);
        same(sent_as::<AccountIn>(&sent).read(COMPANY, may_use_port), read())?;
        same(sent_as::<CheckUnsaved>(&sent).read(COMPANY, may_use_port), read())?;
    }

    #[test]
    fn a_change_is_read_alike(mut sent in account(), has_password in any::<bool>(), same_scope in any::<bool>()) {
        if sent["port"].is_null() {
            // A field that is null changes nothing, and what is absent is no form's.
            sent["port"] = json!(0);
        }
        let saved = saved(has_password);
        if same_scope {
            let settings = &saved.settings;
            for (name, value) in [("server", &settings.server), ("username", &settings.username)] {
                sent[name] = json!(value);
            }
            (sent["port"], sent["security"]) = (json!(settings.port), json!(settings.security.as_str()));
        }
        let form = typed(&sent);
        let network = Network::new(&[], None).unwrap();
        let may_use_port = |server: &str, port| network.may_use_mail_port(server, port);
        let read = || form.read(Some(&saved), form.typed_password(), COMPANY, &network);
        same(sent_as::<AccountChange>(&sent).apply_to(&saved, may_use_port), read())?;
        same(sent_as::<CheckSaved>(&sent).apply_to(&saved, may_use_port), read())?;
    }

    #[test]
    fn a_policy_is_read_alike(hours in any::<Option<i8>>(), uses_default in any::<bool>(), notify in text(&["a@x.ec; b@x.ec", "ana"])) {
        let mut sent = json!({ "on_failure": if uses_default { "use_default" } else { "wait" }, "notify": notify });
        if uses_default {
            sent["after_hours"] = json!(hours);
        }
        let form = PolicyForm {
            fallo: if uses_default { "predeterminado" } else { "esperar" }.to_owned(),
            horas: hours.map(|hours| hours.to_string()).unwrap_or_default(),
            avisar: notify,
            ..PolicyForm::default()
        };
        let api = PolicyInput::from(serde_json::from_value::<PolicyChange>(sent).unwrap()).apply_to(FailurePolicy::default());
        match (api, form.read()) {
            (Ok(api), Ok(form)) => prop_assert_eq!(api, form),
            (api, form) => {
                let (api, form) = (api.err().into_iter().flatten(), form.err().unwrap_or_default());
                let api: Vec<_> = api.map(|(field, message)| (field.to_string(), message.to_string())).collect();
                for (name, id) in [("after_hours", "horas"), ("notify", "avisar")] {
                    let said = api.iter().find(|(field, _)| field.starts_with(name)).map(|(_, message)| message.as_str());
                    prop_assert_eq!(said, form.of(id), "{}", name);
                }
            }
        }
    }
}
