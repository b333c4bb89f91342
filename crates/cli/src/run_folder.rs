//! A run's folder and its `run.json`: what was run, how far it came, and what its files are called.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use evalmark_core::suite::file_name;
use evalmark_report::files::{self, Ready};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    args::{AgainstArgs, SelectionArgs},
    early::{StopEarly, StoppedEarly},
    failures::Example,
    git::Git,
    hint::Hinted,
    judging::Agreement,
    known_keys,
    metric_scale::{MetricScale, MetricScales},
};

/// Version of `run.json`. Since 2 it holds digests of the files beside it.
pub(crate) const FORMAT_VERSION: u32 = 2;

/// The first version that is read.
const OLDEST_VERSION: u32 = 1;

/// How far a run came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// It is being asked, or was stopped without a chance to say so.
    Running,
    /// It was interrupted and can be resumed.
    Interrupted,
    /// Files of two passes may lie side by side; `score` makes it whole.
    Scoring,
    /// Every sample has an answer.
    Complete,
    /// Some samples have no answer; `resume` asks for them again.
    Partial,
}

/// More items than any dataset has.
const MOST_ITEMS: u64 = 1 << 40;

/// The content of `run.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    pub(crate) format_version: u32,
    pub(crate) tool_version: String,
    pub(crate) run_id: String,
    pub(crate) suite: String,
    /// As it was given, so that it means the same from the same working directory.
    pub(crate) suite_path: PathBuf,
    /// BLAKE3 of the effective suite.
    pub(crate) suite_hash: String,
    /// BLAKE3 of ids and contents of the selected items.
    pub(crate) dataset_hash: String,
    pub(crate) n_items: u64,
    /// The dataset's columns that make up an item's content; earlier versions did not keep them.
    #[serde(default)]
    pub(crate) columns: Option<Vec<String>>,
    pub(crate) epochs: u32,
    pub(crate) status: Status,
    pub(crate) started_at: String,
    pub(crate) finished_at: Option<String>,
    pub(crate) git: Option<Git>,
    /// Prompt names with their hashes, in the suite's order.
    pub(crate) prompts: Vec<Named>,
    /// Names of the models that were evaluated.
    pub(crate) models: Vec<String>,
    /// Metric names with the hashes of their configuration.
    pub(crate) metrics: Vec<Named>,
    /// Names of the metrics whose scores are a model's judgement.
    #[serde(default)]
    pub(crate) judged: Vec<String>,
    /// How far judges agree with each other and with themselves, by metric.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) judging: BTreeMap<String, Agreement>,
    /// Where each metric's values lie, and which are better.
    #[serde(default)]
    pub(crate) scales: MetricScales,
    pub(crate) options: Options,
    pub(crate) counts: Counts,
    pub(crate) totals: Totals,
    /// Columns that results are broken down by.
    pub(crate) slices: Vec<String>,
    /// The order of a run that may stop early; `None` for one that may not.
    #[serde(default)]
    pub(crate) stop_early: Option<StopEarly>,
    /// What was not asked, because the gate's answer was certain without it.
    #[serde(default)]
    pub(crate) stopped_early: Option<StoppedEarly>,
    /// Why a run that ended is not finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) incomplete: Option<String>,
    /// BLAKE3 of the files beside it, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) files: BTreeMap<String, String>,
    /// Why a run with a gate was compared with nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ungated: Option<String>,
    /// The suite as it was understood.
    pub(crate) effective_suite: Value,
}

impl RunRecord {
    /// The suite's file, from whichever folder one looks.
    pub(crate) fn suite_file(&self) -> PathBuf {
        let from_there = self.options.working_dir.as_ref().map(|dir| dir.join(&self.suite_path));
        from_there.filter(|path| path.is_file()).unwrap_or_else(|| self.suite_path.clone())
    }

