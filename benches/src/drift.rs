//! Production streams in which nothing changes, looked at every day for a year: how often one raises an
//! alarm, and how often the range of a change's beginning holds it.

use evalmark_verdict::{
    DriftMonitor, DriftRule, ReferenceSample, ScoreRange, StreamRule, StreamValue, ValueSums,
};
use rand::RngExt;
use rand_distr::{Binomial, Distribution};

use crate::{
    cell::ALPHA,
    grid::Experiment,
    runner::{Rng, Runner},
    shapes::normal,
    table::{Row, Tolerance, three_sigma},
};

/// Looks of a year.
pub(crate) const YEAR: i64 = 365;

/// What the values of a stream are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Values {
    /// Right or wrong, with this chance.
    Binary(f64),
    /// Six in ten at the top, the rest anywhere between ½ and 1.
    Ceiling,
    /// Many high, few low.
    Skewed,
    /// Right or wrong, in sessions of ten that share a chance.
    Sessions,
    /// Log-normal amounts.
    Amounts,
    /// One of four categories, and now and then a rare one.
    Categories,
    /// Right or wrong, in two languages of very different difficulty, whose mix is another one every day.
    Mixed,
    /// Right or wrong; three points worse at weekends, in cycles of seven.
    Weekly,
}

/// Streams of one kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streams {
    pub(crate) values: Values,
    /// Units of the released run.
    pub(crate) released: usize,
    /// Values a day.
    pub(crate) daily: u64,
    /// Streams that share alpha.
    pub(crate) together: usize,
    pub(crate) repeats: u32,
}

impl Streams {
    fn monitor(&self, rng: &mut Rng) -> DriftMonitor {
        let cycle = if self.values == Values::Weekly { 7 } else { 1 };
        let rule = DriftRule { alpha: ALPHA, cycle, ..DriftRule::default() };
        let streams =
            (0..self.together).map(|at| (StreamRule::new(at.to_string()), self.sample(rng)));
        DriftMonitor::new(rule, streams.collect()).expect("the rule is sound")
    }

    fn sample(&self, rng: &mut Rng) -> ReferenceSample {
        if self.values == Values::Categories {
            let drawn: Vec<_> = (0..self.released).map(|_| category(rng)).collect();
            let values: Vec<_> = drawn.iter().map(|&word| StreamValue::of(word)).collect();
            return ReferenceSample::of_categories(&values);
        }
        let mut values = Vec::new();
        for unit in 0..self.released as u64 {
            self.unit(rng, 0.3, unit, |one| values.push(one));
        }
        if self.values == Values::Amounts {
            ReferenceSample::of_amounts(&values).expect("amounts are numbers")
        } else {
            ReferenceSample::of_scores(ScoreRange::UNIT, &values).expect("scores are in range")
        }
    }

    /// One value, or those of a session; `mix` is the share of the second language.
    fn unit(
        &self,
        rng: &mut Rng,
        mix: f64,
        unit: u64,
        mut each: impl FnMut(StreamValue<'static, f64>),
    ) {
        let of = |right: bool| f64::from(u8::from(right));
        match self.values {
            Values::Binary(chance) => each(StreamValue::of(of(rng.random_bool(chance)))),
            Values::Weekly => each(StreamValue::of(of(rng.random_bool(0.9)))),
            Values::Ceiling if rng.random_bool(0.6) => each(StreamValue::of(1.0)),
            Values::Ceiling => each(StreamValue::of(rng.random_range(0.5..1.0))),
            Values::Skewed => each(StreamValue::of(1.0 - rng.random::<f64>().powi(6))),
            Values::Amounts | Values::Categories => each(StreamValue::of(normal(rng).exp())),
            Values::Sessions => {
                let chance = if rng.random_bool(0.2) { 0.5 } else { 0.95 };
                for _ in 0..10 {
                    let value = of(rng.random_bool(chance));
                    each(StreamValue { cluster: Some(unit), ..StreamValue::of(value) });
                }
            }
            Values::Mixed => {
                let second = rng.random_bool(mix);
                let right = rng.random_bool(if second { 0.6 } else { 0.95 });
                let stratum = if second { "de" } else { "en" };
                each(StreamValue { stratum, ..StreamValue::of(of(right)) });
            }
        }
    }

    /// A day of production.
    fn day(&self, rng: &mut Rng, monitor: &mut DriftMonitor, place: usize, at: i64) {
        match self.values {
            Values::Binary(chance) => {
                monitor.observe_sums(place, "", &counts(rng, self.daily, chance));
            }
            Values::Weekly => {
                let chance = if at % 7 >= 5 { 0.9 - 0.03 } else { 0.9 + 0.03 * 2.0 / 5.0 };
                monitor.observe_sums(place, "", &counts(rng, self.daily, chance));
            }
            Values::Categories => {
                for _ in 0..self.daily {
                    monitor.observe_category(place, &StreamValue::of(category(rng)));
                }
            }
            _ => {
                let mix = rng.random_range(0.1..0.9);
                let units =
                    if self.values == Values::Sessions { self.daily / 10 } else { self.daily };
                for unit in 0..units {
                    self.unit(rng, mix, unit, |one| monitor.observe(place, &one));
                }
            }
        }
    }

    /// Whether any stream raises an alarm within a year.
    fn alarms(&self, rng: &mut Rng) -> bool {
        let mut monitor = self.monitor(rng);
        (0..YEAR).any(|at| {
            for place in 0..self.together {
                self.day(rng, &mut monitor, place, at);
            }
            monitor.close_look(at)
        })
    }

    fn name(&self) -> String {
        let values = match self.values {
            Values::Binary(chance) => format!("binary, {} %", 100.0 * chance),
            Values::Ceiling => "ceiling".into(),
            Values::Skewed => "left skew".into(),
            Values::Sessions => "binary, sessions of 10".into(),
            Values::Amounts => "amounts, log-normal".into(),
            Values::Categories => "categories".into(),
            Values::Mixed => "binary, languages in another mix every day".into(),
            Values::Weekly => "binary, weekends 3 points lower".into(),
        };
        let streams =
            if self.together > 1 { format!(", {} streams", self.together) } else { String::new() };
        format!("{values}{streams}, {} a day, {YEAR} looks", self.daily)
    }
}

/// So many answers, right with this chance.
pub(crate) fn counts(rng: &mut Rng, n: u64, chance: f64) -> ValueSums {
    let ones = Binomial::new(n, chance).map_or(0, |binomial| binomial.sample(rng));
    ValueSums::counts(n - ones, ones)
}

fn category(rng: &mut Rng) -> &'static str {
    match rng.random_range(0..1000) {
        0..700 => "en",
        700..850 => "de",
        850..950 => "fr",
        950..998 => "es",
        _ => "pl",
    }
}

impl Experiment for Streams {
    fn label(&self) -> String {
        format!("drift {} {}", self.name(), self.released)
    }

    fn rows(&self, runner: Runner) -> Vec<Row> {
        let found = runner.shares(&self.label(), self.repeats, |rng| [self.alarms(rng)]);
        vec![Row {
            rate: "false alarms a year",
            rule: "drift".into(),
            shape: self.name(),
            n: self.released.to_string(),
            nominal: ALPHA,
            observed: found.of[0],
            tolerance: Tolerance::AtMost(ALPHA + three_sigma(ALPHA, found.repeats)),
            repeats: found.repeats,
        }]
    }
}
