//! A catalogue of what servers and the gateways before them do wrong, with what should come of it.
//!
//! `passing.rs` has what fails once and is answered when asked again, `odd.rs` what looks strange and is
//! an answer, `lasting.rs` what ends a request: cut off, refused or failed.

mod lasting;
mod odd;
mod passing;

use serde_json::{Value, json};

use crate::Reply;

/// Makes a reply of the right answer's text.
type Write = fn(&str) -> Reply;

/// One way to misbehave.
#[derive(Clone, Copy)]
pub struct Fault {
    /// What it is.
    pub name: &'static str,
    /// What should come of it.
    pub end: End,
    reply: Write,
}

/// What should come of a request that met with a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// No answer yet: it should be asked again.
    Passes,
    /// An answer that begins with the right text.
    Answered,
    /// An answer that calls a tool.
    Calls,
    /// An empty answer, because the model used up its tokens.
    CutOff,
    /// A refusal.
    Refused,
    /// A failure of this kind, without another attempt.
    Fails(&'static str),
}

impl Fault {
    /// The reply to a request whose right answer is `text`.
    pub fn reply(&self, text: &str) -> Reply {
        (self.reply)(text)
    }
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({:?})", self.name, self.end)
    }
}

/// Every fault, each with an end of its own.
pub fn all() -> impl Iterator<Item = Fault> + Clone {
    let passing = passing::FAULTS.iter().map(|&(name, reply)| (name, End::Passes, reply));
    let odd = odd::FAULTS.iter().map(|&(name, reply)| (name, End::Answered, reply));
    let lasting = lasting::FAULTS.iter().copied();
    passing.chain(odd).chain(lasting).map(|(name, end, reply)| Fault { name, end, reply })
}

/// A completion with this message and finish reason.
fn completion(message: &Value, finish_reason: &Value) -> Value {
    json!({
        "id": "x",
        "object": "chat.completion",
        "choices": [{ "index": 0, "message": message, "finish_reason": finish_reason }],
        "usage": { "prompt_tokens": 10, "completion_tokens": 5 },
    })
}

/// A whole completion as text.
fn whole(text: &str) -> String {
    completion(&json!({ "role": "assistant", "content": text }), &json!("stop")).to_string()
}

/// A completion with another usage.
fn with_usage(text: &str, usage: &str) -> Reply {
    Reply::bytes(whole(text).replace(r#"{"prompt_tokens":10,"completion_tokens":5}"#, usage))
}

/// A body that comes compressed in this way.
fn compressed(encoding: &str, body: Vec<u8>) -> Reply {
    Reply::bytes(body).header("content-encoding", encoding)
}

fn gzip(text: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// An event of a stream with this choice.
fn event(delta: &Value, finish_reason: &Value) -> String {
    let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish_reason });
    format!("data: {}\n\n", json!({ "choices": [choice] }))
}

fn stream(body: impl Into<Vec<u8>>) -> Reply {
    Reply::bytes(body).header("content-type", "text/event-stream")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_the_faults_own() {
        let names: HashSet<_> = all().map(|fault| fault.name).collect();
        assert_eq!(names.len(), all().count());
        assert!(names.len() >= 40, "{}", names.len());
    }
}
