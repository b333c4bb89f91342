//! `evalmark init`: a first suite. On a terminal it asks for what no option says; elsewhere it never asks.

use std::{
    io::{IsTerminal, stderr, stdin},
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use evalmark_runner::{
    CiService, FirstProvider, FirstSuiteOptions, Host, add_recipe, create_first_suite,
    first_providers, look_at_dataset,
};
use evalmark_terminal::first_suite::{render, render_recipe};
use serde::Serialize;

use crate::{args::FormatArgs, exit::Exit, print::Printer};

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Folder that gets `suites/` and `.gitignore`
    #[arg(value_name = "DIR", default_value = ".", hide_default_value = true)]
    pub(crate) dir: PathBuf,
    /// Dataset: csv, tsv, jsonl, json or parquet, also compressed
    #[arg(long, value_name = "FILE")]
    pub(crate) dataset: Option<PathBuf>,
    /// A small dataset with recorded answers instead, which runs without a key
    #[arg(long, conflicts_with_all = ["dataset", "provider", "model", "base_url"])]
    pub(crate) example: bool,
    /// Column with the right answers [default: guessed]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) target: Option<String>,
    /// Who answers: a provider, or `recorded` for answers that the dataset holds
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// The provider's model [default: a cheap one, where its list of models is known]
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// Address of the server, where it is not the provider's own
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Name of the suite [default: the dataset's]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Write a recipe for this CI service, too; alone, where there are suites already
    #[arg(long, value_enum)]
    pub(crate) ci: Option<Ci>,
    /// Replace files of the same names
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// Services that there are recipes for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Ci {
    Github,
    Gitlab,
    Jenkins,
    Bitbucket,
}

pub(crate) fn init(args: &InitArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let here = args.dir == Path::new(".");
    let mut options = FirstSuiteOptions {
        folder: if here { PathBuf::new() } else { args.dir.clone() },
        dataset: args.dataset.clone(),
        example: args.example,
        target: args.target.clone(),
        provider: args.provider.clone(),
        model: args.model.clone(),
        base_url: args.base_url.clone(),
        name: args.name.clone(),
        ci: args.ci.map(service),
        force: args.force,
    };
    if let Some(ci) = options.recipe_only() {
        let added = add_recipe(ci, &options, host).map_err(evalmark_runner::RunError::from)?;
        let text = render_recipe(&added, printer.screen());
        return tell(&added, &added.warnings, &text, args, printer);
    }
    if stdin().is_terminal() && stderr().is_terminal() {
        complete(&mut options, printer, host)?;
    }
    let suite = create_first_suite(&options, host).map_err(evalmark_runner::RunError::from)?;
    let text = render(&suite, printer.screen());
    tell(&suite, &suite.warnings, &text, args, printer)
}

/// Prints warnings, and what was written as JSON or as text.
fn tell(
    data: &impl Serialize,
    warnings: &[String],
    text: &str,
    args: &InitArgs,
    printer: Printer,
) -> Result<Exit> {
    for warning in warnings {
        printer.warning(warning);
    }
    if args.format.is_json() {
        printer.json(&serde_json::to_string_pretty(data)?);
    } else {
        printer.result(text);
    }
    Ok(Exit::Done)
}

fn service(ci: Ci) -> CiService {
    match ci {
        Ci::Github => CiService::Github,
        Ci::Gitlab => CiService::Gitlab,
        Ci::Jenkins => CiService::Jenkins,
        Ci::Bitbucket => CiService::Bitbucket,
    }
}

/// Asks for what is missing.
fn complete(options: &mut FirstSuiteOptions, printer: Printer, host: &Host<'_>) -> Result<()> {
    let mut likely = None;
    if options.dataset.is_none() && !options.example {
        ask_for_dataset(options, &mut likely, printer, host)?;
    }
    if options.example || options.provider.is_some() {
        return Ok(());
    }
    let providers = first_providers();
    let has_key = |one: &&FirstProvider| {
        one.key_variable.is_some_and(|key| host.secrets.secret(key).is_some())
    };
    let default =
        likely.or_else(|| Some(providers.iter().find(has_key).or(providers.first())?.name));
    let names: Vec<_> = providers.iter().map(|one| one.name).collect();
    printer.remark(&format!("providers: {}, recorded", names.join(", ")));
    let provider = answer(printer, "Provider", default.unwrap_or_default())?;
    let known = providers.iter().find(|one| one.name == provider);
    options.provider = Some(provider);
    if let Some(known) = known {
        if known.wants_base_url && options.base_url.is_none() {
            options.base_url = Some(answer(printer, "Address of the server", "")?);
        }
        let model =
            answer(printer, "Model", options.model.as_deref().or(known.model).unwrap_or_default())?;
        options.model = Some(model).filter(|model| !model.is_empty());
    }
    while options.ci.is_none() {
        let question = "CI service (github, gitlab, jenkins, bitbucket, or none)";
        match answer(printer, question, "none")?.as_str() {
            "none" => break,
            name => options.ci = Ci::from_str(name, true).ok().map(service),
        }
    }
    Ok(())
}

/// The dataset, or the example; and of a dataset the column of right answers.
fn ask_for_dataset(
    options: &mut FirstSuiteOptions,
    likely: &mut Option<&'static str>,
    printer: Printer,
    host: &Host<'_>,
) -> Result<()> {
    loop {
        let path =
            PathBuf::from(answer(printer, "Dataset (a file, or nothing for a small example)", "")?);
        if path.as_os_str().is_empty() {
            options.example = true;
            return Ok(());
        }
        let look = match look_at_dataset(&path, host) {
            Ok(look) => look,
            Err(error) => {
                printer.run_error(&error.into());
                continue;
            }
        };
        options.dataset = Some(path);
        *likely = look.has_recorded_answers.then_some("recorded");
        if options.target.is_none() {
            printer.remark(&format!("columns: {}", look.columns.join(", ")));
            let target =
                answer(printer, "Column with the right answers", &look.target.unwrap_or_default())?;
            options.target = Some(target).filter(|target| !target.is_empty());
        }
        return Ok(());
    }
}

/// What the user types, or the default.
fn answer(printer: Printer, question: &str, default: &str) -> Result<String> {
    let shown = if default.is_empty() { String::new() } else { format!(" [{default}]") };
    match printer.ask(&format!("{question}{shown}:"))? {
        None => bail!("the answers have ended; nothing was written"),
        Some(typed) if typed.is_empty() => Ok(default.to_owned()),
        Some(typed) => Ok(typed),
    }
}
