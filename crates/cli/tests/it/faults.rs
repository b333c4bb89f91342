//! Servers that misbehave: no sample is lost, and one message says what happened.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Mutex,
};

use evalmark_core::record::Outcome;
use evalmark_loopback::{Reply, Seen, Server};
use evalmark_report::samples::samples;

use crate::setup::{World, item, right};

/// How the samples of a run ended: outcomes, error kinds, and how many there are.
fn ends(world: &World, id: &str) -> BTreeMap<String, usize> {
    let mut ends = BTreeMap::new();
    for sample in samples(&world.path(&format!("reports/test/{id}/samples.parquet"))).expect("file")
    {
        let sample = sample.expect("a row");
        let end = match (&sample.outcome, &sample.record.failure) {
            (Outcome::Failed, Some(failure)) => {
                assert!(!failure.message.is_empty());
                failure.kind.as_str().to_owned()
            }
            (outcome, None) => outcome.to_string(),
            other => panic!("{other:?}"),
        };
        *ends.entry(end).or_default() += 1;
    }
    ends
}

#[test]
fn a_refused_key_stops_the_run_with_one_message() {
    let server = Server::start(|_| Reply::status(401));
    let world = World::new(200);
    world.suite(&server.url(), "");
    let ran = world.run_suite("r", &[]).expect(4);
    assert!(server.count() <= 16, "{} requests", server.count());
    assert_eq!(ran.stderr.matches("not asked any more").count(), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("401"), "{}", ran.stderr);
    assert!(ran.stderr.lines().count() <= 6, "{}", ran.stderr);
    assert_eq!(ends(&world, "r").values().sum::<usize>(), 400);
}

#[test]
fn every_fault_ends_answered_or_described() {
    // Some faults pass when asked again; those of items 0 to 4 never do.
    let known = Mutex::new(HashSet::new());
    let faulty = move |seen: &Seen| match item(seen) {
        0 => Reply::garbage(),
        1 => Reply::json(&serde_json::json!({ "choices": [] })),
        2 => Reply::text("red").truncated(),
        3 => Reply::reset(),
        4 => Reply::status(400),
        5 => Reply::refusal("I would rather not"),
        item if item % 10 == 6 && known.lock().expect("a lock").insert(seen.body.clone()) => {
            Reply::status(500).header("retry-after", "0")
        }
        _ => right(seen),
    };
    let server = Server::start(faulty);
    let world = World::new(200);
    world.suite(&server.url(), "");
    let ran = world.run_suite("r", &[]).expect(0);
    let ends = ends(&world, "r");
    assert_eq!(ends.values().sum::<usize>(), 400, "{ends:?}");
    assert_eq!(ends["answered"], 388, "{ends:?}");
    assert_eq!(ends["refused"], 2, "{ends:?}");
    assert_eq!(ends["bad_request"], 2, "{ends:?}");
    assert_eq!(ends["malformed"] + ends["connection"], 8, "{ends:?}");
    assert!(ran.stderr.contains("10 of 400 samples have no answer"), "{}", ran.stderr);
    assert!(ran.stderr.contains("evalmark resume reports/test/r"), "{}", ran.stderr);
}

#[test]
fn a_key_never_leaves() {
    let key = "sk-0123456789abcdef-secret";
    let echo = move |seen: &Seen| {
        let held = seen.header("authorization").unwrap_or_default().to_owned();
        if item(seen) == 0 {
            return Reply::status(400)
                .body(format!("{{\"error\":{{\"message\":\"bad key {held}\"}}}}"));
        }
        Reply::text(format!("your key is {held}"))
    };
    let server = Server::start(echo);
    let world = World::new(5);
    let text = crate::setup::suite(&server.url(), "");
    world.write("suite.yaml", &text.replace("limits:", "api_key_env: TEST_KEY, limits:"));
    let mut command = world.command(&["run", "suite.yaml", "--run-id", "r"]);
    let output = command.env("TEST_KEY", key).output().expect("runs");
    assert!(server.requests().iter().all(|seen| seen.header("authorization").is_some()));
    let mut all = [output.stdout, output.stderr].concat();
    for name in ["run.json", "report.html", "samples.parquet", "scores.parquet", "summary.parquet"]
    {
        all.extend(world.bytes(&format!("reports/test/r/{name}")));
    }
    for sample in samples(&world.path("reports/test/r/samples.parquet")).expect("file") {
        all.extend(format!("{:?}", sample.expect("a row")).bytes());
    }
    for entry in std::fs::read_dir(world.path("cache/evalmark")).expect("a cache") {
        all.extend(std::fs::read(entry.expect("an entry").path()).expect("a file"));
    }
    let found = all.windows(key.len()).any(|window| window == key.as_bytes());
    assert!(!found, "the key is somewhere");
}

#[test]
fn a_log_is_one_object_a_line() {
    let server =
        Server::start(|seen| if item(seen) == 3 { Reply::status(400) } else { right(seen) });
    let world = World::new(10);
    world.suite(&server.url(), "");
    let ran = world.run_suite("r", &["--prompt", "plain", "--log-format", "json"]).expect(4);
    let lines: Vec<serde_json::Value> = ran
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        .collect();
    let failed = lines.iter().find(|line| line["message"] == "a sample failed").expect("told");
    assert_eq!(failed["level"], "WARN");
    assert_eq!(failed["prompt"], "plain");
    assert!(failed["kind"].is_string() && failed["timestamp"].is_string(), "{failed}");
    let told = |line: &serde_json::Value| {
        line["message"].as_str().is_some_and(|text| text.contains("1 of 10 samples have no answer"))
    };
    assert!(lines.iter().any(told), "{}", ran.stderr);
}
