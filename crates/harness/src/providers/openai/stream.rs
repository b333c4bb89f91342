//! An event stream, put together into the response that would have come without streaming.

mod calls;

use serde_json::{Map, Value, json};

use self::calls::StreamedCalls;
use crate::{
    failure::is_error,
    providers::{
        broken_stream::{cut_off, unreadable_event, without_reason},
        reported_logprobs::go_on,
    },
    reply::AttemptError,
    server_sent_events::{StreamEvent, events},
};

/// Why a stream is no response.
#[derive(Debug, PartialEq)]
pub(crate) enum StreamError {
    /// It ends before it says that it does.
    CutOff,
    /// It says that it ends, and not why the answer does.
    WithoutReason,
    /// It reports an error.
    Failed(Value),
    /// An event is no JSON: this one.
    Unreadable(String),
}

/// Whether an event holds a piece of text, of reasoning, or of a tool call.
pub(crate) fn holds_text(event: &StreamEvent) -> bool {
    let says = |value: &Value| match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(object) => !object.is_empty(),
        _ => false,
    };
    let holds = |choice: &Value| {
        let delta = choice["delta"].as_object().or_else(|| choice["message"].as_object());
        delta.is_some_and(|delta| delta.iter().any(|(name, value)| name != "role" && says(value)))
    };
    let json = event.json().unwrap_or_default();
    json["choices"].as_array().is_some_and(|choices| choices.iter().any(holds))
}

/// Whether nothing comes after an event.
pub(crate) fn is_last(event: &StreamEvent) -> bool {
    event.is_done() || event.name == "error" || event.data.starts_with("{\"error\"")
}

/// The response that a stream which was asked for adds up to; an error in its middle is one in a
/// response.
pub(crate) fn assemble(events: &[StreamEvent]) -> Result<String, AttemptError> {
    added_up(events).or_else(|error| match error {
        StreamError::CutOff => Err(cut_off()),
        StreamError::WithoutReason => Err(without_reason("finish_reason")),
        StreamError::Unreadable(data) => Err(unreadable_event(&data)),
        StreamError::Failed(error) => Ok(json!({ "error": error }).to_string()),
    })
}

/// The response that a stream adds up to which nobody asked for, as JSON.
pub(crate) fn assembled(body: &str) -> Result<String, StreamError> {
    if let Some(json) = after_remarks(body) {
        return Ok(json.to_owned());
    }
    let (events, is_cut) = events(body);
    match added_up(&events) {
        Err(StreamError::CutOff) if is_cut => Err(StreamError::Unreadable(String::new())),
        result => result,
    }
}

/// A response that is no stream, but stands behind remarks that kept the connection alive.
fn after_remarks(body: &str) -> Option<&str> {
    let mut rest = body.trim_start();
    while rest.starts_with(':') {
        rest = rest.split_once('\n')?.1.trim_start();
    }
    rest.starts_with('{').then_some(rest)
}

fn added_up(events: &[StreamEvent]) -> Result<String, StreamError> {
    let mut response = Assembled::default();
    for event in events {
        match event.data.trim() {
            "" => {}
            // Whatever comes behind it belongs to no answer.
            _ if event.is_done() => {
                response.is_done = true;
                break;
            }
            data => {
                let json = event.json().ok_or_else(|| StreamError::Unreadable(data.to_owned()))?;
                response.take(&event.name, json)?;
            }
        }
    }
    response.finish()
}

/// What the events so far add up to.
#[derive(Default)]
struct Assembled {
    /// Texts by field: content, refusal, reasoning.
    texts: Map<String, Value>,
    calls: StreamedCalls,
    /// Of the first choice: whatever its events say besides.
    choice: Map<String, Value>,
    usage: Option<Value>,
    /// Who answered, as the events say.
    server: Map<String, Value>,
    /// A response that came whole, as an event of its own.
    whole: Option<Value>,
    is_done: bool,
}

