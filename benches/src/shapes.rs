//! Distributions of one item's two scores, whose expected difference is exactly what is asked.

use rand::RngExt;
use rand_distr::{Distribution, Exp1, StandardNormal};

use crate::runner::Rng;

/// How an item's score differs between the variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A normal difference on every item.
    Symmetric,
    /// One item in ten changes at all; where there is a drop, those carry it.
    Sparse,
    /// Six in ten scores are at the top, the rest anywhere in the upper part.
    Ceiling,
    /// Many items gain a little, few lose a lot.
    Left,
    /// Many items lose a little, few gain a lot.
    Right,
}

/// Mean and variance of a score under a ceiling.
const CEILING: (f64, f64) = (0.88, 0.0336);

impl Shape {
    pub(crate) const ALL: [Self; 5] =
        [Self::Symmetric, Self::Sparse, Self::Ceiling, Self::Left, Self::Right];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Symmetric => "symmetric",
            Self::Sparse => "sparse",
            Self::Ceiling => "ceiling",
            Self::Left => "left skew",
            Self::Right => "right skew",
        }
    }

    /// Baseline and candidate score of an item whose expected drop is `drop`.
    pub(crate) fn pair(self, rng: &mut Rng, drop: f64) -> (f64, f64) {
        match self {
            Self::Symmetric => differing(0.15 * normal(rng) - drop),
            Self::Sparse => {
                let change = rng.random_range(-0.4..0.4) - 10.0 * drop;
                differing(if rng.random_bool(0.1) { change } else { 0.0 })
            }
            Self::Ceiling => {
                let mut score =
                    || if rng.random_bool(0.6) { 1.0 } else { rng.random_range(0.4..1.0) };
                let (before, after) = (score(), score());
                (before, after * (1.0 - drop / CEILING.0))
            }
            Self::Left => differing(0.1 * (1.0 - exponential(rng)) - drop),
            Self::Right => differing(0.1 * (exponential(rng) - 1.0) - drop),
        }
    }

    /// Standard deviation of the difference.
    pub(crate) fn sd(self, drop: f64) -> f64 {
        let variance = match self {
            Self::Symmetric => 0.0225,
            Self::Sparse => 0.1 * (0.64 / 12.0 + 100.0 * drop * drop) - drop * drop,
            Self::Ceiling => CEILING.1 * (1.0 + (1.0 - drop / CEILING.0).powi(2)),
            Self::Left | Self::Right => 0.01,
        };
        variance.sqrt()
    }
}

/// Two scores around the middle.
pub(crate) fn differing(difference: f64) -> (f64, f64) {
    // An exponential may leave the range, once in twenty thousand draws, by a hair of the mean.
    let difference = difference.clamp(-1.0, 1.0);
    (0.5 - 0.5 * difference, 0.5 + 0.5 * difference)
}

/// Normal, but never beyond four standard deviations, so that a difference is no clamped score.
pub(crate) fn normal(rng: &mut Rng) -> f64 {
    let value: f64 = StandardNormal.sample(rng);
    value.clamp(-4.0, 4.0)
}

fn exponential(rng: &mut Rng) -> f64 {
    Exp1.sample(rng)
}

/// A right or wrong answer in both variants: a share `discordant` differs, `drop` more of them lost.
pub(crate) fn coin(rng: &mut Rng, discordant: f64, drop: f64) -> (f64, f64) {
    let at: f64 = rng.random();
    if at < 0.5 * (discordant + drop) {
        (1.0, 0.0)
    } else if at < discordant {
        (0.0, 1.0)
    } else {
        (1.0, 1.0)
    }
}
