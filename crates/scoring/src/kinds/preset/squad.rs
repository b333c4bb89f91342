//! SQuAD v1.1, as the metric `squad` of evaluate 0.4.6 has it.

use std::sync::Arc;

use super::{
    ByTarget, Compare,
    options::{Options, SquadScore},
    shared_words,
};
use crate::{
    kind::Measure,
    python::{blank_articles, lower, squeeze},
};

pub(super) fn compile(options: &mut Options) -> Arc<dyn Measure> {
    Arc::new(ByTarget(options.score.take().unwrap_or(SquadScore::Em)))
}

impl Compare for SquadScore {
    fn value(&self, answer: &str, target: &str) -> f64 {
        let (answer, target) = (normalize(answer), normalize(target));
        match self {
            Self::Em => f64::from(answer == target),
            Self::F1 => f1(&answer, &target),
        }
    }
}

/// Lower case, no punctuation, no articles, single blanks. crfm-helm has copied it.
pub(super) fn normalize(text: &str) -> String {
    squeeze(&blank_articles(&without_punctuation(&lower(text))))
}

/// Drops the 32 marks of `string.punctuation`.
pub(super) fn without_punctuation(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_punctuation()).collect()
}

/// Two texts without words share none: 0, where later scripts say 1.
fn f1(answer: &str, target: &str) -> f64 {
    let words = |text| str::split(text, ' ').filter(|word| !word.is_empty()).collect::<Vec<_>>();
    let (found, wanted) = (words(answer), words(target));
    super::f1(shared_words(&found, &wanted), found.len(), wanted.len())
}
