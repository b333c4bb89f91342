//! The library of prompts: files with front matter in a folder `prompts`, which suites use by name.
//!
//! Begin with [`PromptLibrary::read`]; [`PromptFile`] is what one file holds.

mod content;
mod front_matter;
mod library;
mod policy;
mod prompt_file;

pub use self::{
    content::PromptContent,
    front_matter::{FrontMatter, Variable, VariableType},
    library::{LibraryError, LibraryPrompt, PROMPTS_FOLDER, PromptLibrary},
    policy::{DataClass, ParameterBounds, PromptPolicy, PromptPolicyError},
    prompt_file::{PromptFile, PromptMessage},
};
