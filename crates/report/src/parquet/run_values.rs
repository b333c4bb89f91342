//! `run_values.parquet` and `confusion.parquet`: what a metric says of a whole run, beyond the value
//! that it stands for.

use std::{io::Write, path::Path};

use evalmark_core::estimate::Estimate;

use super::{
    open::{ReadError, Rows, TableReader},
    summary::RunName,
    table::{Cell, TableWriter, WriteError},
    typed_columns::Frame,
};
use crate::columns::{CONFUSION, RUN_VALUES};

/// A value of a whole run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunValueRow {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name in the suite.
    pub model: String,
    /// The metric's name.
    pub metric: String,
    /// Which value.
    pub value: String,
    /// The class that it is about; `None` for a value over all.
    pub class: Option<String>,
    /// The value with its interval; `None` where it is not defined.
    pub estimate: Option<Estimate>,
}

/// A cell of a confusion matrix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfusionRow {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name in the suite.
    pub model: String,
    /// The metric's name.
    pub metric: String,
    /// The class that was right.
    pub target: String,
    /// The class that was predicted; `None` for invalid answers.
    pub predicted: Option<String>,
    /// How many answers.
    pub count: u64,
}

/// Writes `run_values.parquet` to `out`, its path being for messages; answers with the file's BLAKE3,
/// 64 hexadecimal digits.
pub fn write_run_values(
    path: &Path,
    out: impl Write,
    run: RunName<'_>,
    rows: &[RunValueRow],
) -> Result<String, WriteError> {
    let columns = RUN_VALUES.iter().map(|column| (column.name, column.kind));
    let mut table = TableWriter::create(path, out, columns)?;
    for row in rows {
        let estimate = row.estimate.as_ref();
        let cells: [Cell<'_>; RUN_VALUES.len()] = [
            Cell::text(&row.prompt),
            Cell::text(&row.model),
            Cell::text(&row.metric),
            Cell::text(&row.value),
            Cell::Text(row.class.as_deref()),
            Cell::float(estimate.map(|estimate| estimate.mean)),
            Cell::float(estimate.and_then(|estimate| estimate.stderr)),
            Cell::float(estimate.and_then(|estimate| estimate.ci_low)),
            Cell::float(estimate.and_then(|estimate| estimate.ci_high)),
            Cell::Text(estimate.map(|estimate| estimate.ci_method.as_str())),
            Cell::count(estimate.map(|estimate| estimate.n_items)),
            Cell::text(run.run_id),
            Cell::text(run.suite),
            Cell::text(&row.value),
        ];
        table.push(cells)?;
    }
    table.finish()
}

/// Writes `confusion.parquet` to `out`, its path being for messages; answers with the file's BLAKE3,
/// 64 hexadecimal digits.
pub fn write_confusion(
    path: &Path,
    out: impl Write,
    run: RunName<'_>,
    rows: &[ConfusionRow],
) -> Result<String, WriteError> {
    let columns = CONFUSION.iter().map(|column| (column.name, column.kind));
    let mut table = TableWriter::create(path, out, columns)?;
    for row in rows {
        let cells: [Cell<'_>; CONFUSION.len()] = [
            Cell::text(&row.prompt),
            Cell::text(&row.model),
            Cell::text(&row.metric),
            Cell::text(&row.target),
            Cell::Text(row.predicted.as_deref()),
            Cell::count(Some(row.count)),
            Cell::text(run.run_id),
            Cell::text(run.suite),
        ];
        table.push(cells)?;
    }
    table.finish()
}

/// Columns that repeat others or are the same in every row: they are not read back, and files of
/// earlier versions lack them.
const UNREAD: [&str; 3] = ["run_id", "suite", "statistic"];

/// Reads `run_values.parquet` back, in file order.
pub fn read_run_values(path: &Path) -> Result<Vec<RunValueRow>, ReadError> {
    let read = RUN_VALUES.iter().filter(|column| !UNREAD.contains(&column.name));
    let columns = read.map(|column| column.name.to_owned()).collect();
    Rows::new(TableReader::open(path)?.select(columns)?, decode_values).collect()
}

fn decode_values(frame: &Frame<'_>) -> Result<Vec<RunValueRow>, ReadError> {
    let (prompt, model) = (frame.text("prompt")?, frame.text("model")?);
    let (metric, value, class) =
        (frame.text("metric")?, frame.text("value")?, frame.text("class")?);
    let (mean, stderr) = (frame.float("estimate")?, frame.float("stderr")?);
    let (low, high) = (frame.float("ci_low")?, frame.float("ci_high")?);
    let (method, n_items) = (frame.text("ci_method")?, frame.int64("n_items")?);
    let row = |row| {
        let estimate = match mean.get(row) {
            None => None,
            Some(mean) => Some(Estimate {
                mean,
                stderr: stderr.get(row),
                ci_low: low.get(row),
                ci_high: high.get(row),
                ci_method: method.owned(row)?,
                n_items: n_items.known_count(row)?,
            }),
        };
        Ok(RunValueRow {
            prompt: prompt.owned(row)?,
            model: model.owned(row)?,
            metric: metric.owned(row)?,
            value: value.owned(row)?,
            class: class.maybe_owned(row),
            estimate,
        })
    };
    (0..frame.height).map(row).collect()
}

/// Reads `confusion.parquet` back, in file order.
pub fn read_confusion(path: &Path) -> Result<Vec<ConfusionRow>, ReadError> {
    let read = CONFUSION.iter().filter(|column| !UNREAD.contains(&column.name));
    let columns = read.map(|column| column.name.to_owned()).collect();
    Rows::new(TableReader::open(path)?.select(columns)?, decode_cells).collect()
}

fn decode_cells(frame: &Frame<'_>) -> Result<Vec<ConfusionRow>, ReadError> {
    let (prompt, model) = (frame.text("prompt")?, frame.text("model")?);
    let (metric, target) = (frame.text("metric")?, frame.text("target")?);
    let (predicted, count) = (frame.text("predicted")?, frame.int64("count")?);
    let row = |row| {
        Ok(ConfusionRow {
            prompt: prompt.owned(row)?,
            model: model.owned(row)?,
            metric: metric.owned(row)?,
            target: target.owned(row)?,
            predicted: predicted.maybe_owned(row),
            count: count.known_count(row)?,
        })
    };
    (0..frame.height).map(row).collect()
}
