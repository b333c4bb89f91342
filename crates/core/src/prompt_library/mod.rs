//! The library of prompts: files with front matter in a folder `prompts`, which suites use by name.
//!
//! Begin with [`PromptLibrary::read`]; [`PromptDocument`] is what one file holds.

mod content;
mod document;
mod front_matter;
mod library;
mod policy;
mod release_policy;

pub use self::{
    content::PromptContent,
    document::{PromptDocument, PromptMessage, VariableLines},
    front_matter::{FrontMatter, Variable, VariableType},
    library::{
        LibraryError, LibraryPrompt, PROMPTS_FOLDER, PromptLibrary, checked_name, default_name,
        is_fragment_name, is_prompt_name,
    },
    policy::{DataClass, ParameterBounds, PromptPolicy, PromptPolicyError},
    release_policy::{
        EnvironmentPolicy, ReleasePolicy, RequiredApprovals, RequiredSuite, fits_pattern,
    },
};
