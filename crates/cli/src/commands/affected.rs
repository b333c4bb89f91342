//! `evalmark affected`: the suites that a change reaches.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use evalmark_runner::{AffectedOptions, Host, affected_document, affected_suites};
use evalmark_terminal::affected;

use super::prompts::show;
use crate::{args::FormatArgs, exit::Exit, print::Printer};

#[derive(Debug, Args)]
pub(crate) struct AffectedArgs {
    /// Suites, or folders that hold some [default: the working folder]
    #[arg(value_name = "SUITE|DIR")]
    places: Vec<PathBuf>,
    /// Revision to compare with: the working tree is compared with where its history parts from that of REV
    #[arg(long, value_name = "REV")]
    base: String,
    #[command(flatten)]
    format: FormatArgs,
}

pub(crate) fn affected(args: &AffectedArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let options = AffectedOptions { base: args.base.clone(), places: args.places.clone() };
    let found = affected_suites(&options, host)?;
    show(
        &affected::list(&found, printer.screen()),
        &affected_document(&found),
        args.format,
        printer,
    );
    printer.remark(&affected::summary(&found));
    Ok(Exit::Done)
}
