//! Every problem of the catalogue, brought about by a server, a name or a certificate that behaves so, and what a check and
//! a session say of it: `cargo nextest run -p acuse-mail catalogue --no-capture` prints the table.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use acuse_domain::delivery::Verdict;
use acuse_domain::mail_account::Security;
use acuse_domain::mail_problem::ProblemCode;
use acuse_mail::check::{self, CheckReport, Subject};
use acuse_mail::diagnosis::{classify, classify_text};
use acuse_mail::endpoint::{Endpoint, Limits};
use acuse_mail::explanation::{Context, Language, Situation, explain};
use acuse_mail::failure::Failure;
use acuse_mail::guard::Network;
use acuse_mail::session::{Envelope, Session};
use acuse_testkit::dns::{DnsServer, Zone};
use rustls::ServerConfig;
use time::{Duration as Days, OffsetDateTime};
use tokio::net::TcpSocket;

use crate::certificates::Authority;
use crate::scripted::{Act, CLOSES, FallSilent, HELLO, Hear, OFFERS, SAYS_NOTHING, Say, Server, THE_DOT, address, somebody};

use Verdict::{Account, InDoubt, Later, Message, Recipient};

/// One problem, and how it comes about.
struct Row {
    code: &'static str,
    verdict: Verdict,
    /// In words, for who reads the table.
    does: String,
    how: How,
    /// Stands in the advice, or in the correction that is offered.
    next: &'static str,
}

