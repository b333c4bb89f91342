//! `evalmark bisect`: the commit that made a suite's scores worse.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use evalmark_runner::{BisectOptions, Host, bisect as search, bisect_document, ending_of_bisect};
use evalmark_terminal::bisect as text;

use super::prompts::show;
use crate::{
    args::{AgainstArgs, BudgetArgs, CacheArgs, ExecArgs, FormatArgs, OutArgs, SelectionArgs},
    exit::Exit,
    options::run_options,
    print::Printer,
};

#[derive(Debug, Args)]
pub(crate) struct BisectArgs {
    /// Suite file (YAML)
    #[arg(value_name = "SUITE")]
    suite: PathBuf,
    /// A revision whose scores are good
    #[arg(value_name = "GOOD")]
    good: String,
    /// A later revision whose scores are worse
    #[arg(value_name = "BAD", default_value = "HEAD")]
    bad: String,
    /// The metric that got worse [default: all that the suite's gate looks at]
    #[arg(long, value_name = "METRIC")]
    metric: Option<String>,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    cache: CacheArgs,
    #[command(flatten)]
    budget: BudgetArgs,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    out: OutArgs,
    #[command(flatten)]
    format: FormatArgs,
}

pub(crate) fn bisect(args: &BisectArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let options = BisectOptions {
        good: args.good.clone(),
        bad: args.bad.clone(),
        metric: args.metric.clone(),
        run: run_options(&args.selection, &args.cache, &AgainstArgs::default())?,
        out: args.out.out.clone(),
        limits: args.budget.limits(),
    };
    let found = search(&args.suite, &options, host)?;
    show(&text::found(&found, printer.screen()), &bisect_document(&found), args.format, printer);
    Ok(ending_of_bisect(&found))
}
