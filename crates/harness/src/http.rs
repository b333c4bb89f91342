//! One HTTP exchange with a provider: bounded in time and size, its troubles described, the key
//! neither sent elsewhere nor ever shown.

mod batches;
mod opening;
mod optional_field;
mod streamed;

use std::time::{Duration, SystemTime};

use evalmark_core::{
    key_hosts::is_this_machine,
    model::{Model, ModelServer},
    record::{ErrorKind, Failure, FinishReason},
    request::{Request, Task},
};
use evalmark_net::{
    ClientError, ClientOptions, DecodeError, ExchangeError, HeaderMap, HeaderName, HeaderValue,
    HttpClient, HttpRequest, HttpResponse, SignError, StatusCode, Url, one_line, retry_after,
};
use tokio::time::Instant;

use self::opening::{base, certificates, client_error, own_form, setting_headers};
use self::optional_field::OptionalField;
#[cfg(test)]
pub(crate) use self::streamed::streamed_body;
use self::streamed::{Streamed, StreamedBody, StreamedError, Times};
use crate::{
    congestion::{Load, Quota},
    json_repair,
    keys::{After, KeyRing, Keys, Signer, Tries},
    providers::{Call, HttpReply, OwnForm, Speaker, StreamFormat, Vendor, limit_headers},
    reply::{Answer, AttemptError, FaultScope, Reply, Retryable},
    request_runtime::RequestRuntime,
    server_sent_events::StreamEvent,
    tuning::Tuning,
};

/// How long to wait for a connection, at most; and never longer than half an attempt, so that
/// what is unreachable is not taken for slow.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Of a response that is no success, this much is read: enough for its message.
const ERROR_LIMIT: usize = 64 << 10;

/// Time for a try with another key, however much the first one took.
const LEAST_TIME: Duration = Duration::from_millis(1);

/// A server, the protocol that it speaks, and how to reach it.
#[derive(Debug)]
pub(crate) struct Http {
    client: HttpClient,
    speaker: &'static Speaker,
    base: Url,
    /// How models are asked, where the suite says so.
    own_form: Option<Box<dyn OwnForm>>,
    /// Where conversations go, and texts for embeddings where the protocol has those.
    chat: Url,
    chat_streamed: Url,
    embeddings: Option<Url>,
    /// Headers that the suite's settings become.
    headers: Vec<(HeaderName, HeaderValue)>,
    keys: KeyRing,
    optional_field: OptionalField,
    response_limit: usize,
    now: fn() -> SystemTime,
}

