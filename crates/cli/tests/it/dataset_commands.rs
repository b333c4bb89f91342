//! `evalmark dataset`: over a suite and over files, and the right answers that a run doubts.

use std::{collections::BTreeSet, fmt::Write};

use serde_json::Value;

use crate::setup::World;

const SUITE: &str = "\
name: labels
dataset: { path: data.csv, id: id, target: intent }
prompts: [{ name: plain, template: 'Which intent? {{ text }}' }]
models:
  - { name: one, recorded: { column: one } }
  - { name: two, recorded: { column: two } }
  - { name: three, recorded: { column: three } }
metrics: [{ name: exact, exact: { normalize: [trim, casefold] } }]
";

/// A thousand items of eight classes, of which one in twenty has a wrong target; three models that are right
/// in most cases, each in its own.
fn labelled() -> (String, BTreeSet<String>) {
    let mut csv = "id,text,intent,one,two,three\n".to_owned();
    let mut wrong = BTreeSet::new();
    let mut state = 11_u64;
    let mut below = |n: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    for i in 0..1000 {
        let truth = below(8);
        let mut answer = |percent: u64| {
            let class = if below(100) < percent { truth } else { (truth + 1 + below(7)) % 8 };
            format!("Class-{class}.")
        };
        let answers = [answer(80), answer(85), answer(90)];
        let target = if below(20) == 0 {
            wrong.insert(format!("i{i}"));
            (truth + 1 + below(7)) % 8
        } else {
            truth
        };
        writeln!(csv, "i{i},text {i},class-{target},{}", answers.join(",")).expect("text");
    }
    (csv, wrong)
}

#[test]
fn a_run_says_which_right_answers_look_wrong() {
    let world = World::new(1);
    let (csv, wrong) = labelled();
    world.write("data.csv", &csv);
    world.write("suite.yaml", SUITE);
    world.run_suite("r", &["--new-baseline"]).expect(0);
    let arguments = [
        "dataset",
        "validate",
        "suite.yaml",
        "--run",
        "labels:latest",
        "--top",
        "100",
        "--near",
        "1",
        "--format",
        "json",
    ];
    let found = world.run(&arguments).expect(0);
    let found: Value = serde_json::from_str(&found.stdout).expect("JSON");
    let doubted = found["label_doubts"]["items"].as_array().expect("items");
    assert_eq!(doubted.len(), 100);
    let among =
        doubted.iter().filter(|item| wrong.contains(item["id"].as_str().expect("an id"))).count();
    assert!(among * 10 >= wrong.len() * 8, "{among} of {}", wrong.len());
    let first = &doubted[0];
    assert!(first["instead"].as_str().expect("an answer").starts_with("class-"), "{first}");
    let text = world
        .run(&["dataset", "validate", "suite.yaml", "--run", "labels:latest", "--near", "1"])
        .expect(0);
    assert!(text.stdout.contains("answered instead"), "{}", text.stdout);
}

