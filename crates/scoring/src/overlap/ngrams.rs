//! N-grams of several sequences, numbered, order after order.

use std::{collections::HashMap, hash::Hash};

use super::TooLong;

/// The most n-grams that are counted: well below a second.
const MAX_GRAMS: usize = 6_000_000;

/// All n-grams of one order of several sequences; the same n-gram has the same number in each.
pub(crate) struct NGrams {
    tokens: Vec<Vec<u32>>,
    order: usize,
    grams: Vec<Vec<u32>>,
    n_distinct: usize,
}

impl NGrams {
    /// Those of order 1, where counting them up to an order is little enough work.
    pub(crate) fn new<T: Hash + Eq>(
        sequences: impl IntoIterator<Item = impl IntoIterator<Item = T>>,
        max_order: usize,
    ) -> Result<Self, TooLong> {
        let mut known = HashMap::new();
        let sequences = sequences.into_iter();
        let tokens: Vec<Vec<u32>> =
            sequences.map(|tokens| numbers(&mut known, tokens.into_iter())).collect();
        let n_tokens: usize = tokens.iter().map(Vec::len).sum();
        if n_tokens.saturating_mul(max_order) > MAX_GRAMS {
            return Err(TooLong);
        }
        Ok(Self { grams: tokens.clone(), order: 1, n_distinct: known.len(), tokens })
    }

    /// Goes on to the next order.
    pub(crate) fn lengthen(&mut self) {
        let mut known = HashMap::new();
        for (grams, tokens) in self.grams.iter_mut().zip(&self.tokens) {
            let next = tokens.iter().skip(self.order);
            *grams = numbers(&mut known, grams.iter().copied().zip(next.copied()));
        }
        self.order += 1;
        self.n_distinct = known.len();
    }

    /// How many n-grams a sequence has.
    pub(crate) fn n_grams(&self, sequence: usize) -> usize {
        self.grams[sequence].len()
    }

    /// How often each n-gram is in a sequence.
    pub(crate) fn counts(&self, sequence: usize) -> Vec<u32> {
        let mut counts = vec![0; self.n_distinct];
        for gram in &self.grams[sequence] {
            counts[*gram as usize] += 1;
        }
        counts
    }
}

/// The size of the intersection of two multisets of n-grams.
pub(crate) fn shared(a: &[u32], b: &[u32]) -> u64 {
    a.iter().zip(b).map(|(a, b)| u64::from(*a.min(b))).sum()
}

/// The numbers of things, in the order in which they first appear.
fn numbers<T: Hash + Eq>(known: &mut HashMap<T, u32>, things: impl Iterator<Item = T>) -> Vec<u32> {
    known.reserve(things.size_hint().0);
    things
        .map(|thing| {
            let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
            *known.entry(thing).or_insert(next)
        })
        .collect()
}
