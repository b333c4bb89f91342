//! `evalmark prompts`: the library of prompts, listed, shown, rendered, checked, and followed through git; what asks
//! registries stands in `prompt_registry.rs`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use evalmark_core::prompt_library::PROMPTS_FOLDER;
use evalmark_report::{github::annotations, gitlab::gitlab, sarif::sarif};
use evalmark_runner::{
    FillOptions, Host, LintOptions, blame_document, library_document, lint_prompts, new_prompt,
    open_library, prompt_blame, prompt_document, prompt_tokens, render_prompt, rendered_document,
};
use evalmark_terminal::{prompt_history, prompts};
use serde_json::json;

use super::prompt_registry::{DriftArgs, PullArgs, PushArgs, drift, pull, push};
use super::prompts_history::{DiffArgs, LogArgs, RollbackArgs, diff, log, rollback};
use crate::{args::FormatArgs, exit::Exit, print::Printer};

#[derive(Debug, Args)]
pub(crate) struct PromptsArgs {
    #[command(subcommand)]
    pub(crate) command: PromptsCommand,
}

/// Where the prompts are.
#[derive(Clone, Debug, Args)]
pub(crate) struct LibraryArgs {
    /// Folder of the prompts
    #[arg(long, value_name = "DIR", default_value = PROMPTS_FOLDER)]
    pub(super) library: PathBuf,
}

/// What fills a prompt in.
#[derive(Clone, Debug, Args)]
pub(crate) struct FillArgs {
    /// A suite whose item fills the prompt
    #[arg(long, value_name = "SUITE")]
    suite: Option<PathBuf>,
    /// Id of the item [default: the first]
    #[arg(long, value_name = "ID", requires = "suite")]
    item: Option<String>,
    /// A variable's value: a text, or JSON where the variable is declared as something else
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = assignment)]
    values: Vec<(String, String)>,
}

