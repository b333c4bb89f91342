//! The samples that a page shows: those that did not pass, a bounded number for each variant.

use std::{collections::BTreeMap, sync::Arc};

use evalmark_core::{
    number_format,
    record::{ErrorKind, Outcome},
    request::Message,
    score::Score,
};
use evalmark_report::{
    html::{FailingGroup, FailingSample, FailingScore, FailureGroup, OutcomeCount},
    samples::SampleRow,
};

/// Samples shown for each prompt and model.
const SHOWN: usize = 50;

/// Characters shown of one text.
const LONGEST: usize = 4_000;

/// What the page says of single samples, collected as they go by.
#[derive(Debug, Default)]
pub(crate) struct FailedSamples {
    groups: Vec<FailingGroup>,
    /// By kind: how many, and one of the messages.
    failures: BTreeMap<&'static str, (u64, String)>,
    outcomes: Vec<OutcomeCount>,
}

/// A sample as the page may need it.
pub(crate) struct PageSample<'a> {
    pub prompt: &'a str,
    pub model: &'a str,
    pub item_id: &'a str,
    pub epoch: u32,
    pub outcome: Outcome,
    pub output: Option<&'a str>,
    pub targets: &'a [String],
    pub failure: Option<(ErrorKind, &'a str)>,
}

impl<'a> From<&SampleRow<'a>> for PageSample<'a> {
    fn from(row: &SampleRow<'a>) -> Self {
        Self {
            prompt: row.prompt,
            model: row.model,
            item_id: &row.item.id,
            epoch: row.epoch,
            outcome: row.outcome,
            output: row.record.output.as_deref(),
            targets: &row.item.targets,
            failure: row.record.failure.as_ref().map(|f| (f.kind, f.message.as_str())),
        }
    }
}

impl FailedSamples {
    /// Takes in a sample; `messages` and `scores` are made only for those that are shown.
    pub(crate) fn see(
        &mut self,
        seen: &PageSample<'_>,
        messages: impl FnOnce() -> Arc<[Message]>,
        scores: impl FnOnce() -> Vec<FailingScore>,
        passed: bool,
    ) {
        match self.outcomes.iter_mut().find(|count| count.outcome == seen.outcome) {
            Some(count) => count.count += 1,
            None => self.outcomes.push(OutcomeCount { outcome: seen.outcome, count: 1 }),
        }
        if let Some((kind, message)) = seen.failure {
            let entry = self.failures.entry(kind.as_str());
            entry.or_insert_with(|| (0, message.to_owned())).0 += 1;
        }
        if passed && seen.outcome == Outcome::Answered {
            return;
        }
        let group = self.group(seen.prompt, seen.model);
        group.total += 1;
        if group.samples.len() < SHOWN {
            group.samples.push(FailingSample {
                item_id: seen.item_id.to_owned(),
                epoch: seen.epoch,
                outcome: seen.outcome,
                messages: messages()
                    .iter()
                    .map(|m| Message::new(&*m.role, bounded(&m.text())))
                    .collect(),
                output: seen.output.map(bounded),
                targets: seen.targets.iter().map(|target| bounded(target)).collect(),
                error: seen.failure.map(|(_, message)| message.to_owned()),
                scores: scores(),
            });
        }
    }

    fn group(&mut self, prompt: &str, model: &str) -> &mut FailingGroup {
        let is_it = |group: &FailingGroup| group.prompt == prompt && group.model == model;
        let place = self.groups.iter().position(is_it).unwrap_or_else(|| {
            self.groups.push(FailingGroup {
                prompt: prompt.to_owned(),
                model: model.to_owned(),
                total: 0,
                samples: Vec::new(),
            });
            self.groups.len() - 1
        });
        &mut self.groups[place]
    }

    /// Outcomes, failures by kind, and the samples by variant.
    pub(crate) fn finish(self) -> (Vec<OutcomeCount>, Vec<FailureGroup>, Vec<FailingGroup>) {
        let failures = self.failures.into_iter().map(|(kind, (count, example))| FailureGroup {
            kind: kind.to_owned(),
            count,
            example,
        });
        (self.outcomes, failures.collect(), self.groups)
    }
}

/// A text of at most a few pages, and how much of it is left out.
fn bounded(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => {
            let more = text[end..].chars().count();
            format!("{}… ({} more characters)", &text[..end], number_format::count(more as u64))
        }
    }
}

/// Whether no metric failed the sample.
pub(crate) fn passes(scores: &[Score]) -> bool {
    scores.iter().all(|score| score.value.is_some() && score.passed != Some(false))
}

/// Scores as the page shows them.
pub(crate) fn shown(metrics: &[String], scores: &[Score]) -> Vec<FailingScore> {
    let pairs = metrics.iter().zip(scores);
    let one = |(metric, score): (&String, &Score)| FailingScore {
        metric: metric.clone(),
        value: score.value,
        passed: score.passed,
        reason: score.reason.clone(),
    };
    pairs.map(one).collect()
}
