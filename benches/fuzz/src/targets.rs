//! Everything that evalmark reads and did not write itself.

use std::{
    convert::Infallible,
    fs::{self, File},
    io,
    path::Path,
    sync::{Arc, LazyLock},
};

use evalmark_core::{
    dataset::{DatasetError, Format, Items, Rows, ScratchSpace},
    executor::CallingThread,
    item::Item,
    label::LabelSpec,
    message::Message,
    metric::MetricSpec,
    model::{AskMode, Limits, Model, Provider},
    plan::{Checks, Plan},
    prompt::Prompt,
    record::Record,
    request::RequestHash,
    source::Sources,
    suite::{Readers, Suite},
};
use evalmark_harness::{Endpoint, Ledger, OpenError, RequestRuntime, Tuning};
use evalmark_scoring::{JudgeReply, Metric, Subject, catalog};
use serde_json::{Map, Value, json};

use crate::{
    production, result_files,
    seeds::{self, DATA, LABELLED, Seeds, suite_over},
};

/// Something that reads input.
#[derive(Debug)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Words that mean something to it.
    pub(crate) words: &'static [&'static str],
    /// Inputs to begin with.
    pub(crate) seeds: Seeds,
    /// Reads an input, in a folder of its own, and says what came of it.
    pub(crate) read: fn(&Path, &[u8]) -> String,
}

/// All of them.
pub fn targets() -> &'static [Target] {
    const NONE: &[&str] = &[];
    const TARGETS: &[Target] = &[
        Target {
            name: "suite",
            words: seeds::YAML_WORDS,
            seeds: Seeds::Fixed(seeds::suites),
            read: suite,
        },
        Target { name: "csv", words: seeds::CSV_WORDS, seeds: Seeds::Fixed(seeds::csv), read: csv },
        Target { name: "tsv", words: seeds::CSV_WORDS, seeds: Seeds::Fixed(seeds::tsv), read: tsv },
        Target {
            name: "jsonl",
            words: seeds::JSON_WORDS,
            seeds: Seeds::Fixed(seeds::jsonl),
            read: jsonl,
        },
        Target {
            name: "json",
            words: seeds::JSON_WORDS,
            seeds: Seeds::Fixed(seeds::json),
            read: json_array,
        },
        Target {
            name: "yaml",
            words: seeds::YAML_WORDS,
            seeds: Seeds::Fixed(seeds::yaml),
            read: yaml,
        },
        Target { name: "xlsx", words: NONE, seeds: Seeds::Fixed(seeds::xlsx), read: xlsx },
        Target { name: "parquet", words: NONE, seeds: Seeds::Fixed(seeds::parquet), read: parquet },
        Target { name: "arrow", words: NONE, seeds: Seeds::Fixed(seeds::arrow), read: arrow },
        Target {
            name: "labels",
            words: seeds::CSV_WORDS,
            seeds: Seeds::Fixed(seeds::labels),
            read: labels,
        },
        Target {
            name: "recorded",
            words: seeds::JSON_WORDS,
            seeds: Seeds::Fixed(seeds::recorded),
            read: recorded,
        },
        result_files::TARGET,
        production::LOGS,
        Target { name: "ledger", words: NONE, seeds: Seeds::Made(seeds::ledgers), read: ledger },
        Target {
            name: "replies",
            words: seeds::REPLY_WORDS,
            seeds: Seeds::Fixed(seeds::replies),
            read: replies,
        },
        Target {
            name: "answers",
            words: seeds::ANSWER_WORDS,
            seeds: Seeds::Fixed(seeds::answers),
            read: answers,
        },
    ];
    TARGETS
}

fn readers() -> Readers<'static> {
    Readers {
        kinds: catalog(),
        providers: evalmark_harness::providers::catalog(),
        columnar: columnar_rows,
        scratch: ScratchSpace::new(tempfile::tempfile),
        roots: &[],
        sources: Sources::NONE,
        receivers: &[],
    }
}

fn columnar_rows(path: &Path, file: File, format: Format) -> Result<Rows, DatasetError> {
    let owned = path.to_owned();
    let failed =
        move |error: &dyn std::fmt::Display| DatasetError::of_file(&owned, error.to_string());
    if format == Format::Arrow {
        let rows =
            evalmark_report::arrow::arrow_rows_of(path, file).map_err(|error| failed(&error))?;
        return Ok(Box::new(rows.map(move |row| row.map_err(|error| failed(&error)))));
    }
    let rows =
        evalmark_report::dataset::parquet_rows_of(path, file).map_err(|error| failed(&error))?;
    Ok(Box::new(rows.map(move |row| row.map_err(|error| failed(&error)))))
}

/// What stands in the way, or nothing.
pub(crate) fn said<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

pub(crate) fn end(result: Result<String, String>) -> String {
    result.unwrap_or_else(|error| error)
}

