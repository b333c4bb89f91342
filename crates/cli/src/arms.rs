//! Scores of a run or baseline, arm by arm, as the verdict crate takes them.

use std::{collections::HashMap, path::Path};

use anyhow::{Context, Result};
use evalmark_report::scores::{ScoreRef, for_each_score};
use evalmark_verdict::ItemScore;

/// One prompt x model: its items, and their scores by metric.
#[derive(Debug)]
pub(crate) struct Arm {
    pub(crate) prompt: String,
    pub(crate) model: String,
    /// Item ids, in the file's order.
    pub(crate) ids: Vec<Box<str>>,
    /// By metric name: one entry per item, parallel to `ids`.
    metrics: Vec<(String, Vec<ItemScore>)>,
}

impl Arm {
    /// The items' scores of one metric.
    pub(crate) fn scores(&self, metric: &str) -> Option<&[ItemScore]> {
        self.metrics.iter().find(|(name, _)| name == metric).map(|(_, scores)| scores.as_slice())
    }

    /// Names of the metrics, in the file's order.
    pub(crate) fn metric_names(&self) -> impl Iterator<Item = &str> {
        self.metrics.iter().map(|(name, _)| name.as_str())
    }

    /// Mean of the items' means; below every score where there is none.
    pub(crate) fn mean(&self, metric: &str) -> f64 {
        let scored = self.scores(metric).unwrap_or_default().iter().filter(|i| i.n_scored > 0);
        let (sum, n) = scored.fold((0.0, 0_u32), |(sum, n), item| {
            (sum + item.sum / f64::from(item.n_scored), n + 1)
        });
        if n == 0 { f64::NEG_INFINITY } else { sum / f64::from(n) }
    }

    /// Forgets every item but those that `is_kept` names.
    pub(crate) fn keep(&mut self, is_kept: impl Fn(&str) -> bool) {
        let kept: Vec<bool> = self.ids.iter().map(|id| is_kept(id)).collect();
        retain(&mut self.ids, &kept);
        for (_, scores) in &mut self.metrics {
            retain(scores, &kept);
        }
    }

    fn push(&mut self, row: &ScoreRef<'_>) {
        if self.ids.last().is_none_or(|id| **id != *row.item_id) {
            self.ids.push(row.item_id.into());
        }
        let position = self.metrics.iter().position(|(name, _)| name == row.metric);
        let position = position.unwrap_or_else(|| {
            self.metrics.push((row.metric.to_owned(), Vec::new()));
            self.metrics.len() - 1
        });
        let scores = &mut self.metrics[position].1;
        if scores.len() < self.ids.len() {
            scores.push(ItemScore {
                key: key(row.item_id),
                content: u128::from_str_radix(row.item_hash, 16).unwrap_or_default(),
                cluster: row.cluster.map(cluster_key),
                sum: 0.0,
                n_scored: 0,
                n_planned: 0,
            });
        }
        if let Some(score) = scores.last_mut() {
            score.n_planned += 1;
            score.n_scored += u32::from(row.score.is_some());
            score.sum += row.score.unwrap_or_default();
        }
    }
}

fn retain<T>(list: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter().copied();
    list.retain(|_| kept.next().unwrap_or_default());
}

/// Reads every arm of a `scores.parquet`, in the file's order.
pub(crate) fn read_arms(path: &Path) -> Result<Vec<Arm>> {
    let mut arms: Vec<Arm> = Vec::new();
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    let mut last = usize::MAX;
    for_each_score::<evalmark_report::ReadError>(path, |row| {
        let same = arms.get(last).is_some_and(|a| a.prompt == row.prompt && a.model == row.model);
        if !same {
            let place = (row.prompt.to_owned(), row.model.to_owned());
            last = *places.entry(place).or_insert_with(|| {
                arms.push(Arm {
                    prompt: row.prompt.to_owned(),
                    model: row.model.to_owned(),
                    ids: Vec::new(),
                    metrics: Vec::new(),
                });
                arms.len() - 1
            });
        }
        arms[last].push(&row);
        Ok(())
    })
    .with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(arms)
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
