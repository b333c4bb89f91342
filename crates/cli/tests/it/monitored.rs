//! `evalmark monitor`: production logs scored once, line by line, whatever happens to the process and the files.

use std::{fs, io::Write, process::Stdio};

use serde_json::{Value, json};

use crate::setup::World;

const SUITE: &str = "\
name: test
dataset: { path: data.csv, id: id, target: label }
prompts: [{ name: plain, template: '{{ text }}' }]
models: [{ name: kept, recorded: { column: label } }]
metrics:
  - { name: exact, exact: {} }
  - { name: short, length_within: { unit: words, max: 3 } }
logs:
  from: logs
  fields:
    id: $.id
    time: $.at
    output: $.out.text
    variables: { text: $.in }
    target: $.label
    error: $.error
    cluster: $.user
  redact: [email]
";

fn world() -> World {
    let world = World::new(3);
    world.write("suite.yaml", SUITE);
    fs::create_dir(world.path("logs")).expect("a folder");
    world
}

/// A line of the logs of a day of November.
fn line(i: u32, day: u32) -> String {
    let at = format!("2026-11-{day:02}T10:00:00Z");
    let text = if i.is_multiple_of(4) { "far too many words here" } else { "blue" };
    let line = json!({
        "id": format!("r{i}"), "at": at, "out": { "text": text }, "in": "colour?", "user": i % 50,
    });
    format!("{line}\n")
}

