//! What a gate leaves in the run's folder, and what it says where it can leave nothing.

use std::fs::{self, File};

use evalmark_loopback::{Reply, Server};

use super::{GATE, run, with_baseline};
use crate::setup::World;

const MAIN: &str = "reports/baselines/test/main";
const VERDICT: &str = "reports/test/second/verdict.json";

/// A run `second` that passes against the baseline `main`.
fn with_verdict() -> (World, Server) {
    let (world, server) = with_baseline(GATE);
    run(&world, "second", &[]).expect(0);
    (world, server)
}

fn gate(baseline: &str) -> [&str; 4] {
    ["gate", "reports/test/second", "--baseline", baseline]
}

#[test]
fn a_gate_that_compares_nothing_leaves_the_verdict_that_stands() {
    let check = |name: &str, baseline: &str, spoil: &dyn Fn(&World), stands: bool| {
        let (world, _server) = with_verdict();
        let before = world.bytes(VERDICT);
        spoil(&world);
        let output = ["--format", "json", "--output", "told"];
        let ran = world.run(&[&gate(baseline)[..], &output].concat()).expect(4);
        assert_eq!(world.json("told")["answer"], "incomparable", "{name}");
        assert_eq!(world.bytes(VERDICT) == before, stands, "{name}");
        let says = format!("{VERDICT} was not written: nothing was compared");
        assert_eq!(ran.stderr.contains(&says), stands, "{name}: {}", ran.stderr);
        let listed = world.run(&["runs"]).stdout;
        assert_eq!(listed.to_lowercase().contains("incomparable"), !stands, "{name}: {listed}");
    };
    let spoil = |file: &'static str| move |world: &World| drop(world.write(file, "{}"));
    check("a typo", "mian", &|_| (), true);
    check("no record", "main", &spoil("reports/baselines/test/main/run.json"), true);
    check("broken scores", "main", &spoil("reports/baselines/test/main/scores.parquet"), true);
    check("itself", "reports/test/second", &|_| (), true);
    // A verdict on scores that are gone does not stand.
    check("its own scores", "main", &spoil("reports/test/second/scores.parquet"), false);
}

#[test]
fn a_run_that_is_worked_on_is_not_written_to() {
    let (world, _server) = with_verdict();
    let path = "reports/test/second/run.json";
    let mut record = world.json(path);
    record["status"] = "running".into();
    world.write(path, &record.to_string());
    let lock = File::create(world.path("reports/test/second/.lock")).expect("a file");
    lock.lock().expect("locked");
    let check = |more: &[&str], code: i32| {
        for earlier in [Some("{}"), None] {
            fs::remove_file(world.path(VERDICT)).unwrap_or_default();
            earlier.map(|text| world.write(VERDICT, text));
            let ran = world.run(&[&gate("main")[..], more].concat()).expect(code);
            let says = "was not written: another process is working on the run";
            assert!(ran.stderr.contains(says), "{more:?}: {}", ran.stderr);
            let kept = fs::read_to_string(world.path(VERDICT)).ok();
            assert_eq!(kept.as_deref(), earlier, "{more:?}");
        }
    };
    check(&["--as-it-is"], 0);
    check(&[], 4);
}

