//! Budgets, and the cache of what was paid for.

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::json;

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

/// Answers rightly; half of the prompt was in the server's cache, and half of the answer is reasoning.
fn half_cached(seen: &Seen) -> Reply {
    Reply::json(&json!({
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": answer(item(seen)) },
            "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": 10,
            "completion_tokens": 10,
            "prompt_tokens_details": { "cached_tokens": 5 },
            "completion_tokens_details": { "reasoning_tokens": 5 },
        },
    }))
}

#[test]
fn each_kind_of_token_costs_its_price() {
    let server = Server::start(half_cached);
    let world = World::new(100);
    let price = "price: { input: 10, output: 100, cached_input: 1, reasoning: 200 },";
    let priced = PRICED.replace("price: { input: 10, output: 100 },", price);
    world.write("suite.yaml", &suite(&server.url(), "").replace("provider: openai,", &priced));
    let plan =
        world.run(&["plan", "suite.yaml", "--prompt", "plain", "--format", "json"]).expect(0);
    let plan: serde_json::Value = serde_json::from_str(&plan.stdout).expect("JSON");
    let of_model = &plan["models"][0];
    let input = of_model["input_tokens"].as_f64().expect("tokens");
    let most = (input * 10.0 + 2_000.0 * 200.0) / 1e6;
    assert!((of_model["cost_usd"].as_f64().expect("dollars") - most).abs() < 1e-9, "{of_model}");
    // Ten tokens in, of which five at a tenth, and ten out, of which five at twice the price.
    let cost = (5.0 * 10.0 + 5.0 * 1.0 + 5.0 * 100.0 + 5.0 * 200.0) * 100.0 / 1e6;
    world.run_suite("r", &["--prompt", "plain", "--max-cost", "1"]).expect(0);
    let totals = &world.json("reports/test/r/run.json")["totals"];
    for key in ["cost_usd", "spent_usd"] {
        let dollars = totals[key].as_f64().expect("dollars");
        assert!((dollars - cost).abs() < 1e-9, "{key}: {dollars}, not {cost}");
    }
    // The dearest kind is set aside, so that the limit holds whatever the answers are made of.
    let small = ["--prompt", "plain", "--max-cost", "0.05", "--no-cache"];
    world.run_suite("s", &small).expect(4);
    let spent = world.json("reports/test/s/run.json")["totals"]["spent_usd"].as_f64();
    assert!(spent.is_some_and(|spent| spent <= 0.05 && spent > 0.03), "{spent:?}");
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
