//! What the judges said of each answer.

use anyhow::Result;
use evalmark_core::{
    plan::{Plan, Sample},
    record::Record,
};
use evalmark_harness::Answers;
use evalmark_scoring::{Judgement, Metric};

use crate::records::not_asked;

/// What the judges said; parallel to the metrics, `None` for those without a judge.
pub(crate) struct Judges {
    /// The judge's place among the models, and its answers.
    pub(crate) by_metric: Vec<Option<(usize, Answers)>>,
}

/// A judge's side of one metric and sample.
pub(crate) enum Judged {
    Nothing,
    Unaskable(String),
    Given { record: Record, cost_usd: Option<f64> },
}

impl Judged {
    pub(crate) fn as_judgement(&self) -> Judgement<'_> {
        match self {
            Self::Nothing => Judgement::None,
            Self::Unaskable(why) => Judgement::Unaskable(why),
            Self::Given { record, cost_usd } => Judgement::Given { record, cost_usd: *cost_usd },
        }
    }
}

impl Judges {
    /// What each metric's judge said of this answer.
    pub(crate) fn judge(
        &self,
        plan: &Plan,
        metrics: &[Metric],
        sample: &Sample,
        record: &Record,
    ) -> Result<Vec<Judged>> {
        let item = &sample.item;
        let one = |(metric, judge): (&Metric, &Option<(usize, Answers)>)| {
            let Some((model, answers)) = judge else { return Ok(Judged::Nothing) };
            let question = &sample.request.messages;
            let model = &plan.models[*model];
            match metric.judge_request(question, record, &item.targets, &item.fields) {
                None => Ok(Judged::Nothing),
                Some(Err(error)) => Ok(Judged::Unaskable(error.to_string())),
                Some(Ok(messages)) => {
                    let hash = model.request(messages, sample.epoch).hash();
                    let record = answers.get(&hash)?.unwrap_or_else(|| not_asked(None));
                    let cost_usd = model.cost_usd(record.usage);
                    Ok(Judged::Given { record, cost_usd })
                }
            }
        };
        metrics.iter().zip(&self.by_metric).map(one).collect()
    }
}
