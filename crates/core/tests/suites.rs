//! Suite files: what is accepted, and that every mistake is reported at once with its place.

use std::{fs, path::Path};

use evalmark_core::{
    dataset::{DatasetError, Rows},
    metric::{Direction, MetricKind, Range},
    model::Provider,
    plan::Plan,
    provider::ProviderKind,
    source::Sources,
    suite::{Readers, Suite, SuiteError},
    template::Template,
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
        nested: |_| Vec::new(),
        embeds: true,
        file_refs: &[],
    },
];

const PROVIDERS: &[ProviderKind] = &[
    ProviderKind {
        name: "openai",
        protocol: "openai",
        summary: "a server",
        base_url: Some("https://api.example.com/v1"),
        paths: &["/chat/completions", "/embeddings"],
        key_variables: &["OPENAI_API_KEY"],
        key_hosts: &["api.example.com"],
        params: || {
            let number = json!({ "type": "number" });
            json!({ "properties": { "temperature": number, "max_tokens": number, "stop": {} } })
        },
        reserved: &[("model", "say it elsewhere"), ("stream", "say it elsewhere")],
        output_limits: &["max_tokens"],
        default_output_limit: None,
        embeds: true,
        prices: Some("{ as_of: 2025-08, source: s, models: { big: { input: 2, output: 4 } } }"),
    },
    ProviderKind {
        name: "talker",
        protocol: "talk",
        summary: "a server without an address of its own",
        base_url: None,
        paths: &["/talk"],
        key_variables: &["TALK_API_KEY"],
        key_hosts: &[],
        params: || json!({ "properties": { "system": {}, "limit": { "type": "integer" } } }),
        reserved: &[],
        output_limits: &["limit"],
        default_output_limit: Some(100),
        embeds: false,
        prices: None,
    },
];

fn no_parquet(path: &Path, _: fs::File) -> Result<Rows, DatasetError> {
    Err(DatasetError::of_file(path, "no Parquet here"))
}

