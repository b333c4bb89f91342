//! Samples in the order of a number, without holding all of them: those that come first up to a place
//! are kept, the others let go.

use crate::columns::SCORE_PREFIX;

/// What samples are put in order by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// The score of this metric.
    Score(String),
    /// Service time.
    Latency,
    /// What the answer cost.
    Cost,
}

impl SortKey {
    /// The column that holds it.
    pub(super) fn column(&self) -> String {
        match self {
            Self::Score(metric) => format!("{SCORE_PREFIX}{metric}"),
            Self::Latency => "latency_ms".to_owned(),
            Self::Cost => "cost_usd".to_owned(),
        }
    }
}

/// An order of samples. Those without a value come last either way, and those that are alike in the
/// file's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleOrder {
    /// By what.
    pub by: SortKey,
    /// Whether the largest come first.
    pub is_descending: bool,
}

impl SampleOrder {
    /// The place at which pages in an order end: each place before it takes memory.
    pub const DEEPEST: u64 = 1 << 20;
}

/// How many rows more than needed gather before the later ones are let go.
const SPARE: usize = 65_536;

/// The first rows of an order.
pub(super) struct TopRows {
    n: usize,
    is_descending: bool,
    /// What a row is sorted by, and the row.
    keys: Vec<(u64, u64)>,
    /// What rows after it need not be kept.
    last: (u64, u64),
    n_seen: u64,
}

impl TopRows {
    /// Keeps the first `n`.
    pub(super) fn new(n: u64, is_descending: bool) -> Self {
        let n = usize::try_from(n).unwrap_or(usize::MAX);
        Self { n, is_descending, keys: Vec::new(), last: (u64::MAX, u64::MAX), n_seen: 0 }
    }

    pub(super) fn push(&mut self, value: Option<f64>, row: u64) {
        self.n_seen += 1;
        let key = (rank(value, self.is_descending), row);
        if key > self.last {
            return;
        }
        self.keys.push(key);
        if self.keys.len() >= self.n.saturating_add(SPARE) {
            self.let_go();
        }
    }

    /// How many rows were put in order.
    pub(super) fn n_seen(&self) -> u64 {
        self.n_seen
    }

    /// Keeps the first ones alone.
    fn let_go(&mut self) {
        if self.n == 0 {
            self.keys.clear();
        } else if self.keys.len() > self.n {
            let (_, last, _) = self.keys.select_nth_unstable(self.n - 1);
            self.last = *last;
            self.keys.truncate(self.n);
        }
    }

    /// The rows from this place on.
    pub(super) fn finish(mut self, from: u64) -> Vec<u64> {
        self.let_go();
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        if from >= self.keys.len() {
            return Vec::new();
        }
        self.keys.select_nth_unstable(from);
        let page = &mut self.keys[from..];
        page.sort_unstable();
        page.iter().map(|(_, row)| *row).collect()
    }
}

/// A number that is the larger, the later a value comes.
fn rank(value: Option<f64>, is_descending: bool) -> u64 {
    const SIGN: u64 = 1 << 63;
    let Some(value) = value.filter(|value| !value.is_nan()) else { return u64::MAX };
    // Both zeros are alike; the bits of positive numbers are in their order, those of negative ones the
    // other way around.
    let bits = (value + 0.0).to_bits();
    let ascending = if bits & SIGN == 0 { bits | SIGN } else { !bits };
    if is_descending { !ascending } else { ascending }
}

#[cfg(test)]
mod tests {
    use super::{SPARE, TopRows, rank};

    #[test]
    fn ranks_follow_numbers_and_what_is_missing_is_last() {
        let values = [f64::NEG_INFINITY, -2.5, -1e-300, 0.0, 1e-300, 0.5, 7.0, f64::INFINITY];
        for pair in values.windows(2) {
            assert!(rank(Some(pair[0]), false) < rank(Some(pair[1]), false), "{pair:?}");
            assert!(rank(Some(pair[0]), true) > rank(Some(pair[1]), true), "{pair:?}");
        }
        for is_descending in [false, true] {
            assert_eq!(rank(Some(0.0), is_descending), rank(Some(-0.0), is_descending));
            for value in values {
                assert!(rank(Some(value), is_descending) < rank(None, is_descending));
                assert!(rank(Some(value), is_descending) < rank(Some(f64::NAN), is_descending));
            }
        }
    }

    #[test]
    fn the_first_rows_are_those_of_a_sorted_list() {
        let n = 3 * SPARE;
        let n_rows = n as u64;
        let value =
            |row: u64| (!row.is_multiple_of(11)).then(|| (row * 7_919 % 1_000) as f64 - 500.0);
        for is_descending in [false, true] {
            let mut all: Vec<u64> = (0..n_rows).collect();
            all.sort_by_key(|row| (rank(value(*row), is_descending), *row));
            for (from, size) in [(0, 50), (70, 50), (n - 20, 50), (n, 50), (5, 0)] {
                let mut top = TopRows::new((from + size) as u64, is_descending);
                for row in 0..n_rows {
                    top.push(value(row), row);
                }
                let page = all.iter().copied().skip(from).take(size);
                assert_eq!(top.n_seen(), n_rows);
                assert_eq!(top.finish(from as u64), page.collect::<Vec<_>>(), "{from}, {size}");
            }
        }
    }
}
