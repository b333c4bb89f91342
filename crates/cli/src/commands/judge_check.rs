//! `evalmark judge-check`: a judge beside people, over answers that both scored.

use anyhow::Result;
use clap::Args;
use evalmark_runner::Host;
use evalmark_terminal::judge_check;

use crate::{
    args::{ExecArgs, Format, RunDirArgs},
    exit::Exit,
    print::Printer,
};

#[derive(Debug, Args)]
pub(crate) struct JudgeCheckArgs {
    #[command(flatten)]
    pub(crate) run: RunDirArgs,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    /// Human labels: a file, or a column of the dataset [default: the labels named in the suite]
    #[arg(long, value_name = "FILE|COLUMN")]
    pub(crate) labels: Option<String>,
    /// Metric to check [default: the only judged one]
    #[arg(long, value_name = "NAME")]
    pub(crate) metric: Option<String>,
    /// Text or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

pub(crate) fn judge_check(
    args: &JudgeCheckArgs,
    printer: Printer,
    host: &Host<'_>,
) -> Result<Exit> {
    let (metric, labels) = (args.metric.as_deref(), args.labels.as_deref());
    let finding = evalmark_runner::judge_check(&args.run.path()?, metric, labels, host)?;
    match args.format {
        Format::Text => printer.result(&judge_check::render(&finding, printer.screen())),
        Format::Json => printer.json(&serde_json::to_string_pretty(&finding.json())?),
    }
    Ok(Exit::Done)
}
