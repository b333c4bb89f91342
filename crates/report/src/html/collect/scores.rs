//! The pass over all scores of a run: which samples to show, how many there are, and how their scores
//! are distributed.

use std::path::Path;

use evalmark_core::{metric::Range, verdict::Verdict};

use super::{
    super::data::{PageMetric, ScoreDistribution},
    choose::{Candidate, Choice},
    histograms::Bins,
};
use crate::{
    ReadError,
    scores::{ScoreValue, for_each_value},
};

/// What one pass over all scores tells.
pub(super) struct Overview {
    n_metrics: u64,
    choice: Choice,
    distributions: Distributions,
    /// Scores so far.
    n_scores: u64,
    /// Whether a score of the sample that goes by fails it.
    fails: bool,
}

impl Overview {
    pub(super) fn new(metrics: &[PageMetric], verdict: Option<&Verdict>) -> Self {
        Self {
            n_metrics: metrics.len() as u64,
            choice: Choice::new(verdict, metrics.len()),
            distributions: Distributions::new(metrics),
            n_scores: 0,
            fails: false,
        }
    }

    /// Reads `scores.parquet`: metric by metric, in the order of the samples.
    pub(super) fn read(&mut self, path: &Path) -> Result<(), ReadError> {
        for_each_value(path, |score| {
            self.see(&score);
            Ok(())
        })
    }

    fn see(&mut self, score: &ScoreValue<'_>) {
        let is_missing = score.applies && score.score.is_none();
        self.fails |= is_missing || score.passed == Some(false);
        self.distributions.see(score, Side::Candidate);
        self.n_scores += 1;
        if self.n_scores.is_multiple_of(self.n_metrics.max(1)) {
            self.choice.see(&Candidate {
                row: self.n_scores / self.n_metrics.max(1) - 1,
                prompt: score.prompt,
                model: score.model,
                item_id: score.item_id,
                item_hash: score.item_hash,
                fails: std::mem::take(&mut self.fails),
            });
        }
    }

    /// Positions of the samples to show, how many there are, and the distributions.
    pub(super) fn finish(self) -> (Vec<u64>, u64, Distributions) {
        (self.choice.finish(), self.n_scores / self.n_metrics.max(1), self.distributions)
    }
}

/// Whose scores they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Candidate,
    Baseline,
}

/// Histograms by prompt, model and metric.
pub(super) struct Distributions {
    /// Metrics whose values are more than right or wrong.
    ranges: Vec<(String, Range)>,
    found: Vec<Distribution>,
}

struct Distribution {
    prompt: String,
    model: String,
    metric: String,
    candidate: Bins,
    baseline: Bins,
}

impl Distributions {
    fn new(metrics: &[PageMetric]) -> Self {
        let graded = metrics.iter().filter(|metric| metric.range != Range::Binary);
        let ranges = graded.map(|metric| (metric.name.clone(), metric.range)).collect();
        Self { ranges, found: Vec::new() }
    }

    /// Counts a score; one of the baseline that the run has no counterpart of is left out.
    pub(super) fn see(&mut self, score: &ScoreValue<'_>, side: Side) {
        let Some(value) = score.score else { return };
        let Some((_, range)) = self.ranges.iter().find(|(name, _)| name == score.metric) else {
            return;
        };
        let is_it = |one: &Distribution| {
            one.prompt == score.prompt && one.model == score.model && one.metric == score.metric
        };
        let place = match self.found.iter().rposition(is_it) {
            Some(place) => place,
            None if side == Side::Baseline => return,
            None => {
                self.found.push(Distribution {
                    prompt: score.prompt.to_owned(),
                    model: score.model.to_owned(),
                    metric: score.metric.to_owned(),
                    candidate: Bins::new(*range),
                    baseline: Bins::new(*range),
                });
                self.found.len() - 1
            }
        };
        let one = &mut self.found[place];
        match side {
            Side::Candidate => one.candidate.push(value),
            Side::Baseline => one.baseline.push(value),
        }
    }

    pub(super) fn finish(self) -> Vec<ScoreDistribution> {
        let written = self.found.into_iter().map(|mut one| {
            if !one.baseline.is_empty() {
                one.candidate.align(&mut one.baseline);
            }
            let [low, high] = one.candidate.ends();
            let baseline = if one.baseline.is_empty() { Vec::new() } else { one.baseline.counts() };
            ScoreDistribution {
                prompt: one.prompt,
                model: one.model,
                metric: one.metric,
                low,
                high,
                counts: one.candidate.counts(),
                baseline,
            }
        });
        written.collect()
    }
}
