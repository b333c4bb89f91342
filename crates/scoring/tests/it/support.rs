//! From the way a suite writes a metric to a compiled one, and one check for all tables.

use evalmark_core::{
    metric::{Extract, InvalidPolicy, MetricSpec, ParamError, Reasoning, Which},
    score::Score,
};
use evalmark_scoring::{Metric, Subject, catalog};
use serde_json::{Value, json};

/// A metric as a suite writes it, e.g. `{"exact": {}, "not": true}`.
pub(crate) fn spec(entry: &Value) -> MetricSpec {
    let kind = catalog()
        .iter()
        .find(|kind| entry.get(kind.name).is_some())
        .unwrap_or_else(|| panic!("no metric in {entry}"));
    MetricSpec {
        name: "m".to_owned(),
        kind: kind.name,
        params: entry[kind.name].clone(),
        reasoning: match entry["reasoning"].as_str() {
            Some("cut") => Some(Reasoning::Cut),
            Some("keep") => Some(Reasoning::Keep),
            _ => None,
        },
        when: entry["when"].as_str().map(str::to_owned),
        targets: entry["target"].as_str().map(str::to_owned).into_iter().collect(),
        extract: entry.get("extract").map(extract),
        negate: entry["not"] == true,
        threshold: entry["threshold"].as_f64(),
        binary: entry["binary"] == true,
        invalid: match entry["invalid"].as_str() {
            Some("missing") => InvalidPolicy::Missing,
            _ => InvalidPolicy::Zero,
        },
        labels: None,
    }
}

fn extract(entry: &Value) -> Extract {
    let text = |key: &str| entry[key].as_str().map(str::to_owned);
    let which = text("which").map(|which| if which == "last" { Which::Last } else { Which::First });
    match text("json") {
        Some(path) => Extract::Json { path, which },
        None => Extract::Regex {
            pattern: text("regex").expect("a pattern"),
            group: entry["group"].as_u64().map(|group| usize::try_from(group).expect("small")),
            which: which.unwrap_or_default(),
        },
    }
}

pub(crate) fn metric(entry: &Value) -> Metric {
    Metric::compile(&spec(entry)).unwrap_or_else(|complaint| panic!("{entry}: {complaint:?}"))
}

pub(crate) fn complaint(entry: &Value) -> ParamError {
    Metric::compile(&spec(entry)).map(drop).expect_err("a complaint")
}

pub(crate) fn score(entry: &Value, answer: &str, targets: &[&str]) -> Score {
    let targets: Vec<String> = targets.iter().map(ToString::to_string).collect();
    metric(entry).score(Subject::of_texts(answer, &targets))
}

/// The value that `entry` gives `answer`; `None` for missing.
#[track_caller]
pub(crate) fn check(entry: &Value, answer: &str, targets: &[&str], expected: Option<f64>) {
    let score = score(entry, answer, targets);
    assert_eq!(score.value, expected, "{entry} of {answer:?} against {targets:?}: {score:?}");
    assert_eq!(score.passed.is_some(), expected.is_some(), "{score:?}");
}

/// One metric over many rows of answer, target and value.
#[track_caller]
pub(crate) fn check_all(entry: &Value, rows: &[(&str, &str, f64)]) {
    for (answer, target, expected) in rows {
        check(entry, answer, &[target], Some(*expected));
    }
}

