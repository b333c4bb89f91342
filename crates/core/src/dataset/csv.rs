//! Rows of a CSV or TSV file (RFC 4180). Every value is text.

use std::{fs::File, path::Path, sync::Arc};

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};
use serde_json::Value;

use super::{
    DatasetError, Format, RowLayout, delimiter, encoding,
    quotes::Quotes,
    raw_rows::{RawRow, RawRows},
    sniff::{self, TextReader},
};
use crate::fields::{ColumnNames, Fields, Marks};

pub(super) fn open(
    path: &Path,
    file: File,
    format: Format,
    layout: &RowLayout,
) -> Result<RawRows, DatasetError> {
    let file = sniff::open(path, file, format, layout.encoding)?;
    let delimiter = layout.delimiter.unwrap_or_else(|| delimiter::detect(file.buffer(), format));
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter).from_reader(Quotes::new(file, delimiter));
    let header = reader.headers().map_err(|error| describe(path, 0, &error, None))?.clone();
    check_header(path, &header)?;
    let names = header.iter().map(str::to_owned).collect();
    let table = Arc::new(Table { path: path.into(), delimiter, names });
    Ok(Box::new(CsvRows { table, reader, size: (0, header.len()), row: 0, done: false }))
}

fn check_header(path: &Path, header: &StringRecord) -> Result<(), DatasetError> {
    if header.is_empty() {
        return Err(DatasetError::of_file(path, "is empty; it needs a header row and items"));
    }
    let first = header.get(0).unwrap_or_default();
    if header.len() <= 2 && first.len() <= 5 && first.starts_with("sep=") {
        let message = "is a line that only Excel reads (`sep=…`); remove it";
        return Err(DatasetError::of_row(path, "line 1", message));
    }
    if header.len() == 1 && first.starts_with('#') {
        let message = "begins with `#`, and CSV has no comments; the first line names the columns";
        return Err(DatasetError::of_row(path, "line 1", message));
    }
    for (i, name) in header.iter().enumerate() {
        let Some(first) = header.iter().take(i).position(|other| other == name) else { continue };
        let message = if name.is_empty() {
            format!(
                "the header has no name for the columns {} and {}; name each column",
                first + 1,
                i + 1
            )
        } else {
            format!(
                "the header names the column `{name}` twice (columns {} and {})",
                first + 1,
                i + 1
            )
        };
        return Err(DatasetError::of_row(path, "line 1", message));
    }
    Ok(())
}

/// What all rows of a file have in common.
struct Table {
    path: Box<Path>,
    delimiter: u8,
    names: ColumnNames,
}

/// A row as it was cut into cells.
pub(super) struct CsvRow {
    table: Arc<Table>,
    record: StringRecord,
    /// From 1.
    row: u64,
}

impl CsvRow {
    /// What its cells say.
    pub(super) fn fields(self) -> Result<Fields, DatasetError> {
        let Self { table, record, row } = self;
        let mut marks = Marks::default();
        if record.as_slice().contains('\n') {
            let line = record.position().map_or(0, csv::Position::line);
            if let Some(swallowed) = swallowed(&record, table.delimiter) {
                let message = format!(
                    "a quoted cell holds {} that look{} like rows of their own; is its opening \
                     quote intended? A quote within a cell is doubled (`\"\"`), in a quoted cell",
                    if swallowed.lines == 1 {
                        "a line".to_owned()
                    } else {
                        format!("{} lines", swallowed.lines)
                    },
                    if swallowed.lines == 1 { "s" } else { "" },
                );
                let place = format!("row {row} (line {line})");
                if swallowed.is_sure {
                    return Err(DatasetError::of_row(&table.path, place, message));
                }
                marks.remark(format!("{place}: {message}"));
            }
        }
        let values = record.iter().map(Value::from).collect();
        Ok(Fields::of_row(table.names.clone(), values, marks))
    }

    /// How long its cells are.
    pub(super) fn n_bytes(&self) -> usize {
        self.record.as_slice().len()
    }
}

/// No more bytes than so many are made room for in advance.
const USUAL_ROW: usize = 1 << 12;

struct CsvRows {
    table: Arc<Table>,
    reader: Reader<Quotes<TextReader>>,
    /// Bytes and cells to make room for: a little more than the row that was read last has.
    size: (usize, usize),
    row: u64,
    done: bool,
}