fn status(world: &World) -> Value {
    let ran = world.run(&["monitor", "status", "suite.yaml", "--format", "json"]).expect(0);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

#[test]
fn each_line_counts_once_and_damaged_ones_are_told() {
    let world = world();
    let lines: String = (0..200).map(|i| line(i, 1 + i % 3)).collect();
    let odd = "not json\n[1]\n\n{\"id\":\"e\",\"error\":\"timed out for ann@example.org\"}\n";
    world.write("logs/a.jsonl", &format!("{lines}{odd}"));
    let ran = world.run(&["monitor", "suite.yaml"]).expect(0);
    assert!(
        ran.stdout.contains("203 lines, 201 records, 1 without an answer, 2 damaged"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("a.jsonl:201 is not JSON"), "{}", ran.stdout);
    assert!(ran.stdout.contains("a.jsonl:202 is not a JSON object"), "{}", ran.stdout);
    let again = world.run(&["monitor", "suite.yaml"]).expect(0);
    assert!(again.stdout.contains("nothing new"), "{}", again.stdout);
    let found = status(&world);
    assert_eq!(found["lines"]["kept"], 201);
    let short = &found["metrics"][1];
    assert_eq!(short["metric"], "short");
    assert_eq!(short["all"]["n_items"], 200);
    assert_eq!(short["all"]["mean"], 0.75);
    let days: Vec<_> =
        short["days"].as_array().into_iter().flatten().map(|day| &day["day"]).collect();
    assert_eq!(
        days,
        [&Value::Null, &json!("2026-11-01"), &json!("2026-11-02"), &json!("2026-11-03")]
    );
    // No line has a right answer.
    assert_eq!(found["metrics"][0]["all"], Value::Null);
    let text = world.run(&["monitor", "status", "suite.yaml"]).expect(0).stdout;
    assert!(text.contains("short (higher is better)") && text.contains("all days"), "{text}");
}

/// A day is tested once it is over, whether or not others follow; what is dated in the future ends none.
#[test]
fn days_are_over_by_the_clock() {
    let world = world();
    let days: String =
        (1..=9).flat_map(|day| (0..20).map(move |i| line(day * 100 + i, day))).collect();
    world.write("logs/a.jsonl", &days);
    world.run(&["monitor", "suite.yaml"]).expect(0);
    let at = |now: &str| {
        let arguments = ["monitor", "status", "suite.yaml", "--format", "json"];
        let ran = world.run_in(&arguments, &[("EVALMARK_TEST_NOW", now)]).expect(0);
        serde_json::from_str::<Value>(&ran.stdout).expect("JSON")
    };
    assert_eq!(at("2026-11-09T23:59:59Z")["drift"]["days"], 8);
    let over = at("2026-11-10T00:00:00Z");
    assert_eq!((&over["drift"]["days"], &over["from_future"]), (&json!(9), &json!(0)));
    // One record of another century changes nothing of that.
    world.write("logs/b.jsonl", &line(9_999, 9).replace("2026-11-09", "2126-11-09"));
    world.run(&["monitor", "suite.yaml"]).expect(0);
    let today = at("2026-11-09T23:59:59Z");
    assert_eq!((&today["drift"]["days"], &today["from_future"]), (&json!(8), &json!(1)));
    assert_eq!(today["metrics"][1]["days"][0]["day"], Value::Null);
    let told = world.run_in(
        &["monitor", "status", "suite.yaml"],
        &[("EVALMARK_TEST_NOW", "2026-11-09T23:00:00Z")],
    );
    assert!(told.stdout.contains("1 record dated in the future"), "{}", told.stdout);
    // Clocks that are a little ahead are none of that.
    let ahead = at("2026-11-09T09:55:00Z");
    assert_eq!(ahead["from_future"], 1);
}

#[test]
fn what_is_redacted_is_in_no_file() {
    let world = world();
    let mail = "ann.smith@example.org";
    let text = json!({"id": mail, "user": mail, "in": [{"mail": mail}], "out": {"text": mail}, "label": mail});
    let failed = json!({"id": "x", "error": format!("no answer for {mail}")});
    world.write("logs/a.jsonl", &format!("{text}\n{failed}\n{mail}\n"));
    world.run(&["monitor", "suite.yaml"]).expect(0);
    for entry in fs::read_dir(world.path("reports/test/monitor")).expect("a folder") {
        let bytes = fs::read(entry.expect("an entry").path()).expect("a file");
        let needle = b"ann.smith";
        assert!(!bytes.windows(needle.len()).any(|window| window == needle));
    }
    // It was scored as it was.
    assert_eq!(status(&world)["metrics"][0]["all"]["mean"], 1.0);
}

/// Killed at its first change of a file, then at its second, and so on: each time the logs have grown, and in the
/// end each line has counted once.
#[test]
fn a_process_that_is_killed_anywhere_counts_each_line_once() {
    let (mut killed, mut at) = (0, 1);
    loop {
        let world = world();
        let first: String = (0..300).map(|i| line(i, 1)).collect();
        world.write("logs/a.jsonl", &first);
        world.run(&["monitor", "suite.yaml"]).expect(0);
        let more: String = (300..500).map(|i| line(i, 2)).collect();
        world.write("logs/a.jsonl", &(first + &more));
        world.write("logs/b.jsonl", &(500..600).map(|i| line(i, 3)).collect::<String>());
        let ran = world
            .run_in(&["monitor", "suite.yaml"], &[("EVALMARK_TEST_ABORT_AT", &at.to_string())]);
        if ran.code == Some(0) {
            break;
        }
        killed += 1;
        fs::rename(world.path("logs/a.jsonl"), world.path("logs/a.jsonl.1")).expect("a name");
        world.write("logs/a.jsonl", &(600..650).map(|i| line(i, 4)).collect::<String>());
        world.run(&["monitor", "suite.yaml"]).expect(0);
        let found = status(&world);
        assert_eq!(found["lines"]["kept"], 650, "killed at change {at}");
        let days = found["metrics"][1]["days"].as_array().cloned().unwrap_or_default();
        let records: Vec<_> = days.iter().map(|day| day["records"].clone()).collect();
        assert_eq!(records, [300, 200, 100, 50], "killed at change {at}");
        at += 1;
    }
    assert!(killed >= 8, "{killed}");
}

#[test]
fn standard_input_is_read_to_its_end() {
    let world = world();
    let mut command = world.command(&["monitor", "suite.yaml", "--from", "-"]);
    let mut program =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut stdin = program.stdin.take().expect("stdin");
    for i in 0..1000 {
        stdin.write_all(line(i, 1).as_bytes()).expect("a pipe");
    }
    drop(stdin);
    let output = program.wait_with_output().expect("an end");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("1,000 lines, 1,000 records\n"), "{text}");
}

#[test]
fn a_sample_keeps_its_texts_and_all_keep_their_numbers() {
    let world = world();
    let sampled = SUITE.replace("  redact: [email]\n", "  sample: { rate: 0.2, seed: 3 }\n");
    world.write("suite.yaml", &sampled);
    world.write("logs/a.jsonl", &(0..1000).map(|i| line(i, 1)).collect::<String>());
    world.run(&["monitor", "suite.yaml"]).expect(0);
    let found = status(&world);
    let n = found["lines"]["sampled"].as_u64().unwrap_or_default();
    assert!((150..250).contains(&n), "{n}");
    assert_eq!(found["metrics"][1]["all"]["n_items"], 1000);
}

#[test]
fn mistakes_of_the_section_are_told_all_at_once_with_their_places() {
    let world = world();
    let wrong = SUITE
        .replace("output: $.out.text", "output: out.text")
        .replace("text: $.in", "txt: $.in")
        .replace("time: $.at", "tme: $.at")
        .replace(
            "  redact: [email]\n",
            "  sample: { rate: 1.5, by: $.m }\n  redact: [{ name: t, pattern: '(' }, { name: 'a b', pattern: 'x*' }]\n",
        );
    world.write("suite.yaml", &wrong);
    let ran = world.run(&["check", "suite.yaml"]).expect(2);
    for part in [
        "`out.text` is not a path: a path begins with `$`",
        "write `$.out.text`",
        "the dataset has no `txt`",
        "did you mean `text`?",
        "`tme`",
        "did you mean `time`?",
        "a rate is at least 0",
        "all values of `by` have the same rate",
        "`(` is not a pattern",
        "matches an empty text",
        "letters, digits",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
}

#[test]
fn what_cannot_be_monitored_is_told() {
    let world = world();
    let check = |arguments: &[&str], code: i32, part: &str| {
        let ran = world.run(arguments).expect(code);
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    };
    check(&["monitor", "suite.yaml"], 2, "there are no logs at");
    check(&["monitor", "suite.yaml", "--from", "none"], 2, "there are no logs at none");
    if !cfg!(feature = "object-store") {
        let place = "s3://data/logs/*.jsonl?region=eu-west-1";
        let build = "cargo install --path crates/cli --features object-store";
        check(&["monitor", "suite.yaml", "--from", place], 2, build);
    }
    check(&["monitor", "suite.yaml", "--from", "s3://data/a?regoin=x"], 2, "knows `region`");
    check(&["monitor", "status", "suite.yaml"], 4, "nothing has been monitored");
    world.write("logs/a.jsonl", "a,b\n1,2\n");
    check(&["monitor", "suite.yaml"], 4, "none of 2 lines is a record of this suite");
    world.write("suite.yaml", SUITE.split("logs:").next().expect("a suite"));
    check(&["monitor", "suite.yaml"], 2, "has no `logs` section");
}
