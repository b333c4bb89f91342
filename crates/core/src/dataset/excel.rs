//! Rows of a sheet of an Excel workbook (.xlsx): values as Excel holds them, dates as ISO 8601, the last
//! computed values of formulas. A sheet is held in memory, within bounds.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek},
    path::{Path, PathBuf},
};

use calamine::{DataRef, Dimensions, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use serde_json::{Map, Number, Value};
use zip::ZipArchive;

use super::{DatasetError, RowLayout, Rows, excel_time};
use crate::{
    fields::{Fields, Marks, pointer_to},
    suite::near_and_known,
};

/// The most bytes that the parts of a workbook may unpack to which are held whole: all but its sheets.
const MOST_PART_BYTES: u64 = 512 << 20;
/// The most cells of a sheet.
const MOST_CELLS: usize = 20_000_000;
/// The most bytes of a sheet's texts.
const MOST_TEXT_BYTES: usize = 1 << 30;
/// The most columns that a sheet can have in Excel.
const MOST_COLUMNS: u32 = 16_384;
/// How many merged ranges are remarked on.
const MOST_MERGED: usize = 10_000;

/// What a cell holds.
#[derive(Clone, Debug)]
enum Held {
    Nothing,
    Text(Box<str>),
    Number(f64),
    Truth(bool),
    /// An error value, such as `#N/A`.
    Error(String),
    /// A formula that nothing has computed.
    Uncomputed,
}

/// Cells of a row, by column.
struct SheetRow {
    /// From 0.
    row: u32,
    cells: Vec<(u32, Held)>,
}

/// A sheet.
struct Sheet {
    rows: Vec<SheetRow>,
    merged: Vec<Dimensions>,
}

/// The columns of a sheet: their places and names.
type Header = Vec<(u32, String)>;

pub(super) fn open(path: &Path, file: File, layout: &RowLayout) -> Result<Rows, DatasetError> {
    let wrong = |message: String| DatasetError::of_file(path, message);
    let unreadable = |error: &XlsxError| wrong(told(error));
    let file = unpacks_within_bounds(file).map_err(wrong)?;
    let mut workbook = Xlsx::new(BufReader::new(file)).map_err(|error| unreadable(&error))?;
    let name = sheet_name(&workbook, layout.sheet.as_deref()).map_err(wrong)?;
    let place = |row: u32| format!("sheet `{name}`, row {}", row + 1);
    let sheet = read(&mut workbook, &name).map_err(wrong)?;
    let mut rows = sheet.rows.into_iter().peekable();
    if let Some(header_row) = layout.header_row {
        while rows.next_if(|row| row.row + 1 < header_row).is_some() {}
        if rows.peek().is_none_or(|row| row.row + 1 != header_row) {
            let message =
                format!("row {header_row} of the sheet `{name}` is empty; it cannot name columns");
            return Err(wrong(message));
        }
    }
    let Some(first) = rows.next() else {
        return Err(wrong(format!("the sheet `{name}` is empty; it needs a header row and items")));
    };
    let header =
        header(&first).map_err(|message| DatasetError::of_row(path, place(first.row), message))?;
    let (path, merged): (PathBuf, _) = (path.to_owned(), sheet.merged);
    let rows = rows.map(move |row| {
        let place = format!("sheet `{name}`, row {}", row.row + 1);
        fields(&row, &header, &merged, &place)
            .map_err(|message| DatasetError::of_row(&path, place, message))
    });
    // Nothing is read behind the first error.
    let mut is_over = false;
    Ok(Box::new(rows.take_while(move |row| !std::mem::replace(&mut is_over, row.is_err()))))
}

fn told(error: &XlsxError) -> String {
    match error {
        XlsxError::Password => "is protected by a password; save it without one".to_owned(),
        other => format!("is not a readable Excel workbook: {other}"),
    }
}

/// The sheets of a workbook that hold cells, those that are shown first; empty where it cannot be read.
pub(crate) fn sheet_names(file: File) -> Vec<String> {
    let Ok(file) = unpacks_within_bounds(file) else { return Vec::new() };
    Xlsx::new(BufReader::new(file)).map_or_else(|_| Vec::new(), |workbook| known_sheets(&workbook))
}

fn known_sheets<R: Read + Seek>(workbook: &Xlsx<R>) -> Vec<String> {
    let sheets =
        workbook.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let (shown, hidden): (Vec<_>, Vec<_>) =
        sheets.partition(|sheet| sheet.visible == SheetVisible::Visible);
    shown.into_iter().chain(hidden).map(|sheet| sheet.name.clone()).collect()
}

fn sheet_name<R: Read + Seek>(workbook: &Xlsx<R>, wanted: Option<&str>) -> Result<String, String> {
    let known = known_sheets(workbook);
    match wanted {
        None => known.into_iter().next().ok_or_else(|| "has no sheets".to_owned()),
        Some(wanted) if known.iter().any(|name| name == wanted) => Ok(wanted.to_owned()),
        Some(wanted) => {
            let known: Vec<_> = known.iter().map(String::as_str).collect();
            let advice = near_and_known(wanted, &known, "it has").unwrap_or_default();
            Err(format!("has no sheet `{wanted}`; {advice}"))
        }
    }
}

/// The file from its beginning, once its parts have been unpacked to nowhere: a small archive may hold
/// more than memory does.
fn unpacks_within_bounds(mut file: File) -> Result<File, String> {
    let damaged =
        |error: &dyn std::fmt::Display| format!("is not a readable Excel workbook: {error}");
    let n_bytes = file.metadata().map_err(|error| format!("cannot be read: {error}"))?.len();
    let mut archive = ZipArchive::new(BufReader::new(&file)).map_err(|error| {
        format!("is not a readable Excel workbook, or is cut off at byte {n_bytes}: {error}")
    })?;
    let mut room = MOST_PART_BYTES;
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(|error| damaged(&error))?;
        // Sheets are read cell by cell; pictures not at all.
        let name = part.name().map_err(|error| damaged(&error))?.to_ascii_lowercase();
        let ending = name.rsplit('.').next();
        if !matches!(ending, Some("xml" | "rels")) || name.contains("/worksheets/sheet") {
            continue;
        }
        let n_bytes =
            io::copy(&mut part.take(room + 1), &mut io::sink()).map_err(|error| damaged(&error))?;
        room = room.checked_sub(n_bytes).ok_or_else(|| {
            format!("unpacks to more than {} MiB; save the sheet as CSV", MOST_PART_BYTES >> 20)
        })?;
    }
    drop(archive);
    file.rewind().map_err(|error| format!("cannot be read: {error}"))?;
    Ok(file)
}