impl Assembled {
    fn take(&mut self, name: &str, mut event: Value) -> Result<(), StreamError> {
        if name == "error" {
            return Err(StreamError::Failed(event));
        }
        let Some(object) = event.as_object_mut() else { return Ok(()) };
        if let Some(error) = object.remove("error").filter(is_error) {
            return Err(StreamError::Failed(error));
        }
        if let Some(usage) = object.remove("usage").filter(|usage| !usage.is_null()) {
            self.usage = Some(usage);
        }
        for name in ["model", "system_fingerprint"] {
            if let Some(said) = object.remove(name).filter(Value::is_string) {
                self.server.insert(name.into(), said);
            }
        }
        let Some(Value::Array(choices)) = object.remove("choices") else {
            // Neither a part of an answer nor an error by name.
            let says_more = ["detail", "message"].iter().any(|field| object.contains_key(*field));
            return if says_more { Err(StreamError::Failed(event)) } else { Ok(()) };
        };
        let is_first = |choice: &Value| choice["index"].as_u64().unwrap_or(0) == 0;
        for mut choice in choices.into_iter().filter(is_first) {
            if choice.get("message").is_some_and(Value::is_object) {
                self.whole = Some(choice);
                continue;
            }
            let delta = choice.get_mut("delta").map(Value::take);
            self.add_choice(choice);
            if let Some(Value::Object(delta)) = delta {
                self.add_delta(delta);
            }
        }
        Ok(())
    }

    fn add_choice(&mut self, choice: Value) {
        let Value::Object(mut choice) = choice else { return };
        if let Some(logprobs) = choice.remove("logprobs").filter(|logprobs| !logprobs.is_null()) {
            go_on(self.choice.entry("logprobs").or_insert_with(|| json!({})), logprobs);
        }
        let kept = ["finish_reason", "native_finish_reason", "error"];
        let said = choice
            .into_iter()
            // Some servers say of each part that it ends for no reason.
            .filter(|(name, value)| {
                kept.contains(&name.as_str()) && !value.is_null() && *value != ""
            });
        self.choice.extend(said);
    }

    fn add_delta(&mut self, delta: Map<String, Value>) {
        for (field, value) in delta {
            match value {
                Value::String(text) if field != "role" => self.add_text(field, text),
                Value::Array(calls) if field == "tool_calls" => {
                    for call in &calls {
                        self.calls.add(call);
                    }
                }
                Value::Array(parts) => self.add_parts(field, parts),
                Value::Object(call) if field == "function_call" => self.add_function_call(call),
                _ => {}
            }
        }
    }

    fn add_text(&mut self, field: String, text: String) {
        match self.texts.get_mut(&field) {
            Some(Value::String(all)) => all.push_str(&text),
            // Texts that go on with parts are parts, too.
            Some(Value::Array(all)) => all.push(json!({ "type": "text", "text": text })),
            Some(_) => {}
            None => drop(self.texts.insert(field, text.into())),
        }
    }

    /// Contents in parts, as some servers tell reasoning and text apart.
    fn add_parts(&mut self, field: String, parts: Vec<Value>) {
        let all = self.texts.entry(field).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::String(text) = all {
            let text = json!({ "type": "text", "text": std::mem::take(text) });
            *all = Value::Array(vec![text]);
        }
        if let Value::Array(all) = all {
            all.extend(parts);
        }
    }

    /// A call as the protocol had it before there were tools.
    fn add_function_call(&mut self, call: Map<String, Value>) {
        let all = self.texts.entry("function_call").or_insert_with(|| json!({}));
        // What is no call is none.
        let Value::Object(all) = all else { return };
        for (part, value) in call.into_iter().filter(|(_, value)| !value.is_null()) {
            match (all.get_mut(&part), value) {
                (Some(Value::String(all)), Value::String(more)) => all.push_str(&more),
                (_, value) => drop(all.insert(part, value)),
            }
        }
    }

