//! `evalmark compare`: one variant of a run against another, or all of them as a leaderboard.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use evalmark_runner::{Hinted, Host, RunError, boards};
use evalmark_store::integrity::open_whole;
use serde_json::json;

use super::gate::{VerdictFormat, render};
use crate::{exit::Exit, leaderboard_text, print::Printer};

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Run folder
    #[arg(value_name = "RUN_DIR")]
    pub(crate) run: PathBuf,
    /// Two prompts, or two models, of the run: the first is the baseline [default: all of them, as
    /// a leaderboard]
    #[arg(long, num_args = 2, value_names = ["A", "B"])]
    pub(crate) between: Vec<String>,
    /// Output format; a leaderboard is text or JSON
    #[arg(long, value_enum, default_value_t = VerdictFormat::Text)]
    pub(crate) format: VerdictFormat,
}

pub(crate) fn compare(args: &CompareArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let [a, b] = args.between.as_slice() else { return all(args, printer) };
    let decision = evalmark_runner::compare(&args.run, (a, b), host)?;
    printer.raw(&render(&decision.verdict, args.format, printer)?);
    Ok(decision.ending())
}

/// All prompts and models of the run; it decides nothing, and so it always ends well.
fn all(args: &CompareArgs, printer: Printer) -> Result<Exit> {
    let (folder, record) = open_whole(&args.run)?;
    let boards = boards(&folder, &record)?;
    if boards.is_empty() {
        return Ok(Err(RunError::new(
            "there is only one prompt and model, or too many to compare every pair",
        ))
        .hint("name two of them: `--between A B`")?);
    }
    match args.format {
        VerdictFormat::Text => printer.result(&leaderboard_text::render(&boards)),
        VerdictFormat::Json => {
            printer.json(&serde_json::to_string_pretty(&json!({ "boards": boards }))?);
        }
        VerdictFormat::Markdown | VerdictFormat::Junit | VerdictFormat::Github => {
            Err(RunError::new("a leaderboard has no such format"))
                .hint("use `--format text` or `--format json`, or `--between A B` for a verdict")?;
        }
    }
    Ok(Exit::Done)
}