fn read<R: Read + Seek>(workbook: &mut Xlsx<R>, name: &str) -> Result<Sheet, String> {
    let mut reader = workbook.worksheet_cells_reader(name).map_err(|error| told(&error))?;
    let mut rows: Vec<SheetRow> = Vec::new();
    let (mut n_cells, mut n_bytes) = (0, 0);
    while let Some(cell) =
        reader.next_cell_with_formula().map_err(|error| behind(rows.last(), name, &error))?
    {
        let (row, column) = cell.pos;
        let held = match held(cell.value) {
            Held::Nothing if cell.formula.is_some() => Held::Uncomputed,
            Held::Nothing => continue,
            held => held,
        };
        n_cells += 1;
        n_bytes += if let Held::Text(text) = &held { text.len() } else { 0 };
        if n_cells > MOST_CELLS || n_bytes > MOST_TEXT_BYTES || column >= MOST_COLUMNS {
            return Err(format!("the sheet `{name}` is too large; save it as CSV or Parquet"));
        }
        match rows.last_mut() {
            Some(last) if last.row == row => last.cells.push((column, held)),
            Some(last) if last.row > row => {
                return Err(format!("the sheet `{name}` is damaged: its rows are out of order"));
            }
            _ => rows.push(SheetRow { row, cells: vec![(column, held)] }),
        }
    }
    drop(reader);
    // They stand behind the rows, which tell better where the sheet is damaged.
    let merged = workbook.merge_cells_by_sheet_name(name).map_err(|error| told(&error))?;
    Ok(Sheet { rows, merged: merged.into_iter().take(MOST_MERGED).collect() })
}

/// A sheet that cannot be read on behind a row.
fn behind(last: Option<&SheetRow>, sheet: &str, error: &XlsxError) -> String {
    match last {
        Some(last) => {
            let row = last.row + 1;
            format!("the sheet `{sheet}` cannot be read behind row {row}: {error}")
        }
        None => format!("the sheet `{sheet}` cannot be read: {error}"),
    }
}

