//! `chrf`: n-grams of characters, and of words, that the answer shares with a target.

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{add, complain, counts_of_empty, no_target, too_long};
use crate::{
    kind::{About, Backend, Corpus, Measure, Measurement, MetricDefinition},
    normalize::{Chain, Step},
    overlap::chrf::Chrf,
    subject::Subject,
};

/// Parameters of `chrf`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The longest n-grams of characters that count, from 0 to 100.
    #[serde(default = "default_char_order")]
    char_order: usize,
    /// The longest n-grams of words that count, from 0 to 100: 0 is chrF, 2 is chrF++.
    #[serde(default)]
    word_order: usize,
    /// How much more recall counts than precision.
    #[serde(default = "default_beta")]
    beta: f64,
    /// Counts white space as characters too.
    #[serde(default)]
    whitespace: bool,
    /// Lower-cases both sides.
    #[serde(default)]
    lowercase: bool,
    /// Orders that a text is too short for count as almost nothing (as in chrF++.py, NLTK and Moses),
    /// instead of not at all.
    #[serde(default)]
    eps_smoothing: bool,
    /// Applied to answer and target first.
    #[serde(default)]
    normalize: Vec<Step>,
}

fn default_char_order() -> usize {
    6
}

fn default_beta() -> f64 {
    2.0
}

#[derive(Debug)]
pub(crate) struct ChrfKind {
    chain: Chain,
    lowercase: bool,
    chrf: Chrf,
}

impl MetricDefinition for ChrfKind {
    const ABOUT: About = About {
        name: "chrf",
        summary: "N-grams of characters shared with the best target, and of words with `word_order: \
                  2` (chrF++).",
        range: Range::Hundred,
        direction: Direction::Higher,
        threshold: None,
        needs_target: true,
        model_refs: &[],
        source: "Popović 2015 and 2017, as sacrebleu 2.6.0.",
    };
    const AGGREGATION: &'static str = "corpus chrF, from the sums of all counts";
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        let Params { char_order, word_order, beta, whitespace, eps_smoothing, .. } = params;
        for (pointer, order) in [("/char_order", char_order), ("/word_order", word_order)] {
            if order > 100 {
                return complain(pointer, format!("an order is at most 100, not {order}"));
            }
        }
        if char_order + word_order == 0 {
            return complain(
                "/char_order",
                "with both orders at 0 there is nothing to count".to_owned(),
            );
        }
        if !(0.0..=1e6).contains(&beta) {
            return complain("/beta", format!("`beta` must lie in [0, 1e6]; {beta} does not"));
        }
        let chrf = Chrf { char_order, word_order, beta, whitespace, eps_smoothing };
        let chain = Chain::new(&params.normalize);
        Ok(Backend::Text(Arc::new(Self { chain, lowercase: params.lowercase, chrf })))
    }
}

impl Measure for ChrfKind {
    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        if targets.is_empty() {
            return no_target();
        }
        let targets: Vec<String> = targets.iter().map(|target| self.prepare(target)).collect();
        let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
        match self.chrf.counts(&self.prepare(answer), &targets) {
            Ok(counts) => {
                Measurement::Counted { value: self.chrf.score(&counts), counts, reason: None }
            }
            Err(_) => too_long(),
        }
    }

    fn corpus(&self) -> Option<&dyn Corpus> {
        Some(self)
    }

    fn counts_of_invalid(&self, subject: Subject<'_>) -> Option<Vec<f64>> {
        counts_of_empty(self, subject)
    }
}

impl ChrfKind {
    fn prepare(&self, text: &str) -> String {
        let text = self.chain.apply(text);
        if self.lowercase { text.to_lowercase() } else { text.into_owned() }
    }
}

impl Corpus for ChrfKind {
    fn width(&self) -> usize {
        3 * (self.chrf.char_order + self.chrf.word_order)
    }

    fn add(&self, sums: &mut [f64], counts: &[f64], times: f64) {
        add(sums, counts, times);
    }

    fn values(&self, sums: &[f64]) -> Vec<(String, Option<f64>)> {
        vec![("chrf".to_owned(), Some(self.chrf.score(sums)))]
    }
}
