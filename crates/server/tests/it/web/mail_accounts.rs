//! Mi compañía › Correos, as a person without JavaScript uses it: fields typed, buttons pressed, pages read.

use std::net::SocketAddr;

use acuse_domain::access::Role;
use acuse_domain::mail_account::{MailModule, Security};
use acuse_server::{DefaultAccount, Services};
use acuse_store::pauses::AccountKey;
use acuse_store::{mail_accounts, now, pauses};
use axum::http::StatusCode;
use secrecy::ExposeSecret;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::account_form::{Filled, LIST, catcher, closed_port};
use crate::support::{Answer, TestApp};

const SECRET: &str = "Clave-Secreta-ñ 1";

fn with_default(services: Services) -> Services {
    let default_account = Some(DefaultAccount {
        server: "smtp.servidor.ec".to_owned(),
        port: 587,
        security: Security::StartTls,
        from_address: "avisos@servidor.ec".parse().unwrap(),
    });
    Services { default_account, ..services }
}

fn card(page: &Answer, module: MailModule) -> String {
    page.all("article").into_iter().find(|card| card.starts_with(module.name())).unwrap_or_else(|| panic!("{}", page.text()))
}

#[tokio::test]
async fn probar_says_correcta_and_guardar_keeps_it_for_the_module() {
    let server = catcher().await;
    let app = TestApp::start_with(with_default).await;
    for (module, word) in [(MailModule::ReceivedPayments, "cobros"), (MailModule::InvoicesAndMadePayments, "facturacion")] {
        let form = Filled::account(server.local_addr()).with("modulo", word).with("hacia", "gabriela@cotopaxi.ec");
        let checked = form.press(&app, LIST, "probar").await;
        assert_eq!(checked.status, StatusCode::OK);
        assert_eq!(checked.one("#diag"), "Configuración correcta");
        let phases = checked.all(".ac-phases b");
        assert_eq!(phases[0], "DNS");
        assert_eq!(phases.last().unwrap(), "Entrega");
        assert!(checked.one(".ac-phases li:last-child .ac-what").contains("250"), "the server's own words are shown");
        assert!(checked.one(".ac-fix").contains("gabriela@cotopaxi.ec"));

        let saved = Filled::of(&checked).press(&app, LIST, "guardar").await;
        assert_eq!((saved.status, saved.location()), (StatusCode::SEE_OTHER, LIST));
        let list = app.get(LIST).await;
        let shown = card(&list, module);
        for said in ["cobros@cotopaxi.ec", "Sin cifrar", "Configuración correcta", "probada hoy"] {
            assert!(shown.contains(said), "{said}: {shown}");
        }
    }
    let mails = server.messages();
    assert_eq!(mails.len(), 2, "one test message for each check, and none for the rest");
    assert_eq!(mails[0].rcpt_to, ["gabriela@cotopaxi.ec"]);
}

#[tokio::test]
async fn probar_says_erronea_with_the_phase_the_cause_and_what_to_do() {
    let app = TestApp::start().await;
    let closed = closed_port().await;
    let checked = Filled::account(closed).press(&app, LIST, "probar").await;
    assert_eq!(checked.status, StatusCode::OK);
    assert_eq!(checked.one("#diag"), "Configuración errónea");
    assert!(checked.one(".ac-verdict-head p").starts_with("Falló en la conexión"));
    assert!(checked.one(".ac-phases [data-state=bad]").starts_with("Conexión"));
    assert!(checked.one(".ac-phases [data-state=ok]").starts_with("DNS"));
    assert!(checked.one(".ac-phases [data-state=wait]").contains("Saludo, cifrado, autenticación, remitente"));
    assert_eq!(checked.one(".ac-fix h3"), "Nadie atiende en ese puerto");
    assert!(!checked.one(".ac-words").is_empty());
    assert_eq!(checked.attribute("#puerto", "value"), Some(closed.port().to_string()), "the form comes back as typed");
    assert!(checked.attribute("#puerto", "aria-invalid").is_some(), "the cause stands under its field");

    let saved = Filled::of(&checked).press(&app, LIST, "guardar").await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "it may be saved all the same");
    assert!(
        card(&app.get(LIST).await, MailModule::ReceivedPayments)
            .contains("Configuración errónea guardada con error, probada hoy")
    );
}

