//! A first pass over all items of a dataset, before anything is asked: their number, their hash, their
//! columns, and that no id occurs twice.

use std::{collections::HashMap, io, sync::Arc};

use super::{
    DatasetError, DatasetSpec, Items,
    fingerprints::{FingerprintWriter, Fingerprints},
    items::is_content,
    scratch::{SortedRuns, short_hash},
};
use crate::item::Item;

/// So many ids that seem to be there twice are looked at in one pass over the rows.
const MOST_REPEATED: usize = 1 << 15;

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

/// Sees every item once; `finish` answers. Twelve bytes an item are kept of it, in memory for the first
/// million and in a temporary file for the others; four of them outlive it.
pub(crate) struct DatasetProfiler {
    spec: Arc<DatasetSpec>,
    hasher: blake3::Hasher,
    /// Short hashes of the ids.
    seen: SortedRuns<u64>,
    fingerprints: FingerprintWriter,
    /// Every column that occurs, in that order.
    columns: Vec<String>,
}

/// Hashes of an item.
pub(crate) struct ItemDigest {
    id: blake3::Hash,
    fingerprint: u32,
}

impl ItemDigest {
    pub(crate) fn of(spec: &DatasetSpec, item: &Item) -> Self {
        Self { id: blake3::hash(item.id.as_bytes()), fingerprint: spec.fingerprint(item) }
    }
}

impl DatasetProfiler {
    pub(crate) fn new(spec: Arc<DatasetSpec>) -> Self {
        let hasher = blake3::Hasher::new_derive_key("evalmark dataset v1");
        let (seen, columns) = (SortedRuns::new(spec.scratch), Vec::new());
        let fingerprints = FingerprintWriter::new(spec.scratch);
        Self { spec, hasher, seen, fingerprints, columns }
    }

    pub(crate) fn see(&mut self, item: &Item, digest: &ItemDigest) -> Result<(), DatasetError> {
        self.hasher.update(digest.id.as_bytes());
        self.hasher.update(&item.hash.0);
        let kept = self.seen.push(short_hash(&digest.id));
        let kept = kept.and_then(|()| self.fingerprints.push(digest.fingerprint));
        kept.map_err(|error| self.spec.scratch_error(&error))?;
        for (at, column) in item.fields.keys().enumerate() {
            // Nearly every row has the columns of the one before, in the same order.
            if self.columns.get(at) != Some(column) && !self.columns.contains(column) {
                self.columns.push(column.clone());
            }
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<(DatasetProfile, Fingerprints), DatasetError> {
        if self.fingerprints.len() == 0 {
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
        let Self { spec, columns, hasher, seen, fingerprints } = self;
        let n_items = fingerprints.len();
        let fingerprints = fingerprints.finish().map_err(|error| spec.scratch_error(&error))?;
        check_unique(&spec, seen)?;
        let is_content = |column: &String| is_content(&spec, column);
        let columns = columns.into_iter().filter(is_content).collect();
        let hash = hasher.finalize().to_hex().to_string();
        Ok((DatasetProfile { n_items, hash, columns }, fingerprints))
    }
}

/// Whether no id occurs twice. What short hashes occur twice is looked at by reading the dataset again.
fn check_unique(spec: &Arc<DatasetSpec>, mut seen: SortedRuns<u64>) -> Result<(), DatasetError> {
    let mut after = None;
    loop {
        let repeated = repeated(&mut seen, after).map_err(|error| spec.scratch_error(&error))?;
        if !repeated.is_empty() {
            check_rows(spec, &repeated)?;
        }
        if repeated.len() < MOST_REPEATED {
            return Ok(());
        }
        after = repeated.last().copied();
    }
}

/// The lowest hashes beyond `after` that are there more than once, in order, and up to a bound.
fn repeated(seen: &mut SortedRuns<u64>, after: Option<u64>) -> io::Result<Vec<u64>> {
    let (mut repeated, mut last) = (Vec::new(), None);
    for hash in seen.sorted()? {
        let hash = hash?;
        let is_new = Some(hash) > after && repeated.last() != Some(&hash);
        if last == Some(hash) && is_new {
            repeated.push(hash);
            if repeated.len() == MOST_REPEATED {
                break;
            }
        }
        last = Some(hash);
    }
    Ok(repeated)
}

/// Reads the dataset once more for the ids with these short hashes, in order: the first that is there
/// twice itself is an error.
fn check_rows(spec: &Arc<DatasetSpec>, repeated: &[u64]) -> Result<(), DatasetError> {
    let mut rows: HashMap<blake3::Hash, u64> = HashMap::new();
    for item in Items::open(spec)? {
        let item = item?;
        let id = blake3::hash(item.id.as_bytes());
        if repeated.binary_search(&short_hash(&id)).is_err() {
            continue;
        }
        let row = item.row;
        let Some(first) = rows.insert(id, row) else { continue };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::scratch::ScratchSpace;

    #[test]
    fn what_was_seen_twice_is_found() {
        let hashes: Vec<u64> =
            (0..20_000_u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let (low, high) = (hashes[7].min(hashes[19_999]), hashes[7].max(hashes[19_999]));
        for most_held in [1_000, 1_000_000] {
            let mut seen = SortedRuns::new(ScratchSpace { open: tempfile::tempfile, most_held });
            for hash in hashes.iter().chain([&low, &high, &low]) {
                seen.push(*hash).expect("room");
            }
            assert_eq!(repeated(&mut seen, None).expect("read"), [low, high]);
            assert_eq!(repeated(&mut seen, Some(low)).expect("read"), [high]);
            assert!(repeated(&mut seen, Some(high)).expect("read").is_empty());
        }
    }
}
