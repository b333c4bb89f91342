//! Tool calls that come in pieces, whichever way a server tells one from another.
//!
//! The protocol numbers them: each piece has the `index` of its call. Some servers leave the number
//! out, and some give all calls the same one. Then identifiers and names tell them apart.

use std::collections::HashMap;

use serde_json::{Value, json};

/// Arguments up to this length are looked at to tell whether they are whole.
const LONGEST_WHOLE: usize = 16 << 10;

/// The calls of one answer, as far as they came.
#[derive(Default)]
pub(super) struct StreamedCalls {
    calls: Vec<StreamedCall>,
    /// The latest call with an index, and the call with an identifier.
    by_index: HashMap<i64, usize>,
    by_id: HashMap<String, usize>,
}

#[derive(Default)]
struct StreamedCall {
    index: Option<i64>,
    id: Option<String>,
    name: String,
    arguments: String,
}

/// What one piece says.
struct Piece<'a> {
    index: Option<i64>,
    id: Option<&'a str>,
    name: &'a str,
    arguments: String,
}

impl<'a> Piece<'a> {
    fn of(call: &'a Value) -> Self {
        let function = &call["function"];
        let largest = |index: u64| i64::try_from(index).unwrap_or(i64::MAX);
        Self {
            index: call["index"].as_i64().or_else(|| call["index"].as_u64().map(largest)),
            id: call["id"].as_str().filter(|id| !id.is_empty()),
            name: function["name"].as_str().unwrap_or_default(),
            arguments: match &function["arguments"] {
                Value::String(json) => json.clone(),
                // Some servers send them as they are, in one piece.
                whole @ Value::Object(_) => whole.to_string(),
                _ => String::new(),
            },
        }
    }
}

impl StreamedCalls {
    /// Takes in one piece of a call.
    pub(super) fn add(&mut self, call: &Value) {
        let piece = Piece::of(call);
        let at = self.place(&piece).unwrap_or_else(|| {
            self.calls.push(StreamedCall { index: piece.index, ..StreamedCall::default() });
            self.calls.len() - 1
        });
        if let Some(index) = piece.index {
            self.by_index.insert(index, at);
        }
        let call = &mut self.calls[at];
        if let (None, Some(id)) = (&call.id, piece.id) {
            call.id = Some(id.to_owned());
            self.by_id.insert(id.to_owned(), at);
        }
        // Some servers repeat the name in each piece.
        if piece.name != call.name {
            call.name.push_str(piece.name);
        }
        call.arguments.push_str(&piece.arguments);
    }

    /// The call that a piece goes on with; `None` where it begins one.
    fn place(&self, piece: &Piece<'_>) -> Option<usize> {
        let last = self.calls.len().checked_sub(1);
        match (piece.index, piece.id) {
            (Some(index), _) => {
                let at = self.by_index.get(&index).copied();
                at.filter(|at| !self.calls[*at].is_before(piece))
            }
            (None, Some(id)) => {
                let goes_on = |at: &usize| piece.name.is_empty() || self.calls[*at].is_nameless();
                self.by_id.get(id).copied().or_else(|| last.filter(goes_on))
            }
            // A name comes before the arguments.
            (None, None) => {
                last.filter(|at| piece.name.is_empty() || self.calls[*at].arguments.is_empty())
            }
        }
    }

    /// The calls as a response without streaming has them; `None` where there are none.
    pub(super) fn finish(mut self) -> Option<Value> {
        if self.calls.iter().all(|call| call.index.is_some()) {
            self.calls.sort_by_key(|call| call.index);
        }
        let calls = self.calls.into_iter().filter(StreamedCall::says_something);
        let calls: Vec<Value> = calls.map(StreamedCall::finish).collect();
        (!calls.is_empty()).then(|| calls.into())
    }
}

impl StreamedCall {
    /// Whether a piece with this call's index begins another one. An identifier of its own is not
    /// enough: some servers make a new one for each piece.
    fn is_before(&self, piece: &Piece<'_>) -> bool {
        let is_other = self.id.is_some() && piece.id.is_some() && self.id.as_deref() != piece.id;
        let is_named = !self.name.is_empty() && !piece.name.is_empty();
        is_other && is_named && (self.name != piece.name || self.is_whole())
    }

    fn is_nameless(&self) -> bool {
        self.name.is_empty()
    }

