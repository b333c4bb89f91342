//! The example suites, run as users run them: what each metric says of each recorded answer, and
//! that every kind of metric has an example.

use std::{collections::BTreeSet, fs, path::PathBuf};

use evalmark_core::{score::Score, suite::yaml};
use evalmark_loopback::{Reply, Seen, Server};
use evalmark_report::{run_values::read_run_values, scores::score_records};
use evalmark_scoring::catalog;
use serde_json::{Value, json};

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

const EXAMPLES: [&Example; 13] = [
    &MATCHING,
    &PRESETS,
    &CHOICES,
    &FUZZY,
    &OVERLAP,
    &CLASSIFICATION,
    &PROBABILITIES,
    &STRUCTURE,
    &JUDGED,
    &BEHAVIOUR,
    &USAGE,
    &COMBINING,
    &CUSTOM,
];

const MATCHING: Example = Example {
    suite: "examples/matching",
    code: 0,
    scores: &[
        ("exact", "1 0 0 0 0 0 0 0 0 0 0 0 0 0 0"),
        ("exact, normalised", "1 1 0 0 0 0 0 0 0 0 0 0 0 0 0"),
        ("includes", "1 1 1 0 1 1 1 0 0 0 1 0 1 0 1"),
        ("includes, word", "1 1 1 0 1 0 0 0 0 0 1 0 1 0 1"),
        ("begins", "1 0 0 0 0 0 0 0 0 0 0 0 0 0 1"),
        ("ends", "1 1 0 0 1 0 0 0 0 0 1 0 0 0 0"),
        ("names a unit", "0 0 1 0 0 0 0 1 0 1 0 0 1 0 0"),
        ("sure", "1 1 1 1 1 1 1 1 1 0 0 0 1 1 1"),
        ("letter", "0 0 0 1 0 0 0 0 0 0 0 0 0 0 0"),
        ("choice", "1 1 1 1 1 0! 0! 0! 0! 0! 0! 0! 1 0 1"),
        ("figure", "1 0 0 0 0 1 0 0 0 0 0 0 0 0 0"),
        ("declared", "0! 0! 0! 0! 1 0! 0! 0! 0! 0! 0! 0! 0! 0 0!"),
        ("number", "1 1 0 0! 1 0 0 1 0 0 1 0! 0 0! 1"),
        ("number, first", "1 1 1 0! 1 0 1 1 0 0 0 0! 0 0! 1"),
        ("number, near", "1 1 0 0! 1 0 0 1 0 1 1 0! 0 0! 1"),
        ("number, marked", "1 1 0 0! 1 0 0 1 1 0 1 0! 1 0! 1"),
    ],
    values: &[],
};

const PRESETS: Example = Example {
    suite: "examples/presets",
    code: 0,
    scores: &[
        ("squad", "1 1 0 0 0 0 1 1 0 1 0 0"),
        ("squad f1", "1 1 0.6667 0.3333 0.6667 0.4 1 1 0.8 1 0 0.5"),
        ("lm-eval", "1 0 0 0 0 0 0 0 0 0 0 0"),
        ("lm-eval, flags", "1 1 0 0 1 0 1 1 0 1 0 0"),
        ("helm exact", "1 0 0 0 0 0 0 0 0 0 0 0"),
        ("helm quasi", "1 1 0 0 0 0 1 1 0 1 0 0"),
        ("helm quasi with articles", "1 0 0 0 0 0 1 1 0 1 0 0"),
        ("helm prefix", "1 0 1 0 0 0 0 0 0 0 0 0"),
        ("helm quasi prefix", "1 1 1 0 0 0 1 1 0 1 0 1"),
        ("helm f1", "1 1 0.6667 0.3333 0.6667 0.4 1 1 1 1 0 0.5"),
        ("helm final number", "0 0 1 0 0 1 1 0 0 0 0 0"),
        ("helm indicator", "1 0 0 0 1 0 0 0 0 0 0 0"),
        ("inspect exact", "1 1 0 0 0 0 1 1 0 1 0 0"),
        ("inspect f1", "1 1 0.67 0.33 0.67 0.4 1 1 0.8 1 0 0.5"),
        ("inspect match", "1 0 0 1 1 0 0 1 1 1 0 0"),
        ("inspect match, numeric", "1 0 1 1 1 1 1 0 1 1 1 1"),
        ("inspect includes", "1 0 1 1 1 0 0 0 1 1 1 1"),
        ("inspect pattern", "0 0 0 0 1 0 0 0 0 0 0 0"),
        ("inspect answer", "0 0 0 0 1 0 0 0 0 0 0 0"),
        ("promptfoo", "1 0 0 0 0 0 0 0 0 0 0 0"),
        ("own", "1 1 0 0 0 0 0 0 0 1 0 0"),
    ],
    values: &[],
};

