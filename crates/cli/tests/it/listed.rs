//! `evalmark runs`, and runs that are named by when they began.

use std::fs;

use evalmark_loopback::Server;
use serde_json::Value;

use crate::setup::{World, right};

fn with_runs(ids: &[&str]) -> (World, Server) {
    let (world, server) = (World::new(6), Server::start(right));
    world.suite(&server.url(), "");
    for id in ids {
        world.run_suite(id, &[]).expect(0);
        // Runs begin in the same second here; what tells them apart is their ids.
    }
    (world, server)
}

#[test]
fn runs_are_listed_with_what_is_wrong() {
    let (world, _server) = with_runs(&["a", "b", "c"]);
    fs::write(world.path("reports/test/a/run.json"), "{").expect("written");
    fs::remove_file(world.path("reports/test/b/samples.parquet")).expect("removed");
    let ran = world.run(&["runs"]).expect(0);
    for words in
        ["c", "complete", "test/a: ", "is not a run record", "its samples.parquet is missing"]
    {
        assert!(ran.words().contains(words), "{words}:\n{}", ran.stdout);
    }
    let ran = world.run(&["runs", "test", "--format", "json", "--limit", "2"]).expect(0);
    let listed: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let runs = listed["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 2);
    assert_eq!((&runs[0]["run_id"], &runs[0]["state"]), (&"c".into(), &"complete".into()));
    assert_eq!((&runs[1]["run_id"], &runs[1]["state"]), (&"b".into(), &"broken".into()));
    assert_eq!((&runs[0]["items"], &runs[0]["samples"]), (&6.into(), &12.into()));
    assert!(ran.stderr.contains("the last 2 of 3 runs"), "{}", ran.stderr);
    let ran = world.run(&["runs", "tset"]).expect(2);
    assert!(ran.stderr.contains("did you mean `test`?"), "{}", ran.stderr);
    fs::create_dir(world.path("empty")).expect("a folder");
    let ran = world.run(&["runs", "--out", "empty", "--format", "json"]).expect(0);
    assert_eq!(ran.stdout.split_whitespace().collect::<String>(), r#"{"runs":[]}"#);
}

#[test]
fn a_damaged_record_is_an_incomplete_run_and_not_a_wrong_call() {
    let (world, _server) = with_runs(&["a", "b"]);
    world.run(&["baseline", "promote", "reports/test/b", "main"]).expect(0);
    let check = |arguments: &[&str], code: i32, words: &str| {
        let ran = world.run(arguments).expect(code);
        assert!(ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
    };
    let whole = fs::read(world.path("reports/test/a/run.json")).expect("read");
    for record in [&b"{"[..], &whole[..whole.len() / 2], b"[]", b"\xff\xfe"] {
        fs::write(world.path("reports/test/a/run.json"), record).expect("written");
        for command in ["show", "report", "resume", "score", "export-answers", "compare"] {
            check(&[command, "reports/test/a"], 4, "is not a run record");
        }
        check(&["gate", "reports/test/a", "--baseline", "main"], 4, "is not a run record");
        check(&["gate", "reports/test/b", "--baseline", "reports/test/a"], 4, "not a run record");
        check(&["diff", "reports/test/a", "reports/test/b"], 4, "is not a run record");
        check(&["baseline", "promote", "reports/test/a", "new"], 4, "is not a run record");
    }
    fs::remove_file(world.path("reports/test/a/run.json")).expect("removed");
    check(&["show", "reports/test/a"], 2, "has no run.json");
}

#[test]
fn files_and_folders_of_others_are_told() {
    let (world, _server) = with_runs(&["a", "b"]);
    world.run(&["baseline", "promote", "reports/test/a", "main"]).expect(0);
    world.run(&["gate", "reports/test/b", "--baseline", "main"]).expect(3);
    // The run `c` has answers of its own, and so a summary of its own.
    let other = Server::start(|_| evalmark_loopback::Reply::text("grey"));
    world.suite(&other.url(), "");
    world.run_suite("c", &[]).expect(0);
    let copy = |from: &str, to: &str| {
        let to = world.path(to);
        fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        fs::copy(world.path(from), to).expect("copied");
    };
    for name in ["run.json", "samples.parquet", "scores.parquet", "summary.parquet"] {
        copy(&format!("reports/test/b/{name}"), &format!("reports/other/b/{name}"));
    }
    copy("reports/test/c/summary.parquet", "reports/test/a/summary.parquet");
    copy("reports/test/b/verdict.json", "reports/test/c/verdict.json");
    let listed: Value =
        serde_json::from_str(&world.run(&["runs", "--format", "json"]).expect(0).stdout)
            .expect("JSON");
    let of = |suite: &str, id: &str| {
        let runs = listed["runs"].as_array().expect("runs");
        let found = runs.iter().find(|run| run["suite"] == suite && run["run_id"] == id);
        let run = found.expect("a run");
        (run["state"].clone(), run["problem"].as_str().unwrap_or_default().to_owned())
    };
    for (suite, id, state, says) in [
        ("test", "a", "broken", "its summary.parquet does not match its run.json"),
        ("test", "b", "complete", ""),
        ("test", "c", "complete", "its verdict.json is about another run, test/b"),
        ("other", "b", "complete", "it is of the suite `test`"),
    ] {
        let (found, problem) = of(suite, id);
        assert_eq!(found, state, "{suite}/{id}: {problem}");
        assert!(problem.starts_with(says) && says.is_empty() == problem.is_empty(), "{problem}");
    }
    let ran = world.run(&["show", "reports/test/a"]).expect(4);
    assert!(ran.stderr.contains("does not match"), "{}", ran.stderr);
}

/// Wherever a run's folder is taken, so is the word for the latest.
#[test]
fn the_latest_run_is_known_everywhere() {
    let (world, _server) = with_runs(&["a", "b"]);
    let commands: [&[&str]; 9] = [
        &["show", "latest"],
        &["resume", "latest"],
        &["score", "test:latest"],
        &["report", "test:latest~1"],
        &["compare", "latest"],
        &["export-answers", "latest"],
        &["baseline", "promote", "latest~1", "main"],
        &["gate", "latest", "--baseline", "main"],
        &["diff", "latest~1", "latest"],
    ];
    for arguments in commands {
        // Six items decide nothing.
        world.run(arguments).expect(if arguments[0] == "gate" { 3 } else { 0 });
    }
    let verdict = world.json("reports/test/b/verdict.json");
    assert_eq!(verdict["run_id"], "b", "the latest was gated");
    for word in ["latest", "other:latest", "latest~9"] {
        let out = if word == "latest" { "nowhere" } else { "reports" };
        let ran = world.run(&["show", word, "--out", out]).expect(2);
        assert!(ran.stderr.contains("error: there "), "{word}: {}", ran.stderr);
        assert!(ran.stderr.contains("hint: "), "{word}: {}", ran.stderr);
    }
    // A folder that is called so is known by its path.
    fs::rename(world.path("reports/test/a"), world.path("latest")).expect("renamed");
    let ran = world.run(&["show", "./latest", "--format", "json"]).expect(0);
    assert!(ran.stdout.contains("\"prompt\""), "{}", ran.stdout);
}

/// It could not be named: `latest` is the run that began last.
#[test]
fn a_run_is_not_called_latest() {
    let world = World::new(3);
    let server = evalmark_loopback::Server::start(crate::setup::right);
    world.suite(&server.url(), "");
    for id in ["latest", "Latest"] {
        let ran = world.run_suite(id, &[]).expect(2);
        assert!(ran.stderr.contains(&format!("a run cannot be called `{id}`")), "{}", ran.stderr);
    }
    assert_eq!(server.count(), 0, "nothing is asked for a run that cannot begin");
}
