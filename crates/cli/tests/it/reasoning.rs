//! Reasoning in answers, through the whole program.

use evalmark_report::scores::score_records;
use serde_json::Value;

use crate::setup::World;

const DATA: &str = r#"{"id": "1", "answer": "<think>Could be A. The answer is A? No: B fits.</think>\n\nB", "target": "B"}
{"id": "2", "answer": "So it is C... but D has the unit.\n</think>\n**D**", "target": "D"}
{"id": "3", "answer": "<think>The answer is A, hmm, let me check", "target": "A"}
{"id": "4", "answer": "A", "target": "A"}
"#;

/// Runs a suite with one metric; its record.
fn run(world: &World, id: &str, metric: &str) -> (String, Value) {
    let suite = format!(
        "name: test\ndataset: {{ path: data.jsonl, id: id, target: target }}\nprompts:\n  - {{ name: p, \
         template: '{{{{ id }}}}' }}\nmodels:\n  - {{ name: m, recorded: {{ column: answer }} }}\n\
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
