//! A seeded draw of some records out of any number, each of production with the same chance, whatever share of
//! their texts was kept.
//!
//! Of each the key is an exponential variable whose rate is the record's weight, and those with the least keys are
//! drawn (Efraimidis and Spirakis, 2006). Memory holds what is drawn, and no more.

use std::{cmp::Ordering, collections::BinaryHeap};

/// A record with its key.
struct Drawn<T> {
    key: f64,
    id: String,
    record: T,
}

/// Draws up to so many.
pub(super) struct Draw<T> {
    most: usize,
    seed: u64,
    heap: BinaryHeap<Drawn<T>>,
}

impl<T> Draw<T> {
    pub(super) fn new(most: usize, seed: u64) -> Self {
        Self { most, seed, heap: BinaryHeap::new() }
    }

    /// Offers a record that was kept with this chance; it is made where it is drawn.
    pub(super) fn offer(&mut self, id: &str, kept: f64, record: impl FnOnce() -> T) {
        let key = -uniform(self.seed, id).ln() * kept;
        let is_full = self.heap.len() >= self.most;
        let is_behind = |last: &Drawn<T>| (key, id) >= (last.key, last.id.as_str());
        if is_full && self.heap.peek().is_none_or(is_behind) {
            return;
        }
        self.heap.push(Drawn { key, id: id.to_owned(), record: record() });
        if self.heap.len() > self.most {
            self.heap.pop();
        }
    }

    /// What was drawn; whoever takes only the first of them has drawn so many.
    pub(super) fn finish(self) -> impl Iterator<Item = T> {
        self.heap.into_sorted_vec().into_iter().map(|drawn| drawn.record)
    }
}

/// A number above 0 and at most 1 that follows from a seed and an id alone.
fn uniform(seed: u64, id: &str) -> f64 {
    let mut hasher = blake3::Hasher::new_derive_key("evalmark cases from logs v1");
    hasher.update(&seed.to_le_bytes()).update(id.as_bytes());
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    // 53 bits, which a float holds exactly.
    ((u64::from_le_bytes(bytes) >> 11) + 1) as f64 / 2_f64.powi(53)
}

impl<T> PartialEq for Drawn<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Drawn<T> {}

impl<T> PartialOrd for Drawn<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Drawn<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.total_cmp(&other.key).then_with(|| self.id.cmp(&other.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(most: usize, seed: u64, offered: impl Iterator<Item = (usize, f64)>) -> Vec<usize> {
        let mut draw = Draw::new(most, seed);
        for (at, kept) in offered {
            draw.offer(&format!("r{at}"), kept, || at);
        }
        draw.finish().collect()
    }

    #[test]
    fn a_draw_follows_from_its_seed_and_not_from_the_order() {
        let forward = draw(50, 1, (0..10_000).map(|at| (at, 1.0)));
        assert_eq!(forward.len(), 50);
        assert_eq!(forward, draw(50, 1, (0..10_000).rev().map(|at| (at, 1.0))));
        assert_ne!(forward, draw(50, 2, (0..10_000).map(|at| (at, 1.0))));
        assert_eq!(draw(20, 1, (0..10_000).map(|at| (at, 1.0))), forward[..20]);
        assert_eq!(draw(5, 1, (0..3).map(|at| (at, 1.0))).len(), 3);
    }

    /// A stratum of which a tenth was kept stands for ten times as many records.
    #[test]
    fn what_was_rarely_kept_counts_for_more() {
        let offered = |at: usize| (at, if at < 1_000 { 1.0 } else { 0.1 });
        let drawn = draw(400, 3, (0..2_000).map(offered));
        let rare = drawn.iter().filter(|at| **at >= 1_000).count();
        // About 400 × 10/11, less what is drawn without putting back: 332 of 400, give or take 9.
        assert!((300..370).contains(&rare), "{rare}");
    }
}
