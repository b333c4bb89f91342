//! `evalmark gate`: the verdict on finished runs against a baseline, or on two results of another tool.

use std::path::PathBuf;

use anyhow::{Error, Result};
use clap::Args;
use evalmark_runner::{
    EndedRunGate, EndedSuite, GateOptions, Host, RunError, adjust_over_suites, ending_of_suites,
    gate as gate_run, gate_results,
};

use super::import_results::{ReadingArgs, tell_sides, tools};
use crate::{
    args::{PolicyArgs, RunDirsArgs},
    exit::Exit,
    print::Printer,
    receivers::tell_receivers,
    reports::{ReportsArgs, VerdictFormat, report_suites, write_report},
};

#[derive(Debug, Args)]
pub(crate) struct GateArgs {
    #[command(flatten)]
    pub(crate) runs: RunDirsArgs,
    /// Baseline to compare with, by name or folder
    #[arg(long, value_name = "NAME|DIR", required_unless_present = "from")]
    pub(crate) baseline: Option<String>,
    /// Gate another tool's results, with no suite: instead of runs there are two files, BEFORE and AFTER
    #[arg(
        long,
        value_name = "TOOL",
        value_parser = tools(),
        conflicts_with_all = ["baseline", "new_baseline", "baseline_suite"]
    )]
    pub(crate) from: Option<String>,
    /// There may be no baseline yet; if there is none, only the minima are checked
    #[arg(long, conflicts_with = "require_baseline")]
    pub(crate) new_baseline: bool,
    /// Former name of the suite, if the baseline was made under it
    #[arg(long, value_name = "NAME")]
    pub(crate) baseline_suite: Option<String>,
    /// Gate an unfinished run on the scores it has
    #[arg(long)]
    pub(crate) as_it_is: bool,
    /// Pass over a verdict that regressed or cannot tell, for a reason: exit code 0, and an entry in the audit log. Where answers
    /// are missing or nothing could be compared, it stays exit code 4
    #[arg(long = "override", value_name = "REASON", value_parser = reason)]
    pub(crate) override_reason: Option<String>,
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
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
}

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("say why".to_owned()) } else { Ok(text.to_owned()) }
}

pub(crate) fn gate(args: &GateArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    if args.override_reason.is_some() {
        host.check_override()?;
    }
    if let Some(tool) = &args.from {
        return gate_results_of(tool, args, printer, host);
    }
    let options = GateOptions {
        baseline: args.baseline.clone().unwrap_or_default(),
        baseline_suite: args.baseline_suite.clone(),
        new_baseline: args.new_baseline,
        as_it_is: args.as_it_is,
    };
    let (mut ended, mut unkept) = (Vec::new(), Vec::new());
    let paths = args.runs.paths()?;
    for path in &paths {
        let EndedRunGate { mut suite, unkept: not_kept } = gate_run(path, &options, host)?;
        if paths.len() > 1 {
            suite.read_rows()?;
        }
        ended.push(suite);
        unkept.extend(not_kept.map(Error::from));
    }
    adjust_over_suites(&mut ended);
    override_by(&mut ended, args, printer, host)?;
    Ok(tell(&ended, unkept, args, printer, host))
}

/// The verdict on two results of another tool.
fn gate_results_of(tool: &str, args: &GateArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let [before, after] = args.runs.named.as_slice() else {
        let error = RunError::new("`--from` compares two results");
        return Err(error.with_hint(format!("evalmark gate --from {tool} BEFORE AFTER")).into());
    };
    let read = |file: &PathBuf| args.reading.read(tool, std::slice::from_ref(file), host);
    let sides = [&read(before)?, &read(after)?];
    let options = args.reading.options(&args.runs.out, None);
    let gated = gate_results(sides, &options, args.as_it_is, host)?;
    tell_sides([&gated.before, &gated.after], printer);
    let EndedRunGate { suite, unkept } = gated.gate;
    let mut ended = [suite];
    override_by(&mut ended, args, printer, host)?;
    Ok(tell(&ended, unkept.into_iter().map(Error::from).collect(), args, printer, host))
}

/// Passes over what fails, where a reason is given.
fn override_by(
    ended: &mut [EndedSuite],
    args: &GateArgs,
    printer: Printer,
    host: &Host<'_>,
) -> Result<()> {
    let Some(reason) = &args.override_reason else { return Ok(()) };
    if host.override_verdicts(ended, reason)? == 0 {
        printer.warning("`--override` changes nothing: no verdict fails that could be passed over");
    }
    Ok(())
}

/// Writes the verdicts; answers with how the command ends.
fn tell(
    ended: &[EndedSuite],
    unkept: Vec<Error>,
    args: &GateArgs,
    printer: Printer,
    host: &Host<'_>,
) -> Exit {
    let policy = host.policy;
    let written = write_report(args.format, args.output.as_deref(), ended, policy, printer);
    // A verdict that could not be written everywhere still counts: the worse of both endings wins.
    let reported = report_suites(ended, &args.reports, policy, printer);
    tell_receivers(ended, host, printer);
    let exit = ending_of_suites(ended, policy).worse(reported);
    written.err().into_iter().chain(unkept).fold(exit, |exit, error| {
        printer.error(&error);
        exit.worse(Exit::Incomplete)
    })
}
