//! Runs of `MLflow`'s tracking server: what the real one (3.17.2) answered is played back in small pages, and `expected`
//! beside it is what `MLflow`'s own client read. `crates/integrations/tests/real/mlflow_server.py` recorded it.

use std::{collections::BTreeMap, sync::LazyLock};

use evalmark_loopback::{Reply, Seen, Server};
use evalmark_report::dataset::parquet_rows;
use serde_json::{Value, json};

use super::{file, run_folder};
use crate::setup::{Ran, World};

/// Traces of one page.
const PAGE: usize = 15;

static RECORDED: LazyLock<Value> = LazyLock::new(|| {
    let packed = std::fs::File::open(file("mlflow", "server.json.gz")).expect("a recording");
    serde_json::from_reader(flate2::read::GzDecoder::new(packed)).expect("JSON")
});

const RUNS: [&str; 3] = ["before", "after", "repeat"];

fn id(run: &str) -> &'static str {
    RECORDED[run]["id"].as_str().expect("an id")
}

fn not_found(what: &str) -> Reply {
    let told =
        json!({ "error_code": "RESOURCE_DOES_NOT_EXIST", "message": format!("{what} not found") });
    Reply::status(404).body(told.to_string())
}

/// What the server says to a question.
fn answered(seen: &Seen) -> Reply {
    let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
    let is_asked = |run: &&&str| {
        query.contains(id(run)) || String::from_utf8_lossy(&seen.body).contains(id(run))
    };
    let run = RUNS.iter().find(is_asked);
    match (path, run) {
        ("/api/2.0/mlflow/runs/get", Some(run)) => Reply::json(&RECORDED[*run]["run"]),
        ("/api/2.0/mlflow/experiments/get", _) => Reply::json(&RECORDED["experiment"]),
        ("/api/3.0/mlflow/traces/search", Some(run)) => traces(run, &seen.json()),
        ("/api/3.0/mlflow/traces/batchGet", _) => spans(query),
        (_, _) => not_found(path),
    }
}

fn traces(run: &str, question: &Value) -> Reply {
    assert_eq!(question["locations"][0]["mlflow_experiment"]["experiment_id"], "1");
    assert_eq!(question["filter"], format!("attribute.run_id = '{}'", id(run)));
    let all = RECORDED[run]["traces"]["traces"].as_array().expect("traces");
    let start: usize =
        question["page_token"].as_str().map_or(0, |token| token.parse().expect("a token"));
    let end = (start + PAGE).min(all.len());
    let mut page = json!({ "traces": all[start..end] });
    if end < all.len() {
        page["next_page_token"] = end.to_string().into();
    }
    Reply::json(&page)
}

fn spans(query: &str) -> Reply {
    let all =
        RUNS.iter().flat_map(|run| RECORDED[*run]["spans"]["traces"].as_array().expect("spans"));
    let asked = all
        .filter(|trace| query.contains(trace["trace_info"]["trace_id"].as_str().expect("an id")));
    Reply::json(&json!({ "traces": asked.collect::<Vec<_>>() }))
}

fn server() -> (Server, String) {
    let server = Server::start(answered);
    let address = server.url().trim_end_matches("/v1").to_owned();
    (server, address)
}

