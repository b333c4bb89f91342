//! How long drift takes to be called, beside what no test can beat, and beside an alert at a fixed
//! threshold; and whether the range of its beginning holds the day.

use std::fmt;

use evalmark_core::metric::Direction;
use evalmark_verdict::{
    DriftMonitor, DriftRule, ReferenceSample, ScoreRange, StreamRule, StreamValue,
};
use rand_distr::{Binomial, Distribution};

use crate::{
    cell::ALPHA,
    drift::{YEAR, counts},
    runner::{Rng, Runner},
};

/// The share of right answers in the released run's population.
const RIGHT: f64 = 0.9;

/// The day on which answers get worse.
const BEGAN: i64 = 60;

/// The alert of the comparison: a day that is so many points below the released run.
const THRESHOLD: f64 = 0.05;

/// The head of the table, in Markdown.
pub const DELAY_HEAD: &str = "\
| drop | released run | answers a day | tested every | median delay | nine of ten within | not within the year | bound of any test | range holds the day | fixed threshold: median delay | its years with a false alarm | R |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";

/// A drop, and how it is watched.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Setting {
    drop: f64,
    released: u64,
    daily: u64,
    /// Days that are tested as one.
    cycle: u32,
}

/// One setting and what came of it; delays are days, counted from the first worse one.
#[derive(Clone, Debug, PartialEq)]
pub struct Delay {
    setting: Setting,
    /// Of years with an alarm at or after the change, ascending.
    delays: Vec<i64>,
    /// Years whose range holds the day, among those.
    held: usize,
    /// The alert's.
    alerts: Vec<i64>,
    /// Years without any change in which the alert is raised.
    false_alerts: usize,
    repeats: usize,
}

/// One year.
struct Year {
    called: Option<i64>,
    held: bool,
    alerted: Option<i64>,
}

/// Simulates every setting.
pub(crate) fn delays(runner: Runner, mut each: impl FnMut(&Delay)) {
    let daily = [(300, 100), (2000, 100), (2000, 1000), (20_000, 1000)];
    let daily = daily.map(|(released, daily)| (released, daily, 1));
    // As `evalmark monitor` tests scores.
    let weekly = [(300, 100, 7), (2000, 100, 7), (2000, 1000, 7)];
    for (released, daily, cycle) in daily.into_iter().chain(weekly) {
        for drop in [0.02, 0.05, 0.1] {
            each(&delay(runner, Setting { drop, released, daily, cycle }));
        }
    }
}

fn delay(runner: Runner, setting: Setting) -> Delay {
    let Setting { drop, released, daily, cycle } = setting;
    let weekly = if cycle == 1 { "" } else { " weekly" };
    let label = format!("drift delay {drop} {released} {daily}{weekly}");
    let years = runner.each(&label, 1000, |rng| year(rng, setting));
    let null = runner.each(&format!("{label} null"), 1000, |rng| false_alert(rng, released, daily));
    let called: Vec<&Year> = years.iter().filter(|year| year.called.is_some()).collect();
    let mut delays: Vec<i64> = called.iter().filter_map(|year| year.called).collect();
    let mut alerts: Vec<i64> = years.iter().filter_map(|year| year.alerted).collect();
    delays.sort_unstable();
    alerts.sort_unstable();
    let held = called.iter().filter(|year| year.held).count();
    let false_alerts = null.into_iter().filter(|&alert| alert).count();
    Delay { setting, delays, held, alerts, false_alerts, repeats: years.len() }
}

fn year(rng: &mut Rng, Setting { drop, released, daily, cycle }: Setting) -> Year {
    let right = released_right(rng, released);
    let values: Vec<_> =
        (0..released).map(|at| StreamValue::of(f64::from(u8::from(at < right)))).collect();
    let sample =
        ReferenceSample::of_scores(ScoreRange::UNIT, &values).expect("shares are in range");
    let stream = StreamRule::new("score").worse(Direction::Higher);
    let rule = DriftRule { alpha: ALPHA, cycle, ..DriftRule::default() };
    let mut monitor = DriftMonitor::new(rule, vec![(stream, sample)]).expect("the rule is sound");
    let line = right as f64 / released as f64 - THRESHOLD;
    let mut year = Year { called: None, held: false, alerted: None };
    for at in 0..YEAR {
        let sums = counts(rng, daily, if at < BEGAN { RIGHT } else { RIGHT - drop });
        if at >= BEGAN && year.alerted.is_none() && sums.ones / (daily as f64) < line {
            year.alerted = Some(at - BEGAN + 1);
        }
        if year.called.is_none() {
            monitor.observe_sums(0, "", &sums);
            if monitor.close_look(at) {
                // An alarm before the change is a false one, and counted elsewhere.
                year.called = Some((at - BEGAN + 1).max(1));
                let alarm = monitor.report().streams.remove(0).alarm.unwrap_or_default();
                year.held = (alarm.began_earliest..=alarm.began_latest).contains(&BEGAN);
            }
        }
    }
    year
}

fn false_alert(rng: &mut Rng, released: u64, daily: u64) -> bool {
    let line = released_right(rng, released) as f64 / released as f64 - THRESHOLD;
    (0..YEAR).any(|_| counts(rng, daily, RIGHT).ones / (daily as f64) < line)
}

fn released_right(rng: &mut Rng, released: u64) -> u64 {
    Binomial::new(released, RIGHT).map_or(0, |binomial| binomial.sample(rng))
}

impl Delay {
    /// What no test with this alpha can beat, on average, where the released run is known exactly: the
    /// days in which the likelihood ratio of better to worse grows to 1/alpha.
    fn bound(&self) -> f64 {
        let worse = RIGHT - self.setting.drop;
        let divergence =
            worse * (worse / RIGHT).ln() + (1.0 - worse) * ((1.0 - worse) / (1.0 - RIGHT)).ln();
        (1.0 / ALPHA).ln() / divergence / self.setting.daily as f64
    }
}

/// The delay that this share of all years stays within; none where fewer were called.
fn quantile(delays: &[i64], share: f64, of: usize) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    let place = ((share * of as f64).ceil() as usize).saturating_sub(1);
    delays.get(place).map_or("never".into(), ToString::to_string)
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, delays, alerts, repeats, .. } = self;
        let Setting { drop, released, daily, cycle } = setting;
        let tested = if *cycle == 1 { "day" } else { "week" };
        let percent = |part: usize, of: usize| 100.0 * part as f64 / of.max(1) as f64;
        write!(
            f,
            "| {:.0} points | {released} | {daily} | {tested} | {} | {} | {:.1} % | {:.1} | {:.1} % | {} | {:.1} % | {repeats} |",
            100.0 * drop,
            quantile(delays, 0.5, *repeats),
            quantile(delays, 0.9, *repeats),
            percent(repeats - delays.len(), *repeats),
            self.bound(),
            percent(self.held, delays.len()),
            quantile(alerts, 0.5, *repeats),
            percent(self.false_alerts, *repeats),
        )
    }
}
