//! `evalmark run`: everything is checked before anything is asked; then each suite goes its way.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use evalmark_core::policy::Policy;
use evalmark_runner::{
    AffectedOptions, EndedSuite, Host, Run, adjust_over_suites, affected_suites, each_once,
    ending_of_suites, load_all, named_commit, suites_json,
};
use evalmark_store::git::GitLookup;
use evalmark_terminal::{across_suites, affected};

use super::run_against::{Planned, plan_against};
use crate::{
    args::{
        AgainstArgs, BudgetArgs, CacheArgs, ExecArgs, Format, OutputArgs, PolicyArgs, SelectionArgs,
    },
    exit::Exit,
    options::run_options,
    print::Printer,
    receivers::tell_receivers,
    reports::{ReportsArgs, report_suites},
    run_text,
};

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Suite files (YAML)
    #[arg(required_unless_present = "affected", value_name = "SUITE")]
    pub(crate) suites: Vec<PathBuf>,
    /// Run only the suites that a change since `--base` reaches; SUITE may be a folder then [default: the working folder]
    #[arg(long, requires = "base")]
    pub(crate) affected: bool,
    /// Revision to compare the working tree with, from where their histories part
    #[arg(long, value_name = "REV", requires = "affected")]
    pub(crate) base: Option<String>,
    /// Folder for run folders and baselines
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) out: PathBuf,
    /// Name of the run's folder [default: the time and a few digits]
    #[arg(long, value_name = "ID")]
    pub(crate) run_id: Option<String>,
    #[command(flatten)]
    pub(crate) against: AgainstArgs,
    #[command(flatten)]
    pub(crate) revisions: RevisionArgs,
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

/// What else is asked than the working tree.
#[derive(Debug, Default, Args)]
pub(crate) struct RevisionArgs {
    /// Ask the prompts of a revision, too, as `NAME@COMMIT` beside those of the working tree
    #[arg(long, value_name = "REV")]
    prompts_at: Option<String>,
    /// Ask what the suite asked at a revision first, its prompts and models, and compare with that instead of a baseline
    #[arg(long = "against", value_name = "REV", conflicts_with_all = ["baseline", "new_baseline", "baseline_suite"])]
    against_revision: Option<String>,
}

pub(crate) fn run(args: &RunArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    run_all(args, printer, host).inspect_err(|error| args.reports.tell_failure(error, printer))
}

fn run_all(args: &RunArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let Some(suites) = suites(args, printer, host)? else { return Ok(Exit::Done) };
    if args.run_id.is_some() && suites.len() > 1 {
        let n = suites.len();
        if args.affected {
            bail!(
                "`--run-id` names one run, and the change reaches {n} suites; leave `--run-id` out"
            );
        }
        bail!("`--run-id` names one run; give one suite with it");
    }
    let mut options = run_options(&args.selection, &args.cache, &args.against)?;
    let commit = |revision: &Option<String>| {
        let (revision, suite) = (revision.as_ref()?, suites.first()?);
        Some(named_commit(suite, revision))
    };
    options.prompts_at = commit(&args.revisions.prompts_at).transpose()?;
    let against = commit(&args.revisions.against_revision).transpose()?;
    let lookup = GitLookup::start(&suites);
    let loaded = load_all(&suites, &options, host)?;
    let limits = args.budget.limits();
    let planned = if let Some(commit) = against {
        plan_against(&suites, loaded, &commit, &options, args, host)?
    } else {
        let ready = |loaded| Run::prepare(loaded, &options, &args.out, limits, host);
        let ready = loaded.into_iter().map(ready).collect::<Result<Vec<_>, _>>()?;
        ready.into_iter().map(Planned::alone).collect()
    };
    let mut ended: Vec<EndedSuite> = Vec::new();
    let (policy, mut is_interrupted) = (host.policy, false);
    for (planned, git) in planned.into_iter().zip(lookup.finish()) {
        let Some(prepared) = planned.ready(limits, printer, host)? else {
            return Ok(Exit::Interrupted);
        };
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
    let reported = report_suites(&ended, &args.reports, policy, printer);
    tell_receivers(&ended, host, printer);
    Ok(exit.worse(reported))
}

/// The suites to run; `None` where a change reaches none of them.
fn suites(args: &RunArgs, printer: Printer, host: &Host<'_>) -> Result<Option<Vec<PathBuf>>> {
    let Some(base) = &args.base else { return Ok(Some(each_once(&args.suites, host))) };
    let options = AffectedOptions { base: base.clone(), places: args.suites.clone() };
    let found = affected_suites(&options, host)?;
    printer.remark(&affected::summary(&found));
    let suites: Vec<_> = found.suites.into_iter().map(|suite| suite.path).collect();
    Ok(Some(suites).filter(|suites| !suites.is_empty()))
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
