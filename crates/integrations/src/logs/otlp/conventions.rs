//! What spans say of a model's answer, by the conventions that instrumentations follow: those of OpenTelemetry for
//! generative AI, earlier and later, those of `OpenLLMetry`, and `OpenInference`.

use serde_json::{Map, Value};

use super::{
    messages::{Message, listed, numbered, of_numbered, plain, unpacked},
    span::{Attributes, Event},
};

/// Operations of `gen_ai.operation.name` in which a model answers. An agent's span has the answers of the spans within it.
const ANSWERING: [&str; 4] = ["chat", "text_completion", "generate_content", "completion"];

/// The event that has the content of a whole exchange.
pub(super) const DETAILS: &str = "gen_ai.client.inference.operation.details";

/// What was said to a model, and what it said.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Exchange {
    pub(super) input: Vec<Message>,
    pub(super) output: Option<Message>,
}

/// Whether these are attributes of a model's answer, rather than of a tool, an agent, a chain or anything else.
pub(super) fn is_answer(attributes: &Attributes) -> bool {
    let text = |key: &str| attributes.get(key).and_then(Value::as_str);
    if let Some(operation) = text("gen_ai.operation.name") {
        return ANSWERING.contains(&operation);
    }
    if let Some(kind) = text("openinference.span.kind") {
        return kind.eq_ignore_ascii_case("llm");
    }
    if let Some(kind) = text("llm.request.type") {
        return ANSWERING.contains(&kind);
    }
    if text("traceloop.span.kind").is_some() {
        return false;
    }
    ["gen_ai.request.model", "gen_ai.response.model", "llm.model_name", "llm.request.model"]
        .iter()
        .any(|key| attributes.contains_key(*key))
}

impl Exchange {
    /// Whether there is an answer.
    pub(super) fn is_whole(&self) -> bool {
        self.output.as_ref().and_then(Message::answer).is_some()
    }

    /// What attributes say.
    pub(super) fn of_attributes(attributes: &Attributes) -> Self {
        let mut exchange = Self::default();
        exchange.add_lists(attributes);
        if exchange.input.is_empty() {
            let shapes =
                [("gen_ai.prompt.", ""), ("llm.input_messages.", "message."), ("llm.prompts.", "")];
            exchange.input = first_of(attributes, &shapes);
        }
        if exchange.output.is_none() {
            let shapes = [
                ("gen_ai.completion.", ""),
                ("llm.output_messages.", "message."),
                ("llm.completions.", ""),
            ];
            exchange.output = first_of(attributes, &shapes).into_iter().next();
        }
        if exchange.input.is_empty()
            && let Some(value) = attributes.get("input.value")
        {
            exchange.input =
                vec![Message { role: "user".to_owned(), text: plain(value), ..Message::default() }];
        }
        if !exchange.is_whole()
            && let Some(value) = attributes.get("output.value")
        {
            exchange.output = Some(Message { text: plain(value), ..Message::default() });
        }
        exchange
    }

    /// Lists of messages, and what stands before them.
    fn add_lists(&mut self, attributes: &Attributes) {
        if let Some(value) = attributes.get("gen_ai.system_instructions") {
            let message = Message::new("system", &unpacked(value));
            if !message.text.is_empty() {
                self.input.push(message);
            }
        }
        for key in ["gen_ai.input.messages", "gen_ai.prompt"] {
            self.input.extend(attributes.get(key).map(listed).into_iter().flatten());
        }
        for key in ["gen_ai.output.messages", "gen_ai.completion"] {
            let found = attributes.get(key).map(listed).into_iter().flatten().next();
            self.output = self.output.take().or(found);
        }
    }