const CHOICES: Example = Example {
    suite: "examples/choices",
    code: 0,
    scores: &[
        ("inspect choice", "1 1 1 0 0 0 1 0"),
        ("inspect letter", "1 1 0 0 0 0 0 0"),
        ("inspect includes", "1 1 1 1 1 1 1 1"),
        ("helm exact", "0 0 0 1 0 0 0 0"),
        ("lm-eval, flags", "1 1 0 1 0 0 1 0"),
        ("own", "1 1 1 1 1 0! 1 0!"),
    ],
    values: &[],
};

const FUZZY: Example = Example {
    suite: "examples/fuzzy",
    code: 0,
    scores: &[
        ("levenshtein", "1 0.8889 0.8571 0.5714 0.9167 0.9167 0.0769 0.5 0.8 0.5385 0.125"),
        ("osa", "1 0.8889 0.9286 0.5714 0.9167 0.9167 0.0769 0.5 0.8 0.5385 0.125"),
        ("damerau", "1 0.8889 0.9286 0.7143 0.9167 0.9167 0.0769 0.5 0.8 0.5385 0.125"),
        ("indel", "1 0.8889 0.9286 0.7692 0.9565 0.9565 0.5385 0.6667 0.8 0.7 0.25"),
        ("lcs", "1 0.8889 0.9286 0.7143 0.9167 0.9167 0.5385 0.5 0.8 0.5385 0.25"),
        ("hamming", "1 0.8889 0.8571 0.1429 0.9167 0 0.0769 0 0.8 0.5385 0.125"),
        ("jaro", "1 0.9259 0.9762 0.8968 0.9722 0.9722 0.5897 0.5167 0.8667 0.8462 0.5"),
        ("jaro-winkler", "1 0.9556 0.9857 0.9071 0.9833 0.9722 0.5897 0.5167 0.8667 0.9077 0.5"),
        ("dice", "1 0.7143 0.75 0.3636 0.9474 0.9474 0.9091 0.6667 0.625 0.7059 0"),
        ("partial", "1 0.8889 0.9286 0.8 1 1 0.7 1 0.8421 1 0.3636"),
        ("sorted", "1 0.8889 0.9286 0.7692 0.9565 0.4348 1 0.6667 0.8 0.7 0.25"),
        ("set", "1 0.8889 0.9286 0.7692 0.9565 0.9565 1 1 0.8 1 0.25"),
        ("near enough", "1 1 1 0 1 1 0 0 1 0 0"),
    ],
    values: &[],
};

const OVERLAP: Example = Example {
    suite: "examples/overlap",
    code: 0,
    scores: &[
        ("f1", "1 1 1 0.8 0.6154 0.5 0.5 0 0.5 1 1"),
        ("bleu", "100 64.3187 38.2603 70.7107 29.2564 22.4075 19.3049 4.7677 13.8881 100 90.1109"),
        (
            "bleu, lower case",
            "100 84.6482 86.6025 81.0093 33.5826 32.219 47.1405 11.1111 39.5285 100 100",
        ),
        ("chrf", "100 91.0697 82.6828 69.8729 49.699 72.2331 78.477 12.095 71.7891 100 96.7775"),
        (
            "chrf++",
            "100 86.1445 76.7443 72.2737 49.3245 70.3103 69.6911 10.7917 63.4448 100 97.5831",
        ),
        ("ter", "0 0 14.2857 14.2857 54.5455 180 40 133.3333 42.8571 0 7.1429"),
        ("wer", "0 0.3333 0.8571 0.1429 0.6364 2 0.4 1.3333 0.4286 0 0.8462"),
        ("wer, normalised", "0 0 0.5714 0.1429 0.5455 1.8 0.4 1.3333 0.4286 0 0.8571"),
        ("cer", "0 0.0714 0.525 0.2162 0.5254 1.6364 0.0938 0.7692 0.0952 0 0.7432"),
        ("rouge-1", "1 1 1 0.8571 0.625 0.5263 0.6 0 0.5714 1 1"),
        ("rouge-1, stems", "1 1 1 0.8571 0.625 0.5263 1 0 0.5714 1 1"),
        ("rouge-1, recall", "1 1 1 0.8571 0.4545 1 0.6 0 0.5714 1 1"),
        ("rouge-2", "1 1 0.8333 0.8333 0.5714 0.4706 0.25 0 0.1667 1 0.9231"),
        ("rouge-l", "1 1 0.7143 0.8571 0.625 0.5263 0.6 0 0.5714 1 0.5714"),
        ("rouge-lsum", "1 1 0.7143 0.8571 0.625 0.5263 0.6 0 0.5714 1 1"),
    ],
    values: &[
        ("bleu", "bleu", "55.1293"),
        ("chrf", "chrf", "75.4142"),
        ("chrf++", "chrf", "73.5881"),
        ("ter", "ter", "38.0368"),
        ("wer", "wer", "0.6173"),
        ("cer", "cer", "0.4492"),
    ],
};

