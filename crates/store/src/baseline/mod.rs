//! Baselines: named, immutable run summaries that later runs are compared with.

mod error;
mod lookup;
mod promote;
mod slot;

use std::{
    fs,
    path::{Path, PathBuf},
};

pub use self::{
    error::BaselineError,
    lookup::WantedBaseline,
    promote::{AnswersCopy, CopySamples, PromoteError, Promotion, cannot_be_baseline, promote},
};
use crate::{
    StoreError,
    blobs::BlobError,
    durable,
    integrity::{finished, has_digests, has_files, unchanged},
    local_blobs::folders,
    run_folder::{BASELINES, OpenRunError, RunFolder},
    run_record::RunRecord,
};

/// A baseline's folder and record.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// As it was named: a baseline's name, or a folder.
    pub name: String,
    /// Where it is.
    pub folder: RunFolder,
    /// The record of the run that it was made from.
    pub record: RunRecord,
    /// The beginning of a BLAKE3 that stands for all of its files.
    pub digest: String,
}

/// How much of a baseline's digest is told.
const DIGEST_DIGITS: usize = 12;

/// The folder of a suite's baselines.
pub fn folder_of(out: &Path, suite: &str) -> PathBuf {
    out.join(BASELINES).join(suite)
}

impl Baseline {
    /// Finds a baseline by name, or by the folder of a baseline or run; `None` if there is none.
    pub fn find(wanted: &WantedBaseline) -> Result<Option<Self>, StoreError> {
        let Some(path) = wanted.place() else {
            // A baseline that lost its record is damaged, which is not the same as missing.
            return wanted
                .without_record()
                .map_or(Ok(None), |path| Err(BaselineError::NoRecord(path).into()));
        };
        let baseline = Self::read(&path, &wanted.name).map_err(BaselineError::Unreadable)?;
        let (folder, record) = (&baseline.folder, &baseline.record);
        finished(folder, record)?;
        if !folder.scores().is_file() && folder.is_baseline(record) {
            return Err(BaselineError::NoScores(path).into());
        }
        has_files(folder, record, &[folder.scores()])?;
        unchanged(folder, record, &[folder.scores()])?;
        wanted.fits(record)?;
        Ok(Some(baseline))
    }

    /// Finds a baseline that must exist.
    pub fn get(wanted: &WantedBaseline) -> Result<Self, StoreError> {
        Self::find(wanted)?.ok_or_else(|| wanted.missing(None).into())
    }

    fn read(path: &Path, name: &str) -> Result<Self, OpenRunError> {
        let folder = RunFolder { path: path.to_owned() };
        let record = folder.read()?;
        let digest = digest(&folder, &record)?;
        Ok(Self { name: name.to_owned(), folder, record, digest })
    }

    /// What is to be said of a baseline of an earlier version, or one whose files beside its scores
    /// are not as they were promoted.
    pub fn warnings(&self) -> Vec<String> {
        let path = self.folder.path.display();
        let without_digests = (!has_digests(&self.record)).then(|| {
            format!(
                "the baseline {path} was made by an earlier evalmark and has no digests of its \
                 files: whether they were changed cannot be told; promote a run again"
            )
        });
        without_digests.into_iter().chain(self.damages()).collect()
    }

    /// What is wrong with the files of a promoted baseline, each in a sentence. A run's own may be
    /// large, and are checked where they are read.
    fn damages(&self) -> Vec<String> {
        let Self { name, folder, record, .. } = self;
        if !folder.is_baseline(record) {
            return Vec::new();
        }
        let damage = |file: &String| {
            let file = [folder.path.join(file)];
            let error = has_files(folder, record, &file)
                .and_then(|()| unchanged(folder, record, &file))
                .err()?;
            let hint = error.hint().map_or(String::new(), |hint| format!("; {hint}"));
            Some(format!("the baseline `{name}` is damaged: {error}{hint}"))
        };
        record.files.keys().filter_map(damage).collect()
    }

    /// Fails where what is compared with it is the very run that it is, or was made from.
    pub fn is_another_than(
        &self,
        folder: &RunFolder,
        record: &RunRecord,
    ) -> Result<(), StoreError> {
        let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let is_same = |a: &RunRecord, b: &RunRecord| {
            (&a.suite, &a.run_id, &a.started_at) == (&b.suite, &b.run_id, &b.started_at)
        };
        if real(&self.folder.path) == real(&folder.path) {
            return Err(BaselineError::Itself.into());
        }
        if is_same(&self.record, record) {
            let (name, run_id) = (self.name.clone(), record.run_id.clone());
            return Err(BaselineError::MadeFrom { name, run_id }.into());
        }
        Ok(())
    }
}

/// The beginning of a hash of `run.json`, which holds those of the other files.
fn digest(folder: &RunFolder, record: &RunRecord) -> Result<String, OpenRunError> {
    let path = folder.record();
    let text = fs::read(&path).map_err(|source| OpenRunError::Unreadable { path, source })?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&text);
    if !has_digests(record) {
        let path = folder.scores();
        let scores =
            durable::digest(&path).map_err(|source| OpenRunError::Unreadable { path, source })?;
        hasher.update(scores.as_bytes());
    }
    Ok(hasher.finalize().to_hex().chars().take(DIGEST_DIGITS).collect())
}

/// A baseline in a list.
#[derive(Debug)]
pub struct ListedBaseline {
    /// The suite whose folder it is in.
    pub suite: String,
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: RunFolder,
    /// The record of the run that it was made from, or why nothing can be compared with it.
    pub record: Result<RunRecord, StoreError>,
}

impl ListedBaseline {
    /// The files that it should have besides its scores, and that are not there: comparisons go without
    /// them, as far as they can.
    pub fn missing_files(&self) -> Vec<&str> {
        let names = self.record.iter().flat_map(|record| record.files.keys());
        let names = names.map(String::as_str);
        names.filter(|name| !self.folder.path.join(name).is_file()).collect()
    }
}

/// Every baseline under `out`, sorted by suite and name; none is left out for what is wrong with it.
pub fn list(out: &Path) -> Result<Vec<ListedBaseline>, StoreError> {
    let mut found = Vec::new();
    for suite in folders(&out.join(BASELINES))? {
        let shelf = folder_of(out, &suite);
        for name in folders(&shelf)? {
            let folder = RunFolder { path: shelf.join(&name) };
            let record = whole(&folder).and_then(|record| of_its_shelf(record, &suite));
            found.push(ListedBaseline { suite: suite.clone(), name, folder, record });
        }
    }
    Ok(found)
}

/// The record of a baseline that has its scores, and no file that is not as it was written.
fn whole(folder: &RunFolder) -> Result<RunRecord, StoreError> {
    let record = folder.read()?;
    finished(folder, &record)?;
    let files: Vec<_> = record.files.keys().map(|name| folder.path.join(name)).collect();
    has_files(folder, &record, &[folder.scores()])?;
    unchanged(folder, &record, &files)?;
    Ok(record)
}

/// The record of a baseline, where it is of the suite in whose folder it lies.
fn of_its_shelf(record: RunRecord, suite: &str) -> Result<RunRecord, StoreError> {
    if record.suite == suite {
        return Ok(record);
    }
    Err(BaselineError::Misplaced { owner: record.suite, suite: suite.to_owned() }.into())
}

/// Names of the baselines in a suite's folder, sorted.
fn baselines_in(shelf: &Path) -> Result<Vec<String>, BlobError> {
    let mut names = folders(shelf)?;
    names.retain(|name| shelf.join(name).join("run.json").is_file());
    Ok(names)
}
