//! Many samples at once, in parallel: records, targets and judgements in, scores out.

use evalmark_core::{
    record::{Failure, Outcome, Record},
    score::{JudgeTrace, Score},
};
use rayon::prelude::*;

use crate::{judge::Judge, metric::Metric, subject::Subject};

/// One sample, ready to score.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What came back, and the item it belongs to.
    pub subject: Subject<'a>,
    /// By metric, in the metrics' order; a missing tail counts as [`Judgement::None`].
    pub judgements: &'a [Judgement<'a>],
}

/// What became of the question to a judge.
#[derive(Clone, Copy, Debug, Default)]
pub enum Judgement<'a> {
    /// There was nothing to ask, or nobody asked.
    #[default]
    None,
    /// The request could not be made, and why.
    Unaskable(&'a str),
    /// It was asked.
    Given {
        /// What came back from the judge.
        record: &'a Record,
        /// What it cost, where the price is known.
        cost_usd: Option<f64>,
    },
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
        return vec![missing; metrics.len()];
    }
    let judgements = judgements.iter().copied().chain(std::iter::repeat(Judgement::None));
    metrics
        .iter()
        .zip(judgements)
        .map(|(metric, judgement)| match metric.judge() {
            None => metric.score(subject),
            Some(judge) => match metric.narrow(subject.answer) {
                Ok(_) => judged(judge, judgement),
                Err(reason) => metric.invalid(reason),
            },
        })
        .collect()
}

fn judged(judge: &Judge, judgement: Judgement<'_>) -> Score {
    let (record, cost_usd) = match judgement {
        Judgement::None => return Score::missing("the judge was not asked"),
        Judgement::Unaskable(reason) => return Score::missing(reason),
        Judgement::Given { record, cost_usd } => (record, cost_usd),
    };
    let score = match (record.outcome, &record.output) {
        (Outcome::Failed, _) => Score::missing(why_failed("no judgement", record)),
        (_, Some(output)) => judge.grade(output),
        (_, None) => Score::missing("no judgement: the judge refused"),
    };
    let usage = record.usage;
    let trace = JudgeTrace {
        model: judge.model().to_owned(),
        output: record.output.clone(),
        tokens: usage.input_tokens.zip(usage.output_tokens).map(|(i, o)| i.saturating_add(o)),
        cost_usd,
    };
    Score { judge: Some(trace), ..score }
}

fn why_failed(what: &str, record: &Record) -> String {
    match &record.failure {
        Some(Failure { kind, .. }) => format!("{what}: {}", kind.as_str()),
        None => what.to_owned(),
    }
}
