//! `bleu`: n-grams of words that the answer shares with the targets.

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{add, complain, counts_of_empty, no_target, too_long};
use crate::{
    kind::{About, Backend, Corpus, Measure, Measurement, MetricDefinition},
    normalize::{Chain, Step},
    overlap::{
        bleu::{Bleu, Smoothing},
        tokens13a,
    },
    python::{split, strip_end},
    subject::Subject,
};

/// Parameters of `bleu`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// How texts are cut into words.
    #[serde(default)]
    tokenize: Tokenize,
    /// What to do about an order of which no n-gram matches (Chen and Cherry 2014).
    #[serde(default)]
    smooth_method: SmoothMethod,
    /// Of `floor` (at most 1; default 0.1) and `add-k` (default 1).
    smooth_value: Option<f64>,
    /// Lower-cases both sides.
    #[serde(default)]
    lowercase: bool,
    /// The longest n-grams that count, from 1 to 100.
    #[serde(default = "default_order")]
    max_ngram_order: usize,
    /// Leaves out orders that the answer is too short for. Default: for an answer's value yes, for
    /// the value of the whole run no.
    effective_order: Option<bool>,
    /// Applied to answer and target before they are cut into words.
    #[serde(default)]
    normalize: Vec<Step>,
}

fn default_order() -> usize {
    4
}

/// How texts are cut into words. The tool's `zh`, `ja-mecab`, `ko-mecab` and those that need a model
/// (`spm`, `flores101`, `flores200`) do not exist here; `char` serves languages without blanks.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
enum Tokenize {
    /// As mteval-v13a: ASCII punctuation is cut off, but not inside a number.
    #[default]
    #[serde(rename = "13a")]
    V13a,
    /// As mteval-v14: all punctuation and symbols are cut off, but punctuation not inside a number.
    #[serde(rename = "intl")]
    International,
    /// Each character is a word.
    #[serde(rename = "char")]
    Characters,
    /// At white space.
    #[serde(rename = "none")]
    None,
}

/// What to do about an order of which no n-gram matches.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
enum SmoothMethod {
    /// Halves the matches, from one, with each such order.
    #[default]
    #[serde(rename = "exp")]
    Exp,
    /// The matches count as `smooth_value`.
    #[serde(rename = "floor")]
    Floor,
    /// Adds `smooth_value` to matches and n-grams of all orders above 1.
    #[serde(rename = "add-k")]
    AddK,
    /// Nothing: the score is 0.
    #[serde(rename = "none")]
    None,
}

#[derive(Debug)]
pub(crate) struct BleuKind {
    chain: Chain,
    tokenize: Tokenize,
    lowercase: bool,
    effective_order: Option<bool>,
    bleu: Bleu,
}

impl MetricDefinition for BleuKind {
    const ABOUT: About = About {
        name: "bleu",
        summary: "N-grams of words shared with the targets, and a penalty for a short answer. All \
                  targets count together.",
        range: Range::Hundred,
        direction: Direction::Higher,
        threshold: None,
        needs_target: true,
        model_refs: &[],
        source: "Papineni et al. 2002, as sacrebleu 2.6.0.",
    };
    const AGGREGATION: &'static str = "corpus BLEU, from the sums of all counts";
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        let max_order = params.max_ngram_order;
        if !(1..=100).contains(&max_order) {
            let message = format!("n-grams have from 1 to 100 words, not {max_order}");
            return complain("/max_ngram_order", message);
        }
        Ok(Backend::Text(Arc::new(Self {
            chain: Chain::new(&params.normalize),
            tokenize: params.tokenize,
            lowercase: params.lowercase,
            effective_order: params.effective_order,
            bleu: Bleu { max_order, smoothing: smoothing(&params)? },
        })))
    }
}

fn smoothing(params: &Params) -> Result<Smoothing, ParamError> {
    let (max, default) = match params.smooth_method {
        SmoothMethod::Exp => return Ok(Smoothing::Exp),
        SmoothMethod::None => return Ok(Smoothing::None),
        SmoothMethod::Floor => (1.0, 0.1),
        SmoothMethod::AddK => (f64::MAX, 1.0),
    };
    let value = params.smooth_value.unwrap_or(default);
    if !(0.0..=max).contains(&value) {
        let message = format!(
            "{value} is not a smoothing value: it must be at least 0, and for `floor` at \
                     most 1"
        );
        return complain("/smooth_value", message);
    }
    let is_floor = matches!(params.smooth_method, SmoothMethod::Floor);
    Ok(if is_floor { Smoothing::Floor(value) } else { Smoothing::AddK(value) })
}

impl Measure for BleuKind {
    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        if targets.is_empty() {
            return no_target();
        }
        let answer = self.cut(answer);
        let targets: Vec<String> = targets.iter().map(|target| self.cut(target)).collect();
        let targets: Vec<Vec<&str>> = targets.iter().map(|text| split(text).collect()).collect();
        let Ok(counts) = self.bleu.counts(&split(&answer).collect::<Vec<_>>(), &targets) else {
            return too_long();
        };
        let value = self.bleu.score(&counts, self.effective_order.unwrap_or(true)).score;
        Measurement::Counted { value, counts, reason: None }
    }

    fn corpus(&self) -> Option<&dyn Corpus> {
        Some(self)
    }

    fn counts_of_invalid(&self, subject: Subject<'_>) -> Option<Vec<f64>> {
        counts_of_empty(self, subject)
    }
}

impl BleuKind {
    /// The text with a blank between words.
    fn cut(&self, text: &str) -> String {
        let mut text = self.chain.apply(text);
        if self.lowercase {
            text = text.to_lowercase().into();
        }
        let text = strip_end(&text);
        match self.tokenize {
            Tokenize::V13a => tokens13a::v13a(text),
            Tokenize::International => tokens13a::international(text),
            Tokenize::Characters => tokens13a::characters(text),
            Tokenize::None => text.to_owned(),
        }
    }
}

impl Corpus for BleuKind {
    fn width(&self) -> usize {
        2 + 2 * self.bleu.max_order
    }

    fn add(&self, sums: &mut [f64], counts: &[f64], times: f64) {
        add(sums, counts, times);
    }

    fn values(&self, sums: &[f64]) -> Vec<(String, Option<f64>)> {
        let parts = self.bleu.score(sums, self.effective_order.unwrap_or(false));
        let mut values = vec![("bleu".to_owned(), Some(parts.score))];
        for (precision, order) in parts.precisions.iter().zip(1..) {
            values.push((format!("precision_{order}"), Some(*precision)));
        }
        values.push(("brevity_penalty".to_owned(), Some(parts.brevity)));
        values.push(("answer_length".to_owned(), Some(sums[0])));
        values.push(("target_length".to_owned(), Some(sums[1])));
        values
    }
}
