//! Tests in a CSV file: a column per variable, and those with two underscores that mean something of
//! their own.

use regex::Regex;
use serde_json::{Map, Value, json};

use super::values::comma_separated;

/// Tests, and what is not understood, each with its line.
type CsvTests = (Vec<(u64, Value)>, Vec<(u64, String)>);

/// The rows of a CSV file as tests, each with the line on which it begins; and what is not understood.
pub(super) fn tests(text: &str) -> Result<CsvTests, String> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| error.to_string())?.clone();
    let (mut tests, mut lost) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        let cells: Vec<_> = headers.iter().map(str::trim).zip(record.iter()).collect();
        tests.push((line, test(&cells, |what| lost.push((line, what)))));
    }
    Ok((tests, lost))
}

fn test(cells: &[(&str, &str)], mut lose: impl FnMut(String)) -> Value {
    let (mut vars, mut options, mut metadata) = (Map::new(), Map::new(), Map::new());
    let mut asserts: Vec<Value> = Vec::new();
    let mut test = json!({});
    for (key, cell) in cells {
        let Some(special) = key.strip_prefix("__") else {
            vars.insert((*key).to_owned(), (*cell).into());
            continue;
        };
        match special {
            _ if special.starts_with("expected") => {
                if !cell.trim().is_empty() {
                    asserts.push(assertion(cell.trim()));
                }
            }
            "prefix" | "suffix" => drop(options.insert(special.to_owned(), (*cell).into())),
            "description" if !cell.is_empty() => test["description"] = (*cell).into(),
            "providerOutput" if !cell.is_empty() => test["providerOutput"] = (*cell).into(),
            "threshold" if !cell.trim().is_empty() => test["threshold"] = number(cell),
            "metric" | "description" | "providerOutput" | "threshold" => {}
            _ if special.starts_with("metadata:") => {
                if let Some((name, value)) = metadata_of(&special["metadata:".len()..], cell) {
                    metadata.insert(name, value);
                }
            }
            _ if special.starts_with("config:") => {}
            _ => lose(format!("column `{key}`")),
        }
    }
    let cell_of = |name: &str| cells.iter().find(|(key, _)| *key == name).map(|(_, cell)| *cell);
    for assertion in &mut asserts {
        if let Some(metric) = cell_of("__metric").filter(|metric| !metric.is_empty()) {
            assertion["metric"] = metric.into();
        }
    }
    for (key, cell) in cells.iter().filter(|(key, _)| key.starts_with("__config:")) {
        match configured(key).and_then(|at| asserts.get_mut(at)) {
            Some(assertion) => assertion["threshold"] = number(cell),
            None => lose(format!("column `{key}`")),
        }
    }
    test["vars"] = vars.into();
    test["assert"] = asserts.into();
    test["options"] = options.into();
    test["metadata"] = metadata.into();
    test
}

/// Which assertion a column such as `__config:__expected2:threshold` is about.
fn configured(key: &str) -> Option<usize> {
    let name = key.strip_prefix("__config:__expected")?.strip_suffix(":threshold")?;
    if name.is_empty() {
        return Some(0);
    }
    name.parse::<usize>().ok()?.checked_sub(1)
}

fn metadata_of(name: &str, cell: &str) -> Option<(String, Value)> {
    if cell.trim().is_empty() {
        return None;
    }
    Some(match name.strip_suffix("[]") {
        Some(name) => {
            let parts = cell.split(',').map(|part| Value::from(part.trim()));
            (name.to_owned(), parts.collect::<Vec<_>>().into())
        }
        None => (name.to_owned(), cell.into()),
    })
}

fn number(cell: &str) -> Value {
    cell.trim()
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())
        .map_or(Value::Null, Value::from)
}

/// What a cell of `__expected` says: `TYPE: VALUE`, `TYPE(THRESHOLD): VALUE`, or the answer itself.
pub(super) fn assertion(cell: &str) -> Value {
    const CODE: [(&str, &str); 4] = [
        ("javascript:", "javascript"),
        ("fn:", "javascript"),
        ("eval:", "javascript"),
        ("python:", "python"),
    ];
    const GRADED: [&str; 2] = ["grade:", "llm-rubric:"];
    for (prefix, kind) in CODE {
        if let Some(code) = cell.strip_prefix(prefix) {
            return json!({ "type": kind, "value": code.trim() });
        }
    }
    for prefix in GRADED {
        if let Some(rubric) = cell.strip_prefix(prefix) {
            return json!({ "type": "llm-rubric", "value": rubric });
        }
    }
    if let Some(path) = cell.strip_prefix("file://") {
        let kind = if path.contains(".py") { "python" } else { "javascript" };
        return json!({ "type": kind, "value": path });
    }
    let Some(found) = typed(cell) else { return json!({ "type": "equals", "value": cell }) };
    found
}

