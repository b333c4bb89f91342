//! Latency of a local server: items differ a lot, and no two answers take the same time.

use evalmark_core::metric::Direction;
use evalmark_verdict::{Decision, Level, RatioOf, Rule, compare_ratio, paired_t_power};

use crate::{
    cell::{ALPHA, Power},
    runner::Rng,
    shapes::normal,
    variants::{Design, Variants, subject, variants},
};

/// Standard deviation of the logarithm of an item's latency, and of one answer's about it.
const OF_ITEMS: f64 = 0.6;
const OF_ANSWERS: f64 = 0.3;

/// Items timed once in each variant; a drop is the candidate's growth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    pub(crate) n: usize,
    pub(crate) of: RatioOf,
}

impl Latency {
    /// A slowdown by 40 %.
    pub(crate) fn power(&self) -> Power {
        let drop: f64 = 0.4;
        let effect = drop.ln_1p() / (OF_ANSWERS * 2_f64.sqrt());
        let closed = paired_t_power(effect, self.n as f64, Level::one_sided(ALPHA));
        Power { drop, closed, applies: self.of == RatioOf::GeometricMean }
    }
}

impl Design for Latency {
    fn rule(&self) -> &'static str {
        match self.of {
            RatioOf::GeometricMean => "log ratio, t, bootstrap",
            RatioOf::Quantile(_) => "quantile, paired bootstrap",
        }
    }

    fn shape(&self) -> String {
        match self.of {
            RatioOf::GeometricMean => "latency".into(),
            RatioOf::Quantile(q) => format!("latency, quantile {q}"),
        }
    }

    fn n(&self) -> String {
        self.n.to_string()
    }

    fn draw(&self, rng: &mut Rng, drop: f64) -> Variants {
        variants((0..self.n).map(|_| {
            let item = OF_ITEMS * normal(rng);
            let mut timed = || (item + OF_ANSWERS * normal(rng)).exp();
            let (before, after) = (timed(), timed());
            (before, after * (1.0 + drop))
        }))
    }

    fn judge(&self, rng: &mut Rng, drop: f64, rule: &Rule) -> Decision {
        let [baseline, candidate] = self.draw(rng, drop);
        let rule = Rule { direction: Direction::Lower, ..rule.clone() };
        compare_ratio(&subject(), &baseline, &candidate, self.of, &rule)
            .unwrap_or_else(|error| unreachable!("variants are sound: {error}"))
    }

    fn truth(&self, drop: f64) -> f64 {
        1.0 + drop
    }
}
