//! Events of feedback, taken in: redacted as the monitor redacts, each once.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use evalmark_core::{
    feedback::{FeedbackEvent, FeedbackValue},
    logs::Redaction,
    number_format::counted,
};
use evalmark_report::records::{RecordNames, for_each_record};
use evalmark_store::{
    RunLock,
    feedback::{FeedbackFile, KeptFeedback},
    monitor::MonitorFolder,
};
use serde::Serialize;

use super::{error::FeedbackUseError, index::FeedbackIndex};
use crate::{
    Host,
    error::{Result, RunError},
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
    pub signals: std::collections::BTreeMap<String, u64>,
    /// Those of them that belong to a record of the monitor.
    pub joined: u64,
    /// The file that they are kept in.
    pub path: PathBuf,
}

impl FeedbackImport {
    /// Opens the feedback of a suite, and keeps other processes from writing it.
    pub fn open(suite: &Path, out: &Path, host: &Host<'_>) -> Result<Self> {
        let suite = MonitoredSuite::read(suite, host)?;
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
        })
    }

    /// Counts a document, with what is wrong in it.
    pub fn document(&mut self, file: &Path, number: u64, problems: &[String], passed_over: u64) {
        self.found.documents += 1;
        self.found.passed_over += passed_over;
        for problem in problems {
            self.found.damaged += 1;
            if self.found.problems.len() < TOLD {
                self.found.problems.push(format!("{}:{number}: {problem}", file.display()));
            }
        }
    }

    /// Takes in an event.
    pub fn add(&mut self, event: FeedbackEvent) {
        let event = kept(event, &self.redact);
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

    /// Writes what was taken in, as a whole.
    pub fn finish(mut self) -> Result<ImportedFeedback> {
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
        let index = FeedbackIndex::new(self.events);
        if let Some(state) = self.monitor.state(&self.suite)? {
            for segment in &state.segments {
                let path = self.monitor.segment(&segment.name);
                for_each_record::<RunError>(&path, &RecordNames::default(), false, |row| {
                    self.found.joined += index.of(row.record_id).count() as u64;
                    Ok(())
                })?;
            }
        }
        Ok(self.found)
    }
}

/// An event without what the suite wants out of its texts.
fn kept(event: FeedbackEvent, rules: &[Redaction]) -> KeptFeedback {
    let clean = |text: &str| redacted(text, rules).into_owned();
    // As the monitor does it, so that the record is found.
    let name = |name: String| {
        if redacted(&name, rules) == name.as_str() { name } else { blake3_id(name.as_bytes()) }
    };
    let at = event.at.as_ref().and_then(microseconds);
    let value = match event.value {
        FeedbackValue::Edit(text) => FeedbackValue::Edit(clean(&text)),
        other => other,
    };
    let (record_id, by) = (name(event.record_id), event.by.map(name));
    let of_content = || {
        let content = serde_json::json!([record_id, event.signal, value, by, at]);
        blake3_id(content.to_string().as_bytes())
    };
    KeptFeedback {
        id: event.id.unwrap_or_else(of_content),
        record_id,
        signal: event.signal,
        value,
        comment: event.comment.as_deref().map(clean),
        by,
        at,
        propensity: event.propensity.filter(|share| *share > 0.0 && *share <= 1.0),
    }
}

fn blake3_id(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..32].to_owned()
}
