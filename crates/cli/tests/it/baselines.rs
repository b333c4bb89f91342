//! A gate without its baseline does not pass: wherever it is run from, and however it is told.

use std::fs;

use evalmark_loopback::Server;
use serde_json::json;

use crate::setup::{Ran, World, right};

const GATE: &str = "gate: { baseline: main, metrics: { exact: { margin: 0.1 } } }\n";

/// A folder with a suite in `suites/`, at the root of a repository, and its baseline `main`.
fn with_baseline(gate: &str) -> (World, Server) {
    let (world, server) = (World::new(60), Server::start(right));
    world.suite(&server.url(), gate);
    fs::create_dir_all(world.path(".git")).expect("a folder");
    fs::create_dir_all(world.path("suites")).expect("a folder");
    for name in ["suite.yaml", "data.csv"] {
        fs::rename(world.path(name), world.path(&format!("suites/{name}"))).expect("moved");
    }
    let first = ["run", "suites/suite.yaml", "--run-id", "first", "--prompt", "plain"];
    world.run(&[&first[..], &["--new-baseline"]].concat()).expect(0);
    world.run(&["baseline", "promote", "reports/test/first", "main"]).expect(0);
    (world, server)
}

fn run(world: &World, id: &str, more: &[&str]) -> Ran {
    let arguments = ["run", "suites/suite.yaml", "--run-id", id, "--prompt", "plain"];
    world.run(&[&arguments[..], more].concat())
}

fn edit(world: &World, from: &str, to: &str) {
    let text = String::from_utf8(world.bytes("suites/suite.yaml")).expect("UTF-8");
    assert!(text.contains(from), "{text}");
    world.write("suites/suite.yaml", &text.replace(from, to));
}

#[test]
fn a_missing_baseline_is_never_green() {
    let check = |name: &str, spoil: fn(&World), more: &[&str], words: &[&str]| {
        let (world, _server) = with_baseline(GATE);
        spoil(&world);
        let ran = run(&world, "r", more).expect(4);
        for words in words {
            assert!(ran.stderr.contains(words), "{name}: `{words}` is not in\n{}", ran.stderr);
        }
        assert!(ran.stdout.contains("there is no baseline"), "{name}: {}", ran.stdout);
    };
    let looked = "looked in reports/baselines/test";
    let typo = |world: &World| edit(world, "baseline: main", "baseline: mian");
    check("a typo", typo, &[], &["no baseline `mian`", "did you mean `main`?", looked]);
    check("a typo, quiet", typo, &["--quiet"], &["no baseline `mian`", "did you mean `main`?"]);
    let gone = |world: &World| {
        fs::remove_dir_all(world.path("reports/baselines")).expect("removed");
    };
    check("not checked out", gone, &[], &["no baseline `main`", looked, "--new-baseline"]);
    check("not checked out, as JSON", gone, &["--format", "json"], &["no baseline `main`"]);
    let half = |world: &World| {
        fs::remove_file(world.path("reports/baselines/test/main/run.json")).expect("removed");
    };
    check("half a baseline", half, &[], &["main has no run.json"]);
    let renamed = |world: &World| edit(world, "name: test", "name: intents");
    check("a renamed suite", renamed, &[], &["suite `intents`", "--baseline-suite test"]);
    let file = |world: &World| {
        fs::remove_dir_all(world.path("reports/baselines/test")).expect("removed");
        world.write("reports/baselines/test", "");
    };
    check("a file where the folder was", file, &[], &["no baseline `main`"]);
    let elsewhere = |world: &World| {
        fs::rename(world.path("reports/baselines"), world.path("kept")).expect("moved");
    };
    check("kept elsewhere", elsewhere, &["--out", "out"], &["looked in out/baselines/test"]);
}

#[test]
fn a_baseline_is_found_from_everywhere() {
    let (world, _server) = with_baseline(GATE);
    run(&world, "here", &[]).expect(0);
    let ran = run(&world, "out", &["--out", "elsewhere"]).expect(0);
    assert!(ran.stdout.contains("PASS against main"), "{}", ran.stdout);
    world.run(&["gate", "elsewhere/test/out", "--baseline", "main"]).expect(0);
    fs::create_dir_all(world.path("deep/down")).expect("a folder");
    let arguments = ["run", "../../suites/suite.yaml", "--run-id", "r", "--prompt", "plain"];
    let ran = world.command(&arguments).current_dir(world.path("deep/down")).output();
    let ran = ran.expect("the program starts");
    let stdout = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && stdout.contains("PASS against main"), "{stdout}");
    // A renamed suite names its earlier self.
    edit(&world, "name: test", "name: intents");
    run(&world, "renamed", &["--baseline-suite", "test"]).expect(0);
    edit(&world, "baseline: main", "baseline: main, baseline_suite: test");
    run(&world, "said", &[]).expect(0);
}

