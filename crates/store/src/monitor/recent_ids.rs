//! The ids of the last records, as numbers, in two files that are read in a moment: the segments hold them, too, but
//! among all else. What these files lack, or what is damaged in them, is read from the segments.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    ops::RangeInclusive,
    path::PathBuf,
};

use super::folder::MonitorFolder;
use crate::{WriteFileError, durable, error::cannot_write};

/// The file that grows, and the one before it.
const YOUNG: &str = "recent.ids";
const OLD: &str = "recent-old.ids";

/// First and last commit, how many ids there are, and a checksum behind them.
const NUMBER: usize = 8;
const HEAD: usize = 3 * NUMBER;

/// A file is no larger than this.
const MOST_BYTES: u64 = 256 << 20;

/// The ids of the records of some commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentIds {
    /// The commits.
    pub commits: RangeInclusive<u64>,
    /// A number for each record.
    pub ids: Vec<u64>,
}

/// The two files, open for more.
#[derive(Debug)]
pub struct RecentIdsFile {
    folder: MonitorFolder,
    /// Ids in the file that grows.
    n_young: usize,
    /// Ids that a file has at least before the next is begun.
    most: usize,
}

impl RecentIdsFile {
    /// Opens them; answers with what they hold, the oldest first. Whatever is damaged is cut off.
    pub fn open(
        folder: &MonitorFolder,
        most: usize,
    ) -> Result<(Self, Vec<RecentIds>), WriteFileError> {
        let mut file = Self { folder: folder.clone(), n_young: 0, most };
        let (mut all, _) = entries(&read(&file.path(OLD)));
        let path = file.path(YOUNG);
        let bytes = read(&path);
        let (young, whole) = entries(&bytes);
        if whole < bytes.len() {
            let cut = File::options().write(true).open(&path);
            cut.and_then(|file| durable::truncate(&file, whole as u64))
                .map_err(cannot_write(&path))?;
        }
        file.n_young = young.iter().map(|entry| entry.ids.len()).sum();
        all.extend(young);
        Ok((file, all))
    }

    /// Adds those of a commit that the state names.
    pub fn add(&mut self, recent: &RecentIds) -> Result<(), WriteFileError> {
        let path = self.path(YOUNG);
        if self.n_young >= self.most {
            durable::rename(&path, &self.path(OLD)).map_err(cannot_write(&path))?;
            self.n_young = 0;
        }
        let file = File::options().append(true).create(true).open(&path);
        let added = file.and_then(|file| durable::append(&file, &bytes_of(recent)));
        added.map_err(cannot_write(&path))?;
        self.n_young += recent.ids.len();
        Ok(())
    }

    /// Holds these alone from now on.
    pub fn replace(&mut self, recent: &RecentIds) -> Result<(), WriteFileError> {
        let (young, old) = (self.path(YOUNG), self.path(OLD));
        durable::remove(&old).map_err(cannot_write(&old))?;
        durable::write(&young, &bytes_of(recent)).map_err(cannot_write(&young))?;
        self.n_young = recent.ids.len();
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path.join(name)
    }
}

/// What a file holds; nothing where it cannot be read, or is none of these.
fn read(path: &PathBuf) -> Vec<u8> {
    let read = || -> io::Result<Vec<u8>> {
        if fs::metadata(path)?.len() > MOST_BYTES {
            return Err(ErrorKind::FileTooLarge.into());
        }
        fs::read(path)
    };
    read().unwrap_or_default()
}

fn bytes_of(RecentIds { commits, ids }: &RecentIds) -> Vec<u8> {
    let head = [*commits.start(), *commits.end(), ids.len() as u64];
    let mut bytes = Vec::with_capacity(HEAD + ids.len() * NUMBER + NUMBER);
    for number in head.iter().chain(ids) {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    let sum = checksum(&bytes);
    bytes.extend_from_slice(&sum);
    bytes
}

/// The entries up to the first that is not whole, and how many bytes they take.
fn entries(bytes: &[u8]) -> (Vec<RecentIds>, usize) {
    let (mut found, mut rest) = (Vec::new(), bytes);
    while let Some((entry, behind)) = entry(rest) {
        found.push(entry);
        rest = behind;
    }
    (found, bytes.len() - rest.len())
}

fn entry(bytes: &[u8]) -> Option<(RecentIds, &[u8])> {
    let number = |at: usize| {
        let bytes = bytes.get(at..)?.first_chunk::<NUMBER>()?;
        Some(u64::from_le_bytes(*bytes))
    };
    let (first, last) = (number(0)?, number(NUMBER)?);
    let n = usize::try_from(number(2 * NUMBER)?).ok()?;
    let end = n.checked_mul(NUMBER)?.checked_add(HEAD)?;
    let (content, behind) = bytes.split_at_checked(end)?;
    let (sum, rest) = behind.split_at_checked(NUMBER)?;
    if sum != checksum(content) {
        return None;
    }
    let ids = content[HEAD..].as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
    Some((RecentIds { commits: first..=last, ids: ids.collect() }, rest))
}

fn checksum(bytes: &[u8]) -> [u8; NUMBER] {
    let hash = blake3::hash(bytes);
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recent(commit: u64, n: u64) -> RecentIds {
        RecentIds { commits: commit..=commit, ids: (0..n).map(|i| commit * 1000 + i).collect() }
    }

    #[test]
    fn the_last_ids_are_found_again_and_a_cut_or_damaged_end_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = MonitorFolder { path: folder.path().to_owned() };
        fs::create_dir_all(&folder.path).expect("a folder");
        let (mut file, found) = RecentIdsFile::open(&folder, 25).expect("opened");
        assert_eq!(found, []);
        for commit in 1..=7 {
            file.add(&recent(commit, 10)).expect("written");
        }
        // Three commits fill a file: two files hold the last ones.
        let (_, found) = RecentIdsFile::open(&folder, 25).expect("opened");
        assert_eq!(found, [4, 5, 6, 7].map(|commit| recent(commit, 10)));
        let young = folder.path.join(YOUNG);
        let whole = fs::read(&young).expect("a file");
        for end in 1..whole.len() {
            crate::durable::write(&young, &whole[..end]).expect("written");
            let (mut file, found) = RecentIdsFile::open(&folder, 25).expect("opened");
            assert_eq!(found, [4, 5, 6].map(|commit| recent(commit, 10)), "cut at {end}");
            file.add(&recent(8, 2)).expect("written");
            let (_, found) = RecentIdsFile::open(&folder, 25).expect("opened");
            assert_eq!(found.last(), Some(&recent(8, 2)), "cut at {end}");
        }
        let mut damaged = whole.clone();
        damaged[HEAD + 3] ^= 1;
        crate::durable::write(&young, &damaged).expect("written");
        let (mut file, found) = RecentIdsFile::open(&folder, 25).expect("opened");
        assert_eq!(found.len(), 3);
        let all = RecentIds { commits: 1..=9, ids: vec![1, 2, 3] };
        file.replace(&all).expect("written");
        let (_, found) = RecentIdsFile::open(&folder, 25).expect("opened");
        assert_eq!(found, [all]);
    }
}
