//! What explores and decides nothing: leaderboards, slices, several attempts; and what is named.

use std::{fmt::Write, fs};

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::Value;

use crate::setup::{World, answer, item, right, suite};

/// The terse prompt is wrong on every third item.
fn terse_is_worse(seen: &Seen) -> Reply {
    let i = item(seen);
    let is_wrong = !seen.prompt().starts_with("Colour") && i.is_multiple_of(3);
    Reply::text(answer(if is_wrong { i + 1 } else { i }))
}

#[test]
fn a_leaderboard_shows_groups() {
    let world = World::new(120);
    let server = Server::start(terse_is_worse);
    let text = suite(&server.url(), "");
    let third = "  - { name: again, template: 'Colour: {{ text }}' }\nmodels:";
    world.write("suite.yaml", &text.replace("models:", third));
    let ran = world.run_suite("r", &[]).expect(0);
    assert!(ran.stdout.contains("Rows that share a letter do not differ"), "{}", ran.stdout);
    let ran = world.run(&["compare", "reports/test/r"]).expect(0);
    for line in ["exact (Holm over 3 pairs", "  a  100.0 %", "  b   66.7 %"] {
        assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }
    let ran = world.run(&["compare", "reports/test/r", "--format", "json"]).expect(0);
    let boards: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let groups: Vec<_> = boards["boards"][0]["places"]
        .as_array()
        .expect("places")
        .iter()
        .map(|place| {
            (place["prompt"].as_str().expect("name"), place["group"].as_str().expect("letters"))
        })
        .collect();
    assert_eq!(groups, [("plain", "a"), ("again", "a"), ("terse", "b")]);
    let ran = world.run(&["compare", "reports/test/r", "--format", "junit"]).expect(2);
    assert!(ran.stderr.contains("--between A B"), "{}", ran.stderr);
}

/// What a run kept of its leaderboard is what its scores say; where it was changed or lost, the scores say it.
#[test]
fn a_run_keeps_its_leaderboard() {
    let world = World::new(60);
    let server = Server::start(terse_is_worse);
    world.write("suite.yaml", &suite(&server.url(), ""));
    world.run_suite("r", &[]).expect(0);
    let told = || {
        [
            &["compare", "reports/test/r"][..],
            &["compare", "reports/test/r", "--format", "json"],
            &["show", "reports/test/r"],
        ]
        .map(|command| world.run(command).expect(0).stdout)
    };
    let path = world.path("reports/test/r/leaderboard.json");
    let kept = fs::read_to_string(&path).expect("a leaderboard");
    let from_file = told();
    let other = kept.replacen("\"group\":\"b\"", "\"group\":\"a\"", 1);
    assert_ne!(other, kept);
    fs::write(&path, other).expect("written");
    assert_eq!(told(), from_file);
    fs::remove_file(&path).expect("removed");
    assert_eq!(told(), from_file);
    // A pass with other variants leaves none of an earlier one.
    world.run_suite("one", &["--prompt", "plain"]).expect(0);
    assert!(!world.path("reports/test/one/leaderboard.json").exists());
    world.run(&["score", "reports/test/r"]).expect(0);
    assert_eq!(fs::read_to_string(&path).expect("a leaderboard"), kept);
}

#[test]
fn slices_tell_where_the_drop_is() {
    let world = World::new(0);
    let rows = (0..200).fold("id,text,label,tone\n".to_owned(), |mut text, i| {
        let tone = if i % 4 == 0 { "rude" } else { "calm" };
        writeln!(text, "i{i:04},question {i},{},{tone}", answer(i)).expect("written");
        text
    });
    world.write("data.csv", &rows);
    let run = |id: &str, reply: fn(&Seen) -> Reply, code| {
        let server = Server::start(reply);
        let text = suite(&server.url(), "gate: { baseline: main, metrics: { exact: {} } }\n");
        world.write("suite.yaml", &text.replace("target: label", "target: label, slices: [tone]"));
        world.run_suite(id, &["--prompt", "plain", "--new-baseline"]).expect(code)
    };
    run("a", right, 0);
    world.run(&["baseline", "promote", "reports/test/a", "main"]).expect(0);
    let rude_is_wrong = |seen: &Seen| {
        let i = item(seen);
        Reply::text(answer(if i.is_multiple_of(4) { i + 1 } else { i }))
    };
    let ran = run("b", rude_is_wrong, 1);
    let told = "Slices (exploratory, not gated): 1 of 2 differs notably";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("tone = rude · plain · small: exact fell from 100.0 %"),
        "{}",
        ran.stdout
    );
    let slices = &world.json("reports/test/b/verdict.json")["slices"];
    assert_eq!(slices[0]["value"], "calm");
    assert_eq!(slices[0]["stands_out"], false);
    assert_eq!(slices[1]["stands_out"], true);
}

