//! `token_f1`: words that the answer shares with a target.

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::too_long;
use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    normalize::{Chain, Step},
    overlap::{
        TooLong,
        ngrams::{NGrams, shared},
    },
    subject::Subject,
};

/// Parameters of `token_f1`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Applied to answer and target before they are cut into words at white space.
    #[serde(default = "default_steps")]
    normalize: Vec<Step>,
}

fn default_steps() -> Vec<Step> {
    vec![Step::Nfc, Step::Casefold, Step::StripPunctuation, Step::StripArticles]
}

#[derive(Debug)]
pub(crate) struct TokenF1 {
    chain: Chain,
}

impl MetricDefinition for TokenF1 {
    const ABOUT: About = About {
        name: "token_f1",
        summary: "The harmonic mean of precision and recall of words, counted with multiplicity, \
                  against the best target; where neither side has a word, 1.",
        range: Range::Unit,
        direction: Direction::Higher,
        threshold: None,
        needs_target: true,
        model_refs: &[],
        source: "After SQuAD's F1 (Rajpurkar et al. 2016), with our normaliser, which keeps signs and \
                 decimals.",
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        Ok(Backend::Text(Arc::new(Self { chain: Chain::new(&params.normalize) })))
    }
}

impl Measure for TokenF1 {
    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        let answer = self.chain.apply(answer);
        let values = targets.iter().map(|target| f1(&answer, &self.chain.apply(target)));
        match values.collect::<Result<Vec<f64>, TooLong>>() {
            Ok(values) => {
                values.into_iter().reduce(f64::max).map_or_else(super::no_target, Measurement::of)
            }
            Err(TooLong) => too_long(),
        }
    }
}

fn f1(answer: &str, target: &str) -> Result<f64, TooLong> {
    let words = NGrams::new([answer, target].map(str::split_whitespace), 1)?;
    let total = words.n_grams(0) + words.n_grams(1);
    let common = shared(&words.counts(0), &words.counts(1));
    Ok(if total == 0 { 1.0 } else { 2.0 * common as f64 / total as f64 })
}
