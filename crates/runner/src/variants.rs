//! Reads the scores of a run or baseline, and what its answers took, variant by variant.

use std::{collections::HashMap, path::Path};

use evalmark_core::{item::Item, suite::Amount};
use evalmark_report::{
    ReadError,
    scores::{ScoreRef, for_each_score},
    usage::{UsageRef, for_each_usage},
};
use evalmark_verdict::{AnswerScore, ItemScore, Variant};

use crate::error::{Advised, Hinted, Result};

/// What is the same in each row of an item.
#[derive(Clone, Copy)]
struct RowOf<'a> {
    item_id: &'a str,
    item_hash: &'a str,
    cluster: Option<&'a str>,
}

impl RowOf<'_> {
    /// The item's content as its hash says.
    fn content(self) -> Result<u128, ReadRowsError> {
        u128::from_str_radix(self.item_hash, 16).map_err(|_| ReadRowsError::ItemHash {
            item_id: self.item_id.to_owned(),
            hash: self.item_hash.to_owned(),
        })
    }

    fn item(self, content: u128) -> ItemScore {
        ItemScore {
            key: key(self.item_id),
            content,
            cluster: self.cluster.map(cluster_key),
            sum: 0.0,
            n_scored: 0,
            n_planned: 0,
        }
    }
}

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

/// Variants in the order in which they are first seen.
#[derive(Default)]
struct Variants {
    seen: Vec<Variant>,
    places: HashMap<(String, String), usize>,
    last: usize,
}

impl Variants {
    fn variant(&mut self, prompt: &str, model: &str) -> &mut Variant {
        let last = self.seen.get(self.last);
        if last.is_none_or(|variant| variant.prompt != prompt || variant.model != model) {
            let seen = &mut self.seen;
            let place = self.places.entry((prompt.to_owned(), model.to_owned()));
            self.last = *place.or_insert_with(|| {
                seen.push(Variant::new(prompt, model));
                seen.len() - 1
            });
        }
        &mut self.seen[self.last]
    }
}

/// Reads every variant of a `scores.parquet`, in the file's order.
pub fn read_variants(path: &Path) -> Result<Vec<Variant>> {
    read_rows(path, |_| true)
}

/// Reads every variant with the items that `keep` chooses by id and cluster.
pub(crate) fn read_some_variants(
    path: &Path,
    keep: impl Fn(&str, Option<&str>) -> bool,
) -> Result<Vec<Variant>> {
    read_rows(path, |row| keep(row.item_id, row.cluster))
}

/// Reads every variant twice: what its even epochs scored, and what its odd ones did.
pub(crate) fn read_halves(path: &Path) -> Result<[Vec<Variant>; 2]> {
    let half = |odd: bool| read_rows(path, |row| (row.epoch % 2 == 1) == odd);
    Ok([half(false)?, half(true)?])
}

fn read_rows(path: &Path, keep: impl Fn(&ScoreRef<'_>) -> bool) -> Result<Vec<Variant>> {
    let mut variants = Variants::default();
    for_each_score::<ReadRowsError>(path, |row: ScoreRef<'_>| {
        if !keep(&row) {
            return Ok(());
        }
        let of = RowOf { item_id: row.item_id, item_hash: row.item_hash, cluster: row.cluster };
        let answer = AnswerScore { score: row.score, label: row.label, counts: row.counts };
        let variant = variants.variant(row.prompt, row.model);
        if !row.applies {
            variant.push_not_applicable(row.item_id, row.metric);
            return Ok(());
        }
        let content = of.content()?;
        variant.push(row.item_id, row.metric, answer, || of.item(content));
        Ok(())
    })
    .with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(variants.seen)
}

/// Reads what the answers took, variant by variant, out of a `samples.parquet` or `usage.parquet`: the
/// amounts take the place of metrics.
pub(crate) fn read_usage(path: &Path) -> Result<Vec<Variant>> {
    let mut variants = Variants::default();
    for_each_usage::<ReadRowsError>(path, |row: UsageRef<'_>| {
        let of = RowOf { item_id: row.item_id, item_hash: row.item_hash, cluster: row.cluster };
        let variant = variants.variant(row.prompt, row.model);
        let content = of.content()?;
        for amount in Amount::ALL {
            let value = match amount {
                Amount::LatencyP95 => row.latency_ms,
                Amount::FirstTokenP95 => row.first_token_ms,
                Amount::TokensPerSecond => row.tokens_per_second,
                Amount::CostUsd => row.cost_usd,
                Amount::OutputTokens => row.output_tokens.map(|tokens| tokens as f64),
            };
            let answer = AnswerScore { score: value, ..AnswerScore::default() };
            variant.push(row.item_id, amount.name(), answer, || of.item(content));
        }
        Ok(())
    })
    .with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(variants.seen)
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
            let of = RowOf { item_id: "a", item_hash, cluster: None };
            assert_eq!(of.content().ok(), content, "{item_hash}");
        }
        let of = RowOf { item_id: "a", item_hash: "xyz", cluster: None };
        let error = of.content().expect_err("no hash").to_string();
        assert_eq!(error, "item `a`: `xyz` is not the hash of an item");
    }
}
