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
