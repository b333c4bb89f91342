//! The library for programs: JSON of its prompts.

use evalmark_core::prompt_library::{LibraryPrompt, PromptLibrary};
use serde_json::{Value, json};

use super::render::RenderedPrompt;
use crate::{
    token_count::{TokenCount, count_tokens},
    token_estimate::estimated_tokens,
};

/// Every prompt, and what is wrong with files that are none.
pub fn library_document(library: &PromptLibrary) -> Value {
    let mistakes = library.mistakes.iter().flat_map(|wrong| {
        wrong.list.iter().map(|mistake| {
            json!({
                "path": wrong.path,
                "line": mistake.position.line.max(1),
                "message": mistake.message,
                "hint": mistake.hint,
            })
        })
    });
    json!({
        "library": library.folder,
        "prompts": library.prompts.iter().map(facts).collect::<Vec<_>>(),
        "mistakes": mistakes.collect::<Vec<_>>(),
    })
}

/// A prompt with all that is known of it, and how many tokens it is for models.
pub fn prompt_document(prompt: &LibraryPrompt, tokens: &[TokenCount]) -> Value {
    let mut document = facts(prompt);
    document["tokens"] = json!(tokens);
    document
}

fn facts(prompt: &LibraryPrompt) -> Value {
    let messages = prompt.content.messages.iter();
    let texts = messages.clone().map(|(_, text)| text).chain(prompt.content.included.values());
    json!({
        "name": prompt.name,
        "path": prompt.path,
        "hash": prompt.hash,
        "messages": messages.map(|(role, text)| json!({ "role": role, "content": text })).collect::<Vec<_>>(),
        "included": prompt.content.included.keys().collect::<Vec<_>>(),
        "includes_others": prompt.content.are_computed,
        "estimated_tokens": texts.map(|text| estimated_tokens(text)).sum::<u64>(),
        "front_matter": prompt.file.front_matter,
    })
}

/// How many tokens a prompt is, before it is filled in, for each of these models; without any for the one that it was
/// written for.
pub fn prompt_tokens(prompt: &LibraryPrompt, models: &[String]) -> Vec<TokenCount> {
    let messages = prompt.content.messages.iter();
    let texts = messages.map(|(_, text)| text).chain(prompt.content.included.values());
    let count = |name: Option<&str>| count_tokens(texts.clone().map(String::as_str), name);
    match models {
        [] => vec![count(prompt.file.front_matter.model.as_deref())],
        models => models.iter().map(|name| count(Some(name))).collect(),
    }
}

/// A prompt that was filled in.
pub fn rendered_document(prompt: &LibraryPrompt, rendered: &RenderedPrompt) -> Value {
    let messages = rendered.messages.iter();
    json!({
        "name": prompt.name,
        "hash": prompt.hash,
        "item": rendered.item,
        "examples": rendered.examples,
        "messages": messages.map(|(role, text)| json!({ "role": role, "content": text })).collect::<Vec<_>>(),
        "estimated_tokens": rendered.estimated_tokens,
        "tokens": rendered.tokens,
    })
}