fn held(value: DataRef<'_>) -> Held {
    match value {
        DataRef::Empty => Held::Nothing,
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            Held::Text(text.into())
        }
        DataRef::SharedString(text) => Held::Text(text.into()),
        DataRef::Int(number) => Held::Number(number as f64),
        DataRef::Float(number) => Held::Number(number),
        DataRef::Bool(truth) => Held::Truth(truth),
        DataRef::DateTime(at) => match excel_time::iso(&at) {
            Some(text) => Held::Text(text.into()),
            None => Held::Number(at.as_f64()),
        },
        DataRef::Error(error) => Held::Error(error.to_string()),
    }
}

/// The names of the columns.
fn header(row: &SheetRow) -> Result<Header, String> {
    let mut header: Header = Vec::with_capacity(row.cells.len());
    for (column, held) in &row.cells {
        let name = match held {
            Held::Text(text) => text.trim().to_owned(),
            Held::Number(number) => value(*number).to_string(),
            Held::Truth(truth) => truth.to_string(),
            Held::Error(_) | Held::Uncomputed | Held::Nothing => {
                return Err(format!(
                    "the header has no name in cell {}",
                    address(*column, row.row)
                ));
            }
        };
        if let Some((first, _)) = header.iter().find(|(_, other)| *other == name) {
            return Err(format!(
                "the header names the column `{name}` twice (cells {} and {})",
                address(*first, row.row),
                address(*column, row.row)
            ));
        }
        header.push((*column, name));
    }
    Ok(header)
}

fn fields(
    row: &SheetRow,
    header: &Header,
    merged: &[Dimensions],
    place: &str,
) -> Result<Fields, String> {
    let mut values: Map<String, Value> =
        header.iter().map(|(_, name)| (name.clone(), Value::Null)).collect();
    let mut marks = Marks::default();
    for (column, held) in &row.cells {
        let at = address(*column, row.row);
        let Ok(name) = header.binary_search_by_key(column, |(place, _)| *place) else {
            return Err(format!("cell {at} has a value, and its column has no name in the header"));
        };
        let name = &header[name].1;
        let pointer = pointer_to("", name);
        let value = match held {
            Held::Nothing => Value::Null,
            Held::Text(text) => Value::from(&**text),
            Held::Number(number) => value(*number),
            Held::Truth(truth) => Value::Bool(*truth),
            Held::Error(error) => {
                let problem = format!("is the error {error} (cell {at}); mend the formula");
                marks.unusable(&pointer, &problem, error.clone());
                Value::Null
            }
            Held::Uncomputed => {
                let problem = format!(
                    "is a formula that nothing has computed (cell {at}); open the file in Excel or \
                     LibreOffice and save it"
                );
                marks.unusable(&pointer, &problem, "formula");
                Value::Null
            }
        };
        values.insert(name.clone(), value);
    }
    let covers = |range: &&Dimensions| range.start.0 < row.row && row.row <= range.end.0;
    for range in merged.iter().filter(covers) {
        let from = address(range.start.1, range.start.0);
        let to = address(range.end.1, range.end.0);
        marks.remark(format!(
            "{place}: the cells {from}:{to} are merged, and their value stands in row {} alone",
            range.start.0 + 1
        ));
    }
    Ok(Fields::new(values, marks))
}

/// A number as JSON has it: `3`, not `3.0`, as Excel shows it.
fn value(number: f64) -> Value {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= WHOLE {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and small enough")]
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// The address of a cell, such as `C7`.
fn address(column: u32, row: u32) -> String {
    let (mut letters, mut rest) = (Vec::new(), column + 1);
    while rest > 0 {
        let letter = u8::try_from((rest - 1) % 26).unwrap_or_default();
        letters.push(char::from(b'A' + letter));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect::<String>() + &(row + 1).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_excel() {
        for (column, expected) in
            [(0, "A1"), (25, "Z1"), (26, "AA1"), (701, "ZZ1"), (16_383, "XFD1")]
        {
            assert_eq!(address(column, 0), expected);
        }
        assert_eq!(value(3.0).to_string(), "3");
        assert_eq!(value(-0.5).to_string(), "-0.5");
        assert_eq!(value(1e300).to_string(), "1e+300");
    }
}
