//! `evalmark show`: the summary table of a finished run again.

use anyhow::Result;
use evalmark_report::summary::read_summary;

use super::gate::open_whole;
use crate::{
    args::{Format, ShowArgs},
    exit::Exit,
    print::Printer,
    run_text,
};

pub(crate) fn show(args: &ShowArgs, printer: Printer) -> Result<Exit> {
    let (folder, record) = open_whole(&args.run)?;
    let rows = read_summary(&folder.summary())?;
    match args.format {
        Format::Text => run_text::tell_summary(&folder, &record, &rows, printer)?,
        Format::Json => printer.json(&serde_json::to_string_pretty(&rows)?),
    }
    Ok(Exit::Done)
}
