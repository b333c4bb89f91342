//! Datasets with more rows than memory keeps track of: what is found of them is the same.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use evalmark_core::{
    dataset::{OpenScratch, ScratchSpace},
    plan::Plan,
    source::Sources,
    suite::{Readers, Suite},
};

use super::{METRICS, no_columnar};

const SUITE: &str = "\
name: many
dataset: { path: d.csv, DATASET }
prompts: [{ name: p, template: '{{ text }}' }]
models: [{ name: m, recorded: { column: answer } }]
metrics: [{ name: e, valid: {} }]
";

/// How many records of a row are held in memory, and how many rows there are.
const HELD: usize = 64;
const ROWS: usize = 2_000;

fn rows() -> Vec<String> {
    (0..ROWS).map(|i| format!("i{i},question {i},answer {i}\n")).collect()
}

fn write(path: &Path, rows: &[String]) {
    fs::write(path, format!("id,text,answer\n{}", rows.concat())).expect("written");
}

/// The plan over these rows, where the dataset lies, and its folder.
fn plan(
    rows: &[String],
    dataset: &str,
    open: OpenScratch,
) -> (tempfile::TempDir, PathBuf, Result<Plan, String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, data) = (folder.path().join("suite.yaml"), folder.path().join("d.csv"));
    write(&data, rows);
    fs::write(&path, SUITE.replace("DATASET", dataset)).expect("written");
    let readers = Readers {
        kinds: METRICS,
        providers: &[],
        columnar: no_columnar,
        scratch: ScratchSpace { open, most_held: HELD },
        roots: &[],
        sources: Sources::NONE,
        receivers: &[],
    };
    let suite = Suite::read(&path, readers).map_err(|error| error.to_string());
    let plan = suite.and_then(|suite| Plan::new(&suite).map_err(|error| error.to_string()));
    (folder, data, plan)
}

#[test]
fn the_first_row_that_repeats_another_is_told_with_both() {
    let check = |from: usize, to: usize, dataset: &str, expected: &str| {
        let mut rows = rows();
        rows[to] = rows[from].clone();
        let error = plan(&rows, dataset, tempfile::tempfile).2.expect_err(expected);
        assert!(error.ends_with(expected), "{error}");
    };
    let id = "row 1321: the id `i7` (column `id`) is already that of row 8; ids must be unique";
    check(7, 1_320, "id: id", id);
    check(
        0,
        ROWS - 1,
        "ignore: [answer]",
        "row 2000: repeats row 1 word for word; remove it, or name an id column (`dataset.id`)",
    );
    // Every id occurs twice: the first that does is told.
    let twice = [rows(), rows()].concat();
    let error = plan(&twice, "id: id", tempfile::tempfile).2.expect_err("repeated");
    assert!(
        error.contains("row 2001: the id `i0` (column `id`) is already that of row 1"),
        "{error}"
    );
    let (_folder, _, unique) = plan(&rows(), "id: id", tempfile::tempfile);
    assert_eq!(unique.expect("no row repeats another").profile.n_items, ROWS as u64);
}

#[test]
fn a_row_that_changes_is_noticed_before_it_is_asked() {
    let check = |change: fn(&mut Vec<String>), n_before: usize, expected: &str| {
        let mut rows = rows();
        let (_folder, data, plan) = plan(&rows, "id: id", tempfile::tempfile);
        let plan = plan.expect("planned");
        // Two passes over the same plan, of which one stands in the middle.
        let mut other = plan.in_report_order();
        assert!(other.by_ref().take(ROWS / 2).all(|sample| sample.is_ok()));
        assert_eq!(plan.in_report_order().flatten().count(), ROWS);
        assert!(other.all(|sample| sample.is_ok()));
        change(&mut rows);
        write(&data, &rows);
        let mut samples = plan.in_report_order();
        let before = samples.by_ref().take_while(Result::is_ok).count();
        assert_eq!(before, n_before, "{expected}");
        let error = plan.in_report_order().find_map(Result::err).expect("noticed").to_string();
        assert!(error.ends_with(expected), "{error}");
    };
    let changed = "row 1001: has changed since the run began";
    check(|rows| rows[1_000] = "i1000,question,answer 1000\n".into(), 1_000, changed);
    // A recorded answer is no part of the item's content.
    check(|rows| rows[1_000] = "i1000,question 1000,answer\n".into(), 1_000, changed);
    check(|rows| rows.swap(1_000, 1_900), 1_000, changed);
    check(
        |rows| rows.truncate(1_500),
        1_500,
        "ends after row 1500 of 2000; it has changed since the run began",
    );
}

/// Every write fails as on a full disk; opening fails as in a folder that is not there.
#[cfg(target_os = "linux")]
#[test]
fn without_room_for_a_temporary_file_it_is_told_what_to_do() {
    let check = |open: OpenScratch, dataset: &str, reason: &str| {
        let error = plan(&rows(), dataset, open).2.expect_err(reason);
        assert!(error.contains("d.csv: has more rows than are kept track of in memory"), "{error}");
        assert!(error.contains(reason) && error.contains("`TMPDIR`"), "{error}");
    };
    let full = || File::options().read(true).write(true).open("/dev/full");
    let absent = || Err(io::ErrorKind::NotFound.into());
    for dataset in ["id: id", "id: id, sample: { n: 10, seed: 1 }"] {
        check(full, dataset, "No space left on device");
        check(absent, dataset, "entity not found");
    }
}
