//! `summary.parquet`: one row per prompt x model x metric, and per slice value.

use std::{collections::HashSet, io::Write, path::Path};

use evalmark_core::{
    estimate::Estimate,
    metric::{Direction, Range},
};
use serde::{Deserialize, Serialize};

use super::{
    open::{ReadError, Rows, TableReader},
    table::{Cell, TableWriter, WriteError},
    typed_columns::Frame,
};
use crate::columns::SUMMARY;

/// A prompt x model x metric, over all items or over one slice of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SummaryRow {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name in the suite.
    pub model: String,
    /// The metric's name.
    pub metric: String,
    /// The slice column; `None` for the row over all items.
    pub slice: Option<String>,
    /// Its value; `None` where the cell is empty.
    pub slice_value: Option<String>,
    /// Samples planned.
    pub n_planned: u64,
    /// Samples with a score.
    pub n_scored: u64,
    /// Samples without one.
    pub n_missing: u64,
    /// The mean with its interval; `None` where nothing was scored.
    pub estimate: Option<Estimate>,
    /// Median service time, milliseconds.
    pub latency_p50_ms: Option<f64>,
    /// 95th percentile of the service time, milliseconds.
    pub latency_p95_ms: Option<f64>,
    /// What streams were measured by; nothing is known where answers came whole.
    #[serde(flatten)]
    pub streams: StreamFigures,
    /// Tokens of the prompts, where the provider counted them.
    pub input_tokens: Option<u64>,
    /// Tokens of the answers, where the provider counted them.
    pub output_tokens: Option<u64>,
    /// US dollars, where known.
    pub cost_usd: Option<f64>,
    /// What several attempts at each item make of it; `None` where there is one.
    pub attempts: Option<PassAttempts>,
    /// Which value of the whole run the estimate is; `None` for a mean of scores.
    #[serde(default)]
    pub value: Option<String>,
    /// Where the estimate lies.
    #[serde(default)]
    pub range: Range,
    /// Which values are better.
    #[serde(default)]
    pub direction: Direction,
}

/// When first tokens came, and how fast the others followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamFigures {
    /// Median time to the first token, milliseconds.
    pub first_token_p50_ms: Option<f64>,
    /// 95th percentile of that time.
    pub first_token_p95_ms: Option<f64>,
    /// Median of the tokens a second.
    pub tokens_per_second_p50: Option<f64>,
    /// 95th percentile of the tokens a second.
    pub tokens_per_second_p95: Option<f64>,
}

/// Which run a file is of: columns that are the same in every row, so that files of several runs can
/// be stacked.
#[derive(Clone, Copy, Debug)]
pub struct RunName<'a> {
    /// The run.
    pub run_id: &'a str,
    /// The suite's name.
    pub suite: &'a str,
}

/// Chances of several attempts at an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PassAttempts {
    /// How many attempts: k.
    pub k: u64,
    /// pass@k: that at least one passes.
    pub any: Share,
    /// pass^k: that all pass.
    pub all: Share,
}

/// A share of the items, with its interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The estimate.
    pub mean: f64,
    /// Lower end; `None` when undefined.
    pub ci_low: Option<f64>,
    /// Upper end; `None` when undefined.
    pub ci_high: Option<f64>,
}

impl From<Estimate> for Share {
    fn from(estimate: Estimate) -> Self {
        Self { mean: estimate.mean, ci_low: estimate.ci_low, ci_high: estimate.ci_high }
    }
}

/// Writes `summary.parquet` to `out`, its path being for messages; answers with the file's BLAKE3,
/// 64 hexadecimal digits.
pub fn write_summary<'a>(
    path: &Path,
    out: impl Write,
    run: RunName<'_>,
    rows: impl IntoIterator<Item = &'a SummaryRow>,
) -> Result<String, WriteError> {
    let columns = SUMMARY.iter().map(|column| (column.name, column.kind));
    let mut table = TableWriter::create(path, out, columns)?;
    // What is the same for every metric is summed over one of them.
    let mut counted: HashSet<(&str, &str)> = HashSet::new();
    for row in rows {
        let is_counted = row.slice.is_none() && counted.insert((&row.prompt, &row.model));
        let sums = is_counted.then_some(row);
        table.push(
            cells(row).into_iter().chain(run_cells(run, row, sums)).chain(stream_cells(row)),
        )?;
    }
    table.finish()
}

/// The columns that say which run it is, what the estimate is, and what may be summed.
fn run_cells<'a>(
    run: RunName<'a>,
    row: &'a SummaryRow,
    sums: Option<&SummaryRow>,
) -> [Cell<'a>; RUN_COLUMNS] {
    let estimate = row.estimate.as_ref();
    [
        Cell::text(run.run_id),
        Cell::text(run.suite),
        Cell::text(row.value.as_deref().unwrap_or("mean")),
        Cell::float(estimate.map(|estimate| estimate.mean)),
        Cell::count(sums.map(|row| row.n_planned)),
        Cell::count(sums.and_then(|row| row.input_tokens)),
        Cell::count(sums.and_then(|row| row.output_tokens)),
        Cell::float(sums.and_then(|row| row.cost_usd)),
    ]
}

