//! Pages of the reference that are generated from the code. `UPDATE=1 cargo test -p evalmark --test it book`
//! writes them.

use std::{collections::BTreeSet, env, fmt::Write, fs};

use serde_json::Value;

use super::schema_table::{Section, sections, table};
use crate::setup::{World, root};

pub(super) const MADE: &str = "<!-- Generated: UPDATE=1 cargo test -p evalmark --test it book -->";
const SUITE: &str = "docs/src/reference/suite.md";
const PROVIDERS: &str = "docs/src/reference/providers.md";
const FILES: &str = "docs/src/reference/files.md";
const METRICS: &str = "docs/src/reference/metrics.md";
const FORMATS: &str = "docs/src/reference/gate-formats.md";
const COMMANDS: &str = "docs/src/reference/commands.md";

/// The tables that `evalmark schema` describes.
const TABLES: [&str; 5] = ["samples", "scores", "summary", "run-values", "confusion"];

fn schema(of: &str) -> Value {
    let ran = World::new(1).run(&["schema", of]).expect(0);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

#[track_caller]
pub(super) fn hold(name: &str, generated: &str) {
    if env::var_os("UPDATE").is_some() {
        fs::write(root().join(name), generated).expect("written");
    }
    let committed = fs::read_to_string(root().join(name)).unwrap_or_default();
    let advice = "run `UPDATE=1 cargo test -p evalmark --test it book`";
    assert!(committed == generated, "{name} is not what the code says: {advice}");
}

/// Names of all kinds of metrics.
fn metric_kinds() -> Vec<&'static str> {
    evalmark_scoring::catalog().iter().map(|kind| kind.name).collect()
}

/// The mappings of a suite, without the parameters of metrics, which have a page of their own.
fn suite_sections() -> Vec<Section> {
    let kinds = metric_kinds();
    let is_shown = |path: &str| {
        let metric = path.strip_prefix("metrics.").and_then(|rest| rest.split('.').next());
        !metric.is_some_and(|name| kinds.contains(&name))
    };
    sections(&schema("suite"), &is_shown)
}

#[test]
fn the_page_of_suite_keys_is_current() {
    let mut page = format!(
        "# Suite file\n\n{MADE}\n\nEvery key of a suite. `evalmark schema suite` prints the same as JSON Schema, by \
         which editors complete and check. A key\nthat does not exist is an error, which names the nearest one that \
         does. How suites are written is in [Write a suite](../suites.md).\n"
    );
    for section in suite_sections() {
        let title = match section.path.as_str() {
            "" => "Top level".to_owned(),
            path => format!("`{path}`"),
        };
        write!(page, "\n## {title}\n\n{}\n\n{}", section.description, table(&section))
            .expect("a text");
        if section.path == "metrics" {
            page.push_str(
                "\nThen exactly one kind, a key with its parameters, such as `exact: {}`: see [Metrics](metrics.md).\n",
            );
        }
    }
    hold(SUITE, &page);
}

