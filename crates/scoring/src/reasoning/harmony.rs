//! The harmony format of gpt-oss: messages on channels, of which one is the answer.

use super::{Answer, quoted::Code, tags::CHANNEL};

/// What ends a message.
const ENDS: [&str; 4] = ["<|return|>", "<|end|>", "<|call|>", "<|start|>"];

const MESSAGE: &str = "<|message|>";

/// A message's channel, and where it stands.
struct Message<'t> {
    head: &'t str,
    body: &'t str,
    /// The whole of it, marks included.
    whole: &'t str,
}

/// The answer in a text that is written in channels: the last message on `final`, or else all
/// messages but those on `analysis`. `None` where the marks are no channels.
pub(super) fn answer(text: &str) -> Option<Answer<'_>> {
    let start = text.find(CHANNEL)?;
    let is_quoted = text[..start].ends_with(['`', '"', '\'', '“', '‘']);
    if is_quoted || Code::new(text).holds(start..start + CHANNEL.len()) {
        return None;
    }
    let messages = messages(&text[start..]);
    // A call of a tool is no part of the last message, and is scored.
    let calls = messages.iter().any(|message| message.head.contains("to="));
    let last = messages.iter().rev().find(|message| message.is_on("final"));
    if let Some(last) = last.filter(|_| !calls) {
        return Some(Answer::Rest(last.body.trim().into()));
    }
    let before = text[..start].trim().trim_end_matches("assistant").trim_end_matches("<|start|>");
    let is_thought = |message: &&Message<'_>| message.is_on("analysis");
    if !before.is_empty() || !messages.iter().any(|message| is_thought(&message)) {
        return None;
    }
    let rest: String = messages
        .iter()
        .filter(|message| !is_thought(message))
        .map(|message| message.whole)
        .collect();
    Some(if rest.is_empty() { Answer::Endless } else { Answer::Rest(rest.into()) })
}

/// The messages of a text that begins with one.
fn messages(text: &str) -> Vec<Message<'_>> {
    let starts: Vec<usize> = text.match_indices(CHANNEL).map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let messages = starts.iter().zip(ends).map(|(&start, end)| Message::read(&text[start..end]));
    messages.collect()
}

impl<'t> Message<'t> {
    fn read(whole: &'t str) -> Self {
        let inner = &whole[CHANNEL.len()..];
        let (head, body) = inner.split_once(MESSAGE).unwrap_or_else(|| {
            let word = inner.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(inner.len());
            inner.split_at(word)
        });
        let end = ENDS.iter().filter_map(|mark| body.find(mark)).min();
        Self { head, body: &body[..end.unwrap_or(body.len())], whole }
    }

    fn is_on(&self, channel: &str) -> bool {
        self.head.split_whitespace().next() == Some(channel)
    }
}
