//! What others send: a sender that heard nothing sends again, so that records are known by their ids; and who heard that
//! a record is kept never sends it again, so that it is in a journal before.

use std::{collections::HashSet, ops::RangeInclusive};

use evalmark_report::records::{RecordNames, for_each_record_id};
use evalmark_store::monitor::{
    JournalEntries, MonitorFolder, MonitorJournal, MonitorSegment, MonitorState, RecentIds,
    RecentIdsFile,
};

use super::{Monitor, judging::waiting_records, segment::OpenSegment, stored::JournalHead};
use crate::error::{Hinted, Result};

/// At least so many of the last records are known.
const KNOWN: usize = 1 << 20;

/// The ids of the last records.
pub(super) struct SeenIds {
    young: HashSet<u64>,
    old: HashSet<u64>,
    most: usize,
    /// Where they are found again.
    file: Option<RecentIdsFile>,
    /// Those that no commit has yet.
    uncommitted: Vec<u64>,
}

impl SeenIds {
    fn of_at_least(most: usize) -> Self {
        let (young, old) = (HashSet::new(), HashSet::new());
        Self { young, old, most, file: None, uncommitted: Vec::new() }
    }

    /// Those of the last segments: out of files that hold nothing else, and what these lack out of the segments.
    pub(super) fn of_segments(folder: &MonitorFolder, state: &MonitorState) -> Result<Self> {
        let (mut file, known) = RecentIdsFile::open(folder, KNOWN)?;
        let mut seen = Self::of_at_least(KNOWN);
        let lacking = lacking(&last_segments(&state.segments), &known);
        let ids = known.into_iter().flat_map(|recent| recent.ids);
        ids.for_each(|id| {
            seen.insert(id);
        });
        for segment in &lacking {
            let read = for_each_record_id(&folder.segment(&segment.name), |id| {
                seen.insert(number_of(id));
            });
            read.hint("bring the file back, or remove the monitor's folder")?;
        }
        for file in &state.judging.waiting {
            let (_, records) = waiting_records(&folder.segment(&file.name))?;
            for one in &records {
                seen.insert(number_of(&one.record.id));
            }
        }
        if !lacking.is_empty() && state.next_segment > 1 {
            let ids = seen.old.iter().chain(&seen.young).copied().collect();
            file.replace(&RecentIds { commits: 1..=state.next_segment - 1, ids })?;
        }
        seen.file = Some(file);
        Ok(seen)
    }

    /// Takes an id in that no commit has yet; answers whether it is new.
    pub(super) fn take(&mut self, id: &str) -> bool {
        let number = number_of(id);
        let is_new = self.insert(number);
        if is_new {
            self.uncommitted.push(number);
        }
        is_new
    }

    fn insert(&mut self, number: u64) -> bool {
        if self.young.contains(&number) || self.old.contains(&number) {
            return false;
        }
        if self.young.len() >= self.most {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(number)
    }

    /// Their records are in the segment of this commit, or in none where there are none.
    pub(super) fn committed(&mut self, commit: u64) -> Result<()> {
        let ids = std::mem::take(&mut self.uncommitted);
        if let Some(file) = &mut self.file {
            file.add(&RecentIds { commits: commit..=commit, ids })?;
        }
        Ok(())
    }
}

fn number_of(id: &str) -> u64 {
    let hash = blake3::hash(id.as_bytes());
    hash.as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

/// The segments that hold the last records.
fn last_segments(segments: &[MonitorSegment]) -> Vec<&MonitorSegment> {
    let mut records = 0;
    let is_needed = |segment: &&MonitorSegment| {
        let is_needed = records < KNOWN as u64;
        records += segment.rows;
        is_needed
    };
    let mut last: Vec<_> = segments.iter().rev().take_while(is_needed).collect();
    last.reverse();
    last
}

/// Those of the segments with a commit whose ids are not known.
fn lacking<'a>(segments: &[&'a MonitorSegment], known: &[RecentIds]) -> Vec<&'a MonitorSegment> {
    let mut spans: Vec<_> = known.iter().map(|one| one.commits.clone()).collect();
    spans.sort_by_key(|span| *span.start());
    let mut joined: Vec<RangeInclusive<u64>> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if *span.start() <= last.end().saturating_add(1) => {
                *last = *last.start()..=*last.end().max(span.end());
            }
            _ => joined.push(span),
        }
    }
    let is_lacking = |segment: &&MonitorSegment| {
        let commits = segment.commits();
        !commits.is_some_and(|commits| {
            joined.iter().any(|span| span.contains(commits.start()) && span.contains(commits.end()))
        })
    };
    segments.iter().copied().filter(is_lacking).collect()
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
                let head =
                    JournalHead { metrics: self.suite.hashes.clone(), categories, n_waiting: 0 };
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
        if let Some(JournalHead { metrics, categories, .. }) =
            entries.read_entry().with_context(cannot)?
        {
            let own = metrics.iter().map(|metric| metric.name.clone()).collect();
            let names = RecordNames { metrics: own, categories };
            while let Some(batch) = entries.read_entry().with_context(cannot)? {
                self.take_batch(batch, Some(&names))?;
            }
            self.commit_scored_by(&metrics, &names.categories, true)?;
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
            none => Ok(none.insert(Self::begin(folder, &(number..=number), names)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ids_are_known_and_no_more_than_twice_as_many() {
        let mut seen = SeenIds::of_at_least(100);
        for i in 0..1000 {
            assert!(seen.take(&format!("a{i}")), "{i}");
            assert!(!seen.take(&format!("a{i}")), "{i}");
        }
        assert!((900..1000).all(|i| !seen.take(&format!("a{i}"))));
        assert!(seen.young.len() + seen.old.len() <= 200);
        assert!(seen.take("a0"));
    }

    #[test]
    fn a_segment_is_read_where_one_of_its_commits_is_not_known() {
        let segment = |name: &str, rows| MonitorSegment {
            name: format!("{name}.parquet"),
            rows,
            digest: String::new(),
            metrics: Vec::new(),
            level: 0,
            first_at_us: None,
        };
        let known = |commits| RecentIds { commits, ids: Vec::new() };
        let segments = [
            segment("000001-000008", KNOWN as u64),
            segment("000009", KNOWN as u64 - 1),
            segment("000010-000012", 1),
            segment("000013", 1),
        ];
        let last = last_segments(&segments);
        assert_eq!(last.len(), 3);
        let check = |known: &[RecentIds], expected: &[usize]| {
            let expected: Vec<_> = expected.iter().map(|at| &segments[*at]).collect();
            assert_eq!(lacking(&last, known), expected, "{known:?}");
        };
        check(&[], &[1, 2, 3]);
        check(&[known(9..=9), known(13..=13)], &[2]);
        check(&[known(11..=13), known(9..=9)], &[2]);
        check(&[known(9..=10), known(11..=11), known(12..=13)], &[]);
        check(&[known(1..=13)], &[]);
    }
}
