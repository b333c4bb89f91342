//! `evalmark models`: the providers that a suite can name, what it writes to ask one, and what works.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use evalmark_runner::{
    Host, ProbeOptions, ending_of_probe, listed_providers, probe_document, providers_document,
};
use evalmark_terminal::{probe, providers};

use crate::{
    args::{BudgetArgs, ExecArgs, FormatArgs},
    exit::Exit,
    print::Printer,
};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    command: Option<ModelsCommand>,
    /// Only these providers, with what a suite writes to ask them
    #[arg(value_name = "PROVIDER")]
    names: Vec<String>,
    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// Ask each model of a suite one small question, and show what works
    Probe {
        /// Suite file (YAML)
        #[arg(value_name = "SUITE")]
        suite: PathBuf,
        /// Only these models
        #[arg(long, value_name = "NAME", num_args = 1..)]
        model: Vec<String>,
        #[command(flatten)]
        exec: ExecArgs,
        #[command(flatten)]
        budget: BudgetArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
}

impl ModelsArgs {
    /// Whether the suite that is probed may run programs.
    pub(crate) fn allow_exec(&self) -> bool {
        matches!(&self.command, Some(ModelsCommand::Probe { exec, .. }) if exec.allow_exec)
    }
}

pub(crate) fn models(args: &ModelsArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let (exit, document, text) = match &args.command {
        Some(ModelsCommand::Probe { suite, model, budget, .. }) => {
            let options = ProbeOptions { models: model.clone(), limits: budget.limits() };
            let probed = evalmark_runner::probe(suite, &options, host)?;
            let text = probe::render(&probed, printer.screen());
            (ending_of_probe(&probed, host), probe_document(&probed), text)
        }
        None => {
            let kinds = listed_providers(&args.names)?;
            let text = if args.names.is_empty() {
                providers::table(&kinds, printer.screen())
            } else {
                providers::entries(&kinds, printer.screen())
            };
            (Exit::Done, providers_document(&kinds), text)
        }
    };
    let probe_format = args.command.as_ref().map(|ModelsCommand::Probe { format, .. }| *format);
    if probe_format.unwrap_or(args.format).is_json() {
        printer.json(&format!("{document:#}"));
    } else {
        printer.result(&text);
    }
    Ok(exit)
}
