//! One metric or amount of one variant against its counterpart: which comparison fits, and why none
//! does.

use std::collections::BTreeMap;

use evalmark_core::suite::{Amount, GateSpec, GatedMetric};
use evalmark_scoring::Metric;
use evalmark_store::record::{MetricScale, RunRecord};
use evalmark_verdict::{
    ComparisonSubject, Decision, ItemScore, PooledSide, RatioOf, Rule, compare, compare_labelled,
    compare_pooled, compare_ratio, minimum, minimum_pooled,
};

use super::{hybrid::Hybrid, targets};

use crate::{error::Result, metric_scale::RunValue, variants::Variant};

/// The two runs that are compared, and by which gate.
pub(crate) struct Sides<'a> {
    pub(crate) before: &'a RunRecord,
    pub(crate) after: &'a RunRecord,
    pub(crate) spec: &'a GateSpec,
    /// Of a run that was looked at while it was asked.
    pub(crate) hybrid: Option<Hybrid>,
    /// The metrics whose value is one of the whole run.
    pub(crate) pooled: BTreeMap<String, Metric>,
}

/// A variant and the one it is compared with.
pub(crate) struct Pair<'a> {
    pub(crate) subject: ComparisonSubject,
    pub(crate) before: Option<&'a Variant>,
    pub(crate) after: Option<&'a Variant>,
}

impl Sides<'_> {
    fn rule(&self, metric: &str, gated: GatedMetric) -> Rule {
        rule(self.spec, gated, &self.after.scale(metric))
    }

    /// The metric, where its value is one of the whole run.
    fn run_value(&self, metric: &str) -> Option<RunValue<'_>> {
        Some(RunValue { corpus: self.pooled.get(metric)?.corpus()?, all: false })
    }
}

/// The rule of one gated metric.
pub(crate) fn rule(spec: &GateSpec, gated: GatedMetric, scale: &MetricScale) -> Rule {
    let rule = Rule { min_paired_share: spec.min_paired, ..Rule::new(gated.margin, spec.alpha) };
    if gated.amount.is_some() {
        return rule;
    }
    // A margin that nobody named is one of values in [0, 1].
    let stretch = if gated.is_default_margin { scale.range.max().unwrap_or(1.0) } else { 1.0 };
    Rule { margin: stretch * rule.margin, ..rule }.of_metric(scale.range, scale.direction)
}

/// Why a metric's scores of the two runs are not the same measure.
pub(crate) fn changed(metric: &str, before: &RunRecord, after: &RunRecord) -> Option<String> {
    let hash =
        |run: &RunRecord| run.metrics.iter().find(|m| m.name == metric).map(|m| m.hash.clone());
    let why = match (hash(before), hash(after)) {
        (Some(then), Some(now)) if then == now => return targets::moved(metric, before, after),
        (Some(_), Some(_)) => "the metric, or its judge, is configured differently",
        (None, _) => "the baseline does not have this metric",
        (_, None) => "the run does not have this metric",
    };
    Some(why.to_owned())
}