fn read(folder: &Path, suite: &str) -> Result<Suite, SuiteError> {
    let path = folder.join("suite.yaml");
    fs::write(&path, suite).expect("written");
    Suite::read(
        &path,
        Readers {
            kinds: KINDS,
            providers: PROVIDERS,
            parquet: no_parquet,
            roots: &[],
            sources: Sources::NONE,
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
    let Provider::Server { kind, base_url, api_key_env } = &suite.models[0].provider else {
        panic!("not asked")
    };
    assert_eq!((*kind, base_url.as_str()), ("openai", "http://127.0.0.1:1/v1"));
    assert_eq!(api_key_env, &None);
    let plan = Plan::new(&suite).expect("plan");
    assert_eq!((plan.survey.n_items, plan.n_samples()), (2, 8));
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
    check(&[("name: intents", "name: 12")], &["`name` is a number; expected text; quote it"]);
    check(&[("epochs: 2", "epochs: 0")], &["`epochs` must be at least 1"]);
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
        &["`role`: `robot` is not one of: system, developer, user, assistant"],
    );
    check(&[("name: intents\n", "")], &["the suite lacks the key `name`"]);
    check(
        &[("slices: [tone]", "ignore: [text, label]")],
        &[
            "`label` holds the target, which is part of an item's content",
            "ignore other columns only",
        ],
    );
    check(&[("slices: [tone]", "slices: [tone, tone]")], &["`tone` appears twice here"]);
    check(&[("http://", "ftp://")], &["`base_url` must begin with http:// or https://"]);
}

#[test]
fn keys_of_gate_and_dataset_have_values() {
    for (from, to, key) in [
        ("right: { margin: 0.05", "right: { margin: ", "margin"),
        ("right: { margin: 0.05", "right: { min: ~, margin: 0.05", "min"),
        ("target: label,", "target: label, cluster: null,", "cluster"),
        ("id: id,", "id: ,", "id"),
    ] {
        check(&[(from, to)], &[&format!("`{key}` is empty"), "give it a value, or remove the key"]);
    }
    let gate = SUITE.find("gate:").expect("a gate");
    for text in ["gate:\n", "gate: { baseline: }\n"] {
        let error = read(folder().path(), &format!("{}{text}", &SUITE[..gate]));
        let error = error.expect_err(text).to_string();
        assert!(error.contains(" is empty\n    hint: give it a value"), "{text}: {error}");
    }
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
    refused("c.yaml", "- { role: user, content: [a] }\n", &["c.yaml:1:26: `content` is a list"]);
    refused("c.yaml", "[]", &["is empty; it needs at least 1"]);
}

#[test]
fn a_provider_decides_address_key_limit_and_price() {
    let folder = folder();
    let entry = |text: &str| {
        let own =
            "provider: openai, base_url: 'http://127.0.0.1:1/v1/', params: { temperature: 0 }";
        SUITE.replace(own, text)
    };
    let model = |text: &str| {
        let suite = read(folder.path(), &entry(text)).expect("valid");
        let model = &suite.models[0];
        let Provider::Server { base_url, api_key_env, .. } = &model.provider else {
            panic!("not asked")
        };
        let price = model.price.map(|price| price.input_usd_per_million);
        (base_url.clone(), api_key_env.clone(), model.max_output_tokens, price)
    };
    let own = "https://api.example.com/v1".to_owned();
    let key = Some("OPENAI_API_KEY".to_owned());
    assert_eq!(model("provider: openai, model: big"), (own, key, None, Some(2.0)));
    let elsewhere =
        model("provider: openai, model: big, base_url: 'http://h/v1', params: { max_tokens: 9 }");
    assert_eq!(elsewhere, ("http://h/v1".to_owned(), None, Some(9), None));
    let talker = model("provider: talker, base_url: 'http://h'");
    let key = Some("TALK_API_KEY".to_owned());
    assert_eq!(talker, ("http://h".to_owned(), key, Some(100), None));
    let wrong = |text: &str, words: &str| {
        let error = read(folder.path(), &entry(text)).expect_err(text).to_string();
        assert!(error.contains(words), "{error}");
    };
    wrong("provider: talker", "`provider: talker` needs a `base_url`");
    wrong("provider: talker, base_url: 'http://h/talk'", "`base_url` ends before `/talk`");
    let error = read(
        folder.path(),
        &entry("provider: talker, base_url: 'http://h'")
            .replace("judge: { model: grader }", "semantic: { model: small }"),
    );
    let error = error.expect_err("no embeddings").to_string();
    assert!(error.contains("`provider: talker` has none"), "{error}");
}

#[test]
fn one_message_for_one_mistake() {
    let (start, end) =
        (SUITE.find("models:").expect("models"), SUITE.find("metrics:").expect("metrics"));
    let suite = format!("{}models: [smollm2]\n{}", &SUITE[..start], &SUITE[end..]);
    let error = read(folder().path(), &suite).expect_err("text for a model").to_string();
    assert!(error.contains("item 1 of `models` is text; expected a mapping"), "{error}");
    assert!(!error.contains("no model is left"), "{error}");
    check(
        &[("provider: openai", "provider: anthropic")],
        &["`provider`: `anthropic` is not one of: openai, talker, recorded"],
    );
    check(
        &[("content: Answer with one word.", "content: [a, b]")],
        &["`content` is a list; expected text"],
    );
    check(
        &[
            ("  - { name: grader, provider: recorded, recorded: { column: text } }", "  - smollm2"),
            ("{ model: grader }", "{ model: small }"),
        ],
        &["item 2 of `models` is text; expected a mapping"],
    );
    check(
        &[("exact: { normalize: [trim] }", "exact: { normalize: trim }")],
        &["`normalize` is text; expected a list"],
    );
}

#[test]
fn the_parsers_own_advice_reaches_nobody() {
    let told = |text: &str, expected: &[&str]| {
        let folder = folder();
        let error = read(folder.path(), text).expect_err(text).to_string();
        for words in expected {
            assert!(error.contains(words), "`{words}` is not in {error}");
        }
        for library in ["DuplicateKeyPolicy", "Options", "from_str", "data pos", "serde"] {
            assert!(!error.contains(library), "{error}");
        }
    };
    told(
        &SUITE.replace("epochs: 2", "epochs: 2\nname: again"),
        &[":17:1: the key `name` stands here twice"],
    );
    told(
        &SUITE.replace("{ temperature: 0 }", "{ seed: 1, seed: 2 }"),
        &["the key `seed` stands here twice"],
    );
    told(
        "name: a\n---\nname: b\n",
        &["the file holds two YAML documents", "remove the line `---`"],
    );
    told(
        "name: a\nprompts:\n  - name: p\n    template: {{ text }}\n",
        &["quote a template that begins with a brace"],
    );
    let braces = ["quote a template that begins with a brace"];
    told("name: a\nprompts: [{ name: p, template: {{ text }} }]\n", &braces);
    told("name: a\nprompts: [{ name: p, template: Say: {{ text }} }]\n", &["quote a template"]);
    told("name: a\nprompts: [{ name: p, template: &a b {{ text }} }]\n", &["holds braces"]);
    for first in ["%", "@", "`"] {
        let text = format!("name: a\nprompts: [{{ name: p, template: {first}x }}]\n");
        told(&text, &["quote a text that begins with this character"]);
    }
    told("name: a\nx: [\"a \\d\"]\n", &["a backslash is doubled"]);
    told("  name: a\nepochs: 2\n", &["begin all keys of the suite in the first column"]);
    told("name: a\n\tx: b\n", &["indent with spaces"]);
    told("name: *a\n", &["an alias (`*name`) names an anchor"]);
    told("name: a\nx: .nan\n", &["is not a number that a suite can hold"]);
    told(
        &SUITE.replace("metrics:\n", "metrics: []\nx:\n"),
        &["`metrics` is empty; it needs at least 1"],
    );
}

#[test]
fn columns_of_any_name_are_used() {
    let csv =
        "id,text,label,tone,Incorrect Answer 1,gr\u{f6}\u{df}e,my-col,a.b\n1,a,x,calm,Lyon,7,m,n\n";
    let read = |template: &str| {
        let quoted = format!("'{}'", template.replace('\'', "''"));
        with(&[("data.csv", csv.as_bytes())], &[("'Label this: {{ text }}'", &quoted)])
    };
    read("{{ item['Incorrect Answer 1'] }} {{ gr\u{f6}\u{df}e }} {{ item['my-col'] }}{{ item['a.b'] }}{{ item.tone }}")
        .expect("valid");
    for (template, expected) in [
        (
            "{{ Incorrect Answer 1 }}",
            "if `Incorrect Answer 1` is a column, write `{{ item['Incorrect Answer 1'] }}`",
        ),
        ("{{ my-col }}", "the column `my-col` is written `{{ item['my-col'] }}`"),
        ("{{ a.b }}", "the column `a.b` is written `{{ item['a.b'] }}`"),
        ("{{ item['Wrong Answer'] }}", "undefined variable `Wrong Answer`"),
    ] {
        let error = read(template).expect_err(template).to_string();
        assert!(error.contains(expected), "{template}: {error}");
    }
}

/// A number that no float holds changes nothing about the mappings of its row.
#[test]
fn mappings_are_mappings_beside_exact_numbers() {
    let rows = |number: &str| {
        let row = format!(
            r#"{{"id":1,"text":"a","label":"x","tone":"t","m":{{"z":{number},"list":[{{"w":{number}}}]}}}}"#
        );
        let folder = folder();
        fs::write(folder.path().join("data.jsonl"), row).expect("written");
        let suite = SUITE.replace("data.csv", "data.jsonl");
        let suite = read(folder.path(), &suite).expect("valid");
        suite.dataset.file.rows().expect("rows").next().expect("a row").expect("read")
    };
    let check = |template: &str, expected: &str| {
        let template = Template::compile_alone("prompt `p`", template).expect(template);
        for number in ["1.5", "1.50", "98765432109876543210", "1e400"] {
            let rendered = template.render(&rows(number)).map_err(|error| error.message);
            assert_eq!(rendered, Ok(expected.replace('N', number)), "{}", template.source());
        }
    };
    check("{{ m }}", "{'z': N, 'list': [{'w': N}]}");
    check("{{ m | tojson }}", "{\"z\": N, \"list\": [{\"w\": N}]}");
    check("{{ item['m'].z }} {{ m.list[0].w }} {{ m['z'] }}", "N N N");
    check(
        "{% for key, value in m | items %}{{ key }}={{ value }};{% endfor %}",
        "z=N;list=[{'w': N}];",
    );
    check("{{ m | length }} {{ m is mapping }} {{ 'z' in m }}", "2 True True");
}

#[test]
fn what_is_hardly_meant_is_a_warning() {
    let warned = |changes: &[(&str, &str)], expected: &[&str]| {
        let suite = with(&[], changes).expect("valid");
        for words in expected {
            assert!(
                suite.warnings.iter().any(|warning| warning.contains(words)),
                "{:?}",
                suite.warnings
            );
        }
        assert_eq!(suite.warnings.len(), expected.len(), "{:?}", suite.warnings);
    };
    warned(&[], &[]);
    warned(
        &[("{{ text }}'\n  - name: chat", "{text}'\n  - name: chat")],
        &[
            "prompt `plain` uses no column and asks the same of every item; did you mean `{{ text }}`?",
        ],
    );
    warned(
        &[(
            "  - name: chat",
            "  - { name: again, template: 'Label this: {{ text }}' }\n  - name: chat",
        )],
        &["the prompts `plain` and `again` are the same text"],
    );
    warned(&[("slices: [tone]", "ignore: [tone]")], &[]);
    warned(
        &[
            ("slices: [tone]", "ignore: [tone]"),
            ("this: {{ text }}", "this: {{ text }} {{ item[\"tone\"] }}"),
        ],
        &["prompt `plain` uses `tone`, which `dataset.ignore` leaves out of the items' content"],
    );
    warned(
        &[("temperature: 0 }", "tempratur: 0 }")],
        &["`tempratur` is not one that servers know; did you mean `temperature`?"],
    );
    warned(
        &[("temperature: 0 }", "temperature: hot }")],
        &["`temperature` is text; servers expect a number"],
    );
}

#[test]
fn datasets_of_other_delimiters_and_kinds_are_named() {
    let csv = b"id;text;label;tone\n1;a, b;x;calm\n2;c;y;\n";
    let suite = with(&[("data.csv", csv)], &[]).expect("valid");
    assert!(suite.notes[0].contains("separated by `;`"), "{:?}", suite.notes);
    let named = [("{ path: data.csv,", "{ path: data.csv, delimiter: ';',")];
    assert!(with(&[("data.csv", csv)], &named).expect("valid").notes.is_empty());
    let wrong = |changes: &[(&str, &str)], files: &[(&str, &[u8])], expected: &[&str]| {
        let error = with(files, changes).expect_err(expected[0]).to_string();
        for words in expected {
            assert!(error.contains(words), "`{words}` is not in {error}");
        }
    };
    let path = |to: &'static str| [("path: data.csv", to)];
    wrong(&path("path: data.csv, delimiter: ab"), &[], &["`ab` is not a delimiter"]);
    wrong(
        &path("path: d.csv.gz"),
        &[],
        &["`d.csv.gz` is compressed", "unpack it and name the file within, for example `d.csv`"],
    );
    wrong(&path("path: d.xlsx"), &[], &["is a spreadsheet", "save the sheet as CSV"]);
    wrong(&path("path: d.feather"), &[], &["is an Arrow file", "save it as Parquet"]);
    wrong(&path("path: ."), &[], &["`.` is a folder", "`data.csv`"]);
    wrong(&path("path: '*.csv'"), &[], &["cannot be read"]);
    wrong(
        &path("path: data, format: csv"),
        &[("data", b"\x1F\x8B\x08\0")],
        &["is compressed (gzip)", "gunzip"],
    );
    wrong(&path("path: data, format: csv"), &[("data", b"PK\x03\x04")], &["Excel workbook"]);
    wrong(&path("path: data, format: csv"), &[("data", b"\xFF\xFEi\0d\0")], &["is UTF-16"]);
    wrong(
        &path("path: data.parquet"),
        &[("data.parquet", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n")],
        &["is a Git LFS pointer, not the data; run `git lfs pull`"],
    );
    wrong(&path("path: data.parquet"), &[("data.parquet", b"<html>Sign in")], &["is a web page"]);
    wrong(
        &path("path: data.jsonl"),
        &[("data.jsonl", b"[{\"id\": 1}]")],
        &["is a JSON array", "format: json"],
    );
    wrong(
        &path("path: data.json"),
        &[("data.json", b"{\"id\": 1}\n{\"id\": 2}\n")],
        &["one object a line", "format: jsonl"],
    );
    wrong(
        &path("path: data.json"),
        &[("data.json", b"{\"data\": [1]}")],
        &["is one object, not an array"],
    );
}

#[test]
fn targets_ids_and_slices_may_lie_within_a_column() {
    let rows = br#"{"meta": {"id": 1.50, "tone": "calm"}, "text": "a", "expected": {"intent": "x", "all": [{"t": "p"}, {"t": "q"}]}, "n": 98765432109876543210, "score": NaN}
"#;
    let read = |target: &str| {
        let dataset =
            format!("{{ path: data.jsonl, id: meta.id, target: {target}, slices: [meta.tone] }}");
        let suite = with(
            &[("data.jsonl", rows)],
            &[("{ path: data.csv, id: id, target: label, slices: [tone] }", &dataset)],
        )?;
        Ok::<_, SuiteError>(suite)
    };
    let item = |target: &str| {
        let suite = read(target).expect(target);
        let folder = folder();
        fs::write(folder.path().join("data.jsonl"), rows).expect("written");
        let mut dataset = suite.dataset.clone();
        dataset.file.path = folder.path().join("data.jsonl");
        dataset.file.access = evalmark_core::files::FileAccess::unlimited();
        let items = evalmark_core::dataset::Items::open(&dataset.into()).expect("opens").next();
        items.expect("an item").expect("a good item")
    };
    let found = item("expected.intent");
    assert_eq!((&*found.id, &*found.targets), ("1.50", &["x".to_owned()][..]));
    assert_eq!(&*found.slices, [Some("calm".to_owned())]);
    assert_eq!(&*item("expected.all.t").targets, ["p", "q"]);
    assert_eq!(&*item("n").targets, ["98765432109876543210"]);
    let error = |target: &str| read(target).expect_err(target).to_string();
    assert!(error("expected").contains("the target `expected` is an object; name what in it is the right answer, as in `target: expected.intent`"), "{}", error("expected"));
    assert!(error("expected.all").contains("is an object"), "{}", error("expected.all"));
    assert!(
        error("expected.x").contains("the first row has no `x` there"),
        "{}",
        error("expected.x")
    );
    assert!(
        error("score").contains("`score` is NaN or infinite, which is not JSON"),
        "{}",
        error("score")
    );
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
        (":1/v1/", format!(":1/{key}/v1/")),
        (":1/v1/", format!(":1/%73%6B{}/v1/", &key[2..])),
        (":1/v1/", ":1/%74oken%3Dabcdef/v1/".to_owned()),
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
        ("id,text,label,tone\n1\n", "row 1 (line 2): has 1 cell where the header has 4"),
        ("sep=;\nid;text;label;tone\n1;a;x;y\n", "line 1: is a line that only Excel reads"),
        ("\"sep=,\"\nid,text,label,tone\n1,a,x,y\n", "line 1: is a line that only Excel reads"),
        ("# ours\nid,text,label,tone\n1,a,x,y\n", "line 1: begins with `#`"),
        ("id^text^label^tone\n1^a^x^y\n", "`dataset.delimiter` says what separates them"),
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
    assert!(error.contains("row 1 (line 2), column `text`: is not UTF-8"), "{error}");
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
    let folder = folder();
    let twice = "{\"id\":1,\"text\":\"a\",\"label\":\"x\",\"text\":\"b\",\"tone\":\"t\"}\n";
    fs::write(folder.path().join("data.jsonl"), twice).expect("written");
    let suite = read(folder.path(), &SUITE.replace("data.csv", "data.jsonl")).expect("valid");
    let row = suite.dataset.file.rows().expect("rows").next().expect("a row").expect("read");
    assert_eq!(row["text"], "b");
    assert_eq!(
        row.remarks(),
        ["line 1, column 1: the key `text` stands here twice; the last one counts"]
    );
    for (name, text, expected) in [
        (
            "data.jsonl",
            "{\"id\":1,\"text\":\"a\",\"label\":\"x\",\"tone\":1}\n[1]\n",
            "line 2, column 1: is not a JSON object",
        ),
        (
            "data.jsonl",
            "{\"id\":1,\"text\":\"a\",\"label\":\"x\",\"tone\":1}\n{\"id\":\n",
            "line 2, column 7: is cut off",
        ),
        (
            "data.json",
            "[{\"id\":1,\"text\":\"a\",\"label\":\"x\",\"tone\":1}, 3]",
            "row 2 (line 1, column 44): is not a JSON object",
        ),
        (
            "data.json",
            "[{\"id\":1,\"text\":\"a\",\"label\":\"x\",\"tone\":1}] []",
            "row 2 (line 1, column 44): goes on after the array",
        ),
        ("data.json", "{}", "is one object, not an array of objects"),
    ] {
        let folder = self::folder();
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
