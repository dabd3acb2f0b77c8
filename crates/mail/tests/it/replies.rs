//! Real replies and what they mean: one line each. A new case is a row in replies.toml and a line here, or one in
//! replies.tsv where several codes would be right.

use std::time::Duration;

use acuse_domain::delivery::Verdict;
use acuse_domain::mail_account::Security;
use acuse_domain::mail_problem::ProblemCode;
use acuse_mail::diagnosis::{Diagnosis, classify, classify_text};
use acuse_mail::endpoint::Endpoint;
use acuse_mail::failure::{Cause, Failure, Phase};
use acuse_mail::reply::Reply;

#[track_caller]
fn check_reply(phase: &str, host: &str, reply: &str, code: &str) {
    assert_eq!(diagnose(phase, host, reply).code.as_str(), code, "{phase}: {reply}");
}

fn diagnose(phase: &str, host: &str, reply: &str) -> Diagnosis {
    let (phase, cause) = match phase {
        "ehlo" => (Phase::Greeting, Cause::RefusedEhlo),
        "starttls" => (Phase::Tls, Cause::RefusedStartTls),
        "greeting" | "auth" | "sender" | "recipient" | "message" => (Phase::parse(phase).unwrap(), Cause::Refused),
        _ => return classify_text(phase, reply),
    };
    let reply = Reply::from_text(reply);
    if phase == Phase::Greeting && reply.code() == 0 {
        return classify_text("greeting", reply.text());
    }
    classify(&Failure { after_final_dot: phase == Phase::Message, ..failed(phase, host, cause, Some(reply)) })
}

#[test]
#[rustfmt::skip]
fn what_a_library_says_of_a_connection() {
    check_reply("connect", "mail.empresa.ec", "stream_socket_client(): unable to connect to smtpout.secureserver.net:587 (Connection refused)", "connection_refused");
    check_reply("connect", "mail.empresa.ec", "connect to mail.empresa.ec[192.0.2.25]:587: Connection timed out", "connection_timeout");
    check_reply("connect", "mail.empresa.ec", "Host or domain name not found. Name service error for name=smpt.gmail.com type=AAAA: Host not found", "host_not_found");
    check_reply("connect", "mail.empresa.ec", "connect to mail.empresa.ec[192.0.2.2]:587: Network is unreachable", "network_unreachable");
    check_reply("connect", "mail.empresa.ec", "connect to mail.empresa.ec[192.0.2.2]:587: No route to host", "network_unreachable");
}

#[test]
#[rustfmt::skip]
fn at_the_greeting() {
    check_reply("greeting", "mail.empresa.ec", "554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using b.barracudacentral.org", "ip_blocked");
    check_reply("greeting", "smtpout.secureserver.net", "554 Connection refused. This IP has a poor reputation on Cloudmark Sender Intelligence (CSI). IB103", "ip_blocked");
    check_reply("greeting", "mail.empresa.ec", "554 5.7.1 [C14] Missing reverse DNS for 203.0.113.2", "ip_blocked");
    check_reply("greeting", "mail.empresa.ec", "HTTP/1.1 400 Bad Request", "not_smtp");
    check_reply("greeting", "mail.empresa.ec", "* OK [CAPABILITY IMAP4rev1 LITERAL+ SASL-IR LOGIN-REFERRALS ID ENABLE IDLE NAMESPACE STARTTLS AUTH=PLAIN AUTH=LOGIN] Dovecot ready.", "not_smtp");
    check_reply("greeting", "smtpout.secureserver.net", "451-The server has reached its limit for processing requests from your host.\n451 Please try again later.", "rate_limited");
    check_reply("greeting", "mail.empresa.ec", "421 Rate limit reached. Please try again later", "rate_limited");
    check_reply("greeting", "mail.empresa.ec", "421 mail.empresa.ec: Too many concurrent SMTP connections; please try again later", "server_refuses_us");
    check_reply("greeting", "mail.empresa.ec", "421 4.7.0 mail.empresa.ec Error: too many connections from unknown[192.0.2.10]", "server_refuses_us");
    check_reply("greeting", "mail.empresa.ec", "421 4.5.1 Too many errors, you have been temporarily blacklisted", "server_refuses_us");
}

#[test]
#[rustfmt::skip]
fn at_ehlo() {
    check_reply("ehlo", "mail.empresa.ec", "501 Syntactically invalid EHLO argument(s)", "helo_rejected");
    check_reply("ehlo", "smtp.gmail.com", "501 5.5.4 Empty HELO/EHLO argument not allowed, closing connection. https://support.google.com/mail/?p=helo", "helo_rejected");
    check_reply("ehlo", "smtp.gmail.com", "501-5.5.4 HELO/EHLO argument \"localhost\" invalid, closing connection.\n501 5.5.4  https://support.google.com/mail/?p=helo", "helo_rejected");
    check_reply("ehlo", "mail.empresa.ec", "500 5.5.2 Error: command not recognized", "protocol_error");
    check_reply("ehlo", "smtp.gmail.com", "421 4.7.0 Try again later, closing connection. (EHLO)", "server_refuses_us");
    check_reply("ehlo", "mail.empresa.ec", "421 4.3.0 mail.empresa.ec Server local data error", "server_refuses_us");
}

