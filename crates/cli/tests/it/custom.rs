//! Metrics within metrics, for each row, and of one's own, through the whole program.
#![cfg(unix)]

use std::fmt::Write;

use evalmark_core::score::Score;
use evalmark_report::scores::score_records;

use crate::setup::{Ran, World};

const SUITE: &str = "\
name: test
dataset: { path: data.csv, id: id }
prompts:
  - { name: plain, template: '{{ answer }}' }
models:
  - { name: logged, provider: recorded, recorded: { column: answer } }
metrics:
";

/// A folder with these answers and this metric, called `own`.
fn world(answers: &[&str], metric: &str) -> World {
    let world = World::new(0);
    let rows = answers.iter().enumerate().fold(String::from("id,answer\n"), |mut rows, (i, a)| {
        let _ = writeln!(rows, "i{i:03},{a}");
        rows
    });
    world.write("data.csv", &rows);
    world.write("suite.yaml", &format!("{SUITE}  - {{ name: own, {metric} }}\n"));
    world
}

fn scores(world: &World, run: &str, metric: &str) -> Vec<Score> {
    let rows = score_records(&world.path(&format!("reports/{run}/scores.parquet"))).expect("file");
    let rows = rows.map(|row| row.expect("a row")).filter(|row| row.metric == metric);
    rows.map(|row| row.score).collect()
}

fn values(scores: &[Score]) -> Vec<Option<f64>> {
    scores.iter().map(|score| score.value).collect()
}

/// Runs a shell script over answers; expects these values.
#[track_caller]
fn program(script: &str, more: &str, answers: &[&str], expected: &[Option<f64>]) -> Vec<Score> {
    let metric = format!("command: {{ program: [sh, own.sh]{more} }}");
    let world = world(answers, &metric);
    world.write("own.sh", script);
    let ran = world
        .command(&["run", "suite.yaml", "--run-id", "r", "--allow-exec"])
        .env("OWN_API_KEY", "sk-secret")
        .output()
        .expect("the program starts");
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.code().is_some_and(|code| code != 2), "{told}");
    let scores = scores(&world, "test/r", "own");
    assert_eq!(values(&scores), expected, "{scores:?}\n{told}");
    scores
}

/// Writes a line for each line that it reads; `$line` is what it read, and `$id` its id.
fn each(body: &str) -> String {
    format!("while IFS= read -r line; do id=${{line#*:}}; id=${{id%%,*}}; {body}; done")
}

const YES: &str = r#"echo "{\"id\": $id, \"score\": true}""#;

fn ones(n: usize) -> Vec<Option<f64>> {
    vec![Some(1.0); n]
}

