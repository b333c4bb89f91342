//! `evalmark diff`: the items that two runs score differently, with question, answers and target.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use evalmark_runner::{DiffOptions, Host, RunDiff, ScoreChange};
use evalmark_terminal::{changed_items, diff};

use crate::{
    args::{Format, OutArgs},
    exit::Exit,
    print::Printer,
};

/// Which items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Only {
    /// Those that score worse.
    Worse,
    /// Those that score better.
    Better,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The earlier run: its folder, `latest~1` or `SUITE:latest~1`, or a baseline of the other
    /// run's suite
    #[arg(value_name = "RUN_A")]
    pub(crate) before: PathBuf,
    /// The later run: its folder, `latest`, or `SUITE:latest`
    #[arg(value_name = "RUN_B")]
    pub(crate) after: PathBuf,
    #[command(flatten)]
    pub(crate) out: OutArgs,
    /// Only by these metrics
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(crate) metric: Vec<String>,
    /// Only of these prompts
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(crate) prompt: Vec<String>,
    /// Only of these models
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(crate) model: Vec<String>,
    /// Only items that score worse, or only those that score better
    #[arg(long, value_enum)]
    pub(crate) only: Option<Only>,
    /// At most N items
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Text or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

pub(crate) fn diff(args: &DiffArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let options = DiffOptions {
        metrics: args.metric.clone(),
        prompts: args.prompt.clone(),
        models: args.model.clone(),
        only: args.only.map(|only| match only {
            Only::Worse => ScoreChange::Worse,
            Only::Better => ScoreChange::Better,
        }),
        limit: args.limit,
    };
    let (before, after) = (args.out.run_or_baseline(&args.before)?, args.out.run(&args.after)?);
    let found = evalmark_runner::diff(&before, &after, &options, host)?;
    match args.format {
        Format::Json => {
            printer.json(&serde_json::to_string_pretty(&found.document(options.only))?);
        }
        Format::Text => tell(&found, options.only, printer),
    }
    Ok(found.ending())
}

/// The items to stdout; what is not shown, and why, to stderr.
fn tell(found: &RunDiff, only: Option<ScoreChange>, printer: Printer) {
    printer.result(&diff::head(found, printer.screen()));
    for text in diff::warnings(found) {
        printer.warning(&text);
    }
    if !found.items.is_empty() {
        printer.result(&format!("\n{}", changed_items(&found.items, printer.screen())));
    }
    if let Some(text) = diff::rest(found, only) {
        printer.remark(&text);
    }
}
