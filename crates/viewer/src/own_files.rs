//! Whether the files that a page shows are its run's own: by the digests in `run.json`. Small files are
//! read at once, large ones in the background, once for each state of a file.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use evalmark_store::{durable::digest, integrity::OwnDigest, runs::ListedRun};
use serde::Serialize;

use crate::background::{Found, Slow};

/// Bytes of a file that is read at once: less than a page takes otherwise.
const SMALL: u64 = 1 << 20;

/// How long a page waits for the digest of a large file.
const PATIENCE: Duration = Duration::from_millis(50);

/// Digests that are kept.
const MOST_KEPT: usize = 1000;

/// The digests of large files.
pub(crate) struct OwnFiles {
    digests: Slow<String>,
}

/// What is known of a page's files.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Checked {
    /// What is wrong with those that are not the run's own, in clauses.
    pub(crate) problems: Vec<String>,
    /// Whether some are still being read.
    pub(crate) is_checking: bool,
}

impl Checked {
    fn problem(&mut self, own: &OwnDigest, path: &Path, found: Result<&str, &str>) {
        match found {
            Ok(found) => self.problems.extend(own.problem(found).map(str::to_owned)),
            Err(why) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                self.problems.push(format!("its {name} cannot be read: {why}"));
            }
        }
    }
}

/// What a first look tells: the small files are checked, the large ones named.
#[derive(Debug)]
pub(crate) struct FirstLook {
    checked: Checked,
    large: Vec<LargeFile>,
}

/// A file that takes long to read.
#[derive(Debug)]
struct LargeFile {
    path: PathBuf,
    own: OwnDigest,
    /// Its state: path, size and when it was changed.
    key: String,
}

impl FirstLook {
    /// Checks those of these files that are small. It reads files.
    pub(crate) fn at(run: &ListedRun, files: &[PathBuf]) -> Self {
        let mut looked = Self { checked: Checked::default(), large: Vec::new() };
        let Some(record) = &run.record else { return looked };
        for path in files {
            let Some(own) = OwnDigest::of(&run.folder, record, path) else { continue };
            if let Some(key) = large_state(path, SMALL) {
                looked.large.push(LargeFile { path: path.clone(), own, key });
                continue;
            }
            let found = digest(path).map_err(|error| error.to_string());
            looked.checked.problem(&own, path, found.as_deref().map_err(String::as_str));
        }
        looked
    }
}

impl OwnFiles {
    pub(crate) fn new() -> Self {
        Self { digests: Slow::of_many(PATIENCE, MOST_KEPT) }
    }

    /// Checks the large ones, too, as far as they have been read.
    pub(crate) async fn check(&self, looked: FirstLook) -> Checked {
        let FirstLook { mut checked, large } = looked;
        for LargeFile { path, own, key } in large {
            let read = path.clone();
            let work = move || digest(&read).map_err(|error| error.to_string());
            match self.digests.get(key, work).await {
                Found::Computing | Found::Busy => checked.is_checking = true,
                Found::Ready(found) => {
                    let found = found.as_ref().as_ref();
                    let found = found.map(String::as_str).map_err(String::as_str);
                    checked.problem(&own, &path, found);
                }
            }
        }
        checked
    }
}

/// What tells one state of a large file from another; `None` of a small one.
fn large_state(path: &Path, small: u64) -> Option<String> {
    let about = fs::metadata(path).ok().filter(|about| about.len() > small)?;
    let changed = about.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    Some(format!("{}\n{}\n{changed:?}", path.display(), about.len()))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, time::Duration};

    use evalmark_store::{durable::digest, integrity::OwnDigest};

    use super::{Checked, FirstLook, LargeFile, OwnFiles, large_state};

    /// Asks until the file has been read.
    async fn settled(files: &OwnFiles, path: &Path, expected: &str) -> Vec<String> {
        loop {
            let otherwise = "it is another's".to_owned();
            let own = OwnDigest { expected: Some(expected.to_owned()), otherwise };
            let key = large_state(path, 0).expect("a large file");
            let large = vec![LargeFile { path: path.to_owned(), own, key }];
            let checked = files.check(FirstLook { checked: Checked::default(), large }).await;
            if !checked.is_checking {
                return checked.problems;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn large_files_are_read_anew_once_they_were_changed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("samples.parquet");
        fs::write(&path, "one").expect("written");
        assert!(large_state(&path, 3).is_none(), "three bytes are small here");
        let own = digest(&path).expect("a digest");
        let files = OwnFiles::new();
        assert!(settled(&files, &path, &own).await.is_empty());
        fs::write(&path, "another").expect("written");
        assert_eq!(settled(&files, &path, &own).await, ["it is another's"]);
        let own = digest(&path).expect("a digest");
        assert!(settled(&files, &path, &own).await.is_empty());
    }
}
