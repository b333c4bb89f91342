//! Where answers are kept that runs share, and what is there.

use std::{
    io,
    path::{Path, PathBuf},
};

use evalmark_harness::Info;
use serde_json::{Value, json};

use crate::{Host, error::Advised};

/// The ledger that runs share: in `dir`, or in the user's cache folder.
pub(crate) fn shared_ledger(
    dir: Option<&Path>,
    host: &Host<'_>,
) -> Result<PathBuf, CacheFolderError> {
    let path = shared_ledger_path(dir, host)?;
    let dir = path.parent().unwrap_or(Path::new("."));
    evalmark_harness::ledger::create_folder(dir)
        .map_err(|source| CacheFolderError::NotMade { dir: dir.to_owned(), source })?;
    Ok(path)
}

/// Where the ledger of shared answers is, whether or not it is there.
pub fn shared_ledger_path(
    dir: Option<&Path>,
    host: &Host<'_>,
) -> Result<PathBuf, CacheFolderError> {
    let dir = dir.or(host.cache_dir).ok_or(CacheFolderError::NoHome)?;
    Ok(dir.join("answers.sqlite"))
}

/// What the ledger at `path` holds as a JSON document, for programs.
pub fn cache_document(path: &Path, info: &Info) -> Value {
    let endpoints = info.endpoints.iter().map(|endpoint| {
        json!({
            "key": endpoint.key,
            "answers": endpoint.answers,
            "oldest": endpoint.oldest_day(),
            "newest": endpoint.newest_day(),
        })
    });
    json!({
        "path": path,
        "answers": info.answers,
        "failures": info.failures,
        "bytes": info.bytes,
        "endpoints": endpoints.collect::<Vec<_>>(),
        "damage": info.damage,
    })
}

/// Why runs cannot share answers.
#[derive(Debug, thiserror::Error)]
pub enum CacheFolderError {
    /// There is no folder for such things.
    #[error("this user has no home folder to keep answers in")]
    NoHome,
    /// The folder cannot be made.
    #[error("the cache folder {} cannot be made", dir.display())]
    NotMade {
        /// The folder.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Advised for CacheFolderError {
    fn hint(&self) -> Option<String> {
        let folder = if matches!(self, Self::NoHome) { "a folder" } else { "another" };
        Some(format!("name {folder} with `--cache-dir DIR`, or use `--no-cache`"))
    }
}
