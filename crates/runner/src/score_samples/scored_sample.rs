//! A sample with its scores, as it goes into the files of a run.

use std::{borrow::Cow, sync::Arc};

use evalmark_core::{
    label::{Answered, Labels},
    plan::{Plan, Sample},
    record::{Outcome, Record},
    score::Score,
};
use evalmark_report::{samples::SampleRow, scores::ScoreRow};

use crate::redacted_keys::{any_known, hide, hide_in, hide_in_messages};

/// A sample with its end and its scores.
pub(super) struct ScoredSample {
    pub(super) sample: Sample,
    pub(super) record: Record,
    pub(super) outcome: Outcome,
    pub(super) cost_usd: Option<f64>,
    pub(super) scores: Vec<Score>,
    /// The item's fields as JSON.
    input: String,
}

impl ScoredSample {
    pub(super) fn new(plan: &Plan, sample: Sample, record: Record, scores: Vec<Score>) -> Self {
        let is_invalid = scores.iter().any(|score| score.invalid);
        let outcome = match record.outcome {
            Outcome::Answered if is_invalid => Outcome::Invalid,
            outcome => outcome,
        };
        let cost_usd = plan.models[sample.model].record_cost_usd(&record);
        Self { sample, record, outcome, cost_usd, scores, input: String::new() }
    }

    /// Writes the item's fields down; only for samples that are kept.
    pub(super) fn write_input(&mut self) {
        // Texts and JSON values always make JSON.
        self.input = serde_json::to_string(&self.sample.item.fields).unwrap_or_default();
    }

    /// What people say of the answer, beside each metric's score.
    pub(super) fn label(&mut self, plan: &Plan, labels: &[Option<Labels>]) {
        let answered = Answered {
            prompt: &plan.prompts[self.sample.prompt].name,
            model: &plan.models[self.sample.model].name,
            item: &self.sample.item,
            epoch: self.sample.epoch,
            output: self.record.output.as_deref(),
        };
        for (score, labels) in self.scores.iter_mut().zip(labels) {
            score.label = labels.as_ref().and_then(|labels| labels.of(answered));
        }
    }

    /// Takes out keys that came from the dataset, or from what was made of it. It is scored already.
    pub(super) fn hide_keys(&mut self) {
        if !any_known() {
            return;
        }
        if let Some(messages) = hide_in_messages(&self.sample.request.messages) {
            self.sample.request.messages = messages.into();
        }
        if let Ok(params) = serde_json::to_string(&*self.sample.request.params)
            && let Cow::Owned(hidden) = hide(&params)
            && let Ok(params) = serde_json::from_str(&hidden)
        {
            self.sample.request.params = Arc::new(params);
        }
        if let Some(details) = &mut self.record.details {
            details.change_texts(&|text| hide(&text).into_owned());
        }
        let failure = self.record.failure.as_mut().map(|failure| &mut failure.message);
        let judged = self.scores.iter_mut().flat_map(|score| {
            let judge_output = score.judge.as_mut().and_then(|judge| judge.output.as_mut());
            [score.reason.as_mut(), judge_output]
        });
        let texts = judged.flatten().chain(self.record.output.as_mut()).chain(failure);
        let texts = texts.chain([&mut self.input]);
        texts.for_each(hide_in);
        let shows = |target: &String| matches!(hide(target), Cow::Owned(_));
        if self.sample.item.targets.iter().any(shows) {
            let hidden = self.sample.item.targets.iter().map(|target| hide(target).into_owned());
            self.sample.item.targets = hidden.collect();
        }
    }

    pub(super) fn row<'a>(&'a self, plan: &'a Plan) -> SampleRow<'a> {
        let prompt = &plan.prompts[self.sample.prompt];
        SampleRow {
            prompt: &prompt.name,
            prompt_hash: &prompt.hash,
            model: &plan.models[self.sample.model].name,
            item: &self.sample.item,
            epoch: self.sample.epoch,
            request: &self.sample.request,
            record: &self.record,
            outcome: self.outcome,
            cost_usd: self.cost_usd,
            scores: &self.scores,
            input: &self.input,
        }
    }

    /// One row a metric.
    pub(super) fn score_rows<'a>(
        &'a self,
        plan: &'a Plan,
        metrics: &'a [String],
    ) -> impl Iterator<Item = ScoreRow<'a>> {
        let prompt = &plan.prompts[self.sample.prompt].name;
        let model = &plan.models[self.sample.model].name;
        let (item, epoch) = (&self.sample.item, self.sample.epoch);
        let each = metrics.iter().zip(&self.scores);
        each.map(move |(metric, score)| ScoreRow { prompt, model, item, epoch, metric, score })
    }
}
