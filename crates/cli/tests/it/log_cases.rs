//! `evalmark dataset from-logs` and `freeze`: records of production become items, each once, with where they came from.

use std::fs;

use serde_json::{Value, json};

use crate::setup::World;

pub(crate) const SUITE: &str = "\
name: test
dataset: { path: DATA, id: id, target: label }
prompts: [{ name: plain, template: '{{ text }}' }]
models: [{ name: kept, recorded: { column: label } }]
metrics:
  - { name: exact, exact: {} }
  - { name: short, length_within: { unit: words, max: 3 } }
logs:
  from: logs
  fields:
    id: $.id
    time: $.at
    output: $.out
    variables: { text: $.in, n: $.n }
    target: $.label
    error: $.error
    model: $.model
    prompt_hash: $.hash
";

pub(crate) const CSV: &str =
    "id,text,n,label\n1,Where is my parcel?,1,delivery\n2,\"Money back, please\",2,money\n";

pub(crate) fn world(data: &str, content: &str) -> World {
    let world = World::new(1);
    world.write(data, content);
    world.write("suite.yaml", &SUITE.replace("DATA", data));
    fs::create_dir(world.path("logs")).expect("a folder");
    world
}

pub(crate) fn line(id: &str, text: &str, output: &str) -> String {
    let line = json!({
        "id": id, "at": "2026-11-03T10:00:00Z", "in": text, "n": 7, "out": output, "model": "m-1", "hash": "abc",
    });
    format!("{line}\n")
}

/// Logs with three failing records, of which one is nearly an item of the dataset and one nearly another.
fn logs(world: &World) {
    let long = "far too many words in here";
    let lines = [
        line("a", "Where is my parcel", long),
        line("b", "=HYPERLINK(\"http://evil\"), where is the refund of order 7?", long),
        line("c", "=HYPERLINK(\"http://evil\"), where is the refund of order 8?", long),
        line("d", "I cannot log in since yesterday", "login"),
        json!({"id": "e", "in": "Anybody there?", "error": "timed out"}).to_string(),
    ];
    world.write("logs/a.jsonl", &lines.concat());
    world.run(&["monitor", "suite.yaml"]).expect(0);
}

