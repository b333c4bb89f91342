//! `evalmark prompts push`, `pull` and `drift`: the library and a registry of another product.

use std::path::{Path, PathBuf};

use anyhow::{Error, Result};
use clap::{Args, builder::PossibleValuesParser};
use evalmark_core::prompt_library::{LibraryPrompt, PromptLibrary};
use evalmark_integrations::registries::{
    LocalPrompt, PromptRegistry, PullOptions, PushOptions, RegistryError, RegistryRequest,
    RegistrySettings, VersionChoice, registries,
};
use evalmark_runner::{
    Host, NamedServerKeys, RunError, library_commit, open_library, prompt_file, write_prompt_file,
};
use evalmark_store::releases::ReleasesFolder;
use evalmark_terminal::prompt_registry;
use serde_json::json;

use super::{
    prompts::{LibraryArgs, show},
    release::RELEASES,
};
use crate::{args::FormatArgs, exit::Exit, print::Printer};

/// Which registry, and how it is asked.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServerArgs {
    /// Address of the registry's server [default: what `registries.yaml` beside the library says, or the product's own
    /// variable]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Name of the prompt in the registry [default: its name in the library, with `.` for `/` where there is no `/`]
    #[arg(long = "as", value_name = "NAME")]
    named: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PushArgs {
    /// Names of the prompts
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// The registry
    #[arg(long, value_name = "REGISTRY", value_parser = products())]
    to: String,
    /// What changed, in a sentence
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// Alias (Langfuse: label) that points to the version then; may be repeated
    #[arg(long, value_name = "ALIAS")]
    alias: Vec<String>,
    /// Go above a version that was made in the registry, or that is newer than the file
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    library: LibraryArgs,
    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    /// Name of the prompt
    #[arg(value_name = "NAME")]
    name: String,
    /// The registry
    #[arg(long, value_name = "REGISTRY", value_parser = products())]
    from: String,
    /// Number of the version [default: the newest]
    #[arg(long, value_name = "N", conflicts_with = "alias")]
    version: Option<u64>,
    /// The version that this alias (Langfuse: label) points to
    #[arg(long, value_name = "ALIAS")]
    alias: Option<String>,
    /// Write over a file that no version of the registry holds
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    library: LibraryArgs,
    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DriftArgs {
    /// Names of the prompts [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// The registry
    #[arg(long, value_name = "REGISTRY", value_parser = products())]
    from: String,
    #[command(flatten)]
    server: ServerArgs,
    /// Folder of the releases, which say where aliases have to point
    #[arg(long, value_name = "DIR", default_value = RELEASES)]
    releases: PathBuf,
    #[command(flatten)]
    library: LibraryArgs,
    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn products() -> PossibleValuesParser {
    PossibleValuesParser::new(registries())
}

/// The registry of a product, with the keys that it takes; `server` is the address that the user names.
pub(super) fn open_registry(
    product: &str,
    server: Option<&str>,
    library: &Path,
    host: &Host<'_>,
) -> Result<PromptRegistry> {
    let settings = RegistrySettings::beside(library).map_err(RunError::new)?;
    let of_environment = |variable: &&str| {
        let address = host.secrets.secret(variable)?.trim().to_owned();
        (!address.is_empty()).then_some(address)
    };
    let variables = settings.variables_of_address(product).iter();
    let server = server.map(str::to_owned).or_else(|| variables.clone().find_map(of_environment));
    // An address that the user gives is the leave to send the keys there; one in a file of the repository is not.
    let keys = NamedServerKeys { host, server: server.as_deref() };
    let folder = library.parent().unwrap_or(Path::new(""));
    let request = RegistryRequest {
        product,
        settings: &settings,
        folder,
        server: server.as_deref(),
        keys: &keys,
    };
    PromptRegistry::open(&request).map_err(told)
}

impl ServerArgs {
    fn open(&self, product: &str, library: &Path, host: &Host<'_>) -> Result<PromptRegistry> {
        open_registry(product, self.server.as_deref(), library, host)
    }

    fn one_name(&self, names: &[String]) -> Result<()> {
        match (&self.named, names) {
            (Some(_), [_, _, ..] | []) => {
                Err(RunError::new("`--as` names one prompt, and not several of them").into())
            }
            _ => Ok(()),
        }
    }
}

/// An error of a registry, with its advice.
pub(super) fn told(error: RegistryError) -> Error {
    let hint = error.hint.clone();
    let error = RunError::new(error);
    hint.into_iter().fold(error, RunError::with_hint).into()
}

/// A prompt with its file and its commit.
struct WithFile<'a> {
    prompt: &'a LibraryPrompt,
    file: String,
    commit: Option<&'a str>,
}

impl<'a> WithFile<'a> {
    fn read(
        library: &PromptLibrary,
        prompt: &'a LibraryPrompt,
        commit: Option<&'a str>,
        host: &Host<'_>,
    ) -> Result<Self> {
        Ok(Self { prompt, file: prompt_file(library, prompt, host)?, commit })
    }

    fn local(&self) -> LocalPrompt<'_> {
        LocalPrompt { prompt: self.prompt, file: &self.file, commit: self.commit }
    }
}

