//! Clusters that move as one: each fails as a whole now and then, and nothing else changes.

use evalmark_verdict::{Decision, Rule, minimum};

use crate::{
    clusters::{Sizes, clustered},
    runner::Rng,
    shapes::coin,
    variants::{Design, Variants, subject},
};

/// What is asked of such a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Whether it lost the margin, which is what clusters lose on average.
    Drop,
    /// Whether it reaches a minimum, which is its true mean.
    Minimum,
}

/// Clusters of which a share changes wholly; where there is a drop, they all fail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole {
    pub(crate) groups: usize,
    pub(crate) sizes: Sizes,
    pub(crate) chance: f64,
    pub(crate) question: Question,
}

impl Design for Whole {
    fn rule(&self) -> &'static str {
        match self.question {
            Question::Drop => "whole clusters",
            Question::Minimum => "minimum: whole clusters",
        }
    }

    fn shape(&self) -> String {
        format!("{:.0} % of {} clusters change", 100.0 * self.chance, self.sizes.name())
    }

    fn n(&self) -> String {
        format!("{} clusters", self.groups)
    }

    fn draw(&self, rng: &mut Rng, drop: f64) -> Variants {
        let lost = if self.question == Question::Drop { drop } else { self.chance };
        let one = |group| vec![coin(rng, self.chance, lost); self.sizes.of(group)];
        clustered((0..self.groups).map(one).collect())
    }

    fn judge(&self, rng: &mut Rng, drop: f64, rule: &Rule) -> Decision {
        let [baseline, candidate] = self.draw(rng, drop);
        let judged = match self.question {
            Question::Drop => evalmark_verdict::compare(&subject(), &baseline, &candidate, rule),
            Question::Minimum => minimum(&subject(), &candidate, self.truth(drop), rule),
        };
        judged.unwrap_or_else(|error| unreachable!("variants are sound: {error}"))
    }

    fn truth(&self, drop: f64) -> f64 {
        match self.question {
            Question::Drop => -drop,
            Question::Minimum => 1.0 - self.chance,
        }
    }
}
