//! Any endpoint, as the suite spells it out: a template of the request, and where the answer stands in
//! the response.

mod body;
mod find;
mod kept;
mod settings;
mod stream;
mod template;

use std::collections::BTreeMap;

use evalmark_core::{
    answer_details::AnswerDetails,
    feature::Feature,
    provider::{CheckedOptions, ExampleModel, ModelOptions, OptionProblem, OptionsKind},
    record::{ErrorKind, FinishReason, Outcome, Usage},
    request::{Request, Task},
};
use evalmark_net::{HeaderMap, HeaderName, HttpRequest, Secret, StatusCode, Url, one_line};
use serde_json::{Value, json};

use self::{
    find::Body,
    settings::{Endpoint, Settings, schema},
};
use super::{
    own_form::{OwnForm, OwnProtocol},
    protocol::{About, Call, HttpReply, Protocol, StreamFormat, Vendor},
};
use crate::{
    failure,
    malformed::unreadable,
    reply::{Answer, AttemptError, FaultScope, Retryable},
    server_sent_events::StreamEvent,
};

pub(crate) struct OwnHttp;

/// The key of a model under which its form stands.
const KEY: &str = "http";

/// What a response should be where a JSONPath leads into it.
const JSON: &str = "JSON document";

/// US dollars for one answer that can be right.
const MOST_USD: f64 = 1e6;

impl Protocol for OwnHttp {
    const ABOUT: About = About {
        name: "http",
        vendors: &[Vendor {
            name: "http",
            summary: "Any endpoint, such as your own application: the suite says what is sent and where the answer stands",
            base_url: None,
            key_variables: &[],
            key_hosts: &[],
            key_header: None,
            takes_tokens: false,
            has_batches: false,
            lacks: &[],
            quirks: &[],
            prices: None,
            first_model: None,
            example_model: ExampleModel {
                more: "\
http:
  url: http://127.0.0.1:3000/chat
  body: { question: '{{ prompt }}' }
  answer: { json: $.answer }",
                ..ExampleModel::named("my-application")
            },
        }],
        paths: &[],
        params: &[],
        reserved: &[],
        output_limits: &["max_tokens"],
        default_output_limit: None,
        knows_all_params: false,
        embeds: false,
        features: &[Feature::Conversation, Feature::Streaming],
        settings: &[],
        limit_headers: &[],
    };

    const OWN_FORM: Option<OwnProtocol> = Some(OwnProtocol {
        kind: OptionsKind { key: KEY, schema, check },
        open: |options, base| Ok(Box::new(Endpoint::open(options, base)?)),
    });

    fn url(base: &Url, call: Call<'_>) -> Option<Url> {
        (call.task == Task::Chat).then(|| base.clone())
    }

    fn request(_request: &Request, _url: Url) -> Result<HttpRequest, AttemptError> {
        Err(unsaid())
    }

    fn read(_reply: &HttpReply<'_>) -> Result<Answer, AttemptError> {
        Err(unsaid())
    }
}

/// A model of this provider that says nothing under `http`, which `check` does not let pass.
fn unsaid() -> AttemptError {
    AttemptError::new(
        ErrorKind::BadRequest,
        "the model does not say under `http` how it is asked".to_owned(),
        Retryable::Never,
    )
}

fn check(of: &ModelOptions<'_>) -> Result<CheckedOptions, Vec<OptionProblem>> {
    let settings = Settings::read(of.options)?;
    let problems = settings.problems(of);
    if !problems.is_empty() {
        return Err(problems);
    }
    let (base_url, tells_cost) = (settings.fixed_url(), settings.tells_cost());
    Ok(CheckedOptions { base_url, tells_cost, program: None })
}

impl Endpoint {
    /// What a body says that the answer costs, as far as that can be right.
    fn cost_in(&self, body: &Body<'_>) -> Option<f64> {
        self.cost_usd.as_ref()?.amount(body).filter(|usd| *usd <= MOST_USD)
    }
}

