//! Receivers that take a run's samples: Langfuse on a server of this machine, the offline folder of Weights & Biases, and CSV.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use evalmark_core::{
    fields::Fields,
    item::{Item, ItemHash},
    record::{ErrorKind, Record},
    request::{Message, Request},
    score::Score,
};
use evalmark_loopback::{Reply, Seen};
use evalmark_report::samples::{Layout, SampleRow, SamplesWriter};
use serde_json::{Value, json};

use crate::receivers::{Place, is_sent};

/// What acts in a spreadsheet, a page and a terminal.
const ACTS: &str = "=HYPERLINK(\"https://evil.example\",\"x\")<script>";

fn item(index: u64) -> Item {
    Item {
        index,
        row: index + 1,
        id: format!("={index}").into(),
        hash: ItemHash(u128::from(index).to_be_bytes()),
        fields: Fields::default(),
        targets: vec![format!("@target {index}")].into(),
        cluster: None,
        slices: Vec::new().into(),
    }
}

/// Writes the samples of the run that messages are about; every third failed.
pub(crate) fn write_samples(folder: &Path, n: u64) {
    let run = folder.join("intents/r-1");
    fs::create_dir_all(&run).expect("a folder");
    let path = run.join("samples.parquet");
    let metrics = ["exact".to_owned()];
    let layout = Layout { run_id: "r-1", suite: "intents", metrics: &metrics, slices: &[] };
    let file = File::create(&path).expect("a file");
    let mut writer = SamplesWriter::create(&path, file, &layout).expect("a writer");
    for index in 0..n {
        let has_failed = index % 3 == 2;
        let record = if has_failed {
            Record::failed(ErrorKind::Server, "500 after 6 attempts", 6)
        } else {
            Record::recorded(format!("{ACTS} {index}"))
        };
        let scores = [if has_failed { Score::missing("no answer") } else { Score::of(0.5) }];
        let messages = [Message::new("user", format!("question {index}"))];
        let row = SampleRow {
            prompt: "zero-shot",
            prompt_hash: "00112233445566778899aabbccddeeff",
            model: "small",
            item: &item(index),
            epoch: 0,
            request: &Request::chat("gpt".into(), messages, Arc::default(), 0),
            outcome: record.outcome,
            record: &record,
            cost_usd: None,
            scores: &scores,
            input: "{}",
        };
        writer.push(&row).expect("a row");
    }
    writer.finish().expect("an end");
}

fn langfuse(place: &Place, more: &Value) -> Value {
    let mut params = json!({ "url": place.address() });
    let (into, more) = (params.as_object_mut(), more.as_object());
    into.expect("a mapping").extend(more.cloned().unwrap_or_default());
    params
}

fn takes(seen: &Seen) -> Reply {
    match (&*seen.method, &*seen.path) {
        ("GET", _) => Reply::status(404),
        (_, "/api/public/ingestion") => {
            Reply::status(207).body(json!({ "successes": [], "errors": [] }).to_string())
        }
        _ => Reply::json(&json!({ "id": "x" })),
    }
}

fn of_path<'a>(seen: &'a [Seen], path: &str) -> Vec<&'a Seen> {
    seen.iter().filter(|seen| seen.path == format!("/api/public/{path}")).collect()
}

