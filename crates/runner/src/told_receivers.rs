//! What receivers are to be told of runs that ended: it goes into the outbox, and whoever calls has it delivered.

use std::{
    fs,
    path::{Path, PathBuf},
};

use evalmark_core::{
    receiver::ReceiverSpec,
    suite::SuiteError,
    verdict::{Comparison, Verdict},
};
use evalmark_report::{
    changed_item::BrokenItems,
    drift_message::AlarmContext,
    gate_report::{GateReport, ReportedSuite},
    run_message::{MessageContext, MessageSamples, RunMessage},
};
use evalmark_store::{
    outbox::{Outbox, OutboxEntry, OutboxReceiver},
    run_folder::RunFolder,
    run_record::{RunRecord, SampleCounts},
};
use serde_json::json;

use crate::{
    EndedSuite, Ending, GateOutcome, Host, RunError,
    error::{Hinted, Result},
    gate_report,
    monitor::{MonitorStatus, day_name},
    redacted_keys::hide,
};

/// Messages that wait to be delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueuedMessages {
    /// The folders of runs whose outboxes have them.
    pub folders: Vec<PathBuf>,
    /// Their ids, with the names of those who get them.
    pub messages: Vec<(String, String)>,
    /// The same of messages that were in the outbox already, in whatever state.
    pub known: Vec<(String, String)>,
    /// Why somebody is not told.
    pub warnings: Vec<String>,
}

/// What a run's receivers need to know of it beside its verdict.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunReceivers {
    /// Who is told.
    pub receivers: Vec<ReceiverSpec>,
    /// When the run began.
    pub started_at: String,
    /// The commit that was evaluated.
    pub commit: Option<String>,
}

impl RunReceivers {
    /// Receivers of a run.
    pub(crate) fn of(receivers: Vec<ReceiverSpec>, record: &RunRecord) -> Self {
        let commit = record.git.as_ref().map(|git| git.revision.clone());
        Self { receivers, started_at: record.started_at.clone(), commit }
    }

    /// Receivers of a run that ended earlier, as the file of its suite is now; none where that is gone.
    pub(crate) fn of_record(record: &RunRecord, host: &Host<'_>) -> Result<Self, SuiteError> {
        let path = record.suite_file();
        let is_suite =
            path.extension().is_some_and(|of| of == "yaml" || of == "yml" || of == "json");
        let receivers = if is_suite && path.is_file() && !host.receivers.is_empty() {
            let roots = &host.permissions.roots;
            ReceiverSpec::of_suite((&path, &record.suite), host.receivers, roots)?
        } else {
            Vec::new()
        };
        Ok(Self::of(receivers, record))
    }
}

/// What tells the message about a run from that about the same run with another verdict.
fn decision_key(suite: &ReportedSuite) -> String {
    let of_comparison = |one: &Comparison| {
        json!([one.metric, one.prompt, one.model, one.answer, one.estimate, one.margin])
    };
    let of_verdict = |verdict: &Verdict| {
        let comparisons: Vec<_> = verdict.comparisons.iter().map(of_comparison).collect();
        json!([verdict.answer, verdict.says, comparisons])
    };
    json!([suite.verdict.as_ref().map(of_verdict), suite.incomplete]).to_string()
}

/// Writes what each receiver is to be told into the outbox; what is there already is told once.
pub fn queue_messages(ended: &[EndedSuite], link: Option<&str>, host: &Host<'_>) -> QueuedMessages {
    let mut queued = QueuedMessages::default();
    let report = gate_report(ended, host.policy);
    for (one, suite) in ended.iter().zip(&report.suites) {
        if one.findings.is_interrupted || !one.run_dir.is_dir() {
            continue;
        }
        // What waits there of earlier runs goes out, too.
        queued.note_folder(one);
        let occasions = RunMessage::occasions(suite);
        let receivers = one.receivers.receivers.iter();
        let wanted: Vec<_> = receivers.filter(|one| one.is_told_on(&occasions)).collect();
        if !wanted.is_empty() {
            queued.add_all(&wanted, one, suite, &message_of(one, suite, link, host), host);
        }
    }
    queued
}

/// The same of one run and the receivers that somebody names, whatever the occasion.
pub fn queue_for(
    receivers: &[&ReceiverSpec],
    ended: &EndedSuite,
    link: Option<&str>,
    host: &Host<'_>,
) -> QueuedMessages {
    let mut queued = QueuedMessages::default();
    for suite in &gate_report(std::slice::from_ref(ended), host.policy).suites {
        let message = message_of(ended, suite, link, host);
        queued.add_all(receivers, ended, suite, &message, host);
    }
    queued
}

