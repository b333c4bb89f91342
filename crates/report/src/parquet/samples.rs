//! `samples.parquet`: one row per sample, sorted by prompt, model, item order and epoch.

use std::{io::Write, path::Path};

use evalmark_core::{
    answer_details::AnswerDetails,
    item::{Item, ItemHashHex},
    record::{ErrorKind, Failure, FinishReason, Outcome, Record, Timing, Usage},
    request::Request,
    score::Score,
};
use polars_arrow::array::Utf8ViewArray;
use rayon::prelude::*;
use serde::{
    Deserialize,
    de::{IntoDeserializer, value},
};

use super::{
    open::{ReadError, Rows, TableReader},
    parallel::rows_in_order,
    table::{Cell, TableWriter, WriteError},
    typed_columns::{Frame, Values},
};
use crate::columns::{INPUT, Kind, SAMPLES, SCORE_PREFIX, SLICE_PREFIX};

/// What is the same for all samples of a run, and which columns they have.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// The run.
    pub run_id: &'a str,
    /// The suite's name.
    pub suite: &'a str,
    /// Names of the metrics, in the suite's order: one column `score.<metric>` each.
    pub metrics: &'a [String],
    /// Names of the slice columns, in the suite's order: one column `slice.<column>` each.
    pub slices: &'a [String],
}

/// One sample: what was asked, what came back, what it scored.
#[derive(Clone, Copy, Debug)]
pub struct SampleRow<'a> {
    /// The prompt's name.
    pub prompt: &'a str,
    /// The prompt's hash.
    pub prompt_hash: &'a str,
    /// The model's name in the suite.
    pub model: &'a str,
    /// The item; its slices are in the layout's order.
    pub item: &'a Item,
    /// Repetition, from 0.
    pub epoch: u32,
    /// What was asked.
    pub request: &'a Request,
    /// What came back.
    pub record: &'a Record,
    /// How the sample ended; here it may be `Invalid`.
    pub outcome: Outcome,
    /// US dollars, where known.
    pub cost_usd: Option<f64>,
    /// One score per metric, in the layout's order.
    pub scores: &'a [Score],
    /// The item's fields as JSON.
    pub input: &'a str,
}

/// Writes `samples.parquet`. Memory stays bounded, whatever the number of samples.
pub struct SamplesWriter<W: Write> {
    table: TableWriter<W>,
    run: Run,
}

/// What is the same in every row.
struct Run {
    id: String,
    suite: String,
}

impl<W: Write> SamplesWriter<W> {
    /// Begins the file, which is written to `out`; its path is for messages.
    pub fn create(path: &Path, out: W, layout: &Layout<'_>) -> Result<Self, WriteError> {
        let scores = prefixed(SCORE_PREFIX, layout.metrics);
        let slices = prefixed(SLICE_PREFIX, layout.slices);
        let columns = SAMPLES
            .iter()
            .map(|column| (column.name, column.kind))
            .chain(scores.iter().map(|name| (name.as_str(), Kind::Float)))
            .chain(slices.iter().map(|name| (name.as_str(), Kind::Text)))
            .chain([(INPUT.name, INPUT.kind)]);
        let table = TableWriter::create(path, out, columns)?;
        let run = Run { id: layout.run_id.to_owned(), suite: layout.suite.to_owned() };
        Ok(Self { table, run })
    }

    /// Adds a sample.
    pub fn push(&mut self, row: &SampleRow<'_>) -> Result<(), WriteError> {
        self.extend(std::slice::from_ref(row))
    }

    /// Adds samples, on all cores where they are many.
    pub fn extend(&mut self, rows: &[SampleRow<'_>]) -> Result<(), WriteError> {
        let Self { table, run } = self;
        let rows = rows.par_iter().with_min_len(FEW);
        let rows: Vec<_> = rows.map(|row| Written::new(run, row)).collect();
        table.extend(&rows, Written::cell)
    }

    /// Completes the file; answers with its BLAKE3, 64 hexadecimal digits.
    pub fn finish(self) -> Result<String, WriteError> {
        self.table.finish()
    }
}

/// Samples that are made ready on one thread, at least.
const FEW: usize = 32;

/// A sample as it is written.
struct Written<'a> {
    run: &'a Run,
    row: SampleRow<'a>,
    item_hash: ItemHashHex,
    request: String,
    details: Option<String>,
}

