//! Suite files: what is accepted, and that every mistake is reported at once with its place.

use std::{fs, path::Path};

use evalmark_core::{
    dataset::{DatasetError, Rows},
    metric::{Direction, MetricKind, Range},
    model::Provider,
    plan::Plan,
    suite::{Readers, Suite, SuiteError},
};
use serde_json::json;

const KINDS: &[MetricKind] = &[
    MetricKind {
        name: "exact",
        schema: || {
            json!({
                "type": "object",
                "properties": {
                    "normalize": { "type": "array" },
                    "words": { "type": "string" },
                },
                "additionalProperties": false,
            })
        },
        check: |_| Ok(()),
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: None,
        needs_target: true,
        model_refs: &[],
        nested: |_| Vec::new(),
        embeds: false,
        file_refs: &["/words"],
    },
    MetricKind {
        name: "judge",
        schema: || json!({ "type": "object" }),
        check: |_| Ok(()),
        range: Range::Unit,
        direction: Direction::Higher,
        threshold: None,
        needs_target: false,
        model_refs: &["/model", "/models"],
        nested: |_| Vec::new(),
        embeds: false,
        file_refs: &[],
    },
    MetricKind {
        name: "semantic",
        schema: || json!({ "type": "object" }),
        check: |_| Ok(()),
        range: Range::Unit,
        direction: Direction::Higher,
        threshold: None,
        needs_target: true,
        model_refs: &["/model"],
        nested: |_| Vec::new(),
        embeds: true,
        file_refs: &[],
    },
];

fn no_parquet(path: &Path, _: fs::File) -> Result<Rows, DatasetError> {
    Err(DatasetError::of_file(path, "no Parquet here"))
}

fn read(folder: &Path, suite: &str) -> Result<Suite, SuiteError> {
    let path = folder.join("suite.yaml");
    fs::write(&path, suite).expect("written");
    Suite::read(&path, Readers { kinds: KINDS, parquet: no_parquet, roots: &[] })
}

const SUITE: &str = "\
name: intents
dataset: { path: data.csv, id: id, target: label, slices: [tone] }
prompts:
  - name: plain
    template: 'Label this: {{ text }}'
  - name: chat
    messages:
      - { role: system, content: Answer with one word. }
      - { role: user, file: prompt.j2 }
models:
  - { name: small, provider: openai, base_url: 'http://127.0.0.1:1/v1/', params: { temperature: 0 } }
  - { name: grader, provider: recorded, recorded: { column: text } }
metrics:
  - { name: right, exact: { normalize: [trim] } }
  - { name: good, judge: { model: grader } }
epochs: 2
gate: { metrics: { right: { margin: 0.05 } } }
";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    let csv = "\u{feff}id,text,label,tone\r\n1,\"a, b\nc\",x,calm\r\n2,d,y,\r\n";
    fs::write(folder.path().join("data.csv"), csv).expect("written");
    fs::write(folder.path().join("prompt.j2"), "{% include 'part.j2' %}: {{ text }}\n")
        .expect("written");
    fs::write(folder.path().join("part.j2"), "Message").expect("written");
    folder
}

#[test]
fn a_good_suite_becomes_a_plan() {
    let folder = folder();
    let suite = read(folder.path(), SUITE).expect("valid");
    assert_eq!(suite.candidates, [0], "a judge is not evaluated");
    let Provider::OpenAi { base_url, api_key_env } = &suite.models[0].provider else {
        panic!("not openai")
    };
    assert_eq!((base_url.as_str(), api_key_env), ("http://127.0.0.1:1/v1", &None));
    let plan = Plan::new(&suite).expect("plan");
    assert_eq!((plan.survey.n_items, plan.n_samples()), (2, 8));
    let samples: Vec<_> = plan.by_item(0).expect("opens").map(|s| s.expect("sample")).collect();
    let order: Vec<_> = samples.iter().map(|s| (s.item.index, s.prompt, s.epoch)).collect();
    let expected =
        [0, 1].map(|item| [0, 1].map(|prompt| [0, 1].map(|epoch| (item, prompt, epoch))));
    assert_eq!(order, expected.as_flattened().as_flattened());
    assert_eq!(samples[0].request.messages[0].content, "Label this: a, b\nc");
    assert_eq!(samples[2].request.messages[1].content, "Message: a, b\nc");
    assert_eq!(&*samples[0].item.targets, ["x"]);
    assert_eq!(samples[7].item.slices[0], None);
    assert_ne!(samples[0].request.hash(), samples[1].request.hash(), "epochs differ");
}

