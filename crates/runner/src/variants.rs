//! Reads the scores of a run or baseline, and what its answers took, variant by variant.

use std::path::Path;

use evalmark_core::{item::Item, suite::Amount};
use evalmark_report::{
    ReadError,
    coded_texts::RowSubject,
    gathered_rows::{AnswerUsage, ScoreRows, UsageRows, gather_scores, gather_usage},
    scores::item_ids_at,
};
use evalmark_verdict::{AnswerScore, ItemScore, RunScores, Variant};

use evalmark_store::run_folder::RunFolder;

use crate::{
    error::{Advised, Hinted, Result},
    score_rows::{RowBlock, Variants},
};

/// Why the rows of a run cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadRowsError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] ReadError),
    /// An item's hash is none, so that nobody knows what the item holds.
    #[error("item `{item_id}`: `{hash}` is not the hash of an item")]
    ItemHash {
        /// The item's id.
        item_id: String,
        /// What stands in its place.
        hash: String,
    },
}

impl Advised for ReadRowsError {}

/// Reads every variant of a `scores.parquet`, in the file's order. The items' ids stay in the file.
pub fn read_variants(path: &Path) -> Result<Vec<Variant>> {
    read_variants_like(path, &[])
}

/// The same, sharing the items of other variants where they are the same.
pub(crate) fn read_variants_like(path: &Path, like: &[Variant]) -> Result<Vec<Variant>> {
    read_rows(path, like, false, |_, _| true)
}

/// Reads every variant of a `scores.parquet`, in the file's order, with the items' ids.
pub(crate) fn read_named_variants(path: &Path, like: &[Variant]) -> Result<Vec<Variant>> {
    read_rows(path, like, true, |_, _| true)
}

/// Reads every variant with the items that `keep` chooses by id and cluster.
pub(crate) fn read_some_variants(
    path: &Path,
    keep: impl Fn(&str, Option<&str>) -> bool + Sync,
) -> Result<Vec<Variant>> {
    read_rows(path, &[], false, |subject, _| keep(subject.item_id, subject.cluster))
}

/// Reads every variant twice: what its even epochs scored, and what its odd ones did.
pub(crate) fn read_halves(path: &Path) -> Result<[Vec<Variant>; 2]> {
    let half = |like: &[Variant], odd: bool| {
        read_rows(path, like, false, |_, epoch| (epoch % 2 == 1) == odd)
    };
    let even = half(&[], false)?;
    let odd = half(&even, true)?;
    Ok([even, odd])
}

fn read_rows(
    path: &Path,
    like: &[Variant],
    keeps_ids: bool,
    keep: impl Fn(&RowSubject<'_>, u32) -> bool + Sync,
) -> Result<Vec<Variant>> {
    let mut variants = Variants::like(like);
    let make = |rows: &ScoreRows<'_>| block_of(rows, keeps_ids, &keep);
    gather_scores::<_, ReadRowsError>(path, make, |block| {
        variants.take(block);
        Ok(())
    })
    .with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(variants.finish())
}

/// The rows of one part of a file that `keep` chooses.
fn block_of(
    rows: &ScoreRows<'_>,
    keeps_ids: bool,
    keep: impl Fn(&RowSubject<'_>, u32) -> bool,
) -> Result<RowBlock, ReadRowsError> {
    let mut block = RowBlock::new(rows.n_rows, keeps_ids);
    let mut start = 0;
    while start < rows.height {
        let subject = rows.subjects.get(start)?;
        let end = rows.subjects.same_until(start);
        let mut is_turned = false;
        for row in start..end {
            if !keep(&subject, rows.epoch(row)?) {
                continue;
            }
            if !is_turned {
                block.turn_to(&subject, rows.first_row + row as u64);
                is_turned = true;
            }
            let metric = block.coded_metric(&rows.metric, row)?;
            let counts = rows.counts(row)?;
            let (score, label) = (rows.score(row), rows.label(row));
            let answer = AnswerScore { score, label, counts: counts.as_deref() };
            block.push(metric, rows.applies(row).then_some(answer))?;
        }
        start = end;
    }
    Ok(block)
}

/// Reads what the answers took, variant by variant, out of a `samples.parquet` or `usage.parquet`: the
/// amounts take the place of metrics.
pub(crate) fn read_usage(path: &Path, like: &[Variant]) -> Result<Vec<Variant>> {
    let mut variants = Variants::like(like);
    gather_usage::<_, ReadRowsError>(path, usage_block_of, |block| {
        variants.take(block);
        Ok(())
    })
    .with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(variants.finish())
}

fn usage_block_of(rows: &UsageRows<'_>) -> Result<RowBlock, ReadRowsError> {
    let mut block = RowBlock::new(rows.n_rows, false);
    for row in 0..rows.height {
        block.turn_to(&rows.subjects.get(row)?, rows.first_row + row as u64);
        let usage = rows.get(row)?;
        for amount in Amount::ALL {
            let metric = block.metric(amount.name());
            let score = amount_of(&usage, amount);
            block.push(metric, Some(AnswerScore { score, ..AnswerScore::default() }))?;
        }
    }
    Ok(block)
}

fn amount_of(usage: &AnswerUsage, amount: Amount) -> Option<f64> {
    match amount {
        Amount::LatencyP95 => usage.latency_ms,
        Amount::FirstTokenP95 => usage.first_token_ms,
        Amount::TokensPerSecond => usage.tokens_per_second,
        Amount::CostUsd => usage.cost_usd,
        Amount::OutputTokens => usage.output_tokens.map(|tokens| tokens as f64),
    }
}

/// The files of runs that were read, to look up what the few items are called that are named.
pub(crate) struct NameFiles<'a>(pub Vec<(&'a [Variant], std::path::PathBuf)>);

