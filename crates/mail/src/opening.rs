//! How a session is opened: name, connection, greeting, TLS, login.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use acuse_domain::Instant as Moment;
use acuse_domain::host::ascii_host;
use acuse_domain::mail_account::Security;
use rustls::{AlertDescription, CertificateError};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::authentication::LoginTries;
use crate::capabilities::Capabilities;
use crate::endpoint::{Endpoint, Limits};
use crate::failure::{Cause, Phase, Trouble};
use crate::guard::{Network, Unreachable};
use crate::known::Known;
use crate::login::{Credentials, Mechanism};
use crate::reply::Reply;
use crate::secrets::Secrets;
use crate::wire::{TlsError, Wire, WireError, deadline};

/// RFC 8314 7.3: the port where TLS begins at once.
const PORT_OF_TLS: u16 = 465;
/// Silence on port 465 means one thing only; nobody has to wait five minutes to learn it.
const SILENCE_ON_PORT_OF_TLS: Duration = Duration::from_secs(5);

/// A step that went well, for somebody who watches.
pub(crate) struct Step<'a> {
    pub(crate) phase: Phase,
    pub(crate) detail: Detail,
    pub(crate) reply: Option<&'a Reply>,
}

/// What was seen in a step. The reader's language has the words for it (`explanation::seen`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Detail {
    /// A name, an address, or the server's own words.
    Plain(String),
    /// The protocol, and when the certificate ends.
    Protected {
        protocol: &'static str,
        ends_at: Option<Moment>,
    },
    InClear,
    NoUser,
}

