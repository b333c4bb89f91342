//! Documents in a folder of this machine: a key is a path below it.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use crate::{
    blobs::{BlobError, Blobs, PutOutcome},
    durable::{self, NewFile},
};

/// A folder that keeps documents as files.
#[derive(Clone, Debug)]
pub struct LocalFolder {
    root: PathBuf,
}

impl LocalFolder {
    /// The documents below a folder, which need not be there yet.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }
}

impl Blobs for LocalFolder {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, BlobError> {
        let path = self.path(key);
        let read = || {
            // A pipe would be waited for, and a device has no end.
            if !fs::metadata(&path)?.is_file() {
                return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
            }
            fs::read(&path)
        };
        match read() {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(cannot_read(&path, error)),
        }
    }

    fn put(&self, key: &str, content: &[u8]) -> Result<(), BlobError> {
        let path = self.path(key);
        let folder = path.parent().filter(|folder| !folder.exists());
        let made = folder.map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| durable::write(&path, content)).map_err(|e| cannot_write(&path, e))
    }

    /// A folder that is not there appears together with its first document.
    fn put_if_absent(&self, key: &str, content: &[u8]) -> Result<PutOutcome, BlobError> {
        let path = self.path(key);
        let put = match path.parent().filter(|folder| !folder.exists()) {
            Some(folder) => put_with_folder(folder, &path, content),
            None => put_new(&path, content),
        };
        put.map_err(|error| cannot_write(&path, error))
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, BlobError> {
        let folder = self.path(prefix);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(cannot_read(&folder, error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| cannot_read(&folder, error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                names.push(if entry.path().is_dir() { format!("{name}/") } else { name });
            }
        }
        names.sort();
        Ok(names)
    }

    fn place(&self, key: &str) -> String {
        self.path(key).display().to_string()
    }
}

/// Names of the folders in `path`, sorted; none where it does not exist.
pub(crate) fn folders(path: &Path) -> Result<Vec<String>, BlobError> {
    let names = LocalFolder::new(path).list("")?;
    Ok(names.iter().filter_map(|name| name.strip_suffix('/')).map(str::to_owned).collect())
}

/// Writes a file beside those that are there, unless there is one of its name.
fn put_new(path: &Path, content: &[u8]) -> io::Result<PutOutcome> {
    let file = NewFile::create(path)?;
    file.writer()?.write_all(content)?;
    file.sync()?;
    file.name_if_free()
}

/// Makes a folder with its first file, both or neither.
fn put_with_folder(folder: &Path, path: &Path, content: &[u8]) -> io::Result<PutOutcome> {
    let (name, above) = (folder.file_name(), folder.parent());
    let (Some(name), Some(above), Some(file)) = (name, above, path.file_name()) else {
        return Err(ErrorKind::InvalidInput.into());
    };
    fs::create_dir_all(if above.as_os_str().is_empty() { Path::new(".") } else { above })?;
    let partial = format!(".{}.{}", name.to_string_lossy(), durable::own_number());
    let partial = above.join(partial);
    durable::create_folder(&partial)?;
    let made = durable::write(&partial.join(file), content)
        // A folder takes the place of an empty one, and of no other.
        .and_then(|()| durable::rename(&partial, folder));
    if made.is_err() {
        // What is told is why it was not made.
        drop(durable::remove_folder(&partial));
    }
    match made {
        Ok(()) => Ok(PutOutcome::Written),
        Err(_) if folder.exists() => put_new(path, content),
        Err(error) => Err(error),
    }
}

fn cannot_read(path: &Path, source: io::Error) -> BlobError {
    BlobError::Read { place: path.display().to_string(), source }
}

fn cannot_write(path: &Path, source: io::Error) -> BlobError {
    BlobError::Write { place: path.display().to_string(), source }
}
