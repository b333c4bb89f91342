//! Baselines: named, immutable run summaries that later runs are compared with.

mod lookup;
mod promote;
mod slot;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};
use evalmark_report::files;
use evalmark_store::record::RunRecord;

pub(crate) use self::{
    lookup::{Wanted, missing},
    promote::{cannot_be_baseline, promote},
};
use crate::{exit::Exit, hint::Hinted, run_folder::RunFolder, whole};

/// A baseline's folder and record.
#[derive(Clone, Debug)]
pub(crate) struct Baseline {
    /// As it was named: a baseline's name, or a folder.
    pub(crate) name: String,
    pub(crate) folder: RunFolder,
    pub(crate) record: RunRecord,
    /// The beginning of a BLAKE3 that stands for all of its files.
    pub(crate) digest: String,
}

/// How much of a baseline's digest is told.
const DIGEST_DIGITS: usize = 12;

/// The folder of a suite's baselines.
pub(crate) fn folder_of(out: &Path, suite: &str) -> PathBuf {
    out.join("baselines").join(suite)
}

impl Baseline {
    /// Finds a baseline by name, or by the folder of a baseline or run; `None` if there is none.
    pub(crate) fn find(wanted: &Wanted) -> Result<Option<Self>> {
        let Some(path) = wanted.place() else { return Ok(None) };
        let baseline = Self::open(&path, &wanted.name).ends(Exit::Incomplete)?;
        let (folder, record) = (&baseline.folder, &baseline.record);
        whole::finished(folder, record)?;
        if !folder.scores().is_file() {
            return Err(anyhow!("the baseline {} has no scores.parquet", path.display()))
                .hint("promote its run again: `evalmark baseline promote RUN_DIR NAME --force`")
                .ends(Exit::Incomplete);
        }
        whole::unchanged(folder, record, &[folder.scores()])?;
        wanted.fits(record)?;
        Ok(Some(baseline))
    }

    /// Finds a baseline that must exist.
    pub(crate) fn get(wanted: &Wanted) -> Result<Self> {
        Self::find(wanted)?.ok_or_else(|| missing(wanted, None))
    }

    /// The baseline in this folder.
    pub(crate) fn open(path: &Path, name: &str) -> Result<Self> {
        let (folder, record) = RunFolder::open(path)?;
        let digest = digest(&folder, &record)?;
        Ok(Self { name: name.to_owned(), folder, record, digest })
    }

    /// What is to be said of a baseline of an earlier version.
    pub(crate) fn warning(&self) -> Option<String> {
        let path = self.folder.path.display();
        (!whole::has_digests(&self.record)).then(|| {
            format!(
                "the baseline {path} was made by an earlier evalmark and has no digests of its \
                 files: whether they were changed cannot be told; promote a run again"
            )
        })
    }

    /// Fails where what is compared with it is the very run that it is, or was made from.
    pub(crate) fn is_another_than(&self, folder: &RunFolder, record: &RunRecord) -> Result<()> {
        let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let is_same = |a: &RunRecord, b: &RunRecord| {
            (&a.suite, &a.run_id, &a.started_at) == (&b.suite, &b.run_id, &b.started_at)
        };
        let why = if real(&self.folder.path) == real(&folder.path) {
            "a run is not its own baseline".to_owned()
        } else if is_same(&self.record, record) {
            let (name, run) = (&self.name, &record.run_id);
            format!("the baseline `{name}` was made from this very run ({run})")
        } else {
            return Ok(());
        };
        Err(anyhow!("{why}: comparing a run with itself says nothing"))
            .hint("compare a later run with it, or this run with an earlier baseline")
            .ends(Exit::Incomplete)
    }
}

/// The beginning of a hash of `run.json`, which holds those of the other files.
fn digest(folder: &RunFolder, record: &RunRecord) -> Result<String> {
    let path = folder.path.join("run.json");
    let text = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&text);
    if !whole::has_digests(record) {
        hasher.update(files::digest(&folder.scores()).unwrap_or_default().as_bytes());
    }
    Ok(hasher.finalize().to_hex().chars().take(DIGEST_DIGITS).collect())
}

/// Every baseline under `out`, sorted by suite and name.
pub(crate) fn list(out: &Path) -> Result<Vec<(String, String, RunRecord)>> {
    let mut found = Vec::new();
    for suite in folders(&out.join("baselines"))? {
        for name in folders(&folder_of(out, &suite))? {
            let path = folder_of(out, &suite).join(&name);
            if !path.join("run.json").is_file() {
                continue;
            }
            let (_, record) = RunFolder::open(&path)?;
            found.push((suite.clone(), name, record));
        }
    }
    Ok(found)
}

/// Names of the folders in `path`, sorted; none where it does not exist.
fn folders(path: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be read", path.display()));
        }
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("{} cannot be read", path.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // One that begins with a dot is being built.
        if entry.path().is_dir() && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
