//! What is asked and scored is the dataset that was planned, whatever happens to the file meanwhile.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use evalmark_loopback::Server;

use crate::{
    setup::{Ran, World, answer, item, right, suite},
    workbook::workbook,
};

const ITEMS: usize = 3000;

/// The dataset's rows, each with the answer to item `i + shift`.
fn rows(shift: usize) -> Vec<String> {
    let row = |i: usize| format!("i{i:04},question {i},{}\n", answer(i + shift));
    (0..ITEMS).map(row).collect()
}

fn file(rows: &[String]) -> String {
    format!("id,text,label\n{}", rows.concat())
}

/// What the file becomes.
type Change = fn() -> String;

fn reversed() -> String {
    let mut rows = rows(0);
    rows.reverse();
    file(&rows)
}

fn with_other_targets() -> String {
    file(&rows(1))
}

fn with_more() -> String {
    file(&rows(0)) + "more,question 7,red\n"
}

fn shorter() -> String {
    file(&rows(0)[..ITEMS / 2])
}

fn with_one_word() -> String {
    file(&rows(0)).replace("i2900,question 2900,", "i2900,question 2901,")
}

fn damaged() -> String {
    file(&rows(0)).replace("i2900,question 2900,", "i2900,")
}

/// Runs the suite against a server that changes the dataset after some answers.
fn run_while_it_changes(world: &World, to: Change, by_rename: bool) -> Ran {
    let (path, count) = (world.path("data.csv"), AtomicU64::new(0));
    let change = move |path: &PathBuf| {
        if by_rename {
            let beside = path.with_extension("new");
            fs::write(&beside, to()).and_then(|()| fs::rename(&beside, path)).expect("replaced");
        } else {
            fs::write(path, to()).expect("written");
        }
    };
    let server = Server::start(move |seen| {
        if count.fetch_add(1, Ordering::SeqCst) == 300 {
            change(&path);
        }
        right(seen)
    });
    world.write("suite.yaml", &suite(&server.url(), ""));
    let ran = world.run_suite("r", &["--prompt", "plain", "--no-cache"]);
    let is_complete = ran.code == Some(0);
    let status = world.json("reports/test/r/run.json")["status"].clone();
    assert_eq!(status, if is_complete { "complete" } else { "interrupted" });
    assert_eq!(world.path("reports/test/r/scores.parquet").exists(), is_complete);
    // Put back, it is finished like any other.
    let changed = world.bytes("data.csv");
    world.data(0..ITEMS);
    world.run(&["resume", "reports/test/r"]).expect(0);
    let means = world.run(&["show", "reports/test/r", "--format", "json"]).expect(0).stdout;
    let means: serde_json::Value = serde_json::from_str(&means).expect("JSON");
    assert_eq!(means[0]["estimate"]["mean"], 1.0);
    fs::write(world.path("data.csv"), changed).expect("written");
    ran
}

#[test]
fn a_dataset_that_changes_while_it_is_asked_is_told() {
    let changes: [(&str, Change); 6] = [
        ("reversed", reversed),
        ("other targets", with_other_targets),
        ("a row more", with_more),
        ("shorter", shorter),
        ("one word", with_one_word),
        ("damaged", damaged),
    ];
    for (name, to) in changes {
        let world = World::new(ITEMS);
        let ran = run_while_it_changes(&world, to, false).expect(4);
        assert!(ran.stderr.contains("has changed since the run began"), "{name}: {}", ran.stderr);
        assert!(ran.stderr.contains("restore the dataset"), "{name}: {}", ran.stderr);
    }
}