pub(crate) type Watch<'a> = &'a mut (dyn FnMut(Step<'_>) + Send);

/// From the name to the login. A connection that a login broke off is opened anew for the next mechanism.
pub(crate) async fn open(
    network: &Network,
    endpoint: &Endpoint,
    credentials: Option<&Credentials>,
    limits: &Limits,
    known: &Known,
    watch: Watch<'_>,
) -> Result<(Wire, Capabilities), Trouble> {
    check_input(endpoint, credentials)?;
    let begun = Instant::now();
    let (ends, opened_by) = (limits.in_all.map(|all| begun + all), begun + limits.opening);
    let mut tries = LoginTries::new(known);
    let mut is_first = true;
    loop {
        let by = Some(ends.map_or(opened_by, |ends| ends.min(opened_by)));
        // What was told of the first connection is not told again.
        let mut once = |step: Step<'_>| {
            if is_first || step.phase == Phase::Auth {
                watch(step);
            }
        };
        match open_once(network, endpoint, credentials, limits, by, &mut tries, &mut once).await {
            Ok((mut wire, offers)) => {
                wire.ends = ends;
                return Ok((wire, offers));
            }
            Err(trouble) => tries.go_on_after(trouble)?,
        }
        is_first = false;
    }
}

async fn open_once(
    network: &Network,
    endpoint: &Endpoint,
    credentials: Option<&Credentials>,
    limits: &Limits,
    ends: Option<Instant>,
    tries: &mut LoginTries<'_>,
    watch: Watch<'_>,
) -> Result<(Wire, Capabilities), Trouble> {
    let stream = reach(network, endpoint, limits, ends, watch).await?;
    let me = network.helo_name().map_or_else(|| name_of(stream.local_addr().ok()), str::to_owned);
    let secrets = credentials.map_or_else(Secrets::default, Credentials::secrets);
    let mut opening = Opening { network, endpoint, limits, me, secrets };
    let (mut wire, offers) = opening.greet_and_secure(stream, ends, watch).await?;
    match credentials {
        Some(who) => {
            let logins = opening.logins(&wire, &offers, who)?;
            opening.log_in(&mut wire, &logins, who, tries, watch).await?;
        }
        None => watch(Step { phase: Phase::Auth, detail: Detail::NoUser, reply: None }),
    }
    Ok((wire, offers))
}

/// A port that speaks otherwise than was chosen is looked at once more, so that a check and a delivery say the same of it: a
/// greeting in clear where TLS was chosen may be all that the server has, and silence is how a port of TLS greets.
pub(crate) async fn look_again(
    network: &Network,
    endpoint: &Endpoint,
    limits: &Limits,
    begun: Instant,
    trouble: Trouble,
) -> Trouble {
    let ends = limits.in_all.map(|all| begun + all);
    let look = |security| Endpoint { security, ..endpoint.clone() };
    // What is wrong is known; nobody waits minutes to say it better.
    let limits = Limits { greeting: limits.greeting.min(limits.tls), command: limits.command.min(limits.tls), ..limits.clone() };
    match (&trouble.cause, trouble.phase) {
        (Cause::PortWantsStartTls, _) => {
            let offers = offers_at(network, &look(Security::None), &limits, ends).await;
            let has_none = offers.is_ok_and(|(_, offers)| !offers.start_tls);
            if has_none { Trouble::new(Phase::Tls, Cause::StartTlsNotOffered) } else { trouble }
        }
        (Cause::Timeout, Phase::Greeting) if endpoint.security != Security::Tls && trouble.was_silent => {
            match offers_at(network, &look(Security::Tls), &limits, ends).await {
                Ok(_) => Trouble::new(Phase::Greeting, Cause::PortWantsTls),
                Err(_) => trouble,
            }
        }
        _ => trouble,
    }
}

async fn offers_at(
    network: &Network,
    endpoint: &Endpoint,
    limits: &Limits,
    ends: Option<Instant>,
) -> Result<(Wire, Capabilities), Trouble> {
    let stream = reach(network, endpoint, limits, ends, &mut |_| {}).await?;
    let me = network.helo_name().map_or_else(|| name_of(stream.local_addr().ok()), str::to_owned);
    let mut opening = Opening { network, endpoint, limits, me, secrets: Secrets::default() };
    opening.greet_and_secure(stream, ends, &mut |_| {}).await
}

fn check_input(endpoint: &Endpoint, credentials: Option<&Credentials>) -> Result<(), Trouble> {
    let invalid = |field| Err(Trouble::new(Phase::Dns, Cause::InvalidInput { field }));
    if ascii_host(&endpoint.host).is_none() {
        return invalid("server");
    }
    if endpoint.port == 0 {
        return invalid("port");
    }
    match credentials {
        Some(who) if who.username().is_empty() || !who.are_writable() => invalid("username"),
        _ => Ok(()),
    }
}

async fn reach(
    network: &Network,
    endpoint: &Endpoint,
    limits: &Limits,
    ends: Option<Instant>,
    watch: Watch<'_>,
) -> Result<TcpStream, Trouble> {
    let lookup = timeout_at(deadline(limits.dns, ends), network.resolve(&endpoint.host, endpoint.port)).await;
    let addresses = match lookup {
        Ok(found) => found.map_err(unreachable)?,
        Err(_) => return Err(Trouble::new(Phase::Dns, Cause::DnsFailed)),
    };
    watch(Step { phase: Phase::Dns, detail: Detail::Plain(list(&addresses)), reply: None });
    match timeout_at(deadline(limits.connect, ends), network.connect(&addresses)).await {
        Err(_) => Err(Trouble::new(Phase::Connect, Cause::ConnectionTimeout)),
        Ok(Err(why)) => Err(unreachable(why)),
        Ok(Ok(stream)) => {
            let detail = stream.peer_addr().map_or_else(|_| endpoint.to_string(), |peer| peer.to_string());
            watch(Step { phase: Phase::Connect, detail: Detail::Plain(detail), reply: None });
            Ok(stream)
        }
    }
}

fn list(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ")
}

fn unreachable(why: Unreachable) -> Trouble {
    match why {
        Unreachable::InvalidHost => Trouble::new(Phase::Dns, Cause::InvalidInput { field: "server" }),
        Unreachable::HostNotFound => Trouble::new(Phase::Dns, Cause::HostNotFound),
        Unreachable::NoAddress => Trouble::new(Phase::Dns, Cause::HostWithoutAddress),
        Unreachable::DnsFailed => Trouble::new(Phase::Dns, Cause::DnsFailed),
        // Refused before anything is contacted, so it takes the same time whatever listens there.
        Unreachable::AddressNotAllowed => Trouble::new(Phase::Connect, Cause::AddressNotAllowed),
        Unreachable::PortNotAllowed => Trouble::new(Phase::Connect, Cause::PortNotAllowed),
        Unreachable::Refused => Trouble::new(Phase::Connect, Cause::ConnectionRefused),
        Unreachable::Timeout => Trouble::new(Phase::Connect, Cause::ConnectionTimeout),
        Unreachable::NoRoute => Trouble::new(Phase::Connect, Cause::NetworkUnreachable),
    }
}

/// RFC 5321 4.1.4: who has no public name gives its address, as mail clients do.
fn name_of(local: Option<SocketAddr>) -> String {
    match local.map(|address| address.ip().to_canonical()) {
        Some(IpAddr::V4(v4)) => format!("[{v4}]"),
        Some(IpAddr::V6(v6)) => format!("[IPv6:{v6}]"),
        None => "[127.0.0.1]".to_owned(),
    }
}

pub(crate) struct Opening<'a> {
    network: &'a Network,
    endpoint: &'a Endpoint,
    limits: &'a Limits,
    me: String,
    /// A server may say them back before they were said to it: somebody else may have done so, or it may have them on record.
    secrets: Secrets,
}

