//! All rows of a `scores.parquet`, or of what answers took, part by part on several threads.

use std::path::Path;

use polars_arrow::array::{BooleanArray, ListArray, PrimitiveArray};

use super::{
    coded_texts::{CodedTexts, RowSubjects},
    open::{ReadError, TableReader},
    parallel::in_order,
    scores,
    typed_columns::{Frame, Values},
    usage,
};
use crate::columns::{SLICE_PREFIX, USAGE};

/// The scores of one part of a file.
pub struct ScoreRows<'a> {
    /// Position in the file of the first row.
    pub first_row: u64,
    /// All rows of the file.
    pub n_rows: u64,
    /// How many rows these are.
    pub height: usize,
    /// Whose scores they are.
    pub subjects: RowSubjects<'a>,
    /// The metrics' names.
    pub metric: CodedTexts<'a>,
    epoch: Values<'a, PrimitiveArray<i32>>,
    score: Values<'a, PrimitiveArray<f64>>,
    passed: Option<Values<'a, BooleanArray>>,
    label: Option<Values<'a, PrimitiveArray<f64>>>,
    counts: Option<Values<'a, ListArray<i64>>>,
    applies: Option<Values<'a, BooleanArray>>,
}

/// The columns of [`ScoreRows`].
const SCORE_COLUMNS: [&str; 11] = [
    "item_id",
    "item_hash",
    "cluster",
    "prompt",
    "model",
    "epoch",
    "metric",
    "score",
    "label",
    "counts",
    "applies",
];

/// The same without what only a comparison needs, and with what a metric's threshold says.
const PASSED_COLUMNS: [&str; 10] = [
    "item_id",
    "item_hash",
    "cluster",
    "prompt",
    "model",
    "epoch",
    "metric",
    "score",
    "passed",
    "applies",
];

impl<'a> ScoreRows<'a> {
    fn of(frame: &Frame<'a>, n_rows: u64) -> Result<Self, ReadError> {
        Ok(Self {
            first_row: frame.first_row,
            n_rows,
            height: frame.height,
            subjects: RowSubjects::of(frame)?,
            metric: CodedTexts::of(frame, "metric")?,
            epoch: frame.int32("epoch")?,
            score: frame.float("score")?,
            passed: frame.later_bool("passed")?,
            label: frame.later_float("label")?,
            counts: frame.later_floats("counts")?,
            applies: frame.later_bool("applies")?,
        })
    }

    /// Repetition, from 0.
    pub fn epoch(&self, row: usize) -> Result<u32, ReadError> {
        self.epoch.count(row)
    }

    /// The score; `None` is missing, never 0.
    pub fn score(&self, row: usize) -> Option<f64> {
        self.score.get(row)
    }

    /// Whether the score reaches the metric's threshold, where that was asked for.
    pub fn passed(&self, row: usize) -> Option<bool> {
        self.passed.as_ref()?.get(row)
    }

    /// What people say the answer is worth.
    pub fn label(&self, row: usize) -> Option<f64> {
        self.label.as_ref()?.get(row)
    }

    /// What the answer adds to a value of the whole run.
    pub fn counts(&self, row: usize) -> Result<Option<Vec<f64>>, ReadError> {
        self.counts.as_ref().map_or(Ok(None), |counts| counts.floats(row))
    }

    /// Whether the metric concerns the item; otherwise no score is missing.
    pub fn applies(&self, row: usize) -> bool {
        self.applies.as_ref().is_none_or(|applies| applies.get(row) != Some(false))
    }
}

