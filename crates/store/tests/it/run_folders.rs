//! How a run's folder begins, is read again, and is refused.

use std::{borrow::Cow, fs, io::Write, path::Path};

use evalmark_store::{
    LockError, StoreError,
    integrity::{IntegrityError, complete, open_whole},
    run_folder::{BeginError, OpenRunError, RunFolder},
};
use serde_json::Value;
use tempfile::tempdir;

use crate::setup::{finished, keep, record};

#[test]
fn a_record_is_read_as_it_was_written() {
    let out = tempdir().unwrap();
    let record = record("suite", "run-1");
    let folder = RunFolder::begin(out.path(), &record, keep).unwrap();
    let (again, read) = RunFolder::open(&folder.path).unwrap();
    let text = |record| serde_json::to_string_pretty(record).unwrap();
    assert_eq!(text(&read), text(&record));
    let bytes = fs::read_to_string(again.record()).unwrap();
    assert_eq!(bytes, format!("{}\n", text(&record)));
    again.write(&read, keep).unwrap();
    assert_eq!(fs::read_to_string(again.record()).unwrap(), bytes);
    assert_eq!(again.out(), out.path());
}

/// Baselines that are kept with the code lose nothing when they are read and written again; they may
/// be of an earlier version, which wrote less.
#[test]
fn committed_records_keep_what_they_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let suites = fs::read_dir(root.join("reports/baselines")).unwrap();
    let baselines = suites.flat_map(|suite| fs::read_dir(suite.unwrap().path()).unwrap());
    let mut folders: Vec<_> = baselines.map(|baseline| baseline.unwrap().path()).collect();
    folders.push(root.join("crates/cli/tests/it/frozen/baseline"));
    assert!(folders.len() > 1);
    for path in folders {
        let (folder, record) = RunFolder::open(&path).unwrap();
        let copy = tempdir().unwrap();
        RunFolder { path: copy.path().to_owned() }.write(&record, keep).unwrap();
        let [kept, written] = [&*folder.path, copy.path()].map(|path| {
            let text = fs::read_to_string(path.join("run.json")).unwrap();
            serde_json::from_str::<Value>(&text).unwrap()
        });
        assert!(!kept["files"].as_object().unwrap().is_empty());
        says_all_of(&written, &kept);
    }
}

fn says_all_of(written: &Value, kept: &Value) {
    match kept {
        Value::Object(entries) => {
            for (name, value) in entries {
                says_all_of(&written[name], value);
            }
        }
        kept => assert_eq!(written, kept),
    }
}

#[test]
fn what_must_not_be_written_is_not() {
    fn without_key(text: &str) -> Cow<'_, str> {
        text.replace("sk-secret", "***").into()
    }
    let out = tempdir().unwrap();
    let mut record = record("suite", "run-1");
    record.ungated = Some("sk-secret".to_owned());
    let folder = RunFolder::begin(out.path(), &record, without_key).unwrap();
    assert!(!fs::read_to_string(folder.record()).unwrap().contains("sk-secret"));
    folder.write(&record, without_key).unwrap();
    folder.write_text(&folder.html(), "<p>sk-secret", without_key).unwrap();
    assert!(!fs::read_to_string(folder.record()).unwrap().contains("sk-secret"));
    assert_eq!(fs::read_to_string(folder.html()).unwrap(), "<p>***");
}

#[test]
fn a_run_begins_once() {
    let out = tempdir().unwrap();
    let begin = |suite: &str, id: &str| RunFolder::begin(out.path(), &record(suite, id), keep);
    begin("suite", "run-1").unwrap();
    let error = begin("suite", "run-1").unwrap_err();
    assert!(matches!(error, StoreError::Begin(BeginError::Exists { .. })), "{error}");
    assert!(error.hint().unwrap().contains("evalmark resume"), "{error}");
    // Somebody else's folder stays theirs.
    fs::create_dir(out.path().join("suite/mine")).unwrap();
    fs::write(out.path().join("suite/mine/notes.txt"), "mine").unwrap();
    let error = begin("suite", "mine").unwrap_err();
    assert!(matches!(error, StoreError::Begin(BeginError::Exists { .. })), "{error}");
    fs::create_dir(out.path().join("suite/empty")).unwrap();
    begin("suite", "empty").unwrap();
    for (suite, id) in [("baselines", "run-1"), ("suite", "baselines")] {
        let error = begin(suite, id).unwrap_err();
        assert!(matches!(error, StoreError::Begin(BeginError::Reserved)), "{error}");
    }
    let error = begin("suite", "../elsewhere").unwrap_err();
    assert!(matches!(error, StoreError::Begin(BeginError::RunId(_))), "{error}");
}

