//! The output of a response, put together from the pieces of a stream: for servers whose last event
//! leaves it out.

use serde_json::{Map, Value, json};

use crate::server_sent_events::StreamEvent;

/// Pieces go on with one of so many last items, or parts of an item. A hostile stream gets no more.
const LOOKED_BACK: usize = 64;

/// What the pieces add up to; empty where there are none.
pub(super) fn output(events: &[StreamEvent]) -> Vec<Value> {
    let mut pieces = Pieces::default();
    for event in events.iter().filter_map(StreamEvent::json) {
        pieces.take(event);
    }
    pieces.finish()
}

#[derive(Default)]
struct Pieces {
    items: Vec<Item>,
}

/// An item of the output, as far as it came.
#[derive(Default)]
struct Item {
    /// Its place among the others, and its identifier, as events name it.
    index: Option<u64>,
    id: Option<String>,
    /// As the event that begins it has it, or the one that ends it.
    fields: Map<String, Value>,
    is_whole: bool,
    /// Texts by the field that they stand in, and their places there.
    parts: Vec<Part>,
    arguments: String,
}

struct Part {
    list: &'static str,
    kind: &'static str,
    index: Option<u64>,
    text: String,
    logprobs: Vec<Value>,
}

/// Where the pieces that an event brings belong: the kind of the item, the list of parts, the kind of
/// the part; no list for the arguments of a call.
fn belongs(event: &str) -> Option<(&'static str, Option<(&'static str, &'static str)>)> {
    Some(match event {
        "response.output_text.delta" => ("message", Some(("content", "output_text"))),
        "response.refusal.delta" => ("message", Some(("content", "refusal"))),
        "response.reasoning_text.delta" => ("reasoning", Some(("content", "reasoning_text"))),
        "response.reasoning_summary_text.delta" => ("reasoning", Some(("summary", "summary_text"))),
        "response.function_call_arguments.delta" => ("function_call", None),
        _ => return None,
    })
}

impl Pieces {
    fn take(&mut self, mut event: Value) {
        let name = event["type"].as_str().unwrap_or_default().to_owned();
        let is_whole = name == "response.output_item.done";
        if is_whole || name == "response.output_item.added" {
            let Value::Object(fields) = event["item"].take() else { return };
            let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
            let id = fields.get("id").and_then(Value::as_str).map(str::to_owned);
            let item = self.item(event["output_index"].as_u64(), id, &kind, !is_whole);
            item.fields = fields;
            item.is_whole = is_whole;
            return;
        }
        let Some((kind, list)) = belongs(&name) else { return };
        let Value::String(more) = event["delta"].take() else { return };
        let id = event["item_id"].as_str().map(str::to_owned);
        let item = self.item(event["output_index"].as_u64(), id, kind, false);
        match list {
            None => item.arguments.push_str(&more),
            Some((list, kind)) => {
                let index =
                    ["content_index", "summary_index"].iter().find_map(|i| event[*i].as_u64());
                let logprobs = event.get_mut("logprobs").map(Value::take);
                let part = item.part(list, kind, index);
                part.text.push_str(&more);
                if let Some(Value::Array(logprobs)) = logprobs {
                    part.logprobs.extend(logprobs);
                }
            }
        }
    }

    /// The item that an event is about.
    fn item(
        &mut self,
        index: Option<u64>,
        id: Option<String>,
        kind: &str,
        is_new: bool,
    ) -> &mut Item {
        let is_it = |item: &Item| match (index, item.index, &id, &item.id) {
            (Some(index), Some(of_item), ..) => index == of_item,
            (_, _, Some(id), Some(of_item)) => id == of_item,
            _ => item.kind() == kind && !item.is_whole && !is_new,
        };
        let from = self.items.len().saturating_sub(LOOKED_BACK);
        let at = if let Some(at) = self.items[from..].iter().rposition(is_it) {
            from + at
        } else {
            let fields = Map::from_iter([("type".to_owned(), kind.into())]);
            self.items.push(Item { index, id, fields, ..Item::default() });
            self.items.len() - 1
        };
        &mut self.items[at]
    }

    fn finish(mut self) -> Vec<Value> {
        if self.items.iter().all(|item| item.index.is_some()) {
            self.items.sort_by_key(|item| item.index);
        }
        self.items.into_iter().map(Item::finish).collect()
    }
}