#[test]
fn a_program_scores_the_answers_in_order() {
    let answers: Vec<String> = (0..300).map(|i| format!("a{}", i % 7)).collect();
    let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
    let expected: Vec<_> = (0..300).map(|i| Some(if i % 7 == 3 { 1.0 } else { 0.0 })).collect();
    let named =
        each(r#"case $line in *a3*) s=1;; *) s=0;; esac; echo "{\"id\": $id, \"score\": $s}""#);
    program(&named, ", batch: 16", &answers, &expected);
    // A program may as well wait for all of its input, and leave the ids out.
    let at_once = r#"sed 's/.*a3.*/{"score": 1}/; t; s/.*/{"score": 0}/'"#;
    program(at_once, "", &answers, &expected);
}

#[test]
fn a_program_starts_in_the_suite_s_folder_without_secrets() {
    let body = r#"if [ -z "$OWN_API_KEY" ] && [ -n "$PATH" ] && [ -f suite.yaml ]; then s=1; else s=0; fi;
        echo "{\"score\": $s, \"reason\": \"seen\"}""#;
    let scores = program(&each(body), "", &["x"], &ones(1));
    assert_eq!(scores[0].reason.as_deref(), Some("seen"));
}

#[test]
fn what_fails_is_missing_and_alone() {
    let mut expected = ones(40);
    expected[17] = None;
    let answers: Vec<&str> = (0..40).map(|i| if i == 17 { "bad" } else { "good" }).collect();
    let on_bad = |what: &str| each(&format!("case $line in *bad*) {what};; *) {YES};; esac"));
    for (what, words) in [
        ("echo gone >&2; exit 3", "it ended with exit status: 3: gone"),
        ("echo nonsense", "not a reply"),
        (r#"echo "{\"id\": $id, \"score\": 2}""#, "a score of 2, not from 0 to 1"),
        (r#"echo "{\"id\": 999, \"score\": 1}""#, "a reply about 999"),
        ("kill -9 $$", "signal: 9"),
    ] {
        let scores = program(&on_bad(what), "", &answers, &expected);
        let reason = scores[17].reason.as_deref().unwrap_or_default();
        assert!(reason.starts_with("the program failed: ") && reason.contains(words), "{reason}");
    }
}

/// Where nothing tells which answer a line is about, a missing line would shift all others.
#[test]
fn a_line_too_few_or_too_many_shifts_no_score() {
    let answers: Vec<&str> = (0..20).map(|i| if i % 2 == 0 { "even" } else { "odd" }).collect();
    let body = r#"case $line in *even*) echo '{"score": 1}';; *) echo '{"score": 0}';; esac"#;
    // The third line that a process reads has no answer.
    let silent = format!("n=0; {}", each(&format!("n=$((n + 1)); [ $n = 3 ] || {body}")));
    let world = world(&answers, "command: { program: [sh, own.sh] }");
    world.write("own.sh", &silent);
    world.run_suite("r", &["--allow-exec"]);
    let scores = scores(&world, "test/r", "own");
    let count = scores.iter().filter(|score| score.value.is_some()).count();
    assert!((4..20).contains(&count), "two at a time it can be asked, and not for ever: {count}");
    for (score, answer) in scores.iter().zip(&answers) {
        let right = if *answer == "even" { 1.0 } else { 0.0 };
        assert!(
            score.value.is_none_or(|value| value.to_bits() == f64::to_bits(right)),
            "{score:?}"
        );
    }
    let doubled = each(&format!("{body}; {body}"));
    let scores = program(&doubled, "", &answers, &[None; 20]);
    assert!(scores[0].reason.as_ref().is_some_and(|r| r.contains("more lines")), "{scores:?}");
}

#[test]
fn a_program_that_hangs_is_stopped() {
    let hangs = each(&format!("case $line in *bad*) tail -f /dev/null;; *) {YES};; esac"));
    let scores =
        program(&hangs, ", timeout: 300ms", &["a", "bad", "b"], &[Some(1.0), None, Some(1.0)]);
    let reason = scores[1].reason.as_deref().unwrap_or_default();
    assert!(reason.contains("it wrote nothing for 300ms"), "{reason}");
}

#[test]
fn a_program_that_always_fails_is_given_up() {
    let answers = vec!["x"; 3_000];
    let scores = program("exit 1", ", batch: 500", &answers, &vec![None; 3_000]);
    let reasons: Vec<_> = scores.iter().filter_map(|score| score.reason.as_deref()).collect();
    assert!(reasons[0].contains("exit status: 1"), "{}", reasons[0]);
    assert!(reasons[2_999].contains("not started again"), "{}", reasons[2_999]);
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_limited() {
    let greedy = each(&format!("x=$(head -c 200000000 /dev/zero | tr '\\0' a); {YES}"));
    program(&greedy, ", memory: 64MB", &["x"], &[None]);
    let frugal = each(YES);
    program(&frugal, ", memory: 64MB", &["x"], &ones(1));
}

#[test]
fn nothing_runs_that_was_not_allowed() {
    let world = world(&["x"], "command: { program: [sh, own.sh, 'two words'] }");
    world.write("own.sh", &format!("touch ran; {}", each(YES)));
    let refused = |ran: Ran| {
        assert!(
            ran.stderr.contains("metric `own` runs a program: sh own.sh \"two words\""),
            "{}",
            ran.stderr
        );
        assert!(
            ran.stderr.contains("hint: if you trust the suite, add `--allow-exec`"),
            "{}",
            ran.stderr
        );
        assert!(!world.path("ran").exists());
    };
    refused(world.run_suite("r", &[]).expect(2));
    assert!(!world.path("reports").exists(), "nothing was begun");
    let told = world.run(&["check", "suite.yaml"]).expect(0);
    assert!(told.stderr.contains("so a run needs `--allow-exec`: sh own.sh"), "{}", told.stderr);
    world.run(&["plan", "suite.yaml"]).expect(0);
    assert!(!world.path("ran").exists());
    world.run_suite("r", &["--allow-exec"]).expect(0);
    assert!(world.path("ran").exists());
    std::fs::remove_file(world.path("ran")).expect("removed");
    refused(world.run(&["score", "reports/test/r"]).expect(2));
    refused(world.run(&["resume", "reports/test/r"]).expect(2));
    refused(world.run(&["calibrate", "suite.yaml"]).expect(2));
    world.run(&["score", "reports/test/r", "--allow-exec"]).expect(0);
}

/// Another program gives other scores, and a baseline must know.
#[test]
fn a_changed_program_is_another_metric() {
    let world = world(&["x"], "command: { program: [sh, own.sh] }");
    let hash = |id: &str| {
        world.run_suite(id, &["--allow-exec"]).expect(0);
        world.json(&format!("reports/test/{id}/run.json"))["metrics"][0]["hash"].clone()
    };
    world.write("own.sh", &each(YES));
    let (first, again) = (hash("a"), hash("b"));
    world.write("own.sh", &each("echo '{\"score\": 0}'"));
    assert_eq!(first, again);
    assert_ne!(first, hash("c"));
}

#[test]
fn a_mistake_in_a_row_is_found_before_anything_is_asked() {
    let world = World::new(0);
    let rows = "id,answer,check\na,x,regex: {pattern: x}\nb,x,regex: {pattern: (}\nc,x,\n";
    world.write("data.csv", rows);
    let metric = "  - { name: own, per_item: { column: check } }\n";
    world.write("suite.yaml", &format!("{SUITE}{metric}"));
    for command in [&["check", "suite.yaml"][..], &["run", "suite.yaml"]] {
        let told = world.run(command).expect(2).stderr;
        assert!(
            told.contains("data.csv, row 2: metric `own`: column `check` at /regex/pattern: "),
            "{told}"
        );
    }
    assert!(!world.path("reports").exists());
    world.write("data.csv", &rows.replace('(', "y"));
    world.run_suite("r", &[]);
    assert_eq!(values(&scores(&world, "test/r", "own")), [Some(1.0), Some(0.0), None]);
}

#[test]
fn mistakes_within_metrics_have_their_lines() {
    let world = world(&["x"], "regex: { pattern: x }");
    let metrics = "  - name: all
    all_of:
      - { regex: { pattern: x } }
      - any_of:
          - { regex: { pattern: '(' } }
  - name: some
    any_of:
      - { exact: {} }
  - name: formula
    expression: anwser == 1
";
    world.write("suite.yaml", &format!("{SUITE}{metrics}"));
    let told = world.run(&["check", "suite.yaml"]).expect(2).stderr;
    for words in [
        "suite.yaml:12:33: ",
        "suite.yaml:15:18: `exact` compares with a target, and the dataset names none",
        "suite.yaml:17:17: at character 1: no name `anwser`; did you mean `answer`?",
    ] {
        assert!(told.contains(words), "`{words}` is not in\n{told}");
    }
}
