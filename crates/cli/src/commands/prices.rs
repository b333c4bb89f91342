//! `evalmark prices`: what models cost, by their providers' lists or for a suite.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use evalmark_runner::{Host, ListedPrice, list_prices, suite_prices};
use evalmark_terminal::prices;
use serde_json::json;

use crate::{args::FormatArgs, exit::Exit, print::Printer};

#[derive(Debug, Args)]
pub(crate) struct PricesArgs {
    /// Suite file (YAML) whose models' prices are shown [default: every list price]
    #[arg(value_name = "SUITE")]
    suite: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
}

pub(crate) fn prices(args: &PricesArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let (text, document) = if let Some(suite) = &args.suite {
        let of_suite = suite_prices(suite, host)?;
        (prices::of_suite(&of_suite, printer.screen()), of_suite.json())
    } else {
        let listed = list_prices();
        let document = listed.iter().map(ListedPrice::json).collect::<Vec<_>>();
        (prices::listed(&listed, printer.screen()), json!({ "prices": document }))
    };
    if args.format.is_json() {
        printer.json(&format!("{document:#}"));
    } else {
        printer.result(&text);
    }
    Ok(Exit::Done)
}
