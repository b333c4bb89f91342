//! The client: how a server is reached, by which proxy, and whose certificates are trusted.

use std::{
    error::Error,
    io,
    time::{Duration, Instant},
};

use bytes::Bytes;
use reqwest::{Certificate, Client, ClientBuilder, redirect};
use url::Url;

use crate::{
    kept_connections::KeptConnections,
    message_text::with_causes,
    request::HttpRequest,
    response::{ExchangeError, HttpResponse},
    transport::{OWN_NAME, Transport, TransportError, is_plain},
};

/// A request whose connection ends sooner than this was on its way when the server ended it.
const UNREAD: Duration = Duration::from_secs(1);

/// A client for one server, with a pool of connections to it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpClient {
    transport: Transport,
    kept: KeptConnections,
}

/// Which server is spoken to, and how.
#[derive(Clone, Copy, Debug)]
pub struct ClientOptions<'a> {
    /// The server. Its scheme decides whether certificates are loaded at all.
    pub url: &'a Url,
    /// Whether it is on this machine, which no proxy could reach.
    pub is_local: bool,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// Connections that are kept for later requests, at most.
    pub idle_connections: usize,
    /// PEM text with certificates that the server's may be signed by, besides the system's.
    pub trusted: Option<&'a [u8]>,
}

/// Why there is no client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The PEM text holds no certificate.
    #[error("contain no PEM certificate")]
    NoCertificate,
    /// The PEM text is none.
    #[error("are no PEM: {0}")]
    NoPem(String),
    /// TLS cannot be set up: most likely the system has no certificates.
    #[error("HTTPS cannot be set up: {0}")]
    Tls(String),
}

impl HttpClient {
    /// A client for one server.
    ///
    /// Where nothing is encrypted, no certificates are wanted: loading them takes time, and a system
    /// without any has none to load.
    ///
    /// The environment's proxy is used (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`). HTTP/2
    /// is spoken with a server that offers it in its TLS handshake.
    pub fn open(options: &ClientOptions<'_>) -> Result<Self, ClientError> {
        let trusted = options.trusted.map_or(Ok(Vec::new()), certificates)?;
        if is_plain(options) {
            return Ok(Self {
                transport: Transport::plain(options),
                kept: KeptConnections::default(),
            });
        }
        let builder = || {
            Client::builder()
                .user_agent(OWN_NAME)
                // A redirect could carry the key to another host.
                .redirect(redirect::Policy::none())
                .referer(false)
                .tcp_nodelay(true)
                .connect_timeout(options.connect_timeout)
                .pool_max_idle_per_host(options.idle_connections)
        };
        let without_certificates = |builder: ClientBuilder| builder.tls_certs_only([]).build();
        let built = match (options.url.scheme(), options.is_local) {
            ("http", true) => without_certificates(builder().no_proxy()),
            // A proxy may be spoken to in HTTPS.
            ("http", false) => builder().build().or_else(|_| without_certificates(builder())),
            (_, is_local) => {
                let builder = || if is_local { builder().no_proxy() } else { builder() };
                let trusting = || builder().tls_certs_merge(trusted.iter().cloned());
                // A system without any certificates is no obstacle for those who bring their own.
                let only_these = |error| match &*trusted {
                    [] => Err(error),
                    trusted => builder().tls_certs_only(trusted.iter().cloned()).build(),
                };
                trusting().build().or_else(only_these)
            }
        };
        let client = built.map_err(|error| ClientError::Tls(with_causes(&error)))?;
        Ok(Self { transport: Transport::Reqwest(client), kept: KeptConnections::default() })
    }

    /// Sends a request, and returns when the head of the response is there. Redirects are not
    /// followed.
    ///
    /// A server may end a kept connection just when the next request is on its way. It has not read
    /// that request, which goes out again on another connection (RFC 9112, section 9.3.1), unless the
    /// server had the time to work on it.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ExchangeError> {
        let HttpRequest { method, url, headers, body } = request;
        let body = Bytes::from(body);
        let attempt = || self.transport.send(method.clone(), &url, headers.clone(), body.clone());
        let mut began = Instant::now();
        let mut sent = attempt().await;
        while sent.as_ref().is_err_and(|error| self.kept.has_ended(error))
            && began.elapsed() < UNREAD
        {
            began = Instant::now();
            sent = attempt().await;
        }
        let response = sent.map_err(|error| failed(&error, &url))?;
        self.kept.note(&response);
        Ok(HttpResponse::new(response))
    }
}

impl HttpClient {
    /// As [`HttpClient::send`], and in no case a second time: for what must not be done twice.
    pub async fn send_once(&self, request: HttpRequest) -> Result<HttpResponse, ExchangeError> {
        let HttpRequest { method, url, headers, body } = request;
        let sent = self.transport.send(method, &url, headers, Bytes::from(body));
        let response = sent.await.map_err(|error| failed(&error, &url))?;
        self.kept.note(&response);
        Ok(HttpResponse::new(response))
    }
}

