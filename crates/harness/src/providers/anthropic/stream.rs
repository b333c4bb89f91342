//! A stream of events, put together into the message that would have come without streaming.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::{
    providers::broken_stream::{cut_off, unreadable_event, without_reason},
    reply::AttemptError,
    server_sent_events::StreamEvent,
};

/// Whether an event holds a piece of text, of reasoning, or of a tool call.
pub(super) fn holds_text(event: &StreamEvent) -> bool {
    let Some(json) = event.json() else { return false };
    let is_text = |part: &Value, field: &str| part[field].as_str().is_some_and(|t| !t.is_empty());
    match json["type"].as_str() {
        Some("content_block_delta") => {
            ["text", "thinking", "partial_json"].iter().any(|field| is_text(&json["delta"], field))
        }
        Some("content_block_start") => {
            let block = &json["content_block"];
            ["text", "thinking"].iter().any(|field| is_text(block, field))
                || block["type"] == "tool_use"
        }
        _ => false,
    }
}

/// Whether nothing comes after an event.
pub(super) fn is_last(event: &StreamEvent) -> bool {
    let is = |word: &str| {
        event.name == word
            || event.name.is_empty() && event.json().is_some_and(|json| json["type"] == word)
    };
    is("message_stop") || is("error")
}

/// The message that the events add up to, as JSON; an error among them as the protocol has it.
pub(super) fn assemble(events: &[StreamEvent]) -> Result<String, AttemptError> {
    let mut message = Message::default();
    for event in events {
        let json = event.json().ok_or_else(|| unreadable_event(&event.data))?;
        if event.name == "error" || json["type"] == "error" {
            let error = json.get("error").unwrap_or(&json);
            return Ok(json!({ "type": "error", "error": error }).to_string());
        }
        message.take(json);
    }
    message.finish()
}

/// What the events so far add up to.
#[derive(Default)]
struct Message {
    /// As the first event has it.
    start: Map<String, Value>,
    blocks: Vec<Block>,
    /// The latest block with an index, whatever number a server makes of it.
    by_index: HashMap<String, usize>,
    usage: Map<String, Value>,
    is_stopped: bool,
}

/// A block, and the JSON of a tool call's input as far as it came.
#[derive(Default)]
struct Block {
    index: Option<u64>,
    fields: Map<String, Value>,
    input: String,
}

impl Message {
    fn take(&mut self, mut event: Value) {
        match event["type"].as_str() {
            Some("message_start") => {
                if let Value::Object(start) = event["message"].take() {
                    self.start = start;
                }
                let usage = self.start.remove("usage").unwrap_or_default();
                self.add_usage(usage);
            }
            Some("content_block_start") => {
                if let Value::Object(fields) = event["content_block"].take() {
                    self.begin(&event["index"]).fields = fields;
                }
            }
            Some("content_block_delta") => {
                if let Value::Object(delta) = event["delta"].take() {
                    self.block(&event["index"]).add(delta);
                }
            }
            Some("message_delta") => {
                self.add_usage(event["usage"].take());
                if let Value::Object(delta) = event["delta"].take() {
                    // What is not said takes nothing back.
                    self.start.extend(delta.into_iter().filter(|(_, value)| !value.is_null()));
                }
            }
            Some("message_stop") => self.is_stopped = true,
            // Signs of life, the ends of blocks, and what a later version adds.
            _ => {}
        }
    }

    /// A new block. Some servers give all of a message's the same index.
    fn begin(&mut self, index: &Value) -> &mut Block {
        let at = self.blocks.len();
        if !index.is_null() {
            self.by_index.insert(index.to_string(), at);
        }
        self.blocks.push(Block { index: index.as_u64(), ..Block::default() });
        &mut self.blocks[at]
    }

    /// The block that an event is about: the last one where it does not say.
    fn block(&mut self, index: &Value) -> &mut Block {
        let at = match index {
            Value::Null => self.blocks.len().checked_sub(1),
            index => self.by_index.get(&index.to_string()).copied(),
        };
        match at {
            Some(at) => &mut self.blocks[at],
            None => self.begin(index),
        }
    }

    /// Later counts are whole ones, but for those that a server leaves at nothing.
    fn add_usage(&mut self, usage: Value) {
        let Value::Object(usage) = usage else { return };
        for (name, count) in usage {
            let is_known = self.usage.contains_key(&name);
            if !(count.is_null() || is_known && count == 0) {
                self.usage.insert(name, count);
            }
        }
    }

    fn finish(self) -> Result<String, AttemptError> {
        if !self.start.get("stop_reason").is_some_and(Value::is_string) {
            let is_stopped = self.is_stopped;
            return Err(if is_stopped { without_reason("stop_reason") } else { cut_off() });
        }
        let mut message = self.start;
        let mut blocks = self.blocks;
        if blocks.iter().all(|block| block.index.is_some()) {
            blocks.sort_by_key(|block| block.index);
        }
        message.insert("content".into(), blocks.into_iter().map(Block::finish).collect());
        message.insert("usage".into(), self.usage.into());
        Ok(Value::from(message).to_string())
    }
}

