//! Files that are damaged, cut short, or something else: a described error, never a panic.

use std::{fs, path::Path};

use evalmark_report::{
    ReadError,
    dataset::parquet_rows,
    samples::samples,
    scores::{for_each_score, score_records},
    summary::read_summary,
};
use tempfile::tempdir;

use crate::fixture::{write_samples, write_scores};

fn read_everything(path: &Path) -> Result<(), ReadError> {
    samples(path)?.try_for_each(|row| row.map(drop))
}

#[test]
fn a_file_cut_short_is_an_error() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("samples.parquet");
    write_samples(&path, 40);
    let whole = fs::read(&path).unwrap();
    for length in (0..whole.len()).step_by(97).chain(whole.len() - 12..whole.len()) {
        fs::write(&path, &whole[..length]).unwrap();
        let error = read_everything(&path).unwrap_err();
        assert!(matches!(error, ReadError::Damaged { .. }), "{length}: {error}");
    }
}

#[test]
fn a_flipped_bit_never_panics() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("samples.parquet");
    write_samples(&path, 40);
    let whole = fs::read(&path).unwrap();
    let mut described = 0;
    for position in (0..whole.len()).step_by(61) {
        let mut bytes = whole.clone();
        bytes[position] ^= 1 << (position % 8);
        fs::write(&path, &bytes).unwrap();
        if let Err(error) = read_everything(&path) {
            assert!(!error.to_string().is_empty());
            described += 1;
        }
        if let Ok(mut rows) = parquet_rows(&path) {
            let _ = rows.try_for_each(|row| row.map(drop));
        }
    }
    assert!(described > 0);
}

/// A length that polars believes could be that of all the memory there is.
#[test]
fn a_flipped_bit_in_the_pages_is_always_told() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("samples.parquet");
    write_samples(&path, 40);
    let whole = fs::read(&path).unwrap();
    let text = String::from_utf8_lossy(&whole);
    let (_, seal) = text.rsplit_once("evalmark.blake3").unwrap();
    let digits = seal.split_once(':').unwrap().0.trim_start_matches(|c: char| !c.is_ascii_digit());
    let pages: usize = digits.parse().unwrap();
    assert!((whole.len() / 4..whole.len()).contains(&pages), "{pages} of {}", whole.len());
    for position in (0..pages).step_by(43) {
        let mut bytes = whole.clone();
        bytes[position] ^= 1 << (position % 8);
        fs::write(&path, &bytes).unwrap();
        let error = read_everything(&path).err().map(|error| error.to_string());
        let is_told = |error: &String| error.ends_with("its content is not what was written");
        assert!(error.as_ref().is_some_and(is_told), "{position} of {}: {error:?}", whole.len());
    }
}

#[test]
fn what_is_not_parquet_is_an_error() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let check = |bytes: &[u8], expected: &str| {
        fs::write(&path, bytes).unwrap();
        let error = samples(&path).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(b"", "it is empty");
    check(b"id,text\n1,hello\n", "not a readable Parquet file");
    check(b"PAR1PAR1", "not a readable Parquet file");
    check(b"PAR1\xff\xff\xff\x7fPAR1", "not a readable Parquet file");
    check(&[0; 4096], "not a readable Parquet file");
}

#[test]
fn what_is_not_there_is_an_error() {
    let folder = tempdir().unwrap();
    let missing = samples(&folder.path().join("none.parquet")).err().unwrap();
    assert!(matches!(missing, ReadError::Io { .. }));
    let directory = samples(folder.path()).err().unwrap();
    assert!(matches!(directory, ReadError::Io { .. }), "{directory}");
}

#[test]
fn another_table_is_an_error_that_names_a_column() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("scores.parquet");
    write_scores(&path, 3);
    let error = samples(&path).err().unwrap();
    assert!(matches!(error, ReadError::MissingColumn { column, .. } if column == "prompt_hash"));
    assert!(read_summary(&path).is_err());
    write_samples(&path, 3);
    assert!(score_records(&path).is_err());
    let error = for_each_score(&path, |_| Ok::<_, ReadError>(())).err().unwrap();
    assert!(matches!(error, ReadError::MissingColumn { column, .. } if column == "metric"));
}
