//! What a test says of a drop: estimate, bounds, p values, and what it would take to see more.

use crate::missing::ScorePair;
use crate::rule::Rule;
use crate::running_moments::Running;

/// The power that detectable drops and needed items are stated for.
pub(crate) const POWER: f64 = 0.8;

/// Everything one test says of candidate minus baseline.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TestResult {
    /// The tests that were used.
    pub(crate) method: &'static str,
    /// Pairs.
    pub(crate) n: u64,
    /// Mean of the baseline.
    pub(crate) baseline_mean: f64,
    /// Mean of the candidate.
    pub(crate) candidate_mean: f64,
    /// Mean difference.
    pub(crate) estimate: f64,
    /// Lower bound at `alpha`; minus infinity where there is none.
    pub(crate) lower: f64,
    /// Upper bound at `alpha`; infinite where there is none.
    pub(crate) upper: f64,
    /// Against "no drop".
    pub(crate) p_regressed: f64,
    /// Against "a drop of the margin or more".
    pub(crate) p_pass: f64,
    /// Binary scores: only the baseline right, only the candidate right.
    pub(crate) discordant: Option<(u64, u64)>,
    /// Share of the pairs whose scores differ.
    pub(crate) discordance: f64,
    /// What these pairs could find and what would be needed.
    pub(crate) reach: Reach,
    /// Seed of the bootstrap.
    pub(crate) seed: Option<u64>,
    /// What a reader should know.
    pub(crate) notes: Vec<String>,
    /// A pass is out of the question, whatever the bounds say.
    pub(crate) pass_barred: bool,
}

impl TestResult {
    /// Two means, and nothing that bounds their difference: tests fill in what they know.
    pub(crate) fn unbounded(method: &'static str, n: u64, [before, after]: [f64; 2]) -> Self {
        Self {
            method,
            n,
            baseline_mean: before,
            candidate_mean: after,
            estimate: after - before,
            lower: f64::NEG_INFINITY,
            upper: f64::INFINITY,
            p_regressed: 1.0,
            p_pass: 1.0,
            discordant: None,
            discordance: 0.0,
            reach: Reach::default(),
            seed: None,
            notes: Vec::new(),
            pass_barred: false,
        }
    }

    /// A mean less its limit, no further from it than scores can lie.
    pub(crate) fn within_range(mut self, limit: f64, rule: &Rule) -> Self {
        self.lower = self.lower.max(rule.range.low - limit);
        self.upper = self.upper.min(rule.range.high - limit);
        if limit <= rule.range.low {
            // No score lies below it.
            self.p_pass = 0.0;
        }
        self.reach.items_needed = self.reach.items_to_decide;
        self
    }

    /// No difference exceeds the range of the scores, whatever a t interval says; a margin of
    /// the whole range is met by any.
    pub(crate) fn within(mut self, rule: &Rule) -> Self {
        let width = rule.range.width();
        self.lower = self.lower.max(-width);
        self.upper = self.upper.min(width);
        if rule.margin >= width {
            self.p_pass = 0.0;
        }
        self
    }
}

/// What a number of items can find with 80 % power, and what it takes to find more.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Reach {
    /// The smallest drop that this many items detect.
    pub(crate) detectable_drop: Option<f64>,
    /// Items that detect a drop of the margin.
    pub(crate) items_needed: Option<u64>,
    /// Items that would decide it if the difference stayed as it was observed.
    pub(crate) items_to_decide: Option<u64>,
}

/// The effect that more items would have to show: distance from the margin for a pass, from
/// zero for a regression, whichever is the larger.
pub(crate) fn deciding_effect(estimate: f64, margin: f64) -> f64 {
    (margin + estimate).max(-estimate)
}

/// Mean of the baseline and of the candidate; `None` without pairs.
pub(crate) fn variant_means<P: ScorePair>(pairs: &[P]) -> Option<(f64, f64)> {
    let mut variants = (Running::default(), Running::default());
    for pair in pairs {
        let (baseline, candidate) = pair.scores();
        variants.0.push_many(baseline, pair.times());
        variants.1.push_many(candidate, pair.times());
    }
    Some((variants.0.moments()?.mean, variants.1.moments()?.mean))
}
