//! Mistakes of a suite: each is told once, with its place.

use super::{SUITE, check, folder, read, with};

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
fn an_amount_of_which_more_is_better() {
    check(
        &[(
            "right: { margin: 0.05",
            "tokens_per_second: { min: 5, max: 7, margin: 1.0 }, right: { margin: 0.05",
        )],
        &[
            "`tokens_per_second` is known of streamed answers only",
            "write `stream: true` on the models",
            "`tokens_per_second` is compared with a baseline, and takes no minimum",
            "`tokens_per_second` is compared with a baseline, and takes no maximum",
            "a margin of 1 or more lets `tokens_per_second` fall to nothing",
            "write a share, such as 0.1 for a tenth",
        ],
    );
}

/// A metric that concerns some items alone is decided at the end: where no other is gated, nothing stops early.
#[test]
fn a_run_that_could_never_stop_early() {
    let early = ("gate: { metrics", "gate: { stop_early: true, metrics");
    let some = ("{ name: right, exact", "{ name: right, when: 'id is not none', exact");
    let told = &["no run of it stops early: every gated metric has `when`", "remove `stop_early`"];
    check(&[early, some], told);
    for (from, to) in [early, some] {
        read(folder().path(), &SUITE.replace(from, to)).expect("valid");
    }
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
            "the suite's metrics, and amounts: right, good, latency_p95, first_token_p95, tokens_per_second, cost_usd, output_tokens",
        ],
    );
    check(
        &[("right: { margin: 0.05", "output_tokens: { min: 0.5 }, right: { margin: 1.5")],
        &["`output_tokens` has no minimum", "a margin of more than 1 lets a score drop"],
    );
    check(
        &[("{ name: right,", "{ name: cost_usd,"), ("right: {", "cost_usd: {")],
        &["`cost_usd` is the name of an amount that gates know", "choose another name"],
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
        &["`provider`: `anthropic` is not one of: openai, talker, writer, placed, recorded"],
    );
    check(
        &[("content: Answer with one word.", "content: [a, b]")],
        &["`content` matches none of the allowed forms"],
    );
    check(
        &[
            ("  - { name: grader, provider: recorded, recorded: { column: text } }", "  - smollm2"),
            ("{ model: grader }", "{ model: small }"),
        ],
        &[
            "item 2 of `models` is text; expected a mapping",
            "hint: write `- { name: small, provider: openai",
        ],
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
        &[":17:1: the key `name` appears twice here"],
    );
    told(
        &SUITE.replace("{ temperature: 0 }", "{ seed: 1, seed: 2 }"),
        &["the key `seed` appears twice here"],
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
        &["prompt `plain` uses no column and asks the same question for every item; did you \
             mean `{{ text }}`?"],
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
fn a_price_knows_its_kinds_of_tokens() {
    let price = "params: { temperature: 0 }, price: { input: 1, output: 2, ";
    let price_is = |parts: &str, words: &[&str]| {
        check(&[("params: { temperature: 0 }", &format!("{price}{parts}"))], words);
    };
    price_is("cached_input: -1 }", &["`cached_input` must be at least 0"]);
    price_is("cached_input: 1e308 }", &["`cached_input` must be at most 1000000"]);
    price_is("batch_discount: 50 }", &["`batch_discount` must be at most 1"]);
    price_is("cached_inputs: 1 }", &["unknown key `cached_inputs`", "did you mean `cached_input`"]);
}