#[test]
fn a_first_run_says_that_it_is_one() {
    let (world, server) = (World::new(20), Server::start(right));
    world.suite(&server.url(), GATE);
    let ran = world.run_suite("told", &["--new-baseline"]).expect(0);
    assert!(ran.stderr.contains("no baseline `main` yet"), "{}", ran.stderr);
    let page = String::from_utf8(world.bytes("reports/test/told/report.html")).expect("UTF-8");
    assert!(page.contains("yet: nothing was compared"), "{page}");
    assert!(!world.path("reports/test/told/verdict.json").exists());
    // It holds for what goes on with the run, too.
    world.run(&["score", "reports/test/told"]).expect(0);
    world.run(&["resume", "reports/test/told"]).expect(0);
    world.suite(&server.url(), &GATE.replace("main,", "main, baseline_optional: true,"));
    world.run_suite("optional", &[]).expect(0);
    world.run(&["gate", "reports/test/optional", "--baseline", "main"]).expect(0);
    world.run(&["gate", "reports/test/optional", "--baseline", "other"]).expect(4);
    // A gate that names neither baseline nor minimum has nothing to decide, and says so.
    world.suite(&server.url(), "gate: { metrics: { exact: { margin: 0.03 } } }\n");
    let ran = world.run_suite("nothing", &["--quiet"]).expect(0);
    assert!(ran.stderr.contains("nothing was compared"), "{}", ran.stderr);
    world.suite(&server.url(), "gate: { baseline_optional: true }\n");
    let ran = world.run_suite("wrong", &[]).expect(2);
    assert!(ran.stderr.contains("the gate names none"), "{}", ran.stderr);
}

#[test]
fn a_missing_baseline_is_told_in_every_form() {
    let (world, server) = (World::new(20), Server::start(right));
    world.suite(&server.url(), GATE);
    world.run_suite("r", &["--quiet"]).expect(4);
    let says = "there is no baseline `main` of the suite `test`";
    let text = |name: &str| String::from_utf8(world.bytes(name)).expect("UTF-8");
    assert!(text("reports/test/r/report.html").contains(says));
    let verdict = world.json("reports/test/r/verdict.json");
    assert_eq!((&verdict["answer"], &verdict["says"]), (&"incomparable".into(), &says.into()));
    for (format, words) in [
        ("text", "INCOMPARABLE"),
        ("json", "\"incomparable\""),
        ("markdown", "incomparable"),
        ("junit", "errors=\"1\""),
        ("github", "::error"),
    ] {
        let gate = ["gate", "reports/test/r", "--baseline", "nope", "--format", format];
        let ran = world.run(&[&gate[..], &["--output", "told"]].concat()).expect(4);
        assert!(ran.stderr.contains("there is no baseline `nope`"), "{}", ran.stderr);
        let told = text("told");
        assert!(told.contains(words) && told.contains("there is no baseline"), "{format}: {told}");
    }
}

