//! `evalmark feedback`: what users say is joined with the records that it is of, each event once, with its bias said.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::setup::World;

pub(crate) const SUITE: &str = "\
name: test
dataset: { path: data.csv, id: id, target: label }
prompts: [{ name: plain, template: '{{ text }}' }]
models: [{ name: kept, recorded: { column: label } }]
metrics: [{ name: short, length_within: { unit: words, max: 3 } }]
logs:
  fields:
    id: $.id
    time: $.at
    output: $.out
    variables: { text: $.in }
    prompt: $.prompt
    cluster: $.user
  redact: [email]
";

/// A suite whose monitor has read so many records, half of them served by each of two prompts.
pub(crate) fn world(n: usize) -> World {
    let world = World::new(1);
    world.write("suite.yaml", SUITE);
    let mut logs = String::new();
    for i in 0..n {
        let prompt = ["old", "new"][i % 2];
        let out = if i % 10 == 0 { "far too many words" } else { "blue" };
        let at = format!("2026-11-01T10:{:02}:{:02}Z", i / 60 % 60, i % 60);
        let line = json!({
            "id": format!("t{i}"), "at": at, "in": format!("question {i}"), "out": out, "prompt": prompt, "user": format!("u{i}"),
        });
        writeln!(logs, "{line}").expect("text");
    }
    world.write("logs.jsonl", &logs);
    world.run(&["monitor", "suite.yaml", "--from", "logs.jsonl"]).expect(0);
    world
}

pub(crate) fn json_of(world: &World, args: &[&str], code: i32) -> Value {
    let ran = world.run(&[args, &["--format", "json"]].concat()).expect(code);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

pub(crate) fn import(world: &World, lines: &str, more: &[&str]) -> Value {
    world.write("feedback.jsonl", lines);
    json_of(world, &[&["feedback", "import", "suite.yaml", "feedback.jsonl"], more].concat(), 0)
}

pub(crate) fn signal<'a>(status: &'a Value, name: &str) -> &'a Value {
    let signals = status["signals"].as_array().expect("a list");
    signals.iter().find(|signal| signal["signal"] == name).expect("the signal")
}

#[test]
fn an_event_counts_once_and_a_later_one_takes_its_place() {
    let world = world(20);
    let lines = "{\"id\":\"f1\",\"trace_id\":\"t1\",\"thumbs\":\"up\"}\n{\"trace_id\":\"t2\",\"thumbs\":\"down\"}\n";
    let first = import(&world, lines, &[]);
    assert_eq!((&first["added"], &first["joined"]), (&json!(2), &json!(2)));
    let again = import(&world, lines, &[]);
    assert_eq!((&again["added"], &again["known"]), (&json!(0), &json!(2)));
    let other = "{\"id\":\"f1\",\"trace_id\":\"t1\",\"thumbs\":\"down\"}\n{\"trace_id\":\"elsewhere\",\"thumbs\":\"up\"}\n";
    let later = import(&world, other, &[]);
    assert_eq!((&later["added"], &later["replaced"]), (&json!(1), &json!(1)));
    let status = json_of(&world, &["feedback", "status", "suite.yaml"], 0);
    let thumbs = signal(&status, "thumbs");
    assert_eq!((&thumbs["rated"], &thumbs["of"]), (&json!(2), &json!(20)));
    assert_eq!(thumbs["raters"]["mean"], 0.0);
    assert_eq!((&thumbs["weighted"], &status["unjoined"]), (&Value::Null, &json!(1)));
    let text = world.run(&["feedback", "status", "suite.yaml"]).expect(0).stdout;
    assert!(text.contains("Those who rate are not drawn at random"), "{text}");
}

