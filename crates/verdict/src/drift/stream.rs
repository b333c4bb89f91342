//! One stream: what came in, the tests on it, and its history.

use evalmark_core::drift::{Movement, StreamKind};
use serde::{Deserialize, Serialize};

use super::{
    bets::Wealth,
    bounds::{mean_and_variance, mean_lower, rank_half_width},
    look::{Look, Point},
    reference::{ReferenceSample, Strata, ValueScale},
    rule::{DriftRule, StreamRule},
    sums::{StreamValue, ValueSums},
};

/// How much of a stream's alpha goes to the released run's own error.
pub(super) const RELEASED_PART: f64 = 0.5;

/// A watched stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Stream {
    pub(super) rule: StreamRule,
    /// Its part of the yearly alpha.
    pub(super) alpha: f64,
    pub(super) scale: ValueScale,
    pub(super) strata: Strata,
    /// One, unless values are categories.
    pub(super) shares: Vec<Share>,
    /// Values since the last look.
    open: Look,
    /// Values since the last test.
    pub(super) waiting: Look,
    /// Looks since the last test.
    looks: u32,
    /// The evidence since the last restart: now and the largest.
    pub(super) evidence: f64,
    pub(super) largest: f64,
    pub(super) alarm: Option<RaisedAlarm>,
    pub(super) n_left_out: u64,
}

/// One of the means that a stream is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Share {
    pub(super) released: Point,
    /// The interval of the released run.
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) sides: Vec<Side>,
    pub(super) history: Vec<Point>,
}

/// Bets on one movement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Side {
    pub(super) moved: Movement,
    pub(super) wealth: Wealth,
}

/// An alarm, as it was raised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RaisedAlarm {
    pub(super) at: i64,
    pub(super) share: usize,
    pub(super) moved: Movement,
}

impl Stream {
    /// `alpha` is its part of the yearly one.
    pub(super) fn new(
        rule: StreamRule,
        sample: ReferenceSample,
        alpha: f64,
        drift: &DriftRule,
    ) -> Self {
        let n_shares = sample.shares.len();
        let share = |at| Share::new(&sample, at, &rule, alpha, drift);
        let shares = (0..n_shares).map(share).collect();
        let look = Look::new(n_shares, sample.strata.names.len());
        Self {
            rule,
            alpha,
            scale: sample.scale,
            strata: sample.strata,
            shares,
            open: look.clone(),
            waiting: look,
            looks: 0,
            evidence: 1.0,
            largest: 1.0,
            alarm: None,
            n_left_out: 0,
        }
    }

    /// Whether it may raise an alarm, and has not.
    pub(super) fn is_quiet(&self) -> bool {
        self.alpha > 0.0 && self.alarm.is_none()
    }

    pub(super) fn kind(&self) -> StreamKind {
        match self.scale {
            ValueScale::Score { .. } => StreamKind::Score,
            ValueScale::Amount(_) => StreamKind::Amount,
            ValueScale::Category(_) => StreamKind::Category,
        }
    }

    pub(super) fn push(&mut self, one: &StreamValue<'_, f64>) {
        let place = self.strata.place(one.stratum).filter(|_| one.value.is_finite());
        let (value, amount) = match (&self.scale, place) {
            (ValueScale::Score { low, high }, Some(_)) if (*low..=*high).contains(&one.value) => {
                ((one.value - low) / (high - low), 0.0)
            }
            (ValueScale::Amount(ranks), Some(place)) => (ranks[place].rank(one.value), one.value),
            _ => {
                self.n_left_out += 1;
                return;
            }
        };
        self.open.push(0, place.unwrap_or(0), one.cluster, value.clamp(0.0, 1.0), amount);
    }

    /// `at` is the look that is going on.
    pub(super) fn push_category(&mut self, one: &StreamValue<'_, &str>, at: i64) {
        let place = self.strata.place(one.stratum);
        let (ValueScale::Category(categories), Some(place)) = (&mut self.scale, place) else {
            self.n_left_out += 1;
            return;
        };
        let share = categories.share_of(one.value);
        if share + 1 == categories.names().len() {
            categories.notice(one.value, at);
        }
        self.open.push(share, place, one.cluster, 1.0, 0.0);
    }

    /// Sums of independent scores, each within 0 and 1.
    pub(super) fn push_sums(&mut self, stratum: &str, sums: &ValueSums) {
        let place = self.strata.place(stratum).filter(|_| sums.are_possible());
        match (self.kind(), place) {
            (StreamKind::Score, Some(place)) => self.open.push_sums(place, sums),
            _ => self.n_left_out += 1,
        }
    }

