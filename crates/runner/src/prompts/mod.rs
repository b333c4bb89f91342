//! The library of prompts for people: its list, one of its prompts, rendered or checked.

mod documents;
mod lint;
mod new_prompt;
mod open;
mod render;

pub use self::{
    documents::{library_document, prompt_document, rendered_document},
    lint::{LintOptions, lint_prompts},
    new_prompt::{NewPromptError, new_prompt},
    open::open_library,
    render::{FillOptions, RenderPromptError, RenderedPrompt, render_prompt},
};