#[test]
#[rustfmt::skip]
fn at_starttls() {
    check_reply("starttls", "mail.empresa.ec", "454 4.7.0 TLS not available due to local problem", "starttls_broken");
    check_reply("starttls", "mail.empresa.ec", "454 TLS not available", "starttls_broken");
    check_reply("starttls", "mail.empresa.ec", "454 4.3.0 TLS currently unavailable", "starttls_broken");
    check_reply("starttls", "mail.empresa.ec", "554 5.7.3 Unable to initialize security subsystem", "starttls_broken");
    check_reply("sender", "mail.empresa.ec", "553 5.6.7 SMTPUTF8 address not supported", "sender_utf8_unsupported");
    check_reply("sender", "mail.empresa.ec", "553 5.6.7 Recipient address needs SMTPUTF8", "utf8_address_unsupported");
    check_reply("starttls", "mail.empresa.ec", "502 5.5.1 TLS support is not enabled.", "starttls_not_offered");
    check_reply("starttls", "mail.empresa.ec", "502 TLS not available", "starttls_not_offered");
    check_reply("starttls", "mail.empresa.ec", "502 5.5.1 Error: command not implemented", "starttls_not_offered");
}

#[test]
#[rustfmt::skip]
fn what_a_library_says_of_tls() {
    check_reply("tls", "mail.empresa.ec", "TLS certificate verification failed: certificate 2 of 4 has expired", "certificate_expired");
    check_reply("tls", "mail.empresa.ec", "x509: certificate has expired or is not yet valid: current time 2022-05-16T12:47:26Z is after 2022-04-07T17:30:45Z", "certificate_expired");
    check_reply("tls", "mail.empresa.ec", "tls: failed to verify certificate: x509: certificate is valid for WX-P-EX2, WX-P-EX2.hosting.example, not mail.empresa.ec", "certificate_name_mismatch");
    check_reply("tls", "mail.empresa.ec", "server certificate verification failed for mail.empresa.ec[192.0.2.15]:25: num=62:hostname mismatch", "certificate_name_mismatch");
    check_reply("tls", "mail.empresa.ec", "invalid peer certificate: NotValidForName", "certificate_name_mismatch");
    check_reply("tls", "mail.empresa.ec", "x509: certificate signed by unknown authority", "certificate_untrusted");
    check_reply("tls", "mail.empresa.ec", "self-signed certificate in certificate chain", "certificate_untrusted");
    check_reply("tls", "mail.empresa.ec", "SSL_connect returned=1 errno=0 state=error: certificate verify failed (self signed certificate)", "certificate_untrusted");
    check_reply("tls", "mail.empresa.ec", "error:1408F10B:SSL routines:ssl3_get_record:wrong version number:../deps/openssl/openssl/ssl/record/ssl3_record.c:332:", "port_wants_starttls");
    check_reply("tls", "mail.empresa.ec", "error:0A00010B:SSL routines::wrong version number", "port_wants_starttls");
    check_reply("tls", "mail.empresa.ec", "received corrupt message of type InvalidContentType", "port_wants_starttls");
    check_reply("tls", "mail.empresa.ec", "error:14094410:SSL routines:SSL3_READ_BYTES:sslv3 alert handshake failure", "tls_handshake_failed");
    check_reply("tls", "mail.empresa.ec", "error:141A318A:SSL routines:tls_process_ske_dhe:dh key too small", "tls_handshake_failed");
    check_reply("tls", "mail.empresa.ec", "error:1425F102:SSL routines:ssl_choose_client_version:unsupported protocol:../ssl/statem/statem_lib.c:1928:", "tls_handshake_failed");
}

