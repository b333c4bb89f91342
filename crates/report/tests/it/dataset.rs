//! Datasets in Parquet, as other tools write them.

use std::{fs::File, path::Path};

use evalmark_report::dataset::{DatasetReadError, parquet_rows};
use polars::prelude::{
    Column, DataFrame, DataType, Int64Chunked, IntoColumn, IntoSeries, NamedFrom, NewChunkedArray,
    ParquetWriter, Series, StringChunked, StructChunked, TimeUnit, TimeZone, UInt8Chunked,
};
use serde_json::{Value, json};
use tempfile::tempdir;

fn write(path: &Path, columns: Vec<Column>) {
    let mut frame = DataFrame::new_infer_height(columns).unwrap();
    let file = File::create(path).unwrap();
    ParquetWriter::new(file).with_row_group_size(Some(3_000)).finish(&mut frame).unwrap();
}

fn column<T, Phantom: ?Sized>(name: &str, values: T) -> Column
where
    Series: NamedFrom<T, Phantom>,
{
    Series::new(name.into(), values).into_column()
}

fn rows(path: &Path) -> Vec<Value> {
    parquet_rows(path).unwrap().map(|row| Value::Object(row.unwrap())).collect()
}

#[test]
fn every_plain_type_becomes_json() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("data.parquet");
    let day = column("day", [Some(19_782_i32), None]).cast(&DataType::Date).unwrap();
    let at = [Some(1_709_210_096_500), None];
    let at = Int64Chunked::from_slice_options("at".into(), &at)
        .into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC))
        .into_series();
    let tags = [Series::new("".into(), ["a", "b"]), Series::new("".into(), [""; 0])];
    let fields = [Series::new("x".into(), [1_i64, 2]), Series::new("y".into(), ["p", "q"])];
    let object = StructChunked::from_series("object".into(), 2, fields.iter()).unwrap();
    write(
        &path,
        vec![
            column("text", [Some("übel \"quoted\"\n"), None]),
            column("small", [Some(-3_i8), None]),
            UInt8Chunked::from_slice_options("byte".into(), &[Some(255), None]).into_column(),
            column("big", [Some(u64::MAX), None]),
            column("number", [Some(0.25_f64), Some(f64::NAN)]),
            column("single", [Some(0.1_f32), None]),
            column("flag", [Some(true), None]),
            day,
            at.into_column(),
            column("tags", tags),
            object.into_column(),
        ],
    );
    let read = parquet_rows(&path).unwrap();
    assert_eq!(read.columns()[..3], ["text", "small", "byte"]);
    let expected = json!([
        {
            "text": "übel \"quoted\"\n", "small": -3, "byte": 255, "big": u64::MAX, "number": 0.25,
            "single": 0.1, "flag": true, "day": "2024-02-29", "at": "2024-02-29T12:34:56.5Z",
            "tags": ["a", "b"], "object": { "x": 1, "y": "p" }
        },
        {
            "text": null, "small": null, "byte": null, "big": null, "number": null,
            "single": null, "flag": null, "day": null, "at": null,
            "tags": [], "object": { "x": 2, "y": "q" }
        }
    ]);
    let text = serde_json::to_string(&rows(&path)).unwrap();
    // As text, because the order of the columns counts.
    assert_eq!(text, expected.to_string());
}

#[test]
fn bytes_that_are_no_text_are_an_error_that_names_the_column() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("data.parquet");
    let bytes: [&[u8]; 2] = [b"text without a label", &[0xff, 0]];
    write(&path, vec![column("picture", &bytes[..1])]);
    assert_eq!(rows(&path), [json!({ "picture": "text without a label" })]);
    write(&path, vec![column("id", ["a", "b"]), column("picture", &bytes[..])]);
    let error = parquet_rows(&path).unwrap().find_map(Result::err).unwrap();
    assert!(matches!(&error, DatasetReadError::UnsupportedType { column, found, .. }
        if column == "picture" && found == "bytes that are not text"));
}

#[test]
fn rows_come_in_order_across_row_groups() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("data.parquet");
    let ids: StringChunked = (0..10_000).map(|id| Some(format!("id-{id}"))).collect();
    let ids = ids.with_name("id".into()).into_column();
    write(&path, vec![ids, column("n", (0..10_000_i64).collect::<Vec<_>>())]);
    let rows = rows(&path);
    assert_eq!(rows.len(), 10_000);
    for (n, row) in rows.iter().enumerate() {
        assert_eq!(*row, json!({ "id": format!("id-{n}"), "n": n }));
    }
}

#[test]
fn a_dataset_without_rows_has_columns() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("data.parquet");
    write(&path, vec![column("id", [""; 0])]);
    let mut read = parquet_rows(&path).unwrap();
    assert_eq!(read.columns(), ["id"]);
    assert!(read.next().is_none());
}
