//! Runs that become baselines, and where those are found.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use evalmark_store::{
    StoreError,
    baseline::{
        AnswersCopy, Baseline, BaselineError, CopySamples, PromoteError, Promotion, WantedBaseline,
        list, promote,
    },
    durable::NewFileWriter,
    integrity::{IntegrityError, unchanged},
    run_folder::RunFolder,
    run_record::RunStatus,
};
use tempfile::tempdir;

use crate::setup::{finished, keep};

/// Copies that stand for Parquet, without the answers where there is a reason.
struct Copies {
    left_out: Option<&'static str>,
}

impl CopySamples for Copies {
    type Error = io::Error;

    fn usage(&self, _: &Path, _: &Path, mut out: NewFileWriter) -> io::Result<String> {
        out.write_all(b"usage")?;
        Ok(blake3::hash(b"usage").to_string())
    }

    fn answers(&self, _: &Path, _: &Path, mut out: NewFileWriter) -> io::Result<AnswersCopy> {
        out.write_all(b"answers")?;
        let digest = blake3::hash(b"answers").to_string();
        let kept = AnswersCopy::Kept { digest };
        Ok(self.left_out.map_or(kept, |why| AnswersCopy::LeftOut(why.to_owned())))
    }
}

fn promoted(run: &RunFolder, name: &str, force: bool) -> Result<PathBuf, StoreError> {
    promote(Promotion { run: &run.path, name, force, out: None }, keep, &Copies { left_out: None })
}

fn wanted(out: &Path, name: &str, suite: &str) -> WantedBaseline {
    WantedBaseline {
        name: name.to_owned(),
        suite: suite.to_owned(),
        of_suite: None,
        out: out.to_owned(),
        suite_file: out.join("suite.yaml"),
        dataset_hash: "another".to_owned(),
        metrics: vec!["exact".to_owned()],
    }
}

#[test]
fn a_promoted_run_is_found_and_listed() {
    let out = tempdir().unwrap();
    let run = finished(out.path(), "suite", "run-1");
    let path = promoted(&run, "main", false).unwrap();
    let found = Baseline::find(&wanted(out.path(), "main", "suite")).unwrap().unwrap();
    assert_eq!((&found.folder.path, found.digest.len()), (&path, 12));
    assert_eq!(found.record.run_id, "run-1");
    // Where this machine keeps its files is not told.
    let kept = fs::read_to_string(found.folder.record()).unwrap();
    assert!(!kept.contains("someone"), "{kept}");
    let listed = list(out.path()).unwrap();
    let listed: Vec<_> = listed.iter().map(|one| (&*one.suite, &*one.name)).collect();
    assert_eq!(listed, [("suite", "main")]);
    let error = found.is_another_than(&run, &found.record).unwrap_err();
    assert!(error.to_string().contains("made from this very run"), "{error}");
}

/// Its digest stands for its scores, too, where `run.json` does not hold theirs.
#[test]
fn a_baseline_without_digests_is_not_read_without_its_scores() {
    let out = tempdir().unwrap();
    let path = promoted(&finished(out.path(), "suite", "run-1"), "main", false).unwrap();
    let text = fs::read_to_string(path.join("run.json")).unwrap();
    let earlier = text.replacen("\"format_version\": 2", "\"format_version\": 1", 1);
    assert_ne!(text, earlier);
    fs::write(path.join("run.json"), earlier).unwrap();
    let main = || Baseline::get(&wanted(out.path(), "main", "suite"));
    let whole = main().unwrap().digest;
    fs::write(path.join("scores.parquet"), "others").unwrap();
    assert_ne!(main().unwrap().digest, whole);
    fs::remove_file(path.join("scores.parquet")).unwrap();
    let error = main().unwrap_err().to_string();
    assert!(error.contains("scores.parquet"), "{error}");
}