impl FillArgs {
    pub(super) fn options(&self) -> FillOptions {
        let Self { suite, item, values } = self.clone();
        FillOptions { suite, item, values }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum PromptsCommand {
    /// List the prompts of the library
    List {
        #[command(flatten)]
        library: LibraryArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Show a prompt: what its file says of it, its hash and its text
    Show {
        /// Name of the prompt
        #[arg(value_name = "NAME")]
        name: String,
        /// A model that its tokens are counted for; may be repeated [default: the model of the front matter]
        #[arg(long = "model", value_name = "MODEL")]
        models: Vec<String>,
        #[command(flatten)]
        library: LibraryArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Fill a prompt in, as a model would read it
    ///
    /// Values come from `--var`, then from the item of `--suite`, then from the examples of the front matter.
    Render(RenderArgs),
    /// Write the file of a new prompt
    New {
        /// Name of the prompt; `/` makes folders
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        library: LibraryArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Find undeclared and unused variables, input without a fence, keys, personal data, and what is against the
    /// team's policy; exit code 2 on errors
    Lint(LintArgs),
    /// Make versions of prompts in a registry, unless its newest says the same already
    Push(PushArgs),
    /// Write the file of a prompt as a registry has it
    ///
    /// What was pushed comes back byte for byte. A file that no version of the registry holds is written over only with
    /// `--force`.
    Pull(PullArgs),
    /// Tell where a registry and the library differ; exit code 4 where they do
    Drift(DriftArgs),
    /// List the commits that changed what a prompt says, itself or through a file that it includes, with the scores
    /// that runs have measured of each version
    Log(LogArgs),
    /// Compare two versions of a prompt: texts word by word, parameters, a rendered example, and scores
    Diff(DiffArgs),
    /// Write a prompt, with the files that it includes, back to the working tree as it was at a revision
    Rollback(RollbackArgs),
    /// Show which commit wrote each line of a prompt, and of the files that it includes
    Blame {
        /// Name of the prompt
        #[arg(value_name = "NAME")]
        name: String,
        /// Revision to look at [default: the working tree]
        #[arg(long, value_name = "REV")]
        at: Option<String>,
        #[command(flatten)]
        library: LibraryArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RenderArgs {
    /// Name of the prompt
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    fill: FillArgs,
    #[command(flatten)]
    library: LibraryArgs,
    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// Names of the prompts [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Suites that use the prompts: their columns should reach the prompts, and their models fit the policy
    #[arg(long, value_name = "SUITE", num_args = 1..)]
    suite: Vec<PathBuf>,
    /// The team's policy [default: `policy.yaml` beside the library, where there is one]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Exit code 2 on warnings, too
    #[arg(long)]
    strict: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = LintFormat::Text)]
    format: LintFormat,
    #[command(flatten)]
    library: LibraryArgs,
}

/// Forms of what is said of prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LintFormat {
    Text,
    Json,
    Sarif,
    Gitlab,
    Github,
}

pub(crate) fn prompts(command: &PromptsCommand, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    match command {
        PromptsCommand::List { library, format } => {
            let library = open_library(&library.library, host)?;
            let text = prompts::list(&library, printer.screen());
            show(&text, &library_document(&library), *format, printer);
            Ok(if library.mistakes.is_empty() { Exit::Done } else { Exit::Usage })
        }
        PromptsCommand::Show { name, models, library, format } => {
            let library = open_library(&library.library, host)?;
            let prompt = library.find(name)?;
            let tokens = prompt_tokens(prompt, models);
            show(
                &prompts::one(prompt, &tokens, printer.screen()),
                &prompt_document(prompt, &tokens),
                *format,
                printer,
            );
            Ok(Exit::Done)
        }
        PromptsCommand::Render(args) => render(args, printer, host),
        PromptsCommand::New { name, library, format } => {
            let path = new_prompt(&library.library, name)?;
            show(&format!("wrote {}", path.display()), &json!({ "path": path }), *format, printer);
            printer.remark(&format!(
                "a suite uses it with `prompts: [{{ name: {name}, use: {name} }}]`"
            ));
            Ok(Exit::Done)
        }
        PromptsCommand::Lint(args) => lint(args, printer, host),
        PromptsCommand::Push(args) => push(args, printer, host),
        PromptsCommand::Pull(args) => pull(args, printer, host),
        PromptsCommand::Drift(args) => drift(args, printer, host),
        PromptsCommand::Log(args) => log(args, printer, host),
        PromptsCommand::Diff(args) => diff(args, printer, host),
        PromptsCommand::Rollback(args) => rollback(args, printer, host),
        PromptsCommand::Blame { name, at, library, format } => {
            let blamed = prompt_blame(&library.library, name, at.as_deref(), host)?;
            let text = prompt_history::blame(&blamed, printer.screen());
            show(&text, &blame_document(&blamed), *format, printer);
            Ok(Exit::Done)
        }
    }
}

pub(super) fn show(text: &str, document: &serde_json::Value, format: FormatArgs, printer: Printer) {
    if format.is_json() {
        printer.json(&format!("{document:#}"));
    } else {
        printer.result(text);
    }
}

fn render(args: &RenderArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let library = open_library(&args.library.library, host)?;
    let prompt = library.find(&args.name)?;
    let rendered = render_prompt(&library, prompt, &args.fill.options(), host)?;
    let text = prompts::rendered(&rendered, printer.screen());
    show(&text, &rendered_document(prompt, &rendered), args.format, printer);
    printer.remark(&prompts::filled_with(&rendered));
    Ok(Exit::Done)
}

fn lint(args: &LintArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let library = open_library(&args.library.library, host)?;
    let options = LintOptions {
        names: args.names.clone(),
        policy: args.policy.clone(),
        suites: args.suite.clone(),
    };
    let here = std::env::current_dir().context("the working folder is gone")?;
    let found = lint_prompts(&library, &options, &here, host)?;
    match args.format {
        LintFormat::Text => {
            let n_prompts = match args.names.len() {
                0 => library.prompts.len() + library.mistakes.len(),
                named => named,
            };
            printer.result(&prompts::findings(&found, n_prompts, printer.screen()));
        }
        LintFormat::Json => {
            let all = found.iter().map(|finding| {
                json!({
                    "rule": finding.rule.id(),
                    "level": if finding.consequence.fails() { "error" } else { "warning" },
                    "path": finding.place.as_ref().map(|place| &place.path),
                    "line": finding.place.as_ref().map(|place| place.line),
                    "column": finding.column,
                    "message": finding.message.first(),
                    "hint": finding.message.get(1).map(|hint| hint.trim_start_matches("hint: ")),
                })
            });
            let all = all.collect::<Vec<_>>();
            printer.json(&format!("{:#}", json!({ "library": library.folder, "findings": all })));
        }
        LintFormat::Sarif => printer.json(&sarif(&found, "prompts")?),
        LintFormat::Gitlab => printer.json(&gitlab(&found)?),
        LintFormat::Github => printer.raw(&annotations(&found)),
    }
    let fails = found.iter().any(|finding| args.strict || finding.consequence.fails());
    Ok(if fails { Exit::Usage } else { Exit::Done })
}

/// `NAME=VALUE`.
fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}
