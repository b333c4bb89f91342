//! Services that answer JSON over HTTP: asked again where that may help, read within bounds, and given a key only where
//! whoever calls has leave for that.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use evalmark_core::key_hosts::is_this_machine;
use evalmark_net::{
    ClientError, ClientOptions, ExchangeError, HeaderValue, HttpClient, HttpRequest, Method,
    Secret, StatusCode, Threads, Url, one_line, retry_after,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The longest that a server may take for one page.
const PAGE: Duration = Duration::from_mins(2);
/// How often a page is asked for, at most.
const ATTEMPTS: u32 = 5;
/// The wait before the second attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// Bytes of one page.
const MOST_BYTES: usize = 256 << 20;
/// Bytes of all pages together.
const MOST_OF_ALL: u64 = 2 << 30;
/// Bytes of an error's body that are read.
const SAID: usize = 4 << 10;
/// Letters of what a server says that a message has.
const TOLD: usize = 300;

/// What proves who asks.
pub(crate) enum Login {
    /// Nothing.
    None,
    /// `Authorization: Bearer TOKEN`.
    Bearer(Secret),
    /// `Authorization: ApiKey …`.
    ApiKey(Secret),
    /// `Authorization: Basic …`, of a name and a password.
    Basic(String, Secret),
}

/// Whether a change may be sent again where nobody knows if the first attempt made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Making it twice ends as making it once does.
    Always,
    /// Twice would be one too many: it is sent again only where the server cannot have made it.
    IfNotMade,
}

/// A service.
pub(crate) struct RestServer {
    base: Url,
    client: HttpClient,
    /// For what must not be sent twice: a client that keeps connections sends a request again by itself where one that it
    /// had kept breaks.
    careful: HttpClient,
    threads: Threads,
    authorization: Option<HeaderValue>,
    secrets: Vec<Secret>,
    /// Of all that it has sent.
    hasher: Mutex<blake3::Hasher>,
}

/// Why a service gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RestError {
    /// There is no client or no thread to ask with.
    #[error("cannot be asked: {0}")]
    NoClient(String),
    /// The certificates that the user names are none.
    #[error("cannot be asked: the certificates {0}")]
    Certificates(String),
    /// The server was not reached, or the connection broke.
    #[error("cannot be asked: {0}")]
    Exchange(#[from] ExchangeError),
    /// It sent nothing for too long.
    #[error("took longer than {} seconds", PAGE.as_secs())]
    TimedOut,
    /// It says that what was asked for is elsewhere.
    #[error("redirects to {0}, and redirects are not followed")]
    Moved(String),
    /// All that it sends is more than can be held.
    #[error("sends more than {} MiB", MOST_OF_ALL >> 20)]
    TooMuch,
    /// It says no.
    #[error("says {status}{}", said(message))]
    Refused {
        /// What it says.
        status: StatusCode,
        /// Its own words.
        message: String,
        /// How long it asks to wait.
        wait: Option<Duration>,
    },
    /// What it says is not what its API says.
    #[error("sends what its API does not have{}: {message}", at(place))]
    Unreadable {
        /// Where in the body.
        place: String,
        /// What is wrong there.
        message: String,
    },
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

fn at(place: &str) -> String {
    if place.is_empty() || place == "." { String::new() } else { format!(" (at {place})") }
}

impl RestError {
    /// Whether the server has nothing there.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::NOT_FOUND)
    }

    /// Whether the server wants to know who asks, or does not let that one in.
    pub(crate) fn is_forbidden(&self) -> bool {
        matches!(
            self,
            Self::Refused { status: StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, .. }
        )
    }

    /// Whether the server's own words hold these, upper and lower case alike.
    pub(crate) fn says(&self, words: &str) -> bool {
        matches!(self, Self::Refused { message, .. } if message.to_lowercase().contains(words))
    }

    /// Whether a change may have been made all the same.
    pub(crate) fn may_have_been_made(&self) -> bool {
        match self {
            Self::TimedOut
            | Self::TooMuch
            | Self::Unreadable { .. }
            | Self::Exchange(ExchangeError::Broken { .. }) => true,
            Self::Refused { status, .. } => status.is_server_error(),
            _ => false,
        }
    }

    /// How long to wait before another attempt; `None` where it would end alike.
    fn wait(&self, backoff: Duration) -> Option<Duration> {
        let wait = match self {
            Self::TimedOut
            | Self::Exchange(ExchangeError::NoConnection { .. } | ExchangeError::Broken { .. }) => {
                Some(backoff)
            }
            Self::Refused { status, wait, .. }
                if status.is_server_error()
                    || matches!(
                        *status,
                        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
                    ) =>
            {
                Some(wait.unwrap_or(backoff))
            }
            _ => None,
        };
        wait.filter(|wait| *wait <= LONGEST_WAIT)
    }
}

