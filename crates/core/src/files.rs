//! Which files a suite may name: regular ones below its root, wherever links lead.
//!
//! A suite may come from a stranger, and what it reads goes to a model and into reports. So every
//! file that a suite names is opened here: links are resolved first, and what lies outside of the
//! suite's root, is hidden, or is no regular file is refused with the way to allow it.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs::{self, File},
    io::{self, Read},
    path::{Component, Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    file_snapshot::{FileSnapshot, SnapshotEntry},
    suite::text_file::decode,
};

/// The largest text file that is read whole, in bytes: prompts, included templates, word lists.
pub const MAX_TEXT: u64 = 16 << 20;

/// Hidden folders that hold no secrets: prompts live there, too.
const OPEN_THOUGH_HIDDEN: [&str; 1] = [".github"];

/// File systems whose files are no data, though they look like regular files.
const SYSTEM: [&str; 3] = ["/proc", "/sys", "/dev"];

/// The files that one suite may read, and those that it did. Cheap to clone; clones share the list.
#[derive(Clone, Debug)]
pub struct FileAccess {
    /// Real paths of folders; the first is the suite's own root. `None` allows every folder.
    roots: Option<Arc<[PathBuf]>>,
    /// The real path of the suite's folder.
    folder: Arc<Path>,
    read: Arc<Mutex<BTreeSet<PathBuf>>>,
    named: Arc<Mutex<BTreeSet<PathBuf>>>,
    /// Files as they were at another time, which stand before those of the disk.
    snapshot: Option<Arc<dyn FileSnapshot>>,
}

/// A file that a suite names and that cannot be used. It is told behind the file's name.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system cannot open or read it.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It lies where the suite may not read.
    #[error(
        "is outside of {root}, where this suite may read files ({}); if it may read this one, \
         allow its folder with `--root {}`",
        real.display(),
        folder_of(real).display(),
        root = root.display()
    )]
    Outside {
        /// Where the file really lies.
        real: PathBuf,
        /// The suite's own root.
        root: PathBuf,
    },
    /// It, or a folder on the way to it, is hidden.
    #[error(
        "is hidden ({}), and such files may hold secrets; if the suite may read it, allow its \
         folder \
         with `--root {}`",
        real.display(),
        folder_of(real).display()
    )]
    Hidden {
        /// Where the file really lies.
        real: PathBuf,
    },
    /// It is something else than a regular file.
    #[error("is {0}, not a file")]
    NotRegular(&'static str),
    /// It was exchanged for another while it was opened.
    #[error("changed while it was opened")]
    Changed,
    /// It is too large to be read whole.
    #[error("has more than {} MiB", MAX_TEXT >> 20)]
    TooLarge,
}

impl FileAccess {
    /// What the suite at this path may read: files below its root, and below those
    /// folders that the user allows as well.
    pub fn of_suite(suite: &Path, allowed: &[PathBuf]) -> io::Result<Self> {
        let folder = fs::canonicalize(folder_of(suite))?;
        let mut roots = vec![default_root(&folder)];
        for root in allowed {
            roots.push(fs::canonicalize(root)?);
        }
        let (read, named) = (Arc::default(), Arc::default());
        Ok(Self { roots: Some(roots.into()), folder: folder.into(), read, named, snapshot: None })
    }

    /// Every regular file: for what the user names on the command line.
    pub fn unlimited() -> Self {
        let (read, named) = (Arc::default(), Arc::default());
        Self { roots: None, folder: Path::new("").into(), read, named, snapshot: None }
    }

    /// The same files as they were at another time. What was read so far is another list.
    #[must_use]
    pub fn at(&self, snapshot: Arc<dyn FileSnapshot>) -> Self {
        let (read, named) = (Arc::default(), Arc::default());
        Self { read, named, snapshot: Some(snapshot), ..self.clone() }
    }

    /// The suite's own root, a real path; `None` where every folder is allowed.
    pub fn root(&self) -> Option<&Path> {
        self.roots.as_ref()?.first().map(PathBuf::as_path)
    }

