//! `evalmark check`: every mistake in the suites and their datasets; asks nothing.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use evalmark_core::number_format::counted;
use evalmark_report::{github::annotations, gitlab::gitlab, sarif::sarif};
use evalmark_runner::{
    CheckedSuite, FileWatch, Host, LoadedSuite, each_once, files_of_suite, reach,
};
use serde_json::json;

use crate::{
    exit::Exit,
    print::{Printer, is_stdout_closed},
};

/// Forms of what is wrong with suites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CheckFormat {
    Text,
    Json,
    Sarif,
    Gitlab,
    Github,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Print, as JSON, the hosts, environment variables, files and programs that the suites reach for
    #[arg(long)]
    pub(crate) permissions: bool,
    /// Fetch datasets that are not on this machine yet; their checksums are told where suites lack them
    #[arg(long)]
    pub(crate) fetch: bool,
    /// Check again whenever a suite, or a file that it names, changes; Ctrl-C ends it
    #[arg(long)]
    pub(crate) watch: bool,
    /// Output format; what is wrong is told on stderr, too
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    format: CheckFormat,
    /// Suite files (YAML)
    #[arg(required = true, value_name = "SUITE")]
    pub(crate) suites: Vec<PathBuf>,
}

pub(crate) fn check(args: &CheckArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    if !args.watch {
        return check_once(args, printer, host);
    }
    let mut changed: Option<PathBuf> = None;
    loop {
        // What changes from here on is seen.
        let before = FileWatch::of(args.suites.iter().flat_map(|path| files_of_suite(path, host)));
        printer.new_screen();
        if let Some(changed) = &changed {
            printer.remark(&format!("{} changed", changed.display()));
        }
        let exit = check_once(args, printer, host)?;
        if is_stdout_closed() {
            return Ok(exit);
        }
        let files = counted(before.n_files() as u64, "file");
        printer.remark(&format!("watching {files}; Ctrl-C ends"));
        changed = Some(before.next_change());
    }
}

fn check_once(args: &CheckArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let mut exit = Exit::Done;
    let mut all_checked = Vec::new();
    for path in &each_once(&args.suites, host) {
        let checked = CheckedSuite::check(path, host);
        for error in &checked.errors {
            printer.run_error(error);
            exit = Exit::Usage;
        }
        let loaded = checked.loaded.as_ref().filter(|_| !args.permissions);
        if let Some(loaded) = loaded.filter(|_| args.format == CheckFormat::Text) {
            describe(&checked, loaded, printer);
        }
        all_checked.push(checked);
    }
    if args.permissions {
        let opened: Vec<_> = all_checked.iter().filter_map(|one| one.loaded.as_ref()).collect();
        printer.result(&format!("{:#}", reach(&opened)));
        return Ok(exit);
    }
    let here = std::env::current_dir().context("the working folder is gone")?;
    let findings = || all_checked.iter().flat_map(|one| one.findings(&here)).collect::<Vec<_>>();
    match args.format {
        CheckFormat::Text => {}
        CheckFormat::Json => {
            let suites: Vec<_> = all_checked.iter().map(CheckedSuite::json).collect();
            printer.json(&format!("{:#}", json!({ "suites": suites })));
        }
        CheckFormat::Sarif => printer.json(&sarif(&findings(), "check")?),
        CheckFormat::Gitlab => printer.json(&gitlab(&findings())?),
        CheckFormat::Github => printer.raw(&annotations(&findings())),
    }
    Ok(exit)
}

fn describe(checked: &CheckedSuite, loaded: &LoadedSuite, printer: Printer) {
    let path = &checked.path;
    for remark in &checked.remarks {
        printer.remark(&format!("{}: {remark}", path.display()));
    }
    let plan = &loaded.plan;
    printer.result(&format!(
        "{}: {} x {} x {} x {} = {}, {}",
        path.display(),
        counted(plan.prompts.len() as u64, "prompt"),
        counted(plan.candidates.len() as u64, "model"),
        counted(plan.profile.n_items, "item"),
        counted(plan.epochs.into(), "epoch"),
        counted(plan.n_samples(), "sample"),
        counted(loaded.metrics.len() as u64, "metric"),
    ));
}
