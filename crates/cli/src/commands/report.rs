//! `evalmark report`: the page of a finished run again, from its files.

use anyhow::Result;
use clap::Args;
use evalmark_runner::{Host, ReportOptions};
use serde_json::json;

use crate::{
    args::{FormatArgs, RunDirArgs},
    exit::Exit,
    print::Printer,
};

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) run: RunDirArgs,
    /// Baseline to compare with, by name or folder
    #[arg(long, value_name = "NAME|DIR")]
    pub(crate) baseline: Option<String>,
    /// Former name of the suite, if the baseline was made under it
    #[arg(long, value_name = "NAME")]
    pub(crate) baseline_suite: Option<String>,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

pub(crate) fn report(args: &ReportArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let options = ReportOptions {
        baseline: args.baseline.clone(),
        baseline_suite: args.baseline_suite.clone(),
    };
    let page = evalmark_runner::report(&args.run.path()?, &options, host)?;
    if args.format.is_json() {
        printer.json(&format!("{:#}", json!({ "report": page })));
    } else {
        printer.result(&page.display().to_string());
    }
    Ok(Exit::Done)
}
