//! A score over many runs, looked at after each: how often a steady one is called a change, and how
//! soon a slope or a step is found.

use evalmark_core::{history::Trend, metric::Direction};
use evalmark_verdict::{ItemScore, TrendRule, trend};
use rand::RngExt;

use crate::{
    cell::ALPHA,
    grid::Experiment,
    runner::{Rng, Runner},
    shapes::normal,
    table::{Row, Tolerance, three_sigma},
    variants::item,
};

/// Looks at a history.
const RUNS: usize = 20;

/// The run by which a slope of one point a run is to be called.
const SOON: usize = 8;

/// One point.
const POINT: f64 = 0.01;

/// How answers vary from run to run while the score stays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Noise {
    /// Right or wrong; so many items come out differently in two runs.
    Binary { discordant: f64 },
    /// Graded, with normal noise on every item.
    Graded,
    /// Graded, and a few answers lose a lot.
    Skewed,
    /// Graded, where ten items each share what a run does to them.
    Clusters,
    /// Right or wrong; one edit of the prompt gives a fifth of the items another chance for good.
    EditedOnce,
    /// Right or wrong; every run has a new edit of the prompt, and edits add up.
    EditedEachRun,
}

/// A suite that is run again and again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Histories {
    pub(crate) noise: Noise,
    pub(crate) n: usize,
    pub(crate) repeats: u32,
}

/// How the true mean moves.
#[derive(Clone, Copy, Debug, Default)]
struct Course {
    /// Change a run.
    slope: f64,
    /// Change at run 6.
    step: f64,
}

/// What was seen over all looks of one history.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    slope_called: bool,
    change_called: bool,
    /// Whether the interval of the slope held it at every look.
    covered: bool,
}

impl Histories {
    /// The runs of one history.
    fn draw(&self, rng: &mut Rng, course: Course, n_runs: usize) -> Vec<Vec<ItemScore>> {
        let mut chances: Vec<f64> = (0..self.n).map(|_| self.chance(rng)).collect();
        let one = |run: usize| {
            self.edit(rng, run, &mut chances);
            let moved = course.slope * run as f64 + if run >= 5 { course.step } else { 0.0 };
            let common: Vec<f64> = (0..self.n.div_ceil(10)).map(|_| 0.1 * normal(rng)).collect();
            let mut items = Vec::with_capacity(self.n);
            for (key, &chance) in chances.iter().enumerate() {
                let score = self.score(rng, chance, moved, common[key / 10]);
                let cluster = (self.noise == Noise::Clusters).then_some(key as u64 / 10);
                items.push(ItemScore { cluster, ..item(key, score) });
            }
            items
        };
        (0..n_runs).map(one).collect()
    }

    /// An item's chance to be answered rightly, or its graded score.
    fn chance(&self, rng: &mut Rng) -> f64 {
        let undecided = match self.noise {
            Noise::Binary { discordant } => 2.0 * discordant,
            Noise::EditedOnce | Noise::EditedEachRun => 0.1,
            Noise::Graded | Noise::Skewed | Noise::Clusters => return rng.random_range(0.4..0.9),
        };
        if rng.random_bool(undecided) { 0.5 } else { f64::from(u8::from(rng.random_bool(0.85))) }
    }

    fn edit(&self, rng: &mut Rng, run: usize, chances: &mut [f64]) {
        let share = match self.noise {
            Noise::EditedOnce if run == 4 => 0.2,
            Noise::EditedEachRun if run > 0 => 0.05,
            _ => return,
        };
        for chance in chances {
            if rng.random_bool(share) {
                *chance = self.chance(rng);
            }
        }
    }

    fn score(&self, rng: &mut Rng, chance: f64, moved: f64, common: f64) -> f64 {
        match self.noise {
            Noise::Graded => chance + moved + 0.15 * normal(rng),
            Noise::Skewed => chance + moved + 0.1 * (1.0 + rng.random::<f64>().ln()),
            Noise::Clusters => chance + moved + common + 0.15 * normal(rng),
            _ => {
                // A loss turns right answers into wrong ones; there are 0.8 of them or so.
                let lost = (-moved / self.mean()).clamp(0.0, 1.0);
                f64::from(u8::from(rng.random_bool(chance) && !rng.random_bool(lost)))
            }
        }
    }

    fn mean(&self) -> f64 {
        let undecided = match self.noise {
            Noise::Binary { discordant } => 2.0 * discordant,
            _ => 0.1,
        };
        0.85 - 0.35 * undecided
    }

    /// Looks after every run.
    fn looks(&self, rng: &mut Rng, course: Course, n_runs: usize) -> Seen {
        let runs = self.draw(rng, course, n_runs);
        let mut seen = Seen { covered: true, ..Seen::default() };
        for n in 3..=n_runs {
            let Trend { slope, change_points, .. } = trend(&runs[..n], &rule());
            let slope = slope.unwrap_or_default();
            let held = slope.lower.is_none_or(|lower| lower <= course.slope)
                && slope.upper.is_none_or(|upper| upper >= course.slope);
            seen.covered &= held;
            seen.slope_called |= slope.p <= ALPHA;
            seen.change_called |= !change_points.is_empty();
        }
        seen
    }

