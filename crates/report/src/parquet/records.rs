//! Segments of a monitor: records of production with their scores. Numbers are there of every record, texts of
//! those that were sampled.

use std::{io::Write, iter, path::Path};

use polars_arrow::array::{BooleanArray, ListArray, PrimitiveArray, Utf8ViewArray};

use super::{
    open::{ReadError, TableReader},
    table::{Cell, TableWriter, WriteError},
    typed_columns::{Frame, Values},
};
use crate::columns::{CATEGORY_PREFIX, Kind, RECORDS, SCORE_PREFIX};

/// The names of columns that a suite has of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordNames {
    /// Metrics.
    pub metrics: Vec<String>,
    /// Categories that are watched.
    pub categories: Vec<String>,
}

/// One record of production, as it is written or read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecordRow<'a> {
    /// Its id.
    pub record_id: &'a str,
    /// When it was answered: microseconds since 1970, UTC.
    pub at: Option<i64>,
    /// The file that it stands in.
    pub file: &'a str,
    /// Its line there, from 1.
    pub line: u64,
    /// The prompt's name.
    pub prompt: Option<&'a str>,
    /// The prompt's hash as it was served.
    pub prompt_hash: Option<&'a str>,
    /// The model as it was served.
    pub model: Option<&'a str>,
    /// Records that share it are not independent.
    pub cluster: Option<&'a str>,
    /// `answered`, `refused`, `invalid` or `failed`.
    pub outcome: &'a str,
    /// Why the answer ended.
    pub finish_reason: Option<&'a str>,
    /// Why there is no answer.
    pub error: Option<&'a str>,
    /// How long the answer took.
    pub latency_ms: Option<f64>,
    /// Tokens of the prompt.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer.
    pub output_tokens: Option<u64>,
    /// US dollars.
    pub cost_usd: Option<f64>,
    /// Characters of the answer.
    pub output_chars: u64,
    /// Characters of the variables; `None` where none are told.
    pub input_chars: Option<u64>,
    /// The language of what the suite watches.
    pub language: Option<&'a str>,
    /// The vector of what the suite watches, as text; `None` where there is none, or texts were not read.
    pub embedding: Option<&'a str>,
    /// Fields and variables that the line lacks.
    pub missing: &'a [String],
    /// Whether its texts are kept.
    pub is_sampled: bool,
    /// How probable that was.
    pub sample_rate: f64,
    /// Its texts; `None` where they are not kept, or were not read.
    pub texts: Option<RecordTexts<'a>>,
    /// By metric; `None` is not scored.
    pub scores: &'a [Option<f64>],
    /// By category.
    pub categories: &'a [Option<&'a str>],
}

/// The vector of a record, and what else says whether it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbeddingRow<'a> {
    /// Its id.
    pub record_id: &'a str,
    /// When it was answered: microseconds since 1970, UTC.
    pub at: Option<i64>,
    /// The prompt's hash as it was served.
    pub prompt_hash: Option<&'a str>,
    /// Records that share it are not independent.
    pub cluster: Option<&'a str>,
    /// The vector as text.
    pub embedding: &'a str,
}

/// The texts of a sampled record, redacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordTexts<'a> {
    /// The answer.
    pub output: Option<&'a str>,
    /// The variables as JSON.
    pub input: &'a str,
    /// The right answers.
    pub targets: &'a [String],
}

/// Writes a segment.
pub struct RecordsWriter<W: Write>(TableWriter<W>);

impl<W: Write> RecordsWriter<W> {
    /// Begins one with a column for each of these names; its path is for messages.
    pub fn create(path: &Path, out: W, names: &RecordNames) -> Result<Self, WriteError> {
        let OwnColumns { scores, categories } = OwnColumns::of(names);
        let fixed = RECORDS.iter().map(|column| (column.name, column.kind));
        let columns = fixed
            .chain(scores.iter().map(|name| (name.as_str(), Kind::Float)))
            .chain(categories.iter().map(|name| (name.as_str(), Kind::Text)));
        Ok(Self(TableWriter::create(path, out, columns)?))
    }

