//! `includes`: a target stands somewhere in the answer.

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expected_values::Wanted;
use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    normalize::{Chain, Step, default_steps},
    subject::Subject,
    word_edge::{stands_alone, word_before},
};

/// Parameters of `includes`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Applied to answer and target before they are compared.
    #[serde(default = "default_steps")]
    normalize: Vec<Step>,
    /// How many of the targets must be there.
    #[serde(default)]
    mode: Mode,
    /// Texts to look for instead of the targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    values: Option<Vec<String>>,
    /// The target counts only where no letter, digit, mark or underscore touches it, and where no
    /// word of `negation` stands directly before it: `art` is not in `party`, and `guilty` is not
    /// in `not guilty`. A minus is not such a word: 5 is in `-5`. Nor does a number count within
    /// another one: 5 is not in `3.5`, nor 500 in `1,500`, nor 10 in `10:30`, but 2 is in `1,2,3`.
    /// Letters of languages that are written without spaces (Chinese, Japanese, Thai, Lao, Burmese,
    /// Khmer), and Korean ones, touch nothing.
    #[serde(default)]
    words: bool,
    /// With `words`: what denies the word after it, in any case; nothing but white space and
    /// hyphens may lie between. `n't` also stands for every word that ends in it. `[]` denies
    /// nothing.
    #[serde(default = "default_negation")]
    negation: Vec<String>,
}

fn default_negation() -> Vec<String> {
    let words = ["not", "no", "never", "neither", "nor", "non", "without", "cannot", "n't"];
    words.map(str::to_owned).into()
}

/// How many of the targets must be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// One is enough.
    #[default]
    Any,
    /// Every one.
    All,
}

#[derive(Debug)]
pub(crate) struct Includes {
    chain: Chain,
    wanted: Wanted,
    mode: Mode,
    /// Folded words that deny; `None` where the text counts wherever it stands.
    words: Option<Vec<String>>,
}

impl MetricDefinition for Includes {
    const ABOUT: About = About {
        name: "includes",
        summary: "A target appears somewhere in the answer. An empty target never does.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: true,
        model_refs: &[],
        source: "Own definition; text is compared by Unicode scalar values.",
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        let chain = Chain::new(&params.normalize);
        let wanted = Wanted::new(params.values.as_deref(), &chain)?;
        let words = params.words.then(|| params.negation.iter().map(|word| fold(word)).collect());
        Ok(Backend::Text(Arc::new(Self { chain, wanted, mode: params.mode, words })))
    }
}

impl Measure for Includes {
    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        let answer = self.chain.apply(answer);
        let holds = |text: &str| self.holds(&answer, text);
        match self.mode {
            Mode::Any => self.wanted.any(targets, &self.chain, holds),
            Mode::All => self.wanted.all(targets, &self.chain, holds),
        }
    }
}

impl Includes {
    fn holds(&self, text: &str, needle: &str) -> bool {
        match &self.words {
            None => !needle.is_empty() && text.contains(needle),
            Some(negation) => holds_words(text, needle, |head| is_denied(head, negation)),
        }
    }
}

/// Whether `needle` stands in `text` without touching another word, overlapping places included,
/// and with nothing before it that makes it not count.
fn holds_words(text: &str, needle: &str, is_denied: impl Fn(&str) -> bool) -> bool {
    !needle.is_empty()
        && text.contains(needle)
        && places(text, needle).any(|start| {
            stands_alone(text, &(start..start + needle.len())) && !is_denied(&text[..start])
        })
}

/// Where `needle`, which is not empty, stands in `text`. Places overlap, so that looking for each anew
/// would take quadratic time where both repeat one letter (Knuth, Morris and Pratt 1977).
fn places(text: &str, needle: &str) -> impl Iterator<Item = usize> {
    let (text, needle) = (text.as_bytes(), needle.as_bytes());
    let mut borders = vec![0; needle.len()];
    for end in 1..needle.len() {
        borders[end] = extended(needle, &borders, borders[end - 1], needle[end]);
    }
    let mut length = 0;
    text.iter().zip(1..).filter_map(move |(byte, end)| {
        length = extended(needle, &borders, length, *byte);
        (length == needle.len()).then(|| end - needle.len())
    })
}

/// How much of the beginning of `needle` stands where `length` of it stood, and one byte more.
fn extended(needle: &[u8], borders: &[usize], mut length: usize, byte: u8) -> usize {
    while length > 0 && needle.get(length) != Some(&byte) {
        length = borders[length - 1];
    }
    if needle.get(length) == Some(&byte) { length + 1 } else { 0 }
}

/// Whether one of these words is the last of `head`.
fn is_denied(head: &str, negation: &[String]) -> bool {
    let word = word_before(head);
    if word.is_empty() || negation.is_empty() {
        return false;
    }
    let word = fold(word);
    negation.iter().any(|denies| word == *denies || denies == "n't" && word.ends_with("n't"))
}

/// In any case and with any apostrophe.
fn fold(word: &str) -> String {
    crate::normalize::casefold(word).replace('’', "'")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_place_is_found(text in "[abä]{0,40}", needle in "[abä]{1,4}") {
            let naive = text.char_indices().map(|(at, _)| at);
            let naive: Vec<usize> = naive.filter(|at| text[*at..].starts_with(&needle)).collect();
            prop_assert_eq!(places(&text, &needle).collect::<Vec<_>>(), naive);
        }
    }
}
