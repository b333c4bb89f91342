//! Providers that speak another protocol than most, through the whole program.

use evalmark_loopback::{Reply, Seen, Server, anthropic};
use evalmark_report::{
    samples::{SampleRecord, samples},
    scores::score_records,
};
use serde_json::json;

use crate::setup::{World, answer, item};

const SUITE: &str = "\
name: test
dataset: { path: data.csv, id: id, target: label }
prompts:
  - name: plain
    messages: [{ role: system, content: Answer with a colour. }, { role: user, content: '{{ text }}' }]
models:
  - { name: small, provider: anthropic, base_url: 'URL', params: { temperature: 0, max_tokens: 16 } }
  - { name: grader, provider: anthropic, base_url: 'URL', evaluate: false }
metrics:
  - { name: exact, exact: {} }
  - name: good
    judge: { model: grader, rubric: 'Is the answer the colour of {{ text }}?', structured: true }
";

/// A model that answers with a colour, and a judge that finds all of them good.
fn model_and_judge(seen: &Seen) -> Reply {
    let json = seen.json();
    assert_eq!(seen.header("anthropic-version"), Some("2023-06-01"));
    if json["model"] == "grader" {
        assert!(json["output_config"]["format"]["schema"].is_object(), "{json}");
        return anthropic::text(r#"{"grade": 1.0, "reason": "seen"}"#);
    }
    assert_eq!(json["system"], "Answer with a colour.");
    assert_eq!((&json["max_tokens"], &json["temperature"]), (&json!(16), &json!(0)));
    anthropic::text(answer(item(seen)))
}

fn records(world: &World, run: &str) -> Vec<SampleRecord> {
    let rows = samples(&world.path(&format!("reports/test/{run}/samples.parquet")));
    rows.expect("samples").collect::<Result<_, _>>().expect("rows")
}

#[test]
fn models_and_judges_are_asked_in_another_protocol() {
    let server = Server::start(model_and_judge);
    let world = World::new(12);
    world.write("suite.yaml", &SUITE.replace("URL", server.url().trim_end_matches("/v1")));
    world.run_suite("r", &[]).expect(0);
    assert_eq!(server.count(), 24);
    let rows = records(&world, "r");
    assert_eq!(rows.len(), 12);
    for (i, row) in rows.iter().enumerate() {
        assert_eq!(row.record.output.as_deref(), Some(answer(i)));
        let details = row.record.details.as_ref().expect("details");
        assert_eq!(details.to_json(), r#"{"model":"loopback","finish_reason":"end_turn"}"#);
        let asked = format!(
            r#"{{"model":"small","messages":[{{"role":"system","content":"Answer with a colour."}},{{"role":"user","content":"question {i}"}}],"temperature":0,"max_tokens":16}}"#
        );
        assert_eq!(row.request, asked, "what is kept is free of the protocol");
    }
    let path = world.path("reports/test/r/scores.parquet");
    let scores: Vec<_> =
        score_records(&path).expect("scores").map(|row| row.expect("a row")).collect();
    assert_eq!(scores.len(), 24);
    assert!(scores.iter().all(|row| row.score.value == Some(1.0)), "{scores:?}");
    // Answers come back from the ledger, details and all, and replay through a recording.
    world.run_suite("again", &[]).expect(0);
    assert_eq!(server.count(), 24);
    let again = records(&world, "again");
    assert!(again.iter().zip(&rows).all(|(a, b)| a.record.details == b.record.details));
    let exported = world.run(&["export-answers", "reports/test/r"]).expect(0).stdout;
    assert_eq!(exported.matches(r#""details":{"model":"loopback""#).count(), 24, "{exported}");
}

#[test]
fn the_same_request_has_the_same_hash_in_every_protocol() {
    let server = Server::start(|seen| {
        if seen.path.ends_with("/messages") {
            anthropic::text(answer(item(seen)))
        } else {
            Reply::text(answer(item(seen)))
        }
    });
    let world = World::new(3);
    let (start, end) = SUITE.split_once("  - { name: grader").expect("a judge");
    let (_, end) = end.split_once("metrics:").expect("metrics");
    let (exact, _) = end.split_once("  - name: good").expect("a metric");
    let suite = format!("{start}metrics:{exact}").replace("URL", &server.url());
    let mut hashes = Vec::new();
    for provider in ["anthropic", "openai"] {
        world.write("suite.yaml", &suite.replace("anthropic", provider));
        world.run_suite(provider, &[]).expect(0);
        let hash = |row: &SampleRecord| row.request().expect("a request").hash();
        let rows = records(&world, provider);
        hashes.push(
            rows.iter().map(|row| (hash(row), row.record.output.clone())).collect::<Vec<_>>(),
        );
    }
    assert_eq!(hashes[0], hashes[1]);
    assert_eq!(
        server.count(),
        6,
        "the model server is not part of the request hash, but it is part of the ledger key"
    );
}

#[test]
fn a_provider_s_key_is_its_own() {
    let server = Server::start(|seen| anthropic::text(answer(item(seen))));
    let world = World::new(2);
    let (start, _) = SUITE.split_once("  - { name: grader").expect("a judge");
    let suite = format!("{start}metrics:\n  - {{ name: exact, exact: {{}} }}\n");
    let run = |suite: &str, id: &str, variable: &str| {
        world.write("suite.yaml", suite);
        let mut command = world.command(&["run", "suite.yaml", "--run-id", id]);
        command.env_remove("ANTHROPIC_API_KEY").env(variable, "sk-0123456789");
        let output = command.output().expect("runs");
        (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
    };
    // At its own address the usual variable is wanted.
    let own = suite.replace("base_url: 'URL', ", "model: claude-haiku-4-5, ");
    let (code, told) = run(&own, "a", "NOTHING");
    assert!(code == Some(2) && told.contains("ANTHROPIC_API_KEY is not set"), "{told}");
    let plan = world.run(&["plan", "suite.yaml"]).expect(0).stdout;
    assert!(plan.contains("at most about $"), "its price is known: {plan}");
    // A server on this machine that speaks its protocol may have its key, and no other provider's.
    let with = |variable: &str| {
        suite.replace("'URL',", &format!("'{}', api_key_env: {variable},", server.url()))
    };
    let (code, told) = run(&with("ANTHROPIC_API_KEY"), "b", "ANTHROPIC_API_KEY");
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(server.requests()[0].header("x-api-key"), Some("sk-0123456789"));
    assert_eq!(server.requests()[0].header("authorization"), None);
    let (code, told) = run(&with("OPENAI_API_KEY"), "c", "OPENAI_API_KEY");
    assert!(code == Some(2) && told.contains("nothing outside the suite says"), "{told}");
}

#[test]
fn compatible_vendors_are_words() {
    let world = World::new(2);
    let server = Server::start(|seen| Reply::text(answer(item(seen))));
    let (start, _) = SUITE.split_once("  - { name: grader").expect("a judge");
    let suite = format!("{start}metrics:\n  - {{ name: exact, exact: {{}} }}\n");
    let suite = suite.replace("URL", &server.url());
    for provider in ["ollama", "vllm", "groq"] {
        world.write("suite.yaml", &suite.replace("anthropic", provider));
        world.run_suite(provider, &[]).expect(0);
    }
    assert_eq!(server.count(), 2, "vendors of one protocol at one address are one server");
    world.write("suite.yaml", &suite.replace("provider: anthropic", "provider: grog"));
    let told = world.run(&["check", "suite.yaml"]).expect(2).stderr;
    assert!(told.contains("did you mean `groq`?"), "{told}");
    let told = suite.replace("anthropic", "azure");
    let told = told.replace(&format!("base_url: '{}', ", server.url()), "");
    world.write("suite.yaml", &told);
    let told = world.run(&["check", "suite.yaml"]).expect(2).stderr;
    assert!(told.contains("`provider: azure` needs a `base_url`"), "{told}");
    let metrics = suite.replace("exact: {}", "semantic: { model: small }");
    world.write("suite.yaml", &metrics);
    let told = world.run(&["check", "suite.yaml"]).expect(2).stderr;
    assert!(told.contains("`provider: anthropic` has none"), "{told}");
}

#[test]
fn a_streamed_run_knows_its_first_tokens() {
    let server = Server::start(|seen| {
        let body = seen.json();
        assert_eq!(
            (&body["stream"], &body["stream_options"]["include_usage"]),
            (&json!(true), &json!(true))
        );
        let part = |text: &str, reason: Option<&str>| {
            let choice = json!({ "delta": { "content": text }, "finish_reason": reason });
            format!("data: {}\n\n", json!({ "choices": [choice] }))
        };
        let usage = json!({ "prompt_tokens": 10, "completion_tokens": 5 });
        let end = format!("data: {}\n\ndata: [DONE]\n\n", json!({ "choices": [], "usage": usage }));
        let (start, rest) = answer(item(seen)).split_at(1);
        let body = [part(start, None), part(rest, Some("stop")), end].concat();
        Reply::bytes(body).drip(64, std::time::Duration::from_millis(20))
    });
    let world = World::new(12);
    let suite = "\
name: test
dataset: { path: data.csv, id: id, target: label }
prompts: [{ name: plain, template: '{{ text }}' }]
models: [{ name: small, provider: openai, base_url: 'URL', stream: true }]
metrics: [{ name: exact, exact: {} }]
";
    world.write("suite.yaml", &suite.replace("URL", &server.url()));
    world.run_suite("r", &[]).expect(0);
    let rows = records(&world, "r");
    for (i, row) in rows.iter().enumerate() {
        assert_eq!(row.record.output.as_deref(), Some(answer(i)));
        assert!(row.record.first_token_ms() < row.record.timing.latency_ms, "{row:?}");
        assert!(row.record.tokens_per_second() > Some(1.0), "{row:?}");
    }
    let shown = world.run(&["show", "reports/test/r", "--format", "json"]).expect(0).stdout;
    assert!(
        shown.contains("\"first_token_p95_ms\": ") || shown.contains("\"first_token_p95_ms\":"),
        "{shown}"
    );
    let table = world.run(&["show", "reports/test/r"]).expect(0).stdout;
    assert!(table.contains("first token") && table.contains("tokens/s"), "{table}");
    let page = std::fs::read_to_string(world.path("reports/test/r/report.html")).expect("a page");
    for words in ["first token p50", "tokens/s", "median time to the first token", "firstTokenText"]
    {
        assert!(page.contains(words), "{words}");
    }
    // Answers come back from the ledger with the times that they had.
    world.run_suite("again", &[]).expect(0);
    assert_eq!(server.count(), 12);
    let again = records(&world, "again");
    assert!(again.iter().zip(&rows).all(|(a, b)| a.record.details == b.record.details));
    // The same answers, asked for whole, are the same requests.
    world.write("suite.yaml", &suite.replace("URL", &server.url()).replace(", stream: true", ""));
    world.run_suite("whole", &[]).expect(0);
    assert_eq!(server.count(), 12);
}