    /// Adds a record.
    pub fn push(&mut self, row: &RecordRow<'_>) -> Result<(), WriteError> {
        let texts = row.texts;
        let fixed: [Cell<'_>; RECORDS.len()] = [
            Cell::text(row.record_id),
            Cell::Time(row.at),
            Cell::text(row.file),
            Cell::count(Some(row.line)),
            Cell::Text(row.prompt),
            Cell::Text(row.prompt_hash),
            Cell::Text(row.model),
            Cell::Text(row.cluster),
            Cell::text(row.outcome),
            Cell::Text(row.finish_reason),
            Cell::Text(row.error),
            Cell::float(row.latency_ms),
            Cell::count(row.input_tokens),
            Cell::count(row.output_tokens),
            Cell::float(row.cost_usd),
            Cell::count(Some(row.output_chars)),
            Cell::count(row.input_chars),
            Cell::Text(row.language),
            Cell::Text(row.embedding),
            Cell::Texts(Some(row.missing)),
            Cell::Bool(Some(row.is_sampled)),
            Cell::float(Some(row.sample_rate)),
            Cell::Text(texts.and_then(|texts| texts.output)),
            Cell::Text(texts.map(|texts| texts.input)),
            Cell::Texts(Some(texts.map_or(&[], |texts| texts.targets))),
        ];
        let scores = row.scores.iter().map(|score| Cell::float(*score));
        let categories = row.categories.iter().map(|category| Cell::Text(*category));
        self.0.push(fixed.into_iter().chain(scores).chain(categories))
    }

    /// Writes what is left; answers with the BLAKE3 of all that was written, 64 hexadecimal digits.
    pub fn finish(self) -> Result<String, WriteError> {
        self.0.finish()
    }
}

/// The names of a suite's own columns, as they stand in a file.
struct OwnColumns {
    scores: Vec<String>,
    categories: Vec<String>,
}

impl OwnColumns {
    fn of(names: &RecordNames) -> Self {
        let with = |prefix: &str, names: &[String]| {
            names.iter().map(|name| format!("{prefix}{name}")).collect()
        };
        Self {
            scores: with(SCORE_PREFIX, &names.metrics),
            categories: with(CATEGORY_PREFIX, &names.categories),
        }
    }
}

/// Visits every record of a segment with its scores and categories of these names; what the segment lacks is
/// `None`. Texts are read where they are asked for. Ends at the visitor's first error.
pub fn for_each_record<E: From<ReadError>>(
    path: &Path,
    names: &RecordNames,
    with_texts: bool,
    mut visit: impl FnMut(&RecordRow<'_>) -> Result<(), E>,
) -> Result<(), E> {
    const TEXTS: [&str; 4] = ["output", "input", "targets", "embedding"];
    let reader = TableReader::open(path)?;
    let own = OwnColumns::of(names);
    let own_names = || own.scores.iter().chain(&own.categories).map(String::as_str);
    let fixed = RECORDS.iter().map(|column| column.name);
    let fixed = fixed.filter(|name| with_texts || !TEXTS.contains(name));
    let columns = fixed.chain(own_names()).map(str::to_owned).collect();
    let later: Vec<_> = own_names().chain(["input_chars", "language", "embedding"]).collect();
    let mut reader = reader.select_with(columns, &later)?;
    while reader.next_batch(|frame| visit_batch(frame, &own, with_texts, &mut visit))?.is_some() {}
    Ok(())
}

/// The names of a segment's own columns.
pub fn record_names(path: &Path) -> Result<RecordNames, ReadError> {
    let reader = TableReader::open(path)?;
    let names = |prefix: &str| {
        let columns = reader.schema().iter_names();
        columns.filter_map(|name| name.strip_prefix(prefix).map(str::to_owned)).collect()
    };
    Ok(RecordNames { metrics: names(SCORE_PREFIX), categories: names(CATEGORY_PREFIX) })
}

/// Visits every record of a segment that has a vector; answers nothing where the segment is of a version that had none.
pub fn for_each_embedding(
    path: &Path,
    mut visit: impl FnMut(&EmbeddingRow<'_>),
) -> Result<(), ReadError> {
    let fixed = ["record_id", "at", "prompt_hash", "cluster"].map(str::to_owned);
    let columns = fixed.into_iter().chain(["embedding".to_owned()]).collect();
    let mut reader = TableReader::open(path)?.select_with(columns, &["embedding"])?;
    let mut each = |frame: &Frame<'_>| {
        let Some(embeddings) = frame.later_text("embedding")? else { return Ok(()) };
        let (ids, at) = (frame.text("record_id")?, frame.time("at")?);
        let (hashes, clusters) = (frame.text("prompt_hash")?, frame.text("cluster")?);
        for row in 0..frame.height {
            let Some(embedding) = embeddings.get(row) else { continue };
            visit(&EmbeddingRow {
                record_id: ids.some(row)?,
                at: at.get(row),
                prompt_hash: hashes.get(row),
                cluster: clusters.get(row),
                embedding,
            });
        }
        Ok::<(), ReadError>(())
    };
    while reader.next_batch(&mut each)?.is_some() {}
    Ok(())
}

/// Visits the time of every record of a segment, and the prompt's hash.
pub fn for_each_moment(
    path: &Path,
    mut visit: impl FnMut(Option<i64>, Option<&str>),
) -> Result<(), ReadError> {
    let columns = ["at", "prompt_hash"].map(str::to_owned).into();
    let mut reader = TableReader::open(path)?.select(columns)?;
    let mut each = |frame: &Frame<'_>| {
        let (at, hashes) = (frame.time("at")?, frame.text("prompt_hash")?);
        for row in 0..frame.height {
            visit(at.get(row), hashes.get(row));
        }
        Ok::<(), ReadError>(())
    };
    while reader.next_batch(&mut each)?.is_some() {}
    Ok(())
}

