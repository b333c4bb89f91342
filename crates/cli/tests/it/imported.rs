//! Results of other tools: per item the scores that the tool itself reports, and the verdict that the statistics of
//! those scores give. The files are what the tools wrote (`datasets/results`); `expected.json.gz` beside them is what
//! each tool's own reader says, and what scipy makes of it.

mod broken_files;
mod from_tables;
mod langfuse_server;
mod mlflow_server;
mod runs;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use evalmark_report::dataset::parquet_rows;
use serde_json::Value;

use crate::setup::World;

/// A tool with the files of two evaluations of the same questions, the later one by a worse model.
struct Evaluated {
    tool: &'static str,
    before: &'static str,
    after: &'static str,
    /// More files, by their name in `expected.json.gz`.
    more: &'static [(&'static str, &'static str)],
}

const EVALUATED: &[Evaluated] = &[
    Evaluated {
        tool: "promptfoo",
        before: "before.json.gz",
        after: "after.json.gz",
        more: &[("repeat", "repeat.json.gz"), ("after", "after.jsonl.gz")],
    },
    Evaluated {
        tool: "inspect",
        before: "before.json.gz",
        after: "after.json.gz",
        more: &[("repeat", "repeat.json.gz"), ("few", "few.eval")],
    },
    Evaluated { tool: "lm-eval", before: "before", after: "after", more: &[] },
    Evaluated { tool: "deepeval", before: "before.json.gz", after: "after.json.gz", more: &[] },
    Evaluated {
        tool: "openai-evals",
        before: "before.jsonl.gz",
        after: "after.jsonl.gz",
        more: &[("aborted", "aborted.jsonl.gz")],
    },
    Evaluated { tool: "helm", before: "before", after: "after", more: &[] },
    Evaluated { tool: "langfuse", before: "before.jsonl.gz", after: "after.jsonl.gz", more: &[] },
    Evaluated { tool: "mlflow", before: "before.json.gz", after: "after.json.gz", more: &[] },
];

/// What a tool wrote.
fn file(tool: &str, name: &str) -> String {
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/results");
    results.join(tool).join(name).display().to_string()
}

fn expected(tool: &str) -> Value {
    let packed = std::fs::File::open(file(tool, "expected.json.gz")).expect("expected.json.gz");
    serde_json::from_reader(flate2::read::GzDecoder::new(packed)).expect("JSON")
}

/// The scores of every answer by item and epoch, `None` where it failed. An item is told by its id, or where that is
/// its content's hash by what it holds.
type Answers = BTreeMap<(String, u64), Option<BTreeMap<String, f64>>>;

fn imported(run: &Path) -> Answers {
    let rows = parquet_rows(&run.join("samples.parquet")).expect("samples");
    let answer = |row: evalmark_core::fields::Fields| {
        let text = |column: &str| row[column].as_str().unwrap_or_default().to_owned();
        let id = text("item_id");
        let item = if id == text("item_hash") { text("input") } else { id };
        let scores = row.iter().filter_map(|(column, value)| {
            Some((column.strip_prefix("score.")?.to_owned(), value.as_f64()?))
        });
        let has_failed = row["outcome"] == "failed";
        let epoch = row["epoch"].as_u64().expect("an epoch");
        ((item, epoch), (!has_failed).then(|| scores.collect()))
    };
    rows.map(|row| answer(row.expect("a row"))).collect()
}

fn told(expected: &Value, side: &str) -> Answers {
    let rows = expected[side].as_array().expect("rows");
    let answer = |row: &Value| {
        let item = row["item"].as_str().expect("an item").to_owned();
        let scores = row["scores"].as_object().expect("scores").iter();
        let scores = scores.filter_map(|(name, score)| Some((name.clone(), score.as_f64()?)));
        let has_failed = row["failed"] == true;
        ((item, row["epoch"].as_u64().expect("an epoch")), (!has_failed).then(|| scores.collect()))
    };
    rows.iter().map(answer).collect()
}

