//! One row of a labelled dataset, checked and ready to use.

use std::{fmt, sync::Arc};

use serde_json::{Map, Value};

/// BLAKE3 of an item's content: every column except the id, in name order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemHash(pub [u8; 16]);

impl fmt::Display for ItemHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ItemHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One item. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Item {
    /// Position among the selected items, from 0.
    pub index: u64,
    /// The id column's text, or the content hash in hexadecimal.
    pub id: Arc<str>,
    /// Content address.
    pub hash: ItemHash,
    /// Every column, for templates.
    pub fields: Arc<Map<String, Value>>,
    /// The right answers; empty where the suite names no target.
    pub targets: Arc<[String]>,
    /// Items that share a cluster are not independent.
    pub cluster: Option<Arc<str>>,
    /// Values of the slice columns, in the suite's order; `None` where the cell is empty.
    pub slices: Arc<[Option<String>]>,
}
