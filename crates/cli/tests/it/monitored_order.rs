//! What a monitor shows does not depend on the order in which records came, nor on which commit each is of.

use std::fs;

use serde_json::{Value, json};

use crate::setup::World;

const SUITE: &str = "\
name: test
dataset: { path: data.csv, id: id, target: label }
prompts: [{ name: plain, template: '{{ text }}' }]
models: [{ name: kept, recorded: { column: label } }]
metrics:
  - { name: short, length_within: { unit: words, max: 3 } }
  - { name: answers, not: true, refusal: {} }
logs:
  from: logs
  fields: { id: $.id, time: $.at, output: $.out, cluster: $.user, model: $.model, latency_ms: $.ms, error: $.error }
  watch: { cycle: day }
";

/// Thirty days of forty records; from the twentieth on another model answers, and longer. Every 97th has no time, and users
/// come again on other days.
fn lines() -> Vec<String> {
    let line = |i: u32| {
        let (day, swapped) = (i / 40, i / 40 >= 20);
        let mut line = json!({
            "id": format!("r{i}"),
            "at": format!("2026-{:02}-{:02}T{:02}:00:00Z", 4 + day / 28, 1 + day % 28, i % 24),
            "out": if swapped && !i.is_multiple_of(3) { "blue and far too long" } else { "blue" },
            "user": format!("u{}", i * 7 % 211),
            "model": if swapped { "new" } else { "old" },
            "ms": 300 + i * 37 % 400 + if swapped { 200 } else { 0 },
        });
        if i.is_multiple_of(97) {
            line["at"] = Value::Null;
        }
        if i.is_multiple_of(53) {
            line["error"] = json!("timed out");
        }
        format!("{line}\n")
    };
    (0..1200).map(line).collect()
}

/// What is shown once each of these files has been read by a command of its own, and how many segments there are.
fn shown(files: impl Iterator<Item = Vec<String>>) -> (Value, usize) {
    let world = World::new(3);
    world.write("suite.yaml", SUITE);
    fs::create_dir(world.path("logs")).expect("a folder");
    for (n, lines) in files.enumerate() {
        world.write(&format!("logs/{n:03}.jsonl"), &lines.concat());
        world.run(&["monitor", "suite.yaml"]).expect(0);
    }
    let ran = world.run(&["monitor", "status", "suite.yaml", "--format", "json"]).expect(1);
    let mut shown: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let state = world.json("reports/test/monitor/state.json");
    // When it was looked at, and where.
    shown
        .as_object_mut()
        .expect("an object")
        .retain(|key, _| key != "read_until" && key != "written_at");
    (shown, state["segments"].as_array().map_or(0, Vec::len))
}

#[test]
fn the_same_is_shown_in_whatever_order_records_came() {
    let lines = lines();
    let (at_once, n) = shown([lines.clone()].into_iter());
    assert_eq!(n, 1);
    let alarms = at_once["drift"]["alarms"].as_array().expect("alarms");
    let streams: Vec<_> = alarms.iter().map(|alarm| &alarm["stream"]).collect();
    assert!(streams.contains(&&json!("record/model")), "{streams:?}");

    let (in_order, n) = shown(lines.chunks(200).map(<[String]>::to_vec));
    assert_eq!(n, 6);
    assert_eq!(in_order, at_once);

    let backwards = lines.chunks(200).rev().map(<[String]>::to_vec);
    assert_eq!(shown(backwards).0, at_once);

    // Each file has records of all days.
    let dealt = (0..6).map(|n| lines.iter().skip(n).step_by(6).cloned().collect());
    assert_eq!(shown(dealt).0, at_once);
}