const CLASSIFICATION: Example = Example {
    suite: "examples/classification",
    code: 0,
    scores: &[
        ("label", "1 1 0 0 1 0 1 0! 1 1 0 0! 1 1 0 0!"),
        ("macro f1", "1 1 0 0 1 0 1 1 1 1 0 0! 1 1 0 0!"),
        ("urgent ones found", "1 1 0 0 1 0 1 1 1 1 0 0! 1 1 0 0!"),
        ("agreement", "1 1 0 0 1 0 1 1 1 1 0 0 1 1 0 0!"),
    ],
    values: &[
        ("label", "accuracy", "0.5"),
        ("label", "n_invalid", "3"),
        ("macro f1", "macro_f1", "0.5952"),
        ("macro f1", "precision.urgent", "0.6667"),
        ("urgent ones found", "recall.urgent", "0.5"),
        ("agreement", "quadratic_kappa", "0.4945"),
    ],
};

const PROBABILITIES: Example = Example {
    suite: "examples/probabilities",
    code: 0,
    scores: &[
        ("brier", "0.01 0.04 0.09 0.36 0.81 0.0025 0.04 0.16 0.2025 1 0"),
        ("log loss", "0.1054 0.2231 0.3567 0.9163 2.3026 0.0513 0.2231 0.5108 0.5978 36.0437 0"),
        ("roc auc", "0.9 0.8 0.7 0.4 0.1 0.95 0.8 0.6 0.55 0 1"),
    ],
    values: &[("roc auc", "roc_auc", "0.6833")],
};

const STRUCTURE: Example = Example {
    suite: "examples/structure",
    code: 0,
    scores: &[
        ("json", "1 1 1 1 1 1 1 1 1 1 1 0"),
        ("schema", "1 1 1 1 1 1 1 1 1 0 1 0!"),
        ("ticket", "1 1 1 0 0 1 1 1 1 0 1 0!"),
        ("fields", "1 1 1 1 0.8889 1 1 1 1 1 1 0!"),
        ("call", "1 1 1 1 1 0 1 1 1 1 1 0!"),
        ("sql", "1 1 1 1 0 1 1 1 1 1 1 0!"),
        ("yaml", "1 1 1 1 1 1 0 1 1 1 1 0!"),
        ("xml", "1 1 1 1 1 1 1 0 1 1 1 0!"),
        ("code", "1 1 1 1 1 1 1 1 0 1 1 0!"),
    ],
    values: &[],
};

/// What `opinion` makes of the replies.
const JUDGED: Example = Example {
    suite: "judged",
    code: 0,
    scores: &[
        ("helpful", "1 1 0 1 1 0 0.5 1 0.5 0 1 1"),
        ("better", "1 1 0 1 1 0 1 1 1 0 1 1"),
        ("facts", "1 1 0 1 1 0 0.3333 1 0.25 0 1 1"),
        ("same", "1 1 0 1 1 0 0.5 1 0.5 0 1 1"),
        ("meaning", "1 1 0 1 1 0 0.5 1 0.5 0 1 1"),
    ],
    values: &[],
};

const BEHAVIOUR: Example = Example {
    suite: "examples/behaviour",
    code: 0,
    scores: &[
        ("words", "17 18 16 20 17 19 18 20 18 16 18 2"),
        ("brief", "1 1 1 1 1 1 1 1 1 1 1 0"),
        ("answers", "1 1 0 1 1 1 1 1 1 1 1 1"),
        ("polite", "1 1 1 1 1 1 0 1 1 1 1 1"),
        ("private", "1 1 1 0 0 1 1 1 1 1 1 1"),
        ("language", "1 1 1 1 1 1 1 1 0 1 1 1"),
        ("repeats", "0 0 0 0 0 0.5882 0 0 0 0 0 0"),
    ],
    values: &[],
};

/// 351, 349 and 335 tokens in and 2 out, at 0.15 and 0.60 dollars a million.
const USAGE: Example = Example {
    suite: "examples/usage",
    code: 0,
    scores: &[
        ("latency", "35.231 141.279 72.718 108.503 …"),
        ("fast", "1 0 1 0 …"),
        ("cost", "5.385e-5 5.355e-5 5.145e-5 …"),
        ("tokens", "2 2 2 …"),
    ],
    values: &[],
};

/// One row has no check of its own, and one of its metrics is missing with it.
const COMBINING: Example = Example {
    suite: "examples/combining",
    code: 4,
    scores: &[
        ("right and polite", "1 1 0 0"),
        ("some help", "1 1 0 -"),
        ("overall", "1 1 0.25 0"),
        ("own check", "1 1 0 -"),
    ],
    values: &[],
};

const CUSTOM: Example = Example {
    suite: "examples/custom",
    code: 0,
    scores: &[("brief", "1 1 1 0!"), ("intent or apology", "1 1 0 1"), ("polite", "1 1 1 0")],
    values: &[],
};

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
