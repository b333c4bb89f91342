//! The example runs the quickstart and reads its verdict.

use std::{
    path::{Path, PathBuf},
    sync::Mutex,
};

use evalmark_core::verdict::Answer;
use evalmark_runner::{Notice, NoticeLevel};

use crate::example;

fn quickstart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../suites/quickstart.yaml")
}

#[test]
fn the_example_reads_a_verdict() {
    let out = tempfile::tempdir().expect("a folder");
    let heard = Mutex::new((0, Vec::new()));
    let hear = |notice: &Notice<'_>| {
        let mut heard = heard.lock().expect("no panic before");
        match notice {
            Notice::Asked { .. } => heard.0 += 1,
            _ if notice.level() == NoticeLevel::Warning => heard.1.push(notice.to_string()),
            _ => {}
        }
    };
    let verdict = example::verdict(&quickstart(), out.path(), &hear).expect("a run");
    let verdict = verdict.expect("a verdict");
    assert_eq!(verdict.answer, Answer::Improved, "{}", verdict.says);
    assert_eq!(verdict.suite, "quickstart");
    let (asked, warnings) = heard.into_inner().expect("no panic");
    let planned = verdict.comparisons.iter().map(|one| one.counts.candidate_planned).max();
    assert!(asked >= planned.expect("a comparison"), "{asked}");
    assert_eq!(warnings, Vec::<String>::new());
    let run = out.path().join("quickstart").join(&verdict.run_id);
    for file in ["run.json", "samples.parquet", "scores.parquet", "verdict.json", "report.html"] {
        assert!(run.join(file).is_file(), "{file}");
    }
}

#[test]
fn mistakes_are_errors_with_advice() {
    let out = tempfile::tempdir().expect("a folder");
    let missing = out.path().join("none.yaml");
    let error = example::verdict(&missing, out.path(), &|_| {}).expect_err("no suite");
    assert!(error.to_string().contains("none.yaml"), "{error}");
    assert_eq!(error.ending(), None);
}
