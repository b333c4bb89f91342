//! A sample of a dataset's rows: drawn by a seed and the items themselves, so that the order of the rows
//! decides nothing.

use std::{collections::BTreeMap, sync::Arc};

use super::{SelectedRows, Selection, column_text, uniform};
use crate::{
    dataset::{DatasetError, DatasetSpec, items::content_hash},
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

/// A row that may be drawn.
struct Candidate {
    /// Its place in the order of drawing.
    key: u64,
    /// Its place in the file, from 0.
    row: u64,
}

/// Which rows are drawn, by their place among all; `None` where all are taken.
pub(super) fn drawn(
    spec: &Arc<DatasetSpec>,
    selection: &Selection,
) -> Result<Option<Arc<[bool]>>, DatasetError> {
    let Some(sample) = &selection.sample else { return Ok(None) };
    selection.drawn.get_or_init(|| draw(spec, sample)).clone().map(Some)
}

fn draw(spec: &Arc<DatasetSpec>, sample: &Sample) -> Result<Arc<[bool]>, DatasetError> {
    let mut strata: BTreeMap<String, Vec<Candidate>> = BTreeMap::new();
    let mut rows = SelectedRows::undrawn(spec)?;
    for selected in rows.by_ref() {
        let (row, fields) = selected?;
        let wrong = |message| spec.error_of_row(row, message);
        let key = identity(spec, &fields).map_err(wrong)?;
        let key = uniform(sample.seed, "evalmark dataset sample v1", &key);
        let stratum = match &sample.stratify {
            None => String::new(),
            Some(column) => column_text(&fields, column).map_err(wrong)?,
        };
        strata.entry(stratum).or_default().push(Candidate { key, row: row - 1 });
    }
    let n_rows = usize::try_from(rows.n_read()).unwrap_or(usize::MAX);
    let counts: Vec<usize> = strata.values().map(Vec::len).collect();
    let mut taken = vec![false; n_rows];
    for (mut candidates, count) in strata.into_values().zip(shares(&counts, sample.amount)) {
        candidates.sort_unstable_by_key(|candidate| (candidate.key, candidate.row));
        for candidate in candidates.iter().take(count) {
            if let Some(place) =
                usize::try_from(candidate.row).ok().and_then(|at| taken.get_mut(at))
            {
                *place = true;
            }
        }
    }
    Ok(taken.into())
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
