//! `fuzzy`: how alike answer and target are as strings.

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    normalize::{Chain, Step, default_steps},
    similarity::{
        Sequences, characters, damerau_levenshtein, hamming, indel_similarity, jaro, jaro_winkler,
        levenshtein, osa, partial_ratio, partial_work, sorensen_dice, sorted_words, subsequence,
        token_set_ratio,
    },
    subject::Subject,
};

/// The most steps that a comparison may take: about a second. Beyond it a quadratic algorithm would
/// hold up a whole run for one pathological answer.
const MAX_WORK: usize = 500_000_000;

/// Parameters of `fuzzy`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// How similarity is measured.
    #[serde(default)]
    algorithm: Algorithm,
    /// Of `jaro_winkler`: what each shared first character adds, from 0 to 0.25.
    #[serde(default = "default_prefix_weight")]
    prefix_weight: f64,
    /// Of `hamming`: the shorter text is padded, and each place of padding differs. Without it an
    /// answer of another length than the target is invalid.
    #[serde(default = "default_pad")]
    pad: bool,
    /// Applied to answer and target before they are compared.
    #[serde(default = "default_steps")]
    normalize: Vec<Step>,
}

fn default_prefix_weight() -> f64 {
    0.1
}

fn default_pad() -> bool {
    true
}

/// How similarity is measured. All count Unicode scalar values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Algorithm {
    /// 1 - edits / longer length; an edit inserts, deletes or replaces (Levenshtein 1966).
    #[default]
    Levenshtein,
    /// The same, and an edit may swap neighbours, each pair once (optimal string alignment).
    Osa,
    /// The same without the restriction (Damerau 1964; Lowrance and Wagner 1975).
    DamerauLevenshtein,
    /// 1 - edits / both lengths; an edit inserts or deletes. It is rapidfuzz's `ratio`.
    Indel,
    /// Longest common subsequence / longer length.
    LcsSeq,
    /// Equal places / longer length (Hamming 1950).
    Hamming,
    /// Shared characters within a window, and their order (Jaro 1989).
    Jaro,
    /// Jaro with a bonus for each of at most 4 shared first characters, where Jaro is above 0.7
    /// (Winkler 1990).
    JaroWinkler,
    /// 2 × shared bigrams / all bigrams, counted with multiplicity, white space left out
    /// (Dice 1945; Sørensen 1948). It has no bigrams for a text of one character, which is like
    /// nothing but itself.
    SorensenDice,
    /// The best `indel` of the shorter text with any part of the longer one that is no longer.
    PartialRatio,
    /// `indel` of the texts with their words sorted.
    TokenSortRatio,
    /// The best `indel` among the shared words, those with the answer's other words, and those with
    /// the target's other words, each word once: 1 where one text has all words of the other, and 0
    /// where one has no word.
    TokenSetRatio,
}

#[derive(Debug)]
pub(crate) struct Fuzzy {
    chain: Chain,
    algorithm: Algorithm,
    prefix_weight: f64,
    pad: bool,
}

impl MetricDefinition for Fuzzy {
    const ABOUT: About = About {
        name: "fuzzy",
        summary: "How similar answer and target are as strings; two empty strings are equal.",
        range: Range::Unit,
        direction: Direction::Higher,
        threshold: Some(0.9),
        needs_target: true,
        model_refs: &[],
        source: "As rapidfuzz 3.14.6, without case folding; Sørensen–Dice is our own.",
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        let Params { algorithm, prefix_weight, pad, normalize } = params;
        if !(0.0..=0.25).contains(&prefix_weight) {
            let message =
                format!("a prefix weight must lie in [0, 0.25]; {prefix_weight} does not");
            return Err(ParamError { pointer: "/prefix_weight".to_owned(), message });
        }
        let chain = Chain::new(&normalize);
        Ok(Backend::Text(Arc::new(Self { chain, algorithm, prefix_weight, pad })))
    }
}

impl Measure for Fuzzy {
    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        let answer = self.chain.apply(answer);
        let targets: Vec<String> =
            targets.iter().map(|target| self.chain.apply(target).into_owned()).collect();
        let fits = |target: &String| *target == answer || self.can_afford(&answer, target);
        if !targets.iter().all(fits) {
            return Measurement::Missing("answer and target are too long to compare".to_owned());
        }
        if self.algorithm == Algorithm::Hamming && !self.pad && !has_length(&answer, &targets) {
            return Measurement::Invalid("no target has the length of the answer".to_owned());
        }
        Measurement::best_of(&targets, |target| self.similarity(&answer, target))
    }
}

/// Whether a target has the length of the answer; without any target there is nothing to differ from.
fn has_length(answer: &str, targets: &[String]) -> bool {
    let length = answer.chars().count();
    targets.is_empty() || targets.iter().any(|target| target.chars().count() == length)
}

impl Fuzzy {
    fn can_afford(&self, a: &str, b: &str) -> bool {
        let (a, b) = (a.chars().count(), b.chars().count());
        let work = match self.algorithm {
            Algorithm::SorensenDice | Algorithm::Hamming => 0,
            // One cell at a time, and slower than the others.
            Algorithm::DamerauLevenshtein => a.saturating_mul(b).saturating_mul(2),
            Algorithm::PartialRatio => partial_work(a, b),
            _ => a.saturating_mul(b) / 64,
        };
        work <= MAX_WORK
    }

    /// The likeness of two texts, in [0, 1]; 1 for equal ones, empty ones among them.
    fn similarity(&self, a: &str, b: &str) -> f64 {
        if a == b && self.algorithm != Algorithm::TokenSetRatio {
            return 1.0;
        }
        match self.algorithm {
            Algorithm::Levenshtein => by_edits(&characters(a, b), levenshtein),
            Algorithm::Osa => by_edits(&characters(a, b), osa),
            Algorithm::DamerauLevenshtein => normalized(damerau_levenshtein(a, b), longer(a, b)),
            Algorithm::Indel => indel_similarity(&characters(a, b)),
            Algorithm::LcsSeq => by_edits(&characters(a, b), |both| {
                both.a.len().max(both.b.len()) - subsequence(both)
            }),
            Algorithm::Hamming if !self.pad && a.chars().count() != b.chars().count() => 0.0,
            Algorithm::Hamming => normalized(hamming(a, b), longer(a, b)),
            Algorithm::Jaro => jaro(a, b),
            Algorithm::JaroWinkler => jaro_winkler(a, b, self.prefix_weight),
            Algorithm::SorensenDice => sorensen_dice(a, b),
            Algorithm::PartialRatio => partial_ratio(&characters(a, b)),
            Algorithm::TokenSortRatio => {
                indel_similarity(&characters(&sorted_words(a), &sorted_words(b)))
            }
            Algorithm::TokenSetRatio => token_set_ratio(a, b),
        }
    }
}

/// The length of the longer text.
fn longer(a: &str, b: &str) -> usize {
    a.chars().count().max(b.chars().count())
}

/// 1 - edits / longer length.
fn by_edits(both: &Sequences, edits: impl FnOnce(&Sequences) -> usize) -> f64 {
    normalized(edits(both), both.a.len().max(both.b.len()))
}

/// 1 - distance / longer length. Never called with two empty texts.
fn normalized(distance: usize, longer: usize) -> f64 {
    1.0 - distance as f64 / longer as f64
}
