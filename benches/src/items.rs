//! Independent items, each asked once.

use evalmark_verdict::{Level, paired_proportions_power, paired_t_power};

use crate::{
    arms::{Arms, Design, arms},
    cell::{ALPHA, Power},
    runner::Rng,
    shapes::{Shape, coin},
};

/// Scores of 0 or 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binary {
    pub(crate) n: usize,
    /// Share of the items on which the arms differ.
    pub(crate) discordant: f64,
}

impl Binary {
    /// A drop that the closed form finds in about four of five runs.
    pub(crate) fn power(&self) -> Power {
        let n = self.n as f64;
        let drop = (2.4 * (self.discordant / n).sqrt()).min(self.discordant);
        let level = Level::one_sided(ALPHA);
        let closed = paired_proportions_power(self.discordant, drop, n, level);
        // It is a normal one, and needs a few discordant pairs.
        Power { drop, closed, applies: n * self.discordant >= 20.0 }
    }
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

    fn draw(&self, rng: &mut Rng, drop: f64) -> Arms {
        arms((0..self.n).map(|_| coin(rng, self.discordant, drop)))
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
            Shape::Sparse | Shape::Left | Shape::Right => false,
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

    fn draw(&self, rng: &mut Rng, drop: f64) -> Arms {
        arms((0..self.n).map(|_| self.shape.pair(rng, drop)))
    }
}