    fn row(&self, rate: &'static str, rule: &str, detail: &str) -> Row {
        let shape = format!("{}{detail}", self.shape());
        let (n, repeats) = (self.n.to_string(), self.repeats);
        let (nominal, observed, tolerance) = (ALPHA, 0.0, Tolerance::None);
        Row { rate, rule: rule.into(), shape, n, nominal, observed, tolerance, repeats }
    }

    fn shape(&self) -> String {
        match self.noise {
            Noise::Binary { discordant } => {
                format!("binary, {:.0} % discordant", 100.0 * discordant)
            }
            Noise::Graded => "symmetric".into(),
            Noise::Skewed => "left skew".into(),
            Noise::Clusters => "clusters of 10".into(),
            Noise::EditedOnce => "binary, one edit".into(),
            Noise::EditedEachRun => "binary, edits add up".into(),
        }
    }

    fn false_alarms(&self, runner: Runner) -> [Row; 3] {
        let label = format!("history {}", self.label());
        let found = runner.shares(&label, self.repeats, |rng| {
            let seen = self.looks(rng, Course::default(), RUNS);
            [seen.slope_called, seen.change_called, seen.covered]
        });
        let repeats = found.repeats;
        let limit = Tolerance::AtMost(ALPHA + three_sigma(ALPHA, repeats));
        let least = Tolerance::AtLeast(1.0 - ALPHA - three_sigma(ALPHA, repeats));
        let detail = format!(", {RUNS} runs, every look");
        let row = |rate, rule, nominal, observed, tolerance| Row {
            nominal,
            observed,
            tolerance,
            repeats,
            ..self.row(rate, rule, &detail)
        };
        let [slope, change, covered] = found.of;
        [
            row("false alarms", "slope over runs", ALPHA, slope, limit),
            row("false alarms", "change points", ALPHA, change, limit),
            row("coverage", "slope over runs", 1.0 - ALPHA, covered, least),
        ]
    }

    /// How often a slope, or a step at run 6, is called by a run: at least as often as this.
    fn found(&self, runner: Runner, course: Course, by: usize, least: f64) -> Row {
        let (rule, detail) = if course.step == 0.0 {
            ("slope over runs", format!(", {:.1} points a run, by run {by}", course.slope / POINT))
        } else {
            ("change points", format!(", {:.0} points at run 6, by run {by}", course.step / POINT))
        };
        let label = format!("history {} {detail}", self.label());
        let found = runner.shares(&label, self.repeats, |rng| {
            let seen = self.looks(rng, course, by);
            [if course.step == 0.0 { seen.slope_called } else { seen.change_called }]
        });
        Row {
            nominal: least,
            observed: found.of[0],
            tolerance: Tolerance::AtLeast(least - three_sigma(least, found.repeats)),
            repeats: found.repeats,
            ..self.row("power", rule, &detail)
        }
    }

    /// The same where the interval of the slope must hold the true one at every look.
    fn covered(&self, runner: Runner) -> Row {
        let course = Course { slope: -POINT, step: 0.0 };
        let found = runner.shares(&format!("covered {}", self.label()), self.repeats, |rng| {
            [self.looks(rng, course, RUNS).covered]
        });
        let repeats = found.repeats;
        Row {
            nominal: 1.0 - ALPHA,
            observed: found.of[0],
            tolerance: Tolerance::AtLeast(1.0 - ALPHA - three_sigma(ALPHA, repeats)),
            repeats,
            ..self.row("coverage", "slope over runs", ", -1 point a run, every look")
        }
    }
}

fn rule() -> TrendRule {
    TrendRule { alpha: ALPHA, n_series: 1, direction: Direction::Higher }
}

impl Experiment for Histories {
    fn label(&self) -> String {
        format!("history {} {}", self.shape(), self.n)
    }

    fn rows(&self, runner: Runner) -> Vec<Row> {
        let mut rows = Vec::from(self.false_alarms(runner));
        if self.noise == (Noise::Binary { discordant: 0.1 }) && self.n >= 300 {
            let sloping = |points: f64| Course { slope: points * POINT, step: 0.0 };
            if self.n >= 1000 {
                rows.push(self.found(runner, sloping(-1.0), SOON, 0.99));
                rows.push(self.found(runner, sloping(-0.4), 10, 0.9));
            } else {
                rows.push(self.found(runner, sloping(-1.0), SOON, 0.8));
                let step = Course { slope: 0.0, step: -0.08 };
                rows.push(self.found(runner, step, SOON, 0.9));
                rows.push(self.covered(runner));
            }
        }
        rows
    }
}
