//! The suite against itself: noise that is there is found, and noise that is not is not claimed away.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::Value;

use crate::setup::{Ran, World, answer, item, right, scrambled};

const KEPT: &str = "reports/test/calibration.json";

/// Answers wrongly with a chance of one in ten, another time every time: by the item and by how often
/// it was asked before, so that the order in which requests arrive decides nothing.
pub(crate) fn wavering() -> impl Fn(&Seen) -> Reply {
    let asked = Mutex::new(HashMap::<usize, u64>::new());
    move |seen| {
        let item = item(seen);
        let mut asked = asked.lock().expect("a lock");
        let times = asked.entry(item).or_default();
        *times += 1;
        let wrong = scrambled(1_000 * item as u64 + *times).is_multiple_of(10);
        Reply::text(answer(item + usize::from(wrong)))
    }
}

pub(crate) fn calibrate(world: &World, more: &[&str], code: i32) -> Ran {
    let arguments = ["calibrate", "suite.yaml", "--prompt", "plain"];
    world.run(&[&arguments[..], more].concat()).expect(code)
}

fn figure(world: &World, metric: &str) -> Value {
    let calibration = world.json(KEPT);
    let figures = calibration["figures"].as_array().expect("figures").clone();
    figures.into_iter().find(|figure| figure["metric"] == metric).expect("a figure")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("a number, not {value}"))
}

fn margin(margin: f64) -> String {
    format!("gate: {{ baseline: main, metrics: {{ exact: {{ margin: {margin} }} }} }}\n")
}

#[test]
fn noise_is_measured() {
    let world = World::new(400);
    let server = Server::start(wavering());
    world.suite(&server.url(), &margin(0.03));
    let ran = calibrate(&world, &["--run-id", "c"], 3);
    assert_eq!(server.count(), 800, "the second set is fresh");
    // 2 · 0.1 · 0.9, and its standard error is 0.019.
    let exact = figure(&world, "exact");
    let discordance = number(&exact["discordance"]);
    assert!((discordance - 0.18).abs() < 0.06, "{discordance}");
    assert!(number(&exact["flip_rate_upper"]) > discordance);
    assert!((number(&exact["sd"]) - discordance.sqrt()).abs() < 0.02, "{exact}");
    let resolvable = number(&exact["resolvable_margin"]);
    assert!(resolvable > 0.045 && resolvable < 0.07, "{resolvable}");
    assert_eq!(exact["resolves"], false);
    assert!(number(&exact["items_needed"]) > 1000.0, "{exact}");
    assert!(!ran.stderr.contains("differs between the two sets"), "{}", ran.stderr);
    let (lower, upper) = (number(&exact["lower"]), number(&exact["upper"]));
    assert!(lower < upper && lower > -0.1 && upper < 0.1, "{exact}");
    // What is not gated has a resolution, and no margin to hold it against.
    let close = figure(&world, "close");
    assert_eq!((&close["right_or_wrong"], &close["discordance"]), (&false.into(), &Value::Null));
    assert!(close["margin"].is_null() && number(&close["resolvable_margin"]) > 0.0);
    assert!(ran.stderr.contains("margin 3 points for `exact` is below"), "{}", ran.stderr);
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 100), "{}", ran.stdout);
    assert_eq!(world.json("reports/test/c-a/run.json")["status"], "complete");
    assert_eq!(world.json("reports/test/c-b/run.json")["options"]["no_cache"], true);
    assert_eq!(world.json(KEPT)["run_ids"], serde_json::json!(["c-a", "c-b"]));
}

#[test]
fn no_noise_is_no_proof_of_none() {
    let world = World::new(240);
    let server = Server::start(right);
    world.suite(&server.url(), &margin(0.01));
    let ran = calibrate(&world, &[], 3);
    assert!(ran.stdout.contains("no score changed"), "{}", ran.stdout);
    for metric in ["exact", "close"] {
        let figure = figure(&world, metric);
        assert_eq!((number(&figure["flip_rate"]), number(&figure["sd"])), (0.0, 0.0));
        // Four items of 240 must change for a verdict, and more for one with 80 % power.
        let resolvable = number(&figure["resolvable_margin"]);
        assert!(resolvable > 4.0 / 240.0 && resolvable < 0.03, "{resolvable}");
    }
    assert!(ran.stderr.contains("margin 1 point for `exact` is below"), "{}", ran.stderr);
    world.suite(&server.url(), &margin(0.05));
    let ran = calibrate(&world, &[], 0);
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
    assert_eq!(figure(&world, "exact")["resolves"], true);
}

