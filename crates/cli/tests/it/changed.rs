//! What a verdict says of changes since the baseline, and what they do to it.

use evalmark_loopback::Server;
use serde_json::Value;

use crate::setup::{Ran, World, answer, right, suite};

const GATE: &str = "gate: { baseline: main, metrics: { exact: { margin: 0.03 } } }\n";

/// A world with a baseline over 160 items.
fn world() -> (World, Server) {
    let world = World::new(160);
    let server = Server::start(right);
    world.suite(&server.url(), "");
    world.run_suite("first", &[]).expect(0);
    world.run(&["baseline", "promote", "reports/test/first", "main"]).expect(0);
    world.suite(&server.url(), GATE);
    (world, server)
}

/// Runs the suite with `edit` applied to its text.
#[track_caller]
fn edited(world: &World, server: &Server, edit: impl Fn(String) -> String, code: i32) -> Ran {
    world.write("suite.yaml", &edit(suite(&server.url(), GATE)));
    let ran = world.run_suite("second", &[]).expect(code);
    let again = world.run(&["gate", "reports/test/second", "--baseline", "main"]).expect(code);
    assert!(ran.stdout.contains(again.stdout.trim()), "{}\n---\n{}", ran.stdout, again.stdout);
    ran
}

/// Kinds and names of what `verdict.json` says changed.
fn changes(world: &World) -> Vec<(String, String)> {
    let verdict = world.json("reports/test/second/verdict.json");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let changes = verdict["changes"].as_array().expect("a list").iter();
    changes.map(|change| (text(&change["kind"]), text(&change["name"]))).collect()
}

#[track_caller]
fn check(edit: impl Fn(String) -> String, code: i32, words: &[&str], kinds: &[(&str, &str)]) {
    let (world, server) = world();
    let ran = edited(&world, &server, edit, code);
    for words in words {
        assert!(ran.words().contains(words), "{words}\n---\n{}", ran.stdout);
    }
    let own = |(kind, name): &(&str, &str)| ((*kind).to_owned(), (*name).to_owned());
    assert_eq!(changes(&world), kinds.iter().map(own).collect::<Vec<_>>());
    let page = String::from_utf8(world.bytes("reports/test/second/report.html")).expect("UTF-8");
    assert!(page.contains("Changed since the baseline"), "the page tells it too");
}

#[test]
fn prompts() {
    check(|suite| suite, 0, &["nothing changed since the baseline"], &[]);
    check(
        |suite| suite.replace("'Colour of", "'Which hue has"),
        0,
        &["the text of prompt `plain` changed", "[-Colour of-]{+Which hue has+} {{ text }}"],
        &[("prompt_edited", "plain")],
    );
    check(
        |suite| suite.replace("name: plain", "name: fancy"),
        0,
        &["prompt `fancy` has the text of the baseline's `plain`", "pass fancy · small · exact"],
        &[("prompt_renamed", "fancy")],
    );
    check(
        |suite| {
            suite.replace("models:\n", "  - { name: third, template: '> {{ text }}' }\nmodels:\n")
        },
        0,
        &["prompt `third` is new", "all 2 comparisons pass"],
        &[("prompt_added", "third")],
    );
    // A prompt that is gone does not go unnoticed; one that has neither name nor text of another
    // is no rename.
    check(
        |suite| suite.replace("{ name: plain, template: 'Colour", "{ name: fancy, template: 'Hue"),
        4,
        &["prompt `fancy` is new", "prompt `plain` of the baseline is not in this run"],
        &[("prompt_added", "fancy"), ("prompt_removed", "plain")],
    );
}

#[test]
fn nothing_but_new_candidates_is_no_pass() {
    let (world, server) = world();
    let third = "  - { name: third, template: '> {{ text }}' }\nmodels:\n";
    world.write("suite.yaml", &suite(&server.url(), GATE).replace("models:\n", third));
    let ran = world.run_suite("second", &["--prompt", "third"]).expect(4);
    assert!(ran.words().contains("the baseline has no scores of this prompt"), "{}", ran.stdout);
}

