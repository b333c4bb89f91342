//! What the samples of a run come to: counts, totals, and the rows of its summary, made as they go by.

use evalmark_core::{plan::Plan, record::Outcome};
use evalmark_report::samples::Layout;
use evalmark_scoring::Metric;
use evalmark_store::run_record::{FailureExample, RunTotals, SampleCounts};

use super::scored_sample::ScoredSample;
use crate::{
    judge_agreement::Judging,
    summary::{Finished, VariantSummary, add},
};

/// What the samples so far come to.
pub(super) struct Sums<'a> {
    plan: &'a Plan,
    layout: Layout<'a>,
    metrics: &'a [Metric],
    pub(super) counts: SampleCounts,
    pub(super) totals: RunTotals,
    pub(super) judging: Judging,
    finished: Finished,
    /// The prompt and the model whose samples go by.
    variant: Option<((usize, usize), VariantSummary)>,
}

impl<'a> Sums<'a> {
    pub(super) fn new(plan: &'a Plan, layout: Layout<'a>, metrics: &'a [Metric]) -> Self {
        Self {
            plan,
            layout,
            metrics,
            counts: SampleCounts { planned: plan.n_samples(), ..SampleCounts::default() },
            totals: RunTotals::default(),
            judging: Judging::default(),
            finished: Finished::default(),
            variant: None,
        }
    }

    /// Takes in the next sample, in the order of the reports.
    pub(super) fn see(&mut self, one: &ScoredSample) {
        let place = (one.sample.prompt, one.sample.model);
        if self.variant.as_ref().is_none_or(|(last, _)| *last != place) {
            let row = one.row(self.plan);
            let names = (row.prompt, row.model);
            let next = VariantSummary::new(&self.layout, self.metrics, names, self.plan.epochs);
            let last = self.variant.replace((place, next));
            self.finished.extend(last.map(|(_, summary)| summary.finish()));
        }
        if let Some((_, summary)) = &mut self.variant {
            summary.push(&one.sample.item, &one.record, one.cost_usd, &one.scores);
        }
        self.count(one);
    }

    /// Takes what is known by variant, once all have gone by.
    pub(super) fn finish(&mut self) -> Finished {
        let last = self.variant.take();
        self.finished.extend(last.map(|(_, summary)| summary.finish()));
        std::mem::take(&mut self.finished)
    }

    fn count(&mut self, one: &ScoredSample) {
        let (plan, metrics) = (self.plan, self.layout.metrics);
        let counts = &mut self.counts;
        match one.outcome {
            Outcome::Answered => counts.answered += 1,
            Outcome::Refused => counts.refused += 1,
            Outcome::Invalid => counts.invalid += 1,
            Outcome::Failed => counts.failed += 1,
        }
        counts.cached += u64::from(one.record.cached && one.record.has_answer());
        counts.reasoning_cut += u64::from(one.scores.iter().any(|score| score.reasoning_cut));
        if let Some(failure) = &one.record.failure {
            let kind = failure.kind.as_str();
            *counts.errors.entry(kind.to_owned()).or_default() += 1;
            counts.error_examples.entry(kind.to_owned()).or_insert_with(|| FailureExample {
                model: plan.models[one.sample.model].name.to_string(),
                message: failure.message.clone(),
            });
        }
        if one.record.has_answer() && one.record.is_cut_off() {
            let model = plan.models[one.sample.model].name.to_string();
            *counts.cut_off.entry(model).or_default() += 1;
        }
        let totals = &mut self.totals;
        let usage = one.record.usage;
        for (total, tokens) in [
            (&mut totals.input_tokens, usage.input_tokens),
            (&mut totals.output_tokens, usage.output_tokens),
        ] {
            *total = total.saturating_add(tokens.unwrap_or_default());
        }
        add(&mut totals.cost_usd, one.cost_usd);
        for (metric, score) in metrics.iter().zip(&one.scores) {
            if score.is_missing() && one.record.has_answer() {
                let unscored = counts.unscored.entry(metric.clone()).or_default();
                unscored.count += 1;
                if unscored.example.is_empty() {
                    unscored.example = score.reason.clone().unwrap_or_default();
                }
            }
        }
        for (metric, _) in metrics.iter().zip(&one.scores).filter(|(_, s)| s.label.is_some()) {
            *counts.labelled.entry(metric.clone()).or_default() += 1;
        }
        self.judging.see(metrics, &one.scores);
        for judge in one.scores.iter().filter_map(|score| score.judge.as_ref()) {
            let tokens = judge.tokens.unwrap_or_default();
            totals.judge_tokens = totals.judge_tokens.saturating_add(tokens);
            add(&mut totals.judge_cost_usd, judge.cost_usd);
        }
    }
}
