//! Datasets as pandas, polars and pyarrow write them: the same rows in every format. `files/frames/write.py`
//! wrote them, and `versions.json` says with which versions.

use std::{fs, fs::File, path::PathBuf};

use evalmark_core::fields::Fields;
use evalmark_report::{arrow::arrow_rows_of, dataset::parquet_rows};
use serde_json::Value;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/files/frames").join(name)
}

/// The rows, with numbers as they stand in the file.
fn read(name: &str) -> Result<Vec<Value>, String> {
    let as_json = |row: Fields| serde_json::to_value(&row).map_err(|error| error.to_string());
    if name.ends_with(".parquet") {
        let rows = parquet_rows(&path(name)).map_err(|error| error.to_string())?;
        return rows.map(|row| as_json(row.map_err(|error| error.to_string())?)).collect();
    }
    let file = File::open(path(name)).expect("a file");
    let rows = arrow_rows_of(&path(name), file).map_err(|error| error.to_string())?;
    rows.map(|row| as_json(row.map_err(|error| error.to_string())?)).collect()
}

/// The texts of all columns: what a prompt shows of them.
fn texts(name: &str) -> Vec<Vec<Option<String>>> {
    let text = |fields: &Fields| {
        let cells = fields.keys().map(|column| fields.cell(column).expect("a cell"));
        cells.map(|cell| cell.text().expect("usable").map(Into::into)).collect()
    };
    if name.ends_with(".parquet") {
        let rows = parquet_rows(&path(name)).expect("opens");
        return rows.map(|row| text(&row.expect("a row"))).collect();
    }
    let rows = arrow_rows_of(&path(name), File::open(path(name)).expect("a file")).expect("opens");
    rows.map(|row| text(&row.expect("a row"))).collect()
}

const FILES: [&str; 8] = [
    "pyarrow.parquet",
    "pandas.parquet",
    "polars.parquet",
    "pyarrow.feather",
    "pandas.feather",
    "pyarrow.arrows",
    "polars.arrow",
    "polars.arrows",
];

#[test]
fn rows_are_what_was_written() {
    let expected = fs::read_to_string(path("rows.jsonl")).expect("a file");
    let expected: Vec<Value> =
        expected.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for name in FILES {
        let rows = read(name).expect(name);
        assert_eq!(rows.len(), expected.len(), "{name}");
        for (row, expected) in rows.iter().zip(&expected) {
            for (column, value) in expected.as_object().expect("an object") {
                // A decimal is a number here, and a text with the same digits in the file of values.
                let as_written = match (&row[column], value) {
                    (Value::Number(number), Value::String(text)) => {
                        number.as_f64() == text.parse().ok()
                    }
                    (found, value) => found == value,
                };
                assert!(as_written, "{name}, `{column}`: {} is not {value}", row[column]);
            }
        }
        let price = |row: usize| texts(name)[row][2].clone();
        assert_eq!((price(0).as_deref(), price(2).as_deref()), (Some("12.50"), Some("-0.05")));
        assert!(texts(name).iter().all(|row| row.len() == 15), "{name}");
    }
}

#[test]
fn arrow_files_that_are_cut_off_are_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in FILES.into_iter().filter(|name| !name.ends_with(".parquet")) {
        let whole = fs::read(path(name)).expect("a file");
        for length in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
            let cut = folder.path().join("cut.arrow");
            fs::write(&cut, &whole[..length]).expect("written");
            let file = File::open(&cut).expect("a file");
            let outcome = arrow_rows_of(&cut, file)
                .and_then(|mut rows| rows.try_fold(0, |n, row| row.map(|_| n + 1)));
            // The last bytes of a file repeat how it begins, and those of a stream say that it ends.
            assert!(
                outcome.is_err() || length + 8 > whole.len(),
                "{name} at {length}: {outcome:?}"
            );
        }
    }
}
