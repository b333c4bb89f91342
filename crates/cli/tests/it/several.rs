//! Several suites in one call: one table, and one family.

use std::fmt::Write;

use serde_json::Value;

use crate::setup::{Ran, World};

const ITEMS: usize = 100;

/// The suite `name`, whose answers are right but for so many.
fn suite(world: &World, name: &str, wrong: usize) -> String {
    let mut data = "id,question,label,answer\n".to_owned();
    for i in 0..ITEMS {
        let answer = if i < wrong { "no" } else { "yes" };
        writeln!(data, "i{i},what {i}?,yes,{answer}").expect("written");
    }
    world.write(&format!("{name}.csv"), &data);
    let file = format!("{name}.yaml");
    world.write(
        &file,
        &format!(
            "\
name: {name}
dataset: {{ path: {name}.csv, id: id, target: label }}
prompts:
  - {{ name: plain, template: '{{{{ question }}}}' }}
models:
  - {{ name: m, provider: recorded, recorded: {{ column: answer }} }}
metrics:
  - {{ name: exact, exact: {{}} }}
gate: {{ baseline: main, metrics: {{ exact: {{ margin: 0.03 }} }} }}
"
        ),
    );
    file
}

/// Runs suites with so many wrong answers, each against a baseline that is all right.
fn run(wrong: &[usize]) -> Ran {
    run_with(wrong, &[])
}

fn run_with(wrong: &[usize], more: &[&str]) -> Ran {
    let world = World::new(1);
    let mut files = Vec::new();
    for (i, wrong) in wrong.iter().enumerate() {
        let name = format!("task-{i}");
        let file = suite(&world, &name, 0);
        world.run(&["run", &file, "--run-id", "first", "--new-baseline"]).expect(0);
        let folder = format!("reports/{name}/first");
        world.run(&["baseline", "promote", &folder, "main"]).expect(0);
        files.push(suite(&world, &name, *wrong));
    }
    let files = files.iter().map(String::as_str);
    let more = more.iter().copied();
    world.run(&std::iter::once("run").chain(files).chain(more).collect::<Vec<_>>())
}

#[test]
fn a_regression_has_to_survive_the_correction_over_all_suites() {
    for (wrong, code, survive) in [
        (&[0, 0][..], 0, "0 regressed within a suite, 0 of them"),
        // Five lost answers and none gained: 0.016 alone, 0.063 among four.
        (&[5, 0][..], 1, "1 regressed within a suite, 1 of them"),
        (&[0, 5, 0, 0][..], 3, "1 regressed within a suite, 0 of them"),
        (&[0, 5, 0, 40][..], 1, "2 regressed within a suite, 2 of them"),
    ] {
        let words = run(wrong).expect(code).words();
        let n = wrong.len();
        assert!(words.contains(&format!("{n} suites, {n} comparisons: {survive}")), "{words}");
        for i in 0..n {
            assert!(words.contains(&format!("task-{i} plain · m exact")), "{words}");
        }
    }
}

#[test]
fn one_suite_is_its_own_family() {
    let words = run(&[5]).expect(1).words();
    assert!(!words.contains("suites"), "{words}");
}

/// The table over all suites is the last document.
#[test]
fn all_suites_together_are_json_too() {
    let ran = run_with(&[0, 5, 0, 40], &["--format", "json"]).expect(1);
    let documents: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(documents.len(), 5);
    let all = &documents[4];
    assert_eq!(
        [&all["n_comparisons"], &all["n_regressed"], &all["n_regressed_over_suites"]],
        [4, 2, 2]
    );
    assert_eq!(all["exit_code"], 1);
    for (suite, document) in all["suites"].as_array().expect("suites").iter().zip(&documents) {
        for key in ["run_dir", "exit_code"] {
            assert_eq!(suite[key], document[key], "{key}");
        }
        assert_eq!(suite["answer"], document["verdict"]["answer"]);
    }
    // By chance alone, among so many.
    let ran = run_with(&[0, 5, 0, 0], &["--format", "json"]).expect(3);
    let last = ran.stdout.lines().last().expect("a document");
    let all: Value = serde_json::from_str(last).expect("JSON");
    let comparison = &all["suites"][1]["comparisons"][0];
    let answers = [&comparison["answer"], &comparison["answer_over_suites"]];
    assert_eq!(answers, ["regressed", "inconclusive"]);
    let p = comparison["p_regressed_over_suites"].as_f64().expect("a p-value");
    assert!(p > 0.05, "{p}");
    assert_eq!((&all["suites"][1]["exit_code"], &all["exit_code"]), (&1.into(), &3.into()));
}

#[test]
fn a_suite_that_is_named_twice_counts_once() {
    let world = World::new(1);
    let file = suite(&world, "task", 0);
    let again = format!("./{file}");
    let ran = world.run(&["run", &file, &again, "--run-id", "one", "--new-baseline"]).expect(0);
    assert!(
        ran.stderr.contains("./task.yaml is named more than once, and counts once"),
        "{}",
        ran.stderr
    );
    let checked = world.run(&["check", &file, &again, "--format", "json"]).expect(0);
    let checked: Value = serde_json::from_str(&checked.stdout).expect("JSON");
    assert_eq!(checked["suites"].as_array().map(Vec::len), Some(1));
}

/// Their runs and baselines would be in one folder.
#[test]
fn two_suites_of_one_name_are_a_mistake() {
    let world = World::new(1);
    let file = suite(&world, "task", 0);
    std::fs::copy(world.path(&file), world.path("copy.yaml")).expect("copied");
    let ran = world.run(&["run", &file, "copy.yaml", "--new-baseline"]).expect(2);
    assert!(
        ran.stderr.contains("two suites are called `task`: task.yaml and copy.yaml"),
        "{}",
        ran.stderr
    );
    assert!(!world.path("reports").exists(), "nothing was begun");
}
