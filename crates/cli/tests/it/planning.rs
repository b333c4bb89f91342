//! Before and after a run: what its margins can resolve, from whatever is known of the noise.

use evalmark_loopback::{Reply, Server};
use serde_json::Value;

use crate::{
    calibrate::{calibrate, wavering},
    setup::{World, answer, item, right},
};

fn plan(world: &World, more: &[&str]) -> Value {
    let arguments = ["plan", "suite.yaml", "--prompt", "plain", "--format", "json"];
    let ran = world.run(&[&arguments[..], more].concat()).expect(0);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

fn gate(margin: f64) -> String {
    format!(
        "gate: {{ baseline: main, metrics: {{ exact: {{ margin: {margin} }}, close: {{ margin: {margin} }} }} }}\n"
    )
}

/// The figures of a metric.
fn of<'a>(plan: &'a Value, metric: &str) -> &'a Value {
    let metrics = plan["metrics"].as_array().expect("metrics");
    metrics.iter().find(|one| one["metric"] == metric).expect("a metric")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("a number, not {value}"))
}

#[test]
fn without_a_baseline_it_is_an_assumption() {
    let world = World::new(240);
    world.suite("http://127.0.0.1:1/v1", &gate(0.03));
    let planned = plan(&world, &[]);
    assert_eq!(of(&planned, "exact")["source"], "assumption");
    assert_eq!((&planned["assumed_discordance"], &planned["samples"]), (&0.2.into(), &240.into()));
    assert!((number(&planned["detectable_drop"]) - 0.0716).abs() < 0.001, "{planned}");
    assert_eq!(planned["items_needed"], 1372);
    let epochs = plan(&world, &["--epochs", "4"]);
    assert_eq!(epochs["detectable_drop"], planned["detectable_drop"]);
    let ran = world.run(&["plan", "suite.yaml"]).expect(0);
    assert!(ran.stdout.contains("assumes right-or-wrong scores"), "{}", ran.stdout);
    assert!(ran.stdout.contains("480 requests"), "{}", ran.stdout);
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 100), "{}", ran.stdout);
    assert!(ran.stderr.contains("margin 3 points for `exact` may not be"), "{}", ran.stderr);
    assert!(ran.stderr.contains("1,372 items, or a margin of 7.2 points"), "{}", ran.stderr);
    world.suite("http://127.0.0.1:1/v1", &gate(0.1));
    assert!(!world.run(&["plan", "suite.yaml"]).expect(0).stderr.contains("warning"));
}

#[test]
fn a_baseline_tells_more_and_a_calibration_most() {
    let world = World::new(400);
    let server = Server::start(wavering());
    world.suite(&server.url(), &gate(0.03));
    for (name, epochs) in [("once", "1"), ("twice", "2")] {
        let more = ["--epochs", epochs, "--prompt", "plain", "--new-baseline"];
        world.run_suite(name, &more).expect(0);
        world.run(&["baseline", "promote", &format!("reports/test/{name}"), name]).expect(0);
    }
    let source = |planned: &Value| of(planned, "exact")["source"].as_str().map(str::to_owned);
    let discordance = |planned: &Value| number(&of(planned, "exact")["discordance"]);
    // 2 · 0.9 · 0.1, with the rate at the cautious end of its interval.
    let once = plan(&world, &["--baseline", "once"]);
    assert_eq!(source(&once).as_deref(), Some("bound"));
    assert!((discordance(&once) - 0.22).abs() < 0.05, "{once}");
    assert_eq!(
        (&of(&once, "exact")["baseline"], &once["assumed_discordance"]),
        (&"once".into(), &Value::Null)
    );
    assert_eq!(of(&once, "close")["right_or_wrong"], false);
    let twice = plan(&world, &["--baseline", "twice"]);
    assert_eq!(source(&twice).as_deref(), Some("epochs"));
    assert!((discordance(&twice) - 0.21).abs() < 0.06, "{twice}");
    calibrate(&world, &[], 3);
    let measured = plan(&world, &["--baseline", "twice"]);
    assert_eq!(source(&measured).as_deref(), Some("calibration"));
    assert_eq!(of(&measured, "exact")["resolves"], false);
    let epochs = of(&measured, "exact")["epochs_needed"].as_u64().expect("epochs");
    let more = plan(&world, &["--epochs", &epochs.to_string()]);
    assert_eq!(of(&more, "exact")["resolves"], true);
    // Another dataset is another measurement.
    assert_eq!(source(&plan(&world, &["--limit", "300"])).as_deref(), Some("assumption"));
    let ran = world.run(&["plan", "suite.yaml", "--baseline", "nope"]).expect(4);
    assert!(ran.stderr.contains("there is no baseline `nope`"), "{}", ran.stderr);
}

