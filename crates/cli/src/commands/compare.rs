//! `evalmark compare`: two runs, two prompts or models of one run, or all of them as a leaderboard.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use evalmark_runner::{Between, GateOf, Hinted, Host, RunError, boards, compare_runs};
use evalmark_store::integrity::open_whole;
use evalmark_terminal::leaderboard;
use serde_json::json;

use crate::{
    args::OutArgs,
    exit::Exit,
    print::Printer,
    reports::{VerdictFormat, render},
};

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Run folder; `latest` or `SUITE:latest` is the run that began last, `latest~1` the one before
    #[arg(value_name = "RUN_DIR")]
    pub(crate) run: PathBuf,
    /// Another run, for which the first is the baseline; that may be a baseline's name, too
    #[arg(value_name = "RUN_B", conflicts_with = "between")]
    pub(crate) other: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) out: OutArgs,
    /// Two prompts, or two models, of the run: the first is the baseline [default: all of them, as
    /// a leaderboard]
    #[arg(long, num_args = 2, value_names = ["A", "B"])]
    pub(crate) between: Vec<String>,
    /// Output format; a leaderboard is text or JSON
    #[arg(long, value_enum, default_value_t = VerdictFormat::Text)]
    pub(crate) format: VerdictFormat,
}

pub(crate) fn compare(args: &CompareArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let decision = match (&args.other, args.between.as_slice()) {
        (Some(other), _) => {
            let before = args.out.run_or_baseline(&args.run)?;
            compare_runs(&before, &args.out.run(other)?, GateOf::Suite, host)?
        }
        (None, [a, b]) => {
            let between = Between { baseline: a, candidate: b };
            evalmark_runner::compare(&args.out.run(&args.run)?, between, host)?
        }
        (None, _) => return all(&args.out.run(&args.run)?, args.format, printer),
    };
    let exit = decision.ending(host.policy);
    printer.raw(&render(&[decision.into()], args.format, host.policy, printer)?);
    Ok(exit)
}

/// All prompts and models of the run; it decides nothing, and so it always ends well.
fn all(run: &Path, format: VerdictFormat, printer: Printer) -> Result<Exit> {
    let (folder, record) = open_whole(run)?;
    let boards = boards(&folder, &record)?;
    if boards.is_empty() {
        return Ok(Err(RunError::new(
            "there is only one prompt and model, or too many to compare every pair",
        ))
        .hint("name two of them: `--between A B`")?);
    }
    match format {
        VerdictFormat::Text => printer.result(&leaderboard::render(&boards, printer.screen())),
        VerdictFormat::Json => {
            printer.json(&serde_json::to_string_pretty(&json!({ "boards": boards }))?);
        }
        _ => {
            Err(RunError::new("a leaderboard cannot be printed in this format")).hint(
                "use `--format text` or `--format json`; a verdict takes `--between A B`, \
                       or a second run",
            )?;
        }
    }
    Ok(Exit::Done)
}