fn words(ran: &Ran) -> String {
    ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Failure and scores of each answer, by what was asked; repetitions in order of their scores.
type Told = BTreeMap<String, Vec<(bool, BTreeMap<String, String>)>>;

fn told(run: &str) -> Told {
    let mut told = Told::new();
    for row in RECORDED[run]["expected"].as_array().expect("rows") {
        let scores = row["scores"].as_object().expect("scores").iter();
        let scores = scores
            .filter_map(|(name, value)| Some((name.clone(), format!("{:.9}", value.as_f64()?))));
        let of = told.entry(row["question"].as_str().expect("a question").to_owned()).or_default();
        of.push((row["failed"] == true, scores.collect()));
    }
    for of in told.values_mut() {
        of.sort();
    }
    told
}

fn imported(world: &World, id: &str) -> Told {
    let mut found = Told::new();
    for row in parquet_rows(&run_folder(world, id).join("samples.parquet")).expect("samples") {
        let row = row.expect("a row");
        let input: Value =
            serde_json::from_str(row["input"].as_str().expect("a text")).expect("JSON");
        let scores = row.iter().filter_map(|(column, value)| {
            Some((column.strip_prefix("score.")?.to_owned(), format!("{:.9}", value.as_f64()?)))
        });
        let of =
            found.entry(input["question"].as_str().expect("a question").to_owned()).or_default();
        of.push((row["outcome"] == "failed", scores.collect()));
    }
    for of in found.values_mut() {
        of.sort();
    }
    found
}

#[test]
fn every_score_of_a_run_is_what_mlflows_client_reads() {
    let (server, address) = server();
    let world = World::new(0);
    for run in RUNS {
        let variables = [("MLFLOW_TRACKING_URI", address.as_str())];
        let words =
            ["import", "results", "--from", "mlflow", id(run), "--run-id", run, "--suite", run];
        let ran = world.run_in(&words, &variables).expect(0);
        let n = RECORDED[run]["expected"].as_array().expect("rows").len();
        assert!(
            ran.stdout.contains(&format!("read {n} results of mlflow: {n} kept, 0 left out")),
            "{}",
            ran.stdout
        );
        assert_eq!(imported(&world, run), told(run), "{run}");
    }
    assert!(server.requests().iter().all(|seen| seen.header("authorization").is_none()));
}

#[test]
fn two_runs_are_gated_by_id_and_by_address() {
    let (_server, address) = server();
    let world = World::new(0);
    let page = format!("{address}/#/experiments/1/evaluation-runs?selectedRunUuid={}", id("after"));
    let words = ["gate", "--from", "mlflow", id("before"), &page, "--server", &address];
    let ran =
        world.run(&[&words[..], &["--metric", "right", "--format", "json"]].concat()).expect(1);
    let verdict: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let [one] = verdict["comparisons"].as_array().expect("comparisons").as_slice() else {
        panic!("{verdict:#}")
    };
    assert_eq!(
        (&one["answer"], &one["counts"]["paired"]),
        (&"regressed".into(), &39.into()),
        "{one:#}"
    );
    // The value that came last stands, and what people said of three answers is not a score of the others.
    let words = ["import", "results", "--from", "mlflow", id("after"), "--server", &address];
    let run = world.run(&[&words[..], &["--format", "json"]].concat());
    let shown: Value = serde_json::from_str(&run.expect(0).stdout).expect("JSON");
    let rows = shown["summary"].as_array().expect("rows");
    let helpful = rows.iter().find(|row| row["metric"] == "helpful").expect("a metric");
    assert_eq!(
        (&helpful["n_planned"], &helpful["n_missing"]),
        (&3.into(), &0.into()),
        "{helpful:#}"
    );
    assert_eq!(helpful["estimate"]["mean"], 4.0, "{helpful:#}");
}

#[test]
fn keys_go_to_the_server_that_the_user_names_and_to_no_other() {
    let (server, address) = server();
    let world = World::new(0);
    let named = ["import", "results", "--from", "mlflow", id("before"), "--server", &address];
    world.run_in(&named, &[("MLFLOW_TRACKING_TOKEN", "canary-token-1")]).expect(0);
    let seen = server.requests();
    assert!(
        seen.iter().all(|seen| seen.header("authorization") == Some("Bearer canary-token-1")),
        "{seen:?}"
    );
    let both =
        [("MLFLOW_TRACKING_USERNAME", "ann"), ("MLFLOW_TRACKING_PASSWORD", "canary-password")];
    world.run_in(&named, &both).expect(0);
    let last = server.requests().pop().expect("a request");
    assert_eq!(last.header("authorization"), Some("Basic YW5uOmNhbmFyeS1wYXNzd29yZA=="));
    // A page's address may be a stranger's.
    let n_asked = server.count();
    let page = format!("{address}/#/experiments/1/runs/{}", id("before"));
    let of_page =
        ["import", "results", "--from", "mlflow", &page, "--server", "http://127.0.0.1:9"];
    let token = [("MLFLOW_TRACKING_TOKEN", "canary-token-1")];
    let told = words(&world.run_in(&of_page, &token).expect(2));
    let place = address.trim_start_matches("http://");
    assert!(told.contains(&format!("add `--allow-key MLFLOW_TRACKING_TOKEN@{place}`")), "{told}");
    assert_eq!(server.count(), n_asked);
    let grant = format!("MLFLOW_TRACKING_TOKEN@{place}");
    world.run_in(&[&of_page[..], &["--allow-key", &grant]].concat(), &token).expect(0);
    for file in walkdir(&world) {
        let text = String::from_utf8_lossy(&std::fs::read(&file).expect("a file")).into_owned();
        assert!(!text.contains("canary"), "{}", file.display());
    }
}

fn walkdir(world: &World) -> Vec<std::path::PathBuf> {
    let mut folders = vec![world.path("reports")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

#[test]
fn what_a_server_lacks_or_garbles_is_told() {
    let check = |reply: Reply, expected: &[&str]| {
        let server = Server::start(move |_| reply.clone());
        let address = server.url().trim_end_matches("/v1").to_owned();
        let world = World::new(0);
        let ran = world.run(&[
            "import",
            "results",
            "--from",
            "mlflow",
            id("before"),
            "--server",
            &address,
        ]);
        let told = words(&ran.expect(2));
        for part in expected {
            assert!(told.contains(part), "`{part}` is not in {told}");
        }
        assert!(!world.path("reports").exists());
    };
    let name = format!("run {}", id("before"));
    check(
        Reply::json(&json!({ "run": { "info": {} } })),
        &[&name, "(at run.info): missing field `experiment_id`"],
    );
    check(Reply::bytes("<html>sign in</html>"), &[&name, "sends what its API does not have"]);
    check(Reply::garbage(), &[&name, "sends what its API does not have"]);
    check(Reply::status(401), &["says 401 Unauthorized", "set MLFLOW_TRACKING_TOKEN"]);
    check(
        Reply::status(302).header("location", "/login?token=hush"),
        &["/login?…, and redirects are not followed"],
    );
    check(Reply::status(500).header("retry-after", "0"), &["says 500 Internal Server Error"]);
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    check(Reply::bytes(deep), &["sends what its API does not have"]);
}

#[test]
fn a_run_without_traces_is_read_by_its_table() {
    let table = std::fs::File::open(file("mlflow", "before.json.gz")).expect("a table");
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(table), &mut bytes)
        .expect("a table");
    let server = Server::start(move |seen| match seen.path.split('?').next().unwrap_or_default() {
        "/get-artifact" => Reply::bytes(bytes.clone()),
        "/api/3.0/mlflow/traces/search" => Reply::json(&json!({})),
        _ => answered(seen),
    });
    let address = server.url().trim_end_matches("/v1").to_owned();
    let world = World::new(0);
    let words = ["import", "results", "--from", "mlflow", id("before"), "--server", &address];
    let ran = world.run(&words).expect(0);
    assert!(ran.stdout.contains("read 44 results of mlflow"), "{}", ran.stdout);
}
