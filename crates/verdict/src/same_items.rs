//! Two variants that have the same items in the same order, none of which depends on another: nothing has to
//! be matched, and items that score the same are weighed together.

use std::{cmp::Ordering, collections::BinaryHeap, collections::HashMap};

use evalmark_core::verdict::Counts;

use crate::compare::Flips;
use crate::item_scores::SameItems;
use crate::items::{CompareError, FlipAt, Side};
use crate::missing::{Assumption, Missing, ScorePair};
use crate::pairing::{Changes, check_all};
use crate::rule::{Rule, ScoreRange};
use crate::tallies::Tally;

/// Values of each side up to which a table of all pairs of them is small.
const FEW_VALUES: usize = 1024;

/// Scores that so many items have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct EqualPairs {
    baseline: f64,
    candidate: f64,
    times: u64,
}

impl ScorePair for EqualPairs {
    fn scores(&self) -> (f64, f64) {
        (self.baseline, self.candidate)
    }

    fn times(&self) -> u64 {
        self.times
    }
}

/// What two such variants score.
pub(crate) enum EqualTallies<'a> {
    /// Each pair of tallies, and how many items have it.
    Counted(Vec<([Tally; 2], u64)>),
    /// Items of so many values that each is looked at.
    Each(SameItems<'a>),
}

impl<'a> EqualTallies<'a> {
    /// Items by what they score in both variants; every score is checked on the way.
    pub(crate) fn of(items: SameItems<'a>, rule: &Rule) -> Result<Self, CompareError> {
        check_all(Side::Baseline, items.baseline, rule.range)?;
        check_all(Side::Candidate, items.candidate, rule.range)?;
        Ok(counted(items).map_or(Self::Each(items), Self::Counted))
    }

    fn for_each(&self, mut see: impl FnMut([Tally; 2], u64)) {
        match self {
            Self::Counted(pairs) => pairs.iter().for_each(|&(pair, times)| see(pair, times)),
            Self::Each(items) => (0..items.n).for_each(|at| see(items.tallies(at), 1)),
        }
    }

    /// The pairs under an assumption.
    pub(crate) fn under(&self, assumption: Assumption, range: ScoreRange) -> Vec<EqualPairs> {
        let most = match self {
            Self::Counted(pairs) => pairs.len(),
            Self::Each(items) => items.n,
        };
        let mut found = Vec::with_capacity(most);
        self.for_each(|[before, after], times| {
            let means = assumption.means(before, after, range);
            let pair = means.map(|(baseline, candidate)| EqualPairs { baseline, candidate, times });
            found.extend(pair);
        });
        found
    }

    /// Items by variant, and missing answers.
    pub(crate) fn counts(&self, items: SameItems<'_>) -> (Counts, Missing) {
        let mut counts = Counts {
            baseline_planned: items.baseline.len() as u64,
            candidate_planned: items.candidate.len() as u64,
            shared: items.n as u64,
            ..Counts::default()
        };
        let mut missing = Missing::default();
        self.for_each(|pair, times| missing.take(&mut counts, pair, times));
        (counts, missing)
    }
}

impl SameItems<'_> {
    fn tallies(&self, at: usize) -> [Tally; 2] {
        [self.baseline.tally(at), self.candidate.tally(at)]
    }
}

/// Pairs of tallies with the number of their items; `None` where items have values of their own.
fn counted(items: SameItems<'_>) -> Option<Vec<([Tally; 2], u64)>> {
    let SameItems { baseline, candidate, n } = items;
    let (before, after) = (baseline.values()?, candidate.values()?);
    let pair =
        |b: usize, c: usize, times| ([baseline.shown(before[b]), candidate.shown(after[c])], times);
    let codes = (0..n).map(|at| (baseline.code(at).into(), candidate.code(at).into()));
    if before.len().max(after.len()) <= FEW_VALUES {
        let width = after.len();
        let mut counts = vec![0_u64; before.len() * width];
        codes.for_each(|(b, c): (usize, usize)| counts[b * width + c] += 1);
        let found = counts.into_iter().enumerate().filter(|(_, times)| *times > 0);
        return Some(found.map(|(at, times)| pair(at / width, at % width, times)).collect());
    }
    let mut counts: HashMap<(usize, usize), u64> = HashMap::new();
    codes.for_each(|codes| *counts.entry(codes).or_default() += 1);
    Some(counts.into_iter().map(|((b, c), times)| pair(b, c, times)).collect())
}

/// The items of one side alone, behind those that both have.
pub(crate) fn changes(items: SameItems<'_>, most: usize) -> Changes {
    let SameItems { baseline, candidate, n } = items;
    let changes = Changes {
        added: (n..candidate.len()).collect(),
        removed: (n..baseline.len()).collect(),
        ..Changes::default()
    };
    changes.finish(most, n, baseline.len().max(candidate.len()))
}

