//! The audit log through the program: what is recorded, shown, checked and exported.

use std::{fs, process::Command};

use evalmark_loopback::Server;
use serde_json::Value;

use crate::{
    releases::{release_another, released},
    setup::{World, right, root},
};

const KEY: &str = "crates/store/tests/keys/ssh-ed25519";

/// A world in git, whose log is switched on.
fn world() -> (World, Server) {
    let world = World::new(40);
    let server = Server::start(right);
    world.suite(&server.url(), "gate: { metrics: { exact: { margin: 0.2 } } }\n");
    world.write(".gitconfig", "[user]\nname = Ada\nemail = ada@example.com\n");
    let init = Command::new("git").arg("-C").arg(world.path("")).args(["init", "-q"]).output();
    assert!(init.expect("git").status.success());
    world.run(&["audit", "start"]).expect(0);
    (world, server)
}

fn log(world: &World) -> Vec<Value> {
    let text = fs::read_to_string(world.path("releases/audit.jsonl")).expect("a log");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn actions(world: &World) -> Vec<String> {
    log(world).iter().map(|entry| entry["action"].as_str().expect("a word").to_owned()).collect()
}

#[test]
fn without_a_log_nothing_is_written() {
    let world = World::new(4);
    let server = Server::start(right);
    world.suite(&server.url(), "");
    world.run_suite("a", &[]).expect(0);
    world.run(&["cache", "prune", "--all"]).expect(0);
    assert!(!world.path("releases").exists());
    let ran = world.run(&["audit", "show"]).expect(2);
    assert!(ran.stderr.contains("there is no audit log here"), "{}", ran.stderr);
    assert!(ran.stderr.contains("evalmark audit start"), "{}", ran.stderr);
}

#[test]
fn what_is_done_is_recorded() {
    let (world, _server) = world();
    world.run_suite("a", &["--new-baseline"]).expect(0);
    world.run(&["baseline", "promote", "reports/test/a", "main"]).expect(0);
    world.run_suite("b", &["--new-baseline"]).expect(0);
    world.run(&["gate", "reports/test/b", "--baseline", "main"]).expect(0);
    world.run(&["score", "reports/test/b"]).expect(0);
    world.run(&["cache", "prune", "--older-than", "30d"]).expect(0);
    assert_eq!(actions(&world), ["run", "run", "gate", "run", "cache_prune"]);
    let entries = log(&world);
    let run = &entries[0];
    assert_eq!(run["who"]["git"]["name"], "Ada");
    assert_eq!(run["subject"]["suite"], "test");
    assert_eq!(run["subject"]["run"], "a");
    assert_eq!(run["evidence"]["status"], "complete");
    assert!(run["evidence"]["run.json"].as_str().expect("a digest").starts_with("blake3:"));
    let ran = world.run(&["audit", "verify", "--format", "json"]).expect(0);
    let verified: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(verified["intact"], true);
    assert_eq!(verified["entries"], entries.len());
}

#[test]
fn a_ci_job_is_named() {
    let (world, _server) = world();
    let job = [
        ("CI", "true"),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_ACTOR", "grace"),
        ("GITHUB_REPOSITORY", "org/repo"),
    ];
    world.run_in(&["cache", "prune", "--all"], &job).expect(0);
    world.run_suite("a", &["--new-baseline"]).expect(0);
    world.run_in(&["cache", "prune", "--all"], &job).expect(0);
    let entries = log(&world);
    let last = entries.last().expect("an entry");
    assert_eq!(last["who"]["ci"]["system"], "github");
    assert_eq!(last["who"]["ci"]["actor"], "grace");
    let shown = world.run(&["audit", "show", "--action", "cache-prune"]).expect(0);
    assert!(shown.stdout.contains("github for grace"), "{}", shown.stdout);
}

#[test]
fn damage_fails_and_names_the_line() {
    let (world, _server) = world();
    for id in ["a", "b", "c"] {
        world.run_suite(id, &["--new-baseline"]).expect(0);
    }
    let text = fs::read_to_string(world.path("releases/audit.jsonl")).expect("a log");
    let check = |text: &str, told: &str| {
        world.write("releases/audit.jsonl", text);
        let ran = world.run(&["audit", "verify"]).expect(4);
        assert!(ran.stdout.contains("NOT INTACT"), "{}", ran.stdout);
        assert!(ran.stdout.contains(told), "{told}: {}", ran.stdout);
    };
    check(&text.replacen("\"run\":\"b\"", "\"run\":\"x\"", 1), "line 2 was altered");
    let lines: Vec<_> = text.lines().collect();
    let without = [&lines[..1], &lines[2..]].concat().join("\n") + "\n";
    check(&without, "1 entry was removed between line 1 and line 2");
    let swapped = text.replacen(lines[1], "\u{1b}[2J", 1);
    check(&swapped, "line 2 is not an entry of the log");
    // Nothing is run that could not be recorded.
    world.write("releases/audit.jsonl", &text.replacen("\"seq\":3", "\"seq\":7", 1));
    let ran = world.run_suite("d", &["--new-baseline"]).expect(2);
    assert!(ran.stderr.contains("audit.jsonl:3: this line is not an entry"), "{}", ran.stderr);
    assert!(!world.path("reports/test/d").exists());
}

#[test]
fn a_signed_end_finds_a_log_that_was_cut_off() {
    let (world, _server) = world();
    for id in ["a", "b"] {
        world.run_suite(id, &["--new-baseline"]).expect(0);
    }
    let key = root().join(KEY);
    let signers = fs::read_to_string(key.with_extension("pub")).expect("a key");
    let key = key.display().to_string();
    world.run(&["audit", "checkpoint", "--key", &key]).expect(0);
    let ran = world.run(&["audit", "verify"]).expect(2);
    assert!(ran.stderr.contains("nobody is named whose checkpoints count"), "{}", ran.stderr);
    world.write("releases/allowed_signers", &format!("ada@example.com {signers}"));
    let ran = world.run(&["audit", "verify"]).expect(0);
    assert!(ran.stdout.contains("audit.checkpoint.json: its signature is right"), "{}", ran.stdout);
    let text = fs::read_to_string(world.path("releases/audit.jsonl")).expect("a log");
    let cut: String = text.split_inclusive('\n').take(1).collect();
    world.write("releases/audit.jsonl", &cut);
    let ran = world.run(&["audit", "verify"]).expect(4);
    assert!(ran.stdout.contains("the log was cut off behind line 1"), "{}", ran.stdout);
    // So does a checkpoint that is somebody else's.
    world.write("releases/audit.jsonl", &text);
    let other = fs::read_to_string(root().join("crates/store/tests/keys/ssh-ecdsa.pub"));
    world.write("releases/allowed_signers", &format!("grace {}", other.expect("a key")));
    let ran = world.run(&["audit", "verify"]).expect(4);
    assert!(ran.stderr.contains("by a key that no signer has"), "{}", ran.stderr);
}

#[test]
fn the_newest_release_finds_a_log_that_was_cut_off() {
    let world = released();
    release_another(&world, "r2", "Answer with money, delivery, login or nothing.");
    let text = fs::read_to_string(world.path("releases/audit.jsonl")).expect("a log");
    let told = |code: i32| {
        let ran = world.run(&["audit", "verify"]).expect(code);
        ran.words()
    };
    assert!(told(0).contains("intact: 6 entries held against release 2 of staging"), "{}", told(0));
    let check = |left: usize, expected: &[&str]| {
        let cut: String = text.split_inclusive('\n').take(left).collect();
        world.write("releases/audit.jsonl", &cut);
        let told = told(4);
        for expected in expected {
            assert!(told.contains(expected), "{expected}: {told}");
        }
    };
    let is_gone = "no entry tells of release 2 of staging: it was removed";
    check(5, &[is_gone]);
    let is_cut = "release 2 of staging holds an end of 5 entries that is not there";
    check(4, &["the log was cut off behind line 4", is_cut, is_gone]);
    check(0, &["the log was cut off behind line 0", is_cut, is_gone]);
    // What was written anew has no place in it either, and JSON says the same.
    world.write("releases/audit.jsonl", "");
    world.run(&["cache", "prune", "--all"]).expect(0);
    let ran = world.run(&["audit", "verify", "--format", "json"]).expect(4);
    let verified: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(verified["releases"], serde_json::json!(["release 2 of staging"]));
    assert_eq!(verified["intact"], false);
    let kinds = |index: usize| verified["findings"][index]["finding"]["kind"].clone();
    assert_eq!([kinds(0), kinds(1)], ["cut_off", "unrecorded"]);
    world.write("releases/audit.jsonl", &text);
    told(0);
    // The signed end of the log does not count as an environment.
    let key = root().join(KEY);
    let public = fs::read_to_string(key.with_extension("pub")).expect("a key");
    world.write("releases/allowed_signers", &format!("ada {public}"));
    world.run(&["audit", "checkpoint", "--key", &key.display().to_string()]).expect(0);
    world.run(&["release", "status"]).expect(0);
    world.run(&["release", "verify"]).expect(0);
    told(0);
    // A release that cannot be read holds nothing, and is told.
    world.write("releases/staging/000002.json", "<<<<<<< ours\n");
    let ran = world.run(&["audit", "verify"]).expect(4);
    assert!(ran.stderr.contains("marks of a conflict"), "{}", ran.stderr);
}

#[test]
fn exports_are_safe_and_filtered() {
    let (world, _server) = world();
    world.run_suite("a", &["--new-baseline"]).expect(0);
    let csv = world.run(&["audit", "export", "--action", "run"]).expect(0).stdout;
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines.len(), 2, "{csv}");
    assert!(lines[0].starts_with("line,seq,time,action,suite"), "{csv}");
    assert!(lines[1].starts_with("1,1,"), "{csv}");
    world.run(&["audit", "export", "--format", "jsonl", "--output", "log.jsonl"]).expect(0);
    let exported = fs::read_to_string(world.path("log.jsonl")).expect("a file");
    assert_eq!(exported.lines().count(), log(&world).len());
    for (arguments, n) in [
        (&["--prompt", "nobody"][..], 0),
        (&["--since", "1d"], 1),
        (&["--since", "2999-01-01T00:00:00Z"], 0),
        (&["--action", "run", "override"], 1),
        (&["--environment", "production"], 0),
    ] {
        let ran =
            world.run(&[&["audit", "show", "--format", "json"], arguments].concat()).expect(0);
        let shown: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!(shown.as_array().expect("a list").len(), n, "{arguments:?}: {}", ran.stdout);
    }
    let ran = world.run(&["audit", "show", "--action", "rum"]).expect(2);
    assert!(ran.stderr.contains("unknown action; the actions are: run, gate"), "{}", ran.stderr);
}

