//! `preset`: another tool's metric, exactly as that tool has it, odd cases included. One file a tool.

mod helm;
mod inspect;
mod lm_eval;
mod options;
mod promptfoo;
mod promptfoo_text;
mod squad;

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range, Reasoning};

use self::options::{Name, Written};
use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    subject::Subject,
};

pub(crate) struct Preset;

impl MetricDefinition for Preset {
    const ABOUT: About = About {
        name: "preset",
        summary: "Another tool's metric, as that version of the tool computes it: `preset: \
                  squad`, or a mapping with its settings. For moving here with the same numbers; \
                  the tool's oddities come along, so `exact` and its relatives are the safer \
                  choice.",
        range: Range::Unit,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: true,
        model_refs: &[],
        source: "evaluate 0.4.6 (SQuAD v1.1), lm-eval 0.4.13, crfm-helm 0.5.16, inspect-ai 0.3.285, \
                 promptfoo 0.121.20; checked against those versions under Python 3.11.",
    };
    type Params = Written;

    fn compile(Written(mut options): Written) -> Result<Backend, ParamError> {
        let work: Arc<dyn Measure> = match options.name {
            Name::Squad => squad::compile(&mut options),
            Name::LmEval => lm_eval::compile(&mut options)?,
            Name::Inspect => inspect::compile(&mut options)?,
            Name::PromptfooEquals => promptfoo::compile(&mut options),
            Name::PromptfooLevenshtein => promptfoo_text::levenshtein(&mut options)?,
            Name::PromptfooBleu => promptfoo_text::bleu(),
            helm => helm::compile(helm, &mut options)?,
        };
        match options.left() {
            None => Ok(Backend::Text(work)),
            Some(key) => Err(complain(&key, format!("this preset has no parameter `{key}`"))),
        }
    }
}

fn complain(key: &str, message: String) -> ParamError {
    ParamError { pointer: format!("/{key}"), message }
}

/// A metric that looks at one target at a time, and takes the best.
#[derive(Debug)]
struct ByTarget<T>(T);

/// The value of an answer against one target.
trait Compare: std::fmt::Debug + Send + Sync {
    fn value(&self, answer: &str, target: &str) -> f64;
}

impl<T: Compare> Measure for ByTarget<T> {
    fn reasoning(&self) -> Option<Reasoning> {
        // As the other tool has it.
        Some(Reasoning::Keep)
    }

    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        Measurement::best_of(targets, |target| self.0.value(answer, target))
    }
}

/// F1 of precision `shared / found` and recall `shared / wanted`, in the order of operations that
/// the tools have in common.
fn f1(shared: usize, found: usize, wanted: usize) -> f64 {
    if shared == 0 {
        return 0.0;
    }
    let precision = shared as f64 / found as f64;
    let recall = shared as f64 / wanted as f64;
    2.0 * precision * recall / (precision + recall)
}

/// How many words two texts share, counted with multiplicity.
fn shared_words(a: &[&str], b: &[&str]) -> usize {
    let (mut a, mut b) = (a.to_vec(), b.to_vec());
    a.sort_unstable();
    b.sort_unstable();
    let (mut i, mut j, mut shared) = (0, 0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let order = x.cmp(y);
        i += usize::from(order.is_le());
        j += usize::from(order.is_ge());
        shared += usize::from(order.is_eq());
    }
    shared
}