#[test]
fn a_dataset_that_is_replaced_before_the_judges_is_told() {
    let world = World::new(60);
    let path = world.path("data.csv");
    let count = AtomicU64::new(0);
    let server = Server::start(move |seen| {
        if seen.json()["model"] == "grader" {
            // The judges' pass over the dataset begins with the first of them.
            if count.fetch_add(1, Ordering::SeqCst) == 0 {
                let text = fs::read_to_string(&path).expect("the dataset");
                let beside = path.with_extension("new");
                let text = text.replace(",red", ",grey");
                fs::write(&beside, text).and_then(|()| fs::rename(&beside, &path)).expect("moved");
            }
            return evalmark_loopback::Reply::text("{\"grade\": 1, \"reason\": \"so\"}");
        }
        evalmark_loopback::Reply::text(answer(item(seen)))
    });
    let text = format!(
        "\
name: test
dataset: {{ path: data.csv, id: id, target: label }}
prompts: [{{ name: plain, template: '{{{{ text }}}}' }}]
models:
  - {{ name: small, provider: openai, base_url: '{url}' }}
  - {{ name: grader, provider: openai, base_url: '{url}' }}
metrics:
  - {{ name: exact, exact: {{}} }}
  - {{ name: good, judge: {{ model: grader, rubric: 'Is it {{{{ label }}}}?' }} }}
",
        url = server.url()
    );
    world.write("suite.yaml", &text);
    let ran = world.run_suite("r", &["--model", "small"]).expect(4);
    assert!(ran.stderr.contains("has changed since the run began"), "{}", ran.stderr);
    assert!(!world.path("reports/test/r/scores.parquet").exists());
}

#[test]
fn a_dataset_that_is_replaced_by_another_file_is_told_or_was_read() {
    let world = World::new(ITEMS);
    let ran = run_while_it_changes(&world, with_other_targets, true);
    // Whoever had the old file open went on with it: the run is then one over the old file.
    if ran.code != Some(0) {
        assert!(ran.stderr.contains("has changed since the run began"), "{}", ran.stderr);
    }
}

/// Columns that are no part of an item's content are part of what was planned.
#[test]
fn a_recorded_column_that_changes_is_told() {
    let world = World::new(0);
    let text = |said: &str| {
        let row = |i: usize| format!("i{i:04},question {i},{},{said}\n", answer(i));
        let rows: Vec<_> = (0..ITEMS).map(row).collect();
        format!("id,text,label,said\n{}", rows.concat())
    };
    world.write("data.csv", &text("red"));
    let path = world.path("data.csv");
    let to = text("bed");
    let count = AtomicU64::new(0);
    let server = Server::start(move |seen| {
        if count.fetch_add(1, Ordering::SeqCst) == 300 {
            fs::write(&path, &to).expect("written");
        }
        right(seen)
    });
    let suite = suite(&server.url(), "");
    let kept = "models:\n  - { name: kept, recorded: { column: said } }\n";
    world.write("suite.yaml", &suite.replace("models:\n", kept));
    let ran = world.run_suite("r", &["--prompt", "plain", "--no-cache"]).expect(4);
    assert!(ran.stderr.contains("has changed since the run began"), "{}", ran.stderr);
}

/// The rows as one JSON object each.
fn objects(shift: usize) -> Vec<String> {
    let row = |i: usize| {
        let (text, label) = (format!("question {i}"), answer(i + shift));
        serde_json::json!({ "id": format!("i{i:04}"), "text": text, "label": label }).to_string()
    };
    (0..ITEMS).map(row).collect()
}

/// Whatever the format, the run is one over the rows that were planned, or is told to have changed.
#[test]
fn a_dataset_of_any_text_format_that_changes_is_told_or_was_read() {
    type Written = fn(usize) -> String;
    let formats: [(&str, &str, bool, Written); 4] = [
        ("data.jsonl", "data.jsonl", true, |shift| objects(shift).join("\n")),
        ("data.json", "data.json", true, |shift| format!("[{}]", objects(shift).join(",\n"))),
        // Files of a folder are opened one after the other.
        ("parts", "parts/b.csv", true, |shift| file(&rows(shift))),
        // It is read as a whole.
        ("data.yaml", "data.yaml", false, |shift| format!("- {}", objects(shift).join("\n- "))),
    ];
    for (name, changed, is_streamed, written) in formats {
        let world = World::new(0);
        if name == "parts" {
            fs::create_dir(world.path("parts")).expect("a folder");
            world.write("parts/a.csv", "id,text,label\nfirst,question 1,green\n");
        }
        world.write(changed, &written(0));
        let (path, to, count) = (world.path(changed), written(1), AtomicU64::new(0));
        let server = Server::start(move |seen| {
            if count.fetch_add(1, Ordering::SeqCst) == 300 {
                fs::write(&path, &to).expect("written");
            }
            right(seen)
        });
        world.write("suite.yaml", &suite(&server.url(), "").replace("data.csv", name));
        let ran = world.run_suite("r", &["--prompt", "plain", "--no-cache"]);
        let is_told = ran.stderr.contains("has changed since the run began");
        assert!(is_told || !is_streamed && ran.code == Some(0), "{name}: {}", ran.stderr);
        assert_eq!(ran.code, Some(if is_told { 4 } else { 0 }), "{name}: {}", ran.stderr);
    }
}

