//! Whether files changed since somebody looked. Files are looked at, not subscribed to: there are a handful, and so it works
//! where the system sends no events (network and bind mounts) and when an editor replaces a file.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, SystemTime},
};

use evalmark_core::suite::Suite;

use crate::{Host, RunOptions};

/// Between two looks at watched files.
const LOOK: Duration = Duration::from_millis(100);

/// Looks for which changing files are waited for at most.
const MOST_LOOKS: usize = 20;

/// Every file that a suite names, itself first, whether the file is there or not.
pub fn files_of_suite(path: &Path, host: &Host<'_>) -> Vec<PathBuf> {
    Suite::files(path, host.readers(&RunOptions::default()))
}

/// Files as they were at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileWatch {
    stamps: BTreeMap<PathBuf, Stamp>,
}

/// What changes with a file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stamp {
    Missing,
    There { bytes: u64, modified: Option<SystemTime>, inode: u64 },
}

impl FileWatch {
    /// The files as they are now.
    pub fn of(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let stamp = |path: PathBuf| {
            let stamp = Stamp::of(&path);
            (path, stamp)
        };
        Self { stamps: files.into_iter().map(stamp).collect() }
    }

    /// The same files as they are by now.
    #[must_use]
    pub fn again(&self) -> Self {
        Self::of(self.stamps.keys().cloned())
    }

    /// How many files there are.
    pub fn n_files(&self) -> usize {
        self.stamps.len()
    }

    /// The first file that is another one than `before`.
    pub fn first_changed(&self, before: &Self) -> Option<&Path> {
        let changed = |(path, stamp): &(&PathBuf, &Stamp)| before.stamps.get(*path) != Some(stamp);
        self.stamps.iter().find(changed).map(|(path, _)| path.as_path())
    }

    /// Waits for a change, and for its end: an editor writes in steps, and may take a file away first.
    pub fn next_change(&self) -> PathBuf {
        loop {
            sleep(LOOK);
            let mut now = self.again();
            let Some(changed) = now.first_changed(self).map(Path::to_owned) else { continue };
            for _ in 0..MOST_LOOKS {
                sleep(LOOK);
                let next = now.again();
                let is_at_rest = next == now && !next.lacks_one_of(self);
                now = next;
                if is_at_rest {
                    break;
                }
            }
            // What was written back as it was needs no other look.
            if now != *self {
                return changed;
            }
        }
    }

    /// Whether a file is gone that `before` had: an editor may be about to put another in its place.
    pub fn lacks_one_of(&self, before: &Self) -> bool {
        let is_gone = |(path, stamp): (&PathBuf, &Stamp)| {
            *stamp == Stamp::Missing
                && before.stamps.get(path).is_some_and(|was| *was != Stamp::Missing)
        };
        self.stamps.iter().any(is_gone)
    }
}

impl Stamp {
    fn of(path: &Path) -> Self {
        fs::metadata(path).map_or(Self::Missing, |about| Self::There {
            bytes: about.len(),
            modified: io::Result::ok(about.modified()),
            inode: inode(&about),
        })
    }
}

#[cfg(unix)]
fn inode(about: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(about)
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests;
