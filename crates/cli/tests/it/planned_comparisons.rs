//! What `plan` says that a gate is going to compare is what the verdict then has, by name and in order.

use evalmark_loopback::Server;
use serde_json::{Value, json};

use crate::setup::{World, right};

/// Of each comparison, what names it; a verdict on an amount that only one of the runs has calls it a
/// difference, not a ratio.
fn names(document: &Value) -> Vec<([&str; 3], bool)> {
    let comparisons = document["comparisons"].as_array().expect("comparisons");
    comparisons
        .iter()
        .map(|one| {
            let names = ["prompt", "model", "metric"].map(|key| one[key].as_str().expect(key));
            (names, one["measure"] == "level")
        })
        .collect()
}

const GATE: &str = "gate: { baseline: main, metrics: { exact: { margin: 0.1, min: 0.5 }, \
                    output_tokens: { margin: 0.5 } } }\n";

/// A world whose baseline `main` has both prompts, and what the suite says.
fn with_baseline(server: &Server) -> (World, String) {
    let world = World::new(40);
    let path = world.suite(&server.url(), GATE);
    world.run_suite("first", &["--new-baseline"]).expect(0);
    world.run(&["baseline", "promote", "reports/test/first", "main"]).expect(0);
    let text = std::fs::read_to_string(path).expect("a suite");
    (world, text)
}

#[track_caller]
fn check(world: &World, id: &str, more: &[&str], n: usize) {
    let arguments = ["plan", "suite.yaml", "--format", "json"];
    let planned = world.run(&[&arguments[..], more].concat()).expect(0).stdout;
    let planned: Value = serde_json::from_str(&planned).expect("JSON");
    assert_eq!(planned["suite"], "test");
    world.run_suite(id, more);
    let verdict = world.json(&format!("reports/test/{id}/verdict.json"));
    assert_eq!(names(&planned), names(&verdict), "{id}");
    assert_eq!(names(&planned).len(), n, "{id}");
}

#[test]
fn a_plan_names_the_comparisons_of_the_verdict() {
    let server = Server::start(right);
    let (world, text) = with_baseline(&server);
    check(&world, "same", &[], 6);
    check(&world, "one-prompt", &["--prompt", "terse"], 3);
    // A new prompt is told of, and held to the minimum alone; one that is gone still takes part.
    world
        .write("suite.yaml", &text.replace("name: terse", "name: short").replace("'{{", "'Say {{"));
    check(&world, "lacking", &[], 6);
    // The same text under a new name is the same prompt.
    world.write("suite.yaml", &text.replace("name: terse", "name: short"));
    check(&world, "renamed", &[], 6);
    world.write("suite.yaml", &text.replace("name: small", "name: other"));
    check(&world, "nothing-known", &[], 10);
    world.write("suite.yaml", &text.replace("baseline: main, ", ""));
    check(&world, "minima", &[], 2);
}

#[test]
fn a_missing_baseline_is_said_before_anything_is_asked() {
    let world = World::new(40);
    let text = crate::setup::suite("http://127.0.0.1:1/v1", GATE);
    world.write("suite.yaml", &text);
    let plan = || -> Value {
        let ran = world.run(&["plan", "suite.yaml", "--format", "json"]).expect(0);
        serde_json::from_str(&ran.stdout).expect("JSON")
    };
    let planned = plan();
    let missing = |is_optional: bool| json!({ "name": "main", "is_missing": true, "is_optional": is_optional });
    assert_eq!((&planned["baseline"], names(&planned).len()), (&missing(false), 6));
    assert_eq!(planned["comparisons"][1]["measure"], "ratio");
    world.write(
        "suite.yaml",
        &text.replace("baseline: main", "baseline: main, baseline_optional: true"),
    );
    assert_eq!(plan()["baseline"], missing(true));
    world.write("suite.yaml", &text.replace(GATE, ""));
    let planned = plan();
    assert_eq!((&planned["baseline"], names(&planned).len()), (&Value::Null, 0));
}
