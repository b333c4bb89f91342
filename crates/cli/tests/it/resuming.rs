//! Concurrency changes nothing; an interrupted run goes on where it stopped; nothing is bought twice.

use std::{
    collections::HashMap,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use evalmark_loopback::{Reply, Seen, Server};

use crate::setup::{World, item, right};

const SCORES: &str = "reports/test/r/scores.parquet";

/// A delay that depends on the item, so that answers arrive in another order than asked.
fn shuffled(seen: &Seen) -> Reply {
    let delay = Duration::from_micros((item(seen) as u64 * 7919) % 3000);
    let text = if item(seen).is_multiple_of(7) { "none".to_owned() } else { right_text(seen) };
    Reply::text(text).after(delay)
}

fn right_text(seen: &Seen) -> String {
    crate::setup::answer(item(seen)).to_owned()
}

#[test]
fn concurrency_changes_no_byte_of_the_scores() {
    let server = Server::start(shuffled);
    let scores = ["1", "64"].map(|concurrency| {
        let world = World::new(150);
        world.suite(&server.url(), "epochs: 2\n");
        world.run_suite("r", &["--concurrency", concurrency]).expect(0);
        world.bytes(SCORES)
    });
    assert_eq!(scores[0], scores[1]);
    assert_eq!(server.count(), 2 * 600);
}

#[test]
fn a_second_run_asks_nothing() {
    let server = Server::start(right);
    let world = World::new(50);
    world.suite(&server.url(), "");
    world.run_suite("a", &[]).expect(0);
    assert_eq!(server.count(), 100);
    world.run_suite("b", &[]).expect(0);
    assert_eq!(server.count(), 100);
    assert_eq!(world.json("reports/test/b/run.json")["counts"]["cached"], 100);
    world.run_suite("c", &["--no-cache"]).expect(0);
    assert_eq!(server.count(), 200);
}

/// Interrupts a run after a while, resumes it, and compares it with one that was left alone.
#[test]
fn an_interrupted_run_resumes() {
    let reference = {
        let server = Server::start(shuffled);
        let world = World::new(150);
        world.suite(&server.url(), "");
        world.run_suite("r", &[]).expect(0);
        world.bytes(SCORES)
    };
    for no_cache in [false, true] {
        let answered = Arc::new(AtomicU64::new(0));
        let count = answered.clone();
        let server = Server::start(move |seen| {
            count.fetch_add(1, Ordering::SeqCst);
            shuffled(seen).after(Duration::from_millis(4))
        });
        let world = World::new(150);
        world.suite(&server.url(), "");
        let more: &[&str] = if no_cache { &["--no-cache"] } else { &[] };
        let arguments = [&["run", "suite.yaml", "--run-id", "r"], more].concat();
        let mut command = world.command(&arguments);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts");
        while answered.load(Ordering::SeqCst) < 40 {
            std::thread::yield_now();
        }
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
        let output = child.wait_with_output().expect("ends");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(130), "{stderr}");
        assert!(stderr.contains("evalmark resume reports/test/r"), "{stderr}");
        assert_eq!(world.json("reports/test/r/run.json")["status"], "interrupted");
        assert!(server.count() < 300, "it was not interrupted");
        world.run(&["resume", "reports/test/r"]).expect(0);
        assert_eq!(world.bytes(SCORES), reference);
        let mut asked: HashMap<Vec<u8>, u32> = HashMap::new();
        for seen in server.requests() {
            *asked.entry(seen.body.clone()).or_default() += 1;
        }
        assert_eq!(asked.len(), 300);
        assert!(asked.values().all(|n| *n == 1), "an answered request was asked again");
    }
}

#[test]
fn a_partly_failed_run_resumes() {
    let server =
        Server::start(|seen| if item(seen) < 3 { Reply::status(400) } else { right(seen) });
    let world = World::new(30);
    world.suite(&server.url(), "");
    world.run_suite("r", &[]).expect(4);
    assert_eq!(world.json("reports/test/r/run.json")["status"], "partial");
    let asked = server.count();
    drop(server);
    let ran = world.run(&["baseline", "promote", "reports/test/r", "main"]).expect(2);
    assert!(ran.stderr.contains("6 of the run's samples have no answer"), "{}", ran.stderr);
    assert_eq!(asked, 60);
}

#[test]
fn a_changed_suite_or_dataset_is_not_resumed() {
    let server = Server::start(right);
    let world = World::new(10);
    world.suite(&server.url(), "");
    world.run_suite("r", &[]).expect(0);
    world.suite(&server.url(), "epochs: 2\n");
    let ran = world.run(&["resume", "reports/test/r"]).expect(2);
    assert!(ran.stderr.contains("the suite has changed"), "{}", ran.stderr);
    world.suite(&server.url(), "");
    world.write("data.csv", "id,text,label\na,question 1,red\n");
    let ran = world.run(&["resume", "reports/test/r"]).expect(2);
    assert!(ran.stderr.contains("the dataset has changed"), "{}", ran.stderr);
}

