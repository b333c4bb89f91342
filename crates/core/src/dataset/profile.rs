//! A first pass over all items of a dataset, before anything is asked: their number, their hash, their
//! columns, and that no id occurs twice.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    DatasetError, DatasetSpec, Items,
    items::{Fingerprints, is_content},
};
use crate::item::Item;

/// What the first pass over all items found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetProfile {
    /// How many items there are, at least 1.
    pub n_items: u64,
    /// BLAKE3 over ids and contents in order, 64 hexadecimal digits.
    pub hash: String,
    /// The columns that make up an item's content, in the order in which they first occur.
    pub columns: Vec<String>,
}

/// Sees every item once; `finish` answers. Holds sixteen bytes an item.
pub(crate) struct DatasetProfiler {
    spec: Arc<DatasetSpec>,
    hasher: blake3::Hasher,
    /// Short hashes of the ids, in the items' order.
    seen: Vec<u64>,
    fingerprints: Vec<u64>,
    /// Every column that occurs, in that order.
    columns: Vec<String>,
}

impl DatasetProfiler {
    pub(crate) fn new(spec: Arc<DatasetSpec>) -> Self {
        let hasher = blake3::Hasher::new_derive_key("evalmark dataset v1");
        let (seen, fingerprints, columns) = (Vec::new(), Vec::new(), Vec::new());
        Self { spec, hasher, seen, fingerprints, columns }
    }

    pub(crate) fn see(&mut self, item: &Item) {
        let (short, id) = hashes(&item.id);
        self.hasher.update(id.as_bytes());
        self.hasher.update(&item.hash.0);
        self.seen.push(short);
        self.fingerprints.push(self.spec.fingerprint(item));
        for (at, column) in item.fields.keys().enumerate() {
            // Nearly every row has the columns of the one before, in the same order.
            if self.columns.get(at) != Some(column) && !self.columns.contains(column) {
                self.columns.push(column.clone());
            }
        }
    }

    pub(crate) fn finish(mut self) -> Result<(DatasetProfile, Fingerprints), DatasetError> {
        if self.seen.is_empty() {
            let absent = self.spec.selection.as_ref().map(|selection| selection.without_rows());
            let message = match (self.spec.limit, absent.as_deref()) {
                (Some(0), _) => "no item is selected (limit 0)".to_owned(),
                (_, Some([])) => {
                    "has no row that is selected; look at `filter`, `split` and `sample`".to_owned()
                }
                (_, Some(absent)) => format!("has no row that is selected: {}", absent.join("; ")),
                (_, None) => "has no items; a run over nothing would say nothing".to_owned(),
            };
            return Err(DatasetError::of_file(&self.spec.file.origin, &message));
        }
        let n_items = self.seen.len() as u64;
        self.seen.sort_unstable();
        let twice = self.seen.windows(2).filter(|two| two[0] == two[1]).map(|two| two[0]);
        let twice: BTreeSet<u64> = twice.collect();
        if !twice.is_empty() {
            unique(&self.spec, &twice)?;
        }
        let Self { spec, columns, hasher, fingerprints, .. } = self;
        let is_content = |column: &String| is_content(&spec, column);
        let columns = columns.into_iter().filter(is_content).collect();
        let hash = hasher.finalize().to_hex().to_string();
        Ok((DatasetProfile { n_items, hash, columns }, Fingerprints(fingerprints.into())))
    }
}

/// A short and a long hash of an id.
fn hashes(id: &str) -> (u64, blake3::Hash) {
    let hash = blake3::hash(id.as_bytes());
    let mut short = [0; 8];
    short.copy_from_slice(&hash.as_bytes()[..8]);
    (u64::from_le_bytes(short), hash)
}

/// Reads the dataset once more for the ids whose short hashes occur twice: the first that is there
/// twice itself is an error.
fn unique(spec: &Arc<DatasetSpec>, twice: &BTreeSet<u64>) -> Result<(), DatasetError> {
    let mut rows: HashMap<Arc<str>, u64> = HashMap::new();
    for item in Items::open(spec)? {
        let item = item?;
        if !twice.contains(&hashes(&item.id).0) {
            continue;
        }
        let row = item.row;
        let Some(first) = rows.insert(item.id.clone(), row) else { continue };
        let message = match &spec.id {
            Some(column) => format!(
                "the id `{}` (column `{column}`) is already that of row {first}; ids must be unique",
                item.id
            ),
            None => format!(
                "repeats row {first} word for word; remove it, or name an id column (`dataset.id`)"
            ),
        };
        return Err(spec.error_of_row(row, message));
    }
    Ok(())
}
