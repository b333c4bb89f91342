//! Runs that stop early: what they ask, what they say, and that nothing but the items decides when.

use std::{
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::Value;

use crate::setup::{Ran, World, answer, item, right};

const SCORES: &str = "reports/test/r/scores.parquet";
const GATE: &str =
    "gate: { baseline: main, stop_early: true, metrics: { exact: { margin: MARGIN } } }\n";

fn gate(margin: &str) -> String {
    GATE.replace("MARGIN", margin)
}

/// Every third item is answered wrongly.
fn worse(seen: &Seen) -> Reply {
    let i = item(seen);
    Reply::text(if i.is_multiple_of(3) { answer(i + 1) } else { answer(i) })
}

/// Every ninth item is answered wrongly; some answers take longer than others, so that they arrive
/// in another order than asked.
fn slow(seen: &Seen) -> Reply {
    let i = item(seen);
    let text = if i.is_multiple_of(9) { answer(i + 1) } else { answer(i) };
    Reply::text(text).after(Duration::from_micros((i as u64 * 7919) % 3000))
}

/// A folder whose baseline answers all of `n` items rightly.
fn with_baseline(n: usize) -> World {
    let world = World::new(n);
    let server = Server::start(right);
    world.suite(&server.url(), "");
    world.run_suite("first", &["--prompt", "plain"]).expect(0);
    world.run(&["baseline", "promote", "reports/test/first", "main"]).expect(0);
    world
}

fn run(world: &World, more: &[&str]) -> Ran {
    world.run_suite("r", &[&["--prompt", "plain"], more].concat())
}

fn record(world: &World) -> Value {
    world.json("reports/test/r/run.json")
}

/// `evalmark gate` says what `run` said.
#[track_caller]
fn same_verdict_again(world: &World, ran: &Ran, code: i32) {
    let again = world.run(&["gate", "reports/test/r", "--baseline", "main"]).expect(code);
    assert!(ran.stdout.contains(again.stdout.trim()), "{}\n---\n{}", ran.stdout, again.stdout);
}

#[test]
fn a_large_drop_stops_a_run_early() {
    let world = with_baseline(1200);
    let server = Server::start(worse);
    world.suite(&server.url(), &gate("0.03"));
    let ran = run(&world, &[]).expect(1);
    let asked = server.count();
    assert!((32..400).contains(&asked), "{asked} requests");
    let saved = 1200 - asked;
    let says = format!("stopped early after {asked} of 1,200 items; {saved} of 1,200 samples");
    let says = if saved < 1000 { says } else { format!("stopped early after {asked} of 1,200") };
    assert!(ran.stdout.contains(&says), "{}", ran.stdout);
    assert!(ran.stdout.contains("REGRESSED against main"), "{}", ran.stdout);
    assert!(ran.stdout.contains("note: stopped early: "), "{}", ran.stdout);
    same_verdict_again(&world, &ran, 1);

    let record = record(&world);
    assert_eq!(record["status"], "complete");
    assert_eq!(record["stopped_early"]["asked_items"], asked);
    assert_eq!(record["stopped_early"]["planned_items"], 1200);
    assert_eq!(record["stopped_early"]["saved_samples"], saved);
    assert_eq!(record["stopped_early"]["seed"], record["stop_early"]["seed"]);
    assert_eq!(record["counts"]["planned"], asked);
    let verdict = world.json("reports/test/r/verdict.json");
    assert_eq!(verdict["comparisons"][0]["counts"]["baseline_planned"], asked);
    assert_eq!(verdict["comparisons"][0]["counts"]["paired"], asked);
    let page = String::from_utf8(world.bytes("reports/test/r/report.html")).expect("UTF-8");
    assert!(page.contains("stopped early after "), "the page does not say so");
    let shown = world.run(&["show", "reports/test/r"]).expect(0);
    assert!(shown.stdout.contains("stopped early after "), "{}", shown.stdout);
    let shown = world.run(&["show", "reports/test/r", "--format", "json"]).expect(0);
    let rows: Value = serde_json::from_str(&shown.stdout).expect("JSON");
    assert_eq!(rows[0]["n_planned"], asked);

    // Neither resuming nor scoring asks for the rest, and a second run asks nothing.
    let before = world.bytes(SCORES);
    world.run(&["resume", "reports/test/r"]).expect(1);
    world.run(&["score", "reports/test/r"]).expect(1);
    assert_eq!(world.bytes(SCORES), before);
    let again =
        world.run_suite("again", &["--prompt", "plain", "--format", "json"]).expect(1).stdout;
    let again: Value = serde_json::from_str(&again).expect("JSON");
    assert_eq!(again["run"]["stopped_early"], record["stopped_early"]);
    assert_eq!(server.count(), asked);

    // Without stopping, only the rest is asked.
    world.suite(&server.url(), &gate("0.03").replace("true", "false"));
    world.run_suite("whole", &["--prompt", "plain"]).expect(1);
    assert_eq!(server.count(), 1200);
}

#[test]
fn no_drop_of_a_generous_margin_stops_a_run_early() {
    let world = with_baseline(600);
    let server = Server::start(right);
    world.suite(&server.url(), &gate("0.2"));
    let ran = run(&world, &["--no-cache"]).expect(0);
    assert!(server.count() < 200, "{} requests", server.count());
    assert!(ran.stdout.contains("PASS against main"), "{}", ran.stdout);
    assert!(ran.stdout.contains("stopped early after "), "{}", ran.stdout);
    same_verdict_again(&world, &ran, 0);

    // A part of the items is no baseline.
    let promote = ["baseline", "promote", "reports/test/r", "next"];
    let refused = world.run(&promote).expect(2);
    assert!(refused.stderr.contains("stopped early after"), "{}", refused.stderr);
    world.run(&[&promote[..], &["--force"]].concat()).expect(0);
}

#[test]
fn concurrency_changes_nothing() {
    let server = Server::start(slow);
    let scores = ["1", "64"].map(|concurrency| {
        let world = with_baseline(600);
        world.suite(&server.url(), &format!("epochs: 2\n{}", gate("0.03")));
        run(&world, &["--concurrency", concurrency]).expect(1);
        assert!(record(&world)["stopped_early"].is_object());
        world.bytes(SCORES)
    });
    assert_eq!(scores[0], scores[1]);
}

#[test]
fn an_interrupted_run_stops_where_it_would_have() {
    let reached = Arc::new(AtomicU64::new(0));
    let counted = reached.clone();
    let server = Server::start(move |seen: &Seen| {
        counted.fetch_add(1, Ordering::SeqCst);
        slow(seen).after(Duration::from_millis(5))
    });
    let world = with_baseline(600);
    world.suite(&server.url(), &gate("0.03"));
    run(&world, &[]).expect(1);
    let (reference, asked) = (world.bytes(SCORES), server.count());
    for (signal, more) in [("-INT", &[][..]), ("-KILL", &[]), ("-INT", &["--no-cache"])] {
        let world = with_baseline(600);
        world.suite(&server.url(), &gate("0.03"));
        let before = reached.load(Ordering::SeqCst);
        let suite = ["run", "suite.yaml", "--run-id", "r", "--prompt", "plain"];
        let mut command = world.command(&[&suite[..], more].concat());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("starts");
        while reached.load(Ordering::SeqCst) < before + 40 {
            assert!(child.try_wait().expect("a child").is_none(), "it ended too soon, of {asked}");
            std::thread::sleep(Duration::from_millis(1));
        }
        let pid = child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill").success());
        let output = child.wait_with_output().expect("ends");
        assert_ne!(output.status.code(), Some(1), "it was not interrupted");
        let ran = world.run(&["resume", "reports/test/r"]).expect(1);
        assert!(ran.stdout.contains("stopped early after "), "{}", ran.stdout);
        same_verdict_again(&world, &ran, 1);
        assert_eq!(world.bytes(SCORES), reference, "{signal} {more:?}");
        let again = server.count() - before;
        // A killed run loses what was on its way into the ledger.
        assert!(again <= asked + 45, "{again} requests where {asked} would do");
    }
}

#[test]
fn without_a_baseline_all_is_asked() {
    let world = World::new(100);
    let server = Server::start(worse);
    world.suite(&server.url(), &gate("0.03"));
    let ran = run(&world, &["--new-baseline"]).expect(0);
    assert!(ran.stderr.contains("a run cannot stop early"), "{}", ran.stderr);
    assert_eq!(server.count(), 100);
    assert_eq!(record(&world)["stop_early"], Value::Null);
    // Nor is it cut when it becomes its own baseline and is resumed, which is compared with nothing.
    world.run(&["baseline", "promote", "reports/test/r", "main"]).expect(0);
    let before = world.bytes(SCORES);
    world.run(&["resume", "reports/test/r"]).expect(4);
    assert_eq!(world.bytes(SCORES), before);
}

#[test]
fn a_run_that_did_not_stop_is_decided_with_what_the_looks_left() {
    let world = with_baseline(200);
    let server = Server::start(right);
    world.suite(&server.url(), &gate("0.005"));
    let ran = run(&world, &[]).expect(3);
    assert_eq!(server.count(), 200);
    assert!(!ran.stdout.contains("stopped early"), "{}", ran.stdout);
    let alpha = world.json("reports/test/r/verdict.json")["comparisons"][0]["alpha"].as_f64();
    assert!((alpha.expect("a number") - 0.04).abs() < 1e-12, "{alpha:?}");
    assert_eq!(record(&world)["stopped_early"], Value::Null);
    same_verdict_again(&world, &ran, 3);
    let before = world.bytes(SCORES);
    world.run(&["resume", "reports/test/r"]).expect(3);
    assert_eq!((world.bytes(SCORES), server.count()), (before, 200));
}

#[test]
fn a_minimum_needs_every_item_and_a_drop_does_not() {
    let world = with_baseline(400);
    let gate = "gate: { baseline: main, stop_early: true, \
                metrics: { exact: { margin: 0.2, min: 0.5 } } }\n";
    let server = Server::start(right);
    world.suite(&server.url(), gate);
    let ran = run(&world, &["--no-cache"]).expect(0);
    let why = "only a drop can stop this run early: the minimum of `exact`";
    assert!(ran.stderr.contains(why), "{}", ran.stderr);
    assert_eq!(server.count(), 400);
    same_verdict_again(&world, &ran, 0);
    let server = Server::start(|_| Reply::text("none"));
    world.suite(&server.url(), gate);
    let ran = world.run_suite("b", &["--prompt", "plain"]).expect(1);
    assert!(ran.stdout.contains("stopped early after "), "{}", ran.stdout);
    assert!(server.count() < 400);
}

#[test]
fn other_items_are_nothing_to_stop_on() {
    let world = with_baseline(200);
    world.data(20..220);
    let server = Server::start(worse);
    world.suite(&server.url(), &gate("0.03"));
    let ran = run(&world, &[]).expect(4);
    let why = "this run cannot stop early: 180 of 200 items are in both runs";
    assert!(ran.stderr.contains(why), "{}", ran.stderr);
    assert_eq!(server.count(), 200);
    assert_eq!(record(&world)["stop_early"], Value::Null);
    // Few items that differ are left out of the looks.
    world.data(4..204);
    let ran = world.run_suite("few", &["--prompt", "plain"]).expect(1);
    assert!(ran.stdout.contains("stopped early after "), "{}", ran.stdout);
}

#[test]
fn clusters_are_asked_whole() {
    let clustered = |world: &World| {
        let row = |i| format!("i{i:04},question {i},{},c{}\n", answer(i), i % 90);
        let rows: Vec<_> = (0..900).map(row).collect();
        world.write("data.csv", &format!("id,text,label,customer\n{}", rows.concat()));
    };
    let suite = |world: &World, url: &str, more: &str| {
        let text = crate::setup::suite(url, more).replace("label }", "label, cluster: customer }");
        world.write("suite.yaml", &text);
    };
    let world = World::new(1);
    clustered(&world);
    let server = Server::start(right);
    suite(&world, &server.url(), "");
    world.run_suite("first", &[]).expect(0);
    world.run(&["baseline", "promote", "reports/test/first", "main"]).expect(0);
    let server = Server::start(|seen| if item(seen) % 9 < 6 { worse(seen) } else { right(seen) });
    suite(&world, &server.url(), &gate("0.03"));
    let ran = world.run_suite("r", &[]).expect(1);
    let asked = record(&world)["stopped_early"]["asked_items"].as_u64().expect("it stopped");
    assert!(asked < 900 && asked.is_multiple_of(10), "{asked} items");
    assert_eq!(server.count(), 2 * asked);
    assert_eq!(record(&world)["stop_early"]["largest_cluster"], 10);
    same_verdict_again(&world, &ran, 1);
}

#[test]
fn the_first_items_and_recorded_answers_stop_too() {
    let world = with_baseline(300);
    let row = |i| format!("i{i:04},question {i},{},none\n", answer(i));
    let rows: Vec<_> = (0..300).map(row).collect();
    world.write("data.csv", &format!("id,text,label,said\n{}", rows.concat()));
    let suite = crate::setup::suite("URL", &gate("0.03"));
    let suite = suite.replace("provider: openai, base_url: 'URL'", "RECORDED");
    let suite = suite.replace("label }", "label, ignore: [said] }");
    let recorded = "provider: recorded, recorded: { column: said }";
    world.write("suite.yaml", &suite.replace("RECORDED", recorded));
    let ran = run(&world, &[]).expect(1);
    assert!(ran.stdout.contains("of 300 items; "), "{}", ran.stdout);
    same_verdict_again(&world, &ran, 1);
    // With a limit the baseline has too many items to pair.
    let ran = world.run_suite("limited", &["--prompt", "plain", "--limit", "150"]).expect(4);
    assert!(ran.stderr.contains("150 of 300 items are in both runs"), "{}", ran.stderr);
    let ran = world.run_suite("most", &["--prompt", "plain", "--limit", "290"]).expect(1);
    assert!(ran.stdout.contains("of 290 items; "), "{}", ran.stdout);
}

#[test]
fn judges_are_asked_on_the_way() {
    let suite = |url: &str, more: &str| {
        format!(
            "\
name: test
dataset: {{ path: data.csv, id: id, target: label }}
prompts:
  - {{ name: plain, template: '{{{{ text }}}}' }}
models:
  - {{ name: small, provider: openai, base_url: '{url}' }}
  - {{ name: grader, provider: openai, base_url: '{url}', params: {{ temperature: 0 }} }}
metrics:
  - name: good
    judge: {{ model: grader, rubric: 'Is the answer the colour of {{{{ text }}}}?' }}
{more}"
        )
    };
    let graded = |grade: &'static str| {
        Server::start(move |seen| match seen.json()["model"].as_str() {
            Some("grader") => Reply::text(format!("{{\"grade\": {grade}, \"reason\": \"seen\"}}")),
            _ => right(seen),
        })
    };
    let world = World::new(400);
    let server = graded("1.0");
    world.write("suite.yaml", &suite(&server.url(), ""));
    world.run_suite("first", &[]).expect(0);
    world.run(&["baseline", "promote", "reports/test/first", "main"]).expect(0);
    let server = graded("0.25");
    world.write("suite.yaml", &suite(&server.url(), &gate("0.03").replace("exact", "good")));
    let ran = world.run_suite("r", &[]).expect(1);
    let asked = record(&world)["stopped_early"]["asked_items"].as_u64().expect("it stopped");
    assert!(asked < 200, "{asked} items");
    assert_eq!(server.count(), 2 * asked);
    same_verdict_again(&world, &ran, 1);
}

