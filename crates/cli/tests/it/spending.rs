//! Budgets, and the cache of what was paid for.

use evalmark_loopback::{Reply, Seen, Server};

use crate::setup::{World, answer, item, right, suite};

const PRICED: &str =
    "provider: openai, params: { max_tokens: 20 }, price: { input: 10, output: 100 },";

/// Answers rightly, and says what that took: a tenth of a cent and more.
fn paid(seen: &Seen) -> Reply {
    Reply::text(answer(item(seen))).usage(10, 10)
}

fn world(url: &str) -> World {
    let world = World::new(100);
    world.write("suite.yaml", &suite(url, "").replace("provider: openai,", PRICED));
    world
}

#[test]
fn a_budget_is_not_passed_and_the_rest_can_be_resumed() {
    let server = Server::start(paid);
    let world = world(&server.url());
    let budget = ["--prompt", "plain", "--max-cost", "0.05"];
    let ran = world.run_suite("r", &budget).expect(4);
    assert!(ran.stderr.contains("Budget reached ($0.0"), "{}", ran.stderr);
    // An answer costs 0.0011; it may cost 0.0022 and the prompt, for all one knows before.
    let asked = server.count();
    assert!((30..=45).contains(&asked), "{asked}");
    let left = format!("the remaining {} requests were not sent", 100 - asked);
    assert!(ran.stderr.contains(&left), "{left}: {}", ran.stderr);
    let errors = &world.json("reports/test/r/run.json")["counts"]["errors"];
    assert_eq!(errors, &serde_json::json!({ "budget": 100 - asked }));
    let spent = world.json("reports/test/r/run.json")["totals"]["spent_usd"].as_f64();
    assert!(spent.is_some_and(|spent| spent <= 0.05 && spent > 0.03), "{spent:?}");
    let tokens = ["resume", "reports/test/r", "--max-tokens", "500"];
    world.run(&tokens).expect(4);
    let more = server.count() - asked;
    assert!(more > 10 && more <= 25, "{more}");
    world.run(&["resume", "reports/test/r"]).expect(0);
    assert_eq!(server.count(), 100, "nothing is bought twice");
    let run = world.json("reports/test/r/run.json");
    let spent = run["totals"]["spent_usd"].as_f64().expect("dollars");
    assert!((spent - 0.11).abs() < 1e-9, "{spent}");
    assert_eq!(run["status"], "complete");
}

#[test]
fn a_budget_in_dollars_needs_a_price() {
    let server = Server::start(right);
    let world = World::new(10);
    world.suite(&server.url(), "");
    let ran = world.run_suite("r", &["--max-cost", "1"]).expect(2);
    assert!(ran.stderr.contains("`--max-cost` needs the price of model `small`"), "{}", ran.stderr);
    assert_eq!(server.count(), 0);
    let ran = world.run_suite("r", &["--max-cost", "much"]).expect(2);
    assert!(ran.stderr.contains("an amount of US dollars"), "{}", ran.stderr);
}

#[test]
fn the_cache_tells_what_it_holds_and_forgets_on_request() {
    let server = Server::start(right);
    let world = World::new(20);
    world.suite(&server.url(), "");
    let ran = world.run(&["cache", "info"]).expect(0);
    assert!(ran.stdout.contains("no answers are kept"), "{}", ran.stdout);
    world.run_suite("a", &[]).expect(0);
    let ran = world.run(&["cache", "info", "--format", "json"]).expect(0);
    let info: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((&info["answers"], &info["damage"]), (&40.into(), &serde_json::Value::Null));
    let ran = world.run(&["cache", "prune"]).expect(2);
    assert!(ran.stderr.contains("--older-than 30d"), "{}", ran.stderr);
    let ran = world.run(&["cache", "prune", "--older-than", "30d"]).expect(0);
    assert!(ran.stdout.contains("deleted 0 answers"), "{}", ran.stdout);
    world.run(&["cache", "prune", "--older-than", "a while"]).expect(2);
    let ran = world.run(&["cache", "prune", "--all"]).expect(0);
    assert!(ran.stdout.contains("deleted 40 answers"), "{}", ran.stdout);
    world.run_suite("b", &[]).expect(0);
    assert_eq!(server.count(), 80);
}
