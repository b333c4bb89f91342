//! What earlier runs are compared by must not move: hashes of requests, items, prompts, metrics,
//! datasets and suites, and the names in the files that a run writes. `frozen/` holds what a build
//! of the first release said, but for metrics with `extract: { json: … }`: their hashes moved when
//! the last JSON of an answer came to count, not the first. A value changes only with what it means.

use std::{collections::BTreeSet, fmt::Write, fs};

use evalmark_core::suite::yaml;
use evalmark_report::samples::{SampleRecord, samples};
use serde_json::Value;

use crate::setup::{World, root};

/// Committed suites that ask no server, and one with every form that a metric's hash is made of.
const SUITES: [&str; 15] = [
    "suites/quickstart",
    "suites/quickstart-earlier",
    "suites/examples/behaviour",
    "suites/examples/choices",
    "suites/examples/classification",
    "suites/examples/combining",
    "suites/examples/custom",
    "suites/examples/fuzzy",
    "suites/examples/matching",
    "suites/examples/overlap",
    "suites/examples/presets",
    "suites/examples/probabilities",
    "suites/examples/structure",
    "suites/examples/usage",
    "crates/cli/tests/it/frozen/forms",
];

#[test]
fn hashes_of_committed_suites_stay() {
    let mut found = String::new();
    for suite in SUITES {
        hashes(suite, &mut found).expect("written");
    }
    compare("hashes.txt", &found);
}

/// Runs a suite and writes down its hashes, a line each.
fn hashes(suite: &str, out: &mut String) -> std::fmt::Result {
    let world = World::new(1);
    let path = root().join(format!("{suite}.yaml"));
    let arguments = ["--run-id", "r", "--out", "out", "--allow-exec", "--quiet"];
    let ran = world.run(&[&["run", &path.display().to_string()], &arguments[..]].concat());
    let text = fs::read_to_string(&path).expect("a suite");
    let name = yaml(&text).expect("YAML")["name"].as_str().expect("a name").to_owned();
    let folder = format!("out/{name}/r");
    assert!(world.path(&folder).is_dir(), "{}", ran.stderr);
    let run = world.json(&format!("{folder}/run.json"));
    writeln!(out, "{suite}: suite {}", text_of(&run["suite_hash"]))?;
    writeln!(out, "{suite}: dataset {}", text_of(&run["dataset_hash"]))?;
    for (what, list) in [("prompt", "prompts"), ("metric", "metrics")] {
        for named in run[list].as_array().expect(list) {
            let (name, hash) = (text_of(&named["name"]), text_of(&named["hash"]));
            writeln!(out, "{suite}: {what} `{name}` {hash}")?;
        }
    }
    let rows = samples(&world.path(&format!("{folder}/samples.parquet"))).expect("samples");
    let rows: Vec<SampleRecord> = rows.collect::<Result<_, _>>().expect("rows");
    let items: BTreeSet<_> = rows.iter().map(|row| row.item_hash.as_str()).collect();
    writeln!(out, "{suite}: {} items {}", items.len(), digest(items))?;
    let requests: Vec<String> = rows
        .iter()
        .map(|row| row.request().expect("a request").hash().0)
        .map(|hash| blake3::Hash::from_bytes(hash).to_hex().to_string())
        .collect();
    writeln!(out, "{suite}: first request {}", requests[0])?;
    let requests = requests.iter().map(String::as_str);
    writeln!(out, "{suite}: {} requests {}", rows.len(), digest(requests))
}

fn digest<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    let text = lines.into_iter().collect::<Vec<_>>().join("\n");
    blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
}

fn text_of(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// Compares with a file below `frozen/`, line by line.
#[track_caller]
fn compare(file: &str, found: &str) {
    let path = root().join("crates/cli/tests/it/frozen").join(file);
    let frozen = fs::read_to_string(path).unwrap_or_default();
    let moved: Vec<_> = found.lines().filter(|line| !frozen.lines().any(|f| f == *line)).collect();
    let gone: Vec<_> = frozen.lines().filter(|line| !found.lines().any(|f| f == *line)).collect();
    assert!(moved.is_empty() && gone.is_empty(), "now:\n{moved:#?}\nfrozen:\n{gone:#?}");
}

/// Files of a run and the keys that others read in them. New ones may come.
#[test]
fn names_in_the_files_of_a_run_stay() {
    let world = World::new(1);
    let suite = root().join("suites/quickstart.yaml").display().to_string();
    world.run(&["run", &suite, "--run-id", "r", "--out", "out"]).expect(0);
    // A baseline of an earlier version gates as ever.
    let main = root().join("crates/cli/tests/it/frozen/baseline").display().to_string();
    world.run(&["gate", "out/quickstart/r", "--baseline", &main]).expect(0);
    let mut found = BTreeSet::new();
    for file in ["run.json", "verdict.json"] {
        paths(&world.json(&format!("out/quickstart/r/{file}")), file, &mut found);
    }
    let frozen = fs::read_to_string(root().join("crates/cli/tests/it/frozen/names.txt"));
    let frozen = frozen.expect("names.txt");
    let gone: Vec<_> = frozen.lines().filter(|line| !found.contains(*line)).collect();
    assert!(gone.is_empty() && frozen.lines().count() > 100, "{gone:#?}");
}

/// Where each value of a JSON document stands, with its type. Elements of lists are alike, and what is
/// null may be a value elsewhere.
fn paths(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(elements) => {
            for element in elements {
                paths(element, &format!("{at}[]"), found);
            }
            "list"
        }
        Value::Object(map) => {
            for (key, value) in map {
                paths(value, &format!("{at}.{key}"), found);
            }
            "object"
        }
    };
    found.insert(format!("{at}: {kind}"));
}
