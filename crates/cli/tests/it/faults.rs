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
    assert_eq!(
        ran.stderr.matches("Stopped calling model `small` (small at http://127.0.0.1").count(),
        1,
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("401"), "{}", ran.stderr);
    assert!(ran.stderr.lines().count() <= 6, "{}", ran.stderr);
    assert!(ran.stderr.contains("the server refuses the key"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("evalmark resume"), "it would fail again: {}", ran.stderr);
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

/// What a small run says where every request ends in this way.
fn check_told(reply: Reply, more: &str, told: &[&str], can_resume: bool) {
    let server = Server::start(move |_| reply.clone());
    let world = World::new(3);
    let text = crate::setup::suite(&server.url(), "").replace("attempts: 4", "attempts: 2");
    world.write(
        "suite.yaml",
        &text.replace("provider: openai,", &format!("provider: openai,{more}")),
    );
    let ran = world.run_suite("r", &["--prompt", "plain"]).expect(4);
    let place = format!("`small` (small at {})", server.url());
    for part in told.iter().chain(&[place.as_str(), "3 of 3 samples have no answer"]) {
        assert!(ran.stderr.contains(part), "`{part}` is not in {}", ran.stderr);
    }
    let resume = "evalmark resume reports/test/r";
    assert_eq!(ran.stderr.contains(resume), can_resume, "{}", ran.stderr);
}

#[test]
fn a_small_run_says_what_went_wrong_and_whether_to_try_again() {
    let error = |status: u16, error: serde_json::Value| {
        Reply::status(status).body(serde_json::json!({ "error": error }).to_string())
    };
    let no_model = error(
        404,
        serde_json::json!({ "message": "The model `x` does not exist", "code": "model_not_found" }),
    );
    check_told(
        no_model,
        "",
        &["bad_request: ", "HTTP 404 Not Found: The model `x` does not exist"],
        false,
    );
    let parameter = serde_json::json!({
        "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "code": "unsupported_parameter",
    });
    let hint = ["HTTP 400", "write `max_completion_tokens` under the model's `params`"];
    check_told(error(400, parameter), " params: { max_tokens: 5 },", &hint, false);
    let quota = serde_json::json!({ "message": "Insufficient Balance", "code": "x" });
    check_told(
        error(402, quota),
        "",
        &["Stopped calling model", "no credit left", "add credit to the account"],
        true,
    );
    let server = error(500, serde_json::json!({ "message": "out of memory" }));
    check_told(server, "", &["server: ", "HTTP 500 Internal Server Error: out of memory"], true);
    check_told(
        Reply::json(&serde_json::json!({ "choices": [] })),
        "",
        &["malformed: ", "`choices` is empty"],
        true,
    );
}

#[test]
fn a_refused_connection_names_host_and_port_and_a_path_may_lack_its_version() {
    let server = Server::start(|_| Reply::status(404));
    let world = World::new(2);
    let url = server.url();
    world.suite(url.trim_end_matches("/v1"), "");
    let ran = world.run_suite("r", &[]).expect(4);
    assert!(ran.stderr.contains("a `base_url` that ends in `/v1`"), "{}", ran.stderr);
    drop(server);
    world.suite(&url, "");
    let ran = world.run_suite("s", &["--prompt", "plain"]).expect(4);
    let place = url.trim_start_matches("http://").trim_end_matches("/v1");
    assert!(ran.stderr.contains(&format!("no connection to {place}: ")), "{}", ran.stderr);
}

#[test]
fn an_account_without_credit_ends_a_run_at_once() {
    let body = r#"{"error":{"message":"You exceeded your current quota, please check your plan","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let server = Server::start(move |_| Reply::status(429).body(body));
    let world = World::new(200);
    world.suite(&server.url(), "");
    let ran = world.run_suite("r", &[]).expect(4);
    assert!(server.count() <= 16, "{} requests", server.count());
    assert!(ran.stderr.contains("the account has no credit left"), "{}", ran.stderr);
    let ends = ends(&world, "r");
    assert!(ends["no_credit"] >= 1 && ends["endpoint_down"] >= 384, "{ends:?}");
}

/// A run that waits says what for within seconds, and ends when nothing comes for long enough.
#[test]
fn a_run_without_any_answer_is_not_silent_and_not_endless() {
    let server = Server::start(|_| {
        let error = serde_json::json!({ "error": { "message": "slow down, please" } });
        Reply::status(429).body(error.to_string())
    });
    let world = World::new(4);
    let text = crate::setup::suite(&server.url(), "");
    world.write("suite.yaml", &text.replace("attempts: 4", "attempts: 100, give_up_after: 7s"));
    let ran = world.run_suite("r", &["--prompt", "plain"]).expect(4);
    let told = ran.stderr;
    assert!(told.contains("Running 0/4 · ETA ?"), "{told}");
    assert!(told.contains("server answers 429 Too Many Requests: slow down, please ("), "{told}");
    assert!(told.contains("Stopped calling model `small`"), "{told}");
    assert!(told.contains("not one answer for"), "{told}");
    assert!(told.contains("evalmark resume reports/test/r"), "{told}");
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
    let mut folders = vec![world.path("cache/evalmark")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a cache") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                all.extend(std::fs::read(path).expect("a file"));
            }
        }
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
        line["message"].as_str().is_some_and(|text| text.contains("1 of 10 samples has no answer"))
    };
    assert!(lines.iter().any(told), "{}", ran.stderr);
}
