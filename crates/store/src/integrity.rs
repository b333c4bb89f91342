//! Whether the files of a run or baseline are those that its `run.json` speaks of: those of one
//! finished pass, and none that was changed since.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    StoreError,
    durable::digest,
    run_folder::RunFolder,
    run_record::{RunRecord, RunStatus},
};

/// The first version of `run.json` that holds digests.
const WITH_DIGESTS: u32 = 2;

/// The share of missing scores from which a run counts as incomplete.
pub const TOO_MANY_MISSING: f64 = 0.05;

/// A run whose scores are those of one finished pass.
pub fn open_whole(path: &Path) -> Result<(RunFolder, RunRecord), StoreError> {
    open_with(path, |folder| vec![folder.scores(), folder.summary()])
}

/// A run whose scores are those of one finished pass, whatever else it has.
pub fn open_scored(path: &Path) -> Result<(RunFolder, RunRecord), StoreError> {
    open_with(path, |folder| vec![folder.scores()])
}

/// A run whose answers and scores are those of one finished pass.
pub fn open_answered(path: &Path) -> Result<(RunFolder, RunRecord), StoreError> {
    open_with(path, |folder| vec![folder.samples(), folder.scores()])
}

/// A finished run that has these files as they were written.
fn open_with(
    path: &Path,
    files: impl FnOnce(&RunFolder) -> Vec<PathBuf>,
) -> Result<(RunFolder, RunRecord), StoreError> {
    let (folder, record) = RunFolder::open(path)?;
    finished(&folder, &record)?;
    let files = files(&folder);
    has_files(&folder, &record, &files)?;
    unchanged(&folder, &record, &files)?;
    Ok((folder, record))
}

/// A run whose answers can be scored again: those of a whole pass, whether or not scoring them came to
/// its end.
pub fn open_rescorable(path: &Path) -> Result<(RunFolder, RunRecord), StoreError> {
    let (folder, record) = RunFolder::open(path)?;
    let samples = [folder.samples()];
    has_files(&folder, &record, &samples)?;
    if finished(&folder, &record).is_ok() {
        unchanged(&folder, &record, &samples)?;
    }
    Ok((folder, record))
}

/// Fails where a run lacks one of these files.
pub fn has_files(
    folder: &RunFolder,
    record: &RunRecord,
    paths: &[PathBuf],
) -> Result<(), StoreError> {
    let Some(missing) = paths.iter().find(|path| !path.is_file()) else { return Ok(()) };
    if finished(folder, record).is_err() {
        return Err(IntegrityError::Unscored(folder.path.clone()).into());
    }
    let (path, hint) = (missing.clone(), mend(folder, record, missing));
    Err(IntegrityError::Missing { path, hint }.into())
}

/// Fails where a run has not been finished, and its scores may be those of an earlier pass.
pub fn finished(folder: &RunFolder, record: &RunRecord) -> Result<(), StoreError> {
    match record.status {
        RunStatus::Complete | RunStatus::Partial => Ok(()),
        RunStatus::Running | RunStatus::Interrupted => {
            Err(IntegrityError::Unfinished(folder.path.clone()).into())
        }
        RunStatus::Scoring => Err(IntegrityError::HalfScored(folder.path.clone()).into()),
    }
}

/// Fails where a run has ended without all that a verdict needs.
pub fn complete(folder: &RunFolder, record: &RunRecord) -> Result<(), StoreError> {
    finished(folder, record)?;
    match incomplete(record) {
        Some(why) => {
            let go_on = match &record.imported {
                Some(from) => GoOn::EvaluateAgain(from.tool.clone()),
                None if record.counts.may_succeed_later() => GoOn::Resume,
                None => GoOn::StartAnew,
            };
            Err(IntegrityError::Incomplete { run: folder.path.clone(), why, go_on }.into())
        }
        None => Ok(()),
    }
}

/// Why a run that has ended cannot be decided about; `None` where it can.
pub(crate) fn incomplete(record: &RunRecord) -> Option<String> {
    record.incomplete.clone().or_else(|| lacking(record))
}

/// What a run of earlier versions lacks too much of.
fn lacking(record: &RunRecord) -> Option<String> {
    let counts = &record.counts;
    let is_too_many = |missing: u64| missing as f64 > TOO_MANY_MISSING * counts.planned as f64;
    (record.status == RunStatus::Partial && is_too_many(counts.failed))
        .then(|| format!("{} of {} samples have no answer", counts.failed, counts.planned))
}

/// Fails where one of these files is not the one that was written with `run.json`. Files that are
/// not there are somebody else's matter.
pub fn unchanged(
    folder: &RunFolder,
    record: &RunRecord,
    paths: &[PathBuf],
) -> Result<(), StoreError> {
    if !has_digests(record) {
        return Ok(());
    }
    for path in paths.iter().filter(|path| path.is_file()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let found = digest(path)
            .map_err(|source| IntegrityError::Unreadable { path: path.clone(), source })?;
        if record.files.get(&name) == Some(&found) {
            continue;
        }
        return Err(IntegrityError::Changed {
            path: path.clone(),
            is_known: record.files.contains_key(&name),
            hint: mend(folder, record, path),
        }
        .into());
    }
    Ok(())
}

/// How to get back a file that a finished run should have and that is not there; `None` where the run has
/// not ended.
pub fn missing_hint(folder: &RunFolder, record: &RunRecord, path: &Path) -> Option<String> {
    finished(folder, record).ok().map(|()| mend(folder, record, path))
}

