//! Baselines and runs that are not what they were, or not finished.

use std::fs;

use evalmark_loopback::Server;
use serde_json::json;

use super::GATE;
use crate::setup::{World, right};

/// Two runs of one suite, the first of which is the baseline `main`.
fn with_two_runs() -> (World, Server) {
    let (world, server) = (World::new(120), Server::start(right));
    world.suite(&server.url(), GATE);
    world.run_suite("first", &["--prompt", "plain", "--new-baseline"]).expect(0);
    world.run(&["baseline", "promote", "reports/test/first", "main"]).expect(0);
    world.run_suite("second", &["--prompt", "plain"]).expect(0);
    (world, server)
}

const MAIN: &str = "reports/baselines/test/main";

#[test]
fn a_baseline_that_was_changed_is_refused() {
    let wrong = World::new(120);
    let server = Server::start(|_| evalmark_loopback::Reply::text("grey"));
    wrong.suite(&server.url(), "");
    wrong.run_suite("r", &["--prompt", "plain"]).expect(0);
    let worse = wrong.bytes("reports/test/r/scores.parquet");
    let check = |name: &str, spoil: &dyn Fn(&World), expected: i32, words: &str| {
        let (world, _server) = with_two_runs();
        spoil(&world);
        let gate = ["gate", "reports/test/second", "--baseline", "main"];
        let ran = world.run(&gate).expect(expected);
        assert!(ran.stderr.contains(words), "{name}: {}", ran.stderr);
        let ran = world.run_suite("third", &["--prompt", "plain"]).expect(expected);
        assert!(ran.stderr.contains(words), "{name}: {}", ran.stderr);
    };
    let edit = |world: &World, change: &dyn Fn(&mut serde_json::Value)| {
        let path = format!("{MAIN}/run.json");
        let mut record = world.json(&path);
        change(&mut record);
        world.write(&path, &record.to_string());
    };
    let replaced = |world: &World| {
        fs::write(world.path(&format!("{MAIN}/scores.parquet")), &worse).expect("written");
    };
    check("replaced scores", &replaced, 4, "scores.parquet does not match");
    let empty = |world: &World| drop(world.write(&format!("{MAIN}/scores.parquet"), ""));
    check("emptied scores", &empty, 4, "scores.parquet does not match");
    let removed =
        |world: &World| fs::remove_file(world.path(&format!("{MAIN}/scores.parquet"))).expect("");
    check("no scores", &removed, 4, "has no scores.parquet");
    let none = |world: &World| edit(world, &|record| record["files"] = json!({}));
    check("no digests", &none, 4, "is not listed in its run.json");
    let garbage = |world: &World| drop(world.write(&format!("{MAIN}/run.json"), "{}"));
    check("no record", &garbage, 4, "is not a run record");
    let older = |world: &World| {
        edit(world, &|record| {
            record["format_version"] = 1.into();
            record.as_object_mut().expect("an object").remove("files");
        });
    };
    check("of an earlier version", &older, 0, "has no digests of its files");
}

#[test]
fn a_baseline_of_another_suite_is_told() {
    let (world, _server) = with_two_runs();
    let other = world.path("reports/baselines/other/main");
    fs::create_dir_all(&other).expect("a folder");
    for entry in fs::read_dir(world.path(MAIN)).expect("a baseline") {
        let path = entry.expect("a file").path();
        fs::copy(&path, other.join(path.file_name().expect("a name"))).expect("copied");
    }
    let ran = world.run(&["baseline", "list"]).expect(0);
    assert!(ran.words().contains("other/main broken: it is of the suite `test`"), "{}", ran.stdout);
    assert!(ran.words().contains("test/main run first"), "{}", ran.stdout);
    let ran = world.run(&["baseline", "list", "--format", "json"]).expect(0);
    let listed: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let problem = |at: usize| &listed["baselines"][at]["problem"];
    assert!(problem(0).as_str().is_some_and(|why| why.contains("of the suite `test`")));
    assert!(problem(1).is_null());
    let ran = world.run(&["baseline", "show", "other/main"]).expect(4);
    assert!(ran.stderr.contains("it is of the suite `test`"), "{}", ran.stderr);
    world.run(&["baseline", "show", "test/main"]).expect(0);
}

