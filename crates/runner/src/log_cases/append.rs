//! Rows added to the end of a dataset's file, as that file writes them: CSV or JSON lines. What stands there
//! stays byte for byte, and the file is replaced as a whole.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

use evalmark_core::{
    dataset::{FileSpec, Format},
    fields::Fields,
};
use evalmark_store::durable::NewFile;

use super::error::LogCasesError;

/// A file that rows can be added to.
pub(super) struct AppendedFile {
    file: FileSpec,
    columns: Vec<String>,
}

/// How lines end, and whether the last has an end.
struct Lines {
    end: &'static str,
    is_open: bool,
}

impl AppendedFile {
    /// The file, if rows of these columns can be added to it.
    pub(super) fn new(file: FileSpec, columns: Vec<String>) -> Result<Self, LogCasesError> {
        let no =
            |why: &str| LogCasesError::Dataset { path: file.origin.clone(), why: why.to_owned() };
        if !matches!(file.format, Format::Csv | Format::Tsv | Format::Jsonl) {
            return Err(no("it is neither CSV nor JSON lines"));
        }
        if file.layout.encoding.is_some_and(|encoding| encoding.name() != "UTF-8") {
            return Err(no("it is not in UTF-8"));
        }
        Ok(Self { file, columns })
    }

    /// Adds rows; each has a value or nothing for every column.
    pub(super) fn add(&self, rows: &[Fields]) -> Result<(), LogCasesError> {
        let failed = |error: io::Error| LogCasesError::Dataset {
            path: self.file.origin.clone(),
            why: error.to_string(),
        };
        let mut old = self.file.access.open(&self.file.path).map_err(|error| {
            LogCasesError::Dataset { path: self.file.origin.clone(), why: error.to_string() }
        })?;
        let lines = Lines::of(&mut old).map_err(failed)?;
        let added = match self.file.format {
            Format::Jsonl => json_lines(rows, lines.end).map_err(failed)?,
            _ => self.cells(rows, lines.end).map_err(failed)?,
        };
        let new = NewFile::create(&self.file.path).map_err(failed)?;
        let mut out = new.writer().map_err(failed)?;
        io::copy(&mut old, &mut out).map_err(failed)?;
        if lines.is_open {
            out.write_all(lines.end.as_bytes()).map_err(failed)?;
        }
        out.write_all(&added).map_err(failed)?;
        new.sync().and_then(|()| new.name()).map_err(failed)
    }

    fn cells(&self, rows: &[Fields], end: &str) -> io::Result<Vec<u8>> {
        let delimiter = self.delimiter()?;
        let terminator =
            if end == "\n" { csv::Terminator::Any(b'\n') } else { csv::Terminator::CRLF };
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .terminator(terminator)
            .has_headers(false)
            .from_writer(Vec::new());
        for row in rows {
            let cells = self.columns.iter().map(|column| {
                let Some(cell) = row.cell(column) else { return Ok(String::new()) };
                let text = cell.text().map_err(io::Error::other)?;
                Ok(text.unwrap_or_default().into_owned())
            });
            writer.write_record(cells.collect::<io::Result<Vec<_>>>()?)?;
        }
        writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
    }

    /// What separates the cells: the delimiter by which the header has the columns that were read.
    fn delimiter(&self) -> io::Result<u8> {
        if let Some(delimiter) = self.file.layout.delimiter {
            return Ok(delimiter);
        }
        let own = if self.file.format == Format::Tsv { b'\t' } else { b',' };
        for delimiter in [own, b',', b';', b'\t', b'|'] {
            let file = self.file.access.open(&self.file.path).map_err(io::Error::other)?;
            let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(file);
            let header = reader.headers()?;
            let names = header.iter().map(|name| name.trim_start_matches('\u{feff}'));
            if names.eq(self.columns.iter().map(String::as_str)) {
                return Ok(delimiter);
            }
        }
        Err(io::Error::other(
            "what separates its cells is not known; say it with `dataset.delimiter`",
        ))
    }
}

impl Lines {
    fn of(file: &mut File) -> io::Result<Self> {
        let mut head = [0; 1 << 13];
        let n = file.read(&mut head)?;
        let first = head[..n].iter().position(|byte| *byte == b'\n');
        let is_crlf = first.is_some_and(|at| at > 0 && head[at - 1] == b'\r');
        let len = file.seek(SeekFrom::End(0))?;
        let mut last = [b'\n'];
        if len > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        file.rewind()?;
        Ok(Self { end: if is_crlf { "\r\n" } else { "\n" }, is_open: last != [b'\n'] })
    }
}

fn json_lines(rows: &[Fields], end: &str) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut text, row)?;
        text.extend_from_slice(end.as_bytes());
    }
    Ok(text)
}
