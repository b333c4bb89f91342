//! Baselines: named, immutable run summaries that later runs are compared with.

mod lookup;
mod promote;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};

pub(crate) use self::{
    lookup::{Wanted, missing},
    promote::{cannot_be_baseline, promote},
};
use crate::{
    exit::Exit,
    hint::Hinted,
    run_folder::{RunFolder, RunRecord},
};

/// A baseline's folder and record.
#[derive(Clone, Debug)]
pub(crate) struct Baseline {
    /// As it was named: a baseline's name, or a folder.
    pub(crate) name: String,
    pub(crate) folder: RunFolder,
    pub(crate) record: RunRecord,
}

/// The folder of a suite's baselines.
pub(crate) fn folder_of(out: &Path, suite: &str) -> PathBuf {
    out.join("baselines").join(suite)
}

impl Baseline {
    /// Finds a baseline by name, or by the folder of a baseline or run; `None` if there is none.
    pub(crate) fn find(wanted: &Wanted) -> Result<Option<Self>> {
        let is_there = |path: &PathBuf| path.join("run.json").is_file();
        let Some(path) = wanted.places().into_iter().find(is_there) else { return Ok(None) };
        let (folder, record) = RunFolder::open(&path).ends(Exit::Incomplete)?;
        if !folder.scores().is_file() {
            return Err(anyhow!("the baseline {} has no scores.parquet", path.display()))
                .hint("promote its run again: `evalmark baseline promote RUN_DIR NAME --force`")
                .ends(Exit::Incomplete);
        }
        Ok(Some(Self { name: wanted.name.clone(), folder, record }))
    }

    /// Finds a baseline that must exist.
    pub(crate) fn get(wanted: &Wanted) -> Result<Self> {
        Self::find(wanted)?.ok_or_else(|| missing(wanted))
    }

    /// The baseline in this folder.
    pub(crate) fn open(path: &Path, name: &str) -> Result<Self> {
        let (folder, record) = RunFolder::open(path)?;
        Ok(Self { name: name.to_owned(), folder, record })
    }
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
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
