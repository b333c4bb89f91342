//! A library, and a registry of each product.

use std::{
    collections::VecDeque,
    fs,
    sync::{Arc, Mutex},
};

use evalmark_core::{
    files::FileAccess,
    prompt_library::PromptLibrary,
    prompt_registry::{PromptDrift, PulledPrompt, PushedPrompt},
    source::{SourceError, SourceKeys},
};
use evalmark_integrations::registries::{
    LocalPrompt, PromptRegistry, PullOptions, PushOptions, RegistryError, RegistryRequest,
    RegistrySettings,
};
use evalmark_loopback::{Reply, Server};
use evalmark_net::Url;
use tempfile::TempDir;

use super::{langfuse_server::LangfuseState, mlflow_server::MlflowState};

pub(super) const FILE: &str = "---\r
description: Greets\r
model: m   # kept\r
parameters: { temperature: 0.0 }\r
variables: { name: string }\r
---\r
\r
{% include 'tone.j2' %}\r
Hi {{ name }} 日本\r
";

/// The keys of the test.
pub(super) struct Keys;

impl SourceKeys for Keys {
    fn key(&self, variable: &str, _: &Url) -> Result<String, SourceError> {
        let key = match variable {
            "MLFLOW_TRACKING_TOKEN" => "token-of-test",
            "LANGFUSE_PUBLIC_KEY" => "pk-lf-test",
            "LANGFUSE_SECRET_KEY" => "sk-lf-test",
            other => panic!("{other} is not wanted"),
        };
        Ok(key.to_owned())
    }

    fn is_set(&self, variable: &str) -> bool {
        variable == "MLFLOW_TRACKING_TOKEN"
    }
}

/// What a server keeps, whichever product it is.
#[derive(Default)]
pub(super) struct State {
    pub(super) langfuse: LangfuseState,
    pub(super) mlflow: MlflowState,
    /// Replies that come before its own; a change behind `true` is made all the same.
    pub(super) faults: VecDeque<(Reply, bool)>,
}

/// A library and a registry.
pub(super) struct World {
    pub(super) folder: TempDir,
    pub(super) server: Server,
    pub(super) state: Arc<Mutex<State>>,
    pub(super) product: &'static str,
}

impl World {
    pub(super) fn new(product: &'static str) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let server = Server::start(move |seen| {
            let mut state = shared.lock().expect("a state");
            let is_fault =
                seen.method != "GET" || state.faults.front().is_some_and(|(_, made)| !made);
            let fault = if is_fault { state.faults.pop_front() } else { None };
            if let Some((reply, false)) = fault {
                return reply;
            }
            let answer = match product {
                "mlflow" => state.mlflow.answer(seen),
                _ => state.langfuse.answer(seen),
            };
            fault.map_or(answer, |(reply, _)| reply)
        });
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("prompts/a")).expect("a folder");
        let world = Self { folder, server, state, product };
        world.write("a/greet.md", FILE);
        world.write("tone.j2", "Be kind.\n");
        world
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join("prompts").join(name), text).expect("written");
    }

    pub(super) fn registry(&self) -> PromptRegistry {
        let url = self.server.url().trim_end_matches("/v1").to_owned();
        let settings = RegistrySettings::default();
        let request = RegistryRequest {
            product: self.product,
            settings: &settings,
            folder: self.folder.path(),
            server: Some(&url),
            keys: &Keys,
        };
        PromptRegistry::open(&request).expect("a registry")
    }

    /// Does something with the prompt `a/greet`.
    pub(super) fn with<T>(&self, act: impl FnOnce(&PromptRegistry, &LocalPrompt<'_>) -> T) -> T {
        let folder = self.folder.path().join("prompts");
        let library = PromptLibrary::read(&folder, &FileAccess::unlimited()).expect("a library");
        let prompt = library.find("a/greet").expect("a prompt");
        let file = fs::read_to_string(&prompt.path).expect("a file");
        act(&self.registry(), &LocalPrompt { prompt, file: &file, commit: Some("c0ffee") })
    }

    pub(super) fn push(&self, options: &PushOptions) -> Result<PushedPrompt, RegistryError> {
        self.with(|registry, local| registry.push(local, options))
    }

    pub(super) fn pull(&self, options: &PullOptions) -> Result<PulledPrompt, RegistryError> {
        self.with(|registry, local| registry.pull("a/greet", Some(local), options))
    }

    pub(super) fn drift(&self) -> PromptDrift {
        self.with(|registry, local| registry.drift(local, None, &[].into())).expect("an answer")
    }

    /// Number of versions there.
    pub(super) fn n_versions(&self) -> usize {
        let state = self.state.lock().expect("a state");
        state.mlflow.versions.len() + state.langfuse.versions.len()
    }
}

pub(super) fn forced() -> PullOptions {
    PullOptions { force: true, ..PullOptions::default() }
}
