//! A suite's monitor, opened: the suite with its metrics, the folder, and what was read before.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use evalmark_core::{
    files::FileAccess,
    logs::{LogField, LogPosition, LogSpec, WatchedEmbedding},
    suite::Suite,
};
use evalmark_report::records::RecordNames;
use evalmark_scoring::Metric;
use evalmark_store::{
    monitor::{MonitorFolder, MonitorJournal, MonitorLock, MonitorState},
    run_record::{NamedHash, RunOptions},
};
use jiff::Timestamp;

use super::{
    MonitorError,
    judging::{JudgeWorker, Panel, WaitingRecord},
    record::RecordReader,
    segment::OpenSegment,
    sent::SeenIds,
};
use crate::{
    Host, LoadError, Notice,
    error::Result,
    load::{metric_hash, read_suite},
    programs::{self, Programs},
};

/// What a monitor is told.
#[derive(Clone, Debug)]
pub struct MonitorOptions {
    /// The suite's file.
    pub suite: PathBuf,
    /// The folder of runs.
    pub out: PathBuf,
}

/// A suite with its metrics, as far as logs are scored with it.
pub(crate) struct MonitoredSuite {
    pub(crate) suite: Suite,
    pub(crate) spec: LogSpec,
    pub(crate) metrics: Vec<Metric>,
    /// By metric, and behind them that of the vectors which are watched, where there are any.
    pub(crate) hashes: Vec<NamedHash>,
    /// The names of columns of its own.
    pub(crate) names: RecordNames,
}

/// A suite's monitor: reads logs into its folder, which it keeps from others until it is dropped.
pub struct Monitor {
    pub(super) suite: MonitoredSuite,
    pub(super) programs: Programs,
    pub(super) reader: RecordReader,
    pub(super) folder: MonitorFolder,
    _lock: MonitorLock,
    pub(super) state: MonitorState,
    pub(super) segment: Option<OpenSegment>,
    /// Whom records are shown to, where the suite wants it.
    pub(super) panel: Option<Arc<Panel>>,
    /// Who asks them while logs are read.
    pub(super) worker: Option<JudgeWorker>,
    /// Records that models are asked about, and that no commit has yet.
    pub(super) drawn: Vec<WaitingRecord>,
    /// Files of such records that the next state does not name any more.
    pub(super) let_go: Vec<String>,
    /// What was sent lately, where lines are sent.
    pub(super) seen: Option<SeenIds>,
    pub(super) journal: Option<MonitorJournal>,
    pub(super) clock: fn() -> Timestamp,
    /// Whether a merge has failed: a segment cannot be read, which `monitor status` tells.
    pub(super) cannot_merge: bool,
}

impl MonitoredSuite {
    pub(crate) fn read(path: &Path, host: &Host<'_>) -> Result<Self> {
        let suite = read_suite(path, &RunOptions::default(), host)?;
        for warning in &suite.warnings {
            host.notices.tell(&Notice::SuiteWarning(warning));
        }
        let spec = suite.logs.clone().unwrap_or_default();
        let compiled = suite.metrics.iter().map(|spec| {
            let error = |error: evalmark_core::metric::ParamError| LoadError::Metric {
                name: spec.name.clone(),
                problem: error.message,
            };
            Metric::compile(spec).map_err(error)
        });
        let metrics: Vec<_> = compiled.collect::<Result<_, _>>()?;
        let each = suite.metrics.iter().zip(&metrics);
        let hashes = each.map(|(spec, metric)| metric_hash(&suite, spec, metric));
        let vectors = spec.watch.embedding.as_ref();
        let hashes = hashes.chain(vectors.map(|one| embedding_hash(&suite, one))).collect();
        let names = RecordNames {
            metrics: metrics.iter().map(|metric| metric.name().to_owned()).collect(),
            categories: spec.fields.categories.iter().map(|(name, _)| name.clone()).collect(),
        };
        Ok(Self { suite, spec, metrics, hashes, names })
    }
}

impl Monitor {
    /// Opens it for reading more; whatever a process that was killed left half done is cleared away.
    pub fn open(options: &MonitorOptions, host: &Host<'_>) -> Result<Self> {
        let suite = MonitoredSuite::read(&options.suite, host)?;
        programs::allowed(&suite.metrics, host.allow_exec)?;
        let panel = Panel::open(&suite, host)?.map(Arc::new);
        let folder = MonitorFolder::of_suite(&options.out, &suite.suite.name);
        let lock = folder.lock()?;
        let state = folder.state(&suite.suite.name)?;
        let version = env!("CARGO_PKG_VERSION");
        let mut state = state.unwrap_or_else(|| MonitorState::new(&suite.suite.name, version));
        version.clone_into(&mut state.tool_version);
        folder.remove_others(&state)?;
        let (path, variables) = (&suite.suite.path, host.program_variables);
        let programs = Programs::new(path, suite.metrics.len(), variables);
        let reader = RecordReader::new(&suite.spec, None);
        let mut monitor = Self {
            suite,
            programs,
            reader,
            folder,
            _lock: lock,
            state,
            segment: None,
            panel,
            worker: None,
            drawn: Vec::new(),
            let_go: Vec::new(),
            seen: None,
            journal: None,
            clock: host.clock,
            cannot_merge: false,
        };
        monitor.keep_promises()?;
        monitor.release_outdated()?;
        Ok(monitor)
    }

    /// Fails where the suite does not say what a line of its logs holds.
    pub fn needs_fields(&self) -> Result<()> {
        let suite = &self.suite.suite;
        if suite.logs.is_none() {
            return Err(MonitorError::NoLogs(suite.path.clone()).into());
        }
        match self.suite.spec.fields.path(LogField::Output) {
            Some(_) => Ok(()),
            None => Err(MonitorError::NoOutput(suite.path.clone()).into()),
        }
    }

    /// Whether the suite names places within a line.
    pub fn names_fields(&self) -> bool {
        !self.suite.spec.fields.is_empty()
    }

    /// Where the suite says that its logs are; empty where it does not.
    pub fn places(&self) -> &[PathBuf] {
        &self.suite.spec.from
    }

    /// Where relative paths of the suite start.
    pub fn suite_folder(&self) -> &Path {
        self.suite.suite.path.parent().unwrap_or(Path::new(""))
    }

    /// Which files the suite may name.
    pub fn access(&self) -> FileAccess {
        self.suite.suite.access.clone()
    }

    /// How far each file was read before.
    pub fn positions(&self) -> Vec<LogPosition> {
        self.state.positions.clone()
    }

    /// The folder that it writes.
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// Metrics that models judge, where the suite does not say that any are asked.
    pub fn unasked(&self) -> Vec<&str> {
        if self.panel.is_some() {
            return Vec::new();
        }
        let judged = self.suite.metrics.iter().filter(|metric| metric.judge().is_some());
        judged.map(Metric::name).collect()
    }
}

/// What decides a record's vector.
fn embedding_hash(suite: &Suite, watched: &WatchedEmbedding) -> NamedHash {
    let WatchedEmbedding { column, model, prefix } = watched;
    let model = suite.model_index(model).and_then(|place| suite.models.get(place));
    let model = model.map(|model| {
        let params = serde_json::Value::Object((*model.params).clone());
        serde_json::json!([model.model, params])
    });
    let text = serde_json::json!([column, prefix, model]).to_string();
    let hash = blake3::hash(text.as_bytes()).to_hex()[..32].to_owned();
    NamedHash { name: "watch.embedding".to_owned(), hash }
}