#[test]
fn what_is_wrong_with_a_dataset_is_told_and_hostile_texts_do_nothing() {
    let world = World::new(1);
    world.write(
        "d.csv",
        "id,text,intent\n1,Where is my order?,delivery\n2,where is my ORDER,login\n3,red \u{1b}[31m text here,login\n",
    );
    let columns = ["--id", "id", "--target", "intent"];
    let of = |arguments: &[&str], expected: i32| {
        let arguments = [&["dataset"], arguments, &columns[..]].concat();
        world.run(&arguments).expect(expected)
    };
    let found = of(&["validate", "d.csv"], 2);
    assert!(found.stdout.contains("label conflicts: 1"), "{}", found.stdout);
    assert!(found.stdout.contains("the character U+001B"), "{}", found.stdout);
    assert!(!found.stdout.contains('\u{1b}'), "{}", found.stdout);
    let near = of(&["validate", "d.csv", "--format", "json", "--near", "0.9"], 2);
    let near: Value = serde_json::from_str(&near.stdout).expect("JSON");
    assert_eq!(near["counts"]["label-conflict"], 1);
    let described = of(&["describe", "d.csv", "--format", "json"], 0);
    let described: Value = serde_json::from_str(&described.stdout).expect("JSON");
    assert_eq!((&described["n_items"], &described["classes"][0]["n"]), (&3.into(), &2.into()));
    of(&["dedupe", "d.csv", "--out", "kept.jsonl"], 0);
    let kept = world.bytes("kept.jsonl");
    assert_eq!(String::from_utf8_lossy(&kept).lines().count(), 2);
    // Nothing is replaced unasked, and nothing is left of what failed.
    let again = of(&["dedupe", "d.csv", "--out", "kept.jsonl"], 2);
    assert!(
        again.stderr.contains("is there already") && again.stderr.contains("--force"),
        "{}",
        again.stderr
    );
    let absent = of(&["describe", "absent.csv"], 2);
    assert!(absent.stderr.contains("absent.csv"), "{}", absent.stderr);
    world.run(&["dataset", "convert", "d.csv", "--out", "d.parquet"]).expect(0);
    let same = world.run(&["dataset", "diff", "d.csv", "d.parquet", "--id", "id"]).expect(0);
    assert!(same.stdout.contains("0 added, 0 removed, 0 changed, 3 the same"), "{}", same.stdout);
    let parts = ["split", "d.csv", "--parts", "a=0.5,b=0.5", "--out", "."];
    of(&parts, 0);
    assert!(world.path("a.jsonl").exists() && world.path("b.jsonl").exists());
}

/// What would be lost without a word is an error, and nothing is written.
#[test]
fn nothing_is_lost_on_the_way_to_another_form() {
    let world = World::new(0);
    world.write("d.csv", "id,text\n1,a\n2,b\n3,c\n");
    world.write("twice.csv", "id,text\n1,a\n1,b\n");
    world.write("same.csv", "text\na\na\n");
    world.write("nan.jsonl", "{\"id\": 1, \"n\": 2}\n{\"id\": 2, \"n\": NaN}\n");
    world.write("formula.csv", "id,=1+1\n1,x\n");
    let check = |arguments: &[&str], code: i32, expected: &str| {
        let ran = world.run(&[&["dataset"], arguments].concat()).expect(code);
        let told = format!("{}{}", ran.stdout, ran.stderr);
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(expected), "{arguments:?}: {told}");
    };
    let names = "the parts need names of their own";
    check(&["split", "d.csv", "--parts", "a=0.5,a=0.5", "--out", "."], 2, names);
    let none = "too few items for the part `a`";
    check(&["split", "d.csv", "--parts", "a=0.001,b=0.999", "--out", "."], 2, none);
    for out in ["n.jsonl", "n.parquet", "n.csv"] {
        check(&["convert", "nan.jsonl", "--out", out], 2, "row 2: `n`");
        assert!(!world.path(out).exists(), "{out}");
    }
    assert!(!world.path("a.jsonl").exists());
    // Lists that are null stay so.
    world.write(
        "lists.jsonl",
        "{\"id\": 1, \"l\": [\"a\"]}\n{\"id\": 2, \"l\": null}\n{\"id\": 3, \"l\": []}\n",
    );
    check(&["convert", "lists.jsonl", "--out", "new/folder/lists.parquet"], 0, "");
    check(&["convert", "new/folder/lists.parquet", "--out", "again.jsonl"], 0, "");
    let again = String::from_utf8(world.bytes("again.jsonl")).expect("text");
    let lists: Vec<_> = again.lines().map(|line| line.split("\"l\":").nth(1)).collect();
    assert_eq!(lists, [Some("[\"a\"]}"), Some("null}"), Some("[]}")]);
    let below = "d.csv/d.jsonl";
    check(&["convert", "d.csv", "--out", below], 4, "its folder cannot be made");
    check(&["diff", "twice.csv", "twice.csv", "--id", "id"], 2, "the id `1` is there twice");
    check(&["diff", "same.csv", "same.csv"], 0, "0 added, 0 removed, 0 changed, 2 the same");
    check(&["convert", "formula.csv", "--out", "f.csv", "--escape-formulas"], 0, "");
    assert!(world.bytes("f.csv").starts_with(b"id,'=1+1\n"));
}
