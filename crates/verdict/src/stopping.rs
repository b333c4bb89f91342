//! Early stopping: which items to ask in which order, and when the answer is certain.
//!
//! A fifth of the error rate goes to an e-process that may be looked at after every unit, the rest
//! to the usual test at the end. The e-process bets against "no drop" on x = (d + 1)/2, where d is
//! an item's difference as a share of the range: `K = mean over λ of Π(1 - λ(x - 1/2))`, and
//! under "no drop" the chance that K ever reaches 1/α is at most α (Ville). A second one bets
//! against "a drop of the margin". Waudby-Smith and Ramdas, arXiv 2010.09686; Howard et al., arXiv
//! 1810.08240. Looking at a plain test again and again has no such bound.
//!
//! Nothing here asks or waits: [`Stopping::order`] says in which order, [`Stopping::look`] is
//! handed what came back, and [`Decision::stopped`] turns a stop into the verdict.

use evalmark_core::number_format::{count, named_p};
use evalmark_core::verdict::{Answer, Comparison};
use thiserror::Error;

use crate::compare::Decision;
use crate::decide::Cause;
use crate::items::ItemScore;
use crate::random::{scramble, unit_of};
use crate::rule::{Rule, RuleError};
use crate::running_moments::Running;
use crate::special::normal_upper;

/// What part of alpha the e-process may spend.
const EARLY_SHARE: f64 = 0.2;

/// The bets are λ = 0.09, 0.18, … 1.8: small ones for small drops, large ones for large drops.
const BETS: usize = 20;
const STEP: f64 = 0.09;

/// Why a run cannot be stopped early.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum StoppingError {
    /// The rule makes no sense.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// Scores without ends cannot be bet on.
    #[error("a run can stop early only on scores that have a least and a largest value")]
    Unbounded,
}

/// Watches one comparison while its items are asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Stopping {
    rule: Rule,
    family: usize,
    /// The items' indices, in the order to ask them, and how many of them each unit has.
    order: Vec<usize>,
    sizes: Vec<usize>,
    largest: f64,
    planned: usize,
    drop: Wealth,
    sound: Wealth,
    /// Units that were bet on, and their items.
    units: usize,
    items: usize,
    /// Each unit's sum of differences.
    seen: Running,
    stop: Option<EarlyStop>,
}

/// What a look says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Interim {
    /// Ask on.
    Continue,
    /// The answer is certain.
    Stop(EarlyStop),
}

/// A certain answer before the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EarlyStop {
    /// Why.
    pub reason: Reason,
    /// Items of the order that it took.
    pub items: usize,
    /// Items that were planned.
    pub planned: usize,
    /// The inverse of the e-process: a p-value that holds however often one looked.
    pub p: f64,
}

/// Why a run may stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is a drop, and it may exceed the margin.
    Drop,
    /// There is no drop of the margin.
    NoDrop,
}

impl Stopping {
    /// Watches a comparison of these planned items, one of `family` comparisons of the gate.
    ///
    /// The seed orders the items; that of the run's content makes the order repeatable. Only the
    /// items' keys and clusters are read, in whatever order they are.
    pub fn new(
        rule: &Rule,
        planned: &[ItemScore],
        family: usize,
        seed: u64,
    ) -> Result<Self, StoppingError> {
        rule.check()?;
        if !rule.range.width().is_finite() {
            return Err(StoppingError::Unbounded);
        }
        let mut rows: Vec<(u64, u64, u128, usize)> = planned
            .iter()
            .enumerate()
            .map(|(at, item)| {
                let unit = unit_of(item.key, item.cluster);
                (scramble(seed ^ scramble(unit)), unit, item.key, at)
            })
            .collect();
        rows.sort_unstable();
        let same = |a: &(u64, u64, u128, usize), b: &(u64, u64, u128, usize)| a.1 == b.1;
        let sizes: Vec<usize> = rows.chunk_by(same).map(<[_]>::len).collect();
        let largest = sizes.iter().copied().max().unwrap_or(1) as f64;
        Ok(Self {
            rule: rule.clone(),
            family: family.max(1),
            planned: rows.len(),
            order: rows.into_iter().map(|row| row.3).collect(),
            sizes,
            largest,
            drop: Wealth::new(),
            sound: Wealth::new(),
            units: 0,
            items: 0,
            seen: Running::default(),
            stop: None,
        })
    }

    /// The same over a part of the planned items: of so many in all, whose largest cluster has so
    /// many. Looks at what was asked so far then see what they saw while it was asked.
    #[must_use]
    pub fn part_of(mut self, planned: usize, largest: usize) -> Self {
        self.planned = self.planned.max(planned);
        self.largest = self.largest.max(largest as f64);
        self
    }

    /// The planned items' indices, in the order to ask them: random, whole clusters together.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// The rule of the test at the end, when the run did not stop: four fifths of alpha.
    pub fn final_rule(&self) -> Rule {
        Rule { alpha: self.rule.alpha * (1.0 - EARLY_SHARE), ..self.rule.clone() }
    }

