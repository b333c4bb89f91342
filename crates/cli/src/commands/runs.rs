//! `evalmark runs`: what runs there are, how far they got, and what is wrong with them.

use anyhow::Result;
use clap::Args;
use evalmark_runner::runs_document;
use evalmark_store::{
    named_run::{check_folder, runs_of},
    runs::{ListedRun, list_runs},
};
use evalmark_terminal::runs;

use crate::{
    args::{Format, OutArgs, some},
    exit::Exit,
    print::Printer,
};

#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// Only runs of this suite
    #[arg(value_name = "SUITE")]
    pub(crate) suite: Option<String>,
    #[command(flatten)]
    pub(crate) out: OutArgs,
    /// Only the N runs that began last
    #[arg(long, value_name = "N", value_parser = some)]
    pub(crate) limit: Option<u64>,
    /// Text or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

pub(crate) fn runs(args: &RunsArgs, printer: Printer) -> Result<Exit> {
    let out = &args.out.out;
    check_folder(out)?;
    let mut all = match &args.suite {
        Some(suite) => runs_of(out, suite)?,
        None => list_runs(out, None)?,
    };
    let limit = args.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    all.iter_mut().rev().take(limit).for_each(ListedRun::check_small_files);
    // The latest first: lists of runs grow long.
    let shown: Vec<_> = all.iter().rev().take(limit).collect();
    match args.format {
        Format::Json => printer.json(&format!("{:#}", runs_document(&shown))),
        Format::Text if all.is_empty() => {
            printer.remark(&format!("there are no runs in {}", out.display()));
        }
        Format::Text => printer.result(&runs::render(&shown, printer.screen())),
    }
    if shown.len() < all.len() {
        printer.remark(&format!("the last {} of {} runs", shown.len(), all.len()));
    }
    Ok(Exit::Done)
}
