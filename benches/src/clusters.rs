//! Items in clusters: what the candidate changes is partly common to a cluster.

use evalmark_verdict::{ItemScore, Level, paired_t_power};
use rand::RngExt;

use crate::{
    cell::{ALPHA, Power},
    runner::Rng,
    shapes::{coin, differing, normal},
    variants::{Design, Variants, variants},
};

/// Standard deviation of what is common to a cluster.
const COMMON: f64 = 0.1;

/// What is scored in a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scores {
    /// A normal difference on every item.
    Symmetric,
    /// Right or wrong; three in ten items differ.
    Binary,
}

/// How many items the clusters have; twelve on average.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sizes {
    /// All as many.
    Even,
    /// 6, 9, 12, 15, 18 and over again.
    Uneven,
}

impl Sizes {
    /// Items of a cluster.
    pub(crate) fn of(self, group: usize) -> usize {
        match self {
            Self::Even => 12,
            Self::Uneven => [6, 9, 12, 15, 18][group % 5],
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Uneven => "uneven",
        }
    }
}

/// Clusters of items.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clusters {
    pub(crate) groups: usize,
    pub(crate) scores: Scores,
    pub(crate) sizes: Sizes,
}

impl Clusters {
    /// A drop that the closed form, with a cluster as one observation, finds in about four of
    /// five runs.
    pub(crate) fn power(&self) -> Power {
        let groups = self.groups as f64;
        let sd = (COMMON * COMMON + 0.0225 / 12.0).sqrt();
        let drop = 2.6 * sd / groups.sqrt();
        let closed = paired_t_power(drop / sd, groups, Level::one_sided(ALPHA));
        // It knows nothing of the sign-flip test of few clusters.
        Power { drop, closed, applies: self.groups >= 10 }
    }

    fn pair(&self, rng: &mut Rng, drop: f64) -> (f64, f64) {
        match self.scores {
            Scores::Symmetric => differing(0.15 * normal(rng) - drop),
            Scores::Binary => coin(rng, 0.3, drop),
        }
    }

    /// Uniform where a normal effect could ask for more flips than there are.
    fn common(&self, rng: &mut Rng) -> f64 {
        COMMON
            * match self.scores {
                Scores::Symmetric => normal(rng),
                Scores::Binary => 3_f64.sqrt() * rng.random_range(-1.0..1.0),
            }
    }
}

impl Design for Clusters {
    fn rule(&self) -> &'static str {
        if self.groups < 10 { "clustered t, sign-flip" } else { "clustered t" }
    }

    fn shape(&self) -> String {
        let scores = match self.scores {
            Scores::Symmetric => "symmetric",
            Scores::Binary => "binary",
        };
        format!("{scores}, {} clusters", self.sizes.name())
    }

    fn n(&self) -> String {
        format!("{} clusters", self.groups)
    }

    fn draw(&self, rng: &mut Rng, drop: f64) -> Variants {
        let mut pairs = Vec::new();
        for group in 0..self.groups {
            let drop = drop - self.common(rng);
            pairs.push((0..self.sizes.of(group)).map(|_| self.pair(rng, drop)).collect());
        }
        clustered(pairs)
    }
}

/// Variants from each cluster's items.
pub(crate) fn clustered(pairs: Vec<Vec<(f64, f64)>>) -> Variants {
    let clusters = pairs.iter().zip(0_u64..);
    let clusters: Vec<u64> = clusters.flat_map(|(of, name)| vec![name; of.len()]).collect();
    let named = |(item, cluster): (ItemScore, &u64)| ItemScore { cluster: Some(*cluster), ..item };
    variants(pairs.into_iter().flatten())
        .map(|variant| variant.into_iter().zip(&clusters).map(named).collect())
}