/// The folder of the only run of this id.
fn run_folder(world: &World, id: &str) -> PathBuf {
    let suites = std::fs::read_dir(world.path("reports")).expect("reports");
    let mut runs = suites.map(|suite| suite.expect("a suite").path().join(id));
    runs.find(|run| run.is_dir()).expect("a run")
}

/// Every score that the tool tells is there, and no failure has one. What is imported beyond that, such as a score that
/// the tool's own reader does not show, is another test's.
fn check_scores(tool: &str, side: &str, name: &str) {
    let world = World::new(0);
    let file = file(tool, name);
    world.run(&["import", "results", "--from", tool, &file, "--run-id", "r"]).expect(0);
    let (found, told) = (imported(&run_folder(&world, "r")), told(&expected(tool), side));
    assert_eq!(found.keys().collect::<Vec<_>>(), told.keys().collect::<Vec<_>>(), "{tool} {name}");
    for (of, expected) in &told {
        let found = &found[of];
        assert_eq!(found.is_none(), expected.is_none(), "{tool} {name} {of:?}");
        for (metric, score) in expected.iter().flatten() {
            let found = found.as_ref().and_then(|scores| scores.get(metric));
            let found = *found.unwrap_or_else(|| panic!("{tool} {name} {of:?} has no {metric}"));
            assert!((found - score).abs() < 1e-9, "{tool} {name} {of:?} {metric}: {found} {score}");
        }
    }
}

#[test]
fn every_score_is_the_tools_own() {
    for Evaluated { tool, before, after, more } in EVALUATED {
        check_scores(tool, "before", before);
        check_scores(tool, "after", after);
        more.iter().for_each(|(side, name)| check_scores(tool, side, name));
    }
}

/// Figures of a verdict are those that scipy gives of the tool's scores: McNemar's mid-p of right or wrong, and no
/// smaller p-value than that of the paired t-test of others.
#[test]
fn a_verdict_is_what_the_statistics_of_the_scores_give() {
    for Evaluated { tool, before, after, .. } in EVALUATED {
        let world = World::new(0);
        let (before, after) = (file(tool, before), file(tool, after));
        let ran = world.run(&["gate", "--from", tool, &before, &after, "--format", "json"]);
        let verdict: Value = serde_json::from_str(&ran.stdout).expect(&ran.stderr);
        let expected = expected(tool);
        let mut answers = Vec::new();
        for (metric, figures) in expected["verdict"].as_object().expect("figures") {
            let all = verdict["comparisons"].as_array().expect("comparisons");
            let found = all.iter().find(|one| one["metric"] == **metric);
            let found = found.unwrap_or_else(|| panic!("{tool} has no {metric}: {verdict:#}"));
            check_figures(&format!("{tool} {metric}"), found, figures);
            answers.push(found["answer"].as_str().expect("an answer").to_owned());
        }
        assert!(answers.iter().any(|answer| answer == "regressed"), "{tool} {answers:?}");
        ran.expect(1);
    }
}

fn check_figures(what: &str, found: &Value, figures: &Value) {
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{what}: {found:#}"));
    assert_eq!(found["counts"]["paired"], figures["paired"], "{what}");
    let estimate = number(&found["estimate"]);
    assert!((estimate - number(&figures["estimate"])).abs() < 1e-9, "{what}: {estimate}");
    if let Some(midp) = figures["midp"].as_f64() {
        assert_eq!(found["only_baseline"], figures["lost"], "{what}");
        assert_eq!(found["only_candidate"], figures["gained"], "{what}");
        let p = number(&found["p_regressed"]);
        assert!((p - midp).abs() < 1e-9, "{what}: {p} {midp}");
        let is_clear = midp < 0.001 && estimate < -0.2;
        assert!(!is_clear || found["answer"] == "regressed", "{what}: {found:#}");
    }
    if let Some(least) = figures["t_p"].as_f64() {
        let p = number(&found["p_regressed"]);
        assert!(p >= least - 1e-9, "{what}: {p} {least}");
    }
}
