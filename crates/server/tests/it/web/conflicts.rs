//! Two people with the same form: who saves second sees what the first one wrote, and nothing is lost unless they say so.

use acuse_domain::company::CompanyProfile;
use acuse_domain::contact::ContactDetails;
use acuse_domain::failure_policy::{FailurePolicy, OnFailure, PatienceHours};
use acuse_domain::id::ContactId;
use acuse_server::{DefaultAccount, Services};
use acuse_store::versions::Expected;
use acuse_store::{companies, contacts, mail_accounts, now, routing};
use acuse_testkit::builders::{contact, mail_account, to};
use axum::http::StatusCode;

use crate::support::{Answer, TestApp};

const SAID: &str = "Esto cambió mientras usted lo editaba";

/// What a browser would send of a page's form, with what a person typed into it.
fn filled<'a>(page: &'a Form, typed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form: Vec<(&str, &str)> = page.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    form.retain(|(name, _)| typed.iter().all(|(own, _)| own != name));
    form.extend(typed);
    form
}

struct Form(Vec<(String, String)>);

impl Form {
    /// The values of the fields with these names, as they stand in the page.
    fn of(page: &Answer, names: &[&str]) -> Self {
        let value = |name: &&str| {
            let value = page.attribute(&format!("main [name={name}]"), "value");
            ((*name).to_owned(), value.unwrap_or_else(|| panic!("{name} is not in the form: {}", page.text())))
        };
        Self(names.iter().map(value).collect())
    }
}

const CARD: [&str; 11] = [
    "version",
    "numero",
    "nombre",
    "plazo",
    "correos",
    "correos_cobros",
    "correos_pagos",
    "correos_facturas",
    "correos_retenciones",
    "direccion",
    "telefono",
];

async fn card(app: &TestApp, id: ContactId) -> ContactDetails {
    contacts::find(&app.app.db, app.company, id).await.unwrap().unwrap().details
}

async fn with_card(app: &TestApp) -> ContactId {
    let details = ContactDetails { phone: Some("02 111".into()), ..contact("Andina", true, false) };
    contacts::create(&app.app.db, &app.actor, &details, None, now()).await.unwrap()
}

async fn colleague_writes(app: &TestApp, id: ContactId, change: impl FnOnce(&mut ContactDetails)) {
    let mut details = card(app, id).await;
    change(&mut details);
    contacts::change(&app.app.db, &app.actor, id, &Expected::Any, to(details)).await.unwrap();
}

#[tokio::test]
async fn a_card_that_a_colleague_changed_meanwhile_comes_back_with_both() {
    let app = TestApp::start().await;
    let id = with_card(&app).await;
    let path = format!("/personas/{id}/modificar");
    let form = Form::of(&app.get(&path).await, &CARD);
    colleague_writes(&app, id, |details| details.phone = Some("02 999".into())).await;
    let typed = filled(&form, &[("nombre", "Andina Nueva S.A."), ("tipo", "cedula"), ("cliente", "1"), ("accion", "guardar")]);
    let refused = app.post(&path, &typed).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text());
    assert_eq!(refused.one(".ac-errors h2"), SAID);
    assert_eq!(refused.all(".ac-errors tbody th"), ["Razón social o nombres", "Teléfono"]);
    assert_eq!(refused.all(".ac-errors tbody td"), ["Andina", "Andina Nueva S.A.", "02 999", "02 111"]);
    assert_eq!(refused.attribute("#nombre", "value").as_deref(), Some("Andina Nueva S.A."), "what was typed stays");
    assert_eq!(refused.attribute("#telefono", "value").as_deref(), Some("02 111"));
    let kept = card(&app, id).await;
    assert_eq!((kept.name.as_str(), kept.phone.as_deref()), ("Andina", Some("02 999")), "nothing was saved");
    // Having seen both, the person takes over the colleague's and saves.
    let again = Form::of(&refused, &CARD);
    let typed = filled(&again, &[("telefono", "02 999"), ("tipo", "cedula"), ("cliente", "1"), ("accion", "guardar")]);
    assert_eq!(app.post(&path, &typed).await.status, StatusCode::SEE_OTHER);
    let kept = card(&app, id).await;
    assert_eq!((kept.name.as_str(), kept.phone.as_deref()), ("Andina Nueva S.A.", Some("02 999")));
}

