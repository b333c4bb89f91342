//! `scores.parquet`: one row per sample and metric, in the order of the samples.

use std::{collections::BTreeMap, io::Write, path::Path};

use evalmark_core::{
    item::{Item, ItemHashHex},
    score::{JudgeTrace, Score},
};

use super::summary::RunName;
use super::{
    open::{ReadError, Rows, TableReader},
    parallel::rows_in_order,
    table::{Cell, TableWriter, WriteError},
    typed_columns::Frame,
};
use crate::columns::SCORES;

/// One metric's score of one sample.
#[derive(Clone, Copy, Debug)]
pub struct ScoreRow<'a> {
    /// The prompt's name.
    pub prompt: &'a str,
    /// The model's name in the suite.
    pub model: &'a str,
    /// The item.
    pub item: &'a Item,
    /// Repetition, from 0.
    pub epoch: u32,
    /// The metric's name.
    pub metric: &'a str,
    /// What the metric said.
    pub score: &'a Score,
}

/// A row as it is written.
struct Written<'a> {
    run_id: &'a str,
    suite: &'a str,
    row: ScoreRow<'a>,
    hash: ItemHashHex,
}

/// What a row has in each of the columns of [`SCORES`].
const CELLS: [for<'a> fn(&'a Written<'_>) -> Cell<'a>; SCORES.len()] = [
    |one| Cell::text(one.run_id),
    |one| Cell::text(&one.row.item.id),
    |one| Cell::text(one.row.prompt),
    |one| Cell::text(one.row.model),
    |one| Cell::small(one.row.epoch),
    |one| Cell::text(one.row.metric),
    |one| Cell::float(one.row.score.value),
    |one| Cell::Bool(one.row.score.passed),
    |one| Cell::Text(one.row.score.reason.as_deref()),
    |one| Cell::Text(one.judge().map(|judge| judge.model.as_str())),
    |one| Cell::Text(one.judge().and_then(|judge| judge.output.as_deref())),
    |one| Cell::count(one.judge().and_then(|judge| judge.tokens)),
    |one| Cell::float(one.judge().and_then(|judge| judge.cost_usd)),
    |one| Cell::text(one.hash.as_str()),
    |one| Cell::Text(one.row.item.cluster.as_deref()),
    |one| Cell::Bool(Some(one.row.score.invalid)),
    |one| Cell::float(one.row.score.label),
    |one| Cell::Floats(one.row.score.counts.as_deref()),
    |one| Cell::text(one.suite),
    |one| Cell::Bool(Some(!one.row.score.not_applicable)),
];

impl Written<'_> {
    fn judge(&self) -> Option<&JudgeTrace> {
        self.row.score.judge.as_ref()
    }
}

/// Writes `scores.parquet`. Memory stays bounded, whatever the number of rows.
pub struct ScoresWriter<W: Write> {
    table: TableWriter<W>,
    run_id: String,
    suite: String,
}

impl<W: Write> ScoresWriter<W> {
    /// Begins the file, which is written to `out`; its path is for messages.
    pub fn create(path: &Path, out: W, run: RunName<'_>) -> Result<Self, WriteError> {
        let columns = SCORES.iter().map(|column| (column.name, column.kind));
        let table = TableWriter::create(path, out, columns)?.narrow(3);
        Ok(Self { table, run_id: run.run_id.to_owned(), suite: run.suite.to_owned() })
    }

    /// Adds a row. Rows come in the order of the samples, metrics in the suite's order.
    pub fn push(&mut self, row: &ScoreRow<'_>) -> Result<(), WriteError> {
        self.extend(std::slice::from_ref(row))
    }

    /// Adds rows, on all cores where they are many.
    pub fn extend(&mut self, rows: &[ScoreRow<'_>]) -> Result<(), WriteError> {
        let Self { table, run_id, suite } = self;
        let hash = |row: &ScoreRow<'_>| row.item.hash.hex();
        let rows = rows.iter();
        let rows: Vec<_> =
            rows.map(|row| Written { run_id, suite, row: *row, hash: hash(row) }).collect();
        table.extend(&rows, |row, column| CELLS[column](row))
    }

    /// Completes the file; answers with its BLAKE3, 64 hexadecimal digits.
    pub fn finish(self) -> Result<String, WriteError> {
        self.table.finish()
    }
}

/// What a gate needs of a score, borrowed from the file's columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreRef<'a> {
    /// The item's id.
    pub item_id: &'a str,
    /// Hash of the item's content, in hexadecimal.
    pub item_hash: &'a str,
    /// Items that share it are not independent.
    pub cluster: Option<&'a str>,
    /// The prompt's name.
    pub prompt: &'a str,
    /// The model's name in the suite.
    pub model: &'a str,
    /// Repetition, from 0.
    pub epoch: u32,
    /// The metric's name.
    pub metric: &'a str,
    /// The score; `None` is missing, never 0.
    pub score: Option<f64>,
    /// Whether the score reaches the metric's threshold.
    pub passed: Option<bool>,
    /// Nothing could be extracted from the answer.
    pub invalid: bool,
    /// What people say the answer is worth.
    pub label: Option<f64>,
    /// What the answer adds to a value of the whole run.
    pub counts: Option<&'a [f64]>,
    /// Whether the metric concerns the item; otherwise no score is missing.
    pub applies: bool,
}

