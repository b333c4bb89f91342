//! `evalmark resume`: goes on with a run; what has an answer is not asked again.

use anyhow::Result;
use clap::Args;
use evalmark_runner::{Host, ResumeOptions, Run};

use crate::{
    args::{AgainstArgs, BudgetArgs, ExecArgs, OutputArgs, PolicyArgs, RunDirArgs},
    exit::Exit,
    print::Printer,
    receivers::tell_receivers,
    reports::{ReportsArgs, report_suites},
    run_text,
};

#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub(crate) run: RunDirArgs,
    #[command(flatten)]
    pub(crate) against: AgainstArgs,
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

pub(crate) fn resume(args: &ResumeArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let options = ResumeOptions { against: args.against.options(), budget: args.budget.limits() };
    let run = Run::resume(&args.run.path()?, options, host)?.finish()?;
    let exit = run_text::tell(&run, args.output, host.policy, printer)?;
    let ended = [run.into()];
    let reported = report_suites(&ended, &args.reports, host.policy, printer);
    tell_receivers(&ended, host, printer);
    Ok(exit.worse(reported))
}
