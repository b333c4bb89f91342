//! The library for programs: JSON of its prompts.

use evalmark_core::prompt_library::{LibraryPrompt, PromptLibrary};
use serde_json::{Value, json};

use super::render::RenderedPrompt;
use crate::token_estimate::estimated_tokens;

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
        "prompts": library.prompts.iter().map(prompt_document).collect::<Vec<_>>(),
        "mistakes": mistakes.collect::<Vec<_>>(),
    })
}

/// A prompt with all that is known of it.
pub fn prompt_document(prompt: &LibraryPrompt) -> Value {
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
    })
}
