//! Which runs a folder holds, how far they came, and which began last.

use std::{
    fs,
    path::{Path, PathBuf},
};

use evalmark_core::verdict::Answer;
use evalmark_store::{
    StoreError,
    named_run::{check_folder, existing_run, named_run, runs_of},
    run_folder::RunFolder,
    run_record::RunStatus,
    runs::{ListedVerdict, RunState, list_runs},
};
use tempfile::tempdir;

use crate::setup::{finished, keep, record};

/// A finished run that began at `at` on a certain day.
fn begun_at(out: &Path, suite: &str, run_id: &str, at: &str) -> RunFolder {
    let folder = finished(out, suite, run_id);
    let (_, mut record) = RunFolder::open(&folder.path).unwrap();
    record.started_at = format!("2026-11-27T{at}Z");
    folder.write(&record, keep).unwrap();
    folder
}

/// The same with another status.
fn with_status(out: &Path, run_id: &str, status: RunStatus) -> RunFolder {
    let folder = finished(out, "suite", run_id);
    let (_, mut record) = RunFolder::open(&folder.path).unwrap();
    record.status = status;
    record.counts.failed = 1;
    folder.write(&record, keep).unwrap();
    folder
}

#[test]
fn runs_are_listed_in_the_order_in_which_they_began() {
    let out = tempdir().unwrap();
    begun_at(out.path(), "b", "third", "12:00:01");
    begun_at(out.path(), "a", "second", "12:00:00.5");
    begun_at(out.path(), "b", "first", "12:00:00");
    fs::create_dir_all(out.path().join("baselines/a/main")).unwrap();
    let listed = list_runs(out.path(), None).unwrap();
    let ids: Vec<_> = listed.iter().map(|run| (&*run.suite, &*run.run_id)).collect();
    assert_eq!(ids, [("b", "first"), ("a", "second"), ("b", "third")]);
    assert!(listed.iter().all(|run| run.state == RunState::Complete && run.problem.is_none()));
    let of_b = list_runs(out.path(), Some("b")).unwrap();
    assert_eq!(of_b.iter().map(|run| &*run.run_id).collect::<Vec<_>>(), ["first", "third"]);
    assert!(list_runs(&out.path().join("nowhere"), None).unwrap().is_empty());
}

