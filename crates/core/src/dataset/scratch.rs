//! Records of a dataset's rows that memory should not hold: beyond a bound they lie in a nameless
//! temporary file, as sorted runs that are merged when they are read.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, binary_heap::PeekMut},
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    ops::Range,
};

/// Opens an empty temporary file that has no name: nothing of it is left when the process ends, however
/// it ends.
pub type OpenScratch = fn() -> io::Result<File>;

/// Where records go that memory does not hold.
#[derive(Clone, Copy, Debug)]
pub struct ScratchSpace {
    /// Opens a file for them.
    pub open: OpenScratch,
    /// How many records of one kind memory holds.
    pub most_held: usize,
}

/// How many records of one kind memory holds where nobody says otherwise: 8 MiB of hashes.
const MOST_HELD: usize = 1 << 20;

/// What all runs together are read through, in bytes.
const MERGE_BUFFERS: usize = 4 << 20;

impl ScratchSpace {
    /// With files that `open` makes.
    pub fn new(open: OpenScratch) -> Self {
        Self { open, most_held: MOST_HELD }
    }
}

/// A record of fixed size.
pub(super) trait ScratchRecord: Copy + Ord {
    /// Writes it.
    fn write(self, to: &mut impl Write) -> io::Result<()>;

    /// Reads one that was written.
    fn read(from: &mut impl Read) -> io::Result<Self>;
}

impl ScratchRecord for u64 {
    fn write(self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&self.to_le_bytes())
    }

    fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut bytes = [0; 8];
        from.read_exact(&mut bytes)?;
        Ok(Self::from_le_bytes(bytes))
    }
}

/// Any number of records, which are read in ascending order once all are there.
pub(super) struct SortedRuns<R> {
    space: ScratchSpace,
    held: Vec<R>,
    file: Option<File>,
    /// Where the runs lie in the file, in bytes.
    runs: Vec<Range<u64>>,
}

impl<R: ScratchRecord> SortedRuns<R> {
    /// None yet.
    pub(super) fn new(space: ScratchSpace) -> Self {
        Self { space, held: Vec::new(), file: None, runs: Vec::new() }
    }

    /// Adds a record.
    pub(super) fn push(&mut self, record: R) -> io::Result<()> {
        if self.held.len() >= self.space.most_held {
            self.spill()?;
        }
        self.held.push(record);
        Ok(())
    }

    /// Writes what is held as one more run.
    fn spill(&mut self) -> io::Result<()> {
        self.held.sort_unstable();
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert((self.space.open)()?),
        };
        let start = self.runs.last().map_or(0, |run| run.end);
        file.seek(SeekFrom::Start(start))?;
        let mut writer = BufWriter::with_capacity(1 << 18, file);
        for record in self.held.drain(..) {
            record.write(&mut writer)?;
        }
        let end = writer.stream_position()?;
        writer.flush()?;
        self.runs.push(start..end);
        Ok(())
    }

    /// All records in ascending order.
    pub(super) fn sorted(&mut self) -> io::Result<Box<dyn Iterator<Item = io::Result<R>> + '_>> {
        if self.file.is_some() && !self.held.is_empty() {
            self.spill()?;
            self.held = Vec::new();
        }
        self.held.sort_unstable();
        Ok(match &self.file {
            Some(file) => Box::new(Merged::new(file, &self.runs)?),
            None => Box::new(self.held.iter().map(|record| Ok(*record))),
        })
    }
}

/// Sorted runs of a file, merged.
struct Merged<'a, R> {
    runs: Vec<BufReader<Run<'a>>>,
    /// The next record of each run that has one.
    next: BinaryHeap<Reverse<(R, usize)>>,
}

/// What is left of a run.
struct Run<'a> {
    file: &'a File,
    left: Range<u64>,
}

impl Read for Run<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.left.end - self.left.start).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        self.file.seek(SeekFrom::Start(self.left.start))?;
        let n = self.file.read(&mut buffer[..most])?;
        self.left.start += n as u64;
        Ok(n)
    }
}

