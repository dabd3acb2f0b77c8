//! A form that was opened before somebody else acted on its payment does what was read on the page, or nothing.

use acuse_domain::delivery::State;
use acuse_domain::id::{DeliveryId, PaymentId};
use acuse_domain::payment::Notify;
use acuse_store::conditions::Conditions;
use acuse_store::deliveries::{self, MessageKind};
use acuse_store::payments::{self, VoidNotice};
use acuse_store::{Actor, contacts, now};
use acuse_testkit::builders::received;
use acuse_testkit::outside;
use axum::http::StatusCode;

use super::scene::*;
use crate::support::Answer;

const GABRIELA: &str = "Gabriela Toapanta";

/// One cobro with two deliveries of each kind that a page offers something for.
struct Late {
    scene: Scene,
    id: PaymentId,
}

impl Late {
    async fn set() -> Self {
        let scene = Scene::set().await;
        let id = cobro(&scene).await;
        Self { scene, id }
    }

    async fn delivery(&self, recipient: &str) -> DeliveryId {
        self.scene.deliveries(self.id).await.into_iter().find(|one| one.recipient == recipient).unwrap().id
    }

    fn page(&self) -> String {
        format!("/cobros/{}", self.id)
    }

    /// Where a form stands, how it is found there, where it goes, and what a person types into it.
    async fn form(&self, which: &str) -> (String, String, String, Vec<(&'static str, &'static str)>) {
        let page = self.page();
        let of = async |recipient, act| format!("{page}/envios/{}/{act}", self.delivery(recipient).await);
        let on_page = |to: String, typed| (page.clone(), format!("form[action='{to}']"), to, typed);
        let dialog = |act: &str, typed| (format!("{page}/{act}"), "dialog form".to_owned(), format!("{page}/{act}"), typed);
        match which {
            "reenviar" => dialog("reenviar", vec![("otra", "nueva@andina.ec")]),
            "anular" => dialog("anular", vec![("motivo", "Era de otra factura")]),
            "reintentar" => on_page(of("llena-2@andina.ec", "reintentar").await, vec![]),
            "anular el envío" => on_page(of("espera-2@andina.ec", "anular").await, vec![]),
            _ => on_page(of("mal-2@andina.ec", "corregir").await, vec![("correo", "bien-2@andina.ec")]),
        }
    }

    async fn gabriela(&self, act: &str) {
        let by = Actor { name: GABRIELA.to_owned(), ..self.scene.app.actor.clone() };
        let (db, id) = (&self.scene.app.app.db, self.id);
        match act {
            "anular" => payments::void(db, &by, id, "Doble registro", VoidNotice::TellNobody, &Conditions::default(), now())
                .await
                .unwrap(),
            "reenviar" => {
                let to = Notify::Addresses(vec!["tesoreria@andina.ec".parse().unwrap()]);
                payments::resend(db, &by, id, &to, None, now()).await.unwrap();
            }
            "reintentar" => {
                deliveries::retry(db, &by, self.delivery("llena-1@andina.ec").await, &Conditions::default(), now()).await.unwrap()
            }
            "anular el envío" => {
                deliveries::cancel(db, &by, self.delivery("espera-1@andina.ec").await, &Conditions::default(), now())
                    .await
                    .unwrap()
            }
            _ => {
                let (wrong, right) = (self.delivery("mal-1@andina.ec").await, "bien-1@andina.ec".parse().unwrap());
                payments::correct_and_resend(db, &by, wrong, &right, None, now()).await.unwrap();
            }
        }
    }

    async fn post(&self, to: &str, fields: &[(String, String)]) -> Answer {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.scene.app.post(to, &fields).await
    }

    async fn notices(&self) -> usize {
        self.scene.deliveries(self.id).await.iter().filter(|one| one.kind == MessageKind::VoidNotice).count()
    }

    async fn rows(&self) -> std::collections::BTreeMap<String, i64> {
        outside::row_counts(&url(&self.scene)).await
    }
}

