//! `usage.parquet`: what each answer of a baseline took. A narrow copy of `samples.parquet`, small
//! enough to be kept with the baseline, and read in the same way as that.

use std::{io::Write, path::Path};

use super::{
    open::{ReadError, TableReader},
    table::{Cell, TableWriter, WriteError},
    typed_columns::Frame,
};
use crate::columns::USAGE;

/// What one answer took, borrowed from the file's columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UsageRef<'a> {
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

/// A narrow copy cannot be made: the one file cannot be read, or the other not written.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// `samples.parquet` cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The copy cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Copies the columns of [`UsageRef`] out of a `samples.parquet` to `out`, the path of the copy being
/// for messages; answers with the copy's BLAKE3, 64 hexadecimal digits.
pub fn copy_usage(samples: &Path, path: &Path, out: impl Write) -> Result<String, CopyError> {
    let columns = USAGE.iter().map(|column| (column.name, column.kind));
    let mut table = TableWriter::create(path, out, columns)?;
    for_each_usage::<CopyError>(samples, |row| {
        let cells: [Cell<'_>; USAGE.len()] = [
            Cell::text(row.item_id),
            Cell::text(row.item_hash),
            Cell::text(row.prompt),
            Cell::text(row.model),
            Cell::small(row.epoch),
            Cell::Text(row.cluster),
            Cell::float(row.latency_ms),
            Cell::count(row.output_tokens),
            Cell::float(row.cost_usd),
            Cell::float(row.first_token_ms),
            Cell::float(row.tokens_per_second),
        ];
        Ok(table.push(cells)?)
    })?;
    Ok(table.finish()?)
}

/// Columns that files of earlier versions lack.
pub(super) const LATER: [&str; 2] = ["first_token_ms", "tokens_per_second"];

/// Visits what every answer took, in the order of a `usage.parquet` or a `samples.parquet`; ends
/// at the visitor's first error.
pub fn for_each_usage<E: From<ReadError>>(
    path: &Path,
    mut visit: impl FnMut(UsageRef<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let columns = USAGE.map(|column| column.name.to_owned()).to_vec();
    let mut reader = TableReader::open(path)?.select_with(columns, &LATER)?;
    while reader.next_batch(|frame| visit_batch(frame, &mut visit))?.is_some() {}
    Ok(())
}

fn visit_batch<E: From<ReadError>>(
    frame: &Frame<'_>,
    visit: &mut impl FnMut(UsageRef<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let (item_id, item_hash) = (frame.text("item_id")?, frame.text("item_hash")?);
    let (prompt, model) = (frame.text("prompt")?, frame.text("model")?);
    let (epoch, cluster) = (frame.int32("epoch")?, frame.text("cluster")?);
    let (latency_ms, cost_usd) = (frame.float("latency_ms")?, frame.float("cost_usd")?);
    let output_tokens = frame.int64("output_tokens")?;
    let later = |name| frame.has(name).then(|| frame.float(name)).transpose();
    let (first_token, rate) = (later("first_token_ms")?, later("tokens_per_second")?);
    for row in 0..frame.height {
        visit(UsageRef {
            item_id: item_id.some(row)?,
            item_hash: item_hash.some(row)?,
            cluster: cluster.get(row),
            prompt: prompt.some(row)?,
            model: model.some(row)?,
            epoch: epoch.count(row)?,
            latency_ms: latency_ms.get(row),
            first_token_ms: first_token.as_ref().and_then(|column| column.get(row)),
            tokens_per_second: rate.as_ref().and_then(|column| column.get(row)),
            output_tokens: output_tokens.maybe_count(row)?,
            cost_usd: cost_usd.get(row),
        })?;
    }
    Ok(())
}

/// What one answer cost and how long it took, borrowed from the file's columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AmountRef<'a> {
    /// The item's id.
    pub item_id: &'a str,
    /// Items that share it are not independent.
    pub cluster: Option<&'a str>,
    /// The prompt's name.
    pub prompt: &'a str,
    /// The model's name in the suite.
    pub model: &'a str,
    /// Service time of the attempt that answered.
    pub latency_ms: Option<f64>,
    /// US dollars.
    pub cost_usd: Option<f64>,
}

/// Visits what every answer cost and how long it took, in the order of a `samples.parquet`; ends at the
/// visitor's first error.
pub fn for_each_amount<E: From<ReadError>>(
    samples: &Path,
    mut visit: impl FnMut(AmountRef<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let columns = ["item_id", "cluster", "prompt", "model", "latency_ms", "cost_usd"];
    let mut reader = TableReader::open(samples)?.select(columns.map(str::to_owned).to_vec())?;
    let mut see = |frame: &Frame<'_>| -> Result<(), E> {
        let (item_id, cluster) = (frame.text("item_id")?, frame.text("cluster")?);
        let (prompt, model) = (frame.text("prompt")?, frame.text("model")?);
        let (latency_ms, cost_usd) = (frame.float("latency_ms")?, frame.float("cost_usd")?);
        for row in 0..frame.height {
            visit(AmountRef {
                item_id: item_id.some(row)?,
                cluster: cluster.get(row),
                prompt: prompt.some(row)?,
                model: model.some(row)?,
                latency_ms: latency_ms.get(row),
                cost_usd: cost_usd.get(row),
            })?;
        }
        Ok(())
    };
    while reader.next_batch(&mut see)?.is_some() {}
    Ok(())
}
