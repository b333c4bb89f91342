//! Models that are programs: asked by lines, and described when they fail.

#![cfg(unix)]

use std::{fs, time::Duration};

use evalmark_core::{
    model::{Limits, Model, ModelProgram, Provider},
    record::ErrorKind,
};
use evalmark_harness::{Endpoint, Keys, RequestRuntime, endpoint_key};

use crate::setup::{Setup, limits, model_at, tuning};

/// Answers with the prompt, and notes each process.
const ECHO: &str = r#"
import json, sys
open("started.txt", "a").write("one\n")
for line in sys.stdin:
    row = json.loads(line)
    print(json.dumps({"id": row["id"], "output": row["prompt"], "output_tokens": 1}))
open("ended.txt", "a").write("one\n")
"#;

fn setup() -> Setup {
    let runtime = RequestRuntime::start(tuning()).expect("threads");
    let path = std::env::var_os("PATH").expect("a path");
    Setup { network: runtime.with_programs(&[("PATH".into(), path)]), ..Setup::new() }
}

fn program(setup: &Setup, words: &[&str], limits: Limits) -> Model {
    let words = words.iter().map(|&word| word.into()).collect();
    let folder = setup.folder.path().to_owned();
    let program = ModelProgram { kind: "command", words, folder, variables: Vec::new() };
    Model { provider: Provider::Program(program), ..model_at("", limits) }
}

fn python(setup: &Setup, script: &str, limits: Limits) -> Model {
    fs::write(setup.folder.path().join("app.py"), script).expect("a file");
    program(setup, &["python3", "app.py"], limits)
}

fn once() -> Limits {
    Limits { attempts: 1, concurrency: 1, ..limits() }
}

/// What became of one request to a program that a shell runs.
fn check(script: &str, kind: ErrorKind, words: &str) {
    let setup = setup();
    let model = program(&setup, &["sh", "-c", script], once());
    let asked = setup.ask(&setup.open(&model), 1);
    let failure = asked.records()[0].1.failure.clone().expect("a failure");
    assert_eq!(failure.kind, kind, "{script}: {failure:?}");
    assert!(failure.message.contains(words), "{script}: {failure:?}");
}

#[test]
fn a_process_answers_many_requests_and_ends_by_itself() {
    let setup = setup();
    let model = python(&setup, ECHO, Limits { concurrency: 3, ..limits() });
    let endpoint = setup.open(&model);
    let asked = setup.ask(&endpoint, 60);
    asked.assert_all_answered(60);
    assert!(asked.records().iter().all(|(_, record)| record.usage.output_tokens == Some(1)));
    drop(endpoint);
    let count = |name: &str| {
        let text = fs::read_to_string(setup.folder.path().join(name)).unwrap_or_default();
        text.lines().count()
    };
    assert!((1..=3).contains(&count("started.txt")), "{} processes", count("started.txt"));
    assert_eq!(count("ended.txt"), count("started.txt"), "stopped before they could end");
    // The same program is not asked again; a changed one is another model.
    let again = setup.ask(&setup.open(&model), 60);
    assert_eq!(again.tally.cached, 60);
    let before = endpoint_key(&model).expect("a key");
    let changed = python(&setup, &ECHO.replace("\"output_tokens\": 1", ""), limits());
    assert_ne!(endpoint_key(&changed).expect("a key"), before);
}

#[test]
fn a_program_that_answers_once_and_ends_is_started_for_each_request() {
    let setup = setup();
    let script = r#"read -r line; n=$(echo "$line" | sed 's/.*"prompt":"\([0-9]*\)".*/\1/'); echo "$line" | sed "s/\(.*\"id\":[0-9]*\).*/\1,\"output\":\"$n\"}/""#;
    let model = program(&setup, &["sh", "-c", script], once());
    setup.ask(&setup.open(&model), 6).assert_all_answered(6);
}

