//! The runs of a folder: which there are, how far each came, and what is wrong with it.

use std::{error::Error, fs, path::Path, time::SystemTime};

use evalmark_core::verdict::Answer;
use serde::{Deserialize, Serialize};

use crate::{
    blobs::{BlobError, Blobs},
    durable::digest,
    integrity::{OwnDigest, incomplete},
    local_blobs::{LocalFolder, folders},
    lock::is_locked,
    run_folder::{BASELINES, RunFolder},
    run_record::{RunRecord, RunStatus},
};

/// A run of a folder, or what is left of one.
#[derive(Clone, Debug)]
pub struct ListedRun {
    /// The name of the folder above its own: the suite's.
    pub suite: String,
    /// The name of its folder.
    pub run_id: String,
    /// Its folder.
    pub folder: RunFolder,
    /// How far it came.
    pub state: RunState,
    /// What is wrong with it, in a clause; `None` where nothing is.
    pub problem: Option<String>,
    /// What its gate answered; `None` where there was none, or the run has not ended.
    pub verdict: Option<ListedVerdict>,
    /// Its `run.json`; `None` where that cannot be read.
    pub record: Option<RunRecord>,
}

impl ListedRun {
    /// When it began: RFC 3339, UTC; `None` where its `run.json` cannot be read.
    pub fn started_at(&self) -> Option<&str> {
        self.record.as_ref().map(|record| &*record.started_at)
    }

    /// Looks whether the files that are small in every run are its own: its summary, its values of the
    /// whole run and its confusions. Where one is not, the run is broken. The large ones take too
    /// long for a list.
    pub fn check_small_files(&mut self) {
        if !matches!(self.state, RunState::Complete | RunState::Partial) {
            return;
        }
        let Some(record) = &self.record else { return };
        let folder = &self.folder;
        let small = [folder.summary(), folder.run_values(), folder.confusion()];
        if let Some(why) = small.iter().find_map(|path| not_its_own(folder, record, path)) {
            self.state = RunState::Broken;
            self.problem = Some(why);
        }
    }
}

/// What the gate of a run answered: the beginning of its `verdict.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedVerdict {
    /// The answer over all comparisons.
    pub answer: Answer,
    /// What the run was compared with.
    pub baseline: String,
}

/// How far a run of a list came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// A process is at work on it.
    Running,
    /// It was stopped or killed, and can be resumed.
    Interrupted,
    /// It was being scored again and that did not finish; `score` makes it whole.
    Scoring,
    /// Every sample has an answer.
    Complete,
    /// Some samples have no answer.
    Partial,
    /// It cannot be read, or files are missing.
    Broken,
}

impl RunState {
    /// Its name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Scoring => "scoring",
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Broken => "broken",
        }
    }
}

/// Every run below `out` (`out/SUITE/RUN_ID`), or those of one suite, in the order in which they
/// began; those of which that is not known come first. No run is left out for what is wrong with it.
///
/// Digests of the files are not checked: [`ListedRun::check_small_files`] does that for the small ones,
/// and [`open_whole`](crate::integrity::open_whole) for those that a verdict is made from.
pub fn list_runs(out: &Path, suite: Option<&str>) -> Result<Vec<ListedRun>, BlobError> {
    let mut runs = Vec::new();
    for name in run_suites(out)? {
        if suite.is_some_and(|suite| suite != name) {
            continue;
        }
        for run_id in folders(&out.join(&name))? {
            let folder = RunFolder { path: out.join(&name).join(&run_id) };
            runs.extend(listed(folder, name.clone(), run_id));
        }
    }
    runs.sort_by_cached_key(begun);
    Ok(runs)
}

/// Names of the suites that have a folder of runs below `out`, sorted.
pub fn run_suites(out: &Path) -> Result<Vec<String>, BlobError> {
    let mut suites = folders(out)?;
    suites.retain(|name| name != BASELINES);
    Ok(suites)
}

/// The run in a folder; `None` where nothing in it was a run's.
fn listed(folder: RunFolder, suite: String, run_id: String) -> Option<ListedRun> {
    let record = match folder.read() {
        Ok(record) => record,
        Err(_) if !folder.record().exists() && !has_files_of_a_run(&folder) => return None,
        Err(error) => {
            let (state, problem) = (RunState::Broken, Some(in_full(&error)));
            let (verdict, record) = (None, None);
            return Some(ListedRun { suite, run_id, folder, state, problem, verdict, record });
        }
    };
    let (state, mut problem) = progress(&folder, &record);
    let has_ended = matches!(state, RunState::Complete | RunState::Partial);
    let verdict = if has_ended { verdict(&folder, &record) } else { Ok(None) };
    let verdict = verdict.unwrap_or_else(|why| {
        problem.get_or_insert(why);
        None
    });
    if record.suite != suite {
        let of_suite = format!("it is of the suite `{}`", record.suite);
        problem = Some(problem.map_or(of_suite.clone(), |more| format!("{of_suite}; {more}")));
    }
    Some(ListedRun { suite, run_id, folder, state, problem, verdict, record: Some(record) })
}

