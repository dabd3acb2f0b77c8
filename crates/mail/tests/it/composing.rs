//! What is composed is read back as it was meant, whatever stands in it.

use acuse_domain::email_address::EmailAddress;
use acuse_mail::caught;
use acuse_mail::message::{Attachment, InvalidField, Mail, compose};

struct Parts {
    from: EmailAddress,
    to: EmailAddress,
    reply_to: EmailAddress,
}

fn parts() -> Parts {
    Parts {
        from: "cobros@empresa.ec".parse().unwrap(),
        to: "pagos@andina.ec".parse().unwrap(),
        reply_to: "ventas@empresa.ec".parse().unwrap(),
    }
}

fn mail<'a>(parts: &'a Parts, attachments: &'a [Attachment<'a>]) -> Mail<'a> {
    Mail {
        from_name: "Ferretería Ñandú «El Tornillo» Cía. Ltda.",
        from_address: &parts.from,
        to_name: Some("José Peñafiel"),
        to: &parts.to,
        reply_to: Some(&parts.reply_to),
        subject: "Recibo de cobro a cliente RC-000046 por USD 1.321,50 – Güitig & Ñuñez",
        text: "Señores:\r\n\r\nRecibo por USD 1.321,50.\r\n.\r\nFrom aquí\r\n",
        html: Some("<p>Señores: <img src=\"cid:logo@acuse\"></p>"),
        logo_png: Some(b"\x89PNG\r\n\x1a\n"),
        attachments,
        message_id: "0190f6b2-1@empresa.ec",
        date: chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap(),
        in_reply_to: Some("0190f6b2-0@empresa.ec"),
    }
}

#[test]
fn everything_is_read_back() {
    let parts = parts();
    let pdf: Vec<u8> = (0..=255).cycle().take(40_000).collect();
    let attachments = [
        Attachment { name: "Recibo-RC-000046.pdf", mime: "application/pdf", bytes: &pdf },
        Attachment {
            name: "Retención de «Ñuñez» número 001-001-000000123, emitida en Guayaquil, con un nombre larguísimo.xml",
            mime: "text/xml",
            bytes: b"<a/>\n",
        },
    ];
    let mail = mail(&parts, &attachments);
    let raw = compose(&mail).unwrap();
    let read = caught::parse(&raw);
    assert_eq!(read.subject, mail.subject);
    assert_eq!((read.from[0].name.as_deref(), read.from[0].address.as_str()), (Some(mail.from_name), "cobros@empresa.ec"));
    assert_eq!((read.to[0].name.as_deref(), read.to[0].address.as_str()), (mail.to_name, "pagos@andina.ec"));
    assert_eq!(read.reply_to[0].address, "ventas@empresa.ec");
    assert_eq!(read.date, Some(mail.date));
    assert_eq!(read.text.as_deref().map(|text| text.replace("\r\n", "\n")), Some(mail.text.replace("\r\n", "\n")));
    assert_eq!(read.html.as_deref(), mail.html);
    assert_eq!(
        read.attachments.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
        [attachments[0].name, attachments[1].name]
    );
    assert_eq!(read.attachments[0].bytes, pdf);
    assert_eq!(read.attachments[1].bytes, b"<a/>\n");
    assert_eq!((read.inline[0].cid.as_str(), &read.inline[0].bytes[..]), ("logo@acuse", mail.logo_png.unwrap()));
    assert_eq!((read.message_id.as_deref(), read.in_reply_to.as_deref()), (Some(mail.message_id), mail.in_reply_to));
}

#[test]
fn the_parts_stand_as_the_design_says() {
    let parts = parts();
    let attachments = [Attachment { name: "a.pdf", mime: "application/pdf", bytes: b"%PDF" }];
    let raw = String::from_utf8(compose(&mail(&parts, &attachments)).unwrap()).unwrap();
    let places: Vec<usize> = [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "application/pdf",
    ]
    .iter()
    .map(|kind| raw.find(&format!("Content-Type: {kind}")).unwrap_or_else(|| panic!("{kind} in {raw}")))
    .collect();
    assert!(places.is_sorted(), "{raw}");
    assert!(raw.contains("Auto-Submitted: auto-generated\r\n") && raw.contains("Content-ID: <logo@acuse>\r\n"));
    assert!(raw.is_ascii() && raw.lines().all(|line| line.len() < 998));
    assert!(!raw.replace("\r\n", "").contains(['\r', '\n']));
}

#[test]
fn a_simple_mail_is_simple() {
    let parts = parts();
    let simple = Mail { html: None, logo_png: None, ..mail(&parts, &[]) };
    let raw = String::from_utf8(compose(&simple).unwrap()).unwrap();
    assert!(!raw.contains("multipart/"));
    let read = caught::parse(raw.as_bytes());
    assert_eq!((read.html, read.attachments.len(), read.inline.len()), (None, 0, 0));
}

#[test]
fn no_field_can_break_out_of_its_header() {
    let parts = parts();
    let hostile = "x\r\nBcc: robo@malo.ec";
    let attachments = [Attachment { name: hostile, mime: "application/pdf", bytes: b"" }];
    let odd_mime = [Attachment { name: "a.pdf", mime: "application/pdf\r\nX: y", bytes: b"" }];
    let base = mail(&parts, &[]);
    let cases = [
        ("from_name", Mail { from_name: hostile, ..base.clone() }),
        ("to_name", Mail { to_name: Some("x\ny"), ..base.clone() }),
        ("subject", Mail { subject: hostile, ..base.clone() }),
        ("subject", Mail { subject: "x\0y", ..base.clone() }),
        ("message_id", Mail { message_id: "a@b>\r\nX: y", ..base.clone() }),
        ("message_id", Mail { message_id: "", ..base.clone() }),
        ("in_reply_to", Mail { in_reply_to: Some("a b@c"), ..base.clone() }),
        ("attachment", Mail { attachments: &attachments, ..base.clone() }),
        ("attachment", Mail { attachments: &odd_mime, ..base.clone() }),
    ];
    for (field, mail) in cases {
        assert_eq!(compose(&mail), Err(InvalidField { field }));
    }
}

#[test]
fn odd_names_are_written_and_read_back() {
    let parts = parts();
    for name in ["\"comillas\" y \\barras\\", "a, b <c@d.ec>", "  ", "🧾 Recibos", &"largo ".repeat(60)] {
        let attachments = [Attachment { name: "../../etc/passwd \"x\".pdf", mime: "application/pdf", bytes: b"1" }];
        let raw = compose(&Mail { from_name: name, ..mail(&parts, &attachments) }).unwrap();
        let read = caught::parse(&raw);
        assert_eq!(read.from.len(), 1, "{name:?}");
        assert_eq!(read.from[0].address, "cobros@empresa.ec", "{name:?}");
        assert_eq!(read.from[0].name.as_deref().unwrap_or_default().trim(), name.trim(), "{name:?}");
        assert_eq!(read.attachments[0].name, attachments[0].name);
    }
}

#[test]
fn what_is_no_mail_is_read_as_far_as_it_goes() {
    for raw in [&b""[..], b"\r\n", b"\0\xff", b"Subject", b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"] {
        assert_eq!(caught::parse(raw).attachments, []);
    }
}
