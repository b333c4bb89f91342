//! Reading a choice out of an answer, the clearest sign first.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;

use super::{
    super::word_edge::is_free,
    hits::{Hit, Labels, bare, fold},
};
use crate::final_mark::boxed;

/// Why an answer chooses nothing.
const NONE: &str = "no choice in the answer";
const SEVERAL: &str = "more than one choice in the answer";

/// The option that the answer chooses.
pub(super) fn read(
    answer: &str,
    labels: &Labels,
    count: usize,
    texts: &[String],
) -> Result<usize, &'static str> {
    let hits = labels.hits(answer, count);
    let alone = |text: &str| alone(text, labels, count, texts);
    if let Some(option) = boxed(answer).and_then(alone) {
        return Ok(option);
    }
    let whole = alone(answer);
    if let Some(declared) = declared(answer, &hits, texts).filter(|_| whole.is_none()) {
        return declared;
    }
    let mut lines = answer.lines().filter(|line| !line.trim().is_empty());
    let (first, last) = (lines.next().and_then(alone), lines.next_back().and_then(alone));
    if let Some(option) = whole.or(last).or(first) {
        return Ok(option);
    }
    let meant = |hit: &&Hit| {
        (hit.as_named || hit.marked) && !hit.is_prose(answer) && !hit.is_denied(answer)
    };
    let mut options: BTreeSet<usize> = hits.iter().filter(meant).map(|hit| hit.option).collect();
    options.extend(mentioned(answer, texts));
    match options.first() {
        Some(only) if options.len() == 1 => Ok(*only),
        Some(_) => Err(SEVERAL),
        None => Err(NONE),
    }
}

/// A text that is nothing but a choice: `(b)`, `**B**`, `\text{B}`, an option's text.
fn alone(text: &str, labels: &Labels, count: usize, texts: &[String]) -> Option<usize> {
    static WRAPPER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^\s*\$*\\(?:text|textbf|mathrm|mathbf)\s*\{(.*)\}\$*\s*$")
            .expect("a valid pattern")
    });
    let inner = WRAPPER.captures(text).and_then(|found| found.get(1));
    let text = inner.map_or(text, |inner| inner.as_str());
    labels.position(text, texts).filter(|option| *option < count)
}

/// What the last declaration says.
fn declared(answer: &str, hits: &[Hit], texts: &[String]) -> Option<Result<usize, &'static str>> {
    static LEAD: LazyLock<Regex> = LazyLock::new(|| {
        let verb = r"(?:is|was|are|would be|should be|must be|will be|[:=：→]|->)";
        let noun = format!(
            r"answers?(?:\s+(?:to|for)\s[^.:\n]{{1,80}}?)?[\s*_]*{verb}?|(?:choice|option)[\s*_]*{verb}"
        );
        let act = "choose|chose|pick|picked|select|selected|go with|going with";
        let filler = r#"(?:[\s*_"'“‘(\[{$`:=：（<]|\\(?:text|textbf|mathrm|mathbf|boxed)\b|\b(?:option|choice|letter|answer|probably|most likely|clearly|therefore|definitely)\b)*"#;
        Regex::new(&format!(r"(?i)\b(?:{noun}|(?:{act})\b){filler}")).expect("a valid pattern")
    });
    let mut said = LEAD.find_iter(answer).filter_map(|lead| {
        let at = lead.end();
        let hit = hits.binary_search_by_key(&at, |hit| hit.start).ok().map(|i| hits[i]);
        match hit.filter(|hit| !hit.is_prose(answer)) {
            Some(hit) => {
                Some((at, if goes_on(answer, &hit, hits) { Err(SEVERAL) } else { Ok(hit.option) }))
            }
            None => begins_with(&answer[at..], texts).map(|option| (at, Ok(option))),
        }
    });
    let lead = said.by_ref().last();
    let after = hits.iter().rfind(|hit| is_called_right(answer, hit));
    let after = after.map(|hit| (hit.start, Ok(hit.option)));
    [lead, after].into_iter().flatten().max_by_key(|(at, _)| *at).map(|(_, option)| option)
}

