//! Several files that are one dataset, as one snapshot: their rows as JSON Lines, one file after the
//! other.

use std::path::PathBuf;

use evalmark_core::{
    dataset::{FileSpec, Format},
    fields::Fields,
    files::FileAccess,
    source::SourceError,
};
use evalmark_report::columnar::columnar_rows;

use super::{
    json_rows::JsonRows,
    snapshots::{Snapshots, advised, failed},
};

/// One of the files.
pub(super) struct Part {
    /// Where it is, unpacked.
    pub(super) path: PathBuf,
    /// Its name at its source, which tells the format.
    pub(super) name: String,
    /// What messages call it.
    pub(super) origin: String,
    /// Whether it is one of evalmark's own snapshots, and no file of the user's.
    pub(super) is_kept: bool,
}

/// The rows of all files.
pub(super) struct JoinedRows {
    pub(super) rows: JsonRows,
    /// What is wrong with the first value that cannot be used, and is null; such as bytes.
    pub(super) unusable: Option<String>,
}

impl JoinedRows {
    /// How many rows there are, and what they lack, for whoever fetched them.
    pub(super) fn told(&self) -> String {
        let lacking = self.unusable.as_ref();
        let lacking = lacking.map(|why| format!(" (what cannot be read is left empty: {why})"));
        format!("{} rows{}", self.rows.n_rows(), lacking.unwrap_or_default())
    }
}

/// The rows of all parts, each as `edit` makes it.
pub(super) fn joined(
    snapshots: &Snapshots,
    parts: &[Part],
    access: &FileAccess,
    mut edit: impl FnMut(Fields) -> Result<Fields, String>,
) -> Result<JoinedRows, SourceError> {
    let format = same_format(parts)?;
    let mut rows = JsonRows::receive(snapshots, Vec::new())?;
    let mut unusable = None;
    for part in parts {
        let access = if part.is_kept { FileAccess::unlimited() } else { access.clone() };
        let file = FileSpec {
            origin: PathBuf::from(&part.origin),
            ..FileSpec::new(part.path.clone(), format, columnar_rows, access)
        };
        let of_part = file.rows().map_err(|error| failed(error.to_string()))?;
        for (at, row) in of_part.enumerate() {
            let row = row.map_err(|error| failed(error.to_string()))?;
            let kept = edit(row).and_then(|row| {
                if unusable.is_none() {
                    unusable = row.problem();
                }
                rows.push_fields(&row)
            });
            kept.map_err(|why| failed(format!("{}, row {}: {why}", part.origin, at + 1)))?;
        }
    }
    Ok(JoinedRows { rows, unusable })
}

/// The format that all files have.
fn same_format(parts: &[Part]) -> Result<Format, SourceError> {
    let mut known: Option<(Format, &Part)> = None;
    for part in parts {
        let Some(format) = Format::of(part.name.as_ref()) else {
            let message = format!("{} has no ending that tells its format", part.origin);
            return Err(advised(
                &message,
                "name files that end in .csv, .jsonl, .parquet or the like",
            ));
        };
        match known {
            None => known = Some((format, part)),
            Some((first, other)) if first != format => {
                let message = format!("{} and {} are of two formats", other.origin, part.origin);
                return Err(advised(&message, "name files of one format: `data/*.parquet`"));
            }
            Some(_) => {}
        }
    }
    known.map(|(format, _)| format).ok_or_else(|| failed("there are no files to read"))
}