impl RestServer {
    /// A server at an address, which may have a path before that of its API.
    pub(crate) fn open(
        base: &Url,
        login: Login,
        trusted: Option<&[u8]>,
    ) -> Result<Self, RestError> {
        let no_client = |error: &dyn std::error::Error| RestError::NoClient(error.to_string());
        let client = |idle_connections: usize| {
            HttpClient::open(&ClientOptions {
                url: base,
                is_local: is_this_machine(base),
                connect_timeout: Duration::from_secs(20),
                idle_connections,
                trusted,
            })
            .map_err(|error| match error {
                ClientError::NoCertificate | ClientError::NoPem(_) => {
                    RestError::Certificates(error.to_string())
                }
                error @ ClientError::Tls(_) => no_client(&error),
            })
        };
        let (client, careful) = (client(2)?, client(0)?);
        let threads = Threads::start().map_err(|error| no_client(&error))?;
        let (text, secrets) = match login {
            Login::None => (None, Vec::new()),
            Login::Bearer(token) => (Some(format!("Bearer {}", token.expose())), vec![token]),
            Login::ApiKey(key) => (Some(format!("ApiKey {}", key.expose())), vec![key]),
            Login::Basic(name, password) => {
                let both = STANDARD.encode(format!("{name}:{}", password.expose()));
                (Some(format!("Basic {both}")), vec![password, Secret::new(&both)])
            }
        };
        let unsendable = || {
            RestError::NoClient("the key contains characters that no header may hold".to_owned())
        };
        let authorization = text.map(|text| {
            let mut value = HeaderValue::from_str(&text).map_err(|_| unsendable())?;
            value.set_sensitive(true);
            Ok::<_, RestError>(value)
        });
        Ok(Self {
            base: base.clone(),
            client,
            careful,
            threads,
            authorization: authorization.transpose()?,
            secrets,
            hasher: Mutex::default(),
        })
    }

    /// The address of a path with a query: each part of the path is encoded.
    pub(crate) fn address(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url.set_query(None);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Asks for JSON.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, RestError> {
        parsed(&self.get_bytes(path, query)?)
    }

    /// Asks for bytes.
    pub(crate) fn get_bytes(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<u8>, RestError> {
        let url = self.address(path, query);
        self.asked(|| HttpRequest::get(url.clone()))
    }

    /// Asks for JSON with a question in JSON, which changes nothing.
    pub(crate) fn search<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &Value,
    ) -> Result<T, RestError> {
        let (url, body) = (self.address(path, &[]), body.to_string().into_bytes());
        parsed(&self.asked(|| HttpRequest::post_json(url.clone(), body.clone()))?)
    }

    /// Asks for a change, and for JSON about it.
    pub(crate) fn change<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &[&str],
        body: &Value,
        repeat: Repeat,
    ) -> Result<T, RestError> {
        let (url, body) = (self.address(path, &[]), body.to_string().into_bytes());
        let request = || HttpRequest {
            method: method.clone(),
            ..HttpRequest::post_json(url.clone(), body.clone())
        };
        parsed(&self.answer(request, repeat)?)
    }

