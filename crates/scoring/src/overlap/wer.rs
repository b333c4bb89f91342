//! Words and characters as jiwer 4.0.0 cuts them by default, and the edits between them.

use crate::{
    python::{is_space, strip},
    similarity::{Sequences, levenshtein},
};

/// Words: a run of two or more white-space characters is a blank, and blanks separate words. A lone
/// tab, line end or no-break space does not.
pub(crate) fn words(text: &str) -> Vec<String> {
    let squeezed = squeeze(text);
    let words = strip(&squeezed).split(' ').filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

fn squeeze(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_space) {
        let (before, after) = rest.split_at(start);
        let end = after.find(|c| !is_space(c)).unwrap_or(after.len());
        let run = &after[..end];
        out.push_str(before);
        out.push_str(if run.chars().nth(1).is_some() { " " } else { run });
        rest = &after[end..];
    }
    out + rest
}

/// Edits and units of the reference.
pub(crate) fn counts(answer_and_reference: &Sequences) -> [f64; 2] {
    [levenshtein(answer_and_reference) as f64, answer_and_reference.b.len() as f64]
}

/// The rate; without any unit in a reference, the edits themselves.
pub(crate) fn rate([edits, units]: [f64; 2]) -> f64 {
    if units > 0.0 { edits / units } else { edits }
}
