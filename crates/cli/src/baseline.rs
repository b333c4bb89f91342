//! Baselines: named, immutable run summaries that later runs are compared with.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use evalmark_core::suite::file_name;
use evalmark_report::usage::copy_usage;

use crate::{
    hint::Hinted,
    run_folder::{Options, RunFolder, RunRecord, Status},
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
fn folder_of(out: &Path, suite: &str) -> PathBuf {
    out.join("baselines").join(suite)
}

impl Baseline {
    /// Finds a baseline by name, or by the folder of a baseline or run; `None` if there is none.
    pub(crate) fn find(name_or_dir: &str, out: &Path, suite: &str) -> Result<Option<Self>> {
        let named = folder_of(out, suite).join(name_or_dir);
        let is_name = file_name(name_or_dir).is_ok() && named.join("run.json").is_file();
        let path = if is_name { named } else { PathBuf::from(name_or_dir) };
        if !path.join("run.json").is_file() {
            return Ok(None);
        }
        let (folder, record) = RunFolder::open(&path)?;
        if !folder.scores().is_file() {
            return Err(anyhow!("the baseline {} has no scores.parquet", path.display()))
                .hint(format!("finish the run first: `evalmark resume {}`", path.display()));
        }
        Ok(Some(Self { name: name_or_dir.to_owned(), folder, record }))
    }

    /// Finds a baseline that must exist.
    pub(crate) fn get(name_or_dir: &str, out: &Path, suite: &str) -> Result<Self> {
        Self::find(name_or_dir, out, suite)?
            .ok_or_else(|| anyhow!("there is no baseline `{name_or_dir}` of the suite `{suite}`"))
            .hint(format!(
                "looked in {} and for a folder of that name; \
                 `evalmark baseline promote RUN_DIR {name_or_dir}` makes a run the baseline",
                folder_of(out, suite).display()
            ))
    }
}

/// Makes a run the baseline `name` of its suite; answers with the baseline's folder.
pub(crate) fn promote(run: &Path, name: &str, force: bool) -> Result<PathBuf> {
    if let Err(why) = file_name(name) {
        bail!("the baseline's name {why}");
    }
    let (folder, record) = RunFolder::open(run)?;
    match record.status {
        Status::Complete => {}
        Status::Running | Status::Interrupted => {
            return Err(anyhow!("the run {} is not finished", run.display()))
                .hint(format!("`evalmark resume {}` finishes it", run.display()));
        }
        Status::Partial if force => {}
        Status::Partial => {
            return Err(anyhow!("{} of the run's samples have no answer", record.counts.failed))
                .hint(format!(
                    "`evalmark resume {}` asks for them again; `--force` takes the run as it is",
                    run.display()
                ));
        }
    }
    if let Some(stopped) = record.stopped_early.as_ref().filter(|_| !force) {
        return Err(anyhow!("the run {}", stopped.says())).hint(
            "a baseline should have every item: set `stop_early: false` and run the suite again, \
             which asks for the rest alone; `--force` takes the run as it is",
        );
    }
    if folder.path.components().any(|part| part.as_os_str() == "baselines") {
        bail!("{} is a baseline already; promote the run that it came from", run.display());
    }
    let path = folder_of(&folder.out(), &record.suite).join(name);
    if path.exists() && !force {
        return Err(anyhow!("the baseline {} exists already", path.display()))
            .hint("choose another name, or replace it with `--force`");
    }
    fs::create_dir_all(&path)
        .with_context(|| format!("the baseline folder {} cannot be made", path.display()))?;
    let baseline = RunFolder { path: path.clone() };
    fs::copy(folder.scores(), baseline.scores())
        .with_context(|| format!("{} cannot be written", baseline.scores().display()))?;
    copy_usage(&folder.samples(), &baseline.usage())?;
    // Where this machine keeps its files is nobody else's business.
    let options = Options { cache_dir: None, working_dir: None, ..record.options.clone() };
    baseline.write(&RunRecord { options, ..record })?;
    Ok(path)
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