/// Visits the id of every record of a segment.
pub fn for_each_record_id(path: &Path, mut visit: impl FnMut(&str)) -> Result<(), ReadError> {
    let mut reader = TableReader::open(path)?.select(vec!["record_id".to_owned()])?;
    let mut each = |frame: &Frame<'_>| {
        let ids = frame.text("record_id")?;
        for row in 0..frame.height {
            visit(ids.some(row)?);
        }
        Ok::<(), ReadError>(())
    };
    while reader.next_batch(&mut each)?.is_some() {}
    Ok(())
}

fn visit_batch<E: From<ReadError>>(
    frame: &Frame<'_>,
    own: &OwnColumns,
    with_texts: bool,
    visit: &mut impl FnMut(&RecordRow<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let columns = Columns::of(frame)?;
    let score_columns: Vec<Option<Values<'_, _>>> =
        own.scores.iter().map(|name| frame.later_float(name)).collect::<Result<_, _>>()?;
    let category_columns: Vec<Option<Values<'_, _>>> =
        own.categories.iter().map(|name| frame.later_text(name)).collect::<Result<_, _>>()?;
    let texts = with_texts.then(|| Texts::of(frame)).transpose()?;
    let embeddings = if with_texts { frame.later_text("embedding")? } else { None };
    let mut values = vec![None; own.scores.len()];
    let mut words = vec![None; own.categories.len()];
    for row in 0..frame.height {
        for (value, column) in iter::zip(&mut values, &score_columns) {
            *value = column.as_ref().and_then(|column| column.get(row));
        }
        for (word, column) in iter::zip(&mut words, &category_columns) {
            *word = column.as_ref().and_then(|column| column.get(row));
        }
        let missing = columns.missing.texts(row)?;
        let mut record = columns.row(row, &missing)?;
        (record.scores, record.categories) = (&values, &words);
        record.embedding = embeddings.as_ref().and_then(|column| column.get(row));
        let texts = texts.as_ref().filter(|_| record.is_sampled);
        let targets = texts.map(|texts| texts.targets.texts(row)).transpose()?.unwrap_or_default();
        record.texts = texts.map(|texts| RecordTexts {
            output: texts.output.get(row),
            input: texts.input.get(row).unwrap_or("{}"),
            targets: &targets,
        });
        visit(&record)?;
    }
    Ok(())
}

/// The columns that are always read.
struct Columns<'a> {
    record_id: Values<'a, Utf8ViewArray>,
    at: Values<'a, PrimitiveArray<i64>>,
    file: Values<'a, Utf8ViewArray>,
    line: Values<'a, PrimitiveArray<i64>>,
    prompt: Values<'a, Utf8ViewArray>,
    prompt_hash: Values<'a, Utf8ViewArray>,
    model: Values<'a, Utf8ViewArray>,
    cluster: Values<'a, Utf8ViewArray>,
    outcome: Values<'a, Utf8ViewArray>,
    finish_reason: Values<'a, Utf8ViewArray>,
    error: Values<'a, Utf8ViewArray>,
    latency_ms: Values<'a, PrimitiveArray<f64>>,
    input_tokens: Values<'a, PrimitiveArray<i64>>,
    output_tokens: Values<'a, PrimitiveArray<i64>>,
    cost_usd: Values<'a, PrimitiveArray<f64>>,
    output_chars: Values<'a, PrimitiveArray<i64>>,
    input_chars: Option<Values<'a, PrimitiveArray<i64>>>,
    language: Option<Values<'a, Utf8ViewArray>>,
    missing: Values<'a, ListArray<i64>>,
    sampled: Values<'a, BooleanArray>,
    sample_rate: Values<'a, PrimitiveArray<f64>>,
}

