//! Rows of a CSV or TSV file. Every value is text.

use std::{fs::File, io::BufReader, path::Path, sync::Arc};

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};
use serde_json::Value;

use super::{DatasetError, Row, Rows};

pub(super) fn open(path: &Path, file: File, delimiter: u8) -> Result<Rows, DatasetError> {
    let file = BufReader::with_capacity(1 << 16, file);
    let mut reader = ReaderBuilder::new().delimiter(delimiter).from_reader(file);
    let header = reader.headers().map_err(|error| describe(path, 0, &error))?.clone();
    check_header(path, &header)?;
    let names = header.iter().map(str::to_owned).collect();
    Ok(Box::new(CsvRows {
        path: path.into(),
        reader,
        names,
        record: StringRecord::new(),
        row: 0,
        done: false,
    }))
}

fn check_header(path: &Path, header: &StringRecord) -> Result<(), DatasetError> {
    if header.is_empty() {
        return Err(DatasetError::of_file(path, "is empty; it needs a header row and items"));
    }
    for (i, name) in header.iter().enumerate() {
        if header.iter().take(i).any(|other| other == name) {
            let message = format!("the header names the column `{name}` twice");
            return Err(DatasetError::of_row(path, "line 1", message));
        }
    }
    Ok(())
}

struct CsvRows {
    path: Arc<Path>,
    reader: Reader<BufReader<File>>,
    names: Vec<String>,
    /// The row that was read last.
    record: StringRecord,
    row: u64,
    done: bool,
}

impl Iterator for CsvRows {
    type Item = Result<Row, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        self.row += 1;
        match self.reader.read_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => {
                let values = self.record.iter().map(|cell| Value::String(cell.to_owned()));
                Some(Ok(self.names.iter().cloned().zip(values).collect()))
            }
            Err(error) => {
                self.done = true;
                Some(Err(describe(&self.path, self.row, &error)))
            }
        }
    }
}

/// `row` counts items from 1; 0 is the header.
fn describe(path: &Path, row: u64, error: &csv::Error) -> DatasetError {
    let line = error.position().map(csv::Position::line);
    let place = match (row, line) {
        (0, _) => "header".to_owned(),
        (row, Some(line)) => format!("row {row} (line {line})"),
        (row, None) => format!("row {row}"),
    };
    let message = match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => format!(
            "has {len} cells where the header has {expected_len}; \
             quote cells that contain the delimiter or a line break"
        ),
        ErrorKind::Utf8 { .. } => "is not UTF-8; save the file as UTF-8".to_owned(),
        ErrorKind::Io(error) => format!("cannot be read: {error}"),
        _ => error.to_string(),
    };
    DatasetError::of_row(path, place, message)
}