#[tokio::test]
async fn a_correction_is_one_button_and_tries_again() {
    let server = starttls_only().await;
    let app = TestApp::start().await;
    let form = Filled::account(server).with("tls", "tls").with("usuario", "cobros").with("clave", SECRET);
    let checked = form.press(&app, LIST, "probar").await;
    assert_eq!(checked.one("#diag"), "Configuración errónea");
    assert_eq!(checked.one("button[value=corregir]"), "Usar STARTTLS y probar de nuevo");
    assert!(checked.one(".ac-fix").contains("Cambia solo el TLS; lo demás queda como está."));
    assert_eq!(
        checked.one("#tls-error"),
        format!("El puerto {} usa STARTTLS", server.port()),
        "the field that it changes is marked"
    );

    let corrected = Filled::of(&checked).press(&app, LIST, "corregir").await;
    assert_eq!(corrected.one("#tls option[selected]"), "STARTTLS", "the correction stands in the form");
    assert_eq!(corrected.one("#de-tls"), "corregido al probar");
    // It went on from there, with the password that was typed: this server's TLS is out of order.
    assert_eq!(corrected.one(".ac-phases [data-state=bad] b"), "Cifrado");
    assert!(corrected.one(".ac-words").contains("454 4.7.0"));
}

/// A mail server that greets in clear and offers STARTTLS, which it cannot do just now.
async fn starttls_only() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (reading, mut writing) = stream.split();
                let mut lines = BufReader::new(reading).lines();
                writing.write_all(b"220 correo ESMTP\r\n").await.ok()?;
                while let Some(line) = lines.next_line().await.ok()? {
                    let answer = match line.split_whitespace().next() {
                        Some("EHLO") => "250-correo\r\n250 STARTTLS\r\n",
                        Some("STARTTLS") => "454 4.7.0 TLS busy, try again later\r\n",
                        _ => "221 bye\r\n",
                    };
                    writing.write_all(answer.as_bytes()).await.ok()?;
                }
                Some(())
            });
        }
    });
    address
}

#[tokio::test]
async fn where_a_value_comes_from_is_said_until_somebody_changes_it() {
    let closed = closed_port().await;
    let app = TestApp::start().await;
    let gmail = app.get("/mi-compania/correos/nueva?modulo=cobros&direccion=ana%40gmail.com").await;
    for (hint, said) in
        [("#de-servidor", "de Gmail"), ("#de-puerto", "de Gmail"), ("#de-tls", "de Gmail"), ("#de-usuario", "igual al correo")]
    {
        assert_eq!(gmail.one(hint), said, "{hint}");
    }
    assert!(gmail.one("#proveedor").contains("contraseña de aplicación"), "what the provider wants is said at once");
    let port = closed.port().to_string();
    let form = Filled::of(&gmail).with("servidor", "127.0.0.1").with("puerto", &port).with("usuario", "").with("hacia", "x");
    let refused = form.press(&app, LIST, "probar").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let checked = Filled::of(&refused).with("hacia", "").press(&app, LIST, "probar").await;
    for page in [&refused, &checked] {
        assert_eq!((page.one("#de-servidor"), page.one("#de-tls")), ("escrito por usted".to_owned(), "de Gmail".to_owned()));
    }
    let back = Filled::of(&checked).with("servidor", "smtp.gmail.com").with("hacia", "x").press(&app, LIST, "probar").await;
    assert_eq!(back.one("#de-servidor"), "de Gmail", "what was proposed stands there again");
}

#[tokio::test]
async fn a_slip_in_the_address_is_asked_about_before_anything_is_looked_up() {
    let app = TestApp::start().await;
    let path = "/mi-compania/correos/nueva?modulo=cobros&direccion=ana%40gmial.com";
    let doubtful = app.get(path).await;
    assert_eq!(doubtful.one("button[name=corregida]"), "Corregir");
    let mended = app.get(&format!("{path}&corregida=ana%40gmail.com")).await;
    assert_eq!(mended.attribute("#remitente", "value").as_deref(), Some("ana@gmail.com"));
    assert_eq!(mended.attribute("#servidor", "value").as_deref(), Some("smtp.gmail.com"));
}