/// Parquet is copied before it is decoded: a file that is cut or written anew under its reader ends no program.
#[test]
fn a_dataset_of_columns_that_changes_is_told_or_was_read() {
    type Changed = fn(&PathBuf, &[u8]);
    let changes: [(&str, Changed); 3] = [
        ("written anew", |path, other| fs::write(path, other).expect("written")),
        ("emptied", |path, _| fs::write(path, "").expect("written")),
        ("cut", |path, _| {
            let file = fs::File::options().write(true).open(path).expect("a file");
            file.set_len(1_000).expect("cut");
        }),
    ];
    for (name, change) in changes {
        let world = World::new(0);
        let convert = |shift: usize| {
            world.write("rows.csv", &file(&rows(shift)));
            world
                .run(&["dataset", "convert", "rows.csv", "--out", "data.parquet", "--force"])
                .expect(0);
            world.bytes("data.parquet")
        };
        let (other, _) = (convert(1), convert(0));
        let (path, count) = (world.path("data.parquet"), AtomicU64::new(0));
        let server = Server::start(move |seen| {
            if count.fetch_add(1, Ordering::SeqCst) == 300 {
                change(&path, &other);
            }
            right(seen)
        });
        world.write("suite.yaml", &suite(&server.url(), "").replace("data.csv", "data.parquet"));
        let ran = world.run_suite("r", &["--no-cache"]);
        // Whoever had copied all rows went on with them.
        let is_told = ran.stderr.contains("has changed since the run began");
        assert_eq!(ran.code, Some(if is_told { 4 } else { 0 }), "{name}: {}", ran.stderr);
    }
}

/// A workbook is read as a whole, an Arrow file batch by batch.
#[test]
fn a_workbook_or_an_arrow_file_that_changes_is_told_or_was_read() {
    let arrow: [&[u8]; 2] =
        [include_bytes!("arrow/rows.arrow"), include_bytes!("arrow/other.arrow")];
    let books = [workbook(&file(&rows(0))), workbook(&file(&rows(1)))];
    let cases: [(&str, &[u8], &[u8], bool); 6] = [
        ("data.arrow", arrow[0], arrow[1], true),
        ("data.arrow", arrow[0], &arrow[0][..9_000], true),
        ("data.arrow", arrow[0], b"", true),
        ("data.xlsx", &books[0], &books[1], false),
        ("data.xlsx", &books[0], &books[0][..90_000], false),
        ("data.xlsx", &books[0], b"", false),
    ];
    for (name, before, after, is_streamed) in cases {
        let world = World::new(0);
        fs::write(world.path(name), before).expect("written");
        let (path, to, count) = (world.path(name), after.to_vec(), AtomicU64::new(0));
        let server = Server::start(move |seen| {
            if count.fetch_add(1, Ordering::SeqCst) == 300 {
                fs::write(&path, &to).expect("written");
            }
            right(seen)
        });
        world.write("suite.yaml", &suite(&server.url(), "").replace("data.csv", name));
        let ran = world.run_suite("r", &["--prompt", "plain", "--no-cache"]);
        let is_told = ran.stderr.contains("has changed since the run began");
        let case = format!("{name} to {} bytes: {}", after.len(), ran.stderr);
        assert!(is_told || !is_streamed && ran.code == Some(0), "{case}");
        assert_eq!(ran.code, Some(if is_told { 4 } else { 0 }), "{case}");
    }
}
