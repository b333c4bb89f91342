//! What a CI job makes of verdicts: flags, exit codes, and the reports that a command leaves.

use std::fmt::Write;

use serde_json::Value;

use crate::setup::{Ran, World};

const ITEMS: usize = 100;

/// Answers that are wrong where the verdict is to be this, against a baseline that is all right.
const PASSES: usize = 0;
const CANNOT_TELL: usize = 2;
const REGRESSES: usize = 20;

/// The suite `name`, whose answers are right but for so many.
fn suite(world: &World, name: &str, wrong: usize, gate: &str) -> String {
    let mut data = "id,question,label,answer\n".to_owned();
    for i in 0..ITEMS {
        let answer = if i < wrong { "no" } else { "yes" };
        writeln!(data, "i{i},what {i}?,yes,{answer}").expect("written");
    }
    world.write(&format!("{name}.csv"), &data);
    let file = format!("{name}.yaml");
    world.write(
        &file,
        &format!(
            "\
name: {name}
dataset: {{ path: {name}.csv, id: id, target: label }}
prompts:
  - {{ name: plain, template: '{{{{ question }}}}' }}
models:
  - {{ name: m, provider: recorded, recorded: {{ column: answer }} }}
metrics:
  - {{ name: exact, exact: {{}} }}
{gate}
"
        ),
    );
    file
}

const GATE: &str = "gate: { baseline: main, metrics: { exact: { margin: 0.03 } } }";

/// A world with a baseline of each of these suites, which have so many wrong answers now.
fn world(suites: &[(&str, usize)]) -> World {
    let world = World::new(1);
    for (name, wrong) in suites {
        let file = suite(&world, name, 0, GATE);
        world.run(&["run", &file, "--run-id", "first", "--new-baseline"]).expect(0);
        world.run(&["baseline", "promote", &format!("reports/{name}/first"), "main"]).expect(0);
        suite(&world, name, *wrong, GATE);
    }
    world
}

#[test]
fn every_gating_command_follows_the_policy() {
    let cases: &[(usize, &[&str], i32, &str)] = &[
        (PASSES, &[], 0, ""),
        (CANNOT_TELL, &[], 3, ""),
        (REGRESSES, &[], 1, ""),
        (CANNOT_TELL, &["--inconclusive", "fail"], 3, ""),
        (
            CANNOT_TELL,
            &["--inconclusive", "warn"],
            0,
            "warning: `task` is inconclusive, which does not fail with `--inconclusive warn`",
        ),
        (
            CANNOT_TELL,
            &["--inconclusive", "pass"],
            0,
            "`task` is inconclusive, which does not fail with `--inconclusive pass`",
        ),
        (REGRESSES, &["--inconclusive", "pass"], 1, ""),
        (
            REGRESSES,
            &["--fail-on", "never"],
            0,
            "warning: `task` is regressed, which does not fail with `--fail-on never`",
        ),
        (
            CANNOT_TELL,
            &["--fail-on", "never"],
            0,
            "warning: `task` is inconclusive, which does not fail with `--fail-on never`",
        ),
        (
            REGRESSES,
            &["--fail-on", "never", "--inconclusive", "pass"],
            0,
            "warning: `task` is regressed, which does not fail with `--fail-on never`",
        ),
        (PASSES, &["--fail-on", "never"], 0, ""),
    ];
    for (wrong, flags, code, says) in cases {
        let world = world(&[("task", *wrong)]);
        let commands: [&[&str]; 4] = [
            &["run", "task.yaml", "--run-id", "r"],
            &["resume", "reports/task/r"],
            &["score", "reports/task/r"],
            &["gate", "reports/task/r", "--baseline", "main"],
        ];
        let mut verdicts = Vec::new();
        for command in commands {
            let ran = world.run(&[command, flags].concat()).expect(*code);
            assert!(ran.stderr.contains(says), "{command:?} {flags:?}: {}", ran.stderr);
            assert_eq!(ran.stderr.contains("does not fail"), !says.is_empty(), "{}", ran.stderr);
            verdicts.push(world.json("reports/task/r/verdict.json"));
        }
        // The verdict knows of no policy.
        let answer = match *wrong {
            PASSES => "pass",
            CANNOT_TELL => "inconclusive",
            _ => "regressed",
        };
        assert!(verdicts.iter().all(|verdict| verdict["answer"] == answer), "{verdicts:?}");
    }
}

/// Without a verdict nothing passes, whatever the policy.
#[test]
fn no_policy_excuses_a_missing_verdict() {
    let world = World::new(1);
    let file = suite(&world, "task", 0, GATE);
    let never = ["--fail-on", "never", "--inconclusive", "pass"];
    world.run(&[&["run", &file, "--run-id", "r"], &never[..]].concat()).expect(4);
    let gate = ["gate", "reports/task/r", "--baseline", "main"];
    world.run(&[&gate, &never[..]].concat()).expect(4);
}

