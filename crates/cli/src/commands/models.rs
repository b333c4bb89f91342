//! `evalmark models`: the providers that a suite can name, and what it writes to ask one.

use anyhow::Result;
use clap::Args;
use evalmark_runner::{listed_providers, providers_document};
use evalmark_terminal::providers;

use crate::{args::FormatArgs, exit::Exit, print::Printer};

#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    /// Only these providers, with what a suite writes to ask them
    #[arg(value_name = "PROVIDER")]
    names: Vec<String>,
    #[command(flatten)]
    format: FormatArgs,
}

pub(crate) fn models(args: &ModelsArgs, printer: Printer) -> Result<Exit> {
    let kinds = listed_providers(&args.names)?;
    if args.format.is_json() {
        printer.json(&format!("{:#}", providers_document(&kinds)));
    } else if args.names.is_empty() {
        printer.result(&providers::table(&kinds, printer.screen()));
    } else {
        let entries = kinds.iter().map(|kind| providers::entry(kind, printer.screen()));
        printer.result(&entries.collect::<Vec<_>>().join("\n\n"));
    }
    Ok(Exit::Done)
}