impl Block {
    fn add(&mut self, delta: Map<String, Value>) {
        for (field, value) in delta {
            let Value::String(more) = value else { continue };
            match field.as_str() {
                "type" => {}
                "partial_json" => self.input.push_str(&more),
                _ => match self.fields.get_mut(&field) {
                    Some(Value::String(text)) => text.push_str(&more),
                    _ => drop(self.fields.insert(field, more.into())),
                },
            }
        }
        // Some servers begin with the first piece of a block.
        if !self.fields.contains_key("type") {
            let kind = if !self.input.is_empty() {
                "tool_use"
            } else if self.fields.contains_key("thinking") {
                "thinking"
            } else {
                "text"
            };
            self.fields.insert("type".into(), kind.into());
        }
    }

    fn finish(mut self) -> Value {
        if !self.input.is_empty() {
            // A token limit may have cut it off: then it is the text that it is.
            let input = serde_json::from_str(&self.input).unwrap_or(Value::String(self.input));
            self.fields.insert("input".into(), input);
        }
        self.fields.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server_sent_events::events;

    const START: &str = r#"data: {"type":"message_start","message":{"id":"m","model":"c","content":[],"stop_reason":null,"usage":{"input_tokens":10,"cache_read_input_tokens":8,"output_tokens":1}}}"#;
    const END: &str = r#"data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5,"input_tokens":0}}

event: message_stop
data: {"type":"message_stop"}
"#;

    fn check(parts: &[&str], expected: &str) {
        let (events, _) = events(&parts.join("\n\n"));
        let told = assemble(&events).map_err(|error| error.failure.message);
        assert_eq!(told.unwrap_or_else(|message| message), expected);
    }

    #[test]
    fn parts_add_up() {
        check(
            &[
                START,
                r#"data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
                r#"data: {"type":"ping"}"#,
                r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"h"}}"#,
                r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"m"}}"#,
                r#"data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
                r#"data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"yes"}}"#,
                r#"data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"c","name":"f","input":{}}}"#,
                r#"data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"b\":"}}"#,
                r#"data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"1}"}}"#,
                END,
            ],
            r#"{"id":"m","model":"c","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"yes"},{"type":"tool_use","id":"c","name":"f","input":{"b":1}}],"stop_reason":"end_turn","usage":{"input_tokens":10,"cache_read_input_tokens":8,"output_tokens":5}}"#,
        );
    }

    #[test]
    fn an_index_is_any_number() {
        let text = |index: &str, text: &str| {
            format!(
                r#"data: {{"type":"content_block_delta"{index},"delta":{{"type":"text_delta","text":"{text}"}}}}"#
            )
        };
        let start = |index: &str| {
            format!(
                r#"data: {{"type":"content_block_start"{index},"content_block":{{"type":"text","text":""}}}}"#
            )
        };
        let cases: [(Vec<String>, &[&str]); 5] = [
            (vec![text(r#","index":4000000000"#, "a"), text(r#","index":0"#, "b")], &["b", "a"]),
            (vec![start(r#","index":-1"#), text(r#","index":-1"#, "a")], &["a"]),
            (vec![start(""), text("", "a"), text("", "b"), start(""), text("", "c")], &["ab", "c"]),
            (vec![text("", "a"), text(r#","index":"x""#, "b")], &["a", "b"]),
            // One index for all.
            (
                [
                    [start(r#","index":0"#), text(r#","index":0"#, "a")],
                    [start(r#","index":0"#), text(r#","index":0"#, "b")],
                ]
                .concat(),
                &["a", "b"],
            ),
        ];
        for (parts, expected) in cases {
            let body = [&[START.to_owned()], &*parts, &[END.to_owned()]].concat().join("\n\n");
            let message = assemble(&events(&body).0).expect("a message");
            let message: Value = serde_json::from_str(&message).expect("JSON");
            let blocks = message["content"].as_array().expect("blocks").iter();
            let texts: Vec<_> = blocks.filter_map(|block| block["text"].as_str()).collect();
            assert_eq!(texts, expected, "{body}");
        }
    }

    #[test]
    fn a_stream_that_fails_says_so() {
        check(&[START], "the connection broke: the stream ends before the answer does");
        check(
            &[
                START,
                r#"event: error
data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            ],
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
        );
        check(
            &[START, "data: what?"],
            "the connection broke: the stream ends before the answer does",
        );
        check(
            &[START, r#"data: {"type":"message_stop"}"#, ""],
            "the stream ends without a `stop_reason`, so that the answer may be cut off",
        );
        check(&[START, "data: what?\n\n"], "an event of the stream is not JSON: what?");
    }

    #[test]
    fn the_first_token_is_the_first_piece() {
        for (data, expected) in [
            (r#"{"type":"message_start"}"#, false),
            (r#"{"type":"content_block_start","content_block":{"type":"text","text":""}}"#, false),
            (r#"{"type":"content_block_start","content_block":{"type":"tool_use"}}"#, true),
            (r#"{"type":"content_block_delta","delta":{"text":""}}"#, false),
            (r#"{"type":"content_block_delta","delta":{"text":"y"}}"#, true),
            (r#"{"type":"content_block_delta","delta":{"thinking":"y"}}"#, true),
            (r#"{"type":"content_block_delta","delta":{"signature":"y"}}"#, false),
            ("what?", false),
        ] {
            let event = StreamEvent { name: String::new(), data: data.to_owned() };
            assert_eq!(holds_text(&event), expected, "{data}");
        }
    }
}