/// A base URL or key that no request can be made with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("{0}")]
    Url(String),
    #[error("the protocol `{0}` does not support conversations")]
    NoChat(&'static str),
    #[error(transparent)]
    Key(#[from] SignError),
    #[error("`{0}`: {1}")]
    Form(&'static str, String),
    #[error("the certificates {0}")]
    Certificates(String),
    #[error("{0}")]
    Client(ClientError),
}

impl Http {
    pub(crate) fn open(
        (speaker, vendor): (&'static Speaker, &'static Vendor),
        server: &ModelServer,
        keys: Keys,
        Model { model, limits, ca_file, .. }: &Model,
        network: &RequestRuntime,
    ) -> Result<Self, HttpError> {
        let base = base(&server.base_url)?;
        let headers = setting_headers(speaker, server)?;
        let url = |task, is_streamed| (speaker.url)(&base, Call { model, task, is_streamed });
        let no_chat = || HttpError::NoChat(speaker.about.name);
        let chat = url(Task::Chat, false).ok_or_else(no_chat)?;
        let chat_streamed = url(Task::Chat, true).ok_or_else(no_chat)?;
        let embeddings = url(Task::Embedding, false);
        let own_form = own_form(speaker, server, &base)?;
        let chain = speaker.chain.filter(|chain| chain.stands_for(server));
        let keys = match (keys, chain) {
            (Keys::None, Some(chain)) => {
                let region = server.region.as_deref();
                KeyRing::chain(chain.signer(region, &base, network.credentials())?)
            }
            (keys, _) => KeyRing::new(keys, (speaker, vendor))?,
        };
        let trusted = ca_file.as_deref().map(certificates).transpose()?;
        let client = HttpClient::open(&ClientOptions {
            url: &chat,
            is_local: is_this_machine(&chat),
            connect_timeout: (limits.timeout / 2).min(CONNECT_TIMEOUT),
            idle_connections: limits.concurrency,
            trusted: trusted.as_deref(),
        })
        .map_err(|error| client_error(error, ca_file.as_deref()))?;
        let Tuning { response_limit, now, .. } = **network.tuning();
        Ok(Self {
            client,
            speaker,
            base,
            own_form,
            chat,
            chat_streamed,
            embeddings,
            headers,
            keys,
            optional_field: OptionalField::default(),
            response_limit,
            now,
        })
    }

    /// Its connections.
    pub(crate) fn client(&self) -> HttpClient {
        self.client.clone()
    }

    /// Sends one request and reads what comes back, within `timeout`. A request usually uses
    /// `tokens`. A refusal of one key is no end where there is another: nothing was bought.
    pub(crate) async fn ask(&self, request: &Request, timeout: Duration, tokens: u64) -> Reply {
        let (mut tries, mut last, mut left) = (Tries::default(), None, timeout);
        loop {
            let signer = match self.keys.take(&mut tries, last.take()).await {
                Ok(signer) => signer,
                Err(error) => return self.replied(Err(error), None),
            };
            let (mut quota, begun) = (None, Instant::now());
            let exchange = self.exchange(request, signer.as_ref(), tokens, &mut quota);
            let mut result = match tokio::time::timeout(left, exchange).await {
                Ok(result) => result,
                Err(_) => Err(too_late(timeout)),
            };
            left = left.saturating_sub(begun.elapsed()).max(LEAST_TIME);
            match self.keys.ended(signer.as_ref(), &tries, &mut result, quota) {
                After::Stands(quota) => return self.replied(result, quota),
                After::TryAnother => last = result.err(),
            }
        }
    }

    /// What came back, without the keys.
    fn replied(&self, result: Result<Answer, AttemptError>, quota: Option<Quota>) -> Reply {
        let result = match result {
            Ok(answer) => Ok(self.redacted(answer)),
            Err(error) => Err(AttemptError { failure: self.described(error.failure), ..error }),
        };
        Reply { result, quota }
    }

    /// Sends a request, and once more without what the server turns out not to know.
    async fn exchange(
        &self,
        request: &Request,
        signer: Option<&Signer>,
        tokens: u64,
        quota: &mut Option<Quota>,
    ) -> Result<Answer, AttemptError> {
        let was_refused = self.optional_field.is_refused();
        let result = self.exchange_once(request, signer, tokens, quota).await;
        let is_new = !was_refused && self.optional_field.is_refused();
        match result {
            Err(error) if is_new && error.failure.kind == ErrorKind::BadRequest => {
                self.exchange_once(request, signer, tokens, quota).await
            }
            result => result,
        }
    }

    async fn exchange_once(
        &self,
        request: &Request,
        signer: Option<&Signer>,
        tokens: u64,
        quota: &mut Option<Quota>,
    ) -> Result<Answer, AttemptError> {
        let begun = Instant::now();
        let url = match request.task {
            Task::Chat if self.streaming(request).is_some() => &self.chat_streamed,
            Task::Chat => &self.chat,
            Task::Embedding => self.embeddings.as_ref().ok_or_else(|| self.no_embeddings())?,
        };
        let sent = self.outgoing(request, url, signer).await?;
        let response = self.client.send(sent).await.map_err(|error| self.broken(&error))?;
        let now = (Instant::now(), self.now);
        *quota = Quota::read(response.headers(), limit_headers(), tokens as f64, now);
        let (status, wait) = (response.status(), retry_after(response.headers(), (self.now)()));
        if status.is_redirection() {
            let key = self.own_form.as_ref().map_or("`base_url`", |form| form.address_key());
            return Err(AttemptError { wait, ..AttemptError::redirected(status, key) });
        }
        let is_answer = self.is_answer(status);
        // Those of a success are of use to a form of one's own alone.
        let is_used = !is_answer || self.own_form.is_some();
        let headers = if is_used { response.headers().clone() } else { HeaderMap::new() };
        let (body, times) = if is_answer {
            self.body(response, request).await?
        } else {
            // The status counts, whatever becomes of the body.
            let body = response.beginning(ERROR_LIMIT).await;
            let body = self.redact(String::from_utf8_lossy(&body).into_owned());
            self.optional_field.learn(status, &body, self.optional_field_of(request));
            (Received::Body(body), Times::default())
        };
        let (body, events) = match body {
            Received::Body(body) => (body, Vec::new()),
            Received::Events(events) => (String::new(), events),
        };
        let reply = HttpReply { status, headers: &headers, body: &body, request };
        let Speaker { read, read_failure, hint, .. } = self.speaker;
        let read = match (&self.own_form, is_answer) {
            (None, true) => read(&reply),
            (None, false) => read_failure(&reply),
            (Some(form), true) if !events.is_empty() => form.read_events(&events),
            (Some(form), true) => form.read(&reply),
            (Some(form), false) => form.read_failure(&reply),
        };
        let read = read.map(|answer| times.added_to(answer, begun));
        read.map_err(|mut error| {
            if let Some(hint) = hint(&error, &reply, url) {
                error.failure.message = format!("{} ({hint})", error.failure.message);
            }
            AttemptError { wait: wait.or(error.wait), ..error }
        })
    }

    /// Whether a response of this status is an answer: a success, and what the suite takes for one.
    fn is_answer(&self, status: StatusCode) -> bool {
        let is_taken = |form: &dyn OwnForm| form.takes(status);
        status.is_success() || self.own_form.as_deref().is_some_and(is_taken)
    }

    /// A request in the protocol's form, signed.
    async fn outgoing(
        &self,
        request: &Request,
        url: &Url,
        signer: Option<&Signer>,
    ) -> Result<HttpRequest, AttemptError> {
        let mut sent = match &self.own_form {
            Some(form) => form.request(request, signer.and_then(Signer::key))?,
            None => (self.speaker.request)(request, url.clone())?,
        };
        for (name, value) in &self.headers {
            sent.headers.insert(name.clone(), value.clone());
        }
        sent.body = self.optional_field.left_out(sent.body, self.optional_field_of(request));
        // A form of one's own has a place for the key.
        let signer = signer.filter(|_| self.own_form.is_none());
        if let Some(signer) = signer.map(Signer::as_sign) {
            if let Some(refresh) = signer.refresh() {
                refresh.await.map_err(|error| unsigned(&error))?;
            }
            signer.sign(&mut sent, (self.now)()).map_err(|error| unsigned(&error))?;
        }
        Ok(sent)
    }

    /// The body of a success, without the key: what a stream adds up to, and when its pieces came.
    async fn body(
        &self,
        response: HttpResponse,
        request: &Request,
    ) -> Result<(Received, Times), AttemptError> {
        let Some(streaming) = self.streaming(request) else {
            let body = response.body(self.response_limit).await;
            let body = body.map_err(|error| self.broken(&error))?;
            return Ok((Received::Body(self.text(body)?), Times::default()));
        };
        let streamed = streamed::read(response, streaming, self.response_limit).await;
        let Streamed { body, times } = streamed.map_err(|error| match error {
            StreamedError::Exchange(error) => self.broken(&error),
            StreamedError::CutOff(error) => error,
        })?;
        let body = match body {
            StreamedBody::Whole(body) => self.text(body)?,
            StreamedBody::Events(events) => match &self.speaker.streaming {
                Some(streaming) => self.redact((streaming.assemble)(&events)?),
                None => return Ok((Received::Events(events), times)),
            },
        };
        Ok((Received::Body(body), times))
    }

    /// How the answer to a request is streamed, if it is.
    fn streaming(&self, request: &Request) -> Option<&dyn StreamFormat> {
        if !request.is_streamed || request.task != Task::Chat {
            return None;
        }
        match &self.own_form {
            Some(form) => form.stream(),
            None => self.speaker.streaming.as_ref().map(|streaming| streaming as &dyn StreamFormat),
        }
    }

    /// The field of a request that the server need not know; `None` where the suite itself sets it.
    fn optional_field_of(&self, request: &Request) -> Option<&'static str> {
        self.streaming(request)?;
        let name = self.speaker.streaming.as_ref()?.optional_field?;
        (!request.params.contains_key(name)).then_some(name)
    }

    /// The body as text, without the key: servers echo what they were sent.
    fn text(&self, body: Vec<u8>) -> Result<String, AttemptError> {
        let text = json_repair::text(body).map_err(|error| {
            let message = format!("the response is not UTF-8: {}", error.utf8_error());
            AttemptError::new(ErrorKind::Malformed, message, Retryable::Yes)
        })?;
        Ok(self.redact(text))
    }

    fn no_embeddings(&self) -> AttemptError {
        let message =
            format!("the protocol `{}` does not support embeddings", self.speaker.about.name);
        AttemptError::new(ErrorKind::BadRequest, message, Retryable::Never)
            .with_fault_scope(FaultScope::Endpoint)
    }

    /// What a failed exchange means.
    fn broken(&self, error: &ExchangeError) -> AttemptError {
        let message = one_line(&self.redact(error.to_string()));
        let (kind, retryable, fault_scope) = match error {
            ExchangeError::NoConnection { .. } | ExchangeError::Broken { .. } => {
                (ErrorKind::Connection, Retryable::Yes, FaultScope::Endpoint)
            }
            // A certificate that is not trusted now is not trusted in a second, either.
            ExchangeError::Distrusted { .. } => {
                (ErrorKind::Connection, Retryable::Never, FaultScope::Endpoint)
            }
            ExchangeError::TooLarge { .. } => {
                (ErrorKind::TooLarge, Retryable::Never, FaultScope::Request)
            }
            ExchangeError::Compressed(DecodeError::Unknown(_)) => {
                (ErrorKind::Malformed, Retryable::Never, FaultScope::Endpoint)
            }
            ExchangeError::Compressed(DecodeError::Broken(_)) => {
                (ErrorKind::Malformed, Retryable::Yes, FaultScope::Request)
            }
        };
        AttemptError::new(kind, message, retryable).with_fault_scope(fault_scope)
    }

    /// An answer in which the key, escaped in ways that only JSON undoes, is hidden too.
    fn redacted(&self, answer: Answer) -> Answer {
        if !self.keys.has_keys() {
            return answer;
        }
        let redact = |reason: FinishReason| self.redact(reason.into()).into();
        let finish_reason = answer.finish_reason.map(redact);
        let mut details = answer.details;
        if let Some(details) = &mut details {
            details.change_texts(&|text| self.redact(text));
        }
        Answer { output: self.redact(answer.output), finish_reason, details, ..answer }
    }

    fn described(&self, failure: Failure) -> Failure {
        Failure { message: self.redact(failure.message), ..failure }
    }

    fn redact(&self, text: String) -> String {
        self.keys.redact(text)
    }
}

/// The body of a success, as far as the protocol reads it by itself.
enum Received {
    /// One as it comes without streaming.
    Body(String),
    /// Events that a form of one's own reads.
    Events(Vec<StreamEvent>),
}

/// A signature that could not be made, for want of what to sign with.
fn unsigned(error: &SignError) -> AttemptError {
    AttemptError::new(ErrorKind::NoCredentials, error.to_string(), Retryable::Never)
        .with_fault_scope(FaultScope::Key)
}

fn too_late(timeout: Duration) -> AttemptError {
    let message = format!("no complete response within {timeout:?}");
    let error = AttemptError::new(ErrorKind::Timeout, message, Retryable::Yes);
    AttemptError { load: Load::Slow, ..error.with_fault_scope(FaultScope::Nobody) }
}
