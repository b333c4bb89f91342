//! Classification from answers to verdict: values of whole runs, and metrics of which less is
//! better.

use evalmark_report::{
    run_values::{read_confusion, read_run_values},
    summary::read_summary,
};

use crate::setup::{Ran, World, answer};

const SUITE: &str = "\
name: test
dataset: { path: data.csv, id: id, target: label, ignore: [said], slices: [half] }
prompts:
  - { name: plain, template: '{{ text }}' }
models:
  - { name: old, provider: recorded, recorded: { column: said } }
metrics:
  - METRIC
GATE
";

const F1: &str = "{ name: f1, label: { labels: [red, green, blue], value: macro_f1 } }";

/// A run of the suite over answers `said(i)`.
fn run(
    world: &World,
    id: &str,
    n: usize,
    metric: &str,
    gate: &str,
    said: fn(usize) -> String,
) -> Ran {
    let row = |i| format!("i{i:04},question {i},{},{},\"{}\"\n", answer(i), i % 2, said(i));
    let rows: Vec<_> = (0..n).map(row).collect();
    world.write("data.csv", &format!("id,text,label,half,said\n{}", rows.concat()));
    world.write("suite.yaml", &SUITE.replace("METRIC", metric).replace("GATE", gate));
    world.run_suite(id, &["--new-baseline"])
}

/// Right, but for one in ten that is another class and one in twenty that is none.
fn fair(i: usize) -> String {
    match i % 20 {
        3 | 13 => answer(i + 1).to_owned(),
        7 => "colourful".to_owned(),
        _ => format!("{}.", answer(i).to_uppercase()),
    }
}

/// Nothing but wrong where blue is right, and fair elsewhere.
fn colour_blind(i: usize) -> String {
    if answer(i) == "blue" && !i.is_multiple_of(4) { "green".to_owned() } else { fair(i) }
}

fn promote(world: &World, id: &str) {
    world.run(&["baseline", "promote", &format!("reports/test/{id}"), "main"]).expect(0);
}

#[test]
fn a_run_says_which_class_was_taken_for_which() {
    let world = World::new(0);
    let ran = run(&world, "r", 120, F1, "", fair).expect(0);
    assert!(ran.stdout.contains('%') && !ran.stdout.contains("accuracy"), "{}", ran.stdout);
    let folder = world.path("reports/test/r");
    let cells = read_confusion(&folder.join("confusion.parquet")).expect("a matrix");
    assert_eq!(cells.iter().map(|cell| cell.count).sum::<u64>(), 120);
    let count = |target: &str, predicted: Option<&str>| {
        let cell = cells.iter().find(|c| c.target == target && c.predicted.as_deref() == predicted);
        cell.map(|cell| cell.count)
    };
    assert_eq!((count("red", Some("red")), count("red", None)), (Some(34), Some(2)));
    let values = read_run_values(&folder.join("run_values.parquet")).expect("values");
    let value = |name: &str, class: Option<&str>| {
        let row = values.iter().find(|row| row.value == name && row.class.as_deref() == class);
        row.and_then(|row| row.estimate.clone()).expect(name)
    };
    assert!((value("accuracy", None).mean - 0.85).abs() < 1e-12);
    assert!((value("n_invalid", None).mean - 6.0).abs() < 1e-12);
    assert!((value("recall", Some("red")).mean - 34.0 / 40.0).abs() < 1e-12);
    // What the metric stands for comes first, and in the summary; slices have their own.
    let (first, rows) = (&values[0], read_summary(&folder.join("summary.parquet")).expect("rows"));
    assert_eq!((first.value.as_str(), rows[0].value.as_deref()), ("macro_f1", Some("macro_f1")));
    let whole = rows[0].estimate.clone().expect("an estimate");
    assert_eq!(whole.ci_method, "bca_bootstrap");
    assert!((whole.mean - value("macro_f1", None).mean).abs() < 1e-12);
    assert!(whole.ci_low < Some(whole.mean) && Some(whole.mean) < whole.ci_high, "{whole:?}");
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.estimate.is_some()), "{rows:?}");
    // Without classes, what an earlier pass wrote is taken away.
    let suite = SUITE.replace("METRIC", "{ name: f1, exact: {} }").replace("GATE", "");
    world.write("suite.yaml", &suite);
    world.run(&["score", "reports/test/r"]).expect(0);
    assert!(
        !folder.join("confusion.parquet").exists() && !folder.join("run_values.parquet").exists()
    );
}

