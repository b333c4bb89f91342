//! A dataset that is an Arrow IPC file or stream (Feather 2 is the former): its rows as JSON objects, in
//! column order, batch by batch.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use evalmark_core::fields::{ColumnNames, Fields, Marks};
use polars_arrow::{
    array::Array,
    datatypes::ArrowSchema,
    io::ipc::read::{
        FileReader, StreamReader, StreamState, read_file_metadata, read_stream_metadata,
    },
    record_batch::RecordBatchT,
};
use serde_json::Value;

use super::{
    arrow_lengths::{check_block, check_stream},
    dataset::{DatasetReadError, unsupported},
    json::{Cell, json, step},
    open::ReadError,
    panic_guard::guarded,
};

/// How a file of the format begins; a stream has no such sign.
const MAGIC: &[u8] = b"ARROW1";

/// The rows of an Arrow dataset; ends after the first error. At any time one batch of the file is held.
pub struct ArrowRows {
    path: PathBuf,
    batches: Batches,
    columns: Vec<ArrowColumn>,
    names: ColumnNames,
    batch: Vec<Box<dyn Array>>,
    height: usize,
    given: usize,
    n_given: u64,
    done: bool,
}

/// How a column is pointed to, and what it holds where that cannot be read.
struct ArrowColumn {
    pointer: String,
    unreadable: Option<String>,
}

enum Batches {
    File(Box<FileReader<BufReader<File>>>),
    Stream(Box<StreamReader<BufReader<File>>>),
}

/// Opens a dataset; its path is for messages. Values become JSON as those of Parquet do.
pub fn arrow_rows_of(path: &Path, file: File) -> Result<ArrowRows, DatasetReadError> {
    let damaged = |message: String| DatasetReadError::NotArrow { path: path.to_owned(), message };
    let unreadable = |source| ReadError::io(path, source);
    let n_bytes = file.metadata().map_err(unreadable)?.len();
    let mut file = BufReader::new(file);
    let mut head = Vec::new();
    file.by_ref().take(MAGIC.len() as u64).read_to_end(&mut head).map_err(unreadable)?;
    file.rewind().map_err(unreadable)?;
    let is_file = head == MAGIC;
    if is_file && !ends_whole(&mut file).map_err(unreadable)? {
        return Err(damaged(format!("it is cut off at byte {n_bytes}: its footer is missing")));
    }
    let (batches, schema) = guarded(|| open(file, is_file, n_bytes)).map_err(damaged)?;
    let mut columns: Vec<ArrowColumn> = Vec::new();
    for (name, field) in schema.iter() {
        columns
            .push(ArrowColumn { pointer: step("", name), unreadable: unsupported(field.dtype()) });
    }
    let names = schema.iter_names().map(ToString::to_string).collect();
    let (path, batch, done) = (path.to_owned(), Vec::new(), false);
    Ok(ArrowRows { path, batches, columns, names, batch, height: 0, given: 0, n_given: 0, done })
}

/// Whether a file ends as the format has it.
fn ends_whole(file: &mut BufReader<File>) -> io::Result<bool> {
    let (mut tail, length) = (Vec::new(), i64::try_from(MAGIC.len()).unwrap_or_default());
    file.seek(SeekFrom::End(-length))?;
    file.take(MAGIC.len() as u64).read_to_end(&mut tail)?;
    file.rewind()?;
    Ok(tail == MAGIC)
}

fn open(
    mut file: BufReader<File>,
    is_file: bool,
    n_bytes: u64,
) -> Result<(Batches, ArrowSchema), String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    if !is_file {
        check_stream(&mut file, n_bytes)?;
        file.rewind().map_err(|error| told(&error))?;
        let metadata = read_stream_metadata(&mut file).map_err(|error| told(&error))?;
        let schema = metadata.schema.clone();
        return Ok((Batches::Stream(Box::new(StreamReader::new(file, metadata, None))), schema));
    }
    let metadata = read_file_metadata(&mut file).map_err(|error| told(&error))?;
    let blocks = metadata.blocks.iter().chain(metadata.dictionaries.iter().flatten());
    for block in blocks {
        let parts = [block.offset, i64::from(block.meta_data_length), block.body_length];
        let parts = parts.map(u64::try_from);
        let end = parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(*part.as_ref().ok()?));
        if end.is_none_or(|end| end > n_bytes) {
            return Err("it is cut off, or damaged".to_owned());
        }
        if let Ok(offset) = u64::try_from(block.offset) {
            check_block(&mut file, offset, n_bytes)?;
        }
    }
    let schema = (*metadata.schema).clone();
    Ok((Batches::File(Box::new(FileReader::new(file, metadata, None, None))), schema))
}

impl Batches {
    fn next(&mut self) -> Result<Option<RecordBatchT<Box<dyn Array>>>, String> {
        match self {
            Self::File(reader) => reader.next().transpose().map_err(|error| error.to_string()),
            Self::Stream(reader) => match reader.next() {
                None => Ok(None),
                Some(Ok(StreamState::Some(batch))) => Ok(Some(batch)),
                Some(Ok(StreamState::Waiting)) => Err("it is cut off".to_owned()),
                Some(Err(error)) => Err(error.to_string()),
            },
        }
    }
}

impl ArrowRows {
    fn read(&mut self) -> Result<Option<Fields>, DatasetReadError> {
        while self.given == self.height {
            let batches = &mut self.batches;
            let batch = guarded(|| batches.next()).map_err(|message| self.damaged(message))?;
            let Some(batch) = batch else { return Ok(None) };
            (self.height, self.given) = (batch.height(), 0);
            self.batch = batch.into_arrays();
        }
        let at = self.given;
        let row = guarded(|| self.row(at)).map_err(|message| self.damaged(message))?;
        self.given += 1;
        self.n_given += 1;
        Ok(Some(row))
    }

    fn damaged(&self, message: String) -> DatasetReadError {
        let (path, row) = (self.path.clone(), self.n_given + 1);
        DatasetReadError::RestUnreadable { path, row, message }
    }

    fn row(&self, at: usize) -> Result<Fields, String> {
        let mut values = Vec::with_capacity(self.columns.len());
        let mut marks = Marks::default();
        for (column, array) in self.columns.iter().zip(&self.batch) {
            let value = match &column.unreadable {
                None => json(Cell { array: &**array, at }, &column.pointer, &mut marks)?,
                Some(found) => {
                    let problem =
                        format!("holds {found}, which evalmark cannot read; save it as text");
                    marks.unusable(&column.pointer, &problem, "null");
                    Value::Null
                }
            };
            values.push(value);
        }
        Ok(Fields::of_row(self.names.clone(), values, marks))
    }
}

impl Iterator for ArrowRows {
    type Item = Result<Fields, DatasetReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let row = self.read().transpose();
        self.done = !matches!(row, Some(Ok(_)));
        row
    }
}