#[test]
fn a_baseline_of_the_command_line_must_be_there_before_anything_is_asked() {
    let (world, server) = (World::new(3), Server::start(right));
    world.suite(&server.url(), "");
    let ran = world.run_suite("r", &["--baseline", "nope"]).expect(4);
    for words in ["there is no baseline `nope`", "promote"] {
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    assert_eq!((ran.stdout.as_str(), server.count()), ("", 0));
    assert!(!world.path("reports/test/r").exists());
    world.run_suite("r", &["--baseline", "nope", "--new-baseline"]).expect(0);
}

#[test]
fn a_first_run_is_told_how_to_become_the_baseline() {
    let (world, server) = (World::new(20), Server::start(right));
    let promote = |id: &str| format!("evalmark baseline promote reports/test/{id} main");
    world.suite(&server.url(), GATE);
    let ran = world.run_suite("missing", &[]).expect(4);
    assert!(ran.stderr.contains(&promote("missing")), "{}", ran.stderr);
    let ran = world.run_suite("first", &["--new-baseline"]).expect(0);
    assert!(ran.stderr.contains(&promote("first")), "{}", ran.stderr);
    world.suite(&server.url(), "gate: { metrics: { exact: { margin: 0.03 } } }\n");
    let ran = world.run_suite("unnamed", &[]).expect(0);
    for words in
        ["the gate names no baseline", &promote("unnamed"), "`baseline: main` under `gate`"]
    {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    // The advice is good.
    world.run(&["baseline", "promote", "reports/test/unnamed", "main"]).expect(0);
    // A run that lacks answers is not recommended.
    let down = Server::start(|_| evalmark_loopback::Reply::status(400));
    world.suite(&down.url(), &GATE.replace("main", "other"));
    let ran = world.run_suite("failed", &["--no-cache"]).expect(4);
    assert!(ran.stderr.contains("promote RUN_DIR other"), "{}", ran.stderr);
}

#[test]
fn a_baseline_of_a_part_is_warned_about() {
    let (world, server) = (World::new(20), Server::start(right));
    world.suite(&server.url(), "");
    for (id, more, words) in [
        ("whole", &[][..], None),
        ("some", &["--limit", "5"], Some("made with `--limit 5`")),
        ("one", &["--prompt", "plain"], Some("made with `--prompt plain`")),
        ("both", &["--limit", "5", "--model", "small"], Some("`--limit 5` and `--model small`")),
    ] {
        world.run_suite(id, more).expect(0);
        let ran = world.run(&["baseline", "promote", &format!("reports/test/{id}"), id]).expect(0);
        assert_eq!(ran.stderr.is_empty(), words.is_none(), "{id}: {}", ran.stderr);
        assert!(ran.stderr.contains(words.unwrap_or_default()), "{id}: {}", ran.stderr);
    }
}

#[test]
fn a_folder_above_may_be_called_baselines() {
    let (world, server) = (World::new(3), Server::start(right));
    world.suite(&server.url(), "");
    world.run_suite("r", &["--out", "baselines/out"]).expect(0);
    world.run(&["baseline", "promote", "baselines/out/test/r", "main"]).expect(0);
    let again = world.run(&["baseline", "promote", "baselines/out/baselines/test/main", "b"]);
    assert!(again.expect(2).stderr.contains("is a baseline already"));
}

#[test]
fn minima_do_not_make_up_for_a_missing_baseline() {
    let (world, server) = (World::new(100), Server::start(right));
    for (id, min, code) in [("met", "0.8", 4), ("open", "0.99", 4)] {
        let gate = format!("gate: {{ baseline: main, metrics: {{ exact: {{ min: {min} }} }} }}\n");
        world.suite(&server.url(), &gate);
        let ran = world.run_suite(id, &["--prompt", "plain"]).expect(code);
        assert!(ran.stdout.contains("there is no baseline"), "{}", ran.stdout);
    }
    let wrong = Server::start(|_| evalmark_loopback::Reply::text("grey"));
    let gate = "gate: { baseline: main, metrics: { exact: { min: 0.8 } } }\n";
    world.suite(&wrong.url(), gate);
    let ran = world.run_suite("missed", &["--prompt", "plain", "--no-cache"]).expect(1);
    assert!(ran.stdout.contains("there is no baseline"), "{}", ran.stdout);
}

#[test]
fn a_run_that_lacks_scores_is_no_baseline() {
    let (world, server) = (World::new(9), Server::start(right));
    world.suite(&server.url(), "");
    world.run_suite("r", &[]).expect(0);
    let mut record = world.json("reports/test/r/run.json");
    record["status"] = "partial".into();
    let example = "the target is not a label: `blue`";
    record["counts"]["unscored"] = json!({ "l": { "count": 12, "example": example } });
    world.write("reports/test/r/run.json", &record.to_string());
    let ran = world.run(&["baseline", "promote", "reports/test/r", "main"]).expect(2);
    let says = format!("12 of 18 samples have no score of `l`: {example}");
    assert!(ran.stderr.contains(&says), "{}", ran.stderr);
    assert!(ran.stderr.contains("retrying cannot help"), "{}", ran.stderr);
}

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
    check("replaced scores", &replaced, 4, "scores.parquet is not the file");
    let empty = |world: &World| drop(world.write(&format!("{MAIN}/scores.parquet"), ""));
    check("emptied scores", &empty, 4, "scores.parquet is not the file");
    let removed =
        |world: &World| fs::remove_file(world.path(&format!("{MAIN}/scores.parquet"))).expect("");
    check("no scores", &removed, 4, "has no scores.parquet");
    let none = |world: &World| edit(world, &|record| record["files"] = json!({}));
    check("no digests", &none, 4, "a file that its run.json does not speak of");
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
    // Another suite's baseline is no measure, unless it is the same suite under an earlier name.
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
    record["incomplete"] = "the budget did not reach".into();
    world.write(path, &record.to_string());
    let gate = ["gate", "reports/test/second", "--baseline", "main"];
    let ran = world.run(&gate).expect(4);
    assert!(ran.stderr.contains("is incomplete: the budget did not reach"), "{}", ran.stderr);
    world.run(&[&gate[..], &["--as-it-is"]].concat()).expect(0);
    // A few missing answers are what verdicts reckon with.
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
