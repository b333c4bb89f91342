//! The names of a file's columns, which its rows share.

use std::{cell::RefCell, sync::Arc};

use indexmap::IndexSet;
use serde_json::{Map, Value};

/// The names of a file's columns, in its order, which all of its rows share. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnNames(pub(super) Arc<IndexSet<String>>);

thread_local! {
    /// Those of the object that was seen last: the next one most likely has the same.
    static LAST_NAMES: RefCell<ColumnNames> = RefCell::default();
}

impl ColumnNames {
    /// Those of an object.
    pub(super) fn of(values: &Map<String, Value>) -> Self {
        LAST_NAMES.with_borrow_mut(|last| {
            if !last.0.iter().eq(values.keys()) {
                *last = values.keys().cloned().collect();
            }
            last.clone()
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of the column at this place.
    pub fn get(&self, place: usize) -> Option<&String> {
        self.0.get_index(place)
    }
}

impl FromIterator<String> for ColumnNames {
    /// Of several that are the same, the first counts.
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Self(Arc::new(names.into_iter().collect()))
    }
}
