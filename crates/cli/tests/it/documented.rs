//! Every command that prints data prints it as JSON, too, in the shape that `docs/src/json.md` tells.

use std::{collections::BTreeMap, fs};

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::{Value, json};

use crate::setup::{World, answer, root};

/// What is known of a command line: under which name `docs/src/json.md` tells of it, and how it ends.
struct Told {
    name: &'static str,
    arguments: &'static [&'static str],
    code: i32,
}

const fn told(name: &'static str, arguments: &'static [&'static str], code: i32) -> Told {
    Told { name, arguments, code }
}

/// In an order in which each finds what the ones before have left.
const COMMANDS: &[Told] = &[
    told("init", &["init", "sub", "--example"], 0),
    told("check", &["check", "suite.yaml", "broken.yaml"], 2),
    told("plan", &["plan", "suite.yaml"], 0),
    told("run", &["run", "suite.yaml", "--run-id", "a"], 0),
    told("run", &["run", "suite.yaml", "--run-id", "b"], 0),
    told("run SUITE SUITE", &["run", "suite.yaml", "other.yaml", "--out", "two"], 0),
    told("resume", &["resume", "latest"], 0),
    told("score", &["score", "latest"], 0),
    told("baseline promote", &["baseline", "promote", "latest~1", "main"], 0),
    told("baseline list", &["baseline", "list"], 0),
    told("baseline show", &["baseline", "show", "main"], 0),
    told("gate", &["gate", "latest", "--baseline", "main"], 3),
    told("gate RUN_DIR RUN_DIR", &["gate", "latest", "latest~1", "--baseline", "main"], 4),
    told("compare RUN_A RUN_B", &["compare", "main", "latest"], 3),
    told("compare --between", &["compare", "latest", "--between", "plain", "terse"], 3),
    told("compare", &["compare", "latest"], 0),
    told("diff", &["diff", "main", "latest"], 0),
    told("runs", &["runs"], 0),
    told("trend", &["trend", "test"], 3),
    told("show", &["show", "latest"], 0),
    told("report", &["report", "latest"], 0),
    told("dataset describe", &["dataset", "describe", "suite.yaml"], 0),
    told("dataset validate", &["dataset", "validate", "suite.yaml", "--near", "1"], 0),
    told("dataset diff", &["dataset", "diff", "data.csv", "data.csv", "--id", "id"], 0),
    told(
        "dataset split",
        &["dataset", "split", "data.csv", "--id", "id", "--parts", "x=0.5,y=0.5", "--out", "."],
        0,
    ),
    told("dataset dedupe", &["dataset", "dedupe", "data.csv", "--id", "id", "--near", "1"], 0),
    told("dataset convert", &["dataset", "convert", "data.csv", "--out", "rows.jsonl"], 0),
    told("prompts new", &["prompts", "new", "topic"], 0),
    told("prompts list", &["prompts", "list"], 0),
    told("prompts show", &["prompts", "show", "topic"], 0),
    told("prompts render", &["prompts", "render", "topic"], 0),
    told("prompts lint", &["prompts", "lint"], 0),
    told("prices", &["prices"], 0),
    told("prices SUITE", &["prices", "suite.yaml"], 0),
    told("models", &["models"], 0),
    told("models probe", &["models", "probe", "suite.yaml"], 0),
    told("judge-check", &["judge-check", "latest", "--labels", "labels.csv"], 0),
    told("calibrate", &["calibrate", "suite.yaml", "--run-id", "c", "--limit", "12"], 0),
    told("cache info", &["cache", "info"], 0),
    told("cache prune", &["cache", "prune", "--all"], 0),
    told(
        "import results",
        &["import", "results", "--from", "csv", "results.csv", "--run-id", "imported"],
        0,
    ),
];

/// Commands whose output has one form: a schema is JSON, exported answers are JSONL, a completion script
/// is a script, and pages are served at an address.
const OF_ONE_FORM: [&str; 5] = ["schema", "export-answers", "completions", "view", "help"];

/// Forty items; the colour that a model gives is always right, and its judge likes red.
fn world() -> (World, Server) {
    let world = World::new(40);
    let server = Server::start(|seen: &Seen| {
        if seen.json()["model"] == "small" {
            return Reply::text(answer(crate::setup::item(seen)));
        }
        let grade = if seen.prompt().contains("red") { 1.0 } else { 0.0 };
        Reply::text(json!({ "grade": grade }).to_string())
    });
    let url = server.url();
    let text = format!(
        "\
name: test
dataset: {{ path: data.csv, id: id, target: label }}
prompts:
  - {{ name: plain, template: 'Colour of {{{{ text }}}}' }}
  - {{ name: terse, template: '{{{{ text }}}}' }}
models:
  - {{ name: small, provider: openai, base_url: '{url}' }}
  - {{ name: stern, evaluate: false, provider: openai, base_url: '{url}' }}
metrics:
  - {{ name: exact, exact: {{}} }}
  - {{ name: good, judge: {{ model: stern, rubric: r }} }}
"
    );
    world.write("suite.yaml", &text);
    world.write("other.yaml", &text.replace("name: test", "name: other"));
    world.write("broken.yaml", &text.replace("metrics:", "metrix:"));
    world.write("results.csv", "id,score\na,1\nb,0\n");
    let label = |i: usize| format!("i{i:04},{}\n", i % 2);
    world
        .write("labels.csv", &format!("item_id,label\n{}", (0..40).map(label).collect::<String>()));
    (world, server)
}

/// The keys of an object, or of the first element of a list.
fn keys(value: &Value) -> Vec<String> {
    let object = value.as_array().map_or(value, |list| &list[0]);
    object.as_object().expect("an object").keys().cloned().collect()
}

/// What `docs/src/json.md` tells: the keys behind each command.
fn documented() -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(root().join("docs/src/json.md")).expect("the documentation");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let row = |line: &str| {
        let cells: Vec<_> = line.split(" | ").collect();
        let quoted = |cell: &str| -> Vec<String> {
            cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
        };
        let keys = cells.last().map(|cell| quoted(cell)).unwrap_or_default();
        (quoted(cells[0]).concat(), keys)
    };
    rows.map(row).collect()
}

