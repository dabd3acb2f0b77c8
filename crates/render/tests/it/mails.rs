//! The mails say what was approved, word for word. `cargo insta review` shows what changed.

use acuse_domain::access::Role;
use acuse_domain::news::{AccountChange, CompanyNews};
use acuse_domain::receipt::Receipt;
use acuse_render::mail::{
    AccountEnding, AccountFacts, AccountRecovered, AccountStopped, Ends, MailFacts, RenderedMail, Resend, UserMail, UserNews,
    VoidedNotice, account_ending_mail, account_recovered_mail, account_stopped_mail, receipt_mail, user_mail,
};
use chrono::{NaiveDate, TimeZone, Utc};

use crate::support::{logo, receipt};

fn day(month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, month, day).expect("it is a day")
}

fn check_mail(name: &str, mail: &RenderedMail) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../approved/mail");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::assert_snapshot!(
            format!("{name}.txt"),
            format!("Subject: {}\nAttachment: {:?}\n\n{}", mail.subject, mail.attachment_name, mail.text)
        );
        insta::assert_snapshot!(format!("{name}.html"), mail.html);
    });
}

fn with_logo(receipt: &Receipt) -> RenderedMail {
    receipt_mail(receipt, &MailFacts { logo: Some(&logo()), ..MailFacts::default() })
}

#[test]
fn a_client_gets_the_receipt_of_what_was_received() {
    check_mail("recibo-cobro", &with_logo(&receipt("cobro-parcial-anticipo")));
}

#[test]
fn a_supplier_gets_the_receipt_of_what_was_paid() {
    check_mail("recibo-pago", &with_logo(&receipt("pago-cheque-retencion")));
}

#[test]
fn of_two_hundred_documents_the_mail_names_twelve() {
    check_mail("recibo-cobro-200", &with_logo(&receipt("cobro-200-documentos")));
}

#[test]
fn a_copy_says_that_it_is_one() {
    let facts = MailFacts { resend: Some(Resend { n: 2, first_sent: day(11, 24) }), logo: Some(&logo()), ..MailFacts::default() };
    check_mail("recibo-cobro-reenvio", &receipt_mail(&receipt("cobro-simple"), &facts));
}

#[test]
fn who_was_never_sent_the_receipt_is_told_when_it_was_issued_and_not_that_it_was_sent() {
    let notice = VoidedNotice { issued: day(11, 20), sent: None };
    let mail = receipt_mail(&receipt("cobro-anulado"), &MailFacts { voided_notice: Some(notice), ..MailFacts::default() });
    for said in [mail.text.replace('\n', " "), mail.html] {
        assert!(said.contains("anulamos el recibo RC-000044 emitido el 20 de noviembre de 2026. Ya no tiene valor"), "{said}");
        assert!(!said.contains("le enviamos"), "{said}");
    }
}

#[test]
fn a_voided_receipt_goes_out_as_the_notice_that_it_is_void() {
    let facts = MailFacts {
        voided_notice: Some(VoidedNotice { issued: day(11, 20), sent: Some(day(11, 20)) }),
        logo: Some(&logo()),
        ..MailFacts::default()
    };
    check_mail("recibo-anulado", &receipt_mail(&receipt("cobro-anulado"), &facts));
    let unknown = receipt_mail(&receipt("cobro-anulado"), &MailFacts::default());
    assert!(unknown.text.replace('\n', " ").contains("anulamos el recibo RC-000044. Ya no tiene valor"), "{}", unknown.text);
}

#[test]
fn a_company_without_logo_signs_with_its_name() {
    check_mail("recibo-sin-logo", &receipt_mail(&receipt("sin-logo"), &MailFacts::default()));
}

#[test]
fn what_people_typed_stays_text() {
    let mail = receipt_mail(&receipt("nombres-hostiles"), &MailFacts::default());
    assert!(!mail.html.contains("<script>") && !mail.html.contains("<b>no</b>"));
    assert!(!mail.text.contains('\u{202e}') && !mail.html.contains('\u{202e}'));
    check_mail("recibo-hostil", &mail);
}

#[test]
fn a_settlement_without_money_does_not_say_that_money_came() {
    let mut settled = receipt("cobro-simple");
    settled.money = "0.00".to_string();
    settled.lines[0].method = "offset".to_string();
    let mail = receipt_mail(&settled, &MailFacts::default());
    assert!(mail.text.starts_with("Compensamos USD 120,00\ncon Comercial Andina"), "{}", mail.text);
    assert!(!mail.text.contains("Recibimos"));
}

