//! The providers that a suite can name, and what it writes to ask one of their models.

use evalmark_core::{
    feature::Feature,
    provider::{ProviderKind, SettingKey},
};
use evalmark_harness::providers;
use serde_json::{Value, json};

use crate::{error::Result, first_suite::scalar, unknown_name::all_known};

/// The providers of these names, in the order of the catalog; all of them where there is no name.
pub fn listed_providers(names: &[String]) -> Result<Vec<&'static ProviderKind>> {
    let all = providers::catalog();
    let known: Vec<_> = all.iter().map(|kind| kind.name).collect();
    all_known("there is no provider", names, &known, "there are")?;
    let is_wanted = |kind: &&ProviderKind| {
        names.is_empty() || names.iter().any(|name| name.as_str() == kind.name)
    };
    Ok(all.iter().filter(is_wanted).collect())
}

/// The section `models` of a suite that asks a model of this provider.
pub fn provider_yaml(kind: &ProviderKind) -> String {
    let model = kind.an_example();
    let mut lines = vec![
        format!("  - name: {}", scalar(&short_name(model))),
        format!("provider: {}", kind.name),
        format!("model: {}", scalar(model)),
    ];
    if kind.base_url.is_none()
        && let Some(url) = kind.example_model.base_url
    {
        lines.push(format!("base_url: {url}"));
    }
    let required = kind.settings.iter().filter(|setting| setting.is_required);
    lines.extend(required.map(|setting| {
        let own = kind.example_model.region.filter(|_| setting.key == SettingKey::Region);
        let value = own.unwrap_or(setting.key.example());
        format!("{}: {}", setting.key.as_str(), scalar(value))
    }));
    lines.extend(kind.key_variables.first().map(|name| format!("api_key_env: {name}")));
    lines.extend(kind.example_model.more.lines().map(str::to_owned));
    format!("models:\n{}\n", lines.join("\n    "))
}

/// What a suite may call a model: what its name ends in, where that names its maker, too.
fn short_name(model: &str) -> String {
    model.rsplit('/').next().unwrap_or(model).to_lowercase()
}

/// What a provider supports beside plain conversations.
pub fn supported(kind: &ProviderKind) -> Vec<String> {
    let embeddings = kind.embeds.then(|| "embeddings".to_owned());
    embeddings.into_iter().chain(features(kind).map(|feature| feature.to_string())).collect()
}

fn features(kind: &ProviderKind) -> impl Iterator<Item = Feature> {
    Feature::ALL.into_iter().filter(|feature| kind.has(*feature))
}

/// The same for programs.
pub fn providers_document(kinds: &[&ProviderKind]) -> Value {
    let provider = |kind: &&ProviderKind| {
        let settings = kind.settings.iter().map(
            |setting| json!({ "key": setting.key.as_str(), "is_required": setting.is_required }),
        );
        json!({
            "name": kind.name,
            "summary": kind.summary,
            "protocol": kind.protocol,
            "base_url": kind.base_url,
            "key_variables": kind.key_variables,
            "key_hosts": kind.key_hosts,
            "settings": settings.collect::<Vec<_>>(),
            "embeddings": kind.embeds,
            "features": features(kind).map(Feature::as_str).collect::<Vec<_>>(),
            "yaml": provider_yaml(kind),
        })
    };
    json!({ "providers": kinds.iter().map(provider).collect::<Vec<_>>() })
}
