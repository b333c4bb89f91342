//! `evalmark dataset from-logs` and `freeze`: from production logs to regression items.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use evalmark_runner::{
    FreezeOptions, FromLogsOptions, Host, NEAR, Quota, cases_from_logs, freeze as freeze_rows,
};
use evalmark_terminal::log_cases as text;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{dataset::share, release::RELEASES};
use crate::{
    args::{FormatArgs, OutArgs},
    exit::Exit,
    print::Printer,
};

#[derive(Clone, Debug, Args)]
pub(crate) struct FromLogsArgs {
    /// Suite file (YAML), whose monitor has read logs
    #[arg(value_name = "SUITE")]
    suite: PathBuf,
    /// What is taken, and how many of each at most: failing, disputed, drifting, random
    #[arg(
        long,
        value_name = "KIND=N",
        value_delimiter = ',',
        default_value = "failing=50,disputed=20,drifting=50,random=20"
    )]
    pick: Vec<Quota>,
    /// Only what was answered since a day or moment, such as 2026-11-01
    #[arg(long, value_name = "DATE", value_parser = moment)]
    since: Option<i64>,
    /// Another seed is another draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Least similarity of texts that count as the same, among the records and with the suite's dataset
    #[arg(long, value_name = "SHARE", default_value_t = NEAR, value_parser = share)]
    near: f64,
    /// Review file to write: .csv, .jsonl or .parquet
    #[arg(long, value_name = "FILE")]
    write: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    /// Folder of the releases, which tell what was served
    #[arg(long, value_name = "DIR", default_value = RELEASES)]
    releases: PathBuf,
    #[command(flatten)]
    out: OutArgs,
    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct FreezeArgs {
    /// Suite file (YAML), whose dataset gets the rows
    #[arg(value_name = "SUITE")]
    suite: PathBuf,
    /// Review file that `from-logs` wrote, with its right answers filled in
    #[arg(value_name = "REVIEW")]
    review: PathBuf,
    /// File of the dataset that gets the rows, where it is several
    #[arg(long, value_name = "FILE")]
    into: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
}

pub(crate) fn from_logs(args: &FromLogsArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let options = FromLogsOptions {
        suite: args.suite.clone(),
        out: args.out.out.clone(),
        releases: args.releases.clone(),
        quotas: args.pick.clone(),
        since: args.since,
        seed: args.seed,
        near: args.near,
        file: args.write.clone(),
        replaces: args.force,
    };
    let found = cases_from_logs(&options, host)?;
    if args.format.is_json() {
        printer.json(&serde_json::to_string_pretty(&found)?);
    } else {
        printer.result(&text::picked(&found, &args.suite, printer.screen()));
    }
    Ok(Exit::Done)
}

pub(crate) fn freeze(args: &FreezeArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let options = FreezeOptions {
        suite: args.suite.clone(),
        review: args.review.clone(),
        into: args.into.clone(),
    };
    let frozen = freeze_rows(&options, host)?;
    if args.format.is_json() {
        printer.json(&serde_json::to_string_pretty(&frozen)?);
    } else {
        printer.result(&text::frozen(&frozen, printer.screen()));
    }
    Ok(Exit::Done)
}

/// A day, from its first moment in UTC on, or a moment.
fn moment(text: &str) -> Result<i64, String> {
    let day = || {
        let day: Date = text.parse().ok()?;
        Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    let at = text.parse::<Timestamp>().ok().or_else(day);
    at.map(Timestamp::as_microsecond).ok_or_else(|| {
        "write a day or a moment, such as 2026-11-01 or 2026-11-01T08:00:00Z".to_owned()
    })
}