#[test]
fn of_one_second_the_run_whose_folder_was_made_first_is_first() {
    let out = tempdir().unwrap();
    let first = begun_at(out.path(), "suite", "zz", "12:00:00");
    let made = |path: &Path| fs::metadata(path).and_then(|of| of.created());
    // Where the system does not tell, names decide.
    let Ok(first_made) = made(&first.path) else { return };
    let probe = out.path().join("probe");
    while fs::write(&probe, "").and_then(|()| made(&probe)).unwrap() <= first_made {
        fs::remove_file(&probe).unwrap();
    }
    begun_at(out.path(), "suite", "aa", "12:00:00");
    let listed = list_runs(out.path(), None).unwrap();
    assert_eq!(listed.iter().map(|run| &*run.run_id).collect::<Vec<_>>(), ["zz", "aa"]);
    let latest = named_run(Path::new("latest"), out.path()).unwrap();
    assert_eq!(latest, listed[1].folder.path);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for() {
    let out = tempdir().unwrap();
    let folder = finished(out.path(), "suite", "run");
    fs::remove_file(folder.path.join("run.json")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(folder.path.join("run.json")).status();
    assert!(pipe.unwrap().success());
    let listed = list_runs(out.path(), None).unwrap();
    assert_eq!(listed[0].state, RunState::Broken);
    assert!(listed[0].problem.as_ref().is_some_and(|why| why.contains("not a regular file")));
}

#[test]
fn what_is_wrong_with_a_run_is_told() {
    let out = tempdir().unwrap();
    let check = |folder: &RunFolder, state: RunState, problem: Option<&str>| {
        let listed = list_runs(out.path(), None).unwrap();
        let found = listed.iter().find(|run| run.folder.path == folder.path).unwrap();
        let told = found.problem.as_deref().unwrap_or_default();
        assert_eq!(found.state, state, "{told}");
        assert!(told.contains(problem.unwrap_or_default()), "{told}");
        assert_eq!(found.problem.is_some(), problem.is_some(), "{told}");
    };
    let begun = RunFolder::begin(out.path(), &record("suite", "begun"), keep).unwrap();
    check(&begun, RunState::Interrupted, Some("before it could finish"));
    let lock = begun.lock().unwrap();
    check(&begun, RunState::Running, None);
    drop(lock);
    let stopped = with_status(out.path(), "stopped", RunStatus::Interrupted);
    check(&stopped, RunState::Interrupted, Some("evalmark resume"));
    let scoring = with_status(out.path(), "scoring", RunStatus::Scoring);
    check(&scoring, RunState::Scoring, Some("evalmark score"));
    let partial = with_status(out.path(), "partial", RunStatus::Partial);
    check(&partial, RunState::Partial, Some("1 of 3 samples have no answer"));
    let lost = finished(out.path(), "suite", "lost");
    fs::remove_file(lost.samples()).unwrap();
    check(&lost, RunState::Broken, Some("its samples.parquet is missing"));
    let headless = finished(out.path(), "suite", "headless");
    fs::remove_file(headless.record()).unwrap();
    check(&headless, RunState::Broken, Some("it has no run.json"));
    let half = finished(out.path(), "suite", "half");
    let text = fs::read_to_string(half.record()).unwrap();
    fs::write(half.record(), &text[..text.len() / 2]).unwrap();
    check(&half, RunState::Broken, Some("is not a run record: EOF"));
    fs::write(half.record(), text.replace("\"format_version\": 2", "\"format_version\": 9"))
        .unwrap();
    check(&half, RunState::Broken, Some("has format version 9"));
    // A folder of something else is nobody's run.
    fs::create_dir_all(out.path().join("suite/notes")).unwrap();
    fs::write(out.path().join("suite/notes/todo.txt"), "mine").unwrap();
    assert_eq!(list_runs(out.path(), None).unwrap().len(), 7);
}

#[test]
fn a_verdict_is_read_or_told_to_be_broken() {
    let out = tempdir().unwrap();
    let run = finished(out.path(), "suite", "run-1");
    let listed = || list_runs(out.path(), None).unwrap().remove(0);
    assert_eq!(listed().verdict, None);
    fs::write(run.verdict(), r#"{ "answer": "improved", "baseline": "main", "more": [] }"#)
        .unwrap();
    let expected = ListedVerdict { answer: Answer::Improved, baseline: "main".to_owned() };
    assert_eq!((listed().verdict, listed().problem), (Some(expected), None));
    let foreign =
        r#"{ "answer": "improved", "baseline": "main", "suite": "suite", "run_id": "other" }"#;
    fs::write(run.verdict(), foreign).unwrap();
    assert_eq!(listed().verdict, None);
    assert!(listed().problem.unwrap().ends_with("about another run, suite/other"));
    fs::write(run.verdict(), "{").unwrap();
    assert_eq!((listed().verdict, listed().state), (None, RunState::Complete));
    assert!(listed().problem.unwrap().starts_with("its verdict.json: EOF"));
}

#[test]
fn the_latest_run_has_a_name() {
    let out = tempdir().unwrap();
    begun_at(out.path(), "a", "old", "11:00:00");
    begun_at(out.path(), "a", "new", "12:00:00");
    begun_at(out.path(), "b", "other", "13:00:00");
    let broken = begun_at(out.path(), "b", "broken", "14:00:00");
    fs::write(broken.record(), "{").unwrap();
    let named = |word: &str| named_run(Path::new(word), out.path());
    let check = |word: &str, expected: &str| {
        assert_eq!(named(word).unwrap(), out.path().join(expected), "{word}");
    };
    check("latest", "b/other");
    check("latest~1", "a/new");
    check("a:latest", "a/new");
    check("a:latest~1", "a/old");
    assert_eq!(named("./latest").unwrap(), PathBuf::from("./latest"));
    assert_eq!(named("elsewhere/run").unwrap(), PathBuf::from("elsewhere/run"));
    let refuse = |word: &str, message: &str, hint: &str| {
        let error = named(word).unwrap_err();
        assert!(matches!(error, StoreError::Latest(_)), "{error}");
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.hint().unwrap().contains(hint), "{:?}", error.hint());
    };
    begun_at(out.path(), "intents", "one", "10:00:00");
    refuse("c:latest", "there is no run of the suite `c`", "./latest");
    refuse("intnets:latest", "no run of the suite `intnets`", "did you mean `intents:latest`?");
    refuse("intents:latest~1", "there is only one run of the suite `intents`", "--out DIR");
    refuse("a:latest~2", "there are only 2 runs of the suite `a`", "--out DIR");
    let error = named_run(Path::new("latest"), &out.path().join("nowhere")).unwrap_err();
    assert!(error.to_string().starts_with("there is no run below"), "{error}");
}

/// Whoever names a run that does not exist is told which one is near, or where to look.
#[test]
fn a_run_that_is_not_there_is_said_with_what_is() {
    let out = tempdir().unwrap();
    let first = begun_at(out.path(), "intents", "monday", "10:00:00");
    begun_at(out.path(), "intents", "friday", "10:00:01");
    assert_eq!(existing_run(&first.path, out.path()).unwrap(), first.path);
    let latest = existing_run(Path::new("latest"), out.path()).unwrap();
    assert!(latest.ends_with("friday"), "{latest:?}");
    let check = |named: PathBuf, out: &Path, error: &str, hint: &str| {
        let found = existing_run(&named, out).unwrap_err();
        assert!(!found.is_incomplete());
        assert!(found.to_string().contains(error), "{found}");
        assert!(found.hint().unwrap().contains(hint), "{:?}", found.hint());
    };
    let mean = format!("did you mean `{}`?", first.path.display());
    let (inside, nowhere) = (out.path().join("intents"), out.path().join("nowhere"));
    check("monday".into(), out.path(), "there is no run folder monday", &mean);
    check(inside.join("mondy"), out.path(), "there is no run folder", &mean);
    check("x".into(), out.path(), "there is no run folder x", "`evalmark runs` lists");
    check(inside, out.path(), "it has no run.json", "`intents:latest` is the run");
    check("monday".into(), &nowhere, "no run folder monday", "`--out DIR` names another");
}

#[test]
fn a_folder_without_runs_is_not_an_empty_list() {
    let out = tempdir().unwrap();
    let error = check_folder(&out.path().join("nowhere")).unwrap_err();
    assert!(error.to_string().starts_with("there is no folder "), "{error}");
    check_folder(out.path()).unwrap();
    finished(out.path(), "intents", "monday");
    assert_eq!(runs_of(out.path(), "intents").unwrap().len(), 1);
    let error = runs_of(out.path(), "intent").unwrap_err();
    let hint = error.hint().unwrap();
    assert_eq!(hint, "did you mean `intents`? there are runs of: `intents`");
}