    /// The real paths of all files that were opened or checked so far, sorted.
    pub fn files_read(&self) -> Vec<PathBuf> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The paths of all files that were asked for so far, whether they are there or not, sorted.
    pub fn files_named(&self) -> Vec<PathBuf> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn note(&self, path: &Path) {
        self.named.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
    }

    /// Opens a file that may be read.
    pub fn open(&self, path: &Path) -> Result<File, FileError> {
        self.note(path);
        if let Some((snapshot, real)) = self.in_snapshot(path)? {
            let file = snapshot.open(&real)?;
            self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(real);
            return Ok(file);
        }
        let real = self.resolve(path)?;
        let file = open_regular(&real)?;
        // What was checked must be what was opened, though a folder may have become a link since.
        if !is_same(&file, path)? || fs::canonicalize(path)? != real {
            return Err(FileError::Changed);
        }
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(real);
        Ok(file)
    }

    /// The file as it was at another time, where it is read so: who has it, and its real path.
    fn in_snapshot(&self, path: &Path) -> Result<Option<(&dyn FileSnapshot, PathBuf)>, FileError> {
        let Some(snapshot) = self.snapshot.as_deref() else { return Ok(None) };
        let (real, entry) = snapshot.find(path)?;
        let real = match entry {
            SnapshotEntry::OnDisk => return Ok(None),
            SnapshotEntry::Missing => {
                return Err(FileError::Unreadable(io::ErrorKind::NotFound.into()));
            }
            SnapshotEntry::Folder => return Err(FileError::NotRegular("a folder")),
            SnapshotEntry::File => self.allowed(real)?,
        };
        Ok(Some((snapshot, real)))
    }

    /// Whether the files of a folder may be looked at.
    pub fn folder(&self, path: &Path) -> Result<(), FileError> {
        self.note(path);
        if let Some(snapshot) = &self.snapshot {
            let (real, entry) = snapshot.find(path)?;
            match entry {
                SnapshotEntry::OnDisk => {}
                SnapshotEntry::Folder => return self.allowed(real).map(drop),
                SnapshotEntry::File => {
                    return Err(FileError::Unreadable(io::ErrorKind::NotADirectory.into()));
                }
                SnapshotEntry::Missing => {
                    return Err(FileError::Unreadable(io::ErrorKind::NotFound.into()));
                }
            }
        }
        if self.resolve(path)?.is_dir() {
            return Ok(());
        }
        Err(FileError::Unreadable(io::ErrorKind::NotADirectory.into()))
    }

    /// Whether there is a folder of this path, wherever it lies.
    pub(crate) fn is_folder(&self, path: &Path) -> bool {
        let found = self.snapshot.as_ref().and_then(|snapshot| snapshot.find(path).ok());
        match found.map(|(_, entry)| entry) {
            Some(SnapshotEntry::Folder) => true,
            Some(SnapshotEntry::File | SnapshotEntry::Missing) => false,
            Some(SnapshotEntry::OnDisk) | None => path.is_dir(),
        }
    }

