//! A baseline keeps the answers of its run, unless it should not or they take too much.

use std::fs;

use evalmark_report::{ReadError, answers::for_each_answer};
use serde_json::Value;

use super::with_baseline;
use crate::setup::World;

const MAIN: &str = "reports/baselines/test/main";

fn record(world: &World) -> Value {
    world.json(&format!("{MAIN}/run.json"))
}

#[test]
fn answers_are_kept_with_their_digest() {
    let (world, _server) = with_baseline("");
    let path = world.path(&format!("{MAIN}/answers.parquet"));
    let mut outputs = Vec::new();
    for_each_answer::<ReadError>(&path, |answer| {
        outputs.push((answer.item_id.to_owned(), answer.output.map(str::to_owned)));
        Ok(())
    })
    .expect("answers");
    assert_eq!(outputs.len(), 60);
    assert_eq!(outputs[1], ("i0001".to_owned(), Some("green".to_owned())));
    let digest = blake3::hash(&fs::read(&path).expect("a file")).to_string();
    assert_eq!(record(&world)["files"]["answers.parquet"], digest);
}

#[test]
fn answers_that_are_left_out_are_told() {
    let check = |suite: &str, flags: &[&str], told: Option<&str>| {
        let (world, _server) = with_baseline(suite);
        let promote = ["baseline", "promote", "reports/test/first", "main", "--force"];
        let ran = world.run(&[&promote[..], flags].concat()).expect(0);
        let file = world.path(&format!("{MAIN}/answers.parquet"));
        assert_eq!(file.is_file(), told.is_none(), "{suite} {flags:?}");
        let record = record(&world);
        assert_eq!(record["answers_left_out"].is_string(), told.is_some(), "{record}");
        let told = told.unwrap_or_default();
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
        assert!(record["files"].as_object().is_some_and(|files| files.len() >= 2), "{record}");
    };
    let private = "gate: { baseline_answers: false }\n";
    check("", &[], None);
    check("", &["--no-answers"], Some("it was promoted with `--no-answers`"));
    check(private, &[], Some("its suite says `baseline_answers: false`"));
    check(private, &["--answers"], None);
    check("gate: { baseline_answers: true }\n", &[], None);
}

/// A baseline of an earlier version has no such file, and gates as ever.
#[test]
fn a_baseline_without_answers_gates() {
    let (world, _server) = with_baseline(super::GATE);
    fs::remove_file(world.path(&format!("{MAIN}/answers.parquet"))).expect("removed");
    let path = format!("{MAIN}/run.json");
    let mut record = record(&world);
    record["files"].as_object_mut().expect("files").remove("answers.parquet");
    world.write(&path, &format!("{record:#}\n"));
    super::run(&world, "second", &[]).expect(0);
}

/// A baseline whose files were changed is broken, wherever it is looked at, and hides no other.
#[test]
fn broken_baselines_are_told() {
    let (world, _server) = with_baseline("");
    for name in ["good", "empty"] {
        world.run(&["baseline", "promote", "reports/test/first", name]).expect(0);
    }
    fs::write(world.path(&format!("{MAIN}/answers.parquet")), "another's").expect("written");
    fs::remove_file(world.path("reports/baselines/test/empty/run.json")).expect("removed");
    let ran = world.run(&["baseline", "list"]).expect(0);
    for words in [
        "test/empty broken: reports/baselines/test/empty is not a run folder: it has no run.json",
        "test/good run first of ",
        "test/main broken: reports/baselines/test/main/answers.parquet does not match its run.json",
    ] {
        assert!(ran.words().contains(words), "{words}:\n{}", ran.stdout);
    }
    let ran = world.run(&["baseline", "list", "--format", "json"]).expect(0);
    let listed: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let problems: Vec<_> = listed["baselines"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["problem"].is_string())
        .collect();
    assert_eq!(problems, [true, false, true]);
    for name in ["main", "test/empty"] {
        let ran = world.run(&["baseline", "show", name]).expect(4);
        assert!(ran.stderr.contains("is broken"), "{}", ran.stderr);
        assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
        assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    }
    // A baseline may go without its answers, and that is told.
    fs::remove_file(world.path("reports/baselines/test/good/answers.parquet")).expect("removed");
    for command in [&["baseline", "list"][..], &["baseline", "show", "good"]] {
        let ran = world.run(command).expect(0);
        assert!(ran.words().contains("60 items; answers.parquet is missing"), "{}", ran.stdout);
    }
}