#[test]
fn clusters_count_as_the_sample() {
    let world = World::new(240);
    world.suite("http://127.0.0.1:1/v1", &gate(0.03));
    let alone = plan(&world, &[]);
    let rows: Vec<_> =
        (0..240).map(|i| format!("i{i:04},question {i},{},c{}\n", answer(i), i / 6)).collect();
    world.write("data.csv", &format!("id,text,label,who\n{}", rows.concat()));
    let path = world.suite("http://127.0.0.1:1/v1", &gate(0.03));
    let suite = std::fs::read_to_string(&path).expect("a suite");
    world.write("suite.yaml", &suite.replace("target: label", "target: label, cluster: who"));
    let clustered = plan(&world, &[]);
    assert_eq!(of(&clustered, "exact")["clusters"], 40);
    let drop = |planned: &Value| number(&planned["detectable_drop"]);
    assert!(drop(&clustered) > 2.0 * drop(&alone), "{clustered}");
    let ran = world.run(&["plan", "suite.yaml"]).expect(0);
    assert!(ran.stdout.contains("the items are in 40"), "{}", ran.stdout);
}

#[test]
fn a_gate_warns_of_margins_that_the_suite_cannot_resolve() {
    let world = World::new(240);
    let server = Server::start(|seen| {
        let i = item(seen);
        Reply::text(answer(if i.is_multiple_of(10) { i + 1 } else { i }))
    });
    world.suite(&server.url(), &gate(0.01));
    calibrate(&world, &[], 3);
    world.run_suite("a", &["--prompt", "plain", "--new-baseline"]).expect(0);
    world.run(&["baseline", "promote", "reports/test/a", "main"]).expect(0);
    let warning = "margin 1 point for `exact` is below what this suite can resolve (2.6 points \
                   with 240 items, calibrated on 20";
    let ran = world.run_suite("b", &["--prompt", "plain"]).expect(3);
    assert!(ran.stderr.contains(warning), "{}", ran.stderr);
    assert!(ran.stdout.contains("note: the margin of 1 point is below"), "{}", ran.stdout);
    let gated = ["gate", "reports/test/b", "--baseline", "main"];
    let ran = world.run(&gated).expect(3);
    assert!(ran.stderr.contains(warning), "{}", ran.stderr);
    let notes = world.json("reports/test/b/verdict.json")["comparisons"][0]["notes"].to_string();
    assert!(notes.contains("is below what this suite resolves"), "{notes}");

    // A margin that can be resolved is no matter for a warning.
    world.suite(&server.url(), &gate(0.05));
    assert!(!world.run(&gated).expect(0).stderr.contains("below what this suite"));
    // What a calibration says of other items, it says not of these.
    world.suite(&server.url(), &gate(0.01));
    let ran = world.run_suite("c", &["--prompt", "plain", "--limit", "235"]).expect(3);
    assert!(!ran.stderr.contains("below what this suite"), "{}", ran.stderr);
    // A file that cannot be read stops no gate.
    world.write("reports/test/calibration.json", "{");
    let ran = world.run(&gated).expect(3);
    assert!(ran.stderr.contains("`evalmark calibrate` rewrites it"), "{}", ran.stderr);
}

#[test]
fn another_metric_or_model_is_not_calibrated() {
    let world = World::new(240);
    let server = Server::start(right);
    let path = world.suite(&server.url(), &gate(0.01));
    calibrate(&world, &[], 3);
    let suite = std::fs::read_to_string(&path).expect("a suite");
    let source =
        |metric: &str| of(&plan(&world, &[]), metric)["source"].as_str().map(str::to_owned);
    assert_eq!(source("exact").as_deref(), Some("calibration"));
    world.write("suite.yaml", &suite.replace("[trim, casefold]", "[trim]"));
    assert_eq!(source("exact").as_deref(), Some("assumption"));
    assert_eq!(source("close").as_deref(), Some("calibration"));
    world.write("suite.yaml", &suite.replace("limits:", "params: { temperature: 1 }, limits:"));
    assert_eq!(source("close").as_deref(), Some("assumption"));
}

#[test]
fn one_item_is_told_as_one() {
    let world = World::new(3);
    world.suite("http://127.0.0.1:1/v1", &gate(0.1));
    let plan = world.run(&["plan", "suite.yaml", "--limit", "1"]).expect(0);
    assert!(plan.stderr.contains("1 item detects no drop at all"), "{}", plan.stderr);
}
