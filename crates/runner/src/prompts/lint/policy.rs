//! Rules of a team's policy that a prompt breaks.

use evalmark_core::prompt_library::{LibraryPrompt, ParameterBounds, PromptPolicy, fits_pattern};
use evalmark_report::finding::FindingRule;
use serde_json::Value;

use super::{finding::Found, variables::texts};
use crate::token_count::{TokenCount, count_tokens};

/// Every rule that a prompt breaks by itself.
pub(super) fn broken(policy: &PromptPolicy, prompt: &LibraryPrompt) -> Vec<Found> {
    let mut broken = phrases(policy, prompt);
    broken.extend(keys(policy, prompt));
    broken.extend(too_long(policy, prompt));
    let said = &prompt.file.front_matter;
    if let Some(model) = &said.model {
        broken.extend(model_of(policy, model).map(|message| against(prompt, 1, message)));
    }
    for (name, value) in &said.parameters {
        let message = parameter(policy, name, value);
        broken.extend(message.map(|message| against(prompt, 1, message)));
    }
    if let Some(provider) = &said.provider {
        broken.extend(provider_of(policy, prompt, provider));
    }
    let classes = &policy.data_classes;
    if let Some(class) = said.data_class.as_ref().filter(|class| !classes.contains_key(*class)) {
        let known: Vec<_> = classes.keys().map(String::as_str).collect();
        let message =
            format!("the policy has no data class `{class}`; it has: {}", known.join(", "));
        broken.push(against(prompt, 1, message));
    }
    broken
}

/// A provider that must not get a prompt's data.
pub(super) fn provider_of(
    policy: &PromptPolicy,
    prompt: &LibraryPrompt,
    provider: &str,
) -> Option<Found> {
    let class = prompt.file.front_matter.data_class.as_ref()?;
    let banned = &policy.data_classes.get(class)?.banned_providers;
    let message = format!("data of the class `{class}` must not go to `{provider}`");
    banned.iter().any(|name| name == provider).then(|| against(prompt, 1, message))
}

/// Why a model is not allowed.
pub(super) fn model_of(policy: &PromptPolicy, model: &str) -> Option<String> {
    let allowed = policy.allowed_models.as_ref()?;
    let message =
        || format!("the model `{model}` is not allowed; allowed are: {}", allowed.join(", "));
    (!allowed.iter().any(|pattern| fits_pattern(pattern, model))).then(message)
}

/// Why a parameter is not allowed.
pub(super) fn parameter(policy: &PromptPolicy, name: &str, value: &Value) -> Option<String> {
    let allowed = policy.allowed_parameters.as_ref()?;
    let Some(ParameterBounds { min, max, one_of }) = allowed.get(name) else {
        let known: Vec<_> = allowed.keys().map(String::as_str).collect();
        return Some(format!(
            "the parameter `{name}` is not allowed; allowed are: {}",
            known.join(", ")
        ));
    };
    if one_of.as_ref().is_some_and(|values| !values.contains(value)) {
        return Some(format!("`{name}` is {value}, which the policy does not list"));
    }
    let number = value.as_f64();
    match (number, min, max) {
        (None, Some(_), _) | (None, _, Some(_)) => Some(format!("`{name}` is no number")),
        (Some(number), Some(min), _) if number < *min => {
            Some(format!("`{name}` is {number}; it must be at least {min}"))
        }
        (Some(number), _, Some(max)) if number > *max => {
            Some(format!("`{name}` is {number}; it may be at most {max}"))
        }
        _ => None,
    }
}

fn phrases(policy: &PromptPolicy, prompt: &LibraryPrompt) -> Vec<Found> {
    let all: Vec<_> = texts(prompt).map(str::to_lowercase).collect();
    let mut broken = Vec::new();
    for phrase in &policy.required_phrases {
        if !all.iter().any(|text| text.contains(&phrase.to_lowercase())) {
            broken.push(against(prompt, 1, format!("the prompt lacks the phrase \"{phrase}\"")));
        }
    }
    for section in &policy.required_sections {
        let mut lines = texts(prompt).flat_map(str::lines);
        if !lines.any(|line| line.trim() == section.trim()) {
            broken.push(against(prompt, 1, format!("the prompt lacks the section `{section}`")));
        }
    }
    for phrase in &policy.forbidden_phrases {
        let lower = phrase.to_lowercase();
        let message = format!("the phrase \"{phrase}\" is forbidden");
        for own in &prompt.file.messages {
            let lines = own.text.lines().zip(own.line..);
            let held = lines.filter(|(line, _)| line.to_lowercase().contains(&lower));
            broken.extend(held.map(|(_, line)| against(prompt, line, message.clone())));
        }
        for (name, text) in &prompt.content.included {
            if text.to_lowercase().contains(&lower) {
                let message = format!("{message}, and stands in the included file `{name}`");
                broken.push(against(prompt, 1, message));
            }
        }
    }
    broken
}

fn keys(policy: &PromptPolicy, prompt: &LibraryPrompt) -> Vec<Found> {
    let said = serde_json::to_value(&prompt.file.front_matter).unwrap_or_default();
    let lacks = |key: &&String| said.get(key.as_str()).is_none();
    let lacking = policy.required_keys.iter().filter(lacks);
    lacking.map(|key| against(prompt, 1, format!("the front matter lacks `{key}`"))).collect()
}

/// The models for which a prompt has more tokens than the policy allows: its own, and those that the policy names.
fn too_long(policy: &PromptPolicy, prompt: &LibraryPrompt) -> Option<Found> {
    let most = policy.max_tokens?;
    let own = prompt.file.front_matter.model.iter();
    let named = policy.allowed_models.iter().flatten().filter(|name| *name != "*");
    let mut counts: Vec<TokenCount> = Vec::new();
    for name in own.chain(named) {
        let count = count_tokens(texts(prompt), Some(name));
        // One line for a tokenizer, whatever the models are called.
        if !counts.iter().any(|known| known.tokenizer == count.tokenizer) {
            counts.push(count);
        }
    }
    if counts.is_empty() {
        counts.push(count_tokens(texts(prompt), None));
    }
    let told = counts.iter().filter(|count| count.tokens > most).map(|count| {
        let of_model = count.model.as_ref().map(|name| format!(" for {name}"));
        format!("{}{}", count.words(), of_model.unwrap_or_default())
    });
    let told: Vec<_> = told.collect();
    let message = format!("the prompt has {}; the policy allows {most}", told.join(", "));
    (!told.is_empty()).then(|| Found::at(FindingRule::PromptTooLong, prompt, 1, message))
}

fn against(prompt: &LibraryPrompt, line: u64, message: String) -> Found {
    Found::at(FindingRule::AgainstPolicy, prompt, line, message)
}
