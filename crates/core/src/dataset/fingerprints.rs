//! A short hash of each item of a dataset, in order, with which a later pass sees whether an item is still
//! the one that was planned. Beyond a bound they lie in a temporary file.

use std::{
    fmt,
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    sync::{Arc, Mutex, PoisonError},
};

use super::scratch::ScratchSpace;

/// The size of one in a file.
const N_BYTES: u64 = 4;

/// How many are read from a file at once.
const BLOCK: u64 = 1 << 12;

/// A short hash of each item of a dataset, in order: of everything that its row says. It is compared
/// with within one process only.
#[derive(Clone)]
pub struct Fingerprints {
    n: u64,
    kept: Kept,
}

#[derive(Clone)]
enum Kept {
    Held(Arc<[u32]>),
    Written(Arc<Mutex<File>>),
}

impl fmt::Debug for Fingerprints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fingerprints").field("n", &self.n).finish_non_exhaustive()
    }
}

impl Fingerprints {
    /// How many items there are.
    pub(super) fn len(&self) -> u64 {
        self.n
    }
}

/// Fingerprints of the items that were seen so far.
pub(super) struct FingerprintWriter {
    space: ScratchSpace,
    held: Vec<u32>,
    file: Option<File>,
    n: u64,
}

impl FingerprintWriter {
    pub(super) fn new(space: ScratchSpace) -> Self {
        Self { space, held: Vec::new(), file: None, n: 0 }
    }

    pub(super) fn len(&self) -> u64 {
        self.n
    }

    pub(super) fn push(&mut self, fingerprint: u32) -> io::Result<()> {
        if self.held.len() >= self.space.most_held {
            self.spill()?;
        }
        self.held.push(fingerprint);
        self.n += 1;
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert((self.space.open)()?),
        };
        let mut writer = BufWriter::with_capacity(1 << 16, file);
        self.held.drain(..).try_for_each(|one| writer.write_all(&one.to_le_bytes()))?;
        writer.flush()
    }

    pub(super) fn finish(mut self) -> io::Result<Fingerprints> {
        if self.file.is_some() {
            self.spill()?;
        }
        let kept = match self.file {
            Some(file) => Kept::Written(Arc::new(Mutex::new(file))),
            None => Kept::Held(self.held.into()),
        };
        Ok(Fingerprints { n: self.n, kept })
    }
}

/// Looks fingerprints up, one pass over the items each: those of places that follow each other are read
/// from the file together.
pub(super) struct FingerprintReader {
    of: Fingerprints,
    /// The place of the first one of the block that was read last.
    first: u64,
    block: Vec<u32>,
}

impl FingerprintReader {
    pub(super) fn new(of: Fingerprints) -> Self {
        Self { of, first: 0, block: Vec::new() }
    }

    /// The fingerprint of the item at this place; `None` behind the last one.
    pub(super) fn get(&mut self, place: u64) -> io::Result<Option<u32>> {
        if place >= self.of.n {
            return Ok(None);
        }
        let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
        match &self.of.kept {
            Kept::Held(held) => Ok(held.get(at(place)).copied()),
            Kept::Written(file) => {
                if place < self.first || place - self.first >= self.block.len() as u64 {
                    self.first = place - place % BLOCK;
                    let n = BLOCK.min(self.of.n - self.first);
                    self.block = read_block(file, self.first, n)?;
                }
                Ok(self.block.get(at(place - self.first)).copied())
            }
        }
    }
}

fn read_block(file: &Mutex<File>, first: u64, n: u64) -> io::Result<Vec<u32>> {
    let file = file.lock().unwrap_or_else(PoisonError::into_inner);
    (&*file).seek(SeekFrom::Start(first * N_BYTES))?;
    let mut reader = BufReader::with_capacity(1 << 14, (&*file).take(n * N_BYTES));
    let mut one = [0; 4];
    (0..n).map(|_| reader.read_exact(&mut one).map(|()| u32::from_le_bytes(one))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_found_wherever_they_are() {
        for (n, most_held) in [(0, 3), (5, 100), (100, 100), (101, 100), (30_000, 7), (8_192, 4)] {
            let mut writer =
                FingerprintWriter::new(ScratchSpace { open: tempfile::tempfile, most_held });
            let of = |place: u64| u32::try_from(place * 40_503 % 65_537).expect("small");
            (0..n).for_each(|place| writer.push(of(place)).expect("room"));
            let fingerprints = writer.finish().expect("room");
            assert_eq!(fingerprints.len(), n);
            // Two passes at once, in and out of order.
            let mut readers = [(); 2].map(|()| FingerprintReader::new(fingerprints.clone()));
            for place in (0..n).chain((0..n).rev().step_by(977)) {
                for reader in &mut readers {
                    assert_eq!(reader.get(place).expect("read"), Some(of(place)), "{n} {place}");
                }
            }
            assert_eq!(readers[0].get(n).expect("read"), None);
        }
    }
}
