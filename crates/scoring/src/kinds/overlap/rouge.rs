//! `rouge`: words, n-grams of words, or subsequences that the answer shares with a target.

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{complain, no_target, too_long};
use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    normalize::{Chain, Step},
    overlap::rouge::{Overlap, Variant, overlap},
    subject::Subject,
};

/// Parameters of `rouge`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// `rouge1` to `rouge9`: n-grams of so many words. `rougeL`: the longest common subsequence.
    /// `rougeLsum`: the union of those of each line of the target with all lines of the answer.
    #[serde(default = "default_variant")]
    variant: String,
    /// Compares stems of words (Porter's stemmer with NLTK's extensions): English only.
    #[serde(default)]
    stemmer: bool,
    /// What the value is.
    #[serde(default)]
    score: ScoreOf,
    /// Applied to answer and target first. Words are always lower-cased runs of the ASCII letters and
    /// digits; other scripts have none, and score 0.
    #[serde(default)]
    normalize: Vec<Step>,
}

fn default_variant() -> String {
    "rougeL".to_owned()
}

/// What the value is.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ScoreOf {
    /// The harmonic mean of precision and recall.
    #[default]
    F,
    /// Of what the answer says, how much stands in the target.
    Precision,
    /// Of what the target says, how much stands in the answer.
    Recall,
}

#[derive(Debug)]
pub(crate) struct RougeKind {
    chain: Chain,
    variant: Variant,
    stemmer: bool,
    score: ScoreOf,
}

impl MetricDefinition for RougeKind {
    const ABOUT: About = About {
        name: "rouge",
        summary: "Words, n-grams or the longest common subsequence shared with the target. Of several \
                  targets the one with the best harmonic mean counts.",
        range: Range::Unit,
        direction: Direction::Higher,
        threshold: None,
        needs_target: true,
        model_refs: &[],
        source: "Lin 2004, as rouge-score 0.1.2 (with NLTK's stemmer).",
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        let Some(variant) = variant(&params.variant) else {
            let message = format!(
                "`{}` is not one of rouge1 to rouge9, rougeL and rougeLsum",
                params.variant
            );
            return complain("/variant", message);
        };
        let Params { stemmer, score, normalize, .. } = params;
        Ok(Backend::Text(Arc::new(Self { chain: Chain::new(&normalize), variant, stemmer, score })))
    }
}

fn variant(name: &str) -> Option<Variant> {
    match name.strip_prefix("rouge")? {
        "L" => Some(Variant::Subsequence),
        "Lsum" => Some(Variant::Union),
        order if order.len() == 1 => order.parse().ok().filter(|n| *n > 0).map(Variant::Grams),
        _ => None,
    }
}

impl Measure for RougeKind {
    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        let answer = self.chain.apply(answer);
        let mut best: Option<Overlap> = None;
        for target in targets {
            let target = self.chain.apply(target);
            let Ok(next) = overlap(self.variant, self.stemmer, &answer, &target) else {
                return too_long();
            };
            best = Some(best.filter(|best| best.f1() >= next.f1()).unwrap_or(next));
        }
        best.map_or_else(no_target, |best| Measurement::of(self.value(best)))
    }
}

impl RougeKind {
    fn value(&self, overlap: Overlap) -> f64 {
        match self.score {
            ScoreOf::F => overlap.f1(),
            ScoreOf::Precision => overlap.precision,
            ScoreOf::Recall => overlap.recall,
        }
    }
}