#[test]
#[rustfmt::skip]
fn at_the_login() {
    check_reply("auth", "mail.empresa.ec", "525 5.7.13 Login disabled for this user", "account_suspended");
    check_reply("auth", "mail.empresa.ec", "525 5.7.13 User Account Disabled", "account_suspended");
    check_reply("auth", "smtp.zoho.com", "554 5.1.8 Sender Address Blocked", "account_suspended");
    check_reply("auth", "smtp.gmail.com", "535 5.7.1 Application-specific password required. For more information, visit https://support.google.com/accounts/answer/185833", "auth_app_password_required");
    check_reply("auth", "mail.empresa.ec", "504 5.5.4 Unsupported authentication mechanism.", "auth_not_supported");
    check_reply("auth", "mail.empresa.ec", "504 Authentication mechanism not supported.", "auth_not_supported");
    check_reply("auth", "mail.empresa.ec", "503 5.5.1 Error: authentication not enabled", "auth_not_supported");
    check_reply("auth", "mail.empresa.ec", "454 4.7.0 Temporary authentication failure.", "auth_temporarily_refused");
    check_reply("auth", "mail.empresa.ec", "435 Unable to authenticate at present", "auth_temporarily_refused");
    check_reply("auth", "mail.empresa.ec", "435 4.7.8 Error: authentication failed:", "auth_temporarily_refused");
    check_reply("auth", "mail.empresa.ec", "535 Error: authentication failed", "bad_credentials");
    check_reply("auth", "mail.empresa.ec", "535 5.7.8 Error: authentication failed", "bad_credentials");
    check_reply("auth", "mail.empresa.ec", "535 5.7.8 Error: authentication failed: Invalid format.", "bad_credentials");
    check_reply("auth", "smtp-relay.brevo.com", "525 5.7.1 Unauthorized IP address", "ip_not_authorized");
    check_reply("auth", "smtpout.secureserver.net", "535 Authentication not allowed on IBSMTP Servers. IB401", "not_a_submission_host");
    check_reply("auth", "smtp.gmail.com", "501 5.5.2 Cannot Decode response g9418696smign.4 - gsmtp", "protocol_error");
    check_reply("auth", "smtp.office365.com", "501 5.5.124 Invalid XOAUTH2 auth data", "oauth_misconfigured");
    check_reply("auth", "smtp.sendgrid.net", "451 Authentication failed: Maximum credits exceeded", "rate_limited");
    check_reply("auth", "smtp.office365.com", "550 5.7.30 Basic authentication is not supported for Client Submission.", "smtp_auth_disabled");
    check_reply("auth", "mail.empresa.ec", "550 User has no permission", "smtp_auth_disabled");
    check_reply("auth", "smtp.office365.com", "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully. Contact your administrator.", "smtp_auth_disabled");
    check_reply("auth", "mail.empresa.ec", "530 A SSL/TLS-connection is required for authentication.", "tls_required");
    check_reply("auth", "mail.empresa.ec", "504 5.5.4 Encryption required for requested authentication mechanism", "tls_required");
    check_reply("auth", "mail.empresa.ec", "530 5.7.7 Email sending without SSL/TLS encryption is not allowed. Please see: http://help.yandex.ru/mail/mail-clients/ssl.xml", "tls_required");
    check_reply("auth", "mail.empresa.ec", "530 Invalid username or password", "bad_credentials");
    check_reply("auth", "mail.empresa.ec", "535 5.7.8 Usuario o contraseña incorrectos", "bad_credentials");
    check_reply("auth", "mail.empresa.ec", "535 5.7.1 SMTP access for this user is disabled by the administrator", "smtp_auth_disabled");
    check_reply("auth", "mail.empresa.ec", "535 5.7.1 Your IP address is not whitelisted", "ip_not_authorized");
    check_reply("auth", "mail.empresa.ec", "535 Authentication failed: You have exceeded your monthly limit of 300 emails", "rate_limited");
    check_reply("auth", "mail.empresa.ec", "535 5.7.8 Account has been temporarily blocked after repeated failures", "account_locked");
}

#[test]
#[rustfmt::skip]
fn at_the_sender() {
    check_reply("sender", "smtp.office365.com", "550 5.1.8 Access denied, bad outbound sender", "account_suspended");
    check_reply("sender", "mail.empresa.ec", "451 usuario@empresa.ec please authenticate before send", "auth_required");
    check_reply("sender", "smtp.gmail.com", "530 5.5.1 Authentication Required", "auth_required");
    check_reply("sender", "mail.empresa.ec", "550 Login credentials no longer valid. Please re-authenticate.", "auth_required");
    check_reply("sender", "smtpout.secureserver.net", "550 192.0.2.10 is not allowed to send from <empresa.ec> per its SPF Record. Please inspect your SPF settings, and try again. IB508", "domain_not_authenticated");
    check_reply("sender", "mail.empresa.ec", "550-SPF-check failed:\n550 empresa.ec doesn't allow sending mails from 192.0.2.10", "domain_not_authenticated");
    check_reply("sender", "mail.empresa.ec", "550 Access denied - Invalid HELO name (See RFC2821 4.1.3)", "helo_rejected");
    check_reply("sender", "mail.empresa.ec", "550 5.7.1 Connections not accepted from servers without a valid sender domain. Fix reverse DNS for 203.0.113.2", "ip_blocked");
    check_reply("sender", "mail.empresa.ec", "552 5.3.4 Message size exceeds fixed limit", "message_too_big");
    check_reply("sender", "mail.empresa.ec", "552 5.2.3 Message size exceeds fixed maximum message size (10485760)", "message_too_big");
    check_reply("sender", "mail.empresa.ec", "552 Message size exceeds fixed maximum message size: 20971520 bytes", "message_too_big");
    check_reply("sender", "smtp.gmail.com", "503 5.7.0 No identity changes permitted. For more information, go to About SMTP error messages.", "protocol_error");
    check_reply("sender", "mail.empresa.ec", "503 5.5.1 Error: nested MAIL command", "protocol_error");
    check_reply("sender", "mail.empresa.ec", "452 4.4.5 Messages per second limit exceeded", "rate_limited");
    check_reply("sender", "mail.empresa.ec", "452 4.5.3 Daily message limit exceeded", "rate_limited");
    check_reply("sender", "mail.empresa.ec", "450 4.7.1 Error: too much mail from mail.empresa.ec[192.0.2.10]", "rate_limited");
    check_reply("sender", "mail.empresa.ec", "553 Local user only,163 smtp5,HdxpCgA3f+63sTNhtiNZDA--.2001S2 1630777785", "sender_not_allowed");
    check_reply("sender", "smtp.mail.me.com", "550 5.7.0 From address is not one of your addresses", "sender_not_allowed");
    check_reply("sender", "mail.empresa.ec", "550 not local sender over smtp", "sender_not_allowed");
    check_reply("sender", "smtpout.secureserver.net", "550 empresa.ec From: Domain is invalid. Provide a valid From: IB506", "sender_not_found");
    check_reply("sender", "mail.empresa.ec", "501 5.1.7 Bad sender address syntax", "sender_not_found");
    check_reply("sender", "mail.empresa.ec", "550 5.7.27 <usuario@empresa.ec>: Sender address rejected: Domain empresa.ec does not accept mail (nullMX)", "sender_not_found");
    check_reply("sender", "mail.empresa.ec", "421 Service not available, closing transmission channel", "server_shutting_down");
    check_reply("sender", "mail.empresa.ec", "421 too many messages in this connection", "rate_limited");
    check_reply("sender", "mail.empresa.ec", "451 #4.4.3 Temporary error occurred during SPF verification.", "server_temporary_error");
    check_reply("sender", "smtp-mail.outlook.com", "452 4.3.1 Insufficient system resources (TSTE) [outlook.com]", "server_temporary_error");
    check_reply("sender", "mail.empresa.ec", "452 4.3.1 Insufficient system storage", "server_temporary_error");
    check_reply("sender", "mail.empresa.ec", "530 5.7.0 TLS required.", "tls_required");
    check_reply("sender", "mail.empresa.ec", "451 5.7.3 Must issue a STARTTLS command first", "tls_required");
    check_reply("sender", "mail.empresa.ec", "530 Must issue STARTTLS first.", "tls_required");
    check_reply("sender", "mail.empresa.ec", "550 Sender domain is not allowed: example.org", "sender_not_allowed");
    check_reply("sender", "mail.empresa.ec", "550 Su dominio ha sido suspendido por falta de pago", "account_suspended");
    check_reply("sender", "mail.empresa.ec", "554 Ha superado el límite diario de envíos", "rate_limited");
    check_reply("sender", "mail.empresa.ec", "550 5.1.8 Sender domain has no A/MX record", "sender_not_found");
}

