//! `answers.parquet`: the answers that a baseline keeps. A narrow copy of `samples.parquet`, read in
//! the same way as that.

use std::{
    io::{self, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    open::{ReadError, TableReader},
    table::{Cell, TableWriter},
    typed_columns::Frame,
    usage::CopyError,
};
use crate::columns::ANSWERS;

/// One answer, borrowed from the file's columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerRef<'a> {
    /// The item's id.
    pub item_id: &'a str,
    /// Hash of the item's content, in hexadecimal.
    pub item_hash: &'a str,
    /// The prompt's name.
    pub prompt: &'a str,
    /// The model's name in the suite.
    pub model: &'a str,
    /// Repetition, from 0.
    pub epoch: u32,
    /// How the sample ended: `answered`, `refused`, `invalid` or `failed`.
    pub outcome: &'a str,
    /// The answer; `None` where the sample failed.
    pub output: Option<&'a str>,
}

/// What became of a copy of the answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopiedAnswers {
    /// It is whole.
    Written {
        /// Its BLAKE3, 64 hexadecimal digits.
        digest: String,
    },
    /// It would be larger than it may be; what was written of it is of no use.
    TooLarge,
}

/// Copies the columns of [`AnswerRef`] out of a `samples.parquet` to `out`, the path of the copy being
/// for messages; stops where the copy takes more than `most_bytes`.
pub fn copy_answers(
    samples: &Path,
    path: &Path,
    out: impl Write,
    most_bytes: Option<u64>,
) -> Result<CopiedAnswers, CopyError> {
    let columns = ANSWERS.iter().map(|column| (column.name, column.kind));
    let written = Arc::new(AtomicU64::new(0));
    let counted = Counted { out, written: written.clone() };
    let is_too_large = || most_bytes.is_some_and(|most| written.load(Ordering::Relaxed) > most);
    let mut table = TableWriter::create(path, counted, columns)?;
    let mut reader = reader(samples)?;
    let mut push = |row: AnswerRef<'_>| -> Result<(), CopyError> {
        let cells: [Cell<'_>; ANSWERS.len()] = [
            Cell::text(row.item_id),
            Cell::text(row.item_hash),
            Cell::text(row.prompt),
            Cell::text(row.model),
            Cell::small(row.epoch),
            Cell::text(row.outcome),
            Cell::Text(row.output),
        ];
        Ok(table.push(cells)?)
    };
    while reader.next_batch(|frame| visit_batch(frame, &mut push))?.is_some() {
        if is_too_large() {
            return Ok(CopiedAnswers::TooLarge);
        }
    }
    let digest = table.finish()?;
    Ok(if is_too_large() { CopiedAnswers::TooLarge } else { CopiedAnswers::Written { digest } })
}

/// Visits every answer, in the order of an `answers.parquet` or a `samples.parquet`; ends at the
/// visitor's first error. Memory stays bounded, whatever the number of answers.
pub fn for_each_answer<E: From<ReadError>>(
    path: &Path,
    mut visit: impl FnMut(AnswerRef<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut reader = reader(path)?;
    while reader.next_batch(|frame| visit_batch(frame, &mut visit))?.is_some() {}
    Ok(())
}

fn reader(path: &Path) -> Result<TableReader, ReadError> {
    TableReader::open(path)?.select(ANSWERS.map(|column| column.name.to_owned()).to_vec())
}

fn visit_batch<E: From<ReadError>>(
    frame: &Frame<'_>,
    visit: &mut impl FnMut(AnswerRef<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let (item_id, item_hash) = (frame.text("item_id")?, frame.text("item_hash")?);
    let (prompt, model) = (frame.text("prompt")?, frame.text("model")?);
    let (epoch, outcome) = (frame.int32("epoch")?, frame.text("outcome")?);
    let output = frame.text("output")?;
    for row in 0..frame.height {
        visit(AnswerRef {
            item_id: item_id.some(row)?,
            item_hash: item_hash.some(row)?,
            prompt: prompt.some(row)?,
            model: model.some(row)?,
            epoch: epoch.count(row)?,
            outcome: outcome.some(row)?,
            output: output.get(row),
        })?;
    }
    Ok(())
}

/// Counts what is written.
struct Counted<W> {
    out: W,
    written: Arc<AtomicU64>,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.written.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
