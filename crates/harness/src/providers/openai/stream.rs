//! An event stream that nobody asked for: put together into the response that was asked for.

use serde_json::{Map, Value, json};

/// Why a stream is no response.
#[derive(Debug, PartialEq)]
pub(crate) enum StreamError {
    /// It ends before it says that it does.
    CutOff,
    /// It reports an error.
    Failed(Value),
    /// An event is no JSON.
    Unreadable,
}

/// Tool calls of one answer, at most.
const MOST_CALLS: usize = 1_000;

/// The response that a stream adds up to, as JSON.
pub(crate) fn assembled(body: &str) -> Result<String, StreamError> {
    if let Some(json) = after_remarks(body) {
        return Ok(json.to_owned());
    }
    let mut response = Assembled::default();
    for Event { name, data } in events(body) {
        match data.trim() {
            "" => {}
            "[DONE]" => response.is_done = true,
            data => {
                let data = serde_json::from_str(data).map_err(|_| StreamError::Unreadable)?;
                response.take(name, data)?;
            }
        }
    }
    response.finish()
}

/// A response that is no stream, but stands behind remarks that kept the connection alive.
fn after_remarks(body: &str) -> Option<&str> {
    let mut rest = body.trim_start();
    while rest.starts_with(':') {
        rest = rest.split_once('\n')?.1.trim_start();
    }
    rest.starts_with('{').then_some(rest)
}

/// One event: its name, and its lines of data put together.
struct Event<'a> {
    name: &'a str,
    data: String,
}

/// The events of a stream. A line of data that is JSON by itself is an event, whether or not an empty
/// line follows.
fn events(body: &str) -> Vec<Event<'_>> {
    let end = if body.contains('\n') { '\n' } else { '\r' };
    let (mut events, mut name, mut lines) = (Vec::new(), "", Vec::new());
    let is_whole = |line: &str| serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok();
    for line in body.split(end).map(|line| line.trim_end_matches('\r')).chain([""]) {
        if let Some(rest) = line.strip_prefix("event:") {
            name = rest.trim();
        } else if let Some(line) = line.strip_prefix("data:") {
            let line = line.trim_start();
            if lines.is_empty() && (line == "[DONE]" || is_whole(line)) {
                events.push(Event { name, data: line.to_owned() });
            } else {
                lines.push(line);
            }
        } else if line.is_empty() {
            if !lines.is_empty() {
                events.push(Event { name, data: lines.join("\n") });
                lines.clear();
            }
            name = "";
        }
    }
    events
}

/// What the events so far add up to.
#[derive(Default)]
struct Assembled {
    /// Texts by field: content, refusal, reasoning.
    texts: Map<String, Value>,
    calls: Vec<Value>,
    /// Of the first choice: whatever its events say besides.
    choice: Map<String, Value>,
    usage: Option<Value>,
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
        if let Some(error) = object.remove("error").filter(crate::failure::is_error) {
            return Err(StreamError::Failed(error));
        }
        if let Some(usage) = object.remove("usage").filter(|usage| !usage.is_null()) {
            self.usage = Some(usage);
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
        let Value::Object(choice) = choice else { return };
        let kept = ["finish_reason", "native_finish_reason", "error"];
        let said = choice
            .into_iter()
            .filter(|(name, value)| kept.contains(&name.as_str()) && !value.is_null());
        self.choice.extend(said);
    }

    fn add_delta(&mut self, delta: Map<String, Value>) {
        for (field, value) in delta {
            match value {
                Value::String(text) if field != "role" => match self.texts.get_mut(&field) {
                    Some(Value::String(all)) => all.push_str(&text),
                    _ => drop(self.texts.insert(field, text.into())),
                },
                Value::Array(calls) if field == "tool_calls" => {
                    for call in calls {
                        self.add_call(call);
                    }
                }
                _ => {}
            }
        }
    }

    /// A part of a tool call: the first one names it, the others go on with its arguments.
    fn add_call(&mut self, mut call: Value) {
        let last = self.calls.len().saturating_sub(1) as u64;
        let place = call["index"].as_u64().unwrap_or(last);
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        if place >= MOST_CALLS {
            return;
        }
        while self.calls.len() <= place {
            let function = json!({ "name": "", "arguments": "" });
            self.calls.push(json!({ "id": null, "type": "function", "function": function }));
        }
        let whole = &mut self.calls[place];
        if call["id"].is_string() {
            whole["id"] = call["id"].take();
        }
        for part in ["name", "arguments"] {
            if let (Some(more), Value::String(all)) =
                (call["function"][part].as_str(), &mut whole["function"][part])
            {
                all.push_str(more);
            }
        }
    }

    fn finish(mut self) -> Result<String, StreamError> {
        let is_over = self.is_done || self.choice.contains_key("finish_reason");
        let choice = match self.whole {
            Some(choice) => choice,
            None if !is_over => return Err(StreamError::CutOff),
            None if self.texts.is_empty() && self.calls.is_empty() && self.choice.is_empty() => {
                return Ok(json!({ "choices": [], "usage": self.usage }).to_string());
            }
            None => {
                if !self.calls.is_empty() {
                    self.texts.insert("tool_calls".into(), self.calls.into());
                }
                self.choice.insert("message".into(), self.texts.into());
                self.choice.into()
            }
        };
        Ok(json!({ "choices": [choice], "usage": self.usage }).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            "data:{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\r\ndata:{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}}]}\r\ndata: [DONE]",
            r#"{"choices":[{"message":{"content":"a"}}],"usage":null}"#,
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
            part(r#"{"index":4000000000,"function":{"arguments":"x"}}"#),
            "data: [DONE]\n".into(),
        ];
        check(
            &body.concat(),
            r#"{"choices":[{"message":{"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]}}],"usage":null}"#,
        );
    }

    #[test]
    fn a_stream_that_fails_says_so() {
        check("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", "CutOff");
        check("data: {\"choices\":[{\"delta\":{\"conte", "Unreadable");
        check("data: {\"error\":{\"code\":502}}\n\n", r#"Failed(Object {"code": Number(502)})"#);
        check("event: error\ndata: \"x\"\n\n", r#"Failed(String("x"))"#);
        check(": nothing\n\n", "CutOff");
    }
}
