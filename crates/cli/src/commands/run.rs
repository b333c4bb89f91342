//! `evalmark run`: everything is checked before anything is asked; then each suite goes its way.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use evalmark_core::policy::Policy;
use evalmark_runner::{
    EndedSuite, Host, Run, adjust_over_suites, each_once, ending_of_suites, load_all, suites_json,
};
use evalmark_store::git::GitLookup;
use evalmark_terminal::across_suites;

use crate::{
    args::{
        AgainstArgs, BudgetArgs, CacheArgs, ExecArgs, Format, OutputArgs, PolicyArgs, SelectionArgs,
    },
    exit::Exit,
    options::run_options,
    print::Printer,
    reports::{ReportsArgs, report_suites},
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
    #[command(flatten)]
    pub(crate) reports: ReportsArgs,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

pub(crate) fn run(args: &RunArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    run_all(args, printer, host).inspect_err(|error| args.reports.tell_failure(error, printer))
}

fn run_all(args: &RunArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let suites = each_once(&args.suites, host);
    if args.run_id.is_some() && suites.len() > 1 {
        bail!("`--run-id` names one run; give one suite with it");
    }
    let options = run_options(&args.selection, &args.cache, &args.against)?;
    let lookup = GitLookup::start(&suites);
    let loaded = load_all(&suites, &options, host)?;
    let limits = args.budget.limits();
    let prepared = loaded
        .into_iter()
        .zip(lookup.finish())
        .map(|(loaded, git)| Ok((Run::prepare(loaded, &options, &args.out, limits, host)?, git)));
    let mut ended: Vec<EndedSuite> = Vec::new();
    let (policy, mut is_interrupted) = (host.policy, false);
    for (prepared, git) in prepared.collect::<Result<Vec<_>>>()? {
        let run = Run::begin(prepared, args.run_id.as_deref(), git, host)?.finish()?;
        let end = run_text::tell(&run, args.output, policy, printer)?;
        ended.push(run.into());
        if end == Exit::Interrupted {
            is_interrupted = true;
            break;
        }
    }
    adjust_over_suites(&mut ended);
    let exit = ending_of_suites(&ended, policy);
    if suites.len() > 1 && !is_interrupted {
        together(&ended, args, policy, printer)?;
    }
    Ok(exit.worse(report_suites(&ended, &args.reports, policy, printer)))
}

/// Several suites are one family, and one table.
fn together(ended: &[EndedSuite], args: &RunArgs, policy: Policy, printer: Printer) -> Result<()> {
    match args.output.format {
        Format::Text => {
            printer.result(&format!("\n{}", across_suites::render(ended, printer.screen())));
        }
        Format::Json => printer.json(&suites_json(ended, policy)?),
    }
    Ok(())
}
