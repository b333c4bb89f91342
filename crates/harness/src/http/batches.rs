//! Exchanges with a batch API. They are the account's rather than a request's: they take no permit and
//! tell nothing of limits.

use std::time::Duration;

use evalmark_core::{
    record::{ErrorKind, Failure},
    request::Request,
};
use evalmark_net::{HeaderMap, HttpRequest, HttpResponse, StatusCode, Url, retry_after};

use super::{ERROR_LIMIT, Http, too_late, unsigned};
use crate::{
    json_repair,
    keys::{Signer, Tries},
    providers::{HttpReply, Speaker, batch_wire::BatchWire},
    reply::{Answer, AttemptError, FaultScope, Retryable},
};

impl Http {
    /// The batch API of its protocol.
    pub(crate) fn batch_wire(&self) -> Option<&'static dyn BatchWire> {
        self.speaker.batches
    }

    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// The body that a request has when it is asked by itself.
    pub(crate) fn body_of(&self, request: &Request) -> Result<Vec<u8>, AttemptError> {
        let made = (self.speaker.request)(request, self.chat.clone());
        made.map(|request| request.body).map_err(|error| self.told(error))
    }

    /// Sends what `request` makes, and reads the body of a success.
    pub(crate) async fn batch_step(
        &self,
        request: impl Fn() -> HttpRequest,
        timeout: Duration,
    ) -> Result<String, AttemptError> {
        let exchange = async {
            let response = self.opened(request).await?;
            let body = response.body(self.response_limit).await;
            self.text(body.map_err(|error| self.told(self.broken(&error)))?)
        };
        match tokio::time::timeout(timeout, exchange).await {
            Ok(result) => result,
            Err(_) => Err(too_late(timeout)),
        }
    }

    /// Sends what `request` makes; the body of the response, a success, is not read yet.
    pub(crate) async fn open_results(
        &self,
        request: impl Fn() -> HttpRequest,
        timeout: Duration,
    ) -> Result<HttpResponse, AttemptError> {
        match tokio::time::timeout(timeout, self.opened(request)).await {
            Ok(result) => result,
            Err(_) => Err(too_late(timeout)),
        }
    }

    /// The next piece of results, which must come within `timeout`.
    pub(crate) async fn next_piece(
        &self,
        response: &mut HttpResponse,
        timeout: Duration,
    ) -> Result<Option<Vec<u8>>, AttemptError> {
        match tokio::time::timeout(timeout, response.chunk()).await {
            Ok(piece) => piece.map_err(|error| self.told(self.broken(&error))),
            Err(_) => Err(too_late(timeout)),
        }
    }

    /// A whole body that is compressed.
    pub(crate) async fn whole_results(
        &self,
        response: HttpResponse,
        limit: usize,
    ) -> Result<Vec<u8>, AttemptError> {
        response.body(limit).await.map_err(|error| self.told(self.broken(&error)))
    }

    /// A line of results as text, without the key.
    pub(crate) fn line(&self, line: Vec<u8>) -> Option<String> {
        Some(self.redact(json_repair::text(line).ok()?))
    }

    pub(crate) fn response_limit(&self) -> usize {
        self.response_limit
    }

    /// What the result of one request in a batch means, read as if the request had been asked by itself.
    pub(crate) fn batch_answer(
        &self,
        status: u16,
        body: &str,
        request: &Request,
    ) -> Result<Answer, AttemptError> {
        let Ok(status) = StatusCode::from_u16(status) else {
            let message = "a result of the batch has a status that is none".to_owned();
            return Err(AttemptError::new(ErrorKind::Malformed, message, Retryable::Never));
        };
        let headers = HeaderMap::new();
        let reply = HttpReply { status, headers: &headers, body, request };
        let Speaker { read, read_failure, hint, .. } = self.speaker;
        let read = if status.is_success() { read(&reply) } else { read_failure(&reply) };
        match read {
            Ok(answer) => Ok(self.redacted(answer)),
            Err(mut error) => {
                if let Some(hint) = hint(&error, &reply, &self.chat) {
                    error.failure.message = format!("{} ({hint})", error.failure.message);
                }
                Err(self.told(error))
            }
        }
    }

    /// The head of a successful response.
    async fn opened(
        &self,
        request: impl Fn() -> HttpRequest,
    ) -> Result<HttpResponse, AttemptError> {
        let (mut tries, mut last) = (Tries::default(), None);
        loop {
            let signer = self.keys.take_first(&mut tries, last.take()).await;
            let signer = signer.map_err(|error| self.told(error))?;
            match self.opened_with(request(), signer.as_ref()).await {
                Ok(response) => return Ok(response),
                Err(error) if self.keys.has_expired(signer.as_ref(), &tries, &error) => {
                    last = Some(error);
                }
                Err(error) => return Err(self.told(error)),
            }
        }
    }

    async fn opened_with(
        &self,
        mut request: HttpRequest,
        signer: Option<&Signer>,
    ) -> Result<HttpResponse, AttemptError> {
        for (name, value) in &self.headers {
            request.headers.insert(name.clone(), value.clone());
        }
        if let Some(signer) = signer.map(Signer::as_sign) {
            if let Some(refresh) = signer.refresh() {
                refresh.await.map_err(|error| unsigned(&error))?;
            }
            signer.sign(&mut request, (self.now)()).map_err(|error| unsigned(&error))?;
        }
        // A creation that goes out twice would be bought twice.
        let response = self.client.send_once(request).await.map_err(|error| self.broken(&error))?;
        let (status, wait) = (response.status(), retry_after(response.headers(), (self.now)()));
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            return Err(AttemptError { wait, ..AttemptError::redirected(status, "`base_url`") });
        }
        let headers = response.headers().clone();
        let body = response.beginning(ERROR_LIMIT).await;
        let body = self.redact(String::from_utf8_lossy(&body).into_owned());
        Err(AttemptError { wait, ..self.refusal(status, &headers, &body) })
    }

    /// What an error status of the batch API means.
    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: &str) -> AttemptError {
        let request = Request::chat("".into(), [], std::sync::Arc::default(), 0);
        let reply = HttpReply { status, headers, body, request: &request };
        match (self.speaker.read_failure)(&reply) {
            Err(error) => error,
            // A content filter over a whole batch.
            Ok(answer) => {
                let message = format!("HTTP {status}: {}", answer.output);
                AttemptError::new(ErrorKind::BadRequest, message, Retryable::Never)
                    .with_fault_scope(FaultScope::Endpoint)
            }
        }
    }

    fn told(&self, error: AttemptError) -> AttemptError {
        let Failure { kind, message } = error.failure;
        AttemptError { failure: self.described(Failure { kind, message }), ..error }
    }
}