#[test]
#[rustfmt::skip]
fn at_the_recipient() {
    check_reply("recipient", "mail.empresa.ec", "535 Mail server has been suspended", "account_suspended");
    check_reply("recipient", "mail.empresa.ec", "550 SMTP AUTH is required for message submission on port 587", "auth_required");
    check_reply("recipient", "mail.empresa.ec", "550 Authentication Required", "auth_required");
    check_reply("recipient", "mail.empresa.ec", "530 SMTP authentication is required.", "auth_required");
    check_reply("recipient", "mail.empresa.ec", "556 5.1.10 Recipient address has a null MX", "domain_not_found");
    check_reply("recipient", "mail.empresa.ec", "450 4.1.2 <persona@example.com>: Recipient address rejected: Domain not found", "domain_not_found");
    check_reply("recipient", "mail.empresa.ec", "450 4.2.0 <persona@example.com>: Recipient address rejected: Greylisted for 300 seconds", "greylisted");
    check_reply("recipient", "mail.empresa.ec", "451 4.7.1 <persona@example.com>: Recipient address rejected: Greylisted for 5 minutes", "greylisted");
    check_reply("recipient", "mail.empresa.ec", "451 4.7.1 Sorry, the service is currently unavailable. Please come back later.", "greylisted");
    check_reply("recipient", "mail.empresa.ec", "504 5.5.2 <pc-contabilidad>: Helo command rejected: need fully-qualified hostname", "helo_rejected");
    check_reply("recipient", "mail.empresa.ec", "550 \"JunkMail rejected - (empresa.ec) [192.0.2.10] is in an RBL: Reverse DNS (PTR) missing - RFC1912 section 2.1\"", "ip_blocked");
    check_reply("recipient", "mail.empresa.ec", "550 \"JunkMail rejected - (pc-contabilidad) [192.0.2.226]:54355 is in an RBL, see https://rbl.hosting.example\"", "ip_blocked");
    check_reply("recipient", "smtpout.secureserver.net", "553 http://www.spamhaus.org/query/bl?ip=192.0.2.222", "ip_blocked");
    check_reply("recipient", "mail.empresa.ec", "550 Message was not accepted -- invalid mailbox. Local mailbox persona@example.com is unavailable: account is disabled", "mailbox_disabled");
    check_reply("recipient", "mail.empresa.ec", "422 4.2.2 Quota limit exceeded (Speicherplatz des Kontos ueberschritten)", "mailbox_full");
    check_reply("recipient", "mail.empresa.ec", "550 <persona@example.com>: Requested mail action aborted: exceeded storage allocation, Quota exceeded", "mailbox_full");
    check_reply("recipient", "mail.empresa.ec", "552 5.2.2 <persona@example.com> Quota exceeded (mailbox for user is full)", "mailbox_full");
    check_reply("recipient", "mail.empresa.ec", "550 cuda_nsu 5.1.1 <persona@example.com>... User unknown", "mailbox_not_found");
    check_reply("recipient", "smtp.office365.com", "550 5.4.1 <persona@example.com>: Recipient address rejected: Access denied [BL2NAM02FT061.eop-nam02.prod.protection.outlook.com]", "mailbox_not_found");
    check_reply("recipient", "mail.empresa.ec", "550 5.7.1 <persona@example.com>: Recipient address rejected: User email address is marked as invalid.", "mailbox_not_found");
    check_reply("recipient", "mail.empresa.ec", "452 4.1.1 <persona@example.com> too many recent messages; Try again later", "rate_limited");
    check_reply("recipient", "smtpout.secureserver.net", "550 User usuario@empresa.ec has exceeded its 24-hour sending limit. Messages to 25 recipients out of 25", "rate_limited");
    check_reply("recipient", "smtp.mail.me.com", "421 4.7.1 Messages to persona@example.com deferred due to excessive volume. Try again later - https://support.apple.com/en-us/HT204137", "rate_limited");
    check_reply("recipient", "mail.empresa.ec", "550 Denied by policy", "recipient_refused");
    check_reply("recipient", "mail.empresa.ec", "554 5.7.1 <persona@example.com>: Recipient address rejected: Access denied", "recipient_refused");
    check_reply("recipient", "smtp.office365.com", "550 5.7.133 Sender not authenticated for group", "recipient_refused");
    check_reply("recipient", "mail.empresa.ec", "550 relay not permitted", "relay_denied");
    check_reply("recipient", "mail.empresa.ec", "451 Open relay not allowed - https://community.mimecast.com/docs/DOC-1369#451 [z7qZw5BPd1zlDYHka.us222]", "relay_denied");
    check_reply("recipient", "mail.empresa.ec", "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", "relay_denied");
    check_reply("recipient", "mail.empresa.ec", "554 5.7.1 <persona@example.com>: Recipient address rejected: Sender is not same as SMTP authenticate username", "sender_not_allowed");
    check_reply("recipient", "mail.empresa.ec", "553 5.7.1 <usuario@empresa.ec>: Sender address rejected: not logged in", "auth_required");
    check_reply("recipient", "mail.empresa.ec", "554 5.7.1 <usuario@empresa.ec>: Sender address rejected: Access denied", "sender_not_allowed");
    check_reply("recipient", "mail.empresa.ec", "550-Verification failed for <usuario@empresa.ec>\n550-No Such User Here\n550 Sender verify failed", "sender_not_found");
    check_reply("recipient", "mail.empresa.ec", "550-Verification failed for <usuario@empresa.ec>\n550-Unrouteable address\n550 Sender verify failed", "sender_not_found");
    check_reply("recipient", "mail.empresa.ec", "550 5.5.2 <usuario@empresa>: Sender address rejected: need fully-qualified address", "sender_not_found");
    check_reply("recipient", "smtp.office365.com", "451 4.3.2 Temporary server error. Please try again later ATTR17 [outlook.com]", "server_temporary_error");
    check_reply("recipient", "mail.empresa.ec", "451 Temporary failure", "server_temporary_error");
    check_reply("recipient", "mail.empresa.ec", "451 4.3.0 <persona@example.com>: Temporary lookup failure", "server_temporary_error");
    check_reply("recipient", "mail.empresa.ec", "553 5.6.7 Must declare SMTPUTF8 to send unicode address", "utf8_address_unsupported");
    check_reply("recipient", "mail.empresa.ec", "524 5.2.4 Mailing list expansion problem: <persona@example.com>", "mailbox_not_found");
    check_reply("recipient", "mail.empresa.ec", "550 There is no one at this address", "mailbox_not_found");
    check_reply("recipient", "mail.empresa.ec", "550 La casilla de correo no existe", "mailbox_not_found");
    check_reply("recipient", "mail.empresa.ec", "550 Dominio desconocido", "domain_not_found");
    check_reply("recipient", "mail.empresa.ec", "550 not enough storage space in user mailbox", "mailbox_full");
    check_reply("recipient", "mail.empresa.ec", "550 mailbox currently suspended", "mailbox_disabled");
    check_reply("recipient", "mail.empresa.ec", "554 5.7.1 user@example.com: Sender address rejected: Blocked by this recipient (GE)", "recipient_refused");
    check_reply("recipient", "mail.empresa.ec", "550 5.7.1 External relaying is disabled", "relay_denied");
    check_reply("recipient", "mail.empresa.ec", "550 mail server at 203.0.113.2 is blocked. See http://example.com", "ip_blocked");
    check_reply("recipient", "mail.empresa.ec", "553 sorry, your HELO host name has been denied", "helo_rejected");
}

