//! Servers of the tests that speak TLS, under a test's own authority.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::certificates::Authority;

/// For localhost and 127.0.0.1.
#[must_use]
pub fn acceptor(authority: &Authority) -> TlsAcceptor {
    let certificate = authority.issue_for(&["localhost", "127.0.0.1"]);
    let chain = vec![CertificateDer::from(certificate.der)];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certificate.key_der));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring knows TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("the authority's certificates fit their keys");
    TlsAcceptor::from(Arc::new(config))
}

/// A port of this machine where only those who finish the handshake are let in; the others hold nobody up.
pub struct Secured {
    address: SocketAddr,
    arrived: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl Secured {
    pub async fn bind(authority: &Authority) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port has an address");
        let (arrives, arrived) = mpsc::channel(16);
        let acceptor = acceptor(authority);
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                let (acceptor, arrives) = (acceptor.clone(), arrives.clone());
                if arrives.is_closed() {
                    return;
                }
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        drop(arrives.send((stream, peer)).await);
                    }
                });
            }
        });
        Self { address, arrived }
    }

    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// The next who came in. Waits for ever when nobody does.
    pub async fn next(&mut self) -> (TlsStream<TcpStream>, SocketAddr) {
        match self.arrived.recv().await {
            Some(arrived) => arrived,
            None => std::future::pending().await,
        }
    }
}

impl axum::serve::Listener for Secured {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        self.next().await
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}
