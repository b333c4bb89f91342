//! The files that a folder or a pattern (`data/*.csv`, `logs/**/*.jsonl.gz`) names, sorted.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use glob::{MatchOptions, Pattern};

/// How many files and folders are looked at.
const MOST_LOOKED_AT: usize = 100_000;

/// How deep folders may lie within each other.
const MOST_DEPTH: usize = 32;

/// Why there are no files.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListingError {
    /// The pattern is none.
    #[error("`{}` is not a pattern: {}", .0, .1)]
    Pattern(String, String),
    /// A folder cannot be read.
    #[error("{} cannot be read: {}", .0.display(), .1)]
    Unreadable(PathBuf, io::Error),
    /// There are too many.
    #[error("{} holds more than {MOST_LOOKED_AT} files and folders; name a folder further down", .0.display())]
    TooMany(PathBuf),
}

/// Whether a path is a pattern.
pub(crate) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// The folder that a pattern's files lie below, and the pattern from there.
pub(crate) fn split(pattern: &str) -> (PathBuf, String) {
    let mut folder = PathBuf::new();
    let mut rest = Path::new(pattern).components().peekable();
    while let Some(part) = rest.peek() {
        if is_pattern(&part.as_os_str().to_string_lossy()) {
            break;
        }
        folder.push(part);
        rest.next();
    }
    let rest = rest.map(|part| part.as_os_str().to_string_lossy().into_owned());
    (folder, rest.collect::<Vec<_>>().join("/"))
}

/// The files below `folder` that a pattern matches, as paths from there. Hidden ones are left out, and
/// links to folders are not followed.
pub(crate) fn matching(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>, ListingError> {
    let wrong = |what: String| ListingError::Pattern(pattern.to_owned(), what);
    let compiled = Pattern::new(pattern).map_err(|error| wrong(error.msg.to_owned()))?;
    let parts = Path::new(pattern).components();
    if parts.clone().any(|part| matches!(part, Component::ParentDir)) {
        return Err(wrong("`..` stands before the first `*`, or nowhere".to_owned()));
    }
    let depth = if pattern.contains("**") { MOST_DEPTH } else { parts.count() };
    let mut walk = Walk { top: folder, pattern: Some(compiled), seen: 0, found: Vec::new() };
    walk.folder(Path::new(""), depth)?;
    walk.found.sort();
    Ok(walk.found)
}

/// The files in a folder, those in folders within it left out.
pub(crate) fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, ListingError> {
    let mut walk = Walk { top: folder, pattern: None, seen: 0, found: Vec::new() };
    walk.folder(Path::new(""), 1)?;
    walk.found.sort();
    Ok(walk.found)
}

struct Walk<'a> {
    top: &'a Path,
    /// `None`: all files.
    pattern: Option<Pattern>,
    seen: usize,
    found: Vec<PathBuf>,
}

impl Walk<'_> {
    fn folder(&mut self, below: &Path, depth: usize) -> Result<(), ListingError> {
        let folder = self.top.join(below);
        let unreadable = |error| ListingError::Unreadable(folder.clone(), error);
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            self.seen += 1;
            if self.seen > MOST_LOOKED_AT {
                return Err(ListingError::TooMany(self.top.to_owned()));
            }
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = below.join(entry.file_name());
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_dir() {
                if depth > 1 {
                    self.folder(&path, depth - 1)?;
                }
            } else if self.is_wanted(&path) && self.top.join(&path).is_file() {
                self.found.push(path);
            }
        }
        Ok(())
    }

    fn is_wanted(&self, path: &Path) -> bool {
        const OPTIONS: MatchOptions = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        self.pattern.as_ref().is_none_or(|pattern| pattern.matches_path_with(path, OPTIONS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_files() {
        let folder = tempfile::tempdir().expect("a folder");
        for file in ["b.csv", "a.csv", "c.txt", "in/d.csv", "in/deep/e.csv", ".h.csv", ".x/f.csv"] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, "x").expect("written");
        }
        let check = |pattern: &str, expected: &[&str]| {
            let found = matching(folder.path(), pattern).expect(pattern);
            assert_eq!(found, expected.iter().map(PathBuf::from).collect::<Vec<_>>(), "{pattern}");
        };
        check("*.csv", &["a.csv", "b.csv"]);
        check("**/*.csv", &["a.csv", "b.csv", "in/d.csv", "in/deep/e.csv"]);
        check("*/*.csv", &["in/d.csv"]);
        check("[ab].csv", &["a.csv", "b.csv"]);
        check("z*", &[]);
        let in_it = in_folder(folder.path()).expect("a folder");
        assert_eq!(in_it, ["a.csv", "b.csv", "c.txt"].map(PathBuf::from));
        assert!(
            matching(folder.path(), "a[").is_err() && matching(folder.path(), "*/../x").is_err()
        );
        assert_eq!(split("../data/x/*.csv"), (PathBuf::from("../data/x"), "*.csv".to_owned()));
        assert_eq!(split("a*/b/c.csv"), (PathBuf::new(), "a*/b/c.csv".to_owned()));
    }
}
