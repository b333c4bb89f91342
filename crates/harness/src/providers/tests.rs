use std::collections::{BTreeMap, BTreeSet};

use evalmark_core::{feature::Feature, prices::PriceList};

use super::*;

#[test]
fn names_are_the_providers_own() {
    let names: BTreeSet<_> = catalog().iter().map(|kind| kind.name).collect();
    assert_eq!(names.len(), catalog().len());
    assert!(!names.contains("recorded"), "that one asks nobody");
    let plain = |name: &str| {
        name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    assert!(names.iter().all(|name| plain(name)), "{names:?}");
    let protocols: BTreeSet<_> = PROTOCOLS.iter().map(|speaker| speaker.about.name).collect();
    assert_eq!(protocols.len(), PROTOCOLS.len());
}

#[test]
fn the_reference_names_every_provider() {
    let reference = include_str!("../../../../docs/src/reference/providers.md");
    for kind in catalog() {
        let cell = format!("`{}`", kind.name);
        let is_there =
            reference.lines().any(|line| line.starts_with("| [`") && line.contains(&cell));
        assert!(is_there, "{cell}");
    }
}

#[test]
fn each_provider_is_complete() {
    for kind in catalog() {
        let Some(base_url) = kind.base_url else { continue };
        let base_url = base_url.replace("{region}", "eu").replace("{project}", "p");
        let url = evalmark_net::Url::parse(&base_url).expect(kind.name);
        assert!(!base_url.ends_with('/'), "{base_url}");
        let is_local = evalmark_core::key_hosts::is_this_machine(&url);
        assert_eq!(kind.key_variables.is_empty(), is_local, "{}", kind.name);
        for variable in kind.key_variables {
            let own = evalmark_core::key_hosts::belongs(variable, &url, key_owners(), None);
            assert!(own, "{variable} may go to {base_url}");
        }
    }
    assert_eq!(protocol_key("groq"), Some("OPENAI_API_KEY"));
    assert_eq!(protocol_key("nobody"), None);
}

#[test]
fn who_streams_says_so() {
    for speaker in PROTOCOLS {
        let says_so = speaker.about.features.contains(&Feature::Streaming);
        let streams = speaker.streaming.is_some() || speaker.own_form.is_some();
        assert_eq!(says_so, streams, "{}", speaker.about.name);
    }
}

#[test]
fn lists_of_prices_are_whole_and_dated() {
    let mut lists = 0;
    for kind in catalog() {
        let Some(text) = kind.prices else { continue };
        lists += 1;
        let list = PriceList::parse(text).expect(kind.name);
        let parts: Vec<_> = list.as_of.split('-').map(str::parse::<u16>).collect();
        assert!(matches!(parts[..], [Ok(2025..), Ok(1..=12), ..]), "{}", list.as_of);
        assert!(list.source.starts_with("https://"), "{}", list.source);
        assert!((0.0..1.0).contains(&list.batch_discount), "{}", kind.name);
        for (model, price) in &list.models {
            assert!(price.input > 0.0 && price.output >= price.input, "{model}");
            let is_cheaper = |part: Option<f64>| part.is_none_or(|p| p > 0.0 && p < price.input);
            assert!(is_cheaper(price.cached_input), "{model}");
            assert!(price.cache_write.is_none_or(|write| write >= price.input), "{model}");
        }
    }
    assert!(lists > 0);
    // Whoever begins is offered a model that is known to exist.
    for kind in catalog() {
        // Where a region has to be named, nobody can begin with a model alone.
        let wants_more = kind.settings.iter().any(|setting| setting.is_required);
        let is_offered = kind.prices.is_some() && !wants_more;
        assert_eq!(kind.first_model.is_some(), is_offered, "{}", kind.name);
        let own = kind.base_url.unwrap_or_default();
        assert!(
            kind.first_model.is_none_or(|model| kind.price(own, model).is_some()),
            "{}",
            kind.name
        );
    }
    let openai = catalog().iter().find(|kind| kind.name == "openai").expect("a row");
    let input = |url, model| openai.price(url, model).map(|price| price.input_usd_per_million);
    let own = "https://api.openai.com/v1";
    assert_eq!(input(own, "gpt-4o"), Some(2.5));
    assert_eq!(input(own, "gpt-4o-mini"), Some(0.15));
    assert_eq!(input(own, "gpt-4o-2024-11-20"), Some(2.5));
    assert_eq!(input(own, "gpt-4o-audio-preview"), None);
    assert_eq!(input("http://127.0.0.1:8000/v1", "gpt-4o"), None);
    let bedrock = catalog().iter().find(|kind| kind.name == "bedrock").expect("a row");
    let nova = |region: &str| {
        let at = format!("https://bedrock-runtime.{region}.amazonaws.com/");
        bedrock.price(&at, "amazon.nova-lite-v1:0").map(|price| price.output_usd_per_million)
    };
    assert_eq!((nova("us-east-1"), nova("eu-west-1"), nova("{region}")), (Some(0.24), None, None));
    let price = openai.price(own, "gpt-4o-mini").expect("a price");
    assert_eq!((price.cached_input_usd_per_million, price.batch_discount), (Some(0.075), 0.5));
}

#[test]
fn vendors_have_their_quirks() {
    let kind = |name: &str| catalog().iter().find(|kind| kind.name == name).expect("a row");
    let azure = Some("https://r.openai.azure.com/openai/v1");
    for (provider, base_url, model, param, expected) in [
        ("openai", None, "gpt-4o", "max_tokens", "max_tokens"),
        ("openai", None, "gpt-5-mini", "max_tokens", "max_completion_tokens"),
        ("openai", None, "o4-mini-2025-04-16", "max_tokens", "max_completion_tokens"),
        ("openai", None, "gpt-5.1", "max_tokens", "max_completion_tokens"),
        ("openai", None, "o3", "temperature", ""),
        ("openai", None, "o3", "stop", ""),
        ("openai", None, "o1", "stop", "stop"),
        ("openai", None, "gpt-5", "temperature", ""),
        ("openai", None, "gpt-5.1", "temperature", "temperature"),
        ("openai", None, "gpt-5-chat-latest", "temperature", "temperature"),
        ("openai", Some("http://127.0.0.1:8000/v1"), "gpt-5", "max_tokens", "max_tokens"),
        ("azure", azure, "gpt-5", "max_tokens", "max_completion_tokens"),
        ("azure-deployments", azure, "o3", "max_tokens", "max_completion_tokens"),
        ("azure", azure, "o1", "temperature", ""),
        ("responses", None, "o1", "temperature", ""),
        ("responses", None, "o1", "max_tokens", "max_tokens"),
        ("completions", None, "o1", "max_tokens", "max_tokens"),
        ("groq", None, "openai/gpt-oss-20b", "logit_bias", ""),
        ("groq", None, "openai/gpt-oss-20b", "temperature", "temperature"),
        ("transformers", None, "q", "presence_penalty", ""),
    ] {
        let kind = kind(provider);
        let params = serde_json::json!({ param: 0 });
        let params = params.as_object().expect("a mapping");
        let refused = kind.refused_params(base_url, model, params);
        let taken = kind.params_as_taken(base_url, model, params);
        let taken = taken.as_ref().unwrap_or(params).keys().next().expect("a parameter");
        let told = if refused.is_empty() { taken } else { "" };
        assert_eq!(told, expected, "{provider} {model} {param}");
    }
    let params = serde_json::json!({ "logprobs": true, "top_logprobs": 3 });
    let params = params.as_object().expect("a mapping");
    let taken = kind("together").params_as_taken(None, "m", params).expect("another form");
    assert_eq!(serde_json::Value::from(taken), serde_json::json!({ "logprobs": 3 }));
    for (provider, feature) in [
        ("deepseek", Feature::JsonSchema),
        ("tgi", Feature::Audio),
        ("transformers", Feature::ToolChoice),
        ("cohere", Feature::NamedTool),
        ("cohere", Feature::TopLogprobs),
        ("groq", Feature::Logprobs),
        ("anthropic", Feature::Logprobs),
        ("bedrock", Feature::Logprobs),
        ("http", Feature::Logprobs),
        ("command", Feature::Logprobs),
    ] {
        assert!(!kind(provider).has(feature), "{provider}");
    }
    assert!(kind("groq").has(Feature::JsonSchema) && kind("openai").has(Feature::NamedTool));
}

/// What a key may be sent to is a promise: no row may lose a host, and none may take another's.
#[test]
fn keys_have_the_hosts_that_they_had() {
    let owners: BTreeMap<_, _> = key_owners().iter().map(|o| (o.variable, o.hosts)).collect();
    assert_eq!(owners.len(), key_owners().len(), "no variable has two owners");
    for (variable, hosts) in [
        ("OPENAI_API_KEY", &["api.openai.com"][..]),
        ("ANTHROPIC_API_KEY", &["api.anthropic.com"]),
        ("AWS_SECRET_ACCESS_KEY", &["amazonaws.com", "amazonaws.com.cn"]),
        ("AWS_BEARER_TOKEN_BEDROCK", &["amazonaws.com", "amazonaws.com.cn"]),
        ("CEREBRAS_API_KEY", &["api.cerebras.ai"]),
        ("COHERE_API_KEY", &["api.cohere.com", "api.cohere.ai"]),
        ("CO_API_KEY", &["api.cohere.com", "api.cohere.ai"]),
        ("DASHSCOPE_API_KEY", &["dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com"]),
        ("DEEPINFRA_API_KEY", &["api.deepinfra.com"]),
        ("DEEPINFRA_TOKEN", &["api.deepinfra.com"]),
        ("DEEPSEEK_API_KEY", &["api.deepseek.com"]),
        ("FIREWORKS_API_KEY", &["api.fireworks.ai"]),
        ("GEMINI_API_KEY", &["generativelanguage.googleapis.com"]),
        ("GITHUB_TOKEN", &["models.github.ai"]),
        ("GOOGLE_API_KEY", &["generativelanguage.googleapis.com"]),
        ("GROQ_API_KEY", &["api.groq.com"]),
        ("HF_TOKEN", &["router.huggingface.co"]),
        ("HUGGINGFACE_API_KEY", &["router.huggingface.co"]),
        ("MISTRAL_API_KEY", &["api.mistral.ai"]),
        ("MOONSHOT_API_KEY", &["api.moonshot.ai", "api.moonshot.cn"]),
        ("NEBIUS_API_KEY", &["api.studio.nebius.com", "api.tokenfactory.nebius.com"]),
        ("NOVITA_API_KEY", &["api.novita.ai"]),
        ("NVIDIA_API_KEY", &["integrate.api.nvidia.com"]),
        ("OPENROUTER_API_KEY", &["openrouter.ai"]),
        ("PERPLEXITY_API_KEY", &["api.perplexity.ai"]),
        ("SAMBANOVA_API_KEY", &["api.sambanova.ai"]),
        ("TOGETHER_API_KEY", &["api.together.xyz", "api.together.ai"]),
        ("VOYAGE_API_KEY", &["api.voyageai.com"]),
        ("XAI_API_KEY", &["api.x.ai"]),
        ("ZAI_API_KEY", &["api.z.ai"]),
    ] {
        assert_eq!(owners.get(variable).copied(), Some(hosts), "{variable}");
    }
}
