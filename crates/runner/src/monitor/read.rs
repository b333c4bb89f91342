//! Reading: chunks of lines become records, are scored in parallel, and leave as segments. Segment and state are
//! committed together, so that a process that ends at any point has counted each line once.

use std::{
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use evalmark_core::{
    logs::{LogChunk, LogDamage, LogInput, LogRead},
    number_format::counted,
    record::Outcome,
};
use evalmark_harness::{RequestRuntime, Stop, Tuning};
use evalmark_report::records::RecordNames;
use evalmark_scoring::{Case, Subject, score_batch};
use evalmark_store::{
    monitor::{DamagedLine, LineCounts, MonitorState},
    run_record::NamedHash,
};
use memchr::memchr_iter;
use rayon::prelude::*;
use serde_json::{Value, json};

use super::{
    Monitor, MonitorError,
    document::judging_document,
    judging::MOST_DRAWN,
    merge::KEPT_RETIRED,
    record::{LogRecord, RecordReader},
    stored::{StoredBatch, StoredRecord, kept_name},
};
use crate::{
    Ending,
    error::{Hinted, Result},
    run_id::rfc3339,
};

/// A segment ends with so many records.
pub(super) const SEGMENT_ROWS: u64 = 1 << 18;

/// Between two looks at logs that are followed.
const LOOK: Duration = Duration::from_millis(250);

/// Whoever follows logs commits what has come at least so often.
const COMMIT: Duration = Duration::from_secs(10);

/// What reading came to.
#[derive(Clone, Debug)]
pub struct MonitorEnd {
    /// What became of the lines of this reading.
    pub counts: LineCounts,
    /// What is known now.
    pub state: MonitorState,
    /// Whether it was stopped before the end.
    pub is_interrupted: bool,
}

impl Monitor {
    /// Reads until there is nothing more, or until a signal stops it; `told` hears of every commit.
    pub fn read(
        &mut self,
        input: &mut dyn LogInput,
        told: &mut dyn FnMut(&MonitorState),
    ) -> Result<MonitorEnd> {
        match input.own_fields() {
            Some(own) => self.reader = RecordReader::new(&self.suite.spec, Some(own)),
            None => self.needs_fields()?,
        }
        if input.is_pushed() {
            self.await_senders()?;
        }
        let runtime = RequestRuntime::start(Tuning::default());
        let runtime = runtime.context("no thread can be started")?;
        let stop = Stop::new();
        runtime.stop_on_signals(&stop).context("cannot listen for signals")?;
        self.begin_judging(&stop);
        let ended = self.read_until(input, &stop, told);
        if ended.is_err() {
            stop.now();
        }
        self.end_judging();
        ended
    }

    fn read_until(
        &mut self,
        input: &mut dyn LogInput,
        stop: &Stop,
        told: &mut dyn FnMut(&MonitorState),
    ) -> Result<MonitorEnd> {
        let before = self.state.counts;
        let (mut is_pending, mut last) = (false, Instant::now());
        let is_interrupted = loop {
            if stop.is_requested() {
                break true;
            }
            is_pending |= self.take_judged(Duration::ZERO)?;
            match input.read().map_err(MonitorError::from)? {
                LogRead::Chunk(chunk) => {
                    self.take_chunk(chunk)?;
                    is_pending = true;
                    let rows = self.segment.as_ref().map_or(0, |segment| segment.rows);
                    if rows < SEGMENT_ROWS && self.drawn.len() < MOST_DRAWN {
                        continue;
                    }
                }
                LogRead::Waiting => {
                    self.tell_senders(input)?;
                    if !is_pending || last.elapsed() < COMMIT {
                        if !input.is_pushed() {
                            sleep(LOOK);
                        }
                        continue;
                    }
                }
                LogRead::End => break false,
            }
            self.commit(input)?;
            input.stored();
            told(&self.state);
            (is_pending, last) = (false, Instant::now());
        };
        if is_pending {
            self.commit(input)?;
            input.stored();
            told(&self.state);
        }
        let is_interrupted = is_interrupted || !self.read_judgements(input, stop, told)?;
        let counts = since(before, self.state.counts);
        Ok(MonitorEnd { counts, state: self.state.clone(), is_interrupted })
    }

    /// Waits for all that models are asked; answers whether they have answered.
    fn read_judgements(
        &mut self,
        input: &dyn LogInput,
        stop: &Stop,
        told: &mut dyn FnMut(&MonitorState),
    ) -> Result<bool> {
        while self.awaits_judges() && !stop.is_requested() {
            if self.take_judged(LOOK)? {
                self.commit(input)?;
                told(&self.state);
            }
        }
        Ok(self.state.judging.waiting.is_empty())
    }

    /// Brings what was sent to the disk, and says so to those who sent it.
    fn tell_senders(&mut self, input: &mut dyn LogInput) -> Result<()> {
        if let Some(journal) = &mut self.journal {
            journal.sync()?;
        }
        input.stored();
        Ok(())
    }

    fn take_chunk(&mut self, chunk: LogChunk) -> Result<()> {
        let lines = lines_of(&chunk);
        let (reader, rules) = (&self.reader, &self.suite.spec.redact);
        let named = |mut record: LogRecord| {
            let served = [&mut record.prompt, &mut record.prompt_hash, &mut record.model];
            let others =
                served.into_iter().chain([&mut record.cluster]).chain(&mut record.categories);
            for name in [&mut record.id].into_iter().chain(others.flatten()) {
                kept_name(name, rules);
            }
            record
        };
        let read = lines.par_iter();
        let read = read.map(|(number, line)| (number, reader.read(line, *number).map(named)));
        let read: Vec<_> = read.collect();
        let n_read = (read.len() + chunk.damaged.len()) as u64;
        let (mut records, mut damaged) = (Vec::with_capacity(read.len()), Vec::new());
        let file = chunk.name.clone();
        let mut damage =
            |line, problem| damaged.push(DamagedLine { file: file.to_string(), line, problem });
        for (number, read) in read {
            match read {
                Ok(record) => records.push(record),
                Err(error) => damage(Some(*number), error.to_string()),
            }
        }
        for LogDamage { line, problem } in chunk.damaged {
            damage(line, problem);
        }
        let n_records = records.len();
        if let Some(seen) = &mut self.seen {
            records.retain(|record| seen.take(&record.id));
        }
        let batch = StoredBatch {
            file,
            read: n_read,
            left_out: chunk.left_out,
            repeated: (n_records - records.len()) as u64,
            damaged,
            records: self.score(records),
        };
        if self.seen.is_some() {
            self.journal()?.add(&batch);
        }
        self.take_batch(batch, None)?;
        if let Some(file) = chunk.file {
            let positions = &mut self.state.positions;
            if positions.len() <= file {
                positions.resize_with(file + 1, Default::default);
            }
            positions[file] = *chunk.after;
        }
        Ok(())
    }

    /// Counts a batch, and puts its records into the segment, whose columns have the suite's names or these.
    pub(super) fn take_batch(
        &mut self,
        batch: StoredBatch,
        names: Option<&RecordNames>,
    ) -> Result<()> {
        let state = &mut self.state;
        let counts = &mut state.counts;
        counts.read += batch.read;
        counts.left_out += batch.left_out;
        counts.repeated += batch.repeated;
        counts.damaged += batch.damaged.len() as u64;
        for record in &batch.records {
            counts.kept += 1;
            counts.sampled += u64::from(record.is_sampled);
            counts.failed += u64::from(record.outcome == Outcome::Failed);
            for name in &record.missing {
                *state.missing.entry(name.clone()).or_default() += 1;
            }
        }
        for line in batch.damaged {
            state.keep_damaged(line);
        }
        let own = self.suite.names.clone();
        let names = names.unwrap_or(&own);
        for record in batch.records {
            self.sort_in(record, &batch.file, names)?;
        }
        Ok(())
    }

    fn score(&self, records: Vec<LogRecord>) -> Vec<StoredRecord> {
        let metrics = &self.suite.metrics;
        let cases: Vec<_> = records
            .iter()
            .map(|one| Case {
                subject: Subject::new(&one.record, &one.targets, &one.fields, one.cost_usd),
                judgements: &[],
            })
            .collect();
        let mut scores = score_batch(metrics, &cases);
        self.programs.fill(metrics, &cases, &mut scores);
        let rules = &self.suite.spec.redact;
        let each = records.into_par_iter().zip(scores);
        let panel = self.panel.as_deref();
        let is_drawn = |id: &str| panel.is_some_and(|panel| panel.draws(id));
        each.map(|(record, scores)| StoredRecord::new(record, &scores, rules, is_drawn)).collect()
    }

    /// Makes what was read so far count.
    fn commit(&mut self, input: &dyn LogInput) -> Result<()> {
        if let Some(positions) = input.positions() {
            self.state.positions = positions;
        }
        let hashes = std::mem::take(&mut self.suite.hashes);
        let commit = self.state.next_segment;
        let categories = self.suite.names.categories.clone();
        let committed = self.commit_scored_by(&hashes, &categories, self.journal.is_some());
        self.suite.hashes = hashes;
        committed?;
        if let Some(journal) = self.journal.take() {
            journal.remove()?;
        }
        if let Some(seen) = self.seen.as_mut().filter(|_| self.state.next_segment > commit) {
            seen.committed(commit)?;
        }
        self.merge_segments()
    }

    /// The same, of records that these metrics scored. With the next number, the journal counts no more.
    pub(super) fn commit_scored_by(
        &mut self,
        metrics: &[NamedHash],
        categories: &[String],
        has_journal: bool,
    ) -> Result<()> {
        let n_waiting = self.state.judging.waiting.len();
        let has_drawn = self.keep_drawn(metrics, categories)?;
        let segment = self.segment.take();
        self.state.next_segment += u64::from(has_journal || has_drawn || segment.is_some());
        if let Some(segment) = segment {
            self.state.segments.push(segment.finish(metrics)?);
        }
        self.state.written_at = rfc3339((self.clock)());
        self.folder.remove_retired(&mut self.state, ((self.clock)(), KEPT_RETIRED))?;
        self.folder.write_state(&self.state)?;
        self.judging_committed(n_waiting)
    }
}

/// How reading ends: whoever follows logs is stopped and has done all; lines of which none is a record are an
/// error.
pub fn ending_of_reading(end: &MonitorEnd, follow: bool) -> Result<Ending> {
    let LineCounts { read, kept, repeated, .. } = end.counts;
    if read > repeated && kept == 0 {
        let first = end.state.damaged.first();
        let first = first.map(|line| line.problem.clone());
        return Err(MonitorError::NoRecord { read: counted(read, "line"), first }.into());
    }
    Ok(if end.is_interrupted && !follow { Ending::Interrupted } else { Ending::Done })
}

/// What reading came to, for programs.
pub fn reading_document(end: &MonitorEnd, folder: &Path) -> Value {
    json!({
        "suite": end.state.suite,
        "monitor_dir": folder,
        "read_now": end.counts,
        "lines": end.state.counts,
        "damaged": end.state.damaged,
        "judging": judging_document(&end.state.judging),
        "is_interrupted": end.is_interrupted,
    })
}

/// The lines of a chunk that hold something, each with its number.
fn lines_of(chunk: &LogChunk) -> Vec<(u64, &[u8])> {
    let (mut lines, mut from) = (Vec::new(), 0);
    let ends = memchr_iter(b'\n', &chunk.bytes).chain([chunk.bytes.len()]);
    for (end, number) in ends.zip(chunk.first_line..) {
        let line = chunk.bytes.get(from..end).unwrap_or_default();
        if !line.trim_ascii().is_empty() {
            lines.push((number, line));
        }
        from = end + 1;
    }
    lines
}

fn since(before: LineCounts, now: LineCounts) -> LineCounts {
    LineCounts {
        read: now.read - before.read,
        kept: now.kept - before.kept,
        sampled: now.sampled - before.sampled,
        failed: now.failed - before.failed,
        damaged: now.damaged - before.damaged,
        left_out: now.left_out - before.left_out,
        repeated: now.repeated - before.repeated,
    }
}
