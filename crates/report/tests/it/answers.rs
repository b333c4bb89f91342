//! The answers that a baseline keeps: a copy of a few columns of the samples.

use std::fs::{self, File};

use evalmark_report::{
    ReadError,
    answers::{CopiedAnswers, copy_answers, for_each_answer},
};
use tempfile::tempdir;

use crate::fixture::{sample, write_samples};

/// Id, epoch, outcome and output of every answer of a file.
fn read(path: &std::path::Path) -> Vec<(String, u32, String, Option<String>)> {
    let mut all = Vec::new();
    for_each_answer::<ReadError>(path, |answer| {
        let output = answer.output.map(str::to_owned);
        all.push((answer.item_id.to_owned(), answer.epoch, answer.outcome.to_owned(), output));
        Ok(())
    })
    .unwrap();
    all
}

#[test]
fn a_copy_holds_the_answers_and_no_more() {
    let folder = tempdir().unwrap();
    let (samples, copy) =
        (folder.path().join("samples.parquet"), folder.path().join("answers.parquet"));
    write_samples(&samples, 50);
    let out = File::create(&copy).unwrap();
    let CopiedAnswers::Written { digest } = copy_answers(&samples, &copy, out, None).unwrap()
    else {
        panic!("it is small")
    };
    assert_eq!(digest, blake3::hash(&fs::read(&copy).unwrap()).to_string());
    let answers = read(&copy);
    assert_eq!(answers, read(&samples), "both are read alike");
    let expected: Vec<_> = (0..50)
        .map(sample)
        .map(|written| {
            let outcome = written.outcome.as_str().to_owned();
            let output = written.record.output;
            (written.item.id.to_string(), written.request.epoch, outcome, output)
        })
        .collect();
    assert_eq!(answers, expected);
    assert!(fs::metadata(&copy).unwrap().len() < fs::metadata(&samples).unwrap().len());
}

#[test]
fn a_copy_that_grows_too_large_is_none() {
    let folder = tempdir().unwrap();
    let (samples, copy) =
        (folder.path().join("samples.parquet"), folder.path().join("answers.parquet"));
    write_samples(&samples, 50);
    let copied = |most_bytes| {
        copy_answers(&samples, &copy, File::create(&copy).unwrap(), most_bytes).unwrap()
    };
    copied(None);
    let size = fs::metadata(&copy).unwrap().len();
    assert!(matches!(copied(Some(size)), CopiedAnswers::Written { .. }));
    assert_eq!(copied(Some(size - 1)), CopiedAnswers::TooLarge);
}