    /// Looks at all that came back so far: both variants' items, in the order to ask them. Of a
    /// cluster that is not complete nothing counts yet; a look that is skipped changes nothing.
    ///
    /// An item without a score in a variant counts at its worst, for either answer.
    pub fn look(&mut self, baseline: &[ItemScore], candidate: &[ItemScore]) -> Interim {
        let (baseline, candidate) =
            (self.rule.orient_items(baseline), self.rule.orient_items(candidate));
        let ready = baseline.len().min(candidate.len());
        while self.stop.is_none()
            && let Some(&size) = self.sizes.get(self.units)
            && self.items + size <= ready
        {
            let part = self.items..self.items + size;
            self.bet(&baseline[part.clone()], &candidate[part]);
        }
        self.stop.map_or(Interim::Continue, Interim::Stop)
    }

    /// Takes in one unit.
    fn bet(&mut self, baseline: &[ItemScore], candidate: &[ItemScore]) {
        let range = self.rule.range;
        let margin = (self.rule.margin / range.width()).min(1.0);
        let (mut best, mut worst) = (0.0, 0.0);
        for (before, after) in baseline.iter().zip(candidate) {
            best += after.mean_with(range.high, range) - before.mean_with(range.low, range);
            worst += after.mean_with(range.low, range) - before.mean_with(range.high, range);
        }
        // A unit's part of the mean, as if each were one observation.
        self.seen.push(best);
        let scale = 1.0 / (range.width() * self.largest);
        let size = baseline.len() as f64 / self.largest;
        self.drop.bet(-0.5 * best * scale);
        self.sound.bet(0.5 * (worst * scale + margin * size));
        self.units += 1;
        self.items += baseline.len();
        let limit = 1.0 / (EARLY_SHARE * self.rule.alpha);
        let (drop, sound) = (self.drop.mean(), self.sound.mean());
        if sound >= limit {
            self.finish(Reason::NoDrop, sound);
        } else if drop >= limit * self.family as f64 && self.may_exceed_margin() {
            self.finish(Reason::Drop, drop);
        }
    }

    /// Whether the lower bound lies below the margin: a drop within it is no regression.
    fn may_exceed_margin(&self) -> bool {
        let Some(moments) = self.seen.moments() else { return false };
        let half = normal_upper(self.rule.alpha) * moments.stderr().unwrap_or(0.0);
        let per_unit = self.items as f64 / self.units as f64;
        (moments.mean - half) / per_unit < -self.rule.margin
    }

    fn finish(&mut self, reason: Reason, wealth: f64) {
        let planned = self.planned;
        self.stop = Some(EarlyStop { reason, items: self.items, planned, p: 1.0 / wealth });
    }
}

impl Decision {
    /// The verdict of a run that stopped early, from the comparison of the items asked so far
    /// under the [final rule](Stopping::final_rule): its figures stay, the stop decides.
    #[must_use]
    pub fn stopped(mut self, stop: &EarlyStop) -> Self {
        self.certain = Some(*stop);
        self.settle(self.p_regressed(), 1);
        self
    }
}

impl EarlyStop {
    /// The p-value against "no drop" that a family's correction takes in.
    pub(crate) fn p_regressed(&self) -> f64 {
        match self.reason {
            Reason::Drop => self.p,
            Reason::NoDrop => 1.0,
        }
    }

    /// The certain answer, unless a larger family than was planned makes it less so.
    pub(crate) fn settle(&self, p_adjusted: f64, alpha: f64) -> (Answer, Option<Cause>) {
        match self.reason {
            Reason::NoDrop => (Answer::Pass, None),
            Reason::Drop if p_adjusted <= alpha => (Answer::Regressed, None),
            Reason::Drop => (Answer::Inconclusive, Some(Cause::TooFewItems)),
        }
    }

    /// The p-value of the e-process, and a note.
    pub(crate) fn fill(&self, comparison: &mut Comparison) {
        match self.reason {
            Reason::Drop => comparison.p_regressed = Some(self.p),
            Reason::NoDrop => comparison.p_pass = Some(self.p),
        }
        comparison.notes.push(format!(
            "stopped early: {} of {} items were certain enough ({}, however often one looks); \
             the interval is that of a run which stops there anyway",
            count(self.items as u64),
            count(self.planned as u64),
            named_p("p", self.p)
        ));
    }
}

/// A bettor's wealth on each bet; their mean starts at 1.
#[derive(Clone, Debug, PartialEq)]
struct Wealth([f64; BETS]);

impl Wealth {
    fn new() -> Self {
        Self([1.0; BETS])
    }

    /// A gain lies within [-1/2, 1/2], so that no bet can lose everything.
    fn bet(&mut self, gain: f64) {
        let mut bet = 0.0;
        for wealth in &mut self.0 {
            bet += STEP;
            *wealth *= 1.0 + bet * gain;
        }
    }

    fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / BETS as f64
    }
}
