//! Some rows of a file, in the order in which a reader comes to them.

use std::ops::Range;

/// Positions of rows in a file.
pub(super) struct WantedRows {
    /// Ascending, each once.
    rows: Vec<u64>,
    /// How many of them lie behind.
    passed: usize,
}

impl WantedRows {
    pub(super) fn new(mut rows: Vec<u64>) -> Self {
        rows.sort_unstable();
        rows.dedup();
        Self { rows, passed: 0 }
    }

    /// Whether one is among the next `n` rows, from `first` on.
    pub(super) fn any_in(&self, first: u64, n: usize) -> bool {
        self.rows.get(self.passed).is_some_and(|row| *row < first + n as u64)
    }

    /// The next ones that stand side by side, at most so many, counted from the row `first`; of the next `n`
    /// rows. An empty one at their end where there are none.
    pub(super) fn next_run(&mut self, first: u64, n: usize, most: usize) -> Range<usize> {
        let end = first + n as u64;
        let rest = &self.rows[self.passed..];
        let Some(start) = rest.first().copied().filter(|row| *row < end) else { return n..n };
        let run = rest.iter().zip(start..end.min(start + most as u64));
        let length = run.take_while(|(row, expected)| *row == expected).count();
        self.passed += length;
        let offset = usize::try_from(start.saturating_sub(first)).unwrap_or(n);
        offset..offset + length
    }
}