impl<'a, R: ScratchRecord> Merged<'a, R> {
    fn new(file: &'a File, runs: &[Range<u64>]) -> io::Result<Self> {
        let buffer = (MERGE_BUFFERS / runs.len().max(1)).clamp(1 << 12, 1 << 18);
        let run =
            |left: &Range<u64>| BufReader::with_capacity(buffer, Run { file, left: left.clone() });
        let mut merged = Self { runs: runs.iter().map(run).collect(), next: BinaryHeap::new() };
        for at in 0..merged.runs.len() {
            if let Some(first) = merged.read(at)? {
                merged.next.push(Reverse((first, at)));
            }
        }
        Ok(merged)
    }

    /// The next record of a run.
    fn read(&mut self, at: usize) -> io::Result<Option<R>> {
        next_of(&mut self.runs[at])
    }
}

fn next_of<R: ScratchRecord>(run: &mut BufReader<Run<'_>>) -> io::Result<Option<R>> {
    let left = &run.get_ref().left;
    if run.buffer().is_empty() && left.is_empty() {
        return Ok(None);
    }
    R::read(run).map(Some)
}

impl<R: ScratchRecord> Iterator for Merged<'_, R> {
    type Item = io::Result<R>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut top = self.next.peek_mut()?;
        let Reverse((record, at)) = *top;
        match next_of(&mut self.runs[at]) {
            Ok(Some(after)) => *top = Reverse((after, at)),
            Ok(None) => drop(PeekMut::pop(top)),
            Err(error) => return Some(Err(error)),
        }
        Some(Ok(record))
    }
}

/// Counts different texts, by hashes of them.
pub struct DistinctCounter(SortedRuns<u64>);

impl DistinctCounter {
    /// None yet.
    pub fn new(space: ScratchSpace) -> Self {
        Self(SortedRuns::new(space))
    }

    /// Sees a text.
    pub fn see(&mut self, text: &str) -> io::Result<()> {
        self.0.push(short_hash(&blake3::hash(text.as_bytes())))
    }

    /// How many different ones there were.
    pub fn count(mut self) -> io::Result<u64> {
        let (mut count, mut last) = (0, None);
        for hash in self.0.sorted()? {
            let hash = Some(hash?);
            count += u64::from(hash != last);
            last = hash;
        }
        Ok(count)
    }
}

/// The first eight bytes of a hash.
pub(super) fn short_hash(hash: &blake3::Hash) -> u64 {
    let mut short = [0; 8];
    short.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_be_bytes(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(most_held: usize) -> ScratchSpace {
        ScratchSpace { open: tempfile::tempfile, most_held }
    }

    fn sorted(records: &[u64], most_held: usize) -> Vec<u64> {
        let mut runs = SortedRuns::new(space(most_held));
        for record in records {
            runs.push(*record).expect("room");
        }
        let first: Vec<u64> = runs.sorted().expect("read").map(|r| r.expect("read")).collect();
        let again: Vec<u64> = runs.sorted().expect("read").map(|r| r.expect("read")).collect();
        assert_eq!(first, again, "they can be read twice");
        first
    }

    #[test]
    fn records_come_back_sorted_wherever_they_were() {
        let records: Vec<u64> = (0..5_000_u64).map(|i| i * 7_919 % 4_001).collect();
        let mut expected = records.clone();
        expected.sort_unstable();
        for most_held in [1, 2, 7, 999, 4_999, 5_000, 5_001] {
            assert_eq!(sorted(&records, most_held), expected, "{most_held}");
        }
        assert!(sorted(&[], 1).is_empty());
        assert_eq!(sorted(&[3], 1), [3]);
    }

    #[test]
    fn different_texts_are_counted() {
        for most_held in [3, 1_000] {
            let mut counter = DistinctCounter::new(space(most_held));
            (0..500).for_each(|i| counter.see(&format!("text {}", i % 123)).expect("room"));
            assert_eq!(counter.count().expect("read"), 123);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error() {
        let full = || File::options().read(true).write(true).open("/dev/full");
        let mut runs = SortedRuns::new(ScratchSpace { open: full, most_held: 2 });
        let pushed = (0..100).try_for_each(|i: u64| runs.push(i));
        assert_eq!(pushed.expect_err("no room").kind(), io::ErrorKind::StorageFull);
    }
}