#[test]
#[rustfmt::skip]
fn at_the_message() {
    check_reply("message", "mail.empresa.ec", "550 5.7.1 [CSR] Our system has detected an unusual amount of unsolicited email originating from your address", "account_suspended");
    check_reply("message", "smtp.office365.com", "550 5.7.501 Access denied, spam abuse detected", "account_suspended");
    check_reply("message", "smtp.office365.com", "550 5.7.502 Access denied, banned sender", "account_suspended");
    check_reply("message", "mail.empresa.ec", "550 5.7.1 Message content rejected, UBE, id=00000-22-225", "content_rejected");
    check_reply("message", "smtp.office365.com", "550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy", "content_rejected");
    check_reply("message", "mail.empresa.ec", "550 Virus Detected; Content Rejected", "content_rejected");
    check_reply("message", "smtp.mail.me.com", "554 5.7.1 Your message was rejected due to empresa.ec's DMARC policy. See https://support.apple.com/en-us/HT204137 for info", "domain_not_authenticated");
    check_reply("message", "mail.empresa.ec", "550 DMARC Sender Invalid - envelope rejected - https://community.mimecast.com/docs/DOC-1369#550 [z7qZw5BPd1zlDYHka.us222]", "domain_not_authenticated");
    check_reply("message", "mail.empresa.ec", "550 5.7.0 Email rejected per sender's DMARC policy", "domain_not_authenticated");
    check_reply("message", "mail.empresa.ec", "451 4.7.1 Try again later", "message_deferred");
    check_reply("message", "mail.empresa.ec", "525 5.7.13 Disabled recipient address", "mailbox_disabled");
    check_reply("message", "mail.empresa.ec", "550 : User unknown", "mailbox_not_found");
    check_reply("message", "mail.empresa.ec", "550 unknown user", "mailbox_not_found");
    check_reply("message", "smtp.mail.yahoo.com", "554 delivery error: dd This user doesn't have a yahoo.com account (persona@example.com) [0] - mta107.mail.re1.yahoo.com", "mailbox_not_found");
    check_reply("message", "mail.empresa.ec", "451 Error while writing spool file", "message_deferred");
    check_reply("message", "mail.empresa.ec", "451 Rejected - No data saved.", "message_deferred");
    check_reply("message", "mail.empresa.ec", "450 4.0.0 Temporary failure", "message_deferred");
    check_reply("message", "mail.empresa.ec", "550 maximum allowed line length is 998 octets, got 1204", "message_invalid");
    check_reply("message", "mail.empresa.ec", "554 Rejected - Message containing bare LF's.", "message_invalid");
    check_reply("message", "smtp.office365.com", "550 5.6.11 Invalid characters", "message_invalid");
    check_reply("message", "smtpout.secureserver.net", "552 a1b2c3 - d4e5f6 Message size exceeds maximum permitted. Please reduce message size, and retry.", "message_too_big");
    check_reply("message", "mail.empresa.ec", "554 Rejected - Message size exceeds fixed maximum message size. Size: 26412 KB, Max size: 20480 KB", "message_too_big");
    check_reply("message", "mail.empresa.ec", "552 Message too large (maximum size 14MB)", "message_too_big");
    check_reply("message", "mail.empresa.ec", "554 5.5.1 Error: no valid recipients", "protocol_error");
    check_reply("message", "mail.empresa.ec", "454 Throttling failure: Maximum sending rate exceeded", "rate_limited");
    check_reply("message", "mail.empresa.ec", "550 5.7.0 Too many emails per second. Please upgrade your plan https://mailtrap.io/billing/plans/testing", "rate_limited");
    check_reply("message", "mail.empresa.ec", "554 5.7.0 Your message could not be sent. The limit on the number of allowed outgoing messages was exceeded. Try again later.", "rate_limited");
    check_reply("message", "smtp.office365.com", "554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded", "sender_mailbox_full");
    check_reply("message", "mail.empresa.ec", "551 5.7.1 Not authorised to send from this header address", "sender_not_allowed");
    check_reply("message", "mail.empresa.ec", "530 From/Sender name is not valid", "sender_not_allowed");
    check_reply("message", "smtp.zoho.com", "553 Relaying disallowed as ventas@empresa.ec", "sender_not_allowed");
    check_reply("message", "mail.empresa.ec", "554 Message rejected: Email address is not verified. The following identities failed the check in region AP-NORTHEAST-1: usuario@empresa.ec", "sender_not_verified");
    check_reply("message", "smtp-relay.brevo.com", "450 Your SMTP account is not yet activated. Please contact us at contact@sendinblue.com to request activation.", "sender_not_verified");
    check_reply("message", "smtp-relay.brevo.com", "502 5.7.0 Your SMTP account is not yet activated. Please contact us at contact@sendinblue.com to request activation.", "sender_not_verified");
    check_reply("message", "mail.empresa.ec", "421 Connection timeout.", "message_deferred");
    check_reply("message", "smtp.gmail.com", "451 4.4.2 Timeout - closing connection. For more information, go to About SMTP error messages. https://support.google.com/a/answer/3221692", "message_deferred");
    check_reply("message", "mail.empresa.ec", "554 5.6.0 Message contains unacceptable attachment", "content_rejected");
    check_reply("message", "mail.empresa.ec", "550 MIME message is missing 'From' header", "message_invalid");
    check_reply("message", "mail.empresa.ec", "554 Sending paused for this account. For more information, please check the inbox of the email address associated with your AWS account.", "account_suspended");
    check_reply("message", "mail.empresa.ec", "550 Blacklisted URL in message", "content_rejected");
}

