//! `evalmark trend`: a suite's scores over its runs.

use std::{fmt::Write, fs};

use serde_json::Value;

use crate::setup::{Ran, World, scrambled};

/// Makes runs `r01`, `r02`, … of a suite whose answers the dataset holds.
struct Runs {
    world: World,
    n_items: usize,
    made: usize,
    prompt: &'static str,
    metric: &'static str,
}

impl Runs {
    fn new(n_items: usize) -> Self {
        let prompt = "{{ question }}";
        Self { world: World::new(1), n_items, made: 0, prompt, metric: "exact: {}" }
    }

    /// One more run: one item in ten comes out by chance, and the first `lost` are answered wrongly.
    fn run(&mut self, lost: usize) {
        self.made += 1;
        let mut data = "id,question,label,answer\n".to_owned();
        for i in 0..self.n_items {
            let is_chance = scrambled(i as u64).is_multiple_of(10);
            let coin = scrambled((i + 1000 * self.made) as u64).is_multiple_of(2);
            let is_right = i >= lost && !(is_chance && coin);
            let answer = if is_right { "yes" } else { "no" };
            writeln!(data, "i{i},what {i}?,yes,{answer}").expect("written");
        }
        self.world.write("data.csv", &data);
        let (prompt, metric) = (self.prompt, self.metric);
        self.world.write(
            "suite.yaml",
            &format!(
                "\
name: intents
dataset: {{ path: data.csv, id: id, target: label, ignore: [answer] }}
prompts: [{{ name: plain, template: '{prompt}' }}]
models: [{{ name: m, provider: recorded, recorded: {{ column: answer }} }}]
metrics: [{{ name: exact, {metric} }}]
"
            ),
        );
        let id = format!("r{:02}", self.made);
        self.world.run(&["run", "suite.yaml", "--run-id", &id]).expect(0);
    }

    fn json(&self, code: i32) -> Value {
        let ran = self.world.run(&["trend", "intents", "--format", "json"]).expect(code);
        serde_json::from_str(&ran.stdout).expect("JSON")
    }

    fn text(&self, columns: &str) -> Ran {
        let mut command = self.world.command(&["trend", "intents"]);
        let output = command.env("COLUMNS", columns).output().expect("the program starts");
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

#[test]
fn a_slow_fall_ends_with_one() {
    let mut runs = Runs::new(600);
    // Each run loses one point: no gate with a margin of three would say a word.
    (0..9).for_each(|run| runs.run(6 * run));
    let found = runs.json(1);
    let trend = &found["series"][0]["trend"];
    assert_eq!(trend["course"], "worse", "{trend}");
    assert!(trend["slope"]["upper"].as_f64().expect("a bound") < 0.0, "{trend}");
    assert!(trend["slope"]["first_called"].as_u64().expect("a run") < 8, "{trend}");
    assert_eq!(trend["n_items"], 600);
    let text = runs.text("80");
    assert_eq!(text.code, Some(1));
    for line in text.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let pictures = text.stdout.lines().filter(|line| line.contains('●'));
    let middles: Vec<_> = pictures.filter_map(|line| line.find('●')).collect();
    assert_eq!(middles.len(), 9, "{}", text.stdout);
    assert!(middles[0] > middles[8], "{}", text.stdout);
}

#[test]
fn a_steady_score_ends_well_and_few_runs_cannot_tell() {
    let mut runs = Runs::new(200);
    runs.run(3);
    runs.run(3);
    let found = runs.json(3);
    assert_eq!(found["series"][0]["trend"]["course"], "cannot_tell");
    (0..6).for_each(|_| runs.run(3));
    let found = runs.json(0);
    assert_eq!(found["series"][0]["trend"]["course"], "none_found", "{found}");
    let says = found["series"][0]["trend"]["says"].as_str().expect("a sentence");
    assert!(says.starts_with("no change found") && says.contains("8 comparable runs"), "{says}");
}

#[test]
fn a_lasting_change_is_told_with_its_run() {
    let mut runs = Runs::new(400);
    (0..4).for_each(|_| runs.run(0));
    (0..4).for_each(|_| runs.run(60));
    let found = runs.json(1);
    let changes = found["series"][0]["trend"]["change_points"].as_array().expect("changes");
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0]["point"], 4);
    assert!(runs.text("100").stdout.contains("──────────"));
}

