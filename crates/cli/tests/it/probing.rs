//! `evalmark models probe`: each model of a suite is asked once, and what works is told.

use evalmark_loopback::{Reply, Server};
use serde_json::{Value, json};

use crate::setup::World;

const SUITE: &str = "\
name: test
dataset: { path: data.csv, id: id, target: label }
prompts:
  - { name: plain, template: '{{ text }}' }
models:
  - { name: good, provider: openai, base_url: 'URL', price: { input: 1, output: 2 } }
  - { name: bad, provider: openai, base_url: 'URL', limits: { attempts: 4 }, price: { input: 1, output: 2 } }
  - { name: vectors, provider: openai, base_url: 'URL', evaluate: false, price: { input: 1, output: 0 } }
  - { name: keyless, provider: groq, model: m, evaluate: true, price: { input: 1, output: 2 } }
  - { name: logged, provider: recorded, recorded: { column: label } }
metrics:
  - { name: exact, exact: {} }
  - { name: near, semantic: { model: vectors } }
";

fn server() -> Server {
    Server::start(|seen| match seen.json()["model"].as_str() {
        Some("bad") => Reply::status(500).body(r#"{"error":{"message":"out of order"}}"#),
        Some("vectors") => {
            let vector = json!({ "index": 0, "embedding": [0.5, 0.5] });
            let usage = json!({ "prompt_tokens": 3, "total_tokens": 3 });
            Reply::json(&json!({ "data": [vector], "usage": usage, "model": "vectors" }))
        }
        _ => Reply::text("7"),
    })
}

#[test]
fn each_model_is_asked_once_and_told_of() {
    let (server, world) = (server(), World::new(3));
    world.write("suite.yaml", &SUITE.replace("URL", &server.url()));
    let mut command = world.command(&["models", "probe", "suite.yaml", "--format", "json"]);
    let output = command.env_remove("GROQ_API_KEY").output().expect("runs");
    assert_eq!(output.status.code(), Some(2), "a model that cannot be asked is a mistake");
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let models = document["models"].as_array().expect("models");
    let outcome = |name: &str| models.iter().find(|one| one["name"] == name).expect("a model");
    let good = outcome("good");
    assert_eq!((&good["outcome"], &good["output"]), (&json!("answered"), &json!("7")));
    assert_eq!((&good["task"], &good["finish_reason"]), (&json!("chat"), &json!("stop")));
    assert!(good["latency_ms"].is_number() && good["cost_usd"].is_number(), "{good}");
    let bad = outcome("bad");
    assert_eq!((&bad["outcome"], &bad["error_kind"]), (&json!("failed"), &json!("server")));
    assert!(bad["error"].as_str().is_some_and(|error| error.contains("out of order")), "{bad}");
    assert_eq!(
        (&outcome("vectors")["task"], &outcome("vectors")["outcome"]),
        (&json!("embedding"), &json!("answered"))
    );
    let keyless = outcome("keyless");
    assert_eq!(keyless["outcome"], "not_asked");
    assert!(
        keyless["error"].as_str().is_some_and(|error| error.contains("GROQ_API_KEY")),
        "{keyless}"
    );
    assert_eq!(outcome("logged")["outcome"], "recorded");
    assert_eq!(server.count(), 3, "each is asked once, whatever its attempts");
    assert!(!world.path("reports").exists() && !world.path("cache").exists(), "nothing is kept");
}

#[test]
fn models_are_chosen_and_a_budget_holds() {
    let (server, world) = (server(), World::new(3));
    world.write("suite.yaml", &SUITE.replace("URL", &server.url()));
    let probe =
        |more: &[&str]| world.run(&[&["models", "probe", "suite.yaml", "--model"], more].concat());
    let told = probe(&["good"]).expect(0).stdout;
    assert!(
        told.contains("`good`") && told.contains("ended by stop") && !told.contains("`bad`"),
        "{told}"
    );
    let told = probe(&["bad"]).expect(4).stdout;
    assert!(told.contains("failed") && told.contains("server: HTTP 500"), "{told}");
    assert_eq!(server.count(), 2);
    let told = probe(&["good", "--max-cost", "0.0000001"]).expect(4).stdout;
    assert!(told.contains("budget"), "{told}");
    assert_eq!(server.count(), 2, "what the budget would not bear is not asked");
    let told = probe(&["goood"]).expect(2).stderr;
    assert!(told.contains("good"), "{told}");
    let unpriced = SUITE.replace(", price: { input: 1, output: 2 }", "");
    world.write("suite.yaml", &unpriced.replace("URL", &server.url()));
    let told = probe(&["good", "--max-cost", "1"]).expect(2).stderr;
    assert!(told.contains("`--max-cost` needs the price of model `good`"), "{told}");
}