/// Replaces `from` by `to` in the good suite; expects exactly these messages.
#[track_caller]
fn check(changes: &[(&str, &str)], expected: &[&str]) {
    let folder = folder();
    let mut text = SUITE.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "the suite has no `{from}`");
        text = text.replace(from, to);
    }
    let error = read(folder.path(), &text).expect_err("mistakes");
    let shown = error.to_string().replace(&folder.path().display().to_string(), "");
    let messages: Vec<_> = shown.lines().collect();
    for (message, expected) in messages.iter().zip(expected) {
        assert!(message.contains(expected), "`{message}` lacks `{expected}`\n{shown}");
    }
    assert_eq!(messages.len(), expected.len(), "{shown}");
}

#[test]
fn a_file_that_a_metric_names_is_read_and_counts_as_its_parameter() {
    let folder = folder();
    let text = SUITE.replace("exact: { normalize: [trim] }", "exact: { words: words.txt }");
    let read_with = |words: &str| {
        fs::write(folder.path().join("words.txt"), words).expect("written");
        read(folder.path(), &text).expect("valid")
    };
    let (one, other) = (read_with("one\n"), read_with("two\n"));
    assert_eq!(one.metrics[0].params, json!({"words": {"text": "one\n"}}));
    assert_eq!(one.effective["metrics"][0]["exact"], one.metrics[0].params);
    assert_ne!(one.identity(), other.identity());
    check(
        &[("exact: { normalize: [trim] }", "exact: { words: none.txt }")],
        &["none.txt cannot be read"],
    );
}

#[test]
fn a_models_limits_and_certificates_are_checked() {
    let entry = |text: &str| format!("params: {{ temperature: 0 }}, {text} }}");
    let folder = folder();
    fs::write(folder.path().join("ca.pem"), "").expect("written");
    let limits =
        entry("ca_file: ca.pem, limits: { total_timeout: 5m, give_up_after: 1h, hedge: true }");
    let text = SUITE.replace("params: { temperature: 0 } }", &limits);
    let suite = read(folder.path(), &text).expect("valid");
    let model = &suite.models[0];
    assert_eq!(model.limits.total_timeout, Some(std::time::Duration::from_mins(5)));
    assert_eq!(model.limits.give_up_after, std::time::Duration::from_hours(1));
    assert_eq!(suite.models[1].limits.give_up_after, std::time::Duration::from_mins(5));
    assert!(model.limits.hedge && !suite.models[1].limits.hedge);
    assert_eq!(model.ca_file, Some(folder.path().join("ca.pem")));

    let wrong = entry("ca_file: none.pem, limits: { timeout: soon, total_timeout: '0' }");
    check(
        &[("params: { temperature: 0 } }", &wrong)],
        &["none.pem do not exist", "`soon` is not a time span", "`0` is not a time span"],
    );
}

#[test]
fn labels_are_about_one_answer() {
    let labels = |text: &str| {
        let entry = format!("{{ name: right, labels: {{ {text} }},");
        move |expected: &[&str]| check(&[("{ name: right,", &entry)], expected)
    };
    labels("")(&["`labels` needs exactly one of `column`, `columns` and `file`"]);
    labels("column: label")(&[
        "row 1: column `label`: `x` is not a label; a label is a number from 0 to 1, or empty",
        "one column cannot have the labels of several prompts' answers",
        "name one for each",
    ]);
    labels("columns: { plan: labels }")(&[
        "the dataset has no column `labels`",
        "did you mean `label`",
        "the suite has no prompt `plan`",
        "did you mean `plain`",
    ]);
    labels("columns: { plain: lable }")(&[
        "the dataset has no column `lable`",
        "did you mean `label`",
    ]);
    labels("file: labels.txt")(&["the ending of `labels.txt` does not tell", "use a file ending"]);
    labels("file: labels.csv")(&["labels /labels.csv: cannot be read"]);
    labels("file: data.csv")(&["row 1: has no column `item_id`"]);
}

#[test]
fn every_mistake_is_reported_at_once() {
    check(
        &[
            ("prompts:", "promts: []\nprompts:"),
            ("target: label", "target: lable"),
            ("exact:", "exat:"),
        ],
        &[
            "suite.yaml:2:44: the dataset has no column `lable`",
            "did you mean `label`",
            "suite.yaml:3:1: unknown key `promts`",
            "did you mean `prompts`",
            "suite.yaml:15:20: unknown key `exat`",
            "did you mean `exact`",
        ],
    );
}