#[test]
fn what_is_not_comparable_stands_apart_and_edits_are_said() {
    let mut runs = Runs::new(100);
    runs.metric = "exact: { normalize: [] }";
    runs.run(1);
    runs.metric = "exact: {}";
    runs.n_items = 60;
    runs.run(1);
    runs.n_items = 100;
    runs.run(1);
    runs.prompt = "{{ question }} Please.";
    runs.run(1);
    runs.run(1);
    let found = runs.json(0);
    let points = found["series"][0]["points"].as_array().expect("points");
    let apart: Vec<_> = points.iter().map(|point| point["apart"].as_str()).collect();
    assert!(apart[0].is_some_and(|why| why.contains("configured")), "{apart:?}");
    assert!(apart[1].is_some_and(|why| why.contains("60.0 %")), "{apart:?}");
    assert_eq!(&apart[2..], &[None, None, None]);
    assert_eq!(found["series"][0]["trend"]["points"], serde_json::json!([2, 3, 4]));
    let changed = |run: usize| found["runs"][run]["changed"].to_string();
    assert!(changed(1).contains("metric `exact` edited") && changed(1).contains("items changed"));
    assert!(changed(3).contains("prompt `plain` edited"), "{found}");
    assert_eq!(changed(4), "[]");
}

#[test]
fn broken_and_unfinished_runs_are_left_out_and_said() {
    let mut runs = Runs::new(50);
    (0..5).for_each(|_| runs.run(1));
    let folder = |run: &str| runs.world.path("reports/intents").join(run);
    fs::write(folder("r01").join("run.json"), "{ \"format_version\": 2, ").expect("written");
    fs::remove_file(folder("r02").join("scores.parquet")).expect("removed");
    let summary = folder("r03").join("summary.parquet");
    let bytes = fs::read(&summary).expect("bytes");
    fs::write(&summary, &bytes[..bytes.len() / 2]).expect("written");
    let found = runs.json(3);
    let left_out = found["left_out"].as_array().expect("a list");
    let ids: Vec<_> = left_out.iter().filter_map(|run| run["run_id"].as_str()).collect();
    assert_eq!(ids, ["r01", "r02", "r03"], "{left_out:?}");
    assert!(runs.text("80").stdout.contains("left out"));
}

#[test]
fn a_copy_of_a_run_is_no_further_run() {
    let mut runs = Runs::new(100);
    (0..3).for_each(|_| runs.run(2));
    let folder = |run: &str| runs.world.path("reports/intents").join(run);
    fs::create_dir(folder("copy")).expect("made");
    for file in fs::read_dir(folder("r02")).expect("a folder") {
        let file = file.expect("a file").path();
        fs::copy(&file, folder("copy").join(file.file_name().expect("a name"))).expect("copied");
    }
    let found = runs.json(0);
    assert_eq!(found["series"][0]["points"].as_array().map(Vec::len), Some(3), "{found}");
    let why = found["left_out"][0]["why"].as_str().unwrap_or_default();
    assert!(why.contains("copy of the run `r02`"), "{found}");
}

#[test]
fn a_suite_without_runs_is_said_with_the_nearest() {
    let mut runs = Runs::new(20);
    runs.run(0);
    let ran = runs.world.run(&["trend", "intent"]).expect(2);
    assert!(ran.stderr.contains("did you mean `intents`?"), "{}", ran.stderr);
    // The suite's file stands for its name.
    runs.world.run(&["trend", "suite.yaml"]).expect(3);
    let ran = runs.world.run(&["trend", "intents", "--metric", "close"]).expect(2);
    assert!(ran.stderr.contains("no metric `close`"), "{}", ran.stderr);
    let ran = runs.world.run(&["trend", "intents", "--since", "r09"]).expect(2);
    assert!(ran.stderr.contains("no run `r09`"), "{}", ran.stderr);
    fs::remove_file(runs.world.path("reports/intents/r01/scores.parquet")).expect("removed");
    runs.world.run(&["trend", "intents"]).expect(4);
}

/// Two settings of one metric are one metric that was edited.
#[test]
fn what_changed_is_said_once() {
    let mut runs = Runs::new(20);
    runs.run(0);
    runs.metric = "exact: { normalize: [trim] }, extract: { regex: '(.*)' }";
    runs.run(0);
    let ran = runs.text("100").expect(3);
    assert_eq!(ran.stdout.matches("metric `exact` edited").count(), 1, "{}", ran.stdout);
}
