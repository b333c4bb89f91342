//! Which objects were read, and how far: by hashes, as there may be hundreds of thousands.

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_STANDARD};

/// An object that is not listed for so many days is forgotten.
const FORGOTTEN_DAYS: u16 = 30;

/// Bytes of an object in the state.
const ENTRY: usize = 4 * 8 + 4 + 2;

/// Among the lines: all has been read.
const DONE: u32 = 1 << 31;

/// How far an object was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// A hash of its entity tag.
    pub(super) etag: u64,
    /// Bytes of the unpacked content that were read; of a Parquet file, rows.
    pub(super) offset: u64,
    /// A hash of these bytes; 0 where it is not known.
    pub(super) content: u64,
    /// Lines that were read.
    pub(super) lines: u32,
    /// All of it has been read.
    pub(super) is_done: bool,
    /// The last day on which it was listed, since 1970.
    pub(super) day: u16,
}

/// The objects that were read, by the hashes of their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KnownObjects(HashMap<u64, Known>);

/// A number for a text.
pub(super) fn number_of(text: &str) -> u64 {
    first_number(&blake3::hash(text.as_bytes()))
}

/// The first eight bytes of a hash; never 0.
pub(super) fn first_number(hash: &blake3::Hash) -> u64 {
    hash.as_bytes().first_chunk().map_or(1, |first| u64::from_le_bytes(*first).max(1))
}

impl KnownObjects {
    /// Those that a state names; none where it names none.
    pub(super) fn read(text: &str) -> Self {
        let bytes = BASE64_STANDARD.decode(text).unwrap_or_default();
        let (entries, _) = bytes.as_chunks::<ENTRY>();
        Self(entries.iter().filter_map(entry).collect())
    }

    /// As the state has them.
    pub(super) fn to_text(&self) -> String {
        let mut sorted: Vec<_> = self.0.iter().collect();
        sorted.sort_unstable_by_key(|(key, _)| **key);
        let mut bytes = Vec::with_capacity(sorted.len() * ENTRY);
        for (key, known) in sorted {
            for number in [*key, known.etag, known.offset, known.content] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            let done = if known.is_done { DONE } else { 0 };
            bytes.extend_from_slice(&(known.lines.min(DONE - 1) | done).to_le_bytes());
            bytes.extend_from_slice(&known.day.to_le_bytes());
        }
        BASE64_STANDARD.encode(bytes)
    }

    pub(super) fn get(&self, key: &str) -> Option<Known> {
        self.0.get(&number_of(key)).copied()
    }

    pub(super) fn set(&mut self, key: &str, known: Known) {
        self.0.insert(number_of(key), known);
    }

    /// It is listed on this day; answers whether there is nothing to read of it.
    pub(super) fn is_read(&mut self, key: &str, etag: u64, day: u16) -> bool {
        match self.0.get_mut(&number_of(key)) {
            None => false,
            Some(known) => {
                known.day = day;
                known.is_done && known.etag == etag
            }
        }
    }

    /// Forgets those that have not been listed for long.
    pub(super) fn forget(&mut self, today: u16) {
        self.0.retain(|_, known| today.saturating_sub(known.day) <= FORGOTTEN_DAYS);
    }
}

fn entry(bytes: &[u8; ENTRY]) -> Option<(u64, Known)> {
    let number = |at: usize| Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let lines = u32::from_le_bytes(*bytes.get(32..)?.first_chunk()?);
    let known = Known {
        etag: number(8)?,
        offset: number(16)?,
        content: number(24)?,
        lines: lines & !DONE,
        is_done: lines & DONE != 0,
        day: u16::from_le_bytes(*bytes.get(36..)?.first_chunk()?),
    };
    Some((number(0)?, known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_comes_back() {
        let mut objects = KnownObjects::default();
        for i in 0..100_u32 {
            let known = Known {
                etag: u64::from(i) * 3,
                offset: 1 << 40,
                content: u64::MAX,
                lines: i,
                is_done: i % 2 == 0,
                day: 20_786,
            };
            objects.set(&format!("logs/{i}.jsonl"), known);
        }
        let text = objects.to_text();
        assert_eq!(KnownObjects::read(&text), objects);
        assert_eq!(KnownObjects::read(&text).to_text(), text);
        assert_eq!(KnownObjects::read("no base64!"), KnownObjects::default());
        assert!(objects.is_read("logs/2.jsonl", 6, 20_800));
        assert!(!objects.is_read("logs/2.jsonl", 7, 20_800), "it was replaced");
        assert!(!objects.is_read("logs/3.jsonl", 9, 20_800), "its end was not read");
        assert!(!objects.is_read("logs/none.jsonl", 0, 20_800));
        objects.forget(20_817);
        assert_eq!(objects.0.len(), 2, "those that are listed since are known");
    }
}
