//! A run's folder and its `run.json`: what was run, how far it came, and what its files are called.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use evalmark_core::suite::file_name;
use evalmark_report::files::{self, Ready};
use evalmark_store::record::{FORMAT_VERSION, RunRecord};
use serde::Deserialize;

use crate::hint::Hinted;

/// The first version that is read.
const OLDEST_VERSION: u32 = 1;

/// A run's folder.
#[derive(Clone, Debug)]
pub(crate) struct RunFolder {
    pub(crate) path: PathBuf,
}

impl RunFolder {
    /// Makes `out/suite/run_id` with its `run.json`, both or neither, so that a run that was killed
    /// at any moment can be resumed or was never begun; it is an error if the folder exists.
    pub(crate) fn begin(out: &Path, record: &RunRecord) -> Result<Self> {
        let (suite, run_id) = (&record.suite, &record.run_id);
        if let Err(why) = file_name(run_id) {
            bail!("the run id {why}");
        }
        if run_id == "baselines" || suite == "baselines" {
            bail!("`baselines` is the folder of the baselines; choose another name");
        }
        let parent = out.join(suite);
        fs::create_dir_all(&parent)
            .with_context(|| format!("the output folder {} cannot be made", parent.display()))
            .hint("choose a folder that can be written with `--out DIR`")?;
        let path = parent.join(run_id);
        let cannot = || format!("the run folder {} cannot be made", path.display());
        let elsewhere = "choose a folder that can be written with `--out DIR`";
        let partial = Self { path: parent.join(format!(".{run_id}.{}", std::process::id())) };
        files::create_folder(&partial.path).with_context(cannot).hint(elsewhere)?;
        let made = partial.write(record).and_then(|()| {
            // A folder takes the place of an empty one, and of no other.
            files::rename(&partial.path, &path).with_context(cannot)
        });
        match made {
            Ok(()) => Ok(Self { path }),
            Err(_) if path.exists() => {
                partial.discard();
                let again = format!("`evalmark resume {}` continues it", path.display());
                Err(anyhow::anyhow!("the run {} exists already", path.display())).hint(again)
            }
            Err(error) => {
                partial.discard();
                Err(error).hint(elsewhere)
            }
        }
    }

    /// An existing run's folder and its record.
    pub(crate) fn open(path: &Path) -> Result<(Self, RunRecord)> {
        let folder = Self { path: path.to_owned() };
        let record = folder.read()?;
        Ok((folder, record))
    }

    pub(crate) fn samples(&self) -> PathBuf {
        self.path.join("samples.parquet")
    }

    pub(crate) fn scores(&self) -> PathBuf {
        self.path.join("scores.parquet")
    }

    pub(crate) fn summary(&self) -> PathBuf {
        self.path.join("summary.parquet")
    }

    pub(crate) fn run_values(&self) -> PathBuf {
        self.path.join("run_values.parquet")
    }

    pub(crate) fn confusion(&self) -> PathBuf {
        self.path.join("confusion.parquet")
    }

    /// What the answers took: in a baseline a file of its own, in a run part of the samples.
    pub(crate) fn usage(&self) -> PathBuf {
        let samples = self.samples();
        if samples.is_file() { samples } else { self.path.join("usage.parquet") }
    }

    pub(crate) fn verdict(&self) -> PathBuf {
        self.path.join("verdict.json")
    }

    pub(crate) fn html(&self) -> PathBuf {
        self.path.join("report.html")
    }

    /// The ledger of a run that shares no answers.
    pub(crate) fn own_ledger(&self) -> PathBuf {
        self.path.join("answers.sqlite")
    }

    /// The folder that holds run folders and baselines: two levels up.
    pub(crate) fn out(&self) -> PathBuf {
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let relative = self.path.parent().and_then(Path::parent).map(Path::to_owned);
        match relative {
            Some(out) if !out.as_os_str().is_empty() => out,
            _ => path.parent().and_then(Path::parent).unwrap_or(Path::new(".")).to_owned(),
        }
    }