/// What a sample has in each of the columns of [`SAMPLES`].
const CELLS: [for<'a> fn(&'a Written<'_>) -> Cell<'a>; SAMPLES.len()] = [
    // What was asked.
    |one| Cell::text(&one.run.id),
    |one| Cell::text(&one.run.suite),
    |one| Cell::text(&one.row.item.id),
    |one| Cell::text(one.item_hash.as_str()),
    |one| Cell::text(one.row.prompt),
    |one| Cell::text(one.row.prompt_hash),
    |one| Cell::text(one.row.model),
    |one| Cell::small(one.row.epoch),
    |one| Cell::Text(one.row.item.cluster.as_deref()),
    |one| Cell::Texts(Some(&one.row.item.targets)),
    |one| Cell::text(&one.request),
    // What came back.
    |one| Cell::Text(one.row.record.output.as_deref()),
    |one| Cell::Text(one.row.record.finish_reason.as_ref().map(FinishReason::as_str)),
    |one| Cell::text(one.row.outcome.as_str()),
    |one| Cell::Text(one.failure().map(|failure| failure.kind.as_str())),
    |one| Cell::Text(one.failure().map(|failure| failure.message.as_str())),
    |one| Cell::small(one.row.record.attempts),
    |one| Cell::Bool(Some(one.row.record.cached)),
    |one| Cell::Time(Some(one.row.record.timing.started_at_us).filter(|at| *at != 0)),
    |one| Cell::float(Some(one.row.record.timing.queue_ms)),
    |one| Cell::float(Some(one.row.record.timing.backoff_ms)),
    |one| Cell::float(one.row.record.timing.latency_ms),
    |one| Cell::count(one.row.record.usage.input_tokens),
    |one| Cell::count(one.row.record.usage.output_tokens),
    |one| Cell::float(one.row.cost_usd),
    |one| Cell::Text(one.details.as_deref()),
    |one| Cell::float(one.row.record.first_token_ms()),
    |one| Cell::float(one.row.record.tokens_per_second()),
];

impl<'a> Written<'a> {
    fn new(run: &'a Run, row: &SampleRow<'a>) -> Self {
        let details = row.record.details.as_ref().map(|details| details.to_json());
        let (item_hash, request) = (row.item.hash.hex(), row.request.to_json());
        Self { run, row: *row, item_hash, request, details }
    }

    fn failure(&self) -> Option<&Failure> {
        self.row.record.failure.as_ref()
    }

    /// What it has in a column: behind those that every file has come its scores, its slices, and what the prompt was
    /// filled in with.
    fn cell(&self, column: usize) -> Cell<'_> {
        if let Some(cell) = CELLS.get(column) {
            return cell(self);
        }
        let own = column - CELLS.len();
        let (scores, slices) = (self.row.scores, &self.row.item.slices);
        match (scores.get(own), slices.get(own.wrapping_sub(scores.len()))) {
            (Some(score), _) => Cell::float(score.value),
            (None, Some(slice)) => Cell::Text(slice.as_deref()),
            (None, None) => Cell::text(self.row.input),
        }
    }
}

fn prefixed(prefix: &str, names: &[String]) -> Vec<String> {
    names.iter().map(|name| format!("{prefix}{name}")).collect()
}

/// A row of `samples.parquet`, read back.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleRecord {
    /// The item's id.
    pub item_id: String,
    /// Hash of the item's content, in hexadecimal.
    pub item_hash: String,
    /// The prompt's name.
    pub prompt: String,
    /// The prompt's hash.
    pub prompt_hash: String,
    /// The model's name in the suite.
    pub model: String,
    /// Repetition, from 0.
    pub epoch: u32,
    /// Items that share it are not independent.
    pub cluster: Option<String>,
    /// The right answers.
    pub targets: Vec<String>,
    /// What was asked, as JSON.
    pub request: String,
    /// What came back, as it was before scoring: never `Invalid`.
    pub record: Record,
    /// How the sample ended; it may be `Invalid`.
    pub outcome: Outcome,
    /// US dollars, where known.
    pub cost_usd: Option<f64>,
    /// One score per metric, in the order of [`Samples::metrics`]; `None` is missing.
    pub scores: Vec<Option<f64>>,
    /// One value per slice, in the order of [`Samples::slices`].
    pub slices: Vec<Option<String>>,
}

