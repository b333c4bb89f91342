//! Rows of a Parquet file as JSON lines: one way for all that reads logs.

use std::{fs::File, path::Path};

use evalmark_report::dataset::{ParquetRows, parquet_rows_of};

use super::{CHUNK, lines::Lines};

/// The rows of a file that are left.
pub(super) struct RowLines {
    rows: ParquetRows,
    has_ended: bool,
}

impl RowLines {
    /// Those behind the first so many.
    pub(super) fn open(path: &Path, file: File, read: u64) -> Result<Self, String> {
        let mut rows = parquet_rows_of(path, file).map_err(|error| error.to_string())?;
        for _ in 0..read {
            if let Some(Err(error)) = rows.next() {
                return Err(error.to_string());
            }
        }
        Ok(Self { rows, has_ended: false })
    }

    /// The next rows; what is taken counts rows.
    pub(super) fn next(&mut self) -> Result<Option<Lines>, String> {
        let mut lines = Lines::default();
        while !self.has_ended && lines.bytes.len() < CHUNK {
            match self.rows.next() {
                Some(Ok(row)) => {
                    // Values of a row always make JSON.
                    let json = serde_json::to_string(&row).unwrap_or_default();
                    lines.bytes.extend_from_slice(json.as_bytes());
                    lines.bytes.push(b'\n');
                    lines.n += 1;
                }
                Some(Err(error)) if lines.n == 0 => {
                    self.has_ended = true;
                    return Err(error.to_string());
                }
                // The rows before it come first.
                None | Some(Err(_)) => self.has_ended = true,
            }
        }
        lines.taken = lines.n;
        Ok((lines.n > 0).then_some(lines))
    }
}
