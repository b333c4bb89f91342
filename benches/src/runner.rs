//! Repeats: how many, each with a seed of its own, on all threads.

use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};
use rayon::prelude::*;

/// The generator of a repeat; the same numbers on every machine and in every release.
pub(crate) type Rng = Xoshiro256PlusPlus;

/// How many repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// All of them.
    Full,
    /// A sixtieth: under a minute in release.
    Quick,
    /// A two-hundredth, and nothing large: for unoptimised code.
    Glance,
}

impl Effort {
    fn of(self, full: u32) -> u32 {
        match self {
            Self::Full => full,
            Self::Quick => full.div_ceil(60),
            Self::Glance => full.div_ceil(200),
        }
    }
}

/// Repeats experiments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Runner {
    pub(crate) seed: u64,
    pub(crate) effort: Effort,
}

/// How often each of several things happened, as shares of the repeats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shares<const N: usize> {
    pub(crate) of: [f64; N],
    pub(crate) repeats: u32,
}

impl Runner {
    /// How many repeats there are when the full grid has so many.
    pub(crate) fn repeats(self, full: u32) -> u32 {
        self.effort.of(full)
    }

    /// The mean of what `once` counts.
    pub(crate) fn mean(
        self,
        label: &str,
        full: u32,
        once: impl Fn(&mut Rng) -> usize + Sync,
    ) -> f64 {
        let repeats = self.effort.of(full);
        let stream = mixed(self.seed ^ hash(label));
        let counted = |repeat: u32| {
            let mut rng = Rng::seed_from_u64(mixed(stream ^ u64::from(repeat)));
            once(&mut rng)
        };
        let total: usize = (0..repeats).into_par_iter().map(counted).sum();
        total as f64 / f64::from(repeats)
    }

    /// What `once` returns, of every repeat.
    pub(crate) fn each<T: Send>(
        self,
        label: &str,
        full: u32,
        once: impl Fn(&mut Rng) -> T + Sync,
    ) -> Vec<T> {
        let stream = mixed(self.seed ^ hash(label));
        let seeded = |repeat: u32| once(&mut Rng::seed_from_u64(mixed(stream ^ u64::from(repeat))));
        (0..self.effort.of(full)).into_par_iter().map(seeded).collect()
    }

    /// Repeats `once`; `label` tells the experiment's random numbers from all others'.
    pub(crate) fn shares<const N: usize>(
        self,
        label: &str,
        full: u32,
        once: impl Fn(&mut Rng) -> [bool; N] + Sync,
    ) -> Shares<N> {
        let repeats = self.effort.of(full);
        let stream = mixed(self.seed ^ hash(label));
        let counted = |repeat: u32| {
            let mut rng = Rng::seed_from_u64(mixed(stream ^ u64::from(repeat)));
            once(&mut rng).map(u32::from)
        };
        let both = |a: [u32; N], b: [u32; N]| std::array::from_fn(|i| a[i] + b[i]);
        let counts = (0..repeats).into_par_iter().map(counted).reduce(|| [0; N], both);
        Shares { of: counts.map(|count| f64::from(count) / f64::from(repeats)), repeats }
    }
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

/// The finaliser of splitmix64: neighbouring seeds end far apart.
pub(crate) fn mixed(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
