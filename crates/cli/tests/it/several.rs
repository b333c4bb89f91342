//! Several suites in one call: one table, and one family.

use std::fmt::Write;

use crate::setup::{Ran, World};

const ITEMS: usize = 100;

/// Answers of four kinds: all right, and with so many wrong ones.
fn data(world: &World) {
    let mut text = "id,question,label,right,five,forty\n".to_owned();
    for i in 0..ITEMS {
        let answer = |wrong: usize| if i < wrong { "no" } else { "yes" };
        writeln!(text, "i{i},what {i}?,yes,yes,{},{}", answer(5), answer(40)).expect("written");
    }
    world.write("data.csv", &text);
}

fn suite(world: &World, name: &str, column: &str) -> String {
    let file = format!("{name}.yaml");
    world.write(
        &file,
        &format!(
            "\
name: {name}
dataset: {{ path: data.csv, id: id, target: label }}
prompts:
  - {{ name: plain, template: '{{{{ question }}}}' }}
models:
  - {{ name: m, provider: recorded, recorded: {{ column: {column} }} }}
metrics:
  - {{ name: exact, exact: {{}} }}
gate: {{ baseline: main, metrics: {{ exact: {{ margin: 0.03 }} }} }}
"
        ),
    );
    file
}

/// Runs suites whose answers are in these columns, each against a baseline that is all right.
fn run(columns: &[&str]) -> (World, Ran) {
    let world = World::new(1);
    data(&world);
    let mut files = Vec::new();
    for (i, column) in columns.iter().enumerate() {
        let name = format!("task-{i}");
        let file = suite(&world, &name, "right");
        world.run(&["run", &file, "--run-id", "first", "--new-baseline"]).expect(0);
        let folder = format!("reports/{name}/first");
        world.run(&["baseline", "promote", &folder, "main"]).expect(0);
        files.push(suite(&world, &name, column));
    }
    let arguments: Vec<&str> =
        std::iter::once("run").chain(files.iter().map(String::as_str)).collect();
    let ran = world.run(&arguments);
    (world, ran)
}

#[test]
fn a_regression_has_to_survive_the_correction_over_all_suites() {
    for (columns, code, survive) in [
        (&["right", "right"][..], 0, "0 regressed within a suite, 0 of them"),
        // Five lost answers and none gained: 0.016 alone, 0.063 among four.
        (&["five", "right"][..], 1, "1 regressed within a suite, 1 of them"),
        (&["right", "five", "right", "right"][..], 3, "1 regressed within a suite, 0 of them"),
        (&["right", "five", "right", "forty"][..], 1, "2 regressed within a suite, 2 of them"),
    ] {
        let (_, ran) = run(columns);
        let ran = ran.expect(code);
        let words = ran.words();
        let n = columns.len();
        assert!(words.contains(&format!("{n} suites, {n} comparisons: {survive}")), "{words}");
        for i in 0..n {
            assert!(words.contains(&format!("task-{i} plain · m exact")), "{words}");
        }
    }
}

#[test]
fn one_suite_is_its_own_family() {
    let (_, ran) = run(&["five"]);
    let words = ran.expect(1).words();
    assert!(!words.contains("suites"), "{words}");
}
