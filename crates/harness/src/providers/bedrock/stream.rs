//! A stream of `ConverseStream`, put together into the response that `Converse` would have sent.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::{
    providers::{
        broken_stream::{cut_off, unreadable_event},
        event_frames::EXCEPTION,
    },
    reply::AttemptError,
    server_sent_events::StreamEvent,
};

/// Whether an event holds a piece of text, of reasoning, or of a tool call.
pub(super) fn holds_text(event: &StreamEvent) -> bool {
    let json = || event.json().unwrap_or_default();
    match event.name.as_str() {
        "contentBlockStart" => json()["start"]["toolUse"].is_object(),
        "contentBlockDelta" => {
            let delta = json()["delta"].take();
            let pieces =
                [&delta["text"], &delta["toolUse"]["input"], &delta["reasoningContent"]["text"]];
            pieces.iter().any(|piece| piece.as_str().is_some_and(|text| !text.is_empty()))
        }
        _ => false,
    }
}

/// Whether nothing comes after an event: what the answer took is told last.
pub(super) fn is_last(event: &StreamEvent) -> bool {
    matches!(event.name.as_str(), "metadata" | EXCEPTION)
}

/// The response that the events add up to, as JSON; an exception among them as a response has it.
pub(super) fn assemble(events: &[StreamEvent]) -> Result<String, AttemptError> {
    let mut message = Message::default();
    for event in events {
        if event.name == EXCEPTION {
            return Ok(event.data.clone());
        }
        let json = event.json().ok_or_else(|| unreadable_event(&event.data))?;
        message.take(&event.name, json);
    }
    message.finish().ok_or_else(cut_off)
}

/// What the events so far add up to.
#[derive(Default)]
struct Message {
    blocks: Vec<Block>,
    /// The latest block with an index.
    by_index: HashMap<String, usize>,
    /// Why the answer ended, and what it took.
    others: Map<String, Value>,
}

/// A block as far as it came: one of these is there.
#[derive(Default)]
struct Block {
    text: Option<String>,
    thought: Option<String>,
    signature: Option<String>,
    /// A tool call without its arguments, and their JSON.
    tool: Option<Map<String, Value>>,
    input: String,
}

impl Message {
    fn take(&mut self, name: &str, mut event: Value) {
        match name {
            "contentBlockStart" => {
                if let Value::Object(tool) = event["start"]["toolUse"].take() {
                    self.begin(&event["contentBlockIndex"]).tool = Some(tool);
                }
            }
            "contentBlockDelta" => {
                let delta = event["delta"].take();
                self.block(&event["contentBlockIndex"]).add(&delta);
            }
            "messageStop" | "metadata" => {
                if let Value::Object(more) = event {
                    self.others.extend(more);
                }
            }
            // The beginning, the ends of blocks, and what a later version adds.
            _ => {}
        }
    }

    fn begin(&mut self, index: &Value) -> &mut Block {
        let at = self.blocks.len();
        self.by_index.insert(index.to_string(), at);
        self.blocks.push(Block::default());
        &mut self.blocks[at]
    }

    /// The block that an event is about.
    fn block(&mut self, index: &Value) -> &mut Block {
        match self.by_index.get(&index.to_string()) {
            Some(at) => &mut self.blocks[*at],
            None => self.begin(index),
        }
    }

    fn finish(mut self) -> Option<String> {
        self.others.get("stopReason").filter(|reason| reason.is_string())?;
        let content: Vec<Value> = self.blocks.into_iter().filter_map(Block::finish).collect();
        let message = json!({ "role": "assistant", "content": content });
        self.others.insert("output".into(), json!({ "message": message }));
        Some(Value::from(self.others).to_string())
    }
}

impl Block {
    fn add(&mut self, delta: &Value) {
        let thought = &delta["reasoningContent"];
        for (all, more) in [
            (&mut self.text, &delta["text"]),
            (&mut self.thought, &thought["text"]),
            (&mut self.signature, &thought["signature"]),
        ] {
            if let Some(more) = more.as_str() {
                all.get_or_insert_default().push_str(more);
            }
        }
        if let Some(more) = delta["toolUse"]["input"].as_str() {
            self.tool.get_or_insert_default();
            self.input.push_str(more);
        }
    }

