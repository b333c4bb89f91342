//! Whether refusals depend on the load at all.
//!
//! A limit refuses while too much is asked for, and stops when less is. A gateway with one bad
//! backend or one used-up key among many refuses a share of all requests, however few they are; to
//! slow down for those starves the client and helps nobody. So: where refusals go on, one here and
//! one there, at less than half the rate that the server has answered before, that share of
//! refusals is scatter, and is forgiven from then on. More than about twice that share is a limit
//! again.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// Refusals, each after a success, before scatter is believed: at first, and at most.
const NEEDED: (u32, u32) = (4, 16);
/// A larger share of refusals is never scatter.
const MOST: f64 = 0.3;
/// A rate below this share of the best one is so low that no limit of rate explains a refusal.
const LOW: f64 = 0.5;
/// Forgiven at once, at most.
const CREDIT: f64 = 12.0;
/// So many times the share is forgiven of each attempt, and a little more.
const MARGIN: f64 = 2.0;
const SLACK: f64 = 0.005;
/// The best rate that is thought possible after that, as a multiple of the rate it came at.
const HOPE: f64 = 1.5;
/// A refusal at a low rate after so many successes may be scatter.
const FEW: u64 = 3;
/// The rate is also measured over so many refusals, and so much time: pauses lie between them.
const LOOK_BACK: (usize, Duration) = (4, Duration::from_secs(1));
/// Successes before the rate between pauses says anything.
const TELLING: u64 = 16;

/// What a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A limit, as far as one can tell.
    Limit,
    /// Perhaps a limit: what is asked for is waited for, but nothing is cut.
    Unclear,
    /// One of those that come at any rate: nothing is to be learned from it.
    Scattered,
    /// The same, and that is news: what was cut before was cut for nothing.
    FoundScattered,
}

/// A refusal as it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused {
    /// Successes a second, lately, where there was time to tell.
    pub(super) measured: Option<f64>,
    /// As many a second as may be sent now.
    pub(super) allowed: f64,
    /// How long everyone is asked to wait.
    pub(super) wish: Duration,
    /// Usual time of a success.
    pub(super) latency: Duration,
    pub(super) now: Instant,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Scatter {
    began_at: Instant,
    /// Successes in all, and at the last refusal.
    successes: u64,
    at_refusal: u64,
    /// When the last refusals came, and how many successes there were by then.
    refusals: VecDeque<(Instant, u64)>,
    between: BetweenPauses,
    /// The highest rate of successes, a second.
    best: f64,
    low: Evidence,
    /// Refusals that it takes now.
    needed: u32,
    /// What is forgiven.
    share: Option<f64>,
    credit: f64,
}

/// What happened at a low rate.
#[derive(Clone, Copy, Debug, Default)]
struct Evidence {
    attempts: u64,
    refusals: u32,
    /// Refusals that came right after a success.
    apart: u32,
}

impl Evidence {
    fn share(self) -> f64 {
        f64::from(self.refusals) / self.attempts.max(1) as f64
    }

    /// Whether few enough are refused, and no more often behind each other than chance has it.
    fn is_scatter(self) -> bool {
        let share = self.share();
        let in_runs = f64::from(self.refusals - self.apart);
        let by_chance = f64::from(self.refusals) * 3.0 * share + 1.0;
        share <= MOST && in_runs <= by_chance
    }
}

/// Successes between the pauses that the server asks for, and the time of that.
#[derive(Clone, Copy, Debug, Default)]
struct BetweenPauses {
    successes: u64,
    seconds: f64,
    pause: Duration,
}

impl BetweenPauses {
    /// Adds the time since the last refusal; successes a second, if they are enough.
    fn add(&mut self, successes: u64, since: Duration, refused: Refused) -> Option<f64> {
        let pause = std::mem::replace(&mut self.pause, refused.wish);
        // What was under way came during the pause.
        let busy = since.saturating_sub(pause) + pause.min(refused.latency);
        self.successes += successes;
        self.seconds += busy.as_secs_f64();
        let is_telling = self.successes >= TELLING;
        is_telling.then(|| self.successes as f64 / self.seconds.max(1e-3))
    }
}

impl Scatter {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began_at: now,
            successes: 0,
            at_refusal: 0,
            refusals: VecDeque::new(),
            between: BetweenPauses::default(),
            best: 0.0,
            low: Evidence::default(),
            needed: NEEDED.0,
            share: None,
            credit: 0.0,
        }
    }

    pub(super) fn succeeded(&mut self) {
        self.successes += 1;
        if let Some(share) = self.share {
            self.credit = (self.credit + MARGIN * share + SLACK).min(CREDIT);
        }
    }

    /// Learns from a refusal.
    pub(super) fn refused(&mut self, refused: Refused) -> Refusal {
        let successes = self.successes - self.at_refusal;
        let rate = self.rate(successes, refused);
        self.at_refusal = self.successes;
        if self.share.is_none() {
            if rate > self.best * LOW {
                return Refusal::Limit;
            }
            let may_be = if successes >= FEW { Refusal::Unclear } else { Refusal::Limit };
            return self.weigh(successes, refused.measured).map_or(may_be, |share| {
                self.found(share);
                Refusal::FoundScattered
            });
        }
        if self.credit >= 1.0 {
            self.credit -= 1.0;
            return Refusal::Scattered;
        }
        self.exceeded(refused.measured);
        Refusal::Limit
    }

    /// Successes a second, lately; and learns the best.
    fn rate(&mut self, successes: u64, refused: Refused) -> f64 {
        let Refused { measured, now, .. } = refused;
        let since = |at: &Instant| now.saturating_duration_since(*at);
        let last = self.refusals.back().map_or(self.began_at, |(at, _)| *at);
        let between = self.between.add(successes, since(&last), refused);
        if let Some(rate) = between.filter(|_| self.share.is_none()) {
            self.best = self.best.max(rate);
        }
        self.best = self.best.max(measured.unwrap_or(0.0));
        let long = self.refusals.front().and_then(|(at, successes)| {
            let span = Some(since(at)).filter(|span| *span >= LOOK_BACK.1)?;
            Some((self.successes - successes) as f64 / span.as_secs_f64())
        });
        if self.refusals.len() == LOOK_BACK.0 {
            self.refusals.pop_front();
        }
        self.refusals.push_back((now, self.successes));
        [measured, long].into_iter().flatten().fold(refused.allowed, f64::min)
    }

    /// Adds a refusal at a low rate, after so many successes, to the evidence: the share that is
    /// scattered, once that is enough.
    fn weigh(&mut self, successes: u64, measured: Option<f64>) -> Option<f64> {
        self.low.attempts += successes + 1;
        self.low.refusals += 1;
        self.low.apart += u32::from(successes > 0);
        if self.low.refusals < self.needed {
            return None;
        }
        let evidence = std::mem::take(&mut self.low);
        if !evidence.is_scatter() {
            // No server that might answer more, but one that cannot.
            self.best = self.best.min((measured.unwrap_or(self.best) * HOPE).max(self.best / 2.0));
            return None;
        }
        Some(evidence.share())
    }

    fn found(&mut self, share: f64) {
        self.share = Some(share);
        (self.credit, self.between) = (CREDIT, BetweenPauses::default());
    }

    /// More is refused than is scattered: there is a limit, or more is scattered now.
    fn exceeded(&mut self, measured: Option<f64>) {
        self.share = None;
        self.best = self.best.min(measured.unwrap_or(self.best) * HOPE);
        self.low = Evidence::default();
        self.needed = (self.needed * 2).min(NEEDED.1);
    }
}