#[test]
fn macro_f1_is_gated_as_a_value_of_the_whole_run() {
    let gate = "gate: { baseline: main, metrics: { f1: { margin: 0.1, min: 0.7 } } }";
    let world = World::new(0);
    run(&world, "before", 300, F1, gate, fair).expect(0);
    promote(&world, "before");
    let ran = run(&world, "same", 300, F1, gate, fair).expect(0);
    assert!(ran.words().contains("all 2 comparisons pass"), "{}", ran.stdout);
    let ran = run(&world, "worse", 300, F1, gate, colour_blind).expect(1);
    let verdict = world.json("reports/test/worse/verdict.json");
    let compared = &verdict["comparisons"][0];
    assert_eq!(
        (&compared["answer"], &compared["n_flips"]),
        (&"regressed".into(), &60.into()),
        "{compared}"
    );
    assert_eq!(compared["method"], "jackknife_t+bootstrap");
    assert!(ran.words().contains("a real drop, and larger than the margin"), "{}", ran.stdout);
    // The accuracy is a mean, and is gated as one.
    let accuracy = "{ name: f1, label: { labels: [red, green, blue] } }";
    run(&world, "other", 300, accuracy, gate, fair).expect(4);
    for format in ["markdown", "junit", "github", "text", "json"] {
        let told = ["gate", "reports/test/worse", "--baseline", "main", "--format", format];
        world.write("suite.yaml", &SUITE.replace("METRIC", F1).replace("GATE", gate));
        assert!(!world.run(&told).expect(1).stdout.contains("NaN"));
    }
    // Where its value cannot be computed, the mean of the answers' scores does not take its place.
    let mut record = world.json("reports/test/worse/run.json");
    record["effective_suite"]["metrics"][0]["label"]["value"] = "later_f1".into();
    world.write("reports/test/worse/run.json", &record.to_string());
    let told = world.run(&["gate", "reports/test/worse", "--baseline", "main"]).expect(2).stderr;
    assert!(
        told.contains("the metric `f1` of the run cannot be computed by this version"),
        "{told}"
    );
}

const BRIER: &str = "{ name: risk, brier: { labels: [red, green, blue] } }";

/// How sure the answers are of what is right.
fn sure(i: usize, of_right: usize) -> String {
    let of_right = of_right + i % 7;
    let other = 100 - of_right;
    format!("{{\"\"{}\"\": 0.{of_right:02}, \"\"{}\"\": 0.{other:02}}}", answer(i), answer(i + 1))
}

#[test]
fn where_less_is_better_a_rise_is_the_loss() {
    let gate = "gate: { baseline: main, metrics: { risk: { margin: 0.02, max: 0.2 } } }";
    let world = World::new(0);
    run(&world, "before", 200, BRIER, gate, |i| sure(i, 70)).expect(0);
    promote(&world, "before");
    run(&world, "same", 200, BRIER, gate, |i| sure(i, 70)).expect(0);
    let ran = run(&world, "better", 200, BRIER, gate, |i| sure(i, 90)).expect(0);
    assert!(ran.words().contains("risk fell from"), "{}", ran.stdout);
    assert!(ran.words().contains("a real improvement"), "{}", ran.stdout);
    let ran = run(&world, "worse", 200, BRIER, gate, |i| sure(i, 40)).expect(1);
    let words = ran.words();
    assert!(words.contains("risk rose from") && words.contains("a real rise"), "{words}");
    assert!(words.contains("which is above the maximum of 20 %"), "{words}");
    let wrong = gate.replace("max", "min");
    let ran = run(&world, "wrong", 200, BRIER, &wrong, |i| sure(i, 70)).expect(2);
    assert!(ran.stderr.contains("lower values of `risk` are better"), "{}", ran.stderr);
    assert!(ran.stderr.contains("use `max`"), "{}", ran.stderr);
}

#[test]
fn planning_leaves_out_what_it_does_not_cover() {
    let world = World::new(0);
    run(&world, "r", 60, F1, "", fair).expect(0);
    let ran = world.run(&["plan", "suite.yaml"]).expect(0);
    assert!(ran.stderr.contains("not planned for: f1"), "{}", ran.stderr);
}
