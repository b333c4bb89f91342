//! Items that are asked several times, each right or wrong with a probability of its own, which
//! the candidate changes: an interaction of item and variant.

use evalmark_verdict::{ItemScore, Level, paired_proportions_power, paired_t_power};
use rand::RngExt;

use crate::{
    cell::{ALPHA, Power},
    runner::Rng,
    variants::{Design, Variants, item},
};

/// Mean and variance of an item's probability under the baseline: uniform in [0.3, 0.8].
const RIGHT: (f64, f64) = (0.55, 0.25 / 12.0);

/// Variance of what the candidate adds to it: uniform in [-0.2, 0.2].
const INTERACTION: f64 = 0.16 / 12.0;

/// Items, and how often each is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Epochs {
    pub(crate) n: usize,
    pub(crate) epochs: u32,
}

impl Epochs {
    /// A drop that the closed form finds in about four of five runs, or the largest that the
    /// probabilities leave room for.
    pub(crate) fn power(&self) -> Power {
        let n = self.n as f64;
        let drop = (2.5 * self.sd(0.0) / n.sqrt()).min(0.1);
        let level = Level::one_sided(ALPHA);
        let closed = if self.epochs == 1 {
            paired_proportions_power(discordance(drop), drop, n, level)
        } else {
            paired_t_power(drop / self.sd(drop), n, level)
        };
        Power { drop, closed, applies: true }
    }

    /// Standard deviation of an item's difference.
    fn sd(&self, drop: f64) -> f64 {
        let (mean, variance) = RIGHT;
        let before = mean * (1.0 - mean) - variance;
        let after = (mean - drop) * (1.0 - mean + drop) - variance - INTERACTION;
        (INTERACTION + (before + after) / f64::from(self.epochs)).sqrt()
    }

    fn asked(&self, rng: &mut Rng, key: usize, right: f64) -> ItemScore {
        let count = (0..self.epochs).filter(|_| rng.random_bool(right)).count();
        let epochs = self.epochs;
        ItemScore { n_scored: epochs, n_planned: epochs, ..item(key, count as f64) }
    }
}

/// Share of the items that differ when each is asked once.
fn discordance(drop: f64) -> f64 {
    let (mean, variance) = RIGHT;
    let both_right = mean * mean + variance - drop * mean;
    2.0 * mean - drop - 2.0 * both_right
}

impl Design for Epochs {
    fn rule(&self) -> &'static str {
        match self.epochs {
            1 => "mid-p McNemar, Tango",
            _ => "item means, paired t, bootstrap",
        }
    }

    fn shape(&self) -> String {
        match self.epochs {
            1 => "interaction, 1 epoch".into(),
            epochs => format!("interaction, {epochs} epochs"),
        }
    }

    fn n(&self) -> String {
        self.n.to_string()
    }

    fn draw(&self, rng: &mut Rng, drop: f64) -> Variants {
        let pair = |key| {
            let before = rng.random_range(0.3..0.8);
            let after: f64 = before + rng.random_range(-0.2..0.2) - drop;
            (self.asked(rng, key, before), self.asked(rng, key, after.clamp(0.0, 1.0)))
        };
        let (baseline, candidate) = (0..self.n).map(pair).unzip();
        [baseline, candidate]
    }
}