#[tokio::test]
async fn a_typed_password_reaches_guardar_and_is_never_printed() {
    let server = catcher().await;
    let app = TestApp::start().await;
    let form = Filled::account(server.local_addr()).with("usuario", "cobros@cotopaxi.ec").with("clave", SECRET);
    let checked = form.press(&app, LIST, "probar").await;
    assert_eq!(checked.one("#diag"), "Configuración correcta");
    let saved = Filled::of(&checked).press(&app, LIST, "guardar").await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);

    let account = mail_accounts::list(&app.app.db, app.company).await.unwrap().pop().unwrap();
    let usable = mail_accounts::usable_by_id(&app.app.db, &app.app.keys, app.company, account.id).await.unwrap().unwrap();
    assert_eq!(usable.password_for(&usable.account.settings.credential_scope()).unwrap().expose_secret(), SECRET);
    assert_eq!(account.last_check.map(|check| check.ok), Some(true));

    let edit = format!("{LIST}/{}", account.id);
    let form = app.get(&edit).await;
    let again = Filled::of(&form).press(&app, &edit, "probar").await;
    assert_eq!(again.one("#diag"), "Configuración correcta", "an empty field means the password on record");
    let refused = Filled::of(&form).with("clave", SECRET).with("puerto", "x").press(&app, &edit, "probar").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let list = app.get(LIST).await;
    for page in [checked, form, again, refused, list] {
        let html = page.text();
        assert!(!html.contains("Clave-Secreta"), "{html}");
        assert_eq!(page.attribute("#clave", "value"), None);
    }
}

#[tokio::test]
async fn a_refused_form_keeps_the_password_for_the_next_try() {
    let server = catcher().await;
    let app = TestApp::start().await;
    let form = Filled::account(server.local_addr()).with("usuario", "cobros").with("clave", SECRET).with("puerto", "70000");
    let refused = form.press(&app, LIST, "probar").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.one("#puerto-error"), "El puerto va de 1 a 65535.");
    assert_eq!(refused.one(".ac-errors a"), refused.one("#puerto-error"));
    let port = server.local_addr().port().to_string();
    let checked = Filled::of(&refused).with("puerto", &port).press(&app, LIST, "probar").await;
    assert_eq!(checked.one("#diag"), "Configuración correcta");
}

#[tokio::test]
async fn guardar_without_a_check_of_exactly_this_says_so() {
    let server = catcher().await;
    let app = TestApp::start().await;
    let checked = Filled::account(server.local_addr()).press(&app, LIST, "probar").await;
    let other = closed_port().await.port().to_string();
    let saved = Filled::of(&checked).with("puerto", &other).press(&app, LIST, "guardar").await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    assert!(card(&app.get(LIST).await, MailModule::ReceivedPayments).contains("Sin probar"), "another port was checked");
}

#[tokio::test]
async fn the_stored_password_goes_to_no_other_server() {
    let server = catcher().await;
    let app = TestApp::start().await;
    let form = Filled::account(server.local_addr()).with("usuario", "cobros").with("clave", SECRET);
    form.press(&app, LIST, "guardar").await;
    let account = mail_accounts::list(&app.app.db, app.company).await.unwrap().pop().unwrap();
    let edit = format!("{LIST}/{}", account.id);
    for button in ["probar", "guardar"] {
        for (field, other, changed) in [
            ("servidor", "127.0.0.2", "Cambió el servidor"),
            ("puerto", "2525", "Cambió el puerto"),
            ("tls", "starttls", "Cambió el TLS"),
            ("usuario", "otro", "Cambió el usuario"),
        ] {
            let form = Filled::of(&app.get(&edit).await).with(field, other);
            let refused = form.press(&app, &edit, button).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{button} {field}");
            assert_eq!(refused.one("#clave-error"), format!("{changed}: escriba otra vez la contraseña."));
        }
    }
}

