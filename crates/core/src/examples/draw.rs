//! Drawing without replacement from a stream of BLAKE3, the same on every machine and in every version.

use std::collections::HashMap;

/// A stream of numbers that a seed and an item decide.
pub(super) struct Draw(blake3::OutputReader);

impl Draw {
    pub(super) fn new(seed: u64, item: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("evalmark examples v1");
        hasher.update(&seed.to_le_bytes());
        hasher.update(item);
        Self(hasher.finalize_xof())
    }

    /// A number below `n`, which is not 0.
    fn below(&mut self, n: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        let scaled = (u128::from(u64::from_le_bytes(bytes)) * n as u128) >> 64;
        usize::try_from(scaled).unwrap_or_default()
    }
}

/// The numbers below `n` in a drawn order, of which only as much is made as is asked for.
pub(super) struct Shuffled {
    next: usize,
    n: usize,
    /// What stands where it was not from the beginning.
    moved: HashMap<usize, usize>,
}

impl Shuffled {
    pub(super) fn new(n: usize) -> Self {
        Self { next: 0, n, moved: HashMap::new() }
    }

    pub(super) fn next(&mut self, draw: &mut Draw) -> Option<usize> {
        let at = self.next;
        let left = self.n.checked_sub(at).filter(|left| *left > 0)?;
        let from = at + draw.below(left);
        let stands = |moved: &HashMap<usize, usize>, place| *moved.get(&place).unwrap_or(&place);
        let (drawn, pushed) = (stands(&self.moved, from), stands(&self.moved, at));
        self.moved.insert(from, pushed);
        self.next += 1;
        Some(drawn)
    }

    /// All of them.
    pub(super) fn all(mut self, draw: &mut Draw) -> impl Iterator<Item = usize> {
        std::iter::from_fn(move || self.next(draw)).collect::<Vec<_>>().into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_has_every_number_once_and_stays_the_same() {
        let shuffled = |seed, item: &[u8]| -> Vec<_> {
            Shuffled::new(6).all(&mut Draw::new(seed, item)).collect()
        };
        for seed in 0..200 {
            let mut sorted = shuffled(seed, b"item");
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4, 5]);
        }
        assert_eq!(shuffled(7, b"item"), shuffled(7, b"item"));
        assert_ne!(shuffled(7, b"item"), shuffled(8, b"item"));
        // What requests, and so their hashes, are made of: never to change.
        assert_eq!(shuffled(0, b""), [4, 1, 2, 3, 0, 5]);
    }

    #[test]
    fn every_number_is_drawn_about_as_often() {
        let mut counts = [0_u32; 5];
        for item in 0..5000_u32 {
            let mut draw = Draw::new(1, &item.to_le_bytes());
            counts[Shuffled::new(5).next(&mut draw).expect("one")] += 1;
        }
        assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
    }
}