impl SampleRecord {
    /// The request that was made, with the hash it had: model, messages, parameters and epoch.
    pub fn request(&self) -> Result<Request, serde_json::Error> {
        Request::from_json(&self.request, self.epoch)
    }
}

/// The rows of a `samples.parquet`, in file order; ends after the first error.
pub struct Samples {
    rows: Rows<SampleRecord, ReadError>,
    metrics: Vec<String>,
    slices: Vec<String>,
}

/// Columns that files of earlier versions lack.
const LATER: [&str; 3] = ["details", "first_token_ms", "tokens_per_second"];

/// Opens a `samples.parquet`. Memory stays bounded, whatever the number of samples.
pub fn samples(path: &Path) -> Result<Samples, ReadError> {
    let reader = TableReader::open(path)?;
    let (scores, metrics) = variable(&reader, SCORE_PREFIX);
    let (slice_columns, slices) = variable(&reader, SLICE_PREFIX);
    let reader = select(reader, &scores, &slice_columns)?;
    let rows = Rows::new(reader, move |frame| decode(frame, &scores, &slice_columns));
    Ok(Samples { rows, metrics, slices })
}

/// Makes something of the samples at these positions in the file, which ascend, on several threads, and hands it
/// on in the file's order.
pub fn gather_samples_at<T: Send>(
    path: &Path,
    rows: &[u64],
    make: impl Fn(SampleRecord) -> T + Sync,
    mut take: impl FnMut(T) + Send,
) -> Result<(), ReadError> {
    let reader = TableReader::open(path)?;
    let (scores, _) = variable(&reader, SCORE_PREFIX);
    let (slices, _) = variable(&reader, SLICE_PREFIX);
    let reader = select(reader, &scores, &slices)?;
    let decode = |frame: &Frame<'_>| {
        let samples = decode(frame, &scores, &slices)?.into_iter();
        Ok(samples.map(&make).collect())
    };
    rows_in_order(&reader, rows, decode, |made| {
        take(made);
        Ok(())
    })
}

/// Reads what a sample is made of.
fn select(
    reader: TableReader,
    scores: &[String],
    slices: &[String],
) -> Result<TableReader, ReadError> {
    let fixed = SAMPLES.iter().map(|column| column.name);
    let all = fixed.chain(scores.iter().chain(slices).map(String::as_str));
    reader.select_with(all.map(str::to_owned).collect(), &LATER)
}

/// The columns whose names begin with `prefix`: their names with it, and without it.
pub(super) fn variable(reader: &TableReader, prefix: &str) -> (Vec<String>, Vec<String>) {
    let names = reader.schema().iter_names().filter_map(|name| {
        let bare = name.strip_prefix(prefix)?;
        Some((name.to_string(), bare.to_owned()))
    });
    names.unzip()
}

impl Samples {
    /// Names of the metrics.
    pub fn metrics(&self) -> &[String] {
        &self.metrics
    }

    /// Names of the slice columns.
    pub fn slices(&self) -> &[String] {
        &self.slices
    }
}

impl Iterator for Samples {
    type Item = Result<SampleRecord, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next()
    }
}

pub(super) fn decode(
    frame: &Frame<'_>,
    scores: &[String],
    slices: &[String],
) -> Result<Vec<SampleRecord>, ReadError> {
    let (item_id, item_hash) = (frame.text("item_id")?, frame.text("item_hash")?);
    let (prompt, prompt_hash) = (frame.text("prompt")?, frame.text("prompt_hash")?);
    let (model, epoch) = (frame.text("model")?, frame.int32("epoch")?);
    let (cluster, targets) = (frame.text("cluster")?, frame.texts("targets")?);
    let (request, outcome) = (frame.text("request")?, frame.text("outcome")?);
    let cost_usd = frame.float("cost_usd")?;
    let scores = scores.iter().map(|name| frame.float(name)).collect::<Result<Vec<_>, _>>()?;
    let slices = slices.iter().map(|name| frame.text(name)).collect::<Result<Vec<_>, _>>()?;
    let records = decode_records(frame)?.into_iter().enumerate();
    let sample = |(row, record): (usize, Record)| {
        Ok(SampleRecord {
            item_id: item_id.owned(row)?,
            item_hash: item_hash.owned(row)?,
            prompt: prompt.owned(row)?,
            prompt_hash: prompt_hash.owned(row)?,
            model: model.owned(row)?,
            epoch: epoch.count(row)?,
            cluster: cluster.maybe_owned(row),
            targets: targets.texts(row)?,
            request: request.owned(row)?,
            record,
            outcome: word(outcome.some(row)?)
                .ok_or_else(|| outcome.bad(row, "is not an outcome"))?,
            cost_usd: cost_usd.get(row),
            scores: scores.iter().map(|column| column.get(row)).collect(),
            slices: slices.iter().map(|column| column.maybe_owned(row)).collect(),
        })
    };
    records.map(sample).collect()
}