/// Deterministic metrics of every kind in the catalog, for the laws.
#[expect(clippy::too_many_lines, reason = "a list")]
pub(crate) fn deterministic() -> Vec<Value> {
    vec![
        json!({"exact": {}}),
        json!({"includes": {}}),
        json!({"includes": {"words": true, "normalize": ["nfkc", "casefold"]}}),
        json!({"regex": {"pattern": "a+b"}}),
        json!({"regex": {"pattern": "a+b", "full": true}}),
        json!({"number": {}}),
        json!({"number": {"rel": 0.1, "which": "first"}}),
        // Matching.
        json!({"includes": {"mode": "all", "words": true}}),
        json!({"includes": {"values": ["a", "not"], "mode": "any"}}),
        json!({"starts_with": {}}),
        json!({"ends_with": {"words": true, "normalize": ["casefold"]}}),
        json!({"one_of": {"values": ["a", "5", ""]}}),
        json!({"regex": {"pattern": "(.)$", "compare": "target", "which": "last"}}),
        json!({"choice": {}}),
        json!({"choice": {"letters": ["1", "2", "A"]}}),
        json!({"number": {"which": "marked", "read": ["fractions", "powers_of_ten", "units"]}}),
        json!({"number": {"which": "only", "read": ["percentages", "decimal_comma"]}}),
        // Presets.
        json!({"preset": "squad"}),
        json!({"preset": {"name": "squad", "score": "f1"}}),
        json!({"preset": "lm_eval"}),
        json!({"preset": {"name": "lm_eval", "ignore_case": true, "regexes_to_ignore": ["x*", "\\b"]}}),
        json!({"preset": "helm_exact"}),
        json!({"preset": "helm_quasi_exact"}),
        json!({"preset": "helm_quasi_prefix_exact"}),
        json!({"preset": "helm_f1"}),
        json!({"preset": "helm_final_number"}),
        json!({"preset": "helm_exact_indicator"}),
        json!({"preset": {"name": "inspect", "scorer": "exact"}}),
        json!({"preset": {"name": "inspect", "scorer": "f1", "stop_words": ["a"]}}),
        json!({"preset": {"name": "inspect", "scorer": "match"}}),
        json!({"preset": {"name": "inspect", "scorer": "match", "numeric": true, "location": "any"}}),
        json!({"preset": {"name": "inspect", "scorer": "includes"}}),
        json!({"preset": {"name": "inspect", "scorer": "pattern", "pattern": "(?<!b)(a)"}}),
        json!({"preset": {"name": "inspect", "scorer": "answer", "pattern": "letter"}}),
        json!({"preset": {"name": "inspect", "scorer": "answer", "pattern": "word"}}),
        json!({"preset": {"name": "inspect", "scorer": "answer", "pattern": "line"}}),
        json!({"preset": {"name": "inspect", "scorer": "choice", "choices": 4}}),
        json!({"preset": "promptfoo_equals"}),
        json!({"preset": {"name": "promptfoo_equals", "json": true}}),
        json!({"fuzzy": {"algorithm": "levenshtein"}}),
        json!({"fuzzy": {"algorithm": "osa"}}),
        json!({"fuzzy": {"algorithm": "damerau_levenshtein"}}),
        json!({"fuzzy": {"algorithm": "jaro"}}),
        json!({"fuzzy": {"algorithm": "jaro_winkler"}}),
        json!({"fuzzy": {"algorithm": "sorensen_dice"}}),
        // Structure.
        json!({"json_valid": {}}),
        json!({"json_schema": {"schema": {"type": ["object", "array"]}}}),
        json!({"json_equal": {"unordered": true, "abs": 0.5}}),
        json!({"json_fields": {}}),
        json!({"yaml_valid": {"fence": true}}),
        json!({"xml_valid": {}}),
        json!({"sql_valid": {}}),
        json!({"contains_code": {"inline": true}}),
        json!({"tool_call": {"extra": true}}),
        // Behaviour.
        json!({"length": {}, "threshold": 3, "binary": true}),
        json!({"length_within": {"unit": "words", "max": 3}}),
        json!({"latency": {}, "threshold": 100, "binary": true}),
        json!({"cost": {}, "threshold": 1, "binary": true}),
        json!({"refusal": {"patterns": ["a"]}}),
        json!({"blocklist": {"words": ["a", "ß"]}}),
        json!({"pii": {}}),
        json!({"language": {"expected": "de"}}),
        json!({"repetition": {"n": 1, "unit": "characters"}, "threshold": 0.5}),
        json!({"fuzzy": {"algorithm": "indel"}}),
        json!({"fuzzy": {"algorithm": "lcs_seq"}}),
        json!({"fuzzy": {"algorithm": "hamming"}}),
        json!({"fuzzy": {"algorithm": "partial_ratio"}}),
        json!({"fuzzy": {"algorithm": "token_sort_ratio"}}),
        json!({"fuzzy": {"algorithm": "token_set_ratio"}}),
        json!({"bleu": {}, "threshold": 50}),
        json!({"chrf": {"word_order": 2}, "threshold": 50}),
        json!({"ter": {}, "threshold": 50}),
        json!({"wer": {}, "threshold": 0.5}),
        json!({"cer": {}, "threshold": 0.5, "binary": true}),
        json!({"log_loss": {"labels": ["a", "5"]}, "threshold": 1}),
        json!({"per_item": {"column": "check"}}),
        json!({"token_f1": {}, "threshold": 0.5}),
        json!({"rouge": {"variant": "rouge2"}, "threshold": 0.5}),
        json!({"rouge": {"variant": "rougeL", "stemmer": true}, "threshold": 0.5}),
        json!({"rouge": {"variant": "rougeLsum"}, "threshold": 0.5}),
        json!({"label": {"labels": ["a", "b", "5"]}}),
        json!({"label": {"labels": {"a": ["ab", "b"], "5": []}, "find": true, "which": "last"}}),
        json!({"brier": {"labels": ["a", "5"]}}),
        json!({"roc_auc": {"labels": ["a", "b", "5"]}}),
        // Combining and custom kinds.
        json!({"all_of": [{"includes": {}}, {"regex": {"pattern": "b"}, "not": true}]}),
        json!({"any_of": [{"exact": {}}, {"number": {}}, {"fuzzy": {}, "threshold": 0.5}]}),
        json!({"weighted": [{"exact": {}, "weight": 2}, {"fuzzy": {}}], "threshold": 0.5}),
        json!({"expression": "answer in targets or answer | length > 5"}),
        json!({"expression": "(answer | fromjson).grade > 0"}),
    ]
}

/// One metric that asks a model of each kind.
pub(crate) fn asking() -> Vec<Value> {
    vec![
        json!({"judge": {"model": "m", "rubric": "r"}}),
        json!({"judge": {"models": ["m", "n"], "rubric": "r", "repeats": 2}}),
        json!({"judge": {"models": ["m", "n"], "rubric": "r", "aggregate": "majority"}}),
        json!({"judge_facts": {"model": "m", "criteria": ["says a"]}}),
        json!({"judge_reference": {"model": "m"}}),
        json!({"judge_pairwise": {"models": ["m", "n", "o"], "aggregate": "unanimity"}}),
        json!({"semantic": {"model": "m"}}),
    ]
}
