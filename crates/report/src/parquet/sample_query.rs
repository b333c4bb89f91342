//! Which samples of a run are wanted: by prompt, model, outcome, score or text.

use evalmark_core::record::Outcome;

use super::{open::ReadError, typed_columns::Frame};
use crate::columns::SCORE_PREFIX;

/// Which samples are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleQuery {
    /// Of this prompt.
    pub prompt: Option<String>,
    /// Of this model.
    pub model: Option<String>,
    /// That ended so.
    pub outcome: Option<Outcome>,
    /// With this text in the item's id, the question, the answer, a target or the error, in upper or
    /// lower case.
    pub text: Option<String>,
    /// With a score of this metric that is at most so much, or missing.
    pub at_most: Option<(String, f64)>,
}

impl SampleQuery {
    /// The columns that tell whether a sample is wanted, but for those of scores.
    pub(super) fn columns(&self) -> Vec<&'static str> {
        let needed: [(bool, &[&str]); 4] = [
            (self.prompt.is_some(), &["prompt"]),
            (self.model.is_some(), &["model"]),
            (self.outcome.is_some(), &["outcome"]),
            (self.text.is_some(), &["item_id", "request", "output", "targets", "error"]),
        ];
        let needed = needed.into_iter().filter(|(is_needed, _)| *is_needed);
        needed.flat_map(|(_, names)| names).copied().collect()
    }
}

/// Tells whether a sample is wanted.
pub(super) struct Wanted<'a> {
    query: &'a SampleQuery,
    text: Option<Needle>,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(query: &'a SampleQuery) -> Self {
        Self { query, text: query.text.as_deref().map(Needle::new) }
    }

    /// The rows of a frame that are wanted, by their places in it.
    pub(super) fn rows(&self, frame: &Frame<'_>) -> Result<Vec<usize>, ReadError> {
        let mut wanted: Vec<usize> = (0..frame.height).collect();
        for (column, value) in [
            ("prompt", self.query.prompt.as_deref()),
            ("model", self.query.model.as_deref()),
            ("outcome", self.query.outcome.map(Outcome::as_str)),
        ] {
            if let Some(value) = value {
                let texts = frame.text(column)?;
                wanted.retain(|&row| texts.get(row) == Some(value));
            }
        }
        if let Some((metric, most)) = &self.query.at_most {
            let column = format!("{SCORE_PREFIX}{metric}");
            // A metric that the run does not have has no scores to be higher.
            if frame.has(&column) {
                let scores = frame.float(&column)?;
                wanted.retain(|&row| scores.get(row).is_none_or(|score| score <= *most));
            }
        }
        if let Some(needle) = &self.text {
            with_text(needle, frame, &mut wanted)?;
        }
        Ok(wanted)
    }
}

/// Keeps the rows that have the text.
fn with_text(needle: &Needle, frame: &Frame<'_>, wanted: &mut Vec<usize>) -> Result<(), ReadError> {
    let columns = ["item_id", "output", "error", "request"]
        .iter()
        .map(|column| frame.text(column))
        .collect::<Result<Vec<_>, _>>()?;
    let targets = frame.texts("targets")?;
    let mut found = Vec::new();
    for &row in wanted.iter() {
        let mut texts = columns.iter().filter_map(|column| column.get(row));
        let is_there = texts.any(|text| needle.is_in(text))
            || targets.texts(row)?.iter().any(|target| needle.is_in(target));
        if is_there {
            found.push(row);
        }
    }
    *wanted = found;
    Ok(())
}

/// A text that is looked for in upper or lower case.
struct Needle {
    lower: String,
    /// Its first byte in both cases, where it is plain ASCII.
    first: Option<[u8; 2]>,
}

impl Needle {
    fn new(text: &str) -> Self {
        let lower = text.to_lowercase();
        let first = lower.as_bytes().first().filter(|_| lower.is_ascii());
        Self { first: first.map(|byte| [*byte, byte.to_ascii_uppercase()]), lower }
    }

    fn is_in(&self, text: &str) -> bool {
        let Some([small, large]) = self.first else {
            return self.lower.is_empty() || text.to_lowercase().contains(&self.lower);
        };
        let (text, needle) = (text.as_bytes(), self.lower.as_bytes());
        memchr::memchr2_iter(small, large, text).any(|at| {
            text.get(at..at + needle.len()).is_some_and(|part| part.eq_ignore_ascii_case(needle))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Needle;

    #[test]
    fn texts_are_found_in_either_case() {
        for (needle, text, is_there) in [
            ("refund", "I want a REFUND now", true),
            ("REFUND", "refund", true),
            ("refund", "refun", false),
            ("straße", "In der STRAßE", true),
            ("é", "CAFÉ", true),
            ("", "anything", true),
            ("a b", "A B", true),
        ] {
            assert_eq!(Needle::new(needle).is_in(text), is_there, "{needle} in {text}");
        }
    }
}