#[test]
fn a_run_is_not_its_own_baseline() {
    let (world, server) = with_two_runs();
    let gate = |run: &str, baseline: &str, code: i32| {
        let run = format!("reports/test/{run}");
        world.run(&["gate", &run, "--baseline", baseline]).expect(code).stderr
    };
    gate("second", "main", 0);
    gate("second", "reports/test/first", 0);
    assert!(gate("second", "reports/test/second", 4).contains("a run is not its own baseline"));
    let link = world.path("linked");
    std::os::unix::fs::symlink(world.path("reports/test/second"), &link).expect("a link");
    assert!(gate("second", "linked", 4).contains("a run is not its own baseline"));
    assert!(gate("first", "main", 4).contains("was made from this very run (first)"));
    // A run of the same id that began at another time is another run.
    let mut record = world.json(&format!("{MAIN}/run.json"));
    record["started_at"] = "2020-01-01T00:00:00Z".into();
    world.write(&format!("{MAIN}/run.json"), &record.to_string());
    gate("first", "main", 0);
    // Another suite's baseline cannot be compared with, unless it is the same suite under an earlier name.
    let text = String::from_utf8(world.bytes("suite.yaml")).expect("UTF-8");
    world.write("suite.yaml", &text.replace("name: test", "name: other"));
    let ran = world.run_suite("r", &["--prompt", "plain", "--baseline", MAIN]).expect(4);
    assert!(ran.stderr.contains("is of the suite `test`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("--baseline-suite test"), "{}", ran.stderr);
    let renamed = ["--prompt", "plain", "--baseline", MAIN, "--baseline-suite", "test"];
    world.run_suite("r", &renamed).expect(0);
    drop(server);
}

#[test]
fn a_run_that_is_not_finished_is_not_gated() {
    let (world, _server) = with_two_runs();
    let path = "reports/test/second/run.json";
    let whole = world.json(path);
    for (status, words) in [
        ("running", "evalmark resume reports/test/second"),
        ("interrupted", "evalmark resume reports/test/second"),
        ("scoring", "evalmark score reports/test/second"),
    ] {
        let mut record = whole.clone();
        record["status"] = status.into();
        world.write(path, &record.to_string());
        for command in ["gate", "report"] {
            let ran = world.run(&[command, "reports/test/second", "--baseline", "main"]).expect(4);
            assert!(ran.stderr.contains(words), "{status}: {}", ran.stderr);
        }
        let ran = world.run(&["gate", "reports/test/first", "--baseline", "reports/test/second"]);
        ran.expect(4);
        world.run(&["show", "reports/test/second"]).expect(4);
        world
            .run(&["baseline", "promote", "reports/test/second", "next", "--force"])
            .code
            .expect("ends");
        assert!(!world.path("reports/baselines/test/next").exists(), "{status}");
    }
    let mut record = whole.clone();
    record["status"] = "partial".into();
    record["incomplete"] = "the budget was too small".into();
    world.write(path, &record.to_string());
    let gate = ["gate", "reports/test/second", "--baseline", "main"];
    let ran = world.run(&gate).expect(4);
    assert!(ran.stderr.contains("is incomplete: the budget was too small"), "{}", ran.stderr);
    world.run(&[&gate[..], &["--as-it-is"]].concat()).expect(0);
    // Verdicts allow for a few missing answers.
    record["incomplete"] = serde_json::Value::Null;
    world.write(path, &record.to_string());
    world.run(&gate).expect(0);
    // Scores of another pass than run.json's.
    world.write(path, &whole.to_string());
    fs::copy(
        world.path("reports/test/first/scores.parquet"),
        world.path("reports/test/second/scores.parquet"),
    )
    .expect("copied");
    let ran = world.run(&gate).expect(4);
    assert!(ran.stderr.contains("evalmark score reports/test/second"), "{}", ran.stderr);
    world.run(&["score", "reports/test/second"]).expect(0);
    world.run(&gate).expect(0);
}

#[test]
fn links_are_not_followed_for_writing() {
    let (world, _server) = with_two_runs();
    let victim = world.write("victim", "precious");
    for name in
        [".lock", "report.html", "verdict.json", "run.json", "scores.parquet", "summary.parquet"]
    {
        let path = world.path(&format!("reports/test/second/{name}"));
        let content = fs::read(&path).unwrap_or_default();
        drop(fs::remove_file(&path));
        if name == "run.json" || name == "scores.parquet" {
            fs::write(world.path("other"), content).expect("written");
            std::os::unix::fs::symlink(world.path("other"), &path).expect("a link");
        } else {
            std::os::unix::fs::symlink(&victim, &path).expect("a link");
        }
        world.run(&["score", "reports/test/second"]).expect(0);
        assert_eq!(fs::read_to_string(&victim).expect("there"), "precious", "{name}");
        let is_link = fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_symlink());
        assert!(!is_link, "{name} is still a link");
    }
}

/// What a run record may say that none can.
fn odd_values() -> Vec<(&'static str, serde_json::Value)> {
    vec![
        ("dataset_hash", json!("abc")),
        ("dataset_hash", json!("é".repeat(32))),
        ("suite_hash", json!("")),
        ("suite", json!("../../elsewhere")),
        ("run_id", json!("a/b")),
        ("n_items", json!(0)),
        ("n_items", json!(u64::MAX)),
        ("n_items", json!(-1)),
        ("epochs", json!(0)),
        ("epochs", json!(1e300)),
        ("status", json!("finished")),
        ("format_version", json!(99)),
        ("counts", json!(null)),
        ("totals", json!([])),
        ("metrics", json!([{ "name": 1 }])),
        ("effective_suite", json!(null)),
        ("effective_suite", json!({ "metrics": [null, 1, { "name": "exact", "exact": 3 }] })),
        ("slices", json!(["nope"])),
        ("scales", json!({ "exact": { "range": "odd" } })),
        ("started_at", json!("")),
        ("files", json!({ "scores.parquet": "x" })),
        ("prompts", json!([])),
        ("models", json!(["nope"])),
        (
            "stopped_early",
            json!({ "asked_items": 9, "planned_items": 1, "asked_samples": 0,
            "planned_samples": 0, "saved_samples": 0, "seed": u64::MAX }),
        ),
    ]
}

/// Every command that reads a run record has an error for a wrong one.
#[test]
fn odd_run_records_are_errors() {
    let (world, _server) = with_two_runs();
    let path = "reports/test/second/run.json";
    let whole = world.json(path);
    let commands: [&[&str]; 9] = [
        &["show", "RUN"],
        &["report", "RUN"],
        &["gate", "RUN", "--baseline", "main"],
        &["gate", "reports/test/first", "--baseline", "RUN"],
        &["compare", "RUN"],
        &["score", "RUN"],
        &["resume", "RUN"],
        &["baseline", "promote", "RUN", "next", "--force"],
        &["export-answers", "RUN"],
    ];
    for (key, value) in odd_values() {
        for command in commands {
            let mut record = whole.clone();
            record[key] = value.clone();
            world.write(path, &record.to_string());
            let arguments: Vec<_> = command
                .iter()
                .map(|a| if *a == "RUN" { "reports/test/second" } else { *a })
                .collect();
            let ran = world.run(&arguments);
            let is_told =
                ran.code.is_some_and(|code| code <= 4) && !ran.stderr.contains("panicked");
            assert!(is_told, "{key} = {value}, {command:?}: {:?} {}", ran.code, ran.stderr);
        }
    }
    assert!(!world.path("elsewhere").exists());
}
