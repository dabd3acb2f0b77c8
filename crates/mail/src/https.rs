//! HTTPS to the outside, under the same rules as mail: each address is checked, also of every redirect, and connected to
//! as it was checked. Nothing of a body, and no secret, is ever logged.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use reqwest::dns::{Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use crate::guard::{Network, Unreachable};

/// Bytes. A provider's settings, a token or a key set have some thousands.
const LONGEST_BODY: usize = 256 * 1024;
/// More than this is a circle.
const MOST_REDIRECTS: usize = 3;
const USER_AGENT: &str = concat!("Acuse/", env!("CARGO_PKG_VERSION"));

/// Asks web servers outside. Cheap to clone.
#[derive(Clone)]
pub struct Web {
    network: Network,
}

/// A form for a token endpoint and its like.
#[derive(Clone, Copy, Default)]
pub struct Post<'a> {
    pub url: &'a str,
    pub fields: &'a [(&'a str, &'a str)],
    pub basic_auth: Option<(&'a str, &'a SecretString)>,
    pub headers: &'a [(&'a str, &'a str)],
}

/// What a server answered, whatever the status.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    /// Empty where it names none.
    pub content_type: String,
    /// Who answered in the end.
    pub url: String,
    pub body: Vec<u8>,
    headers: HeaderMap,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebError {
    /// Not `https://host/…`, or with a user in it.
    #[error("the address is no https address")]
    InvalidUrl,
    /// A header that cannot be written.
    #[error("a header has characters that cannot be sent")]
    InvalidHeader,
    #[error("the server cannot be reached: {0:?}")]
    Unreachable(Unreachable),
    #[error("no certificate authority is known, so no server can be trusted")]
    NoAuthority,
    /// The certificate is not this host's, has ended, or is signed by somebody unknown; or there is no TLS.
    #[error("the server cannot be trusted")]
    NotTrusted,
    /// It leads to something that is not https.
    #[error("the server leads to an address that is not allowed")]
    BadRedirect,
    #[error("the server leads on and on")]
    TooManyRedirects,
    #[error("the answer is longer than {LONGEST_BODY} bytes")]
    TooLong,
    #[error("the server did not answer in time")]
    Timeout,
    /// It hung up, or what it says is not HTTP.
    #[error("the server's answer is not understood")]
    Broken,
}

impl Web {
    #[must_use]
    pub fn new(network: &Network) -> Self {
        Self { network: network.clone() }
    }

    /// Follows up to three redirects. `within`: for everything, the body included.
    ///
    /// Errs if nobody answers, or nobody that may be asked.
    pub async fn get(&self, url: &str, within: Duration) -> Result<Answer, WebError> {
        self.get_with(url, &[], within).await
    }

    /// The same with headers of one's own, which another host that this one leads to is not told.
    pub async fn get_with(&self, url: &str, headers: &[(&str, &str)], within: Duration) -> Result<Answer, WebError> {
        let (url, headers) = (read_url(url)?, read_headers(headers)?);
        timeout(within, self.follow(url, headers)).await.map_err(|_| WebError::Timeout)?
    }

    /// Follows no redirect: what is in the form is for this host alone.
    ///
    /// Errs if nobody answers, or nobody that may be asked.
    pub async fn post_form(&self, post: &Post<'_>, within: Duration) -> Result<Answer, WebError> {
        let (url, headers) = (read_url(post.url)?, read_headers(post.headers)?);
        let posting = async {
            let mut request = self.request(Method::POST, &url).await?.headers(headers).form(post.fields);
            if let Some((user, password)) = post.basic_auth {
                request = request.basic_auth(user, Some(password.expose_secret()));
            }
            let response = request.send().await.map_err(|error| situation(&error))?;
            read(url.clone(), response).await
        };
        timeout(within, posting).await.map_err(|_| WebError::Timeout)?
    }

    async fn follow(&self, mut url: Url, mut headers: HeaderMap) -> Result<Answer, WebError> {
        for _ in 0..=MOST_REDIRECTS {
            let request = self.request(Method::GET, &url).await?.headers(headers.clone());
            let response = request.send().await.map_err(|error| situation(&error))?;
            let Some(next) = redirect(&url, &response)? else { return read(url, response).await };
            if next.origin() != url.origin() {
                headers = HeaderMap::new();
            }
            url = next;
        }
        Err(WebError::TooManyRedirects)
    }