#[tokio::test]
async fn a_sealed_password_opens_for_no_other_session() {
    let server = catcher().await;
    let app = TestApp::start().await;
    let form = Filled::account(server.local_addr()).with("usuario", "cobros").with("clave", SECRET);
    let checked = form.press(&app, LIST, "probar").await;
    let stolen = Filled::of(&checked).with("accion", "probar");
    // As if it had been made for the other company.
    let own = stolen.0.iter().filter(|(name, _)| name != "compania");
    let fields: Vec<(&str, &str)> = own.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let stranger = app.stranger().await;
    let refused = app.post_as(&stranger.session, LIST, &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.one("#clave-error").contains("escriba otra vez la contraseña"));
}

#[tokio::test]
async fn each_field_that_is_wrong_says_why_in_its_place() {
    let server = catcher().await;
    let app = TestApp::start().await;
    for (field, typed, said) in [
        ("servidor", "smtp://mail.cotopaxi.ec", "sin «smtp://»"),
        ("servidor", "mail.cotopaxi.ec:587", "su propio campo"),
        ("puerto", "", "Falta el puerto"),
        ("puerto", "0", "1 a 65535"),
        ("tls", "ssl3", "TLS"),
        ("remitente", "cobros", "no es una dirección de correo"),
        ("responder", "a@cotopaxi.ec\r\nBcc: b@otra.ec", "no es una dirección de correo"),
        ("usuario", &"x".repeat(321), "caben 320 letras"),
        ("modulo", "retenciones", "módulo"),
    ] {
        for button in ["probar", "guardar"] {
            let refused = Filled::account(server.local_addr()).with(field, typed).press(&app, LIST, button).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {typed:?}");
            let words = refused.one(&format!("#{field}-error"));
            assert!(words.contains(said), "{field}: {words}");
        }
    }
    let refused = Filled::account(server.local_addr()).with("usuario", "cobros").press(&app, LIST, "guardar").await;
    assert_eq!(refused.one("#clave-error"), "Falta la contraseña del usuario.");
    assert!(mail_accounts::list(&app.app.db, app.company).await.unwrap().is_empty(), "nothing was recorded");
}

#[tokio::test]
async fn mail_leaves_through_the_ports_of_mail_and_no_other() {
    let app = TestApp::start().await;
    let away: SocketAddr = "198.41.0.4:6379".parse().unwrap();
    for button in ["probar", "guardar"] {
        let refused = Filled::account(away).with("servidor", "198.41.0.4").press(&app, LIST, button).await;
        assert!(refused.one("#puerto-error").contains("no está permitido"), "{button}");
    }
}

#[tokio::test]
async fn the_address_alone_opens_the_form_filled_in() {
    let server = catcher().await;
    let demo = server.local_addr();
    let app = TestApp::start_with(|services| Services { catcher: Some(server), ..services }).await;
    let first = app.get("/mi-compania/correos/nueva").await;
    assert_eq!(first.all("input[name=modulo]").len(), 2);
    let gmail = app.get("/mi-compania/correos/nueva?modulo=cobros&direccion=ana%40gmail.com").await;
    assert_eq!(gmail.attribute("#servidor", "value").as_deref(), Some("smtp.gmail.com"));
    assert_eq!(gmail.one("#de-servidor"), "de Gmail");
    assert_eq!(gmail.attribute("#nombre", "value").as_deref(), Some("Distribuidora Cotopaxi"));

    let wrong = app.get("/mi-compania/correos/nueva?modulo=cobros&direccion=ana").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.one("#direccion-error").contains("no es una dirección"));

    let catching = app.get("/mi-compania/correos/nueva?modulo=facturacion&direccion=ana%40cotopaxi.ec&buzon=si").await;
    assert_eq!(catching.attribute("#servidor", "value"), Some(demo.ip().to_string()));
    assert_eq!(catching.attribute("#puerto", "value"), Some(demo.port().to_string()));
    assert_eq!(catching.one("#tls option[selected]"), "Sin cifrar");
    assert_eq!(catching.one("#modulo option[selected]"), MailModule::InvoicesAndMadePayments.name());
    let checked = Filled::of(&catching).press(&app, LIST, "probar").await;
    assert_eq!(checked.one("#diag"), "Configuración correcta");

    let filled = Filled::of(&gmail).press(&app, LIST, "buzon").await;
    assert_eq!(filled.attribute("#puerto", "value"), Some(demo.port().to_string()), "one click, in the form too");
}