#[test]
fn slices_are_explored_between_prompts_too() {
    let world = World::new(0);
    let rows = (0..200).fold("id,text,label,tone\n".to_owned(), |mut text, i| {
        let tone = if i % 3 == 0 { "rude" } else { "calm" };
        writeln!(text, "i{i:04},question {i},{},{tone}", answer(i)).expect("written");
        text
    });
    world.write("data.csv", &rows);
    let server = Server::start(terse_is_worse);
    let text = suite(&server.url(), "");
    world.write("suite.yaml", &text.replace("target: label", "target: label, slices: [tone]"));
    world.run_suite("a", &[]).expect(0);
    let between = ["compare", "reports/test/a", "--between", "plain", "terse", "--format", "json"];
    let verdict: Value = serde_json::from_str(&world.run(&between).expect(1).stdout).expect("JSON");
    let slices = verdict["slices"].as_array().expect("a list");
    let found = |slice: &Value| {
        let comparison = &slice["comparison"];
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        (text(&slice["value"]), text(&comparison["metric"]), slice["stands_out"] == true)
    };
    let own =
        |value: &str, metric: &str, stands_out| (value.to_owned(), metric.to_owned(), stands_out);
    let expected = [
        own("calm", "close", false),
        own("calm", "exact", false),
        own("rude", "close", true),
        own("rude", "exact", true),
    ];
    assert_eq!(slices.iter().map(found).collect::<Vec<_>>(), expected);
    assert_eq!(slices[0]["comparison"]["prompt"], "terse vs plain");
    // Slices of answers that are not the run's would be told as its own.
    let samples = world.path("reports/test/a/samples.parquet");
    let mut bytes = fs::read(&samples).expect("samples");
    bytes.push(0);
    fs::write(&samples, bytes).expect("written");
    let between = ["compare", "reports/test/a", "--between", "plain", "terse"];
    for command in [&between[..], &["gate", "reports/test/a", "--baseline", "main"]] {
        let ran = world.run(command).expect(4);
        assert!(ran.stderr.contains("samples.parquet does not match"), "{}", ran.stderr);
    }
}

#[test]
fn several_attempts_have_their_own_estimates() {
    let world = World::new(40);
    let server = Server::start(right);
    world.suite(&server.url(), "epochs: 3\n");
    let ran = world.run_suite("r", &["--prompt", "plain"]).expect(0);
    let told = "plain · small · exact: pass@3 (at least once) 100.0 % [91.2, 100.0], pass^3";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    let shown = world.run(&["show", "reports/test/r", "--format", "json"]).expect(0);
    let rows: Value = serde_json::from_str(&shown.stdout).expect("JSON");
    assert_eq!(rows[0]["attempts"]["k"], 3);
    assert_eq!(rows[0]["attempts"]["all"]["mean"], 1.0);
}

#[test]
fn items_that_do_not_pair_up_are_named() {
    let world = World::new(100);
    let server = Server::start(right);
    world.suite(&server.url(), "gate: { baseline: main, metrics: { exact: { margin: 0.1 } } }\n");
    world.run_suite("a", &["--prompt", "plain", "--new-baseline"]).expect(0);
    world.run(&["baseline", "promote", "reports/test/a", "main"]).expect(0);
    world.data(2..101);
    let data = String::from_utf8(world.bytes("data.csv")).expect("UTF-8");
    world.write("data.csv", &data.replace("i0007,question 7,", "i0007,question 10,"));
    let ran = world.run_suite("b", &["--prompt", "plain"]).expect(0);
    for line in ["changed: i0007", "added: i0100", "removed: i0000, i0001", "97.0 % of the items"] {
        assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }
    let unpaired = &world.json("reports/test/b/verdict.json")["comparisons"][0]["unpaired"];
    assert_eq!(unpaired["removed"], serde_json::json!(["i0000", "i0001"]));
    assert_eq!(unpaired["n_changed"], 1);
}
