//! Datasets in Parquet, as other tools write them.

use std::{fs::File, path::Path};

use evalmark_core::fields::Fields;
use evalmark_report::dataset::parquet_rows;
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
    parquet_rows(path).unwrap().map(|row| Value::Object((*row.unwrap()).clone())).collect()
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

/// The rows of a file that another tool wrote.
fn written(name: &str) -> Vec<Fields> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name);
    parquet_rows(&path).unwrap().map(Result::unwrap).collect()
}

#[track_caller]
fn text(row: &Fields, name: &str) -> Result<String, String> {
    let cells = row.find(name).unwrap();
    Ok(cells[0].text()?.map_or_else(|| "-".to_owned(), std::borrow::Cow::into_owned))
}

#[test]
fn bytes_that_are_not_text_are_an_error_only_where_they_are_used() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("data.parquet");
    let bytes: [&[u8]; 2] = [b"text without a label", &[0xff, 0]];
    write(&path, vec![column("id", ["a", "b"]), column("picture", &bytes[..])]);
    let rows: Vec<_> = parquet_rows(&path).unwrap().map(Result::unwrap).collect();
    assert_eq!(text(&rows[0], "picture").as_deref(), Ok("text without a label"));
    assert_eq!(text(&rows[1], "id").as_deref(), Ok("b"));
    let error = text(&rows[1], "picture").unwrap_err();
    assert_eq!(error, "`picture` holds bytes that are not text; save it as text");
}

#[test]
fn infinity_is_an_error_only_where_it_is_used() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("data.parquet");
    let single = [f32::NEG_INFINITY, 0.5];
    let lists = [Series::new("".into(), [1.0, f64::INFINITY]), Series::new("".into(), [2.0])];
    let number = column("number", [f64::INFINITY, f64::NAN]);
    write(
        &path,
        vec![column("id", ["a", "b"]), number, column("single", single), column("list", lists)],
    );
    let rows: Vec<_> = parquet_rows(&path).unwrap().map(Result::unwrap).collect();
    assert_eq!(text(&rows[0], "id").as_deref(), Ok("a"));
    for (name, place) in [("number", "number"), ("single", "single"), ("list", "list.1")] {
        let error = text(&rows[0], name).unwrap_err();
        assert_eq!(error, format!("`{place}` is infinite; write a number or null"));
    }
    // A dataframe's null.
    assert_eq!(rows[1]["number"], Value::Null);
    assert_eq!(text(&rows[1], "list").as_deref(), Ok("[2.0]"));
}

#[test]
fn what_pyarrow_writes_is_read_as_it_stands() {
    let rows = written("pyarrow.parquet");
    let check = |name: &str, first: &str, second: &str| {
        assert_eq!(text(&rows[0], name).as_deref(), Ok(first), "{name}");
        assert_eq!(text(&rows[1], name).as_deref(), Ok(second), "{name}");
    };
    check("dec", "5.00", "12345678901234567890.12");
    check("dec9", "1.10", "-0.50");
    check("dec0", "7", "98765432109876543210");
    check("u64", "18446744073709551615", "1");
    check("f32", "0.1", "16777216.0");
    check("f64", "0.1", "-");
    check("ts_ms", "2024-02-29T12:34:56", "-");
    check("ts_us_tz", "2024-02-29T12:34:56.5Z", "-");
    check("ts_ns", "1970-01-01T00:00:00.000000001", "-");
    check("date", "2024-02-29", "-");
    check("time", "01:02:03.5", "-");
    check("dur", "PT1.5S", "-");
    check("list", "[1.10,2.20]", "-");
    check("struct.a", "3.30", "-");
    check("cat", "x", "y");
    check("null", "-", "-");
    check("bool", "true", "false");
    assert!(text(&rows[0], "bin").unwrap_err().contains("`bin` holds bytes that are not text"));
    check_json(&rows[0], "map", "[{\"key\":\"k\",\"value\":1}]");
}

#[track_caller]
fn check_json(row: &Fields, name: &str, expected: &str) {
    assert_eq!(text(row, name).as_deref(), Ok(expected));
}

#[test]
fn integers_of_128_bits_and_durations_are_what_polars_wrote() {
    let rows = written("polars.parquet");
    assert_eq!(text(&rows[0], "i").as_deref(), Ok("170141183460469231731687303715884105727"));
    assert_eq!(text(&rows[1], "i").as_deref(), Ok("-5"));
    assert_eq!(text(&rows[0], "dur").as_deref(), Ok("PT1S"));
    assert_eq!(text(&rows[0], "cat").as_deref(), Ok("a"));
}

#[test]
fn a_column_that_cannot_be_read_is_an_error_only_where_it_is_used() {
    let rows = written("decimal256.parquet");
    assert_eq!(text(&rows[0], "id").as_deref(), Ok("1"));
    let error = text(&rows[0], "d").unwrap_err();
    assert!(error.contains("`d` holds decimals of 60 digits"), "{error}");
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
