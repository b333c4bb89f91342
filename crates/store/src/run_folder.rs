//! A run's folder: how it is begun, what its files are called, and how they get their names.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use evalmark_core::suite::file_name;
use serde::Deserialize;

use crate::{
    Redact, RunLock, StoreError, WriteFileError,
    blobs::{BlobError, Blobs, PutOutcome},
    durable::{self, NewFile, NewFileWriter, ReadyFile},
    error::cannot_write,
    local_blobs::LocalFolder,
    lock::is_locked,
    named_run::is_run_word,
    run_record::{FORMAT_VERSION, RunRecord},
};

/// The first version of `run.json` that is read.
const OLDEST_VERSION: u32 = 1;

/// The folder of baselines, beside those of suites.
pub(crate) const BASELINES: &str = "baselines";

/// The name of the run record.
const RECORD: &str = "run.json";

/// A run's folder, or a baseline's.
#[derive(Clone, Debug)]
pub struct RunFolder {
    /// Where it is.
    pub path: PathBuf,
}

impl RunFolder {
    /// Makes `out/suite/run_id` with its `run.json`, both or neither, so that a run that was killed
    /// at any moment can be resumed or was never begun; it is an error if the folder exists.
    pub fn begin(out: &Path, record: &RunRecord, redact: Redact) -> Result<Self, StoreError> {
        let (suite, run_id) = (&record.suite, &record.run_id);
        file_name(suite).map_err(BeginError::Suite)?;
        file_name(run_id).map_err(BeginError::RunId)?;
        if is_run_word(run_id) {
            return Err(BeginError::Word(run_id.clone()).into());
        }
        if run_id == BASELINES || suite == BASELINES {
            return Err(BeginError::Reserved.into());
        }
        let parent = out.join(suite);
        fs::create_dir_all(&parent)
            .map_err(|source| BeginError::OutFolder { path: parent.clone(), source })?;
        let path = parent.join(run_id);
        let cannot = |error: BlobError| BeginError::RunFolder {
            path: path.clone(),
            source: error.into_io(),
        };
        let blobs = LocalFolder::new(out);
        let is_free = blobs.list(&format!("{suite}/{run_id}/")).map_err(cannot)?.is_empty();
        let text = to_text(record, redact)
            .map_err(|source| BeginError::RunFolder { path: path.clone(), source })?;
        let key = format!("{suite}/{run_id}/{RECORD}");
        if !is_free
            || blobs.put_if_absent(&key, text.as_bytes()).map_err(cannot)?
                == PutOutcome::AlreadyThere
        {
            let existing = Self { path: path.clone() }.read().ok();
            let is_imported = |record: &RunRecord| record.imported.is_some();
            let can_resume = !is_imported(record) && !existing.as_ref().is_some_and(is_imported);
            return Err(BeginError::Exists { path, can_resume }.into());
        }
        Ok(Self { path })
    }

    /// An existing run's folder and its record.
    pub fn open(path: &Path) -> Result<(Self, RunRecord), StoreError> {
        let folder = Self { path: path.to_owned() };
        let record = folder.read()?;
        Ok((folder, record))
    }

    /// `run.json`.
    pub fn record(&self) -> PathBuf {
        self.path.join(RECORD)
    }

    /// One row per sample.
    pub fn samples(&self) -> PathBuf {
        self.path.join("samples.parquet")
    }

    /// One row per sample and metric.
    pub fn scores(&self) -> PathBuf {
        self.path.join("scores.parquet")
    }

    /// One row per prompt, model, metric and slice.
    pub fn summary(&self) -> PathBuf {
        self.path.join("summary.parquet")
    }

    /// Values of the whole run that are no means.
    pub fn run_values(&self) -> PathBuf {
        self.path.join("run_values.parquet")
    }

    /// Which labels were taken for which.
    pub fn confusion(&self) -> PathBuf {
        self.path.join("confusion.parquet")
    }