#[test]
fn langfuse_gets_a_dataset_run_with_traces_and_scores() {
    let place = Place::new(takes);
    write_samples(place.folder(), 7);
    place.queue("langfuse", &langfuse(&place, &json!({ "texts": true })), "v");
    let (outcome, errors) = place.send(Duration::ZERO);
    assert!(is_sent(&outcome), "{errors:?}");
    let seen = place.server.requests();
    let both =
        "Basic Y2FuYXJ5LW9mLUxBTkdGVVNFX1BVQkxJQ19LRVk6Y2FuYXJ5LW9mLUxBTkdGVVNFX1NFQ1JFVF9LRVk=";
    assert!(seen.iter().all(|seen| seen.header("authorization") == Some(both)));
    assert_eq!(of_path(&seen, "v2/datasets")[0].json()["name"], "intents");
    assert_eq!(of_path(&seen, "dataset-items").len(), 7);
    let batch = of_path(&seen, "ingestion")[0].json();
    let events = batch["batch"].as_array().expect("events");
    let of_kind = |kind: &str| events.iter().filter(|event| event["type"] == kind).count();
    // A sample that failed has a trace and no score.
    assert_eq!((of_kind("trace-create"), of_kind("score-create")), (7, 5));
    assert_eq!(events[0]["body"]["input"][0]["content"], "question 0");
    let ids: BTreeSet<_> = events.iter().map(|event| event["id"].to_string()).collect();
    assert_eq!(ids.len(), events.len());
    let links = of_path(&seen, "dataset-run-items");
    assert_eq!(links.len(), 7);
    assert_eq!(links[0].json()["runName"], "r-1 · zero-shot · small");
    assert_eq!(links[0].json()["traceId"], events[0]["body"]["id"]);
}

#[test]
fn texts_stay_here_unless_the_suite_says_otherwise() {
    let place = Place::new(takes);
    write_samples(place.folder(), 2);
    place.queue("langfuse", &langfuse(&place, &json!({})), "v");
    assert!(is_sent(&place.send(Duration::ZERO).0));
    for seen in place.server.requests() {
        let body = String::from_utf8(seen.body).expect("UTF-8");
        assert!(
            !["question", "target", "HYPERLINK"].iter().any(|text| body.contains(text)),
            "{body}"
        );
    }
}

#[test]
fn langfuse_goes_on_where_it_broke_off() {
    // The second batch of items is refused at first, and one link is there already.
    let place = Place::new(|seen| match (&*seen.method, seen.index) {
        ("GET", _) => {
            let trace = seen.path.contains("r-1").then_some("none");
            Reply::json(&json!({ "datasetRunItems": [{ "traceId": trace }] }))
        }
        (_, 103 | 104) => Reply::status(429).header("retry-after", "1"),
        _ => takes(seen),
    });
    write_samples(place.folder(), 60);
    place.queue("langfuse", &langfuse(&place, &json!({})), "v");
    let (outcome, errors) = place.send(Duration::from_secs(20));
    assert!(is_sent(&outcome), "{errors:?}");
    assert!(errors[0].contains("429"), "{errors:?}");
    let seen = place.server.requests();
    let traces: Vec<_> = of_path(&seen, "dataset-run-items")
        .iter()
        .map(|seen| seen.json()["traceId"].to_string())
        .collect();
    assert_eq!((traces.len(), traces.iter().collect::<BTreeSet<_>>().len()), (60, 60));
}

