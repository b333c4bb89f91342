//! One row of a labelled dataset, checked and ready to use.

use std::{fmt, sync::Arc};

use crate::fields::Fields;

/// BLAKE3 of an item's content: every column except the id, in name order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemHash(pub [u8; 16]);

impl ItemHash {
    /// The hash in hexadecimal. Every row of a report shows one, so it allocates nothing.
    pub fn hex(self) -> ItemHashHex {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; 32];
        for (two, byte) in hex.chunks_exact_mut(2).zip(self.0) {
            two[0] = DIGITS[usize::from(byte >> 4)];
            two[1] = DIGITS[usize::from(byte & 15)];
        }
        ItemHashHex(hex)
    }
}

/// The 32 hexadecimal digits of an [`ItemHash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemHashHex([u8; 32]);

impl ItemHashHex {
    /// The digits as text.
    pub fn as_str(&self) -> &str {
        // They are ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for ItemHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hex().as_str())
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
    /// Its row in the dataset, from 1: over all of its files, and with those that are not selected.
    pub row: u64,
    /// The id column's text, or the content hash in hexadecimal.
    pub id: Arc<str>,
    /// Content address.
    pub hash: ItemHash,
    /// Every column, for templates.
    pub fields: Fields,
    /// The right answers; empty where the suite names no target.
    pub targets: Arc<[String]>,
    /// Items that share a cluster are not independent.
    pub cluster: Option<Arc<str>>,
    /// Values of the slice columns, in the suite's order; `None` where the cell is empty.
    pub slices: Arc<[Option<String>]>,
}
