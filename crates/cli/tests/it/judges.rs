//! Model-graded metrics through the whole program.

use evalmark_loopback::{Reply, Seen, Server};
use evalmark_report::scores::score_records;

use crate::setup::{World, answer, item};

const SUITE: &str = "\
name: test
dataset: { path: data.csv, id: id, target: label }
prompts:
  - { name: plain, template: '{{ text }}' }
models:
  - { name: small, provider: openai, base_url: 'URL' }
  - { name: grader, provider: openai, base_url: 'URL', params: { temperature: 0 } }
metrics:
  - { name: exact, exact: {} }
  - name: good
    judge: { model: grader, rubric: 'Is the answer the colour of {{ text }}?' }
";

/// A model that answers with a colour, and a judge that grades by its length; item 4's grade is
/// nonsense.
fn model_and_judge(seen: &Seen) -> Reply {
    let json = seen.json();
    if json["model"] != "grader" {
        return Reply::text(answer(item(seen)));
    }
    let all = json["messages"].to_string();
    if all.contains("question 4?") {
        return Reply::text("I think it deserves a 1.0");
    }
    let grade = if all.contains("green") { 0.25 } else { 1.0 };
    Reply::text(format!("{{\"grade\": {grade}, \"reason\": \"seen\"}}"))
}

#[test]
fn judges_are_asked_after_the_answers_and_nonsense_is_missing() {
    let server = Server::start(model_and_judge);
    let world = World::new(30);
    world.write("suite.yaml", &SUITE.replace("URL", &server.url()));
    let ran = world.run_suite("r", &["--format", "json"]).expect(0);
    assert_eq!(server.count(), 60);
    let scores: Vec<_> = score_records(&world.path("reports/test/r/scores.parquet"))
        .expect("file")
        .map(|row| row.expect("a row"))
        .filter(|row| row.metric == "good")
        .collect();
    assert_eq!(scores.len(), 30);
    for (i, row) in scores.iter().enumerate() {
        let expected = match (i, answer(i)) {
            (4, _) => None,
            (_, "green") => Some(0.25),
            _ => Some(1.0),
        };
        assert_eq!(row.score.value, expected, "item {i}: {:?}", row.score);
        let judge = row.score.judge.as_ref().expect("a judge");
        assert_eq!(judge.model, "grader");
        assert_eq!(judge.tokens, Some(15));
    }
    let told: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(told["run"]["totals"]["judge_tokens"], 450);
    assert_eq!(told["run"]["models"], serde_json::json!(["small"]), "a judge is not evaluated");
    // Scoring again asks neither model nor judge.
    world.run(&["score", "reports/test/r"]).expect(0);
    assert_eq!(server.count(), 60);
}

#[test]
fn a_rubric_with_an_unknown_variable_is_found_before_anything_is_asked() {
    let server = Server::start(model_and_judge);
    let world = World::new(3);
    let text = SUITE.replace("URL", &server.url()).replace("colour of {{ text }}", "{{ txet }}");
    world.write("suite.yaml", &text);
    let ran = world.run_suite("r", &[]).expect(2);
    assert!(ran.stderr.contains("undefined variable `txet`"), "{}", ran.stderr);
    assert_eq!(server.count(), 0);
}

#[test]
fn grades_that_nobody_can_read_are_told_and_not_promoted() {
    let server = Server::start(|seen| {
        let is_judge = seen.json()["model"] == "grader";
        Reply::text(if is_judge { "splendid" } else { "red" })
    });
    let world = World::new(5);
    world.write("suite.yaml", &SUITE.replace("URL", &server.url()));
    let ran = world.run_suite("r", &[]).expect(4);
    let told = "5 of 5 samples have an answer but no score of `good`: could not read a grade";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    world.run(&["baseline", "promote", "reports/test/r", "main"]).expect(2);
}
