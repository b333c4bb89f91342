//! Rows written to a file: CSV, JSONL or Parquet.

use std::{
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use evalmark_core::fields::{Cell, Fields};
use evalmark_report::{
    dataset_rows::{ColumnTypes, DatasetRowsWriter},
    spreadsheet::{csv_cell, is_formula},
};
use evalmark_store::durable::{NewFile, NewFileWriter};
use serde_json::Value;

use crate::{ending::Ending, error::Advised};

/// A form that rows are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutputForm {
    Csv,
    Jsonl,
    Parquet,
}

/// Rows that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum DatasetOutputError {
    /// The file's name does not say in which form.
    #[error("the name of {} does not say what it is to be", .0.display())]
    Form(PathBuf),
    /// There is such a file, which is not replaced.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// A row that the file cannot hold.
    #[error("{} cannot hold {message}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The row, and what is wrong with it.
        message: String,
    },
    /// It cannot be written.
    #[error("{} cannot be written: {message}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
}

impl Advised for DatasetOutputError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Form(_) => Some("let it end in `.csv`, `.jsonl` or `.parquet`".to_owned()),
            Self::Exists(_) => Some("name another file, or add `--force`".to_owned()),
            Self::Row { .. } | Self::Unwritable { .. } => None,
        }
    }

    fn ending(&self) -> Option<Ending> {
        matches!(self, Self::Unwritable { .. }).then_some(Ending::Incomplete)
    }
}

/// A file of rows on its way: it has its name once it is whole.
pub(crate) struct OutputFile {
    path: PathBuf,
    file: NewFile,
    form: OutputForm,
    escapes_formulas: bool,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct WrittenRows {
    /// The file.
    pub path: PathBuf,
    /// How many rows it has.
    pub n_rows: u64,
    /// Cells that a spreadsheet would take for formulas.
    pub n_formulas: u64,
    /// Whether a quote was put before those, so that it does not.
    pub escaped: bool,
}

impl OutputFile {
    /// Begins a file; one that is there is replaced only if that is said.
    pub(crate) fn create(
        path: &Path,
        replaces: bool,
        escapes_formulas: bool,
    ) -> Result<Self, DatasetOutputError> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let form = match ending.to_ascii_lowercase().as_str() {
            "csv" => OutputForm::Csv,
            "jsonl" | "ndjson" => OutputForm::Jsonl,
            "parquet" | "pq" => OutputForm::Parquet,
            _ => return Err(DatasetOutputError::Form(path.to_owned())),
        };
        if path.exists() && !replaces {
            return Err(DatasetOutputError::Exists(path.to_owned()));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder
            .map_or(Ok(()), std::fs::create_dir_all)
            .map_err(|error| unwritable(path, &format!("its folder cannot be made: {error}")))?;
        let file = NewFile::create(path).map_err(|error| unwritable(path, &error))?;
        Ok(Self { path: path.to_owned(), file, form, escapes_formulas })
    }

