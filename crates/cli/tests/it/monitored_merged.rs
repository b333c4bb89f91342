//! Segments of a monitor that are merged: each record stays there once, whatever happens to the process.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::setup::World;

const SUITE: &str = "\
name: test
dataset: { path: data.csv, id: id, target: label }
prompts: [{ name: plain, template: '{{ text }}' }]
models: [{ name: kept, recorded: { column: label } }]
metrics:
  - { name: short, length_within: { unit: words, max: 3 } }
logs:
  from: logs
  fields: { id: $.id, time: $.at, output: $.out, variables: { text: $.in } }
";

/// A monitor that has read so many files of ten lines, each for itself.
fn world(n_commits: u32) -> World {
    let world = World::new(3);
    world.write("suite.yaml", SUITE);
    fs::create_dir(world.path("logs")).expect("a folder");
    for commit in 0..n_commits {
        read_more(&world, commit);
    }
    world
}

fn write_more(world: &World, commit: u32) {
    let lines = (commit * 10..commit * 10 + 10).map(|i| {
        let out = if i.is_multiple_of(4) { "far too many words here" } else { "blue" };
        let line = json!({"id": format!("r{i}"), "at": "2026-01-05T10:00:00Z", "out": out, "in": format!("q{i}")});
        format!("{line}\n")
    });
    world.write(&format!("logs/{commit:03}.jsonl"), &lines.collect::<String>());
}

fn read_more(world: &World, commit: u32) {
    write_more(world, commit);
    world.run(&["monitor", "suite.yaml"]).expect(0);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("copied");
        }
    }
}

fn status(world: &World) -> Value {
    let ran = world.run(&["monitor", "status", "suite.yaml", "--format", "json"]).expect(0);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

/// The rows of each segment that counts, and of those that are still there for others.
fn segments(world: &World) -> (Vec<u64>, usize) {
    let state = world.json("reports/test/monitor/state.json");
    let of = |key: &str| state[key].as_array().cloned().unwrap_or_default();
    let rows = of("segments").iter().map(|one| one["rows"].as_u64().expect("rows")).collect();
    (rows, of("retired").len())
}

/// How often each record is in the segments that count, by its id.
fn records(world: &World) -> BTreeMap<String, usize> {
    let arguments = ["dataset", "from-logs", "suite.yaml", "--pick", "random=1000", "--near", "1"];
    let review = world.path("review.jsonl");
    let _ = fs::remove_file(&review);
    let to = ["--write", "review.jsonl"];
    world.run(&[&arguments[..], &to].concat()).expect(0);
    let mut found = BTreeMap::new();
    for line in String::from_utf8(world.bytes("review.jsonl")).expect("text").lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        *found.entry(row["log_id"].to_string()).or_default() += 1;
    }
    found
}

#[test]
fn eight_commits_are_one_file_and_nothing_is_lost() {
    let world = world(17);
    let (rows, retired) = segments(&world);
    assert_eq!((rows, retired), (vec![80, 80, 10], 16));
    // Whoever reads the small ones meanwhile can go on.
    let files = || fs::read_dir(world.path("reports/test/monitor")).expect("a folder").flatten();
    let n = |files: &mut dyn Iterator<Item = PathBuf>| {
        files.filter(|path| path.extension().is_some_and(|ending| ending == "parquet")).count()
    };
    assert_eq!(n(&mut files().map(|entry| entry.path())), 19);
    let found = status(&world);
    let short = &found["metrics"][0];
    assert_eq!(
        (&short["all"]["n_items"], &short["all"]["mean"]),
        (&json!(170), &json!(127.0 / 170.0))
    );
    // Texts are in the larger one as they were.
    let found = records(&world);
    assert_eq!(found.len(), 170);
    assert!(found.values().all(|n| *n == 1));
    // Later on nobody reads the small ones any more.
    write_more(&world, 17);
    world
        .run_in(&["monitor", "suite.yaml"], &[("EVALMARK_TEST_NOW", "2100-01-01T00:00:00Z")])
        .expect(0);
    assert_eq!(segments(&world), (vec![80, 80, 10, 10], 0));
    assert_eq!(n(&mut files().map(|entry| entry.path())), 4);
    assert_eq!(status(&world)["metrics"][0]["all"]["n_items"], 180);
}

/// Metrics that change are another row: what they scored is not mixed.
#[test]
fn what_other_metrics_scored_stays_apart() {
    let world = world(7);
    world.write("suite.yaml", &SUITE.replace("max: 3", "max: 4"));
    read_more(&world, 7);
    assert_eq!(segments(&world), (vec![10; 8], 0));
    assert_eq!(status(&world)["outdated"], 70);
    for commit in 8..15 {
        read_more(&world, commit);
    }
    assert_eq!(segments(&world).0, [vec![10; 7], vec![80]].concat());
    assert_eq!(status(&world)["outdated"], 70);
}

/// Killed at each change of a file while segments are merged and retired ones are removed.
#[test]
fn a_process_that_is_killed_while_it_merges_keeps_each_record_once() {
    let before = world(15);
    let later = [("EVALMARK_TEST_NOW", "2100-01-01T00:00:00Z")];
    let (mut killed, mut at) = (0, 1_u32);
    loop {
        let world = World::new(3);
        copy(before.folder.path(), world.folder.path());
        write_more(&world, 15);
        let variables = [later[0], ("EVALMARK_TEST_ABORT_AT", &at.to_string())];
        let ran = world.run_in(&["monitor", "suite.yaml"], &variables);
        if ran.code == Some(0) {
            break;
        }
        killed += 1;
        assert!(status(&world)["lines"]["kept"].as_u64() >= Some(150), "killed at change {at}");
        write_more(&world, 16);
        world.run_in(&["monitor", "suite.yaml"], &later).expect(0);
        let found = status(&world);
        assert_eq!(found["metrics"][0]["all"]["n_items"], 170, "killed at change {at}");
        let (rows, _) = segments(&world);
        assert_eq!(rows.iter().sum::<u64>(), 170, "killed at change {at}");
        assert!(rows.len() <= 8, "killed at change {at}: {rows:?}");
        at += 1;
    }
    assert!(killed >= 20, "{killed}");
}

#[test]
fn a_segment_that_cannot_be_read_stops_no_reading() {
    let world = world(6);
    let segment = world.path("reports/test/monitor/000003.parquet");
    fs::write(&segment, "not Parquet").expect("written");
    for commit in 6..10 {
        read_more(&world, commit);
    }
    assert_eq!(segments(&world), (vec![10; 10], 0));
    let told = world.run(&["monitor", "status", "suite.yaml"]);
    assert!(told.code != Some(0) && told.stderr.contains("bring the file back"), "{}", told.stderr);
}
