//! How fast attempts may follow each other.

use std::time::Duration;

use tokio::time::Instant;

use super::BURST;

/// The cut for an episode of refusals, and when it came soon after the last.
const CUTS: (f64, f64) = (0.95, 0.8);
/// Attempts a second, at least.
const LEAST: f64 = 0.05;
/// So few successes since the last cut are soon after it.
const SOON: u32 = 8;
/// One episode cuts to no less than this share, whatever was measured.
const DEEPEST: f64 = 0.5;
/// Waits for another try where nothing has come through since the last cut.
const WAITS: (Duration, Duration) = (Duration::from_millis(25), Duration::from_secs(2));
/// The first and the largest step up where no ceiling is near.
const STEPS: (f64, f64) = (0.05, 0.4);
/// The step up near the ceiling.
const NEAR_STEP: f64 = 0.01;
/// From this share of the ceiling on it is near.
const NEAR: f64 = 0.95;
/// Successes before a step near the ceiling: at first, and at most.
const PATIENCE: (u32, u32) = (40, 640);

/// Learned from refusals: a cut per episode, and slowly up again.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: f64,
    /// When the next attempt may go (the theoretical arrival time of GCRA).
    next_at: Instant,
    cut_at: Instant,
    /// Successes of attempts sent since the cut, and since the last step.
    since_cut: u32,
    since_step: u32,
    stepped_at: Instant,
    step: f64,
    /// The pace at which refusals began, and how many successes it takes to go nearer.
    ceiling: Option<f64>,
    patience: u32,
    wait: Duration,
    /// Whether somebody had to wait since the last step.
    is_binding: bool,
}

impl Pace {
    pub(super) fn new(per_second: f64, now: Instant) -> Self {
        Self {
            per_second: per_second.max(LEAST),
            next_at: now + interval(per_second),
            cut_at: now,
            since_cut: 0,
            since_step: 0,
            stepped_at: now,
            step: STEPS.0,
            ceiling: None,
            patience: PATIENCE.0,
            wait: WAITS.0,
            is_binding: false,
        }
    }

    pub(super) fn per_second(&self) -> f64 {
        self.per_second
    }

    /// When the next attempt may go.
    pub(super) fn next_at(&self) -> Instant {
        self.next_at
    }

    /// Lets an attempt go (`None`), or says when to ask again.
    pub(super) fn hold(&mut self, now: Instant) -> Option<Instant> {
        if now < self.next_at {
            self.is_binding = true;
            return Some(self.next_at);
        }
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        self.next_at = self.next_at.max(earliest) + interval(self.per_second);
        None
    }

    pub(super) fn succeeded(&mut self, sent_at: Instant, now: Instant) {
        if sent_at < self.cut_at {
            return;
        }
        self.since_cut += 1;
        self.since_step += 1;
        self.wait = WAITS.0;
        let is_near = self.ceiling.is_some_and(|at| self.per_second >= NEAR * at * 0.999);
        let (successes, time) = if is_near { (self.patience, 250) } else { (5, 100) };
        let time = Duration::from_millis(time);
        let is_due = self.since_step >= successes && now - self.stepped_at >= time;
        if is_due && self.is_binding {
            self.speed_up(is_near, now);
        }
    }

    fn speed_up(&mut self, is_near: bool, now: Instant) {
        if is_near {
            self.per_second *= 1.0 + NEAR_STEP;
            if self.ceiling.is_some_and(|at| self.per_second > at * 1.03) {
                // It held: the server takes more than it did.
                (self.ceiling, self.patience, self.step) = (None, PATIENCE.0, STEPS.0);
            }
        } else {
            let bound = self.ceiling.map_or(f64::INFINITY, |at| at * NEAR);
            self.per_second = (self.per_second * (1.0 + self.step)).min(bound);
            self.step = (self.step * 2.0).min(STEPS.1);
        }
        self.since_step = 0;
        self.stepped_at = now;
        self.is_binding = false;
    }

    /// `measured`: successes a second, lately, where there was time to tell.
    pub(super) fn refused(&mut self, sent_at: Instant, measured: Option<f64>, now: Instant) {
        if sent_at < self.cut_at {
            return;
        }
        self.cut_at = now;
        if self.since_cut == 0 {
            // Nothing has come through: what is granted for this while may be used up.
            let slower = self.per_second * CUTS.1;
            self.per_second = slower.max(measured.unwrap_or(0.0)).clamp(LEAST, self.per_second);
            self.next_at = self.next_at.max(now + self.wait);
            self.wait = (self.wait * 2).min(WAITS.1);
            return;
        }
        let soon = self.since_cut < SOON;
        let least = if self.ceiling.is_none() && !soon { 0.0 } else { self.per_second * DEEPEST };
        self.remember_ceiling(soon);
        self.per_second *= if soon { CUTS.1 } else { CUTS.0 };
        if let Some(measured) = measured {
            self.per_second = self.per_second.min(measured).max(least);
        }
        self.per_second = self.per_second.max(LEAST);
        self.next_at = self.next_at.max(now + interval(self.per_second));
        self.stepped_at = now;
        (self.since_cut, self.since_step, self.step) = (0, 0, STEPS.0);
    }

    /// The refusals had nothing to do with the pace.
    pub(super) fn cut_in_vain(&mut self, now: Instant) {
        (self.ceiling, self.patience, self.step) = (None, PATIENCE.0, STEPS.0);
        (self.since_step, self.stepped_at, self.cut_at) = (0, now, now);
    }

    fn remember_ceiling(&mut self, soon: bool) {
        let (least, most) = PATIENCE;
        self.patience = match self.ceiling {
            Some(at) if (self.per_second / at - 1.0).abs() < 0.03 => (self.patience * 2).min(most),
            _ => least,
        };
        // Soon after a cut the pace was still too fast: how much too fast, nobody knows.
        self.ceiling = match self.ceiling {
            Some(at) if soon => Some(at.min(self.per_second)),
            None if soon => None,
            _ => Some(self.per_second),
        };
    }
}

fn interval(per_second: f64) -> Duration {
    Duration::from_secs_f64(1.0 / per_second.max(0.01))
}
