//! A request on its way out, and what proves who sends it.

use std::{fmt, pin::Pin, time::SystemTime};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use url::Url;

use crate::secret::Secret;

/// A request that is ready to be signed and sent.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// What is done.
    pub method: Method,
    /// Where.
    pub url: Url,
    /// Headers; the client adds its own name, the host and the length.
    pub headers: HeaderMap,
    /// The body, empty for none.
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// A POST of JSON.
    pub fn post_json(url: Url, body: Vec<u8>) -> Self {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self { method: Method::POST, url, headers, body }
    }

    /// A GET.
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::with_capacity(2), body: Vec::new() }
    }

    /// The same with another header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

/// Signs requests: adds what proves to the server who sends them. It sees the whole request, since
/// some signatures cover address and body, and is asked for each request anew, since some expire.
pub trait Sign: fmt::Debug + Send + Sync {
    /// Signs a request that is sent at `now`.
    fn sign(&self, request: &mut HttpRequest, now: SystemTime) -> Result<(), SignError>;

    /// Fetches what it signs with, where that is not there yet or is about to expire; `None` where it
    /// can sign at once.
    fn refresh(&self) -> Option<Refresh<'_>> {
        None
    }

    /// A text without the secrets that it fetched itself.
    fn redact(&self, text: String) -> String {
        text
    }
}

/// Fetches what a request is signed with.
pub type Refresh<'a> = Pin<Box<dyn Future<Output = Result<(), SignError>> + Send + 'a>>;

/// Why a request cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The key is no text that a header may hold.
    #[error("the key contains characters that are not allowed in a header")]
    Characters,
    /// There are no credentials to sign with.
    #[error("{0}")]
    Credentials(String),
}

/// The usual signature: the key in a header, the same in every request.
#[derive(Clone, Debug)]
pub struct KeyHeader {
    name: HeaderName,
    value: HeaderValue,
}

impl KeyHeader {
    /// `Authorization: Bearer KEY`.
    pub fn bearer(key: &Secret) -> Result<Self, SignError> {
        Self::with(AUTHORIZATION, &format!("Bearer {}", key.expose()))
    }

    /// `NAME: KEY`.
    pub fn named(name: HeaderName, key: &Secret) -> Result<Self, SignError> {
        Self::with(name, key.expose())
    }

    fn with(name: HeaderName, text: &str) -> Result<Self, SignError> {
        let mut value = HeaderValue::from_str(text).map_err(|_| SignError::Characters)?;
        value.set_sensitive(true);
        Ok(Self { name, value })
    }
}

impl Sign for KeyHeader {
    fn sign(&self, request: &mut HttpRequest, _now: SystemTime) -> Result<(), SignError> {
        request.headers.insert(self.name.clone(), self.value.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_sent_and_not_shown() {
        let url = Url::parse("http://127.0.0.1/").expect("a URL");
        let mut request = HttpRequest::post_json(url, Vec::new());
        let name = HeaderName::from_static("x-api-key");
        let key = KeyHeader::named(name, &Secret::new("sk-12345678")).expect("a key");
        key.sign(&mut request, SystemTime::UNIX_EPOCH).expect("signed");
        assert_eq!(request.headers["x-api-key"], "sk-12345678");
        assert!(!format!("{key:?} {request:?}").contains("12345678"));
        let refused = KeyHeader::bearer(&Secret::new("a\nb"));
        assert_eq!(refused.map(drop), Err(SignError::Characters));
    }
}