    /// Ends a look, and tests where there is enough for it.
    pub(super) fn close_look(&mut self, at: i64, drift: &DriftRule) {
        let empty = Look::new(self.shares.len(), self.strata.names.len());
        let mut look = std::mem::replace(&mut self.open, empty.clone());
        look.close();
        if look.n_units() > 0.0 {
            for (place, share) in self.shares.iter_mut().enumerate() {
                share.history.push(look.point(place, &self.strata, at));
                let kept = drift.looks_per_year as usize;
                let surplus = share.history.len().saturating_sub(kept);
                share.history.drain(..surplus);
            }
        }
        self.waiting.add(&look);
        self.looks += 1;
        let cycle = self.rule.cycle(drift);
        let waited = self.looks / cycle;
        let at_end = self.looks.is_multiple_of(cycle);
        let complete = self.waiting.lacking().next().is_none() || waited > drift.patience;
        if at_end && self.waiting.n_units() <= 0.0 {
            self.looks = 0;
        } else if at_end && complete {
            self.test();
            self.waiting = empty;
            self.looks = 0;
        }
    }

    fn test(&mut self) {
        if self.sides().all(|side| side.wealth.is_over()) {
            self.restart();
        }
        let (waiting, strata) = (&self.waiting, &self.strata);
        for (place, share) in self.shares.iter_mut().enumerate() {
            for side in &mut share.sides {
                let mirrored = side.moved == Movement::Up;
                side.wealth.bet(&waiting.weighted(place, strata, mirrored));
            }
        }
        let n_sides = self.sides().count().max(1);
        self.evidence = self.sides().map(|side| side.wealth.value()).sum::<f64>() / n_sides as f64;
        self.largest = self.largest.max(self.evidence);
    }

    fn sides(&self) -> impl Iterator<Item = &Side> {
        self.shares.iter().flat_map(|share| &share.sides)
    }

    /// Begins the tests anew, with the same alpha; an alarm stays.
    fn restart(&mut self) {
        let sides = self.shares.iter_mut().flat_map(|share| &mut share.sides);
        sides.for_each(|side| side.wealth.restart());
        (self.evidence, self.largest) = (1.0, 1.0);
    }

    /// Takes an alarm back and forgets all that came before.
    pub(super) fn clear(&mut self) {
        self.restart();
        self.alarm = None;
        // What waits for a test came before, too.
        let empty = Look::new(self.shares.len(), self.strata.names.len());
        (self.open, self.waiting, self.looks) = (empty.clone(), empty, 0);
        if let ValueScale::Category(categories) = &mut self.scale {
            categories.forget_unseen();
        }
        self.shares.iter_mut().for_each(|share| share.history.clear());
    }

    /// What evidence raises an alarm where this is the chance left for it.
    pub(super) fn threshold(alpha: f64) -> f64 {
        1.0 / ((1.0 - RELEASED_PART) * alpha)
    }

    pub(super) fn raise(&mut self, at: i64) {
        let sides = self.shares.iter().enumerate();
        let sides =
            sides.flat_map(|(place, share)| share.sides.iter().map(move |one| (place, one)));
        let richest = sides.max_by(|a, b| a.1.wealth.value().total_cmp(&b.1.wealth.value()));
        self.alarm = richest.map(|(share, side)| RaisedAlarm { at, share, moved: side.moved });
    }
}

impl Share {
    fn new(
        sample: &ReferenceSample,
        place: usize,
        rule: &StreamRule,
        alpha: f64,
        drift: &DriftRule,
    ) -> Self {
        let moves = moves(sample, place, rule.watched);
        let n_sides = match sample.scale {
            // Every share may go up and down, but unseen categories can only come.
            ValueScale::Category(_) => 2 * sample.shares.len() - 1,
            _ => moves.len(),
        };
        // One that raises no alarm has the usual interval.
        let alpha = if alpha > 0.0 { RELEASED_PART * alpha / n_sides as f64 } else { 0.025 };
        let n = sample.effective_units();
        let (released, low, high) = if let ValueScale::Amount(_) = sample.scale {
            let half = rank_half_width(n, alpha);
            let amount = sample.amount.unwrap_or(0.0);
            let point = Point { n, mean: 0.5, within: 1.0 / 12.0, amount, ..Point::default() };
            (point, 0.5 - half, 0.5 + half)
        } else {
            let units = sample.units(place);
            let mirrored: Vec<_> = units.iter().map(|unit| unit.mirrored()).collect();
            let (mean, within) = mean_and_variance(&units);
            let point = Point { n, mean, within, ..Point::default() };
            (point, mean_lower(&units, alpha), 1.0 - mean_lower(&mirrored, alpha))
        };
        let side = |&moved: &Movement| {
            let end = if moved == Movement::Up { 1.0 - high } else { low };
            let tests = drift.tests_per_year(rule.cycle(drift));
            Side { moved, wealth: Wealth::new(end - rule.tolerance, tests) }
        };
        let watched = moves.iter().filter(|_| rule.weight > 0.0);
        let sides = watched.map(side).collect();
        Self { released, low: low.max(0.0), high: high.min(1.0), sides, history: Vec::new() }
    }
}

/// The movements that are bet on.
fn moves(sample: &ReferenceSample, place: usize, watched: Movement) -> Vec<Movement> {
    match (&sample.scale, watched) {
        (ValueScale::Category(_), _) if place + 1 == sample.shares.len() => vec![Movement::Up],
        (ValueScale::Category(_), _) | (_, Movement::Either) => {
            vec![Movement::Down, Movement::Up]
        }
        (_, one) => vec![one],
    }
}