#[test]
fn what_is_no_run_is_refused() {
    let out = tempdir().unwrap();
    let error = RunFolder::open(out.path()).unwrap_err();
    assert!(matches!(error, StoreError::Open(OpenRunError::NotARun { .. })), "{error}");
    let folder = RunFolder::begin(out.path(), &record("suite", "run-1"), keep).unwrap();
    let text = fs::read_to_string(folder.record()).unwrap();
    let check = |from: &str, to: &str, expected: &str| {
        assert!(text.contains(from), "{from}");
        fs::write(folder.record(), text.replacen(from, to, 1)).unwrap();
        let error = RunFolder::open(&folder.path).unwrap_err();
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
        let all: Vec<_> = causes.map(ToString::to_string).collect();
        assert!(all.join(": ").contains(expected), "{all:?}");
    };
    check("\"format_version\": 2", "\"format_version\": 3", "has format version 3");
    check("{", "[", "is not a run record");
    check("\"n_items\": 3", "\"n_items\": 0", "is not a number that a run can have");
    check(&"a".repeat(64), "short", "`suite_hash` is not 64 hexadecimal digits");
}

#[test]
fn two_do_not_work_on_one_run() {
    let out = tempdir().unwrap();
    let folder = RunFolder::begin(out.path(), &record("suite", "run-1"), keep).unwrap();
    let lock = folder.lock().unwrap();
    let error = folder.lock().unwrap_err();
    assert!(matches!(error, StoreError::Lock(LockError::Busy(_))), "{error}");
    drop(lock);
    folder.lock().unwrap();
}

#[test]
fn files_of_a_pass_replace_all_of_the_earlier_one() {
    let out = tempdir().unwrap();
    let folder = RunFolder::begin(out.path(), &record("suite", "run-1"), keep).unwrap();
    for path in [folder.verdict(), folder.html(), folder.confusion(), folder.summary()] {
        fs::write(path, "earlier").unwrap();
    }
    let (file, mut out) = folder.new_file(&folder.summary()).unwrap();
    out.write_all(b"later").unwrap();
    folder.take_in(vec![file.ready("digest".to_owned()).unwrap()]).unwrap();
    assert_eq!(fs::read_to_string(folder.summary()).unwrap(), "later");
    for path in [folder.verdict(), folder.html(), folder.confusion()] {
        assert!(!path.exists(), "{}", path.display());
    }
}

#[test]
fn only_a_finished_pass_that_nobody_changed_is_whole() {
    let out = tempdir().unwrap();
    let begun = RunFolder::begin(out.path(), &record("suite", "begun"), keep).unwrap();
    let error = open_whole(&begun.path).unwrap_err();
    assert!(matches!(error, StoreError::Integrity(IntegrityError::Unfinished(_))), "{error}");
    let folder = finished(out.path(), "suite", "done");
    let (_, mut record) = open_whole(&folder.path).unwrap();
    complete(&folder, &record).unwrap();
    record.incomplete = Some("the budget was too small".to_owned());
    let error = complete(&folder, &record).unwrap_err();
    assert!(error.to_string().ends_with("is incomplete: the budget was too small"), "{error}");
    fs::write(folder.scores(), "changed").unwrap();
    let error = open_whole(&folder.path).unwrap_err();
    assert!(error.is_incomplete() && error.to_string().contains("changed or replaced"), "{error}");
}
