//! How many attempts may be under way at once.

use std::time::Duration;

use tokio::time::Instant;

use super::Ticket;

/// A suite's limit up to this is begun with. Beyond, attempts go one after the other until the first
/// of them ends: at an answer the window is what is under way, at a refusal it is this.
const MODEST: usize = 64;
/// How far apart they go. The suite's limit is a good guess more often than not, and a refusal comes
/// sooner than an answer: before many more have gone.
const OPENING: Duration = Duration::from_micros(15);
/// What a success adds before anything was refused: the window grows eightfold in one latency, because
/// one latency's overshoot costs little.
const FIRST_STEP: f64 = 7.0;
/// The cut for an episode of refusals.
const CUT: f64 = 0.9;
/// The cut when refusals go on right after a cut.
const DEEP_CUT: f64 = 0.7;
/// Successes just below the ceiling before the ceiling is tried again: at first, and at most.
const PATIENCE: (u32, u32) = (128, 8192);
/// After a probe that made the server ask for a pause, none follows for so many times the pause.
const PAUSES_PER_PROBE: u32 = 20;
/// With a ceiling no higher than this, whole numbers are too coarse to meet a limit of rate.
const COARSE: f64 = 12.0;
/// Probes in vain before that is suspected.
const VAIN_PROBES: u32 = 2;
/// Cuts before it is suspected anyway.
const MANY_CUTS: u32 = 6;
/// A refusal with no more under way than this share of what the server did take at once has another
/// reason.
const PROVEN_ENOUGH: f64 = 0.75;
/// Time-outs are bad luck up to this share of all ends.
const BAD_LUCK: f64 = 0.1;

/// What a refusal came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Too many at once, as far as one can tell; or no news.
    Number,
    /// Too many a second: fewer at once did not help.
    Rate,
    /// Either; only a trial can tell.
    Perhaps,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Window {
    /// The whole part counts.
    size: f64,
    most: f64,
    /// Nothing has ended yet, and more may be under way than is modest.
    is_opening: bool,
    /// When the suite's limit turned out too high: what was sent before says nothing about the window.
    restarted_at: Option<Instant>,
    /// What a success adds where there is no ceiling.
    step: f64,
    under_way: usize,
    /// The most that were under way since the last cut.
    peak: usize,
    /// When all of the window was last in use.
    full_at: Option<Instant>,
    /// Where refusals began, the last time.
    ceiling: Option<Ceiling>,
    cut_at: Option<Instant>,
    /// Successes of attempts that were sent after the last cut.
    since_cut: u32,
    /// Cuts that followed each other closely.
    series: Option<Series>,
    /// Usual time of a success, seconds.
    latency: f64,
    /// Share of time-outs among the last ends.
    timeouts: f64,
    no_probe_before: Option<Instant>,
    cuts: u32,
    has_tried_pace: bool,
}

#[derive(Clone, Copy, Debug)]
struct Ceiling {
    at: f64,
    patience: u32,
    /// Successes that count towards a probe, or towards its success.
    waited: u32,
    vain_probes: u32,
}

/// Cuts that followed each other closely.
#[derive(Clone, Copy, Debug)]
struct Series {
    began_at: Instant,
    /// The window before the first one.
    began_with: f64,
    /// The most under way with which an attempt, sent after the first cut, succeeded.
    proven: usize,
}