#[test]
fn a_baseline_keeps_its_answers_or_says_why_not() {
    let out = tempdir().unwrap();
    let run = finished(out.path(), "suite", "run-1");
    promoted(&run, "main", false).unwrap();
    let main = Baseline::get(&wanted(out.path(), "main", "suite")).unwrap();
    assert_eq!(main.folder.answers(), main.folder.path.join("answers.parquet"));
    assert_eq!(fs::read(main.folder.answers()).unwrap(), b"answers");
    assert_eq!(main.record.answers_left_out, None);
    unchanged(&main.folder, &main.record, &[main.folder.answers()]).unwrap();
    fs::write(main.folder.answers(), "changed").unwrap();
    unchanged(&main.folder, &main.record, &[main.folder.answers()]).unwrap_err();
    let without = Copies { left_out: Some("they are private") };
    promote(Promotion { run: &run.path, name: "main", force: true, out: None }, keep, &without)
        .unwrap();
    let main = Baseline::get(&wanted(out.path(), "main", "suite")).unwrap();
    assert_eq!(main.record.answers_left_out.as_deref(), Some("they are private"));
    // Neither the earlier ones nor a part of them is left.
    let mut left: Vec<_> = fs::read_dir(&main.folder.path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["run.json", "scores.parquet", "usage.parquet"]);
}

#[test]
fn a_baseline_is_replaced_by_force_only() {
    let out = tempdir().unwrap();
    let [first, second] = ["run-1", "run-2"].map(|id| finished(out.path(), "suite", id));
    promoted(&first, "main", false).unwrap();
    let error = promoted(&second, "main", false).unwrap_err();
    assert!(matches!(error, StoreError::Promote(PromoteError::Exists(_))), "{error}");
    promoted(&second, "main", true).unwrap();
    let found = Baseline::get(&wanted(out.path(), "main", "suite")).unwrap();
    assert_eq!(found.record.run_id, "run-2");
    let error = promoted(&found.folder, "other", true).unwrap_err();
    assert!(matches!(error, StoreError::Promote(PromoteError::Baseline(_))), "{error}");
}

#[test]
fn half_a_run_becomes_no_baseline() {
    let out = tempdir().unwrap();
    let run = finished(out.path(), "suite", "run-1");
    let (_, mut record) = RunFolder::open(&run.path).unwrap();
    record.status = RunStatus::Partial;
    record.counts.failed = 1;
    run.write(&record, keep).unwrap();
    let error = promoted(&run, "main", false).unwrap_err();
    assert_eq!(error.to_string(), "1 of the run's samples has no answer");
    assert!(error.hint().unwrap().contains("--force"), "{error}");
    promoted(&run, "main", true).unwrap();
    record.status = RunStatus::Interrupted;
    run.write(&record, keep).unwrap();
    let error = promoted(&run, "next", true).unwrap_err();
    assert!(matches!(error, StoreError::Promote(PromoteError::Unfinished(_))), "{error}");
}

#[test]
fn what_is_missing_is_said_with_what_is_near() {
    let out = tempdir().unwrap();
    promoted(&finished(out.path(), "suite", "run-1"), "main", false).unwrap();
    let check = |name: &str, suite: &str, expected: &str| {
        let wanted = wanted(out.path(), name, suite);
        assert!(Baseline::find(&wanted).unwrap().is_none());
        let error = Baseline::get(&wanted).unwrap_err();
        assert!(error.is_incomplete());
        assert_eq!(
            error.to_string(),
            format!("there is no baseline `{name}` of the suite `{suite}`")
        );
        let hint = error.hint().unwrap();
        assert!(hint.contains(expected), "{hint}");
    };
    check("mian", "suite", "did you mean `main`?");
    check("release", "suite", "the suite's baselines: `main`");
    check("main", "renamed", "`--baseline-suite suite`");
    check("a/b", "suite", "`evalmark baseline promote RUN_DIR NAME` makes a run the baseline");
    // Other items and other metrics are of no earlier self.
    let mut other = wanted(out.path(), "main", "other");
    other.metrics = vec!["exact".to_owned(), "close".to_owned()];
    let hint = Baseline::get(&other).unwrap_err().hint().unwrap();
    assert!(!hint.contains("--baseline-suite"), "{hint}");
}