impl Pair<'_> {
    /// The comparison of the two, as a family of one.
    pub(crate) fn judge(&self, sides: &Sides<'_>, gated: GatedMetric) -> Result<Decision> {
        let (metric, rule) = (&self.subject.metric, sides.rule(&self.subject.metric, gated));
        let refuse = |why: &str| Ok(Decision::incomparable(&self.subject, &rule, why));
        let changed = || changed(metric, sides.before, sides.after);
        if let (None, Some(why)) = (gated.amount, changed()) {
            return refuse(&why);
        }
        let before = self.before.and_then(|variant| variant.scores(metric));
        let after = self.after.and_then(|variant| variant.scores(metric));
        match (before, after, gated.amount) {
            (None, ..) => refuse("the baseline has no scores of this prompt and model"),
            (_, None, _) => refuse("the run has no scores of this prompt and model"),
            (Some(before), Some(after), Some(amount)) => match lacks(amount, before, after) {
                Some(why) => refuse(&why),
                None => Ok(compare_ratio(&self.subject, before, after, ratio(amount), &rule)?),
            },
            (Some(before), Some(after), None) => self.judge_scores([before, after], sides, &rule),
        }
    }

    /// Scores against scores; a judge's are corrected by human labels, or said to be its own.
    fn judge_scores(
        &self,
        [before, after]: [&[ItemScore]; 2],
        sides: &Sides<'_>,
        rule: &Rule,
    ) -> Result<Decision> {
        let metric = &self.subject.metric;
        if let Some(value) = sides.run_value(metric) {
            return self.judge_run_value(&value, rule);
        }
        let labels = [self.before, self.after]
            .map(|variant| variant.map_or(&[][..], |variant| variant.labels(metric)));
        let is_labelled = labels.iter().all(|labels| !labels.is_empty());
        if is_labelled {
            return Ok(compare_labelled(&self.subject, [before, after], labels, rule)?);
        }
        let rule = Rule { judge_relative: sides.after.is_judged(metric), ..rule.clone() };
        match &sides.hybrid {
            // Nobody looked at scores without a largest value.
            Some(hybrid) if rule.range.high.is_finite() => {
                hybrid.compare(&self.subject, before, after, &rule)
            }
            _ => Ok(compare(&self.subject, before, after, &rule)?),
        }
    }
}

impl Pair<'_> {
    /// A value of the whole run against another run's.
    fn judge_run_value(&self, value: &RunValue<'_>, rule: &Rule) -> Result<Decision> {
        let metric = &self.subject.metric;
        let variants = [self.before, self.after]
            .map(|variant| variant.and_then(|variant| variant.pooled(metric)));
        let [Some(before), Some(after)] = variants else {
            return Ok(Decision::incomparable(
                &self.subject,
                rule,
                "one of the runs has no scores",
            ));
        };
        let lacks = |variant: &PooledSide<'_>| variant.counts.iter().all(Vec::is_empty);
        if lacks(&before) && !before.items.is_empty() {
            let why = "the baseline does not keep what its answers add to it; promote a newer run";
            return Ok(Decision::incomparable(&self.subject, rule, why));
        }
        Ok(compare_pooled(&self.subject, [before, after], value, rule)?)
    }
}

/// One variant's metric against the least mean that the gate accepts.
pub(crate) fn judge_minimum(
    variant: &Variant,
    metric: &str,
    min: f64,
    gated: GatedMetric,
    sides: &Sides<'_>,
) -> Result<Decision> {
    let subject = subject(variant, metric);
    let rule = sides.rule(metric, gated);
    let rule = Rule { judge_relative: sides.after.is_judged(metric), ..rule };
    if let (Some(value), Some(pooled)) = (sides.run_value(metric), variant.pooled(metric)) {
        return Ok(minimum_pooled(&subject, pooled, &value, min, &rule)?);
    }
    Ok(match variant.scores(metric) {
        Some(scores) => minimum(&subject, scores, min, &rule)?,
        None => Decision::incomparable(&subject, &rule, "the run has no scores of it"),
    })
}

pub(crate) fn subject(variant: &Variant, metric: &str) -> ComparisonSubject {
    ComparisonSubject {
        prompt: variant.prompt.clone(),
        model: variant.model.clone(),
        metric: metric.to_owned(),
    }
}

fn ratio(amount: Amount) -> RatioOf {
    match amount {
        Amount::LatencyP95 => RatioOf::Quantile(0.95),
        Amount::CostUsd | Amount::OutputTokens => RatioOf::GeometricMean,
    }
}

/// Why there is nothing to compare: a run in which no answer tells the amount.
fn lacks(amount: Amount, before: &[ItemScore], after: &[ItemScore]) -> Option<String> {
    let is_told = |items: &[ItemScore]| items.iter().any(|item| item.n_scored > 0);
    let which = match (is_told(before), is_told(after)) {
        (true, true) => return None,
        (false, _) => "the baseline",
        (_, false) => "the run",
    };
    Some(match amount {
        Amount::LatencyP95 => format!("no answer of {which} has a latency"),
        Amount::OutputTokens => format!("no answer of {which} has a token count"),
        Amount::CostUsd => {
            format!("no answer of {which} has a cost; give the model a `price`")
        }
    })
}