#[test]
#[rustfmt::skip]
fn in_a_delivery_report() {
    check_reply("dsn", "mail.empresa.ec", "smtp; 554 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.2 Connection timed out>", "bounced");
    check_reply("dsn", "mail.empresa.ec", "smtp; 550 DMARC check failed. http://service.mail.qq.com/cgi-bin/help?subtype=1&&no=1001508&&id=16.", "bounced");
    check_reply("dsn", "mail.empresa.ec", "SMTP; 550 5.1.1 RCP-P1 http://postmaster.facebook.com/response_codes?ip=192.0.2.54#rcp Recipient address does not exist", "bounced");
    check_reply("dsn", "mail.empresa.ec", "X-Postfix; connect to mail.example.com[192.0.2.1]:25: Connection timed out", "delivery_delayed");
    check_reply("dsn", "mail.empresa.ec", "empresa.ec has exceeded the max emails per hour (500/500 (100%)) allowed. Message discarded.", "rate_limited");
}

#[test]
#[rustfmt::skip]
fn of_a_token() {
    check_reply("oauth", "smtp.gmail.com", "334 eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2xlLmNvbS8ifQ==", "oauth_expired");
    check_reply("oauth", "smtp.gmail.com", "{\"error\": \"invalid_grant\", \"error_description\": \"Token has been expired or revoked.\"}", "oauth_expired");
    check_reply("oauth", "smtp.office365.com", "{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS70000: Provided grant is invalid or malformed.\"}", "oauth_expired");
    check_reply("oauth", "smtp.office365.com", "{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS9002313: Invalid request. Request is malformed or invalid.\"}", "oauth_misconfigured");
}