    /// Whether it says what no run can be.
    fn check(&self) -> Result<(), String> {
        file_name(&self.suite).map_err(|why| format!("the suite's name {why}"))?;
        file_name(&self.run_id).map_err(|why| format!("the run id {why}"))?;
        let is_hash = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        for (name, hash) in [("suite_hash", &self.suite_hash), ("dataset_hash", &self.dataset_hash)]
        {
            if !is_hash(hash) {
                return Err(format!("`{name}` is not 64 hexadecimal digits"));
            }
        }
        if self.epochs == 0 || self.n_items == 0 || self.n_items > MOST_ITEMS {
            return Err("`epochs` or `n_items` is not a number that a run can have".to_owned());
        }
        match &self.stopped_early {
            Some(stopped) if stopped.asked_items > stopped.planned_items => {
                Err("it stopped early after more items than were planned".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Where a metric's values lie, and which are better.
    pub(crate) fn scale(&self, metric: &str) -> MetricScale {
        self.scales.get(metric).cloned().unwrap_or_default()
    }

    /// Whether a metric's scores are a model's judgement.
    pub(crate) fn is_judged(&self, metric: &str) -> bool {
        self.judged.iter().any(|judged| judged == metric)
    }
}

/// A name and the hash of what it stood for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) hash: String,
}

/// What the command line said, for `resume`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Options {
    pub(crate) prompts: Vec<String>,
    pub(crate) models: Vec<String>,
    pub(crate) limit: Option<u64>,
    pub(crate) epochs: Option<u32>,
    pub(crate) concurrency: Option<u32>,
    pub(crate) no_cache: bool,
    /// What the run is compared with, where that is not the suite's own baseline.
    #[serde(default)]
    pub(crate) baseline: Option<String>,
    /// The suite's earlier name, where the baseline was made under that.
    #[serde(default)]
    pub(crate) baseline_suite: Option<String>,
    /// Whether the run may be the first, without a baseline.
    #[serde(default)]
    pub(crate) new_baseline: bool,
    /// Absolute.
    pub(crate) cache_dir: Option<PathBuf>,
    /// Where relative paths start; absolute.
    pub(crate) working_dir: Option<PathBuf>,
    /// Whether programs may be run. Each command line says so anew.
    #[serde(skip)]
    pub(crate) allow_exec: bool,
}

impl Options {
    /// What a later command line says of the baseline goes before what an earlier one said.
    pub(crate) fn take_in(&mut self, args: &AgainstArgs) {
        self.baseline = args.baseline.clone().or(self.baseline.take());
        self.baseline_suite = args.baseline_suite.clone().or(self.baseline_suite.take());
        self.new_baseline |= args.new_baseline;
    }
}

impl From<&SelectionArgs> for Options {
    fn from(args: &SelectionArgs) -> Self {
        Self {
            prompts: args.prompt.clone(),
            models: args.model.clone(),
            limit: args.limit,
            epochs: args.epochs,
            concurrency: args.concurrency,
            ..Self::default()
        }
    }
}

/// Samples by how they ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) planned: u64,
    pub(crate) answered: u64,
    pub(crate) refused: u64,
    pub(crate) invalid: u64,
    pub(crate) failed: u64,
    /// Answers that were there before the run began.
    pub(crate) cached: u64,
    /// Answers that ended at the token limit (`finish_reason` is `length`), by model.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) cut_off: BTreeMap<String, u64>,
    /// Failures by kind.
    pub(crate) errors: BTreeMap<String, u64>,
    /// One failure of each kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) error_examples: BTreeMap<String, Example>,
    /// Samples with an answer but without a score, by metric.
    #[serde(default)]
    pub(crate) unscored: BTreeMap<String, Unscored>,
    /// Samples with a human label, by metric.
    #[serde(default)]
    pub(crate) labelled: BTreeMap<String, u64>,
    /// Answers that hold reasoning, such as `<think>…</think>`, which some metric did not score.
    #[serde(default)]
    pub(crate) reasoning_cut: u64,
}

impl Counts {
    /// What is said of answers that ended at the token limit, and whether it is a warning: that is
    /// what every tenth of a model's answers calls for.
    pub(crate) fn cut_off_remarks(&self, n_models: usize) -> Vec<(bool, String)> {
        let all = self.planned / n_models.max(1) as u64;
        let remark = |(model, n): (&String, &u64)| {
            let noun = if all == 1 { "answer" } else { "answers" };
            let remark = format!(
                "{n} of {all} {noun} of model `{model}` ended at the token limit (finish_reason \
                 `length`), so the end of the text is missing; raise `max_tokens`"
            );
            (10 * n >= all, remark)
        };
        self.cut_off.iter().map(remark).collect()
    }
}

/// Answers that a metric could not score.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unscored {
    pub(crate) count: u64,
    /// One of the reasons.
    pub(crate) example: String,
}

/// What the answers cost; those of judges apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    /// What all the answers cost when they were bought, by whichever run.
    pub(crate) cost_usd: Option<f64>,
    /// What this run paid, judges included; answers that were there already cost nothing.
    #[serde(default)]
    pub(crate) spent_usd: f64,
    pub(crate) judge_tokens: u64,
    pub(crate) judge_cost_usd: Option<f64>,
}

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
    files::write(path, known_keys::hide(text).as_bytes())
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