fn decode_records(frame: &Frame<'_>) -> Result<Vec<Record>, ReadError> {
    let (output, finish_reason) = (frame.text("output")?, frame.text("finish_reason")?);
    let (outcome, attempts) = (frame.text("outcome")?, frame.int32("attempts")?);
    let (input, answer) = (frame.int64("input_tokens")?, frame.int64("output_tokens")?);
    let cached = frame.bool("cached")?;
    let details = frame.later_text("details")?;
    let failures = decode_failures(frame)?;
    let timings = decode_timings(frame)?;
    let record = |(row, (failure, timing))| {
        let scored =
            word(outcome.some(row)?).ok_or_else(|| outcome.bad(row, "is not an outcome"))?;
        Ok(Record {
            // Only scoring makes an answer invalid.
            outcome: if scored == Outcome::Invalid { Outcome::Answered } else { scored },
            output: output.maybe_owned(row),
            finish_reason: finish_reason.maybe_owned(row).map(FinishReason::from),
            failure,
            attempts: attempts.count(row)?,
            timing,
            usage: Usage {
                input_tokens: input.maybe_count(row)?,
                output_tokens: answer.maybe_count(row)?,
            },
            cached: cached.some(row)?,
            details: details
                .as_ref()
                .map(|details| decode_details(details, row))
                .transpose()?
                .flatten(),
        })
    };
    failures.into_iter().zip(timings).enumerate().map(record).collect()
}

fn decode_details(
    details: &Values<'_, Utf8ViewArray>,
    row: usize,
) -> Result<Option<Box<AnswerDetails>>, ReadError> {
    let Some(json) = details.get(row) else { return Ok(None) };
    let read =
        AnswerDetails::from_json(json).map_err(|_| details.bad(row, "is not the JSON of details"));
    read.map(|details| Some(Box::new(details)))
}

fn decode_failures(frame: &Frame<'_>) -> Result<Vec<Option<Failure>>, ReadError> {
    let (kinds, messages) = (frame.text("error_kind")?, frame.text("error")?);
    let failure = |row| {
        let Some(kind) = kinds.get(row) else { return Ok(None) };
        let kind: ErrorKind = word(kind).ok_or_else(|| {
            kinds.bad(
                row,
                "is not a known kind of \
            error",
            )
        })?;
        Ok(Some(Failure { kind, message: messages.owned(row)? }))
    };
    (0..frame.height).map(failure).collect()
}

fn decode_timings(frame: &Frame<'_>) -> Result<Vec<Timing>, ReadError> {
    let (started_at, latency_ms) = (frame.time("started_at")?, frame.float("latency_ms")?);
    let (queue_ms, backoff_ms) = (frame.float("queue_ms")?, frame.float("backoff_ms")?);
    let timing = |row| {
        Ok(Timing {
            // An answer that was not asked for began at no time.
            started_at_us: started_at.get(row).unwrap_or_default(),
            queue_ms: queue_ms.some(row)?,
            backoff_ms: backoff_ms.some(row)?,
            latency_ms: latency_ms.get(row),
        })
    };
    (0..frame.height).map(timing).collect()
}

/// Reads a word as the vocabulary writes it.
pub(super) fn word<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    let deserializer: value::StrDeserializer<'_, value::Error> = text.into_deserializer();
    T::deserialize(deserializer).ok()
}