    /// What the answers took: in a baseline a file of its own, in a run part of the samples.
    pub fn usage(&self) -> PathBuf {
        let samples = self.samples();
        if samples.is_file() { samples } else { self.path.join("usage.parquet") }
    }

    /// What the models answered: in a baseline a file of its own, which may be missing, in a run part
    /// of the samples.
    pub fn answers(&self) -> PathBuf {
        let samples = self.samples();
        if samples.is_file() { samples } else { self.path.join("answers.parquet") }
    }

    /// Which prompts and models differ; of a run that has several.
    pub fn leaderboard(&self) -> PathBuf {
        self.path.join("leaderboard.json")
    }

    /// The gate's answer.
    pub fn verdict(&self) -> PathBuf {
        self.path.join("verdict.json")
    }

    /// The page for people.
    pub fn html(&self) -> PathBuf {
        self.path.join("report.html")
    }

    /// The ledger of a run that shares no answers.
    pub fn own_ledger(&self) -> PathBuf {
        self.path.join("answers.sqlite")
    }

    /// The folder that holds run folders and baselines: two levels up.
    pub fn out(&self) -> PathBuf {
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let relative = self.path.parent().and_then(Path::parent).map(Path::to_owned);
        match relative {
            Some(out) if !out.as_os_str().is_empty() => out,
            _ => path.parent().and_then(Path::parent).unwrap_or(Path::new(".")).to_owned(),
        }
    }

    /// Whether it is a baseline's rather than a run's.
    pub fn is_baseline(&self, record: &RunRecord) -> bool {
        let above = self.path.parent().and_then(Path::parent).and_then(Path::file_name);
        let keeps_samples = record.files.contains_key("samples.parquet");
        above.is_some_and(|name| name == BASELINES) || (!record.files.is_empty() && !keeps_samples)
    }

    /// Takes the folder of a run that never began away again.
    pub fn discard(&self) {
        drop(durable::remove_folder(&self.path));
    }

    /// Begins a file of this folder, which gets its name in [`Self::take_in`].
    pub fn new_file(&self, path: &Path) -> Result<(NewFile, NewFileWriter), WriteFileError> {
        let file = NewFile::create(path).map_err(cannot_write(path))?;
        let writer = file.writer().map_err(cannot_write(path))?;
        Ok((file, writer))
    }

    /// Gives the files of a pass their names, and takes away what an earlier pass said beyond them.
    pub fn take_in(&self, ready: Vec<ReadyFile>) -> Result<(), WriteFileError> {
        let stale =
            [self.verdict(), self.html(), self.run_values(), self.confusion(), self.leaderboard()];
        let is_new = |path: &PathBuf| ready.iter().any(|file| file.path() == path);
        for path in stale.iter().filter(|path| !is_new(path)) {
            durable::remove(path).map_err(cannot_write(path))?;
        }
        ready.into_iter().try_for_each(|file| {
            let path = file.path().to_owned();
            file.name().map_err(cannot_write(&path))
        })
    }

    /// Removes the verdict of an earlier pass, where there is one.
    pub fn remove_verdict(&self) -> Result<(), WriteFileError> {
        let path = self.verdict();
        durable::remove(&path).map_err(cannot_write(&path))
    }

    /// Keeps other processes out of the run until the lock is dropped.
    pub fn lock(&self) -> Result<RunLock, StoreError> {
        Ok(RunLock::take(&self.path)?)
    }

    /// Whether a process is at work on the run. Where the file system has no locks, that cannot be told.
    pub fn is_in_work(&self) -> bool {
        is_locked(&self.path)
    }

    /// Writes `run.json`, whole or not at all.
    pub fn write(&self, record: &RunRecord, redact: Redact) -> Result<(), WriteFileError> {
        let path = self.record();
        let text = to_text(record, redact).map_err(cannot_write(&path))?;
        self.write_text(&path, &text, redact)
    }

    /// Writes a text of this folder, whole or not at all.
    pub fn write_text(
        &self,
        path: &Path,
        text: &str,
        redact: Redact,
    ) -> Result<(), WriteFileError> {
        durable::write(path, redact(text).as_bytes()).map_err(cannot_write(path))
    }