/// How a file of a run is told from another of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnDigest {
    /// BLAKE3 of the run's own file, 64 hexadecimal digits; `None` where `run.json` does not list it.
    pub expected: Option<String>,
    /// What is wrong where the file has another digest: a clause that names it, and what to do.
    pub otherwise: String,
}

impl OwnDigest {
    /// That of a file of the run's folder; `None` where the run has not ended, where its `run.json` is
    /// too old to hold digests, and where the file is not there.
    pub fn of(folder: &RunFolder, record: &RunRecord, path: &Path) -> Option<Self> {
        if !has_digests(record) || finished(folder, record).is_err() || !path.is_file() {
            return None;
        }
        let name = path.file_name()?.to_string_lossy();
        let expected = record.files.get(&*name).cloned();
        let what = what_is_wrong(expected.is_some());
        let otherwise = format!("its {name} {what}; {}", mend(folder, record, path));
        Some(Self { expected, otherwise })
    }

    /// What is wrong with a file of this digest; `None` where it is the run's own.
    pub fn problem(&self, found: &str) -> Option<&str> {
        (self.expected.as_deref() != Some(found)).then_some(&*self.otherwise)
    }
}

/// Fails where somebody began to write the run anew while it was read.
pub fn unchanged_meanwhile(folder: &RunFolder, record: &RunRecord) -> Result<(), StoreError> {
    let (_, now) = RunFolder::open(&folder.path)?;
    if (now.status, &now.files) == (record.status, &record.files) {
        return Ok(());
    }
    Err(IntegrityError::ChangedMeanwhile(folder.path.clone()).into())
}

/// Whether `run.json` says which files it belongs to.
pub fn has_digests(record: &RunRecord) -> bool {
    record.format_version >= WITH_DIGESTS
}

/// How to get a file back that is missing, or is another one.
fn mend(folder: &RunFolder, record: &RunRecord, file: &Path) -> String {
    let path = folder.path.display();
    if !folder.is_baseline(record) {
        if let Some(from) = &record.imported {
            let tool = &from.tool;
            return format!(
                "import the file of {tool} again: `evalmark import results --from {tool} FILE`"
            );
        }
        if file == folder.samples() {
            return format!(
                "`evalmark resume {path}` writes it again; answers that are kept are not asked for \
                 again"
            );
        }
        return format!("`evalmark score {path}` computes its scores again");
    }
    let name = folder.path.file_name().unwrap_or_default().to_string_lossy();
    format!(
        "check the baseline out again (`git checkout -- {path}`), or promote its run again: \
         `evalmark baseline promote RUN_DIR {name} --force`"
    )
}

/// What can help a run that lacks answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GoOn {
    /// Asking for them again.
    Resume,
    /// A new run of a corrected suite.
    StartAnew,
    /// The tool that it was imported from.
    EvaluateAgain(String),
}

/// Why the files of a run or baseline cannot be relied on.
#[derive(Debug, thiserror::Error)]
pub enum IntegrityError {
    /// It has not come to its end.
    #[error(
        "the run {} is not finished: its scores are not there yet, or are those of an earlier pass",
        .0.display()
    )]
    Unfinished(PathBuf),
    /// A second pass of scoring was broken off.
    #[error("the run {} was being scored again and that did not finish", .0.display())]
    HalfScored(PathBuf),
    /// It was stopped before anything was scored.
    #[error("the run {} has no scores yet", .0.display())]
    Unscored(PathBuf),
    /// It is finished, and a file is not there any more.
    #[error("{} is missing", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// How to get it back.
        hint: String,
    },
    /// It ended, and too much is missing.
    #[error("the run {} is incomplete: {why}", run.display())]
    Incomplete {
        /// Its folder.
        run: PathBuf,
        /// What is missing.
        why: String,
        /// What can help.
        go_on: GoOn,
    },
    /// Somebody wrote it anew while it was read.
    #[error("the run {} was changed while it was read", .0.display())]
    ChangedMeanwhile(PathBuf),
    /// A file is not the one that was written with `run.json`.
    #[error("{} {}", path.display(), what_is_wrong(*is_known))]
    Changed {
        /// The file.
        path: PathBuf,
        /// Whether `run.json` has a digest of it.
        is_known: bool,
        /// How to get the right one.
        hint: String,
    },
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn what_is_wrong(is_known: bool) -> &'static str {
    if is_known {
        "does not match its run.json: it was changed or replaced"
    } else {
        "is not listed in its run.json"
    }
}

impl IntegrityError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unfinished(run) => {
                let run = run.display();
                format!("wait for it to end, or finish it with `evalmark resume {run}`")
            }
            Self::HalfScored(run) => {
                format!("`evalmark score {}` computes its scores again", run.display())
            }
            Self::Unscored(run) => format!("`evalmark resume {}` finishes it", run.display()),
            Self::Incomplete { go_on: GoOn::EvaluateAgain(tool), .. } => format!(
                "evaluate again with {tool} what failed, and import that; `--as-it-is` decides on what is \
                 there"
            ),
            Self::Incomplete { go_on: GoOn::StartAnew, .. } => {
                "asking again would fail again: correct the suite, then start a new run; \
                 `--as-it-is` decides on what is there"
                    .to_owned()
            }
            Self::Incomplete { run, go_on: GoOn::Resume, .. } => format!(
                "`evalmark resume {}` requests what is missing; `--as-it-is` decides on what is \
                 there",
                run.display()
            ),
            Self::ChangedMeanwhile(_) => "gate it again once that has ended".to_owned(),
            Self::Changed { hint, .. } | Self::Missing { hint, .. } => hint.clone(),
            Self::Unreadable { .. } => return None,
        })
    }
}
