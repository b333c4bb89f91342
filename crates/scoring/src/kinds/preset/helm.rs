//! Metrics of crfm-helm 0.5.16 (`evaluate_reference_metrics.py`), all of answer and one gold text.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

use evalmark_core::metric::ParamError;
use regex::Regex;

use super::{
    ByTarget, Compare, complain,
    options::{Name, Options},
    squad::{normalize, without_punctuation},
};
use crate::{
    kind::Measure,
    python::{lower, squeeze, strip},
};

pub(super) fn compile(name: Name, options: &mut Options) -> Result<Arc<dyn Measure>, ParamError> {
    let compare: fn(&str, &str) -> f64 = match name {
        Name::HelmQuasiExact => |gold, answer| when(answer, normalize(gold) == normalize(answer)),
        Name::HelmQuasiLeaveArticlesExact => {
            |gold, answer| when(answer, with_articles(gold) == with_articles(answer))
        }
        Name::HelmPrefixExact => {
            |gold, answer| when(answer, strip(answer).starts_with(strip(gold)))
        }
        Name::HelmQuasiPrefixExact => {
            |gold, answer| when(answer, normalize(answer).starts_with(&normalize(gold)))
        }
        Name::HelmF1 => f1,
        Name::HelmFinalNumber => |gold, answer| exact(&final_number(gold), &final_number(answer)),
        Name::HelmExactIndicator => {
            let indicator = options.indicator.take().unwrap_or_else(|| " ".to_owned());
            if indicator.is_empty() {
                return Err(complain("indicator", "an indicator cannot be empty".to_owned()));
            }
            return Ok(Arc::new(ByTarget(Indicator(indicator))));
        }
        _ => exact,
    };
    Ok(Arc::new(ByTarget(Helm(compare))))
}

/// A metric that is one function of gold and answer.
#[derive(Debug)]
struct Helm(fn(&str, &str) -> f64);

impl Compare for Helm {
    fn value(&self, answer: &str, target: &str) -> f64 {
        (self.0)(target, answer)
    }
}

/// What follows the last indicator.
#[derive(Debug)]
struct Indicator(String);

impl Compare for Indicator {
    fn value(&self, answer: &str, target: &str) -> f64 {
        // Places are found from the left, which shows where an indicator overlaps itself.
        let tail = |text| str::split(text, &*self.0).last().map(strip).unwrap_or_default();
        exact(tail(target), tail(answer))
    }
}

/// An empty answer is wrong, whatever the gold text.
fn when(answer: &str, right: bool) -> f64 {
    f64::from(!answer.is_empty() && right)
}

fn exact(gold: &str, answer: &str) -> f64 {
    when(answer, strip(gold) == strip(answer))
}

fn with_articles(text: &str) -> String {
    squeeze(&without_punctuation(&lower(text)))
}

/// F1 of two sets of words, by the order of operations of NLTK's `f_measure`.
fn f1(gold: &str, answer: &str) -> f64 {
    let (gold, answer) = (normalize(gold), normalize(answer));
    let words =
        |text| str::split(text, ' ').filter(|word| !word.is_empty()).collect::<BTreeSet<&str>>();
    let (gold, answer) = (words(&gold), words(&answer));
    let shared = gold.intersection(&answer).count() as f64;
    if shared == 0.0 {
        return 0.0;
    }
    1.0 / (0.5 / (shared / answer.len() as f64) + 0.5 / (shared / gold.len() as f64))
}

/// The last number as text, without commas. The point stands for any character, as it does there.
fn final_number(text: &str) -> String {
    static NUMBER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"-?[\d,]+(?:.\d+)?").expect("a valid pattern"));
    NUMBER.find_iter(text).last().map(|found| found.as_str().replace(',', "")).unwrap_or_default()
}
