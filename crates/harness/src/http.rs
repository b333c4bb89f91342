//! One HTTP exchange with a provider: bounded in time and size, its troubles described, the key
//! neither sent elsewhere nor ever shown.

use std::{
    error::Error,
    io::{self, Read},
    path::Path,
    time::{Duration, SystemTime},
};

use evalmark_core::{
    files::{MAX_TEXT, open_regular},
    key_hosts::is_this_machine,
    model::{Limits, Model},
    record::{ErrorKind, Failure},
    request::{Request, Task},
};
use reqwest::{
    Certificate, Client, ClientBuilder, Response, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue},
    redirect,
};

use tokio::time::Instant;

use crate::{
    congestion::{Load, Quota},
    decode::{decoded, too_large},
    embeddings, failure, mend, openai,
    reply::{Answer, AttemptError, FaultScope, Reply, Retryable},
    retry::retry_after,
    secret::Secret,
    text::{one_line, with_causes},
    tuning::Tuning,
};

/// How long to wait for a connection, at most; and never longer than half an attempt, so that
/// what is unreachable is not taken for slow.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Of a response that is no success, this much is read: enough for its message.
const ERROR_LIMIT: usize = 64 << 10;

/// A server that speaks chat completions and embeddings, and how to reach it.
#[derive(Debug)]
pub(crate) struct Http {
    client: Client,
    chat: Url,
    embeddings: Url,
    key: Option<Secret>,
    response_limit: usize,
    now: fn() -> SystemTime,
}

/// A base URL or key that no request can be made with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("{0}")]
    Url(String),
    #[error("the key holds characters that no header can carry")]
    Key,
    #[error("the certificates {0}")]
    Certificates(String),
    #[error("no client for HTTPS: {0}")]
    Client(String),
}

impl Http {
    pub(crate) fn open(
        base_url: &str,
        key: Option<Secret>,
        Model { limits, ca_file, .. }: &Model,
        tuning: &Tuning,
    ) -> Result<Self, HttpError> {
        let (chat, embeddings) = (url(base_url, "chat/completions")?, url(base_url, "embeddings")?);
        let trusted = ca_file.as_deref().map_or(Ok(Vec::new()), certificates)?;
        let client = client(&chat, &headers(key.as_ref())?, limits, &trusted)?;
        let Tuning { response_limit, now, .. } = *tuning;
        Ok(Self { client, chat, embeddings, key, response_limit, now })
    }

    /// Sends one request and reads what comes back, within `timeout`. A request usually uses
    /// `tokens`.
    pub(crate) async fn ask(&self, request: &Request, timeout: Duration, tokens: u64) -> Reply {
        let mut quota = None;
        let exchange = self.exchange(request, tokens, &mut quota);
        let result = match tokio::time::timeout(timeout, exchange).await {
            Ok(result) => result,
            Err(_) => Err(too_late(timeout)),
        };
        let result = match result {
            Ok(answer) => Ok(self.redacted(answer)),
            Err(error) => Err(AttemptError { failure: self.described(error.failure), ..error }),
        };
        Reply { result, quota }
    }

    async fn exchange(
        &self,
        request: &Request,
        tokens: u64,
        quota: &mut Option<Quota>,
    ) -> Result<Answer, AttemptError> {
        let url = match request.task {
            Task::Chat => &self.chat,
            Task::Embedding => &self.embeddings,
        };
        let sent = self.client.post(url.clone()).body(request.body()).send().await;
        let response = sent.map_err(|error| self.broken(&error))?;
        let now = (Instant::now(), self.now);
        *quota = Quota::read(response.headers(), tokens as f64, now);
        let status = response.status();
        let wait = retry_after(response.headers(), (self.now)());
        let encoding = response.headers().get(CONTENT_ENCODING).cloned();
        let encoding = encoding.as_ref().map(|encoding| encoding.to_str().unwrap_or("unknown"));
        let read = if status.is_success() {
            let body = self.body(response, self.response_limit).await?;
            let body = self.text(decoded(body, encoding, self.response_limit)?)?;
            match request.task {
                Task::Chat => openai::read(&body),
                Task::Embedding => embeddings::read(&body, request.messages.len()),
            }
        } else if status.is_redirection() {
            Err(redirected(status))
        } else {
            // The status counts, whatever becomes of the body.
            let body = start(response).await;
            let body = decoded(body, encoding, ERROR_LIMIT).unwrap_or_default();
            let body = self.redact(String::from_utf8_lossy(&body).into_owned());
            failure::read_error(status.as_u16(), &body)
        };
        read.map_err(|error| self.hinted(AttemptError { wait, ..error }, status, request))
    }