/// Of 400 answers half are good. Whoever is content is asked half as often, and the log of exposures says so.
#[test]
fn who_was_asked_is_undone_by_weights() {
    let world = world(400);
    let (mut lines, mut exposures) = (String::new(), String::new());
    for i in 0..400 {
        let is_good = i % 2 == 0;
        let propensity = if is_good { 0.25 } else { 0.5 };
        let is_asked = if is_good { i % 8 == 0 } else { i % 4 == 1 };
        if is_asked {
            writeln!(
                lines,
                "{}",
                json!({"trace_id": format!("t{i}"), "rating": if is_good { 5 } else { 1 }})
            )
            .expect("text");
            writeln!(
                exposures,
                "{}",
                json!({"record_id": format!("t{i}"), "propensity": propensity})
            )
            .expect("text");
        }
    }
    world.write("exposures.jsonl", &exposures);
    import(&world, &lines, &["--scale", "1..5"]);
    let args = ["feedback", "status", "suite.yaml", "--exposures", "exposures.jsonl"];
    let status = json_of(&world, &args, 0);
    let rating = signal(&status, "rating");
    assert_eq!((&rating["rated"], &rating["of"]), (&json!(150), &json!(150)));
    let mean = |of: &str| rating[of]["mean"].as_f64().expect("a number");
    assert!((mean("raters") - 1.0 / 3.0).abs() < 1e-9, "{rating}");
    assert!((mean("weighted") - 0.5).abs() < 1e-9, "{rating}");
    world.write("exposures.jsonl", "{\"record_id\":\"t1\",\"propensity\":0}\n");
    let wrong = world.run(&args).expect(2);
    assert!(
        wrong.stderr.contains("exposures.jsonl, line 1: a propensity of 0"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn two_variants_are_compared_by_what_happened() {
    let world = world(1_000);
    let mut lines = String::new();
    for i in 0..1_000 {
        // The old prompt's users buy in four of five cases, those of the new one in half.
        let buys = if i % 2 == 0 { i % 10 != 0 } else { i % 4 == 1 };
        if buys {
            writeln!(lines, "{}", json!({"trace_id": format!("t{i}"), "event": "purchase"}))
                .expect("text");
        }
    }
    import(&world, &lines, &[]);
    let args = ["feedback", "compare", "suite.yaml", "old", "new", "--signal", "purchase"];
    let found = json_of(&world, &args, 1);
    assert_eq!((&found["answer"], &found["n_pairs"]), (&json!("regressed"), &json!(500)));
    assert_eq!((&found["before"]["mean"], &found["after"]["mean"]), (&json!(0.8), &json!(0.5)));
    assert!(found["ci_high"].as_f64().expect("a number") < -0.1, "{found}");
    let back = ["feedback", "compare", "suite.yaml", "new", "old", "--signal", "purchase"];
    assert_eq!(json_of(&world, &back, 0)["answer"], "improved");
    let check = |before: &str, after: &str, signal: &str, code: i32, expected: &str| {
        let args = ["feedback", "compare", "suite.yaml", before, after, "--signal", signal];
        let ran = world.run(&args).expect(code);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    };
    check("old", "older", "purchase", 2, "no record was served by `older`");
    check("old", "old", "purchase", 2, "`old` and `old` name the same records");
    check("old", "new", "refund", 4, "no answer has feedback called `refund`");
}

#[test]
fn few_users_decide_nothing() {
    let world = world(20);
    let line = |i| json!({"trace_id": format!("t{i}"), "thumbs": true}).to_string();
    import(&world, &(0..20).map(line).collect::<Vec<_>>().join("\n"), &[]);
    let args = ["feedback", "compare", "suite.yaml", "old", "new", "--signal", "thumbs"];
    assert_eq!(json_of(&world, &args, 3)["answer"], "inconclusive");
}

#[test]
fn what_users_dispute_and_correct_becomes_cases() {
    let world = world(20);
    let lines = [
        json!({"trace_id": "t1", "thumbs": "down"}),
        json!({"trace_id": "t2", "edited": "dark blue"}),
        json!({"trace_id": "t10", "thumbs": "up"}),
        json!({"trace_id": "t3", "thumbs": "up"}),
    ];
    import(&world, &lines.map(|line| line.to_string()).join("\n"), &[]);
    let args =
        ["dataset", "from-logs", "suite.yaml", "--write", "review.jsonl", "--pick", "disputed"];
    world.run(&[&args[..], &["--near", "1"]].concat()).expect(0);
    let text = std::fs::read_to_string(world.path("review.jsonl")).expect("a file");
    let rows: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let mut found: Vec<_> =
        rows.iter().map(|row| (row["log_id"].as_str(), &row["label"])).collect();
    found.sort_by_key(|(id, _)| *id);
    let edited = json!("dark blue");
    let expected = [(Some("t1"), &Value::Null), (Some("t10"), &Value::Null), (Some("t2"), &edited)];
    assert_eq!(found, expected);
}

#[test]
fn nothing_personal_is_kept_and_mistakes_are_told_with_their_place() {
    let world = world(5);
    let lines = [
        json!({"trace_id": "t1", "thumbs": "up", "comment": "ask ann@example.org", "user": "ann@example.org"}).to_string(),
        json!({"trace_id": "t2", "rating": 4}).to_string(),
        "{broken".to_owned(),
    ];
    let found = import(&world, &lines.join("\n"), &[]);
    assert_eq!((&found["added"], &found["damaged"]), (&json!(1), &json!(2)));
    let problems = found["problems"].to_string();
    assert!(problems.contains("feedback.jsonl:2: `rating`: 4 is not from 0 to 1"), "{problems}");
    assert!(problems.contains("feedback.jsonl:3: "), "{problems}");
    let kept = std::fs::read_to_string(world.path("reports/test/feedback/feedback.jsonl"));
    let kept = kept.expect("a file");
    assert!(kept.contains("ask [email]") && !kept.contains("ann@"), "{kept}");
    world.write("none.jsonl", "{\"thumbs\":\"up\"}\n");
    let none = world.run(&["feedback", "import", "suite.yaml", "none.jsonl"]).expect(4);
    assert!(none.stderr.contains("none of 1 document is feedback of an answer"), "{}", none.stderr);
    let absent = world.run(&["feedback", "import", "suite.yaml", "absent.jsonl"]).expect(2);
    assert!(absent.stderr.contains("absent.jsonl cannot be read"), "{}", absent.stderr);
}