    /// What a folder holds: names, and what each of them is. Links are neither files nor folders.
    pub(crate) fn entries(&self, folder: &Path) -> io::Result<Vec<(OsString, SnapshotEntry)>> {
        if let Some(snapshot) = &self.snapshot
            && snapshot.find(folder)?.1 != SnapshotEntry::OnDisk
        {
            return snapshot.entries(folder);
        }
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            let kind = entry.file_type()?;
            let kind = match (kind.is_dir(), kind.is_file()) {
                (true, _) => SnapshotEntry::Folder,
                (_, true) => SnapshotEntry::File,
                _ => SnapshotEntry::Missing,
            };
            Ok((entry.file_name(), kind))
        };
        fs::read_dir(folder)?.map(entry).collect()
    }

    /// Whether a file may be read, for one that is opened later.
    pub fn check(&self, path: &Path) -> Result<(), FileError> {
        self.open(path).map(drop)
    }

    /// Whether a file, wherever it lies, is one that can be read.
    pub fn check_anywhere(&self, path: &Path) -> Result<(), FileError> {
        self.note(path);
        open_regular(path)?;
        let real = fs::canonicalize(path)?;
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(real);
        Ok(())
    }

    /// The whole of a text file of bounded size.
    pub fn read_text(&self, path: &Path) -> Result<String, FileError> {
        let mut bytes = Vec::new();
        self.open(path)?.take(MAX_TEXT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_TEXT {
            return Err(FileError::TooLarge);
        }
        decode(bytes).map_err(|what| io::Error::new(io::ErrorKind::InvalidData, what).into())
    }

    /// The real path of a file that lies where it may be read.
    fn resolve(&self, path: &Path) -> Result<PathBuf, FileError> {
        self.allowed(fs::canonicalize(path)?)
    }

    /// The same real path, where it may be read.
    fn allowed(&self, real: PathBuf) -> Result<PathBuf, FileError> {
        let Some(roots) = &self.roots else { return Ok(real) };
        // A suite that lies there itself (`/dev/shm`) is among data.
        let is_system = |system: &str| real.starts_with(system) && !self.folder.starts_with(system);
        if SYSTEM.iter().any(|system| is_system(system)) {
            return Err(FileError::NotRegular("part of the system"));
        }
        let within: Vec<_> = roots.iter().filter(|root| real.starts_with(root)).collect();
        if within.iter().any(|root| !self.is_hidden(&real, root)) {
            return Ok(real);
        }
        match roots.first() {
            Some(root) if within.is_empty() => Err(FileError::Outside { real, root: root.clone() }),
            _ => Err(FileError::Hidden { real }),
        }
    }

    /// Whether something between a root and the file is hidden that does not hold the suite itself.
    fn is_hidden(&self, real: &Path, root: &Path) -> bool {
        let Ok(below) = real.strip_prefix(root) else { return true };
        let mut at = root.to_owned();
        below.components().any(|part| {
            at.push(part);
            let Component::Normal(name) = part else { return false };
            let is_open = OPEN_THOUGH_HIDDEN.iter().any(|open| name == *open);
            let is_hidden = name.as_encoded_bytes().starts_with(b".") && !is_open;
            is_hidden && !self.folder.starts_with(&at)
        })
    }
}

/// The folder below which a suite in `folder` (a real path) may read where nobody says otherwise:
/// the repository that it is in; else the folder that holds `suites/`, where it is in one; else its
/// own folder.
fn default_root(folder: &Path) -> PathBuf {
    let repository = folder.ancestors().find(|dir| dir.join(".git").exists());
    let beside_suites = || {
        let suites = folder.ancestors().find(|dir| dir.ends_with("suites"))?;
        // The whole file system is nobody's project.
        suites.parent().filter(|dir| dir.parent().is_some())
    };
    repository.or_else(beside_suites).unwrap_or(folder).to_owned()
}

/// The text of a file as it is on every system: no byte order mark, and lines that end in `\n`. An error says what the
/// file is instead.
pub fn decoded(bytes: Vec<u8>) -> Result<String, String> {
    decode(bytes)
}

/// Opens a file, whoever named it, that is neither a folder nor a pipe nor a device: those could
/// keep their readers waiting, or never end.
pub fn open_regular(path: &Path) -> Result<File, FileError> {
    regular(&fs::metadata(path)?)?;
    let mut options = File::options();
    options.read(true);
    // What became a pipe since must not be waited for.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let file = options.open(path)?;
    regular(&file.metadata()?)?;
    Ok(file)
}

fn regular(about: &fs::Metadata) -> Result<(), FileError> {
    let kind = about.file_type();
    if kind.is_file() {
        return Ok(());
    }
    if kind.is_dir() {
        return Err(FileError::NotRegular("a folder"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return Err(FileError::NotRegular("a named pipe"));
        }
        if kind.is_socket() {
            return Err(FileError::NotRegular("a socket"));
        }
    }
    Err(FileError::NotRegular("a device"))
}

/// Whether this is the file that the path leads to.
#[cfg(unix)]
fn is_same(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (opened, named) = (file.metadata()?, fs::metadata(path)?);
    Ok((opened.dev(), opened.ino()) == (named.dev(), named.ino()))
}

#[cfg(not(unix))]
fn is_same(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}