enum How {
    /// A server that plays this, reached as `localhost`.
    Server { security: Security, script: Vec<Act> },
    /// A session with a server that works, but for its answers to these commands.
    Answers(Vec<(&'static str, &'static str)>),
    /// No server: this host and port.
    Nobody { host: &'static str, port: u16 },
    /// A port whose queue is full: it never answers.
    Deaf,
    /// What others have kept of it: a delivery report, a token server's answer.
    Text { phase: &'static str, text: &'static str },
}

fn row(code: &'static str, verdict: Verdict, does: impl Into<String>, how: How, next: &'static str) -> Row {
    Row { code, verdict, does: does.into(), how, next }
}

/// A refusal of this command with these words.
fn refuses(command: &'static str, words: &'static str, code: &'static str, verdict: Verdict, next: &'static str) -> Row {
    let name = if command == THE_DOT { "the message" } else { command };
    row(code, verdict, format!("to {name}: {words:?}"), How::Answers(vec![(command, words)]), next)
}

fn plays(security: Security, does: &str, script: Vec<Act>, code: &'static str, verdict: Verdict, next: &'static str) -> Row {
    row(code, verdict, does, How::Server { security, script }, next)
}

#[rustfmt::skip]
fn before_the_login(tls: &Tls) -> Vec<Row> {
    let greets = |words: &'static str| vec![Say(words), FallSilent];
    let (starttls, at_once, clear) = (Security::StartTls, Security::Tls, Security::None);
    let until_tls = |rest: Vec<Act>| [vec![HELLO, Hear, OFFERS, Hear, Say("220 2.0.0 Ready to start TLS")], rest].concat();
    let both_ways = vec![HELLO, Hear, OFFERS, Hear, Say("220 go"), Act::Tls(tls.right.clone()), Act::Converse(vec![])];
    let tls_only = vec![Act::Tls(tls.right.clone()), HELLO, Act::Converse(vec![])];
    let no_tls = vec![HELLO, Act::Converse(vec![])];
    let nobody = |host, port| How::Nobody { host, port };
    vec![
        row("invalid_input", Account, "(nobody is asked) the host has a space", nobody("mail empresa.ec", 587), "Revise el servidor"),
        row("host_not_found", Account, "the name does not exist", nobody("smtp.empresa.invalid", 587), "Revise cómo está escrito"),
        row("host_without_address", Account, "the name is only a domain for mail", nobody("empresa.ec", 587), "no el nombre del servidor SMTP"),
        row("address_not_allowed", Account, "the address is an internal one", nobody("10.0.0.25", 587), "ACUSE_ALLOWED_PRIVATE_HOSTS"),
        row("port_not_allowed", Account, "the port is none of mail's", nobody("198.41.0.4", 6379), "587 con STARTTLS"),
        row("dns_failed", Later, "the DNS is in trouble", nobody("smtp.roto.ec", 587), "revisar la red"),
        row("not_a_submission_host", Account, "only receives mail, as its name says", nobody("aspmx.l.google.com", 587), "→ starttls smtp.gmail.com"),
        row("connection_timeout", Later, "never answers on that port", How::Deaf, "Pruebe el puerto 587"),
        row("connection_refused", Later, "nobody listens on the port", nobody("127.0.0.1", 9), "Revise el puerto"),
        row("network_unreachable", Later, "there is no way to the address", nobody("255.255.255.255", 587), "Vuelva a intentarlo"),
        plays(starttls, "says a TLS alert instead of a greeting", vec![Act::Bytes(vec![21, 3, 1, 0, 2, 2, 70]), FallSilent], "port_wants_tls", Account, "→ tls"),
        plays(starttls, "says nothing, because it waits for TLS", tls_only, "port_wants_tls", Account, "→ tls"),
        plays(at_once, "greets in clear on a port chosen for TLS, and has STARTTLS", both_ways, "port_wants_starttls", Account, "→ starttls"),
        plays(at_once, "greets in clear on a port chosen for TLS, and has none at all", no_tls.clone(), "starttls_not_offered", Account, "Pruebe el puerto 465"),
        plays(starttls, "greets with 554", greets("554 5.3.2 mail.empresa.ec not accepting messages"), "server_refuses_us", Account, "Espere unos minutos"),
        plays(starttls, "greets with 421", greets("421 4.3.2 mail.empresa.ec Too many open connections."), "server_refuses_us", Later, "Espere unos minutos"),
        plays(starttls, "greets with the name of a blocklist", greets("554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using zen.spamhaus.org"), "ip_blocked", Account, "puerto 587"),
        plays(starttls, "is a web server", greets("HTTP/1.1 400 Bad Request"), "not_smtp", Account, "Use el servidor SMTP"),
        plays(starttls, "is an IMAP server", greets("* OK [CAPABILITY IMAP4rev1] Dovecot ready."), "not_smtp", Account, "Use el servidor SMTP"),
        refuses("EHLO", "501 5.5.4 Helo command rejected: Invalid name", "helo_rejected", Account, "nombre público completo"),
        refuses("EHLO", "what?", "protocol_error", Later, "antivirus o cortafuegos"),
        plays(starttls, "offers no STARTTLS", no_tls, "starttls_not_offered", Account, "Pruebe el puerto 465"),
        plays(starttls, "adds words of its own before TLS", vec![HELLO, Hear, OFFERS, Hear, Say("220 go\r\n250 AUTH PLAIN"), FallSilent], "starttls_injection", Account, "su contraseña no se envió"),
        plays(starttls, "has lost its certificate", vec![HELLO, Hear, OFFERS, Hear, Say("454 4.7.0 TLS not available due to local problem"), FallSilent], "starttls_broken", Account, "Le falta su certificado"),
        plays(starttls, "answers our TLS in clear", until_tls(vec![Hear, Say("454 TLS not available"), FallSilent]), "tls_handshake_failed", Account, "TLS 1.2 o 1.3"),
        plays(starttls, "has begun as much TLS as it can", vec![HELLO, Hear, OFFERS, Hear, Say("454 4.7.0 Cannot accept TLS as maximum TLS rate exceeded for server"), FallSilent], "server_temporary_error", Later, "se reintenta solo"),
        plays(starttls, "has a certificate that ended", until_tls(vec![Act::Tls(tls.expired.clone())]), "certificate_expired", Account, "Su proveedor de correo debe renovarlo"),
        plays(starttls, "has another server's certificate", until_tls(vec![Act::Tls(tls.of_another.clone())]), "certificate_name_mismatch", Account, "Escriba «srv1.hosting.test» como servidor SMTP"),
        plays(at_once, "has a certificate of an unknown authority", vec![Act::Tls(tls.of_a_stranger.clone())], "certificate_untrusted", Account, "ACUSE_EXTRA_CA_FILE"),
        plays(starttls, "has no TLS version in common", until_tls(vec![Hear, Act::Bytes(vec![21, 3, 3, 0, 2, 2, 70]), FallSilent]), "tls_handshake_failed", Account, "TLS 1.2 o 1.3"),
        plays(clear, "offers the login only after STARTTLS", vec![HELLO, Act::Converse(vec![("EHLO", "250-mail.empresa.ec\n250 STARTTLS")])], "tls_required", Account, "→ starttls"),
    ]
}

#[rustfmt::skip]
fn at_the_login() -> Vec<Row> {
    let auth = |words, code, verdict, next| refuses("AUTH", words, code, verdict, next);
    vec![
        auth("535-5.7.8 Username and Password not accepted. For more information, go to\n535 5.7.8  https://support.google.com/mail/?p=BadCredentials 5b1f17b1804b1-gsmtp", "bad_credentials", Account, "Escriba otra vez la contraseña"),
        auth("535 5.7.8 Error: authentication failed: (reason unavailable)", "bad_credentials", Account, "Escriba otra vez la contraseña"),
        auth("535 Incorrect authentication data", "bad_credentials", Account, "Escriba otra vez la contraseña"),
        auth("535 5.7.3 Authentication unsuccessful [BN9PR03CA0123.namprd03.prod.outlook.com]", "bad_credentials", Account, "Escriba otra vez la contraseña"),
        auth("535 Authentication Credentials Invalid", "bad_credentials", Account, "Escriba otra vez la contraseña"),
        auth("535 5.7.0 (#AUTH005) Too many bad auth attempts.", "bad_credentials", Account, "Escriba otra vez la contraseña"),
        auth("535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6 [me.com]", "bad_credentials", Account, "Escriba otra vez la contraseña"),
        auth("534-5.7.9 Application-specific password required. For more information, go to\n534 5.7.9  https://support.google.com/mail/?p=InvalidSecondFactor gsmtp", "auth_app_password_required", Account, "verificación en dos pasos"),
        auth("534-5.7.14 <https://accounts.google.com/signin/continue?sarp=1> Please log in via your web browser and\n534 5.7.14 then try again. gsmtp", "auth_web_login_required", Account, "Abra la cuenta"),
        auth("535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled", "smtp_auth_disabled", Account, "SMTP autenticado"),
        auth("535 5.7.139 Authentication unsuccessful, basic authentication is disabled. [outlook.com]", "smtp_auth_disabled", Account, "SMTP autenticado"),
        auth("535 5.7.139 Authentication unsuccessful, account is locked. Contact your administrator.", "account_locked", Account, "desbloquéela"),
        auth("535 5.7.8 Error: user suspended, contact support", "account_suspended", Account, "Cambie la contraseña"),
        auth("535 Authentication failed: Your account is not activated, confirm your email address", "sender_not_verified", Account, "verifique"),
        auth("525 5.7.1 Unauthorized IP address 203.0.113.2", "ip_not_authorized", Account, "autorice la dirección IP"),
        auth("504 5.7.4 Unrecognized authentication type", "auth_not_supported", Account, "puerto 587"),
        auth("454 4.7.0 Temporary authentication failure: Connection lost to authentication server", "auth_temporarily_refused", Later, "Espere unos minutos"),
        auth("451 Authentication failed: Maximum credits exceeded", "rate_limited", Later, "se reintenta solo"),
        auth("535 5.7.8 Authentication not allowed on IBSMTP Servers. IB401", "not_a_submission_host", Account, "servidor SMTP de salida"),
        auth("538 5.7.11 Encryption required for requested authentication mechanism", "tls_required", Account, "Elija STARTTLS"),
    ]
}

#[rustfmt::skip]
fn about_the_sender() -> Vec<Row> {
    let mail = |words, code, verdict, next| refuses("MAIL", words, code, verdict, next);
    let dot = |words, code, verdict, next| refuses(THE_DOT, words, code, verdict, next);
    let rcpt = |words, code, verdict, next| refuses("RCPT", words, code, verdict, next);
    vec![
        mail("530 5.7.57 Client not authenticated to send mail. [outlook.com]", "auth_required", Account, "usuario y contraseña"),
        rcpt("550-Please turn on SMTP Authentication in your mail client.\n550 [192.0.2.10] is not permitted to relay through this server without authentication.", "relay_denied", Account, "usuario y contraseña"),
        rcpt("553 5.7.1 <cobros@empresa.ec>: Sender address rejected: not owned by user otro@empresa.ec", "sender_not_allowed", Account, "misma dirección del usuario"),
        dot("554 5.2.252 SendAsDenied; otro@empresa.ec not allowed to send as cobros@empresa.ec; STOREDRV.Submission.Exception:SendAsDeniedException", "sender_not_allowed", Account, "misma dirección del usuario"),
        dot("553 5.7.1 Relaying disallowed as cobros@empresa.ec", "sender_not_allowed", Account, "misma dirección del usuario"),
        mail("550 5.7.0 From address is not one of your addresses", "sender_not_allowed", Account, "misma dirección del usuario"),
        dot("554 Message rejected: Email address is not verified. The following identities failed the check in region US-EAST-1: cobros@empresa.ec", "sender_not_verified", Account, "verifique «cobros@empresa.ec»"),
        dot("550 The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved.", "sender_not_verified", Account, "verifique «cobros@empresa.ec»"),
        rcpt("550-Verification failed for <cobros@empresa.ec>\n550-No Such User Here\n550 Sender verify failed", "sender_not_found", Account, "Corrija el «Correo del remitente»"),
        dot("554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException", "sender_mailbox_full", Account, "Vacíe Enviados"),
        dot("550-5.7.26 This mail has been blocked because the sender is unauthenticated.\n550 5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM. gsmtp", "domain_not_authenticated", Account, "SPF y DKIM"),
        dot("421 4.7.26 This mail has been rate limited because it is unauthenticated. gsmtp", "domain_not_authenticated", Account, "SPF y DKIM"),
        dot("554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; WASCL UserAction verdict is not None.", "account_suspended", Account, "No reintente"),
        dot("550 5.4.6 Unusual sending activity detected. Please try after sometime", "account_suspended", Account, "No reintente"),
        rcpt("554 5.7.1 <unknown[192.0.2.10]>: Client host rejected: Access denied", "auth_required", Account, "usuario y contraseña"),
        rcpt("554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using Barracuda Reputation", "ip_blocked", Account, "puerto 587"),
        rcpt("504 5.5.2 <pc-contabilidad>: Helo command rejected: need fully-qualified hostname", "helo_rejected", Account, "nombre público completo"),
        rcpt("550-5.7.1 Invalid credentials for relay [192.0.2.10]. The IP address you've\n550 5.7.1 registered in your G Suite SMTP Relay service doesn't match. gsmtp", "ip_not_authorized", Account, "autorice la dirección IP"),
        rcpt("454 4.7.1 <pagos@andina.ec>: Relay access denied", "relay_denied", Account, "usuario y contraseña"),
        rcpt("550 5.4.5 Daily user sending limit exceeded. For more information on Gmail sending limits go to https://support.google.com/a/answer/166852", "rate_limited", Later, "se reintenta solo"),
        rcpt("550 Domain empresa.ec has exceeded the max emails per hour (201/200 (100%)) allowed. Message discarded.", "rate_limited", Later, "se reintenta solo"),
        dot("432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", "rate_limited", Later, "se reintenta solo"),
        dot("454 Throttling failure: Maximum sending rate exceeded.", "rate_limited", Later, "se reintenta solo"),
        row("message_too_big", Message, "allows 10 bytes (SIZE)", How::Answers(vec![("EHLO", "250-mail.empresa.ec\n250-AUTH PLAIN\n250 SIZE 10"), ("MAIL FROM:<cobros@empresa.ec> SIZE", "552 too much")]), "Suba un logo más pequeño"),
        mail("553 5.6.7 SMTPUTF8 is needed for this address", "sender_utf8_unsupported", Account, "el dominio sí puede llevarlas"),
        mail("552 5.3.4 Message size exceeds fixed limit", "message_too_big", Message, "Suba un logo más pequeño"),
        mail("421 4.3.2 Service shutting down", "server_shutting_down", Later, "se reintenta solo"),
        mail("451 4.3.0 Error: queue file write error", "server_temporary_error", Later, "se reintenta solo"),
    ]
}

#[rustfmt::skip]
fn about_the_recipient() -> Vec<Row> {
    let rcpt = |words, code, verdict, next| refuses("RCPT", words, code, verdict, next);
    vec![
        rcpt("550-5.1.1 The email account that you tried to reach does not exist.\n550 5.1.1  https://support.google.com/mail/?p=NoSuchUser gsmtp", "mailbox_not_found", Recipient, "Corrija la dirección"),
        rcpt("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", "mailbox_not_found", Recipient, "Corrija la dirección"),
        rcpt("550 No Such User Here", "mailbox_not_found", Recipient, "Corrija la dirección"),
        rcpt("550 5.2.1 The email account that you tried to reach is disabled.", "mailbox_disabled", Recipient, "Pida otra dirección"),
        rcpt("550 5.1.2 <pagos@andina.ec>: Recipient address rejected: Domain not found", "domain_not_found", Recipient, "después de la @"),
        rcpt("552 5.2.2 <pagos@andina.ec>: user is over quota", "mailbox_full", Later, "Si sigue lleno"),
        rcpt("452 4.2.2 <pagos@andina.ec> Mailbox is full", "mailbox_full", Later, "Si sigue lleno"),
        rcpt("450 4.2.0 <pagos@andina.ec>: Recipient address rejected: Greylisted for 300 seconds", "greylisted", Later, "se reintenta solo"),
        rcpt("550 5.7.124 Sender not in allowed-senders list of the group", "recipient_refused", Recipient, "autorice a cobros@empresa.ec"),
        rcpt("550 5.7.1 xyzzy", "recipient_refused", Recipient, "autorice a cobros@empresa.ec"),
        rcpt("553 5.6.7 Must declare SMTPUTF8 to send unicode address", "utf8_address_unsupported", Recipient, "sin tildes ni eñes"),
    ]
}

#[rustfmt::skip]
fn about_the_message() -> Vec<Row> {
    let dot = |words, code, verdict, next| refuses(THE_DOT, words, code, verdict, next);
    vec![
        dot("550 5.7.1 Message content rejected, UBE, id=00000-22-225", "content_rejected", Message, "spam, adjunto, enlace"),
        dot("552-5.7.0 This message was blocked because its content presents a potential\n552 5.7.0 security issue. gsmtp", "content_rejected", Message, "spam, adjunto, enlace"),
        dot("550 5.6.0 Lone CR or LF in message", "message_invalid", Message, "error de Acuse"),
        dot("451 4.7.1 Try again later", "message_deferred", Later, "se reintenta solo"),
        row("connection_lost", Later, "closes at RCPT", How::Answers(vec![("RCPT", CLOSES)]), "sin riesgo de duplicarlo"),
        row("timeout", Later, "says nothing to RCPT", How::Answers(vec![("RCPT", SAYS_NOTHING)]), "pruebe el otro puerto"),
        row("in_doubt", InDoubt, "closes after the message", How::Answers(vec![(THE_DOT, CLOSES)]), "mismo identificador"),
    ]
}

/// What is not seen in a session by password.
#[rustfmt::skip]
fn told_by_others() -> Vec<Row> {
    let text =
        |phase, text, code, verdict, next| row(code, verdict, format!("{phase}: {text:?}"), How::Text { phase, text }, next);
    vec![
        text("oauth", "{\"error\": \"invalid_grant\", \"error_description\": \"Token has been expired or revoked.\"}", "oauth_expired", Account, "Vuelva a conectar"),
        text("auth", "334 eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIn0=", "oauth_expired", Account, "Vuelva a conectar"),
        text("oauth", "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000222: The provided client secret keys are expired.\"}", "oauth_misconfigured", Account, "secreto vencido"),
        text("dsn", "smtp; 550 5.1.1 <pagos@andina.ec>: User unknown", "bounced", Recipient, "corrija la dirección"),
        text("dsn", "X-Postfix; connect to mail.example.com[192.0.2.1]:25: Connection timed out", "delivery_delayed", Later, "sigue intentando"),
    ]
}

/// Certificates of all kinds, for a server that is asked for as `localhost`.
struct Tls {
    authority: Authority,
    right: Arc<ServerConfig>,
    expired: Arc<ServerConfig>,
    of_another: Arc<ServerConfig>,
    of_a_stranger: Arc<ServerConfig>,
}

impl Tls {
    fn new() -> Self {
        let (authority, now) = (Authority::new(), OffsetDateTime::now_utc());
        Self {
            right: authority.server(&["localhost"]),
            expired: authority.server_valid(&["localhost"], now - Days::days(90), now - Days::days(1)),
            of_another: authority.server(&["srv1.hosting.test"]),
            of_a_stranger: Authority::new().server(&["localhost"]),
            authority,
        }
    }