#[test]
fn models_and_metrics() {
    check(
        |suite| {
            suite.replace(
                "provider: openai,",
                "provider: openai, model: tiny, params: { temperature: 1 },",
            )
        },
        0,
        &["model `small`: `model` was unset, is `tiny`", "`params.temperature` was unset, is `1`"],
        &[("model_edited", "small"), ("model_edited", "small")],
    );
    check(
        |suite| suite.replace("name: small", "name: other"),
        4,
        &["model `other` is new", "model `small` of the baseline is not in this suite"],
        &[("model_added", "other"), ("model_removed", "small")],
    );
    check(
        |suite| suite.replace("[trim, casefold]", "[trim]"),
        4,
        &[
            "configured differently",
            "`exact.normalize` was",
            "a baseline keeps scores, not answers",
        ],
        &[("metric_edited", "exact")],
    );
}

/// Rows of the dataset with one more column.
fn with_column(name: &str, ids: bool) -> String {
    let row = |i: usize| {
        let id = if ids { format!("i{i:04},") } else { String::new() };
        format!("{id}question {i},{},remark {i}\n", answer(i))
    };
    let rows: Vec<_> = (0..160).map(row).collect();
    let head = if ids { "id,text,label" } else { "text,label" };
    format!("{head},{name}\n{}", rows.concat())
}