impl Endpoint {
    /// The headers of a response that metrics look at.
    fn kept(&self, headers: &HeaderMap) -> Option<BTreeMap<String, String>> {
        let value = |name: &HeaderName| {
            let values: Vec<_> = headers
                .get_all(name)
                .iter()
                .map(|v| String::from_utf8_lossy(v.as_bytes()))
                .collect();
            (!values.is_empty()).then(|| (name.as_str().to_owned(), values.join(", ")))
        };
        let kept = || self.kept.headers.iter().filter_map(value).collect();
        (!self.kept.headers.is_empty()).then(kept)
    }
}

impl OwnForm for Endpoint {
    fn request(
        &self,
        request: &Request,
        key: Option<&Secret>,
    ) -> Result<HttpRequest, AttemptError> {
        self.render(request, key)
            .map_err(|problem| AttemptError::new(ErrorKind::BadRequest, problem, Retryable::Never))
    }

    fn problem(&self, request: &Request) -> Option<OptionProblem> {
        self.rendering_problem(request)
    }

    fn address_key(&self) -> &'static str {
        "`url` under `http`, or the model's `base_url`,"
    }

    fn takes(&self, status: StatusCode) -> bool {
        self.kept.statuses.as_ref().is_some_and(|statuses| statuses.holds(status))
    }

    fn read(&self, reply: &HttpReply<'_>) -> Result<Answer, AttemptError> {
        let body = Body::of(reply.body);
        let error = self.error.as_ref().and_then(|error| error.value(&body));
        if let Some(error) = error.filter(failure::is_error) {
            return failure::within_success(&error);
        }
        let output = match &self.answer {
            None => reply.body.to_owned(),
            Some(answer) => answer.text(&body).ok_or_else(|| no_answer(&body, answer.shown()))?,
        };
        let tokens = |find: &Option<find::Find>| find.as_ref()?.count(&body);
        let usage = Usage {
            input_tokens: tokens(&self.input_tokens),
            output_tokens: tokens(&self.output_tokens),
        };
        let details = AnswerDetails {
            cost_usd: self.cost_in(&body),
            status: self.kept.statuses.as_ref().map(|_| reply.status.as_u16()),
            headers: self.kept(reply.headers),
            ..AnswerDetails::default()
        };
        let word = self.finish_reason.as_ref().and_then(|find| find.text(&body));
        Ok(Answer {
            outcome: Outcome::Answered,
            output,
            finish_reason: word.map(finish_reason),
            usage: usage.plausible(),
            details: details.boxed(),
        })
    }

    fn stream(&self) -> Option<&dyn StreamFormat> {
        self.stream.as_ref().map(|form| form as &dyn StreamFormat)
    }

    fn read_events(&self, events: &[StreamEvent]) -> Result<Answer, AttemptError> {
        match &self.stream {
            Some(form) => self.answer_of(form, events),
            None => Err(unsaid()),
        }
    }

    fn read_failure(&self, reply: &HttpReply<'_>) -> Result<Answer, AttemptError> {
        let body = Body::of(reply.body);
        let error = self.error.as_ref().and_then(|error| error.value(&body));
        let status = reply.status.as_u16();
        match error.filter(failure::is_error) {
            Some(error) => failure::read_error(status, &json!({ "error": error }).to_string()),
            None => failure::read_error(status, reply.body),
        }
    }
}

/// A response in which the answer does not stand where the suite says: so will every other one, unless
/// some did.
fn no_answer(body: &Body<'_>, place: &str) -> AttemptError {
    if let Some(error) = body.broken() {
        return unreadable(&error, body.text, JSON);
    }
    let message = one_line(&format!("the response has no answer at `{place}`: {}", body.text));
    AttemptError::new(ErrorKind::Malformed, message, Retryable::Never)
        .with_fault_scope(FaultScope::Endpoint)
}

/// The neutral word, where an application uses another one for it.
fn finish_reason(word: String) -> FinishReason {
    match word.to_lowercase().as_str() {
        "stop" | "end_turn" | "eos" | "done" | "complete" | "completed" => FinishReason::Stop,
        "length" | "max_tokens" => FinishReason::Length,
        _ => word.into(),
    }
}

/// A value as a text: one that is a text as it stands, any other as JSON.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
