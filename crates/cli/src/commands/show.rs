//! `evalmark show`: the summary table of a finished run again.

use anyhow::Result;
use evalmark_report::summary::read_summary;

use super::gate::open_whole;
use crate::{
    args::{Format, ShowArgs},
    exit::Exit,
    judging,
    leaderboard::groups,
    print::Printer,
    table,
};

pub(crate) fn show(args: &ShowArgs, printer: Printer) -> Result<Exit> {
    let (folder, record) = open_whole(&args.run)?;
    let rows = read_summary(&folder.summary())?;
    match args.format {
        Format::Text => {
            printer.result(&table::render(&rows, &groups(&folder, &record)?));
            judging::tell(&record.judging, printer);
            if let Some(stopped) = &record.stopped_early {
                printer.result(&format!("\n{}", stopped.summary()));
            }
        }
        Format::Json => printer.json(&serde_json::to_string_pretty(&rows)?),
    }
    Ok(Exit::Done)
}