    /// Takes in an event, where it is one about messages; answers whether it is.
    pub(super) fn add_event(&mut self, event: &Event) -> bool {
        let name = match event.name.as_str() {
            "" => event.attributes.get("event.name").and_then(Value::as_str).unwrap_or_default(),
            name => name,
        };
        match name {
            DETAILS | "gen_ai.content.prompt" | "gen_ai.content.completion" => {
                let mut of_event = Self::default();
                of_event.add_lists(&event.attributes);
                if let Value::Object(body) = &event.body {
                    of_event.add_lists(body);
                }
                self.take(of_event);
                true
            }
            "gen_ai.choice" => {
                let message = message_of(event);
                // Of several answers to one question, the first counts.
                let index = ["index", "gen_ai.choice.index"].map(|key| found_in(event, key));
                let index = index.into_iter().flatten().find_map(Value::as_u64);
                if index.unwrap_or_default() == 0 {
                    self.output = Some(message);
                }
                true
            }
            _ => {
                let role =
                    name.strip_prefix("gen_ai.").and_then(|name| name.strip_suffix(".message"));
                if let Some(role) = role {
                    let mut message = message_of(event);
                    if message.role.is_empty() {
                        role.clone_into(&mut message.role);
                    }
                    self.input.push(message);
                }
                role.is_some()
            }
        }
    }

    /// What the other has and this one lacks.
    pub(super) fn take(&mut self, other: Self) {
        self.input.extend(other.input);
        self.output = self.output.take().or(other.output);
    }
}

/// The messages of the first of these shapes that there is.
fn first_of(attributes: &Attributes, shapes: &[(&str, &str)]) -> Vec<Message> {
    let found = shapes.iter().map(|(prefix, within)| {
        let each = numbered(attributes, prefix);
        each.iter().map(|values| of_numbered(values, within)).collect::<Vec<_>>()
    });
    found.into_iter().find(|messages| !messages.is_empty()).unwrap_or_default()
}

/// The message of an event: in its body, or in its attributes.
fn message_of(event: &Event) -> Message {
    match &event.body {
        body @ Value::Object(_) => Message::of_object(body),
        Value::String(text) => Message { text: text.clone(), ..Message::default() },
        _ => {
            let mut own = Map::new();
            for key in ["role", "content", "message", "tool_calls", "finish_reason", "parts"] {
                let found = event.attributes.get(key);
                let found = found.or_else(|| event.attributes.get(&format!("gen_ai.event.{key}")));
                own.extend(found.map(|value| (key.to_owned(), value.clone())));
            }
            for key in ["content", "gen_ai.event.content"] {
                // Instrumentations of Azure and LangChain put the whole message there.
                if let Some(Value::String(text)) = event.attributes.get(key)
                    && let Ok(message @ Value::Object(_)) = serde_json::from_str::<Value>(text)
                    && (message.get("content").is_some() || message.get("message").is_some())
                {
                    return Message::of_object(&message);
                }
            }
            Message::of_object(&Value::Object(own))
        }
    }
}

fn found_in<'a>(event: &'a Event, key: &str) -> Option<&'a Value> {
    event.body.get(key).or_else(|| event.attributes.get(key))
}

/// The first of these attributes that there is.
pub(super) fn first<'a>(attributes: &'a Attributes, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().filter_map(|key| attributes.get(*key)).find(|value| !value.is_null())
}

/// Why an answer ended, in one word for all providers.
pub(super) fn finish_reason(attributes: &Attributes, exchange: &Exchange) -> Option<String> {
    const KEYS: [&str; 6] = [
        "gen_ai.response.finish_reasons",
        "gen_ai.response.finish_reason",
        "llm.finish_reason",
        "llm.response.finish_reason",
        "llm.response.stop_reason",
        "gen_ai.response.stop_reason",
    ];
    let of_attributes = first(attributes, &KEYS).map(unpacked).and_then(|value| match value {
        Value::Array(list) => list.first().map(plain),
        Value::Null => None,
        one => Some(plain(&one)),
    });
    let of_message = || exchange.output.as_ref().and_then(|message| message.finish_reason.clone());
    let word = of_attributes.or_else(of_message)?.to_ascii_lowercase();
    Some(match word.as_str() {
        "" => return None,
        "end_turn" | "stop_sequence" | "finishreason.stop" => "stop".to_owned(),
        "max_tokens" | "finishreason.max_tokens" => "length".to_owned(),
        "tool_call" | "tool_use" | "function_call" => "tool_calls".to_owned(),
        "safety" | "guardrail_intervened" | "content_filtered" => "content_filter".to_owned(),
        _ => word,
    })
}