/// Many more, of servers, hosters and services of many countries: phase, reply, and the codes that would be right.
#[test]
fn replies_of_the_world() {
    let mut wrong = Vec::new();
    for line in include_str!("replies.tsv").lines() {
        let mut fields = line.split('\t');
        let (Some(phase), Some(reply), Some(codes)) = (fields.next(), fields.next(), fields.next()) else { panic!("{line}") };
        let found = diagnose(phase, "mail.empresa.ec", &reply.replace("\\n", "\n")).code.as_str();
        if codes.split('|').all(|code| code != found) {
            wrong.push(format!("{phase}: {reply}: {found}, not {codes}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_accounts_fault_is_never_a_wrong_recipient() {
    for reply in [
        "554 5.7.1 <ventas@empresa.ec>: Sender address rejected: not owned by user cobros@empresa.ec",
        "550-Verification failed for <cobros@empresa.ec>\n550-No Such User Here\n550 Sender verify failed",
        "553 5.7.1 <cobros@empresa.ec>: Sender address rejected: not logged in",
        "550 5.7.1 Relaying denied",
        "554 5.7.1 <unknown[192.0.2.10]>: Client host rejected: Access denied",
        "504 5.5.2 <pc>: Helo command rejected: need fully-qualified hostname",
        "550 Please turn on SMTP Authentication in your mail client",
        "450 4.1.8 <cobros@empresa.ec>: Sender address rejected: Domain not found",
        "550 5.1.8 Access denied, bad outbound sender",
        "550 5.7.26 This mail is unauthenticated",
        "554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using zen.spamhaus.org",
        "535 Mail server has been suspended",
        "550 User cobros@empresa.ec has exceeded its 24-hour sending limit",
    ] {
        for phase in ["recipient", "message"] {
            let verdict = diagnose(phase, "mail.empresa.ec", reply).verdict;
            assert!(matches!(verdict, Verdict::Account | Verdict::Later), "{phase}: {reply}: {verdict:?}");
        }
    }
}

#[test]
fn a_bounce_keeps_its_cause() {
    let bounce = |text: &str| {
        let diagnosis = classify_text("dsn", text);
        (diagnosis.code.as_str(), diagnosis.cause.map(ProblemCode::as_str))
    };
    assert_eq!(bounce("smtp; 550 5.1.1 <x@y.ec>: User unknown"), ("bounced", Some("mailbox_not_found")));
    assert_eq!(bounce("smtp;550 5.2.2 Mailbox Full"), ("bounced", Some("mailbox_full")));
    assert_eq!(bounce("smtp; 550 DMARC check failed"), ("bounced", Some("domain_not_authenticated")));
    assert_eq!(bounce("smtp; 554 4.4.7 Message expired: unable to deliver in 840 minutes"), ("bounced", None));
    assert_eq!(bounce("X-Postfix; connect to mail.example.com[192.0.2.1]:25: Connection timed out").0, "delivery_delayed");
}

/// At RCPT a closed account is whoever's the mail is for (RFC 3463 x.2.1), unless the words name who sends.
#[test]
#[rustfmt::skip]
fn whose_account_is_closed_at_the_recipient() {
    for said in [
        "550 5.2.1 Account suspended", "550 Account suspended", "550 Cuenta suspendida", "550 La cuenta está suspendida",
        "550 5.2.1 The account has been suspended", "550 Account <pagos@andina.ec> suspended", "550 user suspended",
        "550 Domain suspended", "550 5.2.1 Domain has been suspended", "550 This account has been compromised",
        "550 5.2.1 Mailbox disabled due to unusual activity", "550 5.2.1 account closed for spamming", "550 5.2.1 password expired",
    ] {
        check_reply("recipient", "mail.empresa.ec", said, "mailbox_disabled");
    }
    for said in [
        "550 5.2.1 Your account has been suspended", "550 Su cuenta ha sido suspendida", "550 Sender account suspended",
        "550 The account has been suspended from sending", "550 Outgoing mail from this account has been suspended",
        "550 Your domain has been suspended", "550 La cuenta del remitente está suspendida", "535 Mail server has been suspended",
    ] {
        check_reply("recipient", "mail.empresa.ec", said, "account_suspended");
    }
    for said in ["550 5.2.1 Account suspended", "550 Cuenta suspendida"] {
        check_reply("sender", "mail.empresa.ec", said, "account_suspended");
        check_reply("auth", "mail.empresa.ec", said, "account_suspended");
    }
}

#[test]
#[rustfmt::skip]
fn whose_mailbox_is_full() {
    for said in [
        "552 5.2.2 sender mailbox full", "552 5.2.2 Mailbox full", "552 5.2.2 <cobros@uno.ec> exceeded storage allocation",
        "552 Requested mail action aborted: exceeded storage allocation", "550 5.2.2 cobros@uno.ec mailbox is full",
        "452 4.2.2 The email account cobros@uno.ec is over quota", "552 5.2.2 Sender over quota", "552 5.2.2 xyzzy", "552 Buzón lleno",
    ] {
        check_reply("sender", "mail.empresa.ec", said, "sender_mailbox_full");
    }
    for said in ["550 5.2.2 sender over quota", "552 5.2.2 Sender mailbox full", "552 The sender's mailbox has exceeded its storage quota", "550 El buzón del remitente está lleno"] {
        check_reply("recipient", "mail.empresa.ec", said, "sender_mailbox_full");
        check_reply("message", "mail.empresa.ec", said, "sender_mailbox_full");
    }
    for said in ["552 5.2.2 Mailbox full", "452 4.2.2 <sender@andina.ec>: Mailbox full", "550 5.2.2 over quota"] {
        check_reply("recipient", "mail.empresa.ec", said, "mailbox_full");
        check_reply("message", "mail.empresa.ec", said, "mailbox_full");
    }
    check_reply("sender", "mail.empresa.ec", "552 5.3.4 Message size exceeds fixed limit", "message_too_big");
    check_reply("sender", "mail.empresa.ec", "552 Message size exceeds storage allocation", "message_too_big");
    check_reply("sender", "mail.empresa.ec", "552 xyzzy", "message_too_big");
    check_reply("sender", "mail.empresa.ec", "552 5.2.2 Daily sending quota exceeded", "rate_limited");
}

#[test]
fn an_accent_more_or_less_is_the_same_word() {
    for (phase, said) in [
        ("recipient", "550 El buzón está lleno"),
        ("recipient", "550 La dirección no existe"),
        ("recipient", "550 Usuario inválido"),
        ("recipient", "550 A caixa postal está cheia"),
        ("sender", "554 Ha superado el límite diario de envíos"),
        ("auth", "535 5.7.8 Usuario o contraseña incorrectos"),
    ] {
        let plain = said.replace(['á', 'ã'], "a").replace('é', "e").replace('í', "i").replace('ó', "o").replace('ñ', "n");
        let found = classify_text(phase, said).code.as_str();
        assert!(!["recipient_refused", "sender_not_allowed"].contains(&found), "{said}: {found}");
        for text in [&plain, &said.to_uppercase(), &plain.to_uppercase()] {
            assert_eq!(classify_text(phase, text).code.as_str(), found, "{text}");
        }
    }
}

/// A server that is out of step, or passes mail round in circles, says nothing of the address.
#[test]
fn what_is_no_word_on_the_address_marks_none() {
    for said in [
        "504 5.7.4 Unrecognized authentication type",
        "504 5.5.4 Authentication mechanism not supported",
        "534 5.7.9 Authentication mechanism is too weak",
        "504 5.5.4 xyzzy",
        "500 5.5.2 Error: bad syntax",
        "502 5.5.1 Command not implemented",
        "503 5.5.1 Bad sequence of commands",
        "550 5.4.6 mail loop",
        "554 5.4.6 Too many hops",
        "554 5.4.14 Hop count exceeded - possible mail loop",
        "550 5.4.6 Routing loop detected",
    ] {
        for phase in ["sender", "recipient", "message"] {
            let found = diagnose(phase, "mail.empresa.ec", said);
            assert!(
                phase == "sender" || matches!(found.verdict, Verdict::Account | Verdict::Later),
                "{phase}: {said}: {found:?}"
            );
            assert_ne!(found.verdict, Verdict::Recipient, "{phase}: {said}");
        }
    }
}

fn failed(phase: Phase, host: &str, cause: Cause, reply: Option<Reply>) -> Failure {
    let endpoint = Endpoint { host: host.to_owned(), port: 587, security: Security::StartTls };
    let (after_final_dot, on_used_session, lost_pipelined, as_a_stranger, took) = (false, false, false, false, Duration::ZERO);
    Failure { phase, cause, reply, after_final_dot, on_used_session, lost_pipelined, as_a_stranger, endpoint, took }
}

#[test]
fn a_connection_runs_out_only_where_there_is_one() {
    for (reply, of_a_password) in [
        ("501 5.5.2 Cannot Decode response", "protocol_error"),
        ("535 5.7.8 Username and Password not accepted", "bad_credentials"),
        ("535 5.7.8 Basic authentication is off: use an OAuth access token", "smtp_auth_disabled"),
        ("535 5.7.3 Bearer token required", "smtp_auth_disabled"),
    ] {
        let code = |cause| classify(&failed(Phase::Auth, "smtp.gmail.com", cause, Some(Reply::from_text(reply)))).code.as_str();
        assert_eq!(code(Cause::Refused), of_a_password, "{reply}");
        assert_ne!(code(Cause::RefusedToken), "bad_credentials", "{reply}");
    }
}

#[test]
fn a_server_that_only_receives_is_no_server_to_send_by() {
    for (host, code) in [
        ("aspmx.l.google.com", "not_a_submission_host"),
        ("empresa-ec.mail.protection.outlook.com", "not_a_submission_host"),
        ("mx2.hosting.ec", "not_a_submission_host"),
        ("mixto.empresa.ec", "connection_timeout"),
    ] {
        let failure = failed(Phase::Connect, host, Cause::ConnectionTimeout, None);
        assert_eq!(classify(&failure).code.as_str(), code, "{host}");
    }
}
