//! Where the record of a sample comes from: the ledger, the dataset's own column, or an earlier
//! run's file.

use std::{path::Path, sync::Arc};

use evalmark_core::{
    model::{Model, Provider},
    plan::Sample,
    record::{ErrorKind, Record},
};
use evalmark_harness::{Answers, recorded_cell};
use evalmark_report::samples::{Samples, samples};

use crate::{
    error::{Advised, Hinted, Result},
    reorder::ReorderBuffer,
};

/// Why a model was not asked everything.
pub(crate) type Unasked = (ErrorKind, String);

/// Where the record of a sample comes from. Samples are asked for in the order of the reports.
pub trait Records: Send {
    /// The record of this sample: an answer, or a described failure. Where the answer was given to
    /// another request than the suite would make now, that request takes its place.
    fn record(&mut self, sample: &mut Sample) -> Result<Record>;

    /// The records of several samples.
    fn records(&mut self, samples: &mut [Sample]) -> Result<Vec<Record>> {
        samples.iter_mut().map(|sample| self.record(sample)).collect()
    }
}

/// Records from the ledger, or from the dataset's own column.
pub struct LedgerRecords<'a> {
    pub models: Arc<[Model]>,
    /// Parallel to the models; `None` for those that are not asked.
    pub answers: Vec<Option<Answers>>,
    /// Why a model was not asked everything.
    pub unasked: Box<dyn Fn(usize) -> Option<Unasked> + Send + Sync + 'a>,
}

impl LedgerRecords<'_> {
    /// The record of this sample, where there is one yet.
    fn find(&self, sample: &Sample) -> Result<Option<Record>> {
        if let Provider::RecordedColumn(column) = &self.models[sample.model].provider {
            let column = column.of(sample.prompt);
            return Ok(Some(recorded_cell(&sample.item.fields, column)));
        }
        match &self.answers[sample.model] {
            Some(answers) => Ok(answers.get(&sample.request.hash())?),
            None => Ok(None),
        }
    }

    fn not_asked(&self, sample: &Sample) -> Record {
        not_asked((self.unasked)(sample.model).as_ref())
    }
}

impl Records for LedgerRecords<'_> {
    fn record(&mut self, sample: &mut Sample) -> Result<Record> {
        Ok(self.find(sample)?.unwrap_or_else(|| self.not_asked(sample)))
    }

    fn records(&mut self, samples: &mut [Sample]) -> Result<Vec<Record>> {
        for answers in self.answers.iter().flatten() {
            answers.begin()?;
        }
        let records = samples.iter_mut().map(|sample| self.record(sample)).collect();
        for answers in self.answers.iter().flatten() {
            answers.end()?;
        }
        records
    }
}

/// Records from the ledger while asking goes on: who wants one that is not there yet waits for it.
pub(crate) struct AwaitedRecords<'a> {
    pub records: LedgerRecords<'a>,
    pub arrivals: &'a ReorderBuffer,
}

impl Records for AwaitedRecords<'_> {
    fn record(&mut self, sample: &mut Sample) -> Result<Record> {
        let found = self.arrivals.wait_for(|| self.records.find(sample))?;
        Ok(found.unwrap_or_else(|| self.records.not_asked(sample)))
    }
}

/// The record of a sample that was never asked.
pub(crate) fn not_asked(why: Option<&Unasked>) -> Record {
    match why {
        Some((kind, why)) => Record::failed(*kind, format!("not requested: {why}"), 0),
        None => Record::failed(ErrorKind::EndpointDown, "not requested", 0),
    }
}

/// Records out of a run's `samples.parquet`, in the order of the reports.
pub(crate) struct RecordedSamples {
    samples: Samples,
}

impl RecordedSamples {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Ok(Self { samples: samples(path)? })
    }
}

/// Why a run's answers are not those of its dataset.
#[derive(Debug, thiserror::Error)]
pub enum RecordedSamplesError {
    /// They end before it does.
    #[error("the run has fewer answers than the dataset")]
    FewerAnswers,
    /// It holds other items.
    #[error(
        "the dataset has changed: where the run answered item `{then}`, it now has `{now}`; \
         `evalmark run` starts a new run"
    )]
    OtherItem {
        /// The item that was answered.
        then: String,
        /// The item in its place.
        now: String,
    },
}

impl Advised for RecordedSamplesError {}

impl Records for RecordedSamples {
    fn record(&mut self, sample: &mut Sample) -> Result<Record> {
        let recorded = self.samples.next().ok_or(RecordedSamplesError::FewerAnswers)??;
        if *recorded.item_id != *sample.item.id || recorded.epoch != sample.epoch {
            let (then, now) = (recorded.item_id, sample.item.id.to_string());
            return Err(RecordedSamplesError::OtherItem { then, now }.into());
        }
        sample.request = recorded.request().context("a recorded request cannot be read")?;
        Ok(recorded.record)
    }
}
