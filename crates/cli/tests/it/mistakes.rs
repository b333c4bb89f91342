//! What is wrong is said clearly, with exit code 2, before anything is asked.

use evalmark_loopback::Server;

use crate::setup::{World, right, suite};

/// Changes the good suite, the dataset or the command line; expects these words and no request.
#[track_caller]
fn check(name: &str, arrange: impl Fn(&World, &str) -> String, more: &[&str], expected: &[&str]) {
    let server = Server::start(right);
    let world = World::new(3);
    let text = arrange(&world, &suite(&server.url(), ""));
    world.write("suite.yaml", &text);
    let ran = world.run_suite("r", more).expect(2);
    for words in expected {
        assert!(ran.stderr.contains(words), "{name}: `{words}` is not in\n{}", ran.stderr);
    }
    assert_eq!(ran.stdout, "", "{name}");
    assert_eq!(server.count(), 0, "{name}: something was asked");
}

fn replaced(from: &'static str, to: &'static str) -> impl Fn(&World, &str) -> String {
    move |_, text| {
        assert!(text.contains(from), "the suite has no `{from}`");
        text.replace(from, to)
    }
}

fn with_data(csv: &'static str) -> impl Fn(&World, &str) -> String {
    move |world, text| {
        world.write("data.csv", csv);
        text.to_owned()
    }
}

#[test]
fn mistakes_in_the_suite() {
    let metrics = ("metrics:", "metircs:");
    check(
        "unknown key",
        replaced(metrics.0, metrics.1),
        &[],
        &["suite.yaml:8:1: unknown key `metircs`", "did you mean `metrics`?"],
    );
    check(
        "missing dataset",
        replaced("data.csv", "no.csv"),
        &[],
        &["suite.yaml:2:18", "no.csv: cannot be read"],
    );
    check(
        "missing column",
        replaced("target: label", "target: lable"),
        &[],
        &["no column `lable`", "did you mean `label`?"],
    );
    check(
        "undefined variable",
        replaced("of {{ text }}", "of {{ txet }}"),
        &[],
        &["prompt `plain`, line 1: undefined variable `txet`", "columns: id, text, label"],
    );
    check(
        "bad regex",
        replaced("fuzzy: { algorithm: levenshtein }", "regex: { pattern: '(a' }"),
        &[],
        &["suite.yaml:10:38", "unclosed group"],
    );
    check(
        "unset key variable",
        replaced("limits:", "api_key_env: NO_SUCH_KEY, limits:"),
        &[],
        &["the environment variable NO_SUCH_KEY is not set", "export NO_SUCH_KEY="],
    );
    check(
        "literal key",
        replaced("limits:", "api_key: sk-abcdefghijk, limits:"),
        &[],
        &["a suite must not contain a key", "api_key_env: OPENAI_API_KEY"],
    );
}

#[test]
fn mistakes_on_the_command_line() {
    check(
        "unknown prompt",
        replaced("name: test", "name: test"),
        &["--prompt", "nope"],
        &["no prompt `nope`; it has: `plain`, `terse`"],
    );
    check(
        "no items selected",
        replaced("name: test", "name: test"),
        &["--limit", "0"],
        &["for '--limit <N>': nothing would be left"],
    );
}

#[test]
fn mistakes_in_the_dataset() {
    check("empty dataset", with_data(""), &[], &["is empty"]);
    check("header only", with_data("id,text,label\n"), &[], &["has no items"]);
    check(
        "duplicate id",
        with_data("id,text,label\na,question 1,x\na,question 2,x\n"),
        &[],
        &["row 2: the id `a`", "row 1"],
    );
    check(
        "ragged row",
        with_data("id,text,label\na,question 1\n"),
        &[],
        &["row 1 (line 2): has 2 cells"],
    );
    check("empty target", with_data("id,text,label\na,question 1,\n"), &[], &["row 1: the target"]);
}

#[test]
fn an_output_folder_that_cannot_be_written() {
    let arrange = |world: &World, text: &str| {
        world.write("file", "");
        text.to_owned()
    };
    check(
        "out is a file",
        arrange,
        &["--out", "file/out"],
        &["the output folder file/out/test cannot be made", "--out DIR"],
    );
}

#[test]
fn a_run_never_writes_into_another() {
    let server = Server::start(right);
    let world = World::new(3);
    world.suite(&server.url(), "");
    world.run_suite("r", &[]).expect(0);
    let asked = server.count();
    let ran = world.run_suite("r", &[]).expect(2);
    assert!(ran.stderr.contains("evalmark resume reports/test/r"), "{}", ran.stderr);
    assert_eq!(server.count(), asked);
}

#[test]
fn a_literal_key_is_not_repeated() {
    let world = World::new(3);
    let key = "sk-abcdefghijklmnop";
    let text = suite("http://127.0.0.1:1/v1", "");
    for to in [format!("api_key: {key}, limits:"), format!("api_key_env: {key}, limits:")] {
        world.write("suite.yaml", &text.replace("limits:", &to));
        let ran = world.run_suite("r", &[]).expect(2);
        assert!(!ran.stderr.contains(key), "{}", ran.stderr);
    }
}

#[test]
fn check_reports_every_mistake_and_asks_nothing() {
    let world = World::new(3);
    let text = suite("http://127.0.0.1:1/v1", "");
    world.write("good.yaml", &text);
    world.write(
        "bad.yaml",
        &text.replace("target: label", "target: x").replace("levenshtein", "levenstein"),
    );
    let ran = world.run(&["check", "good.yaml", "bad.yaml"]).expect(2);
    assert!(ran.stdout.contains("good.yaml: 2 prompts x 1 model x 3 items"), "{}", ran.stdout);
    assert!(
        ran.stderr.contains("bad.yaml:2:45") || ran.stderr.contains("no column `x`"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("`algorithm`: `levenstein` is not one of"), "{}", ran.stderr);
}
