//! A response: its head at once, its body within a limit and as it was before it was compressed.

use http::{HeaderMap, Response, StatusCode, header::CONTENT_ENCODING};

use crate::{
    decode::{DecodeError, decoded},
    transport::{ResponseBody, TransportError},
};

/// A response whose body has not been read yet.
#[derive(Debug)]
pub struct HttpResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: ResponseBody,
}

/// Why there is no whole response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// The server was not reached.
    #[error("no connection to {place}: {causes}")]
    NoConnection {
        /// Host and port.
        place: String,
        /// What the system says.
        causes: String,
    },
    /// The server was reached, and its certificate is none that is trusted.
    #[error("no connection to {place}: {causes}")]
    Distrusted {
        /// Host and port.
        place: String,
        /// What is wrong with the certificate.
        causes: String,
    },
    /// The connection ended before the response did.
    #[error("the connection broke: {causes}")]
    Broken {
        /// What the system says.
        causes: String,
    },
    /// The body is larger than the limit, as it came or as it was before it was compressed.
    #[error("the response is larger than {limit} bytes")]
    TooLarge {
        /// Bytes that it may have.
        limit: usize,
    },
    /// The body is compressed, and cannot be read.
    #[error(transparent)]
    Compressed(#[from] DecodeError),
}

impl HttpResponse {
    pub(crate) fn new(response: Response<ResponseBody>) -> Self {
        let (head, body) = response.into_parts();
        Self { status: head.status, headers: head.headers, body }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The whole body, of at most `limit` bytes.
    pub async fn body(mut self, limit: usize) -> Result<Vec<u8>, ExchangeError> {
        let encoding = self.encoding();
        let announced = self.body.length().unwrap_or(0);
        if announced > limit as u64 {
            return Err(ExchangeError::TooLarge { limit });
        }
        let mut body = Vec::with_capacity(usize::try_from(announced).unwrap_or(0));
        loop {
            let chunk = self.body.chunk().await.map_err(|error| broken(&error))?;
            let Some(chunk) = chunk else { break };
            if body.len() + chunk.len() > limit {
                return Err(ExchangeError::TooLarge { limit });
            }
            body.extend_from_slice(&chunk);
        }
        decoded(body, encoding.as_deref(), limit)
    }

    /// The next bytes of the body as they come, compressed or not; `None` at its end. For bodies that
    /// are too large to be held: whoever calls keeps to a limit.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, ExchangeError> {
        let chunk = self.body.chunk().await.map_err(|error| broken(&error))?;
        Ok(chunk.map(Into::into))
    }

    /// Whether its headers say that the body is compressed.
    pub fn is_compressed(&self) -> bool {
        self.encoding().is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity"))
    }

    /// A body that [`HttpResponse::chunk`] gave in pieces, as it was before it was compressed.
    pub fn decoded(&self, body: Vec<u8>, limit: usize) -> Result<Vec<u8>, ExchangeError> {
        decoded(body, self.encoding().as_deref(), limit)
    }

    /// The first `limit` bytes of the body, or as many of them as came: enough for a message.
    pub async fn beginning(mut self, limit: usize) -> Vec<u8> {
        let encoding = self.encoding();
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = self.body.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() >= limit {
                body.truncate(limit);
                break;
            }
        }
        // What cannot be read says nothing.
        decoded(body, encoding.as_deref(), limit).unwrap_or_default()
    }

    /// How the body is compressed, as its header says.
    fn encoding(&self) -> Option<String> {
        let encoding = self.headers().get(CONTENT_ENCODING)?;
        Some(encoding.to_str().unwrap_or("unknown").to_owned())
    }
}

/// The rest of a response did not come.
fn broken(error: &TransportError) -> ExchangeError {
    ExchangeError::Broken { causes: error.causes() }
}
