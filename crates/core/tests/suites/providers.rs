//! What providers decide: addresses, keys, limits, prices and parameters.

use std::time::Duration;

use evalmark_core::{
    feature::Feature,
    model::{ModelServer, Provider},
    model_key::{KeyCommand, ModelKey},
    model_quirk::{LogprobsForm, ModelQuirk, QuirkyModels},
    provider::{ExampleModel, ModelPlace, ProviderKind, Setting, SettingKey, SettingPlace},
};
use serde_json::json;

use super::{SUITE, folder, read};

const CHAT_IN_BATCHES: &[Feature] = &[
    Feature::Conversation,
    Feature::Images,
    Feature::Files,
    Feature::MediaUrls,
    Feature::FileUrls,
    Feature::Tools,
    Feature::ToolChoice,
    Feature::JsonSchema,
    Feature::Logprobs,
    Feature::TopLogprobs,
    Feature::Batches,
];

pub(super) const PROVIDERS: &[ProviderKind] = &[
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
        knows_all_params: false,
        embeds: true,
        features: CHAT_IN_BATCHES,
        lacks: &[],
        quirks: &[
            ModelQuirk {
                logprobs: Some(LogprobsForm::Switch { most: 20 }),
                ..ModelQuirk::none(QuirkyModels::All)
            },
            ModelQuirk {
                renamed: &[("max_tokens", "limit")],
                ..ModelQuirk::none(QuirkyModels::Families(&["thinker"]))
            },
            ModelQuirk {
                refused: &["temperature"],
                ..ModelQuirk::none(QuirkyModels::Versions(&["thinker"]))
            },
        ],
        settings: &[],
        model_place: ModelPlace::Body,
        finds_credentials: false,
        said_by_prompts: &[],
        options: None,
        prices: Some(
            "{ as_of: 2025-08, source: s, batch_discount: 0.5, models: { big: { input: 2, output: 4 } } }",
        ),
        first_model: None,
        example_model: ExampleModel::NONE,
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
        knows_all_params: true,
        embeds: false,
        features: &[Feature::Conversation, Feature::Logprobs],
        lacks: &[],
        quirks: &[],
        settings: &[],
        model_place: ModelPlace::Body,
        finds_credentials: false,
        said_by_prompts: &[],
        options: None,
        prices: None,
        first_model: None,
        example_model: ExampleModel::NONE,
    },
    ProviderKind {
        name: "writer",
        protocol: "write",
        summary: "a server that goes on with a text",
        base_url: Some("https://write.example.com"),
        paths: &["/write"],
        key_variables: &[],
        key_hosts: &[],
        params: || json!({ "properties": { "temperature": { "type": "number" } } }),
        reserved: &[],
        output_limits: &[],
        default_output_limit: None,
        knows_all_params: false,
        embeds: false,
        features: &[],
        lacks: &[],
        quirks: &[],
        settings: &[],
        model_place: ModelPlace::Body,
        finds_credentials: false,
        said_by_prompts: &[],
        options: None,
        prices: None,
        first_model: None,
        example_model: ExampleModel::NONE,
    },
    ProviderKind {
        name: "placed",
        protocol: "talk",
        summary: "a server in each region",
        base_url: Some("https://talk.{region}.example.com/{project}"),
        paths: &["/talk"],
        key_variables: &["PLACED_API_KEY"],
        key_hosts: &["example.com"],
        params: || json!({ "properties": { "temperature": { "type": "number" } } }),
        reserved: &[("stream", "say it elsewhere")],
        output_limits: &[],
        default_output_limit: None,
        knows_all_params: true,
        embeds: false,
        features: Feature::CHAT,
        lacks: &[],
        quirks: &[],
        settings: &[
            Setting { key: SettingKey::Region, is_required: true, place: SettingPlace::Address },
            Setting { key: SettingKey::Project, is_required: true, place: SettingPlace::Address },
            Setting {
                key: SettingKey::ApiVersion,
                is_required: false,
                place: SettingPlace::Query("version"),
            },
        ],
        model_place: ModelPlace::Address,
        finds_credentials: true,
        said_by_prompts: &[("tools", "own.tools")],
        options: None,
        prices: None,
        first_model: None,
        example_model: ExampleModel::NONE,
    },
];