#[test]
fn the_page_of_providers_is_current() {
    let mut page = format!(
        "# Providers\n\n{MADE}\n\nWhat a model may have under `provider`. Any other server that speaks one of the \
         protocols is reached by `base_url`.\nA key is read from the environment: from the first variable that is named \
         here, or from those that `api_key_env` names. At\na `base_url` of your own no key is sent unless \
         `api_key_env` names it. Keys go to the hosts in the last column, to servers on this\nmachine, and elsewhere only \
         [where you allow it](../untrusted-suites.md).\n\n| `provider` | who answers | \
         protocol | address | key | hosts of the key |\n| --- | --- | --- | --- | --- | --- |\n"
    );
    let code = |names: &[&str]| {
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    for kind in evalmark_harness::providers::catalog() {
        let own = match kind.options {
            Some(options) => format!("`{}` says it", options.key),
            None => "`base_url`".to_owned(),
        };
        let address = kind.base_url.map_or(own, |url| format!("`{url}`"));
        let (keys, hosts) = (code(kind.key_variables), code(kind.key_hosts));
        let (name, summary, protocol) = (kind.name, kind.summary, kind.protocol);
        let name = format!("[`{name}`](../providers/{name}.md)");
        writeln!(page, "| {name} | {summary} | {protocol} | {address} | {keys} | {hosts} |")
            .expect("a text");
    }
    page.push_str("| `recorded` | nobody: [the answers are there already](../recorded-answers.md) | | | | |\n");
    hold(PROVIDERS, &page);
}

#[test]
fn the_page_of_files_is_current() {
    let mut page = format!(
        "# Files of a run\n\n{MADE}\n\nA run's folder is `reports/SUITE/RUN_ID/`. Its tables are Parquet with plain \
         types, which pandas, polars, DuckDB and Spark\nread as they are: [how to read them](../analysis.md). Columns may \
         be added; none is renamed or removed.\n\nBeside them lie `run.json` (versions, hashes, settings, times, counts), \
         `verdict.json` (the gate's answer, if there was a gate;\n`evalmark schema verdict`) and `report.html`.\n"
    );
    for of in TABLES {
        let schema = schema(of);
        let text = |value: &Value| {
            value.as_str().expect("a text").replace('|', "\\|").replace('<', "&lt;")
        };
        let (file, row) = (text(&schema["file"]), text(&schema["one_row_per"]));
        write!(page, "\n## {file}\n\nOne row is {row}.\n\n").expect("a text");
        page.push_str("| column | type | may be null | meaning |\n| --- | --- | --- | --- |\n");
        for column in schema["columns"].as_array().expect("columns") {
            let name = column["name"].as_str().expect("a name");
            let [kind, meaning] = ["type", "description"].map(|key| text(&column[key]));
            let null = if column["nullable"] == true { "yes" } else { "" };
            writeln!(page, "| `{name}` | {kind} | {null} | {meaning} |").expect("a text");
        }
    }
    hold(FILES, &page);
}

/// The words of the reference, by the page that tells of them, from where they are defined.
pub(super) fn words() -> Vec<(&'static str, Vec<String>)> {
    let world = World::new(1);
    let script = world.run(&["completions", "bash"]).expect(0).stdout;
    let options: BTreeSet<_> = script
        .split(|c: char| c.is_whitespace() || "\"|()".contains(c))
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .filter(|word| !["--help", "--version"].contains(word))
        .map(str::to_owned)
        .collect();
    let help = world.run(&["--help"]).expect(0).stdout;
    let listed = help.split("Commands:").nth(1).expect("a list").split("\n\n").next().expect("one");
    let commands = listed.lines().filter_map(|line| line.split_whitespace().next());
    let commands = commands.filter(|name| *name != "help").map(|name| format!("evalmark {name}"));
    let keys = suite_sections().into_iter().flat_map(|section| section.keys).map(|key| key.name);
    let parameters = sections(&schema("suite"), &|path| path.starts_with("metrics"));
    let kinds = metric_kinds();
    let parameters = parameters.into_iter().filter(|section| {
        let kind = section.path.strip_prefix("metrics.").and_then(|rest| rest.split('.').next());
        kind.is_some_and(|kind| kinds.contains(&kind)) && section.path.split('.').count() == 2
    });
    let parameters = parameters.flat_map(|section| section.keys).map(|key| key.name);
    let columns = TABLES.into_iter().flat_map(|of| {
        let schema = schema(of);
        let columns = schema["columns"].as_array().expect("columns").clone();
        columns.into_iter().map(|column| column["name"].as_str().expect("a name").to_owned())
    });
    let providers = evalmark_harness::providers::catalog().iter().map(|kind| kind.name.to_owned());
    let help = world.run(&["gate", "--help"]).expect(0).stdout;
    let formats = help.split("[possible values: text, json, ").nth(1).expect("formats");
    let formats = formats.split(']').next().into_iter().flat_map(|list| list.split(", "));
    vec![
        (FORMATS, formats.map(str::to_owned).collect()),
        (COMMANDS, options.into_iter().chain(commands).collect()),
        (SUITE, keys.collect()),
        (METRICS, kinds.iter().map(|&kind| kind.to_owned()).chain(parameters).collect()),
        (PROVIDERS, providers.collect()),
        (FILES, columns.collect()),
    ]
}