    /// Takes the folder of a run that never began away again.
    pub(crate) fn discard(&self) {
        drop(files::remove_folder(&self.path));
    }

    /// Gives the files of a pass their names, and takes away what an earlier pass said beyond them.
    pub(crate) fn take_in(&self, ready: Vec<Ready>) -> Result<()> {
        let stale = [self.verdict(), self.html(), self.run_values(), self.confusion()];
        let is_new = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            ready.iter().any(|file| file.file_name() == name)
        };
        let cannot = || format!("the files of {} cannot be written", self.path.display());
        for path in stale.iter().filter(|path| !is_new(path)) {
            files::remove(path).with_context(cannot)?;
        }
        ready.into_iter().try_for_each(Ready::name).with_context(cannot)
    }

    /// Keeps other processes out of the run until the lock is dropped.
    pub(crate) fn lock(&self) -> Result<Lock> {
        let path = self.path.join(".lock");
        let file = lock_file(&path)
            .with_context(|| format!("the run folder {} cannot be written", self.path.display()))?;
        let tried = file.try_lock();
        if tried.is_ok() {
            files::remove_leftovers(&self.path);
        }
        match tried {
            Err(TryLockError::WouldBlock) => Err(anyhow::anyhow!(
                "another process is at work on the run {}",
                self.path.display()
            ))
            .hint("wait for it to end"),
            // On a file system without locks, better to run than not to.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Lock { path, _file: file }),
        }
    }

    fn read(&self) -> Result<RunRecord> {
        let path = self.path.join("run.json");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} is not a run folder", self.path.display()))
            .hint("a run folder looks like `reports/SUITE/RUN_ID` and contains a `run.json`")?;
        let version: FormatVersion = serde_json::from_str(&text)
            .with_context(|| format!("{} is not a run record", path.display()))?;
        if !(OLDEST_VERSION..=FORMAT_VERSION).contains(&version.format_version) {
            bail!(
                "{} has format version {}; this evalmark reads versions up to {FORMAT_VERSION}",
                path.display(),
                version.format_version
            );
        }
        let record: RunRecord = serde_json::from_str(&text)
            .with_context(|| format!("{} is not a run record", path.display()))?;
        let checked = record.check().map_err(|why| anyhow::anyhow!(why));
        checked.with_context(|| format!("{} is not a run record", path.display()))?;
        Ok(record)
    }

    /// Writes `run.json`, whole or not at all.
    pub(crate) fn write(&self, record: &RunRecord) -> Result<()> {
        let text = serde_json::to_string_pretty(record)?;
        write_whole(&self.path.join("run.json"), &format!("{text}\n"))
    }
}

/// The right to work on a run.
pub(crate) struct Lock {
    path: PathBuf,
    _file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.path));
    }
}

/// Opens the lock, which is a file of this folder: a link is not followed.
fn lock_file(path: &Path) -> std::io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|meta| !meta.is_file()) {
        files::remove(path)?;
    }
    File::options().write(true).create(true).truncate(false).open(path)
}

#[derive(Deserialize)]
struct FormatVersion {
    format_version: u32,
}

/// Writes a file so that nobody sees half of it.
pub(crate) fn write_whole(path: &Path, text: &str) -> Result<()> {
    files::write(path, evalmark_runner::known_keys::hide(text).as_bytes())
        .with_context(|| format!("{} cannot be written", path.display()))
}

/// Now, as RFC 3339 in UTC with whole seconds.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A run id that sorts by time: `20261122-164035-3f9a`.
pub(crate) fn new_run_id() -> String {
    let now = jiff::Timestamp::now();
    let digits = (now.subsec_nanosecond().unsigned_abs() ^ std::process::id()) & 0xffff;
    format!("{}-{digits:04x}", now.strftime("%Y%m%d-%H%M%S"))
}
