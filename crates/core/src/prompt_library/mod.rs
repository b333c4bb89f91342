//! The library of prompts: files with front matter in a folder `prompts`, which suites use by name.
//!
//! Begin with [`PromptLibrary::read`]; [`PromptDocument`] is what one file holds.

mod content;
mod document;
mod front_matter;
mod library;
mod policy;

pub use self::{
    content::PromptContent,
    document::{PromptDocument, PromptMessage, VariableLines},
    front_matter::{FrontMatter, Variable, VariableType},
    library::{LibraryError, LibraryPrompt, PROMPTS_FOLDER, PromptLibrary},
    policy::{DataClass, ParameterBounds, PromptPolicy, PromptPolicyError},
};