/// Whoever may not write into the folder gets the verdict all the same.
#[test]
fn a_verdict_that_cannot_be_kept_is_given() {
    let (world, _server) = with_verdict();
    let block = |run: &str| {
        let path = world.path(&format!("reports/test/{run}/verdict.json"));
        fs::remove_file(&path).expect("removed");
        fs::create_dir_all(path.join("in the way")).expect("a folder");
    };
    block("second");
    let says = "verdict.json cannot be written";
    let ran = world.run(&gate("main")).expect(4);
    assert!(ran.stdout.contains("PASS against main"), "{}", ran.stdout);
    assert!(ran.stderr.contains(says), "{}", ran.stderr);
    let ran = world.run(&[&gate("main")[..], &["--output", "told"]].concat()).expect(4);
    let told = String::from_utf8(world.bytes("told")).expect("UTF-8");
    assert!(told.contains("PASS against main") && ran.stderr.contains(says), "{}", ran.stderr);
    // A regression is worse than a file that could not be written.
    let wrong = Server::start(|_| Reply::text("grey"));
    world.suite(&wrong.url(), GATE);
    fs::rename(world.path("suite.yaml"), world.path("suites/suite.yaml")).expect("moved");
    run(&world, "worse", &["--no-cache"]).expect(1);
    block("worse");
    let ran = world.run(&["gate", "reports/test/worse", "--baseline", "main"]).expect(1);
    assert!(ran.stderr.contains(says), "{}", ran.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_cannot_be_written_is_no_usage_error() {
    let (world, _server) = with_verdict();
    for output in ["/dev/full", "no/such/folder"] {
        let ran = world.run(&[&gate("main")[..], &["--output", output]].concat()).expect(4);
        assert!(ran.stderr.contains(&format!("{output} cannot be written")), "{}", ran.stderr);
    }
}

/// Advice that cannot help is not given.
#[test]
fn a_missing_baseline_is_advised_about_with_what_works() {
    let (world, server) = with_verdict();
    let ran = world.run(&gate("reports/quickstart")).expect(4);
    let says = "`evalmark baseline promote RUN_DIR NAME` makes a run the baseline";
    assert!(ran.stderr.contains(says), "{}", ran.stderr);
    // A baseline `release` of another suite, with other items and other metrics.
    let suite = crate::setup::suite(&server.url(), "").replace("name: test", "name: big");
    let suite = suite.replace("name: close", "name: near");
    world.data(0..9);
    world.write("big.yaml", &suite);
    world.run(&["run", "big.yaml", "--run-id", "r"]).expect(0);
    world.run(&["baseline", "promote", "reports/big/r", "release"]).expect(0);
    for baseline in ["release", "reports/baselines/big/release"] {
        let ran = world.run(&gate(baseline)).expect(4);
        assert!(!ran.stderr.contains("--baseline-suite"), "{}", ran.stderr);
    }
}

/// Failures that asking again cannot mend are not to be retried, whichever command says so.
#[test]
fn what_retrying_cannot_mend_is_not_to_be_retried() {
    for (status, retry) in [(400, false), (500, true)] {
        let (world, down) = (World::new(6), Server::start(move |_| Reply::status(status)));
        let suite = crate::setup::suite(&down.url(), "").replace("attempts: 4", "attempts: 1");
        world.write("suite.yaml", &suite);
        world.run_suite("r", &[]).expect(4);
        for command in [
            &["baseline", "promote", "reports/test/r", "main"][..],
            &["gate", "reports/test/r", "--baseline", "main"],
        ] {
            let told = world.run(command).stderr;
            assert_eq!(told.contains("evalmark resume"), retry, "{command:?}: {told}");
            assert_eq!(told.contains("asking again would fail again"), !retry, "{told}");
        }
    }
}

/// No gated number comes from these files: the gate decides, and warns.
#[test]
fn damaged_files_of_a_baseline_are_warned_about() {
    let check = |file: &str, spoil: fn(&World, &str), words: &str| {
        let (world, _server) = with_verdict();
        let quiet = world.run(&gate("main")).expect(0);
        assert!(!quiet.stderr.contains("damaged"), "{}", quiet.stderr);
        let path = format!("{MAIN}/{file}");
        spoil(&world, &path);
        let says = format!("warning: the baseline `main` is damaged: {path} {words}");
        for ran in [world.run(&gate("main")), run(&world, "third", &[])] {
            let ran = ran.expect(0);
            assert!(ran.stderr.replace("./", "").contains(&says), "{says}: {}", ran.stderr);
        }
    };
    let cut = |world: &World, path: &str| {
        let bytes = world.bytes(path);
        fs::write(world.path(path), &bytes[..bytes.len() / 2]).expect("written");
    };
    let remove = |world: &World, path: &str| fs::remove_file(world.path(path)).expect("removed");
    for file in ["usage.parquet", "answers.parquet"] {
        check(file, cut, "does not match its run.json");
        check(file, remove, "is missing");
    }
}