/// How a suite without a baseline ends, with these flags and this value of `CI`.
fn without_baseline(gate: &str, flags: &[&str], ci: Option<&str>) -> Ran {
    let world = World::new(1);
    let file = suite(&world, "task", 0, gate);
    let variables: Vec<_> = ci.iter().map(|value| ("CI", *value)).collect();
    let ran = world.run_in(&[&["run", &file, "--run-id", "r"], flags].concat(), &variables);
    // What was refused was refused before anything was asked.
    assert_eq!(world.path("reports/task/r").exists(), ran.code != Some(2), "{}", ran.stderr);
    ran
}

#[test]
fn a_baseline_can_be_required() {
    let optional = "gate: { baseline: main, baseline_optional: true }";
    let minima = "gate: { metrics: { exact: { min: 0.5 } } }";
    let nothing = "gate: { metrics: { exact: { margin: 0.1 } } }";
    let (required, new) = (&["--require-baseline"][..], &["--new-baseline"][..]);
    let check = |gate: &str, flags: &[&str], ci: Option<&str>, code: i32, says: &str| {
        let ran = without_baseline(gate, flags, ci).expect(code);
        assert!(ran.stderr.contains(says), "{gate} {flags:?} {ci:?}: {}", ran.stderr);
    };
    for off in [None, Some(""), Some("0"), Some("false"), Some("False")] {
        check(optional, &[], off, 0, "no baseline `main`");
        check("", &[], off, 0, "");
    }
    for on in ["true", "1", "yes"] {
        check(optional, &[], Some(on), 4, "no baseline `main`");
        check(optional, new, Some(on), 0, "no baseline `main`");
        check(GATE, &[], Some(on), 4, "no baseline `main`");
        check(minima, &[], Some(on), 0, "");
        let warned =
            "warning: the suite `task` gates nothing: it has no gate, so that this job passes";
        check("", &[], Some(on), 0, warned);
        check(nothing, &[], Some(on), 0, "gates nothing: its gate names no baseline");
    }
    check(optional, required, None, 4, "no baseline `main`");
    check(minima, required, None, 0, "");
    check("", required, None, 2, "the suite `task` gates nothing: it has no gate");
    check(nothing, required, Some("true"), 2, "its gate names no baseline and no minimum");
    check(GATE, &[new, required].concat(), None, 2, "cannot be used with");
    assert!(!without_baseline("", &[], None).stderr.contains("gates nothing"));
}

/// `gate` looks for the baseline that it is told, and the suite's word on it counts outside CI jobs.
#[test]
fn an_optional_baseline_is_required_when_a_run_is_gated_later() {
    let world = World::new(1);
    let file = suite(&world, "task", 0, "gate: { baseline: main, baseline_optional: true }");
    world.run(&["run", &file, "--run-id", "r"]).expect(0);
    let gate = ["gate", "reports/task/r", "--baseline", "main"];
    world.run(&gate).expect(0);
    world.run_in(&gate, &[("CI", "true")]).expect(4);
    world.run_in(&[&gate[..], &["--new-baseline"]].concat(), &[("CI", "true")]).expect(0);
    world.run(&[&gate[..], &["--require-baseline"]].concat()).expect(4);
    world.run(&["score", "reports/task/r", "--require-baseline"]).expect(4);
    world.run(&["resume", "reports/task/r", "--require-baseline"]).expect(4);
}

