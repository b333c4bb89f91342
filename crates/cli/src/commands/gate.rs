//! `evalmark gate`: the verdict on finished runs against a baseline.

use std::path::PathBuf;

use anyhow::{Error, Result};
use clap::Args;
use evalmark_runner::{
    EndedRunGate, GateOptions, Host, adjust_over_suites, ending_of_suites, gate as gate_run,
};

use crate::{
    args::{PolicyArgs, RunDirsArgs},
    exit::Exit,
    print::Printer,
    reports::{ReportsArgs, VerdictFormat, report_suites, write_report},
};

#[derive(Debug, Args)]
pub(crate) struct GateArgs {
    #[command(flatten)]
    pub(crate) runs: RunDirsArgs,
    /// Baseline to compare with, by name or folder
    #[arg(long, value_name = "NAME|DIR")]
    pub(crate) baseline: String,
    /// There may be no baseline yet; if there is none, only the minima are checked
    #[arg(long, conflicts_with = "require_baseline")]
    pub(crate) new_baseline: bool,
    /// Former name of the suite, if the baseline was made under it
    #[arg(long, value_name = "NAME")]
    pub(crate) baseline_suite: Option<String>,
    /// Gate an unfinished run on the scores it has
    #[arg(long)]
    pub(crate) as_it_is: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = VerdictFormat::Text)]
    pub(crate) format: VerdictFormat,
    /// Write the verdict to a file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reports: ReportsArgs,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

pub(crate) fn gate(args: &GateArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let options = GateOptions {
        baseline: args.baseline.clone(),
        baseline_suite: args.baseline_suite.clone(),
        new_baseline: args.new_baseline,
        as_it_is: args.as_it_is,
    };
    let (mut ended, mut unwritten) = (Vec::new(), Vec::new());
    let paths = args.runs.paths()?;
    for path in &paths {
        let EndedRunGate { mut suite, unkept } = gate_run(path, &options, host)?;
        if paths.len() > 1 {
            suite.read_rows()?;
        }
        ended.push(suite);
        unwritten.extend(unkept.map(Error::from));
    }
    adjust_over_suites(&mut ended);
    let policy = host.policy;
    let written = write_report(args.format, args.output.as_deref(), &ended, policy, printer);
    // A verdict that could not be written everywhere still counts: the worse of both endings wins.
    let reported = report_suites(&ended, &args.reports, policy, printer);
    let exit = ending_of_suites(&ended, policy).worse(reported);
    Ok(written.err().into_iter().chain(unwritten).fold(exit, |exit, error| {
        printer.error(&error);
        exit.worse(Exit::Incomplete)
    }))
}