#[test]
fn administrators_are_told_that_an_account_stopped_and_how_it_is_mended() {
    let fix = [
        "En la cuenta de Google, active la verificación en dos pasos y cree una contraseña de aplicación para «Correo»."
            .to_string(),
        "En Acuse abra Mi compañía › Correos, elija esta cuenta y pegue la contraseña nueva, sin espacios.".to_string(),
        "Pulse Probar. Cuando lea «Configuración correcta», pulse Guardar: lo que espera sale en seguida.".to_string(),
    ];
    let stopped = |waiting| AccountStopped {
        company_name: "FerriSierra",
        company_legal_name: "Ferretería Sierra Centro Cía. Ltda.",
        address: "cobros@ferrisierra.ec",
        module: "Notificación de cobros a clientes",
        since: Utc.with_ymd_and_hms(2026, 11, 24, 14, 14, 0).single().expect("it is a moment"),
        server: "smtp.gmail.com",
        url: "https://acuse.ferrisierra.ec/mi-compania/correos",
        problem_title: "Gmail ya no acepta la contraseña guardada",
        reply: "535-5.7.8 Username and Password not accepted. For more information, go to https://support.google.com/mail/?p=BadCredentials",
        fix: &fix,
        waiting,
    };
    check_mail("cuenta-detenida", &account_stopped_mail(&stopped(3)));
    let none = account_stopped_mail(&stopped(0));
    assert_eq!(none.subject, "Su cuenta de correo dejó de funcionar: cobros@ferrisierra.ec");
    assert!(none.text.contains("Todavía no espera ningún recibo."));
    assert!(account_stopped_mail(&stopped(1)).text.contains("hay un recibo en espera"));
}

const ACCOUNT: AccountFacts<'_> = AccountFacts {
    company_name: "FerriSierra",
    company_legal_name: "Ferretería Sierra Centro Cía. Ltda.",
    address: "cobros@ferrisierra.ec",
    module: "Notificación de cobros a clientes",
    server: "mail.ferrisierra.ec",
    url: "https://acuse.ferrisierra.ec/mi-compania/correos/0192",
};

#[test]
fn who_heard_that_an_account_stopped_hears_that_it_works_again() {
    let at = |hour, minute| Utc.with_ymd_and_hms(2026, 11, 24, hour, minute, 0).single().expect("it is a moment");
    let recovered =
        |waiting| account_recovered_mail(&AccountRecovered { facts: ACCOUNT, since: at(14, 14), at: at(20, 5), waiting });
    check_mail("cuenta-recuperada", &recovered(3));
    let none = recovered(0);
    assert_eq!(none.subject, "Su cuenta de correo volvió a funcionar: cobros@ferrisierra.ec");
    assert!(none.text.contains("Ningún recibo quedó"), "{}", none.text);
    assert!(recovered(1).text.replace('\n', " ").contains("El recibo que esperaba está saliendo solo."));
}

#[test]
fn what_ends_soon_is_told_with_what_to_do() {
    // The last second of 11 December in Ecuador is the twelfth in UTC.
    let at = Utc.with_ymd_and_hms(2026, 12, 12, 4, 59, 59).single().expect("it is a moment");
    let ending = |what| account_ending_mail(&AccountEnding { facts: ACCOUNT, what, at });
    check_mail("certificado-por-vencer", &ending(Ends::Certificate));
    check_mail("conexion-por-vencer", &ending(Ends::Connection));
}

#[test]
fn people_are_told_how_they_come_in() {
    let ends_at = Utc.with_ymd_and_hms(2026, 11, 27, 15, 30, 0).single().expect("it is a moment");
    let mail = |news| user_mail(&UserMail { news, url: "https://acuse.ferrisierra.ec/invitacion/9hR4vTqLw2ZsX8mKbN3d", ends_at });
    let (company_name, company_legal_name) = ("FerriSierra", "Ferretería Sierra Centro Cía. Ltda.");
    let invitation = |inviter| mail(UserNews::Invitation { company_name, company_legal_name, inviter, role: Role::Clerk });
    check_mail("invitacion", &invitation("Gabriela Toapanta"));
    check_mail("clave-olvidada", &mail(UserNews::Reset));
    check_mail("correo-cambiado", &mail(UserNews::AddressChanged { new: "gaby@ferrisierra.ec" }));
    let own = [UserNews::ConfirmAddress, UserNews::PasswordChanged, UserNews::Removed { company_name, company_legal_name }];
    let changes = AccountChange::ALL.map(UserNews::AccountChanged);
    let of_company = CompanyNews::ALL.map(|news| {
        let who = "Gabriela Toapanta";
        UserNews::Company { company_name, company_legal_name, news, who, due_at: Some(ends_at) }
    });
    for news in own.into_iter().chain(changes).chain(of_company) {
        let mail = mail(news);
        assert!(!mail.subject.is_empty() && mail.text.contains(&mail.subject) && mail.html.contains("<h1"), "{}", mail.subject);
    }
    let hostile = invitation("<script>alert(1)</script>\r\nBcc: todos@x.ec");
    assert!(!hostile.html.contains("<script>") && !hostile.subject.contains(['\r', '\n']), "{}", hostile.subject);
}

#[test]
fn no_line_of_a_text_mail_is_wider_than_72_but_for_what_has_no_space() {
    for name in ["cobro-parcial-anticipo", "cobro-200-documentos", "pago-cheque-retencion", "nombres-hostiles"] {
        let mail = receipt_mail(&receipt(name), &MailFacts::default());
        for line in mail.text.lines() {
            assert!(line.chars().count() <= 72 || !line.trim().contains(' '), "{line}");
        }
    }
}
