//! Many samples at once, in parallel: records, targets and judgements in, scores out.

use evalmark_core::score::Score;
use rayon::prelude::*;

use crate::{
    judge::{Judge, JudgeReply, QuestionError, why_failed},
    metric::Metric,
    subject::Subject,
};

/// One sample, ready to score.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What came back, and the item it belongs to.
    pub subject: Subject<'a>,
    /// By metric, in the metrics' order; a missing tail counts as [`Judgement::None`].
    pub judgements: &'a [Judgement<'a>],
}

/// What became of the questions to models.
#[derive(Clone, Copy, Debug, Default)]
pub enum Judgement<'a> {
    /// There was nothing to ask, or nobody asked.
    #[default]
    None,
    /// The questions could not be made, and why.
    QuestionError(&'a QuestionError),
    /// What came back for each of [`Metric::questions`], in their order.
    Given(&'a [JudgeReply]),
}

/// Scores every case by every metric: `scores[case][metric]`.
///
/// A failed record is missing under every metric, never 0. A refusal is an answer, and is scored on
/// its text.
pub fn score_batch(metrics: &[Metric], cases: &[Case<'_>]) -> Vec<Vec<Score>> {
    cases.par_iter().map(|case| score_case(metrics, case)).collect()
}

fn score_case(metrics: &[Metric], case: &Case<'_>) -> Vec<Score> {
    let Case { subject, judgements } = *case;
    if !subject.record.has_answer() {
        let missing = Score::missing(why_failed("no answer", subject.record));
        let score = |metric: &Metric| {
            if metric.concerns(subject.fields) { missing.clone() } else { Score::not_applicable() }
        };
        return metrics.iter().map(score).collect();
    }
    let judgements = judgements.iter().copied().chain(std::iter::repeat(Judgement::None));
    metrics
        .iter()
        .zip(judgements)
        .map(|(metric, judgement)| match metric.judge() {
            None => metric.score(subject),
            Some(judge) => metric.score_by(subject, |subject| judged(judge, subject, judgement)),
        })
        .collect()
}

fn judged(judge: &Judge, subject: Subject<'_>, judgement: Judgement<'_>) -> Score {
    match judgement {
        Judgement::None => Score::missing("the judge was not called"),
        Judgement::QuestionError(why) => judge.unasked(why),
        Judgement::Given(replies) => judge.score(subject, replies),
    }
}