    fn network(&self, dns: &DnsServer) -> Network {
        let allowed = ["127.0.0.1", "localhost", "255.255.255.255"].map(str::to_owned);
        Network::new(&allowed, Some(self.authority.pem.as_bytes())).unwrap().with_nameservers(&[dns.address()])
    }
}

fn rows(tls: &Tls) -> Vec<Row> {
    [before_the_login(tls), at_the_login(), about_the_sender(), about_the_recipient(), about_the_message(), told_by_others()]
        .into_iter()
        .flatten()
        .collect()
}

#[tokio::test]
async fn every_problem_is_told_from_the_others_and_says_what_to_do() {
    let tls = Tls::new();
    let dns = DnsServer::start(
        Zone::new().fails("smtp.roto.ec").mx("empresa.ec", 10, "mx.empresa.ec").address("aspmx.l.google.com", "127.0.0.1"),
    )
    .await;
    let network = tls.network(&dns);
    println!("{:<28}{:<11}{:<60}next step", "code", "verdict", "what the server does");
    for row in rows(&tls) {
        let (code, verdict, next) = seen(&network, &row).await;
        let short: String = row.does.chars().take(58).collect();
        println!("{code:<28}{:<11}{short:<60}{next}", format!("{verdict:?}"));
        assert_eq!((code, verdict), (row.code, row.verdict), "{}", row.does);
        assert!(next.contains(row.next), "{}: {next:?} does not say {:?}", row.does, row.next);
    }
}

/// The code and the next step of a check, the verdict of a delivery, and what is said of it in the queue.
async fn seen(network: &Network, row: &Row) -> (&'static str, Verdict, String) {
    let (endpoint, _server): (_, Box<dyn Any>) = match &row.how {
        How::Text { phase, text } => {
            let diagnosis = classify_text(phase, text);
            return (diagnosis.code.as_str(), diagnosis.verdict, in_the_queue(diagnosis.code));
        }
        How::Nobody { host, port } => {
            (Endpoint { host: (*host).to_owned(), port: *port, security: Security::StartTls }, Box::new(()))
        }
        How::Deaf => deaf(),
        How::Answers(answers) => started(Security::None, vec![HELLO, Act::Converse(answers.clone())]).await,
        How::Server { security, script } => started(*security, script.clone()).await,
    };
    let (delivered, report) = tokio::join!(delivered(network, &endpoint), checked(network, endpoint.clone()));
    let diagnosis = classify(&delivered.expect_err(&row.does));
    let problem = report.problem.as_ref().unwrap_or_else(|| panic!("{}: no problem", row.does));
    assert_eq!(problem.code, diagnosis.code, "{}", row.does);
    (problem.code.as_str(), diagnosis.verdict, format!("{}; en la cola: {}", next_step(&report), in_the_queue(problem.code)))
}

fn in_the_queue(code: ProblemCode) -> String {
    let context = Context { sender: "cobros@empresa.ec", situation: Situation::Queue, ..Context::default() };
    explain(code, &context, Language::Spanish).fix.join(" ")
}

async fn started(security: Security, script: Vec<Act>) -> (Endpoint, Box<dyn Any>) {
    let server = Server::start(script).await;
    (Endpoint { host: "localhost".to_owned(), ..server.endpoint(security) }, Box::new(server))
}

/// Two connections wait to be accepted, more the kernel does not take.
fn deaf() -> (Endpoint, Box<dyn Any>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let port = listener.local_addr().unwrap().port();
    let waiting = [(); 2].map(|()| std::net::TcpStream::connect(("127.0.0.1", port)).unwrap());
    (Endpoint { host: "127.0.0.1".to_owned(), port, security: Security::StartTls }, Box::new((listener, waiting)))
}

async fn delivered(network: &Network, endpoint: &Endpoint) -> Result<(), Box<Failure>> {
    let limits = Limits::each(Duration::from_secs(2));
    let mut session = Session::open(network, endpoint, Some(&somebody()), &limits).await?;
    let (from, to) = (address("cobros@empresa.ec"), address("pagos@andina.ec"));
    session.send(&Envelope { from: &from, recipient: &to, copies: &[] }, b"Subject: x\r\n\r\nhola\r\n").await.map(drop)
}

async fn checked(network: &Network, endpoint: Endpoint) -> CheckReport {
    let subject = Subject {
        endpoint,
        credentials: Some(somebody()),
        from_name: "Empresa".to_owned(),
        from: address("cobros@empresa.ec"),
        to: Some(address("pagos@andina.ec")),
        language: Language::Spanish,
    };
    check::run(network, &subject, |_| {}).await
}

fn next_step(report: &CheckReport) -> String {
    let fix = report.problem.as_ref().map(|problem| problem.fix.join(" ")).unwrap_or_default();
    match &report.suggestion {
        Some(better) => format!("→ {} {} {fix}", better.security.as_str(), better.server.as_deref().unwrap_or_default()),
        None => fix,
    }
}

/// `message_not_composed` is found by the delivery, before there is a server; `oauth_unavailable` is a provider's silence;
/// `secret_unreadable` is a password that our own key does not open, `account_unreadable` a record that is spoilt.
const NOT_OF_A_SERVER: [&str; 4] = ["message_not_composed", "oauth_unavailable", "secret_unreadable", "account_unreadable"];

#[test]
fn no_problem_of_the_catalogue_is_left_out() {
    let shown: BTreeSet<&str> = rows(&Tls::new()).iter().map(|row| row.code).collect();
    let codes = ProblemCode::ALL.map(ProblemCode::as_str).into_iter();
    let missing: Vec<&str> = codes.filter(|code| !shown.contains(code) && !NOT_OF_A_SERVER.contains(code)).collect();
    assert!(missing.is_empty(), "no row for {missing:?}");
}
