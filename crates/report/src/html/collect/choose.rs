//! Which samples of a run the page holds: all of them, or of a large run those that flipped, those
//! that fail, and a seeded sample of the rest.

use std::collections::{BTreeSet, BinaryHeap};

use evalmark_core::verdict::{Measure, Verdict};

use crate::coded_texts::RowSubject;

/// The most samples that a page holds.
const MOST: usize = 10_000;
/// The most scores, which take room too.
const MOST_SCORES: usize = 80_000;
/// Of a large run's samples, the share of places that those that fail may take.
const FAILING_SHARE: f64 = 0.7;
/// Names the order in which samples are taken.
const SEED: &[u8] = b"samples of a page, 1";

/// A prompt, a model and an item.
type Flipped = (String, String, String);

/// The items that a verdict names, with prompt and model.
pub(super) struct FlippedItems(BTreeSet<Flipped>);

/// Chooses samples as they go by.
pub(super) struct Choice {
    flips: Vec<u64>,
    failing: FirstFew,
    rest: FirstFew,
    most: usize,
}

/// What is known of a sample while it goes by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// Its position among all samples.
    pub(super) row: u64,
    is_flipped: bool,
    priority: u64,
    /// Whether a score fails it.
    pub(super) fails: bool,
}

impl Candidate {
    pub(super) fn new(
        flipped: &FlippedItems,
        row: u64,
        about: &RowSubject<'_>,
        fails: bool,
    ) -> Self {
        let (is_flipped, priority) = (flipped.contains(about), priority(about.item_hash));
        Self { row, is_flipped, priority, fails }
    }
}

impl FlippedItems {
    pub(super) fn of(verdict: Option<&Verdict>) -> Self {
        let comparisons = verdict.iter().flat_map(|verdict| &verdict.comparisons);
        let flipped = comparisons
            .filter(|comparison| comparison.measure == Measure::Difference)
            .flat_map(|comparison| {
                let name = |item: &str| {
                    let (prompt, model) = (comparison.prompt.clone(), comparison.model.clone());
                    (prompt, model, item.to_owned())
                };
                comparison.flips.iter().map(move |flip| name(&flip.item_id))
            });
        Self(flipped.collect())
    }

    fn contains(&self, about: &RowSubject<'_>) -> bool {
        // Names become owned for a look-up alone where there is one to find.
        !self.0.is_empty() && {
            let [prompt, model, item] =
                [about.prompt, about.model, about.item_id].map(str::to_owned);
            self.0.contains(&(prompt, model, item))
        }
    }
}

impl Choice {
    pub(super) fn new(n_metrics: usize) -> Self {
        let most = MOST.min(MOST_SCORES / n_metrics.max(1)).max(1);
        let (failing, rest) = (FirstFew::new(most), FirstFew::new(most));
        Self { flips: Vec::new(), failing, rest, most }
    }

    /// Takes the next sample in: first of all those that the verdict names.
    pub(super) fn see(&mut self, sample: Candidate) {
        if sample.is_flipped && self.flips.len() < self.most {
            self.flips.push(sample.row);
        } else if sample.fails {
            self.failing.push(sample.priority, sample.row);
        } else {
            self.rest.push(sample.priority, sample.row);
        }
    }

    /// Positions of the samples that were chosen, ascending.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of few")]
    pub(super) fn finish(self) -> Vec<u64> {
        let mut rows = self.flips;
        let [failing, rest] = [self.failing.sorted(), self.rest.sorted()];
        let room = self.most.saturating_sub(rows.len());
        let least = (room as f64 * FAILING_SHARE) as usize;
        let n_failing = failing.len().min(least.max(room.saturating_sub(rest.len())));
        rows.extend(&failing[..n_failing]);
        rows.extend(rest.iter().take(room - n_failing));
        rows.sort_unstable();
        rows
    }
}

/// Where an item stands in the seeded order. It is the same under every prompt and model, so that
/// they can be read side by side.
fn priority(item_hash: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(SEED).update(item_hash.as_bytes());
    let bytes = hasher.finalize();
    let first = bytes.as_bytes().first_chunk().copied().unwrap_or_default();
    u64::from_be_bytes(first)
}

/// The first few of a seeded order, out of any number.
struct FirstFew {
    kept: BinaryHeap<(u64, u64)>,
    most: usize,
}

impl FirstFew {
    fn new(most: usize) -> Self {
        Self { kept: BinaryHeap::new(), most }
    }

    fn push(&mut self, priority: u64, row: u64) {
        if self.kept.len() == self.most {
            if self.kept.peek().is_some_and(|last| *last <= (priority, row)) {
                return;
            }
            self.kept.pop();
        }
        self.kept.push((priority, row));
    }

    /// Their positions, first in order first.
    fn sorted(self) -> Vec<u64> {
        self.kept.into_sorted_vec().into_iter().map(|(_, row)| row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(n: u64, fails: impl Fn(u64) -> bool) -> Vec<u64> {
        let (mut choice, flipped) = (Choice::new(2), FlippedItems::of(None));
        for row in 0..n {
            let (item_id, item_hash) = (&*format!("i{row}"), &*format!("{row:032x}"));
            let (prompt, model, cluster) = ("p", "m", None);
            let about = RowSubject { item_id, item_hash, cluster, prompt, model };
            choice.see(Candidate::new(&flipped, row, &about, fails(row)));
        }
        choice.finish()
    }

    #[test]
    fn a_small_run_is_whole() {
        assert_eq!(chosen(1_000, |row| row % 3 == 0), (0..1_000).collect::<Vec<_>>());
        assert_eq!(chosen(MOST as u64, |_| true).len(), MOST);
    }

    #[test]
    fn of_a_large_run_most_places_go_to_failures() {
        let rows = chosen(50_000, |row| row % 2 == 0);
        let failing = rows.iter().filter(|row| *row % 2 == 0).count();
        assert_eq!((rows.len(), failing), (MOST, 7_000));
        // Where few fail, all of them are there.
        let rows = chosen(50_000, |row| row % 100 == 0);
        let failing = rows.iter().filter(|row| *row % 100 == 0).count();
        assert_eq!((rows.len(), failing), (MOST, 500));
        assert_eq!(rows, chosen(50_000, |row| row % 100 == 0), "the same again");
        // They come from everywhere.
        let first_half = rows.iter().filter(|row| **row < 25_000).count();
        assert!((4_500..5_500).contains(&first_half), "{first_half}");
    }
}
