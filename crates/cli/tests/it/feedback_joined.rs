//! `evalmark feedback`: which event counts, for which record, and once; what does not is told with its place.

use serde_json::{Value, json};

use crate::{
    feedback::{SUITE, import, json_of, signal, world},
    setup::World,
};

fn lines(events: &[Value]) -> String {
    events.iter().flat_map(|event| [event.to_string(), "\n".to_owned()]).collect()
}

/// A suite whose monitor has read these lines.
fn monitored(records: &[Value]) -> World {
    let world = World::new(1);
    world.write("suite.yaml", SUITE);
    world.write("logs.jsonl", &lines(records));
    world.run(&["monitor", "suite.yaml", "--from", "logs.jsonl"]).expect(0);
    world
}

fn record(id: &Value, at: &str, prompt: &str) -> Value {
    json!({"id": id, "at": at, "in": format!("question {id} {at}"), "out": "blue", "prompt": prompt})
}

fn kept(world: &World) -> String {
    let path = world.path("reports/test/feedback/feedback.jsonl");
    std::fs::read_to_string(path).expect("a file")
}

fn problems(found: &Value) -> String {
    found["problems"].to_string()
}

#[test]
fn a_signal_stays_what_it_is() {
    let world = world(20);
    let happened = |i: u64| json!({"trace_id": format!("t{i}"), "event": "purchase"});
    let odd = json!({"trace_id": "t1", "event": "purchase", "value": 0});
    let all: Vec<_> = [odd.clone()].into_iter().chain((2..7).map(happened)).collect();
    let found = import(&world, &lines(&all), &[]);
    assert_eq!((&found["added"], &found["damaged"]), (&json!(5), &json!(1)));
    let told = "feedback.jsonl:1: `purchase` is a signal whose events have no value, and this one has a rating";
    assert!(problems(&found).contains(told), "{found}");
    // However many come later, it stays an outcome.
    let ratings: Vec<_> = (1..10)
        .map(|i| json!({"trace_id": format!("t{i}"), "event": "purchase", "value": 1}))
        .collect();
    let found = import(&world, &lines(&[&[happened(2)], &ratings[..]].concat()), &[]);
    assert_eq!((&found["known"], &found["damaged"]), (&json!(1), &json!(9)));
    let status = json_of(&world, &["feedback", "status", "suite.yaml"], 0);
    let purchase = signal(&status, "purchase");
    assert_eq!((&purchase["happens"], &purchase["raters"]["mean"]), (&json!(true), &json!(0.25)));
    // A file of earlier, in which both stand: what most are counts.
    let path = world.path("reports/test/feedback/feedback.jsonl");
    let score = r#"{"id":"x","record_id":"t9","signal":"purchase","value":{"score":0.0}}"#;
    std::fs::write(&path, format!("{score}\n{}", kept(&world))).expect("written");
    let status = json_of(&world, &["feedback", "status", "suite.yaml"], 0);
    assert_eq!(
        (&signal(&status, "purchase")["happens"], &status["other_kind"]),
        (&json!(true), &json!(1))
    );
}

#[test]
fn a_scale_that_was_wrong_makes_no_other_event() {
    let world = world(5);
    let events = lines(&[
        json!({"trace_id": "t1", "name": "csat", "value": 1, "user": "u1"}),
        json!({"trace_id": "t2", "name": "csat", "value": 0.5}),
    ]);
    assert_eq!(import(&world, &events, &[])["added"], 2);
    let found = import(&world, &events, &["--scale", "0..4"]);
    assert_eq!((&found["added"], &found["replaced"]), (&json!(0), &json!(2)));
    let status = json_of(&world, &["feedback", "status", "suite.yaml"], 0);
    assert_eq!(signal(&status, "csat")["raters"]["mean"], 0.1875);
}

