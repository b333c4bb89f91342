//! Which test fits a set of pairs.

use crate::missing::{Pair, ScorePair};
use crate::rule::Rule;
use crate::test_result::TestResult;
use crate::{binary, clustered, continuous};

/// Weighs pairs with the test that fits them; `None` without pairs.
pub(crate) fn weigh(pairs: &[Pair], rule: &Rule) -> Option<TestResult> {
    if pairs.is_empty() {
        None
    } else if clustered::dependent(pairs) {
        clustered::weigh(pairs, rule)
    } else {
        weigh_independent(pairs, rule)
    }
}

/// The same of pairs of which no two share a cluster.
pub(crate) fn weigh_independent<P: ScorePair>(pairs: &[P], rule: &Rule) -> Option<TestResult> {
    if pairs.is_empty() {
        None
    } else if rule.range.is_unit() && pairs.iter().all(binary::is_binary) {
        Some(binary::weigh(pairs, rule))
    } else {
        continuous::weigh(pairs, rule)
    }
}
