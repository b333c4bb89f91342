//! Two datasets, item by item: what was added, removed and changed.

use std::collections::{BTreeMap, HashMap};

use evalmark_core::item::Item;
use serde::Serialize;

use super::{
    open::{DatasetUseError, OpenedDataset},
    options::DatasetOptions,
};
use crate::{Host, error::Result};

/// How many items of each kind are listed.
const LISTED: usize = 1_000;

/// What differs between two datasets.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DatasetChanges {
    /// The earlier one.
    pub before: String,
    /// The later one.
    pub after: String,
    /// Items of both that are the same.
    pub n_same: u64,
    /// How many the later one alone has.
    pub n_added: u64,
    /// How many the earlier one alone has.
    pub n_removed: u64,
    /// How many are in both, with other values.
    pub n_changed: u64,
    /// By column, in how many items its value changed.
    pub columns: BTreeMap<String, u64>,
    /// Ids of the first items that the later one alone has.
    pub added: Vec<String>,
    /// Ids of the first that the earlier one alone has.
    pub removed: Vec<String>,
    /// The first items that changed.
    pub changed: Vec<ChangedRow>,
}

/// An item whose values changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedRow {
    /// Its id.
    pub id: String,
    /// By column: the value before and after, as texts; `null` where there is none.
    pub values: BTreeMap<String, [Option<String>; 2]>,
}

/// Compares two datasets by the ids of their items: by content, where they have none.
pub fn compare_datasets(
    before: &DatasetOptions,
    after: &DatasetOptions,
    host: &Host<'_>,
) -> Result<DatasetChanges> {
    let (before, after) = (OpenedDataset::open(before, host)?, OpenedDataset::open(after, host)?);
    let mut changes = DatasetChanges {
        before: before.spec.file.origin.display().to_string(),
        after: after.spec.file.origin.display().to_string(),
        ..DatasetChanges::default()
    };
    let mut earlier: HashMap<String, Item> = HashMap::new();
    let mut order = Vec::new();
    let mut keys = Keys::of(&before);
    for item in before.items()? {
        let item = item.map_err(DatasetUseError::from)?;
        let key = keys.next(&item)?;
        order.push(key.clone());
        earlier.insert(key, item);
    }
    let mut keys = Keys::of(&after);
    for item in after.items()? {
        let item = item.map_err(DatasetUseError::from)?;
        let Some(other) = earlier.remove(&keys.next(&item)?) else {
            changes.n_added += 1;
            list(&mut changes.added, item.id.to_string());
            continue;
        };
        let values = changed_values(&other, &item);
        if values.is_empty() {
            changes.n_same += 1;
            continue;
        }
        changes.n_changed += 1;
        for column in values.keys() {
            *changes.columns.entry(column.clone()).or_default() += 1;
        }
        list(&mut changes.changed, ChangedRow { id: item.id.to_string(), values });
    }
    changes.n_removed = earlier.len() as u64;
    for id in order.into_iter().filter(|id| earlier.contains_key(id)) {
        list(&mut changes.removed, id);
    }
    Ok(changes)
}

/// What items of two datasets are paired by.
struct Keys<'a> {
    dataset: &'a OpenedDataset,
    seen: HashMap<String, u64>,
}

impl<'a> Keys<'a> {
    fn of(dataset: &'a OpenedDataset) -> Self {
        Self { dataset, seen: HashMap::new() }
    }

    /// The item's id, which may be there once; of items without ids, the content with how often it was
    /// there before.
    fn next(&mut self, item: &Item) -> Result<String, DatasetUseError> {
        let n = self.seen.entry(item.id.to_string()).or_default();
        *n += 1;
        match (*n, &self.dataset.spec.id) {
            (1, _) => Ok(item.id.to_string()),
            (n, None) => Ok(format!("{}, {n}", item.id)),
            (_, Some(_)) => {
                let path = self.dataset.spec.file.origin.display().to_string();
                Err(DatasetUseError::SameId { path, id: item.id.to_string() })
            }
        }
    }
}

fn list<T>(list: &mut Vec<T>, one: T) {
    if list.len() < LISTED {
        list.push(one);
    }
}

fn changed_values(before: &Item, after: &Item) -> BTreeMap<String, [Option<String>; 2]> {
    let text = |item: &Item, column: &str| {
        item.fields.cell(column)?.text_as_written().map(std::borrow::Cow::into_owned)
    };
    let columns = before.fields.keys().chain(after.fields.keys());
    let columns: std::collections::BTreeSet<&String> = columns.collect();
    let values =
        columns.into_iter().map(|column| (column, [text(before, column), text(after, column)]));
    values.filter(|(_, [a, b])| a != b).map(|(column, values)| (column.clone(), values)).collect()
}
