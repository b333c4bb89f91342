//! From evidence to an answer: the decision rule, and nothing else.

use evalmark_core::verdict::Answer;

use crate::missing::{Assumption, Missing};
use crate::ratio::RatioOf;
use crate::rule::Rule;
use crate::test_result::TestResult;

/// Why a comparison gave neither a pass nor a regression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// There is no item to compare.
    NoItems,
    /// Too few items pair up: the variants do not measure the same thing.
    DifferentItems,
    /// The metric itself is not the same, or one side does not have it.
    DifferentMeasure,
    /// The answer depends on what the missing answers would have been.
    Missing,
    /// The items that there are cannot tell.
    TooFewItems,
}

/// What an assumption about missing answers says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Check {
    /// Nothing that matters is missing.
    NotNeeded,
    /// What the pairs say under that assumption.
    Done(Box<TestResult>),
    /// Scores have no ends, so there is no worst case.
    Impossible,
}

impl Check {
    fn survives(&self, holds: impl Fn(&TestResult) -> bool) -> bool {
        match self {
            Self::NotNeeded => true,
            Self::Done(evidence) => holds(evidence),
            Self::Impossible => false,
        }
    }
}

/// What is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// The difference of two variants, in units of the score.
    Difference,
    /// The same of values of whole runs.
    RunValue,
    /// One variant's mean less this minimum.
    Level(f64),
    /// The logarithm of the baseline over the candidate, or the other way round where more is better.
    Ratio(RatioOf),
}

/// All that a comparison's answer depends on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Case {
    pub(crate) kind: Kind,
    pub(crate) rule: Rule,
    pub(crate) missing: Missing,
    /// `None` when no item has a score in both variants.
    pub(crate) complete: Option<TestResult>,
    /// The candidate's missing answers at their worst, the baseline's at their best.
    worst: Check,
    /// The candidate's missing answers at their best.
    best: Check,
}

impl Case {
    /// Weighs the scores, under every assumption about missing ones that is needed.
    pub(crate) fn build(
        kind: Kind,
        missing: Missing,
        rule: &Rule,
        weighed: impl Fn(Assumption) -> Option<TestResult>,
    ) -> Self {
        let check = |needed: bool, assumption| {
            if !needed {
                return Check::NotNeeded;
            }
            let evidence = Missing::boundable(rule).then(|| weighed(assumption)).flatten();
            evidence.map_or(Check::Impossible, |evidence| Check::Done(Box::new(evidence)))
        };
        Self {
            kind,
            rule: rule.clone(),
            missing,
            complete: weighed(Assumption::Complete),
            worst: check(!missing.negligible(), Assumption::WorstForCandidate),
            best: check(missing.candidate.missing > 0, Assumption::BestForCandidate),
        }
    }

    /// The p-value against "no drop" that a family's correction takes in: that of the pairs, or
    /// the larger one with the candidate's missing answers at their best.
    pub(crate) fn p_regressed(&self) -> f64 {
        let complete = self.complete.as_ref().map_or(1.0, |evidence| evidence.p_regressed);
        match &self.best {
            Check::NotNeeded => complete,
            Check::Done(best) => complete.max(best.p_regressed),
            Check::Impossible => 1.0,
        }
    }

    /// The answer, given the adjusted p-value against "no drop".
    pub(crate) fn settle(&self, p_adjusted: f64) -> (Answer, Option<Cause>) {
        let Some(complete) = &self.complete else {
            return (Answer::Inconclusive, Some(Cause::Missing));
        };
        let rule = &self.rule;
        let drop = |evidence: &TestResult| evidence.upper < 0.0 && evidence.lower < -rule.margin;
        if at_most(p_adjusted, rule.alpha) && drop(complete) && self.best.survives(drop) {
            return (Answer::Regressed, None);
        }
        let pass = |evidence: &TestResult| passes(evidence, rule);
        if pass(complete) && self.worst.survives(pass) {
            let gain = |evidence: &TestResult| evidence.lower > 0.0;
            // To meet a minimum is no improvement.
            let compares = !matches!(self.kind, Kind::Level(_));
            let improved = compares && gain(complete) && self.worst.survives(gain);
            return (if improved { Answer::Improved } else { Answer::Pass }, None);
        }
        let dropped = at_most(complete.p_regressed, rule.alpha) && drop(complete);
        let held_back = pass(complete) || (dropped && !self.best_confirms(drop));
        let cause = if held_back { Cause::Missing } else { Cause::TooFewItems };
        (Answer::Inconclusive, Some(cause))
    }

    /// Whether a regression stands with the candidate's missing answers at their best.
    fn best_confirms(&self, drop: impl Fn(&TestResult) -> bool) -> bool {
        at_most(self.p_regressed(), self.rule.alpha) && self.best.survives(drop)
    }
}

/// Whether the pairs rule out a drop of the margin.
fn passes(evidence: &TestResult, rule: &Rule) -> bool {
    let bounded = evidence.lower >= -rule.margin - 1e-12;
    !evidence.pass_barred && bounded && at_most(evidence.p_pass, rule.alpha)
}

/// A p-value at or below alpha, where both may carry rounding.
fn at_most(p: f64, alpha: f64) -> bool {
    p <= alpha * (1.0 + 1e-9)
}
