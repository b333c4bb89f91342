//! Datasets in Parquet, as other tools write them.

use std::{fs::File, path::Path};

use evalmark_core::fields::Fields;
use evalmark_report::dataset::parquet_rows;
use polars_arrow::{
    array::{
        Array, BinaryViewArray, BooleanArray, ListArray, PrimitiveArray, StructArray, Utf8ViewArray,
    },
    datatypes::{ArrowDataType, ArrowSchema, Field, TimeUnit},
    offset::Offsets,
    record_batch::RecordBatchT,
    types::NativeType,
};
use polars_parquet::write::{
    CompressionOptions, FileWriter, StatisticsOptions, Version, WriteOptions, get_dtype_encoding,
    row_group_iter,
};
use serde_json::{Value, json};
use tempfile::tempdir;

/// A column with its name.
type Column = (&'static str, Box<dyn Array>);

/// Writes these columns, in row groups of 3000 rows.
fn write(path: &Path, columns: &[Column]) {
    let fields = columns.iter().map(|(name, array)| {
        let field = Field::new((*name).into(), array.dtype().clone(), true);
        (field.name.clone(), field)
    });
    let schema: ArrowSchema = fields.collect();
    let options = WriteOptions {
        statistics: StatisticsOptions::default(),
        version: Version::V1,
        compression: CompressionOptions::Snappy,
        data_page_size: None,
    };
    let file = File::create(path).unwrap();
    let mut writer = FileWriter::try_new(file, schema.clone(), options).unwrap();
    let rows = columns.first().map_or(0, |(_, array)| array.len());
    for start in (0..rows).step_by(3_000) {
        let n = 3_000.min(rows - start);
        let arrays = columns.iter().map(|(_, array)| array.sliced(start, n)).collect();
        let group = RecordBatchT::try_new(n, schema.clone().into(), arrays).unwrap();
        let encodings = columns.iter().map(|(_, array)| get_dtype_encoding(array.dtype()));
        let types = writer.parquet_schema().fields().to_vec();
        let pages = row_group_iter(group, encodings.collect(), types, options);
        writer.write(n as u64, pages).unwrap();
    }
    writer.end(None).unwrap();
}

fn numbers<T: NativeType>(values: &[Option<T>]) -> Box<dyn Array> {
    PrimitiveArray::from(values).boxed()
}

fn texts(values: &[Option<&str>]) -> Box<dyn Array> {
    Utf8ViewArray::from_slice(values).boxed()
}

/// Lists of as many items each.
fn lists(items: Box<dyn Array>, lengths: &[usize]) -> Box<dyn Array> {
    let dtype = ListArray::<i64>::default_datatype(items.dtype().clone());
    let ends = Offsets::<i64>::try_from_lengths(lengths.iter().copied()).unwrap();
    ListArray::new(dtype, ends.into(), items, None).boxed()
}

fn rows(path: &Path) -> Vec<Value> {
    parquet_rows(path).unwrap().map(|row| Value::Object(row.unwrap().to_map())).collect()
}

#[test]
fn every_plain_type_becomes_json() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("data.parquet");
    let day = PrimitiveArray::from([Some(19_782_i32), None]).to(ArrowDataType::Date32);
    let at = ArrowDataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let at = PrimitiveArray::from([Some(1_709_210_096_500_i64), None]).to(at);
    let fields = vec![
        Field::new("x".into(), ArrowDataType::Int64, true),
        Field::new("y".into(), ArrowDataType::Utf8View, true),
    ];
    let parts = vec![numbers(&[Some(1_i64), Some(2)]), texts(&[Some("p"), Some("q")])];
    let object = StructArray::new(ArrowDataType::Struct(fields), 2, parts, None);
    write(
        &path,
        &[
            ("text", texts(&[Some("übel \"quoted\"\n"), None])),
            ("small", numbers(&[Some(-3_i8), None])),
            ("byte", numbers(&[Some(255_u8), None])),
            ("big", numbers(&[Some(u64::MAX), None])),
            ("number", numbers(&[Some(0.25_f64), Some(f64::NAN)])),
            ("single", numbers(&[Some(0.1_f32), None])),
            ("flag", BooleanArray::from([Some(true), None]).boxed()),
            ("day", day.boxed()),
            ("at", at.boxed()),
            ("tags", lists(texts(&[Some("a"), Some("b")]), &[2, 0])),
            ("object", object.boxed()),
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
    let bytes: [Option<&[u8]>; 2] = [Some(b"text without a label"), Some(&[0xff, 0])];
    let picture = BinaryViewArray::from_slice(bytes).boxed();
    write(&path, &[("id", texts(&[Some("a"), Some("b")])), ("picture", picture)]);
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
    let list = lists(numbers(&[Some(1.0), Some(f64::INFINITY), Some(2.0)]), &[2, 1]);
    write(
        &path,
        &[
            ("id", texts(&[Some("a"), Some("b")])),
            ("number", numbers(&[Some(f64::INFINITY), Some(f64::NAN)])),
            ("single", numbers(&[Some(f32::NEG_INFINITY), Some(0.5)])),
            ("list", list),
        ],
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
    let ids: Vec<_> = (0..10_000).map(|id| Some(format!("id-{id}"))).collect();
    let n: Vec<_> = (0..10_000_i64).map(Some).collect();
    write(&path, &[("id", Utf8ViewArray::from_slice(&ids).boxed()), ("n", numbers(&n))]);
    let rows = rows(&path);
    assert_eq!(rows.len(), 10_000);
    for (n, row) in rows.iter().enumerate() {
        assert_eq!(*row, json!({ "id": format!("id-{n}"), "n": n }));
    }
}

/// A file that is cut, or written anew, under its reader: the rows of what was read, and then an error that
/// names the row. A reader that maps the file would be killed.
#[test]
fn a_file_that_is_cut_while_it_is_read_is_an_error_at_its_row() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("data.parquet");
    let values: Vec<_> = (0..10_000).map(|i| Some(i64::from(i))).collect();
    for length in [0, 4, 1_000] {
        write(&path, &[("n", numbers(&values))]);
        let mut rows = parquet_rows(&path).unwrap();
        assert_eq!(rows.next().unwrap().unwrap()["n"], json!(0));
        File::options().write(true).open(&path).unwrap().set_len(length).unwrap();
        let n_read = rows.by_ref().take_while(Result::is_ok).count();
        assert_eq!(n_read, 2_999, "the first row group");
        write(&path, &[("n", numbers(&values))]);
        let mut rows = parquet_rows(&path).unwrap();
        assert_eq!(rows.by_ref().take(5_000).flatten().count(), 5_000);
        File::options().write(true).open(&path).unwrap().set_len(length).unwrap();
        let error = rows.find_map(Result::err).unwrap().to_string();
        let expected = "row 6001 and those behind it cannot be read: it was cut off, or is damaged";
        assert!(error.ends_with(expected), "{error}");
        assert!(rows.next().is_none());
    }
}

#[test]
fn a_dataset_without_rows_has_columns() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("data.parquet");
    write(&path, &[("id", texts(&[]))]);
    let mut read = parquet_rows(&path).unwrap();
    assert_eq!(read.columns(), ["id"]);
    assert!(read.next().is_none());
}