#[test]
fn what_is_no_answer_is_a_described_failure() {
    use ErrorKind::{BadRequest, Connection, Malformed, RateLimited, Server};
    check("echo no model >&2; exit 3", Server, "exit status: 3: no model");
    check("exit 0", Server, "ended before it answered");
    check("exec >&-; sleep 60", Server, "closed its output");
    check("read l; echo Loading the model", Malformed, "logs belong to stderr");
    check("read l; echo '[1]'", Malformed, "it is no JSON object");
    check("read l; echo '{\"output\":\"x\"}'", Malformed, "it has no `id`");
    check("echo '{\"output\":\"ready\"}'; read l; sleep 5", Malformed, "it has no `id`");
    check("read l; echo '{\"id\":1}'", Malformed, "it has no `output` and no `error`");
    check("read l; echo '{\"id\":7,\"output\":\"x\"}'", Malformed, "its `id` is not that");
    check("read l; printf '\\377\\n'", Malformed, "not UTF-8");
    check(
        "read l; echo '{\"id\":1,\"output\":\"x\",\"input_tokens\":\"many\"}'",
        Malformed,
        "many",
    );
    check(
        "read l; echo '{\"id\":1,\"error\":\"Rate limit reached\"}'",
        RateLimited,
        "Rate limit reached",
    );
    check(
        "read l; echo '{\"id\":1,\"error\":{\"code\":400,\"message\":\"too long\"}}'",
        BadRequest,
        "too long",
    );
    let setup = setup();
    let missing = program(&setup, &["no-such-program-anywhere"], once());
    let failure = setup.ask(&setup.open(&missing), 1).records()[0].1.failure.clone();
    let failure = failure.expect("a failure");
    assert_eq!(failure.kind, Connection);
    assert!(failure.message.contains("cannot be started"), "{failure:?}");
}

#[test]
fn a_crash_costs_the_request_that_it_answered_and_no_other() {
    let setup = setup();
    let script = ECHO.replace(
        "    print(",
        "    if row[\"prompt\"] == \"4\": sys.exit(\"bad luck\")\n    print(",
    );
    let model = python(&setup, &script, once());
    let asked = setup.ask(&setup.open(&model), 10);
    assert_eq!((asked.tally.answered, asked.tally.failed), (9, 1));
    let failure = asked.records()[4].1.failure.clone().expect("a failure");
    assert!(failure.message.contains("bad luck"), "{failure:?}");
}

#[test]
fn a_process_that_is_too_slow_is_stopped_with_what_it_started() {
    let setup = setup();
    let limits = Limits { timeout: Duration::from_millis(300), ..once() };
    let script = "sleep 3 && touch survived.txt & read l; wait";
    let model = program(&setup, &["sh", "-c", script], limits);
    let asked = setup.ask(&setup.open(&model), 1);
    let failure = asked.records()[0].1.failure.clone().expect("a failure");
    assert_eq!(failure.kind, ErrorKind::Timeout);
    std::thread::sleep(Duration::from_millis(3_200));
    assert!(!setup.folder.path().join("survived.txt").exists(), "its child lived on");
}

#[test]
fn what_a_program_started_ends_with_it() {
    let setup = setup();
    let script = "sleep 2 && touch survived.txt & read l; echo '{\"id\":1,\"output\":\"0\"}'";
    let model = program(&setup, &["sh", "-c", script], once());
    setup.ask(&setup.open(&model), 1).assert_all_answered(1);
    std::thread::sleep(Duration::from_millis(2_500));
    assert!(!setup.folder.path().join("survived.txt").exists(), "its child lived on");
}

#[test]
fn a_program_sees_the_variables_that_it_names_and_nobody_sees_their_values() {
    let setup = setup();
    let script =
        "read l; echo \"{\\\"id\\\":1,\\\"output\\\":\\\"$APP_KEY and $APP_MODE$HOME\\\"}\"; echo";
    let mut model = program(&setup, &["sh", "-c", script], once());
    let Provider::Program(program) = &mut model.provider else { return };
    program.variables = vec!["APP_KEY".to_owned(), "APP_MODE".to_owned()];
    let own = [("APP_KEY", "canary-0123456789"), ("APP_MODE", "in the answer")];
    let keys = Keys::Variables(own.map(|(name, value)| (name.into(), value.into())).into());
    let endpoint = Endpoint::open(&model, keys, &setup.network, &setup.ledger).expect("opened");
    let asked = setup.ask(&endpoint, 1);
    assert_eq!(asked.records()[0].1.output.as_deref(), Some("[redacted] and in the answer"));
}

#[test]
fn without_leave_no_program_is_started() {
    let setup = Setup::new();
    let model = program(&setup, &["touch", "ran.txt"], once());
    let refused = Endpoint::open(&model, Keys::None, &setup.network, &setup.ledger);
    assert!(refused.is_err_and(|error| error.to_string().contains("none may be started")));
    assert!(!setup.folder.path().join("ran.txt").exists());
}