#[tokio::test]
async fn each_module_shows_who_would_send() {
    let without = TestApp::start().await;
    let list = without.get(LIST).await;
    assert!(card(&list, MailModule::ReceivedPayments).contains("Sin correo que envíe"));

    let app = TestApp::start_with(with_default).await;
    let list = app.get(LIST).await;
    for module in MailModule::ALL {
        let shown = card(&list, module);
        for said in ["Correo predeterminado", "Distribuidora Cotopaxi Cía. Ltda. <avisos@servidor.ec>", "ana@cotopaxi.ec"] {
            assert!(shown.contains(said), "{said}: {shown}");
        }
    }
}

#[tokio::test]
async fn a_module_has_one_account_which_can_be_turned_off_on_and_deleted() {
    let server = catcher().await;
    let app = TestApp::start_with(with_default).await;
    Filled::account(server.local_addr()).press(&app, LIST, "guardar").await;
    let second = Filled::account(server.local_addr()).press(&app, LIST, "guardar").await;
    assert_eq!(second.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(second.one("#modulo-error").contains("ya tiene una cuenta"));

    let account = mail_accounts::list(&app.app.db, app.company).await.unwrap().pop().unwrap();
    let path = |act: &str| format!("{LIST}/{}/{act}", account.id);
    assert_eq!(app.post(&path("desactivar"), &[]).await.location(), LIST);
    let list = app.get(LIST).await;
    assert!(card(&list, MailModule::ReceivedPayments).contains("Correo predeterminado"));
    assert!(list.one("section table").contains("cobros@cotopaxi.ec"));
    assert!(card(&list, MailModule::ReceivedPayments).contains("Activar cobros@cotopaxi.ec"), "not a second one");
    app.post(&path("activar"), &[]).await;
    assert!(card(&app.get(LIST).await, MailModule::ReceivedPayments).contains("cobros@cotopaxi.ec"));

    let question = app.get(&path("eliminar")).await;
    assert_eq!(question.one("dialog h1"), "Eliminar la cuenta cobros@cotopaxi.ec");
    assert_eq!(question.all("h1").len(), 1, "the dialog's title is the page's");
    app.post(&path("eliminar"), &[]).await;
    assert!(mail_accounts::list(&app.app.db, app.company).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_resting_account_says_why_and_a_correct_check_ends_its_rest() {
    let server = catcher().await;
    let app = TestApp::start().await;
    Filled::account(server.local_addr()).press(&app, LIST, "guardar").await;
    let account = mail_accounts::list(&app.app.db, app.company).await.unwrap().pop().unwrap();
    let reply = "535-5.7.8 Username and Password not accepted.\n535 5.7.8 gsmtp <b>";
    pauses::begin(&app.app.db, AccountKey::Own(account.id), "bad_credentials", reply, now()).await.unwrap();
    let list = app.get(LIST).await;
    let shown = card(&list, MailModule::ReceivedPayments);
    for said in ["Configuración errónea", "en pausa desde hoy", "Corregir la cuenta", "535-5.7.8", "se vuelve a probar sola"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let checked = app.post(&format!("{LIST}/{}/probar", account.id), &[]).await;
    assert_eq!(checked.one("#diag"), "Configuración correcta");
    assert!(pauses::find(&app.app.db, AccountKey::Own(account.id)).await.unwrap().is_none());
    assert!(card(&app.get(LIST).await, MailModule::ReceivedPayments).contains("Configuración correcta probada hoy"));
}

#[tokio::test]
async fn another_companys_account_does_not_exist() {
    let server = catcher().await;
    let app = TestApp::start().await;
    Filled::account(server.local_addr()).press(&app, LIST, "guardar").await;
    let account = mail_accounts::list(&app.app.db, app.company).await.unwrap().pop().unwrap();
    let stranger = app.stranger().await.session;
    let path = format!("{LIST}/{}", account.id);
    assert_eq!(app.get_as(&stranger, &path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.get_as(&stranger, &format!("{path}/eliminar")).await.status, StatusCode::NOT_FOUND);
    for act in ["", "/probar", "/desactivar", "/activar", "/eliminar"] {
        let answer = app.post_as(&stranger, &format!("{path}{act}"), &[("accion", "probar")]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{act}");
    }
    assert_eq!(app.get(&format!("{LIST}/nada")).await.status, StatusCode::NOT_FOUND);
    let kept = mail_accounts::list(&app.app.db, app.company).await.unwrap().pop().unwrap();
    assert_eq!(kept, account);
}

#[tokio::test]
async fn only_the_owner_changes_accounts_and_everybody_sees_them() {
    let server = catcher().await;
    let app = TestApp::start().await;
    Filled::account(server.local_addr()).press(&app, LIST, "guardar").await;
    let accountant = app.session_of(Role::Accountant).await;
    let list = app.get_as(&accountant, LIST).await;
    assert!(card(&list, MailModule::ReceivedPayments).contains("cobros@cotopaxi.ec"));
    assert!(list.all(".ac-foot .btn").is_empty(), "what is not allowed is not offered");
    assert_eq!(app.get_as(&accountant, "/mi-compania/correos/nueva").await.status, StatusCode::FORBIDDEN);
    assert_eq!(app.post_as(&accountant, LIST, &[("accion", "guardar")]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(app.get("/mi-compania").await.location(), LIST);
}

#[tokio::test]
async fn who_saves_after_a_colleague_sees_both_values_first() {
    let server = catcher().await;
    let app = TestApp::start().await;
    Filled::account(server.local_addr()).press(&app, LIST, "guardar").await;
    let account = mail_accounts::list(&app.app.db, app.company).await.unwrap().pop().unwrap();
    let edit = format!("{LIST}/{}", account.id);
    let (mine, theirs) = (Filled::of(&app.get(&edit).await), Filled::of(&app.get(&edit).await));
    assert_eq!(theirs.with("nombre", "De la colega").press(&app, &edit, "guardar").await.status, StatusCode::SEE_OTHER);
    let shown = mine.with("nombre", "El mío").press(&app, &edit, "guardar").await;
    assert_eq!(shown.status, StatusCode::CONFLICT);
    let both = shown.one(".ac-errors tbody");
    assert!(both.contains("De la colega") && both.contains("El mío"), "{both}");
    assert_eq!(shown.all(".ac-errors tbody tr").len(), 1, "only what differs");
    let kept = mail_accounts::find(&app.app.db, app.company, account.id).await.unwrap().unwrap();
    assert_eq!(kept.settings.from_name, "De la colega", "nothing was saved yet");
    assert_eq!(Filled::of(&shown).press(&app, &edit, "guardar").await.status, StatusCode::SEE_OTHER);
    let kept = mail_accounts::find(&app.app.db, app.company, account.id).await.unwrap().unwrap();
    assert_eq!(kept.settings.from_name, "El mío");
}

#[tokio::test]
async fn a_typed_password_goes_with_what_it_was_typed_for_and_a_correction_of_the_same_server() {
    let (server, other) = (catcher().await, catcher().await);
    let app = TestApp::start().await;
    let form = Filled::account(server.local_addr()).with("usuario", "cobros").with("clave", SECRET);
    let checked = form.press(&app, LIST, "probar").await;
    assert_eq!(checked.one("#diag"), "Configuración correcta");
    for (field, value) in
        [("puerto", other.local_addr().port().to_string()), ("servidor", "127.0.0.2".to_owned()), ("usuario", "otro".to_owned())]
    {
        for button in ["probar", "guardar", "corregir"] {
            let refused = Filled::of(&checked).with(field, &value).press(&app, LIST, button).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {button}");
            assert!(refused.one("#clave-error").contains("escriba otra vez la contraseña"), "{field} {button}");
        }
    }
}