    fn finish(self) -> Option<Value> {
        if let Some(mut tool) = self.tool {
            // A call without a name is none.
            tool.entry("name").or_insert_with(|| "".into());
            let input = match self.input.as_str() {
                "" => json!({}),
                // A token limit may have cut it off: then it is the text that it is.
                input => serde_json::from_str(input).unwrap_or_else(|_| input.into()),
            };
            tool.insert("input".into(), input);
            return Some(json!({ "toolUse": tool }));
        }
        if self.thought.is_some() || self.signature.is_some() {
            let thought = json!({ "text": self.thought, "signature": self.signature });
            return Some(json!({ "reasoningContent": { "reasoningText": thought } }));
        }
        self.text.map(|text| json!({ "text": text }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parts: &[(&str, &str)], expected: &str) {
        let events = parts
            .iter()
            .map(|(name, data)| StreamEvent { name: (*name).to_owned(), data: (*data).to_owned() });
        let told = assemble(&events.collect::<Vec<_>>()).map_err(|error| error.failure.message);
        assert_eq!(told.unwrap_or_else(|message| message), expected);
    }

    const STOP: (&str, &str) = ("messageStop", r#"{"stopReason":"end_turn"}"#);

    #[test]
    fn parts_add_up() {
        check(
            &[
                ("messageStart", r#"{"role":"assistant"}"#),
                (
                    "contentBlockDelta",
                    r#"{"delta":{"reasoningContent":{"text":"h"}},"contentBlockIndex":0}"#,
                ),
                (
                    "contentBlockDelta",
                    r#"{"delta":{"reasoningContent":{"text":"m"}},"contentBlockIndex":0}"#,
                ),
                (
                    "contentBlockDelta",
                    r#"{"delta":{"reasoningContent":{"signature":"s"}},"contentBlockIndex":0}"#,
                ),
                ("contentBlockStop", r#"{"contentBlockIndex":0}"#),
                ("contentBlockDelta", r#"{"delta":{"text":"y"},"contentBlockIndex":1}"#),
                (
                    "contentBlockStart",
                    r#"{"start":{"toolUse":{"toolUseId":"c","name":"f"}},"contentBlockIndex":2}"#,
                ),
                ("contentBlockDelta", r#"{"delta":{"text":"es"},"contentBlockIndex":1}"#),
                (
                    "contentBlockDelta",
                    r#"{"delta":{"toolUse":{"input":"{\"a\":"}},"contentBlockIndex":2}"#,
                ),
                (
                    "contentBlockDelta",
                    r#"{"delta":{"toolUse":{"input":"1}"}},"contentBlockIndex":2}"#,
                ),
                STOP,
                ("metadata", r#"{"usage":{"inputTokens":1}}"#),
            ],
            r#"{"stopReason":"end_turn","usage":{"inputTokens":1},"output":{"message":{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"hm","signature":"s"}}},{"text":"yes"},{"toolUse":{"toolUseId":"c","name":"f","input":{"a":1}}}]}}}"#,
        );
        check(
            &[("contentBlockDelta", r#"{"delta":{"text":"a"}}"#), ("later", "{}"), STOP],
            r#"{"stopReason":"end_turn","output":{"message":{"role":"assistant","content":[{"text":"a"}]}}}"#,
        );
    }

    #[test]
    fn a_stream_that_fails_says_so() {
        let part = ("contentBlockDelta", r#"{"delta":{"text":"a"}}"#);
        check(&[part], "the connection broke: the stream ends before the answer does");
        check(&[part, ("contentBlockDelta", "what?")], "an event of the stream is not JSON: what?");
        let failure = r#"{"__type":"ThrottlingException","message":"slow down"}"#;
        check(&[part, (EXCEPTION, failure)], failure);
    }
}
