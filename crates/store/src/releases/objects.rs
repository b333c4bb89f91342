//! The texts of released prompts, each under its SHA-256, so that a release can be restored to the byte wherever the
//! folder is: without git, in a shallow clone, or after the prompt's file is gone. Git keeps equal files once.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::error::ReleasesError;
use crate::durable::{self, NewFile};

/// The largest file that a prompt has.
pub(super) const MAX_FILE: u64 = 16 << 20;

/// SHA-256, 64 hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let digest = Sha256::digest(bytes);
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether a text is a SHA-256, as it is written here.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
}

/// The place of a text below the folder of objects.
pub(super) fn place(objects: &Path, sha256: &str) -> PathBuf {
    let (shelf, rest) = sha256.split_at_checked(2).unwrap_or((sha256, ""));
    objects.join(shelf).join(rest)
}

/// Keeps a text, unless it is there already.
pub(super) fn keep(objects: &Path, bytes: &[u8]) -> Result<String, ReleasesError> {
    let sha256 = sha256_hex(bytes);
    let path = place(objects, &sha256);
    let cannot = |source| ReleasesError::Unwritable { path: path.clone(), source };
    if read(objects, &sha256).is_ok() {
        return Ok(sha256);
    }
    make_folders(path.parent().unwrap_or(objects)).map_err(cannot)?;
    let file = NewFile::create(&path).map_err(cannot)?;
    file.writer().and_then(|mut writer| writer.write_all(bytes)).map_err(cannot)?;
    file.sync().and_then(|()| file.name()).map_err(cannot)?;
    Ok(sha256)
}

/// The text of this digest.
pub(super) fn read(objects: &Path, sha256: &str) -> Result<Vec<u8>, ReleasesError> {
    let path = place(objects, sha256);
    let bytes = read_bounded(&path)?;
    let found = sha256_hex(&bytes);
    if found != sha256 {
        return Err(ReleasesError::Altered { path, expected: sha256.to_owned(), found });
    }
    Ok(bytes)
}

/// A file that is no larger than those of releases are.
pub(super) fn read_bounded(path: &Path) -> Result<Vec<u8>, ReleasesError> {
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => ReleasesError::Missing(path.to_owned()),
        _ => ReleasesError::Unreadable { path: path.to_owned(), source },
    };
    let meta = fs::symlink_metadata(path).map_err(unreadable)?;
    if !meta.is_file() {
        return Err(ReleasesError::NoFile(path.to_owned()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(ReleasesError::TooLarge(path.to_owned()));
    }
    Ok(bytes)
}

/// Makes a folder, and those above it that are missing.
pub(super) fn make_folders(folder: &Path) -> io::Result<()> {
    let missing: Vec<_> = folder
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
        .collect();
    for folder in missing.into_iter().rev() {
        match durable::create_folder(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once_and_found_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let objects = folder.path().join("a/objects");
        let sha256 = keep(&objects, b"text").expect("kept");
        assert_eq!(sha256, "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1");
        assert_eq!(keep(&objects, b"text").expect("kept"), sha256);
        assert_eq!(read(&objects, &sha256).expect("read"), b"text");
        durable::write(&place(&objects, &sha256), b"tex!").expect("written");
        let error = read(&objects, &sha256).expect_err("altered");
        assert!(matches!(error, ReleasesError::Altered { .. }), "{error}");
        // What is damaged is written anew.
        keep(&objects, b"text").expect("kept");
        assert_eq!(read(&objects, &sha256).expect("read"), b"text");
    }
}
