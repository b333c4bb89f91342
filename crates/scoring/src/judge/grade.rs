//! Reading what a judge wrote: one JSON object of the form that was asked for.
//!
//! Thoughts are no part of a reply. What is left must be the object, alone or in a block of code.
//! Where there are other words around it, the object must stand on lines of its own, no number or
//! brace may follow it, and nothing that the judge was shown may hold a grade: prose may quote it.

use std::{borrow::Cow, fmt::Write, ops::Range, sync::LazyLock};

use regex::Regex;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    json_in_text::spans,
    reasoning::{Answer, answer},
    subject::Subject,
};

/// The longest remark that is kept, in characters.
const REASON_CHARS: usize = 500;

/// Reads an output; why it cannot be read is the error. `key` names the value that decides.
pub(crate) fn read<T: DeserializeOwned>(
    subject: Subject<'_>,
    key: &str,
    output: &str,
) -> Result<T, String> {
    let output = match answer(output) {
        Answer::Whole => Cow::Borrowed(output),
        Answer::Rest(rest) => rest,
        Answer::Endless => return Err("the judge's reasoning never ends".to_owned()),
    };
    let output = output.trim_start_matches('\u{feff}').trim();
    let text = unfenced(output);
    if !text.starts_with('{') {
        return within(subject, key, output);
    }
    parsed(text).or_else(|error| within(subject, key, output).map_err(|_| error))
}

/// The judge's remark, where it is a text that says something; long ones are cut.
pub(crate) fn remark(reason: &Value) -> Option<String> {
    reason.as_str().map(str::trim).filter(|text| !text.is_empty()).map(bounded)
}

/// The body of a text that is one code fence and nothing else; otherwise the text itself.
fn unfenced(text: &str) -> &str {
    let body = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    let body = body.filter(|body| !body.contains("```")).unwrap_or_default();
    match body.find('{') {
        Some(start) if matches!(body[..start].trim(), "" | "json" | "JSON" | "jsonc" | "json5") => {
            body[start..].trim()
        }
        _ => text,
    }
}

/// An object, in whose texts lines may break.
fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).or_else(|error| {
        let mended = with_escapes(text);
        serde_json::from_str(&mended).map_err(|_| error.to_string())
    })
}

/// The text with control characters in strings escaped.
fn with_escapes(text: &str) -> String {
    let (mut out, mut is_string, mut is_escaped) =
        (String::with_capacity(text.len()), false, false);
    for c in text.chars() {
        match c {
            '\u{0}'..='\u{1f}' if is_string => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
        is_string ^= c == '"' && !is_escaped;
        is_escaped = is_string && c == '\\' && !is_escaped;
    }
    out
}

/// The object among other words.
fn within<T: DeserializeOwned>(subject: Subject<'_>, key: &str, text: &str) -> Result<T, String> {
    const ALONE: &str = "the judge did not write one JSON object and nothing else";
    let mended = if text.contains('{') { with_escapes(text) } else { String::new() };
    let text = if spans(text).next().is_some() { text } else { &mended };
    let quoted = format!("\"{key}\"");
    let graded: Vec<Range<usize>> =
        spans(text).filter(|span| text[span.clone()].contains(&quoted)).collect();
    let Some(last) = graded.last().cloned() else { return Err(ALONE.to_owned()) };
    if shows_a_grade(subject, key) {
        let why = "what the judge was shown holds a grade itself";
        return Err(format!("{ALONE}, and {why}"));
    }
    if !is_alone(text, &last)
        || text[last.end..].contains(|c: char| "{}".contains(c) || c.is_numeric())
    {
        return Err(ALONE.to_owned());
    }
    if let [.., draft, _] = graded.as_slice()
        && text[draft.clone()] != text[last.clone()]
        && !says_final(&text[draft.end..last.start])
    {
        return Err("the judge wrote several grades".to_owned());
    }
    parsed(&text[last])
}

/// Whether an object stands on lines of its own, or is all that a block of code holds.
fn is_alone(text: &str, span: &Range<usize>) -> bool {
    let before = text[..span.start].rsplit('\n').next().unwrap_or_default().trim();
    let after = text[span.end..].split('\n').next().unwrap_or_default().trim();
    let label = before.rsplit("```").next().unwrap_or_default();
    let opens =
        before.is_empty() || before.contains("```") && matches!(label, "" | "json" | "JSON");
    opens && (after.is_empty() || after.starts_with("```"))
}

/// Whether words tell a final grade from a draft.
fn says_final(text: &str) -> bool {
    static FINAL: LazyLock<Regex> = LazyLock::new(|| {
        let words = r"(?i)\b(?:final|finally|revised?|revision|corrected|correction|updated?|actually|instead|reconsidering|on reflection|in conclusion|overall)\b";
        Regex::new(words).expect("a valid pattern")
    });
    FINAL.is_match(text)
}

/// Whether something that the judge was shown looks like a grade, which prose may quote.
fn shows_a_grade(subject: Subject<'_>, key: &str) -> bool {
    let cells = subject.fields.values().map(|cell| match cell {
        Value::String(text) => Cow::Borrowed(text.as_str()),
        cell => Cow::Owned(cell.to_string()),
    });
    let targets = subject.targets.iter().map(|target| Cow::Borrowed(target.as_str()));
    let mut shown = [Cow::Borrowed(subject.answer)].into_iter().chain(targets).chain(cells);
    shown.any(|text| {
        let text = text.to_lowercase();
        let mut places = text.match_indices(key);
        places.any(|(at, _)| {
            let after = text[at + key.len()..].trim_start_matches(['"', '\'', '`', '\\', ' ']);
            after.starts_with([':', '='])
        })
    })
}

/// The beginning of a text, as long as it is worth keeping.
pub(crate) fn bounded(text: &str) -> String {
    match text.char_indices().nth(REASON_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