/// `B is correct`, `(B) is the right answer`.
fn is_called_right(answer: &str, hit: &Hit) -> bool {
    static RIGHT: LazyLock<Regex> = LazyLock::new(|| {
        let mark =
            r#"^[)\]}*_`$"'”’>）]*\s+(?:is|would be|seems|must be)\s+(?:the\s+|clearly\s+)?"#;
        let praise = r"(?:most\s+)?(?:correct|right|best|true|answer|accurate)\b";
        Regex::new(&format!("(?i){mark}{praise}")).expect("a valid pattern")
    });
    (hit.as_named || hit.marked) && RIGHT.is_match(head(&answer[hit.end..], 80))
}

/// Whether another option is said in the same breath: `A or B`, `A, B`.
fn goes_on(answer: &str, hit: &Hit, hits: &[Hit]) -> bool {
    static AND: LazyLock<Regex> = LazyLock::new(|| {
        let mark = r#"[)\]}*_`$"'”’>）]*"#;
        Regex::new(&format!(
            r#"(?i)^{mark}\s*(?:,\s*(?:and|or)\b|,|/|&|\b(?:and|or)\b)\s*(?:either\s+|both\s+)?["'“(\[{{$`*_]*"#
        ))
        .expect("a valid pattern")
    });
    let rest = head(&answer[hit.end..], 80);
    let Some(and) = AND.find(rest) else { return false };
    let at = hit.end + and.end();
    let next = hits.binary_search_by_key(&at, |hit| hit.start).ok().map(|i| hits[i]);
    next.is_some_and(|next| {
        let says_more = answer[next.end..].trim_start().starts_with(char::is_alphabetic);
        let list = !and.as_str().trim_end().ends_with(',') || !says_more;
        (next.as_named || next.marked) && next.option != hit.option && list
    })
}

/// The beginning of a text, at most so many bytes.
fn head(text: &str, len: usize) -> &str {
    &text[..text.floor_char_boundary(len)]
}

/// The option whose text the answer goes on with; the longest, where several fit.
fn begins_with(rest: &str, texts: &[String]) -> Option<usize> {
    let longest = texts.iter().map(String::len).max()?;
    // Case folding makes a text at most three times as long, and white space may be wider.
    let rest = fold(head(rest, longest.saturating_mul(4) + 64));
    let rest = rest.trim_start_matches(|c: char| "*_`\"'“‘(".contains(c));
    let fits = texts.iter().enumerate().filter(|(_, text)| {
        let text = fold(bare(text));
        let after = rest.strip_prefix(&text);
        !text.is_empty()
            && after.is_some_and(|after| is_free(text.chars().next_back(), after.chars().next()))
    });
    fits.max_by_key(|(_, text)| text.len()).map(|(option, _)| option)
}

/// The options whose texts stand in the answer, but not inside of another one's.
fn mentioned(answer: &str, texts: &[String]) -> BTreeSet<usize> {
    if texts.is_empty() {
        return BTreeSet::new();
    }
    let answer = fold(answer);
    let mut spans: Vec<(usize, usize, usize)> = Vec::new();
    for (option, text) in texts.iter().enumerate() {
        let text = fold(bare(text));
        let free = |at: usize| {
            let (before, after) = (&answer[..at], &answer[at + text.len()..]);
            is_free(text.chars().next(), before.chars().next_back())
                && is_free(text.chars().next_back(), after.chars().next())
        };
        let found = answer.match_indices(&*text).filter(|(at, _)| !text.is_empty() && free(*at));
        spans.extend(found.map(|(at, _)| (at, at + text.len(), option)));
    }
    // From the left, the longer one first: a span that ends before another has ended is inside it.
    spans.sort_unstable_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)));
    let mut reached = 0;
    let mut options = BTreeSet::new();
    for (_, end, option) in spans {
        if end > reached {
            options.insert(option);
            reached = end;
        }
    }
    options
}
