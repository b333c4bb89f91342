//! Suite files: what is accepted, and that every mistake is reported at once with its place.

mod batches;
mod datasets;
mod examples;
mod logprobs;
mod matrix;
mod mistakes;
mod providers;

use std::{fs, path::Path};

use evalmark_core::{
    dataset::{DatasetError, Format, Rows, ScratchSpace},
    feature::Feature,
    metric::{Direction, MetricKind, Range},
    model::{ModelServer, Provider},
    model_key::ModelKey,
    plan::Plan,
    source::Sources,
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
        reads_objects: false,
        model_refs: &[],
        asks: |_| Vec::new(),
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
        reads_objects: false,
        model_refs: &["/model", "/models"],
        asks: |params| {
            let structured = params["structured"] == true;
            let form = structured.then_some(Feature::JsonSchema);
            [Feature::Conversation].into_iter().chain(form).collect()
        },
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
        reads_objects: false,
        model_refs: &["/model"],
        asks: |_| Vec::new(),
        nested: |_| Vec::new(),
        embeds: true,
        file_refs: &[],
    },
];

fn no_parquet(path: &Path, _: fs::File, _: Format) -> Result<Rows, DatasetError> {
    Err(DatasetError::of_file(path, "no Parquet here"))
}

fn read(folder: &Path, suite: &str) -> Result<Suite, SuiteError> {
    let path = folder.join("suite.yaml");
    fs::write(&path, suite).expect("written");
    Suite::read(
        &path,
        Readers {
            kinds: KINDS,
            providers: providers::PROVIDERS,
            columnar: no_parquet,
            scratch: ScratchSpace::new(tempfile::tempfile),
            roots: &[],
            sources: Sources::NONE,
            receivers: &[],
        },
    )
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
    let Provider::Server(ModelServer { kind, base_url, key, .. }) = &suite.models[0].provider
    else {
        panic!("not asked")
    };
    assert_eq!((*kind, base_url.as_str()), ("openai", "http://127.0.0.1:1/v1"));
    assert_eq!(key, &ModelKey::None);
    let plan = Plan::new(&suite).expect("plan");
    assert_eq!((plan.profile.n_items, plan.n_samples()), (2, 8));
    let samples: Vec<_> = plan.by_item(0).expect("opens").map(|s| s.expect("sample")).collect();
    let order: Vec<_> = samples.iter().map(|s| (s.item.index, s.prompt, s.epoch)).collect();
    let expected =
        [0, 1].map(|item| [0, 1].map(|prompt| [0, 1].map(|epoch| (item, prompt, epoch))));
    assert_eq!(order, expected.as_flattened().as_flattened());
    assert_eq!(samples[0].request.messages[0].text(), "Label this: a, b\nc");
    assert_eq!(samples[2].request.messages[1].text(), "Message: a, b\nc");
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
    check(
        &[("params: { temperature: 0 } }", &entry("limits: { timeout: 60 }"))],
        &["`timeout` is a number; expected text; with a unit: `60s`"],
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
        "one column cannot hold the labels of several prompts' answers",
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
    labels("file: labels.txt")(&[
        "the extension of `labels.txt` does not show",
        "use a file ending",
    ]);
    labels("file: labels.csv")(&["labels /labels.csv: cannot be read"]);
    labels("file: data.csv")(&["row 1: has no column `item_id`"]);
}

/// A file of the suite's folder holds `bytes`; the good suite, changed, is read.
fn with(files: &[(&str, &[u8])], changes: &[(&str, &str)]) -> Result<Suite, SuiteError> {
    let folder = folder();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, bytes).expect("written");
    }
    let mut text = SUITE.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "the suite has no `{from}`");
        text = text.replace(from, to);
    }
    read(folder.path(), &text)
}

/// The messages of the good suite's first item.
fn first_messages(suite: &Suite, prompt: usize) -> Vec<String> {
    let folder = folder();
    let file = evalmark_core::dataset::FileSpec {
        path: folder.path().join("data.csv"),
        access: evalmark_core::files::FileAccess::unlimited(),
        ..suite.dataset.file.clone()
    };
    let dataset = evalmark_core::dataset::DatasetSpec { file, ..suite.dataset.clone() };
    let item = evalmark_core::dataset::Items::open(&dataset.into()).expect("opens").next();
    let item = item.expect("an item").expect("a good item");
    let messages = suite.prompts[prompt].render(&item).expect("renders");
    messages.into_iter().map(|message| format!("{}: {}", message.role, message.text())).collect()
}

#[test]
fn a_prompt_is_the_same_text_on_every_system() {
    let template = ("    template: 'Label this: {{ text }}'", "    file: plain.j2");
    let read = |bytes: &[u8]| with(&[("plain.j2", bytes)], &[template]).expect("valid");
    let plain = read(b"Label\nthis: {{ text }}");
    for other in ["\u{feff}Label\nthis: {{ text }}", "\u{feff}Label\r\nthis: {{ text }}"] {
        let other = read(other.as_bytes());
        assert_eq!(plain.prompts[0].hash, other.prompts[0].hash);
        assert_eq!(first_messages(&other, 0), ["user: Label\nthis: a, b\nc"]);
    }
    let included =
        |bytes: &[u8]| with(&[("part.j2", bytes)], &[]).expect("valid").prompts[1].hash.clone();
    assert_eq!(included(b"a\nb"), included(b"\xEF\xBB\xBFa\r\nb"));
    let error = with(&[("plain.j2", b"caf\xE9")], &[template]).expect_err("not UTF-8");
    assert!(error.to_string().contains("line 1: the byte 0xE9 is not UTF-8"), "{error}");
}

#[test]
fn a_chat_is_yaml_or_json_and_may_name_files() {
    let read = |name: &str, text: &str| {
        let file = format!("    file: {name}");
        let template = ("    template: 'Label this: {{ text }}'", file.as_str());
        with(&[(name, text.as_bytes()), ("chats/system.j2", b"Be {{ tone }}.")], &[template])
    };
    let chat = "[{\"role\": \"system\", \"content\": \"Be calm.\"},\n\t{\"role\": \"user\", \"content\": \"{{ text }}\"}]";
    let expected = ["system: Be calm.", "user: a, b\nc"];
    assert_eq!(first_messages(&read("chats/a.json", chat).expect("JSON"), 0), expected);
    let chat = "- { role: system, file: system.j2 }\n- { role: user, content: '{{ text }}' }\n";
    assert_eq!(first_messages(&read("chats/a.yaml", chat).expect("YAML"), 0), expected);
    let refused = |name: &str, text: &str, words: &[&str]| {
        let error = read(name, text).expect_err(words[0]).to_string();
        for words in words {
            assert!(error.contains(words), "`{words}` is not in {error}");
        }
    };
    refused(
        "c.json",
        "{\"messages\": [{\"role\": \"user\"}]}",
        &["a whole request", "hint: a chat is a list"],
    );
    refused(
        "c.json",
        "[1, {\"role\": \"robot\", \"content\": \"x\"}]",
        &["c.json:1:2: item 1 is a number", "`role`: `robot` is not one of"],
    );
    refused(
        "c.yaml",
        "- { role: user }\n",
        &["message 1 needs exactly one of `content` and `file`"],
    );
    refused(
        "c.yaml",
        "- { role: user, content: [a] }\n",
        &["c.yaml:1:26: `content` matches none of the allowed forms"],
    );
    refused("c.yaml", "[]", &["is empty; it needs at least 1"]);
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
