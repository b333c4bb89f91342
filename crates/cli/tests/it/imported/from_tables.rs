//! Tables of results, and files that are not what they are said to be: one error with its place, exit code 2; and what
//! cannot be compared, exit code 4.

use crate::setup::{Ran, World};

fn said(ran: &Ran) -> String {
    ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn check_error(tool: &str, name: &str, content: &str, code: i32, expected: &str) {
    let world = World::new(0);
    world.write(name, content);
    let ran = world.run(&["import", "results", "--from", tool, name]).expect(code);
    assert!(said(&ran).contains(expected), "{tool} {name}\n{}\n{expected}", ran.stderr);
    assert!(!world.path("reports").exists(), "a folder was left");
}

#[test]
fn a_table_says_what_is_wrong_with_it_and_where() {
    let wrong = [
        ("", "t.csv: is empty"),
        ("id,score\n", "t.csv: has no row"),
        ("id,points\na,1\n", "t.csv: has no column of scores; its columns are: id, points"),
        ("name,score\na,1\n", "does not say which item a row is about"),
        ("id,score\na,1\na,0\n", "t.csv, row 2: there is a second result of item `a`"),
        (
            "id,input,score\na,x,1\na,y,0\n",
            "the id `a` is already that of an item with another content",
        ),
        ("id,score\na,good\n", "t.csv, row 1: column `score`: `good` is not a score"),
        ("id,score\na,inf\n", "t.csv, row 1: column `score`: `inf` is not a score"),
        ("id,epoch,score\na,one,1\n", "t.csv, row 1: the epoch `one` is not a whole number"),
        ("id,epoch,score\na,4000000000,1\n", "t.csv, row 1: the epoch 4000000000"),
        ("id,score\n,1\n", "t.csv, row 1: the id is empty"),
    ];
    for (content, expected) in wrong {
        check_error("csv", "t.csv", content, 2, expected);
    }
    check_error("csv", "t.csv", "id,score\na,\nb,nan\n", 4, "no answer has a score");
    check_error("csv", "t.csv", "id,error,score\na,timeout,\n", 4, "no answer has a score");
}

#[test]
fn columns_are_named_by_the_user() {
    let world = World::new(0);
    world.write("t.csv", "ticket,reply,ok,words\n1,a,true,10\n2,b,false,30\n2,b2,true,\n");
    let map = [
        "--map",
        "input=ticket",
        "--map",
        "output=reply",
        "--map",
        "score=ok",
        "--map",
        "score=words",
    ];
    let ran = world.run(
        &[&["import", "results", "--from", "csv", "t.csv", "--lower", "words"][..], &map].concat(),
    );
    let told = ran.expect(0).words();
    assert!(told.contains("3 answers to 2 items in up to 2 epochs; metrics: ok, words"), "{told}");
    let ran = world.run(&[
        "import",
        "results",
        "--from",
        "csv",
        "t.csv",
        "--map",
        "score=okay",
        "--map",
        "id=ticket",
    ]);
    assert!(
        said(&ran.expect(2)).contains("has no column `okay`; it has: ticket, reply, ok, words")
    );
    let ran = world.run(
        &[&["import", "results", "--from", "csv", "t.csv", "--lower", "size"][..], &map].concat(),
    );
    assert!(said(&ran.expect(2)).contains("there is no metric `size`; there are: ok, words"));
}

#[test]
fn what_does_not_measure_the_same_is_not_compared() {
    let world = World::new(0);
    let rows =
        |from: u32| (from..from + 40).map(|i| format!("q{i},1\n")).collect::<Vec<_>>().concat();
    world.write("a.csv", &format!("id,score\n{}", rows(0)));
    world.write("b.csv", &format!("id,score\n{}", rows(1000)));
    world.write("c.csv", &format!("id,score.f1\n{}", rows(0)));
    for after in ["b.csv", "c.csv"] {
        let ran = world.run(&["gate", "--from", "csv", "a.csv", after]).expect(4);
        assert!(ran.stdout.contains("INCOMPARABLE"), "{}", ran.stdout);
    }
    let ran = world.run(&["gate", "--from", "csv", "a.csv"]).expect(2);
    assert!(said(&ran).contains("evalmark gate --from csv BEFORE AFTER"), "{}", ran.stderr);
}

/// The verdict's answers by metric.
fn answers(ran: &Ran) -> Vec<(String, String)> {
    let verdict: serde_json::Value = serde_json::from_str(&ran.stdout).expect(&ran.stderr);
    let all = verdict["comparisons"].as_array().expect("comparisons").iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    all.map(|one| (text(&one["metric"]), text(&one["answer"]))).collect()
}

#[test]
fn a_metric_that_only_one_side_has_is_not_passed_over() {
    let world = World::new(0);
    let table = |head: &str, score: &str| {
        let rows = (0..400).map(|i| format!("q{i},1{score}\n")).collect::<Vec<_>>().concat();
        format!("id,score.a{head}\n{rows}")
    };
    world.write("both.csv", &table(",score.b", ",1"));
    world.write("one.csv", &table("", ""));
    world.write("empty.csv", &table(",score.b", ","));
    world.write("nan.csv", &table(",score.b", ",NaN"));
    let gate = |files: [&str; 2], more: &[&str]| {
        let all = ["gate", "--from", "csv", files[0], files[1], "--format", "json"];
        world.run(&[&all, more].concat())
    };
    for lacks in ["one.csv", "empty.csv", "nan.csv"] {
        for files in [["both.csv", lacks], [lacks, "both.csv"]] {
            for more in [&[][..], &["--alpha", "0.01"], &["--metric", "a", "--metric", "b"]] {
                let ran = gate(files, more).expect(4);
                let b = ("b".to_owned(), "incomparable".to_owned());
                assert!(answers(&ran).contains(&b), "{files:?} {more:?}: {}", ran.stdout);
            }
            let ran = gate(files, &["--metric", "a"]).expect(0);
            assert_eq!(answers(&ran), [("a".to_owned(), "pass".to_owned())], "{files:?}");
            gate(files, &["--metric", "c"]).expect(2);
        }
    }
    let ran = world.run(&["gate", "--from", "csv", "both.csv", "one.csv"]).expect(4);
    assert!(ran.words().contains("the run does not have this metric"), "{}", ran.stdout);
    let ran = world.run(&["import", "results", "--from", "csv", "nan.csv"]).expect(0);
    assert!(
        ran.words().contains("left out: 400 scores: the metric `b` has no value"),
        "{}",
        ran.stdout
    );
}

#[test]
fn results_of_promptfoo_without_a_score_are_told() {
    let world = World::new(0);
    let file = |score: &str| {
        let result = |i: u32| {
            format!(
                "{{\"success\": true{score}, \"prompt\": {{\"raw\": \"q{i}\", \"label\": \"p\"}}, \
                 \"provider\": \"m\", \"vars\": {{\"q\": {i}}}}}"
            )
        };
        let all = (0..40).map(result).collect::<Vec<_>>().join(", ");
        format!("{{\"results\": {{\"results\": [{all}]}}}}")
    };
    world.write("whole.json", &file(", \"score\": 1"));
    for score in ["", ", \"score\": null", ", \"score\": NaN"] {
        world.write("none.json", &file(score));
        let ran = world.run(&["import", "results", "--from", "promptfoo", "none.json"]).expect(0);
        let told = ran.words();
        assert!(
            told.contains("left out: 40 scores: the metric `score` has no value"),
            "{score}: {told}"
        );
        for files in [["whole.json", "none.json"], ["none.json", "whole.json"]] {
            let ran = world.run(&["gate", "--from", "promptfoo", files[0], files[1]]).expect(4);
            assert!(ran.stdout.contains("score"), "{}", ran.stdout);
        }
    }
}

#[test]
fn a_run_lies_within_the_output_folder() {
    let world = World::new(0);
    world.write("t.csv", "id,score\n1,1\n");
    let import = ["import", "results", "--from", "csv", "t.csv"];
    for name in ["../../x", "/tmp/x", "a/b", "..", "", "con", "baselines", "a\\b"] {
        for option in ["--suite", "--run-id"] {
            world.run(&[&import[..], &[option, name]].concat()).expect(2);
        }
        world.run(&["gate", "--from", "csv", "t.csv", "t.csv", "--suite", name]).expect(2);
    }
    assert!(!world.path("reports").exists());
    assert!(!world.path("../x").exists() && !world.path("../../x").exists());
}

#[test]
fn a_second_run_of_a_name_takes_another() {
    let world = World::new(0);
    world.write("t.csv", "id,score\n1,1\n");
    let import = ["import", "results", "--from", "csv", "t.csv", "--run-id", "monday"];
    world.run(&import).expect(0);
    let told = said(&world.run(&import).expect(2));
    assert!(told.contains("choose another `--run-id`") && !told.contains("resume"), "{told}");
}

#[test]
fn what_a_table_does_not_tell_is_not_called_unchanged() {
    let world = World::new(0);
    let rows = (0..400).map(|i| format!("q{i},1\n")).collect::<Vec<_>>().concat();
    world.write("t.csv", &format!("id,score\n{rows}"));
    let ran = world.run(&["gate", "--from", "csv", "t.csv", "t.csv"]).expect(0);
    assert!(!ran.stdout.contains("nothing changed"), "{}", ran.stdout);
}

#[test]
fn a_file_of_promptfoo_is_one() {
    let deep = format!("{{\"results\": {}1{}}}", "[".repeat(5000), "]".repeat(5000));
    let wrong = [
        ("", "r.json: is empty"),
        ("[1, 2", "r.json, line 1, column 1: is not what is expected"),
        (
            "{\"evals\": 1}",
            "r.json: has no `results`: it is not a result of a promptfoo evaluation",
        ),
        (
            "{\"results\": {\"results\": [{\"success\": 3}]}}",
            "results.results[0].success: is not what is expected",
        ),
        ("{\"results\": {\"results\": [{\"succ", "r.json, line 1, column"),
        (&*deep, "r.json"),
    ];
    for (content, expected) in wrong {
        let expected = expected.replace("r.json, line 1, column 1: is not what", "is not");
        check_error("promptfoo", "r.json", content, 2, expected.trim_end_matches(" is expected"));
    }
    check_error(
        "promptfoo",
        "r.json",
        "{\"results\": {\"results\": []}}",
        4,
        "there is no result to import",
    );
}
