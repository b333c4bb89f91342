//! How object stores are spoken to: requests of the library `object_store` over this program's own HTTP
//! client, to one server alone, signed here.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use evalmark_net::{
    ExchangeError, HttpClient, HttpRequest, HttpResponse, Secret, Sign, SignError, Url,
};
use hyper::body::{Body, Frame};
use object_store::{
    ClientOptions,
    client::{
        HttpClient as StoreClient, HttpConnector, HttpError, HttpErrorKind,
        HttpRequest as StoreRequest, HttpResponse as StoreResponse, HttpResponseBody, HttpService,
    },
};
use tokio::sync::mpsc;

/// The longest that a server may be silent.
const SILENCE: Duration = Duration::from_mins(1);

/// The most bytes of a page of a listing.
const MOST_LISTED: u64 = 32 << 20;

/// The most bytes of what a server says of an error.
const MOST_SAID: u64 = 64 << 10;

/// Who asks, and what proves it.
pub(crate) enum Proof {
    /// Nobody in particular.
    Nobody,
    /// A signature over the whole request, or a token in a header.
    Signature(Arc<dyn Sign>),
    /// Parameters of the address, which are secret.
    Parameters(Secret),
    /// A key that the store's own library signs with.
    OfTheStore(Secret),
}

/// A client for one server.
#[derive(Clone)]
pub(crate) struct Transport(Arc<Inner>);

struct Inner {
    client: HttpClient,
    /// Scheme, host and port; nothing else is ever asked.
    origin: String,
    proof: Proof,
}

/// Why a request was not sent, or its response did not come.
#[derive(Debug, thiserror::Error)]
enum TransportError {
    #[error("another server than {0} is not asked")]
    Elsewhere(String),
    #[error("the server took too long")]
    TimedOut,
    #[error("the response is larger than {0} bytes")]
    TooLarge(u64),
    #[error("the address is none")]
    NoAddress,
    #[error(transparent)]
    Unsigned(#[from] SignError),
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

impl Transport {
    pub(super) fn new(client: HttpClient, server: &Url, proof: Proof) -> Self {
        let origin = server.origin().ascii_serialization();
        Self(Arc::new(Inner { client, origin, proof }))
    }

    /// The key that the store's own library signs with.
    pub(in crate::sources) fn key(&self) -> Option<&Secret> {
        match &self.0.proof {
            Proof::OfTheStore(key) => Some(key),
            _ => None,
        }
    }

    /// A text of the server without what proves who asks.
    pub(super) fn redact(&self, text: String) -> String {
        match &self.0.proof {
            Proof::Nobody => text,
            Proof::Signature(signature) => signature.redact(text),
            Proof::Parameters(secret) | Proof::OfTheStore(secret) => {
                secret.redact(&text).into_owned()
            }
        }
    }

    async fn send(&self, request: StoreRequest) -> Result<(HttpResponse, u64), TransportError> {
        let (parts, body) = request.into_parts();
        let mut url = Url::parse(&parts.uri.to_string()).map_err(|_| TransportError::NoAddress)?;
        if url.origin().ascii_serialization() != self.0.origin {
            return Err(TransportError::Elsewhere(self.0.origin.clone()));
        }
        let is_listing = url.query_pairs().any(|(name, _)| matches!(&*name, "list-type" | "comp"));
        // A space is signed as `%20` alone, and a plus is `%2B` already.
        if let Some(query) = url.query().filter(|query| query.contains('+')) {
            let query = query.replace('+', "%20");
            url.set_query(Some(&query));
        }
        if let Proof::Parameters(parameters) = &self.0.proof {
            let given = url.query().map(|query| format!("{query}&")).unwrap_or_default();
            url.set_query(Some(&format!("{given}{}", parameters.expose())));
        }
        let body = body.as_bytes().map(|bytes| bytes.to_vec()).unwrap_or_default();
        let mut request = HttpRequest { method: parts.method, url, headers: parts.headers, body };
        if let Proof::Signature(signature) = &self.0.proof {
            if let Some(refresh) = signature.refresh() {
                refresh.await?;
            }
            signature.sign(&mut request, SystemTime::now())?;
        }
        let sent = tokio::time::timeout(SILENCE, self.0.client.send(request));
        let response = sent.await.map_err(|_| TransportError::TimedOut)??;
        let limit = match (response.status().is_success(), is_listing) {
            (false, _) => MOST_SAID,
            (true, true) => MOST_LISTED,
            // Whoever reads an object keeps to a limit.
            (true, false) => u64::MAX,
        };
        Ok((response, limit))
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport").field("origin", &self.0.origin).finish_non_exhaustive()
    }
}

impl HttpConnector for Transport {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<StoreClient> {
        Ok(StoreClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Transport {
    async fn call(&self, request: StoreRequest) -> Result<StoreResponse, HttpError> {
        let (mut response, limit) = self.send(request).await.map_err(told)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let (sender, receiver) = mpsc::channel(2);
        tokio::spawn(async move {
            let mut left = limit;
            loop {
                let chunk = match tokio::time::timeout(SILENCE, response.chunk()).await {
                    Err(_) => Err(TransportError::TimedOut),
                    Ok(Err(error)) => Err(error.into()),
                    Ok(Ok(None)) => return,
                    Ok(Ok(Some(bytes))) => match left.checked_sub(bytes.len() as u64) {
                        None => Err(TransportError::TooLarge(limit)),
                        Some(rest) => {
                            left = rest;
                            Ok(Bytes::from(bytes))
                        }
                    },
                };
                let is_last = chunk.is_err();
                if sender.send(chunk.map_err(told)).await.is_err() || is_last {
                    return;
                }
            }
        });
        let mut response = StoreResponse::new(HttpResponseBody::new(Chunks(receiver)));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

/// Whether asking again may help is told by the kind.
fn told(error: TransportError) -> HttpError {
    let kind = match &error {
        TransportError::TimedOut => HttpErrorKind::Timeout,
        TransportError::Exchange(ExchangeError::NoConnection { .. }) => HttpErrorKind::Connect,
        TransportError::Exchange(ExchangeError::Broken { .. }) => HttpErrorKind::Interrupted,
        _ => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, error)
}

/// A body whose pieces come through a channel.
struct Chunks(mpsc::Receiver<Result<Bytes, HttpError>>);

impl Body for Chunks {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        self.0.poll_recv(context).map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }
}
