//! One gated metric or amount of a variant against its counterpart: which comparison fits, and why
//! none does.

use std::collections::BTreeMap;

use evalmark_core::{
    metric::{Direction, Range},
    suite::{Amount, GateSpec, GatedMetric},
};
use thiserror::Error;

use crate::{
    against_minimum::minimum,
    compare::{Decision, compare},
    corpus_metric::{CorpusMetric, CountedVariant, compare_corpus_metric, corpus_metric_minimum},
    family_correction::EmptyFamily,
    final_look::LookedAt,
    item_scores::ItemScores,
    items::{CompareError, ComparisonSubject},
    ppi::compare_labelled,
    ratio::{RatioOf, compare_ratio},
    rule::Rule,
    stopping::StoppingError,
    variant_scores::Variant,
};

/// Why a gate cannot be decided.
#[derive(Debug, Error)]
pub enum GateError {
    /// A comparison was given what it cannot compare.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// The looks at a run cannot be repeated.
    #[error(transparent)]
    Stopping(#[from] StoppingError),
    /// There is nothing to decide.
    #[error(transparent)]
    Empty(#[from] EmptyFamily),
}

/// What decides how the scores of one metric are compared.
#[derive(Default)]
pub struct MetricTraits<'a> {
    /// Where its values lie.
    pub range: Range,
    /// Which values are better.
    pub direction: Direction,
    /// Whether its scores are a model's judgement.
    pub is_judged: bool,
    /// How the value of a whole run is made, where that is no mean of the answers' scores.
    pub run_value: Option<Box<dyn CorpusMetric + 'a>>,
    /// Why the two runs' scores of it are not the same measure; `None` where they are.
    pub changed: Option<String>,
}

/// The two runs that are compared, and by which gate.
pub struct GatedRuns<'a> {
    /// The gate.
    pub spec: &'a GateSpec,
    /// By name: every metric that is compared.
    pub metrics: BTreeMap<String, MetricTraits<'a>>,
    /// How the later run was looked at while it was asked; `None` where nobody looked.
    pub looked_at: Option<LookedAt>,
}

/// A variant and the one it is compared with.
#[derive(Clone, Debug)]
pub struct VariantPair<'a> {
    /// What the comparison is called.
    pub subject: ComparisonSubject,
    /// The baseline's.
    pub before: Option<&'a Variant>,
    /// The candidate's.
    pub after: Option<&'a Variant>,
}

impl<'a> GatedRuns<'a> {
    fn metric(&self, name: &str) -> Option<&MetricTraits<'a>> {
        self.metrics.get(name)
    }

    fn rule(&self, metric: &str, gated: GatedMetric) -> Rule {
        let traits = self.metric(metric);
        let (range, direction) =
            traits.map_or_else(Default::default, |traits| (traits.range, traits.direction));
        Rule::of_gate(self.spec, gated, range, direction)
    }

    fn is_judged(&self, metric: &str) -> bool {
        self.metric(metric).is_some_and(|traits| traits.is_judged)
    }

    fn run_value(&self, metric: &str) -> Option<&dyn CorpusMetric> {
        Some(&**self.metric(metric)?.run_value.as_ref()?)
    }
}

