//! Datasets in columns: the rows of a Parquet or Arrow file, for whoever reads datasets.

use std::{fs::File, path::Path};

use evalmark_core::dataset::{DatasetError, Format, Rows};

use super::{
    arrow::arrow_rows_of,
    dataset::{DatasetReadError, parquet_rows_of},
};

/// Reads an opened Parquet or Arrow file as rows; its path is for messages.
pub fn columnar_rows(path: &Path, file: File, format: Format) -> Result<Rows, DatasetError> {
    let owned = path.to_owned();
    let told = move |error: DatasetReadError| of_dataset(&owned, &error);
    if format == Format::Arrow {
        let rows = arrow_rows_of(path, file).map_err(&told)?;
        return Ok(Box::new(rows.map(move |row| row.map_err(&told))));
    }
    let rows = parquet_rows_of(path, file).map_err(&told)?;
    Ok(Box::new(rows.map(move |row| row.map_err(&told))))
}

/// The error of a dataset, which names its path itself.
fn of_dataset(path: &Path, error: &dyn std::fmt::Display) -> DatasetError {
    let (text, path_text) = (error.to_string(), path.display().to_string());
    let bare = text.strip_prefix(&path_text).map(|rest| rest.trim_start_matches([':', ' ']));
    DatasetError::of_file(path, bare.unwrap_or(&text))
}
