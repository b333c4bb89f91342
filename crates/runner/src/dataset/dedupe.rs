//! A dataset without items that repeat an earlier one, or nearly do.

use std::{collections::HashSet, path::PathBuf};

use serde::Serialize;

use super::{
    near_duplicates::near_pairs,
    open::{DatasetUseError, OpenedDataset, kept_rows},
    options::DatasetOptions,
    output::{OutputFile, WrittenRows},
};
use crate::{Host, error::Result};

/// How a dataset is freed of duplicates.
#[derive(Clone, Debug)]
pub struct DedupeOptions {
    /// The dataset.
    pub dataset: DatasetOptions,
    /// The least similarity of texts that count as the same.
    pub near: f64,
    /// Where the rows that are kept are written; nowhere, where it is `None`.
    pub out: Option<PathBuf>,
    /// Whether a file that is there is replaced.
    pub replaces: bool,
}

/// An item that is left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DroppedItem {
    /// Where it stands.
    pub place: String,
    /// Its id.
    pub id: String,
    /// Where the item stands that it repeats, and which is kept.
    pub kept_place: String,
    /// That item's id.
    pub kept_id: String,
    /// How similar they are.
    pub similarity: f64,
    /// Whether their right answers differ.
    pub has_other_target: bool,
}

/// What became of a dataset.
#[derive(Clone, Debug, Serialize)]
pub struct Deduped {
    /// The file, folder or pattern.
    pub dataset: String,
    /// How many items there were.
    pub n_items: u64,
    /// The items that are left out.
    pub dropped: Vec<DroppedItem>,
    /// What was written.
    pub written: Option<WrittenRows>,
}

/// Leaves out every item that is nearly the same as an earlier one that is kept.
pub fn dedupe_dataset(options: &DedupeOptions, host: &Host<'_>) -> Result<Deduped> {
    let opened = OpenedDataset::open(&options.dataset, host)?;
    let items = opened.texts()?;
    let pairs = near_pairs(items.iter().map(|item| item.text.as_str()), options.near);
    let pairs = pairs.map_err(|error| DatasetUseError::Wrong {
        path: opened.spec.file.origin.display().to_string(),
        problem: error.to_string(),
        advice: Some("name the column to compare (`--text`), or raise `--near`".to_owned()),
    })?;
    let mut by_second: Vec<Vec<(usize, f64)>> = vec![Vec::new(); items.len()];
    // Of the same texts the first alone is paired with others; the rest follow it.
    for pair in &pairs {
        by_second[pair.second].push((pair.first, pair.similarity));
    }
    let mut is_kept = vec![true; items.len()];
    let mut dropped = Vec::new();
    for at in 0..items.len() {
        let kept = by_second[at]
            .iter()
            .filter(|(first, similarity)| is_kept[*first] || *similarity >= 1.0);
        let Some((first, similarity)) =
            kept.copied().max_by(|one, other| one.1.total_cmp(&other.1))
        else {
            continue;
        };
        is_kept[at] = false;
        dropped.push(DroppedItem {
            place: items[at].place.clone(),
            id: items[at].id.clone(),
            kept_place: items[first].place.clone(),
            kept_id: items[first].id.clone(),
            similarity,
            has_other_target: items[at].target != items[first].target,
        });
    }
    let written = match &options.out {
        None => None,
        Some(path) => {
            let kept: HashSet<usize> =
                is_kept.iter().enumerate().filter(|(_, kept)| **kept).map(|(at, _)| at).collect();
            let file = OutputFile::create(path, options.replaces, false)?;
            Some(file.write(|| kept_rows(&opened, kept.clone()))?)
        }
    };
    Ok(Deduped {
        dataset: opened.spec.file.origin.display().to_string(),
        n_items: items.len() as u64,
        dropped,
        written,
    })
}