const REF_COLUMNS: [&str; 13] = [
    "item_id",
    "item_hash",
    "cluster",
    "prompt",
    "model",
    "epoch",
    "metric",
    "score",
    "passed",
    "invalid",
    "label",
    "counts",
    "applies",
];

/// Columns that the first version of the file did not have.
pub(super) const LATER: [&str; 4] = ["label", "counts", "suite", "applies"];

/// Visits every score in file order; ends at the visitor's first error.
///
/// Only the columns of [`ScoreRef`] are read, a slice of the file at a time.
pub fn for_each_score<E: From<ReadError>>(
    path: &Path,
    mut visit: impl FnMut(ScoreRef<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let columns = REF_COLUMNS.map(str::to_owned).to_vec();
    let mut reader = TableReader::open(path)?.select_with(columns, &LATER)?;
    while reader.next_batch(|frame| visit_batch(frame, &mut visit))?.is_some() {}
    Ok(())
}

/// The ids of the items of these rows of a file, by the rows' positions, in their order.
pub fn item_ids_at(path: &Path, rows: &[u64]) -> Result<Vec<String>, ReadError> {
    let columns = vec!["item_id".to_owned()];
    let mut reader = TableReader::open(path)?.select(columns)?.only(rows.to_vec());
    let mut found = BTreeMap::new();
    let mut look = |frame: &Frame<'_>| {
        let item_id = frame.text("item_id")?;
        for row in 0..frame.height {
            found.insert(frame.first_row + row as u64, item_id.owned(row)?);
        }
        Ok::<_, ReadError>(())
    };
    while reader.next_batch(&mut look)?.is_some() {}
    Ok(rows.iter().map(|row| found.get(row).cloned().unwrap_or_default()).collect())
}

fn visit_batch<E: From<ReadError>>(
    frame: &Frame<'_>,
    visit: &mut impl FnMut(ScoreRef<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let (item_id, item_hash) = (frame.text("item_id")?, frame.text("item_hash")?);
    let (cluster, metric) = (frame.text("cluster")?, frame.text("metric")?);
    let (prompt, model) = (frame.text("prompt")?, frame.text("model")?);
    let (epoch, score) = (frame.int32("epoch")?, frame.float("score")?);
    let (passed, invalid) = (frame.bool("passed")?, frame.bool("invalid")?);
    let (label, counts) = (frame.later_float("label")?, frame.later_floats("counts")?);
    let applies = frame.later_bool("applies")?;
    for row in 0..frame.height {
        let counts = counts.as_ref().map(|counts| counts.floats(row)).transpose()?.flatten();
        visit(ScoreRef {
            item_id: item_id.some(row)?,
            item_hash: item_hash.some(row)?,
            cluster: cluster.get(row),
            prompt: prompt.some(row)?,
            model: model.some(row)?,
            epoch: epoch.count(row)?,
            metric: metric.some(row)?,
            score: score.get(row),
            passed: passed.get(row),
            invalid: invalid.some(row)?,
            label: label.as_ref().and_then(|label| label.get(row)),
            counts: counts.as_deref(),
            applies: applies.as_ref().is_none_or(|applies| applies.get(row) != Some(false)),
        })?;
    }
    Ok(())
}

/// A row of `scores.parquet`, read back in full.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRecord {
    /// The item's id.
    pub item_id: String,
    /// The prompt's name.
    pub prompt: String,
    /// The model's name in the suite.
    pub model: String,
    /// Repetition, from 0.
    pub epoch: u32,
    /// The metric's name.
    pub metric: String,
    /// What the metric said.
    pub score: Score,
}