impl<'a> NameFiles<'a> {
    /// Those of a run.
    pub(crate) fn of(scores: &'a RunScores, folder: &RunFolder) -> Self {
        Self(vec![(&scores.scores, folder.scores()), (&scores.usage, folder.usage())])
    }

    /// With those of another one.
    #[must_use]
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The ids in these rows of the file of a variant.
    pub(crate) fn find(&self, variant: &Variant, rows: &[u64]) -> Result<Vec<String>> {
        let is_it = |known: &Variant| std::ptr::eq(known, variant);
        let Some((_, path)) = self.0.iter().find(|(known, _)| known.iter().any(is_it)) else {
            return Ok(vec![String::new(); rows.len()]);
        };
        let ids = item_ids_at(path, rows);
        ids.with_context(|| format!("{} cannot be read", path.display()))
    }
}

/// An item's key, the same wherever it is computed.
pub(crate) fn key(item_id: &str) -> u128 {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&blake3::hash(item_id.as_bytes()).as_bytes()[..16]);
    u128::from_le_bytes(bytes)
}

/// A cluster's key, the same wherever it is computed.
pub(crate) fn cluster_key(cluster: &str) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&blake3::hash(cluster.as_bytes()).as_bytes()[..8]);
    u64::from_le_bytes(bytes)
}

/// An item before it is asked.
pub(crate) fn unscored(item: &Item) -> ItemScore {
    ItemScore {
        key: key(&item.id),
        content: u128::from_be_bytes(item.hash.0),
        cluster: item.cluster.as_deref().map(cluster_key),
        sum: 0.0,
        n_scored: 0,
        n_planned: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two items of which nobody knows what they hold are never the same.
    #[test]
    fn what_is_no_hash_is_an_error() {
        for (item_hash, content) in [("ff", Some(255)), ("", None), ("-1", None), ("xyz", None)] {
            let subject =
                RowSubject { item_id: "a", item_hash, cluster: None, prompt: "p", model: "m" };
            let push = |answer| {
                let mut block = RowBlock::new(1, false);
                block.turn_to(&subject, 0);
                let metric = block.metric("exact");
                let pushed = block.push(metric, answer);
                let mut variants = Variants::default();
                variants.take(block);
                pushed.map(|()| variants.finish()[0].items().next())
            };
            let found = push(Some(AnswerScore::default()));
            let error = found.as_ref().err().map(ToString::to_string);
            let expected = format!("item `a`: `{item_hash}` is not the hash of an item");
            assert_eq!(error, content.is_none().then_some(expected));
            assert_eq!(found.ok().flatten(), content.map(|content| (key("a"), content)));
            // Where no metric concerns the item, its hash plays no part.
            assert!(push(None).is_ok());
        }
    }
}
