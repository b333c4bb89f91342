//! `evalmark diff`, `compare` of two runs, and what a verdict shows of what broke.

use std::{fs, sync::Mutex};

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::Value;

use crate::setup::{Ran, World, answer, item};

const GATE: &str = "gate: { baseline: main, metrics: { exact: { margin: 0.1 } } }\n";

/// Two runs: in the second, the answers to the items below 20 are wrong, and that to the last, which
/// was wrong, is right.
fn two_runs() -> (World, [Server; 2]) {
    let world = World::new(60);
    let first = Server::start(|seen: &Seen| {
        let i = item(seen);
        Reply::text(if i == 59 { "no idea" } else { answer(i) })
    });
    let second = Server::start(|seen: &Seen| {
        let i = item(seen);
        Reply::text(if i < 20 { format!("it is not {}", answer(i)) } else { answer(i).to_owned() })
    });
    world.suite(&first.url(), GATE);
    world.run_suite("first", &["--new-baseline", "--no-cache"]).expect(0);
    world.suite(&second.url(), GATE);
    world.run_suite("second", &["--new-baseline", "--no-cache"]).expect(0);
    (world, [first, second])
}

fn diff(world: &World, more: &[&str]) -> Ran {
    world.run(&[&["diff", "test:latest~1", "latest"], more].concat()).expect(0)
}

