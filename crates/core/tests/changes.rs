//! What differs between two runs, told in sentences.

use evalmark_core::changes::{Rename, RunFacts, between, renamed_prompts};
use serde_json::{Value, json};

fn prompt(name: &str, text: &str) -> Value {
    json!({ "name": name, "messages": [{ "role": "user", "content": text }] })
}

fn suite() -> Value {
    json!({
        "dataset": { "path": "d.csv", "id": "id", "target": "label" },
        "prompts": [prompt("a", "Colour of {{ text }}?"), prompt("b", "{{ text }}")],
        "models": [{
            "name": "m", "model": "gpt-x", "base_url": "http://one:8080/v1",
            "params": { "temperature": 0 }, "limits": { "concurrency": 4 },
        }],
        "metrics": [{ "name": "exact", "exact": { "normalize": ["trim"] } }],
    })
}

fn facts(effective: &Value) -> RunFacts<'_> {
    let names = |list: &str| -> Vec<&str> {
        let entries = effective[list].as_array().expect("a list").iter();
        entries.map(|entry| entry["name"].as_str().expect("a name")).collect()
    };
    RunFacts {
        prompts: names("prompts"),
        models: names("models"),
        is_selection: false,
        limit: None,
        epochs: 1,
        columns: None,
        effective,
    }
}

/// The sentences after `edit`.
#[track_caller]
fn check(edit: impl Fn(&mut Value), expected: &[&str]) {
    let (before, mut after) = (suite(), suite());
    edit(&mut after);
    let changes = between(&facts(&before), &facts(&after));
    let says: Vec<_> = changes.iter().map(|change| change.says.as_str()).collect();
    assert_eq!(says, expected);
}

#[test]
fn prompts_change() {
    check(|_| {}, &[]);
    check(
        |suite| suite["prompts"][0] = prompt("a", "Hue of {{ text }}?"),
        &["the text of prompt `a` changed"],
    );
    check(
        |suite| suite["prompts"][0]["name"] = "c".into(),
        &["prompt `c` has the text of the baseline's `a` and is compared with it"],
    );
    check(
        |suite| suite["prompts"][1] = prompt("c", "new"),
        &[
            "prompt `c` is new: the baseline has nothing to compare it with",
            "prompt `b` of the baseline is not in this run",
        ],
    );
    let copy = prompt("c", "{{ text }}");
    check(
        |suite| suite["prompts"].as_array_mut().expect("a list").push(copy.clone()),
        &["prompt `c` is new: not compared; its text is that of the baseline's `b`"],
    );
    check(
        |suite| {
            suite["prompts"] =
                json!([prompt("a", "{{ text }}"), prompt("b", "Colour of {{ text }}?")]);
        },
        &[
            "prompt `a` now has the text of the baseline's `b`",
            "prompt `b` now has the text of the baseline's `a`",
        ],
    );
    check(
        |suite| suite["prompts"][0]["included"] = json!({ "style.j2": "brief" }),
        &["the text of prompt `a` changed"],
    );
}

#[test]
fn a_rename_must_be_unique() {
    let before = suite();
    let check = |edit: &dyn Fn(&mut Value), expected: &[(&str, &str)]| {
        let mut after = suite();
        edit(&mut after);
        let rename = |(before, after): &(&str, &str)| Rename {
            before: (*before).to_owned(),
            after: (*after).to_owned(),
        };
        let expected: Vec<_> = expected.iter().map(rename).collect();
        assert_eq!(renamed_prompts(&facts(&before), &facts(&after)), expected);
    };
    check(&|_| {}, &[]);
    check(&|suite| suite["prompts"][1]["name"] = "z".into(), &[("b", "z")]);
    check(
        &|suite| {
            suite["prompts"][0]["name"] = "y".into();
            suite["prompts"][1]["name"] = "z".into();
        },
        &[("a", "y"), ("b", "z")],
    );
    // Two prompts with the text: which one is meant is not known.
    check(
        &|suite| suite["prompts"] = json!([prompt("y", "{{ text }}"), prompt("z", "{{ text }}")]),
        &[],
    );
}

