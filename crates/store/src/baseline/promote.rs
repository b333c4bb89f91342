//! A run becomes a baseline.

use std::{
    collections::BTreeMap,
    error::Error,
    fs, io,
    path::{Path, PathBuf},
};

use evalmark_core::{number_format::count, suite::file_name};

use super::{folder_of, slot::Slot};
use crate::{
    Redact, RunLock, StoreError,
    durable::{self, NewFile, NewFileWriter},
    integrity::{finished, has_files, unchanged},
    named_run::is_run_word,
    run_folder::RunFolder,
    run_record::{FORMAT_VERSION, RunOptions, RunRecord, RunStatus},
};

/// Why a run can become a baseline with `--force` only, or not at all.
pub fn cannot_be_baseline(record: &RunRecord) -> Option<String> {
    match record.status {
        RunStatus::Complete => {
            record.stopped_early.as_ref().map(|stopped| format!("it {}", stopped.summary()))
        }
        RunStatus::Running | RunStatus::Interrupted | RunStatus::Scoring => {
            Some("it is not finished".to_owned())
        }
        RunStatus::Partial => Some(lacking(record)),
    }
}

/// What a run lacks answers or scores of.
fn lacking(record: &RunRecord) -> String {
    let counts = &record.counts;
    let mut parts = Vec::new();
    if counts.failed > 0 {
        let have = if counts.failed == 1 { "has" } else { "have" };
        parts.push(format!("{} of the run's samples {have} no answer", count(counts.failed)));
    }
    for (metric, unscored) in &counts.unscored {
        let (n, planned, example) =
            (count(unscored.count), count(counts.planned), &unscored.example);
        let have = if unscored.count == 1 { "has" } else { "have" };
        parts.push(format!("{n} of {planned} samples {have} no score of `{metric}`: {example}"));
    }
    if parts.is_empty() {
        parts.push("the run is not complete".to_owned());
    }
    parts.join("; ")
}

/// A run that is to become a baseline.
#[derive(Clone, Copy, Debug)]
pub struct Promotion<'a> {
    /// The run's folder.
    pub run: &'a Path,
    /// What the baseline is called.
    pub name: &'a str,
    /// Whether it may replace another, and lack answers.
    pub force: bool,
    /// The output folder that gets it; `None`: the run's.
    pub out: Option<&'a Path>,
}

/// Why something of a baseline could not be copied.
type CopyFailure = Box<dyn Error + Send + Sync>;

/// Copies what a baseline keeps of a run's `samples.parquet`, whose path comes first, to a file of the
/// path that comes second.
pub trait CopySamples {
    /// Why it could not be copied.
    type Error: Into<CopyFailure>;

    /// What the answers took; answers with the BLAKE3 of the copy, 64 hexadecimal digits.
    fn usage(&self, from: &Path, to: &Path, out: NewFileWriter) -> Result<String, Self::Error>;

    /// The answers, or why they are left out.
    fn answers(
        &self,
        from: &Path,
        to: &Path,
        out: NewFileWriter,
    ) -> Result<AnswersCopy, Self::Error>;
}

/// What became of the answers of a run that is promoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswersCopy {
    /// The baseline keeps them.
    Kept {
        /// The BLAKE3 of their file, 64 hexadecimal digits.
        digest: String,
    },
    /// It does not: the reason, in a clause.
    LeftOut(String),
}

