//! `evalmark run`: everything is checked before anything is asked; then each suite goes its way.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use evalmark_runner::{EndedSuite, Host, Run, adjust_over_suites, ending_of_suites, load};
use evalmark_store::git::GitLookup;
use evalmark_terminal::across_suites;

use crate::{
    args::{AgainstArgs, BudgetArgs, CacheArgs, ExecArgs, Format, OutputArgs, SelectionArgs},
    exit::Exit,
    options::run_options,
    print::Printer,
    run_text,
};

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Suite files (YAML)
    #[arg(required = true, value_name = "SUITE")]
    pub(crate) suites: Vec<PathBuf>,
    /// Folder for run folders and baselines
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) out: PathBuf,
    /// Name of the run's folder [default: the time and a few digits]
    #[arg(long, value_name = "ID")]
    pub(crate) run_id: Option<String>,
    #[command(flatten)]
    pub(crate) against: AgainstArgs,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
    #[command(flatten)]
    pub(crate) budget: BudgetArgs,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

pub(crate) fn run(args: &RunArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    if args.run_id.is_some() && args.suites.len() > 1 {
        bail!("`--run-id` names one run; give one suite with it");
    }
    let options = run_options(&args.selection, &args.cache, &args.against)?;
    let lookup = GitLookup::start(&args.suites);
    let loaded = args.suites.iter().map(|path| load(path, &options, host));
    let loaded: Vec<_> = loaded.collect::<Result<_, _>>()?;
    let limits = args.budget.limits();
    let prepared = loaded
        .into_iter()
        .zip(lookup.finish())
        .map(|(loaded, git)| Ok((Run::prepare(loaded, &options, &args.out, limits, host)?, git)));
    let (mut exit, mut ended) = (Exit::Done, Vec::new());
    for (prepared, git) in prepared.collect::<Result<Vec<_>>>()? {
        let run = Run::begin(prepared, args.run_id.as_deref(), git, host)?.finish()?;
        let end = run_text::tell(&run, args.output, printer)?;
        exit = exit.worse(end);
        if end == Exit::Interrupted {
            break;
        }
        ended.push(EndedSuite::read(&run.record.suite, &run.folder, end)?);
    }
    if exit == Exit::Interrupted || ended.len() < 2 {
        return Ok(exit);
    }
    Ok(together(&mut ended, args, printer))
}

/// Several suites are one family, and one table.
fn together(ended: &mut [EndedSuite], args: &RunArgs, printer: Printer) -> Exit {
    adjust_over_suites(ended);
    if args.output.format == Format::Text {
        printer.result(&format!("\n{}", across_suites::render(ended, printer.screen())));
    }
    ending_of_suites(ended)
}
