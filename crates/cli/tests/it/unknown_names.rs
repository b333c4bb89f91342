//! Names of what does not exist: each is an error that tells what is near, or what there is, and never
//! an empty result.

use std::fs;

use evalmark_loopback::Server;

use crate::setup::{World, right};

fn world() -> (World, Server) {
    let (world, server) = (World::new(6), Server::start(right));
    world.suite(&server.url(), "");
    for id in ["monday", "friday"] {
        world.run_suite(id, &[]).expect(0);
    }
    world.run(&["baseline", "promote", "reports/test/monday", "main"]).expect(0);
    (world, server)
}

/// What a command says of a name that does not exist; it prints no result.
#[track_caller]
fn check(world: &World, arguments: &[&str], code: i32, words: &[&str]) {
    let ran = world.run(arguments).expect(code);
    let told = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(told.contains(word), "{arguments:?}: {word}:\n{}", ran.stderr);
    }
    assert!(ran.stdout.is_empty(), "{arguments:?}:\n{}", ran.stdout);
}

#[test]
fn runs_that_do_not_exist_are_said_with_those_that_do() {
    let (world, _server) = world();
    let check = |arguments: &[&str], code, words: &[&str]| check(&world, arguments, code, words);
    let mean = "did you mean `reports/test/monday`?";
    for command in ["show", "resume", "score", "report", "export-answers", "compare"] {
        check(&[command, "monday"], 2, &["there is no run folder monday", mean]);
        check(&[command, "reports/test/mondy"], 2, &[mean]);
        check(&[command, "reports/test"], 2, &["has no run.json", "`test:latest`"]);
        check(&[command, "x", "--out", "nowhere"], 2, &["no runs in nowhere", "`--out DIR`"]);
    }
    check(&["gate", "monday", "--baseline", "main"], 2, &[mean]);
    check(&["judge-check", "monday"], 2, &[mean]);
    check(&["baseline", "promote", "monday", "other"], 2, &[mean]);
    check(&["compare", "latest", "monday"], 2, &[mean]);
    check(&["diff", "latest", "monday"], 2, &[mean]);
    check(&["diff", "monday", "latest"], 2, &["neither a run folder nor a baseline", mean]);
    check(&["compare", "mian", "latest"], 2, &["did you mean `main`?"]);
    check(
        &["diff", "latest", "main"],
        2,
        &["no run folder main", "a baseline of the suite `test`"],
    );
    check(&["show", "tset:latest"], 2, &["did you mean `test:latest`?"]);
}

#[test]
fn suites_and_folders_that_do_not_exist_are_said() {
    let (world, _server) = world();
    let check = |arguments: &[&str], code, words: &[&str]| check(&world, arguments, code, words);
    let suites = &["did you mean `suite.yaml`?", "there are: `suite.yaml`"][..];
    for command in ["run", "check", "plan", "calibrate"] {
        check(&[command, "siute.yaml"], 2, suites);
        check(&[command, "else.yaml"], 2, &suites[1..]);
    }
    check(&["check", "."], 2, &["there are: `./suite.yaml`"]);
    check(&["run", "suite.yaml", "--prompt", "plian"], 2, &["did you mean `plain`?"]);
    check(&["runs", "tset"], 2, &["did you mean `test`?", "there are runs of: `test`"]);
    check(&["runs", "--out", "nowhere"], 2, &["there is no folder nowhere"]);
    check(&["runs", "test", "--out", "nowhere"], 2, &["there is no folder nowhere"]);
    check(&["trend", "nope"], 2, &["no runs of the suite `nope`", "there are runs of: `test`"]);
    check(&["trend", "test", "--out", "nowhere"], 2, &["there is no folder nowhere"]);
    check(&["baseline", "list", "--out", "nowhere"], 2, &["there is no folder nowhere"]);
    check(&["view", "nowhere"], 2, &["nowhere"]);
}

#[test]
fn parts_of_runs_that_do_not_exist_are_said() {
    let (world, _server) = world();
    let check = |arguments: &[&str], code, words: &[&str]| check(&world, arguments, code, words);
    let since = ["trend", "test", "--since", "mondy"];
    check(&since, 2, &["no run `mondy`", "did you mean `monday`?", "`friday`, `monday`"]);
    for (option, wrong, near) in [
        ("--metric", "exat", "exact"),
        ("--prompt", "plian", "plain"),
        ("--model", "smal", "small"),
    ] {
        let near = format!("did you mean `{near}`? it has: ");
        check(&["trend", "test", option, wrong], 2, &[wrong, &near]);
        check(&["diff", "main", "latest", option, wrong], 2, &[wrong, &near]);
    }
    let between = ["compare", "latest", "--between", "plain", "trse"];
    check(&between, 2, &["no prompt or model `trse`", "did you mean `terse`?"]);
    check(&["export-answers", "latest", "--model", "smal"], 2, &["did you mean `small`?"]);
    check(&["judge-check", "latest", "--metric", "exat"], 2, &["did you mean `exact`?"]);
}

#[test]
fn baselines_and_endpoints_that_do_not_exist_are_said() {
    let (world, _server) = world();
    let check = |arguments: &[&str], code, words: &[&str]| check(&world, arguments, code, words);
    check(&["baseline", "show", "mian"], 2, &["did you mean `main`?", "there are: `main`"]);
    check(&["baseline", "show", "test/mian"], 2, &["did you mean `test/main`?"]);
    check(&["report", "latest", "--baseline", "mian"], 4, &["did you mean `main`?"]);
    check(&["plan", "suite.yaml", "--baseline", "mian"], 4, &["did you mean `main`?"]);
    for command in [&["cache", "info"][..], &["cache", "prune", "--all"]] {
        world.run(&[command, &["--cache-dir", "kept"]].concat()).expect(0);
        assert!(!world.path("kept").exists(), "nothing is made where nothing is");
    }
    let prune = ["cache", "prune", "--endpoint", "nope"];
    check(&prune, 2, &["no answers of the endpoint `nope`", "there are answers of: `"]);
}

/// An empty folder is no error, and no silence either.
#[test]
fn a_folder_without_anything_is_said() {
    let world = World::new(1);
    fs::create_dir(world.path("reports")).expect("a folder");
    let ran = world.run(&["runs"]).expect(0);
    assert_eq!(ran.stderr, "there are no runs in reports\n");
    let ran = world.run(&["baseline", "list"]).expect(0);
    assert_eq!(ran.stderr, "there are no baselines in reports\n");
    world.run(&["view", "--no-open", "--port", "x"]).expect(2);
}

/// A verdict that cannot be read is no verdict, and the run can be gated again.
#[test]
fn a_broken_verdict_is_said_with_what_to_do() {
    let (world, _server) = world();
    world.write("reports/test/friday/verdict.json", "{");
    let ran = world.run(&["report", "reports/test/friday"]).expect(4);
    assert!(ran.stderr.contains("verdict.json is not a verdict"), "{}", ran.stderr);
    assert!(ran.stderr.contains("`evalmark gate reports/test/friday"), "{}", ran.stderr);
}
