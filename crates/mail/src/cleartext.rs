//! What arrived first on a connection, kept so that a failed handshake can be explained.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Enough to tell a greeting, an HTTP answer and a TLS record apart, and to read why a server says no.
const KEPT: usize = 512;

/// A connection that remembers its first bytes.
#[derive(Debug)]
pub(crate) struct Remembering {
    stream: TcpStream,
    first: Vec<u8>,
}

impl Remembering {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, first: Vec::new() }
    }

    pub(crate) fn first(&self) -> &[u8] {
        &self.first
    }
}

impl AsyncRead for Remembering {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if self.first.len() < KEPT {
            let arrived = &buffer.filled()[before..];
            let kept = arrived.len().min(KEPT - self.first.len());
            self.first.extend_from_slice(&arrived[..kept]);
        }
        polled
    }
}

impl AsyncWrite for Remembering {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }
}
