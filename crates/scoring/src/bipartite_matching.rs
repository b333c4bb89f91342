//! Pairing the elements of two lists, each with at most one of the other: a maximum matching in a
//! bipartite graph, by augmenting paths (Kuhn 1955; Berge 1957).
//!
//! It is needed where likeness is not transitive (within a tolerance, or "has at least these
//! fields"): there the first partner that fits may be the one that another element needs.

use std::{cell::Cell, collections::VecDeque};

/// How much work a comparison may still do. An answer of nothing but brackets must not hold up a
/// run.
#[derive(Debug)]
pub(crate) struct Budget(Cell<u64>);

impl Budget {
    /// Enough for lists of a few thousand elements in any order.
    pub(crate) const STEPS: u64 = 20_000_000;

    pub(crate) fn new() -> Self {
        Self(Cell::new(Self::STEPS))
    }

    /// Takes steps; false once they are used up. What was found after that means nothing.
    pub(crate) fn spend(&self, steps: u64) -> bool {
        let left = self.0.get().saturating_sub(steps);
        self.0.set(left);
        left > 0
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}

/// For each of `n_rows` its partner among `n_columns`; as many as possible get one.
pub(crate) fn pair(
    n_rows: usize,
    n_columns: usize,
    budget: &Budget,
    fits: impl Fn(usize, usize) -> bool,
) -> Vec<Option<usize>> {
    let mut pairing = Pairing {
        columns: vec![None; n_rows],
        rows: vec![None; n_columns],
        reached_from: vec![None; n_columns],
        budget,
        fits,
    };
    // Equal lists are most often in equal order.
    for i in 0..n_rows.min(n_columns) {
        if budget.spend(1) && (pairing.fits)(i, i) {
            pairing.join(i, i);
        }
    }
    for row in 0..n_rows {
        if pairing.columns[row].is_none() && !budget.is_spent() {
            pairing.augment(row);
        }
    }
    pairing.columns
}

struct Pairing<'b, F> {
    /// By row.
    columns: Vec<Option<usize>>,
    /// By column.
    rows: Vec<Option<usize>>,
    /// By column, from which row a search has reached it; empty between two searches.
    reached_from: Vec<Option<usize>>,
    budget: &'b Budget,
    fits: F,
}

impl<F: Fn(usize, usize) -> bool> Pairing<'_, F> {
    fn join(&mut self, row: usize, column: usize) {
        self.columns[row] = Some(column);
        self.rows[column] = Some(row);
    }

    /// Finds `row` a partner, and those a new one who lose theirs by it.
    fn augment(&mut self, row: usize) {
        let mut reached = Vec::new();
        if let Some(free) = self.search(row, &mut reached) {
            self.rejoin(free);
        }
        // Only what was reached is cleared: a short search must not cost as much as a long one.
        for column in reached {
            self.reached_from[column] = None;
        }
    }

    /// The free column that a search from `row` comes to first.
    fn search(&mut self, row: usize, reached: &mut Vec<usize>) -> Option<usize> {
        let mut queue = VecDeque::from([row]);
        while let Some(row) = queue.pop_front() {
            for column in 0..self.rows.len() {
                if !self.budget.spend(1) {
                    return None;
                }
                if self.reached_from[column].is_some() || !(self.fits)(row, column) {
                    continue;
                }
                self.reached_from[column] = Some(row);
                reached.push(column);
                match self.rows[column] {
                    Some(other) => queue.push_back(other),
                    None => return Some(column),
                }
            }
        }
        None
    }

    /// Walks back from a free column, and gives every row on the way the column it was reached by.
    fn rejoin(&mut self, free: usize) {
        let mut column = Some(free);
        while let Some(at) = column {
            let Some(row) = self.reached_from[at] else { return };
            column = self.columns[row];
            self.join(row, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The size of the largest matching, by trying everything.
    fn largest(edges: &[Vec<bool>], row: usize, taken: &mut Vec<bool>) -> usize {
        if row == edges.len() {
            return 0;
        }
        let mut best = largest(edges, row + 1, taken);
        for column in 0..taken.len() {
            if edges[row][column] && !taken[column] {
                taken[column] = true;
                best = best.max(1 + largest(edges, row + 1, taken));
                taken[column] = false;
            }
        }
        best
    }

    fn graph() -> impl Strategy<Value = (usize, Vec<Vec<bool>>)> {
        (0..6_usize, 0..6_usize).prop_flat_map(|(rows, columns)| {
            let row = prop::collection::vec(prop::bool::weighted(0.4), columns);
            (Just(columns), prop::collection::vec(row, rows))
        })
    }

    proptest! {
        #[test]
        fn a_pairing_is_as_large_as_can_be((n_columns, edges) in graph()) {
            let found = pair(edges.len(), n_columns, &Budget::new(), |r, c| edges[r][c]);
            let columns: Vec<_> = found.iter().flatten().collect();
            for (row, column) in found.iter().enumerate() {
                prop_assert!(column.is_none_or(|column| edges[row][column]));
            }
            for (i, column) in columns.iter().enumerate() {
                prop_assert!(!columns[..i].contains(column));
            }
            prop_assert_eq!(columns.len(), largest(&edges, 0, &mut vec![false; n_columns]));
        }
    }

    #[test]
    fn no_more_work_than_allowed() {
        let budget = Budget::new();
        let calls = Cell::new(0_u64);
        pair(20_000, 20_000, &budget, |_, _| {
            calls.set(calls.get() + 1);
            false
        });
        assert!(budget.is_spent() && calls.get() <= Budget::STEPS);
    }
}
