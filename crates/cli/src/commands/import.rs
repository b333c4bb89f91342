//! `evalmark import`: what other tools wrote, brought into evalmark.

use anyhow::Result;
use clap::{Args, Subcommand};
use evalmark_runner::Host;

use super::import_suite::{ImportSuiteCommand, import_suite};
use crate::{exit::Exit, print::Printer};

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[command(subcommand)]
    pub(crate) command: ImportCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    #[command(flatten)]
    Suite(ImportSuiteCommand),
}

pub(crate) fn import(args: &ImportArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    match &args.command {
        ImportCommand::Suite(command) => import_suite(command, printer, host),
    }
}
