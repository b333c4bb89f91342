//! What only the suites that use prompts show: columns that reach none, models and parameters.

use std::{path::Path, sync::Arc};

use evalmark_core::{
    dataset::{DatasetSpec, Items},
    prompt_library::{LibraryPrompt, PromptPolicy},
};
use evalmark_report::finding::FindingRule;
use evalmark_store::run_record::RunOptions;

use super::{
    finding::Found,
    policy::{model_of, parameter, provider_of},
};
use crate::{Host, LoadedSuite, error::Result, load::load};

/// What a suite shows of the prompts that it uses.
pub(super) fn of_suite(
    path: &Path,
    prompts: &[&LibraryPrompt],
    policy: Option<&PromptPolicy>,
    host: &Host<'_>,
) -> Result<Vec<Found>> {
    let loaded = load(path, &RunOptions::default(), host)?;
    let is_used =
        |prompt: &&&LibraryPrompt| loaded.suite.prompts.iter().any(|used| used.hash == prompt.hash);
    let used: Vec<_> = prompts.iter().filter(is_used).copied().collect();
    let mut found = unused_columns(&loaded, &used)?;
    if let Some(policy) = policy {
        for prompt in &used {
            found.extend(refused_models(&loaded, prompt, policy));
        }
    }
    Ok(found)
}

/// Columns that no prompt of the suite shows, and that nothing else needs.
fn unused_columns(loaded: &LoadedSuite, used: &[&LibraryPrompt]) -> Result<Vec<Found>> {
    let spec = &loaded.suite.dataset;
    let Some(first) = Items::open(&Arc::new(spec.clone()))?.next().transpose()? else {
        return Ok(Vec::new());
    };
    let metrics = loaded.suite.effective["metrics"].to_string();
    let unused = first.fields.keys().filter(|column| {
        !has_other_use(spec, column)
            && !metrics.contains(column.as_str())
            && !loaded.suite.prompts.iter().any(|prompt| prompt.shows(column))
    });
    let unused: Vec<_> = unused.map(|column| format!("`{column}`")).collect();
    if unused.is_empty() {
        return Ok(Vec::new());
    }
    let suite = loaded.suite.path.display();
    let message = format!("{} of {suite} reach no prompt", unused.join(", "));
    let message =
        if unused.len() == 1 { message.replace("reach no", "reaches no") } else { message };
    let found = used.iter().map(|prompt| {
        let hint = "show it to the model, or leave it out with `dataset.columns`";
        Found::at(FindingRule::UnusedColumn, prompt, 1, message.clone()).hint(hint)
    });
    Ok(found.collect())
}

/// Whether a column is an id, a target or something else that no prompt shows.
fn has_other_use(spec: &DatasetSpec, column: &str) -> bool {
    let named = spec.id.iter().chain(&spec.cluster).chain(&spec.targets).chain(&spec.slices);
    let all = named.chain(&spec.ignored).chain(&spec.labels);
    all.into_iter().any(|name| name == column || name.starts_with(&format!("{column}.")))
}

/// Models of the suite that the policy does not allow for a prompt.
fn refused_models(
    loaded: &LoadedSuite,
    prompt: &LibraryPrompt,
    policy: &PromptPolicy,
) -> Vec<Found> {
    let mut found = Vec::new();
    let models = loaded.suite.effective["models"].as_array();
    let candidates = loaded.suite.candidates.iter();
    for model in candidates.filter_map(|i| models?.get(*i)) {
        let text = |key: &str| model[key].as_str().map(str::to_owned);
        let mut told: Vec<_> =
            text("model").and_then(|m| model_of(policy, &m)).into_iter().collect();
        for (name, value) in model["params"].as_object().into_iter().flatten() {
            told.extend(parameter(policy, name, value));
        }
        let suite = loaded.suite.path.display();
        found.extend(told.into_iter().map(|message| {
            let message =
                format!("{message} (model `{}` of {suite})", text("name").unwrap_or_default());
            Found::at(FindingRule::AgainstPolicy, prompt, 1, message)
        }));
        found.extend(text("provider").and_then(|provider| provider_of(policy, prompt, &provider)));
    }
    found
}