#[test]
fn an_event_counts_once_for_the_last_answer_before_it() {
    let at = |minute: u32| format!("2026-11-01T10:{minute:02}:00Z");
    let world = monitored(&[
        record(&json!("a"), &at(0), "old"),
        record(&json!("a"), &at(20), "old"),
        record(&json!("t1:s1"), &at(0), "old"),
        record(&json!("t1:s2"), &at(5), "new"),
        record(&json!("t2:s1"), &at(0), "old"),
        record(&json!("t2:s2"), &at(5), "old"),
    ]);
    let events = [
        json!({"record_id": "a", "thumbs": "up", "time": at(10)}),
        json!({"trace_id": "t1", "thumbs": "down", "time": at(30)}),
        json!({"trace_id": "t1", "event": "purchase", "time": at(30)}),
    ];
    let found = import(&world, &lines(&events), &[]);
    assert_eq!((&found["joined"], &found["of_several"]), (&json!(3), &json!(3)));
    let to: Vec<_> = found["joined_to"].as_array().expect("a list").iter().collect();
    let record = |at: usize| to[at]["record"].as_str().expect("a text");
    assert!(record(0).starts_with("a (") && record(0).ends_with("logs.jsonl:1)"), "{found}");
    assert!(record(1).starts_with("t1:s2 ("), "{found}");
    let status = json_of(&world, &["feedback", "status", "suite.yaml"], 0);
    let thumbs = signal(&status, "thumbs");
    assert_eq!((&thumbs["rated"], &thumbs["raters"]["mean"]), (&json!(2), &json!(0.5)));
    // An outcome that is of traces counts each trace once: of `a`, `t1` and `t2` one.
    let purchase = signal(&status, "purchase");
    assert_eq!((&purchase["rated"], &purchase["of"]), (&json!(1), &json!(3)));
    let text = world.run(&["feedback", "status", "suite.yaml"]).expect(0).stdout;
    assert!(text.contains("3 events with an id that several records have"), "{text}");
    assert!(text.contains("purchase of t1, which 2 records have, counts for t1:s2 ("), "{text}");
}

#[test]
fn outcomes_count_from_the_answer_until_the_window_ends() {
    let at = |day: u32, hour: u32| format!("2026-11-{day:02}T{hour:02}:00:00Z");
    let records: Vec<_> = (0..8)
        .map(|i| record(&json!(format!("t{i}")), &at(2, 10), ["old", "new"][i % 2]))
        .collect();
    let world = monitored(&records);
    let event =
        |id: &str, time: Option<String>| json!({"trace_id": id, "event": "purchase", "time": time});
    let events = [
        event("t0", Some(at(2, 9))),
        event("t2", Some(at(2, 10))),
        event("t4", Some(at(3, 10))),
        event("t6", Some(at(3, 11))),
        event("t1", None),
        event("t3", Some("yesterday".to_owned())),
    ];
    let found = import(&world, &lines(&events), &[]);
    assert_eq!((&found["added"], &found["damaged"]), (&json!(5), &json!(1)));
    assert!(
        problems(&found).contains("feedback.jsonl:6: the time `\\\"yesterday\\\"` cannot be read"),
        "{found}"
    );
    let args = ["feedback", "compare", "suite.yaml", "old", "new", "--signal", "purchase"];
    let found = json_of(&world, &args, 3);
    assert_eq!((&found["before"]["mean"], &found["after"]["mean"]), (&json!(0.5), &json!(0.25)));
    let expected = json!({
        "before_answer": 1, "after_window": 1, "untimed": 1, "undated_records": 0, "waiting_records": 0,
    });
    assert_eq!(found["left_out"], expected);
    let text = world.run(&args).expect(3).stdout;
    assert!(text.contains("1 event from before the answer: not counted"), "{text}");
}

#[test]
fn ids_keep_their_digits_and_an_empty_one_is_none() {
    let records: Vec<Value> = [
        r#"{"id":18446744073709551617,"at":"2026-11-01T10:00:00Z","in":"a","out":"blue"}"#,
        r#"{"id":18446744073709551618,"at":"2026-11-01T10:00:00Z","in":"b","out":"blue"}"#,
    ]
    .map(|line| Value::String(line.to_owned()))
    .into();
    let world = World::new(1);
    world.write("suite.yaml", SUITE);
    let logs: Vec<_> = records.iter().filter_map(Value::as_str).collect();
    let empty = |n: u32| json!({"id": "", "at": "2026-11-01T10:00:00Z", "in": format!("{n}"), "out": "blue"});
    world.write("logs.jsonl", &format!("{}\n{}", logs.join("\n"), lines(&[empty(1), empty(2)])));
    world.run(&["monitor", "suite.yaml", "--from", "logs.jsonl"]).expect(0);
    let feedback = "{\"trace_id\":18446744073709551617,\"thumbs\":1}\n{\"trace_id\":18446744073709551618,\"thumbs\":0}\n";
    let found = import(&world, feedback, &[]);
    assert_eq!((&found["joined"], &found["of_several"]), (&json!(2), &json!(0)));
    let args = [
        "dataset",
        "from-logs",
        "suite.yaml",
        "--write",
        "review.jsonl",
        "--pick",
        "random",
        "--near",
        "1",
    ];
    world.run(&args).expect(0);
    let text = std::fs::read_to_string(world.path("review.jsonl")).expect("a file");
    let ids: std::collections::BTreeSet<_> = text
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).expect("JSON")["log_id"].clone().to_string()
        })
        .collect();
    assert_eq!(ids.len(), 4, "{text}");
    assert!(ids.contains("\"18446744073709551617\"") && !ids.contains("\"\""), "{ids:?}");
}