#[test]
fn models_metrics_and_data_change() {
    check(|suite| suite["models"][0]["limits"] = json!({}), &[]);
    check(
        |suite| suite["models"][0]["model"] = "gpt-y".into(),
        &["model `m`: `model` was `gpt-x`, is `gpt-y`"],
    );
    check(
        |suite| suite["models"][0]["params"] = json!({ "temperature": 0.7, "max_tokens": 9 }),
        &[
            "model `m`: `params.temperature` was `0`, is `0.7`",
            "model `m`: `params.max_tokens` was unset, is `9`",
        ],
    );
    check(
        |suite| suite["models"][0]["base_url"] = "http://two/v1?key=sesame".into(),
        &["model `m`: the server (`base_url`) was `one:8080`, is `two`"],
    );
    check(|suite| suite["models"][0]["base_url"] = "http://one:8080/v1/".into(), &[]);
    check(
        |suite| suite["models"][0]["name"] = "n".into(),
        &[
            "model `n` is new, but configured like the baseline's `m`: keep the name `m` to compare \
             the two",
            "model `m` of the baseline is not in this suite",
        ],
    );
    check(
        |suite| suite["metrics"][0]["exact"] = json!({}),
        &["metric `exact`: `exact.normalize` was `[\"trim\"]`, is unset"],
    );
    check(
        |suite| suite["metrics"][0]["name"] = "equal".into(),
        &[
            "metric `equal` is new, but configured like the baseline's `exact`: keep the name `exact` \
             to compare the two",
            "metric `exact` of the baseline is not in this suite",
        ],
    );
    check(|suite| suite["metrics"][0]["labels"] = json!({ "file": "l.csv" }), &[]);
    check(
        |suite| suite["dataset"]["target"] = "other".into(),
        &["`dataset.target` was `label`, is `other`"],
    );
    check(|suite| suite["dataset"]["target"] = json!(["label"]), &[]);
    check(
        |suite| suite["dataset"]["target"] = json!(["label", "alias"]),
        &["`dataset.target` was `label`, is `[\"label\",\"alias\"]`"],
    );
    check(
        |suite| {
            suite["dataset"].as_object_mut().expect("a mapping").remove("id");
        },
        &[
            "item ids changed: they were the column `id` and are now hashes of the items' content, so \
           the items do not pair up; set `dataset.id: id` again, or promote a new baseline",
        ],
    );
}

#[test]
fn columns_limits_and_epochs_change() {
    let suite = suite();
    let columns = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let (then, now) = (columns(&["text", "label", "tone"]), columns(&["text", "label", "note"]));
    let before = RunFacts { columns: Some(&then), epochs: 2, ..facts(&suite) };
    let after = RunFacts { columns: Some(&now), limit: Some(20), ..facts(&suite) };
    let says: Vec<_> = between(&before, &after).into_iter().map(|change| change.says).collect();
    assert_eq!(
        says,
        [
            "dataset: column `note` added, column `tone` removed",
            "`--limit`: the baseline used all items, this run the first 20 items only; run without \
             `--limit` to compare all",
            "epochs: 2 in the baseline, 1 now",
        ]
    );
}

#[test]
fn columns_of_recorded_answers_are_no_part_of_the_items() {
    let recorded =
        |column: &str| json!({ "models": [{ "name": "m", "recorded": { "column": column } }] });
    let (old, new) = (recorded("one"), recorded("two"));
    let columns = |other: &str| vec!["text".to_owned(), other.to_owned()];
    let (then, now) = (columns("two"), columns("one"));
    let before = RunFacts { columns: Some(&then), ..empty(&old) };
    let after = RunFacts { columns: Some(&now), ..empty(&new) };
    let says: Vec<_> = between(&before, &after).into_iter().map(|change| change.says).collect();
    assert_eq!(says, ["model `m`: `recorded.column` was `one`, is `two`"]);
}

#[test]
fn a_run_that_kept_nothing_is_compared_with_nothing() {
    let (before, after) = (json!({}), suite());
    let before = RunFacts { prompts: vec!["a"], models: vec!["m"], ..empty(&before) };
    let changes = between(&before, &facts(&after));
    let says: Vec<_> = changes.iter().map(|change| change.says.as_str()).collect();
    assert_eq!(says, ["prompt `b` is new: the baseline has nothing to compare it with"]);
}

fn empty(effective: &Value) -> RunFacts<'_> {
    RunFacts {
        prompts: Vec::new(),
        models: Vec::new(),
        is_selection: false,
        limit: None,
        epochs: 1,
        columns: None,
        effective,
    }
}
