//! A sample of a dataset's rows: drawn by a seed and the items themselves, so that the order of the rows
//! decides nothing.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    sync::Arc,
};

use super::{SelectedRows, Selection, column_text, uniform};
use crate::{
    dataset::{
        DatasetError, DatasetSpec,
        items::content_hash,
        row_set::RowSet,
        scratch::{ScratchRecord, SortedRuns},
    },
    fields::Fields,
};

/// How many rows are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Amount {
    /// So many, or all where there are fewer.
    Rows(u64),
    /// This share of them, in (0, 1].
    Share(f64),
}

/// A sample, as a suite asks for it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) amount: Amount,
    pub(crate) seed: u64,
    /// The column whose values keep their shares.
    pub(crate) stratify: Option<String>,
}

/// A row that may be drawn; those of a stratum follow each other in the order of drawing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    /// The number of its stratum.
    stratum: u64,
    /// Its place in the order of drawing.
    key: u64,
    /// Its place in the file, from 0.
    row: u64,
}

impl ScratchRecord for Candidate {
    fn write(self, to: &mut impl Write) -> io::Result<()> {
        [self.stratum, self.key, self.row].into_iter().try_for_each(|part| part.write(to))
    }

    fn read(from: &mut impl Read) -> io::Result<Self> {
        let (stratum, key, row) = (u64::read(from)?, u64::read(from)?, u64::read(from)?);
        Ok(Self { stratum, key, row })
    }
}

/// A group of rows that keeps its share.
struct Stratum {
    number: u64,
    n_rows: usize,
}

/// Which rows are drawn, by their place among all; `None` where all are taken.
pub(crate) fn drawn(
    spec: &Arc<DatasetSpec>,
    selection: &Selection,
) -> Result<Option<Arc<RowSet>>, DatasetError> {
    let Some(sample) = &selection.sample else { return Ok(None) };
    selection.drawn.get_or_init(|| draw(spec, sample)).clone().map(Some)
}

fn draw(spec: &Arc<DatasetSpec>, sample: &Sample) -> Result<Arc<RowSet>, DatasetError> {
    let unkept = |error: io::Error| spec.scratch_error(&error);
    let mut strata: BTreeMap<String, Stratum> = BTreeMap::new();
    let mut candidates = SortedRuns::new(spec.scratch);
    for selected in SelectedRows::undrawn(spec)? {
        let (row, fields) = selected?;
        let wrong = |message| spec.error_of_row(row, message);
        let key = identity(spec, &fields).map_err(wrong)?;
        let key = uniform(sample.seed, "evalmark dataset sample v1", &key);
        let name = match &sample.stratify {
            None => String::new(),
            Some(column) => column_text(&fields, column).map_err(wrong)?,
        };
        let number = strata.len() as u64;
        let stratum = strata.entry(name).or_insert(Stratum { number, n_rows: 0 });
        stratum.n_rows += 1;
        let candidate = Candidate { stratum: stratum.number, key, row: row - 1 };
        candidates.push(candidate).map_err(unkept)?;
    }
    let counts: Vec<usize> = strata.values().map(|stratum| stratum.n_rows).collect();
    let drawn = shares(&counts, sample.amount);
    let mut left: Vec<(u64, usize)> =
        strata.values().map(|stratum| stratum.number).zip(drawn).collect();
    left.sort_unstable();
    first_of_each(candidates, &left).map(Arc::new).map_err(unkept)
}

/// The rows of the first candidates of each stratum: so many of the one with this number, in the order of
/// numbers.
fn first_of_each(
    mut candidates: SortedRuns<Candidate>,
    amounts: &[(u64, usize)],
) -> io::Result<RowSet> {
    let mut taken = RowSet::default();
    let mut amounts = amounts.iter().copied();
    let (mut stratum, mut left) = (None, 0);
    for candidate in candidates.sorted()? {
        let candidate = candidate?;
        if stratum != Some(candidate.stratum) {
            stratum = Some(candidate.stratum);
            left = amounts.find(|(number, _)| *number == candidate.stratum).map_or(0, |of| of.1);
        }
        if left > 0 {
            taken.insert(candidate.row);
            left -= 1;
        }
    }
    Ok(taken)
}

/// What an item is known by: its id, or what makes it what it is.
pub(super) fn identity(spec: &DatasetSpec, row: &Fields) -> Result<String, String> {
    match &spec.id {
        Some(column) => column_text(row, column),
        None => Ok(content_hash(spec, row).to_string()),
    }
}

/// How many rows of each stratum are drawn: in proportion, and what rounding leaves over goes to the
/// largest remainders.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count is a count"
)]
fn shares(counts: &[usize], amount: Amount) -> Vec<usize> {
    let all: usize = counts.iter().sum();
    let wanted = match amount {
        Amount::Rows(rows) => usize::try_from(rows).unwrap_or(usize::MAX).min(all),
        Amount::Share(share) => ((share * all as f64).round() as usize).clamp(all.min(1), all),
    };
    let exact = |count: usize| count as u128 * wanted as u128;
    let divisor = all.max(1) as u128;
    let mut drawn: Vec<usize> =
        counts.iter().map(|count| (exact(*count) / divisor) as usize).collect();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|at| (std::cmp::Reverse(exact(counts[*at]) % divisor), *at));
    let left_over = wanted - drawn.iter().sum::<usize>();
    for at in order.into_iter().take(left_over) {
        drawn[at] += 1;
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strata_keep_their_shares() {
        let check = |counts: &[usize], amount: Amount, expected: &[usize]| {
            assert_eq!(shares(counts, amount), expected, "{counts:?} {amount:?}");
        };
        check(&[80, 20], Amount::Rows(10), &[8, 2]);
        check(&[80, 20], Amount::Share(0.1), &[8, 2]);
        check(&[1, 1, 1], Amount::Rows(2), &[1, 1, 0]);
        check(&[97, 2, 1], Amount::Rows(50), &[49, 1, 0]);
        check(&[3, 4], Amount::Rows(100), &[3, 4]);
        check(&[3], Amount::Share(0.01), &[1]);
        check(&[], Amount::Rows(5), &[]);
        check(&[7], Amount::Rows(0), &[0]);
    }
}
