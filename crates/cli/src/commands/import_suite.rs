//! `evalmark import promptfoo` and its relatives: another tool's suite as one of evalmark's.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::{Args, Subcommand};
use evalmark_core::{files::FileAccess, imported_suite::ImportedSuite};
use evalmark_integrations::suites::{SuiteImportError, SuiteRequest, catalog};
use evalmark_runner::{Host, RunError, WrittenFile, write_imported_suites};
use evalmark_terminal::imported_suite;
use serde_json::json;

use crate::{args::FormatArgs, exit::Exit, print::Printer};

#[derive(Debug, Subcommand)]
pub(crate) enum ImportSuiteCommand {
    /// Make a suite of promptfoo's configuration and the files that it names
    Promptfoo(ImportSuiteArgs),
    /// Make a suite of a prompt file of GitHub Models (NAME.prompt.yml)
    PromptYml(ImportSuiteArgs),
    /// Make a suite of a Prompty file
    Prompty(ImportWithDataArgs),
    /// Make a suite of a task of lm-evaluation-harness that generates text, with its rows in a file
    LmEval(ImportWithDataArgs),
    /// Make a suite of an entry of OpenAI's evals registry and its samples
    OpenaiEvals(ImportWithDataArgs),
    /// Make suites of a collection of Postman: one for requests that differ only in what they say
    Postman(ImportPostmanArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ImportPostmanArgs {
    #[command(flatten)]
    pub(crate) import: ImportWithDataArgs,
    /// An environment exported from Postman: values of variables
    #[arg(long, value_name = "FILE")]
    pub(crate) environment: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportWithDataArgs {
    #[command(flatten)]
    pub(crate) import: ImportSuiteArgs,
    /// The rows: jsonl, json or csv
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportSuiteArgs {
    /// The other tool's file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Folder that gets `suites/` and `datasets/`
    #[arg(long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    pub(crate) out: PathBuf,
    /// Name of the suite [default: the file's, or its folder's]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// End with exit code 2 where something is not carried over
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

impl ImportSuiteCommand {
    /// The importer's name, and what it is asked.
    fn parts(&self) -> (&'static str, &ImportSuiteArgs) {
        match self {
            Self::Promptfoo(args) => ("promptfoo", args),
            Self::PromptYml(args) => ("prompt-yml", args),
            Self::Prompty(args) => ("prompty", &args.import),
            Self::LmEval(args) => ("lm-eval", &args.import),
            Self::OpenaiEvals(args) => ("openai-evals", &args.import),
            Self::Postman(args) => ("postman", &args.import.import),
        }
    }
}

/// What else an importer reads.
#[derive(Clone, Copy, Default)]
struct More<'a> {
    data: Option<&'a Path>,
    environment: Option<&'a Path>,
}

pub(crate) fn import_suite(
    command: &ImportSuiteCommand,
    printer: Printer,
    host: &Host<'_>,
) -> Result<Exit> {
    let (name, args) = command.parts();
    let imported = read(name, args, command.more())?;
    let files = write_imported_suites(&imported, &args.out, host).map_err(RunError::from)?;
    tell(&imported, &files, args, printer)?;
    let is_whole = imported.iter().all(|one| one.not_carried.is_empty());
    Ok(if args.strict && !is_whole { Exit::Usage } else { Exit::Done })
}

impl ImportSuiteCommand {
    fn more(&self) -> More<'_> {
        match self {
            Self::Prompty(args) | Self::LmEval(args) | Self::OpenaiEvals(args) => {
                More { data: args.data.as_deref(), ..More::default() }
            }
            Self::Postman(args) => {
                More { data: args.import.data.as_deref(), environment: args.environment.as_deref() }
            }
            _ => More::default(),
        }
    }
}

fn read(name: &str, args: &ImportSuiteArgs, more: More<'_>) -> Result<Vec<ImportedSuite>> {
    let importer = catalog().iter().find(|importer| importer.name == name);
    let importer = importer.with_context(|| format!("there is no importer `{name}`"))?;
    let access = FileAccess::of_suite(&args.file, &[])
        .with_context(|| format!("{} cannot be read", args.file.display()))?;
    let request = SuiteRequest {
        file: &args.file,
        name: args.name.as_deref(),
        data: more.data,
        environment: more.environment,
        access: &access,
    };
    (importer.read)(&request).map_err(|error| with_hint(&error))
}

fn with_hint(error: &SuiteImportError) -> anyhow::Error {
    match &error.hint {
        Some(hint) => anyhow!("{error}; {hint}"),
        None => anyhow!("{error}"),
    }
}

/// Prints what was carried over, and on stderr what was not.
fn tell(
    imported: &[ImportedSuite],
    files: &[WrittenFile],
    args: &ImportSuiteArgs,
    printer: Printer,
) -> Result<()> {
    if args.format.is_json() {
        let suite = |one: &ImportedSuite| {
            json!({
                "name": one.name,
                "carried": one.carried,
                "differences": one.differences,
                "not_carried": one.not_carried,
            })
        };
        let mut told = match imported {
            [one] => suite(one),
            several => json!({ "suites": several.iter().map(suite).collect::<Vec<_>>() }),
        };
        told["files"] = json!(files);
        printer.json(&serde_json::to_string_pretty(&told)?);
        return Ok(());
    }
    if let Some(losses) = imported_suite::render_losses(imported, printer.screen()) {
        printer.remark(&losses);
    }
    printer.result(&imported_suite::render(imported, files, printer.screen()));
    Ok(())
}
