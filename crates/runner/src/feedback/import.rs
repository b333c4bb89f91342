//! Events of feedback, taken in: redacted as the monitor redacts, each once.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use evalmark_core::{
    feedback::{FeedbackEvent, FeedbackKind, FeedbackValue, short},
    logs::Redaction,
    number_format::counted,
};
use evalmark_store::{
    RunLock,
    feedback::{FeedbackFile, KeptFeedback},
    monitor::MonitorFolder,
};
use serde::Serialize;

use super::{
    error::FeedbackUseError,
    joined::{JoinDoubts, JoinedFeedback, kinds},
};
use crate::{
    Host,
    error::Result,
    monitor::{MonitoredSuite, microseconds, redacted},
};

/// So many problems are told.
const TOLD: usize = 20;

/// Takes in feedback of a suite's records.
pub struct FeedbackImport {
    suite: String,
    redact: Vec<Redaction>,
    file: FeedbackFile,
    _lock: RunLock,
    events: Vec<KeptFeedback>,
    places: HashMap<String, usize>,
    /// What was read, each with the place of its document.
    new: Vec<(String, KeptFeedback)>,
    monitor: MonitorFolder,
    found: ImportedFeedback,
}

/// What was taken in.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ImportedFeedback {
    /// The suite's name.
    pub suite: String,
    /// Documents that were read.
    pub documents: u64,
    /// Events that are new.
    pub added: u64,
    /// Events that took the place of an earlier one.
    pub replaced: u64,
    /// Events that were there already.
    pub known: u64,
    /// Documents that say nothing of an answer, or of a signal that was not asked for.
    pub passed_over: u64,
    /// Documents that are no feedback though they should be.
    pub damaged: u64,
    /// The first of those, each with its place.
    pub problems: Vec<String>,
    /// All events that are kept, by signal.
    pub signals: BTreeMap<String, u64>,
    /// Those of them that belong to a record of the monitor.
    pub joined: u64,
    /// What is not for sure of that.
    #[serde(flatten)]
    pub doubts: JoinDoubts,
    /// The file that they are kept in.
    pub path: PathBuf,
}

impl FeedbackImport {
    /// Opens the feedback of a suite, and keeps other processes from writing it.
    pub fn open(suite: &Path, out: &Path, host: &Host<'_>) -> Result<Self> {
        let suite = MonitoredSuite::read(suite, host)?;
        if suite.suite.logs.is_none() {
            return Err(FeedbackUseError::NoLogs(suite.suite.path.clone()).into());
        }
        let name = suite.suite.name.clone();
        let file = FeedbackFile::of_suite(out, &name);
        let lock = file.lock()?;
        let events = file.read()?;
        let places = events.iter().enumerate().map(|(at, event)| (event.id.clone(), at)).collect();
        Ok(Self {
            monitor: MonitorFolder::of_suite(out, &name),
            found: ImportedFeedback {
                suite: name.clone(),
                path: file.path(),
                ..ImportedFeedback::default()
            },
            suite: name,
            redact: suite.spec.redact,
            file,
            _lock: lock,
            events,
            places,
            new: Vec::new(),
        })
    }

    /// Counts a document, with what is wrong in it.
    pub fn document(&mut self, file: &Path, number: u64, problems: &[String], passed_over: u64) {
        self.found.documents += 1;
        self.found.passed_over += passed_over;
        for problem in problems {
            self.problem(&place(file, number), problem);
        }
    }

    /// A document with a mistake. What it says of itself is redacted, too.
    fn problem(&mut self, place: &str, problem: &str) {
        self.found.damaged += 1;
        if self.found.problems.len() < TOLD {
            self.found.problems.push(format!("{place}: {}", redacted(problem, &self.redact)));
        }
    }

    /// Takes in an event of a document.
    pub fn add(&mut self, file: &Path, number: u64, event: FeedbackEvent) {
        let place = place(file, number);
        match kept(event, &self.redact) {
            Ok(event) => self.new.push((place, event)),
            Err(problem) => self.problem(&place, &problem),
        }
    }

    /// Takes in everything that was read. A signal stays what it is: what it was before, or what most of the new events are.
    fn take_in(&mut self) {
        let mut kind_of = kinds(self.new.iter().map(|(_, event)| event));
        kind_of.extend(kinds(self.events.iter()));
        for (place, event) in std::mem::take(&mut self.new) {
            let kind = kind_of.get(&event.signal).copied().unwrap_or(event.value.kind());
            if kind != event.value.kind() {
                self.problem(&place, &other_kind(&event, kind));
                continue;
            }
            match self.places.get(&event.id) {
                Some(at) if self.events[*at] == event => self.found.known += 1,
                Some(at) => {
                    self.found.replaced += 1;
                    self.events[*at] = event;
                }
                None => {
                    self.found.added += 1;
                    self.places.insert(event.id.clone(), self.events.len());
                    self.events.push(event);
                }
            }
        }
    }

    /// Writes what was taken in, as a whole.
    pub fn finish(mut self) -> Result<ImportedFeedback> {
        self.take_in();
        let ImportedFeedback { documents, added, replaced, known, .. } = self.found;
        if added + replaced + known == 0 {
            let first = self.found.problems.first().cloned();
            let documents = counted(documents, "document");
            return Err(FeedbackUseError::NoEvent { documents, first }.into());
        }
        if added + replaced > 0 {
            self.file.write(&self.events)?;
        }
        for event in &self.events {
            *self.found.signals.entry(event.signal.clone()).or_default() += 1;
        }
        if let Some(state) = self.monitor.state(&self.suite)? {
            let joined = JoinedFeedback::new(self.events, &self.monitor, &state)?;
            self.found.joined = joined.n_joined();
            self.found.doubts = joined.doubts;
        } else {
            self.found.doubts.unjoined = self.events.len() as u64;
        }
        Ok(self.found)
    }
}

/// Where a document stands, for people.
fn place(file: &Path, number: u64) -> String {
    format!("{}:{number}", file.display())
}

/// What is wrong with an event that is not what its signal is.
fn other_kind(event: &KeptFeedback, kind: FeedbackKind) -> String {
    format!(
        "`{}` is a signal whose events have {}, and this one has {}: give it another name",
        event.signal,
        kind.has(),
        event.value.kind().has()
    )
}

/// An event without what the suite wants out of its texts, its id and the name of its signal among them.
fn kept(event: FeedbackEvent, rules: &[Redaction]) -> Result<KeptFeedback, String> {
    let clean = |text: &str| redacted(text, rules).into_owned();
    // As the monitor does it, so that the record is found.
    let name = |name: String| {
        if redacted(&name, rules) == name.as_str() { name } else { blake3_id(name.as_bytes()) }
    };
    let unreadable = |at: &_| format!("the time {} cannot be read", short(at));
    let at = event.at.as_ref().map(|at| microseconds(at).ok_or_else(|| unreadable(at)));
    let at = at.transpose()?;
    let (record_id, by) = (name(event.record_id), event.by.map(name));
    // Of what was written, so that a scale that was wrong makes no other event.
    let of_content = || {
        let content = serde_json::json!([record_id, event.signal, event.written, by, at]);
        blake3_id(content.to_string().as_bytes())
    };
    let id = event.id.map_or_else(of_content, name);
    Ok(KeptFeedback {
        id,
        record_id,
        signal: clean(&event.signal),
        value: match event.value {
            FeedbackValue::Edit(text) => FeedbackValue::Edit(clean(&text)),
            other => other,
        },
        comment: event.comment.as_deref().map(clean),
        by,
        at,
        propensity: event.propensity,
    })
}

fn blake3_id(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..32].to_owned()
}