pub(crate) fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), String> {
    said(fs::write(folder.join(name), bytes))
}

/// Reads, plans and renders, as `evalmark check` does.
fn suite(folder: &Path, input: &[u8]) -> String {
    let read = || {
        put(folder, "data.csv", DATA.as_bytes())?;
        put(folder, "suite.yaml", input)?;
        let suite = said(Suite::read(&folder.join("suite.yaml"), readers()))?;
        let metrics = suite.metrics.iter().map(Metric::compile);
        let metrics = metrics.collect::<Result<Vec<_>, _>>().map_err(|error| error.message)?;
        let checks = Checks {
            item: |item: &Item| metrics.iter().try_for_each(|metric| metric.check_item(item)),
            messages: |_: &Prompt, _: Arc<[Message]>| Ok::<_, Infallible>(()),
        };
        let plan = Plan::checked(&suite, CallingThread, &checks, |_, ()| ());
        let plan = plan.map_err(|unplanned| unplanned.error.to_string())?;
        Ok(format!("a plan of {} metrics and {} samples", metrics.len(), plan.n_samples()))
    };
    end(read())
}

/// Reads every row of a dataset.
fn dataset(folder: &Path, name: &str, input: &[u8]) -> String {
    let read = || {
        put(folder, name, input)?;
        put(folder, "answers.jsonl", b"")?;
        put(folder, "suite.yaml", suite_over(name).as_bytes())?;
        let suite = said(Suite::read(&folder.join("suite.yaml"), readers()))?;
        let mut items = said(Items::open(&Arc::new(suite.dataset)))?;
        let count = items.try_fold(0_u64, |count, item| said(item).map(|_| count + 1))?;
        Ok(if count == 0 { "no items" } else { "items" }.to_owned())
    };
    end(read())
}

fn csv(folder: &Path, input: &[u8]) -> String {
    dataset(folder, "input.csv", input)
}

fn tsv(folder: &Path, input: &[u8]) -> String {
    dataset(folder, "input.tsv", input)
}

fn jsonl(folder: &Path, input: &[u8]) -> String {
    dataset(folder, "input.jsonl", input)
}

fn json_array(folder: &Path, input: &[u8]) -> String {
    dataset(folder, "input.json", input)
}

fn yaml(folder: &Path, input: &[u8]) -> String {
    dataset(folder, "input.yaml", input)
}

fn xlsx(folder: &Path, input: &[u8]) -> String {
    dataset(folder, "input.xlsx", input)
}

fn arrow(folder: &Path, input: &[u8]) -> String {
    dataset(folder, "input.arrow", input)
}

fn parquet(folder: &Path, input: &[u8]) -> String {
    dataset(folder, "input.parquet", input)
}

fn labels(folder: &Path, input: &[u8]) -> String {
    let read = || {
        put(folder, "data.csv", DATA.as_bytes())?;
        put(folder, "labels.csv", input)?;
        put(folder, "suite.yaml", LABELLED.as_bytes())?;
        let suite = said(Suite::read(&folder.join("suite.yaml"), readers()))?;
        let labels = suite.metrics.iter().filter_map(|metric| metric.labels.as_ref());
        said(labels.map(LabelSpec::open).collect::<Result<Vec<_>, _>>())?;
        Ok("labels".to_owned())
    };
    end(read())
}

/// Makes a recording's answers a ledger's.
pub(crate) fn import(recording: &Path, ledger: &Ledger) -> Result<Endpoint, OpenError> {
    static NETWORK: LazyLock<io::Result<RequestRuntime>> =
        LazyLock::new(|| RequestRuntime::start(Tuning::default()));
    let model = Model {
        name: "m".into(),
        provider: Provider::RecordedFile(recording.to_owned()),
        model: "m".into(),
        params: Arc::new(Map::new()),
        max_output_tokens: None,
        is_streamed: false,
        splits_reasoning: false,
        mode: AskMode::Direct,
        limits: Limits::default(),
        price: None,
        ca_file: None,
    };
    let no_threads = |error: &io::Error| OpenError::Provider {
        model: "m".to_owned(),
        detail: error.to_string(),
    };
    let network = NETWORK.as_ref().map_err(no_threads)?;
    Endpoint::open(&model, None, network, ledger)
}

fn recorded(folder: &Path, input: &[u8]) -> String {
    let read = || {
        put(folder, "answers.jsonl", input)?;
        forget(folder);
        let ledger = said(Ledger::open(&folder.join("ledger.sqlite")))?;
        let endpoint = said(import(&folder.join("answers.jsonl"), &ledger))?;
        let answers = said(endpoint.answers("run"))?;
        Ok(outcome(said(answers.get(&RequestHash([10; 32])))?.as_ref()))
    };
    end(read())
}

