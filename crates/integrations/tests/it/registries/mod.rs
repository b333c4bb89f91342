//! Registries of prompts against servers in this process that keep what they are handed, as the products' API
//! references say.

mod behaviour;
mod langfuse_server;
mod mlflow_server;
mod settings;
mod setup;
mod trouble;
