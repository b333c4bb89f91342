//! How far questions of production are from those of the first days, as a model of embeddings has it.

use std::fs;

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::{Value, json};

use crate::setup::{World, scrambled};

const SUITE: &str = "\
name: test
dataset: { path: data.csv, id: id, target: label }
prompts: [{ name: plain, template: '{{ text }}' }]
models:
  - { name: kept, recorded: { column: label } }
  - { name: vectors, provider: openai, base_url: 'URL', limits: { attempts: 1 } }
metrics:
  - { name: short, length_within: { unit: words, max: 3 } }
logs:
  from: logs
  fields: { id: $.id, time: $.at, output: $.out, variables: { text: $.in }, cluster: $.user }
  redact: [email]
  judges: { rate: 0.8 }
  watch: { cycle: day, embedding: { column: text, model: vectors, prefix: 'query: ' } }
";

/// The vector of a question is that of its topic, with noise of its own; what a redacted address is like has no part in it.
fn embedded(seen: &Seen) -> Reply {
    let json = seen.json();
    let row = |(i, text): (usize, &Value)| {
        let text = text.as_str().expect("a text");
        let text = text.strip_prefix("query: ").expect("the prefix");
        assert!(text.contains("[email]") && !text.contains("example.org"), "{text}");
        let origin = text
            .bytes()
            .fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let noise =
            |place: u64| (scrambled(origin.wrapping_add(place)) % 1000) as f64 / 1000.0 - 0.5;
        let topic = u64::from(text.contains("invoice"));
        let vector: Vec<f64> =
            (0..16).map(|place| noise(place) + if place == topic { 2.0 } else { 0.0 }).collect();
        json!({ "index": i, "embedding": vector })
    };
    let texts = json["input"].as_array().expect("texts");
    let rows: Vec<_> = texts.iter().enumerate().map(row).collect();
    let usage = json!({ "prompt_tokens": texts.len(), "total_tokens": texts.len() });
    Reply::json(&json!({ "data": rows, "usage": usage }))
}

/// Sixty questions a day; from a day on, most are about invoices. Some users ask every day.
fn world(server: &Server, change: u32) -> World {
    let world = World::new(3);
    world.write("suite.yaml", &SUITE.replace("URL", &server.url()));
    fs::create_dir(world.path("logs")).expect("a folder");
    let line = |(day, i): (u32, u32)| {
        let topic = if day >= change && i % 4 > 0 { "invoice" } else { "parcel" };
        let user = if i < 10 { format!("daily-{i}") } else { format!("{day}-{i}") };
        let text = format!("Where is the {topic} of u{i}.{day}@example.org, {day}/{i}?");
        let at = format!("2026-11-{day:02}T{:02}:00:00Z", i % 24);
        let id = format!("{day}-{i}");
        format!("{}\n", json!({ "id": id, "at": at, "out": "here", "in": text, "user": user }))
    };
    let lines = (1..=20).flat_map(|day| (0..60).map(move |i| (day, i))).map(line);
    world.write("logs/a.jsonl", &lines.collect::<String>());
    world.run(&["monitor", "suite.yaml"]).expect(0);
    world
}

fn drift(world: &World, code: i32) -> Value {
    let arguments = ["monitor", "status", "suite.yaml", "--format", "json"];
    let ran = world.run_in(&arguments, &[("EVALMARK_TEST_NOW", "2026-11-21T01:00:00Z")]);
    serde_json::from_str::<Value>(&ran.expect(code).stdout).expect("JSON")["drift"].clone()
}

fn stream(drift: &Value) -> Value {
    let mut streams = drift["streams"].as_array().into_iter().flatten();
    streams.find(|one| one["stream"] == "record/embedding").cloned().unwrap_or_default()
}

#[test]
fn other_questions_are_farther_away_and_raise_an_alarm_where_the_suite_says_so() {
    let server = Server::start(embedded);
    let world = world(&server, 11);
    let asked = server.count();
    let shown = drift(&world, 0);
    let found = stream(&shown);
    assert_eq!((&found["raises_alarms"], &found["kind"]), (&json!(false), &json!("amount")));
    let alarm = SUITE.replace("cycle: day,", "cycle: day, alarm: [embedding],");
    world.write("suite.yaml", &alarm.replace("URL", &server.url()));
    let called = drift(&world, 1);
    let alarm = &called["alarms"][0];
    assert_eq!(
        (&alarm["stream"], &alarm["began"]),
        (&json!("record/embedding"), &json!("2026-11-11"))
    );
    assert_eq!(alarm["moved"], "up", "{alarm}");
    assert_eq!(server.count(), asked, "status asks nobody");
    // Another prefix makes other vectors: those of before say nothing about them.
    let other = SUITE.replace("query: ", "search: ").replace("URL", &server.url());
    world.write("suite.yaml", &other);
    assert_eq!(stream(&drift(&world, 0)), Value::Null);
}

#[test]
fn the_same_questions_raise_none() {
    let server = Server::start(embedded);
    let world = world(&server, 99);
    let alarm = SUITE.replace("cycle: day,", "cycle: day, alarm: [embedding],");
    world.write("suite.yaml", &alarm.replace("URL", &server.url()));
    let quiet = drift(&world, 0);
    assert_eq!(stream(&quiet)["raises_alarms"], true);
    let ran = world.run(&["monitor", "status", "suite.yaml"]).expect(0);
    assert!(ran.stdout.contains("judges: "), "{}", ran.stdout);
    // Merged and read again, vectors are still there.
    for day in 0..9 {
        let line = json!({ "id": format!("late-{day}"), "at": "2026-11-20T10:00:00Z", "out": "x", "in": "of a@example.org?" });
        world.write(&format!("logs/b{day}.jsonl"), &format!("{line}\n"));
        world.run(&["monitor", "suite.yaml"]).expect(0);
    }
    assert_eq!(stream(&drift(&world, 0))["raises_alarms"], true);
}

#[test]
fn mistakes_are_told_with_their_places() {
    let world = World::new(3);
    let check = |change: (&str, &str), parts: &[&str]| {
        world.write(
            "suite.yaml",
            &SUITE.replace("URL", "http://127.0.0.1:9").replace(change.0, change.1),
        );
        let ran = world.run(&["check", "suite.yaml"]).expect(2);
        for part in parts {
            assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
        }
    };
    check(
        ("column: text, model: vectors", "column: txt, model: vector"),
        &[
            "`fields.variables` has no `txt`, whose meaning is watched",
            "did you mean `text`?",
            "no model is called `vector`",
            "did you mean `vectors`?",
        ],
    );
    check(
        ("  judges: { rate: 0.8 }\n", ""),
        &["nothing says which share", "judges: { rate: 0.02 }"],
    );
    let (embedding, none) = (
        ", embedding: { column: text, model: vectors, prefix: 'query: ' }",
        ", alarm: [embedding]",
    );
    check((embedding, none), &["`embedding` needs `watch.embedding`"]);
    check((embedding, ", categories: { embedding: $.e }"), &["`embedding` is watched already"]);
}