    pub(crate) fn read(&self) -> Result<RunRecord, OpenRunError> {
        let path = self.record();
        let not_a_run = |source| OpenRunError::NotARun { path: self.path.clone(), source };
        let content = LocalFolder::new(&self.path).get(RECORD);
        let content = content.map_err(|error| not_a_run(error.into_io()))?;
        let content = content.ok_or_else(|| {
            not_a_run(io::Error::new(io::ErrorKind::NotFound, "it has no run.json"))
        })?;
        let not_a_record = |source| OpenRunError::NotARecord { path: path.clone(), source };
        let version: FormatVersion = serde_json::from_slice(&content).map_err(not_a_record)?;
        if !(OLDEST_VERSION..=FORMAT_VERSION).contains(&version.format_version) {
            return Err(OpenRunError::Version { path, version: version.format_version });
        }
        let record: RunRecord = serde_json::from_slice(&content).map_err(not_a_record)?;
        record.check().map_err(|why| OpenRunError::Impossible {
            path: path.clone(),
            source: ImpossibleRun(why),
        })?;
        Ok(record)
    }
}

#[derive(Deserialize)]
struct FormatVersion {
    format_version: u32,
}

/// A record as its file holds it.
fn to_text(record: &RunRecord, redact: Redact) -> io::Result<String> {
    let text = serde_json::to_string_pretty(record)?;
    Ok(redact(&format!("{text}\n")).into_owned())
}

/// Why a run cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// Its suite's name cannot be a folder's name.
    #[error("the suite's name {0}")]
    Suite(String),
    /// Its id cannot be a folder's name.
    #[error("the run id {0}")]
    RunId(String),
    /// Commands take it for the run that began last.
    #[error("a run cannot be called `{0}`: that is the run that began last wherever one is taken")]
    Word(String),
    /// It would take the place of the baselines.
    #[error("`baselines` is reserved for the folder of baselines; choose another name")]
    Reserved,
    /// There is a run of that id.
    #[error("the run {} already exists", path.display())]
    Exists {
        /// Its folder.
        path: PathBuf,
        /// Whether it may be continued: imported answers are asked nowhere.
        can_resume: bool,
    },
    /// The suite's folder cannot be made.
    #[error("the output folder {} cannot be made", path.display())]
    OutFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The run's own folder cannot be made.
    #[error("the run folder {} cannot be made", path.display())]
    RunFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl BeginError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Suite(_) | Self::RunId(_) | Self::Reserved => None,
            Self::Word(_) | Self::Exists { can_resume: false, .. } => {
                Some("choose another `--run-id`, or leave it out".to_owned())
            }
            Self::Exists { path, .. } => {
                Some(format!("`evalmark resume {}` continues it", path.display()))
            }
            Self::OutFolder { .. } | Self::RunFolder { .. } => {
                Some("choose a writable folder with `--out DIR`".to_owned())
            }
        }
    }
}

/// Why a folder cannot be read as a run.
#[derive(Debug, thiserror::Error)]
pub enum OpenRunError {
    /// There is no `run.json` in it, or it cannot be read.
    #[error("{} is not a run folder", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its `run.json` cannot be read a second time.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its `run.json` is something else.
    #[error("{} is not a run record", path.display())]
    NotARecord {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// Its `run.json` describes what no run can be.
    #[error("{} is not a run record", path.display())]
    Impossible {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ImpossibleRun,
    },
    /// Another version of this tool wrote it.
    #[error(
        "{} has format version {version}; this evalmark reads versions up to {FORMAT_VERSION}",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
}

impl OpenRunError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let is_elsewhere = matches!(self, Self::NotARun { .. });
        is_elsewhere.then(|| {
            "a run folder looks like `reports/SUITE/RUN_ID` and contains a `run.json`".to_owned()
        })
    }
}

/// What no run can be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ImpossibleRun(String);
