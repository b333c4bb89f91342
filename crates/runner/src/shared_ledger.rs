//! Where answers are kept that runs share.

use std::{
    io,
    path::{Path, PathBuf},
};

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