    /// Whether the arguments are JSON by themselves, so that nothing goes on with them.
    fn is_whole(&self) -> bool {
        let json = self.arguments.trim();
        json.ends_with('}')
            && json.len() <= LONGEST_WHOLE
            && serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok()
    }

    fn says_something(&self) -> bool {
        self.id.is_some() || !self.name.is_empty() || !self.arguments.is_empty()
    }

    fn finish(self) -> Value {
        let function = json!({ "name": self.name, "arguments": self.arguments });
        json!({ "id": self.id, "type": "function", "function": function })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces, and the calls that they add up to: `id name arguments`.
    fn check(pieces: &[&str], expected: &[&str]) {
        let mut calls = StreamedCalls::default();
        for piece in pieces {
            calls.add(&serde_json::from_str(piece).expect(piece));
        }
        let calls = calls.finish().unwrap_or_default();
        let shown = calls.as_array().into_iter().flatten().map(|call| {
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            let function = &call["function"];
            [text(&call["id"]), text(&function["name"]), text(&function["arguments"])].join(" ")
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected, "{pieces:?}");
    }

    #[test]
    fn the_index_tells_calls_apart() {
        check(
            &[
                r#"{"index":1,"id":"b","function":{"name":"g","arguments":""}}"#,
                r#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#,
                r#"{"index":0,"function":{"arguments":"{\"a\":"}}"#,
                r#"{"index":1,"function":{"arguments":"{}"}}"#,
                r#"{"index":0,"function":{"arguments":"1}"}}"#,
            ],
            &[r#"a f {"a":1}"#, "b g {}"],
        );
        check(
            &[
                r#"{"index":0,"id":"a","function":{"name":"get_","arguments":""}}"#,
                r#"{"index":0,"id":"","function":{"name":"time","arguments":null}}"#,
                r#"{"index":4000000000,"function":{"arguments":"x"}}"#,
                r#"{"index":-1,"function":{"name":"h"}}"#,
                r#"{"index":18446744073709551615}"#,
            ],
            &["- h ", "a get_time ", "-  x"],
        );
    }

    #[test]
    fn identifiers_tell_apart_what_has_no_index() {
        check(
            &[
                r#"{"id":"a","function":{"name":"f","arguments":"{\"a\":1}"}}"#,
                r#"{"id":"b","function":{"name":"f","arguments":"{\"a\":2}"}}"#,
            ],
            &[r#"a f {"a":1}"#, r#"b f {"a":2}"#],
        );
        check(
            &[
                r#"{"id":"a","function":{"name":"f"}}"#,
                r#"{"id":"b","function":{"name":"g"}}"#,
                r#"{"id":"a","function":{"arguments":"{}"}}"#,
                r#"{"id":"b","function":{"name":"g","arguments":"{"}}"#,
                r#"{"function":{"arguments":"}"}}"#,
            ],
            &["a f {}", "b g {}"],
        );
    }

    #[test]
    fn names_tell_apart_what_has_neither() {
        check(
            &[
                r#"{"function":{"name":"f","arguments":{"a":1}}}"#,
                r#"{"function":{"name":"f","arguments":{"a":2}}}"#,
            ],
            &[r#"- f {"a":1}"#, r#"- f {"a":2}"#],
        );
        check(
            &[r#"{"function":{"name":"f"}}"#, r#"{"function":{"arguments":"{}"}}"#, "{}", "7"],
            &["- f {}"],
        );
        check(&["{}", r#"{"function":"x"}"#], &[]);
    }

    #[test]
    fn one_index_for_all_calls_is_none() {
        check(
            &[
                r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#,
                r#"{"index":0,"id":"b","function":{"name":"f","arguments":"{\"a\":1}"}}"#,
                r#"{"index":0,"id":"c","function":{"name":"g","arguments":""}}"#,
            ],
            &["a f {}", r#"b f {"a":1}"#, "c g "],
        );
        // A new identifier for each piece of one call, with and without its name.
        check(
            &[
                r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{\"a\""}}"#,
                r#"{"index":0,"id":"b","function":{"name":"f","arguments":":{}"}}"#,
                r#"{"index":0,"id":"c","function":{"arguments":"}"}}"#,
            ],
            &[r#"a f {"a":{}}"#],
        );
    }
}
