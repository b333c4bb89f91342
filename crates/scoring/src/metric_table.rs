//! The table of metrics in METRICS.md, generated from what the kinds say of themselves.

use std::fmt::Write;

use serde_json::Value;

use crate::{
    kind::{Kind, schema},
    kinds::{FAMILIES, kinds},
    normalize::Step,
};

const INTRODUCTION: &str = "\
# Metrics

Generated from the code by `UPDATE=1 cargo test -p evalmark-scoring --test it reference`; do not edit.

Every metric also takes `when`, `target`, `reasoning`, `extract`, `not`, `threshold`, `binary` and `invalid`. An answer passes from
its threshold on, upwards or downwards, whichever is better; `binary: true` scores 1 where it passes
and 0 where it does not; `not: true` turns value and pass around, except for an answer that is
invalid, which scores the worst value (`invalid: missing`: none). A failed request has no score under
any metric. With several targets the best one counts. The aggregation is what a whole run is worth,
and what a gate compares: the mean of the answers' values, or a value of its own that is not a mean, such as macro F1 or corpus BLEU, in its own units. All such values are in `run_values.parquet`, and how
often each class was predicted for which is in `confusion.parquet`.

`when` says which items a metric concerns: an expression over the item's columns, such as
`item.topic == \"billing\"` or `item.capital is not none`, which gives true or false. The others have no
score of it and lack none: they are neither counted nor compared. `target` names the column, or columns,
with the right answers for this metric, in place of the dataset's.

Reasoning is not the answer. What a model writes between tags such as `<think>…</think>`, `<thinking>`,
`<reasoning>`, `<thought>`, `<reflection>`, `<scratchpad>`, `<seed:think>`, `[THINK]` or `◁think▷`, before
a closing tag that nothing opened, or on gpt-oss's `analysis` channel, is cut off before `extract`, and the
reason says so. An answer that never stops reasoning is invalid; one that ends with its reasoning is
empty. A judge sees the answer without it, in pairs both answers. Tags in code, in quotes or in the
middle of a sentence are mentions, and stay. `reasoning: keep` scores the whole text, and
`reasoning: cut` cuts it for those kinds too that keep it by default: `preset`, since other tools read the
text as it is; `pii` and `blocklist`, since what leaks in a thought has leaked; `latency`, `cost` and
lengths in `tokens`, which do not read the text; any metric whose parameters or `extract` name such a tag,
and any item whose target does. Metrics within other metrics decide for themselves, unless the outer one
says `reasoning`.

`extract: { regex: … }` takes the first match unless `which: last` is set; `extract: { json: … }` takes the
last JSON in which the path leads to a value, since drafts stand before what is final, unless
`which: first` is set.
";

const COLUMNS: &str = "
| metric | what it measures | range | better | passes from | target | aggregation | source |
| --- | --- | --- | --- | --- | --- | --- | --- |
";

const NORMALIZE: &str = "
## normalize

Steps run in this order, whatever order they are listed in. They change answer and target alike.

| step | what it does |
| --- | --- |
";

/// The reference of all metrics, as Markdown.
pub fn reference() -> String {
    let mut out = INTRODUCTION.to_owned();
    for (family, kinds) in FAMILIES {
        let _ = write!(out, "\n## {family}\n{COLUMNS}");
        out.extend(kinds.iter().map(row));
    }
    out.push_str("\n# Parameters\n");
    out.extend(kinds().map(section));
    out.push_str(NORMALIZE);
    for (name, meaning) in words(&schema::<Step>()) {
        let _ = writeln!(out, "| `{name}` | {meaning} |");
    }
    out
}

fn row(kind: &Kind) -> String {
    let about = &kind.about;
    format!(
        "| `{}` | {} | {} | {} | {} | {} | {} | {} |\n",
        about.name,
        about.summary,
        about.range,
        about.direction,
        about.threshold.map_or_else(|| "-".to_owned(), |threshold| threshold.to_string()),
        if about.needs_target { "needed" } else { "not needed" },
        kind.aggregation,
        about.source,
    )
}

fn section(kind: &Kind) -> String {
    let schema = (kind.schema)();
    let required = |name: &str| {
        schema["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name))
    };
    let mut out = format!("\n## {}\n", kind.about.name);
    let Some(properties) = schema["properties"].as_object() else {
        let text = match description(&schema) {
            _ if schema["type"] == "object" => "It takes none.".to_owned(),
            text => text,
        };
        let _ = writeln!(out, "\n{text}");
        return out;
    };
    out.push_str("\n| parameter | default | meaning |\n| --- | --- | --- |\n");
    for (name, property) in properties {
        let default = match property.get("default") {
            _ if required(name) => "required".to_owned(),
            Some(default) => format!("`{default}`"),
            None => String::new(),
        };
        let _ = writeln!(out, "| `{name}` | {default} | {} |", meaning(property));
    }
    out
}

/// A parameter's description, the words or forms that it allows with theirs, and its parts.
fn meaning(property: &Value) -> String {
    let mut lines = vec![description(property)];
    lines.extend(words(property).map(|(word, meaning)| format!("`{word}`: {meaning}")));
    lines.extend(forms(property).map(meaning));
    lines.extend(named_parts(property));
    lines.extend(parts(&property["items"]));
    lines.retain(|line| !line.is_empty());
    lines.join("<br>")
}

fn forms(schema: &Value) -> impl Iterator<Item = &Value> {
    schema["anyOf"].as_array().into_iter().flatten()
}

/// What the elements of a list are made of, where they are mappings, in whatever form.
fn parts(element: &Value) -> Vec<String> {
    let of_elements = element.get("items").into_iter().flat_map(parts);
    named_parts(element).chain(forms(element).flat_map(parts)).chain(of_elements).collect()
}

/// The keys of a mapping.
fn named_parts(mapping: &Value) -> impl Iterator<Item = String> {
    let parts = mapping["properties"].as_object().into_iter().flatten();
    parts.map(|(name, part)| {
        let default = part.get("default").map_or_else(String::new, |it| format!(" (`{it}`)"));
        format!("`{name}`{default}: {}", meaning(part))
    })
}

/// The words that a schema allows, with their meanings.
fn words(schema: &Value) -> impl Iterator<Item = (&str, String)> {
    let words = schema["oneOf"].as_array().into_iter().flatten();
    words.map(|word| (word["const"].as_str().unwrap_or_default(), description(word)))
}

fn description(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', r"\|")
}
