//! How requests travel: in the clear and past no proxy by hyper alone; where there is more to it, by reqwest.
//! Beneath both are the same connections and the same pool.

use std::{error::Error, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, Uri,
    header::{ACCEPT, USER_AGENT},
};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper_util::{
    client::{
        legacy::{self, connect::HttpConnector},
        proxy::matcher::Matcher,
    },
    rt::{TokioExecutor, TokioTimer},
};
use url::Url;

use crate::{client::ClientOptions, message_text::with_causes, threads};

/// What every request says of who sends it.
pub(crate) const OWN_NAME: HeaderValue =
    HeaderValue::from_static(concat!("evalmark/", env!("CARGO_PKG_VERSION")));

/// How long a connection is kept that nobody uses.
const KEPT: Duration = Duration::from_secs(90);
/// How a connection is found dead whose other end says nothing any more: as reqwest does it.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const KEEP_ALIVES: u32 = 3;
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// Connections to one server.
#[derive(Clone, Debug)]
pub(crate) enum Transport {
    /// A pool for each of the threads, so that a request and its connection stay together.
    Plain(Box<[Plain]>),
    /// What reqwest adds for TLS and proxies takes as long as all else that a request needs.
    Reqwest(reqwest::Client),
}

type Plain = legacy::Client<HttpConnector, Full<Bytes>>;

/// The body of a response.
#[derive(Debug)]
pub(crate) enum ResponseBody {
    Plain(Incoming),
    Reqwest(reqwest::Body),
}

/// Why a response, or the rest of it, did not come.
#[derive(Debug)]
pub(crate) enum TransportError {
    Plain(legacy::Error),
    Reqwest(reqwest::Error),
    Body(hyper::Error),
}

/// Whether requests to a server are neither encrypted nor sent by way of a proxy. An address with a name and a
/// password in it is left to reqwest, which makes a header of them.
pub(crate) fn is_plain(options: &ClientOptions<'_>) -> bool {
    let url = options.url;
    let has_proxy =
        |uri: &Uri| !options.is_local && Matcher::from_system().intercept(uri).is_some();
    url.scheme() == "http"
        && url.username().is_empty()
        && url.password().is_none()
        && Uri::try_from(url.as_str()).is_ok_and(|uri| !has_proxy(&uri))
}

impl Transport {
    /// Connections that go past whatever proxy there is.
    pub(crate) fn plain(options: &ClientOptions<'_>) -> Self {
        let pools = (0..threads::count()).map(|_| plain(options));
        Self::Plain(pools.collect())
    }

    /// Sends a request, and returns when the head of the response is there.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<ResponseBody>, TransportError> {
        match self {
            Self::Reqwest(client) => {
                let request = client.request(method, url.clone()).headers(headers).body(body);
                let response = request.send().await.map_err(TransportError::Reqwest)?;
                Ok(Response::from(response).map(ResponseBody::Reqwest))
            }
            Self::Plain(pools) => {
                let pool = &pools[threads::current() % pools.len()];
                let request = request(method, url, headers, body);
                let response = pool.request(request).await.map_err(TransportError::Plain)?;
                Ok(response.map(ResponseBody::Plain))
            }
        }
    }
}

fn plain(options: &ClientOptions<'_>) -> Plain {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(options.connect_timeout));
    connector.set_keepalive(Some(KEEP_ALIVE));
    connector.set_keepalive_interval(Some(KEEP_ALIVE));
    connector.set_keepalive_retries(Some(KEEP_ALIVES));
    #[cfg(target_os = "linux")]
    connector.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
    legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(KEPT)
        .pool_max_idle_per_host(options.idle_connections)
        .build(connector)
}

fn request(method: Method, url: &Url, headers: HeaderMap, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    // An address that cannot be a URI fails when the connection is made, with a message of its own.
    *request.uri_mut() = Uri::try_from(url.as_str()).unwrap_or_default();
    *request.headers_mut() = headers;
    request.headers_mut().entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    request.headers_mut().entry(USER_AGENT).or_insert(OWN_NAME);
    request
}

impl ResponseBody {
    /// Bytes that it will have, where that is known.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::Plain(body) => body.size_hint().exact(),
            Self::Reqwest(body) => body.size_hint().exact(),
        }
    }

    /// The next bytes; `None` at the end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        match self {
            Self::Plain(body) => data(body).await.map_err(TransportError::Body),
            Self::Reqwest(body) => data(body).await.map_err(TransportError::Reqwest),
        }
    }
}

/// The next bytes of a body, past its trailers.
async fn data<B>(body: &mut B) -> Result<Option<Bytes>, B::Error>
where
    B: Body<Data = Bytes> + Unpin,
{
    while let Some(frame) = body.frame().await {
        if let Ok(bytes) = frame?.into_data() {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

impl TransportError {
    /// What happened to the connection, where it broke before the head of a response.
    pub(crate) fn connection(&self) -> Option<&legacy::Error> {
        match self {
            Self::Plain(error) => Some(error),
            Self::Reqwest(error) => error.source().and_then(<dyn Error>::downcast_ref),
            Self::Body(_) => None,
        }
    }

    /// Whether there was no connection.
    pub(crate) fn is_connect(&self) -> bool {
        match self {
            Self::Plain(error) => error.is_connect(),
            Self::Reqwest(error) => error.is_connect(),
            Self::Body(_) => false,
        }
    }

    /// The errors themselves, from what the transport says of them on.
    pub(crate) fn cause(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Plain(error) => Some(error),
            Self::Reqwest(error) => error.source(),
            Self::Body(error) => Some(error),
        }
    }

    /// What they say.
    pub(crate) fn causes(&self) -> String {
        self.cause().map(with_causes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_tls_or_a_login_is_not_plain() {
        for (url, expected) in [
            ("http://127.0.0.1:8000/v1", true),
            ("http://[::1]:8000/v1", true),
            ("http://localhost/v1", true),
            ("https://127.0.0.1:8000/v1", false),
            ("http://me:secret@127.0.0.1:8000/v1", false),
            ("http://me@127.0.0.1:8000/v1", false),
        ] {
            let options = ClientOptions {
                url: &Url::parse(url).expect("a URL"),
                is_local: true,
                connect_timeout: Duration::from_secs(1),
                idle_connections: 1,
                trusted: None,
            };
            assert_eq!(is_plain(&options), expected, "{url}");
        }
    }

    #[test]
    fn a_request_says_who_sends_it_and_what_it_takes() {
        let url = Url::parse("http://127.0.0.1:8000/v1?a=b#c").expect("a URL");
        let sent = request(Method::GET, &url, HeaderMap::new(), Bytes::new());
        assert_eq!(sent.uri(), "http://127.0.0.1:8000/v1?a=b");
        assert_eq!(
            (&sent.headers()[ACCEPT], &sent.headers()[USER_AGENT]),
            (&"*/*".parse().expect("a value"), &OWN_NAME)
        );
        let own = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/event-stream"))]);
        let sent = request(Method::GET, &url, own, Bytes::new());
        assert_eq!(sent.headers()[ACCEPT], "text/event-stream");
    }
}
