//! `evalmark score`: recorded answers scored again with the suite as it is now. No model is asked,
//! except judges about what they have not judged yet.

use anyhow::Result;
use clap::Args;
use evalmark_runner::{Host, Run};

use crate::{
    args::{ExecArgs, OutputArgs, PolicyArgs, RunDirArgs},
    exit::Exit,
    print::Printer,
    receivers::tell_receivers,
    reports::{ReportsArgs, report_suites},
    run_text,
};

#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    #[command(flatten)]
    pub(crate) run: RunDirArgs,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) reports: ReportsArgs,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

pub(crate) fn score(args: &ScoreArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let run = Run::rescore(&args.run.path()?, host)?.finish()?;
    let exit = run_text::tell(&run, args.output, host.policy, printer)?;
    let ended = [run.into()];
    let reported = report_suites(&ended, &args.reports, host.policy, printer);
    tell_receivers(&ended, host, printer);
    Ok(exit.worse(reported))
}
