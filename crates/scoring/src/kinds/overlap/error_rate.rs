//! `wer` and `cer`: edits of words and of characters that make the answer the target.

use std::{marker::PhantomData, sync::Arc};

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{add, counted, no_target};
use crate::{
    kind::{About, Backend, Corpus, Measure, Measurement, MetricDefinition},
    normalize::{Chain, Step},
    overlap::{TooLong, wer},
    python::strip,
    similarity::{Sequences, characters, words},
    subject::Subject,
};

/// The largest product of two lengths that is compared: about a second.
const MAX_WORK: usize = 32_000_000_000;

/// Parameters of `wer` and `cer`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Applied to answer and target first. jiwer itself changes neither case nor punctuation.
    #[serde(default)]
    normalize: Vec<Step>,
}

/// What is counted.
pub(crate) trait Unit: std::fmt::Debug + Send + Sync + 'static {
    const NAME: &'static str;
    fn sequences(answer: &str, target: &str) -> Sequences;
}

/// Words, between blanks.
#[derive(Debug)]
pub(crate) struct Words;

/// Characters, of the text without the white space around it.
#[derive(Debug)]
pub(crate) struct Characters;

pub(crate) type Wer = ErrorRate<Words>;
pub(crate) type Cer = ErrorRate<Characters>;

/// The edits of one unit.
#[derive(Debug)]
pub(crate) struct ErrorRate<U> {
    chain: Chain,
    unit: PhantomData<U>,
}

impl Unit for Words {
    const NAME: &'static str = "wer";

    fn sequences(answer: &str, target: &str) -> Sequences {
        words(wer::words(answer), wer::words(target))
    }
}

impl Unit for Characters {
    const NAME: &'static str = "cer";

    fn sequences(answer: &str, target: &str) -> Sequences {
        characters(strip(answer), strip(target))
    }
}

const WER: About = About {
    name: Words::NAME,
    summary: "Word error rate: insertions, deletions and replacements of words by the words of \
              the target; of several targets the lowest. It can be above 1, and is the number of \
              words in the answer where the target has none.",
    range: Range::Open,
    direction: Direction::Lower,
    threshold: None,
    needs_target: true,
    model_refs: &[],
    source: "As jiwer 4.0.0 with its default transforms.",
};

impl MetricDefinition for ErrorRate<Words> {
    const ABOUT: About = WER;
    const AGGREGATION: &'static str = "corpus WER: all edits by all words of targets";
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        Ok(Self::work(&params))
    }
}

impl MetricDefinition for ErrorRate<Characters> {
    const ABOUT: About = About {
        name: Characters::NAME,
        summary: "Character error rate: the same for characters, spaces included.",
        ..WER
    };
    const AGGREGATION: &'static str = "corpus CER: all edits by all characters of targets";
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        Ok(Self::work(&params))
    }
}

impl<U: Unit> ErrorRate<U> {
    fn work(params: &Params) -> Backend {
        let chain = Chain::new(&params.normalize);
        Backend::Text(Arc::new(Self { chain, unit: PhantomData::<U> }))
    }

    /// The counts against the target with the lowest rate.
    fn counts(&self, answer: &str, targets: &[String]) -> Result<[f64; 2], TooLong> {
        let answer = self.chain.apply(answer);
        let mut best = [f64::INFINITY, 1.0];
        for target in targets {
            let both = U::sequences(&answer, &self.chain.apply(target));
            if both.a.len().saturating_mul(both.b.len()) > MAX_WORK {
                return Err(TooLong);
            }
            let counts = wer::counts(&both);
            if wer::rate(counts) < wer::rate(best) {
                best = counts;
            }
        }
        Ok(best)
    }
}

impl<U: Unit> Measure for ErrorRate<U> {
    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        if targets.is_empty() {
            return no_target();
        }
        counted(self.counts(answer, targets), wer::rate)
    }

    fn corpus(&self) -> Option<&dyn Corpus> {
        Some(self)
    }
}

impl<U: Unit> Corpus for ErrorRate<U> {
    fn width(&self) -> usize {
        2
    }

    fn add(&self, sums: &mut [f64], counts: &[f64], times: f64) {
        add(sums, counts, times);
    }

    fn values(&self, sums: &[f64]) -> Vec<(String, Option<f64>)> {
        vec![
            (U::NAME.to_owned(), Some(wer::rate([sums[0], sums[1]]))),
            ("edits".to_owned(), Some(sums[0])),
            ("target_length".to_owned(), Some(sums[1])),
        ]
    }
}
