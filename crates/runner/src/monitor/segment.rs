//! A segment that is being written: a Parquet file of records, which gets its name when it is whole.

use std::ops::RangeInclusive;

use evalmark_report::records::{RecordNames, RecordRow, RecordsWriter};
use evalmark_store::{
    durable::{NewFile, NewFileWriter},
    monitor::{MonitorFolder, MonitorSegment},
    run_record::NamedHash,
};

use crate::error::{Hinted, Result};

/// A segment in the making.
pub(super) struct OpenSegment {
    name: String,
    file: NewFile,
    writer: RecordsWriter<NewFileWriter>,
    pub(super) rows: u64,
    first_at_us: Option<i64>,
}

impl OpenSegment {
    /// Begins the segment of these commits.
    pub(super) fn begin(
        folder: &MonitorFolder,
        commits: &RangeInclusive<u64>,
        names: &RecordNames,
    ) -> Result<Self> {
        let name = MonitorSegment::name_of(commits);
        let path = folder.segment(&name);
        let cannot = || format!("{} cannot be written", path.display());
        let file = NewFile::create(&path).with_context(cannot)?;
        let out = file.writer().with_context(cannot)?;
        let writer = RecordsWriter::create(&path, out, names)?;
        Ok(Self { name, file, writer, rows: 0, first_at_us: None })
    }

    pub(super) fn push(&mut self, row: &RecordRow<'_>) -> Result<()> {
        self.writer.push(row)?;
        self.rows += 1;
        let earlier = |at| self.first_at_us.is_none_or(|first| at < first);
        self.first_at_us = row.at.filter(|at| earlier(*at)).or(self.first_at_us);
        Ok(())
    }

    /// Brings it to the disk and gives it its name.
    pub(super) fn finish(self, metrics: &[NamedHash]) -> Result<MonitorSegment> {
        let digest = self.writer.finish()?;
        let ready = self.file.ready(digest.clone())?;
        let cannot = format!("{} cannot be written", ready.path().display());
        ready.name().context(cannot)?;
        let Self { name, rows, first_at_us, .. } = self;
        Ok(MonitorSegment { name, rows, digest, metrics: metrics.to_vec(), level: 0, first_at_us })
    }
}