/// What serves, how an answer ended, names of signals and ids of events are texts of production, too.
#[test]
fn nothing_personal_is_kept_wherever_it_stands() {
    let ann = "ann@example.org";
    let hash = "3b1f0c9a7d5e4f2a8c6b1d0e9f7a5c3b1f0c9a7d5e4f2a8c6b1d0e9f7a5c3b1f";
    let world = World::new(1);
    let fields = "    prompt: $.prompt\n    prompt_hash: $.hash\n    model: $.model\n    finish_reason: $.why\n";
    let suite = SUITE
        .replace("    prompt: $.prompt\n", fields)
        .replace("[email]", "[email, phone, card, ip, key]");
    world.write("suite.yaml", &suite);
    let line = json!({
        "id": "t1", "at": "2026-11-01T10:00:00Z", "in": "a", "out": "blue", "prompt": format!("of {ann}"),
        "model": ann, "why": format!("for {ann}"), "hash": hash,
    });
    world.write("logs.jsonl", &lines(&[line]));
    world.run(&["monitor", "suite.yaml", "--from", "logs.jsonl"]).expect(0);
    let args =
        ["dataset", "from-logs", "suite.yaml", "--write", "review.jsonl", "--pick", "random"];
    world.run(&args).expect(0);
    let review = std::fs::read_to_string(world.path("review.jsonl")).expect("a file");
    assert!(!review.contains("ann@") && review.contains(hash), "{review}");
    let events = [
        json!({"id": format!("by {ann}"), "trace_id": "t1", "name": format!("asked {ann}"), "value": 1}),
        json!({"trace_id": "t1", "name": "csat", "value": ann}),
    ];
    let found = import(&world, &lines(&events), &[]);
    assert!(!kept(&world).contains("ann@") && !found.to_string().contains("ann@"), "{found}");
    for entry in std::fs::read_dir(world.path("reports/test/monitor")).expect("a folder").flatten()
    {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&bytes).contains("ann@"), "{}", entry.path().display());
    }
}

#[test]
fn feedback_is_not_kept_where_nothing_says_what_is_taken_out() {
    let world = World::new(1);
    let (suite, _) = SUITE.split_once("logs:").expect("a section");
    world.write("suite.yaml", suite);
    world.write(
        "feedback.jsonl",
        "{\"trace_id\":\"t1\",\"thumbs\":1,\"comment\":\"ann@example.org\"}\n",
    );
    let args = ["feedback", "import", "suite.yaml", "feedback.jsonl"];
    let refused = world.run(&args).expect(2);
    assert!(refused.stderr.contains("has no `logs` section"), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("logs: { redact: [email, phone, card, key] }"),
        "{}",
        refused.stderr
    );
    assert!(!world.path("reports/test/feedback").exists());
    world.write("suite.yaml", &format!("{suite}logs: {{ redact: [email, phone, card, key] }}\n"));
    world.run(&args).expect(0);
    assert!(kept(&world).contains("[email]"));
}

#[test]
fn everything_of_a_log_of_exposures_is_accounted_for() {
    let world = world(10);
    let thumbs = |i: u64| json!({"trace_id": format!("t{i}"), "thumbs": true});
    import(&world, &lines(&(1..6).map(thumbs).collect::<Vec<_>>()), &[]);
    let exposed = |id: &str| json!({"record_id": id, "propensity": 0.5});
    let all = [exposed("t1"), exposed("t2"), exposed("t2"), exposed("t8"), exposed("elsewhere")];
    world.write("exposures.jsonl", &format!("\u{feff}{}", lines(&all)));
    let args = ["feedback", "status", "suite.yaml", "--exposures", "exposures.jsonl"];
    let status = json_of(&world, &args, 0);
    let expected = json!({"lines": 5, "repeated": 1, "unmatched": 1, "unasked_events": 3});
    assert_eq!((&status["exposures"], &status["exposed"]), (&expected, &json!(3)));
    let thumbs = signal(&status, "thumbs");
    assert_eq!((&thumbs["rated"], &thumbs["of"]), (&json!(2), &json!(3)));
    let low = |of: &str| thumbs[of]["low"].as_f64().expect("a number");
    // Two content users out of two prove little.
    assert!(
        thumbs["weighted"]["mean"] == 1.0 && low("weighted") < 0.5 && low("raters") < 0.7,
        "{thumbs}"
    );
    let text = world.run(&args).expect(0).stdout;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = "log of exposures: 5 lines, 1 said again what an earlier one says, 1 named no record that the monitor has; \
                3 events of records that it does not have left out";
    assert!(text.contains(told), "{text}");
}
