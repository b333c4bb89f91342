//! `evalmark gate`: the verdict on a finished run against a baseline.

use std::path::PathBuf;

use anyhow::{Context, Error, Result};
use clap::{Args, ValueEnum};
use evalmark_report::{
    github, junit, markdown,
    safe_text::{inert, inert_json},
};
use evalmark_runner::{EndedRunGate, GateOptions, GateOutcome, Host};
use evalmark_store::durable;
use evalmark_terminal::verdict;

use crate::{
    args::{Color, RunDirArgs},
    exit::Exit,
    print::Printer,
};

/// Forms of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerdictFormat {
    Text,
    Json,
    Markdown,
    Junit,
    Github,
}

#[derive(Debug, Args)]
pub(crate) struct GateArgs {
    #[command(flatten)]
    pub(crate) run: RunDirArgs,
    /// Baseline to compare with, by name or folder
    #[arg(long, value_name = "NAME|DIR")]
    pub(crate) baseline: String,
    /// There may be no baseline yet; if there is none, only the minima are checked
    #[arg(long)]
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
}

pub(crate) fn gate(args: &GateArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let options = GateOptions {
        baseline: args.baseline.clone(),
        baseline_suite: args.baseline_suite.clone(),
        new_baseline: args.new_baseline,
        as_it_is: args.as_it_is,
    };
    let EndedRunGate { outcome, unkept } =
        evalmark_runner::gate(&args.run.path()?, &options, host)?;
    let written = match &args.output {
        None => {
            printer.raw(&render(&outcome, args.format, printer)?);
            Ok(())
        }
        Some(path) => {
            let plain = Printer::new(Color::Never);
            write_output(path, &render(&outcome, args.format, plain)?)
                .with_context(|| format!("{} cannot be written", path.display()))
        }
    };
    let mut ending = outcome.ending();
    // A verdict that could not be written everywhere still counts: the worse of both endings wins.
    for error in written.err().into_iter().chain(unkept.map(Error::from)) {
        printer.error(&error);
        ending = ending.worse(Exit::Incomplete);
    }
    Ok(ending)
}

/// Writes the file that the command line names: whole, unless it is a link, a pipe or a device.
fn write_output(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    let is_special = std::fs::symlink_metadata(path).is_ok_and(|meta| !meta.is_file());
    if is_special {
        return std::fs::write(path, text);
    }
    durable::write(path, text.as_bytes())
}

/// A verdict in the form that was asked for, with a final line break.
pub(crate) fn render(
    decision: &GateOutcome,
    format: VerdictFormat,
    printer: Printer,
) -> Result<String> {
    let verdict = &decision.verdict;
    let mut text = match format {
        VerdictFormat::Text => {
            inert(&verdict::render(&decision.verdict, &decision.broken, printer.screen()))
                .into_owned()
        }
        VerdictFormat::Json => inert_json(&serde_json::to_string_pretty(verdict)?).into_owned(),
        VerdictFormat::Markdown => markdown::markdown(verdict),
        VerdictFormat::Junit => junit::junit(verdict),
        VerdictFormat::Github => github::github(verdict),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}
