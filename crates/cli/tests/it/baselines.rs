//! A gate without its baseline does not pass: wherever it is run from, and however it is told.

mod answers;
mod changed;
mod verdict_kept;

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
    assert!(again.expect(2).stderr.contains("is already a baseline"));
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

/// A baseline that lacks answers, or covers a part of its suite, says so wherever it is told of.
#[test]
fn an_incomplete_baseline_is_marked() {
    let world = World::new(8);
    let server = Server::start(|seen: &evalmark_loopback::Seen| match crate::setup::item(seen) {
        3 => evalmark_loopback::Reply::status(400),
        _ => right(seen),
    });
    world.suite(&server.url(), "");
    world.run_suite("first", &["--new-baseline", "--prompt", "plain"]).expect(4);
    let lacking = "1 of the run's samples has no answer";
    let promote = ["baseline", "promote", "reports/test/first", "main"];
    assert!(world.run(&promote).expect(2).stderr.contains(lacking));
    let forced = world.run(&[&promote[..], &["--force", "--format", "json"]].concat()).expect(0);
    let told: serde_json::Value = serde_json::from_str(&forced.stdout).expect("JSON");
    let warnings = told["warnings"].to_string();
    assert!(warnings.contains("`--prompt plain`") && warnings.contains(lacking), "{warnings}");
    assert!(forced.stderr.contains(lacking), "{}", forced.stderr);
    let listed = world.run(&["baseline", "list"]).expect(0);
    assert!(listed.words().contains(&format!("incomplete: {lacking}")), "{}", listed.stdout);
    let shown = world.run(&["baseline", "show", "main", "--format", "json"]).expect(0);
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).expect("JSON");
    assert_eq!(shown["baselines"][0]["incomplete"], json!(lacking));
}

#[test]
fn a_run_from_elsewhere_becomes_a_baseline_where_the_user_says() {
    let (world, server) = (World::new(6), Server::start(right));
    world.suite(&server.url(), "");
    world
        .run(&["run", "suite.yaml", "--out", "artefact", "--run-id", "a", "--new-baseline"])
        .expect(0);
    let ran = world
        .run(&["baseline", "promote", "artefact/test/a", "main", "--out", "reports"])
        .expect(0);
    assert_eq!(ran.stdout.trim(), "reports/baselines/test/main");
    assert!(world.path("reports/baselines/test/main/scores.parquet").is_file());
    assert!(!world.path("artefact/baselines").exists());
    let ran = world.run(&["baseline", "promote", "artefact/test/a", "other"]).expect(0);
    assert_eq!(ran.stdout.trim(), "artefact/baselines/test/other");
    let ran = world.run(&["baseline", "promote", "latest", "other", "--out", "artefact"]).expect(2);
    assert!(ran.stderr.contains("--force"), "{}", ran.stderr);
}
