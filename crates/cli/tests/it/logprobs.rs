//! Logprobs through the whole program: asked for, kept with each answer, exported and replayed, and
//! refused where a provider has none.

use evalmark_loopback::{Reply, Seen, Server};
use evalmark_report::samples::{SampleRecord, samples};
use serde_json::{Value, json};

use crate::setup::World;

fn suite(provider: &str, url: &str, params: &str) -> String {
    format!(
        "name: test\ndataset: {{ path: data.csv, id: id, target: label }}\nprompts:\n  - {{ name: p, template: '{{{{ text \
         }}}}' }}\nmodels:\n  - {{ name: m, provider: {provider}, {url}, params: {params} }}\nmetrics:\n  - {{ name: score, \
         exact: {{}} }}\n"
    )
}

/// An answer with logprobs where they are asked for.
fn answer(seen: &Seen) -> Reply {
    let token = |token: &str, logprob: Value| {
        let top = json!({ "token": token, "logprob": logprob, "bytes": null });
        json!({ "token": token, "logprob": logprob, "bytes": [114], "top_logprobs": [top] })
    };
    let logprobs = json!({ "content": [token("r", json!(-0.25)), token("ed", json!(-9999.0))] });
    let is_asked = seen.json()["logprobs"] == true;
    let logprobs = if is_asked { logprobs } else { Value::Null };
    let choice = json!({
        "index": 0, "message": { "role": "assistant", "content": "red" }, "logprobs": logprobs,
        "finish_reason": "stop",
    });
    Reply::json(&json!({ "model": "m", "choices": [choice], "usage": {} }))
}

/// Each answer's details, and the hash of its request.
fn rows(world: &World, run: &str) -> Vec<(Value, String)> {
    let path = world.path(&format!("reports/test/{run}/samples.parquet"));
    let row = |row: Result<SampleRecord, _>| {
        let row = row.expect("a row");
        let details = row.record.details.as_ref().map(|details| details.to_json());
        let details = serde_json::from_str(details.as_deref().unwrap_or("null")).expect("JSON");
        (details, row.request().expect("a request").hash().to_string())
    };
    samples(&path).expect("samples").map(row).collect()
}

#[test]
fn logprobs_are_kept_with_the_answer_wherever_it_goes() {
    let (server, world) = (Server::start(answer), World::new(2));
    let url = format!("base_url: '{}'", server.url());
    world.write("suite.yaml", &suite("openai", &url, "{ logprobs: true, top_logprobs: 1 }"));
    world.run_suite("asked", &[]).expect(0);
    let unknown = json!({ "token": "ed", "logprob": null });
    let logprobs = json!({ "mean": -0.25, "n_tokens": 2, "content": [
        { "token": "r", "logprob": -0.25, "top_logprobs": [{ "token": "r", "logprob": -0.25 }] },
        { "token": "ed", "logprob": null, "top_logprobs": [unknown] },
    ] });
    let expected = json!({ "logprobs": logprobs });
    let asked = rows(&world, "asked");
    assert!(asked.iter().all(|(details, _)| *details == expected), "{asked:?}");

    // From the cache, scored again, and replayed from a file: the same, and nobody is asked.
    let count = server.count();
    world.run_suite("cached", &[]).expect(0);
    assert_eq!(rows(&world, "cached"), asked);
    world.run(&["score", "reports/test/asked"]).expect(0);
    assert_eq!(rows(&world, "asked"), asked);
    let answers = world.run(&["export-answers", "reports/test/asked"]).expect(0).stdout;
    assert!(answers.contains(r#""logprobs":{"mean":-0.25,"n_tokens":2,"content":[{"#), "{answers}");
    world.write("answers.jsonl", &answers);
    let recorded = "model: m, recorded: { file: answers.jsonl }";
    world.write("suite.yaml", &suite("recorded", recorded, "{ logprobs: true, top_logprobs: 1 }"));
    world.run_suite("replayed", &["--cache-dir", "elsewhere"]).expect(0);
    assert_eq!(rows(&world, "replayed"), asked);
    assert_eq!(server.count(), count);

    // Who does not ask for them has another request, and no logprobs.
    world.write("suite.yaml", &suite("openai", &url, "{}"));
    world.run_suite("plain", &[]).expect(0);
    for ((details, hash), (_, with)) in rows(&world, "plain").iter().zip(&asked) {
        assert_eq!(details, &Value::Null);
        assert_ne!(hash, with);
    }
}

#[test]
fn a_provider_without_logprobs_is_not_asked() {
    let (server, world) = (Server::start(answer), World::new(2));
    let url = format!("base_url: '{}'", server.url());
    let at = |more: &str| format!("{url}, {more}");
    let http = format!("http: {{ url: '{}' }}", server.url());
    for (provider, more, asks) in [
        ("anthropic", &*url, "logprobs"),
        ("bedrock", &at("region: us-east-1"), "logprobs"),
        ("groq", &url, "logprobs"),
        ("http", &http, "logprobs"),
        ("command", "command: { program: [cat] }", "logprobs"),
        ("cohere", &url, "logprobs of alternatives"),
    ] {
        world.write("suite.yaml", &suite(provider, more, "{ logprobs: true, top_logprobs: 2 }"));
        for command in [&["run"][..], &["check"], &["plan"]] {
            let told = world.run(&[command, &["suite.yaml"]].concat()).expect(2).stderr;
            let expected = format!("model `m` asks for {asks}, which `provider: {provider}` lacks");
            assert!(told.contains(&expected) && told.contains("suite.yaml:6:"), "{told}");
        }
    }
    assert_eq!(server.count(), 0);
    assert!(!world.path("reports").exists(), "and no run begins");
}