#[test]
fn each_class_of_errors_of_langfuse_has_what_follows() {
    let check = |reply: fn(&Seen) -> Reply, expected: &str, least: i64| {
        let place = Place::new(reply);
        write_samples(place.folder(), 1);
        place.queue("langfuse", &langfuse(&place, &json!({})), "v");
        let (_, errors) = place.send(Duration::ZERO);
        assert!(errors[0].contains(expected), "{errors:?}");
        assert!(!errors[0].contains("canary"), "{errors:?}");
        let wait = place.pending()[0].not_before.expect("a wait");
        let wait = wait.duration_since(jiff::Timestamp::now()).as_secs();
        assert!((least - 2..=least).contains(&wait), "{expected}: {wait}");
    };
    check(
        |_| Reply::status(401).body(r#"{"message":"Invalid credentials"}"#),
        "Invalid credentials",
        3600,
    );
    check(|_| Reply::status(429).header("retry-after", "30"), "429", 30);
    check(|_| Reply::status(500), "500", 1);
    check(
        |seen| match &*seen.path {
            "/api/public/ingestion" => Reply::status(207).body(
                json!({ "errors": [{ "id": "a", "status": 400, "message": "bad\nbody" }] })
                    .to_string(),
            ),
            _ => takes(seen),
        },
        "refuses 1 of the events: bad",
        3600,
    );
    check(
        |seen| match &*seen.path {
            "/api/public/ingestion" => Reply::status(207)
                .body(json!({ "errors": [{ "id": "a", "status": 503 }] }).to_string()),
            _ => takes(seen),
        },
        "no reason (503)",
        1,
    );
}

#[test]
fn a_run_whose_samples_are_gone_is_told() {
    for kind in ["langfuse", "wandb", "csv"] {
        let place = Place::new(takes);
        let params = if kind == "langfuse" { langfuse(&place, &json!({})) } else { json!({}) };
        place.queue(kind, &params, "v");
        let (_, errors) = place.send(Duration::ZERO);
        assert!(errors[0].contains("is gone"), "{errors:?}");
        assert_eq!(place.server.count(), 0);
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

#[test]
fn csv_files_have_no_formulas() {
    let place = Place::new(takes);
    write_samples(place.folder(), 3);
    place.queue("csv", &json!({ "texts": true, "bom": true }), "v");
    assert!(is_sent(&place.send(Duration::ZERO).0));
    let folder = place.outbox().folder().join("csv/intents/r-1");
    for (name, n_rows) in [("samples.csv", 3), ("scores.csv", 1)] {
        let text = fs::read_to_string(folder.join(name)).expect("UTF-8");
        let text = text.strip_prefix('\u{feff}').expect("a mark");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let head = reader.headers().expect("a head").clone();
        let rows: Vec<_> = reader.records().map(|row| row.expect("CSV")).collect();
        assert_eq!(rows.len(), n_rows, "{name}");
        for cell in rows.iter().flatten() {
            let is_number = cell.parse::<f64>().is_ok();
            assert!(is_number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
        }
        if name == "samples.csv" {
            let at = |column: &str| head.iter().position(|one| one == column).expect("a column");
            assert_eq!((&rows[0][at("item_id")], &rows[0][at("score.exact")]), ("'=0", "0.5"));
            assert_eq!((&rows[2][at("score.exact")], &rows[2][at("outcome")]), ("", "failed"));
            assert_eq!(&rows[1][at("output")], format!("'{ACTS} 1"));
        }
    }
}

#[test]
fn wandb_gets_an_offline_folder() {
    let place = Place::new(takes);
    write_samples(place.folder(), 3);
    place.queue("wandb", &json!({ "project": "quality" }), "v");
    assert!(is_sent(&place.send(Duration::ZERO).0));
    let files = files_below(&place.outbox().folder().join("wandb"));
    let names: Vec<_> = files.iter().map(|path| path.display().to_string()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(names[0].contains("/offline-run-20260102_030405-"), "{names:?}");
    let log = files.iter().find(|path| path.extension().is_some_and(|of| of == "wandb"));
    let log = fs::read(log.expect("a log")).expect("bytes");
    assert_eq!(&log[..7], b":W&B\xe1\xbe\0");
    let has = |text: &str| log.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has("quality") && has("exact/a\"b/m") && has("table-file"));
    // The number and the length of the record that lists the tables, then its list: field 6.
    let listed = log.windows(20).position(|part| part == b"media/table/samples_");
    assert!(listed.is_some() && log.windows(3).any(|part| part == [0x08, 5, 0x32]));
    let table = names.iter().find(|name| name.contains("/samples_0_")).expect("a table");
    let table: Value =
        serde_json::from_str(&fs::read_to_string(table).expect("text")).expect("JSON");
    assert_eq!(table["columns"].as_array().map(Vec::len), Some(8));
    assert_eq!((&table["data"][0][7], &table["data"][2][7]), (&json!(0.5), &Value::Null));
    // The same run again makes no other folder.
    place.queue("wandb", &json!({ "project": "quality" }), "another verdict");
    assert!(is_sent(&place.send(Duration::ZERO).0));
    assert_eq!(files_below(&place.outbox().folder().join("wandb")), files);
}