impl<'a> Columns<'a> {
    fn of(frame: &Frame<'a>) -> Result<Self, ReadError> {
        Ok(Self {
            record_id: frame.text("record_id")?,
            at: frame.time("at")?,
            file: frame.text("file")?,
            line: frame.int64("line")?,
            prompt: frame.text("prompt")?,
            prompt_hash: frame.text("prompt_hash")?,
            model: frame.text("model")?,
            cluster: frame.text("cluster")?,
            outcome: frame.text("outcome")?,
            finish_reason: frame.text("finish_reason")?,
            error: frame.text("error")?,
            latency_ms: frame.float("latency_ms")?,
            input_tokens: frame.int64("input_tokens")?,
            output_tokens: frame.int64("output_tokens")?,
            cost_usd: frame.float("cost_usd")?,
            output_chars: frame.int64("output_chars")?,
            input_chars: frame.later_int64("input_chars")?,
            language: frame.later_text("language")?,
            missing: frame.texts("missing")?,
            sampled: frame.bool("sampled")?,
            sample_rate: frame.float("sample_rate")?,
        })
    }

    fn row<'r>(&'r self, row: usize, missing: &'r [String]) -> Result<RecordRow<'r>, ReadError> {
        Ok(RecordRow {
            record_id: self.record_id.some(row)?,
            at: self.at.get(row),
            file: self.file.some(row)?,
            line: self.line.known_count(row)?,
            prompt: self.prompt.get(row),
            prompt_hash: self.prompt_hash.get(row),
            model: self.model.get(row),
            cluster: self.cluster.get(row),
            outcome: self.outcome.some(row)?,
            finish_reason: self.finish_reason.get(row),
            error: self.error.get(row),
            latency_ms: self.latency_ms.get(row),
            input_tokens: self.input_tokens.maybe_count(row)?,
            output_tokens: self.output_tokens.maybe_count(row)?,
            cost_usd: self.cost_usd.get(row),
            output_chars: self.output_chars.known_count(row)?,
            input_chars: self
                .input_chars
                .as_ref()
                .map_or(Ok(None), |column| column.maybe_count(row))?,
            language: self.language.as_ref().and_then(|column| column.get(row)),
            embedding: None,
            missing,
            is_sampled: self.sampled.some(row)?,
            sample_rate: self.sample_rate.some(row)?,
            texts: None,
            scores: &[],
            categories: &[],
        })
    }
}

/// The columns that are read where texts are asked for.
struct Texts<'a> {
    output: Values<'a, Utf8ViewArray>,
    input: Values<'a, Utf8ViewArray>,
    targets: Values<'a, ListArray<i64>>,
}

impl<'a> Texts<'a> {
    fn of(frame: &Frame<'a>) -> Result<Self, ReadError> {
        let (output, input) = (frame.text("output")?, frame.text("input")?);
        Ok(Self { output, input, targets: frame.texts("targets")? })
    }
}
