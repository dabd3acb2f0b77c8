//! Where a request comes from.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Once;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use ipnet::IpNet;

use crate::app::App;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The address of whoever asks; of the connection, or where that is a trusted proxy's, of whom the proxy names.
pub struct ClientAddress(pub Option<IpAddr>);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self(client_address(parts, app)))
    }
}

/// On a request that goes on in the place of another: where that came from.
#[derive(Debug, Clone, Copy)]
pub struct AsksFrom(pub Option<IpAddr>);

#[must_use]
pub fn client_address(parts: &Parts, app: &App) -> Option<IpAddr> {
    if let Some(AsksFrom(source)) = parts.extensions.get() {
        return *source;
    }
    let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    connection.map(|ConnectInfo(peer)| behind(peer.ip(), &parts.headers, &app.trusted_proxies))
}

/// Each proxy adds at the end whom it was asked by; what stands further to the left was written by somebody else.
fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(&address.to_canonical()));
    if !is_trusted(&peer) {
        if peer.to_canonical().is_loopback() && headers.contains_key(X_FORWARDED_FOR) {
            tell_of_the_setting();
        }
        return peer;
    }
    let written: Vec<&str> = headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let mut nearest = peer;
    for address in written.into_iter().rev() {
        let Some(address) = parse(address.trim()) else { break };
        nearest = address;
        if !is_trusted(&address) {
            break;
        }
    }
    nearest
}

/// Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`.
fn parse(written: &str) -> Option<IpAddr> {
    let address = written.parse::<IpAddr>().ok().or_else(|| written.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}

fn tell_of_the_setting() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!("X-Forwarded-For is not believed: name the proxy in trusted_proxies, or all of its visitors count as one");
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_for_what_it_added() {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "127.0.0.1/32"].map(|network| network.parse().expect("a network")).to_vec();
        for (peer, header, client) in [
            ("192.0.2.9", "198.51.100.1", "192.0.2.9"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "1.2.3.4, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
            ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
            ("::ffff:127.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
            ("127.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(X_FORWARDED_FOR, header.parse().expect("a header"));
            let found = behind(peer.parse().expect("an address"), &headers, &trusted);
            assert_eq!(found, client.parse::<IpAddr>().expect("an address"), "{peer} {header}");
        }
    }
}