impl VariantPair<'_> {
    /// The comparison of the two, as a family of one.
    pub fn compare(&self, runs: &GatedRuns<'_>, gated: GatedMetric) -> Result<Decision, GateError> {
        let rule = runs.rule(&self.subject.metric, gated);
        self.compare_after(runs.looked_at.as_ref(), runs, gated, &rule)
    }

    /// The same within a slice of the dataset: nobody looked at that, no item is named, and no family decides it.
    pub fn compare_slice(
        &self,
        runs: &GatedRuns<'_>,
        gated: GatedMetric,
    ) -> Result<Decision, GateError> {
        let rule = runs.rule(&self.subject.metric, gated);
        let rule = Rule { max_flips: 0, keeps_units: false, ..rule };
        self.compare_after(None, runs, gated, &rule)
    }

    fn compare_after(
        &self,
        looked_at: Option<&LookedAt>,
        runs: &GatedRuns<'_>,
        gated: GatedMetric,
        rule: &Rule,
    ) -> Result<Decision, GateError> {
        let metric = &self.subject.metric;
        let refuse = |why: &str| Ok(Decision::incomparable(&self.subject, rule, why));
        let changed = runs.metric(metric).and_then(|traits| traits.changed.as_deref());
        if let (None, Some(why)) = (gated.amount, changed) {
            return refuse(why);
        }
        let before = self.before.and_then(|variant| variant.scores(metric));
        let after = self.after.and_then(|variant| variant.scores(metric));
        match (before, after, gated.amount) {
            (None, ..) => refuse("the baseline has no scores of this prompt and model"),
            (_, None, _) => refuse("the run has no scores of this prompt and model"),
            (Some(before), Some(after), Some(amount)) => match lacks(amount, before, after) {
                Some(why) => refuse(&why),
                None => Ok(compare_ratio(&self.subject, before, after, ratio(amount), rule)?),
            },
            (Some(before), Some(after), None) => {
                self.compare_scores([before, after], looked_at, runs, rule)
            }
        }
    }

    /// Scores against scores; a judge's are corrected by human labels, or said to be its own.
    fn compare_scores(
        &self,
        [before, after]: [ItemScores<'_>; 2],
        looked_at: Option<&LookedAt>,
        runs: &GatedRuns<'_>,
        rule: &Rule,
    ) -> Result<Decision, GateError> {
        let metric = &self.subject.metric;
        if let Some(value) = runs.run_value(metric) {
            return self.compare_run_values(value, rule);
        }
        let labels = [self.before, self.after]
            .map(|variant| variant.map(|variant| variant.labels(metric)).unwrap_or_default());
        let is_labelled = labels.iter().all(|labels| !labels.is_empty());
        if is_labelled {
            return Ok(compare_labelled(&self.subject, [before, after], labels, rule)?);
        }
        let rule = Rule { judge_relative: runs.is_judged(metric), ..rule.clone() };
        match looked_at {
            // Nobody looked at scores without a largest value.
            Some(looked_at) if rule.range.high.is_finite() => {
                looked_at.compare(&self.subject, &before.to_vec(), &after.to_vec(), &rule)
            }
            _ => Ok(compare(&self.subject, before, after, &rule)?),
        }
    }

    /// A value of the whole run against another run's.
    fn compare_run_values(
        &self,
        value: &dyn CorpusMetric,
        rule: &Rule,
    ) -> Result<Decision, GateError> {
        let metric = &self.subject.metric;
        let variants = [self.before, self.after]
            .map(|variant| variant.and_then(|variant| variant.counted(metric)));
        let [Some(before), Some(after)] = variants else {
            let why = "one of the runs has no scores";
            return Ok(Decision::incomparable(&self.subject, rule, why));
        };
        let lacks = |variant: &CountedVariant<'_>| variant.counts.iter().all(Vec::is_empty);
        if lacks(&before) && !before.items.is_empty() {
            let why = "the baseline does not keep what each answer contributes to it; promote a \
                       newer run";
            return Ok(Decision::incomparable(&self.subject, rule, why));
        }
        Ok(compare_corpus_metric(&self.subject, [before, after], value, rule)?)
    }
}

/// One variant's metric against the least mean that the gate accepts.
pub fn compare_minimum(
    variant: &Variant,
    metric: &str,
    min: f64,
    gated: GatedMetric,
    runs: &GatedRuns<'_>,
) -> Result<Decision, GateError> {
    let subject = ComparisonSubject::of(variant, metric);
    let rule = runs.rule(metric, gated);
    let rule = Rule { judge_relative: runs.is_judged(metric), ..rule };
    if let (Some(value), Some(counted)) = (runs.run_value(metric), variant.counted(metric)) {
        return Ok(corpus_metric_minimum(&subject, counted, value, min, &rule)?);
    }
    Ok(match variant.scores(metric) {
        Some(scores) => minimum(&subject, scores, min, &rule)?,
        None => Decision::incomparable(&subject, &rule, "the run has no scores of it"),
    })
}

impl ComparisonSubject {
    /// A metric of a variant.
    pub fn of(variant: &Variant, metric: &str) -> Self {
        Self {
            prompt: variant.prompt.clone(),
            model: variant.model.clone(),
            metric: metric.to_owned(),
        }
    }
}

fn ratio(amount: Amount) -> RatioOf {
    match amount {
        Amount::LatencyP95 | Amount::FirstTokenP95 => RatioOf::Quantile(0.95),
        Amount::CostUsd | Amount::OutputTokens | Amount::TokensPerSecond => RatioOf::GeometricMean,
    }
}

/// Why there is nothing to compare: a run in which no answer tells the amount.
fn lacks(amount: Amount, before: ItemScores<'_>, after: ItemScores<'_>) -> Option<String> {
    let is_told = |items: ItemScores<'_>| items.tallies().any(|item| item.n_scored > 0);
    let which = match (is_told(before), is_told(after)) {
        (true, true) => return None,
        (false, _) => "the baseline",
        (_, false) => "the run",
    };
    Some(match amount {
        Amount::LatencyP95 => format!("no answer of {which} has a latency"),
        Amount::FirstTokenP95 => {
            format!("no answer of {which} has a first token; give the model `stream: true`")
        }
        Amount::TokensPerSecond => format!(
            "no answer of {which} has a rate of tokens; give the model `stream: true`, and note that \
             an answer has one only where its tokens are counted and come in several pieces"
        ),
        Amount::OutputTokens => format!("no answer of {which} has a token count"),
        Amount::CostUsd => {
            format!("no answer of {which} has a cost; give the model a `price`")
        }
    })
}
