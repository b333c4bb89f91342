//! Replaying recorded answers.

use std::{fmt::Write as _, fs, path::Path};

use evalmark_core::{
    model::{Model, Provider, RecordedColumn},
    record::{ErrorKind, Outcome},
};
use evalmark_harness::{Endpoint, OpenError, RecordedAnswer, RecordingError, endpoint_key};
use evalmark_loopback::{Reply, Server};

use crate::setup::{Setup, get, limits, model, model_at, request};

fn recorded(path: &Path) -> Model {
    Model { provider: Provider::RecordedFile(path.into()), ..model_at("", limits()) }
}

fn line(prompt: &str, output: &str) -> String {
    format!("{{\"hash\":\"{}\",\"output\":\"{output}\"}}\n", request(prompt).hash())
}

#[test]
fn what_was_exported_replays_anywhere() {
    let server = Server::start(|seen| match seen.prompt().as_str() {
        "3" => Reply::refusal("no").usage(1, 2),
        "4" => Reply::status(400),
        prompt => Reply::text(prompt),
    });
    let setup = Setup::new();
    let live = setup.open(&model(&server));
    let asked = setup.ask(&live, 50);
    let mut recording = String::new();
    for (tag, record) in asked.records() {
        if let Some(answer) = RecordedAnswer::new(request(&tag.to_string()).hash(), &record) {
            let _ = writeln!(recording, "{}", serde_json::to_string(&answer).expect("JSON"));
        }
    }
    let path = setup.folder.path().join("answers.jsonl");
    fs::write(&path, recording).expect("a file");

    let elsewhere = Setup::new();
    let replay = elsewhere.open(&recorded(&path));
    let replayed = elsewhere.ask(&replay, 50);
    assert_eq!((replayed.tally.cached, replayed.tally.failed), (49, 1));
    for ((tag, live), (_, again)) in asked.records().iter().zip(replayed.records()) {
        assert_eq!((&live.output, &live.finish_reason), (&again.output, &again.finish_reason));
        assert_eq!((live.outcome, live.usage), (again.outcome, again.usage));
        // A recording keeps microseconds.
        let apart = live.timing.latency_ms.zip(again.timing.latency_ms).map(|(a, b)| (a - b).abs());
        let in_time = apart.is_some_and(|apart| apart < 1e-3);
        assert!(in_time || *tag == 4);
        assert_eq!(again.cached, *tag != 4);
    }
    let failure = replayed.records()[4].1.failure.clone().expect("a failure");
    assert_eq!(failure.kind, ErrorKind::NotRecorded);
    assert_eq!(replayed.records()[4].1.attempts, 0);
    assert_eq!(replayed.records()[3].1.outcome, Outcome::Refused);
    assert_eq!(get(&replay, "run", "4").map(|r| r.outcome), Some(Outcome::Failed));
}

#[test]
fn a_recording_is_known_by_its_content() {
    let setup = Setup::new();
    let (one, two) = (setup.folder.path().join("one"), setup.folder.path().join("two"));
    fs::write(&one, line("0", "yes")).expect("a file");
    fs::copy(&one, &two).expect("a copy");
    let first = setup.open(&recorded(&one));
    assert!(first.key().starts_with("recorded:"));
    assert_eq!(setup.open(&recorded(&two)).key(), first.key());
    let known = endpoint_key(&recorded(&one)).expect("a readable file");
    assert_eq!(known.as_deref(), Some(first.key()));
    fs::write(&two, line("0", "no")).expect("a file");
    let changed = setup.open(&recorded(&two));
    let output = |endpoint: &Endpoint| get(endpoint, "run", "0").and_then(|r| r.output);
    assert_eq!((output(&first), output(&changed)), (Some("yes".into()), Some("no".into())));
}

#[test]
fn marks_and_empty_lines_are_no_answers() {
    let setup = Setup::new();
    let path = setup.folder.path().join("answers.jsonl");
    let text =
        format!("\u{feff}{}\r\n\n{}{}", line("0", "0").trim(), line("1", "1"), line("0", "0"));
    fs::write(&path, text).expect("a file");
    setup.ask(&setup.open(&recorded(&path)), 2).assert_all_answered(2);
}

fn check_error(text: &str, expected: &str) {
    let setup = Setup::new();
    let path = setup.folder.path().join("a.jsonl");
    fs::write(&path, text).expect("a file");
    let opened = Endpoint::open(&recorded(&path), None, &setup.network, &setup.ledger);
    let message = opened.expect_err("no endpoint").to_string();
    let folder = format!("{}/", setup.folder.path().display());
    assert_eq!(message.replace(&folder, ""), expected);
    // Nothing of it was kept.
    fs::write(&path, "").expect("a file");
    assert_eq!(setup.ask(&setup.open(&recorded(&path)), 2).tally.cached, 0);
}

#[test]
fn bad_lines_are_named() {
    let good = line("0", "yes");
    check_error(
        &format!("{good}\n{{\"hash\":1}}\n"),
        "a.jsonl, line 3: not a recorded answer: invalid type: integer `1`, expected a string at column 9",
    );
    check_error(
        &format!("{good}{{\"hash\":\"abc\",\"output\":\"x\"}}"),
        "a.jsonl, line 2: not a recorded answer: `hash` must be 64 hexadecimal digits at column 13",
    );
    for (number, what) in [("NaN", "NaN at column 16"), ("-Infinity", "Infinity at column 17")] {
        let text = format!("{{\"latency_ms\": {number}, {}", &good[1..]);
        let expected =
            format!("a.jsonl, line 1: not a recorded answer: {what} is not JSON; write null");
        check_error(&text, &expected);
    }
    check_error(
        &good.replace("output", "outptu"),
        "a.jsonl, line 1: not a recorded answer: unknown field `outptu`, expected one of `hash`, \
         `output`, `outcome`, `finish_reason`, `input_tokens`, `output_tokens`, `latency_ms`, \
         `started_at_us`, `details` at column 83",
    );
    check_error(
        &good.replace('}', ",\"outcome\":\"failed\"}"),
        "a.jsonl, line 1: not a recorded answer: `outcome` must be `answered` or `refused`, not `failed`",
    );
    let hash = request("0").hash();
    check_error(
        &format!("{}{good}{}", line("1", "x"), line("0", "no")),
        &format!("a.jsonl, lines 2 and 3: different answers to the same request {hash}"),
    );
}

#[test]
fn what_is_no_recording_is_said() {
    let setup = Setup::new();
    let open = |model: &Model| {
        Endpoint::open(model, None, &setup.network, &setup.ledger).expect_err("no endpoint")
    };
    let error = open(&recorded(Path::new("/nowhere/a.jsonl")));
    assert!(matches!(error, OpenError::Recording(RecordingError::Unreadable { .. })), "{error:?}");
    let column = Provider::RecordedColumn(RecordedColumn::Same("answer".into()));
    let model = Model { provider: column, ..model_at("", limits()) };
    assert_eq!(open(&model), OpenError::Column { model: "small".into() });
    assert_eq!(endpoint_key(&model).ok(), Some(None));
}
