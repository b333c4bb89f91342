//! Reasoning in answers, through the whole program.

use evalmark_report::{samples::samples, scores::score_records};
use serde_json::Value;

use crate::setup::World;

const DATA: &str = r#"{"id": "1", "answer": "<think>Could be A. The answer is A? No: B fits.</think>\n\nB", "target": "B"}
{"id": "2", "answer": "So it is C... but D has the unit.\n</think>\n**D**", "target": "D"}
{"id": "3", "answer": "<think>The answer is A, hmm, let me check", "target": "A"}
{"id": "4", "answer": "A", "target": "A"}
"#;

/// Runs a suite with one metric; its record.
fn run(world: &World, id: &str, metric: &str) -> (String, Value) {
    run_with(world, id, "evaluate: true", metric)
}

fn run_with(world: &World, id: &str, model: &str, metric: &str) -> (String, Value) {
    let suite = format!(
        "name: test\ndataset: {{ path: data.jsonl, id: id, target: target }}\nprompts:\n  - {{ name: p, \
         template: '{{{{ id }}}}' }}\nmodels:\n  - {{ name: m, recorded: {{ column: answer }}, {model} }}\n\
         metrics:\n  - {{ name: m, {metric} }}\n"
    );
    world.write("suite.yaml", &suite);
    let ran = world.run(&["run", "suite.yaml", "--run-id", id]).expect(0);
    (ran.stderr, world.json(&format!("reports/test/{id}/run.json")))
}

#[test]
fn reasoning_is_cut_off_and_told() {
    let world = World::new(0);
    world.write("data.jsonl", DATA);
    let (told, record) = run(&world, "a", "choice: { options: 4 }");
    assert!(told.contains("2 of 4 answers hold reasoning"), "{told}");
    assert_eq!(record["counts"]["reasoning_cut"], 2);
    let rows = score_records(&world.path("reports/test/a/scores.parquet")).expect("a file");
    let scores: Vec<_> = rows.map(|row| row.expect("a row").score).collect();
    let values: Vec<_> = scores.iter().map(|score| score.value).collect();
    assert_eq!(values, [Some(1.0), Some(1.0), Some(0.0), Some(1.0)], "{scores:?}");
    assert!(
        scores[0].reason.as_ref().is_some_and(|reason| reason.contains("without its reasoning"))
    );
    assert!(scores[2].invalid && !scores[3].invalid);

    let (told, record) = run(&world, "b", "choice: { options: 4 }, reasoning: keep");
    assert!(!told.contains("hold reasoning"), "{told}");
    assert_eq!(record["counts"]["reasoning_cut"], 0);
}

/// Split off, it stands apart from the text, and the scores are the same.
#[test]
fn reasoning_is_split_off_where_the_model_says_so() {
    let world = World::new(0);
    world.write("data.jsonl", DATA);
    let metrics = "choice: { options: 4 } }\n  - { name: thinks, reasoning: keep, regex: { pattern: 'hmm|No:' } }\n  - { name: x, exact: {}";
    let scored = |id: &str| -> Vec<_> {
        let rows = score_records(&world.path(&format!("reports/test/{id}/scores.parquet")));
        rows.expect("a file").map(|row| row.expect("a row").score.value).collect()
    };
    run(&world, "whole", metrics);
    let whole = scored("whole");
    run_with(&world, "split", "reasoning: split", metrics);
    assert_eq!(scored("split"), whole);
    let rows = samples(&world.path("reports/test/split/samples.parquet")).expect("a file");
    let apart: Vec<_> = rows
        .map(|row| row.expect("a row").record)
        .map(|record| (record.output, record.details.and_then(|details| details.reasoning)))
        .collect();
    let one =
        |text: &str, thought: Option<&str>| (Some(text.to_owned()), thought.map(str::to_owned));
    assert_eq!(
        apart,
        [
            one("B", Some("Could be A. The answer is A? No: B fits.")),
            one("**D**", Some("So it is C... but D has the unit.")),
            one("", Some("The answer is A, hmm, let me check")),
            one("A", None),
        ]
    );
    let record = world.json("reports/test/split/run.json");
    assert_eq!(record["counts"]["reasoning_cut"], 0, "nothing is left to cut");
    // Scored again, it is the same.
    world.run(&["score", "reports/test/split"]).expect(0);
    assert_eq!(scored("split"), whole);
}

/// A judge's reply is shown without its thoughts.
#[test]
fn a_judges_reasoning_is_split_off() {
    let world = World::new(0);
    let row = r#"{"id": "1", "q": "?", "said": "<think>Is it? 0.</think>{\"reason\": \"ok\", \"grade\": 1}", "answer": "<think>hm</think>yes", "target": "yes"}"#;
    world.write("data.jsonl", row);
    world.write(
        "suite.yaml",
        "name: test\ndataset: { path: data.jsonl, id: id, target: target }\nprompts:\n  - { name: p, template: '{{ q }}' }\n\
         models:\n  - { name: m, recorded: { column: answer }, reasoning: split }\n  \
         - { name: j, recorded: { column: said }, reasoning: split }\n\
         metrics:\n  - { name: good, judge: { model: j, rubric: 'Is it right?' } }\n",
    );
    world.run(&["run", "suite.yaml", "--run-id", "j"]).expect(0);
    let rows = score_records(&world.path("reports/test/j/scores.parquet")).expect("a file");
    let score = rows.map(|row| row.expect("a row").score).next().expect("a score");
    assert_eq!(score.value, Some(1.0), "{score:?}");
    let output = score.judge.and_then(|judge| judge.output).expect("a reply");
    assert!(!output.contains("Is it? 0."), "{output}");
}

/// What a suite says is compared, and not what holds anyway.
#[test]
fn a_metric_is_another_where_its_words_mean_something_else() {
    let world = World::new(0);
    world.write("data.jsonl", DATA);
    let hash = |id: &str, metric: &str| run(&world, id, metric).1["metrics"][0]["hash"].clone();
    let plain = hash("a", "exact: {}");
    assert!(plain.is_string());
    assert_eq!(plain, hash("b", "exact: {}, reasoning: cut"));
    assert_ne!(plain, hash("c", "exact: {}, reasoning: keep"));
    let last = hash("d", "exact: {}, extract: { json: $.a }");
    assert_eq!(last, hash("e", "exact: {}, extract: { json: $.a, which: last }"));
    assert_ne!(last, hash("f", "exact: {}, extract: { json: $.a, which: first }"));
}
