//! `evalmark prompts log`, `diff` and `rollback`: what became of a prompt, what that did to its scores, and the way back.

use anyhow::Result;
use clap::Args;
use evalmark_runner::{
    Host, LogOptions, diff_document, log_document, prompt_diff, prompt_log, prompt_rollback,
    rollback_document,
};
use evalmark_terminal::prompt_history;

use super::prompts::{FillArgs, LibraryArgs, show};
use crate::{
    args::{FormatArgs, OutArgs, some},
    exit::Exit,
    print::Printer,
};

#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// Name of the prompt
    #[arg(value_name = "NAME")]
    name: String,
    /// Begin with this revision [default: HEAD]
    #[arg(long, value_name = "REV")]
    from: Option<String>,
    /// At most N commits
    #[arg(long, value_name = "N", value_parser = some)]
    limit: Option<u64>,
    #[command(flatten)]
    library: LibraryArgs,
    #[command(flatten)]
    out: OutArgs,
    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// A prompt's name, `NAME@REV`, or a file
    #[arg(value_name = "BEFORE")]
    before: String,
    /// The same [default: the prompt in the working tree, where BEFORE names a revision; else BEFORE is compared with HEAD]
    #[arg(value_name = "AFTER")]
    after: Option<String>,
    #[command(flatten)]
    fill: FillArgs,
    #[command(flatten)]
    library: LibraryArgs,
    #[command(flatten)]
    out: OutArgs,
    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// Name of the prompt
    #[arg(value_name = "NAME")]
    name: String,
    /// Revision whose files are written
    #[arg(long, value_name = "REV")]
    to: String,
    /// Write over what is not committed
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    library: LibraryArgs,
    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn rollback(args: &RollbackArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let done = prompt_rollback(&args.library.library, &args.name, &args.to, args.force, host)?;
    let text = prompt_history::rolled_back(&done, printer.screen());
    show(&text, &rollback_document(&done), args.format, printer);
    Ok(Exit::Done)
}

pub(super) fn log(args: &LogArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let limit = args.limit.map(usize::try_from).transpose()?;
    let options = LogOptions { from: args.from.clone(), limit };
    let log = prompt_log(&args.library.library, &args.name, &options, &args.out.out, host)?;
    let text = prompt_history::log(&log, printer.screen());
    show(&text, &log_document(&log), args.format, printer);
    if log.is_cut_off {
        printer.remark(prompt_history::CUT_OFF);
    }
    Ok(Exit::Done)
}

pub(super) fn diff(args: &DiffArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let versions = match (&args.after, args.before.split_once('@')) {
        (Some(after), _) => [args.before.clone(), after.clone()],
        (None, Some((name, _))) => [args.before.clone(), name.to_owned()],
        (None, None) => [format!("{}@HEAD", args.before), args.before.clone()],
    };
    let fill = args.fill.options();
    let [before, after] = &versions;
    let found = prompt_diff(&args.library.library, [before, after], &fill, &args.out.out, host)?;
    let text = prompt_history::diff(&found, printer.screen());
    show(&text, &diff_document(&found), args.format, printer);
    Ok(Exit::Done)
}