#[test]
fn every_command_answers_in_json_as_documented() {
    let (world, _server) = world();
    let documented = documented();
    let mut wrong = Vec::new();
    for Told { name, arguments, code } in COMMANDS {
        let ran = world.run(&[arguments, &["--format", "json"][..]].concat()).expect(*code);
        let documents = serde_json::Deserializer::from_str(&ran.stdout).into_iter();
        let documents: Vec<Value> = documents
            .collect::<Result<_, _>>()
            .unwrap_or_else(|error| panic!("{name}: {error}:\n{}", ran.stdout));
        // Of several suites, each has its document, and all together have one.
        let expected = if *name == "run SUITE SUITE" { 3 } else { 1 };
        assert_eq!(documents.len(), expected, "{name}");
        let found = keys(&documents[expected - 1]);
        if documented.get(*name) != Some(&found) {
            wrong.push(format!("| `{name}` | … | `{}` |", found.join("` `")));
        }
    }
    assert!(wrong.is_empty(), "docs/src/json.md should say:\n{}", wrong.join("\n"));
    let is_tried = |name: &&String| COMMANDS.iter().any(|told| told.name == **name);
    let untried: Vec<_> = documented.keys().filter(|name| !is_tried(name)).collect();
    assert!(untried.is_empty(), "documented, and not tried: {untried:?}");
}

/// A new command takes part, or says why not.
#[test]
fn no_command_is_left_out() {
    let world = World::new(1);
    let help = world.run(&["--help"]).expect(0).stdout;
    let listed = help.split("Commands:").nth(1).expect("a list").split("\n\n").next().expect("one");
    let names = listed.lines().filter_map(|line| line.split_whitespace().next());
    let names: Vec<_> = names.filter(|name| !OF_ONE_FORM.contains(name)).collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        let is_it = |told: &Told| told.arguments[0] == name;
        assert!(COMMANDS.iter().any(is_it), "`{name}` answers in JSON, or is of one form: which?");
    }
}

/// What is wrong with a suite has its place.
#[test]
fn mistakes_are_json() {
    let (world, _server) = world();
    let ran = world.run(&["check", "suite.yaml", "broken.yaml", "--format", "json"]).expect(2);
    let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let [fine, broken] = [&told["suites"][0], &told["suites"][1]];
    assert_eq!((&fine["is_valid"], &fine["samples"]), (&true.into(), &80.into()), "{told:#}");
    assert_eq!((&broken["is_valid"], &broken["items"]), (&false.into(), &Value::Null));
    let errors = broken["errors"].as_array().expect("errors");
    let is_it =
        |mistake: &&Value| mistake["message"].as_str().is_some_and(|m| m.contains("metrix"));
    let mistake = errors.iter().find(is_it).expect("the key");
    assert!(mistake["line"].as_u64().is_some_and(|line| line > 5), "{mistake}");
    assert!(ran.stderr.contains("metrix"), "people are told, too: {}", ran.stderr);
}