impl Opening<'_> {
    async fn greet_and_secure(
        &mut self,
        stream: TcpStream,
        ends: Option<Instant>,
        watch: Watch<'_>,
    ) -> Result<(Wire, Capabilities), Trouble> {
        if self.endpoint.security == Security::Tls {
            let mut wire = self.begin_tls(stream, ends).await?;
            let greeting = self.greeting(&mut wire).await?;
            let offers = self.say_hello(&mut wire).await?;
            watch(greeted(&greeting));
            watch(Step { phase: Phase::Tls, detail: protection(&wire), reply: None });
            return Ok((wire, offers));
        }
        let mut wire = Wire::clear(stream, self.secrets.clone(), ends);
        let greeting = self.greeting(&mut wire).await?;
        let offers = self.say_hello(&mut wire).await?;
        watch(greeted(&greeting));
        if self.endpoint.security == Security::None {
            watch(Step { phase: Phase::Tls, detail: Detail::InClear, reply: None });
            return Ok((wire, offers));
        }
        let mut wire = self.change_to_tls(wire, &offers, ends).await?;
        // RFC 3207 4.2: what was said before TLS does not count.
        let offers = self.say_hello(&mut wire).await.map_err(|trouble| Trouble { phase: Phase::Tls, ..trouble })?;
        watch(Step { phase: Phase::Tls, detail: protection(&wire), reply: None });
        Ok((wire, offers))
    }

    async fn greeting(&self, wire: &mut Wire) -> Result<Reply, Trouble> {
        let waits_for_tls = self.endpoint.security != Security::Tls && self.endpoint.port == PORT_OF_TLS;
        let limit = if waits_for_tls { self.limits.greeting.min(SILENCE_ON_PORT_OF_TLS) } else { self.limits.greeting };
        match wire.reply(limit).await {
            Ok(reply) if reply.is_positive() => Ok(reply),
            Ok(reply) => Err(Trouble::refused(Phase::Greeting, reply)),
            Err(WireError::NotAReply(first)) => Err(Trouble::new(Phase::Greeting, what_greets_with(&first))),
            Err(WireError::Timeout) if waits_for_tls && wire.is_silent => Err(Trouble::new(Phase::Greeting, Cause::PortWantsTls)),
            Err(WireError::Lost) if !wire.first_bytes().is_empty() => {
                Err(Trouble::new(Phase::Greeting, what_greets_with(&wire.first_bytes())))
            }
            Err(error) => Err(Trouble { was_silent: wire.is_silent, ..wire_trouble(Phase::Greeting, error) }),
        }
    }

    /// EHLO, and HELO for a server that does not know it (RFC 5321 3.2).
    async fn say_hello(&self, wire: &mut Wire) -> Result<Capabilities, Trouble> {
        let reply = self.ask_to_the_letter(wire, Phase::Greeting, &format!("EHLO {}\r\n", self.me)).await?;
        if reply.is_positive() {
            return Ok(Capabilities::of(&reply));
        }
        let reply = reply.hiding(&wire.secrets);
        if does_not_know_ehlo(&reply)
            && let Ok(plain) = self.ask(wire, Phase::Greeting, &format!("HELO {}\r\n", self.me)).await
            && plain.is_positive()
        {
            return Ok(Capabilities::default());
        }
        Err(Trouble::refused_as(Cause::RefusedEhlo, Phase::Greeting, reply))
    }

    async fn change_to_tls(&self, mut wire: Wire, offers: &Capabilities, ends: Option<Instant>) -> Result<Wire, Trouble> {
        if !offers.start_tls {
            return Err(Trouble::new(Phase::Tls, Cause::StartTlsNotOffered));
        }
        let reply = self.ask(&mut wire, Phase::Tls, "STARTTLS\r\n").await?;
        if !reply.is_positive() {
            return Err(Trouble::refused_as(Cause::RefusedStartTls, Phase::Tls, reply));
        }
        match wire.into_clear().await {
            Some(stream) => self.begin_tls(stream, ends).await,
            // CVE-2011-0411 and its kin: somebody on the way added commands or answers of his own. What comes after our first
            // bytes of TLS is an answer to them.
            None => Err(Trouble::new(Phase::Tls, Cause::StartTlsInjection)),
        }
    }

    async fn begin_tls(&self, stream: TcpStream, ends: Option<Instant>) -> Result<Wire, Trouble> {
        let host = ascii_host(&self.endpoint.host).unwrap_or_default();
        let at_once = self.endpoint.security == Security::Tls;
        let (tls, secrets, limit) = (self.network.tls(), self.secrets.clone(), self.limits.tls);
        Wire::tls(stream, tls, &host, secrets, limit, ends).await.map_err(|error| tls_trouble(error, at_once))
    }

    /// The mechanisms by which this may be done here, none of them with less secrecy than was chosen.
    fn logins(&self, wire: &Wire, offers: &Capabilities, who: &Credentials) -> Result<Vec<Mechanism>, Trouble> {
        let encrypted = wire.protocol().is_some();
        let waits_for_tls = offers.logins.is_empty() && offers.start_tls;
        if !encrypted && (waits_for_tls || who.is_token()) {
            return Err(Trouble::new(Phase::Auth, Cause::TlsRequired));
        }
        Ok(Mechanism::offered(&offers.logins, encrypted, who))
    }

    pub(crate) async fn ask(&self, wire: &mut Wire, phase: Phase, command: &str) -> Result<Reply, Trouble> {
        Ok(self.ask_to_the_letter(wire, phase, command).await?.hiding(&wire.secrets))
    }

    /// What a server offers is read and never shown, and may be a word of the password.
    async fn ask_to_the_letter(&self, wire: &mut Wire, phase: Phase, command: &str) -> Result<Reply, Trouble> {
        if !wire.is_quiet() {
            return Err(Trouble::new(phase, Cause::Protocol));
        }
        if let Err(error) = wire.write(command.as_bytes(), self.limits.command).await {
            return Err(match wire.last_words().await {
                Some(reply) => Trouble::refused(phase, reply),
                None => wire_trouble(phase, error),
            });
        }
        wire.reply_to_the_letter(self.limits.command).await.map_err(|error| wire_trouble(phase, error))
    }
}