    /// Writes the rows, which are gone through twice: for their columns, and for themselves.
    pub(crate) fn write<E: From<DatasetOutputError>>(
        self,
        rows: impl Fn() -> Result<Box<dyn Iterator<Item = Result<Fields, E>>>, E>,
    ) -> Result<WrittenRows, E> {
        let path = self.path.clone();
        // A value that cannot be used would become a null that nobody knows of.
        let usable = |(at, row): (usize, Result<Fields, E>)| -> Result<Fields, E> {
            let row = row?;
            let Some(problem) = row.problem() else { return Ok(row) };
            let message = format!("row {}: {problem}", at + 1);
            Err(DatasetOutputError::Row { path: path.clone(), message }.into())
        };
        let rows = || Ok::<_, E>(rows()?.enumerate().map(usable));
        let mut types = ColumnTypes::default();
        if self.form != OutputForm::Jsonl {
            for row in rows()? {
                types.see(&row?);
            }
        }
        let Self { path, file, form, escapes_formulas } = self;
        let out = file.writer().map_err(|error| unwritable(&path, &error))?;
        let mut written =
            WrittenRows { path: path.clone(), n_rows: 0, n_formulas: 0, escaped: escapes_formulas };
        match form {
            OutputForm::Csv => csv(&types, rows()?, out, &mut written)?,
            OutputForm::Jsonl => jsonl(rows()?, out, &mut written)?,
            OutputForm::Parquet => {
                let failed = |error: &dyn std::fmt::Display| unwritable(&path, error);
                let mut writer =
                    DatasetRowsWriter::create(&path, out, types).map_err(|e| failed(&e))?;
                for row in rows()? {
                    writer.push(&row?).map_err(|error| failed(&error))?;
                    written.n_rows += 1;
                }
                writer.finish().map_err(|error| failed(&error))?;
            }
        }
        file.sync().and_then(|()| file.name()).map_err(|error| unwritable(&path, &error))?;
        Ok(written)
    }
}

fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> DatasetOutputError {
    DatasetOutputError::Unwritable { path: path.to_owned(), message: error.to_string() }
}

fn jsonl<E: From<DatasetOutputError>>(
    rows: impl Iterator<Item = Result<Fields, E>>,
    out: NewFileWriter,
    written: &mut WrittenRows,
) -> Result<(), E> {
    let mut out = BufWriter::new(out);
    for row in rows {
        let row = row?;
        let result = serde_json::to_writer(&mut out, &row).map_err(std::io::Error::from);
        result
            .and_then(|()| out.write_all(b"\n"))
            .map_err(|error| unwritable(&written.path, &error))?;
        written.n_rows += 1;
    }
    out.flush().map_err(|error| unwritable(&written.path, &error).into())
}

fn csv<E: From<DatasetOutputError>>(
    types: &ColumnTypes,
    rows: impl Iterator<Item = Result<Fields, E>>,
    out: NewFileWriter,
    written: &mut WrittenRows,
) -> Result<(), E> {
    let mut out = BufWriter::new(out);
    let path = written.path.clone();
    let failed = |error: &dyn std::fmt::Display| unwritable(&path, error);
    let names: Vec<&str> = types.names().collect();
    let header = names.iter().map(|name| {
        let is_formula = is_formula(name);
        written.n_formulas += u64::from(is_formula);
        quoted(&format!("{}{name}", if is_formula && written.escaped { "'" } else { "" }))
    });
    let header: Vec<String> = header.collect();
    writeln!(out, "{}", header.join(",")).map_err(|error| failed(&error))?;
    for row in rows {
        let row = row?;
        let mut cells = Vec::with_capacity(names.len());
        for name in &names {
            let cell = row.cell(name);
            let text = cell.as_ref().map(Cell::text).transpose();
            let text = text.map_err(|problem| failed(&problem))?.flatten().unwrap_or_default();
            let is_text = cell.is_some_and(|cell| matches!(cell.value(), Value::String(_)));
            let is_formula = is_text && is_formula(&text);
            written.n_formulas += u64::from(is_formula);
            let guard = if is_formula && written.escaped { "'" } else { "" };
            cells.push(quoted(&format!("{guard}{text}")));
        }
        writeln!(out, "{}", cells.join(",")).map_err(|error| failed(&error))?;
        written.n_rows += 1;
    }
    out.flush().map_err(|error| failed(&error).into())
}

/// A cell of a CSV file; one that is empty in a file of one column would be no row.
fn quoted(text: &str) -> String {
    if text.is_empty() { "\"\"".to_owned() } else { csv_cell(text) }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn an_empty_cell_is_a_row_of_its_own() {
        assert_eq!(quoted(""), "\"\"");
        assert_eq!(quoted("a, b"), "\"a, b\"");
        assert_eq!(quoted("plain"), "plain");
    }
}