/// A run that got worse than its baseline.
fn regressed() -> (World, Server) {
    let (world, good) = world();
    world.run_suite("a", &["--new-baseline"]).expect(0);
    world.run(&["baseline", "promote", "reports/test/a", "main"]).expect(0);
    world.run_suite("same", &["--new-baseline"]).expect(0);
    drop(good);
    let bad = Server::start(|_| evalmark_loopback::Reply::text("wrong"));
    world.suite(&bad.url(), "gate: { baseline: main, metrics: { exact: { margin: 0.2 } } }\n");
    world.run_suite("b", &[]).expect(1);
    (world, bad)
}

#[test]
fn an_override_is_loud_in_every_format_and_recorded() {
    let (world, _server) = regressed();
    let gate = ["gate", "reports/test/b", "--baseline", "main"];
    world.run(&gate).expect(1);
    let reason = "the labels are wrong \u{1b}[31m<b>";
    for format in ["text", "json", "markdown", "junit", "github", "sarif", "gitlab"] {
        let more = ["--override", reason, "--format", format];
        let ran = world.run(&[&gate[..], &more[..]].concat()).expect(0);
        let told = ran.stdout.to_lowercase();
        assert!(told.contains("overridden"), "{format}: {}", ran.stdout);
        assert!(told.contains("the labels are wrong"), "{format}: {}", ran.stdout);
        assert!(!ran.stdout.contains('\u{1b}'), "{format}: {}", ran.stdout);
        assert!(ran.stderr.contains("does not fail with `--override`"), "{format}: {}", ran.stderr);
    }
    let more = ["--override", reason, "--format", "gitlab-metrics"];
    let ran = world.run(&[&gate[..], &more[..]].concat()).expect(0);
    assert!(ran.stdout.contains("evalmark_overridden{suite=\"test\"} 1"), "{}", ran.stdout);
    let entries = log(&world);
    let last = entries.last().expect("an entry");
    assert_eq!(last["action"], "override");
    assert_eq!(last["evidence"]["verdict"], "regressed");
    assert_eq!(last["evidence"]["reason"], reason);
    assert_eq!(last["who"]["git"]["email"], "ada@example.com");
    let kept = fs::read_to_string(world.path("reports/test/b/verdict.json")).expect("a verdict");
    assert!(!kept.to_lowercase().contains("overridden"), "the verdict stays what it is");
    let shown = world.run(&["audit", "show", "--action", "override"]).expect(0).stdout;
    assert!(shown.contains("override because: the labels are wrong"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown}");
    world.run(&["audit", "verify"]).expect(0);
}

#[test]
fn an_override_needs_a_log_a_reason_and_a_verdict_that_fails() {
    let (world, _server) = regressed();
    let gate = |run: &str, reason: &str| {
        world.run(&["gate", run, "--baseline", "main", "--override", reason])
    };
    let ran = gate("reports/test/b", "  ").expect(2);
    assert!(ran.stderr.contains("say why"), "{}", ran.stderr);
    let ran = gate("reports/test/same", "just so").expect(0);
    assert!(ran.stderr.contains("`--override` changes nothing"), "{}", ran.stderr);
    let ran = world.run(&["gate", "reports/test/b", "--baseline", "none", "--override", "why not"]);
    let ran = ran.expect(4);
    assert!(ran.stderr.contains("`--override` changes nothing"), "{}", ran.stderr);
    assert!(!actions(&world).contains(&"override".to_owned()));
    fs::remove_dir_all(world.path("releases")).expect("removed");
    let ran = gate("reports/test/b", "because").expect(2);
    assert!(
        ran.stderr.contains("a verdict is overridden only where that is recorded"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("evalmark audit start"), "{}", ran.stderr);
}
