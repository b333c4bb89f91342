//! Every command that prints data prints it as JSON, too, in the shape that `docs/src/json.md` tells.

use std::{collections::BTreeMap, fs};

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::{Value, json};

use crate::{
    git_world::GitWorld,
    setup::{World, answer, root},
};

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
    told("monitor", &["monitor", "monitored.yaml", "--from", "logs.jsonl"], 0),
    told("monitor status", &["monitor", "status", "monitored.yaml"], 0),
    told("show", &["show", "latest"], 0),
    told("report", &["report", "latest"], 0),
    told("outbox list", &["outbox", "list"], 0),
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
    told("feedback import", &["feedback", "import", "monitored.yaml", "feedback.jsonl"], 0),
    told("feedback status", &["feedback", "status", "monitored.yaml"], 0),
    told(
        "feedback compare",
        &["feedback", "compare", "monitored.yaml", "m1", "m2", "--signal", "thumbs"],
        3,
    ),
    told(
        "dataset from-logs",
        &["dataset", "from-logs", "monitored.yaml", "--write", "review.csv"],
        0,
    ),
    told("prompts new", &["prompts", "new", "topic"], 0),
    told("prompts list", &["prompts", "list"], 0),
    told("prompts show", &["prompts", "show", "topic"], 0),
    told("prompts render", &["prompts", "render", "topic"], 0),
    told("prompts lint", &["prompts", "lint"], 0),
    told("prompts pull", &["prompts", "pull", "greet", "--from", "mlflow"], 0),
    told("prompts drift", &["prompts", "drift", "greet", "--from", "mlflow"], 0),
    told("prompts push", &["prompts", "push", "topic", "--to", "mlflow", "--force"], 0),
    told("prompts log", &["prompts", "log", "committed"], 0),
    told("prompts diff", &["prompts", "diff", "committed"], 0),
    told("prompts blame", &["prompts", "blame", "committed"], 0),
    told("prompts rollback", &["prompts", "rollback", "committed", "--to", "HEAD"], 0),
    told("affected", &["affected", "--base", "HEAD"], 0),
    told("run", &["run", "topics.yaml", "--run-id", "t", "--new-baseline", "--out", "two"], 0),
    told("baseline promote", &["baseline", "promote", "two/topics/t", "ref"], 0),
    told("run", &["run", "topics.yaml", "--run-id", "u", "--new-baseline", "--out", "two"], 0),
    told("gate", &["gate", "two/topics/u", "--baseline", "ref"], 0),
    told(
        "release propose",
        &["release", "propose", "topic", "--to", "staging", "--run", "two/topics/u"],
        0,
    ),
    told(
        "release approve",
        &["release", "approve", "topic", "--to", "staging", "--key", "key.pem"],
        0,
    ),
    told("release promote", &["release", "promote", "topic", "--to", "staging"], 0),
    told("release push", &["release", "push", "staging", "--to", "mlflow"], 4),
    told("release status", &["release", "status"], 0),
    told("release verify", &["release", "verify"], 0),
    told("release rollback", &["release", "rollback", "staging"], 0),
    told("bisect", &["bisect", "worse.yaml", "HEAD~1", "HEAD"], 0),
    told("prices", &["prices"], 0),
    told("prices SUITE", &["prices", "suite.yaml"], 0),
    told("models", &["models"], 0),
    told("models probe", &["models", "probe", "suite.yaml"], 0),
    told("judge-check", &["judge-check", "latest", "--labels", "labels.csv"], 0),
    told("calibrate", &["calibrate", "suite.yaml", "--run-id", "c", "--limit", "12"], 0),
    told("canary", &["canary", "suite.yaml", "--once", "--baseline", "main"], 0),
    told("audit start", &["audit", "start"], 0),
    told("cache info", &["cache", "info"], 0),
    told("cache prune", &["cache", "prune", "--all"], 0),
    told("audit show", &["audit", "show"], 0),
    told("audit verify", &["audit", "verify"], 0),
    told("audit checkpoint", &["audit", "checkpoint", "--key", "key.pem"], 0),
    told(
        "import results",
        &["import", "results", "--from", "csv", "results.csv", "--run-id", "imported"],
        0,
    ),
    // The dataset is another one then.
    told("dataset freeze", &["dataset", "freeze", "monitored.yaml", "reviewed.csv"], 0),
];

