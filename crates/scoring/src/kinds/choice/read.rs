//! Reading a choice out of an answer, the clearest sign first.

use std::{collections::BTreeSet, iter, sync::LazyLock};

use regex::Regex;

use super::{
    cue_words,
    hits::{Hit, Labels, bare, fold, plain_letters},
    lines::led,
};
use crate::{final_mark::boxed, word_edge::stands_alone};

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
    let answer = &*plain_letters(answer);
    let hits = labels.hits(answer, count);
    let alone = |text: &str| alone(text, labels, count, texts);
    if let Some(inside) = boxed(answer) {
        let only = || only_one(inside, &labels.hits(inside, count), texts).ok();
        if let Some(option) = alone(inside).or_else(only) {
            return Ok(option);
        }
    }
    let whole = alone(answer);
    let mut lines = answer.lines().filter(|line| !line.trim().is_empty());
    let (first, last) = (lines.next().and_then(alone), lines.next_back().and_then(alone));
    let said = || declared(answer, &hits, texts, last.is_some());
    if let Some(declared) = whole.is_none().then(said).flatten() {
        return declared;
    }
    if let Some(option) = whole.or(last).or(first) {
        return Ok(option);
    }
    led(answer, &hits, texts).map_or_else(|| only_one(answer, &hits, texts), Ok)
}

/// The option that is the only one mentioned and not denied.
fn only_one(answer: &str, hits: &[Hit], texts: &[String]) -> Result<usize, &'static str> {
    let mut options: BTreeSet<usize> = meant(answer, hits, texts).map(|hit| hit.option).collect();
    options.extend(mentioned(answer, texts));
    match options.first() {
        Some(only) if options.len() == 1 => Ok(*only),
        Some(_) => Err(SEVERAL),
        None => Err(NONE),
    }
}

/// The letters that stand for options, and are not said to be wrong.
fn meant<'h>(answer: &str, hits: &'h [Hit], texts: &[String]) -> impl Iterator<Item = &'h Hit> {
    let (mut denied, mut end) = (false, 0);
    hits.iter().filter(move |hit| {
        if !(hit.as_named || hit.marked) || hit.glued || hit.is_prose(answer) {
            return false;
        }
        let goes_on =
            denied && cue_words::joins_list(answer.get(end..hit.start).unwrap_or_default());
        denied = goes_on || cue_words::is_denied(&answer[..hit.start]);
        end = hit.end;
        !denied && !said_after(answer, hit, texts).any(cue_words::is_called_wrong)
    })
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

/// What the last declaration says; a conclusion is none where the answer ends with a choice.
fn declared(
    answer: &str,
    hits: &[Hit],
    texts: &[String],
    ends_with_choice: bool,
) -> Option<Result<usize, &'static str>> {
    let hit_at = |at: usize| {
        let hit = hits.binary_search_by_key(&at, |hit| hit.start).ok().map(|i| hits[i])?;
        let is_wrong = said_after(answer, &hit, texts).any(cue_words::is_called_wrong);
        (!hit.is_prose(answer) && !is_wrong).then_some(hit)
    };
    let chosen = |hit: Hit| {
        if cue_words::goes_on(answer, &hit, hits) { Err(SEVERAL) } else { Ok(hit.option) }
    };
    let leads = cue_words::declarations(answer).filter_map(|at| match hit_at(at) {
        Some(hit) => Some((at, chosen(hit))),
        None => begins_with(&answer[at..], texts).map(|option| (at, Ok(option))),
    });
    let conclusions = cue_words::conclusions(answer).filter_map(|at| {
        let hit = hit_at(at).filter(|_| !ends_with_choice).filter(|hit| hit.as_named || hit.marked);
        hit.filter(|hit| cue_words::is_end(&answer[hit.end..])).map(|hit| (at, Ok(hit.option)))
    });
    let right = hits.iter().rfind(|hit| {
        (hit.as_named || hit.marked)
            && !hit.glued
            && said_after(answer, hit, texts).any(cue_words::is_called_right)
            && !cue_words::is_denied(&answer[..hit.start])
    });
    let right = right.map(|hit| (hit.start, Ok(hit.option)));
    let last = [leads.last(), conclusions.last(), right];
    last.into_iter().flatten().max_by_key(|(at, _)| *at).map(|(_, option)| option)
}

/// What follows a letter: directly, and after the option's own text, where that stands between.
pub(super) fn said_after<'t>(
    answer: &'t str,
    hit: &Hit,
    texts: &[String],
) -> impl Iterator<Item = &'t str> {
    let after = &answer[hit.end..];
    let own = texts.get(hit.option).and_then(|text| {
        let is_mark = |c: char| ").:：．。、,—–-*_\"] \t".contains(c);
        without_prefix(after.trim_start_matches(is_mark), bare(text))
    });
    iter::once(after).chain(own)
}

/// What comes after a text that another one begins with, in either case of ASCII.
pub(super) fn without_prefix<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    (!prefix.is_empty() && head.eq_ignore_ascii_case(prefix)).then_some(rest)
}

/// The option whose text the answer goes on with; the longest, where several fit.
pub(super) fn begins_with(rest: &str, texts: &[String]) -> Option<usize> {
    let longest = texts.iter().map(String::len).max()?;
    // Case folding makes a text at most three times as long, and white space may be wider.
    let rest = fold(&rest[..rest.floor_char_boundary(longest.saturating_mul(4) + 64)]);
    let rest = rest.trim_start_matches(|c: char| "*_`\"'“‘(「『".contains(c));
    let fits = texts.iter().enumerate().filter(|(_, text)| {
        let text = fold(bare(text));
        !text.is_empty() && rest.starts_with(&text) && stands_alone(rest, &(0..text.len()))
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
        let free = |at: usize| stands_alone(&answer, &(at..at + text.len()));
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