#[test]
fn a_model_that_drifts_is_no_noise() {
    let world = World::new(100);
    // After the first set, every fourth item is answered wrongly.
    let server = Server::start(|seen| {
        let wrong = seen.index >= 100 && item(seen).is_multiple_of(4);
        Reply::text(answer(item(seen) + usize::from(wrong)))
    });
    world.suite(&server.url(), "");
    let ran = calibrate(&world, &[], 0);
    assert!(ran.stderr.contains("differs between the two sets by -25.0 points"), "{}", ran.stderr);
}

#[test]
fn epochs_are_halved() {
    let world = World::new(200);
    let server = Server::start(wavering());
    world.suite(&server.url(), "epochs: 4\n");
    let ran = calibrate(&world, &["--run-id", "c", "--format", "json"], 0);
    assert_eq!(server.count(), 800);
    let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(told["run_dirs"], serde_json::json!(["reports/test/c"]));
    assert_eq!(told["calibration"]["sets"], "epoch_halves");
    let exact = figure(&world, "exact");
    // One answer's discordance of 0.18, seen through means of two, and bounded from above.
    assert!((number(&exact["variance"]) - 0.21).abs() < 0.06, "{exact}");
    assert!((number(&exact["sd"]) - 0.3).abs() < 0.06, "{exact}");
    assert_eq!(exact["right_or_wrong"], true);
}

#[test]
fn a_recording_cannot_answer_twice() {
    let world = World::new(30);
    let server = Server::start(right);
    world.suite(&server.url(), "");
    world.run_suite("r", &["--prompt", "plain", "--epochs", "2"]).expect(0);
    let answers = world.run(&["export-answers", "reports/test/r"]).expect(0).stdout;
    world.write("answers.jsonl", &answers);
    let suite = std::fs::read_to_string(world.path("suite.yaml")).expect("a suite");
    let asked = format!("provider: openai, base_url: '{}'", server.url());
    let recorded = |how: &str| suite.replace(&asked, &format!("provider: recorded, {how}"));
    world.write("suite.yaml", &recorded("recorded: { file: answers.jsonl }"));
    let ran = calibrate(&world, &["--out", "new"], 2);
    assert!(ran.stderr.contains("model `small` cannot answer twice"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
    assert!(!world.path("new").exists(), "nothing was begun");
    calibrate(&world, &["--out", "new", "--epochs", "2"], 0);
    world.write("suite.yaml", &recorded("recorded: { column: label }"));
    calibrate(&world, &["--epochs", "2"], 2);
}

#[test]
fn an_unfinished_calibration_goes_on() {
    let world = World::new(60);
    let broken = Arc::new(AtomicBool::new(true));
    let is_broken = Arc::clone(&broken);
    let server = Server::start(move |seen| {
        if is_broken.load(Ordering::SeqCst) && seen.index >= 60 && item(seen).is_multiple_of(4) {
            return Reply::status(400);
        }
        right(seen)
    });
    world.suite(&server.url(), "");
    let ran = calibrate(&world, &["--run-id", "c"], 4);
    assert!(ran.stderr.contains("nothing was calibrated"), "{}", ran.stderr);
    assert!(ran.stderr.contains("calibrate suite.yaml --run-id c`"), "{}", ran.stderr);
    assert!(!world.path(KEPT).exists());
    broken.store(false, Ordering::SeqCst);
    let asked = server.count();
    let again = world.run(&["calibrate", "suite.yaml", "--run-id", "c"]).expect(2);
    assert!(again.stderr.contains("begun with other options"), "{}", again.stderr);
    calibrate(&world, &["--run-id", "c"], 0);
    assert_eq!(server.count() - asked, 15, "only what was missing is asked for");
    assert_eq!(figure(&world, "exact")["n_paired"], 60);
}
