//! `fuzzy`: how alike answer and target are as strings.

use std::sync::Arc;

use evalmark_core::metric::{Complaint, Direction, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    kind::{About, Define, Finding, Measure, Work},
    normalize::{Chain, Step, default_steps},
    subject::Subject,
};

/// The largest product of two lengths that is compared: about a second of work. Beyond it a
/// quadratic algorithm would hold up a whole run for one pathological answer.
const MAX_WORK: usize = 1_000_000_000;

/// Parameters of `fuzzy`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// How likeness is measured.
    #[serde(default)]
    algorithm: Algorithm,
    /// Applied to answer and target before they are compared.
    #[serde(default = "default_steps")]
    normalize: Vec<Step>,
}

/// How likeness is measured. All count Unicode scalar values.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Algorithm {
    /// 1 - edits / longer length; an edit inserts, deletes or replaces (Levenshtein 1966).
    #[default]
    Levenshtein,
    /// The same, and an edit may swap neighbours, each pair once (optimal string alignment).
    Osa,
    /// The same without the restriction (Damerau 1964; Lowrance and Wagner 1975).
    DamerauLevenshtein,
    /// Shared characters within a window, and their order (Jaro 1989).
    Jaro,
    /// Jaro with a bonus of 0.1 for each of at most 4 shared first characters, where Jaro is above
    /// 0.7 (Winkler 1990).
    JaroWinkler,
    /// 2 × shared bigrams / all bigrams, counted with multiplicity, white space left out
    /// (Dice 1945; Sørensen 1948). It has no bigrams for a text of one character, which is like
    /// nothing but itself.
    SorensenDice,
}

#[derive(Debug)]
pub(crate) struct Fuzzy {
    chain: Chain,
    algorithm: Algorithm,
}

impl Define for Fuzzy {
    const ABOUT: About = About {
        name: "fuzzy",
        summary: "How alike answer and target are as strings; two empty ones are equal.",
        range: Range::Unit,
        direction: Direction::Higher,
        threshold: Some(0.9),
        needs_target: true,
        model_refs: &[],
        source: "Crate `strsim`, checked against rapidfuzz; Sørensen–Dice is our own.",
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Work, Complaint> {
        let chain = Chain::new(&params.normalize);
        Ok(Work::Text(Arc::new(Self { chain, algorithm: params.algorithm })))
    }
}

impl Measure for Fuzzy {
    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Finding {
        let answer = self.chain.apply(answer);
        let targets: Vec<String> =
            targets.iter().map(|target| self.chain.apply(target).into_owned()).collect();
        let fits =
            |target: &String| *target == answer || self.algorithm.can_afford(&answer, target);
        if !targets.iter().all(fits) {
            return Finding::Missing("answer and target are too long to compare".to_owned());
        }
        Finding::best_of(&targets, |target| self.algorithm.similarity(&answer, target))
    }
}

impl Algorithm {
    fn can_afford(self, a: &str, b: &str) -> bool {
        matches!(self, Self::SorensenDice)
            || a.chars().count().saturating_mul(b.chars().count()) <= MAX_WORK
    }

    /// The likeness of two texts, in [0, 1]; 1 for equal ones, empty ones among them.
    fn similarity(self, a: &str, b: &str) -> f64 {
        if a == b {
            return 1.0;
        }
        match self {
            Self::Levenshtein => strsim::normalized_levenshtein(a, b),
            Self::Osa => normalized(strsim::osa_distance(a, b), a, b),
            Self::DamerauLevenshtein => strsim::normalized_damerau_levenshtein(a, b),
            Self::Jaro => strsim::jaro(a, b),
            Self::JaroWinkler => strsim::jaro_winkler(a, b),
            Self::SorensenDice => sorensen_dice(a, b),
        }
    }
}

/// 1 - distance / longer length. Never called with two empty texts.
fn normalized(distance: usize, a: &str, b: &str) -> f64 {
    1.0 - distance as f64 / a.chars().count().max(b.chars().count()) as f64
}

/// Our own, because strsim 0.11 divides by lengths in bytes, which is wrong beyond ASCII.
fn sorensen_dice(a: &str, b: &str) -> f64 {
    let (a, b) = (bigrams(a), bigrams(b));
    match (a, b) {
        (Err(a), Err(b)) => f64::from(a == b),
        (Ok(a), Ok(b)) => 2.0 * shared(&a, &b) as f64 / (a.len() + b.len()) as f64,
        _ => 0.0,
    }
}

/// The sorted bigrams of a text without its white space; the text itself where it has none.
fn bigrams(text: &str) -> Result<Vec<(char, char)>, Option<char>> {
    let chars: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let mut bigrams: Vec<_> = chars.windows(2).map(|pair| (pair[0], pair[1])).collect();
    bigrams.sort_unstable();
    if bigrams.is_empty() { Err(chars.first().copied()) } else { Ok(bigrams) }
}

/// The size of the intersection of two sorted multisets.
fn shared<T: Ord>(a: &[T], b: &[T]) -> usize {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut count = 0;
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        let order = x.cmp(y);
        if order.is_le() {
            a.next();
        }
        if order.is_ge() {
            b.next();
        }
        count += usize::from(order.is_eq());
    }
    count
}