#[test]
fn mistakes() {
    check(
        &[("epochs: 2", "epochs: many")],
        &["suite.yaml:16:9: `epochs` is text; expected a whole number"],
    );
    check(&[("epochs: 2", "epochs: 0")], &["`epochs`: value is less than the minimum of 1"]);
    check(
        &[("name: intents", "name: a/b")],
        &["suite.yaml:1:7: the suite's name `a/b` must consist"],
    );
    check(&[("data.csv", "other.csv")], &["suite.yaml:2:18: dataset /other.csv: cannot be read"]);
    check(
        &[("{{ text }}'", "{{ txt }}'")],
        &["suite.yaml:5:15: prompt `plain`, line 1: undefined variable `txt`", "columns: id, text"],
    );
    check(
        &[("{{ text }}'", "{{ text'")],
        &["suite.yaml:5:15: prompt `plain`, line 1: syntax error"],
    );
    check(&[("prompt.j2", "nothing.j2")], &["the prompt file /nothing.j2 cannot be read"]);
    check(
        &[("model: grader", "model: grdaer")],
        &["suite.yaml:15:35: no model of the suite is called `grdaer`", "did you mean `grader`"],
    );
    check(
        &[("right: {", "wrong: {")],
        &[
            "the gate names a metric `wrong`",
            "the suite's metrics, and amounts: right, good, latency_p95, cost_usd, output_tokens",
        ],
    );
    check(
        &[("right: { margin: 0.05", "output_tokens: { min: 0.5 }, right: { margin: 1.5")],
        &["`output_tokens` has no minimum", "a margin of more than 1 lets a score drop"],
    );
    check(
        &[("{ name: right,", "{ name: cost_usd,"), ("right: {", "cost_usd: {")],
        &["`cost_usd` is what a gate calls an amount of its own", "choose another name"],
    );
    check(&[("name: chat", "name: plain")], &["the name `plain` is already taken in `prompts`"]);
    check(
        &[("target: label, ", "")],
        &["suite.yaml:14:27: `exact` compares with a target", "add `target: COLUMN`"],
    );
    check(
        &[("role: system", "role: robot")],
        &["`role` is not one of: system, developer, user, assistant"],
    );
    check(&[("name: intents\n", "")], &["the suite lacks the key `name`"]);
    check(&[("slices: [tone]", "slices: [tone, tone]")], &["`tone` appears twice here"]);
    check(&[("http://", "ftp://")], &["`base_url` must begin with http:// or https://"]);
}

#[test]
fn words_stay_words() {
    let folder = folder();
    let params = "params: { stop: [no, y, On, 012, 1_000, 1e3] }";
    let suite = read(folder.path(), &SUITE.replace("params: { temperature: 0 }", params));
    let suite = suite.expect("valid");
    assert_eq!(suite.models[0].params["stop"], json!(["no", "y", "On", "012", "1_000", 1000.0]));
}

#[test]
fn included_files_are_part_of_a_prompt() {
    let folder = folder();
    let before = read(folder.path(), SUITE).expect("valid");
    fs::write(folder.path().join("part.j2"), "Letter").expect("written");
    let after = read(folder.path(), SUITE).expect("valid");
    assert_eq!(before.prompts[0].hash, after.prompts[0].hash);
    assert_ne!(before.prompts[1].hash, after.prompts[1].hash);
    assert_ne!(before.identity(), after.identity());
}

#[test]
fn a_key_is_refused_and_not_repeated() {
    let key = "sk-1234567890abcdef";
    let cases = [
        ("provider: openai,", format!("provider: openai, api_key: {key},")),
        ("provider: openai,", format!("provider: openai, api_key_env: {key},")),
        ("http://127", format!("http://user:{key}@127")),
    ];
    for (from, to) in cases {
        let folder = folder();
        let error = read(folder.path(), &SUITE.replace(from, &to)).expect_err("a key");
        assert!(!format!("{error} {error:?}").contains(key), "{error}");
    }
}

