//! The wire format of each protocol, written from its vendor's public reference: a file each.

mod anthropic;
mod bedrock;
mod cohere;
mod completions;
mod gemini;
mod openai;
mod responses;
mod vertex;

use evalmark_core::record::FinishReason;
use evalmark_loopback::Reply;
use serde_json::Value;

/// Every protocol.
pub(super) const WIRES: &[Wire] = &[
    openai::WIRE,
    openai::AZURE_DEPLOYMENTS,
    responses::WIRE,
    completions::WIRE,
    anthropic::WIRE,
    cohere::WIRE,
    gemini::WIRE,
    bedrock::WIRE,
    vertex::WIRE,
];

/// A protocol as its servers speak it.
pub(in crate::contract) struct Wire {
    /// A provider that speaks it.
    pub(in crate::contract) provider: &'static str,
    /// Where its requests go on the loopback server.
    pub(in crate::contract) path: &'static str,
    /// Where the model's name stands in the body; `None` where it stands in the path.
    pub(in crate::contract) model_at: Option<&'static str>,
    /// Where the text of the first message stands in the body.
    pub(in crate::contract) prompt_at: &'static str,
    /// Where the schema of an answer stands in the body; `None` where there is no such thing.
    pub(in crate::contract) schema_at: Option<&'static str>,
    /// The header that the key stands in, and what stands before the key.
    pub(in crate::contract) key: (&'static str, &'static str),
    /// An answer with this text that ended for this reason.
    pub(in crate::contract) ended: fn(&str, FinishReason) -> Reply,
    /// A refusal.
    pub(in crate::contract) refused: fn(&str) -> Reply,
    /// A call of the tool `f` with the argument `a` of 1, after a text that may be empty.
    pub(in crate::contract) calls: fn(&str) -> Reply,
    /// An answer with reasoning apart.
    pub(in crate::contract) thought: fn(&str, &str) -> Reply,
    /// An answer of which 8 of the prompt's tokens came from a cache.
    pub(in crate::contract) cached: fn(&str) -> Reply,
    /// An error, in the words of the protocol.
    pub(in crate::contract) error: fn(u16, Fault) -> Reply,
    /// Bodies that are JSON, and no answer.
    pub(in crate::contract) odd: &'static [&'static str],
    /// The events that the protocol streams in the place of such a body; `None` where it streams
    /// nothing.
    pub(in crate::contract) events: Option<fn(&Value) -> Vec<String>>,
    /// An event as it goes over the wire.
    pub(in crate::contract) framed: fn(&str) -> Vec<u8>,
    /// How it tells logprobs; `None` where it has none.
    pub(in crate::contract) logprobs: Option<Tokens>,
    /// The beginning of a stream that nobody asked for and that ends in its middle.
    pub(in crate::contract) stream: &'static str,
}

/// How a protocol tells how probable tokens were.
pub(in crate::contract) struct Tokens {
    /// What a request for two alternatives holds, by place; or for none, where there are none.
    pub(in crate::contract) asks: fn() -> Value,
    /// Where they stand in a body.
    pub(in crate::contract) place: &'static str,
    /// Tokens with `token`, `logprob` and `top_logprobs`, as they stand there.
    pub(in crate::contract) written: fn(&[Value]) -> Value,
}

/// What an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::contract) enum Fault {
    Request,
    Credit,
    Key,
    Permission,
    Model,
    TooLarge,
    Rate,
    Server,
    Overload,
}

/// An event that is a text.
fn as_text(event: &str) -> Vec<u8> {
    event.as_bytes().to_vec()
}

/// One of `n` parts of a list, where it is one.
fn part_of(list: &Value, i: usize, n: usize) -> Value {
    let Some(list) = list.as_array() else { return list.clone() };
    let size = list.len().div_ceil(n).max(1);
    list.chunks(size).nth(i).unwrap_or_default().into()
}

/// A text in two halves, at a character's edge.
fn halves(text: &str) -> [&str; 2] {
    let at = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let (start, rest) = text.split_at(at);
    [start, rest]
}
