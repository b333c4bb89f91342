//! The library of prompts for people: its list, one of its prompts, rendered or checked.

mod documents;
mod history;
mod lint;
mod new_prompt;
mod open;
mod registry_files;
mod render;

pub use self::{
    documents::{library_document, prompt_document, prompt_tokens, rendered_document},
    history::{
        BlamedFile, BlamedText, DiffedText, KnownRun, KnownScore, LogEntry, LogOptions, NamedValue,
        PromptChange, PromptDiff, PromptLog, PromptVersion, RestoreError, RestoredPrompt,
        VersionError, blame_document, diff_document, log_document, prompt_blame, prompt_diff,
        prompt_log, prompt_rollback, rollback_document,
    },
    lint::{LintOptions, lint_prompts},
    new_prompt::{NewPromptError, new_prompt},
    open::open_library,
    registry_files::{PromptFileError, library_commit, prompt_file, write_prompt_file},
    render::{FillOptions, RenderPromptError, RenderedPrompt, render_prompt},
};