impl Item {
    fn kind(&self) -> &str {
        self.fields.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    /// The part that a piece belongs to.
    fn part(&mut self, list: &'static str, kind: &'static str, index: Option<u64>) -> &mut Part {
        let is_it = |part: &Part| part.list == list && part.kind == kind && part.index == index;
        let from = self.parts.len().saturating_sub(LOOKED_BACK);
        let at = if let Some(at) = self.parts[from..].iter().rposition(is_it) {
            from + at
        } else {
            self.parts.push(Part { list, kind, index, text: String::new(), logprobs: Vec::new() });
            self.parts.len() - 1
        };
        &mut self.parts[at]
    }

    fn finish(mut self) -> Value {
        if self.is_whole {
            return self.fields.into();
        }
        self.parts.sort_by_key(|part| part.index);
        for list in ["content", "summary"] {
            let parts = self.parts.iter().filter(|part| part.list == list);
            let parts: Vec<_> = parts.map(Part::written).collect();
            if !parts.is_empty() {
                self.fields.insert(list.into(), parts.into());
            }
        }
        if !self.arguments.is_empty() {
            self.fields.insert("arguments".into(), self.arguments.into());
        }
        self.fields.into()
    }
}

impl Part {
    fn written(&self) -> Value {
        let field = if self.kind == "refusal" { "refusal" } else { "text" };
        let mut written = json!({ "type": self.kind, field: self.text });
        if !self.logprobs.is_empty() {
            written["logprobs"] = self.logprobs.clone().into();
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(events: &[Value], expected: &Value) {
        let events =
            events.iter().map(|event| StreamEvent { name: String::new(), data: event.to_string() });
        assert_eq!(Value::from(output(&events.collect::<Vec<_>>())), *expected);
    }

    fn delta(kind: &str, at: u64, text: &str) -> Value {
        json!({ "type": format!("response.{kind}.delta"), "output_index": at, "content_index": 0, "delta": text })
    }

    #[test]
    fn items_that_come_whole_are_the_output() {
        let whole = json!({ "type": "message", "id": "m", "content": [{ "type": "output_text", "text": "yes" }] });
        let call =
            json!({ "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}" });
        check(
            &[
                json!({ "type": "response.output_item.added", "output_index": 1, "item": { "type": "function_call" } }),
                json!({ "type": "response.output_item.done", "output_index": 1, "item": call }),
                json!({ "type": "response.output_item.added", "output_index": 0, "item": { "type": "message", "id": "m", "content": [] } }),
                delta("output_text", 0, "y"),
                json!({ "type": "response.output_item.done", "output_index": 0, "item": whole }),
            ],
            &json!([whole, call]),
        );
    }

    #[test]
    fn deltas_are_the_output_where_no_item_comes_whole() {
        check(
            &[
                delta("reasoning_summary_text", 0, "h"),
                delta("reasoning_summary_text", 0, "m"),
                delta("output_text", 1, "y"),
                json!({ "type": "response.output_item.added", "output_index": 2, "item": { "type": "function_call", "call_id": "c", "name": "f", "arguments": "" } }),
                delta("function_call_arguments", 2, "{"),
                delta("output_text", 1, "es"),
                delta("function_call_arguments", 2, "}"),
                json!({ "type": "response.later.delta", "delta": "?" }),
                json!({ "type": "response.output_text.delta", "delta": 7 }),
            ],
            &json!([
                { "type": "reasoning", "summary": [{ "type": "summary_text", "text": "hm" }] },
                { "type": "message", "content": [{ "type": "output_text", "text": "yes" }] },
                { "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}" },
            ]),
        );
    }

    #[test]
    fn logprobs_come_with_their_deltas() {
        let mut first = delta("output_text", 0, "y");
        first["logprobs"] = json!([{ "token": "y", "logprob": -1 }]);
        let mut second = delta("output_text", 0, "es");
        second["logprobs"] = json!([{ "token": "es", "logprob": -2 }]);
        let mut odd = delta("output_text", 0, ".");
        odd["logprobs"] = json!("x");
        let logprobs = json!([{ "token": "y", "logprob": -1 }, { "token": "es", "logprob": -2 }]);
        let part = json!({ "type": "output_text", "text": "yes.", "logprobs": logprobs });
        check(&[first, second, odd], &json!([{ "type": "message", "content": [part] }]));
    }

    #[test]
    fn identifiers_and_kinds_do_where_there_is_no_place() {
        check(
            &[
                json!({ "type": "response.output_text.delta", "item_id": "a", "delta": "1" }),
                json!({ "type": "response.output_text.delta", "item_id": "b", "delta": "2" }),
                json!({ "type": "response.output_text.delta", "item_id": "a", "delta": "3" }),
                json!({ "type": "response.refusal.delta", "delta": "no" }),
            ],
            &json!([
                { "type": "message", "content": [{ "type": "output_text", "text": "13" }] },
                { "type": "message", "content": [{ "type": "output_text", "text": "2" }, { "type": "refusal", "refusal": "no" }] },
            ]),
        );
        check(&[json!({ "type": "response.created" })], &json!([]));
    }
}
