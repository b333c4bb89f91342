//! A command that is killed at any change of a file leaves no mixed state: what was there counts, or
//! what was to come, and the command ends when it is given again.
//!
//! Every change is a place to be killed at: the test goes on to the next one until the command ends.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::setup::{Ran, World, answer};

const SUITE: &str = "\
name: test
dataset: { path: data.csv, id: id, target: label }
prompts: [{ name: plain, template: '{{ text }}' }]
models: [{ name: kept, recorded: { column: said } }]
metrics: [{ name: exact, exact: { normalize: [STEPS] } }]
gate: { metrics: { exact: { margin: 0.2 } } }
";

const STRICT: &str = "trim";
const LOOSE: &str = "trim, casefold";

fn suite(world: &World, steps: &str) {
    world.write("suite.yaml", &SUITE.replace("STEPS", steps));
}

/// Two runs `old` and `new` of the same answers, many in capital letters, under a strict metric, and
/// `old` as the baseline `main`; the suite's metric is then loosened.
fn template() -> World {
    let world = World::new(0);
    let said = |i: usize| {
        if i.is_multiple_of(3) { answer(i).to_owned() } else { answer(i).to_uppercase() }
    };
    let row = |i| format!("i{i:03},question {i},{},{}\n", answer(i), said(i));
    let rows: Vec<_> = (0..60).map(row).collect();
    world.write("data.csv", &format!("id,text,label,said\n{}", rows.concat()));
    suite(&world, STRICT);
    for id in ["old", "new"] {
        world.run_suite(id, &[]).expect(0);
    }
    world.run(&["baseline", "promote", "reports/test/old", "main"]).expect(0);
    gate(&world, "new", "main");
    world.run(&["report", "reports/test/new"]).expect(0);
    suite(&world, LOOSE);
    world
}

fn gate(world: &World, run: &str, baseline: &str) -> Ran {
    world.run(&["gate", &format!("reports/test/{run}"), "--baseline", baseline, "--format", "json"])
}

fn verdict(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}{}", ran.stdout, ran.stderr))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("copied");
        }
    }
}

pub(crate) fn copy_of(world: &World) -> World {
    let other = World::new(0);
    copy(world.folder.path(), other.folder.path());
    other
}

/// Kills the command at its first change of a file, then at its second, and so on until it ends;
/// `check` sees what each kill left.
pub(crate) fn at_every_change(world: &World, arguments: &[&str], check: impl Fn(&World, &str)) {
    for change in 1.. {
        let world = copy_of(world);
        let mut command = world.command(arguments);
        command.env("EVALMARK_TEST_ABORT_AT", change.to_string());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status().expect("the program starts");
        if status.code().is_some() {
            assert!(change > 4, "{arguments:?} was killed {} times only", change - 1);
            return;
        }
        check(&world, &format!("{arguments:?}, killed at change {change}"));
    }
}

fn whole(world: &World, name: &str) -> Option<String> {
    fs::read_to_string(world.path(name)).ok()
}

/// What the run of this name is worth beside `main`: the exit code and the candidate's mean.
fn worth(world: &World, run: &str) -> (Option<i32>, Value) {
    let ran = gate(world, run, "main");
    let mean = verdict(&ran)["comparisons"][0]["candidate_mean"].clone();
    (ran.code, mean)
}

#[test]
fn a_killed_score_is_the_old_or_refused() {
    let world = template();
    let before = worth(&world, "new");
    let done = copy_of(&world);
    done.run(&["score", "reports/test/new"]).expect(0);
    let scores = done.bytes("reports/test/new/scores.parquet");
    at_every_change(&world, &["score", "reports/test/new"], |world, place| {
        let now = worth(world, "new");
        assert!(now == before || now.0 == Some(4), "{place}: {now:?} for {before:?}");
        let promoted = world.run(&["baseline", "promote", "reports/test/new", "next"]);
        if promoted.code == Some(0) {
            // What was promoted is whole: the old, or the new.
            gate(world, "old", "next");
        }
        world.run(&["score", "reports/test/new"]).expect(0);
        assert!(world.bytes("reports/test/new/scores.parquet") == scores, "{place}");
        assert_eq!(world.json("reports/test/new/run.json")["status"], "complete", "{place}");
        assert_eq!(gate(world, "new", "main").code, Some(4), "{place}: another metric");
    });
}

#[test]
fn a_killed_resume_is_finished_by_another() {
    let world = template();
    suite(&world, STRICT);
    let before = worth(&world, "new");
    let scores = world.bytes("reports/test/new/scores.parquet");
    at_every_change(&world, &["resume", "reports/test/new"], |world, place| {
        let now = worth(world, "new");
        assert!(now == before || now.0 == Some(4), "{place}: {now:?} for {before:?}");
        world.run(&["resume", "reports/test/new"]).expect(0);
        assert!(world.bytes("reports/test/new/scores.parquet") == scores, "{place}");
        assert_eq!(worth(world, "new"), before, "{place}");
    });
}

#[test]
fn a_killed_run_was_begun_or_was_not() {
    let world = template();
    suite(&world, STRICT);
    let begin = ["run", "suite.yaml", "--run-id", "third"];
    let before = worth(&world, "new");
    at_every_change(&world, &begin, |world, place| {
        let has_begun = world.path("reports/test/third/run.json").is_file();
        assert!(has_begun || !world.path("reports/test/third").exists(), "{place}");
        if has_begun {
            let now = worth(world, "third");
            assert!(now == before || now.0 == Some(4), "{place}: {now:?} for {before:?}");
            world.run(&["resume", "reports/test/third"]).expect(0);
        } else {
            world.run(&begin).expect(0);
        }
        assert_eq!(worth(world, "third"), before, "{place}");
    });
}