impl Iterator for CsvRows {
    type Item = Result<RawRow, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        self.row += 1;
        let (bytes, cells) = self.size;
        let mut record = StringRecord::with_capacity(bytes, cells);
        match self.reader.read_record(&mut record) {
            Ok(false) => None,
            Ok(true) => {
                let bytes = record.as_slice().len();
                self.size = ((bytes + bytes / 8 + 8).min(USUAL_ROW), record.len() + 1);
                Some(Ok(RawRow::Csv(CsvRow { table: self.table.clone(), record, row: self.row })))
            }
            Err(error) => {
                self.done = true;
                let Table { path, names, .. } = &*self.table;
                Some(Err(describe(path, self.row, &error, Some(names))))
            }
        }
    }
}

/// Lines within a quoted cell that look like rows.
struct Swallowed {
    lines: usize,
    /// Whether there is hardly another way to see it.
    is_sure: bool,
}

/// Looks for rows within a row's quoted cells: every line of it, taken by itself, has as many cells
/// as the header, as no text and no table within a cell has.
fn swallowed(record: &StringRecord, delimiter: u8) -> Option<Swallowed> {
    let n_cells = record.len();
    if n_cells < 2 {
        return None;
    }
    let delimiter = char::from(delimiter);
    let whole = record.iter().collect::<Vec<_>>().join(&delimiter.to_string());
    let lines: Vec<_> = whole.lines().collect();
    let looks_like_a_row = |line: &&str| {
        line.split(delimiter).count() == n_cells
            && line.split(delimiter).skip(1).all(|cell| !cell.starts_with([' ', '\t']))
    };
    if !lines.iter().all(looks_like_a_row) {
        return None;
    }
    let first_cell = |line: &&str| shape(line.split(delimiter).next().unwrap_or_default());
    let is_like_the_first = lines.iter().all(|line| first_cell(line) == first_cell(&lines[0]));
    Some(Swallowed { lines: lines.len() - 1, is_sure: n_cells > 2 && is_like_the_first })
}

/// What kinds of characters a text is made of: `T-002` is `a-0`.
fn shape(text: &str) -> String {
    let kind = |c: char| match c {
        c if c.is_numeric() => '0',
        c if c.is_alphabetic() => 'a',
        c => c,
    };
    let mut shape: String = String::new();
    for kind in text.chars().map(kind) {
        if !shape.ends_with(kind) {
            shape.push(kind);
        }
    }
    shape
}

/// `row` counts items from 1; 0 is the header.
fn describe(
    path: &Path,
    row: u64,
    error: &csv::Error,
    names: Option<&ColumnNames>,
) -> DatasetError {
    let line = error.position().map(csv::Position::line);
    let place = match (row, line) {
        (0, _) => "header".to_owned(),
        (row, Some(line)) => format!("row {row} (line {line})"),
        (row, None) => format!("row {row}"),
    };
    match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => DatasetError::of_row(
            path,
            place,
            format!(
                "has {len} cell{} where the header has {expected_len}; quote cells that contain the \
                 delimiter or a line break{}",
                if *len == 1 { "" } else { "s" },
                if *expected_len == 1 {
                    ", or name the delimiter (`dataset: { delimiter: \";\" }`)"
                } else {
                    ""
                }
            ),
        ),
        ErrorKind::Utf8 { err, .. } => {
            let column = names.and_then(|names| names.get(err.field()));
            let column = column.map_or_else(String::new, |name| format!(", column `{name}`"));
            let message = format!("is not UTF-8; {}", encoding::DECLARE);
            DatasetError::of_row(path, format!("{place}{column}"), message)
        }
        ErrorKind::Io(error) => match error.get_ref().and_then(|e| e.downcast_ref()) {
            Some(super::quotes::Stray { place, message }) => {
                DatasetError::of_row(path, place.clone(), message.clone())
            }
            None => DatasetError::of_row(path, place, format!("cannot be read: {error}")),
        },
        _ => DatasetError::of_row(path, place, "cannot be read as CSV"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cells: &[&str], expected: Option<(usize, bool)>) {
        let record = StringRecord::from(cells.to_vec());
        let found = swallowed(&record, b',').map(|found| (found.lines, found.is_sure));
        assert_eq!(found, expected, "{cells:?}");
    }

    #[test]
    fn rows_within_a_cell_are_noticed() {
        check(&["2", "a", "5 inch\n3,b,6 inch"], Some((1, true)));
        check(&["T-2", "a", "5 inch\nT-3,b,x\nT-41,b,6 inch"], Some((2, true)));
        check(&["2", "5 inch\n3,6 inch"], Some((1, false)));
        check(&["17", "fix", "this\nf(1,2,3)"], Some((1, false)));
        check(&["1", "x", "Dear all,\nthis is, well, a letter"], None);
        check(&["1", "x", "a,b,c\n1,2,3\n4,5,6"], None);
        check(&["How do I\nfind it, please", "x"], None);
        check(&["only\none column"], None);
    }
}
