//! Where logs are: files, folders and patterns, and what lies there now.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use evalmark_core::{files::FileAccess, logs::LogInputError};
use glob::Pattern;

/// Endings of the files of a folder that are logs, before that of a packed file.
const ENDINGS: [&str; 5] = ["jsonl", "ndjson", "json", "log", "parquet"];

/// One place where logs are.
#[derive(Clone, Debug)]
enum Place {
    File(PathBuf),
    Folder(PathBuf),
    Pattern(PathBuf, Pattern),
}

/// Everywhere that logs are.
#[derive(Clone, Debug)]
pub(super) struct Places(Vec<Place>);

impl Places {
    /// Files, folders and patterns, as they are named.
    pub(super) fn new(named: &[PathBuf], access: &FileAccess) -> Result<Self, LogInputError> {
        named.iter().map(|path| place(path, access)).collect::<Result<_, _>>().map(Self)
    }

    /// Every file that is there now: the one that was written to last comes last.
    pub(super) fn files(&self) -> Result<Vec<PathBuf>, LogInputError> {
        let mut found = Vec::new();
        for place in &self.0 {
            match place {
                Place::File(path) if path.is_file() => found.push(path.clone()),
                Place::File(_) => {}
                Place::Folder(folder) => {
                    let names = names_in(folder).map_err(|error| unreadable(folder, &error))?;
                    found.extend(names.into_iter().filter(|path| is_log(path)));
                }
                Place::Pattern(pattern, _) => {
                    let text = pattern.to_string_lossy();
                    let matches = glob::glob(&text).map_err(|error| unreadable(pattern, &error))?;
                    found.extend(matches.flatten().filter(|path| path.is_file()));
                }
            }
        }
        let written = |path: &PathBuf| {
            let written = fs::metadata(path).and_then(|about| about.modified());
            written.unwrap_or(SystemTime::UNIX_EPOCH)
        };
        found.sort_by_cached_key(|path| (written(path), path.clone()));
        found.dedup();
        Ok(found)
    }

    /// Whether a file of this path would be among them.
    pub(super) fn cover(&self, path: &Path) -> bool {
        self.0.iter().any(|place| match place {
            Place::File(file) => file == path,
            Place::Folder(folder) => path.parent() == Some(folder) && is_log(path),
            Place::Pattern(_, pattern) => pattern.matches_path(path),
        })
    }

    /// As they are told.
    pub(super) fn told(&self) -> String {
        let told = self.0.iter().map(|place| match place {
            Place::File(path) | Place::Folder(path) | Place::Pattern(path, _) => {
                path.display().to_string()
            }
        });
        told.collect::<Vec<_>>().join(", ")
    }
}

/// Files of a folder, not of those in it.
pub(super) fn names_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_hidden =
            path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && path.is_file() {
            found.push(path);
        }
    }
    Ok(found)
}

/// Whether a file of a folder is a log, by its name: `app.jsonl`, `app.jsonl.gz`, `app.log.1`.
fn is_log(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    name.split('.').skip(1).any(|part| ENDINGS.contains(&part))
}

fn place(path: &Path, access: &FileAccess) -> Result<Place, LogInputError> {
    let text = path.to_string_lossy();
    let allowed = |at: &Path| access.folder(at).map_err(|error| unreadable(at, &error));
    if path.is_dir() {
        allowed(path)?;
        return Ok(Place::Folder(path.to_owned()));
    }
    if !path.exists() && text.contains(['*', '?', '[']) {
        let pattern = Pattern::new(&text).map_err(|error| unreadable(path, &error))?;
        return Ok(Place::Pattern(path.to_owned(), pattern));
    }
    if path.exists() {
        access.check(path).map_err(|error| unreadable(path, &error))?;
    }
    Ok(Place::File(path.to_owned()))
}

pub(super) fn unreadable(place: &Path, reason: &dyn std::fmt::Display) -> LogInputError {
    LogInputError::Unreadable { place: place.display().to_string(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_of_a_folder_are_known_by_their_names() {
        let check = |name: &str, expected: bool| {
            assert_eq!(is_log(Path::new(name)), expected, "{name}");
        };
        for name in ["a.jsonl", "a.jsonl.gz", "a.LOG", "a.log.1", "a.log.2.zst", "p.parquet"] {
            check(name, true);
        }
        for name in ["a.csv", "jsonl", "README.md", "log"] {
            check(name, false);
        }
    }
}
