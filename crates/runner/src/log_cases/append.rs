//! Rows added to the end of a dataset's file, as that file writes them: CSV or JSON lines. What stands there
//! stays byte for byte, and the file is replaced as a whole, by whoever gives the new one its name.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::PathBuf,
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
}

/// How lines end, and whether the last has an end.
struct Lines {
    end: &'static str,
    is_open: bool,
}

impl AppendedFile {
    /// The file, if rows can be added to it.
    pub(super) fn new(file: FileSpec) -> Result<Self, LogCasesError> {
        let no =
            |why: &str| LogCasesError::Dataset { path: file.origin.clone(), why: why.to_owned() };
        if !matches!(file.format, Format::Csv | Format::Tsv | Format::Jsonl) {
            return Err(no("it is neither CSV nor JSON lines"));
        }
        if file.layout.encoding.is_some_and(|encoding| encoding.name() != "UTF-8") {
            return Err(no("it is not in UTF-8"));
        }
        Ok(Self { file })
    }

    /// The file itself, wherever a link to it lies.
    pub(super) fn path(&self) -> PathBuf {
        self.file.path.canonicalize().unwrap_or_else(|_| self.file.path.clone())
    }

    /// The file with more rows, which has no name yet; each row has a value or nothing for each of the file's columns.
    pub(super) fn with(
        &self,
        rows: &[Fields],
        columns: &[String],
    ) -> Result<NewFile, LogCasesError> {
        let path = self.path();
        let unreadable = |why: String| self.no(why);
        let mut old = self
            .file
            .access
            .open(&self.file.path)
            .map_err(|error| unreadable(error.to_string()))?;
        let failed = |source: io::Error| LogCasesError::Unwritable { path: path.clone(), source };
        if old.metadata().map_err(failed)?.permissions().readonly() {
            return Err(LogCasesError::ReadOnly(self.file.origin.clone()));
        }
        let lines = Lines::of(&mut old).map_err(|error| unreadable(error.to_string()))?;
        let added = match self.file.format {
            Format::Jsonl => json_lines(rows, lines.end),
            _ => self.cells(rows, columns, lines.end),
        };
        let added = added.map_err(|error| unreadable(error.to_string()))?;
        let new = NewFile::create(&path).map_err(failed)?;
        let mut write = || {
            new.permit_as(&old)?;
            let mut out = new.writer()?;
            io::copy(&mut old, &mut out)?;
            if lines.is_open {
                out.write_all(lines.end.as_bytes())?;
            }
            out.write_all(&added)?;
            new.sync()
        };
        write().map_err(failed)?;
        Ok(new)
    }

    fn no(&self, why: String) -> LogCasesError {
        LogCasesError::Dataset { path: self.file.origin.clone(), why }
    }

    fn cells(&self, rows: &[Fields], columns: &[String], end: &str) -> io::Result<Vec<u8>> {
        let delimiter = self.delimiter(columns)?;
        let terminator =
            if end == "\n" { csv::Terminator::Any(b'\n') } else { csv::Terminator::CRLF };
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .terminator(terminator)
            .has_headers(false)
            .from_writer(Vec::new());
        for row in rows {
            let cells = columns.iter().map(|column| {
                let Some(cell) = row.cell(column) else { return Ok(String::new()) };
                let text = cell.text().map_err(io::Error::other)?;
                Ok(text.unwrap_or_default().into_owned())
            });
            writer.write_record(cells.collect::<io::Result<Vec<_>>>()?)?;
        }
        writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
    }

    /// What separates the cells: the delimiter by which the header has the columns that were read.
    fn delimiter(&self, columns: &[String]) -> io::Result<u8> {
        if let Some(delimiter) = self.file.layout.delimiter {
            return Ok(delimiter);
        }
        let own = if self.file.format == Format::Tsv { b'\t' } else { b',' };
        for delimiter in [own, b',', b';', b'\t', b'|'] {
            let file = self.file.access.open(&self.file.path).map_err(io::Error::other)?;
            let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(file);
            let header = reader.headers()?;
            let names = header.iter().map(|name| name.trim_start_matches('\u{feff}'));
            if names.eq(columns.iter().map(String::as_str)) {
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