/// Writes the alarms of a monitor for those who want to hear of them; each is told once, however often it is looked at.
pub fn queue_alarms(status: &MonitorStatus, link: Option<&str>, host: &Host<'_>) -> QueuedMessages {
    let mut queued = QueuedMessages::default();
    let Some(report) = &status.drift.report else { return queued };
    let receivers = status.receivers.iter();
    let wanted: Vec<_> =
        receivers.filter(|one| one.is_told_on(&RunMessage::alarm_occasions())).collect();
    let context = AlarmContext {
        suite: &status.suite,
        reference: status.reference.as_deref(),
        link,
        look: day_name,
    };
    for stream in report.alarmed() {
        let Some(message) = RunMessage::of_alarm(report, stream, &context) else { continue };
        let key = json!(["alarm", stream.name, stream.alarm.as_ref().map(|alarm| alarm.at)]);
        let of_run = (&*status.suite, &*message.run_id);
        for receiver in &wanted {
            queued.note(&status.out);
            queued.add(&status.out, receiver, of_run, &key.to_string(), &message, host);
        }
    }
    queued
}

/// The message about one run that ended earlier.
pub fn run_message(ended: &EndedSuite, link: Option<&str>, host: &Host<'_>) -> RunMessage {
    let report = gate_report(std::slice::from_ref(ended), host.policy);
    let message = report.suites.first().map(|suite| message_of(ended, suite, link, host));
    message.unwrap_or_default()
}

/// A run that ended earlier with the verdict that its folder keeps, and with those who can be told of it.
pub fn ended_run(path: &Path, host: &Host<'_>) -> Result<EndedSuite> {
    let (folder, record) = RunFolder::open(path)?;
    let verdict: Option<Verdict> = match fs::read_to_string(folder.verdict()) {
        Err(_) => None,
        Ok(text) => Some(
            serde_json::from_str(&text)
                .with_context(|| format!("{} is not a verdict", folder.verdict().display()))
                .ends(Ending::Incomplete)?,
        ),
    };
    let receivers = RunReceivers::of_record(&record, host).map_err(RunError::new)?;
    let outcome = verdict.map(|verdict| GateOutcome {
        lacks_answers: false,
        verdict,
        broken: BrokenItems::default(),
    });
    let mut ended = EndedSuite::kept(&folder, &record, outcome);
    ended.receivers = receivers;
    Ok(ended)
}

impl QueuedMessages {
    fn add_all(
        &mut self,
        receivers: &[&ReceiverSpec],
        ended: &EndedSuite,
        suite: &ReportedSuite,
        message: &RunMessage,
        host: &Host<'_>,
    ) {
        let out = self.note_folder(ended);
        let of_run = (&*suite.suite, &*suite.run_id);
        for receiver in receivers {
            self.add(&out, receiver, of_run, &decision_key(suite), message, host);
        }
    }

    /// Writes one message to one receiver into the outbox, unless it is there. `key` tells it from others about the
    /// same run.
    pub(crate) fn add(
        &mut self,
        out: &Path,
        receiver: &ReceiverSpec,
        of_run: (&str, &str),
        key: &str,
        message: &RunMessage,
        host: &Host<'_>,
    ) {
        let ReceiverSpec { name, kind, params, template, .. } = receiver.clone();
        if let Some(variable) = host.unset_secret(receiver) {
            let why = format!("the environment variable {variable} is not set");
            self.warnings.push(format!("`{name}` is not told: {why}"));
            return;
        }
        let receiver = OutboxReceiver { name: name.clone(), kind, params, template };
        let entry = OutboxEntry::new(receiver, of_run, key, json!(message));
        match Outbox::below(out).add(&entry, hide) {
            Ok(true) => self.messages.push((entry.id, name)),
            Ok(false) => self.known.push((entry.id, name)),
            Err(error) => {
                let why = RunError::new(error).in_full();
                self.warnings.push(format!("`{name}` is not told: {why}"));
            }
        }
    }

    fn note_folder(&mut self, ended: &EndedSuite) -> PathBuf {
        let out = RunFolder { path: ended.run_dir.clone() }.out();
        self.note(&out);
        out
    }

    /// What waits there goes out, too.
    pub(crate) fn note(&mut self, out: &Path) {
        if !self.folders.iter().any(|known| known == out) {
            self.folders.push(out.to_owned());
        }
    }
}

/// A run's samples by how they ended.
fn samples_of(one: &EndedSuite) -> Option<MessageSamples> {
    let (_, record) = RunFolder::open(&one.run_dir).ok()?;
    let SampleCounts { answered, refused, invalid, failed, .. } = record.counts;
    Some(MessageSamples { answered, refused, invalid, failed })
}

/// The message about one run.
fn message_of(
    one: &EndedSuite,
    suite: &ReportedSuite,
    link: Option<&str>,
    host: &Host<'_>,
) -> RunMessage {
    let summary = RunFolder { path: one.run_dir.clone() }.summary();
    let read = if one.rows.is_empty() && summary.is_file() {
        evalmark_report::summary::read_summary(&summary).unwrap_or_default()
    } else {
        Vec::new()
    };
    let rows = if one.rows.is_empty() { &read } else { &one.rows };
    let context = MessageContext {
        started_at: &one.receivers.started_at,
        commit: one.receivers.commit.as_deref(),
        link,
        rows,
        samples: samples_of(one),
    };
    let alone = GateReport { suites: vec![suite.clone()], policy: host.policy };
    RunMessage::of(suite, &alone, &context)
}