#[test]
fn dataset_errors_name_their_row() {
    let cases = [
        ("", "is empty"),
        ("id,text,label,tone\n", "has no items"),
        ("id,text,label,tone\n1,a,x\n", "row 1 (line 2): has 3 cells where the header has 4"),
        ("id,text,label,text\n1,a,x,y\n", "line 1: the header names the column `text` twice"),
        (
            "id,text,label,tone\n1,a,x,y\n2,b,x,y\n1,c,x,y\n",
            "row 3: the id `1` (column `id`) is already that of row 1",
        ),
        ("id,text,label,tone\n1,a,,y\n", "row 1: the target (`label`) is empty"),
        ("id,text,label,tone\n,a,x,y\n", "row 1: the id column `id` is empty"),
    ];
    for (csv, expected) in cases {
        let folder = folder();
        fs::write(folder.path().join("data.csv"), csv).expect("written");
        let error = match read(folder.path(), SUITE) {
            Err(error) => error.to_string(),
            Ok(suite) => Plan::new(&suite).expect_err(expected).to_string(),
        };
        assert!(error.contains(expected), "`{error}` lacks `{expected}`");
    }
    let folder = folder();
    fs::write(folder.path().join("data.csv"), b"id,text,label,tone\n1,\xff,x,y\n")
        .expect("written");
    let error = read(folder.path(), SUITE).expect_err("not UTF-8").to_string();
    assert!(error.contains("row 1 (line 2): is not UTF-8"), "{error}");
}

#[test]
fn json_datasets() {
    let jsonl = "\u{feff}{\"id\":1,\"text\":\"a\",\"label\":[\"x\",\"y\"],\"tone\":null}\r\n\n{\"id\":2,\"text\":\"b\",\"label\":\"x\",\"tone\":\"t\"}\n";
    let json = "[{\"id\":1,\"text\":\"a\",\"label\":[\"x\",\"y\"],\"tone\":null},\n {\"id\":2,\"text\":\"b\",\"label\":\"x\",\"tone\":\"t\"}]";
    for (name, text) in [("data.jsonl", jsonl), ("data.json", json)] {
        let folder = folder();
        fs::write(folder.path().join(name), text).expect("written");
        let suite = read(folder.path(), &SUITE.replace("data.csv", name)).expect("valid");
        let plan = Plan::new(&suite).expect("plan");
        let first = plan.in_report_order().next().expect("one").expect("sample");
        assert_eq!(
            (&*first.item.id, &*first.item.targets),
            ("1", &["x".to_owned(), "y".to_owned()][..])
        );
        assert_eq!(plan.survey.n_items, 2);
    }
    for (name, text, expected) in [
        (
            "data.jsonl",
            "{\"id\":1,\"text\":\"a\",\"label\":\"x\",\"tone\":1}\n[1]\n",
            "line 2: is not a JSON object",
        ),
        (
            "data.jsonl",
            "{\"id\":1,\"text\":\"a\",\"label\":\"x\",\"tone\":1}\n{\"id\":\n",
            "line 2: is not valid JSON",
        ),
        (
            "data.json",
            "[{\"id\":1,\"text\":\"a\",\"label\":\"x\",\"tone\":1}, 3]",
            "row 2: is not a JSON object",
        ),
        (
            "data.json",
            "[{\"id\":1,\"text\":\"a\",\"label\":\"x\",\"tone\":1}] []",
            "row 2: goes on after the array",
        ),
        ("data.json", "{}", "is not a JSON array of objects"),
    ] {
        let folder = folder();
        fs::write(folder.path().join(name), text).expect("written");
        let error = match read(folder.path(), &SUITE.replace("data.csv", name)) {
            Err(error) => error.to_string(),
            Ok(suite) => Plan::new(&suite).expect_err(expected).to_string(),
        };
        assert!(error.contains(expected), "`{error}` lacks `{expected}`");
    }
}

proptest::proptest! {
    /// A suite with a piece cut out, doubled or overwritten is read or refused, and never panics.
    #[test]
    fn no_damaged_suite_panics(from in 0..SUITE.len(), length in 0..60_usize, filler in "\\PC{0,8}") {
        let folder = folder();
        let cut = |at: usize| (at..=SUITE.len()).find(|at| SUITE.is_char_boundary(*at));
        let (start, end) = (cut(from).unwrap_or(0), cut((from + length).min(SUITE.len())));
        let end = end.unwrap_or(SUITE.len()).max(start);
        for middle in [String::new(), filler.clone(), SUITE[start..end].repeat(2)] {
            let text = format!("{}{middle}{}", &SUITE[..start], &SUITE[end..]);
            if let Err(error) = read(folder.path(), &text) {
                proptest::prop_assert!(!error.to_string().is_empty());
            }
        }
    }

    /// Nor does any dataset.
    #[test]
    fn no_dataset_panics(text in "\\PC{0,200}") {
        let folder = folder();
        for (name, head) in [("data.csv", "id,text,label,tone\n"), ("data.jsonl", ""), ("data.json", "[")] {
            fs::write(folder.path().join(name), format!("{head}{text}")).expect("written");
            if let Ok(suite) = read(folder.path(), &SUITE.replace("data.csv", name)) {
                drop(Plan::new(&suite));
            }
        }
    }
}
