//! The example suites, run as users run them: what each metric says of each recorded answer, and
//! that every kind of metric has an example.

mod table;

use std::{collections::BTreeSet, fs, path::PathBuf};

use evalmark_core::{score::Score, suite::yaml};
use evalmark_loopback::{Reply, Seen, Server};
use evalmark_report::{run_values::read_run_values, scores::score_records};
use evalmark_scoring::catalog;
use serde_json::{Value, json};

use self::table::{
    BEHAVIOUR, CHOICES, CLASSIFICATION, COMBINING, CUSTOM, EXAMPLES, FUZZY, JUDGED, MATCHING,
    OVERLAP, PRESETS, PROBABILITIES, STRUCTURE, SWEEP, USAGE,
};
use crate::setup::{Ran, World, root};

/// A suite below `suites/`, and what a run of it says.
struct Example {
    suite: &'static str,
    code: i32,
    /// Metrics in the suite's order, each with the scores of the answers in the dataset's order: to
    /// four decimals, `-` where there is none, and `!` behind that of an invalid answer. `…` stands
    /// for the rest.
    scores: &'static [(&'static str, &'static str)],
    /// Values of the whole run: metric, value (with a class behind a point), and how much it is.
    values: &'static [(&'static str, &'static str, &'static str)],
}

impl Example {
    /// Runs the suite as it is in the repository; expects the exit code and all that it says.
    #[track_caller]
    fn check(&self) -> World {
        let world = World::new(1);
        self.run(&world, "r").expect(self.code);
        self.compare(&world);
        world
    }

    fn run(&self, world: &World, id: &str) -> Ran {
        let suite = path(self.suite).display().to_string();
        world.run(&["run", &suite, "--run-id", id, "--out", "out", "--allow-exec"])
    }

    /// The folder of run `r`.
    fn folder(&self) -> String {
        format!("out/{}/r", read(self.suite)["name"].as_str().expect("a name"))
    }

