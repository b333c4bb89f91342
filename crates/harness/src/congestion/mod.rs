//! The flow of attempts to one model: how many may be under way at once, and how fast they may
//! follow each other, as far as the server can be seen to bear it.
//!
//! Pure: every method is told the time, and nothing here waits. `window.rs` learns how many may be
//! under way, `pace.rs` how fast they may follow, `quota.rs` reads what the server's headers say is
//! left, `meter.rs` counts what came back, `scatter.rs` tells refusals that come at any rate from
//! those of a limit.
//!
//! The window is TCP's (Jacobson and Karels 1988: grow while it is used and all is well, one cut
//! per episode of refusals), with the patience of a client that pays for each probe: it goes right
//! up to where the server refused last, stays one below, and tries again ever more rarely. A
//! refusal that has nothing to do with how many are under way means a limit of rate, for which no
//! window is small enough: then a pace is learned in the same manner.

mod attempt_ages;
mod meter;
mod pace;
mod quota;
mod random_refusals;
#[cfg(test)]
mod simulation;
mod window;

use std::time::Duration;

use tokio::time::Instant;

use self::{
    attempt_ages::Ages,
    meter::Meter,
    pace::Pace,
    random_refusals::{Refusal, Refused, Scatter},
    window::{Cause, Window},
};

pub(crate) use self::quota::{LimitHeaders, Quota};
use crate::event::{Hold, Holder};

/// What an attempt's end says about the server's load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Load {
    /// It answered, rightly or wrongly, or at least not because of its load.
    #[default]
    Normal,
    /// 429: more than it grants.
    TooMany,
    /// 503 or 529: more than it can do.
    Overloaded,
    /// Nothing came within the time limit.
    Slow,
    /// Nobody knows: the attempt was abandoned.
    Unknown,
}

/// An attempt that is under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    pub(crate) sent_at: Instant,
    /// How many were under way with it.
    level: usize,
}

/// A pace on trial: whether a rate, rather than a number at once, is what the server limits.
#[derive(Debug)]
struct Trial {
    /// Successes a second when it began.
    began_with: f64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Flow {
    window: Window,
    pace: Option<Pace>,
    trial: Option<Trial>,
    quota: Option<Quota>,
    /// Answers one after the other whose headers said that nothing was left.
    empty_quotas: u32,
    has_refused: bool,
    meter: Meter,
    scatter: Scatter,
    ages: Ages,
    /// When the next attempt keeps its distance.
    apart_at: Instant,
    /// Until when the server asked everyone to wait.
    paused_until: Option<Instant>,
}

/// Below this share of the rate it began with, a pace on trial has shown nothing.
const TRIAL_FAILED: f64 = 0.9;

/// So many answers in a row may say that nothing is left.
const PATIENT: u32 = 3;
/// What may go early, or be caught up with: timers are no finer than a millisecond.
const BURST: Duration = Duration::from_millis(5);
/// Attempts a second that a pace begins with, at least.
const FIRST_PACE: f64 = 20.0;

impl Flow {
    /// For at most `most` attempts at once.
    pub(crate) fn new(most: usize, now: Instant) -> Self {
        Self {
            window: Window::new(most),
            pace: None,
            trial: None,
            quota: None,
            empty_quotas: 0,
            has_refused: false,
            meter: Meter::new(now),
            scatter: Scatter::new(now),
            ages: Ages::new(now),
            apart_at: now,
            paused_until: None,
        }
    }

    /// How many attempts may be under way.
    pub(crate) fn size(&self) -> usize {
        self.window.size()
    }

    /// Lets an attempt go, or says when to ask again.
    pub(crate) fn go(&mut self, now: Instant) -> Result<Ticket, Instant> {
        if let Some(until) = self.paused_until {
            if now < until {
                return Err(until);
            }
            self.paused_until = None;
        }
        if let Some(quota) = &self.quota {
            if let Some(until) = quota.hold(now) {
                return Err(until);
            }
            if quota.is_over(now) {
                self.quota = None;
            }
        }
        match &mut self.pace {
            Some(pace) => {
                if let Some(until) = pace.hold(now) {
                    return Err(until);
                }
            }
            None => self.keep_apart(now)?,
        }
        if let Some(quota) = &mut self.quota {
            quota.take(now);
        }
        self.ages.begin(now);
        Ok(Ticket { sent_at: now, level: self.window.depart(now) })
    }

    fn keep_apart(&mut self, now: Instant) -> Result<(), Instant> {
        let spacing = self.window.spacing();
        if spacing.is_zero() {
            return Ok(());
        }
        let earliest = self.apart_at.checked_sub(BURST).unwrap_or(now);
        if now < earliest {
            return Err(earliest);
        }
        self.apart_at = self.apart_at.max(now) + spacing;
        Ok(())
    }