pub(super) fn push(args: &PushArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    args.server.one_name(&args.names)?;
    let library = open_library(&args.library.library, host)?;
    let commit = library_commit(&library);
    let found = args
        .names
        .iter()
        .map(|name| WithFile::read(&library, library.find(name)?, commit.as_deref(), host));
    let found = found.collect::<Result<Vec<_>>>()?;
    let registry = args.server.open(&args.to, &args.library.library, host)?;
    let options = PushOptions {
        named: args.server.named.clone(),
        message: args.message.clone(),
        aliases: args.alias.clone(),
        force: args.force,
    };
    let mut pushed = Vec::new();
    let mut failure = None;
    for one in &found {
        match registry.push(&one.local(), &options) {
            Ok(done) => pushed.push(done),
            Err(error) => {
                failure = Some(told(error));
                break;
            }
        }
    }
    // What was pushed before a failure is there, and is told.
    if failure.is_none() || !pushed.is_empty() {
        let text = prompt_registry::pushed(&pushed, registry.alias_word(), printer.screen());
        let document =
            json!({ "registry": args.to, "server": registry.place(), "prompts": pushed });
        show(&text, &document, args.format, printer);
    }
    let moves = pushed.iter().flat_map(|one| &one.aliases);
    host.record_labels((&args.to, &registry.place()), moves)?;
    failure.map_or(Ok(Exit::Done), Err)
}

pub(super) fn pull(args: &PullArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let folder: &PathBuf = &args.library.library;
    let library = if folder.exists() {
        open_library(folder, host)?
    } else {
        PromptLibrary { folder: folder.clone(), ..PromptLibrary::default() }
    };
    let known = library.prompts.iter().find(|prompt| prompt.name == args.name);
    let known = known.map(|prompt| WithFile::read(&library, prompt, None, host)).transpose()?;
    let registry = args.server.open(&args.from, folder, host)?;
    let options = PullOptions {
        named: args.server.named.clone(),
        which: match (args.version, &args.alias) {
            (Some(version), _) => VersionChoice::Version(version),
            (None, Some(alias)) => VersionChoice::Alias(alias.clone()),
            (None, None) => VersionChoice::Latest,
        },
        force: args.force,
    };
    let local = known.as_ref().map(WithFile::local);
    let pulled = registry.pull(&args.name, local.as_ref(), &options).map_err(told)?;
    let is_same = known.as_ref().is_some_and(|known| known.file == pulled.file);
    let path = match &known {
        Some(known) if is_same => known.prompt.path.clone(),
        _ => write_prompt_file(&library, &args.name, &pulled.file, args.force)?,
    };
    let hash = open_library(folder, host)?.find(&args.name)?.hash.clone();
    let text = prompt_registry::pulled(&pulled, &path, is_same, &hash);
    let document = json!({
        "registry": args.from,
        "server": registry.place(),
        "path": path,
        "is_written": !is_same,
        "hash": hash,
        "pulled": pulled,
    });
    show(&text, &document, args.format, printer);
    Ok(Exit::Done)
}

pub(super) fn drift(args: &DriftArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    if args.server.named.is_some() {
        args.server.one_name(&args.names)?;
    }
    let library = open_library(&args.library.library, host)?;
    let chosen = match args.names.as_slice() {
        [] => library.prompts.iter().collect(),
        names => names.iter().map(|name| library.find(name)).collect::<Result<Vec<_>, _>>()?,
    };
    let chosen = chosen.into_iter().map(|prompt| WithFile::read(&library, prompt, None, host));
    let chosen = chosen.collect::<Result<Vec<_>>>()?;
    let released = ReleasesFolder::new(&args.releases).released_hashes().map_err(RunError::from)?;
    let registry = args.server.open(&args.from, &args.library.library, host)?;
    let named = args.server.named.as_deref();
    let drifts = chosen.iter().map(|one| {
        let released = released.get(&one.prompt.name).cloned().unwrap_or_default();
        registry.drift(&one.local(), named, &released)
    });
    let drifts = drifts.collect::<Result<Vec<_>, _>>().map_err(told)?;
    let is_same = drifts.iter().all(evalmark_core::prompt_registry::PromptDrift::is_none);
    let text =
        prompt_registry::drifts(&drifts, &args.from, registry.alias_word(), printer.screen());
    let document = json!({
        "registry": args.from,
        "server": registry.place(),
        "same": is_same,
        "prompts": drifts,
    });
    show(&text, &document, args.format, printer);
    Ok(if is_same { Exit::Done } else { Exit::Incomplete })
}
