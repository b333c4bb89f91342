//! `evalmark trend`: a suite's scores over its runs, whether they drift, and where they changed.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use evalmark_runner::{HistoryOptions, Host, ending_of_history, history, suite_name};
use evalmark_terminal::trend;

use crate::{args::Format, exit::Exit, print::Printer};

#[derive(Debug, Args)]
pub(crate) struct TrendArgs {
    /// The suite's name, or its file
    #[arg(value_name = "SUITE")]
    pub(crate) suite: String,
    /// Folder of the runs
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) out: PathBuf,
    /// Only these prompts
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(crate) prompt: Vec<String>,
    /// Only these models
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(crate) model: Vec<String>,
    /// Only these metrics
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(crate) metric: Vec<String>,
    /// Leave the runs before this one out
    #[arg(long, value_name = "RUN_ID")]
    pub(crate) since: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

pub(crate) fn trend(args: &TrendArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let options = HistoryOptions {
        prompts: args.prompt.clone(),
        models: args.model.clone(),
        metrics: args.metric.clone(),
        since: args.since.clone(),
    };
    let found = history(&args.out, &suite_name(&args.suite, host)?, &options)?;
    match args.format {
        Format::Text => printer.result(&trend::render(&found, printer.screen())),
        Format::Json => printer.json(&serde_json::to_string_pretty(&found)?),
    }
    Ok(ending_of_history(&found))
}