/// RFC 5321 4.2.4 has 500 and 502 for it; others are told by their words. A name that is refused is refused to HELO as well.
fn does_not_know_ehlo(reply: &Reply) -> bool {
    let words = reply.text().to_lowercase();
    let says = |words_of_it: &[&str]| words_of_it.iter().any(|one| words.contains(one));
    matches!(reply.code(), 500 | 502)
        || (503..=599).contains(&reply.code())
            && says(&["not implemented", "unrecogni", "unknown command", "command unknown", "not supported", "not understood"])
}

fn protection(wire: &Wire) -> Detail {
    Detail::Protected { protocol: wire.protocol().unwrap_or_default(), ends_at: wire.certificate_ends_at() }
}

fn greeted(greeting: &Reply) -> Step<'_> {
    let first_line = greeting.messages().next().unwrap_or_default().to_owned();
    Step { phase: Phase::Greeting, detail: Detail::Plain(first_line), reply: Some(greeting) }
}

/// What speaks first on that port, when it is not a mail server's greeting.
fn what_greets_with(first: &[u8]) -> Cause {
    match first {
        [21 | 22, 3, ..] => Cause::PortWantsTls,
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', ..] => Cause::Protocol,
        _ => Cause::NotSmtp,
    }
}

fn tls_trouble(error: TlsError, at_once: bool) -> Trouble {
    // Said in clear in the place of TLS: it may be why.
    let reply = match &error {
        TlsError::NotTls(first) if !at_once => Reply::first_in(first),
        _ => None,
    };
    let cause = match error {
        TlsError::Timeout => Cause::Timeout,
        TlsError::NoAuthority => Cause::CertificateUntrusted,
        TlsError::BadName => Cause::InvalidInput { field: "server" },
        TlsError::NotTls(first) if at_once => what_greets_instead_of_tls(&first),
        TlsError::NotTls(_) | TlsError::Lost => Cause::TlsHandshake,
        TlsError::Tls(error) => tls_cause(error),
    };
    let greeted = matches!(cause, Cause::PortWantsStartTls | Cause::NotSmtp | Cause::Protocol);
    let phase = if greeted { Phase::Greeting } else { Phase::Tls };
    Trouble { reply, ..Trouble::new(phase, cause) }
}

