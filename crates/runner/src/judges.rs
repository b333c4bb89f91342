//! What metrics ask of models about each answer, and what came back.

use std::borrow::Cow;

use evalmark_core::{
    model::{Model, Provider},
    plan::{Plan, Sample},
    record::Record,
    request::Request,
};
use evalmark_harness::{Answers, recorded_cell};
use evalmark_scoring::{
    Judge, JudgeReply, Judgement, Metric, Question, QuestionError, Subject, split_reasoning,
};

use crate::{
    error::Result,
    load::LoadedSuite,
    records::{Unasked, not_asked},
};

/// What models said of answers; parallel to the suite's models, `None` for those that no metric
/// asks.
pub struct Judges {
    pub by_model: Vec<Option<Answers>>,
    /// Why a model was not asked everything.
    pub unasked: Vec<Option<Unasked>>,
}

/// The judges' side of one metric and sample.
pub enum JudgeReplies {
    Nothing,
    QuestionError(QuestionError),
    Given(Vec<JudgeReply>),
}

impl JudgeReplies {
    pub fn as_judgement(&self) -> Judgement<'_> {
        match self {
            Self::Nothing => Judgement::None,
            Self::QuestionError(why) => Judgement::QuestionError(why),
            Self::Given(replies) => Judgement::Given(replies),
        }
    }
}

impl Judges {
    /// What was said of this answer, by metric.
    pub fn judge(
        &self,
        plan: &Plan,
        metrics: &[Metric],
        sample: &Sample,
        record: &Record,
    ) -> Result<Vec<JudgeReplies>> {
        let one = |metric: &Metric| match questions(plan, metric, sample, record) {
            None => Ok(JudgeReplies::Nothing),
            Some(Err(why)) => Ok(JudgeReplies::QuestionError(why)),
            Some(Ok(questions)) => {
                let replies = questions.iter().map(|question| self.reply(plan, question, sample));
                Ok(JudgeReplies::Given(replies.collect::<Result<_>>()?))
            }
        };
        metrics.iter().map(one).collect()
    }

    fn reply(&self, plan: &Plan, question: &Question, sample: &Sample) -> Result<JudgeReply> {
        let place = plan.models.iter().position(|model| *model.name == *question.model);
        let Some(place) = place else {
            return Ok(JudgeReply { record: not_asked(None), cost_usd: None });
        };
        let model = &plan.models[place];
        let record = match (&model.provider, &self.by_model[place]) {
            (Provider::RecordedColumn(column), _) => {
                let column = column.of(sample.prompt);
                Some(recorded_cell(&sample.item.fields, column))
            }
            (_, Some(answers)) => answers.get(&question.request(model, sample.epoch).hash())?,
            (_, None) => None,
        };
        let mut record = record.unwrap_or_else(|| not_asked(self.unasked[place].as_ref()));
        if model.splits_reasoning {
            split_reasoning(&mut record);
        }
        let cost_usd = model.record_cost_usd(&record);
        Ok(JudgeReply { record, cost_usd })
    }
}

/// Every question of every metric about an answer, as a request to the model at a place of the plan.
pub(crate) fn all_requests(
    plan: &Plan,
    metrics: &[Metric],
    sample: &Sample,
    record: &Record,
) -> Vec<(usize, Request)> {
    let asked = metrics.iter().filter_map(|metric| questions(plan, metric, sample, record)?.ok());
    let to = |question: Question| {
        let place = plan.models.iter().position(|model| *model.name == *question.model)?;
        Some((place, question.request(&plan.models[place], sample.epoch)))
    };
    asked.flatten().filter_map(to).collect()
}

/// What a metric asks about an answer. What cannot be asked is scored with the reason, when scores
/// are made.
fn questions(
    plan: &Plan,
    metric: &Metric,
    sample: &Sample,
    record: &Record,
) -> Option<Result<Vec<Question>, QuestionError>> {
    metric.judge()?;
    let mut record = Cow::Borrowed(record);
    if plan.models[sample.model].splits_reasoning {
        split_reasoning(record.to_mut());
    }
    let record = &*record;
    let cost_usd = plan.models[sample.model].record_cost_usd(record);
    let subject = Subject::new(record, &sample.item.targets, &sample.item.fields, cost_usd);
    metric.questions(subject, &sample.request.messages)
}

/// What one model is asked about an answer by a metric.
pub(crate) fn requests_to(
    model: &Model,
    plan: &Plan,
    metric: &Metric,
    sample: &Sample,
    record: &Record,
) -> Vec<Request> {
    let Some(Ok(questions)) = questions(plan, metric, sample, record) else { return Vec::new() };
    let to_it = questions.iter().filter(|question| *question.model == *model.name);
    to_it.map(|question| question.request(model, sample.epoch)).collect()
}

/// Every metric that asks a model, with each model that it asks: places in the suite.
pub(crate) fn asking(loaded: &LoadedSuite) -> Vec<(usize, usize)> {
    let metrics = loaded.metrics.iter().enumerate();
    let pairs = metrics.flat_map(|(i, metric)| {
        let models = metric.judge().map_or(&[][..], Judge::models).iter();
        models.filter_map(move |model| Some((i, loaded.suite.model_index(model)?)))
    });
    pairs.collect()
}

/// How many questions there usually are about an answer, over all metrics.
pub(crate) fn questions_each(loaded: &LoadedSuite) -> u64 {
    loaded.metrics.iter().filter_map(Metric::judge).map(Judge::questions_each).sum()
}