/// What a failed exchange means; of the URL only host and port are told, for it may hold more.
fn failed(error: &TransportError, url: &Url) -> ExchangeError {
    let causes = error.causes();
    let place = || {
        let host = url.host_str().unwrap_or_default();
        url.port_or_known_default().map_or(host.to_owned(), |port| format!("{host}:{port}"))
    };
    if is_distrust(error) {
        ExchangeError::Distrusted { place: place(), causes }
    } else if error.is_connect() {
        ExchangeError::NoConnection { place: place(), causes }
    } else {
        ExchangeError::Broken { causes }
    }
}

/// The certificates in a PEM text, at least one.
fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, ClientError> {
    match Certificate::from_pem_bundle(pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(ClientError::NoCertificate),
        Err(error) => Err(ClientError::NoPem(with_causes(&error))),
    }
}

/// Whether the server's certificate is what is wrong.
fn is_distrust(error: &TransportError) -> bool {
    let mut cause = error.cause();
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
            return true;
        }
        // What an I/O error wraps is not its source.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| error.source());
    }
    false
}

#[cfg(test)]
mod tests {
    use http::Method;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// A server that answers the first requests of each connection, reads the next and closes.
    async fn closing(answered: usize) -> (Url, HttpClient) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let url = Url::parse(&format!("http://{address}/")).expect("a URL");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                for _ in 0..answered {
                    drop(stream.read(&mut [0; 4096]).await);
                    drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await);
                }
                drop(stream.read(&mut [0; 4096]).await);
            }
        });
        let client = local_client(&url, 4);
        (url, client)
    }

    fn local_client(url: &Url, idle_connections: usize) -> HttpClient {
        let client = HttpClient::open(&ClientOptions {
            url,
            is_local: true,
            connect_timeout: Duration::from_secs(5),
            idle_connections,
            trusted: None,
        });
        client.expect("a client")
    }

    async fn get(client: &HttpClient, url: &Url) -> Result<Vec<u8>, ExchangeError> {
        let (headers, body) = (http::HeaderMap::new(), Vec::new());
        let request = HttpRequest { method: Method::GET, url: url.clone(), headers, body };
        client.send(request).await?.body(100).await
    }

    #[tokio::test]
    async fn a_request_that_a_kept_connection_never_carried_is_sent_on_another() {
        let (url, client) = closing(1).await;
        for _ in 0..4 {
            assert_eq!(get(&client, &url).await, Ok(b"ok".to_vec()));
        }
        let (url, client) = closing(0).await;
        let broken = get(&client, &url).await;
        assert!(matches!(broken, Err(ExchangeError::Broken { .. })), "{broken:?}");
    }

    #[tokio::test]
    async fn a_long_head_is_read_however_many_connections_there_may_be() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            let cookie = "h".repeat(100_000);
            let response =
                format!("HTTP/1.1 200 OK\r\nset-cookie: {cookie}\r\ncontent-length: 2\r\n\r\nok");
            while let Ok((mut stream, _)) = listener.accept().await {
                drop(stream.read(&mut [0; 4096]).await);
                drop(stream.write_all(response.as_bytes()).await);
            }
        });
        let url = Url::parse(&format!("http://{address}/")).expect("a URL");
        for idle_connections in [0, 1, 1_024, 100_000] {
            let client = local_client(&url, idle_connections);
            assert_eq!(get(&client, &url).await, Ok(b"ok".to_vec()));
        }
    }

    #[tokio::test]
    async fn where_nobody_listens_is_told_with_its_place() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let place = listener.local_addr().expect("an address").to_string();
        drop(listener);
        // The second goes out by reqwest.
        for url in [format!("http://{place}/"), format!("http://me:secret@{place}/")] {
            let url = Url::parse(&url).expect("a URL");
            let told = get(&local_client(&url, 4), &url).await.expect_err("nobody");
            let ExchangeError::NoConnection { place: told_place, causes } = &told else {
                panic!("{told:?}")
            };
            assert!(*told_place == place && causes.contains("refused"), "{told}");
        }
    }

    #[test]
    fn what_is_no_certificate_says_so() {
        let url = Url::parse("https://h").expect("a URL");
        let open = |trusted: &'static [u8]| {
            HttpClient::open(&ClientOptions {
                url: &url,
                is_local: false,
                connect_timeout: Duration::from_secs(1),
                idle_connections: 1,
                trusted: Some(trusted),
            })
            .map(drop)
        };
        assert_eq!(open(b"nothing"), Err(ClientError::NoCertificate));
        let broken = b"-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n";
        assert!(matches!(open(broken), Err(ClientError::NoPem(_))), "{:?}", open(broken));
    }
}