fn url(scene: &Scene) -> String {
    format!("sqlite://{}", scene.app.folder().join("acuse.db").display())
}

async fn cobro(scene: &Scene) -> PaymentId {
    let to = "espera-1@andina.ec;espera-2@andina.ec;llena-1@andina.ec;llena-2@andina.ec;mal-1@andina.ec;mal-2@andina.ec";
    let id = received(scene.customer, "21.00").to(to).record(&scene.app.app.db, &scene.app.actor).await.unwrap();
    for (which, state, code) in
        [("espera", "deferred", "'greylisted'"), ("llena", "failed", "NULL"), ("mal", "failed", "'mailbox_not_found'")]
    {
        let sql = format!(
            "UPDATE delivery SET state = '{state}', problem_code = {code}, next_attempt_at = CASE WHEN '{state}' = 'failed'
            THEN NULL ELSE next_attempt_at END WHERE payment_id = $1 AND recipient LIKE '{which}%'"
        );
        outside::run(&url(scene), &sql, vec![id.0.into()]).await;
    }
    id
}

const ACTS: [(&str, &str); 5] = [
    ("anular", "Gabriela Toapanta anuló el cobro"),
    ("reenviar", "Gabriela Toapanta reenvió el recibo a tesoreria@andina.ec"),
    ("reintentar", "Gabriela Toapanta pidió reintentar el envío a llena-1@andina.ec"),
    ("anular el envío", "Gabriela Toapanta anuló el envío a espera-1@andina.ec"),
    ("corregir", "Gabriela Toapanta reenvió el recibo a bien-1@andina.ec"),
];

#[tokio::test]
async fn whatever_somebody_else_did_since_a_form_was_opened_it_does_nothing_and_says_what_they_did() {
    for (form, _) in ACTS {
        for (act, words) in ACTS {
            let late = Late::set().await;
            let (page, css, to, typed) = late.form(form).await;
            let fields = late.scene.app.get(&page).await.filled(&css, &typed);
            late.gabriela(act).await;
            let before = late.rows().await;
            let answer = late.post(&to, &fields).await;
            assert_eq!(late.rows().await, before, "{form} after {act}");
            if (form, act) == ("anular el envío", "anular") {
                // The void has cancelled it: that was wanted.
                assert_eq!(answer.status, StatusCode::SEE_OTHER);
                continue;
            }
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form} after {act}");
            let said = answer.one("[role=alert]");
            assert!(said.contains(words), "{form} after {act}: {said}");
            assert_eq!(late.notices().await, 0, "{form} after {act}");
            // What comes back is up to date: asked for again, it is done.
            if act != "anular" {
                let again = late.post(&to, &answer.filled(&css, &typed)).await;
                assert_eq!(again.status, StatusCode::SEE_OTHER, "{form} after {act}: {}", again.text());
            }
        }
    }
}

#[tokio::test]
async fn a_form_that_asked_for_the_receipt_never_sends_the_notice_that_it_is_void() {
    let late = Late::set().await;
    let (page, css, to, typed) = late.form("reenviar").await;
    let fields = late.scene.app.get(&page).await.filled(&css, &typed);
    late.gabriela("anular").await;
    let with_less = |less: &[&str]| fields.iter().filter(|(name, _)| !less.contains(&name.as_str())).cloned().collect::<Vec<_>>();
    for less in [&[][..], &["visto"], &["pide"], &["visto", "pide", "clave"]] {
        let answer = late.post(&to, &with_less(less)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "without {less:?}");
        assert!(answer.one("[role=alert]").contains("No se reenvió el recibo"), "{}", answer.one("[role=alert]"));
        assert!(answer.all("dialog").is_empty(), "another question is not put in its place");
        assert_eq!(late.notices().await, 0, "without {less:?}");
    }
    // What the page asks now is another thing, and that is done.
    let page = late.scene.app.get(&page).await;
    assert_eq!(page.one("dialog h1"), "Avisar de la anulación de RC-000001");
    assert_eq!(late.post(&to, &page.filled(&css, &typed)).await.status, StatusCode::SEE_OTHER);
    assert_eq!(late.notices().await, 1);
    let gone = late.scene.app.get(&format!("{}/anular", late.page())).await;
    assert_eq!((gone.status, gone.location()), (StatusCode::SEE_OTHER, late.page().as_str()), "it cannot be voided twice");
}

