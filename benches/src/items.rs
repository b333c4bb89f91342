//! Independent items, each asked once.

use evalmark_core::verdict::Answer;
use evalmark_verdict::{Level, Rule, compare, paired_proportions_power, paired_t_power};

use crate::{
    cell::{ALPHA, NO_MARGIN, Power},
    runner::Rng,
    shapes::{Shape, coin},
    variants::{Design, Variants, subject, variants},
};

/// Scores of 0 or 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binary {
    pub(crate) n: usize,
    /// Share of the items on which the variants differ.
    pub(crate) discordant: f64,
}

impl Binary {
    /// A drop that the closed form finds in about four of five runs.
    pub(crate) fn power(&self) -> Power {
        let n = self.n as f64;
        let drop = (2.4 * (self.discordant / n).sqrt()).min(self.discordant);
        // The closed form is a normal one, and needs a few discordant pairs.
        let closed = if n * self.discordant < 20.0 {
            self.enumerated(drop)
        } else {
            paired_proportions_power(self.discordant, drop, n, Level::one_sided(ALPHA))
        };
        Power { drop, closed, applies: true }
    }

    /// The rule's own power: of every outcome that can be expected, whether it is a regression.
    fn enumerated(&self, drop: f64) -> f64 {
        let lost = 0.5 * (1.0 + drop / self.discordant);
        let mut power = 0.0;
        for (m, of_m) in binomial(self.n, self.discordant).into_iter().enumerate() {
            for (b, of_b) in binomial(m, lost).into_iter().enumerate() {
                if of_m * of_b > 1e-9 && self.regressed(b, m - b) {
                    power += of_m * of_b;
                }
            }
        }
        power
    }

    /// Whether it is one when so many items are lost and gained.
    fn regressed(&self, lost: usize, gained: usize) -> bool {
        let pair = |at| match at {
            at if at < lost => (1.0, 0.0),
            at if at < lost + gained => (0.0, 1.0),
            _ => (1.0, 1.0),
        };
        let [baseline, candidate] = variants((0..self.n).map(pair));
        compare(&subject(), &baseline, &candidate, &Rule::new(NO_MARGIN, ALPHA))
            .is_ok_and(|judged| judged.comparison.answer == Answer::Regressed)
    }
}

/// The probabilities of 0 to n successes.
fn binomial(n: usize, chance: f64) -> Vec<f64> {
    let mut all = vec![1.0];
    for _ in 0..n {
        let before = |at: usize| all.get(at).copied().unwrap_or(0.0);
        let one = |at: usize| {
            let hit = at.checked_sub(1).map_or(0.0, before);
            chance * hit + (1.0 - chance) * before(at)
        };
        all = (0..=all.len()).map(one).collect();
    }
    all
}

impl Design for Binary {
    fn rule(&self) -> &'static str {
        "mid-p McNemar, Tango"
    }

    fn shape(&self) -> String {
        format!("binary, {:.0} % discordant", 100.0 * self.discordant)
    }

    fn n(&self) -> String {
        self.n.to_string()
    }

    fn draw(&self, rng: &mut Rng, drop: f64) -> Variants {
        variants((0..self.n).map(|_| coin(rng, self.discordant, drop)))
    }
}

/// Scores anywhere in [0, 1].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Continuous {
    pub(crate) n: usize,
    pub(crate) shape: Shape,
}

impl Continuous {
    /// A drop that the closed form finds in about four of five runs.
    pub(crate) fn power(&self) -> Power {
        let n = self.n as f64;
        let drop = 2.55 * self.shape.sd(0.0) / n.sqrt();
        let level = Level::one_sided(ALPHA);
        let closed = paired_t_power(drop / self.shape.sd(drop), n, level);
        // It is one for normal differences: skew moves power, and rare changes are held back.
        let applies = match self.shape {
            Shape::Symmetric => true,
            Shape::Ceiling => self.n >= 100,
            Shape::Sparse => self.n >= 300,
            // Skewness moves it by about five points at 300 items.
            Shape::Left | Shape::Right => self.n >= 1000,
        };
        Power { drop, closed, applies }
    }
}

impl Design for Continuous {
    fn rule(&self) -> &'static str {
        "paired t, bootstrap"
    }

    fn shape(&self) -> String {
        self.shape.name().into()
    }

    fn n(&self) -> String {
        self.n.to_string()
    }

    fn draw(&self, rng: &mut Rng, drop: f64) -> Variants {
        variants((0..self.n).map(|_| self.shape.pair(rng, drop)))
    }
}
