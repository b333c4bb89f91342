//! Scores of a run or baseline, and what its answers took, variant by variant, as the verdict crate takes
//! them.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use evalmark_core::{item::Item, suite::Amount};
use evalmark_report::{
    ReadError,
    scores::{ScoreRef, for_each_score},
    usage::{UsageRef, for_each_usage},
};
use evalmark_verdict::{ItemCounts, ItemScore, PooledSide};

use crate::error::{Hinted, Result};

/// One prompt x model: its items, and their scores by metric.
#[derive(Clone, Debug, Default)]
pub struct Variant {
    pub prompt: String,
    pub model: String,
    /// Item ids, in the file's order.
    pub ids: Vec<Box<str>>,
    metrics: Vec<Column>,
}

/// One metric or amount of a variant.
#[derive(Clone, Debug, Default)]
struct Column {
    metric: String,
    /// One entry per item, parallel to the ids.
    scores: Vec<ItemScore>,
    /// What people say of the same items; only those that they were asked about.
    labels: Vec<ItemScore>,
    /// What each item's answers add to a value of the whole run, parallel to the scores.
    counts: Vec<ItemCounts>,
}

/// What an item of one run is called in another, where its id or content is made differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SameItem {
    pub id: Box<str>,
    pub content: u128,
}

/// What is the same in each row of an item.
#[derive(Clone, Copy)]
struct RowOf<'a> {
    item_id: &'a str,
    item_hash: &'a str,
    cluster: Option<&'a str>,
}

/// What is said of one answer.
#[derive(Clone, Copy, Default)]
struct Said<'a> {
    score: Option<f64>,
    label: Option<f64>,
    counts: Option<&'a [f64]>,
}

impl Variant {
    /// The items' scores of one metric, or the amounts.
    pub fn scores(&self, metric: &str) -> Option<&[ItemScore]> {
        self.column(metric).map(|column| column.scores.as_slice())
    }

    /// The human labels of one metric.
    pub fn labels(&self, metric: &str) -> &[ItemScore] {
        self.column(metric).map_or(&[], |column| column.labels.as_slice())
    }

    /// The items' scores of one metric, and what they add to its value of the whole run.
    pub fn pooled(&self, metric: &str) -> Option<PooledSide<'_>> {
        let column = self.column(metric)?;
        Some(PooledSide { items: &column.scores, counts: &column.counts })
    }

    /// Names of the metrics, in the file's order.
    pub fn metric_names(&self) -> impl Iterator<Item = &str> {
        self.metrics.iter().map(|column| column.metric.as_str())
    }

    /// Mean of the items' means; below every score where there is none.
    pub fn mean(&self, metric: &str) -> f64 {
        let scored = self.scores(metric).unwrap_or_default().iter().filter(|i| i.n_scored > 0);
        let (sum, n) = scored.fold((0.0, 0_u32), |(sum, n), item| {
            (sum + item.sum / f64::from(item.n_scored), n + 1)
        });
        if n == 0 { f64::NEG_INFINITY } else { sum / f64::from(n) }
    }

    /// A variant of these scores of one metric, without ids.
    fn of_part(
        &self,
        metric: &str,
        scores: Vec<ItemScore>,
        labels: Vec<ItemScore>,
        counts: Vec<ItemCounts>,
    ) -> Self {
        let column = Column { metric: metric.to_owned(), scores, labels, counts };
        let (prompt, model) = (self.prompt.clone(), self.model.clone());
        Self { prompt, model, ids: Vec::new(), metrics: vec![column] }
    }

    /// The same variant with the items of these keys only, of one metric.
    pub fn part(&self, metric: &str, keys: &[u128]) -> Self {
        let keep = |items: &[ItemScore]| -> Vec<ItemScore> {
            items.iter().filter(|item| keys.binary_search(&item.key).is_ok()).copied().collect()
        };
        let scores = keep(self.scores(metric).unwrap_or_default());
        let pooled = self.pooled(metric).into_iter();
        let counted = pooled.flat_map(|variant| variant.items.iter().zip(variant.counts));
        let counts = counted.filter(|(item, _)| keys.binary_search(&item.key).is_ok());
        let counts = counts.map(|(_, counts)| counts.clone()).collect();
        self.of_part(metric, scores, keep(self.labels(metric)), counts)
    }

    fn column(&self, metric: &str) -> Option<&Column> {
        self.metrics.iter().find(|column| column.metric == metric)
    }

    /// Forgets every item but those that `is_kept` names.
    pub fn keep(&mut self, is_kept: impl Fn(&str) -> bool) {
        let kept: Vec<bool> = self.ids.iter().map(|id| is_kept(id)).collect();
        retain(&mut self.ids, &kept);
        let keys: HashSet<u128> = self.ids.iter().map(|id| key(id)).collect();
        for column in &mut self.metrics {
            retain(&mut column.scores, &kept);
            retain(&mut column.counts, &kept);
            column.labels.retain(|label| keys.contains(&label.key));
        }
    }

    /// Key and content of every item.
    pub fn items(&self) -> impl Iterator<Item = (u128, u128)> {
        let first = self.metrics.first().into_iter();
        first.flat_map(|column| column.scores.iter().map(|item| (item.key, item.content)))
    }

    /// Gives items other ids: `of` says which, by an item's key and content.
    pub fn rename_items<'a>(&mut self, of: impl Fn(u128, u128) -> Option<&'a SameItem>) {
        let Some(first) = self.metrics.first() else { return };
        let places = first.scores.iter().zip(&mut self.ids);
        for (item, id) in places {
            if let Some(same) = of(item.key, item.content) {
                *id = same.id.clone();
            }
        }
        let columns = self.metrics.iter_mut();
        let items = columns.flat_map(|column| column.scores.iter_mut().chain(&mut column.labels));
        for item in items {
            if let Some(same) = of(item.key, item.content) {
                (item.key, item.content) = (key(&same.id), same.content);
            }
        }
    }

    fn push(&mut self, row: RowOf<'_>, metric: &str, said: Said<'_>) {
        let Said { score, label, counts } = said;
        if self.ids.last().is_none_or(|id| **id != *row.item_id) {
            self.ids.push(row.item_id.into());
        }
        let position = self.metrics.iter().position(|column| column.metric == metric);
        let position = position.unwrap_or_else(|| {
            self.metrics.push(Column { metric: metric.to_owned(), ..Column::default() });
            self.metrics.len() - 1
        });
        let column = &mut self.metrics[position];
        if column.scores.len() < self.ids.len() {
            column.scores.push(row.item());
            column.counts.push(Vec::new());
        }
        if let (Some(of_item), Some(counts)) = (column.counts.last_mut(), counts) {
            of_item.push(counts.into());
        }
        if let Some(item) = column.scores.last_mut() {
            add(item, score);
            if label.is_some() {
                if column.labels.last().is_none_or(|last| last.key != item.key) {
                    column.labels.push(row.item());
                }
                column.labels.last_mut().into_iter().for_each(|last| add(last, label));
            }
        }
    }
}