#[tokio::test]
async fn who_voids_is_asked_again_where_the_receipt_reached_somebody_meanwhile() {
    let late = Late::set().await;
    let (page, css, to, typed) = late.form("anular").await;
    let dialog = late.scene.app.get(&page).await;
    assert!(dialog.all("input[name=avisar]").is_empty(), "nobody has it");
    assert!(!dialog.one("dialog").contains("sale en el aviso"), "there is none");
    let fields = dialog.filled(&css, &typed);
    let sql = "UPDATE delivery SET state = 'accepted', next_attempt_at = NULL WHERE recipient = 'espera-1@andina.ec'";
    outside::run(&url(&late.scene), sql, vec![]).await;
    let answer = late.post(&to, &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.one("[role=alert]").contains("Cambió quién tiene el recibo"), "{}", answer.text());
    assert_eq!(answer.one("dialog textarea"), "Era de otra factura");
    assert!(answer.one("dialog .ac-notify").contains("espera-1@andina.ec"));
    assert!(answer.one("dialog").contains("sale en el aviso"));
    assert_eq!(late.post(&to, &answer.filled(&css, &[])).await.status, StatusCode::SEE_OTHER);
    assert_eq!(late.notices().await, 1, "the question came ticked");
}

#[tokio::test]
async fn a_delivery_that_has_moved_on_is_left_and_its_page_says_how_it_stands() {
    let late = Late::set().await;
    let (page, css, to, _) = late.form("anular el envío").await;
    let fields = late.scene.app.get(&page).await.filled(&css, &[]);
    let sql = "UPDATE delivery SET state = 'accepted', next_attempt_at = NULL WHERE recipient LIKE 'espera%'";
    outside::run(&url(&late.scene), sql, vec![]).await;
    let answer = late.post(&to, &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let said = answer.one("[role=alert] h2");
    assert_eq!(said, "No se anuló el envío a espera-2@andina.ec: ahora está «Aceptado por el servidor»");
}

#[tokio::test]
async fn a_correction_keeps_what_was_typed_and_is_no_correction_where_it_is_the_same() {
    let late = Late::set().await;
    let (page, css, to, _) = late.form("corregir").await;
    let id = format!("#correo-{}", late.delivery("mal-2@andina.ec").await);
    let before = late.rows().await;
    for (typed, shown, said) in [
        ("no vale", "no vale", "«no vale» no es una dirección de correo: le falta la arroba (@)."),
        ("", "", "Escriba la dirección correcta."),
        ("mal-2@andina.ec", "mal-2@andina.ec", "Es la misma que el servidor rechazó."),
        (" Mal-2@ANDINA.ec ", " Mal-2@ANDINA.ec ", "Es la misma que el servidor rechazó."),
    ] {
        let fields = late.scene.app.get(&page).await.filled(&css, &[("correo", typed)]);
        let answer = late.post(&to, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert_eq!(answer.attribute(&id, "value").as_deref(), Some(shown));
        assert_eq!(answer.attribute(&id, "aria-invalid").as_deref(), Some("true"), "{typed}");
        assert_eq!(answer.one(&format!("{id}-error")), said);
        // The other one keeps its own.
        let other = format!("#correo-{}", late.delivery("mal-1@andina.ec").await);
        assert_eq!(answer.attribute(&other, "value").as_deref(), Some("mal-1@andina.ec"));
    }
    assert_eq!(late.rows().await, before);
}

#[tokio::test]
async fn a_void_notice_is_called_one_everywhere_and_goes_to_each_recipient_once() {
    let late = Late::set().await;
    let app = &late.scene.app;
    let sql = "UPDATE delivery SET state = CASE WHEN recipient LIKE 'llena%' THEN 'accepted' ELSE 'sending' END,
        next_attempt_at = NULL WHERE recipient LIKE 'llena%' OR recipient LIKE 'espera%'";
    outside::run(&url(&late.scene), sql, vec![]).await;
    late.gabriela("anular").await;
    let page = app.get(&late.page()).await;
    assert!(page.one("#envios summary").ends_with("2 aceptados, 2 en camino, 2 no llegaron"), "{}", page.one("#envios summary"));
    assert!(page.attribute("#envios", "hx-trigger").is_some(), "what is on its way is looked at again");
    let ask = format!("{}/reenviar", late.page());
    let dialog = app.get(&ask).await;
    assert!(!dialog.one("dialog").contains("Reenvío"));
    assert!(!dialog.filled("dialog form", &[]).iter().any(|(name, _)| name == "guardar"), "nobody asked to keep it");
    let named = [("otra", "Bodega@riodaule.ec"), ("guardar", "si")];
    assert_eq!(late.post(&ask, &dialog.filled("dialog form", &named)).await.status, StatusCode::SEE_OTHER);
    let told = late.notices().await;
    assert_eq!(told, 5, "the four who have it or may have it, and the other one");

    let page = app.get(&late.page()).await;
    assert!(!page.text().contains("Reenvío") && !page.text().contains("reenvió"), "{}", page.text());
    let heads = page.all("#envios h3");
    assert_eq!(heads.iter().filter(|head| head.ends_with("Aviso de anulación")).count(), told, "{heads:?}");
    assert!(page.text().contains("pidió el aviso de anulación para "));
    assert!(
        app.get("/envios?estado=todos").await.all("tbody tr").iter().filter(|row| row.contains("Aviso de anulación")).count()
            == told
    );

    // In other capitals it is the same mailbox: not told twice, and not kept twice.
    let card = async || contacts::find(&app.app.db, late.scene.company(), late.scene.customer).await.unwrap().unwrap().details;
    let kept = card().await;
    for typed in ["bodega@riodaule.ec", "BODEGA@RioDaule.EC", "llena-1@ANDINA.ec"] {
        let mut fields = app.get(&ask).await.filled("dialog form", &[("otra", typed), ("guardar", "si")]);
        fields.retain(|(name, _)| name != "para");
        let answer = late.post(&ask, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(answer.one("#otra-error").starts_with("Ya se les avisó"), "{typed}");
    }
    assert_eq!((late.notices().await, card().await), (told, kept));
    // The card's own addresses are the only ones left to tick; then there is nothing to tick.
    let rest = app.get(&ask).await.filled("dialog form", &[("para", "pagos@andina.ec"), ("para", "gerencia@andina.ec")]);
    assert_eq!(late.post(&ask, &rest).await.status, StatusCode::SEE_OTHER);
    let dialog = app.get(&ask).await;
    assert_eq!(dialog.all("dialog input[name=para]").len(), 0);
    let nobody = late.post(&ask, &dialog.filled("dialog form", &[])).await;
    assert_eq!(nobody.one("#otra-error"), "Escriba una dirección.");
    assert!(
        late.scene.deliveries(late.id).await.iter().all(|one| one.state != State::Sending || one.kind == MessageKind::Receipt)
    );
}

#[tokio::test]
async fn a_first_envio_is_no_reenvio_in_the_history() {
    let scene = Scene::set().await;
    let id = received(scene.customer, "3.00").record(&scene.app.app.db, &scene.app.actor).await.unwrap();
    let ask = format!("/cobros/{id}/reenviar");
    for _ in 0..2 {
        let fields = scene.app.get(&ask).await.filled("dialog form", &[("para", "pagos@andina.ec")]);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(scene.app.post(&ask, &fields).await.status, StatusCode::SEE_OTHER);
    }
    let lines = scene.app.get(&format!("/cobros/{id}")).await.all(".ac-life-who li");
    assert!(lines.iter().any(|line| line.contains("envió el recibo a pagos@andina.ec")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("reenvió el recibo a pagos@andina.ec")), "{lines:?}");
}