/// Columns which repeat others or are the same in every row: they are not read back.
const RUN_COLUMNS: usize = 8;
/// The columns behind them, which earlier versions did not have.
const STREAM_COLUMNS: [&str; 4] =
    ["first_token_p50_ms", "first_token_p95_ms", "tokens_per_second_p50", "tokens_per_second_p95"];
/// The columns before them.
const FIRST_COLUMNS: usize = SUMMARY.len() - RUN_COLUMNS - STREAM_COLUMNS.len();

/// The columns [`STREAM_COLUMNS`].
fn stream_cells(row: &SummaryRow) -> [Cell<'_>; STREAM_COLUMNS.len()] {
    let streams = row.streams;
    [
        Cell::float(streams.first_token_p50_ms),
        Cell::float(streams.first_token_p95_ms),
        Cell::float(streams.tokens_per_second_p50),
        Cell::float(streams.tokens_per_second_p95),
    ]
}

fn cells(row: &SummaryRow) -> [Cell<'_>; FIRST_COLUMNS] {
    let (estimate, attempts) = (row.estimate.as_ref(), row.attempts);
    [
        Cell::text(&row.prompt),
        Cell::text(&row.model),
        Cell::text(&row.metric),
        Cell::Text(row.slice.as_deref()),
        Cell::Text(row.slice_value.as_deref()),
        Cell::count(Some(row.n_planned)),
        Cell::count(Some(row.n_scored)),
        Cell::count(Some(row.n_missing)),
        Cell::float(estimate.map(|estimate| estimate.mean)),
        Cell::float(estimate.and_then(|estimate| estimate.stderr)),
        Cell::float(estimate.and_then(|estimate| estimate.ci_low)),
        Cell::float(estimate.and_then(|estimate| estimate.ci_high)),
        Cell::Text(estimate.map(|estimate| estimate.ci_method.as_str())),
        Cell::float(row.latency_p50_ms),
        Cell::float(row.latency_p95_ms),
        Cell::count(row.input_tokens),
        Cell::count(row.output_tokens),
        Cell::float(row.cost_usd),
        Cell::count(estimate.map(|estimate| estimate.n_items)),
        Cell::count(attempts.map(|attempts| attempts.k)),
        Cell::float(attempts.map(|attempts| attempts.any.mean)),
        Cell::float(attempts.and_then(|attempts| attempts.any.ci_low)),
        Cell::float(attempts.and_then(|attempts| attempts.any.ci_high)),
        Cell::float(attempts.map(|attempts| attempts.all.mean)),
        Cell::float(attempts.and_then(|attempts| attempts.all.ci_low)),
        Cell::float(attempts.and_then(|attempts| attempts.all.ci_high)),
        Cell::Text(row.value.as_deref()),
        Cell::text(word_of_range(row.range)),
        Cell::text(word_of_direction(row.direction)),
    ]
}

/// Columns that the first version of the file did not have.
const LATER: [&str; 14] = [
    "k",
    "pass_at_k",
    "pass_at_k_low",
    "pass_at_k_high",
    "pass_hat_k",
    "pass_hat_k_low",
    "pass_hat_k_high",
    "value",
    "range",
    "better",
    STREAM_COLUMNS[0],
    STREAM_COLUMNS[1],
    STREAM_COLUMNS[2],
    STREAM_COLUMNS[3],
];

const RANGES: [(Range, &str); 5] = [
    (Range::Binary, "binary"),
    (Range::Unit, "unit"),
    (Range::Signed, "signed"),
    (Range::Hundred, "hundred"),
    (Range::Open, "open"),
];

fn word_of_range(range: Range) -> &'static str {
    RANGES.iter().find(|(of, _)| *of == range).map_or("unit", |(_, word)| word)
}

fn range_of_word(word: Option<&str>) -> Range {
    let known = RANGES.iter().find(|(_, of)| Some(*of) == word);
    known.map_or(Range::Unit, |(range, _)| *range)
}

fn word_of_direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Higher => "higher",
        Direction::Lower => "lower",
    }
}

fn direction_of_word(word: Option<&str>) -> Direction {
    if word == Some("lower") { Direction::Lower } else { Direction::Higher }
}

/// Reads `summary.parquet` back, in file order.
pub fn read_summary(path: &Path) -> Result<Vec<SummaryRow>, ReadError> {
    let first = SUMMARY[..FIRST_COLUMNS].iter().map(|column| column.name);
    let columns = first.chain(STREAM_COLUMNS).map(str::to_owned).collect();
    Rows::new(TableReader::open(path)?.select_with(columns, &LATER)?, decode).collect()
}

