//! Files as they were at another time, such as a revision of git.

use std::{
    ffi::OsString,
    fmt::Debug,
    fs::File,
    io,
    path::{Path, PathBuf},
};

/// Files as they were at another time. Whoever reads them asks for them by the paths that they have now.
pub trait FileSnapshot: Debug + Send + Sync {
    /// The real path of what a path leads to, and what was there.
    fn find(&self, path: &Path) -> io::Result<(PathBuf, SnapshotEntry)>;

    /// The content of a file, by its real path.
    fn open(&self, real: &Path) -> io::Result<File>;

    /// What a folder held: names, and what each of them was.
    fn entries(&self, folder: &Path) -> io::Result<Vec<(OsString, SnapshotEntry)>>;
}

/// What was at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotEntry {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// Nothing that can be read.
    Missing,
    /// Something that the snapshot does not keep: it is read as it is now.
    OnDisk,
}