/// Commands whose output has one form: a schema is JSON, exported answers are JSONL, a completion script
/// is a script, pages are served at an address, and an export is shown as it would be sent.
const OF_ONE_FORM: [&str; 6] =
    ["schema", "export", "export-answers", "completions", "view", "help"];

/// A suite that uses a prompt of the library, and gates its run.
const TOPICS: &str = "\
name: topics
dataset: { path: data.csv, id: id, target: label }
prompts: [{ name: plain, use: topic }]
models: [{ name: kept, recorded: { column: label } }]
metrics: [{ name: exact, exact: {} }]
gate: { baseline: none, metrics: { exact: { margin: 0.1 } } }
";

/// Forty items; the colour that a model gives is always right, and its judge likes red.
/// A suite that says what logs hold.
const MONITORED: &str = "\
name: monitored
dataset: { path: data.csv, id: id, target: label }
prompts: [{ name: plain, template: '{{ text }}' }]
models: [{ name: kept, recorded: { column: label } }]
metrics: [{ name: exact, exact: {} }]
logs: { fields: { id: $.id, model: $.model, output: $.out } }
";

fn world() -> (World, Server) {
    let world = World::new(40);
    let server = Server::start(|seen: &Seen| {
        if let Some((_, path)) = seen.path.split_once("/mlflow/") {
            return registry(path);
        }
        if seen.json()["model"] == "small" {
            if seen.prompt().contains("Guess") {
                return Reply::text("mauve");
            }
            return Reply::text(answer(crate::setup::item(seen)));
        }
        let grade = if seen.prompt().contains("red") { 1.0 } else { 0.0 };
        Reply::text(json!({ "grade": grade }).to_string())
    });
    world.write("monitored.yaml", MONITORED);
    let line = |id, model| format!("{}\n", json!({ "id": id, "model": model, "out": "blue" }));
    world.write("logs.jsonl", &[line("a", "m1"), line("b", "m2")].concat());
    let thumbs = "{\"trace_id\":\"a\",\"thumbs\":1}\n{\"trace_id\":\"b\",\"thumbs\":1}\n";
    world.write("feedback.jsonl", thumbs);
    world.write("reviewed.csv", "id,text,label\nfrozen,a new one,blue\n");
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
    let server_of_registry = url.trim_end_matches("/v1");
    world.write("registries.yaml", &format!("mlflow: {{ url: '{server_of_registry}' }}\n"));
    world.write("other.yaml", &text.replace("name: test", "name: other"));
    world.write("topics.yaml", TOPICS);
    world.write("policy.yaml", "releases: { environments: { staging: { unsigned: true } } }\n");
    fs::create_dir(world.path("releases")).expect("a folder");
    let keys = root().join("crates/store/tests/keys");
    let public = fs::read_to_string(keys.join("ssh-ed25519.pub")).expect("a key");
    world.write("releases/allowed_signers", &format!("ada {public}"));
    fs::copy(keys.join("ssh-ed25519"), world.path("key.pem")).expect("copied");
    world.write("broken.yaml", &text.replace("metrics:", "metrix:"));
    world.write("results.csv", "id,score\na,1\nb,0\n");
    let label = |i: usize| format!("i{i:04},{}\n", i % 2);
    world
        .write("labels.csv", &format!("item_id,label\n{}", (0..40).map(label).collect::<String>()));
    let made = GitWorld::of(world);
    made.write("prompts/committed.md", "---\n---\nSay yes.\n");
    let worse = text.replace("name: test", "name: worse");
    made.write("worse.yaml", &worse);
    made.commit("A prompt");
    made.write("worse.yaml", &worse.replace("Colour of", "Guess"));
    made.commit("A worse one");
    (made.world, server)
}

/// A registry of `MLflow` in which every prompt has one version, which somebody made there.
fn registry(path: &str) -> Reply {
    let tag = |key: &str, value: &str| json!({ "key": key, "value": value });
    let is_prompt = tag("mlflow.prompt.is_prompt", "true");
    let text = tag("mlflow.prompt.text", "Hi {{ name }}");
    let version = json!({ "name": "greet", "version": "1", "tags": [is_prompt, text] });
    match path.split('?').next() {
        Some("registered-models/get") => {
            Reply::json(&json!({ "registered_model": { "tags": [is_prompt] } }))
        }
        Some("model-versions/search") => Reply::json(&json!({ "model_versions": [version] })),
        _ => Reply::json(&json!({ "model_version": version })),
    }
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