impl RowOf<'_> {
    fn item(self) -> ItemScore {
        ItemScore {
            key: key(self.item_id),
            content: u128::from_str_radix(self.item_hash, 16).unwrap_or_default(),
            cluster: self.cluster.map(cluster_key),
            sum: 0.0,
            n_scored: 0,
            n_planned: 0,
        }
    }
}

/// One more epoch of an item.
fn add(item: &mut ItemScore, score: Option<f64>) {
    item.n_planned += 1;
    item.n_scored += u32::from(score.is_some());
    item.sum += score.unwrap_or_default();
}

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
                let (prompt, model) = (prompt.to_owned(), model.to_owned());
                seen.push(Variant { prompt, model, ..Variant::default() });
                seen.len() - 1
            });
        }
        &mut self.seen[self.last]
    }
}

fn retain<T>(list: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter().copied();
    list.retain(|_| kept.next().unwrap_or_default());
}

/// Reads every variant of a `scores.parquet`, in the file's order.
pub fn read_variants(path: &Path) -> Result<Vec<Variant>> {
    read_epochs(path, |_| true)
}

/// Reads every variant twice: what its even epochs scored, and what its odd ones did.
pub(crate) fn read_halves(path: &Path) -> Result<[Vec<Variant>; 2]> {
    let half = |odd: bool| read_epochs(path, |epoch| (epoch % 2 == 1) == odd);
    Ok([half(false)?, half(true)?])
}

fn read_epochs(path: &Path, keep: impl Fn(u32) -> bool) -> Result<Vec<Variant>> {
    let mut variants = Variants::default();
    for_each_score::<ReadError>(path, |row: ScoreRef<'_>| {
        if !keep(row.epoch) {
            return Ok(());
        }
        let of = RowOf { item_id: row.item_id, item_hash: row.item_hash, cluster: row.cluster };
        let said = Said { score: row.score, label: row.label, counts: row.counts };
        variants.variant(row.prompt, row.model).push(of, row.metric, said);
        Ok(())
    })
    .with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(variants.seen)
}

/// Reads what the answers took, variant by variant, out of a `samples.parquet` or `usage.parquet`: the
/// amounts take the place of metrics.
pub(crate) fn read_usage(path: &Path) -> Result<Vec<Variant>> {
    let mut variants = Variants::default();
    for_each_usage::<ReadError>(path, |row: UsageRef<'_>| {
        let of = RowOf { item_id: row.item_id, item_hash: row.item_hash, cluster: row.cluster };
        let variant = variants.variant(row.prompt, row.model);
        for amount in Amount::ALL {
            let value = match amount {
                Amount::LatencyP95 => row.latency_ms,
                Amount::CostUsd => row.cost_usd,
                Amount::OutputTokens => row.output_tokens.map(|tokens| tokens as f64),
            };
            variant.push(of, amount.name(), Said { score: value, ..Said::default() });
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