#[test]
fn a_new_column_leaves_the_items_what_they_are() {
    let (world, server) = world();
    world.write("data.csv", &with_column("note", true));
    let ran = edited(&world, &server, |suite| suite, 0);
    assert!(
        ran.words().contains("column `note` added; items are compared without"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("`dataset.ignore: [note]`"), "{}", ran.stdout);
    assert_eq!(changes(&world), [("columns".to_owned(), String::new())]);
    // Items that really changed are still told.
    let changed = with_column("note", true).replace("question 7,", "question 7!,");
    world.write("data.csv", &changed.replace("question 8,", "question 8!,"));
    world.run(&["gate", "reports/test/second", "--baseline", "main"]).expect(0);
    world.write("data.csv", &with_column("note", true).replace("question 7,", "question 0007,"));
    let ran = world.run_suite("third", &[]).expect(0);
    assert!(ran.words().contains("changed: i0007"), "{}", ran.stdout);
    // The advice works.
    world.write("data.csv", &with_column("note", true));
    let ignoring = suite(&server.url(), GATE).replace("id: id,", "id: id, ignore: [note],");
    world.write("suite.yaml", &ignoring);
    let ran = world.run_suite("fourth", &[]).expect(0);
    assert!(ran.words().contains("`dataset.ignore` was unset"), "{}", ran.stdout);
}

#[test]
fn a_new_column_changes_no_hashed_id() {
    let world = World::new(160);
    let server = Server::start(right);
    let bare = |suite: String| suite.replace("id: id, ", "");
    let rows: Vec<_> = (0..160).map(|i| format!("question {i},{}\n", answer(i))).collect();
    world.write("data.csv", &format!("text,label\n{}", rows.concat()));
    world.write("suite.yaml", &bare(suite(&server.url(), "")));
    world.run_suite("first", &[]).expect(0);
    world.run(&["baseline", "promote", "reports/test/first", "main"]).expect(0);
    world.write("data.csv", &with_column("note", false));
    let ran = edited(&world, &server, bare, 0);
    assert!(ran.words().contains("160 pairs"), "{}", ran.stdout);
    // An earlier baseline does not tell its columns: they are found by trying.
    let path = "reports/baselines/test/main/run.json";
    let mut record = world.json(path);
    record.as_object_mut().expect("a mapping").remove("columns");
    world.write(path, &record.to_string());
    let ran = world.run(&["gate", "reports/test/second", "--baseline", "main"]).expect(0);
    assert!(ran.words().contains("columns added to the dataset: note"), "{}", ran.stdout);
}

#[test]
fn items_that_cannot_pair_are_explained() {
    let (world, server) = world();
    let ran = edited(&world, &server, |suite| suite.replace("id: id, ", ""), 4);
    assert!(ran.words().contains("item ids changed: they were the column `id`"), "{}", ran.stdout);
    let (world, server) = self::world();
    world.write("suite.yaml", &suite(&server.url(), GATE));
    let ran = world.run_suite("second", &["--limit", "20"]).expect(4);
    assert!(ran.words().contains("run without `--limit` to compare all"), "{}", ran.stdout);
    let (world, server) = self::world();
    let without = with_column("text2", true).replace("question", "q");
    world.write("data.csv", &without);
    let ran = edited(&world, &server, |suite| suite, 4);
    assert!(ran.words().contains("160 changed"), "{}", ran.stdout);
}

/// The dataset with a second column of answers, of which every third is another.
fn with_second_opinion() -> String {
    let row = |i: usize| {
        let other = if i.is_multiple_of(3) { "grey" } else { answer(i) };
        format!("i{i:04},question {i},{},{other}\n", answer(i))
    };
    format!("id,text,label,second\n{}", (0..160).map(row).collect::<Vec<_>>().concat())
}

#[test]
fn other_right_answers_are_another_measure() {
    let world = World::new(160);
    let server = Server::start(right);
    let gate = "  - { name: form, regex: { pattern: '^[a-z]+$' } }\n  - { name: short, \
                length_within: { max: 9 } }\ngate: { baseline: main, metrics: { exact: { margin: \
                0.03 }, short: { margin: 0.03 } } }\n";
    let suite = suite(&server.url(), gate);
    world.write("data.csv", &with_second_opinion());
    world.write("suite.yaml", &suite);
    world.run_suite("first", &["--new-baseline"]).expect(0);
    world.run(&["baseline", "promote", "reports/test/first", "main"]).expect(0);
    let other = |target: &str| suite.replace("target: label", &format!("target: {target}"));
    // The same column, in a list.
    world.write("suite.yaml", &other("[label]"));
    let ran = world.run_suite("list", &[]).expect(0);
    assert!(ran.words().contains("nothing changed since the baseline"), "{}", ran.stdout);
    // Answers that pass would pass, and answers that fail would fail, for the targets' sake.
    for (id, target) in [("second", "second"), ("both", "[label, second]")] {
        world.write("suite.yaml", &other(target));
        let ran = world.run_suite(id, &[]).expect(4);
        for words in [
            "its targets are",
            "and were the column `label`",
            "incomparable plain · small · exact",
            "a baseline keeps scores, not answers",
            // This one looks at no target.
            "pass plain · small · short",
        ] {
            assert!(ran.words().contains(words), "{words}\n---\n{}", ran.stdout);
        }
    }
    assert!(changes(&world).contains(&("target".to_owned(), String::new())));
}

#[test]
fn another_column_of_recorded_answers_changes_no_column_of_the_dataset() {
    let world = World::new(160);
    let recorded = |column: &str| {
        format!(
            "name: test\ndataset: {{ path: data.csv, id: id, target: label }}\nprompts: [{{ name: \
             plain, template: '{{{{ text }}}}' }}]\nmodels: [{{ name: m, recorded: {{ column: \
             {column} }} }}]\nmetrics: [{{ name: exact, exact: {{}} }}]\n{GATE}"
        )
    };
    let rows: Vec<_> =
        (0..160).map(|i| format!("i{i:04},question {i},{0},{0},{0}\n", answer(i))).collect();
    world.write("data.csv", &format!("id,text,label,one,two\n{}", rows.concat()));
    world.write("suite.yaml", &recorded("one"));
    world.run_suite("first", &["--new-baseline"]).expect(0);
    world.run(&["baseline", "promote", "reports/test/first", "main"]).expect(0);
    world.write("suite.yaml", &recorded("two"));
    world.run_suite("second", &[]).expect(0);
    assert_eq!(changes(&world), [("model_edited".to_owned(), "m".to_owned())]);
}
