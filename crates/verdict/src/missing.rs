//! Missing answers: how many, and what the pairs would be under each assumption about them.

use evalmark_core::verdict::Counts;
use rayon::prelude::*;

use crate::item_scores::ItemScores;
use crate::pairing::Places;
use crate::random::unit_of;
use crate::rule::{Rule, ScoreRange};
use crate::tallies::Tally as ItemTally;

/// Up to this share of missing answers a pass need not hold in the worst case.
const NEGLIGIBLE_SHARE: f64 = 0.01;

/// Variants whose missing shares differ by no more than this (or by one answer) are balanced.
const BALANCED_SHARE: f64 = 0.0025;

/// Fewer items than this are not worth a thread.
const SPLIT: usize = 16_384;

/// One item's mean scores in both variants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) baseline: f64,
    pub(crate) candidate: f64,
    pub(crate) cluster: Option<u64>,
    /// What flips or is drawn as one.
    pub(crate) unit: u64,
}

/// What is assumed of missing answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Assumption {
    /// Items without a score in either variant are left out, missing epochs too.
    Complete,
    /// The candidate's are the worst score, the baseline's the best: a pass must survive it.
    WorstForCandidate,
    /// The candidate's are the best score, the baseline's are left out: a regression must
    /// survive it.
    BestForCandidate,
}

impl Assumption {
    /// The mean scores of an item in both variants; `None` where it is left out.
    pub(crate) fn means(
        self,
        baseline: ItemTally,
        candidate: ItemTally,
        range: ScoreRange,
    ) -> Option<(f64, f64)> {
        Some(match self {
            Self::Complete => (baseline.mean(range)?, candidate.mean(range)?),
            Self::WorstForCandidate => {
                (baseline.mean_with(range.high, range), candidate.mean_with(range.low, range))
            }
            Self::BestForCandidate => {
                (baseline.mean(range)?, candidate.mean_with(range.high, range))
            }
        })
    }
}

/// Two mean scores that one item or several have.
pub(crate) trait ScorePair {
    /// The baseline's and the candidate's.
    fn scores(&self) -> (f64, f64);

    /// How many items.
    fn times(&self) -> u64;
}

impl ScorePair for Pair {
    fn scores(&self) -> (f64, f64) {
        (self.baseline, self.candidate)
    }

    fn times(&self) -> u64 {
        1
    }
}

/// The two variants and the items they share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variants<'a> {
    pub(crate) baseline: ItemScores<'a>,
    pub(crate) candidate: ItemScores<'a>,
    pub(crate) places: &'a [Places],
}

impl Variants<'_> {
    /// The pairs under an assumption, in order of the items' keys.
    pub(crate) fn pairs(self, assumption: Assumption, range: ScoreRange) -> Vec<Pair> {
        let one = |&places: &Places| self.pair(places, assumption, range);
        self.places.par_iter().with_min_len(SPLIT).filter_map(one).collect()
    }

    /// One item under an assumption.
    pub(crate) fn pair(
        self,
        (b, c): Places,
        assumption: Assumption,
        range: ScoreRange,
    ) -> Option<Pair> {
        let (before, after) = (self.baseline.get(b), self.candidate.get(c));
        let (baseline, candidate) = assumption.means(before.tally(), after.tally(), range)?;
        let cluster = after.cluster.or(before.cluster);
        let unit = unit_of(after.key, cluster);
        Some(Pair { baseline, candidate, cluster, unit })
    }

    /// Items by variant (planned, shared, paired, missing), and missing answers (items × epochs).
    pub(crate) fn counts(self) -> (Counts, Missing) {
        let mut counts = Counts {
            baseline_planned: self.baseline.len() as u64,
            candidate_planned: self.candidate.len() as u64,
            shared: self.places.len() as u64,
            ..Counts::default()
        };
        let mut missing = Missing::default();
        for &(b, c) in self.places {
            let pair = [self.baseline.tally(b), self.candidate.tally(c)];
            missing.take(&mut counts, pair, 1);
        }
        (counts, missing)
    }
}

/// Missing and planned answers of one variant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) missing: u64,
    pub(crate) planned: u64,
}

impl Tally {
    /// Takes in so many items that score the same.
    pub(crate) fn take(&mut self, item: ItemTally, n_items: u64) {
        self.missing += u64::from(item.n_missing()) * n_items;
        self.planned += u64::from(item.n_planned.max(1)) * n_items;
    }

    fn share(self) -> f64 {
        if self.planned == 0 { 0.0 } else { self.missing as f64 / self.planned as f64 }
    }
}

/// Missing answers of both variants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) baseline: Tally,
    pub(crate) candidate: Tally,
}

impl Missing {
    /// Takes in so many pairs that score the same, and counts them.
    pub(crate) fn take(
        &mut self,
        counts: &mut Counts,
        [baseline, candidate]: [ItemTally; 2],
        n: u64,
    ) {
        self.baseline.take(baseline, n);
        self.candidate.take(candidate, n);
        let of = |is_it: bool| if is_it { n } else { 0 };
        counts.paired += of(baseline.n_scored > 0 && candidate.n_scored > 0);
        counts.baseline_missing += of(baseline.n_scored == 0);
        counts.candidate_missing += of(candidate.n_scored == 0);
    }

    /// What a regression has to survive.
    pub(crate) fn cautious(self) -> Assumption {
        let lacks = self.candidate.missing > 0;
        if lacks { Assumption::BestForCandidate } else { Assumption::Complete }
    }

    pub(crate) fn any(self) -> bool {
        self.baseline.missing + self.candidate.missing > 0
    }

    /// Few and balanced enough that a pass need not hold in the worst case.
    pub(crate) fn negligible(self) -> bool {
        let (baseline, candidate) = (self.baseline.share(), self.candidate.share());
        let apart = self.baseline.missing.abs_diff(self.candidate.missing);
        let balanced = (baseline - candidate).abs() <= BALANCED_SHARE || apart <= 1;
        baseline.max(candidate) <= NEGLIGIBLE_SHARE && balanced
    }

    /// Whether the ends of the range bound what is missing.
    pub(crate) fn boundable(rule: &Rule) -> bool {
        rule.range.width().is_finite()
    }
}
