use std::net::{Ipv4Addr, SocketAddr};

use acuse_mail::catcher::Catcher;
use acuse_server::Services;
use axum::http::StatusCode;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::support::TestApp;

const MAIL: &str = "From: =?utf-8?q?Distribuidora_Cotopax=C3=AD?= <cobros@cotopaxi.ec>\r\n\
To: pagos@andina.ec\r\nReply-To: contabilidad@cotopaxi.ec\r\nSubject: Recibo de cobro RC-000045 por 1.450,00\r\n\
Date: Tue, 24 Nov 2026 09:14:03 -0500\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n\
--m\r\nContent-Type: multipart/related; boundary=r\r\n\r\n\
--r\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n\
--a\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nRecibimos USD 1.450,00 <gracias>\r\n\
--a\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Recibimos USD 1.450,00</p><img src=\"cid:logo\"><script>alert(1)</script>\r\n\
--a--\r\n--r\r\nContent-Type: image/png\r\nContent-ID: <logo>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n--r--\r\n\
--m\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"Recibo-RC-000045.pdf\"\r\n\
Content-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjc=\r\n\
--m\r\nContent-Type: text/html\r\nContent-Disposition: attachment; filename=\"a\\\"b.html\"\r\n\r\n<script>1</script>\r\n--m--\r\n";

async fn demo() -> TestApp {
    let catcher = Catcher::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    hand_over(catcher.local_addr()).await;
    TestApp::start_with(|services| Services { catcher: Some(catcher), ..services }).await
}

async fn hand_over(server: SocketAddr) {
    let mut stream = BufReader::new(TcpStream::connect(server).await.unwrap());
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    let said = ["EHLO x\r\n", "MAIL FROM:<cobros@cotopaxi.ec>\r\n", "RCPT TO:<pagos@andina.ec>\r\n", "DATA\r\n", MAIL, ".\r\n"];
    for (place, words) in said.into_iter().enumerate() {
        stream.write_all(words.as_bytes()).await.unwrap();
        if place == 4 {
            continue;
        }
        loop {
            line.clear();
            stream.read_line(&mut line).await.unwrap();
            if line.as_bytes().get(3) == Some(&b' ') {
                break;
            }
        }
        assert!(line.starts_with('2') || line.starts_with('3'), "{words} {line}");
    }
}

#[tokio::test]
async fn a_mail_is_shown_as_its_recipient_sees_it() {
    let test = demo().await;
    let page = test.get("/demo/buzon").await;
    assert_eq!(page.one(".ac-mailbox nav small"), "Recibo de cobro RC-000045 por 1.450,00");
    assert_eq!(page.one(".ac-message h2"), "Recibo de cobro RC-000045 por 1.450,00");
    let envelope = page.all(".ac-envelope dd");
    let expected =
        ["Distribuidora Cotopaxí <cobros@cotopaxi.ec>", "pagos@andina.ec", "contabilidad@cotopaxi.ec", "24/11/2026 09:14:03"];
    assert_eq!(envelope, expected);
    assert!(page.one(".ac-words").contains("Recibimos USD 1.450,00 <gracias>"));
    assert!(page.header("content-security-policy").contains("frame-src 'self'"));
    let frame = page.attribute("iframe", "src").unwrap();
    assert_eq!(page.attribute("iframe", "sandbox").as_deref(), Some("allow-same-origin"), "nothing in it may run");
    let html = test.get(&frame).await;
    assert!(html.text().contains("data:image/png;base64,iVBORw=="), "{}", html.text());
    let policy = html.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox") && !policy.contains("script-src"), "{policy}");
}

#[tokio::test]
async fn a_pdf_opens_and_whatever_else_is_attached_is_only_saved() {
    let test = demo().await;
    let page = test.get("/demo/buzon/1").await;
    assert!(page.one(".ac-attach").starts_with("Recibo-RC-000045.pdf"));
    let pdf = test.get(&page.attribute(".ac-attach", "href").unwrap()).await;
    assert_eq!(pdf.header("content-type"), "application/pdf");
    assert_eq!(pdf.header("content-disposition"), "inline; filename=\"Recibo-RC-000045.pdf\"");
    assert!(pdf.body.starts_with(b"%PDF-"));
    let other = test.get("/demo/buzon/1/adjuntos/1").await;
    assert_eq!(other.header("content-type"), "application/octet-stream");
    assert!(
        other.header("content-disposition").starts_with("attachment; filename=\"ab.html\""),
        "{}",
        other.header("content-disposition")
    );
    let raw = test.get("/demo/buzon/1/original").await;
    assert_eq!(raw.header("content-type"), "message/rfc822");
    assert!(raw.text().contains("Subject: Recibo de cobro RC-000045"));
    for path in ["/demo/buzon/9", "/demo/buzon/x", "/demo/buzon/1/adjuntos/7", "/demo/buzon/9/html"] {
        assert_eq!(test.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn outside_a_demo_there_is_no_mailbox_and_nobody_looks_without_a_login() {
    let test = TestApp::start().await;
    assert_eq!(test.get("/demo/buzon").await.status, StatusCode::NOT_FOUND);
    let demo = demo().await;
    assert_eq!(demo.get_as("", "/demo/buzon/1/html").await.status, StatusCode::SEE_OTHER);
}