/// Deletes what an earlier input left.
fn forget(folder: &Path) {
    for ending in ["", "-wal", "-shm"] {
        drop(fs::remove_file(folder.join(format!("ledger.sqlite{ending}"))));
    }
}

fn outcome(record: Option<&Record>) -> String {
    record.map_or("none", |record| record.outcome.as_str()).to_owned()
}

/// Opens a ledger, looks an answer up, and has it described.
fn ledger(folder: &Path, input: &[u8]) -> String {
    let read = || {
        forget(folder);
        put(folder, "ledger.sqlite", input)?;
        let path = folder.join("ledger.sqlite");
        let ledger = said(Ledger::open(&path))?;
        let keys = said(Ledger::info(&path))?.endpoints;
        let mut ends = String::new();
        for key in keys.iter().map(|endpoint| endpoint.key.as_str()) {
            let answers = said(ledger.answers(key, "run"))?;
            for byte in [10, 11] {
                let mut hash = [10; 32];
                hash[0] = byte;
                ends += &end(
                    said(answers.get(&RequestHash(hash))).map(|found| outcome(found.as_ref()))
                );
            }
        }
        Ok(ends)
    };
    end(read())
}

fn metrics(kinds: &[(&'static str, Value)]) -> Vec<Metric> {
    let compile = |(kind, params): &(&'static str, Value)| {
        Metric::compile(&MetricSpec::new(kind, kind, params.clone())).ok()
    };
    kinds.iter().filter_map(compile).collect()
}

/// Has every kind of judge read a reply.
fn replies(_: &Path, input: &[u8]) -> String {
    static JUDGES: LazyLock<Vec<Metric>> = LazyLock::new(|| {
        let rubric = "5: good. 1: bad.";
        metrics(&[
            ("judge", json!({ "model": "m", "rubric": rubric, "scale": [1, 2, 3, 4, 5] })),
            ("judge_facts", json!({ "model": "m", "criteria": ["kind", "short"] })),
            ("judge_reference", json!({ "model": "m" })),
            (
                "judge_pairwise",
                json!({ "model": "m", "rubric": rubric, "against": { "column": "o" } }),
            ),
        ])
    });
    let text = String::from_utf8_lossy(input);
    let targets = ["blue".to_owned()];
    let subject = Subject::of_texts("It is \"blue\": {\"grade\": 5}", &targets);
    let replies = vec![JudgeReply::of_text(&text); 2];
    let score = |metric: &Metric| {
        let judge = metric.judge()?;
        let score = judge.score(subject, &replies[..=usize::from(judge.questions_each() > 1)]);
        Some(format!("{:?} {}", score.value, score.reason.unwrap_or_default()))
    };
    JUDGES.iter().filter_map(score).collect()
}

/// Has every metric that reads something out of an answer read it.
fn answers(_: &Path, input: &[u8]) -> String {
    static READERS: LazyLock<Vec<Metric>> = LazyLock::new(|| {
        metrics(&[
            ("number", json!({})),
            ("number", json!({ "read": ["fractions"], "tolerance": 0.1 })),
            ("choice", json!({})),
            ("label", json!({ "labels": ["positive", "negative", "B", "42"] })),
            ("includes", json!({ "words": true })),
            ("starts_with", json!({ "words": true })),
            ("ends_with", json!({ "words": true })),
            ("one_of", json!({})),
            ("token_f1", json!({})),
            ("json_equal", json!({ "fence": true })),
            ("json_valid", json!({ "fence": true })),
            ("sql_valid", json!({ "dialect": "sqlite" })),
            ("tool_call", json!({})),
            ("refusal", json!({})),
        ])
    });
    let text = String::from_utf8_lossy(input);
    let targets = ["42".to_owned(), "B".to_owned(), "[]".to_owned()];
    let score = |metric: &Metric| {
        let score = metric.score(Subject::of_texts(&text, &targets));
        format!("{:?} {}", score.value, score.reason.unwrap_or_default())
    };
    READERS.iter().map(score).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::run::{Effort, fuzz};

    /// Every target reads some inputs without a panic, and not all of them in the same way.
    #[test]
    fn every_target_bears_mutated_input() {
        for target in targets() {
            let seconds = Duration::from_secs(20);
            let effort = Effort { seconds, inputs: 100, threads: 1, seed: Some(7) };
            let found =
                fuzz(target, effort).unwrap_or_else(|error| panic!("{}: {error}", target.name));
            assert!(found.outcomes >= 2, "{}: {found:?}", target.name);
        }
    }

    #[test]
    fn judges_and_readers_are_what_suites_write() {
        assert!(replies(Path::new(""), br#"{"reason": "good", "grade": 5}"#).contains("1.0"));
        assert!(answers(Path::new(""), b"The answer is 42.").contains("1.0"));
    }
}
