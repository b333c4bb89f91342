//! Tasks of lm-evaluation-harness of nine kinds: imported and run, every answer scores as lm-eval 0.4.13 scored it.
//! `crates/integrations/tests/real` has the tasks, the answers, and how the scores were recorded.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use evalmark_loopback::{Reply, Server};
use evalmark_report::scores::score_records;
use serde_json::Value;

use crate::setup::{World, root};

/// Scores by document and metric.
type Scores = BTreeMap<(usize, String), f64>;

#[test]
fn nine_tasks_score_as_in_lm_eval() {
    let home = root().join("crates/integrations/tests/real/lm_eval_own");
    let check = |task: &str, n_scores: usize, lost: &[&str]| {
        let (ours, told) = run(&home, task);
        let expected: Vec<(usize, String, f64)> = json(&home.join(format!("{task}.expected.json")));
        let is_lost =
            |metric: &str| lost.iter().any(|filter| metric.ends_with(&format!("({filter})")));
        let theirs: Scores = expected
            .into_iter()
            .filter(|(_, metric, _)| !is_lost(metric))
            .map(|(at, metric, value)| ((at, metric), value))
            .collect();
        assert_eq!(ours, theirs, "{task}");
        assert_eq!(ours.len(), n_scores, "{task}");
        for filter in lost {
            assert!(told.contains(&format!("the filter `{filter}`")), "{task}: {told}");
        }
    };
    check("flags", 6, &[]);
    check("first_match", 5, &[]);
    check("several_filters", 15, &[]);
    check("votes", 4, &["majority"]);
    check("examples", 4, &[]);
    check("choices", 4, &[]);
    check("letters", 4, &[]);
    check("several_answers", 4, &[]);
    check("included", 4, &[]);
}

/// What a task scores of the answers that are kept for it, and what its import told.
fn run(home: &Path, task: &str) -> (Scores, String) {
    let documents = fs::read_to_string(home.join(format!("{task}.jsonl"))).expect("documents");
    let documents: Vec<Value> =
        documents.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let questions: Vec<String> = documents
        .iter()
        .map(|document| document["question"].as_str().expect("a question").trim().to_lowercase())
        .collect();
    let answers: HashMap<String, String> = json(&home.join(format!("{task}.answers.json")));
    let asked = questions.clone();
    let server = Server::start(move |seen| {
        let body = seen.json();
        let said =
            body["messages"].as_array().and_then(|messages| messages.last()?["content"].as_str());
        let said = said.unwrap_or_default().to_lowercase();
        let at = asked.iter().position(|question| said.contains(question)).expect("a question");
        // A server ends an answer there.
        let mut answer = answers[&at.to_string()].as_str();
        for stop in body["stop"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            answer = answer.split(stop).next().unwrap_or_default();
        }
        Reply::text(answer)
    });
    let world = World::new(0);
    for entry in fs::read_dir(home).expect("a folder") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, world.path(&path.file_name().expect("a name").to_string_lossy()))
            .expect("copied");
    }
    let (file, rows) = (format!("{task}.yaml"), format!("{task}.jsonl"));
    let told = world.run(&["import", "lm-eval", &file, "--data", &rows, "--name", "s"]).expect(0);
    let suite = String::from_utf8(world.bytes("suites/s.yaml")).expect("text");
    let suite = suite.replace(
        "gpt-4o-mini",
        &format!("gpt-4o-mini\n    base_url: {:?}\n    api_key_env: A_KEY", server.url()),
    );
    world.write("suites/s.yaml", &suite);
    let run = ["run", "suites/s.yaml", "--run-id", "r", "--no-cache"];
    world.run_in(&run, &[("A_KEY", "x")]).expect(0);
    (scores(&world, &questions), told.stderr)
}

/// The scores of each document; those of several answers to it must be the same, as the answers are.
fn scores(world: &World, questions: &[String]) -> Scores {
    let samples = evalmark_report::samples::samples(&world.path("reports/s/r/samples.parquet"));
    let places: HashMap<String, usize> = samples
        .expect("samples")
        .map(|row| {
            let row = row.expect("a row");
            let request: Value = serde_json::from_str(&row.request).expect("JSON");
            let asked = request["messages"].as_array().and_then(|messages| messages.last());
            let asked = asked.expect("a message").to_string().to_lowercase();
            let at = questions.iter().position(|question| asked.contains(question));
            (row.item_id, at.expect("a question"))
        })
        .collect();
    let mut scores = Scores::new();
    for row in score_records(&world.path("reports/s/r/scores.parquet")).expect("scores") {
        let row = row.expect("a row");
        let value = row.score.value.expect("a score");
        let before = scores.insert((places[&row.item_id], row.metric), value);
        assert!(before.is_none_or(|before| before.total_cmp(&value).is_eq()));
    }
    scores
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
