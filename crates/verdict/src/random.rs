//! Seeded bits: the same on every machine, and from each stream whatever the others do.

/// The generator splitmix64 (Steele, Lea, Flood, OOPSLA 2014): a counter, scrambled.
pub(crate) struct SplitMix(u64);

impl SplitMix {
    /// One of many streams of a seed, so that no thread sees another's.
    pub(crate) fn stream(seed: u64, stream: u32) -> Self {
        Self(scramble(seed ^ scramble(u64::from(stream))))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scramble(self.0)
    }
}

/// Its finaliser: every bit of the result depends on every bit of `x`.
pub(crate) fn scramble(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// What tells an item apart where units are drawn or flipped: its cluster, or else its key.
pub(crate) fn unit_of(key: u128, cluster: Option<u64>) -> u64 {
    match cluster {
        Some(cluster) => scramble(cluster ^ 0x5851_f42d_4c95_7f2d),
        None => fold(key),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves of a key, one after the other")]
fn fold(key: u128) -> u64 {
    scramble(scramble(key as u64).wrapping_add((key >> 64) as u64))
}