/// The rows of a `scores.parquet`, in file order; ends after the first error.
pub struct ScoreRecords(Rows<ScoreRecord, ReadError>);

impl Iterator for ScoreRecords {
    type Item = Result<ScoreRecord, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

/// Opens a `scores.parquet` to read every row in full, reasons and judges included.
pub fn score_records(path: &Path) -> Result<ScoreRecords, ReadError> {
    read(TableReader::open(path)?)
}

/// The same with these rows only, by their positions in the file.
pub fn score_records_at(path: &Path, rows: Vec<u64>) -> Result<ScoreRecords, ReadError> {
    read(TableReader::open(path)?.only(rows))
}

fn read(reader: TableReader) -> Result<ScoreRecords, ReadError> {
    let columns = SCORES.map(|column| column.name.to_owned()).to_vec();
    Ok(ScoreRecords(Rows::new(reader.select_with(columns, &LATER)?, decode)))
}

/// The columns that hold a [`Score`].
const SCORE_COLUMNS: [&str; 11] = [
    "score",
    "passed",
    "reason",
    "invalid",
    "label",
    "counts",
    "judge_model",
    "judge_output",
    "judge_tokens",
    "judge_cost_usd",
    "applies",
];

/// Makes something of what the metrics said in the rows at these positions in the file, which ascend, on several
/// threads.
pub fn gather_scores_at<T: Send>(
    path: &Path,
    rows: &[u64],
    make: impl Fn(Score) -> T + Sync,
) -> Result<Vec<T>, ReadError> {
    let columns = SCORE_COLUMNS.map(str::to_owned).to_vec();
    let reader = TableReader::open(path)?.select_with(columns, &LATER)?;
    let decode = |frame: &Frame<'_>| {
        let scores = decode_scores(frame)?.into_iter();
        Ok(scores.map(&make).collect())
    };
    let mut taken = Vec::with_capacity(rows.len());
    rows_in_order(&reader, rows, decode, |one| {
        taken.push(one);
        Ok::<_, ReadError>(())
    })?;
    Ok(taken)
}

fn decode(frame: &Frame<'_>) -> Result<Vec<ScoreRecord>, ReadError> {
    let (item_id, metric) = (frame.text("item_id")?, frame.text("metric")?);
    let (prompt, model) = (frame.text("prompt")?, frame.text("model")?);
    let epoch = frame.int32("epoch")?;
    let scores = decode_scores(frame)?.into_iter().enumerate();
    let record = |(row, score)| {
        Ok(ScoreRecord {
            item_id: item_id.owned(row)?,
            prompt: prompt.owned(row)?,
            model: model.owned(row)?,
            epoch: epoch.count(row)?,
            metric: metric.owned(row)?,
            score,
        })
    };
    scores.map(record).collect()
}

fn decode_scores(frame: &Frame<'_>) -> Result<Vec<Score>, ReadError> {
    let (value, passed) = (frame.float("score")?, frame.bool("passed")?);
    let (reason, invalid) = (frame.text("reason")?, frame.bool("invalid")?);
    let (label, counts) = (frame.later_float("label")?, frame.later_floats("counts")?);
    let applies = frame.later_bool("applies")?;
    let judges = decode_judges(frame)?.into_iter().enumerate();
    let score = |(row, judge)| {
        let counts = counts.as_ref().map(|counts| counts.floats(row)).transpose()?.flatten();
        Ok(Score {
            value: value.get(row),
            passed: passed.get(row),
            reason: reason.maybe_owned(row),
            reasoning_cut: false,
            invalid: invalid.some(row)?,
            not_applicable: applies.as_ref().is_some_and(|applies| applies.get(row) == Some(false)),
            counts,
            judge,
            label: label.as_ref().and_then(|label| label.get(row)),
        })
    };
    judges.map(score).collect()
}

fn decode_judges(frame: &Frame<'_>) -> Result<Vec<Option<JudgeTrace>>, ReadError> {
    let (model, output) = (frame.text("judge_model")?, frame.text("judge_output")?);
    let (tokens, cost_usd) = (frame.int64("judge_tokens")?, frame.float("judge_cost_usd")?);
    let judge = |row| {
        let Some(model) = model.maybe_owned(row) else { return Ok(None) };
        Ok(Some(JudgeTrace {
            model,
            output: output.maybe_owned(row),
            tokens: tokens.maybe_count(row)?,
            cost_usd: cost_usd.get(row),
            ..JudgeTrace::default()
        }))
    };
    (0..frame.height).map(judge).collect()
}
