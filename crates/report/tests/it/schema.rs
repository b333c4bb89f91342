//! The columns of the three files, as a reader finds them.

use std::{fmt::Write, fs::File, path::Path};

use evalmark_report::{
    columns::{Kind, Table},
    run_values::{ConfusionRow, RunValueRow, write_confusion, write_run_values},
    samples::{Layout, SamplesWriter},
    summary::{SummaryRow, write_summary},
};
use polars_arrow::datatypes::{ArrowDataType, TimeUnit};
use polars_parquet::read::{infer_schema, read_metadata};
use tempfile::tempdir;

use crate::fixture::{RUN, SLICES, names, row, sample, write_samples, write_scores};

/// One line per column: its name and type.
fn schema(path: &Path) -> String {
    let metadata = read_metadata(&mut File::open(path).unwrap()).unwrap();
    let mut out = String::new();
    for (name, field) in infer_schema(&metadata).unwrap().iter() {
        assert!(field.is_nullable, "{name}");
        writeln!(out, "{name:?}: {}", plain(field.dtype())).unwrap();
    }
    out
}

fn plain(dtype: &ArrowDataType) -> String {
    use ArrowDataType as T;
    let kind = match dtype {
        T::Utf8View => Kind::Text,
        T::LargeList(item) if *item.dtype() == T::Utf8View => Kind::Texts,
        T::LargeList(item) if *item.dtype() == T::Float64 => Kind::Floats,
        T::Timestamp(TimeUnit::Microsecond, Some(zone)) => {
            assert!(["UTC", "+00:00"].contains(&zone.as_str()), "{zone:?}");
            Kind::Time
        }
        T::Float64 => Kind::Float,
        T::Int64 => Kind::Int64,
        T::Int32 => Kind::Int32,
        T::Boolean => Kind::Bool,
        other => panic!("{other:?} is no plain type"),
    };
    kind.to_string()
}

/// The same, from the documentation.
fn documented(table: Table) -> String {
    let columns = table.columns();
    let fixed = columns.iter().filter(|column| !column.name.contains('<'));
    fixed.fold(String::new(), |mut out, column| {
        writeln!(out, "{:?}: {}", column.name, column.kind).unwrap();
        out
    })
}

#[test]
fn samples() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("samples.parquet");
    write_samples(&path, 10);
    let found = schema(&path);
    let (fixed, input) = (documented(Table::Samples), "\"input\": string\n");
    assert!(found.starts_with(fixed.strip_suffix(input).unwrap()));
    assert!(found.ends_with(input), "new columns stand at the end");
    insta::assert_snapshot!(found);
}

#[test]
fn scores() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("scores.parquet");
    write_scores(&path, 10);
    let found = schema(&path);
    assert_eq!(found, documented(Table::Scores));
    insta::assert_snapshot!(found);
}

#[test]
fn summary() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("summary.parquet");
    write_summary(&path, File::create(&path).unwrap(), RUN, &[SummaryRow::default()]).unwrap();
    let found = schema(&path);
    assert_eq!(found, documented(Table::Summary));
    insta::assert_snapshot!(found);
}

#[test]
fn run_values() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("run_values.parquet");
    write_run_values(&path, File::create(&path).unwrap(), RUN, &[RunValueRow::default()]).unwrap();
    let found = schema(&path);
    assert_eq!(found, documented(Table::RunValues));
    insta::assert_snapshot!(found);
}

#[test]
fn confusion() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("confusion.parquet");
    write_confusion(&path, File::create(&path).unwrap(), RUN, &[ConfusionRow::default()]).unwrap();
    let found = schema(&path);
    assert_eq!(found, documented(Table::Confusion));
    insta::assert_snapshot!(found);
}

#[test]
fn row_groups_are_bounded_and_end_by_count() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("scores.parquet");
    write_scores(&path, 50_000);
    assert_eq!(row_groups(&path), [24_576, 24_576, 24_576, 24_576, 1_696]);
}

#[test]
fn long_answers_end_a_row_group_earlier() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("samples.parquet");
    let layout = Layout { run_id: "r", suite: "s", metrics: &[], slices: &names(&SLICES) };
    let mut writer = SamplesWriter::create(&path, File::create(&path).unwrap(), &layout).unwrap();
    let mut long = sample(0);
    long.scores.clear();
    long.record.output = Some("a".repeat(5 << 20));
    for _ in 0..8 {
        writer.push(&row(&long)).unwrap();
    }
    writer.finish().unwrap();
    assert_eq!(row_groups(&path), [7, 1]);
}

fn row_groups(path: &Path) -> Vec<usize> {
    let metadata = read_metadata(&mut File::open(path).unwrap()).unwrap();
    // Its Arrow types would be views, which pandas cannot read.
    let entries = metadata.key_value_metadata.iter().flatten();
    assert_eq!(entries.map(|entry| entry.key.as_str()).collect::<Vec<_>>(), ["evalmark.blake3"]);
    let mut rows = Vec::new();
    for group in &metadata.row_groups {
        rows.push(group.num_rows());
    }
    rows
}
