//! What others send: a sender that heard nothing sends again, so that records are known by their ids; and who heard that
//! a record is kept never sends it again, so that it is in a journal before.

use std::collections::HashSet;

use evalmark_report::records::{RecordNames, for_each_record_id};
use evalmark_store::monitor::{JournalEntries, MonitorFolder, MonitorJournal, MonitorState};

use super::{Monitor, segment::OpenSegment, stored::JournalHead};
use crate::error::{Hinted, Result};

/// At least so many of the last records are known.
const KNOWN: usize = 1 << 20;

/// The ids of the last records.
pub(super) struct SeenIds {
    young: HashSet<u64>,
    old: HashSet<u64>,
    most: usize,
}

impl SeenIds {
    pub(super) fn new() -> Self {
        Self::of_at_least(KNOWN)
    }

    fn of_at_least(most: usize) -> Self {
        Self { young: HashSet::new(), old: HashSet::new(), most }
    }

    /// Those of the last segments.
    fn of_segments(folder: &MonitorFolder, state: &MonitorState) -> Result<Self> {
        let (mut first, mut records) = (state.segments.len(), 0);
        while first > 0 && records < KNOWN as u64 {
            first -= 1;
            records += state.segments[first].rows;
        }
        let mut seen = Self::new();
        for segment in &state.segments[first..] {
            let read = for_each_record_id(&folder.segment(&segment.name), |id| {
                seen.insert(id);
            });
            read.hint("bring the file back, or remove the monitor's folder")?;
        }
        Ok(seen)
    }

    /// Takes an id in; answers whether it is new.
    pub(super) fn insert(&mut self, id: &str) -> bool {
        let hash = blake3::hash(id.as_bytes());
        let number = hash.as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
        if self.young.contains(&number) || self.old.contains(&number) {
            return false;
        }
        if self.young.len() >= self.most {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(number)
    }
}

impl Monitor {
    /// Gets ready for lines that others send.
    pub(super) fn await_senders(&mut self) -> Result<()> {
        self.seen = Some(SeenIds::of_segments(&self.folder, &self.state)?);
        Ok(())
    }

    /// The journal of the segment that comes next.
    pub(super) fn journal(&mut self) -> Result<&mut MonitorJournal> {
        match &mut self.journal {
            Some(journal) => Ok(journal),
            none => {
                let path = self.folder.journal(self.state.next_segment);
                let categories = self.suite.names.categories.clone();
                let head = JournalHead { metrics: self.suite.hashes.clone(), categories };
                Ok(none.insert(MonitorJournal::begin(&path, &head)?))
            }
        }
    }

    /// Makes a segment of what a process that was ended had promised to keep.
    pub(super) fn keep_promises(&mut self) -> Result<()> {
        let path = self.folder.journal(self.state.next_segment);
        let cannot = || format!("{} cannot be read", path.display());
        let Some(mut entries) = JournalEntries::open(&path).with_context(cannot)? else {
            return Ok(());
        };
        if let Some(JournalHead { metrics, categories }) =
            entries.read_entry().with_context(cannot)?
        {
            let own = metrics.iter().map(|metric| metric.name.clone()).collect();
            let names = RecordNames { metrics: own, categories };
            while let Some(batch) = entries.read_entry().with_context(cannot)? {
                self.take_batch(batch, Some(&names))?;
            }
            self.commit_scored_by(&metrics, true)?;
        }
        evalmark_store::durable::remove(&path).with_context(cannot)?;
        Ok(())
    }
}

impl OpenSegment {
    /// The segment of this number, which is begun where there is none.
    pub(super) fn of<'a>(
        segment: &'a mut Option<Self>,
        folder: &MonitorFolder,
        number: u64,
        names: &RecordNames,
    ) -> Result<&'a mut Self> {
        match segment {
            Some(segment) => Ok(segment),
            none => Ok(none.insert(Self::begin(folder, number, names)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SeenIds;

    #[test]
    fn the_last_ids_are_known_and_no_more_than_twice_as_many() {
        let mut seen = SeenIds::of_at_least(100);
        for i in 0..1000 {
            assert!(seen.insert(&format!("a{i}")), "{i}");
            assert!(!seen.insert(&format!("a{i}")), "{i}");
        }
        assert!((900..1000).all(|i| !seen.insert(&format!("a{i}"))));
        assert!(seen.young.len() + seen.old.len() <= 200);
        assert!(seen.insert("a0"));
    }
}
