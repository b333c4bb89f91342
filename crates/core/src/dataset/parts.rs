//! Several files that are read as one dataset: their rows, one file after the other.

use std::collections::BTreeSet;

use super::{
    DatasetError, FileSpec,
    raw_rows::{RawRow, RawRows},
};
use crate::fields::Fields;

/// The rows of all files.
pub(super) struct PartRows {
    spec: FileSpec,
    /// The file that is read next.
    next: usize,
    rows: Option<RawRows>,
    /// Whether the next row is the first of its file.
    is_first: bool,
    /// The columns of the first file.
    columns: Option<BTreeSet<String>>,
    done: bool,
}

impl PartRows {
    pub(super) fn new(spec: FileSpec) -> Self {
        Self { spec, next: 0, rows: None, is_first: true, columns: None, done: false }
    }

    /// The next row; `None` behind the last file.
    fn read(&mut self) -> Result<Option<RawRow>, DatasetError> {
        loop {
            if let Some(row) = self.rows.as_mut().and_then(Iterator::next) {
                let row = row?;
                if !std::mem::take(&mut self.is_first) {
                    return Ok(Some(row));
                }
                let fields = row.fields()?;
                self.same_columns(&fields)?;
                return Ok(Some(RawRow::Made(fields)));
            }
            let Some(part) = self.spec.parts.get(self.next) else { return Ok(None) };
            self.rows = Some(self.spec.part(part).raw_rows()?);
            self.next += 1;
            self.is_first = true;
        }
    }

    /// Whether a file has the columns of the first one.
    fn same_columns(&mut self, row: &Fields) -> Result<(), DatasetError> {
        if !self.spec.format.has_columns() {
            return Ok(());
        }
        let here: BTreeSet<String> = row.keys().cloned().collect();
        let Some(first) = &self.columns else {
            self.columns = Some(here);
            return Ok(());
        };
        if *first == here {
            return Ok(());
        }
        let named = |columns: Vec<&String>| {
            columns.iter().map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ")
        };
        let lacking: Vec<_> = first.difference(&here).collect();
        let added: Vec<_> = here.difference(first).collect();
        let mut differs = Vec::new();
        if !lacking.is_empty() {
            differs.push(format!("lacks {}", named(lacking)));
        }
        if !added.is_empty() {
            differs.push(format!("has {} besides", named(added)));
        }
        let origin = |at: usize| self.spec.parts.get(at).map(|part| part.origin.clone());
        let file = origin(self.next - 1).unwrap_or_default();
        let first = origin(0).unwrap_or_default();
        let message = format!(
            "has other columns than {}: it {}; files of one dataset have the same columns",
            first.display(),
            differs.join(" and "),
        );
        Err(DatasetError::of_file(&file, message))
    }
}

impl Iterator for PartRows {
    type Item = Result<RawRow, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let row = self.read().transpose();
        self.done = !matches!(row, Some(Ok(_)));
        row
    }
}
