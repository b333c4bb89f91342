//! A model's answer as a line: what a span and its events say, under names of its own, so that the suite has to say
//! nothing.

use evalmark_core::logs::{JsonPath, LogField, LogFields};
use serde_json::{Map, Value, json};

use super::{
    conventions::{Exchange, finish_reason, first},
    messages::{Message, plain, unpacked},
    span::{Attributes, Event, Span},
};

/// A model's answer, before it is a line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) trace_id: String,
    pub(super) span_id: String,
    pub(super) name: String,
    /// When it ended: nanoseconds since 1970.
    pub(super) time: u64,
    pub(super) latency_ms: Option<f64>,
    pub(super) error: Option<String>,
    pub(super) attributes: Attributes,
    pub(super) exchange: Exchange,
}

/// Where a line holds what.
pub(super) fn own_fields() -> LogFields {
    let path = |name: &str| JsonPath::parse(&format!("$.{name}")).ok();
    let mut fields = LogFields { columns: path("columns"), ..LogFields::default() };
    for field in LogField::ALL {
        // Right answers come later, and samples are stratified by what the suite says.
        if !matches!(field, LogField::Target | LogField::Stratum) {
            fields.paths[field as usize] = path(field.name());
        }
    }
    fields
}

impl Answer {
    /// What a span says, with its events.
    pub(super) fn of_span(span: Span) -> Self {
        let mut exchange = Exchange::of_attributes(&span.attributes);
        let mut of_events = Exchange::default();
        for event in &span.events {
            of_events.add_event(event);
        }
        if exchange.input.is_empty() {
            exchange.input = of_events.input;
        }
        if !exchange.is_whole() {
            exchange.output = of_events.output.or(exchange.output);
        }
        let took = span.end.checked_sub(span.start).filter(|_| span.start > 0);
        let error = span.has_failed.then(|| failure(&span));
        Self {
            trace_id: span.trace_id,
            span_id: span.id,
            name: span.name,
            time: span.end,
            latency_ms: took.map(|nanoseconds| nanoseconds as f64 / 1e6),
            error,
            attributes: span.attributes,
            exchange,
        }
    }

    /// What an event says that was sent as a log record.
    pub(super) fn of_event(event: Event, exchange: Exchange) -> Self {
        let error = event.attributes.get("error.type").map(plain);
        Self {
            trace_id: event.trace_id,
            span_id: event.span_id,
            name: String::new(),
            time: event.time,
            latency_ms: None,
            error,
            attributes: event.attributes,
            exchange,
        }
    }

    /// Whether it says what became of the call: an answer, or an error.
    pub(super) fn is_whole(&self) -> bool {
        self.error.is_some() || self.exchange.is_whole()
    }

    /// Whether no event can add to it: of a call that failed, too, events may say what was asked.
    pub(super) fn is_complete(&self) -> bool {
        self.exchange.is_whole() || (self.error.is_some() && !self.exchange.input.is_empty())
    }

    /// The line. Attributes are in it where the suite may ask for them.
    pub(super) fn line(&self, with_attributes: Option<&Attributes>) -> Value {
        let attributes = &self.attributes;
        let mut line = Map::new();
        let mut put = |field: LogField, value: Option<Value>| {
            line.extend(value.map(|value| (field.name().to_owned(), value)));
        };
        let number = |keys: &[&str]| first(attributes, keys).cloned();
        if !self.trace_id.is_empty() {
            put(LogField::Id, Some(json!(format!("{}:{}", self.trace_id, self.span_id))));
        }
        put(LogField::Time, (self.time > 0).then(|| json!(self.time)));
        let output = self.exchange.output.as_ref().and_then(Message::answer);
        put(LogField::Output, output.map(Value::String));
        put(LogField::Error, self.error.clone().map(Value::String));
        put(LogField::Model, number(&MODEL));
        put(LogField::InputTokens, number(&INPUT_TOKENS));
        put(LogField::OutputTokens, number(&OUTPUT_TOKENS));
        put(LogField::CostUsd, number(&["llm.cost.total", "gen_ai.usage.cost"]));
        put(LogField::LatencyMs, self.latency_ms.map(Value::from));
        put(LogField::FinishReason, finish_reason(attributes, &self.exchange).map(Value::String));
        put(LogField::Cluster, number(&CLUSTER));
        put(LogField::Prompt, number(&PROMPT));
        put(
            LogField::PromptHash,
            number(&["gen_ai.prompt.version", "llm.prompt_template.version"]),
        );
        line.insert("columns".to_owned(), Value::Object(self.columns()));
        if let Some(resource) = with_attributes {
            line.insert("name".to_owned(), Value::String(self.name.clone()));
            line.insert("attributes".to_owned(), Value::Object(attributes.clone()));
            line.insert("resource".to_owned(), Value::Object(resource.clone()));
        }
        Value::Object(line)
    }

    /// What the prompt was filled in with, and what was asked.
    fn columns(&self) -> Map<String, Value> {
        let variables = self.attributes.get("llm.prompt_template.variables").map(unpacked);
        let mut columns = match variables {
            Some(Value::Object(variables)) => variables,
            _ => Map::new(),
        };
        let input = &self.exchange.input;
        let asked =
            input.iter().rev().find(|message| message.role == "user" || message.role == "human");
        if let Some(asked) = asked.or_else(|| input.last().filter(|one| one.role.is_empty())) {
            columns.entry("input").or_insert_with(|| json!(asked.text));
        }
        if input.len() > 1 {
            let each = input.iter().map(|one| json!({"role": one.role, "content": one.text}));
            columns.entry("messages").or_insert_with(|| each.collect());
        }
        columns
    }
}

const MODEL: [&str; 5] = [
    "gen_ai.response.model",
    "llm.response.model",
    "gen_ai.request.model",
    "llm.model_name",
    "llm.request.model",
];
const INPUT_TOKENS: [&str; 4] = [
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "llm.usage.prompt_tokens",
];
const OUTPUT_TOKENS: [&str; 4] = [
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "llm.usage.completion_tokens",
];
const CLUSTER: [&str; 4] = [
    "gen_ai.conversation.id",
    "session.id",
    "langfuse.session.id",
    "traceloop.association.properties.session_id",
];
const PROMPT: [&str; 3] =
    ["gen_ai.prompt.name", "langfuse.observation.prompt.name", "traceloop.prompt.key"];

/// Why there is no answer.
fn failure(span: &Span) -> String {
    let exception = span.events.iter().find(|event| event.name == "exception");
    let of = |key: &str| {
        let own = span.attributes.get(key);
        own.or_else(|| exception.and_then(|event| event.attributes.get(key))).map(plain)
    };
    let kind = of("error.type").or_else(|| of("exception.type"));
    let message = Some(span.status.clone()).filter(|text| !text.is_empty());
    let message = message.or_else(|| of("exception.message"));
    match (kind, message) {
        (Some(kind), Some(message)) if !message.contains(&kind) => format!("{kind}: {message}"),
        (_, Some(message)) => message,
        (Some(kind), None) => kind,
        (None, None) => "the span has the status of an error".to_owned(),
    }
}