#[test]
fn a_changed_or_foreign_baseline_is_refused() {
    let out = tempdir().unwrap();
    let path = promoted(&finished(out.path(), "suite", "run-1"), "main", false).unwrap();
    let by_path = wanted(out.path(), &path.display().to_string(), "other");
    let error = Baseline::find(&by_path).unwrap_err();
    let StoreError::Baseline(inner) = &error else { panic!("{error}") };
    assert!(matches!(**inner, BaselineError::OtherSuite { .. }), "{error}");
    fs::write(path.join("scores.parquet"), "changed").unwrap();
    let error = Baseline::find(&wanted(out.path(), "main", "suite")).unwrap_err();
    assert!(matches!(error, StoreError::Integrity(IntegrityError::Changed { .. })), "{error}");
    fs::remove_file(path.join("scores.parquet")).unwrap();
    let error = Baseline::find(&wanted(out.path(), "main", "suite")).unwrap_err();
    assert!(error.to_string().ends_with("has no scores.parquet"), "{error}");
}

/// A baseline that nothing can be compared with is listed, and hides no other.
#[test]
fn broken_baselines_are_listed_with_the_reason() {
    let out = tempdir().unwrap();
    let run = finished(out.path(), "suite", "run-1");
    for name in ["a", "b", "c", "d", "lean", "whole"] {
        promoted(&run, name, false).unwrap();
    }
    let file = |name: &str, file: &str| out.path().join("baselines/suite").join(name).join(file);
    fs::write(file("a", "run.json"), "{").unwrap();
    fs::remove_file(file("b", "run.json")).unwrap();
    fs::write(file("c", "answers.parquet"), "another's").unwrap();
    fs::remove_file(file("d", "scores.parquet")).unwrap();
    fs::remove_file(file("lean", "answers.parquet")).unwrap();
    let listed = list(out.path()).unwrap();
    let why = |name: &str| {
        let found = listed.iter().find(|one| one.name == name).expect(name);
        found.record.as_ref().err().map(ToString::to_string)
    };
    let check = |name: &str, expected: &str| {
        let why = why(name).expect(name);
        assert!(why.contains(expected), "{name}: {why}");
    };
    check("a", "is not a run record");
    check("b", "is not a run folder");
    check("c", "answers.parquet does not match its run.json");
    check("d", "scores.parquet is missing");
    assert_eq!((why("whole"), why("lean")), (None, None));
    // Without its answers it still has its scores.
    let lacks =
        |name: &str| listed.iter().find(|one| one.name == name).expect(name).missing_files();
    assert_eq!((lacks("whole"), lacks("lean")), (vec![], vec!["answers.parquet"]));
}

/// What is wrong with a run is said of the run, and before anything is made of it.
#[test]
fn a_run_without_its_files_becomes_no_baseline() {
    for name in ["scores.parquet", "samples.parquet"] {
        let out = tempdir().unwrap();
        let run = finished(out.path(), "suite", "run-1");
        fs::remove_file(run.path.join(name)).unwrap();
        let error = promoted(&run, "main", true).unwrap_err();
        let expected = format!("{} is missing", run.path.join(name).display());
        assert_eq!(error.to_string(), expected);
        assert!(error.is_incomplete());
        let hint = error.hint().unwrap();
        assert!(hint.contains(&run.path.display().to_string()), "{hint}");
        assert!(!out.path().join("baselines").exists(), "nothing was made");
    }
}

#[test]
fn a_baseline_has_no_name_that_means_a_run() {
    let out = tempdir().unwrap();
    let run = finished(out.path(), "suite", "run-1");
    for name in ["latest", "Latest", "latest~1", "suite:latest"] {
        promoted(&run, name, false).unwrap_err();
    }
    let error = promoted(&run, "latest", false).unwrap_err();
    assert!(matches!(error, StoreError::Promote(PromoteError::Reserved(_))), "{error}");
    promoted(&run, "latest-release", false).unwrap();
}
