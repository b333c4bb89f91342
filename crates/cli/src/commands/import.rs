//! `evalmark import`: what other tools wrote, brought into evalmark.

use anyhow::Result;
use clap::{Args, Subcommand};
use evalmark_runner::Host;

use super::{
    import_results::{ImportResultsArgs, import_results},
    import_suite::{ImportSuiteCommand, import_suite},
};
use crate::{exit::Exit, print::Printer};

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[command(subcommand)]
    pub(crate) command: ImportCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Make a run of results that another tool has: answers, scores as the tool gave them, item ids
    ///
    /// Nothing is asked, and nothing is scored again. Everything that reads runs reads this one: `show`, `view`,
    /// `gate`, `compare`, `diff`, `trend`, `baseline promote`.
    Results(ImportResultsArgs),
    #[command(flatten)]
    Suite(ImportSuiteCommand),
}

pub(crate) fn import(args: &ImportArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    match &args.command {
        ImportCommand::Results(args) => import_results(args, printer, host),
        ImportCommand::Suite(command) => import_suite(command, printer, host),
    }
}
