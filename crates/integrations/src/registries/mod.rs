//! Registries of prompts: prompts of the library are pushed to other products and pulled from there, a release moves an
//! alias, and where registry and library differ is told.
//!
//! Begin with [`PromptRegistry::open`]. One product is one file with an `impl Registry`, and a line in [`registries`].

mod content;
mod drift;
mod error;
mod langfuse;
mod library_file;
mod local;
mod mlflow;
mod pull;
mod push;
mod registry;
mod release;
mod settings;
mod template;

pub use self::{
    error::RegistryError,
    local::LocalPrompt,
    pull::PullOptions,
    push::PushOptions,
    registry::{PromptRegistry, RegistryRequest, VersionChoice, registries},
    release::ReleasedPrompts,
    settings::{LangfuseSettings, MlflowSettings, RegistrySettings, RegistrySettingsError},
};