#[test]
fn a_killed_promotion_never_was_or_is_whole() {
    let world = template();
    let promote = ["baseline", "promote", "reports/test/old", "next"];
    let expected = worth(&world, "new");
    at_every_change(&world, &promote, |world, place| {
        nothing_half_written_goes_into_git(world, place);
        let ran = gate(world, "new", "next");
        let is_there = ran.code == expected.0;
        let is_missing = ran.stderr.contains("there is no baseline `next`");
        assert!(is_there || (ran.code == Some(4) && is_missing), "{place}: {}", ran.stderr);
        let again = world.run(&promote);
        let code = if is_there { Some(2) } else { Some(0) };
        assert_eq!(again.code, code, "{place}: {}", again.stderr);
        assert_eq!(gate(world, "new", "next").code, expected.0, "{place}");
        only_these(world, &["main", "next"], place);
    });
}

#[test]
fn a_killed_replacement_is_the_old_or_the_new() {
    let world = template();
    // The one that takes the place of `main` has another metric, and other scores.
    world.run_suite("loose", &[]).expect(0);
    let promote = ["baseline", "promote", "reports/test/loose", "main", "--force"];
    let old = verdict(&gate(&world, "new", "main"));
    let replaced = copy_of(&world);
    replaced.run(&promote).expect(0);
    let new = verdict(&gate(&replaced, "new", "main"));
    assert_ne!(old["baseline_digest"], new["baseline_digest"]);
    assert_eq!((&old["answer"], &new["answer"]), (&"pass".into(), &"incomparable".into()));
    at_every_change(&world, &promote, |world, place| {
        let found = verdict(&gate(world, "new", "main"));
        assert!(found == old || found == new, "{place}: {found}");
        world.run(&promote).expect(0);
        assert_eq!(verdict(&gate(world, "new", "main")), new, "{place}");
        only_these(world, &["main"], place);
    });
}

/// Whoever adds the baselines adds neither a lock nor a baseline that was being built.
fn nothing_half_written_goes_into_git(world: &World, place: &str) {
    let git = |arguments: &[&str]| {
        let command = Command::new("git").args(arguments).current_dir(world.folder.path()).output();
        let output = command.expect("git");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    git(&["init", "-q"]);
    git(&["add", "reports/baselines"]);
    let added = git(&["ls-files"]);
    assert!(!added.contains("/."), "{place}: {added}");
    fs::remove_dir_all(world.path(".git")).expect("removed");
}

/// Nothing but these is left among the baselines.
fn only_these(world: &World, expected: &[&str], place: &str) {
    let entries = fs::read_dir(world.path("reports/baselines/test")).expect("a folder");
    let mut names: Vec<_> =
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, expected, "{place}");
}

#[test]
fn a_killed_report_leaves_a_whole_page() {
    let world = template();
    let report = ["report", "reports/test/new", "--baseline", "main"];
    let done = copy_of(&world);
    done.run(&report).expect(0);
    let page = "reports/test/new/report.html";
    let (old, new) = (whole(&world, page), whole(&done, page));
    at_every_change(&world, &report, |world, place| {
        let found = whole(world, page);
        assert!(found == old || found == new, "{place}");
        world.run(&report).expect(0);
        assert_eq!(whole(world, page), new, "{place}");
    });
}

#[test]
fn a_killed_gate_leaves_a_whole_verdict() {
    let world = template();
    world.run(&["baseline", "promote", "reports/test/old", "other"]).expect(0);
    let arguments = ["gate", "reports/test/new", "--baseline", "other"];
    let path = "reports/test/new/verdict.json";
    at_every_change(&world, &arguments, |world, place| {
        let kept = world.json(path);
        assert!(kept["baseline"] == "main" || kept["baseline"] == "other", "{place}");
        world.run(&arguments).expect(0);
        assert_eq!(world.json(path)["baseline"], "other", "{place}");
    });
}

/// Every change of a file goes through one module, or it would not be seen here.
#[test]
fn files_are_changed_in_one_place() {
    let calls = [
        "fs::write(",
        "fs::rename(",
        " File::create(",
        "fs::hard_link(",
        "fs::remove",
        "fs::copy(",
        "fs::create_dir(",
    ];
    let root = crate::setup::root();
    let mut found = Vec::new();
    for folder in ["crates/cli/src", "crates/report/src", "crates/runner/src", "crates/store/src"] {
        visit(&root.join(folder), &mut |path, text| {
            let is_allowed = path.ends_with("store/src/durable.rs");
            for call in calls.iter().filter(|call| !is_allowed && text.contains(**call)) {
                found.push(format!("{}: {call}", path.display()));
            }
        });
    }
    found.retain(|found| {
        // Neither the lock nor the progress is content, and a report may be written to a pipe.
        let is_known =
            ["lock.rs: fs::", "store/src/progress.rs: fs::", "cli/src/reports.rs: fs::write("];
        !is_known.iter().any(|known| found.contains(known)) && !found.contains("tests.rs: ")
    });
    assert!(found.is_empty(), "use evalmark_store::durable: {found:#?}");
}

fn visit(folder: &Path, see: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            visit(&path, see);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            see(&path, &fs::read_to_string(&path).expect("a source"));
        }
    }
}
