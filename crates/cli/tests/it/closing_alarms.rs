//! Alarms that end: a release begins anew, and so does `monitor restart`.

use std::{
    fs,
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    releases::{promote, propose, release_another, released},
    setup::World,
};

const DAY: u64 = 86_400;

const LOGS: &str = "\
logs:
  from: logs
  fields:
    id: $.id
    time: $.at
    output: $.out
    target: $.label
    variables: { text: $.in }
    prompt_hash: $.prompt
";

/// A prompt that is released to staging, whose suite reads logs.
fn world() -> World {
    let world = released();
    let suite = String::from_utf8(world.bytes("suite.yaml")).expect("text");
    world.write("suite.yaml", &format!("{suite}{LOGS}"));
    fs::create_dir(world.path("logs")).expect("a folder");
    world
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs()
}

/// Sixty days from now, when all of the logs are over.
fn later() -> [(&'static str, &'static str); 1] {
    static AT: LazyLock<String> = LazyLock::new(|| {
        let at = i64::try_from(now() + 60 * DAY).expect("a time");
        Timestamp::from_second(at).expect("a time").to_string()
    });
    [("EVALMARK_TEST_NOW", &AT)]
}

fn released_hash(world: &World) -> String {
    let state = world.json("releases/staging.json");
    state["prompts"]["support/intent"]["hash"].as_str().expect("a hash").to_owned()
}

/// Logs of some days, of a hundred records each, of which so many are wrong.
fn read_days(world: &World, file: &str, begin: u64, wrong: &[u64], prompt: &str) {
    let mut lines = String::new();
    for (day, wrong) in (0..).zip(wrong) {
        for i in 0..100 {
            let out = if i < *wrong { "login" } else { "money" };
            let line = json!({
                "id": format!("{file}-{day}-{i}"), "at": begin + day * DAY + i, "in": "a question",
                "out": out, "label": "money", "prompt": prompt,
            });
            lines.extend([&*line.to_string(), "\n"]);
        }
    }
    world.write(&format!("logs/{file}.jsonl"), &lines);
    world.run(&["monitor", "suite.yaml"]).expect(0);
}

fn status(world: &World, more: &[&str], code: i32) -> Value {
    let arguments = [&["monitor", "status", "suite.yaml", "--format", "json"], more].concat();
    let ran = world.run_in(&arguments, &later()).expect(code);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

fn reference(found: &Value) -> &str {
    found["baseline"].as_str().unwrap_or_default()
}

#[test]
fn production_is_held_against_what_is_released_and_a_new_release_ends_the_alarm() {
    let world = world();
    let hash = released_hash(&world);
    // What was there before the release does not count, however bad.
    read_days(&world, "before", now() - 20 * DAY, &[90; 9], &hash);
    let found = status(&world, &[], 0);
    assert_eq!(found["left_out_of_drift"], 900);
    let bad: Vec<_> = (0..22).map(|day| if day < 8 { 0 } else { 60 }).collect();
    read_days(&world, "after", now() + 1, &bad, &hash[..16]);
    let found = status(&world, &[], 1);
    assert!(reference(&found).starts_with("release 1 of staging: plain · one"), "{found:#}");
    assert_eq!(found["drift"]["alarms"][0]["stream"], "exact", "{found:#}");
    // A baseline that is named goes before, and counts all records.
    let named = status(&world, &["--baseline", "main"], 1);
    assert_eq!((reference(&named), &named["left_out_of_drift"]), ("labels/main", &json!(0)));
    // The fixed prompt is released: records of the earlier one do not count any more.
    release_another(&world, "r2", "Answer with one word: money, delivery or login.");
    let found = status(&world, &[], 0);
    assert!(reference(&found).starts_with("release 2 of staging"), "{found:#}");
    assert_eq!(found["left_out_of_drift"], 3100);
    let fixed = released_hash(&world);
    read_days(&world, "fixed", now() + 1, &[0; 15], &fixed);
    let found = status(&world, &[], 0);
    assert_eq!(found["drift"]["alarms"], json!([]));
    assert!(found["drift"]["days"].as_u64().is_some_and(|days| days >= 14), "{found:#}");
    let text = world.run(&["monitor", "status", "suite.yaml"]).expect(0).stdout;
    assert!(text.contains("drift is tested since"), "{text}");
}

#[test]
fn a_restart_ends_an_alarm_and_later_drift_is_called_again() {
    let world = world();
    let begin = 1_780_272_000; // 2026-06-01
    let bad: Vec<_> = (0..43).map(|day| if (8..22).contains(&day) { 60 } else { 0 }).collect();
    read_days(&world, "a", begin, &bad, "unknown");
    let against = ["--baseline", "main"];
    status(&world, &against, 1);
    let restart =
        ["monitor", "restart", "suite.yaml", "--at", "2026-06-23", "--reason", "rolled back"];
    let ran = world.run(&restart).expect(0);
    assert!(ran.stdout.contains("drift is tested anew from 2026-06-23"), "{}", ran.stdout);
    let found = status(&world, &against, 0);
    assert_eq!(
        (&found["since"], &found["left_out_of_drift"]),
        (&json!("2026-06-23T00:00:00Z"), &json!(2200))
    );
    let kept = world.json("reports/labels/monitor/restarts.json");
    assert_eq!(kept["restarts"][0]["reason"], "rolled back");
    // Reading goes on, and what is bad again is called again.
    read_days(&world, "b", begin + 43 * DAY, &[60; 15], "unknown");
    let found = status(&world, &against, 1);
    let onset = found["drift"]["alarms"][0]["began"].as_str().unwrap_or_default();
    assert!(onset >= "2026-07-13", "{found:#}");
    let check = |arguments: &[&str], code: i32, told: &str| {
        let ran = world.run(arguments).expect(code);
        assert!(ran.stderr.contains(told), "{told} in {}", ran.stderr);
    };
    check(&["monitor", "restart", "suite.yaml", "--at", "soon"], 2, "write a date, or RFC 3339");
    let restart = ["monitor", "restart", "suite.yaml"];
    check(&[&restart[..], &["--at", "2999-01-01"]].concat(), 2, "`2999-01-01` has not come yet");
    check(&[&restart[..], &["--reason", " "]].concat(), 2, "the reason is empty");
    assert_eq!(world.json("reports/labels/monitor/restarts.json"), kept);
    check(&["monitor", "restart", "suite.yaml", "--out", "none"], 4, "nothing has been monitored");
}

#[test]
fn a_release_that_cannot_be_compared_with_is_told() {
    let world = world();
    read_days(&world, "a", now() + 1, &[0; 3], "unknown");
    let check = |arguments: &[&str], code: i32, told: &str| {
        let all = [&["monitor", "status", "suite.yaml"], arguments].concat();
        let ran = world.run(&all).expect(code);
        assert!(ran.stderr.contains(told), "{told} in {}", ran.stderr);
    };
    check(
        &["--release", "production"],
        4,
        "production has released no prompt of the suite `labels`",
    );
    check(&["--release", "staging", "--baseline", "main"], 2, "cannot be used with");
    propose(&world, "production", "reports/labels/r1").expect(0);
    promote(&world, "production").expect(0);
    let found = status(&world, &[], 0);
    assert!(reference(&found).contains("of production"), "{found:#}");
    // Its run is elsewhere: the gate's baseline stands in, unless the environment was named.
    fs::remove_dir_all(world.path("reports/labels/r1")).expect("removed");
    check(&[], 0, "cannot be used");
    assert_eq!(reference(&status(&world, &[], 0)), "labels/main");
    check(&["--release", "production"], 4, "`--baseline NAME`");
}