/// Makes a run the baseline of its suite; answers with the baseline's folder.
pub fn promote(
    promotion: Promotion<'_>,
    redact: Redact,
    copies: &impl CopySamples,
) -> Result<PathBuf, StoreError> {
    let Promotion { run, name, force, out } = promotion;
    file_name(name).map_err(PromoteError::Name)?;
    if is_run_word(name) {
        return Err(PromoteError::Reserved(name.to_owned()).into());
    }
    let (folder, record) = RunFolder::open(run)?;
    can_be_promoted(&folder, &record, force)?;
    let shelf = folder_of(&out.map_or_else(|| folder.out(), Path::to_owned), &record.suite);
    let path = shelf.join(name);
    let cannot =
        |source: io::Error| PromoteError::Unwritable { path: path.clone(), source: source.into() };
    fs::create_dir_all(&shelf).map_err(cannot)?;
    let leftovers = IgnoredLeftovers::write(&shelf).map_err(cannot)?;
    // Released before the leftovers are looked after: the last one to work here takes that file away.
    let _lock = match RunLock::take(&shelf) {
        Ok(lock) => lock,
        Err(error) => {
            leftovers.stay();
            return Err(error.into());
        }
    };
    let slot = Slot::new(&shelf, name);
    slot.recover().map_err(cannot)?;
    if slot.current().is_some() && !force {
        return Err(PromoteError::Exists(path).into());
    }
    let next = RunFolder { path: slot.next.clone() };
    build(&next, &folder, copies)
        .and_then(|kept| Ok(next.write(&as_baseline(record, kept), redact)?))
        .map_err(|source| PromoteError::Unwritable { path: path.clone(), source })?;
    slot.fill().map_err(cannot)?;
    Ok(path)
}

/// Keeps what a killed promotion leaves on a shelf out of git: its lock, and the folder that was being built.
struct IgnoredLeftovers(Option<PathBuf>);

impl IgnoredLeftovers {
    /// It ignores itself, too.
    const TEXT: &str = "# What a promotion that was killed leaves here is not for git.\n/.*\n";

    fn write(shelf: &Path) -> io::Result<Self> {
        let path = shelf.join(".gitignore");
        match fs::read_to_string(&path) {
            Ok(text) if text == Self::TEXT => Ok(Self(Some(path))),
            // Somebody's own.
            Ok(_) => Ok(Self(None)),
            Err(_) => {
                durable::write_in_place(&path, Self::TEXT.as_bytes())?;
                Ok(Self(Some(path)))
            }
        }
    }

    /// Leaves the file to whoever is at work.
    fn stay(mut self) {
        self.0 = None;
    }
}

impl Drop for IgnoredLeftovers {
    fn drop(&mut self) {
        drop(self.0.take().map(|path| durable::remove(&path)));
    }
}

/// Fails where a run is not what later ones should be compared with.
fn can_be_promoted(folder: &RunFolder, record: &RunRecord, force: bool) -> Result<(), StoreError> {
    let run = &folder.path;
    if folder.is_baseline(record) {
        return Err(PromoteError::Baseline(run.clone()).into());
    }
    match record.status {
        RunStatus::Complete => {}
        RunStatus::Running | RunStatus::Interrupted => {
            return Err(PromoteError::Unfinished(run.clone()).into());
        }
        RunStatus::Scoring => finished(folder, record)?,
        RunStatus::Partial if force => {}
        RunStatus::Partial => {
            let (what, hint) = (lacking(record), mend(run, record));
            return Err(PromoteError::Lacking { what, hint }.into());
        }
    }
    let files = [folder.scores(), folder.samples()];
    has_files(folder, record, &files)?;
    unchanged(folder, record, &files)?;
    match record.stopped_early.as_ref().filter(|_| !force) {
        Some(stopped) => Err(PromoteError::StoppedEarly(stopped.summary()).into()),
        None => Ok(()),
    }
}

/// What a baseline keeps of its run.
#[derive(Default)]
struct Kept {
    /// Digests of its files, by name.
    files: BTreeMap<String, String>,
    answers_left_out: Option<String>,
}