#[tokio::test]
async fn a_second_colleague_between_two_saves_is_seen_too() {
    let app = TestApp::start().await;
    let id = with_card(&app).await;
    let path = format!("/personas/{id}/modificar");
    let form = Form::of(&app.get(&path).await, &CARD);
    let rest = [("tipo", "cedula"), ("cliente", "1"), ("accion", "guardar")];
    colleague_writes(&app, id, |details| details.phone = Some("02 999".into())).await;
    let refused = app.post(&path, &filled(&form, &rest)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    colleague_writes(&app, id, |details| details.address = Some("Calle 9".into())).await;
    let refused = app.post(&path, &filled(&Form::of(&refused, &CARD), &rest)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.all(".ac-errors tbody th"), ["Dirección", "Teléfono"]);
    // The form while it is only looked at does not forget which card it was made from.
    let looked_at = app.post(&path, &filled(&Form::of(&refused, &CARD), &[("tipo", "cedula"), ("cliente", "1")])).await;
    assert_eq!(Form::of(&looked_at, &["version"]).0, Form::of(&refused, &["version"]).0);
}

#[tokio::test]
async fn two_who_write_the_same_are_not_in_each_others_way() {
    let app = TestApp::start().await;
    let id = with_card(&app).await;
    let path = format!("/personas/{id}/modificar");
    let form = Form::of(&app.get(&path).await, &CARD);
    let typed = filled(&form, &[("telefono", "02 555"), ("tipo", "cedula"), ("cliente", "1"), ("accion", "guardar")]);
    let mut saved = card(&app, id).await;
    for _ in 0..2 {
        let answer = app.post(&path, &typed).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, format!("/personas/{id}").as_str()));
    }
    saved.phone = Some("02 555".into());
    assert_eq!(card(&app, id).await.phone, saved.phone);
}

const PROFILE: [&str; 7] = ["version", "razon", "comercial", "correo", "direccion", "ciudad", "telefono"];

#[tokio::test]
async fn the_companys_data_that_a_colleague_changed_meanwhile_come_back_with_both() {
    let app = TestApp::start().await;
    let path = "/mi-compania/datos";
    let form = Form::of(&app.get(path).await, &PROFILE);
    let before = companies::find(&app.app.db, app.company).await.unwrap().unwrap().profile;
    let theirs = CompanyProfile { city: Some("Loja".into()), ..before.clone() };
    companies::change(&app.app.db, &app.actor, &Expected::Any, to(theirs)).await.unwrap();
    let refused = app.post(path, &filled(&form, &[("telefono", "02 777")])).await;
    assert_eq!((refused.status, refused.one(".ac-errors h2")), (StatusCode::CONFLICT, SAID.to_owned()));
    assert_eq!(refused.all(".ac-errors tbody th"), ["Ciudad", "Teléfono"]);
    assert_eq!(refused.attribute("#telefono", "value").as_deref(), Some("02 777"));
    let kept = companies::find(&app.app.db, app.company).await.unwrap().unwrap().profile;
    assert_eq!((kept.city.as_deref(), kept.phone), (Some("Loja"), before.phone));
    let saved = app.post(path, &filled(&Form::of(&refused, &PROFILE), &[])).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "saving again is a decision");
    let kept = companies::find(&app.app.db, app.company).await.unwrap().unwrap().profile;
    assert_eq!((kept.city, kept.phone.as_deref()), (before.city, Some("02 777")));
}

#[tokio::test]
async fn what_happens_when_an_account_stops_comes_back_with_both() {
    let default = DefaultAccount {
        server: "smtp.servidor.ec".into(),
        port: 587,
        security: acuse_domain::mail_account::Security::StartTls,
        from_address: "avisos@servidor.ec".parse().unwrap(),
    };
    let app = TestApp::start_with(|services| Services { default_account: Some(default), ..services }).await;
    let account = mail_account(acuse_domain::mail_account::MailModule::ReceivedPayments, "a");
    mail_accounts::create(&app.app.db, &app.app.keys, &app.actor, &account, None, now()).await.unwrap();
    let path = "/mi-compania/correos";
    let names = ["version", "horas", "avisar"];
    let form = Form::of(&app.get(path).await, &names);
    let on_failure = OnFailure::UseDefault { after: PatienceHours::new(9).unwrap() };
    let theirs = FailurePolicy { on_failure, notify: Vec::new() };
    routing::change_policy(&app.app.db, &app.actor, &Expected::Any, to(theirs.clone())).await.unwrap();
    let to_change = "/mi-compania/correos/si-falla";
    let typed = [("fallo", "esperar"), ("avisar", "yo@cotopaxi.ec")];
    let refused = app.post(to_change, &filled(&form, &typed)).await;
    assert_eq!((refused.status, refused.one(".ac-errors h2")), (StatusCode::CONFLICT, SAID.to_owned()));
    let both = ["Después de 9 horas, usar el correo predeterminado", "Esperar y avisarme", "vacío", "yo@cotopaxi.ec"];
    assert_eq!(refused.all(".ac-errors tbody td"), both);
    assert_eq!(refused.attribute("#avisar", "value").as_deref(), Some("yo@cotopaxi.ec"));
    assert_eq!(routing::policy(&app.app.db, app.company).await.unwrap(), theirs);
    let saved = app.post(to_change, &filled(&Form::of(&refused, &names), &typed)).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    assert_eq!(routing::policy(&app.app.db, app.company).await.unwrap().on_failure, OnFailure::Wait);
}
