//! Locations in reports for CI systems: files of the repository, whatever folder the report is made from.

use std::fs;

use serde_json::Value;

use crate::setup::{Ran, World};

/// A repository with a suite in `suites/` whose prompts are a file, a chat and a line of the suite.
fn repository(template: &str) -> World {
    let world = World::new(30);
    for folder in [".git", "suites/prompts", "data", "elsewhere"] {
        fs::create_dir_all(world.path(folder)).expect("a folder");
    }
    let rows: Vec<_> = (0..30).map(|i| format!("i{i},what {i}?,yes,no\n")).collect();
    let rows = rows.concat();
    world.write("data/data.csv", &format!("id,q,label,answer\n{rows}"));
    world.write("suites/prompts/file.j2", template);
    world.write("suites/prompts/chat.yaml", "- role: user\n  content: '{{ q }}'\n");
    world.write(
        "suites/colours.yaml",
        "\
name: colours
dataset: { path: ../data/data.csv, id: id, target: label }
prompts:
  - name: file
    file: prompts/file.j2
  - name: chat
    file: prompts/chat.yaml
  - name: inline
    template: '{{ q }}'
models:
  - { name: m, provider: recorded, recorded: { column: answer } }
metrics:
  - { name: exact, exact: {} }
gate: { metrics: { exact: { min: 0.5 } } }
",
    );
    world
}

/// Where each result of a SARIF log points.
fn places(sarif: &str) -> Vec<(String, u64)> {
    let log: Value = serde_json::from_str(sarif).expect("JSON");
    let place = |result: &Value| {
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().expect("a file");
        (uri.to_owned(), place["region"]["startLine"].as_u64().expect("a line"))
    };
    let mut places: Vec<_> =
        log["runs"][0]["results"].as_array().expect("results").iter().map(place).collect();
    places.sort();
    places
}

fn run_in(world: &World, folder: &str, arguments: &[&str]) -> Ran {
    let output =
        world.command(arguments).current_dir(world.path(folder)).output().expect("it starts");
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

#[test]
fn verdicts_point_at_prompts() {
    let world = repository("Say yes to {{ q }}\n");
    let expected = [
        ("suites/colours.yaml".to_owned(), 8),
        ("suites/prompts/chat.yaml".to_owned(), 1),
        ("suites/prompts/file.j2".to_owned(), 1),
    ];
    let run = [
        "run",
        "colours.yaml",
        "--out",
        "../reports",
        "--run-id",
        "r",
        "--report",
        "sarif=../elsewhere/run.sarif",
    ];
    run_in(&world, "suites", &run).expect(1);
    let read = |name: &str| String::from_utf8(world.bytes(name)).expect("UTF-8");
    assert_eq!(places(&read("elsewhere/run.sarif")), expected);
    // Later, from elsewhere, and without the sources.
    fs::remove_dir_all(world.path("suites/prompts")).expect("removed");
    fs::remove_file(world.path("suites/colours.yaml")).expect("removed");
    let gate = [
        "gate",
        "../reports/colours/r",
        "--baseline",
        "main",
        "--new-baseline",
        "--format",
        "sarif",
    ];
    assert_eq!(places(&run_in(&world, "elsewhere", &gate).expect(1).stdout), expected);
    let github = [&gate[..6], &["github"]].concat();
    let annotations = run_in(&world, "elsewhere", &github).expect(1).stdout;
    let line = "::error file=suites/prompts/chat.yaml,line=1,title=chat / m / exact regressed::";
    assert!(annotations.contains(line), "{annotations}");
    // A run of an earlier version knows the suite's file alone, as it was given.
    let path = "reports/colours/r/run.json";
    let mut record = world.json(path);
    record.as_object_mut().expect("an object").remove("source_places");
    world.write(path, &record.to_string());
    let places = places(&run_in(&world, "elsewhere", &gate).expect(1).stdout);
    assert!(places.iter().all(|place| *place == ("colours.yaml".to_owned(), 1)), "{places:?}");
}

#[test]
fn mistakes_point_at_prompts_and_suites() {
    let world = repository("Say yes\nto {{ qq }}\n");
    let suite = String::from_utf8(world.bytes("suites/colours.yaml")).expect("UTF-8");
    world.write("suites/colours.yaml", &suite.replace("exact: { min", "exactt: { min"));
    let check = |folder: &str, path: &str, format: &str| {
        let ran = run_in(&world, folder, &["check", path, "--format", format]).expect(2);
        assert!(ran.stderr.contains("exactt"), "people are told, too: {}", ran.stderr);
        ran.stdout
    };
    let sarif = check("elsewhere", "../suites/colours.yaml", "sarif");
    let found = places(&sarif);
    for place in [("suites/prompts/file.j2", 2), ("suites/colours.yaml", 14)] {
        assert!(found.contains(&(place.0.to_owned(), place.1)), "{place:?}: {sarif}");
    }
    let github = check("", "suites/colours.yaml", "github");
    let line = "::error file=suites/colours.yaml,line=14,col=";
    assert!(github.lines().any(|told| told.starts_with(line)), "{github}");
    let gitlab: Value =
        serde_json::from_str(&check("", "suites/colours.yaml", "gitlab")).expect("JSON");
    assert!(
        gitlab
            .as_array()
            .expect("a list")
            .iter()
            .all(|issue| issue["check_name"] == "evalmark/invalid-suite")
    );
    // What is only unwise is a warning.
    let world = repository("Say yes to {{ q }}\n");
    let told = world.run(&["check", "suites/colours.yaml", "--format", "github"]).expect(0).stdout;
    let line = "::warning file=suites/colours.yaml,line=1,title=the suite is unwise::";
    assert!(told.starts_with(line) && told.lines().count() == 1, "{told}");
}