fn decode(frame: &Frame<'_>) -> Result<Vec<SummaryRow>, ReadError> {
    let (prompt, model) = (frame.text("prompt")?, frame.text("model")?);
    let (metric, slice) = (frame.text("metric")?, frame.text("slice")?);
    let (slice_value, planned) = (frame.text("slice_value")?, frame.int64("n_planned")?);
    let (scored, missing) = (frame.int64("n_scored")?, frame.int64("n_missing")?);
    let (p50, p95) = (frame.float("latency_p50_ms")?, frame.float("latency_p95_ms")?);
    let (input, output) = (frame.int64("input_tokens")?, frame.int64("output_tokens")?);
    let cost_usd = frame.float("cost_usd")?;
    let later = |name| frame.has(name).then(|| frame.text(name)).transpose();
    let (value, range, better) = (later("value")?, later("range")?, later("better")?);
    let streams = decode_streams(frame)?;
    let estimates = decode_estimates(frame)?.into_iter().zip(decode_attempts(frame)?).enumerate();
    let summary = |(row, (estimate, attempts))| {
        Ok(SummaryRow {
            prompt: prompt.owned(row)?,
            model: model.owned(row)?,
            metric: metric.owned(row)?,
            slice: slice.maybe_owned(row),
            slice_value: slice_value.maybe_owned(row),
            n_planned: planned.known_count(row)?,
            n_scored: scored.known_count(row)?,
            n_missing: missing.known_count(row)?,
            estimate,
            latency_p50_ms: p50.get(row),
            latency_p95_ms: p95.get(row),
            streams: streams[row],
            input_tokens: input.maybe_count(row)?,
            output_tokens: output.maybe_count(row)?,
            cost_usd: cost_usd.get(row),
            attempts,
            value: value.as_ref().and_then(|value| value.maybe_owned(row)),
            range: range_of_word(range.as_ref().and_then(|range| range.get(row))),
            direction: direction_of_word(better.as_ref().and_then(|better| better.get(row))),
        })
    };
    estimates.map(summary).collect()
}

fn decode_streams(frame: &Frame<'_>) -> Result<Vec<StreamFigures>, ReadError> {
    let column = |name| frame.has(name).then(|| frame.float(name)).transpose();
    let [first_p50, first_p95, rate_p50, rate_p95] = STREAM_COLUMNS.map(column);
    let (first_p50, first_p95, rate_p50, rate_p95) = (first_p50?, first_p95?, rate_p50?, rate_p95?);
    let streams = |row| StreamFigures {
        first_token_p50_ms: first_p50.as_ref().and_then(|column| column.get(row)),
        first_token_p95_ms: first_p95.as_ref().and_then(|column| column.get(row)),
        tokens_per_second_p50: rate_p50.as_ref().and_then(|column| column.get(row)),
        tokens_per_second_p95: rate_p95.as_ref().and_then(|column| column.get(row)),
    };
    Ok((0..frame.height).map(streams).collect())
}

fn decode_attempts(frame: &Frame<'_>) -> Result<Vec<Option<PassAttempts>>, ReadError> {
    let n = frame.height;
    if !frame.has("k") {
        return Ok(vec![None; n]);
    }
    let k = frame.int64("k")?;
    let share = |mean, low, high| {
        let (mean, low, high) = (frame.float(mean)?, frame.float(low)?, frame.float(high)?);
        Ok::<_, ReadError>(move |row| {
            Some(Share { mean: mean.get(row)?, ci_low: low.get(row), ci_high: high.get(row) })
        })
    };
    let any = share("pass_at_k", "pass_at_k_low", "pass_at_k_high")?;
    let all = share("pass_hat_k", "pass_hat_k_low", "pass_hat_k_high")?;
    let attempts = |row| {
        let Some(k) = k.maybe_count(row)? else { return Ok(None) };
        Ok(any(row).zip(all(row)).map(|(any, all)| PassAttempts { k, any, all }))
    };
    (0..n).map(attempts).collect()
}

fn decode_estimates(frame: &Frame<'_>) -> Result<Vec<Option<Estimate>>, ReadError> {
    let (mean, stderr) = (frame.float("mean")?, frame.float("stderr")?);
    let (ci_low, ci_high) = (frame.float("ci_low")?, frame.float("ci_high")?);
    let (ci_method, n_items) = (frame.text("ci_method")?, frame.int64("n_items")?);
    let estimate = |row| {
        let Some(mean) = mean.get(row) else { return Ok(None) };
        Ok(Some(Estimate {
            mean,
            stderr: stderr.get(row),
            ci_low: ci_low.get(row),
            ci_high: ci_high.get(row),
            ci_method: ci_method.owned(row)?,
            n_items: n_items.known_count(row)?,
        }))
    };
    (0..frame.height).map(estimate).collect()
}
