//! `evalmark show`: the summary table of a finished run again.

use anyhow::Result;
use clap::Args;
use evalmark_report::summary::read_summary;
use evalmark_runner::RunError;
use evalmark_store::integrity::open_whole;

use crate::{
    args::{Format, RunDirArgs},
    exit::Exit,
    print::Printer,
    run_text,
};

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) run: RunDirArgs,
    /// Text or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

pub(crate) fn show(args: &ShowArgs, printer: Printer) -> Result<Exit> {
    let (folder, record) = open_whole(&args.run.path()?)?;
    let rows = read_summary(&folder.summary()).map_err(RunError::from)?;
    match args.format {
        Format::Text => run_text::tell_summary(&folder, &record, &rows, printer)?,
        Format::Json => printer.json(&serde_json::to_string_pretty(&rows)?),
    }
    Ok(Exit::Done)
}