/// An item whose scores differ. The greatest of them is the one that is named last.
#[derive(Clone, Copy, Debug)]
struct Changed {
    change: f64,
    key: u128,
    at: FlipAt,
}

impl Ord for Changed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.change.total_cmp(&other.change).then(self.key.cmp(&other.key))
    }
}

impl PartialOrd for Changed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Changed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Changed {}

/// The items whose scores differ: worst drops first, equal ones in order of their keys.
pub(crate) fn flips(
    items: SameItems<'_>,
    tallies: &EqualTallies<'_>,
    range: ScoreRange,
    most: usize,
) -> Flips {
    let EqualTallies::Counted(pairs) = tallies else {
        let (n_flips, worst) = worst(items, range, most, None);
        return Flips::of(n_flips, worst);
    };
    let changes = pairs.iter().filter_map(|&(pair, times)| {
        let (before, after) = changed(pair, range)?;
        Some((after - before, times))
    });
    let mut changes: Vec<(f64, u64)> = changes.collect();
    let n_flips = changes.iter().map(|change| change.1).sum();
    if most == 0 || changes.is_empty() {
        return Flips::of(n_flips, Vec::new());
    }
    let largest = largest_named(&mut changes, most);
    let named = named_codes(items, range, largest);
    Flips::of(n_flips, worst(items, range, most, named.as_ref()).1)
}

/// How many of the items whose codes are named differ, and the worst of them; where no codes are, of all items.
fn worst(
    items: SameItems<'_>,
    range: ScoreRange,
    most: usize,
    named: Option<&NamedCodes>,
) -> (u64, Vec<FlipAt>) {
    let (mut worst, mut n_flips) = (BinaryHeap::with_capacity(most + 1), 0);
    let is_named = |&at: &usize| named.is_none_or(|named| named.has(items, at));
    for at in (0..items.n).filter(is_named) {
        let Some((baseline, candidate)) = changed(items.tallies(at), range) else { continue };
        n_flips += 1;
        let change = candidate - baseline;
        let last = worst.peek().filter(|_| worst.len() >= most);
        if most == 0 || last.is_some_and(|last: &Changed| change.total_cmp(&last.change).is_gt()) {
            continue;
        }
        let flip = FlipAt { baseline_index: at, candidate_index: at, baseline, candidate };
        let one = Changed { change, key: items.candidate.key(at), at: flip };
        if worst.len() < most {
            worst.push(one);
        } else if worst.peek().is_some_and(|last| one < *last) {
            worst.pop();
            worst.push(one);
        }
    }
    (n_flips, worst.into_sorted_vec().into_iter().map(|one| one.at).collect())
}

/// The mean scores of an item, where they differ.
fn changed([before, after]: [Tally; 2], range: ScoreRange) -> Option<(f64, f64)> {
    let (before, after) = (before.mean(range)?, after.mean(range)?);
    before.total_cmp(&after).is_ne().then_some((before, after))
}

/// The largest change of an item that is named, where so many are; there is one at least.
fn largest_named(changes: &mut [(f64, u64)], most: usize) -> f64 {
    changes.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
    let mut n = 0;
    let reaches = |change: &&(f64, u64)| {
        n += change.1;
        n >= most as u64
    };
    let last = changes.iter().find(reaches).or(changes.last());
    last.map_or(0.0, |change| change.0)
}

/// Whether items with these two codes are named.
struct NamedCodes {
    width: usize,
    are_named: Vec<bool>,
}

impl NamedCodes {
    fn has(&self, SameItems { baseline, candidate, .. }: SameItems<'_>, at: usize) -> bool {
        let (before, after) = (usize::from(baseline.code(at)), usize::from(candidate.code(at)));
        self.are_named[before * self.width + after]
    }
}

/// The codes of items that change by no more than so much; `None` where they are too many.
fn named_codes(items: SameItems<'_>, range: ScoreRange, largest: f64) -> Option<NamedCodes> {
    let SameItems { baseline, candidate, .. } = items;
    let (before, after) = (baseline.values()?, candidate.values()?);
    let width = after.len();
    (before.len().max(width) <= FEW_VALUES).then(|| {
        let pairs = before.iter().flat_map(|&b| after.iter().map(move |&c| (b, c)));
        let is_named = |(b, c): (Tally, Tally)| {
            let means = changed([baseline.shown(b), candidate.shown(c)], range);
            means.is_some_and(|(before, after)| (after - before).total_cmp(&largest).is_le())
        };
        NamedCodes { width, are_named: pairs.map(is_named).collect() }
    })
}