#[test]
fn keys_come_from_variables_or_a_program() {
    let folder = folder();
    let own = "provider: openai, base_url: 'http://127.0.0.1:1/v1/', params: { temperature: 0 }";
    let key = |text: &str| {
        let text = SUITE.replace(own, &format!("provider: openai, {text}"));
        let suite = read(folder.path(), &text).map_err(|error| error.to_string())?;
        let Provider::Server(server) = &suite.models[0].provider else { panic!("not asked") };
        Ok::<_, String>(server.key.clone())
    };
    let variables = |names: &[&str]| {
        Ok(ModelKey::Variables(names.iter().map(|name| (*name).to_owned()).collect()))
    };
    let command = |lifetime| {
        let words = ["az", "token"].map(str::to_owned).to_vec();
        Ok(ModelKey::Command(KeyCommand { words, lifetime }))
    };
    assert_eq!(key("model: big"), variables(&["OPENAI_API_KEY"]));
    assert_eq!(key("base_url: 'http://h/v1'"), Ok(ModelKey::None));
    assert_eq!(key("api_key_env: KEY_A"), variables(&["KEY_A"]));
    assert_eq!(key("api_key_env: [KEY_A, KEY_B]"), variables(&["KEY_A", "KEY_B"]));
    assert_eq!(key("api_key_command: [az, token]"), command(None));
    let minutes = "api_key_command: [az, token], api_key_lifetime: 50m";
    assert_eq!(key(minutes), command(Some(Duration::from_mins(50))));
    for (text, words) in [
        ("api_key_env: []", "`api_key_env` names no variable"),
        ("api_key_env: [KEY_A, KEY_A]", "`api_key_env` names a variable twice"),
        ("api_key_env: [KEY_A, not-a-name]", "`api_key_env` holds the NAME"),
        ("api_key_command: []", "`api_key_command` is empty"),
        ("api_key_command: ['']", "`api_key_command` must begin with a program"),
        ("api_key_command: [az], api_key_env: KEY_A", "exclude each other"),
        ("api_key_lifetime: 50m", "`api_key_lifetime` needs an `api_key_command`"),
        ("api_key_command: [az], api_key_lifetime: soon", "`soon` is not a time span"),
    ] {
        let error = key(text).expect_err(text);
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn a_price_has_a_part_for_each_kind_of_token() {
    let folder = folder();
    let price = |text: &str| {
        let own =
            "provider: openai, base_url: 'http://127.0.0.1:1/v1/', params: { temperature: 0 }";
        let suite = read(folder.path(), &SUITE.replace(own, text)).expect("valid");
        let price = suite.models[0].price.expect("a price");
        let [cached, written, reasoning] = [
            price.cached_input_usd_per_million,
            price.cache_write_usd_per_million,
            price.reasoning_usd_per_million,
        ];
        (price.input_usd_per_million, [cached, written, reasoning], price.batch_discount)
    };
    let own = |parts: &str| {
        let rest = "provider: openai, base_url: 'http://h/v1'";
        price(&format!("{rest}, price: {{ input: 1, output: 2{parts} }}"))
    };
    assert_eq!(price("provider: openai, model: big"), (2.0, [None; 3], 0.5));
    assert_eq!(own(""), (1.0, [None; 3], 0.5));
    let kinds = own(", cached_input: 0.1, cache_write: 1.25, reasoning: 3, batch_discount: 0.25");
    assert_eq!(kinds, (1.0, [Some(0.1), Some(1.25), Some(3.0)], 0.25));
    let talker = "provider: talker, base_url: 'http://h', price: { input: 0, output: 0 }";
    assert_eq!(price(talker), (0.0, [None; 3], 0.0), "no batch API is known");
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
        let Provider::Server(ModelServer { base_url, key, .. }) = &model.provider else {
            panic!("not asked")
        };
        let price = model.price.map(|price| price.input_usd_per_million);
        (base_url.clone(), key.variables().first().cloned(), model.max_output_tokens, price)
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

/// The first model's address, or what is wrong with the suite.
pub(super) fn address(model: &str) -> Result<String, String> {
    let own = "provider: openai, base_url: 'http://127.0.0.1:1/v1/', params: { temperature: 0 }";
    let folder = folder();
    let suite = read(folder.path(), &SUITE.replace(own, model));
    match &suite.map_err(|error| error.to_string())?.models[0].provider {
        Provider::Server(server) => Ok(server.base_url.clone()),
        _ => Err("not asked".to_owned()),
    }
}

#[test]
fn settings_go_into_the_address() {
    let check = |settings: &str, expected: &str| {
        let told = address(&format!("provider: placed{settings}"));
        let told = told.unwrap_or_else(|error| error);
        assert!(told.contains(expected), "{settings}: {told}");
    };
    check(", region: eu-1, project: p", "https://talk.eu-1.example.com/p");
    check(
        ", region: eu-1, project: p, api_version: v2",
        "https://talk.eu-1.example.com/p?version=v2",
    );
    check(", base_url: 'http://h/x', api_version: v2", "http://h/x?version=v2");
    check(", project: p", "`provider: placed` needs a `region`");
    check(", region: 'eu.evil.com/', project: p", "`region` consists of letters");
    check(", region: '', project: p", "`region` consists of letters");
    let told = address("provider: openai, region: eu").expect_err("no region there");
    assert!(told.contains("`provider: openai` has no `region`"), "{told}");
}

#[test]
fn what_a_provider_does_not_know_goes_under_extra() {
    let check = |params: &str, expected: &str| {
        let told = address(&format!("provider: placed, region: eu, project: p, params: {params}"));
        let told = told.unwrap_or_else(|error| error);
        assert!(told.contains(expected), "{params}: {told}");
    };
    check("{ temperature: 0, extra: { any: { a: 1 } } }", "https://talk.eu");
    check("{ temprature: 0 }", "has no parameter `temprature`");
    check("{ temprature: 0 }", "did you mean `temperature`?; what stands under `extra`");
    check("{ extra: 1 }", "`extra` is a mapping");
    check("{ extra: { stream: true } }", "`stream` is not supported in `params`");
    check("{ extra: { api_key: x } }", "must not contain a key");
}

#[test]
fn names_that_lead_elsewhere_and_requests_without_a_key_are_told() {
    let placed = |text: &str| {
        let own =
            "provider: openai, base_url: 'http://127.0.0.1:1/v1/', params: { temperature: 0 }";
        let folder = folder();
        let suite = read(folder.path(), &SUITE.replace(own, &format!("provider: placed, {text}")));
        suite.map(|suite| suite.warnings.join("\n")).map_err(|error| error.to_string())
    };
    let region = "region: eu, project: p";
    for name in ["..", "a/../b", ".", "a//b", "/a", "a/", "'a\\..'"] {
        let error = placed(&format!("{region}, model: {name}")).expect_err(name);
        assert!(error.contains("is not a model name"), "{name}: {error}");
    }
    for name in ["a/b", "a..b", "arn:aws:x/y.z"] {
        assert!(placed(&format!("{region}, model: '{name}'")).is_ok(), "{name}");
    }
    let told = placed("base_url: 'http://h'").expect("a suite");
    assert!(told.contains("its requests are not signed; `api_key_env: PLACED_API_KEY`"), "{told}");
    let told = placed("base_url: 'http://h', api_key_env: PLACED_API_KEY").expect("a suite");
    assert!(!told.contains("not signed"), "{told}");
    let error = placed("project: p").expect_err("no region");
    assert!(error.contains("write one like `region: us-east-1`"), "{error}");
}

#[test]
fn some_models_have_names_of_their_own_for_parameters_or_refuse_them() {
    let folder = folder();
    let own = "provider: openai, base_url: 'http://127.0.0.1:1/v1/', params: { temperature: 0 }";
    let params = |text: &str| {
        let suite = read(folder.path(), &SUITE.replace(own, text));
        let suite = suite.map_err(|error| error.to_string())?;
        let model = &suite.models[0];
        Ok::<_, String>((json!(*model.params).to_string(), model.max_output_tokens))
    };
    for (text, expected) in [
        ("model: big, params: { max_tokens: 9 }", r#"{"max_tokens":9}"#),
        ("model: thinker, params: { max_tokens: 9 }", r#"{"limit":9}"#),
        ("model: thinker-2, params: { seed: 1, max_tokens: 9 }", r#"{"seed":1,"limit":9}"#),
        ("model: thinker, base_url: 'http://h', params: { max_tokens: 9 }", r#"{"max_tokens":9}"#),
    ] {
        let expected = Ok((expected.to_owned(), Some(9)));
        assert_eq!(params(&format!("provider: openai, {text}")), expected, "{text}");
    }
    let error = params("provider: openai, model: thinker, params: { temperature: 0 }");
    let error = error.expect_err("refused");
    assert!(error.contains("`thinker` of `provider: openai` takes no `temperature`"), "{error}");
    for text in [
        "model: thinker, params: { temperature: 1 }",
        "model: thinker-2, params: { temperature: 0 }",
        "model: thinker, base_url: 'http://h', params: { temperature: 0 }",
    ] {
        assert!(params(&format!("provider: openai, {text}")).is_ok(), "{text}");
    }
}

#[test]
fn a_stream_comes_from_those_that_have_any() {
    let mistakes = |text: &str| {
        let folder = folder();
        let text = SUITE.replace("params: { temperature: 0 } }", text);
        read(folder.path(), &text).map(|suite| suite.models[0].is_streamed)
    };
    let error = mistakes("params: { temperature: 0 }, stream: true }").expect_err("no streaming");
    assert!(error.to_string().contains("`provider: openai` has no streaming"), "{error}");
    assert_eq!(mistakes("stream: false }").ok(), Some(false));
}

#[test]
fn what_is_asked_of_a_provider_that_lacks_it_is_a_mistake() {
    let folder = folder();
    let own = "provider: openai, base_url: 'http://127.0.0.1:1/v1/', params: { temperature: 0 }";
    let judge = "provider: recorded, recorded: { column: text }";
    let template = "  - name: chat
    messages:
      - { role: system, content: Answer with one word. }
      - { role: user, file: prompt.j2 }
";
    let told = |suite: &str| {
        let error = read(folder.path(), suite).map(drop).map_err(|error| error.to_string());
        error.err().unwrap_or_default()
    };
    let writer = SUITE.replace(own, "provider: writer");
    let alone = writer.replace(template, "");
    assert_eq!(told(&alone), "", "one text of a user is what it has");
    let error = told(&writer);
    for words in [
        "suite.yaml:8:9: prompt `chat` needs chat messages, which \
         `provider: writer` of model `small` lacks",
        "write one `template`, or ask a provider that has them: `openai`, `talker`",
    ] {
        assert!(error.contains(words), "{error}");
    }
    let turns = "    messages: [{ role: user, content: a }, { role: user, content: b }]\n";
    let turns = alone.replace("    template: 'Label this: {{ text }}'\n", turns);
    assert!(told(&turns).contains("prompt `plain` needs chat messages"), "{}", told(&turns));
    // Judges have a system's message, and a form where the suite wants it.
    let judged = SUITE.replace(judge, "provider: writer");
    assert!(told(&judged).contains("metric `good` needs chat messages"), "{}", told(&judged));
    let talker = SUITE.replace(judge, "provider: talker, base_url: 'http://h'");
    assert_eq!(told(&talker), "");
    let formed = talker.replace("model: grader }", "model: grader, structured: true }");
    let error = told(&formed);
    assert!(error.contains("metric `good` needs answers by JSON Schema"), "{error}");
}

#[test]
fn first_tokens_are_gated_where_some_model_streams() {
    let folder = folder();
    let gated =
        SUITE.replace("metrics: { right: { margin: 0.05 } }", "metrics: { first_token_p95: {} }");
    let error = read(folder.path(), &gated).expect_err("no streams");
    assert!(error.to_string().contains("is known of streamed answers only"), "{error}");
}