impl Window {
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        Self {
            size: most as f64,
            most: most as f64,
            is_opening: most > MODEST,
            restarted_at: None,
            step: FIRST_STEP,
            under_way: 0,
            peak: 0,
            full_at: None,
            ceiling: None,
            cut_at: None,
            since_cut: 0,
            series: None,
            latency: 0.0,
            timeouts: 0.0,
            no_probe_before: None,
            cuts: 0,
            has_tried_pace: false,
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to `most`")]
    pub(super) fn size(&self) -> usize {
        self.size as usize
    }

    /// Usual time of a success.
    pub(super) fn latency(&self) -> Duration {
        Duration::from_secs_f64(self.latency)
    }

    /// How long attempts keep apart once the server has refused one: half again as dense as they
    /// would be if they were spread evenly. Without it, what was once sent together comes back and
    /// is sent together for ever, and a limit of rate looks like one of number.
    pub(super) fn spacing(&self) -> Duration {
        match self.ceiling {
            Some(_) => Duration::from_secs_f64(self.latency / (1.5 * self.size)),
            None if self.is_opening => OPENING,
            None => Duration::ZERO,
        }
    }

    /// How many are under way now.
    pub(super) fn depart(&mut self, now: Instant) -> usize {
        self.under_way += 1;
        self.peak = self.peak.max(self.under_way);
        if self.under_way >= self.size() {
            self.full_at = Some(now);
        }
        self.under_way
    }

    /// An attempt is no longer under way, and says nothing.
    pub(super) fn forget(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    pub(super) fn succeeded(&mut self, Ticket { sent_at, level }: Ticket, now: Instant) {
        if self.is_opening {
            self.is_opening = false;
            self.size = self.under_way.max(MODEST) as f64;
        }
        // Those that will be refused are under way, too, but not for long.
        let level = level.min(self.under_way);
        self.forget();
        self.timeouts -= self.timeouts / 32.0;
        let took = now.saturating_duration_since(sent_at).as_secs_f64();
        let weight = if self.latency == 0.0 { 1.0 } else { 0.1 };
        self.latency += (took - self.latency) * weight;
        if let Some(series) = self.series.as_mut().filter(|series| sent_at >= series.began_at) {
            series.proven = series.proven.max(level);
        }
        if self.cut_at.is_none_or(|cut| sent_at >= cut) {
            self.since_cut += 1;
            if f64::from(self.since_cut) > self.size.max(20.0) {
                self.series = None;
            }
        }
        // Who does not use the window learns nothing about it.
        let is_of_window = self.restarted_at.is_none_or(|at| sent_at >= at);
        if is_of_window && self.full_at.is_some_and(|full| full >= sent_at) {
            self.grow(now);
        }
    }

    fn grow(&mut self, now: Instant) {
        let may_probe = self.no_probe_before.is_none_or(|at| now >= at);
        let Some(ceiling) = &mut self.ceiling else {
            // One more for each success doubles the window in one latency. Beyond an old ceiling
            // that begins with one more in all, and the step doubles, too, up to that.
            self.size = (self.size + self.step).min(self.most);
            self.step = (self.step * (1.0 + 0.7 / self.size)).min(self.step.max(1.0));
            return;
        };
        if self.size >= ceiling.at {
            ceiling.waited += 1;
            if f64::from(ceiling.waited) > 2.0 * ceiling.at {
                // It held: the server takes more than it did.
                self.ceiling = None;
                self.step = 1.0 / self.size;
            }
        } else if self.size >= ceiling.at - 1.0 {
            ceiling.waited += 1;
            if ceiling.waited >= ceiling.patience && may_probe {
                ceiling.waited = 0;
                self.size = ceiling.at.min(self.most);
            }
        } else {
            let step = if self.size < 0.75 * ceiling.at { 1.0 } else { 1.0 / self.size };
            self.size = (self.size + step).min(ceiling.at - 1.0).min(self.most);
        }
    }

    /// A time-out: a cut, unless it is one of few.
    pub(super) fn timed_out(&mut self, sent_at: Instant, now: Instant) {
        self.is_opening = false;
        self.forget();
        self.timeouts += (1.0 - self.timeouts) / 32.0;
        let is_news = self.cut_at.is_none_or(|cut| sent_at >= cut);
        if self.timeouts > BAD_LUCK && is_news {
            self.cut(CUT, now);
        }
    }

    /// The server is in an error: a cut, and nothing more is concluded.
    pub(super) fn overloaded(&mut self, ticket: Ticket, now: Instant) {
        self.forget();
        if self.is_opening {
            return self.restart(now);
        }
        if self.is_news(ticket) {
            let _goes_on = self.cut_in_series(now);
            // Slowly up again at first.
            self.step = 1.0 / self.size;
        }
    }

    /// A refusal: a cut, unless the attempt was sent before the last one. A pace is tried only
    /// where there is something to begin it with.
    pub(super) fn refused(&mut self, ticket: Ticket, may_try_pace: bool, now: Instant) -> Cause {
        let level = self.level();
        self.forget();
        if self.is_opening {
            self.restart(now);
        }
        if !self.is_news(ticket) {
            return Cause::Number;
        }
        let in_vain = |series: Series| ticket.level as f64 <= PROVEN_ENOUGH * series.proven as f64;
        if level <= 1.0 || self.series.is_some_and(in_vain) {
            // It is not the number at once, so that stays what it was before.
            let before = self.series.map_or(level, |series| series.began_with);
            self.size = before.max(self.size).max(2.0).min(self.most);
            (self.series, self.ceiling, self.cut_at) = (None, None, Some(now));
            return Cause::Rate;
        }
        let goes_on = self.cut_in_series(now);
        self.refused_at(level, goes_on);
        if may_try_pace && self.is_worth_a_trial(level) {
            self.has_tried_pace = true;
            let room = if level <= COARSE { level } else { level * 1.5 };
            self.size = room.floor().min(self.most);
            return Cause::Perhaps;
        }
        Cause::Number
    }

    /// The suite's limit is not what the server bears: as if nothing had been sent yet.
    fn restart(&mut self, now: Instant) {
        self.is_opening = false;
        self.size = self.most.min(MODEST as f64);
        self.peak = self.under_way;
        (self.restarted_at, self.cut_at) = (Some(now), Some(now));
    }

    /// Whether an attempt was sent while nobody knew yet that the suite's limit is too high.
    pub(super) fn is_of_opening(&self, sent_at: Instant) -> bool {
        self.restarted_at.is_some_and(|at| sent_at < at)
    }

    fn is_worth_a_trial(&self, level: f64) -> bool {
        let vain_probes = self.ceiling.map_or(0, |ceiling| ceiling.vain_probes);
        let is_coarse = level <= COARSE && vain_probes >= VAIN_PROBES;
        !self.has_tried_pace && (is_coarse || self.cuts >= MANY_CUTS)
    }

    fn is_news(&self, ticket: Ticket) -> bool {
        self.cut_at.is_none_or(|cut| ticket.sent_at >= cut)
    }

    /// How many were really under way, of those that might.
    fn level(&self) -> f64 {
        self.size().min(self.peak).max(1) as f64
    }

    /// Cuts, and more deeply soon after another cut; whether that was so.
    fn cut_in_series(&mut self, now: Instant) -> bool {
        let level = self.level();
        let goes_on = self.series.is_some() && f64::from(self.since_cut) < level;
        let first = Series { began_at: now, began_with: level, proven: 0 };
        self.series = self.series.or(Some(first));
        self.cut(if goes_on { DEEP_CUT } else { CUT }, now);
        goes_on
    }

    /// Remembers the ceiling, and how often it was tried in vain. After a deep cut nobody knows yet
    /// whether this was it.
    fn refused_at(&mut self, level: f64, is_rough: bool) {
        let same = self.ceiling.filter(|ceiling| (ceiling.at - level).abs() < 0.5);
        let (least, most) = PATIENCE;
        self.ceiling = Some(match same {
            Some(ceiling) => Ceiling {
                patience: (ceiling.patience * 2).clamp(least, most),
                waited: 0,
                vain_probes: ceiling.vain_probes + 1,
                ..ceiling
            },
            None if is_rough => Ceiling { at: level, patience: 8, waited: 0, vain_probes: 0 },
            None => Ceiling { at: level, patience: least, waited: 0, vain_probes: 0 },
        });
    }

    fn cut(&mut self, factor: f64, now: Instant) {
        let level = self.level();
        self.size = (level * factor).floor().min(level - 1.0).max(1.0);
        self.cut_at = Some(now);
        self.since_cut = 0;
        self.cuts += 1;
        self.peak = self.under_way;
    }

    /// The refusals had nothing to do with how many were under way.
    pub(super) fn cut_in_vain(&mut self, now: Instant) {
        self.size = self.size.max(2.0).min(self.most);
        self.step = 1.0 / self.size;
        (self.series, self.ceiling, self.no_probe_before) = (None, None, None);
        (self.cuts, self.has_tried_pace) = (0, false);
        self.cut_at = Some(now);
    }

    /// The server asked for a pause: the next probe had better be worth another.
    pub(super) fn probe_costs(&mut self, pause: Duration, now: Instant) {
        let at = now + pause * PAUSES_PER_PROBE;
        self.no_probe_before = Some(self.no_probe_before.map_or(at, |earlier| earlier.max(at)));
    }

    /// It is a number at once after all.
    pub(super) fn give_up_trial(&mut self) {
        if let Some(ceiling) = self.ceiling {
            self.size = (ceiling.at - 1.0).max(1.0);
        }
    }
}
