//! The way of a record that is asked about: drawn, kept in a file of its own, judged, and then in a segment.

use std::{sync::Arc, time::Duration};

use evalmark_harness::Stop;
use evalmark_report::records::{RecordNames, RecordRow};
use evalmark_store::{
    durable,
    monitor::{JudgeCounts, WaitingRecords},
    run_record::NamedHash,
};

use super::{
    super::{Monitor, segment::OpenSegment, stored::JournalHead},
    JudgeWorker, JudgedFile, WaitingRecord, waiting_records,
};
use crate::error::{Hinted, Result};

/// So many records that are drawn are committed, and asked about together.
pub(in super::super) const MOST_DRAWN: usize = 4096;

impl Monitor {
    /// Begins to ask, also about what a process before this one left.
    pub(in super::super) fn begin_judging(&mut self, stop: &Stop) {
        let Some(panel) = &self.panel else { return };
        panel.goes_on(self.state.judging.spent.as_ref());
        let mut worker = JudgeWorker::begin(panel, stop);
        for file in &self.state.judging.waiting {
            worker.add(&file.name, self.folder.segment(&file.name), file.at_us);
        }
        self.worker = Some(worker);
    }

    /// Takes in what was judged by now, or within so long; answers whether there was any.
    pub(in super::super) fn take_judged(&mut self, patience: Duration) -> Result<bool> {
        let Some(worker) = &mut self.worker else { return Ok(false) };
        let Some(judged) = worker.next(patience)? else { return Ok(false) };
        let JudgedFile { name, records, counts, cost_usd, spent } = judged;
        let names = self.suite.names.clone();
        self.put(&records, &names)?;
        let judging = &mut self.state.judging;
        judging.counts.add(&counts);
        judging.cost_usd += cost_usd;
        judging.spent = Some(spent);
        self.let_go(name);
        Ok(true)
    }

    /// Whether models have not answered about all that is committed.
    pub(in super::super) fn awaits_judges(&self) -> bool {
        self.worker.as_ref().is_some_and(JudgeWorker::is_at_work)
    }

    pub(in super::super) fn end_judging(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.end();
        }
    }

    /// Keeps what was drawn in a file, which the state names from its next version on; answers whether there was any.
    pub(in super::super) fn keep_drawn(
        &mut self,
        metrics: &[NamedHash],
        categories: &[String],
    ) -> Result<bool> {
        if self.drawn.is_empty() {
            return Ok(false);
        }
        let path = self.folder.waiting(self.state.next_segment);
        let drawn = std::mem::take(&mut self.drawn);
        let head = JournalHead {
            metrics: metrics.to_vec(),
            categories: categories.to_vec(),
            n_waiting: drawn.len() as u64,
        };
        // Numbers and texts always make JSON.
        let mut lines = serde_json::to_vec(&head).unwrap_or_default();
        for one in &drawn {
            lines.push(b'\n');
            lines.extend(serde_json::to_vec(one).unwrap_or_default());
        }
        lines.push(b'\n');
        let written = durable::write(&path, &lines);
        written.with_context(|| format!("{} cannot be written", path.display()))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        self.state.judging.waiting.push(WaitingRecords {
            name: name.unwrap_or_default(),
            records: drawn.len() as u64,
            at_us: (self.clock)().as_microsecond(),
        });
        Ok(true)
    }

    /// The state no longer names these files, and names others.
    pub(in super::super) fn judging_committed(&mut self, n_before: usize) -> Result<()> {
        for name in std::mem::take(&mut self.let_go) {
            let path = self.folder.segment(&name);
            durable::remove(&path)
                .with_context(|| format!("{} cannot be removed", path.display()))?;
        }
        if let Some(worker) = &mut self.worker {
            for file in &self.state.judging.waiting[n_before..] {
                worker.add(&file.name, self.folder.segment(&file.name), file.at_us);
            }
        }
        Ok(())
    }

    /// Records that wait for models which are no longer asked, or by metrics that have changed since, are kept unjudged.
    pub(in super::super) fn release_outdated(&mut self) -> Result<()> {
        for file in self.state.judging.waiting.clone() {
            let (head, mut records) = waiting_records(&self.folder.segment(&file.name))?;
            if self.panel.is_some() && head.metrics == self.suite.hashes {
                continue;
            }
            for one in &mut records {
                one.record.judged([].into_iter(), None);
            }
            let own = head.metrics.iter().map(|metric| metric.name.clone()).collect();
            let names = RecordNames { metrics: own, categories: head.categories };
            self.put(&records, &names)?;
            let counts = JudgeCounts { suite_changed: file.records, ..JudgeCounts::default() };
            self.state.judging.counts.add(&counts);
            self.let_go(file.name);
            self.commit_scored_by(&head.metrics, &names.categories, false)?;
        }
        Ok(())
    }

    /// Puts records into the segment.
    fn put(&mut self, records: &[WaitingRecord], names: &RecordNames) -> Result<()> {
        let number = self.state.next_segment;
        for WaitingRecord { file, record } in records {
            let segment = OpenSegment::of(&mut self.segment, &self.folder, number, names)?;
            let categories: Vec<_> = record.categories.iter().map(Option::as_deref).collect();
            segment.push(&RecordRow { categories: &categories, ..record.row(file) })?;
        }
        Ok(())
    }

    fn let_go(&mut self, name: String) {
        self.state.judging.waiting.retain(|file| file.name != name);
        self.let_go.push(name);
    }

    /// Puts a record into the segment, or to those that wait for models.
    pub(in super::super) fn sort_in(
        &mut self,
        record: super::super::stored::StoredRecord,
        file: &Arc<str>,
        names: &RecordNames,
    ) -> Result<()> {
        let one = WaitingRecord { file: file.clone(), record };
        if one.record.awaits_judges {
            self.state.judging.counts.drawn += 1;
            self.drawn.push(one);
            return Ok(());
        }
        self.put(&[one], names)
    }
}