#[test]
fn answers_are_scored_again_without_being_asked_again() {
    let server = Server::start(|seen| Reply::text(right_text(seen).to_uppercase()));
    let world = World::new(30);
    let path = world.suite(&server.url(), "");
    world.run_suite("r", &[]).expect(0);
    let text = std::fs::read_to_string(&path).expect("suite");
    world.write("suite.yaml", &text.replace("[trim, casefold]", "[trim]"));
    world.run(&["score", "reports/test/r", "--format", "json"]).expect(0);
    let shown = world.run(&["show", "reports/test/r", "--format", "json"]).expect(0);
    let rows: serde_json::Value = serde_json::from_str(&shown.stdout).expect("JSON");
    assert_eq!(rows[0]["metric"], "exact");
    assert_eq!(rows[0]["estimate"]["mean"], 0.0, "case matters now");
    assert_eq!(server.count(), 60);
}

#[test]
fn exported_answers_replay() {
    let server = Server::start(shuffled);
    let world = World::new(40);
    let path = world.suite(&server.url(), "");
    world.run_suite("r", &[]).expect(0);
    let before = world.bytes(SCORES);
    let exported = world.run(&["export-answers", "reports/test/r"]).expect(0);
    assert_eq!(exported.stdout.lines().count(), 80);
    world.write("answers.jsonl", &exported.stdout);
    let url = server.url();
    let text = std::fs::read_to_string(&path).expect("suite");
    let text = text.replace("provider: openai", "provider: recorded");
    let text = text.replace(&format!("base_url: '{url}'"), "recorded: { file: answers.jsonl }");
    world.write("suite.yaml", &text);
    world.run_suite("r", &["--out", "again"]).expect(0);
    assert_eq!(world.bytes("again/test/r/scores.parquet"), before);
    assert_eq!(server.count(), 80);
}

#[test]
fn a_shorter_dataset_does_not_cut_a_run() {
    let server = Server::start(right);
    let world = World::new(30);
    world.suite(&server.url(), "");
    world.run_suite("r", &[]).expect(0);
    let before = world.bytes("reports/test/r/samples.parquet");
    world.data(0..20);
    let ran = world.run(&["score", "reports/test/r"]).expect(2);
    assert!(ran.stderr.contains("epochs or items"), "{}", ran.stderr);
    assert_eq!(world.bytes("reports/test/r/samples.parquet"), before);
}

#[test]
fn harmless_edits_do_not_hinder_a_resume() {
    let server = Server::start(right);
    let world = World::new(10);
    let path = world.suite(&server.url(), "");
    world.run_suite("r", &[]).expect(0);
    let text = std::fs::read_to_string(&path).expect("suite");
    world.write(
        "suite.yaml",
        &format!("description: new\n{}", text.replace("attempts: 4", "attempts: 9")),
    );
    world.run(&["resume", "reports/test/r"]).expect(0);
    assert_eq!(server.count(), 20);
}

#[test]
fn an_answer_that_two_prompts_share_is_paid_once() {
    let server = Server::start(|_| Reply::text("red").usage(1_000_000, 0));
    let world = World::new(10);
    let path = world.suite(&server.url(), "");
    let text = std::fs::read_to_string(&path).expect("suite");
    let text = text.replace("'Colour of {{ text }}'", "'{{ text }}'");
    world.write("suite.yaml", &text.replace("limits:", "price: { input: 1, output: 1 }, limits:"));
    for (id, spent) in [("a", 10.0), ("b", 0.0)] {
        world.run_suite(id, &[]).expect(0);
        let totals = &world.json(&format!("reports/test/{id}/run.json"))["totals"];
        assert_eq!(totals["spent_usd"], spent);
        assert_eq!(totals["cost_usd"], 20.0);
    }
    assert_eq!(server.count(), 10);
}

#[test]
fn answers_of_two_servers_to_one_request_are_not_exported_together() {
    let (right, wrong) = (Server::start(right), Server::start(|_| Reply::text("grey")));
    let world = World::new(5);
    let path = world.suite(&right.url(), "");
    let text = std::fs::read_to_string(&path).expect("suite");
    let other = format!(
        "  - {{ name: other, model: small, provider: openai, base_url: '{}' }}\nmetrics:",
        wrong.url()
    );
    world.write("suite.yaml", &text.replace("metrics:", &other));
    world.run_suite("r", &[]).expect(0);
    let ran = world.run(&["export-answers", "reports/test/r"]).expect(2);
    assert!(ran.stderr.contains("--model NAME"), "{}", ran.stderr);
    let ran = world.run(&["export-answers", "reports/test/r", "--model", "other"]).expect(0);
    assert_eq!(ran.stdout.matches("grey").count(), 10);
}
