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

/// Sees every item once; `finish` answers. Holds about eleven bytes an item, four of which outlive it.
pub(crate) struct DatasetProfiler {
    spec: Arc<DatasetSpec>,
    hasher: blake3::Hasher,
    seen: SeenIds,
    fingerprints: Vec<u32>,
    /// Every column that occurs, in that order.
    columns: Vec<String>,
}

impl DatasetProfiler {
    pub(crate) fn new(spec: Arc<DatasetSpec>) -> Self {
        let hasher = blake3::Hasher::new_derive_key("evalmark dataset v1");
        let (seen, fingerprints, columns) = (SeenIds::default(), Vec::new(), Vec::new());
        Self { spec, hasher, seen, fingerprints, columns }
    }

    pub(crate) fn see(&mut self, item: &Item) {
        let (short, id) = hashes(&item.id);
        self.hasher.update(id.as_bytes());
        self.hasher.update(&item.hash.0);
        self.seen.push(short);
        push_tightly(&mut self.fingerprints, self.spec.fingerprint(item));
        for (at, column) in item.fields.keys().enumerate() {
            // Nearly every row has the columns of the one before, in the same order.
            if self.columns.get(at) != Some(column) && !self.columns.contains(column) {
                self.columns.push(column.clone());
            }
        }
    }

    pub(crate) fn finish(mut self) -> Result<(DatasetProfile, Fingerprints), DatasetError> {
        if self.fingerprints.is_empty() {
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
        let n_items = self.fingerprints.len() as u64;
        let twice = std::mem::take(&mut self.seen).twice();
        if !twice.is_empty() {
            unique(&self.spec, &twice)?;
        }
        let Self { spec, columns, hasher, fingerprints, .. } = self;
        let is_content = |column: &String| is_content(&spec, column);
        let columns = columns.into_iter().filter(is_content).collect();
        let hash = hasher.finalize().to_hex().to_string();
        Ok((DatasetProfile { n_items, hash, columns }, Fingerprints(Arc::new(fingerprints))))
    }
}

/// Short hashes of ids, by their first byte, so that each is kept in the six bytes behind it.
struct SeenIds(Vec<Vec<[u8; 6]>>);

impl Default for SeenIds {
    fn default() -> Self {
        Self(vec![Vec::new(); 256])
    }
}

impl SeenIds {
    fn push(&mut self, short: u64) {
        let [first, rest @ .., _] = short.to_be_bytes();
        push_tightly(&mut self.0[usize::from(first)], rest);
    }

    /// The hashes that are there more than once.
    fn twice(self) -> BTreeSet<u64> {
        let mut twice = BTreeSet::new();
        for (first, mut rests) in (0..=u8::MAX).zip(self.0) {
            rests.sort_unstable();
            for two in rests.windows(2).filter(|two| two[0] == two[1]) {
                let mut short = [first, 0, 0, 0, 0, 0, 0, 0];
                short[1..7].copy_from_slice(&two[0]);
                twice.insert(u64::from_be_bytes(short));
            }
        }
        twice
    }
}

/// Adds to a list that grows by an eighth, and not to twice its size: memory is what counts here.
fn push_tightly<T>(list: &mut Vec<T>, value: T) {
    if list.len() == list.capacity() {
        list.reserve_exact(64.max(list.len() / 8));
    }
    list.push(value);
}

/// A short hash of an id, of 56 bits, and a long one.
fn hashes(id: &str) -> (u64, blake3::Hash) {
    let hash = blake3::hash(id.as_bytes());
    let mut short = [0; 8];
    short[..7].copy_from_slice(&hash.as_bytes()[..7]);
    (u64::from_be_bytes(short), hash)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_twice_is_found() {
        let mut seen = SeenIds::default();
        let ids = (0..20_000).map(|i| format!("id {i}")).collect::<Vec<_>>();
        for id in ids.iter().chain([&ids[7], &ids[19_999], &ids[7]]) {
            seen.push(hashes(id).0);
        }
        let expected = [&ids[7], &ids[19_999]].map(|id| hashes(id).0);
        assert_eq!(seen.twice(), BTreeSet::from(expected));
    }
}
