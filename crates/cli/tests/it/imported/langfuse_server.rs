//! Runs of a Langfuse server, in both of its versions: the answers are those that Langfuse's own clients read
//! (`crates/integrations/tests/real/langfuse_client.py`).

use std::{collections::BTreeMap, sync::LazyLock};

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::{Value, json};

use super::{Answers, file, imported, run_folder, told};
use crate::setup::{Ran, World};

static KEPT: LazyLock<Value> = LazyLock::new(|| {
    let packed = std::fs::File::open(file("langfuse", "server.json.gz")).expect("answers");
    serde_json::from_reader(flate2::read::GzDecoder::new(packed)).expect("JSON")
});

const KEYS: [(&str, &str); 2] =
    [("LANGFUSE_PUBLIC_KEY", "pk-lf-test"), ("LANGFUSE_SECRET_KEY", "sk-lf-test")];

/// What a server of this version says to a question.
fn answered(seen: &Seen, version: &str) -> Reply {
    let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
    let plain = |text: &str| text.replace('+', " ").replace("%2F", "/");
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query: BTreeMap<_, _> = pairs.map(|(name, value)| (name, plain(value))).collect();
    let asked = ["page", "cursor", "experimentName", "experimentId", "datasetId"];
    let values = asked.iter().map(|name| query.get(name).cloned().unwrap_or_default());
    let parts: Vec<_> = [path.to_owned()].into_iter().chain(values).collect();
    // base64 of pk-lf-test:sk-lf-test
    if seen.header("authorization") != Some("Basic cGstbGYtdGVzdDpzay1sZi10ZXN0") {
        return Reply::status(401).body(r#"{"message":"Invalid credentials"}"#);
    }
    match &KEPT[version][parts.join("|")] {
        Value::Null => Reply::status(404).body(r#"{"message":"Not found"}"#),
        body => Reply::json(body),
    }
}

fn server(version: &'static str) -> (Server, String) {
    let server = Server::start(move |seen| answered(seen, version));
    let address = server.url().trim_end_matches("/v1").to_owned();
    (server, address)
}

fn words(ran: &Ran) -> String {
    ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn import(address: &str, run: &str, id: &str) -> Answers {
    let world = World::new(0);
    let words =
        ["import", "results", "--from", "langfuse", run, "--server", address, "--run-id", id];
    let ran = world.run_in(&words, &KEYS).expect(0);
    assert!(
        ran.stdout.contains("read 28 results of langfuse: 28 kept, 0 left out"),
        "{}",
        ran.stdout
    );
    for why in ["`tone` is a text or a category without a number", "`remark` is a text"] {
        assert!(ran.stdout.contains(&format!("left out: 27 scores: {why}")), "{}", ran.stdout);
    }
    imported(&run_folder(&world, id))
}

#[test]
fn every_score_is_that_of_the_run_in_both_versions() {
    for version in ["four", "three"] {
        let (_server, address) = server(version);
        for run in ["before", "after/monday"] {
            let found = import(&address, &format!("sums/daily/{run}"), "r");
            assert_eq!(found, told(&KEPT["expected"], run), "{version} {run}");
        }
    }
    let (_server, address) = server("four");
    assert_eq!(import(&address, "before", "by-name"), told(&KEPT["expected"], "before"));
}

#[test]
fn two_runs_are_gated() {
    let mut verdicts = Vec::new();
    for version in ["four", "three"] {
        let (_server, address) = server(version);
        let variables = [KEYS[0], KEYS[1], ("LANGFUSE_BASE_URL", address.as_str())];
        let words = ["gate", "--from", "langfuse", "sums/daily/before", "sums/daily/after/monday"];
        let more = ["--metric", "right", "--format", "json"];
        let ran = World::new(0).run_in(&[&words[..], &more].concat(), &variables).expect(1);
        let verdict: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        let one = &verdict["comparisons"][0];
        assert_eq!(
            (&one["answer"], &one["counts"]["paired"]),
            (&"regressed".into(), &27.into()),
            "{one:#}"
        );
        verdicts.push((one["estimate"].clone(), one["p_regressed"].clone()));
    }
    assert_eq!(verdicts[0], verdicts[1]);
}

#[test]
fn what_cannot_be_had_is_told() {
    let (_server, address) = server("four");
    let world = World::new(0);
    let words_of = ["import", "results", "--from", "langfuse", "no such run", "--server", &address];
    let told = words(&world.run_in(&words_of, &KEYS).expect(2));
    assert!(told.contains("there is no experiment and no dataset run of this name"), "{told}");
    let told = words(&world.run(&words_of).expect(2));
    assert!(told.contains("the keys to ask Langfuse for a run of that name are not set"), "{told}");
    let wrong = [KEYS[0], ("LANGFUSE_SECRET_KEY", "sk-lf-canary-secret")];
    let told = words(&world.run_in(&words_of, &wrong).expect(2));
    assert!(told.contains("says 401 Unauthorized: Invalid credentials"), "{told}");
    assert!(
        told.contains("hint: LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY must be of this project"),
        "{told}"
    );
    assert!(!told.contains("canary"), "{told}");
    // A file that is not there is no run.
    let told = words(
        &world.run_in(&["import", "results", "--from", "langfuse", "t.jsonl"], &KEYS).expect(2),
    );
    assert!(told.contains("t.jsonl: "), "{told}");
    assert!(!world.path("reports").exists());
}

#[test]
fn a_busy_server_is_asked_again() {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let server =
        Server::start(move |seen| match asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            1 | 4 => Reply::status(429).header("retry-after", "0"),
            _ => answered(seen, "four"),
        });
    let address = server.url().trim_end_matches("/v1").to_owned();
    assert_eq!(import(&address, "before", "r"), told(&KEPT["expected"], "before"));
}

#[test]
fn exports_of_several_tables_are_one_run() {
    let world = World::new(0);
    let trace = |id: &str, output: &str| {
        format!(
            "{{\"id\": \"{id}\", \"timestamp\": \"2026-11-20T10:00:00.000Z\", \"name\": \"t\", \"input\": \"{{\\\"q\\\": \\\"{id}\\\"}}\", \"output\": {output}}}\n"
        )
    };
    world.write(
        "traces.jsonl",
        &format!("{}{}{}", trace("a", "\"4\""), trace("b", "null"), trace("c", "\"6\"")),
    );
    let scores = "\"id\",\"traceId\",\"timestamp\",\"source\",\"name\",\"dataType\",\"value\",\"stringValue\",\"comment\"\n\
        \"1\",\"a\",\"\",\"API\",\"right\",\"BOOLEAN\",\"1\",\"True\",\"\"\n\
        \"2\",\"c\",\"\",\"API\",\"right\",\"BOOLEAN\",\"0\",\"False\",\"off, by \"\"2\"\"\"\n\
        \"3\",\"zz\",\"\",\"API\",\"right\",\"BOOLEAN\",\"1\",\"True\",\"\"\n";
    world.write("scores.csv", scores);
    let observations = json!([
        { "id": "o1", "traceId": "b", "type": "SPAN", "level": "ERROR", "statusMessage": "no answer came", "parentObservationId": null },
        { "id": "o2", "traceId": "c", "type": "SPAN", "level": "ERROR", "statusMessage": "tried again", "parentObservationId": "o3" },
    ]);
    world.write("observations.json", &observations.to_string());
    let files = ["traces.jsonl", "scores.csv", "observations.json"];
    let words_of =
        [&["import", "results", "--from", "langfuse"][..], &files, &["--run-id", "r"]].concat();
    let ran = world.run(&words_of).expect(0);
    assert!(ran.stdout.contains("3 answers to 3 items, 1 of them failed"), "{}", ran.stdout);
    assert!(
        ran.stdout
            .contains("1 score: its trace is in none of the files (first: scores.csv, line 4)"),
        "{}",
        ran.stdout
    );
    let found = imported(&run_folder(&world, "r"));
    let scores: Vec<_> =
        found.values().map(|of| of.as_ref().and_then(|of| of.get("right").copied())).collect();
    assert_eq!(scores, [Some(1.0), None, Some(0.0)]);
    let told =
        words(&world.run(&["import", "results", "--from", "langfuse", "scores.csv"]).expect(2));
    assert!(
        told.contains("there are no traces, and scores alone do not tell what was asked"),
        "{told}"
    );
    world.write("other.csv", "a,b\n1,2\n");
    let told =
        words(&world.run(&["import", "results", "--from", "langfuse", "other.csv"]).expect(2));
    assert!(told.contains("other.csv, line 2: is not a trace, score or observation"), "{told}");
    world.write("ragged.csv", "id,timestamp\n1\n");
    let told =
        words(&world.run(&["import", "results", "--from", "langfuse", "ragged.csv"]).expect(2));
    assert!(told.contains("ragged.csv, line 2: is not CSV"), "{told}");
}