    /// The body, as long as it is within `limit` bytes.
    async fn body(&self, mut response: Response, limit: usize) -> Result<Vec<u8>, AttemptError> {
        let announced = response.content_length().unwrap_or(0);
        if announced > limit as u64 {
            return Err(too_large(limit));
        }
        let mut body = Vec::with_capacity(usize::try_from(announced).unwrap_or(0));
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(&error))? {
            if body.len() + chunk.len() > limit {
                return Err(too_large(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The body as text, without the key: servers echo what they were sent.
    fn text(&self, body: Vec<u8>) -> Result<String, AttemptError> {
        let text = mend::text(body).map_err(|error| {
            let message = format!("the response is not UTF-8: {}", error.utf8_error());
            AttemptError::new(ErrorKind::Malformed, message, Retryable::Yes)
        })?;
        Ok(self.redact(text))
    }

    /// Trouble with what the suite can do about it.
    fn hinted(
        &self,
        mut error: AttemptError,
        status: StatusCode,
        request: &Request,
    ) -> AttemptError {
        let message = &mut error.failure.message;
        let is_at_root = self.chat.path() == "/chat/completions";
        if status == StatusCode::NOT_FOUND && is_at_root {
            message.push_str(" (most servers want a `base_url` that ends in `/v1`)");
        } else if error.failure.kind == ErrorKind::BadRequest {
            let named = |name: &&String| message.contains(&format!("'{name}'"));
            let instead = "max_completion_tokens";
            let hint = if message.contains(instead) && !request.params.contains_key(instead) {
                format!(" (write `{instead}` under the model's `params`)")
            } else if let Some(name) = request.params.keys().find(named) {
                format!(" (`{name}` stands under the model's `params`)")
            } else {
                String::new()
            };
            message.push_str(&hint);
        }
        error
    }

    /// What a failed exchange means; the URL is left out, for it may hold more than a host.
    fn broken(&self, error: &reqwest::Error) -> AttemptError {
        let causes = error.source().map(with_causes).unwrap_or_default();
        let message = if error.is_connect() {
            format!("no connection to {}: {causes}", self.place())
        } else {
            format!("the connection broke: {causes}")
        };
        let message = one_line(&self.redact(message));
        // A certificate that is not trusted now is not trusted in a second, either.
        let retryable = if is_distrust(error) { Retryable::Never } else { Retryable::Yes };
        AttemptError::new(ErrorKind::Connection, message, retryable)
            .with_fault_scope(FaultScope::Endpoint)
    }

    /// Host and port of the server.
    fn place(&self) -> String {
        let host = self.chat.host_str().unwrap_or_default();
        let port = self.chat.port_or_known_default();
        port.map_or(host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// An answer in which the key, escaped in ways that only JSON undoes, is hidden too.
    fn redacted(&self, answer: Answer) -> Answer {
        let finish_reason = answer.finish_reason.map(|reason| self.redact(reason));
        Answer { output: self.redact(answer.output), finish_reason, ..answer }
    }

    fn described(&self, failure: Failure) -> Failure {
        Failure { message: self.redact(failure.message), ..failure }
    }

    fn redact(&self, text: String) -> String {
        use std::borrow::Cow;
        match self.key.as_ref().map(|key| key.redact(&text)) {
            Some(Cow::Owned(redacted)) => redacted,
            Some(Cow::Borrowed(_)) | None => text,
        }
    }
}

/// The first bytes of a body: enough for a message.
async fn start(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= ERROR_LIMIT {
            body.truncate(ERROR_LIMIT);
            break;
        }
    }
    body
}

/// `base_url` with the place of an endpoint behind its path; a query stays.
fn url(base_url: &str, place: &str) -> Result<Url, HttpError> {
    let wrong = |what: &str| HttpError::Url(format!("the base URL {what}"));
    let mut url = Url::parse(base_url).map_err(|error| wrong(&format!("is not a URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("must begin with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not contain a user name or password"));
    }
    let path = format!("{}/{place}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

/// A client for one server.
///
/// Where nothing is encrypted, no certificates are wanted: loading them takes time, and a system
/// without any has none to load.
///
/// The environment's proxy is used (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`). HTTP/2 is
/// spoken with a server that offers it in its TLS handshake.
fn client(
    url: &Url,
    headers: &HeaderMap,
    limits: &Limits,
    trusted: &[Certificate],
) -> Result<Client, HttpError> {
    let builder = || {
        Client::builder()
            .user_agent(concat!("evalmark/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers.clone())
            // A redirect could carry the key to another host.
            .redirect(redirect::Policy::none())
            .referer(false)
            .tcp_nodelay(true)
            .connect_timeout((limits.timeout / 2).min(CONNECT_TIMEOUT))
            .pool_max_idle_per_host(limits.concurrency)
    };
    let without_certificates = |builder: ClientBuilder| builder.tls_certs_only([]).build();
    let built = match (url.scheme(), is_loopback(url)) {
        ("http", true) => without_certificates(builder().no_proxy()),
        // A proxy may be spoken to in HTTPS.
        ("http", false) => builder().build().or_else(|_| without_certificates(builder())),
        (_, is_local) => {
            let builder = || if is_local { builder().no_proxy() } else { builder() };
            let trusting = || builder().tls_certs_merge(trusted.iter().cloned());
            // A system without any certificates is no obstacle for those who bring their own.
            let only_these = |error| match trusted {
                [] => Err(error),
                trusted => builder().tls_certs_only(trusted.iter().cloned()).build(),
            };
            trusting().build().or_else(only_these)
        }
    };
    built.map_err(|error| HttpError::Client(with_causes(&error)))
}

/// The certificates in a PEM file, at least one.
fn certificates(path: &Path) -> Result<Vec<Certificate>, HttpError> {
    let wrong = |what: String| HttpError::Certificates(format!("{} {what}", path.display()));
    let mut pem = Vec::new();
    let read = open_regular(path).and_then(|file| Ok(file.take(MAX_TEXT).read_to_end(&mut pem)?));
    read.map_err(|error| wrong(error.to_string()))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(wrong("contain no PEM certificate".into())),
        Err(error) => Err(wrong(format!("are no PEM: {}", with_causes(&error)))),
    }
}

/// Whether the server's certificate is what is wrong.
fn is_distrust(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
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

fn headers(key: Option<&Secret>) -> Result<HeaderMap, HttpError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(key) = key {
        let bearer = format!("Bearer {}", key.expose());
        let mut value = HeaderValue::from_str(&bearer).map_err(|_| HttpError::Key)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

/// A proxy could not reach this machine's own servers.
fn is_loopback(url: &Url) -> bool {
    is_this_machine(url)
}

fn too_late(timeout: Duration) -> AttemptError {
    let message = format!("no complete response within {timeout:?}");
    let error = AttemptError::new(ErrorKind::Timeout, message, Retryable::Yes);
    AttemptError { load: Load::Slow, ..error.with_fault_scope(FaultScope::Nobody) }
}

fn redirected(status: StatusCode) -> AttemptError {
    let message = format!(
        "HTTP {status}: redirects are not followed, for they could carry the key elsewhere; \
         set `base_url` to where the server is"
    );
    AttemptError::of_status(status.as_u16(), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_url(base_url: &str, expected: &str) {
        let said = match url(base_url, "chat/completions") {
            Ok(url) => url.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn finds_the_path() {
        check_url("http://h:1/v1", "http://h:1/v1/chat/completions");
        check_url("http://h:1/v1/", "http://h:1/v1/chat/completions");
        check_url("https://h", "https://h/chat/completions");
        check_url("https://h/d?api-version=1", "https://h/d/chat/completions?api-version=1");
        check_url("ftp://h", "the base URL must begin with http:// or https://");
        check_url("h/v1", "the base URL is not a URL: relative URL without a base");
        check_url("http://u:p@h/", "the base URL must not contain a user name or password");
    }

    #[test]
    fn knows_this_machine() {
        let check = |url: &str| Url::parse(url).is_ok_and(|url| is_loopback(&url));
        assert!(
            check("http://127.0.0.1:80/") && check("http://[::1]/") && check("http://localhost")
        );
        assert!(!check("http://example.com/") && !check("http://10.0.0.1/"));
    }
}