#[test]
fn changed_items_are_shown_word_by_word() {
    let (world, _servers) = two_runs();
    let ran = diff(&world, &["--metric", "exact", "--prompt", "terse"]);
    let head = "reports/test/second against reports/test/first: 20 scores worse, 1 score better, 39 \
                the same";
    assert!(ran.words().starts_with(head), "{}", ran.stdout);
    let block = "  i0001 · terse · small · exact: 1 -> 0\n    asked   question 1\n    target  \
                 green\n    answer  {+it is not +}green\n";
    assert!(ran.stdout.contains(block), "{}", ran.stdout);
    assert!(!ran.stdout.contains("i0059"), "worse ones come first: {}", ran.stdout);
    assert!(ran.stderr.contains("20 of 21 shown; `--limit 21` shows all"), "{}", ran.stderr);
    assert!(!ran.stdout.contains('\u{1b}'), "a pipe has no colours");
    let ran = diff(&world, &["--metric", "exact", "--prompt", "terse", "--only", "better"]);
    let block = "i0059 · terse · small · exact: 0 -> 1\n    asked   question 59\n    target  \
                 blue\n    answer  [-no idea-]{+blue+}\n";
    assert!(ran.stdout.contains(block), "{}", ran.stdout);
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
    let ran = diff(&world, &["--limit", "1", "--color", "always"]);
    assert!(ran.stdout.contains("\u{1b}[32m{+it is not +}\u{1b}[0m"), "{}", ran.stdout);
    let refused = world.run(&["diff", "latest~1", "latest", "--metric", "exat"]).expect(2);
    assert!(
        refused.stderr.contains("did you mean `exact`? it has: `exact`, `close`"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_diff_is_json_too() {
    let (world, _servers) = two_runs();
    let ran = diff(&world, &["--format", "json", "--metric", "exact", "--limit", "2"]);
    let found: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((&found["n_worse"], &found["n_better"]), (&40.into(), &2.into()));
    assert_eq!(found["after"]["run_id"], "second");
    let items = found["items"].as_array().expect("items");
    assert_eq!(items.len(), 2);
    let first = &items[0];
    let expected = [
        ("item_id", "i0000"),
        ("prompt", "plain"),
        ("question", "Colour of question 0"),
        ("before", "red"),
        ("after", "it is not red"),
    ];
    for (key, value) in expected {
        assert_eq!(first[key], value, "{first}");
    }
    assert_eq!(first["targets"][0], "red");
    assert_eq!(first["diff"][0]["op"], "added");
    assert_eq!((&first["before_score"], &first["after_score"]), (&1.0.into(), &0.0.into()));
}

#[test]
fn a_baseline_is_compared_with_by_its_name() {
    let (world, _servers) = two_runs();
    world.run(&["baseline", "promote", "test:latest~1", "main"]).expect(0);
    let ran = world.run(&["diff", "main", "latest", "--limit", "1"]).expect(0);
    assert!(ran.stdout.contains("answer  {+it is not +}red"), "{}", ran.stdout);
    let promote = ["baseline", "promote", "latest~1", "main", "--force", "--no-answers"];
    world.run(&promote).expect(0);
    let ran = world.run(&["diff", "main", "latest", "--limit", "1"]).expect(0);
    assert!(ran.stdout.contains("answer  it is not red"), "{}", ran.stdout);
    assert!(ran.stderr.contains("cannot be shown: it was promoted with"), "{}", ran.stderr);
    let ran = world.run(&["diff", "mian", "latest"]).expect(2);
    assert!(ran.stderr.contains("`mian` is neither a run folder nor a baseline"), "{}", ran.stderr);
    assert!(ran.stderr.contains("did you mean `main`?"), "{}", ran.stderr);
}

#[test]
fn two_runs_are_compared_as_a_gate_does() {
    let (world, _servers) = two_runs();
    let ran = world.run(&["compare", "latest~1", "latest", "--format", "json"]).expect(1);
    let compared: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert!(!world.path("reports/test/second/verdict.json").exists(), "nothing is kept");
    world.run(&["baseline", "promote", "latest~1", "main"]).expect(0);
    let ran = world.run(&["gate", "latest", "--baseline", "main", "--format", "json"]).expect(1);
    let gated: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(compared["comparisons"], gated["comparisons"], "the same figures");
    assert_eq!(compared["says"], gated["says"]);
    world.run(&["compare", "main", "latest"]).expect(1);
    world.run(&["compare", "latest", "latest"]).expect(4);
    world.run(&["compare", "latest", "latest~1", "--between", "plain", "terse"]).expect(2);
    let ran = world.run(&["compare", "nowhere", "latest"]).expect(2);
    assert!(ran.stderr.contains("neither a run folder nor a baseline"), "{}", ran.stderr);
}

#[test]
fn a_verdict_shows_what_broke() {
    let (world, _servers) = two_runs();
    world.run(&["baseline", "promote", "latest~1", "main"]).expect(0);
    let ran = world.run(&["gate", "latest", "--baseline", "main"]).expect(1);
    let expected = "\nnewly broken (the first 3)\n  i0000 · plain · small · exact: 1 -> 0\n    \
                    asked   Colour of question 0\n    target  red\n    answer  {+it is not +}red\n";
    assert!(ran.stdout.contains(expected), "{}", ran.stdout);
    let command = "all of them: `evalmark diff main reports/test/second`";
    assert!(ran.words().contains(command), "{}", ran.stdout);
    world.run(&["diff", "main", "reports/test/second"]).expect(0);
    // Between two prompts of one run, both answers are the run's.
    let between = ["compare", "latest", "--between", "plain", "terse"];
    let ran = world.run(&between).expect(3);
    assert!(!ran.stdout.contains("newly broken"), "nothing differs: {}", ran.stdout);
    // A verdict stands though the answers were lost.
    fs::write(world.path("reports/baselines/test/main/answers.parquet"), "lost").expect("written");
    let ran = world.run(&["gate", "latest", "--baseline", "main"]).expect(1);
    assert!(ran.stdout.contains("REGRESSED against main"), "{}", ran.stdout);
    assert!(ran.words().contains("cannot be shown"), "{}", ran.stdout);
}

/// Of several answers to an item, the one that changed is shown.
#[test]
fn the_epoch_that_changed_is_shown() {
    let world = World::new(12);
    let run = |id: &str, wrong: usize| {
        let asked = Mutex::new([0; 12]);
        let server = Server::start(move |seen: &Seen| {
            let mut asked = asked.lock().expect("no panic");
            let times = &mut asked[item(seen)];
            *times += 1;
            Reply::text(if *times == wrong { "grey" } else { answer(item(seen)) })
        });
        world.suite(&server.url(), "epochs: 3\n");
        world.run_suite(id, &["--no-cache", "--prompt", "terse", "--concurrency", "1"]).expect(0);
    };
    run("first", 0);
    run("second", 3);
    let ran = diff(&world, &["--metric", "exact", "--limit", "1"]);
    assert!(ran.stdout.contains("[-red-]{+grey+}"), "{}", ran.stdout);
}

/// Answers act on no terminal and on no log.
#[test]
fn answers_of_a_diff_are_inert() {
    let world = World::new(6);
    let hostile = "\u{1b}[31m::error::x\n##[group]y\u{202e}z";
    let right = Server::start(|seen: &Seen| Reply::text(answer(item(seen))));
    let wrong = Server::start(move |_: &Seen| Reply::text(hostile));
    for (server, id) in [(&right, "first"), (&wrong, "second")] {
        world.suite(&server.url(), "");
        world.run_suite(id, &["--no-cache"]).expect(0);
    }
    for format in ["text", "json"] {
        let ran = diff(&world, &["--format", format]);
        for acts in ["\u{1b}", "\u{202e}", "##[group]"] {
            assert!(!ran.stdout.contains(acts), "{format}: {}", ran.stdout);
        }
        assert!(ran.stdout.lines().all(|line| !line.trim_start().starts_with("::")));
    }
}

/// What belongs to nothing in the other run is counted and said.
#[test]
fn a_diff_counts_what_it_cannot_pair() {
    let world = World::new(60);
    let right = Server::start(crate::setup::right);
    world.suite(&right.url(), "");
    world.run_suite("first", &["--no-cache"]).expect(0);
    world.data(10..62);
    let data = String::from_utf8(world.bytes("data.csv")).expect("UTF-8");
    world.write("data.csv", &data.replace("i0020,question 20,", "i0020,another question 20,"));
    let lame = Server::start(|seen: &Seen| match item(seen) {
        30 | 31 => Reply::status(400),
        i => Reply::text(answer(i)),
    });
    world.suite(&lame.url(), "");
    world.run_suite("second", &["--no-cache", "--prompt", "plain"]);
    let ran = diff(&world, &["--metric", "exact"]);
    let expected = "0 scores worse, 0 scores better, 47 the same";
    assert!(ran.words().contains(expected), "{}", ran.stdout);
    let told = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "terse · small is not compared: it is only in reports/test/first",
        "10 items not compared: only in reports/test/first",
        "2 items not compared: only in reports/test/second",
        "1 item not compared: in both, with other content or targets",
        "2 scores not compared: reports/test/second has no answer",
    ] {
        assert!(told.contains(words), "{words}:\n{}", ran.stderr);
    }
    let ran = diff(&world, &["--metric", "exact", "--format", "json"]);
    let found: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(found["n_paired"], 47);
    let expected = serde_json::json!([{
        "prompt": "plain", "model": "small", "metric": "exact", "n_paired": 47,
        "n_only_before": 10, "n_only_after": 2, "n_changed": 1,
        "n_unscored_before": 0, "n_unscored_after": 2,
    }]);
    assert_eq!(found["pairings"], expected);
    assert_eq!(found["only_before"][0]["prompt"], "terse");
    assert_eq!(found["only_after"], serde_json::json!([]));
    // Where nothing belongs together, nothing was compared.
    world.data(70..90);
    world.suite(&right.url(), "");
    world.run_suite("third", &[]).expect(0);
    let ran = world.run(&["diff", "reports/test/first", "latest"]).expect(4);
    assert!(ran.stderr.contains("nothing was compared"), "{}", ran.stderr);
}

/// Two runs whose later one says that it is not finished.
#[test]
fn a_diff_takes_finished_runs_only() {
    let (world, _servers) = two_runs();
    let record = world.json("reports/test/second/run.json");
    let set = |status: &str| {
        let mut record = record.clone();
        record["status"] = status.into();
        world.write("reports/test/second/run.json", &record.to_string());
    };
    let (first, second) = ("reports/test/first", "reports/test/second");
    for (status, words) in [
        ("running", "is not finished"),
        ("interrupted", "is not finished"),
        ("scoring", "was being scored again"),
    ] {
        set(status);
        for pair in [[first, second], [second, first]] {
            // As `compare` does.
            for command in ["diff", "compare"] {
                let ran = world.run(&[&[command][..], &pair].concat()).expect(4);
                assert!(ran.stderr.contains(words), "{command} {status}: {}", ran.stderr);
                assert!(ran.stdout.is_empty(), "{}", ran.stdout);
            }
        }
        for command in ["export-answers", "judge-check"] {
            world.run(&[command, second]).expect(4);
        }
    }
    set("complete");
    let ran = world.run(&["diff", "latest", "latest"]).expect(4);
    assert!(ran.stderr.contains("a run is not its own baseline"), "{}", ran.stderr);
}

/// Files of another run are not looked at, and what is missing is said to be missing.
#[test]
fn a_diff_takes_a_runs_own_files_only() {
    let (world, _servers) = two_runs();
    let pair = ["diff", "latest~1", "latest"];
    let whole = world.run(&pair).expect(0);
    // Scores stand without answers, which are not taken from elsewhere.
    let [samples, scores] = ["samples", "scores"]
        .map(|name| world.path(&format!("reports/test/second/{name}.parquet")));
    let own = fs::read(&samples).expect("samples");
    fs::copy(world.path("reports/test/first/samples.parquet"), &samples).expect("copied");
    let ran = world.run(&pair).expect(0);
    assert!(ran.stderr.contains("samples.parquet does not match its run.json"), "{}", ran.stderr);
    assert_eq!(ran.stdout.lines().next(), whole.stdout.lines().next(), "the same items");
    assert!(!ran.stdout.contains("{+"), "no answer is paired with a foreign one: {}", ran.stdout);
    for command in ["export-answers", "score", "report"] {
        let ran = world.run(&[command, "latest"]).expect(4);
        assert!(ran.stderr.contains("`evalmark resume"), "{command}: {}", ran.stderr);
    }
    fs::remove_file(&samples).expect("removed");
    let ran = world.run(&pair).expect(0);
    assert!(ran.stderr.contains("its samples.parquet is missing"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("earlier evalmark"), "{}", ran.stderr);
    fs::write(&samples, own).expect("written");
    fs::copy(world.path("reports/test/first/scores.parquet"), &scores).expect("copied");
    let ran = world.run(&pair).expect(4);
    assert!(ran.stderr.contains("scores.parquet does not match its run.json"), "{}", ran.stderr);
    fs::remove_file(&scores).expect("removed");
    for command in [&pair[..], &["baseline", "promote", "latest", "x"]] {
        let ran = world.run(command).expect(4);
        let words = "reports/test/second/scores.parquet is missing";
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    // What has its answers can be scored again.
    world.run(&["score", "latest"]).expect(0);
    world.run(&pair).expect(0);
}

/// The gate of a suite that took a run's file is not the run's.
#[test]
fn another_suite_in_the_runs_file_is_not_used() {
    let (world, _servers) = two_runs();
    let text = String::from_utf8(world.bytes("suite.yaml")).expect("UTF-8");
    let other = text.replace("name: test", "name: other").replace("margin: 0.1", "margin: 0.9");
    let compare = ["compare", "test:latest~1", "test:latest", "--format", "json"];
    let before = world.run(&compare).expect(1);
    world.write("suite.yaml", &other);
    let after = world.run(&compare).expect(1);
    assert_eq!(after.stdout, before.stdout, "the gate that the run was made with");
    let words =
        "suite.yaml is the suite `other` now, and the run is of `test`; the gate is the one";
    assert!(after.stderr.contains(words), "{}", after.stderr);
    // Its metrics are not this run's either.
    let ran = world.run(&["score", "test:latest"]).expect(2);
    assert!(ran.stderr.contains("is the suite `other` now"), "{}", ran.stderr);
    assert!(ran.stderr.contains("call the suite `test` again"), "{}", ran.stderr);
}