    #[track_caller]
    fn compare(&self, world: &World) {
        let folder = world.path(&self.folder());
        let mut wrong = Vec::new();
        let found = scores(&folder.join("scores.parquet"));
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        let expected: Vec<_> = self.scores.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, expected, "the metrics of {}\n{found:#?}", self.suite);
        for ((name, found), (_, expected)) in found.iter().zip(self.scores) {
            let is_right = match expected.strip_suffix('…') {
                Some(begin) => found.starts_with(begin),
                None => found == expected,
            };
            if !is_right {
                wrong.push(format!("{name}\n  {found}, not\n  {expected}"));
            }
        }
        if !self.values.is_empty() {
            let rows = read_run_values(&folder.join("run_values.parquet")).expect("values");
            for (metric, value, expected) in self.values {
                let (name, class) = value.split_once('.').unwrap_or((value, ""));
                let row = rows.iter().find(|row| {
                    row.metric == *metric
                        && row.value == name
                        && row.class.as_deref().unwrap_or_default() == class
                });
                let mean = row.and_then(|row| row.estimate.as_ref()).map(|found| found.mean);
                let found = shown(mean);
                if found != *expected {
                    wrong.push(format!("{value} of {metric}: {found}, not {expected}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{}:\n{}", self.suite, wrong.join("\n"));
    }
}

fn path(suite: &str) -> PathBuf {
    root().join(format!("suites/{suite}.yaml"))
}

fn read(suite: &str) -> Value {
    let text = fs::read_to_string(path(suite)).expect(suite);
    yaml(&text).expect(suite)
}

/// Every metric with the scores of its answers, in the order of the file.
fn scores(path: &std::path::Path) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for row in score_records(path).expect("scores") {
        let row = row.expect("a row");
        let text = score(&row.score);
        match all.iter_mut().find(|(name, _)| *name == row.metric) {
            Some((_, scores)) => *scores = format!("{scores} {text}"),
            None => all.push((row.metric, text)),
        }
    }
    all
}

fn score(score: &Score) -> String {
    shown(score.value) + if score.invalid { "!" } else { "" }
}

fn shown(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(small) if (1e-9..1e-3).contains(&small) => format!("{small:.3e}"),
        Some(value) => {
            let text = format!("{value:.4}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    }
}

#[test]
fn matching() {
    MATCHING.check();
}

#[test]
fn presets() {
    PRESETS.check();
}

#[test]
fn choices() {
    CHOICES.check();
}

#[test]
fn fuzzy() {
    FUZZY.check();
}

#[test]
fn overlap() {
    OVERLAP.check();
}

/// Promotes the run and runs the same suite again.
fn again(example: &Example) -> Ran {
    let world = example.check();
    world.run(&["baseline", "promote", &example.folder(), "main"]).expect(0);
    example.run(&world, "again")
}

/// Sixteen answers are too few to tell, even where nothing has changed.
#[test]
fn classification() {
    let ran = again(&CLASSIFICATION).expect(3);
    assert!(ran.words().contains("INCONCLUSIVE"), "{}", ran.stdout);
}

#[test]
fn probabilities() {
    PROBABILITIES.check();
}

#[test]
fn structure() {
    STRUCTURE.check();
}

#[test]
fn behaviour() {
    BEHAVIOUR.check();
}

#[test]
fn usage() {
    let ran = again(&USAGE).expect(0);
    assert!(ran.words().contains("all 3 comparisons pass"), "{}", ran.stdout);
}

#[test]
fn combining() {
    COMBINING.check();
}

/// A prompt and a model of a sweep are chosen by the names that they got.
#[test]
fn sweep() {
    let world = SWEEP.check();
    let suite = path(SWEEP.suite).display().to_string();
    let chosen = ["--prompt", "ask tone=brief", "--model", "shop-small"];
    let ran =
        world.run(&[&["run", &suite, "--run-id", "one", "--out", "out"], &chosen[..]].concat());
    ran.expect(0);
    let record = world.json("out/example-sweep/one/run.json");
    assert_eq!(record["counts"]["planned"], 4, "{record}");
}

#[cfg(unix)]
#[test]
fn custom() {
    CUSTOM.check();
}

/// The servers that the suite asks for are on loopback, and know what the replies are worth.
#[test]
fn judged() {
    let text = fs::read_to_string(root().join("datasets/support-replies.jsonl")).expect("rows");
    let rows: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect();
    let server = Server::start(move |seen| {
        let reply = if seen.path == "/v1/embeddings" { vectors } else { opinion };
        reply(seen, &rows)
    });
    let world = World::new(1);
    let datasets = root().join("datasets").display().to_string();
    let text = fs::read_to_string(path("judged")).expect("a suite");
    let text = ["http://127.0.0.1:18081/v1", "http://127.0.0.1:18082/v1"]
        .iter()
        .fold(text, |text, url| text.replace(url, &server.url()))
        .replace("../datasets", &datasets);
    world.write("suite.yaml", &text);
    world.run_suite("r", &["--out", "out", "--root", &datasets]).expect(JUDGED.code);
    JUDGED.compare(&world);
}

/// The row that a text is about, and what its reply is worth: 0, 0.5 or 1.
fn about<'r>(text: &str, rows: &'r [Value]) -> (&'r Value, f64) {
    let is_here = |row: &&Value| row["reply"].as_str().is_some_and(|reply| text.contains(reply));
    let row = rows.iter().find(is_here).expect("a reply");
    (row, row["merit"].as_f64().expect("a merit"))
}

/// A judge who thinks of each reply what its author does.
fn opinion(seen: &Seen, rows: &[Value]) -> Reply {
    let (json, text) = (seen.json(), seen.prompt());
    let (row, merit) = about(&text, rows);
    let asked = &json["response_format"]["json_schema"]["schema"]["properties"];
    let is_asked = |key: &str| asked.get(key).is_some();
    let reply = if is_asked("grade") {
        json!({ "grade": by_merit(merit, 5, 3, 1), "reason": "so" })
    } else if is_asked("winner") {
        // The better one, wherever it stands.
        let at = |column: &str| text.find(row[column].as_str().expect("a text"));
        let is_first = at("reply") < at("earlier");
        let winner = if is_first == (merit > 0.0) { "A" } else { "B" };
        json!({ "winner": winner, "reason": "so" })
    } else if is_asked("verdict") {
        json!({ "verdict": by_merit(merit, "correct", "partial", "incorrect"), "reason": "so" })
    } else {
        let facts = row["facts"].as_array().expect("facts").len();
        let met = by_merit(merit, facts, 1, 0);
        let one = |i| {
            let quote = if i < met { row["reply"].clone() } else { Value::Null };
            json!({ "id": i + 1, "quote": quote, "met": i < met })
        };
        json!({ "criteria": (0..facts).map(one).collect::<Vec<_>>() })
    };
    Reply::text(reply.to_string())
}

fn by_merit<T>(merit: f64, good: T, fair: T, bad: T) -> T {
    match merit {
        0.75.. => good,
        0.25.. => fair,
        _ => bad,
    }
}

/// Vectors whose cosine to that of the reference is what the reply is worth.
fn vectors(seen: &Seen, rows: &[Value]) -> Reply {
    let json = seen.json();
    let texts = json["input"].as_array().expect("texts");
    let vector = |(i, text): (usize, &Value)| {
        let is_reference = rows.iter().any(|row| row["reference"] == *text);
        let cosine = if is_reference { 1.0 } else { about(text.as_str().expect("a text"), rows).1 };
        json!({ "index": i, "embedding": [cosine, (1.0 - cosine * cosine).sqrt()] })
    };
    let vectors: Vec<_> = texts.iter().enumerate().map(vector).collect();
    let usage = json!({ "prompt_tokens": texts.len(), "total_tokens": texts.len() });
    Reply::json(&json!({ "data": vectors, "usage": usage }))
}

#[test]
fn every_kind_of_metric_has_an_example_that_is_run() {
    let suites = EXAMPLES.iter().map(|example| read(example.suite));
    let entries: Vec<Value> =
        suites.flat_map(|suite| suite["metrics"].as_array().cloned().expect("metrics")).collect();
    for kind in catalog() {
        let is_shown = entries.iter().any(|entry| entry.get(kind.name).is_some());
        assert!(is_shown, "no suite of `EXAMPLES` has a metric `{}`", kind.name);
    }
}

#[test]
fn every_example_suite_is_run_and_without_mistakes() {
    let run: BTreeSet<PathBuf> = EXAMPLES.iter().map(|example| path(example.suite)).collect();
    let mut arguments = vec!["check".to_owned()];
    for suite in files("suites/examples", "yaml") {
        assert!(run.contains(&suite), "{} is none of `EXAMPLES`", suite.display());
        let text = fs::read_to_string(&suite).expect("a suite");
        let told: Vec<_> = text.lines().take_while(|line| line.starts_with('#')).collect();
        let name = suite.file_name().expect("a name").display().to_string();
        let command = format!("evalmark run suites/examples/{name}");
        assert!(told.join(" ").contains(&command), "{name} does not say how to run it");
        arguments.push(suite.display().to_string());
    }
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let told = World::new(1).run(&arguments).expect(0).stderr;
    assert!(!told.contains("warning"), "{told}");
}

#[test]
fn every_example_dataset_is_described() {
    let readme = fs::read_to_string(root().join("datasets/README.md")).expect("a README");
    for ending in ["csv", "jsonl"] {
        for file in files("datasets/examples", ending) {
            let text = fs::read_to_string(&file).expect("a dataset");
            let rows = text.lines().count() - usize::from(ending == "csv");
            let name = file.file_name().expect("a name").display().to_string();
            let row = readme.lines().find(|line| line.starts_with(&format!("| `{name}` ")));
            let cells: Vec<_> = row.unwrap_or_default().split('|').map(str::trim).collect();
            assert_eq!(cells.get(2), Some(&rows.to_string().as_str()), "{name} in the README");
            for suite in cells[3].split(", ").map(|suite| suite.trim_matches('`')) {
                assert!(root().join(suite).is_file(), "{name} is for `{suite}`");
            }
        }
    }
}

/// The files of a folder that end so, in order.
fn files(folder: &str, ending: &str) -> BTreeSet<PathBuf> {
    fs::read_dir(root().join(folder))
        .expect(folder)
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|own| own == ending))
        .collect()
}