    /// A request that can only go where the guard has looked.
    async fn request(&self, method: Method, url: &Url) -> Result<RequestBuilder, WebError> {
        let host = url.host_str().ok_or(WebError::InvalidUrl)?;
        let port = url.port_or_known_default().ok_or(WebError::InvalidUrl)?;
        let addresses = self.network.resolve_web(host, port).await.map_err(WebError::Unreachable)?;
        let client = self.client(host, &addresses)?;
        Ok(client.request(method, url.clone()))
    }

    /// One client for each connection: it knows the checked addresses of this host, and nobody to ask for others. A
    /// proxy of the environment would do its own looking up, so none is used.
    fn client(&self, host: &str, addresses: &[SocketAddr]) -> Result<Client, WebError> {
        let tls = self.network.tls().ok_or(WebError::NoAuthority)?;
        let mut client = Client::builder()
            .use_preconfigured_tls((*tls).clone())
            .https_only(true)
            .http1_only()
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .user_agent(USER_AGENT)
            .dns_resolver(NobodyElse);
        if host.trim_matches(['[', ']']).parse::<IpAddr>().is_err() {
            client = client.resolve_to_addrs(host, addresses);
        }
        client.build().map_err(|_| WebError::Broken)
    }
}

/// What resolves every name that was not checked before.
struct NobodyElse;

impl Resolve for NobodyElse {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(async { Err("only what was checked is connected to".into()) })
    }
}

impl Answer {
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// A header's value, where it is there and plain text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A body may hold a token.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

fn read_url(text: &str) -> Result<Url, WebError> {
    let url = Url::parse(text).map_err(|_| WebError::InvalidUrl)?;
    let is_plain = url.scheme() == "https" && url.username().is_empty() && url.password().is_none() && url.has_host();
    if is_plain { Ok(url) } else { Err(WebError::InvalidUrl) }
}

fn read_headers(headers: &[(&str, &str)]) -> Result<HeaderMap, WebError> {
    let each = headers.iter().map(|(name, value)| {
        let name = HeaderName::try_from(*name).map_err(|_| WebError::InvalidHeader)?;
        let mut value = HeaderValue::try_from(*value).map_err(|_| WebError::InvalidHeader)?;
        // Not shown by Debug: it may be a token.
        value.set_sensitive(true);
        Ok((name, value))
    });
    each.collect()
}

fn redirect(from: &Url, response: &Response) -> Result<Option<Url>, WebError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(to) = response.headers().get(LOCATION) else { return Ok(None) };
    let to = to.to_str().ok().and_then(|to| from.join(to).ok()).ok_or(WebError::BadRedirect)?;
    read_url(to.as_str()).map(Some).map_err(|_| WebError::BadRedirect)
}

async fn read(url: Url, mut response: Response) -> Result<Answer, WebError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| situation(&error))? {
        if body.len() + piece.len() > LONGEST_BODY {
            return Err(WebError::TooLong);
        }
        body.extend_from_slice(&piece);
    }
    let headers = std::mem::take(response.headers_mut());
    let content_type = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    Ok(Answer { status: response.status().as_u16(), content_type, url: url.into(), body, headers })
}

/// What the client reports, without the address that its text would show.
fn situation(error: &reqwest::Error) -> WebError {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<rustls::Error>() {
            return WebError::NotTrusted;
        }
        if let Some(found) = inner.downcast_ref::<io::Error>().and_then(of_io) {
            return found;
        }
        cause = inner.source();
    }
    if error.is_timeout() { WebError::Timeout } else { WebError::Broken }
}

/// The TLS layer's errors come wrapped in one or more of these.
fn of_io(error: &io::Error) -> Option<WebError> {
    if let Some(inner) = error.get_ref() {
        let deeper = inner.downcast_ref::<io::Error>().and_then(of_io);
        return if inner.is::<rustls::Error>() { Some(WebError::NotTrusted) } else { deeper };
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(WebError::Unreachable(Unreachable::Refused)),
        io::ErrorKind::TimedOut => Some(WebError::Unreachable(Unreachable::Timeout)),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => Some(WebError::Unreachable(Unreachable::NoRoute)),
        _ => None,
    }
}