/// Makes the baseline's folder, without its `run.json`, which comes last.
fn build(
    baseline: &RunFolder,
    run: &RunFolder,
    copies: &impl CopySamples,
) -> Result<Kept, CopyFailure> {
    let mut kept = Kept::default();
    let mut keep = |path: &Path, digest: String| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        kept.files.insert(name.into_owned(), digest);
    };
    durable::create_folder(&baseline.path)?;
    keep(&baseline.scores(), durable::copy(&run.scores(), &baseline.scores())?);
    let file = NewFile::create(&baseline.usage())?;
    let usage = copies.usage(&run.samples(), file.path(), file.writer()?).map_err(Into::into)?;
    file.sync()?;
    file.name()?;
    keep(&baseline.usage(), usage);
    let file = NewFile::create(&baseline.answers())?;
    match copies.answers(&run.samples(), file.path(), file.writer()?).map_err(Into::into)? {
        AnswersCopy::Kept { digest } => {
            file.sync()?;
            file.name()?;
            keep(&baseline.answers(), digest);
        }
        AnswersCopy::LeftOut(why) => kept.answers_left_out = Some(why),
    }
    Ok(kept)
}

/// A run's record, as a baseline made from it keeps it.
fn as_baseline(record: RunRecord, kept: Kept) -> RunRecord {
    // Where this machine keeps its files is nobody else's business.
    let options = RunOptions {
        cache_dir: None,
        working_dir: None,
        baseline: None,
        baseline_suite: None,
        ..record.options.clone()
    };
    RunRecord {
        format_version: FORMAT_VERSION,
        options,
        ungated: None,
        files: kept.files,
        answers_left_out: kept.answers_left_out,
        ..record
    }
}

/// What can be done about what a run lacks.
fn mend(run: &Path, record: &RunRecord) -> String {
    if let Some(from) = &record.imported {
        let tool = &from.tool;
        return format!(
            "evaluate again with {tool} what failed, and import that; `--force` takes the run as it is"
        );
    }
    let run = run.display();
    let resume = if record.counts.may_succeed_later() {
        format!("`evalmark resume {run}` retries them")
    } else {
        "asking again would fail again: correct the suite, then start a new run".to_owned()
    };
    let score =
        format!("retrying cannot help: fix the metric or the targets, then `evalmark score {run}`");
    let first = match (record.counts.failed > 0, record.counts.unscored.is_empty()) {
        (true, true) => resume,
        (true, false) => format!("{resume}, and to get the scores, fix the metric or the targets"),
        (false, _) => score,
    };
    format!("{first}; `--force` takes the run as it is")
}

/// Why a run cannot become a baseline.
#[derive(Debug, thiserror::Error)]
pub enum PromoteError {
    /// Its name cannot be a folder's.
    #[error("the baseline's name {0}")]
    Name(String),
    /// Commands take it for a run.
    #[error("a baseline cannot be called `{0}`: that is a run's name wherever one is taken")]
    Reserved(String),
    /// It is a baseline.
    #[error("{} is already a baseline; promote the run that it came from", .0.display())]
    Baseline(PathBuf),
    /// It has not come to its end.
    #[error("the run {} is not finished", .0.display())]
    Unfinished(PathBuf),
    /// Answers or scores are missing.
    #[error("{what}")]
    Lacking {
        /// What is missing.
        what: String,
        /// What can be done about it.
        hint: String,
    },
    /// It did not ask all its items: how many, in a sentence without its subject.
    #[error("the run {0}")]
    StoppedEarly(String),
    /// There is a baseline of that name.
    #[error("the baseline {} already exists", .0.display())]
    Exists(PathBuf),
    /// Its folder cannot be written.
    #[error("the baseline {} cannot be written", path.display())]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: CopyFailure,
    },
}

impl PromoteError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Name(_) | Self::Baseline(_) | Self::Unwritable { .. } => return None,
            Self::Reserved(_) => "choose another name, such as `main`".to_owned(),
            Self::Unfinished(run) => format!("`evalmark resume {}` finishes it", run.display()),
            Self::Lacking { hint, .. } => hint.clone(),
            Self::StoppedEarly(_) => {
                "a baseline should have every item: set `stop_early: false` and run the suite \
                 again, which requests only the rest; `--force` promotes the run as it is"
                    .to_owned()
            }
            Self::Exists(_) => "choose another name, or replace it with `--force`".to_owned(),
        })
    }
}
