//! `ter`: edits, among them moves of blocks, that make the answer the target.

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{add, counted, no_target};
use crate::{
    kind::{About, Backend, Corpus, Measure, Measurement, MetricDefinition},
    normalize::{Chain, Step},
    overlap::ter::{Tercom, counts, rate},
    subject::Subject,
};

/// Parameters of `ter`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "the tool's switches, each by its name")]
pub(crate) struct Params {
    /// Cuts off punctuation and decodes entities such as `&quot;`.
    #[serde(default)]
    normalized: bool,
    /// Drops the marks `. , ? : ; ! " ( )`.
    #[serde(default)]
    no_punct: bool,
    /// `normalized` also cuts ideographs off one by one, and `no_punct` drops full-width marks.
    #[serde(default)]
    asian_support: bool,
    /// Does not lower-case the texts.
    #[serde(default)]
    case_sensitive: bool,
    /// Applied to answer and target first.
    #[serde(default)]
    normalize: Vec<Step>,
}

#[derive(Debug)]
pub(crate) struct TerKind {
    chain: Chain,
    tercom: Tercom,
}

impl MetricDefinition for TerKind {
    const ABOUT: About = About {
        name: "ter",
        summary: "Translation edit rate in percent of the words of the target: insertions, deletions, \
                  replacements and moves. Of several targets the fewest edits count, and the mean \
                  length.",
        range: Range::Open,
        direction: Direction::Lower,
        threshold: None,
        needs_target: true,
        model_refs: &[],
        source: "Snover et al. 2006, with the limited greedy search of sacrebleu 2.6.0.",
    };
    const AGGREGATION: &'static str = "corpus TER: all edits by all words of targets";
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        let Params { normalized, no_punct, asian_support, case_sensitive, normalize } = params;
        let tercom = Tercom { normalized, no_punct, asian_support, case_sensitive };
        Ok(Backend::Text(Arc::new(Self { chain: Chain::new(&normalize), tercom })))
    }
}

impl Measure for TerKind {
    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        if targets.is_empty() {
            return no_target();
        }
        let answer = self.tercom.cut(&self.chain.apply(answer));
        let targets = targets.iter().map(|text| self.tercom.cut_reference(&self.chain.apply(text)));
        counted(counts(&answer, &targets.collect::<Vec<_>>()), rate)
    }

    fn corpus(&self) -> Option<&dyn Corpus> {
        Some(self)
    }
}

impl Corpus for TerKind {
    fn width(&self) -> usize {
        2
    }

    fn add(&self, sums: &mut [f64], counts: &[f64], times: f64) {
        add(sums, counts, times);
    }

    fn values(&self, sums: &[f64]) -> Vec<(String, Option<f64>)> {
        vec![
            ("ter".to_owned(), Some(rate([sums[0], sums[1]]))),
            ("edits".to_owned(), Some(sums[0])),
            ("target_length".to_owned(), Some(sums[1])),
        ]
    }
}