#[test]
fn a_model_that_is_down_makes_nothing_certain() {
    let world = with_baseline(200);
    let server = Server::start(|_| Reply::status(401));
    world.suite(&server.url(), &gate("0.03"));
    let ran = run(&world, &[]).expect(4);
    assert!(!ran.stdout.contains("stopped early"), "{}", ran.stdout);
    assert_eq!(record(&world)["n_items"], 200);
    assert_eq!(record(&world)["stop_early"]["ended"], false, "once it is up, it may stop");
}

#[test]
fn a_run_is_resumed_with_the_baseline_it_began_with() {
    let world = with_baseline(200);
    let is_up = Arc::new(AtomicU64::new(0));
    let up = is_up.clone();
    let server = Server::start(move |seen: &Seen| match up.load(Ordering::SeqCst) {
        0 => Reply::status(401),
        _ => worse(seen),
    });
    let gate = gate("0.03").replace("baseline: main, ", "");
    world.suite(&server.url(), &gate);
    run(&world, &["--baseline", "main"]).expect(4);
    is_up.store(1, Ordering::SeqCst);
    let ran = world.run(&["resume", "reports/test/r"]).expect(1);
    assert!(ran.stdout.contains("stopped early after "), "{}", ran.stdout);
    assert!(server.count() < 200);
}