/// Makes something of each part of a `scores.parquet`, on several threads, and hands it on in file order; ends at
/// the first error in that order.
pub fn gather_scores<T: Send, E: From<ReadError> + Send>(
    path: &Path,
    make: impl Fn(&ScoreRows<'_>) -> Result<T, E> + Sync,
    take: impl FnMut(T) -> Result<(), E> + Send,
) -> Result<(), E> {
    gather(path, &SCORE_COLUMNS, make, take)
}

/// The same with [`ScoreRows::passed`], and without labels and counts.
pub fn gather_passed<T: Send, E: From<ReadError> + Send>(
    path: &Path,
    make: impl Fn(&ScoreRows<'_>) -> Result<T, E> + Sync,
    take: impl FnMut(T) -> Result<(), E> + Send,
) -> Result<(), E> {
    gather(path, &PASSED_COLUMNS, make, take)
}

fn gather<T: Send, E: From<ReadError> + Send>(
    path: &Path,
    columns: &[&str],
    make: impl Fn(&ScoreRows<'_>) -> Result<T, E> + Sync,
    take: impl FnMut(T) -> Result<(), E> + Send,
) -> Result<(), E> {
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    let reader = TableReader::open(path)?.select_with(columns, &scores::LATER)?.coded();
    let n_rows = reader.n_rows();
    in_order(&reader, |frame| make(&ScoreRows::of(frame, n_rows)?), take)
}

/// What the answers of one part of a file took.
pub struct UsageRows<'a> {
    /// Position in the file of the first row.
    pub first_row: u64,
    /// All rows of the file.
    pub n_rows: u64,
    /// How many rows these are.
    pub height: usize,
    /// Whose answers they are.
    pub subjects: RowSubjects<'a>,
    latency_ms: Values<'a, PrimitiveArray<f64>>,
    first_token_ms: Option<Values<'a, PrimitiveArray<f64>>>,
    tokens_per_second: Option<Values<'a, PrimitiveArray<f64>>>,
    output_tokens: Values<'a, PrimitiveArray<i64>>,
    cost_usd: Values<'a, PrimitiveArray<f64>>,
}

/// What one answer took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnswerUsage {
    /// Service time of the attempt that answered.
    pub latency_ms: Option<f64>,
    /// When its first token came; only of a stream.
    pub first_token_ms: Option<f64>,
    /// How fast the others followed; only of a stream.
    pub tokens_per_second: Option<f64>,
    /// Tokens of the answer.
    pub output_tokens: Option<u64>,
    /// US dollars.
    pub cost_usd: Option<f64>,
}

impl<'a> UsageRows<'a> {
    fn of(frame: &Frame<'a>, n_rows: u64) -> Result<Self, ReadError> {
        Ok(Self {
            first_row: frame.first_row,
            n_rows,
            height: frame.height,
            subjects: RowSubjects::of(frame)?,
            latency_ms: frame.float("latency_ms")?,
            first_token_ms: frame.later_float("first_token_ms")?,
            tokens_per_second: frame.later_float("tokens_per_second")?,
            output_tokens: frame.int64("output_tokens")?,
            cost_usd: frame.float("cost_usd")?,
        })
    }

    /// What one answer took.
    pub fn get(&self, row: usize) -> Result<AnswerUsage, ReadError> {
        Ok(AnswerUsage {
            latency_ms: self.latency_ms.get(row),
            first_token_ms: self.first_token_ms.as_ref().and_then(|column| column.get(row)),
            tokens_per_second: self.tokens_per_second.as_ref().and_then(|column| column.get(row)),
            output_tokens: self.output_tokens.maybe_count(row)?,
            cost_usd: self.cost_usd.get(row),
        })
    }
}

/// The same of a `usage.parquet` or a `samples.parquet`.
pub fn gather_usage<T: Send, E: From<ReadError> + Send>(
    path: &Path,
    make: impl Fn(&UsageRows<'_>) -> Result<T, E> + Sync,
    take: impl FnMut(T) -> Result<(), E> + Send,
) -> Result<(), E> {
    let columns = USAGE.map(|column| column.name.to_owned()).to_vec();
    let reader = TableReader::open(path)?.select_with(columns, &usage::LATER)?.coded();
    let n_rows = reader.n_rows();
    in_order(&reader, |frame| make(&UsageRows::of(frame, n_rows)?), take)
}

/// The slices of the samples of one part of a `samples.parquet`.
pub struct SliceRows<'a> {
    /// How many rows these are.
    pub height: usize,
    /// The items' ids.
    pub item_id: CodedTexts<'a>,
    /// Their values, by slice column.
    pub values: Vec<CodedTexts<'a>>,
}

/// The same of the slice values of a `samples.parquet`, in these columns.
pub fn gather_slices<T: Send, E: From<ReadError> + Send>(
    path: &Path,
    slices: &[String],
    make: impl Fn(&SliceRows<'_>) -> Result<T, E> + Sync,
    take: impl FnMut(T) -> Result<(), E> + Send,
) -> Result<(), E> {
    let names: Vec<String> = slices.iter().map(|slice| format!("{SLICE_PREFIX}{slice}")).collect();
    let columns = std::iter::once("item_id".to_owned()).chain(names.iter().cloned()).collect();
    let reader = TableReader::open(path)?.select(columns)?.coded();
    let rows = |frame: &Frame<'_>| {
        let values =
            names.iter().map(|name| CodedTexts::of(frame, name)).collect::<Result<_, _>>()?;
        let item_id = CodedTexts::of(frame, "item_id")?;
        make(&SliceRows { height: frame.height, item_id, values })
    };
    in_order(&reader, rows, take)
}
