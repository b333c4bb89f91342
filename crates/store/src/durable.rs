//! Files that are written whole or not at all: under a name of their own in the same folder, brought
//! to the disk, and then renamed. No link is followed, and after a power cut a file is either the
//! earlier one or the new one.
//!
//! Every change that a command makes to a folder goes through here, so that a test can end the
//! program at each of them: see [`abort_at`].

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{WriteFileError, blobs::PutOutcome, error::cannot_write};

/// The changes that are left until the program is ended; 0 where it is not.
static LEFT: AtomicU64 = AtomicU64::new(0);

/// Ends the program, as a kill does, at the change of this number from now on, counted from 1. For
/// tests.
pub fn abort_at(change: u64) {
    LEFT.store(change, Ordering::SeqCst);
}

/// Whether this change is the one that the program does not survive.
fn is_last() -> bool {
    if LEFT.load(Ordering::Relaxed) == 0 {
        return false;
    }
    LEFT.fetch_sub(1, Ordering::SeqCst) == 1
}

/// Before a change.
fn change() {
    if is_last() {
        std::process::abort();
    }
}

/// A file that has no name yet. It is removed unless it gets one.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    partial: PathBuf,
    file: File,
    is_named: bool,
}

/// Writes to a [`NewFile`].
#[derive(Debug)]
pub struct NewFileWriter(File);

impl NewFile {
    /// Begins a file that will be called `path`.
    pub fn create(path: &Path) -> io::Result<Self> {
        let partial = partial(path);
        change();
        // One of an earlier process with the same number.
        missing_is_fine(fs::remove_file(&partial))?;
        let file = File::options().write(true).create_new(true).open(&partial)?;
        Ok(Self { path: path.to_owned(), partial, file, is_named: false })
    }

    /// A writer from where the last one ended.
    pub fn writer(&self) -> io::Result<NewFileWriter> {
        self.file.try_clone().map(NewFileWriter)
    }

    /// Whoever may read and write another file may do so with this one.
    pub fn permit_as(&self, other: &File) -> io::Result<()> {
        self.file.set_permissions(other.metadata()?.permissions())
    }

    /// What was written so far, from the first byte.
    pub fn reader(&self) -> io::Result<File> {
        File::open(&self.partial)
    }

    /// The name that it will have.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Brings what was written to the disk.
    pub fn sync(&self) -> io::Result<()> {
        change();
        self.file.sync_all()
    }

    /// Brings what was written to the disk, and keeps its digest: BLAKE3, 64 hexadecimal digits.
    pub fn ready(self, digest: String) -> Result<ReadyFile, WriteFileError> {
        self.sync().map_err(cannot_write(&self.path))?;
        Ok(ReadyFile { file: self, digest })
    }

    /// Gives it its name. What had that name before is gone.
    pub fn name(mut self) -> io::Result<()> {
        rename(&self.partial, &self.path)?;
        self.is_named = true;
        Ok(())
    }

    /// Gives it another name than it was begun with, in the same folder: one that its content says.
    pub fn name_as(mut self, path: &Path) -> io::Result<()> {
        path.clone_into(&mut self.path);
        self.name()
    }

    /// Gives it its name unless another file has it.
    pub(crate) fn name_if_free(self) -> io::Result<PutOutcome> {
        change();
        match fs::hard_link(&self.partial, &self.path) {
            Ok(()) => sync_folder_of(&self.path).map(|()| PutOutcome::Written),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(PutOutcome::AlreadyThere),
            Err(error) => Err(error),
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_named {
            let _ = fs::remove_file(&self.partial);
        }
    }
}

impl Write for NewFileWriter {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if is_last() {
            let _ = self.0.write(&buffer[..buffer.len() / 2]);
            std::process::abort();
        }
        self.0.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A complete file that has no name yet.
#[derive(Debug)]
pub struct ReadyFile {
    file: NewFile,
    digest: String,
}

impl ReadyFile {
    /// The name that it will have.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The same without its folder.
    pub fn file_name(&self) -> String {
        let name = self.file.path().file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// BLAKE3 of its content, 64 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Gives it its name.
    pub fn name(self) -> io::Result<()> {
        self.file.name()
    }
}

/// Writes a whole file.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let file = NewFile::create(path)?;
    file.writer()?.write_all(content)?;
    file.sync()?;
    file.name()
}

/// Writes a small file without another beside it, which is not whole where it is interrupted.
pub fn write_in_place(path: &Path, content: &[u8]) -> io::Result<()> {
    change();
    fs::write(path, content)
}

/// Adds to the end of a file that was opened for that, in one piece, and brings it to the disk.
pub(crate) fn append(file: &File, bytes: &[u8]) -> io::Result<()> {
    NewFileWriter(file.try_clone()?).write_all(bytes)?;
    change();
    file.sync_data()
}

/// Takes off what stands behind a length.
pub(crate) fn truncate(file: &File, len: u64) -> io::Result<()> {
    change();
    file.set_len(len)?;
    file.sync_data()
}

/// Copies a file; answers with the digest of what was copied.
pub fn copy(from: &Path, to: &Path) -> io::Result<String> {
    let file = NewFile::create(to)?;
    let mut content = Hashing { inner: File::open(from)?, hasher: blake3::Hasher::new() };
    io::copy(&mut content, &mut file.writer()?)?;
    file.sync()?;
    file.name()?;
    Ok(content.hasher.finalize().to_hex().to_string())
}

/// BLAKE3 of a file's content, 64 hexadecimal digits.
pub fn digest(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Gives a file or folder another name, in the same folder.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    change();
    fs::rename(from, to)?;
    sync_folder_of(to)
}

/// Removes a file, where it is there.
pub fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(());
    }
    change();
    missing_is_fine(fs::remove_file(path))?;
    sync_folder_of(path)
}

/// Makes a folder, which must not be there.
pub fn create_folder(path: &Path) -> io::Result<()> {
    change();
    fs::create_dir(path)
}

/// Removes a folder that has nothing in it.
pub fn remove_empty_folder(path: &Path) -> io::Result<()> {
    change();
    fs::remove_dir(path)
}

/// Removes a folder with all that is in it, where it is there.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            remove_folder(&path)?;
        } else {
            change();
            fs::remove_file(&path)?;
        }
    }
    change();
    fs::remove_dir(path)
}

/// Removes what killed processes left half written in a folder some time ago.
pub fn remove_leftovers(folder: &Path) {
    const LONG_AGO: std::time::Duration = std::time::Duration::from_mins(10);
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let age = entry.metadata().and_then(|meta| meta.modified());
        let is_old = age.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > LONG_AGO));
        if name.starts_with('.') && name.ends_with(".partial") && is_old {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The name that a file has until it is complete: nobody else's, so that two who write the same file
/// do not write into each other's.
fn partial(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.partial", own_number()))
}

/// A number that nobody else has now: that of the process, and one within it.
pub(crate) fn own_number() -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}", std::process::id(), LAST.fetch_add(1, Ordering::Relaxed))
}

/// Brings a folder's entries to the disk, where the system can do that.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    change();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()) {
        // Not every file system can.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            Ok(())
        }
        synced => synced.or_else(|error| if cfg!(unix) { Err(error) } else { Ok(()) }),
    }
}

fn missing_is_fine(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// A reader that hashes what goes through it.
struct Hashing<R> {
    inner: R,
    hasher: blake3::Hasher,
}

impl<R: io::Read> io::Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}