    fn finish(mut self) -> Result<String, StreamError> {
        // A server that fails may end the stream as ever, and say nothing of it.
        let is_over = ["finish_reason", "native_finish_reason", "error"]
            .iter()
            .any(|end| self.choice.contains_key(*end));
        let calls = self.calls.finish();
        let is_empty = self.texts.is_empty() && calls.is_none() && self.choice.is_empty();
        let choices = match self.whole {
            Some(choice) => vec![choice],
            None if self.is_done && is_empty => Vec::new(),
            None if self.is_done && !is_over => return Err(StreamError::WithoutReason),
            None if !is_over => return Err(StreamError::CutOff),
            None => {
                if let Some(calls) = calls {
                    self.texts.insert("tool_calls".into(), calls);
                }
                self.choice.insert("message".into(), self.texts.into());
                vec![self.choice.into()]
            }
        };
        self.server.insert("choices".into(), choices.into());
        self.server.insert("usage".into(), self.usage.unwrap_or_default());
        Ok(Value::from(self.server).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: &str =
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

    fn check(body: &str, expected: &str) {
        let read = assembled(body).map_err(|error| format!("{error:?}"));
        assert_eq!(read.unwrap_or_else(|error| error), expected, "{body}");
    }

    #[test]
    fn parts_add_up() {
        check(
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"y\"},\"finish_reason\":null}]}\n\n\
             data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"es\"},\"finish_reason\":\"stop\"}]}\n\n\
             data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\ndata: [DONE]\n\n",
            r#"{"choices":[{"finish_reason":"stop","message":{"content":"yes"}}],"usage":{"prompt_tokens":1}}"#,
        );
        check(
            "data:{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\r\ndata:{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}}]}\r\ndata: [DONE]",
            r#"{"choices":[{"finish_reason":"stop","message":{"content":"a"}}],"usage":null}"#,
        );
        check(
            "event: message\ndata: {\"choices\":\ndata: [{\"message\":{\"content\":\"a\"}}]}\n\n",
            r#"{"choices":[{"message":{"content":"a"}}],"usage":null}"#,
        );
        check(": OPENROUTER PROCESSING\n\n{\"choices\":7}", r#"{"choices":7}"#);
        check("data: [DONE]\n\n", r#"{"choices":[],"usage":null}"#);
    }

    #[test]
    fn calls_add_up() {
        let part = |call: &str| {
            format!("data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{call}]}}}}]}}\n\n")
        };
        let body = [
            part(r#"{"index":0,"id":"c","function":{"name":"f","arguments":""}}"#),
            part(r#"{"index":0,"function":{"arguments":"{\"a\":"}}"#),
            part(r#"{"index":0,"function":{"arguments":"1}"}}"#),
            END.into(),
        ];
        check(
            &body.concat(),
            r#"{"choices":[{"finish_reason":"stop","message":{"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]}}],"usage":null}"#,
        );
    }

    #[test]
    fn parts_of_any_kind_add_up() {
        let part = |delta: &str| format!("data: {{\"choices\":[{{\"delta\":{delta}}}]}}\n\n");
        let body = [
            part(r#"{"content":"a"}"#),
            part(r#"{"content":[{"type":"thinking","thinking":[]}]}"#),
            part(r#"{"content":"b"}"#),
            part(r#"{"function_call":{"name":"f","arguments":"{"}}"#),
            part(r#"{"function_call":{"name":null,"arguments":"}"}}"#),
            part(r#"{"function_call":"x"}"#),
            "data: {\"choices\":[{\"logprobs\":{\"content\":[1]}}]}\n\n".into(),
            "data: {\"choices\":[{\"logprobs\":{\"content\":[2]},\"finish_reason\":\"\"}]}\n\n"
                .into(),
        ];
        check(&body.concat(), "CutOff");
        check(
            &[&body.concat(), END].concat(),
            r#"{"choices":[{"logprobs":{"content":[1,2]},"finish_reason":"stop","message":{"content":[{"type":"text","text":"a"},{"type":"thinking","thinking":[]},{"type":"text","text":"b"}],"function_call":{"name":"f","arguments":"{}"}}}],"usage":null}"#,
        );
        let odd = [part(r#"{"function_call":"x"}"#), part(r#"{"function_call":{"name":"f"}}"#)];
        check(
            &[&odd.concat(), END].concat(),
            r#"{"choices":[{"finish_reason":"stop","message":{"function_call":"x"}}],"usage":null}"#,
        );
    }

    #[test]
    fn a_stream_that_fails_says_so() {
        check("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", "CutOff");
        check("data: {\"choices\":[{\"delta\":{\"conte", "Unreadable(\"\")");
        check("data: {\"error\":{\"code\":502}}\n\n", r#"Failed(Object {"code": Number(502)})"#);
        check("event: error\ndata: \"x\"\n\n", r#"Failed(String("x"))"#);
        check(": nothing\n\n", "CutOff");
        let part =
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\n\n";
        check(&[part, "data: [DONE]\n\n"].concat(), "WithoutReason");
        check(&[part, "data: [DONE]\n\n", END].concat(), "WithoutReason");
    }

    #[test]
    fn nothing_comes_behind_the_end() {
        let part = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
        let whole =
            r#"{"choices":[{"finish_reason":"stop","message":{"content":"a"}}],"usage":null}"#;
        check(&[part, END, part].concat(), whole);
        check(&[part, END, "data: what?\n\n"].concat(), whole);
        check(&[part, END, "data: {\"error\":{\"code\":502}}\n\n"].concat(), whole);
    }
}