fn what_greets_instead_of_tls(first: &[u8]) -> Cause {
    match first {
        [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9', ..] => Cause::PortWantsStartTls,
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', ..] => Cause::Protocol,
        _ => Cause::NotSmtp,
    }
}

fn tls_cause(error: rustls::Error) -> Cause {
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return match error {
            rustls::Error::AlertReceived(AlertDescription::UnknownCA) => Cause::CertificateUntrusted,
            _ => Cause::TlsHandshake,
        };
    };
    match certificate {
        CertificateError::Expired => Cause::CertificateExpired { on: None },
        CertificateError::ExpiredContext { not_after, .. } => {
            let seconds = i64::try_from(not_after.as_secs()).unwrap_or(i64::MAX);
            Cause::CertificateExpired { on: chrono::DateTime::from_timestamp(seconds, 0).map(|at| at.date_naive()) }
        }
        CertificateError::NotValidForName => Cause::CertificateNameMismatch { names: Vec::new() },
        CertificateError::NotValidForNameContext { presented, .. } => {
            Cause::CertificateNameMismatch { names: presented.iter().filter_map(|name| certificate_name(name)).collect() }
        }
        _ => Cause::CertificateUntrusted,
    }
}

/// The verifier shows a name as `DnsName("mail.example.com")`.
fn certificate_name(shown: &str) -> Option<String> {
    let name = shown.split('"').nth(1).unwrap_or(shown);
    ascii_host(name.trim_start_matches("*.")).map(|_| name.to_owned())
}

pub(crate) fn wire_trouble(phase: Phase, error: WireError) -> Trouble {
    let cause = match error {
        WireError::Timeout => Cause::Timeout,
        WireError::Lost => Cause::ConnectionLost,
        WireError::NotAReply(_) | WireError::TooLong => Cause::Protocol,
    };
    Trouble::new(phase, cause)
}
