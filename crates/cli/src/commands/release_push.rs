//! `evalmark release push`, and `--push` of those that release: aliases in registries follow what an environment has.

use std::path::Path;

use anyhow::{Error, Result};
use clap::Args;
use evalmark_core::prompt_registry::{FailedAlias, MovedAliases};
use evalmark_integrations::registries::{PromptRegistry, ReleasedPrompts};
use evalmark_runner::{Host, Releases, RunError};
use evalmark_terminal::prompt_registry;
use serde_json::{Value, json};

use super::{
    prompt_registry::{open_registry, products},
    release::PlaceArgs,
};
use crate::{exit::Exit, print::Printer};

#[derive(Debug, Args)]
pub(crate) struct PushArgs {
    /// The environment
    #[arg(value_name = "ENV")]
    environment: String,
    /// The registry
    #[arg(long, value_name = "REGISTRY", value_parser = products())]
    to: String,
    /// Address of the registry's server [default: what `registries.yaml` beside the library says, or the product's own
    /// variable]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    #[command(flatten)]
    place: PlaceArgs,
}

/// The registry that follows a release.
#[derive(Clone, Debug, Args)]
pub(crate) struct FollowArgs {
    /// Then point the environment's aliases (Langfuse: labels) in this registry to what is released
    #[arg(long, value_name = "REGISTRY", value_parser = products())]
    push: Option<String>,
    /// Address of the registry's server [default: what `registries.yaml` beside the library says, or the product's own
    /// variable]
    #[arg(long, value_name = "URL", requires = "push")]
    server: Option<String>,
}

impl FollowArgs {
    /// The registry, if one is to follow. Nothing is asked yet: what is wrong with keys and settings is known before the
    /// release.
    pub(super) fn open(&self, library: &Path, host: &Host<'_>) -> Result<Option<PromptRegistry>> {
        let open = |product: &String| open_registry(product, self.server.as_deref(), library, host);
        self.push.as_ref().map(open).transpose()
    }
}

pub(super) fn push(args: &PushArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let releases = args.place.open()?;
    if !releases.environments()?.contains(&args.environment) {
        releases.environment(&args.environment).map_err(RunError::from)?;
    }
    let registry = open_registry(&args.to, args.server.as_deref(), &args.place.library, host)?;
    let followed = Followed::new(&registry, &releases, &args.environment, printer)?;
    let document = json!(followed.moved);
    args.place.tell(&followed.text(printer), &document, printer);
    Ok(followed.end(printer))
}

/// What became of an environment's aliases.
pub(super) struct Followed<'a> {
    registry: &'a PromptRegistry,
    moved: MovedAliases,
    /// Why the audit log does not tell of it.
    unlogged: Option<RunError>,
}

impl<'a> Followed<'a> {
    /// Moves them, and puts that into the audit log.
    pub(super) fn new(
        registry: &'a PromptRegistry,
        releases: &Releases,
        environment: &str,
        printer: Printer,
    ) -> Result<Self> {
        let now = || {
            let state = releases.folder.state(environment).map_err(RunError::from)?;
            let hashes =
                state.prompts.into_iter().map(|(name, standing)| (name, standing.prompt.hash));
            Ok::<_, Error>(ReleasedPrompts { release: state.release, hashes: hashes.collect() })
        };
        let moved = registry.follow_release(environment, now)?;
        let unlogged = match releases.record_labels(&moved) {
            Ok(warning) => {
                if let Some(warning) = warning {
                    printer.warning(&warning);
                }
                None
            }
            Err(error) => Some(error),
        };
        Ok(Self { registry, moved, unlogged })
    }

    /// With prompts that a way back took from the environment.
    pub(super) fn without(mut self, gone: impl Iterator<Item = String>) -> Self {
        self.moved.left.extend(gone);
        self.moved.left.sort();
        self.moved.left.dedup();
        self
    }

    pub(super) fn text(&self, printer: Printer) -> String {
        prompt_registry::followed(&self.moved, self.registry.alias_word(), printer.screen())
    }

    pub(super) fn document(&self) -> Value {
        json!(self.moved)
    }

    /// Tells what did not move, and how the command ends: the release stands.
    pub(super) fn end(&self, printer: Printer) -> Exit {
        let MovedAliases { environment, registry, failures, .. } = &self.moved;
        if let Some(error) = &self.unlogged {
            printer.run_error(error);
        }
        let Some((last, others)) = failures.split_last() else {
            return if self.unlogged.is_none() { Exit::Done } else { Exit::Incomplete };
        };
        let error = |failed: &FailedAlias, more: Option<String>| {
            let error = RunError::new(format!("{}: {}", failed.prompt, failed.message));
            let hints = more.into_iter().chain(failed.hint.clone());
            printer.run_error(&hints.fold(error, RunError::with_hint));
        };
        for failed in others {
            error(failed, None);
        }
        error(
            last,
            Some(format!(
                "the release stands: `evalmark release push {environment} --to {registry}` moves what is missing"
            )),
        );
        Exit::Incomplete
    }
}
