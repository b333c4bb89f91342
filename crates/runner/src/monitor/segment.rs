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
        Ok(Self { name, file, writer, rows: 0 })
    }

    pub(super) fn push(&mut self, row: &RecordRow<'_>) -> Result<()> {
        self.writer.push(row)?;
        self.rows += 1;
        Ok(())
    }

    /// Brings it to the disk and gives it its name.
    pub(super) fn finish(self, metrics: &[NamedHash]) -> Result<MonitorSegment> {
        let digest = self.writer.finish()?;
        let ready = self.file.ready(digest.clone())?;
        let cannot = format!("{} cannot be written", ready.path().display());
        ready.name().context(cannot)?;
        let (name, rows, metrics) = (self.name, self.rows, metrics.to_vec());
        Ok(MonitorSegment { name, rows, digest, metrics, level: 0 })
    }
}