fn from_logs(world: &World, file: &str, pick: &str) -> Value {
    let args = ["dataset", "from-logs", "suite.yaml", "--write", file, "--pick", pick];
    let ran = world.run(&[&args[..], &["--force", "--format", "json"]].concat()).expect(0);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

pub(crate) fn freeze(world: &World, file: &str, code: i32) -> String {
    let ran = world.run(&["dataset", "freeze", "suite.yaml", file]).expect(code);
    let all = [ran.stdout, ran.stderr].concat();
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(crate) fn rows(world: &World, file: &str) -> Vec<Value> {
    let text = fs::read_to_string(world.path(file)).expect("a file");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn failing_records_are_picked_once_and_without_those_that_the_dataset_has() {
    let world = world("data.csv", CSV);
    logs(&world);
    let found = from_logs(&world, "review.jsonl", "failing=10,random=10");
    assert_eq!((&found["records"], &found["with_texts"]), (&json!(5), &json!(4)));
    let kinds = &found["kinds"];
    assert_eq!(
        kinds[0],
        json!({"kind": "failing", "found": 3, "repeated": 0, "near": 2, "taken": 1, "left": 0})
    );
    assert_eq!(
        kinds[1],
        json!({"kind": "random", "found": 4, "repeated": 3, "near": 0, "taken": 1, "left": 0})
    );
    let rows = rows(&world, "review.jsonl");
    let failing = &rows[0];
    assert_eq!(failing["log_why"], "failing: short 0");
    assert_eq!(failing["log_answer"], "far too many words in here");
    assert_eq!(failing["log_time"], "2026-11-03T10:00:00Z");
    assert_eq!(
        (&failing["log_model"], &failing["log_prompt_hash"]),
        (&json!("m-1"), &json!("abc"))
    );
    assert_eq!((&failing["n"], &failing["label"]), (&json!(7), &Value::Null));
    assert_eq!((&rows[1]["id"], &rows[1]["log_why"]), (&json!("d"), &json!("random")));
    let seeded = from_logs(&world, "again.jsonl", "failing=10,random=10");
    assert_eq!(seeded["kinds"], found["kinds"]);
    let args =
        ["dataset", "from-logs", "suite.yaml", "--write", "none.csv", "--since", "2026-12-01"];
    let none = world.run(&args).expect(4);
    assert!(none.stderr.contains("none of 0 records that keep texts is a case"), "{}", none.stderr);
    assert!(!world.path("none.csv").exists());
}

#[test]
fn what_is_reviewed_becomes_items_for_good() {
    let world = world("data.csv", CSV);
    logs(&world);
    from_logs(&world, "review.csv", "failing,random");
    let review = fs::read_to_string(world.path("review.csv")).expect("a file");
    assert!(review.contains("'=HYPERLINK") && !review.contains(",\"=HYPERLINK"), "{review}");
    let told = freeze(&world, "review.csv", 2);
    for row in ["row 1:", "row 2:"] {
        assert!(told.contains(row) && told.contains("has no right answer (`label`)"), "{told}");
    }
    assert!(told.contains("nothing was changed"), "{told}");
    assert_eq!(fs::read_to_string(world.path("data.csv")).expect("a file"), CSV);
    // The first is kept, the second is not.
    let reviewed: Vec<String> = review
        .lines()
        .enumerate()
        .map(|(at, row)| match at {
            1 => row.replacen(",7,\"\",\"\",", ",7,money,yes,", 1),
            2 => row.replacen(",7,\"\",\"\",", ",7,\"\",no,", 1),
            _ => row.to_owned(),
        })
        .collect();
    world.write("review.csv", &reviewed.join("\n"));
    let told = freeze(&world, "review.csv", 0);
    assert!(told.contains("data.csv: 1 item frozen, 1 not kept"), "{told}");
    let data = fs::read_to_string(world.path("data.csv")).expect("a file");
    let new = data.strip_prefix(CSV).expect("the rows before stay as they are");
    assert!(
        new.contains("\"=HYPERLINK(\"\"http://evil\"\"), where is the refund of order"),
        "{new}"
    );
    assert!(new.ends_with(",7,money\n"), "{new}");
    let frozen = rows(&world, "suite.frozen.jsonl");
    assert_eq!(frozen.len(), 1);
    assert_eq!(
        (&frozen[0]["why"], &frozen[0]["model"]),
        (&json!("failing: short 0"), &json!("m-1"))
    );
    // Once more changes nothing.
    let told = freeze(&world, "review.csv", 0);
    assert!(told.contains("nothing new, 1 frozen before"), "{told}");
    assert_eq!(fs::read_to_string(world.path("data.csv")).expect("a file"), data);
    assert_eq!(rows(&world, "suite.frozen.jsonl"), frozen);
    let plan = world.run(&["plan", "suite.yaml", "--format", "json"]).expect(0);
    let plan: Value = serde_json::from_str(&plan.stdout).expect("JSON");
    assert_eq!(plan["items"], 3, "{plan}");
    world.run(&["dataset", "validate", "suite.yaml"]).expect(0);
    world.write("data.csv", CSV);
    let gone = world.run(&["dataset", "validate", "suite.yaml"]).expect(2);
    assert!(gone.stdout.contains("frozen items that are gone: 1"), "{}", gone.stdout);
}

#[test]
fn numbers_of_a_dataset_in_json_stay_numbers() {
    let data = "{\"id\":\"1\",\"text\":\"one\",\"n\":1,\"label\":\"money\"}";
    let world = world("data.jsonl", data);
    logs(&world);
    from_logs(&world, "review.csv", "random");
    let review = fs::read_to_string(world.path("review.csv")).expect("a file");
    world.write("review.csv", &review.replace(",7,\"\",\"\",", ",7,0123,,"));
    freeze(&world, "review.csv", 0);
    let text = fs::read_to_string(world.path("data.jsonl")).expect("a file");
    assert!(text.starts_with(&format!("{data}\n")), "{text}");
    let rows = rows(&world, "data.jsonl");
    assert!(rows.len() > 2);
    for row in &rows[1..] {
        assert_eq!((&row["n"], &row["label"]), (&json!(7), &json!("0123")));
        assert!(row.get("log_id").is_none());
    }
}

#[test]
fn mistakes_of_a_review_are_told_together() {
    let world = world("data.csv", CSV);
    let review = "\
id,text,n,label,log_keep
1,another text,1,money,
x,Where is my parcel?,1,money,
y,new,1,money,
y,newer,1,money,
z,new,1,money,perhaps
,new,1,money,yes
1,Where is my parcel?,1,delivery,no
";
    world.write("review.csv", review);
    let told = freeze(&world, "review.csv", 2);
    for mistake in [
        "row 1: `1` is in the dataset already, with other content",
        "row 2: `x` has the text of `1`, which is in the dataset with another right answer",
        "row 4: the id `y` is there twice: row 3 has it",
        "row 5: `log_keep` is `perhaps`; write yes or no",
        "row 6: the id (`id`) is empty",
    ] {
        assert!(told.contains(mistake), "{mistake}\n{told}");
    }
    world.write("review.csv", "id,text,n,label,more\na,new,1,money,5\n");
    let told = freeze(&world, "review.csv", 2);
    assert!(told.contains("the dataset has no column `more`"), "{told}");
    world.write("review.csv", "id,text,n,label,log_keep\na,new,1,money,no\n");
    let told = freeze(&world, "review.csv", 2);
    assert!(told.contains("no row of review.csv is to be kept"), "{told}");
    assert!(!world.path("suite.frozen.jsonl").exists());
}

#[test]
fn files_that_take_no_rows_say_why() {
    let check = |data: &str, more: &str, expected: &str| {
        let world = world("data.csv", CSV);
        world.write("review.csv", "id,text,n,label\na,new,1,money\n");
        let options = if more.is_empty() { &[][..] } else { &["--into", more][..] };
        fs::create_dir_all(world.path("several")).expect("a folder");
        world.write("several/a.csv", CSV);
        world.write("several/b.csv", &CSV.replace("1,Where", "3,Who").replace("2,\"M", "4,\"M"));
        world.write("rows.json", "[{\"id\":\"1\",\"text\":\"t\",\"n\":1,\"label\":\"money\"}]");
        world.write("suite.yaml", &SUITE.replace("DATA", data));
        let args = ["dataset", "freeze", "suite.yaml", "review.csv"];
        let ran = world.run(&[&args[..], options].concat());
        let told = [ran.stdout.as_str(), &ran.stderr].concat();
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(expected), "{told}");
    };
    check("rows.json", "", "no row can be added to rows.json: it is neither CSV nor JSON lines");
    check("several", "", "it is 2 files");
    check("several", "data.csv", "data.csv is no file of it");
    check("several", "several/b.csv", "1 item frozen");
    check("data.csv", "data.csv", "1 item frozen");
}

/// `--force` is for a review file that is written again. The suite, its dataset, the logs and whatever else lies there
/// stay.
#[test]
fn nothing_but_a_review_file_is_replaced() {
    let world = world("data.csv", CSV);
    logs(&world);
    world.write("notes.csv", "a,b\n1,2\n");
    world.write("suite.jsonl", "{\"log_keep\": \"\"}\n");
    let pick = |file: &str| {
        let args =
            ["dataset", "from-logs", "suite.yaml", "--force", "--pick", "random", "--write", file];
        world.run(&args)
    };
    for file in ["data.csv", "logs/a.jsonl", "notes.csv", "suite.jsonl", "./logs/../data.csv"] {
        let before = fs::read(world.path(file)).expect("a file");
        let refused = pick(file).expect(2);
        assert!(refused.stderr.contains("is there, and is no review file"), "{}", refused.stderr);
        assert!(refused.stderr.contains("name another file with `--write`"), "{}", refused.stderr);
        assert_eq!(fs::read(world.path(file)).expect("a file"), before);
    }
    pick("review.csv").expect(0);
    pick("review.csv").expect(0);
    pick("review.parquet").expect(0);
    pick("review.parquet").expect(0);
}

#[test]
fn a_dataset_that_takes_no_rows_is_refused_before_somebody_reviews_them() {
    let world = world("rows.json", "[{\"id\":\"1\",\"text\":\"t\",\"n\":1,\"label\":\"money\"}]");
    logs(&world);
    let args = ["dataset", "from-logs", "suite.yaml", "--write", "review.csv"];
    let refused = world.run(&args).expect(2);
    assert!(refused.stderr.contains("it is neither CSV nor JSON lines"), "{}", refused.stderr);
    let utf_16: Vec<u8> = CSV.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(world.path("data.csv"), utf_16).expect("written");
    world.write("suite.yaml", &SUITE.replace("path: DATA,", "path: data.csv, encoding: utf-16le,"));
    let refused = world.run(&args).expect(2);
    assert!(refused.stderr.contains("it is not in UTF-8"), "{}", refused.stderr);
    assert!(!world.path("review.csv").exists());
}

/// Found is what became of all: looked at already, nearly the same, more than asked for, taken.
#[test]
fn the_table_adds_up_and_nothing_but_near_duplicates_is_told() {
    let world = world("data.csv", CSV);
    let topics =
        ["refund", "parcel lost in the rain", "password", "invoice copy", "holiday opening hours"];
    let mut lines: String = topics
        .iter()
        .enumerate()
        .map(|(at, topic)| line(&format!("r{at}"), topic, "money"))
        .collect();
    lines.push_str(&line("r0", "something else again", "money"));
    world.write("logs/a.jsonl", &lines);
    world.run(&["monitor", "suite.yaml"]).expect(0);
    let found = from_logs(&world, "review.jsonl", "random=2");
    let random = &found["kinds"][0];
    let n = |name: &str| random[name].as_u64().expect("a number");
    assert_eq!(n("found"), n("repeated") + n("near") + n("left") + n("taken"), "{random}");
    assert_eq!((n("found"), n("taken")), (6, 2), "{random}");
    let all = from_logs(&world, "all.jsonl", "random=9");
    assert_eq!(all["kinds"][0]["repeated"], 1, "{all}");
    let mut items = CSV.to_owned();
    for (at, topic) in topics.iter().chain(&["something else again"]).enumerate() {
        items.extend(["i", &at.to_string(), ",", topic, ",1,money\n"]);
    }
    world.write("data.csv", &items);
    let args = ["dataset", "from-logs", "suite.yaml", "--write", "none.csv", "--pick", "random"];
    let none = world.run(&args).expect(4);
    let told = none.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("are of these kinds: random; nearly the same as an item of the dataset"),
        "{told}"
    );
}

/// A model's text may hold anything: the review file is one that can be read, and what people froze is what users wrote.
#[test]
fn what_acts_in_texts_is_seen_and_comes_back() {
    let world =
        world("data.jsonl", "{\"id\":\"1\",\"text\":\"one\",\"n\":1,\"label\":\"money\"}\n");
    let long = "y".repeat(40_000);
    let text = "\u{1b}[31mred\u{202e} and \\u{1b} \u{0}";
    world.write(
        "logs/a.jsonl",
        &[line("a", text, "a\0b\u{1b}[2J"), line("b", &long, &long)].concat(),
    );
    world.run(&["monitor", "suite.yaml"]).expect(0);
    let args = ["dataset", "from-logs", "suite.yaml", "--write", "review.csv", "--pick", "random"];
    let told = world.run(&args).expect(0).stdout;
    assert!(told.contains("1 text is longer than the 32,767 characters"), "{told}");
    let review = fs::read_to_string(world.path("review.csv")).expect("a file");
    assert!(!review.contains(['\0', '\u{1b}', '\u{202e}']), "{review}");
    let answers = review.matches(&"y".repeat(32_768)).count();
    assert_eq!(answers, 1, "the answer is cut, the question is not");
    world.write("review.csv", &review.replace(",7,\"\",\"\",", ",7,money,,"));
    freeze(&world, "review.csv", 0);
    let texts: Vec<_> = rows(&world, "data.jsonl").iter().map(|row| row["text"].clone()).collect();
    assert!(texts.contains(&json!(text)) && texts.contains(&json!(long)));
}
