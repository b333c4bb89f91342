//! What stands under `http.stream`: how the pieces of an answer follow each other, and where they stand.

use evalmark_core::{
    answer_details::AnswerDetails,
    provider::OptionProblem,
    record::{Outcome, Usage},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    find::{Body, Find, RawFind},
    finish_reason,
    settings::Endpoint,
};
use crate::{
    failure,
    malformed::misshapen,
    providers::{
        Framing, StreamFormat,
        broken_stream::{cut_off, unreadable_event},
    },
    reply::{Answer, AttemptError, FaultScope},
    server_sent_events::StreamEvent,
};

/// What a stream should have been.
const STREAM: &str = "stream of the kind that `http` tells of";

/// How the pieces of an answer come. `usage`, `finish_reason` and `error` are looked for in each event.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStream {
    /// How events follow each other; default: `events`.
    #[serde(default)]
    format: RawFormat,
    /// Where a piece of the answer stands in an event.
    delta: RawFind,
    /// JSONPath of what only the last event has; what is `false` or null there says nothing. Default: an event
    /// `[DONE]`, or the end of the response.
    #[serde(default)]
    done: Option<String>,
}

/// How events follow each other.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum RawFormat {
    /// Server-sent events.
    #[default]
    Events,
    /// JSON, one line each.
    JsonLines,
}

/// The same, compiled.
#[derive(Debug)]
pub(super) struct StreamForm {
    framing: Framing,
    delta: Find,
    done: Option<Find>,
}

impl RawStream {
    /// Compiles it.
    pub(super) fn compile(&self) -> Result<StreamForm, OptionProblem> {
        let done = self.done.as_ref().map(|path| Find::path(path, "/stream/done"));
        Ok(StreamForm {
            framing: match self.format {
                RawFormat::Events => Framing::ServerSentEvents,
                RawFormat::JsonLines => Framing::JsonLines,
            },
            delta: self.delta.compile("/stream/delta")?,
            done: done.transpose()?,
        })
    }
}

impl StreamForm {
    /// Whether an event says that it is the last one.
    fn ends(&self, body: &Body<'_>) -> bool {
        let value = self.done.as_ref().and_then(|done| done.value(body));
        value.is_some_and(|value| value != Value::Bool(false))
    }
}

impl StreamFormat for StreamForm {
    fn framing(&self) -> Framing {
        self.framing
    }

    fn holds_text(&self, event: &StreamEvent) -> bool {
        let piece = self.delta.text(&Body::of(&event.data));
        !event.is_done() && piece.is_some_and(|text| !text.is_empty())
    }

    fn is_last(&self, event: &StreamEvent) -> bool {
        event.is_done() || self.ends(&Body::of(&event.data))
    }
}

impl Endpoint {
    /// The answer that the events of a stream add up to.
    pub(super) fn answer_of(
        &self,
        form: &StreamForm,
        events: &[StreamEvent],
    ) -> Result<Answer, AttemptError> {
        let mut told = Told::default();
        for event in events {
            if event.is_done() {
                told.is_over = true;
                break;
            }
            let body = Body::of(&event.data);
            let error = self.error.as_ref().and_then(|error| error.value(&body));
            if let Some(error) = error.filter(failure::is_error) {
                return failure::within_success(&error);
            }
            if let Some(piece) = form.delta.text(&body) {
                told.output.get_or_insert_default().push_str(&piece);
            }
            told.take(self, &body);
            let is_text = !event.data.trim_start().starts_with(['{', '[']);
            if !is_text && body.broken().is_some() {
                return Err(unreadable_event(&event.data));
            }
            if form.ends(&body) {
                told.is_over = true;
                break;
            }
        }
        if form.done.is_some() && !told.is_over {
            return Err(cut_off());
        }
        let Some(output) = told.output else { return Err(no_piece(form, events)) };
        Ok(Answer {
            outcome: Outcome::Answered,
            output,
            finish_reason: told.why.map(finish_reason),
            usage: told.usage.plausible(),
            details: AnswerDetails { cost_usd: told.cost_usd, ..AnswerDetails::default() }.boxed(),
        })
    }
}

/// What the events so far tell.
#[derive(Default)]
struct Told {
    output: Option<String>,
    why: Option<String>,
    usage: Usage,
    cost_usd: Option<f64>,
    is_over: bool,
}

impl Told {
    /// The last counts and reason are those of the answer.
    fn take(&mut self, endpoint: &Endpoint, body: &Body<'_>) {
        self.cost_usd = endpoint.cost_in(body).or(self.cost_usd);
        let find = |find: &Option<Find>| find.as_ref()?.count(body);
        let Usage { input_tokens, output_tokens } = &mut self.usage;
        *input_tokens = find(&endpoint.input_tokens).or(*input_tokens);
        *output_tokens = find(&endpoint.output_tokens).or(*output_tokens);
        let why = endpoint.finish_reason.as_ref().and_then(|find| find.text(body));
        self.why = why.or(self.why.take());
    }
}

/// A stream in which no piece stands where the suite says: so will every other one, unless some did.
fn no_piece(form: &StreamForm, events: &[StreamEvent]) -> AttemptError {
    let first = events.first().map_or("", |event| event.data.as_str());
    let message =
        format!("no event holds a piece at `{}`; the first one is {first}", form.delta.shown());
    misshapen(STREAM, &message).with_fault_scope(FaultScope::Endpoint)
}

#[cfg(test)]
mod tests;