    /// BLAKE3 of all that it has sent, 64 hexadecimal digits.
    pub(crate) fn digest(&self) -> String {
        let hasher = self.hasher.lock().unwrap_or_else(PoisonError::into_inner);
        hasher.finalize().to_hex().to_string()
    }

    /// Its address, as messages show it.
    pub(crate) fn name(&self) -> String {
        shown(&self.base)
    }

    fn asked(&self, request: impl Fn() -> HttpRequest) -> Result<Vec<u8>, RestError> {
        let body = self.answer(request, Repeat::Always)?;
        let mut hasher = self.hasher.lock().unwrap_or_else(PoisonError::into_inner);
        hasher.update(&body);
        if hasher.count() > MOST_OF_ALL { Err(RestError::TooMuch) } else { Ok(body) }
    }

    fn answer(
        &self,
        request: impl Fn() -> HttpRequest,
        repeat: Repeat,
    ) -> Result<Vec<u8>, RestError> {
        let client = match repeat {
            Repeat::Always => &self.client,
            Repeat::IfNotMade => &self.careful,
        };
        self.threads.handle().block_on(async {
            let mut backoff = FIRST_WAIT;
            for _ in 1..ATTEMPTS {
                let error = match self.attempt(client, request()).await {
                    Ok(body) => return Ok(body),
                    Err(error) => error,
                };
                if repeat == Repeat::IfNotMade && error.may_have_been_made() {
                    return Err(error);
                }
                let Some(wait) = error.wait(backoff) else { return Err(error) };
                tokio::time::sleep(wait).await;
                backoff *= 2;
            }
            self.attempt(client, request()).await
        })
    }

    async fn attempt(
        &self,
        client: &HttpClient,
        mut request: HttpRequest,
    ) -> Result<Vec<u8>, RestError> {
        if let Some(authorization) = &self.authorization {
            request.headers.insert("authorization", authorization.clone());
        }
        request.headers.insert("accept", HeaderValue::from_static("application/json, */*"));
        let url = request.url.clone();
        let whole = async {
            let response = client.send(request).await?;
            let status = response.status();
            if status.is_success() {
                return Ok(response.body(MOST_BYTES).await?);
            }
            let place = response.headers().get("location").and_then(|place| place.to_str().ok());
            if let Some(place) = place.and_then(|place| url.join(place).ok())
                && status.is_redirection()
            {
                return Err(RestError::Moved(shown(&place)));
            }
            let wait = retry_after(response.headers(), SystemTime::now());
            let message = self.words(&response.beginning(SAID).await);
            Err(RestError::Refused { status, message, wait })
        };
        tokio::time::timeout(PAGE, whole).await.map_err(|_| RestError::TimedOut)?
    }

    /// What a server says of an error, in one line and without a key.
    fn words(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body);
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        let said = ["/message", "/error/message", "/error", "/detail"];
        let named = said.iter().find_map(|place| value.pointer(place)?.as_str());
        let is_page = text.trim_start().starts_with('<');
        let text = named.unwrap_or(if is_page { "" } else { &text });
        let hidden = self
            .secrets
            .iter()
            .fold(text.to_owned(), |text, secret| secret.redact(&text).into_owned());
        one_line(&hidden).chars().take(TOLD).collect()
    }
}

/// JSON of a body, as the types say.
fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, RestError> {
    let mut parser = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut parser).map_err(|error| RestError::Unreadable {
        place: error.path().to_string(),
        message: error.into_inner().to_string(),
    })
}

/// An address that users name: over http or https, without a name, password, query or fragment.
pub(crate) fn server_address(text: &str) -> Result<Url, String> {
    let mut url = Url::parse(text).map_err(|error| format!("is not an address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must begin with `https://` or `http://`".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or password; keys come from the environment".to_owned());
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// An address as messages show it: without a query, which may hold a key.
pub(crate) fn shown(url: &Url) -> String {
    let query = if url.query().is_some() { "?…" } else { "" };
    let path = url.path().trim_end_matches('/');
    one_line(&format!("{}{path}{query}", url.origin().ascii_serialization()))
}
