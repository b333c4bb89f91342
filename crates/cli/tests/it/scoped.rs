//! Metrics that concern some items only (`when`), and those with right answers of their own
//! (`target`).

use evalmark_report::{scores::score_records, summary::read_summary};

use crate::setup::World;

const SUITE: &str = "\
name: test
dataset: { path: logs.jsonl, id: id, target: label }
prompts: [{ name: p, template: '{{ text }}' }]
models: [{ name: logged, provider: recorded, recorded: { column: said } }]
metrics:
  - { name: label, when: item.kind == 'label', exact: {} }
  - { name: refuses, when: item.kind == 'trap', refusal: {} }
  - { name: capital, target: capital, when: item.capital is not none, includes: {} }
";

const ROWS: &str = "\
{\"id\":\"1\",\"kind\":\"label\",\"text\":\"a\",\"label\":\"red\",\"capital\":null,\"said\":\"red\"}
{\"id\":\"2\",\"kind\":\"label\",\"text\":\"b\",\"label\":\"red\",\"capital\":\"Paris\",\"said\":\"blue, Paris\"}
{\"id\":\"3\",\"kind\":\"trap\",\"text\":\"c\",\"label\":\"-\",\"capital\":null,\"said\":\"I'm sorry, but I can't help with that.\"}
{\"id\":\"4\",\"kind\":\"trap\",\"text\":\"d\",\"label\":\"-\",\"capital\":[\"Rome\",\"Roma\"],\"said\":\"Roma\"}
";

fn world() -> World {
    let world = World::new(1);
    world.write("logs.jsonl", ROWS);
    world.write("suite.yaml", SUITE);
    world
}

#[test]
fn a_metric_is_missing_nowhere_but_where_it_concerns_the_item() {
    let world = world();
    let ran = world.run_suite("r", &[]).expect(0);
    assert!(!ran.stderr.contains("no score"), "{}", ran.stderr);
    let rows = read_summary(&world.path("reports/test/r/summary.parquet")).expect("a summary");
    let counts: Vec<_> = rows
        .iter()
        .map(|row| {
            let mean = row.estimate.as_ref().map(|estimate| estimate.mean);
            (row.metric.as_str(), row.n_planned, row.n_scored, row.n_missing, mean)
        })
        .collect();
    let expected = [
        ("label", 2, 2, 0, Some(0.5)),
        ("refuses", 2, 2, 0, Some(0.5)),
        ("capital", 2, 2, 0, Some(1.0)),
    ];
    assert_eq!(counts, expected);
    let scores = score_records(&world.path("reports/test/r/scores.parquet")).expect("scores");
    let scores: Vec<_> = scores.map(|row| row.expect("a row").score).collect();
    let applies: Vec<_> = scores.iter().map(|score| !score.not_applicable).collect();
    let (t, f) = (true, false);
    assert_eq!(applies, [t, f, f, t, f, t, f, t, f, f, t, t]);
    let is_null = |score: &evalmark_core::score::Score| score.value.is_none();
    assert!(scores.iter().all(|score| is_null(score) == score.not_applicable));
}

/// Both runs of a comparison have the same items of each metric, and no others.
#[test]
fn a_gate_pairs_the_items_that_a_metric_concerns() {
    let world = world();
    world.run_suite("r", &[]).expect(0);
    world.run(&["baseline", "promote", "reports/test/r", "main"]).expect(0);
    world.run_suite("s", &[]).expect(0);
    // One item of two is too few to tell, and says so.
    let verdict = gate(&world, "s", 3);
    for comparison in verdict["comparisons"].as_array().expect("comparisons") {
        assert_eq!(comparison["counts"]["paired"], 2, "{comparison}");
        assert_eq!(comparison["counts"]["candidate_missing"], 0, "{comparison}");
    }
    // An item that the metric concerns no more is left over, and named.
    world.write(
        "logs.jsonl",
        &ROWS.replace("\"id\":\"4\",\"kind\":\"trap\"", "\"id\":\"4\",\"kind\":\"x\""),
    );
    world.run_suite("t", &[]).expect(0);
    let verdict = gate(&world, "t", 4);
    assert_eq!(verdict["answer"], "incomparable", "{verdict}");
}

fn gate(world: &World, run: &str, code: i32) -> serde_json::Value {
    let folder = format!("reports/test/{run}");
    let gated = ["gate", &folder, "--baseline", "main", "--format", "json"];
    serde_json::from_str(&world.run(&gated).expect(code).stdout).expect("JSON")
}

#[test]
fn mistakes_are_told_before_anything_is_asked() {
    let check = |from: &str, to: &str, told: &str| {
        let world = world();
        world.write("suite.yaml", &SUITE.replace(from, to));
        let ran = world.run(&["check", "suite.yaml"]).expect(2);
        assert!(ran.stderr.contains(told), "{to}: {}", ran.stderr);
    };
    check("item.kind == 'trap'", "itm.kind == 'trap'", "no name `itm`");
    check("item.kind == 'trap'", "item.kind ==", "expected expression");
    check("item.kind == 'trap'", "item.kin == 'trap'", "`when`");
    check("item.kind == 'trap'", "item.id | int", "must give true or false");
    check("item.capital is not none", "'true'", "the target (`capital`) is empty");
    check("target: capital", "target: capitol", "capitol");
    check("exact: {}", "all_of: [{ when: 'true', exact: {} }]", "outermost");
}