    /// Learns from the end of an attempt; `wish`: how long the server asks everyone to wait.
    pub(crate) fn arrive(
        &mut self,
        ticket: Ticket,
        load: Load,
        wish: Option<Duration>,
        now: Instant,
    ) {
        self.ages.end(ticket.sent_at);
        let is_refusal = matches!(load, Load::TooMany | Load::Overloaded) || wish.is_some();
        self.has_refused |= is_refusal;
        let refusal = if is_refusal { self.told(wish, now) } else { Refusal::Limit };
        if let (Refusal::Limit | Refusal::Unclear, Some(wish)) = (refusal, wish) {
            self.pause(wish, now);
        }
        if refusal != Refusal::Limit {
            return self.window.forget();
        }
        match load {
            Load::Unknown => self.window.forget(),
            Load::Normal => self.succeeded(ticket, now),
            Load::Slow => self.window.timed_out(ticket.sent_at, now),
            Load::Overloaded => self.window.overloaded(ticket, now),
            Load::TooMany => self.refused(ticket, now),
        }
    }

    /// What a refusal is; where it has nothing to do with the load, cuts are undone.
    fn told(&mut self, wish: Option<Duration>, now: Instant) -> Refusal {
        let latency = self.window.latency();
        let (rate, is_telling) = self.meter.per_second(now, latency);
        let (measured, wish) = (is_telling.then_some(rate), wish.unwrap_or_default());
        let pace = self.pace.as_ref().map_or(f64::INFINITY, Pace::per_second);
        let allowed = pace.min(self.size() as f64 / latency.as_secs_f64().max(1e-6));
        let refusal = self.scatter.refused(Refused { measured, allowed, wish, latency, now });
        if refusal == Refusal::FoundScattered {
            self.trial = None;
            self.window.cut_in_vain(now);
            if let Some(pace) = &mut self.pace {
                pace.cut_in_vain(now);
            }
        }
        refusal
    }

    fn succeeded(&mut self, ticket: Ticket, now: Instant) {
        self.meter.count(now);
        self.scatter.succeeded();
        self.window.succeeded(ticket, now);
        if let Some(pace) = &mut self.pace {
            pace.succeeded(ticket.sent_at, now);
        }
    }

    fn refused(&mut self, ticket: Ticket, now: Instant) {
        let (rate, is_telling) = self.meter.per_second(now, self.window.latency());
        if let Some(pace) = &mut self.pace {
            self.window.forget();
            pace.refused(ticket.sent_at, is_telling.then_some(rate), now);
            let has_failed = |trial: &Trial| pace.per_second() < trial.began_with * TRIAL_FAILED;
            if self.trial.as_ref().is_some_and(has_failed) {
                (self.pace, self.trial) = (None, None);
                self.window.give_up_trial();
            }
            return;
        }
        match self.window.refused(ticket, is_telling, now) {
            Cause::Number => {}
            // Too fast is found out soon; too slow takes long.
            Cause::Rate => self.pace = Some(Pace::new((rate * 0.9).max(FIRST_PACE), now)),
            Cause::Perhaps => {
                self.pace = Some(Pace::new(rate, now));
                self.trial = Some(Trial { began_with: rate });
            }
        }
    }

    /// Whether an attempt was one of those that tried the suite's limit, in vain.
    pub(crate) fn is_of_opening(&self, sent_at: Instant) -> bool {
        self.window.is_of_opening(sent_at)
    }

    /// How many attempts are under way, and about how long the oldest has been.
    pub(crate) fn under_way(&self, now: Instant) -> (usize, Duration) {
        self.ages.oldest(now)
    }

    /// Usual time of a success; zero before the first.
    pub(crate) fn latency(&self) -> Duration {
        self.window.latency()
    }

    /// What holds the next attempt back, if something does.
    pub(crate) fn held(&self, now: Instant) -> Option<Hold> {
        let hold = |by: Holder, until: Option<Instant>| {
            let time = until?.saturating_duration_since(now);
            (!time.is_zero()).then_some(Hold { by, time })
        };
        hold(Holder::RetryAfter, self.paused_until)
            .or_else(|| hold(Holder::Headers, self.quota.as_ref()?.hold(now)))
            .or_else(|| hold(Holder::Pace, self.pace.as_ref().map(Pace::next_at)))
    }

    /// Lets nothing go for `delay`, because the server asked for that.
    fn pause(&mut self, delay: Duration, now: Instant) {
        let until = now + delay;
        self.paused_until = Some(self.paused_until.map_or(until, |earlier| earlier.max(until)));
        self.window.probe_costs(delay, now);
    }

    /// Heeds what the server's headers say is left. Answers that all say that nothing is, from a
    /// server that has never refused anything, are put to the test.
    pub(crate) fn heed(&mut self, quota: Quota, is_answered: bool) {
        let is_odd = quota.is_empty() && is_answered;
        self.empty_quotas = if is_odd { self.empty_quotas.saturating_add(1) } else { 0 };
        if self.empty_quotas > PATIENT && !self.has_refused {
            self.quota = None;
            return;
        }
        self.quota = Some(match self.quota.take() {
            Some(earlier) => quota.after(&earlier),
            None => quota,
        });
    }
}