/// The types that a cell may begin with: words with hyphens, known to promptfoo.
fn typed(cell: &str) -> Option<Value> {
    let pattern =
        Regex::new(r"^((?:not-)?([a-z0-9:-]+?))(?:\((\d+(?:\.\d+)?)\))?(?::([\s\S]*))?$").ok()?;
    let found = pattern.captures(cell)?;
    let base = &found[2];
    if !TYPES.contains(&base) {
        return None;
    }
    let value = found.get(4).map(|value| value.as_str());
    let mut assertion = json!({ "type": &found[1] });
    match (base, value) {
        ("contains-all" | "contains-any" | "icontains-all" | "icontains-any", Some(list)) => {
            assertion["value"] = comma_separated(list).into();
        }
        ("contains-json" | "is-json", Some(schema)) => assertion["value"] = schema.into(),
        (_, Some(value)) => assertion["value"] = value.trim().into(),
        (_, None) => {}
    }
    if WITH_THRESHOLD.contains(&base) {
        let given = found.get(3).and_then(|threshold| threshold.as_str().parse::<f64>().ok());
        assertion["threshold"] = given.unwrap_or(0.75).into();
    }
    Some(assertion)
}

/// Types whose cells have a threshold, 0.75 where none is written.
const WITH_THRESHOLD: [&str; 13] = [
    "answer-relevance",
    "classifier",
    "context-faithfulness",
    "context-recall",
    "context-relevance",
    "cost",
    "latency",
    "levenshtein",
    "perplexity-score",
    "perplexity",
    "rouge-n",
    "similar",
    "starts-with",
];

const TYPES: [&str; 48] = [
    "answer-relevance",
    "bleu",
    "classifier",
    "contains",
    "contains-all",
    "contains-any",
    "contains-html",
    "contains-json",
    "contains-sql",
    "contains-xml",
    "context-faithfulness",
    "context-recall",
    "context-relevance",
    "conversation-relevance",
    "cost",
    "equals",
    "factuality",
    "finish-reason",
    "g-eval",
    "gleu",
    "guardrails",
    "icontains",
    "icontains-all",
    "icontains-any",
    "is-html",
    "is-json",
    "is-refusal",
    "is-sql",
    "is-valid-function-call",
    "is-valid-openai-function-call",
    "is-valid-openai-tools-call",
    "is-xml",
    "latency",
    "levenshtein",
    "meteor",
    "model-graded-closedqa",
    "model-graded-factuality",
    "moderation",
    "perplexity",
    "perplexity-score",
    "pi",
    "regex",
    "rouge-n",
    "ruby",
    "similar",
    "starts-with",
    "webhook",
    "word-count",
];

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn what_a_cell_expects() {
        let check = |cell: &str, expected: Value| assert_eq!(assertion(cell), expected, "{cell}");
        check("Paris", json!({ "type": "equals", "value": "Paris" }));
        check("contains: Paris", json!({ "type": "contains", "value": "Paris" }));
        check("not-icontains:x", json!({ "type": "not-icontains", "value": "x" }));
        check("is-json", json!({ "type": "is-json" }));
        check("similar(0.8): a", json!({ "type": "similar", "value": "a", "threshold": 0.8 }));
        check("levenshtein: a", json!({ "type": "levenshtein", "value": "a", "threshold": 0.75 }));
        check(
            "contains-any: a, \"b, c\"",
            json!({ "type": "contains-any", "value": ["a", "b, c"] }),
        );
        check("grade: is kind", json!({ "type": "llm-rubric", "value": " is kind" }));
        check(
            "fn: output.length < 5",
            json!({ "type": "javascript", "value": "output.length < 5" }),
        );
        check("note: this is text", json!({ "type": "equals", "value": "note: this is text" }));
    }

    #[test]
    fn columns_with_two_underscores() {
        let text = "q,__expected,__expected2,__description,__metric,__metadata:tag[],__config:__expected2:threshold,__odd\n\
                    a,b,similar: c,first,m,\"x, y\",0.9,?\n";
        let (tests, lost) = tests(text).expect("CSV");
        let expected = json!({
            "description": "first", "vars": { "q": "a" }, "options": {}, "metadata": { "tag": ["x", "y"] },
            "assert": [
                { "type": "equals", "value": "b", "metric": "m" },
                { "type": "similar", "value": "c", "threshold": 0.9, "metric": "m" },
            ],
        });
        assert_eq!(tests, [(2, expected)]);
        assert_eq!(lost, [(2, "column `__odd`".to_owned())]);
    }
}