/// The run that a `verdict.json` is about, as far as it says.
#[derive(Deserialize)]
struct Judged {
    suite: Option<String>,
    run_id: Option<String>,
}

/// What a run's gate answered, or why that cannot be read or is not about this run.
fn verdict(folder: &RunFolder, record: &RunRecord) -> Result<Option<ListedVerdict>, String> {
    let wrong = |error: &(dyn Error + 'static)| format!("its verdict.json: {}", in_full(error));
    let content = LocalFolder::new(&folder.path).get("verdict.json").map_err(|e| wrong(&e))?;
    let Some(content) = content else { return Ok(None) };
    let verdict = serde_json::from_slice(&content).map_err(|e| wrong(&e))?;
    let judged: Judged = serde_json::from_slice(&content).map_err(|e| wrong(&e))?;
    let suite = judged.suite.as_ref().unwrap_or(&record.suite);
    let run_id = judged.run_id.as_ref().unwrap_or(&record.run_id);
    if (suite, run_id) != (&record.suite, &record.run_id) {
        return Err(format!("its verdict.json is about another run, {suite}/{run_id}"));
    }
    Ok(Some(verdict))
}

/// What is wrong with a file that is not the run's own; `None` where it is, or where `run.json` does not
/// speak of it.
fn not_its_own(folder: &RunFolder, record: &RunRecord, path: &Path) -> Option<String> {
    let own = OwnDigest::of(folder, record, path)?;
    own.expected.as_ref()?;
    match digest(path) {
        Ok(found) => own.problem(&found).map(str::to_owned),
        Err(error) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            Some(format!("its {name} cannot be read: {error}"))
        }
    }
}

/// How far a run came, and what is wrong with it.
fn progress(folder: &RunFolder, record: &RunRecord) -> (RunState, Option<String>) {
    let has_ended = matches!(record.status, RunStatus::Complete | RunStatus::Partial);
    if !has_ended && is_locked(&folder.path) {
        return (RunState::Running, None);
    }
    let resumable = |what: &str| Some(format!("{what}; `evalmark resume` finishes it"));
    match record.status {
        RunStatus::Running => {
            (RunState::Interrupted, resumable("it was killed before it could finish"))
        }
        RunStatus::Interrupted => (RunState::Interrupted, resumable("it was interrupted")),
        RunStatus::Scoring => {
            let problem = "it was being scored again and that did not finish; `evalmark score` \
                           computes its scores again";
            (RunState::Scoring, Some(problem.to_owned()))
        }
        RunStatus::Complete | RunStatus::Partial => match missing_file(folder, record) {
            Some(name) => (RunState::Broken, Some(format!("its {name} is missing"))),
            None if record.status == RunStatus::Complete => (RunState::Complete, None),
            None => (RunState::Partial, incomplete(record).or_else(|| some_failed(record))),
        },
    }
}

/// What a partial run lacks that is too little to make it incomplete.
fn some_failed(record: &RunRecord) -> Option<String> {
    let counts = &record.counts;
    (counts.failed > 0)
        .then(|| format!("{} of {} samples have no answer", counts.failed, counts.planned))
}

/// A file that `run.json` speaks of and that is not there.
fn missing_file<'a>(folder: &RunFolder, record: &'a RunRecord) -> Option<&'a str> {
    if record.files.is_empty() && !folder.scores().is_file() {
        return Some("scores.parquet");
    }
    record.files.keys().map(String::as_str).find(|name| !folder.path.join(name).is_file())
}

/// Whether a folder without a `run.json` holds what a run left.
fn has_files_of_a_run(folder: &RunFolder) -> bool {
    let files = [folder.samples(), folder.scores(), folder.summary(), folder.own_ledger()];
    files.iter().any(|path| path.is_file())
}

/// An error and its causes in one line.
fn in_full(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// What runs are sorted by. A final `Z` would come after the digits of a fraction; of those that began
/// in the same second, the folder that was made first is the first.
fn begun(run: &ListedRun) -> (Option<String>, Option<SystemTime>, String, String) {
    let started_at = run.started_at().map(|at| at.trim_end_matches('Z').to_owned());
    let made = fs::metadata(&run.folder.path).and_then(|folder| folder.created());
    (started_at, made.ok(), run.suite.clone(), run.run_id.clone())
}