#[test]
fn one_command_leaves_every_report() {
    let world = world(&[("one", PASSES), ("two", REGRESSES), ("three", CANNOT_TELL)]);
    let reports =
        ["markdown=comment.md", "junit=junit.xml", "json=all.json", "text=all.txt", "github"];
    let flags: Vec<_> = reports.iter().flat_map(|report| ["--report", report]).collect();
    let run = ["run", "one.yaml", "two.yaml", "three.yaml"];
    let summary = world.write("summary.md", "before\n").display().to_string();
    let variables = [("GITHUB_STEP_SUMMARY", summary.as_str())];
    let ran = world.run_in(&[&run[..], &flags].concat(), &variables).expect(1);
    let read = |name: &str| String::from_utf8(world.bytes(name)).expect("UTF-8");
    let (comment, junit) = (read("comment.md"), read("junit.xml"));
    assert_eq!(read("summary.md"), format!("before\n{comment}"));
    assert!(junit.contains(r#"<testsuites name="evalmark" tests="3" failures="2" errors="0">"#));
    for name in ["one", "two", "three"] {
        assert!(comment.contains(name), "{comment}");
        assert!(junit.contains(&format!(r#"<testsuite name="{name}" tests="1""#)), "{junit}");
    }
    for line in [
        "::error file=two.yaml,line=4,title=plain / m / exact regressed::",
        "::notice title=one pass::",
    ] {
        assert!(ran.stdout.contains(line), "{}", ran.stdout);
    }
    let all: Value = serde_json::from_str(&read("all.json")).expect("JSON");
    assert_eq!(
        (&all["exit_code"], &all["suites"][1]["verdict"]["answer"]),
        (&1.into(), &"regressed".into())
    );
    assert!(read("all.txt").contains("3 suites, 3 comparisons: 1 regressed within a suite"));
    // The same of the runs that ended.
    let gate = ["gate", "one:latest", "two:latest", "three:latest", "--baseline", "main"];
    let gated = world.run(&gate).expect(1).stdout;
    assert_eq!(gated, read("all.txt"));
    for (format, file) in [("markdown", "comment.md"), ("junit", "junit.xml"), ("json", "all.json")]
    {
        let stdout = world.run(&[&gate[..], &["--format", format]].concat()).expect(1).stdout;
        assert_eq!(stdout, read(file), "{format}");
    }
}

#[test]
fn what_is_only_warned_about_is_skipped() {
    let world = world(&[("task", CANNOT_TELL)]);
    let run = ["run", "task.yaml", "--inconclusive", "warn", "--report", "github"];
    let ran = world.run(&[&run[..], &["--report", "junit=junit.xml"]].concat()).expect(0);
    let junit = String::from_utf8(world.bytes("junit.xml")).expect("UTF-8");
    assert!(junit.contains(r#"failures="0" errors="0" skipped="1""#), "{junit}");
    assert!(junit.contains(r#"<skipped type="inconclusive" message=""#), "{junit}");
    assert!(
        ran.stdout
            .contains("::warning file=task.yaml,line=4,title=plain / m / exact inconclusive::"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("::error"), "{}", ran.stdout);
    let run = ["run", "task.yaml", "--inconclusive", "pass", "--report", "github"];
    let stdout = world.run(&run).expect(0).stdout;
    assert!(stdout.contains("::notice title=task inconclusive::"), "{stdout}");
    assert!(!stdout.contains("::warning") && !stdout.contains("::error"), "{stdout}");
    let run = ["run", "task.yaml", "--report", "github"];
    assert!(world.run(&run).expect(3).stdout.contains("::error title=task inconclusive::"));
}

/// A regression that may be chance among all suites is reported as what it counts for.
#[test]
fn reports_count_all_suites() {
    let world = world(&[("one", PASSES), ("two", 5), ("three", PASSES), ("four", PASSES)]);
    let run = ["run", "one.yaml", "two.yaml", "three.yaml", "four.yaml", "--report"];
    let stdout = world.run(&[&run[..], &["junit"]].concat()).expect(3).stdout;
    let (_, junit) = stdout.split_once("<?xml").expect("JUnit");
    assert!(junit.contains(r#"<failure type="inconclusive""#), "{junit}");
    assert!(!junit.contains(r#"type="regressed""#), "{junit}");
    let told = "not by Holm&apos;s correction over the 4 comparisons of all suites";
    assert!(junit.contains(told), "{junit}");
}

#[test]
fn what_cannot_be_reported_is_told() {
    let world = world(&[("task", PASSES)]);
    let run = ["run", "task.yaml", "--report"];
    let check = |report: &str, code: i32, says: &str| {
        let ran = world.run(&[&run[..], &[report]].concat()).expect(code);
        assert!(ran.stderr.contains(says), "{report}: {}", ran.stderr);
    };
    check(
        "nowhere/comment.md",
        2,
        "there is no format `nowhere/comment.md`; there are: text, json",
    );
    check("junit=", 2, "a file has to follow the `=`");
    check("junit=no/such/folder/junit.xml", 4, "no/such/folder/junit.xml cannot be written");
}

/// A baseline whose record is lost, as where `.gitignore` has `*.json`, is damaged: nothing excuses that.
#[test]
fn an_optional_baseline_without_its_record_is_damaged() {
    let world = World::new(1);
    let file = suite(&world, "task", 0, "gate: { baseline: main, baseline_optional: true }");
    world.run(&["run", &file, "--run-id", "r"]).expect(0);
    world.run(&["baseline", "promote", "reports/task/r", "main"]).expect(0);
    std::fs::remove_file(world.path("reports/baselines/task/main/run.json")).expect("removed");
    for flags in [&[][..], &["--new-baseline"], &["--require-baseline"]] {
        let ran = world.run(&[&["run", &file], flags].concat()).expect(4);
        assert!(ran.stderr.contains("main has no run.json"), "{}", ran.stderr);
    }
    world.run(&["baseline", "promote", "reports/task/r", "main", "--force"]).expect(0);
    world.run(&["run", &file]).expect(0);
}
