//! What must not be null is an error where it is, and never a zero or an empty text.

use std::{fs::File, path::Path};

use super::{
    ReadError,
    run_values::{read_confusion, read_run_values},
    samples::samples,
    scores::{for_each_score, score_records},
    summary::read_summary,
    table::{Cell, TableWriter},
};
use crate::columns::{CONFUSION, Column, Kind, RUN_VALUES, SAMPLES, SCORES, SUMMARY};

/// Writes a row in which all that may be null is null, and `null` too.
pub(super) fn write(path: &Path, columns: &[Column], null: &str, filled: &[&str]) {
    let out = File::create(path).expect("a file");
    let named = columns.iter().map(|column| (column.name, column.kind));
    let mut table = TableWriter::create(path, out, named).expect("a table");
    let cell = |column: &Column| {
        let is_null = column.name == null || column.nullable && !filled.contains(&column.name);
        match column.kind {
            Kind::Text if is_null => Cell::Text(None),
            Kind::Text if column.name == "outcome" => Cell::text("answered"),
            Kind::Text => Cell::text("{}"),
            Kind::Texts => Cell::Texts(Some(&[])),
            Kind::Floats => Cell::Floats(None),
            Kind::Time => Cell::Time((!is_null).then_some(1)),
            Kind::Float => Cell::Float((!is_null).then_some(0.5)),
            Kind::Int64 => Cell::Int64((!is_null).then_some(1)),
            Kind::Int32 => Cell::Int32((!is_null).then_some(1)),
            Kind::Bool => Cell::Bool((!is_null).then_some(true)),
        }
    };
    table.push(columns.iter().map(cell)).expect("a row");
    table.finish().expect("a file");
}

fn check(
    columns: &[Column],
    nulls: &[&str],
    filled: &[&str],
    read: impl Fn(&Path) -> Result<(), ReadError>,
) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file.parquet");
    write(&path, columns, "", filled);
    read(&path).expect("a whole row");
    for null in nulls {
        write(&path, columns, null, filled);
        let error = read(&path).expect_err(null).to_string();
        assert!(error.contains(null) && error.contains("is null"), "{null}: {error}");
    }
}

#[test]
fn counts_are_never_zero_for_want_of_a_value() {
    check(&SUMMARY, &["n_planned", "n_scored", "n_missing"], &[], |path| {
        read_summary(path).map(drop)
    });
    let estimate = ["mean", "ci_method", "n_items"];
    check(&SUMMARY, &["ci_method", "n_items"], &estimate, |path| read_summary(path).map(drop));
    let estimate = ["estimate", "ci_method", "n_items"];
    check(&RUN_VALUES, &["ci_method", "n_items"], &estimate, |path| {
        read_run_values(path).map(drop)
    });
    check(&CONFUSION, &["count"], &[], |path| read_confusion(path).map(drop));
}

#[test]
fn answers_and_scores_are_whole() {
    let nulls = ["item_id", "item_hash", "epoch", "invalid"];
    check(&SCORES, &nulls, &[], |path| for_each_score::<ReadError>(path, |_| Ok(())));
    check(&SCORES, &["invalid"], &[], |path| {
        score_records(path)?.try_for_each(|row| row.map(drop))
    });
    check(&SAMPLES, &["attempts", "queue_ms", "backoff_ms"], &[], |path| {
        samples(path)?.try_for_each(|row| row.map(drop))
    });
}
